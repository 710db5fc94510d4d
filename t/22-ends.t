#!/usr/bin/perl

# How things end: segments that leave the playlist, publishers that leave, streams that nobody comes back
# to. Each is said in time, and nothing of it stays on the disk.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(now wait_for);
use Live::Viewer;

my $nginx = Live::Nginx->new(keys => { one => 'one', two => 'two', three => 'three' },
    app => 'live_segment 500ms max=1s; live_part 250ms; live_window 4s; live_linger 2s;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my %shape = (gop => 15, seconds => 60);

sub list { my ($name, $id) = @_; return $http->get("/live/$name/$id.m3u8") }
sub parsed { my ($name, $id) = @_; return Live::HLS::parse(list($name, $id)->{body}) }
sub status { my ($path) = @_; return $http->get($path)->{status} }

# the files of a stream's track
sub files { my ($name, $id) = @_; return grep { m{/$name/$id/} } $nginx->files }


# ---- segments that leave the playlist

my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('one'), %shape);
wait_for('the stream', 10, sub { list('one', 'v')->{status} == 200 && parsed('one', 'v')->{segments}[0]{uri} });

my $first = parsed('one', 'v')->{segments}[0];
wait_for('the first segment to leave', 15, sub { parsed('one', 'v')->{msn} > $first->{msn} });
my $left = now();

is(status("/live/one/$first->{uri}"), 200, 'FM-SEG-16 a segment that left the playlist is still there');
is(status("/live/one/$first->{parts}[0]{uri}"), 200, 'FM-SEG-16 a part of it too') if @{ $first->{parts} };

my $gone;
wait_for('the first segment to be gone', 15, sub { status("/live/one/$first->{uri}") != 200 });
$gone = now();
cmp_ok($gone - $left, '>', 3.9, sprintf 'FM-SEG-16 for one more playlist length: %.1f s', $gone - $left);
cmp_ok($gone - $left, '<', 7, 'and not much longer');
is(status("/live/one/$first->{uri}"), 404, 'then it is 404');
is(scalar(grep { m{-0\.m4s$} } files('one', 'v')), 0, 'its file is gone');

sleep 2;
cmp_ok(scalar files('one', 'v'), '<', 2 * 8 + 8, 'files are those of two playlists: ' . scalar files('one', 'v'));
cmp_ok(abs(files('one', 'v') - files('one', 'a')), '<=', 2, 'as many of audio');


# ---- a publisher that leaves for longer than live_linger

{
    my $viewer = Live::Viewer->new(port => $nginx->{http_port}, path => '/live/one/index.m3u8')->open;
    Live::Viewer::play([$viewer], 2);
    $publisher->stop;
    my $stopped = now();

    Live::Viewer::play([$viewer], 1);
    my $p = parsed('one', 'v');
    ok(!$p->{ended} && $p->{hint}, 'a publisher has left: the stream waits for it');

    ok(Live::Viewer::play([$viewer], 5, sub { !grep { !$_->{ended} } @{ $viewer->{tracks} } }), 'then it ends, and the viewer sees it');
    my $ended = now();
    ok($ended - $stopped > 1.5 && $ended - $stopped < 4, sprintf 'after live_linger: %.1f s', $ended - $stopped);
    is(join("\n", $viewer->errors), '', 'every part was there up to the end');
    $viewer->close;

    for my $id (qw(v a)) {
        $p = parsed('one', $id);
        ok($p->{ended} && !$p->{hint} && $p->{segments}[-1]{uri}, "$id: ENDLIST behind the last segment, no hint");
        is(status('/live/one/' . $p->{segments}[0]{uri}), 200, "$id: segments can still be fetched");
        my $from = now();
        my $r = $http->get("/live/one/$id.m3u8?_HLS_msn=" . ($p->{segments}[-1]{msn} + 1));
        ok($r->{status} == 200 && now() - $from < 0.5, "$id: a blocking reload is answered at once");
        my ($next) = $p->{segments}[-1]{uri} =~ /^(.*-)\d+\.m4s/;
        is(status('/live/one/' . $next . ($p->{segments}[-1]{msn} + 1) . '.0.m4s'), 404, "$id: no further part will come");
    }

    wait_for('410', 15, sub { status('/live/one/index.m3u8') == 410 });
    ok(now() - $ended > 3.9, sprintf 'a playlist length later it is 410: %.1f s', now() - $ended);
    my $uri = $p->{segments}[-1]{uri};
    for my $path ('v.m3u8', 'a.m3u8', $uri, $p->{segments}[-1]{map}, 'v.m3u8?_HLS_msn=1') {
        my $r = $http->get("/live/one/$path");
        is($r->{status}, 410, "410 for $path");
        is($r->{headers}{'cache-control'}, 'no-store', 'not to be stored');
        is($r->{headers}{'access-control-allow-origin'}, '*', 'for all');
    }
    is(scalar(grep { m{/one/} } $nginx->left), 0, 'nothing of it is left in the store');
}


# ---- the name again: a stream of its own, with another epoch

{
    $publisher = Live::Publisher->start(url => $nginx->rtmp_url('one'), %shape);
    wait_for('the stream', 10, sub { list('one', 'v')->{status} == 200 && parsed('one', 'v')->{segments}[0]{uri} });
    my $p = parsed('one', 'v');
    my ($epoch, $before) = map { m{v/(.*?)-}; $1 } $p->{segments}[0]{uri}, $first->{uri};
    isnt($epoch, $before, 'FM-SEG-15 published anew, it has another epoch');
    is($p->{msn}, 0, 'and begins at 0');
    is(status("/live/one/$first->{uri}"), 404, 'FM-SEG-15 the old names stay gone');
}


# ---- it ends just as somebody comes back

{
    $publisher->stop;
    my $from = now();
    my $p = parsed('one', 'v');
    wait_for('the end', 6, sub { parsed('one', 'v')->{ended} });
    $publisher = Live::Publisher->start(url => $nginx->rtmp_url('one'), %shape);
    my $next;
    wait_for('the stream to live', 10, sub { $next = parsed('one', 'v'); !$next->{ended} });

    my ($was, $is) = map { $_->{segments}[-1]{map} =~ m{v/(.*?)-} ? $1 : '' } $p, $next;
    isnt($is, $was, 'published behind ENDLIST: a new stream, for a playlist that has ended cannot change');
    $publisher->stop;
}


# ---- publishers that send nothing, headers only, or half a frame

{
    my @flv = Live::RTMP::read_flv(Live::Publisher::flv(%shape));
    my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'two');
    my $r = Live::HTTP->new(port => $nginx->{http_port});
    my $answer = $r->start('GET', '/live/two/index.m3u8');
    Live::HTTP::run([$r], 0.3);
    ok($r->busy, 'a stream that starts: the multivariant playlist waits for it');
    $s->close;
    Live::HTTP::run([$r], 7);
    like($answer->{status}, qr/^(?:503|404|410)$/, "FM-SEG-05 it does not start: $answer->{status}");
    is($answer->{headers}{'cache-control'}, 'no-store', 'not to be stored');

    $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'three');
    $s->tag($_) for grep { Live::RTMP::is_header($_) || $_->{type} == 18 } @flv;
    my ($key) = grep { Live::RTMP::is_key($_) } @flv;
    my @chunks = $s->chunks(type => 9, csid => 6, msid => $s->{msid}, payload => $key->{data}, size => 128);
    $s->set_chunk_size(128);
    $s->send($chunks[0] . $chunks[1]);
    sleep 0.2;
    $s->close;
    ok($nginx->wait_log(qr/live publish ended, stream: "three"/, 5), 'a publisher that leaves in the middle of its first frame');
}

# a stream that ended before its first part: nothing to wait for
$nginx->wait_log(qr/live stream "three" ended/, 10);
my $asked = now();
is(status('/live/three/index.m3u8'), 410, 'ended without a part: 410');
cmp_ok(now() - $asked, '<', 1, 'at once');

wait_for('all streams to be removed', 25, sub { !grep { m{\.(?:m4s|mp4)$} } $nginx->left });
pass('nothing of any stream is left');

for my $name (qw(one two three)) { is(status("/live/$name/index.m3u8"), 410, "$name: 410") }

$nginx->stop;
done_testing;
