package Live::HTTP;

# HTTP/1.1 over kept-alive connections, any number of them at once. An object is one connection and
# has at most one request under way: start() it, and let run() move all of them; get() does both.

use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use IO::Select;
use IO::Socket::IP;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Live::Util qw(now);


sub new {
    my ($class, %o) = @_;
    return bless { host => '127.0.0.1', connects => 0, %o }, $class;
}


sub _connect {
    my ($self) = @_;
    my $s = IO::Socket::IP->new(PeerHost => $self->{host}, PeerPort => $self->{port}, Proto => 'tcp', Timeout => 5)
        or return undef;
    $s->blocking(0);
    setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->{connects}++;
    return $self->{socket} = $s;
}


sub close {
    my ($self) = @_;
    close delete $self->{socket} if $self->{socket};
    delete $self->{request};
}


# leaves in the middle of whatever is under way
sub abort { $_[0]->close }

sub busy { return $_[0]{request} && !$_[0]{request}{done} ? 1 : 0 }


# begins a request; returns what will be its answer:
#   status, headers (names in small letters), body, sent, first (byte), done (all: monotonic seconds), error
sub start {
    my ($self, $method, $path, %headers) = @_;
    die "a request is under way on this connection\n" if $self->busy;

    my $r = $self->{request} = { method => $method, path => $path, headers => {}, body => '', in => '' };
    my $host = $self->{host} =~ /:/ ? "[$self->{host}]" : $self->{host};

    $r->{out} = "$method $path HTTP/1.1\r\nHost: $host:$self->{port}\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n";

    if (!$self->{socket} && !$self->_connect) {
        return $self->_end("connect: $@");
    }

    $r->{fresh} = $self->{connects} if !$self->{used};
    $r->{sent} = now();
    $self->_write;

    return $r;
}


sub _end {
    my ($self, $error) = @_;
    my $r = $self->{request};
    $r->{done} = now();
    $r->{error} = $error;
    $r->{status} ||= 0;
    CORE::close(delete $self->{socket}) if $self->{socket};
    return $r;
}


sub _write {
    my ($self) = @_;
    my $r = $self->{request};

    while (length $r->{out}) {
        local $SIG{PIPE} = 'IGNORE';
        my $n = syswrite $self->{socket}, $r->{out};
        if (!defined $n) {
            return if $! == EAGAIN || $! == EINTR;
            return $self->_end("write: $!");
        }
        substr $r->{out}, 0, $n, '';
    }
}


sub _read {
    my ($self) = @_;
    my $r = $self->{request};

    while ($self->{socket}) {
        my $n = sysread $self->{socket}, my $data, 262144;

        if (!defined $n) {
            return if $! == EAGAIN || $! == EINTR;
            return $self->_end("read: $!");
        }

        if ($n == 0) {
            return $self->_finish if $r->{until_close};
            return $self->_end('the server closed the connection');
        }

        $r->{first} ||= now();
        $r->{in} .= $data;
        return if $self->_parse;
    }
}


# true when the answer is complete
sub _parse {
    my ($self) = @_;
    my $r = $self->{request};

    if (!$r->{status}) {
        $r->{in} =~ s{^HTTP/1\.[01] (\d\d\d)[^\r\n]*\r\n(.*?)\r\n\r\n}{}s or return 0;
        my ($status, $head) = ($1, $2);
        $r->{status} = $status;
        for my $line (split /\r\n/, $head) {
            my ($name, $value) = $line =~ /^([^:]+):\s*(.*?)\s*$/ or return $self->_end("header line \"$line\"");
            $name = lc $name;
            push @{ $r->{all}{$name} }, $value;
            $r->{headers}{$name} = join ', ', @{ $r->{all}{$name} };
        }
    }

    my $h = $r->{headers};

    if ($r->{method} eq 'HEAD' || $r->{status} == 204 || $r->{status} == 304) {
        return $self->_finish;
    }

    if (($h->{'transfer-encoding'} || '') =~ /chunked/i) {
        return $self->_chunks;
    }

    if (defined $h->{'content-length'}) {
        return 0 if length $r->{in} < $h->{'content-length'};
        $r->{body} = substr $r->{in}, 0, $h->{'content-length'}, '';
        return $self->_finish;
    }

    $r->{until_close} = 1;
    return 0;
}


sub _chunks {
    my ($self) = @_;
    my $r = $self->{request};

    while ($r->{in} =~ /^([0-9a-fA-F]+)[^\r\n]*\r\n/) {
        my ($head, $n) = ($+[0], hex $1);
        return 0 if length $r->{in} < $head + $n + 2;
        $r->{body} .= substr $r->{in}, $head, $n;
        substr $r->{in}, 0, $head + $n + 2, '';
        return $self->_finish if $n == 0;
    }

    return 0;
}


sub _finish {
    my ($self) = @_;
    my $r = $self->{request};

    $r->{body} = $r->{in} if $r->{until_close};
    $r->{done} = now();
    $self->{used} = 1;

    if ($r->{until_close} || ($r->{headers}{connection} || '') =~ /close/i) {
        CORE::close(delete $self->{socket});
        $self->{used} = 0;
    }

    return 1;
}


# moves all of these until the code says so, or one has an answer if there is no code, or so many seconds have
# passed; true if not the latter
sub run {
    my ($connections, $seconds, $code) = @_;
    my $end = now() + $seconds;
    my %was_busy = map { $_ => 1 } grep { $_->busy } @$connections;

    $code ||= sub { return scalar grep { $was_busy{$_} && !$_->busy } @$connections };

    while (1) {
        return 1 if $code->();
        my $left = $end - now();
        return 0 if $left <= 0;

        my ($r, $w) = ('', '');
        my @open = grep { $_->busy && $_->{socket} } @$connections;

        for my $c (@open) {
            vec($r, fileno $c->{socket}, 1) = 1;
            vec($w, fileno $c->{socket}, 1) = 1 if length $c->{request}{out};
        }

        my $n = select $r, $w, undef, $left < 0.25 ? $left : 0.25;
        next if $n <= 0;

        for my $c (@open) {
            my $fd = $c->{socket} ? fileno $c->{socket} : undef;
            $c->_write if defined $fd && vec($w, $fd, 1) && $c->busy;
            $c->_read if defined $fd && vec($r, $fd, 1) && $c->busy && $c->{socket};
        }
    }
}


sub request {
    my ($self, $method, $path, %o) = @_;
    my $timeout = delete $o{timeout} || 20;

    # a kept-alive connection may have been closed by the server meanwhile: once more on a new one
    for my $try (1, 2) {
        my $kept = $self->{socket};
        my $r = $self->start($method, $path, %o);
        run([$self], $timeout, sub { !$self->busy }) or return $self->_end('timeout');
        return $r unless $r->{error} && $kept && $r->{in} eq '' && $try == 1;
        $self->{used} = 0;
    }
}


sub get  { my ($self, $path, %o) = @_; return $self->request('GET', $path, %o) }
sub head { my ($self, $path, %o) = @_; return $self->request('HEAD', $path, %o) }


# a connection to this worker (or, with not => 1, to any other)
sub to_worker {
    my ($class, $port, $pid, %o) = @_;

    my @tried;

    for (1 .. 400) {
        my $c = $class->new(port => $port);
        my $r = $c->get('/worker');
        my $is = ($r->{headers}{'x-worker'} || 0) == $pid;
        if ($o{not} ? !$is : $is) {
            $_->close for @tried;
            return $c;
        }
        push @tried, $c;
    }

    die "no connection to worker $pid in 400 tries\n";
}


1;
