#!/usr/bin/perl

# Garbage on the RTMP port, from its first byte to the middle of a publication: a broadcaster and a viewer
# beside it notice nothing.

use strict;
use warnings;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(sleep);
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(slurp wait_for);
use Live::Viewer;

my $seed = $ENV{LIVE_TEST_SEED} || 20260101;
srand $seed;
diag("LIVE_TEST_SEED=$seed") if $ENV{LIVE_TEST_SEED};

my $nginx = Live::Nginx->new(keys => { secret => 'demo', other => 'other' }, rtmp_server => 'timeout 5s;',
    allow => [qr/too big RTMP chunk size/])->start;
my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'));
my $http = Live::HTTP->new(port => $nginx->{http_port});
wait_for('the stream', 10, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });

my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, worker => $_)->open } $nginx->workers;
my @workers = $nginx->workers;
my @held;

sub raw {
    my ($bytes, %o) = @_;
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $nginx->{rtmp_port}, Proto => 'tcp') or die "connect: $@";
    local $SIG{PIPE} = 'IGNORE';
    $s->blocking(0);
    syswrite $s, $bytes;
    $o{hold} ? push @held, $s : close $s;
}

sub random { return join '', map { chr int rand 256 } 1 .. $_[0] }

# a session as far as some point: 0 shaken hands, 1 connected, 2 publishing
sub session {
    my ($as_far_as) = @_;
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    return $s if $as_far_as == 0;
    $s->connect_app('live');
    return $s if $as_far_as == 1;
    $s->set_chunk_size(4096);
    $s->create_stream;
    $s->publish('other');
    return $s;
}

sub play { my ($seconds) = @_; Live::Viewer::play(\@viewers, $seconds) }

sub fine {
    my ($what) = @_;
    play(1);
    is(join(' ', $nginx->workers), join(' ', @workers), "$what: no worker died");
    is(join("\n", map { $_->errors } @viewers), '', "$what: viewers notice nothing");
    ok($publisher->alive, "$what: nor does the broadcaster");
}


# ---- before and in the handshake

raw('');
raw("\x03");
raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . random(500));
raw("\x06" . random(3072));
raw("\x03" . random(1535));
raw(random(1 + int rand 5000)) for 1 .. 40;
raw("\x00" x 100000);
raw("\xff" x 100000);
raw("\x03" . random(100), hold => 1) for 1 .. 30;
fine('handshakes');


# ---- random chunks, at each point of a session

for my $point (0 .. 2) {
    for (1 .. 25) {
        my $s = session($point);
        eval { $s->send(random(1 + int rand 3000)); $s->drain };
        $s->abort;
        play(0.01);
    }
}

fine('random chunks');


# ---- a good session with bytes changed, left out and put in

{
    my @flv = grep { $_->{ts} < 1500 } Live::RTMP::read_flv(Live::Publisher::flv(seconds => 5));
    my $good = '';
    my $collect = Live::RTMP->new(port => $nginx->{rtmp_port});

    # the bytes of connect, createStream, publish and media
    {
        no warnings 'redefine';
        local *Live::RTMP::send = sub { $good .= $_[1] };
        $collect->command('connect', [Live::RTMP::amf({ app => 'live', tcUrl => 'rtmp://x/live' })]);
        $collect->set_chunk_size(4096);
        $collect->command('createStream', [Live::RTMP::amf(undef)]);
        $collect->command('publish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('other'), Live::RTMP::amf_string('live')], msid => 1);
        $collect->{msid} = 1;
        $collect->tag($_) for @flv;
    }
    $collect->abort;

    for my $i (1 .. 150) {
        my $bytes = $good;

        for (1 .. 1 + int rand 8) {
            my $at = rand() < 0.5 ? int rand 400 : int rand length $bytes;
            my $what = int rand 4;
            if    ($what == 0) { substr $bytes, $at, 1, chr int rand 256 }
            elsif ($what == 1) { substr $bytes, $at, 1 + int rand 4, '' }
            elsif ($what == 2) { substr $bytes, $at, 0, random(1 + int rand 4) }
            else               { substr $bytes, $at, 4, pack 'N', (0xffffffff, 0x7fffffff, 0xffffff, 0, 0x80000000)[rand 5] if $at + 4 < length $bytes }
        }

        my $s = session(0);
        eval { $s->send($bytes); $s->drain };
        $i % 3 ? $s->abort : $s->close;
        play(0.01);
    }
}

fine('sessions with bytes changed');


# ---- commands

my @commands = (
    ['connect', ''], ['connect', Live::RTMP::amf(undef)], ['connect', "\x03\xff\xff"], ['connect', Live::RTMP::amf({ app => 'x' x 60000 })],
    ['connect', Live::RTMP::amf({ app => "live\0/../x", tcUrl => '%n%s%p' x 200 })],
    ['connect', "\x03" . ("\x00\x01a\x03" x 5000)], ['connect', "\x0a\xff\xff\xff\xff"], ['connect', "\x08\xff\xff\xff\xff\x00"],
    ['createStream', ''], ['deleteStream', Live::RTMP::amf(undef) . Live::RTMP::amf(1e300)], ['closeStream', Live::RTMP::amf(undef)],
    ['deleteStream', Live::RTMP::amf(undef) . "\x00\x7f\xf8\0\0\0\0\0\0"], ['play', Live::RTMP::amf(undef) . Live::RTMP::amf_string('x' x 70000)],
    ['play', Live::RTMP::amf(undef) . Live::RTMP::amf_string('demo')], ['play2', ''], ['seek', Live::RTMP::amf(undef) . Live::RTMP::amf(-1)],
    ['pause', ''], ['publish', "\x0c\xff\xff\xff\xff"], ['publish', Live::RTMP::amf(undef) . "\x03" . ("\x00\x01a\x03" x 5000)],
    ['publish', "\x0a\x00\x00\xff\xff" . ("\x05" x 70000)], ['onMetaData', "\x08\0\0\0\1" . ("\x00\x01a\x03" x 3000)], ['', ''], ["\0" x 100, ''],
    ['x' x 65535, Live::RTMP::amf(1)], ['@setDataFrame', "\x02\xff\xff"], ['FCPublish', "\x02"], ['releaseStream', "\x02\x00"],
);

for my $point (0, 1, 2) {
    for my $c (@commands) {
        my $s = session($point);
        eval {
            $s->set_chunk_size(65536);
            $s->message(type => $_, csid => 3, msid => $point, payload => Live::RTMP::amf_string($c->[0]) . Live::RTMP::amf(1) . $c->[1]) for 20, 18;
            $s->message(type => 17, csid => 3, msid => $point, payload => "\0" . Live::RTMP::amf_string($c->[0]) . Live::RTMP::amf(1) . $c->[1]);
            $s->message(type => 20, csid => 3, payload => $c->[1]);
            $s->drain;
        };
        $s->abort;
    }
    play(0.2);
}

fine('commands');


# ---- control messages of all types and lengths

for my $type (0 .. 25, 127, 255) {
    my $s = session($type % 3);
    eval {
        $s->message(type => $type, csid => 2, payload => substr(random(40), 0, $_)) for 0, 1, 3, 4, 5, 6, 10, 40;
        $s->message(type => 4, csid => 2, payload => pack('n', $type) . random(8));
        $s->message(type => $type, csid => 2, payload => '', fmt => 3);
        $s->drain;
    };
    $s->abort;
    play(0.02);
}

fine('control messages');


# ---- media that is none

{
    my $s = session(2);
    my @odd = ('', "\x17", "\x17\x00", "\x17\x01\x00\x00", "\x17\x00\x00\x00\x00", "\x17\x00\x00\x00\x00\x01\x64\x00\x1f\xff\xff\xff\xff\xff",
        "\x27\x01\x00\x00\x00\xff\xff\xff\xff", "\x17\x01\x7f\xff\xff\x00\x00\x00\x00", "\x17\x02\x00\x00\x00", "\x57\x01\x00\x00\x00abc", "\x52\x00",
        "\x90hvc1", "\x91av01\x00\x00", "\xff" x 50, "\xaf", "\xaf\x00", "\xaf\x00\xff\xff", "\xaf\x01", "\xaf\x00\x00\x00", "\x2f\x00", "\xbf\x01x");
    eval {
        for my $type (8, 9) { $s->message(type => $type, csid => 4, msid => 1, payload => $_, ts => 10) for @odd, map { random($_) } 1 .. 60 }
        $s->drain;
    };
    play(0.3);
    $s->abort;
}

fine('media');

# those that stopped in the middle of a handshake
ok(wait_for('half handshakes to be ended', 8, sub {
    my $open = 0;
    for my $s (@held) { my $n = sysread $s, my $data, 4096; $open++ unless defined $n && $n == 0 }
    return !$open;
}), 'half handshakes are ended');
$_->close for @held;

# nobody but the broadcaster has a socket on the RTMP port any more
sub sockets {
    my $port = sprintf '%04X', $nginx->{rtmp_port};
    return scalar grep { /^\s*\d+: [0-9A-F]+:$port [0-9A-F]+:[0-9A-F]+ (?:01|08) / } split /\n/, slurp('/proc/net/tcp');
}

ok(wait_for('all sessions to be ended', 8, sub { sockets() == 1 }), 'all sessions are ended');

$_->close for @viewers;
$publisher->stop;
$nginx->stop;
done_testing;
