#!/usr/bin/perl

# The same five seconds in every form that RTMP's chunks allow, and some that they do not: what comes out is
# the same media, byte for byte; or the session ends, and nothing else does.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Test::More;
use Time::HiRes qw(sleep);
use Live::HLS;
use Live::HTTP;
use Live::MP4;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(now slurp wait_for);

my $nginx = Live::Nginx->new(keys => undef, store => 'streams=64', app => 'live_window 60s;',
    allow => [qr/too big RTMP chunk size/])->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my @flv = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 5));
pop @flv while $flv[-1]{type} == 9 && substr($flv[-1]{data}, 1, 1) eq "\2";      # the end of the sequence
my @headers = grep { Live::RTMP::is_header($_) || $_->{type} == 18 } @flv;
my @frames = grep { !Live::RTMP::is_header($_) && $_->{type} != 18 } @flv;
my $stream = 0;

sub session { my (%o) = @_; return Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => "s$stream", chunk => 128, %o) }

# what came out of a track: its samples' bytes, seconds, discontinuities, and parts that are gaps
sub media {
    my ($name, $id) = @_;
    my $p = Live::HLS::parse($http->get("/live/$name/$id.m3u8")->{body});
    my %m = (data => '', seconds => 0, discontinuities => 0, gaps => 0, samples => 0);

    for my $s (@{ $p->{segments} }) {
        $m{gaps} += grep { $_->{gap} } @{ $s->{parts} };
        $m{discontinuities}++ if $s->{discontinuity};
        next unless $s->{uri} && !$s->{gap};
        for my $f (Live::MP4::fragments($http->get("/live/$name/$s->{uri}")->{body})) {
            $m{data} .= $f->{data};
            $m{samples} += @{ $f->{samples} };
        }
        $m{seconds} += $s->{duration};
    }

    return \%m;
}

my %reference;

# publishes as the code does, and compares what comes out
sub same {
    my ($what, $code, %o) = @_;
    my $name = 's' . ++$stream;

    my $s = session(%o);
    eval { $code->($s); 1 } or return fail("$what: $@");
    $s->close;
    eval { $nginx->wait_log(qr/live publish ended, stream: "$name"/, 10) };

    my @jumps = grep { /stream: "$name"/ && /jump|went back|timestamp/i } split /\n/, $nginx->log;
    is(scalar @jumps, $o{jumps} || 0, "$what: timestamps as they were meant") or diag(join "\n", @jumps);

    for my $id (qw(v a)) {
        my $m = eval { media($name, $id) } || { data => '', gaps => 0, discontinuities => 0, seconds => 0 };
        my $r = $reference{$id} ||= $m;
        is(md5_hex($m->{data}), md5_hex($r->{data}), "$what: $id is the same, " . length($m->{data}) . ' bytes') if $m != $r;
        cmp_ok(abs($m->{seconds} - $r->{seconds}), '<', 0.05, "$what: $id lasts as long: $m->{seconds} s") unless $o{longer};
        is($m->{gaps} + $m->{discontinuities}, 0, "$what: $id has no gap and no discontinuity") unless $o{longer};
    }
}

sub all { my ($s, %o) = @_; $s->tags(\@flv, speed => 0, %o) }


same('type 0 only', sub { all($_[0]) });
cmp_ok($reference{v}{samples}, '==', scalar(grep { $_->{type} == 9 } @frames), 'every picture is there');

# audio begins with the first picture
my ($begin) = map { $_->{ts} } grep { $_->{type} == 9 } @frames;
my @audio = grep { $_->{type} == 8 && $_->{ts} > $begin - 11 } @frames;
is($reference{a}{samples}, scalar @audio, 'FM-SEG-11 every frame of audio from there on is there');
is(md5_hex($reference{a}{data}), md5_hex(join '', map { substr $_->{data}, 2 } @audio), 'and is what was sent');

same('FM-CHUNK-04 type 1 with deltas', sub { all($_[0], delta => 1) });


# ---- the smallest header that will do: types 2 and 3 for new messages, as FMLE does (0xC4)

sub smallest {
    my ($s) = @_;
    my %st;

    for my $t (@flv) {
        my $csid = { 8 => 4, 9 => 6, 18 => 5 }->{ $t->{type} };
        my $data = ($t->{type} == 18 ? Live::RTMP::amf_string('@setDataFrame') : '') . $t->{data};
        my $last = $st{$csid};
        my ($fmt, $ts) = (0, $t->{ts});

        if ($last) {
            $ts = $t->{ts} - $last->{ts};
            $fmt = $last->{length} != length $data ? 1 : !defined $last->{delta} || $last->{delta} != $ts ? 2 : 3;
        }

        $s->{used}{$fmt}++;
        $st{$csid} = { ts => $t->{ts}, length => length $data, delta => $last ? $ts : undef };
        $s->message(type => $t->{type}, csid => $csid, msid => $s->{msid}, payload => $data, fmt => $fmt, ts => $ts);
        $s->drain;
    }
}

same('FM-CHUNK-04 the smallest headers', \&smallest);

# frames of audio of one length and of 32 ms exactly, so that almost all are type 3
{
    my @radio = grep { $_->{type} == 8 } Live::RTMP::read_flv(Live::Publisher::flv(seconds => 5, video => 0, rate => 32000));
    my $frame = $radio[30];
    my $name = 's' . ++$stream;
    my $s = session();
    $s->tag($radio[0]);
    $s->message(type => 8, csid => 4, msid => $s->{msid}, payload => $frame->{data}, fmt => 0, ts => 1000);
    $s->message(type => 8, csid => 4, msid => $s->{msid}, payload => $frame->{data}, fmt => 2, ts => 32);
    $s->message(type => 8, csid => 4, msid => $s->{msid}, payload => $frame->{data}, fmt => 3) for 1 .. 198;
    $s->close;
    $nginx->wait_log(qr/live publish ended, stream: "$name"/, 5);
    my $m = media($name, 'a');
    is($m->{samples}, 200, 'FM-CHUNK-04 FM-ENC-14 a type 3 begins a new message, 198 times');
    cmp_ok(abs($m->{seconds} - 200 * 0.032), '<', 0.1, 'FM-CHUNK-04 and moves the time on by the same delta');
}

same('FM-CHUNK-04 a type 1 before any type 0, as librtmp pings', sub {
    my ($s) = @_;
    $s->message(type => 4, csid => 2, payload => pack('nN', 6, 1), fmt => 1, ts => 0);
    all($s);
});

same('FM-CHUNK-04 media that begins with type 1', sub {
    my ($s) = @_;
    my %seen;
    for my $t (@flv) {
        # what was never said is 0: the stream id too, as some encoders leave it
        my $csid = $t->{type} + 20;
        $s->tag($t, csid => $csid, fmt => $seen{$csid} ? 1 : 1, ts => $t->{ts} - ($seen{$csid} || 0));
        $seen{$csid} = $t->{ts};
    }
});


# ---- timestamps

for my $case ([0xffffff - 2500, 'FM-CHUNK-01 24 bits to 32: the extended timestamp comes in, repeated in type 3'],
    [0x1000000, 'FM-CHUNK-01 all of them extended'], [0x7fffffff - 2500, 'FM-CHUNK-03 beyond 31 bits'],
    [0xffffffff - 2500, 'FM-CHUNK-03 beyond 32 bits'])
{
    my ($add, $what) = @$case;
    same($what, sub { all($_[0], add => $add) });
    same("$what, by deltas", sub { all($_[0], add => $add, delta => 1) });
}

same('FM-CHUNK-03 a clock of 31 bits that wraps', sub {
    my ($s) = @_;
    $s->tag({ %$_, ts => ($_->{ts} + 0x7fffffff - 2500) & 0x7fffffff }) for @flv;
});

# a delta of more than 24 bits: what is behind it is 4.66 hours later, by one jump and not two
same('FM-CHUNK-02 an extended delta is a delta', sub {
    my ($s) = @_;
    my ($n, $base, $last) = (0, 5000, 0);

    for my $t (@flv) {
        if ($t->{type} == 9 && ++$n == 60) {
            my $far = 0x1000000 + $t->{ts} - $last;
            $s->message(type => 9, csid => 6, msid => $s->{msid}, payload => $t->{data}, fmt => 1, ts => $far);
            $base += 0x1000000;
        } else {
            $s->tag($t, add => $base);
        }
        $last = $t->{ts} if $t->{type} == 9;
    }
}, jumps => 1);

# left out of type 3, as librtmp does: nginx-rtmp 1.2.2 takes four bytes of the frame for it
{
    my $name = 's' . ++$stream;
    my $s = session();
    my $other = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'bystander');
    eval { $s->tag($_, add => 0x2000000, repeat => 0) for @flv; };
    $s->closed(1);
    $s->close;
    ok($nginx->wait_log(qr/live publish ended, stream: "$name"/, 5), 'FM-CHUNK-01 FM-ENC-03 extended timestamps left out of type 3: the session ends');
    ok(!$other->closed(0.2), 'FM-CHUNK-01 and no other');
    $other->close;

    # with chunks that hold a message whole there is nothing to leave out
    same('FM-CHUNK-01 left out of type 3, in chunks that need none', sub { $_[0]->set_chunk_size(1000000); all($_[0], add => 0x2000000, repeat => 0) });
}


# ---- chunk sizes

for my $size (1, 2, 127, 4096, 65536, 10485760) {
    same("chunks of $size", sub {
        $_[0]->set_chunk_size($size);
        my @some = $size < 3 ? grep({ $_->{ts} < 400 } @flv) : @flv;
        all($_[0]);
    });
}

# in the middle of a message: what has come stays, what comes is of the new size. nginx-rtmp 1.2.2 can do that
# where what has come fits into one of the new chunks.
same('FM-CHUNK-05 larger chunks in the middle of messages', sub {
    my ($s) = @_;

    for my $t (@flv) {
        my $to = 3 * $s->{out_size};
        my %m = (type => $t->{type}, csid => 6, msid => $s->{msid}, ts => $t->{ts},
            payload => ($t->{type} == 18 ? Live::RTMP::amf_string('@setDataFrame') : '') . $t->{data});

        if ($to > 1000000 || length $m{payload} < 2 * $s->{out_size} + 1) {
            $s->message(%m);
            next;
        }

        my ($first, $second) = $s->chunks(%m);
        my $at = 2 * $s->{out_size};
        $s->send($first . $second);
        $s->set_chunk_size($to);
        $s->{changes}++;

        for ( ; $at < length $m{payload}; $at += $to) {
            $s->send(Live::RTMP::basic(3, 6) . substr $m{payload}, $at, $to);
        }
    }

    die "$s->{changes} changes only\n" if $s->{changes} < 3;
});

same('FM-CHUNK-05 smaller chunks, between messages, when all was read', sub {
    my ($s) = @_;
    my @sizes = (60000, 10000, 700);
    for my $t (@flv) {
        if (Live::RTMP::is_key($t) && @sizes) {
            sleep 0.2;
            $s->set_chunk_size(shift @sizes);
            sleep 0.2;
        }
        $s->tag($t);
    }
});

# with more behind it in the same packet nginx-rtmp 1.2.2 loses what its smaller buffer cannot hold
{
    my $name = 's' . ++$stream;
    my $other = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'bystander');
    my $s = session(chunk => 4096);
    eval {
        my $all = join '', map { $s->chunks(type => $_->{type}, csid => 6, msid => $s->{msid}, ts => $_->{ts}, payload => $_->{data}, size => 128) } @flv;
        $s->send(join '', $s->chunks(type => 1, csid => 2, payload => pack 'N', 128), $all);
    };
    $s->closed(1);
    $s->close;
    ok($nginx->wait_log(qr/live publish ended, stream: "$name"/, 5), 'FM-CHUNK-05 smaller chunks with more behind them: the session may end');
    ok(!$other->closed(0.2), 'FM-CHUNK-05 and no other');
    $other->close;
}

for my $size (0, 10485761, 0x7fffffff, 0x80000000, 0xffffffff) {
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    eval {
        $s->message(type => 1, csid => 2, payload => pack 'N', $size);
        $s->command('connect', [Live::RTMP::amf({ app => 'live' })]);
        $s->wait_message(0.2, sub { 0 });
    };
    $s->close;
    is($http->get('/worker')->{status}, 200, "a chunk size of $size: nginx goes on");
}


# ---- chunk streams

for my $case ([64, 65], [255, 100], [70, 71]) {
    my ($video, $audio) = @$case;
    same("FM-CHUNK-07 chunk streams $video and $audio", sub {
        $_[0]->tag($_, csid => $_->{type} == 9 ? $video : $audio, delta => 1) for @flv;
    });
}

{
    # three bytes, where two would do
    no warnings 'redefine';
    my $basic = \&Live::RTMP::basic;
    local *Live::RTMP::basic = sub {
        my ($fmt, $csid) = @_;
        return $csid < 64 ? $basic->($fmt, $csid) : pack 'CCC', $fmt << 6 | 1, ($csid - 64) & 0xff, ($csid - 64) >> 8;
    };
    same('FM-CHUNK-07 the form of three bytes', sub { $_[0]->tag($_, csid => 60 + $_->{type}) for @flv });
}

for my $csid (256, 319, 320, 65599) {
    my $name = 's' . ++$stream;
    my $s = session();
    eval { $s->tag($_, csid => $csid) for @flv };
    ok($s->closed(3), "FM-CHUNK-07 chunk stream $csid, above max_streams: the session ends");
    $s->close;
}

# the chunks of each message between those of the one behind it
same('FM-CHUNK-08 interleaved messages', sub {
    my ($s) = @_;
    my %before = (csid => 0, chunks => []);
    for my $t (@flv) {
        my $csid = { 8 => 4, 9 => 6, 18 => 5 }->{ $t->{type} };
        my @chunks = $s->chunks(type => $t->{type}, csid => $csid, msid => $s->{msid}, ts => $t->{ts},
            payload => ($t->{type} == 18 ? Live::RTMP::amf_string('@setDataFrame') : '') . $t->{data});

        # no two messages of one chunk stream at a time
        $s->send(join '', splice @{ $before{chunks} }) if $before{csid} == $csid;
        while (@{ $before{chunks} } && @chunks > 1) { $s->send(shift(@chunks) . shift @{ $before{chunks} }) }
        $s->send(join '', @{ $before{chunks} });
        %before = (csid => $csid, chunks => \@chunks);
    }
    $s->send(join '', @{ $before{chunks} });
});

same('FM-CHUNK-08 messages that are aborted and sent again', sub {
    my ($s) = @_;
    my $n = 0;
    for my $t (@flv) {
        if ($t->{type} == 9 && length $t->{data} > 500 && $n++ < 40) {
            my @chunks = $s->chunks(type => 9, csid => 6, msid => $s->{msid}, ts => $t->{ts}, payload => $t->{data});
            $s->send(join '', @chunks[0 .. $n % @chunks - ($n % @chunks == $#chunks ? 1 : 0)]);
            $s->message(type => 2, csid => 2, payload => pack 'N', 6);
        }
        $s->tag($t);
    }
});

same('FM-CHUNK-08 aborts of nothing', sub {
    my ($s) = @_;
    $s->message(type => 2, csid => 2, payload => pack 'N', $_) for 0, 1, 2, 3, 6, 63, 255, 256, 0x7fffffff, 0xffffffff;
    $s->message(type => 2, csid => 2, payload => 'abc');
    $s->message(type => 2, csid => 2, payload => '');
    all($s);
});

{
    # chunk streams left in the middle of their messages
    my $name = 's' . ++$stream;
    my $s = session();
    for my $csid (3 .. 250) {
        my ($first) = $s->chunks(type => 9, csid => $csid, msid => $s->{msid}, payload => 'x' x 5000);
        $s->send($first);
    }
    $s->close;
    ok($nginx->wait_log(qr/live publish ended, stream: "$name"/, 5), 'FM-CHUNK-08 a session that leaves 248 messages unfinished');
}

for my $case (['shorter', 200], ['longer', 100000], ['nothing', 0], ['above max_message', 0xffffff]) {
    my ($what, $length) = @$case;
    my $name = 's' . ++$stream;
    my $s = session();
    $s->tag($_) for @headers;
    my ($key) = grep { Live::RTMP::is_key($_) } @frames;
    eval {
        my @chunks = $s->chunks(type => 9, csid => 6, msid => $s->{msid}, payload => $key->{data});
        $s->send(join '', @chunks[0 .. 3]);
        $s->send(($s->chunks(type => 9, csid => 6, msid => $s->{msid}, payload => substr($key->{data}, 512), length => $length))[0]);
        $s->send(join '', map { Live::RTMP::basic(3, 6) . substr $key->{data}, $_ * 128, 128 } 5 .. 30);
        $s->drain;
    };
    $s->close;
    ok($nginx->wait_log(qr/live publish ended, stream: "$name"/, 5), "FM-CHUNK-06 a length that changes in the middle, to $what: one session ends");
}


# ---- acknowledgements

{
    my $name = 's' . ++$stream;
    my $s = session(chunk => 65536);
    my $sent = 0;
    for (1 .. 40) {
        $s->message(type => 18, csid => 5, msid => $s->{msid}, payload => Live::RTMP::amf_string('onFI') . ('x' x 150000));
        $sent += 150000;
        $s->drain;
    }
    my $ack = $s->wait_message(3, sub { $_->{type} == 3 });
    ok($ack, 'FM-CHUNK-09 bytes are acknowledged, though no window was set');
    cmp_ok(unpack('N', $ack->{payload}), '>', 1000000, 'FM-CHUNK-09 by their number') if $ack;
    $s->close;

    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->message(type => 5, csid => 2, payload => pack 'N', 50000);
    $s->connect_app('live');
    $s->set_chunk_size(65536);
    $s->create_stream;
    $s->publish('s' . ++$stream);
    my $acks = 0;
    for (1 .. 20) {
        $s->message(type => 18, csid => 5, msid => $s->{msid}, payload => Live::RTMP::amf_string('onFI') . ('x' x 50000));
        $acks++ while $s->wait_message(0.02, sub { $_->{type} == 3 });
    }
    cmp_ok($acks, '>=', 10, "FM-CHUNK-09 a window that was set is kept: $acks acknowledgements");
    $s->close;
}


# ---- a byte at a time

same('byte by byte', sub {
    my ($s) = @_;
    my $send = $s->can('send');
    no warnings 'redefine';
    my $left = 6000;
    local *Live::RTMP::send = sub {
        my ($self, $bytes) = @_;
        my $n = $left < length $bytes ? $left : length $bytes;
        $left -= $n;
        $send->($self, substr $bytes, $_, 1) for 0 .. $n - 1;
        $send->($self, substr $bytes, $n) if $n < length $bytes;
    };
    all($s);
});


$nginx->stop;
done_testing;
