package Live::RTMP;

# A raw RTMP client: what encoders do, and what they should not. Each chunk can be made by hand.

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep);
use Live::Util qw(now slurp);


# port, host; connects and shakes hands
sub new {
    my ($class, %o) = @_;
    my $self = bless { host => '127.0.0.1', out_size => 128, in_size => 128, in => '', streams => {}, messages => [],
        received => 0, transaction => 0, sent => {}, %o }, $class;

    $self->{socket} = IO::Socket::IP->new(PeerHost => $self->{host}, PeerPort => $self->{port}, Proto => 'tcp',
        Timeout => 5) or die "rtmp connect: $@\n";
    setsockopt $self->{socket}, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->handshake unless $o{no_handshake};

    return $self;
}


sub handshake {
    my ($self) = @_;
    my $c1 = pack('NN', 0, 0) . join '', map { chr(($_ * 7) & 0xff) } 1 .. 1528;
    $self->send("\x03$c1");
    my $s = $self->_take(1 + 1536 + 1536, 10);
    $self->send(substr $s, 1, 1536);
}


sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $end = now() + 20;

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;
        if (!defined $n) {
            die "rtmp write: $!\n" unless $!{EAGAIN} || $!{EINTR};
            die "rtmp write: timeout\n" if now() > $end;
            sleep 0.01;
            next;
        }
        substr $bytes, 0, $n, '';
    }
}


# reads what there is into the buffer, waiting at most so long for it; false at the end of the connection
sub _fill {
    my ($self, $seconds) = @_;
    return 1 unless IO::Select->new($self->{socket})->can_read($seconds);
    my $n = sysread $self->{socket}, my $data, 65536;
    return 0 if !$n;
    $self->{in} .= $data;
    $self->{received} += $n;
    return 1;
}


sub _take {
    my ($self, $n, $seconds) = @_;
    my $end = now() + $seconds;
    while (length $self->{in} < $n) {
        die "rtmp read: timeout\n" if now() > $end;
        $self->_fill(0.1) or die "rtmp read: the server closed the connection\n";
    }
    return substr $self->{in}, 0, $n, '';
}


# true when the server has closed the connection, within so many seconds
sub closed {
    my ($self, $seconds) = @_;
    my $end = now() + $seconds;
    while (now() < $end) {
        return 1 unless $self->_fill(0.1);
        $self->_parse;
    }
    return 0;
}


# all that was sent is read by the server before it sees the end: no answer of its may be left unread here
sub close {
    my ($self) = @_;
    return unless $self->{socket};
    shutdown $self->{socket}, 1;
    my $end = now() + 3;
    while (now() < $end) { last unless $self->_fill(0.1) }
    $self->abort;
}


sub abort { my ($self) = @_; CORE::close(delete $self->{socket}) if $self->{socket} }


# one chunk's basic header
sub basic {
    my ($fmt, $csid) = @_;
    return pack 'C', $fmt << 6 | $csid if $csid < 64;
    return pack 'CC', $fmt << 6, $csid - 64 if $csid < 320;
    return pack 'CCC', $fmt << 6 | 1, ($csid - 64) & 0xff, ($csid - 64) >> 8;
}


# the chunks of a message, not sent: type csid msid payload, and
#   fmt (0)   ts: absolute for fmt 0, a delta for 1 and 2       size: of chunks
#   repeat    the extended timestamp in type-3 chunks too: 1 (as most encoders do, and nginx-rtmp asks), or 0
#   length    said in the header, if not the payload's
sub chunks {
    my ($self, %m) = @_;
    my ($fmt, $csid, $ts) = ($m{fmt} || 0, $m{csid} || 3, ($m{ts} || 0) & 0xffffffff);
    my $size = $m{size} || $self->{out_size};
    my $payload = $m{payload};
    my $length = defined $m{length} ? $m{length} : length $payload;
    my $extended = $ts >= 0xffffff ? pack('N', $ts) : '';
    my $repeat = defined $m{repeat} ? $m{repeat} : 1;

    my $head = basic($fmt, $csid);
    $head .= substr pack('N', $extended ne '' ? 0xffffff : $ts), 1 if $fmt < 3;
    $head .= substr(pack('N', $length), 1) . pack('C', $m{type}) if $fmt < 2;
    $head .= pack 'V', $m{msid} || 0 if $fmt < 1;
    $head .= $extended if $fmt < 3 || $repeat;

    my @chunks = ($head . substr $payload, 0, $size);

    for (my $at = $size; $at < length $payload; $at += $size) {
        push @chunks, basic(3, $csid) . ($repeat ? $extended : '') . substr $payload, $at, $size;
    }

    return @chunks;
}


sub message {
    my ($self, %m) = @_;
    $self->send(join '', $self->chunks(%m));
}


sub set_chunk_size {
    my ($self, $size) = @_;
    $self->message(type => 1, csid => 2, payload => pack 'N', $size);
    $self->{out_size} = $size;
}


# ---- AMF0

sub amf {
    my ($v) = @_;
    return "\x05" unless defined $v;
    return "\x08" . pack('N', scalar keys %{ $$v }) . _properties($$v) if ref $v eq 'REF';
    return "\x03" . _properties($v) if ref $v eq 'HASH';
    return pack 'CC', 1, $$v ? 1 : 0 if ref $v eq 'SCALAR';
    return "\x00" . pack 'd>', $v if $v =~ /^-?\d+(?:\.\d+)?\z/;
    return "\x02" . pack('n', length $v) . $v if length $v < 65536;
    return "\x0c" . pack('N', length $v) . $v;
}


sub amf_string { my ($v) = @_; return length $v < 65536 ? "\x02" . pack('n/a', $v) : "\x0c" . pack('N/a', $v) }


sub _properties {
    my ($h) = @_;
    return join('', map { pack('n/a', $_) . amf($h->{$_}) } sort keys %$h) . "\x00\x00\x09";
}


sub _parse_amf {
    my ($p) = @_;
    my $type = unpack 'C', substr $$p, 0, 1, '';
    if ($type == 0) { return unpack 'd>', substr $$p, 0, 8, '' }
    if ($type == 1) { return unpack 'C', substr $$p, 0, 1, '' }
    if ($type == 2) { my $n = unpack 'n', substr $$p, 0, 2, ''; return substr $$p, 0, $n, '' }
    if ($type == 5 || $type == 6) { return undef }
    if ($type == 3 || $type == 8) {
        substr $$p, 0, 4, '' if $type == 8;
        my %h;
        while (length $$p) {
            my $n = unpack 'n', substr $$p, 0, 2, '';
            my $name = substr $$p, 0, $n, '';
            if ($n == 0 && substr($$p, 0, 1) eq "\x09") { substr $$p, 0, 1, ''; last }
            $h{$name} = _parse_amf($p);
        }
        return \%h;
    }
    die "amf type $type from the server\n";
}


sub command {
    my ($self, $name, $args, %m) = @_;
    my $id = defined $m{transaction} ? $m{transaction} : ++$self->{transaction};
    $self->message(type => 20, csid => 3, payload => join('', amf_string($name), amf($id), @$args), %m);
    return $id;
}


# ---- what the server says

sub _parse {
    my ($self) = @_;

    while (length $self->{in} >= 12 || (length $self->{in} && ord($self->{in}) >> 6)) {
        my $b = ord $self->{in};
        my ($fmt, $csid, $at) = ($b >> 6, $b & 63, 1);
        return if $csid < 2;
        my $need = (11, 7, 3, 0)[$fmt];
        return if length $self->{in} < $at + $need;

        my $st = $self->{streams}{$csid} ||= { payload => '', length => 0, type => 0, ts => 0 };
        my $head = substr $self->{in}, $at, $need;
        $at += $need;

        if ($fmt < 3) {
            $st->{field} = unpack 'N', "\0" . substr $head, 0, 3;
            $st->{length} = unpack 'N', "\0" . substr $head, 3, 3 if $fmt < 2;
            $st->{type} = ord substr $head, 6, 1 if $fmt < 2;
        }

        if (($st->{field} || 0) == 0xffffff) {
            return if length $self->{in} < $at + 4;
            $at += 4;
        }

        my $n = $st->{length} - length $st->{payload};
        $n = $self->{in_size} if $n > $self->{in_size};
        return if length $self->{in} < $at + $n;

        $st->{payload} .= substr $self->{in}, $at, $n;
        substr $self->{in}, 0, $at + $n, '';

        if (length $st->{payload} >= $st->{length}) {
            $self->_message($st->{type}, $st->{payload});
            $st->{payload} = '';
        }
    }
}


sub _message {
    my ($self, $type, $payload) = @_;
    $self->{in_size} = unpack 'N', $payload if $type == 1;
    my $m = { type => $type, payload => $payload, at => now() };

    if ($type == 20) {
        my $p = $payload;
        $m->{command} = _parse_amf(\$p);
        $m->{transaction} = _parse_amf(\$p);
        while (length $p) { push @{ $m->{args} }, _parse_amf(\$p) }
    }

    push @{ $self->{messages} }, $m;
}


# the next message for which the code is true, others are kept; undef if none comes or the server closes
sub wait_message {
    my ($self, $seconds, $code) = @_;
    my $end = now() + $seconds;

    while (1) {
        $self->_parse;
        for my $i (0 .. $#{ $self->{messages} }) {
            local $_ = $self->{messages}[$i];
            return splice @{ $self->{messages} }, $i, 1 if $code->();
        }
        return undef if now() > $end;
        if (!$self->_fill(0.05)) {
            $self->{ended} = 1;
            return undef;
        }
    }
}


# keeps the server's answers from filling the pipe
sub drain {
    my ($self) = @_;
    $self->_fill(0) or return 0;
    $self->_parse;
    return 1;
}


# ---- a publisher's session

sub connect_app {
    my ($self, $app, %o) = @_;
    my $id = $self->command('connect', [amf({ app => $app, type => 'nonprivate', flashVer => 'FMLE/3.0 (test)',
        tcUrl => "rtmp://$self->{host}:$self->{port}/$app", %o })]);
    my $m = $self->wait_message(10, sub { ($_->{command} || '') =~ /^_(result|error)$/ && $_->{transaction} == $id })
        or die "no answer to connect\n";
    return $m->{command} eq '_result';
}


sub create_stream {
    my ($self) = @_;
    my $id = $self->command('createStream', [amf(undef)]);
    my $m = $self->wait_message(10, sub { ($_->{command} || '') eq '_result' && $_->{transaction} == $id })
        or die "no answer to createStream\n";
    return $self->{msid} = $m->{args}[1];
}


# the code of the first onStatus, undef without one
sub publish {
    my ($self, $name, %o) = @_;
    $self->command('publish', [amf(undef), amf_string($name), amf_string($o{type} || 'live')], msid => $self->{msid},
        csid => $o{csid} || 4, transaction => 5);
    return $self->status($o{timeout} || 10);
}


sub status {
    my ($self, $seconds) = @_;
    my $m = $self->wait_message($seconds, sub { ($_->{command} || '') eq 'onStatus' }) or return undef;
    return $m->{args}[1]{code};
}


# all of it, as ffmpeg and OBS do; dies if it is not let in
sub publisher {
    my ($class, %o) = @_;
    my $self = $class->new(%o);
    $self->connect_app($o{app} || 'live') or die "connect refused\n";
    $self->set_chunk_size($o{chunk} || 4096);
    $self->command('releaseStream', [amf(undef), amf_string('x')]);
    $self->command('FCPublish', [amf(undef), amf_string('x')]);
    $self->create_stream;
    my $code = $self->publish($o{key}) || 'nothing';
    die "publish: $code\n" unless $code eq 'NetStream.Publish.Start';
    return $self;
}


# the tags of an FLV file: { type, ts, data }
sub read_flv {
    my ($file) = @_;
    my $flv = slurp($file);
    my $at = 13;
    my @tags;

    while ($at + 11 <= length $flv) {
        my ($type, $size, $ts, $high) = unpack 'C a3 a3 C', substr $flv, $at, 11;
        $size = unpack 'N', "\0$size";
        $ts = unpack('N', "\0$ts") | $high << 24;
        push @tags, { type => $type, ts => $ts, data => substr $flv, $at + 11, $size };
        $at += 11 + $size + 4;
    }

    return @tags;
}


sub is_header { my ($t) = @_; return $t->{type} != 18 && substr($t->{data}, 1, 1) eq "\0" && ($t->{type} == 9
    || (ord $t->{data}) >> 4 == 10) }
sub is_key    { my ($t) = @_; return $t->{type} == 9 && (ord $t->{data}) >> 4 == 1 && substr($t->{data}, 1, 1) eq "\1" }


# one tag; o: as for chunks(), add: to its timestamp, delta: fmt 1 where it is possible
sub tag {
    my ($self, $t, %o) = @_;
    my $csid = $o{csid} || { 8 => 4, 9 => 6, 18 => 5 }->{ $t->{type} };
    my $data = $t->{type} == 18 ? amf_string('@setDataFrame') . $t->{data} : $t->{data};
    my $ts = $t->{ts} + ($o{add} || 0);
    my $last = $self->{sent}{$csid};
    my %m = (type => $t->{type}, csid => $csid, msid => $self->{msid}, payload => $data, ts => $ts, fmt => 0, %o);

    if ($o{delta} && defined $last && $ts >= $last) {
        $m{fmt} = 1;
        $m{ts} = $ts - $last;
    }

    $self->{sent}{$csid} = $ts;
    $self->message(%m);
}


# tags at real time (or at speed => times that, 0: at once); o: as for tag(); from: the moment of timestamp 0
sub tags {
    my ($self, $tags, %o) = @_;
    my $speed = defined $o{speed} ? delete $o{speed} : 1;
    my $zero = defined $o{zero} ? delete $o{zero} : @$tags ? $tags->[0]{ts} : 0;
    my $from = now();

    for my $t (@$tags) {
        if ($speed) {
            my $wait = $from + ($t->{ts} - $zero) / 1000 / $speed - now();
            sleep $wait if $wait > 0;
        }
        $self->tag($t, %o);
        $self->drain or die "the server closed the connection\n";
    }
}


# tags in a process of its own; an object that ends it
sub background {
    my ($self, $tags, %o) = @_;
    my $parent = $$;
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        $SIG{TERM} = 'DEFAULT';
        Live::Util::die_with_parent($parent, POSIX::SIGKILL());
        my $ok = eval { ref $tags eq 'CODE' ? $tags->($self) : $self->tags($tags, %o); 1 };
        POSIX::_exit($ok ? 0 : 1);
    }

    return bless { pid => $pid, owner => $$ }, 'Live::RTMP::Background';
}


package Live::RTMP::Background;

sub alive {
    my ($self) = @_;
    return 0 unless $self->{pid};
    my $status = Live::Util::reap($self->{pid}, 0);
    return 1 unless defined $status;
    $self->{status} = $status;
    delete $self->{pid};
    return 0;
}

# the process's status; undef if it still runs
sub wait {
    my ($self, $seconds) = @_;
    return $self->{status} unless $self->{pid};
    my $status = Live::Util::reap($self->{pid}, $seconds);
    if (defined $status) {
        $self->{status} = $status;
        delete $self->{pid};
    }
    return $status;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill KILL => $pid;
    Live::Util::reap($pid, 5);
}

sub DESTROY { my ($self) = @_; local $?; $self->stop if $self->{owner} == $$ }


1;
