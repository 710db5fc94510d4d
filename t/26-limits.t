#!/usr/bin/perl

# What a store or stream may take up: a clean refusal with a clear line, and those who are in go on.

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
use Live::Util qw(now wait_for);
use Live::Viewer;


# ---- streams=

{
    my $nginx = Live::Nginx->new(name => 'streams=2', store => 'streams=2', keys => undef,
        app => 'live_segment 500ms max=1s; live_part 250ms; live_window 3s; live_linger 1s;')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my @publishers = map { Live::Publisher->start(url => $nginx->rtmp_url($_), gop => 15) } qw(one two);
    wait_for($_, 10, sub { $http->get("/live/$_/v.m3u8")->{status} == 200 }) for qw(one two);

    my $third = Live::RTMP->new(port => $nginx->{rtmp_port});
    $third->connect_app('live');
    $third->create_stream;
    is($third->publish('three'), 'NetStream.Publish.Denied', 'a stream too many is refused');
    ok($third->closed(5), 'and its session is ended');
    ok($nginx->wait_log(qr/\[error\].*live publish refused: .*streams=.*stream: "three"/, 5), 'the log says what to raise');
    ok($_->alive, 'those who are in go on') for @publishers;

    # a name that is in may be taken over when all are taken
    my $again = Live::Publisher->start(url => $nginx->rtmp_url('one'), gop => 15);
    ok($publishers[0]->wait_end(5), 'a takeover needs no room');
    ok($again->alive, 'and is let in');

    # room is made when one has ended
    $publishers[1]->stop;
    my $fourth;
    wait_for('room for another', 20, sub {
        my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
        $s->connect_app('live');
        $s->create_stream;
        $fourth = $s;
        ($s->publish('four') || '') eq 'NetStream.Publish.Start';
    });
    pass('another is let in when one has been removed');
    $fourth->close;
    $again->stop;
    $nginx->stop;
}


# ---- the window of a stream in bytes: it gets shorter, and goes on

{
    my $nginx = Live::Nginx->new(name => 'live_window size=', keys => { small => 'small', roomy => 'roomy' },
        app => 'live_segment 1s; live_window 30s size=4000k;')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('small'), gop => 30, bitrate => '4000k', size => '640x360', seconds => 30);
    my $roomy = Live::Publisher->start(url => $nginx->rtmp_url('roomy'), gop => 30);
    wait_for($_, 10, sub { $http->get("/live/$_/index.m3u8")->{status} == 200 }) for qw(small roomy);
    my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$_/index.m3u8")->open } qw(small roomy);

    my $most = 0;
    Live::Viewer::play(\@viewers, 14, sub {
        my $sum = 0;
        $sum += -s $_ || 0 for grep { m{/small/.*m4s$} } $nginx->files;
        $most = $sum if $sum > $most;
        0;
    });

    cmp_ok($most, '<', 5200 * 1024, 'FM-SEG-20 its files stay within the limit, a segment or two above: ' . int($most / 1024) . ' kB');
    cmp_ok($most, '>', 3000 * 1024, 'and use it');
    ok($publisher->alive, 'the publisher goes on');
    my @lines = grep { /\[warn\].*(?:size=|bytes).*stream: "small"/ } split /\n/, $nginx->log;
    is(scalar @lines, 1, 'the log says once that the limit was reached') or diag(@lines);
    cmp_ok($viewers[0]->parts('v'), '>', 15, 'its viewer plays');
    is(join("\n", $viewers[0]->errors), '', 'what it is given is right, and long enough');
    is(join("\n", $viewers[1]->errors), '', 'another stream has its whole window');
    my ($small, $large) = map { $_->track('v')->{list}->now->{msn} } @viewers;
    ok($small > 2 && $large == 0, "the playlist of one is shorter: begins with $small");
    $_->close for @viewers;
    $_->stop for $publisher, $roomy;
    $nginx->stop;
}


# ---- the store in bytes

{
    my $nginx = Live::Nginx->new(name => 'store size=', store => 'streams=8 size=4m', keys => undef,
        allow => [qr/no room for a part .* raise size= of live_store/],
        app => 'live_segment 1s; live_window 30s; live_linger 5s;')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my @publishers = map { Live::Publisher->start(url => $nginx->rtmp_url("s$_"), gop => 30, bitrate => '4000k', size => '640x360', seconds => 30) } 1 .. 3;
    wait_for("s$_", 10, sub { $http->get("/live/s$_/index.m3u8")->{status} == 200 }) for 1 .. 3;

    my $most = 0;
    for (1 .. 50) {
        my $sum = 0;
        $sum += -s $_ || 0 for $nginx->files;
        $most = $sum if $sum > $most;
        sleep 0.2;
    }

    cmp_ok($most, '<', 4096 * 1024 * 1.25, 'FM-SEG-20 all files stay within the limit: ' . int($most / 1024) . ' kB');
    ok($_->alive, 'a publisher goes on') for @publishers;
    my @lines = grep { /\[crit\].*no room for a part/ } split /\n/, $nginx->log;
    cmp_ok(scalar @lines, '>', 0, 'the log says that there is no room');
    cmp_ok(scalar @lines, '<', 40, 'and not all the time: ' . @lines);
    unlike("@lines", qr/\(\d+: /, 'with no other error behind it');

    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    is($s->publish('s4'), 'NetStream.Publish.Denied', 'another stream is refused while it is full');
    ok($nginx->wait_log(qr/\[error\].*live publish refused: .*size=.*stream: "s4"/, 5), 'the log says what to raise');
    $s->close;

    for my $i (1 .. 3) {
        my $r = $http->get("/live/s$i/v.m3u8");
        is($r->{status}, 200, "s$i is still there");
        ok(eval { Live::HLS::parse($r->{body}) }, 'with a playlist') or diag($@, $r->{body});
    }
    $_->stop for @publishers;
    $nginx->stop;
}


# ---- frames larger than a megabyte

{
    my $nginx = Live::Nginx->new(name => 'large frames', keys => undef, app => 'live_window 60s;')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my @flv = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 5));

    # a filler NAL unit does not count: an SEI of user data makes a picture as large as one likes
    my $large = sub {
        my ($t, $bytes) = @_;
        return $t unless Live::RTMP::is_key($t);
        my $nal = "\x06\x05" . ("\xff" x int(($bytes - 20) / 255)) . chr(($bytes - 20) % 255) . ('y' x ($bytes - 20)) . "\x80";
        return { %$t, data => substr($t->{data}, 0, 5) . pack('N/a', $nal) . substr($t->{data}, 5) };
    };

    for my $case (['above', 1_200_000], ['huge', 9_000_000]) {
        my ($name, $bytes) = @$case;
        my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => $name, chunk => 65536);
        my @tags = map { $large->($_, $bytes) } @flv;
        $s->tags(\@tags, speed => 0);
        $s->close;
        $nginx->wait_log(qr/live publish ended, stream: "$name"/, 10);

        my $p = Live::HLS::parse($http->get("/live/$name/v.m3u8", timeout => 20)->{body});
        my @keys = grep { Live::RTMP::is_key($_) } @tags;
        my $seen = 0;
        for my $segment (grep { $_->{uri} } @{ $p->{segments} }) {
            my $r = $http->get("/live/$name/$segment->{uri}", timeout => 20);
            for my $f (Live::MP4::fragments($r->{body})) {
                my ($size) = map { $_->{size} } $f->{samples}[0];
                next if $size < $bytes;
                my $key = shift @keys;
                $seen++ if index($f->{data}, substr $key->{data}, 5, 1000) >= 0 && $size == length(substr $key->{data}, 5);
            }
        }
        is($seen, scalar(grep { Live::RTMP::is_key($_) } @tags), "FM-SEG-08 FM-CHUNK-06 key frames of $bytes bytes come out whole: $seen");
    }

    # above max_message: this session ends, others do not
    my $other = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'bystander');
    my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'toolarge', chunk => 65536);
    eval { $s->message(type => 9, csid => 6, msid => $s->{msid}, payload => 'x' x (16 * 1024 * 1024 - 2), length => 0xfffffe); };
    eval { $s->message(type => 9, csid => 6, msid => $s->{msid}, payload => 'x' x 100, length => 0xffffff); };
    ok(!$other->closed(0.3), 'another session is not touched');
    $_->close for $s, $other;
    $nginx->stop;
}

done_testing;
