package Live::Viewer;

# A strict low-latency player without a picture: for each track it keeps a blocking reload and a request
# for the hinted part under way, takes delta updates, and demands that every part arrives, in order,
# on an unbroken media clock.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(time);
use Live::HLS;
use Live::HTTP;
use Live::MP4;
use Live::Util qw(now);


# port, path (/live/demo/index.m3u8); worker: the pid that all connections begin on; tracks: ids, all by default;
# delta (1): ask for delta updates; whole (1): fetch complete segments too and compare them with their parts;
# hls: options for Live::HLS
sub new {
    my ($class, %o) = @_;
    return bless { path => '/live/demo/index.m3u8', delta => 1, whole => 1, %o, errors => [], tracks => undef,
        reconnects => 0, statuses => {}, requests => 0 }, $class;
}


sub wrong {
    my ($self, $text) = @_;
    push @{ $self->{errors} }, $text if @{ $self->{errors} } < 50;
}


sub errors {
    my ($self) = @_;
    return (@{ $self->{errors} }, map { $_->{list}->errors } @{ $self->{tracks} || [] });
}


sub _connection {
    my ($self) = @_;
    my $http = $self->{worker} ? Live::HTTP->to_worker($self->{port}, $self->{worker}) : Live::HTTP->new(port => $self->{port});
    push @{ $self->{connections} }, $http;
    return $http;
}


# reads the multivariant playlist
sub open {
    my ($self) = @_;
    my ($base) = $self->{path} =~ m{^(.*/)};
    my $r = $self->_connection->get($self->{path});

    if ($r->{status} != 200) {
        $self->wrong("multivariant playlist: $r->{status} " . ($r->{error} || ''));
        return $self;
    }

    my $m = eval { Live::HLS::multivariant($r->{body}) };
    if (!$m) {
        $self->wrong("multivariant playlist: $@");
        return $self;
    }

    $self->{multivariant} = $m;
    my @uris = map { $_->{uri} } @{ $m->{variants} };
    push @uris, map { $_->{URI} } grep { $_->{URI} } @{ $m->{media} };

    for my $uri (@uris) {
        my ($id) = $uri =~ /^([a-z0-9]+)\.m3u8/;
        next if $self->{only} && !grep { $_ eq $id } @{ $self->{only} };
        push @{ $self->{tracks} }, { id => $id, uri => $base . $uri, base => $base, got => {}, ages => [], gaps => 0, count => 0,
            refused => '', statuses => {},
            list => Live::HLS->new(name => $id, %{ $self->{hls} || {} }),
            map { $_ => $self->_connection } qw(reload part segment) };
    }

    return $self;
}


# all viewers play for so many seconds, or until the code is true (which is returned)
sub play {
    my ($viewers, $seconds, $code) = @_;
    my $end = now() + $seconds;

    while (1) {
        $_->_step for @$viewers;
        if ($code && $code->()) { return 1 }
        my $left = $end - now();
        return 0 if $left <= 0;
        my @busy = grep { $_->busy } map { @{ $_->{connections} } } @$viewers;
        if (@busy) { Live::HTTP::run(\@busy, $left < 0.1 ? $left : 0.1) }
        else { select undef, undef, undef, 0.02 }
    }
}


sub _step {
    my ($self) = @_;
    return if $self->{closed};
    for my $t (@{ $self->{tracks} || [] }) {
        $self->_reload_step($t) unless $t->{ended};
        $self->_part_step($t);
        $self->_segment_step($t) if $self->{whole};
    }
}


# the answer on one of a track's connections, once: undef while it is under way
sub _answer {
    my ($self, $t, $what) = @_;
    my $r = $t->{"r_$what"} or return undef;
    return undef unless $r->{done};
    delete $t->{"r_$what"};

    if ($r->{error}) {
        my $when = sprintf '%s %s: %s', $t->{id}, $what, $r->{error};
        $self->{reconnects}++;
        push @{ $self->{lost} }, $when;
        $t->{"again_$what"} = now() + 0.1;
        return undef;
    }

    $self->{statuses}{ $r->{status} }++;
    return $r;
}


sub _ask {
    my ($self, $t, $what, $path, %more) = @_;
    return if ($t->{"again_$what"} || 0) > now();
    $self->{requests}++;
    my $r = $t->{$what}->start('GET', $path);
    $r->{$_} = $more{$_} for keys %more;
    $t->{"r_$what"} = $r;
}


sub _reload_step {
    my ($self, $t) = @_;

    if (my $r = $self->_answer($t, 'reload')) {
        $self->_playlist($t, $r);
    }

    return if $t->{r_reload} || $t->{ended};

    my $p = $t->{list}->now;

    if (!$p) {
        $self->_ask($t, 'reload', $t->{uri});
        return;
    }

    my ($msn, $index) = Live::HLS::next_part($p);
    my $skip = $self->{delta} && $p->{control}{'CAN-SKIP-UNTIL'} && !$t->{whole_next} ? '&_HLS_skip=YES' : '';
    my $join = $t->{uri} =~ /\?/ ? '&' : '?';
    $t->{whole_next} = 0;

    $self->_ask($t, 'reload', "$t->{uri}${join}_HLS_msn=$msn&_HLS_part=$index$skip", wanted => [$msn, $index],
        others => { map { $_->{id} => [$_->{list}->now ? Live::HLS::edge($_->{list}->now) : (-1, -1)] } @{ $self->{tracks} } });
}


sub _playlist {
    my ($self, $t, $r) = @_;

    if ($r->{status} == 503) {
        # nothing came for three target durations: tried again
        $t->{timeouts}++;
        return;
    }

    if ($r->{status} != 200) {
        $t->{statuses}{$r->{status}}++;
        $self->wrong("$t->{id}: playlist $r->{path}: $r->{status}") unless $self->{may_fail};
        $t->{again_reload} = now() + 0.2;
        return;
    }

    my $before = $t->{list}->now;
    my $p = $t->{list}->feed($r->{body});

    if (!$p) {
        $t->{whole_next} = 1;
        return;
    }

    $t->{ended} = 1 if $p->{ended};

    if ($r->{wanted} && !$p->{ended}) {
        my ($msn, $index) = Live::HLS::next_part($p);
        my ($wm, $wi) = @{ $r->{wanted} };
        $self->wrong("$t->{id}: asked for $wm.$wi, got a playlist that ends before $msn.$index")
            if $msn < $wm || ($msn == $wm && $index <= $wi);
    }

    # a delta update every time but each eighth, so that both are compared with what came before
    $t->{whole_next} = 1 if $t->{list}{feeds} % 8 == 0;

    $self->_reports($t, $r, $p) if $r->{others};
    $self->_begin($t, $p) unless $before;
    $self->_verify($t);
}


# what a report says is not older than what we knew when we asked
sub _reports {
    my ($self, $t, $r, $p) = @_;
    return if $p->{ended};

    for my $o (grep { $_ != $t } @{ $self->{tracks} }) {
        my ($uri) = $o->{uri} =~ m{([^/]+)$};
        my $report = $p->{reports}{$uri};

        if (!$report) {
            $self->wrong("$t->{id}: no report for $uri");
            next;
        }

        my ($msn, $index) = @{ $r->{others}{ $o->{id} } || [-1, -1] };
        $self->wrong("$t->{id}: report $uri of $report->[0].$report->[1], known was $msn.$index")
            if $report->[0] < $msn || ($report->[0] == $msn && $report->[1] < $index);

        $self->{reports}++;
        $o->{reported} = $report;
    }
}


# playing starts with the last independent part that is PART-HOLD-BACK before the end
sub _begin {
    my ($self, $t, $p) = @_;
    my $behind = 0;

    for my $part (reverse map { @{ $_->{parts} } } @{ $p->{segments} }) {
        $behind += $part->{duration};
        $t->{next} = [$part->{msn}, $part->{index}] if $part->{independent} || !$t->{next};
        last if $behind >= $p->{control}{'PART-HOLD-BACK'} && $part->{independent};
    }

    $t->{next} ||= [Live::HLS::next_part($p)];
    $t->{verified} = [@{ $t->{next} }];
    $self->_init($t, $p->{segments}[-1]{map});
}


sub _init {
    my ($self, $t, $uri) = @_;
    return if $t->{inits}{$uri};

    # while others are under way, so on a connection of its own
    my $r = Live::HTTP->new(port => $self->{port})->get($t->{base} . $uri);
    my $init = $r->{status} == 200 ? eval { Live::MP4::init($r->{body}) } : undef;

    $self->wrong("$t->{id}: init $uri: $r->{status} " . ($@ || '')) unless $init;
    $t->{inits}{$uri} = $init || { timescale => 1 };
}


# parts in order: those listed, then the hinted one
sub _part_step {
    my ($self, $t) = @_;

    if (my $r = $self->_answer($t, 'part')) {
        $self->_part($t, $r);
    }

    return if $t->{r_part} || !$t->{next};

    my $p = $t->{list}->now;
    my ($msn, $index) = @{ $t->{next} };

    for my $s (@{ $p->{segments} }) {
        next if $s->{msn} < $msn;

        # its segment is complete and had no such part
        if ($s->{msn} == $msn && $s->{uri} && @{ $s->{parts} } && $index > $#{ $s->{parts} }) {
            ($msn, $index) = ($msn + 1, 0);
            next;
        }

        ($msn, $index) = ($s->{msn}, 0) if $s->{msn} > $msn;

        my $part = $s->{parts}[$index];
        if (!$part) {
            $self->wrong("$t->{id}: part $msn.$index was missed, its parts have left the playlist") if $s->{uri}
                && !$t->{missed}{"$msn.$index"}++;
            last;
        }

        $t->{next} = [$msn, $index];

        if ($part->{gap}) {
            $t->{gaps}++;
            $t->{got}{"$msn.$index"} = { gap => 1 };
            $t->{next} = [$msn, $index + 1];
            return;
        }

        $self->_ask($t, 'part', $t->{base} . $part->{uri}, msn => $msn, index => $index, listed => 1);
        return;
    }

    $t->{next} = [$msn, $index];

    return if $p->{ended} || !$p->{hint} || $p->{hint} eq $t->{refused};

    my ($hm, $hi) = $p->{hint} =~ /-(\d+)\.(\d+)\.m4s/;
    return unless $hm == $msn && $hi == $index;

    $self->_ask($t, 'part', $t->{base} . $p->{hint}, msn => $hm, index => $hi, hint => $p->{hint});
}


sub _part {
    my ($self, $t, $r) = @_;
    my $id = "$r->{msn}.$r->{index}";

    if ($r->{status} != 200) {
        if ($r->{hint}) {
            # it will not come: the playlist will say what comes instead
            $t->{refused} = $r->{hint} unless $r->{status} == 503;
            $t->{hints_refused}++;
            return;
        }

        $self->wrong("$t->{id}: part $id: $r->{status}");
        $t->{got}{$id} = { lost => 1 };
        $t->{next} = [$r->{msn}, $r->{index} + 1];
        return;
    }

    my @f = eval { Live::MP4::fragments($r->{body}) };

    if (@f != 1) {
        $self->wrong("$t->{id}: part $id: " . ($@ || @f . ' fragments'));
        @f = ({ tfdt => 0, end => 0 });
    }

    delete $f[0]{data};
    $t->{got}{$id} = { %{ $f[0] }, at => time, size => length $r->{body}, body => $r->{body}, hinted => $r->{hint} ? 1 : 0 };
    $t->{count}++;
    $t->{hinted}++ if $r->{hint};
    $t->{next} = [$r->{msn}, $r->{index} + 1];
    $self->_verify($t);
}


# parts that are both here and listed, in order
sub _verify {
    my ($self, $t) = @_;
    my $p = $t->{list}->now or return;

    for my $s (@{ $p->{segments} }) {
        next if !$t->{verified} || $s->{msn} < $t->{verified}[0];
        return if !@{ $s->{parts} };

        my $offset = 0;

        for my $part (@{ $s->{parts} }) {
            my $start = $offset;
            $offset += $part->{duration};
            next if $s->{msn} == $t->{verified}[0] && $part->{index} < $t->{verified}[1];

            my $got = $t->{got}{"$part->{msn}.$part->{index}"} or return;
            $self->_clock($t, $s, $part, $got, $start);
            $t->{verified} = [$s->{msn}, $part->{index} + 1];
        }

        return unless $s->{uri};

        push @{ $t->{closed} }, $s if $self->{whole} && !grep { !$t->{got}{"$_->{msn}.$_->{index}"} } @{ $s->{parts} };
        $t->{verified} = [$s->{msn} + 1, 0];
    }
}


# the media clock goes on where the part before ended; it may jump at a discontinuity and over a gap
sub _clock {
    my ($self, $t, $s, $part, $got, $start) = @_;
    my $id = "$t->{id}: part $part->{msn}.$part->{index}";

    $t->{played}++;

    if ($got->{gap} || $got->{lost}) {
        delete $t->{clock};
        return;
    }

    $self->_init($t, $s->{map});
    my $scale = $t->{inits}{ $s->{map} }{timescale};
    my $jump = $s->{discontinuity} && $part->{index} == 0;

    if (defined $t->{clock} && !$jump && $got->{tfdt} != $t->{clock}) {
        $self->wrong("$id begins at $got->{tfdt}, the one before ended at $t->{clock}");
    }

    if ($jump && defined $t->{last_end} && $got->{tfdt} / $scale < $t->{last_end} - 0.001) {
        $self->wrong("$id goes back to $got->{tfdt}, behind a discontinuity");
    }

    $self->wrong("$id is independent in the playlist and not in its bytes") if $part->{independent} && !$got->{key};

    my $lasts = ($got->{end} - $got->{tfdt}) / $scale;
    $self->wrong("$id lasts $lasts s, it says $part->{duration}")
        if !$self->{loose} && abs($lasts - $part->{duration}) > 0.05;

    $t->{clock} = $got->{end};
    $t->{last_end} = $got->{end} / $scale;

    # how old its last frame was when its last byte was here; in delays also of those that came late, without a hint
    my $age = $got->{at} - ($s->{pdt} / 1000 + $start + $part->{duration});
    push @{ $t->{ages} }, $age if $got->{hinted};
    push @{ $t->{delays} }, $age;
}


# a complete segment is its parts, one behind the other
sub _segment_step {
    my ($self, $t) = @_;

    if (my $r = $self->_answer($t, 'segment')) {
        my $s = delete $t->{fetching};
        my $parts = join '', map { $_->{body} || '' } map { $t->{got}{"$_->{msn}.$_->{index}"} } @{ $s->{parts} };

        if ($r->{status} != 200) { $self->wrong("$t->{id}: segment $s->{msn}: $r->{status}") }
        elsif (md5_hex($r->{body}) ne md5_hex($parts)) {
            $self->wrong("$t->{id}: segment $s->{msn} of " . length($r->{body}) . ' bytes, its parts have ' . length $parts);
        }
        else { $t->{segments}++ }

        delete $t->{got}{"$_->{msn}.$_->{index}"} for @{ $s->{parts} };
    }

    return if $t->{r_segment};

    if (!$t->{fetching}) {
        $t->{fetching} = shift @{ $t->{closed} || [] } or return;
        if ($t->{fetching}{gap}) {
            delete $t->{fetching};
            return;
        }
    }

    $self->_ask($t, 'segment', $t->{base} . $t->{fetching}{uri});
}


sub close {
    my ($self) = @_;
    $_->close for @{ $self->{connections} };
    $self->{closed} = 1;
}


# how often each connection was lost: { "v reload" => n, ... }
sub losses {
    my ($self) = @_;
    my %n;
    for (@{ $self->{lost} || [] }) { $n{$1}++ if /^(\w+ \w+):/ }
    return \%n;
}


# of all parts since the mark, hinted or not: median, max and n; the mark is the n of before
sub delays {
    my ($self, $id, $from) = @_;
    my @d = @{ $self->track($id)->{delays} || [] };
    splice @d, 0, $from || 0;
    @d = sort { $a <=> $b } @d;
    return { n => scalar @d, median => $d[@d / 2], max => $d[-1] };
}


# numbers to look at, of one track
sub track { my ($self, $id) = @_; my ($t) = grep { $_->{id} eq $id } @{ $self->{tracks} }; return $t }
sub parts { my ($self, $id) = @_; my $t = $self->track($id); return $t ? $t->{played} || 0 : 0 }


# of the parts that came by their hint since the mark
sub ages {
    my ($self, $id, $from) = @_;
    my @ages = @{ $self->track($id)->{ages} };
    splice @ages, 0, $from || 0;
    @ages = sort { $a <=> $b } @ages;
    return { n => scalar @ages, median => $ages[@ages / 2], max => $ages[-1], min => $ages[0] };
}


1;
