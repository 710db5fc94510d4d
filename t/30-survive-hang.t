#!/usr/bin/perl

# A publisher that stops without closing, as a cut network looks: live_idle ends its session, viewers stand
# still and go on with the next, or see the stream end. And one that comes and goes without a frame.

use strict;
use warnings;
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(now wait_for);
use Live::Viewer;

my $nginx = Live::Nginx->new(name => 'hang', keys => { map { $_ => $_ } qw(one two three) },
    app => 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_idle 2s; live_linger 3s;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my %shape = (gop => 30, seconds => 90);

sub viewers {
    my ($name) = @_;
    wait_for("stream $name", 10, sub { $http->get("/live/$name/index.m3u8")->{status} == 200 });
    return map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$name/index.m3u8", worker => $_)->open } $nginx->workers;
}

sub edge_of { my ($v) = @_; return join '.', (Live::HLS::edge($v->track('v')->{list}->now))[0, 1] }

# what all of them must be able to say; a wait of three target durations may end with a 503
sub check {
    my ($what, @viewers) = @_;
    for my $v (@viewers) {
        my $refused = 0;
        $refused += $_->{hints_refused} || 0 for @{ $v->{tracks} };
        is(join("\n", $v->errors), '', "$what: every part was there, once, in order, on an unbroken clock");
        is($v->{reconnects}, 0, 'no viewer was disconnected');
        is(join(' ', grep { !/^(?:200|404|503)$/ } sort keys %{ $v->{statuses} }), '', 'every answer was a good one');
        cmp_ok($v->{statuses}{404} || 0, '<=', $refused, 'no 404 but for hints that did not come true');
    }
}


# ---- it hangs, is closed, and another comes: within live_linger the stream goes on

{
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('one'), %shape);
    my @viewers = viewers('one');
    ok(Live::Viewer::play(\@viewers, 15, sub { !grep { $_->parts('v') < 8 } @viewers }), 'viewers play');
    my $quiet = $viewers[0]->delays('v', 4)->{median};

    my $mark = $nginx->mark;
    $publisher->freeze;
    my $from = now();
    ok(Live::Viewer::play(\@viewers, 10, sub { substr($nginx->log, $mark) =~ /sent nothing for 2 s \(live_idle\), stream: "one"/ }),
        'a publisher that stopped without closing is closed');
    my $took = now() - $from;
    ok($took > 1.5 && $took < 4, sprintf 'after live_idle: %.1f s', $took);

    # what it had sent of its last part is shown now, and then no more
    $nginx->wait_log(qr/live publish ended, stream: "one"/, 5, $mark);
    Live::Viewer::play(\@viewers, 0.5);
    my $edge = edge_of($viewers[0]);
    Live::Viewer::play(\@viewers, 0.7);
    is(edge_of($viewers[0]), $edge, 'the playlist stands still');
    ok(!$viewers[0]->track('v')->{ended} && $viewers[0]->track('v')->{list}->now->{hint}, 'and has not ended');

    my $next = Live::Publisher->start(url => $nginx->rtmp_url('one'), %shape);
    my @parts = map { $_->parts('v') } @viewers;
    my @delays = map { $_->delays('v')->{n} } @viewers;
    ok(Live::Viewer::play(\@viewers, 15, sub { !grep { $viewers[$_]->parts('v') < $parts[$_] + 4 } 0, 1 }), 'the next publisher: viewers go on');
    # what hung wakes up: its connection is gone, nothing of it comes into the stream
    kill CONT => $publisher->pid;
    ok($publisher->wait_end(10), 'the one that hung finds itself closed');
    ok(Live::Viewer::play(\@viewers, 15, sub { !grep { $viewers[$_]->parts('v') < $parts[$_] + 12 } 0, 1 }), 'viewers play on');
    ok($next->alive, 'and so does the next');

    for my $i (0, 1) {
        my $rise = $viewers[$i]->delays('v', $delays[$i] + 1)->{max} - $quiet;
        cmp_ok($rise, '<', 1, sprintf 'latency of what the next one sends: %+.0f ms', 1000 * $rise);
        my @d = grep { $_->{discontinuity} } @{ $viewers[$i]->track('v')->{list}->now->{segments} };
        is(scalar @d, 1, 'one discontinuity');
    }
    check('a publisher that hung', @viewers);
    $_->close for @viewers;
    $next->stop;
}


# ---- it hangs and nobody comes

{
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('two'), %shape);
    my @viewers = viewers('two');
    ok(Live::Viewer::play(\@viewers, 15, sub { !grep { $_->parts('v') < 6 } @viewers }), 'viewers play');
    $publisher->freeze;
    my $from = now();
    ok(Live::Viewer::play(\@viewers, 20, sub { !grep { grep { !$_->{ended} } @{ $_->{tracks} } } @viewers }), 'the stream ends for all viewers');
    my $took = now() - $from;
    ok($took > 4.5 && $took < 8, sprintf 'after live_idle and live_linger: %.1f s', $took);
    for my $id (qw(v a)) {
        my $p = Live::HLS::parse($http->get("/live/two/$id.m3u8")->{body});
        ok($p->{ended} && !$p->{hint} && $p->{segments}[-1]{uri}, "$id: with ENDLIST behind a whole segment");
    }
    check('a stream that ended', @viewers);
    $_->close for @viewers;
    $publisher->kill;
}


# ---- it comes and goes without a frame, for minutes: the stream is still there for who has one

{
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('three'), %shape);
    wait_for('segments', 15, sub {
        my $r = $http->get('/live/three/v.m3u8');
        $r->{status} == 200 && 2 <= grep { $_->{uri} } @{ Live::HLS::parse($r->{body})->{segments} };
    });
    $publisher->stop;
    my $before = Live::HLS::parse($http->get('/live/three/v.m3u8')->{body});

    # each of them leaves its mark twice, when it takes the stream and when it leaves it
    for (1 .. 560) {
        my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'three');
        $s->abort;
    }

    my $r = $http->get('/live/three/v.m3u8', timeout => 10);
    is($r->{status}, 200, 'after hundreds of publishers without a frame the playlist is there');
    my $p = eval { Live::HLS::parse($r->{body}) } || {};
    my ($was, $is) = map { join ' ', map { $_->{uri} || '' } @{ $_->{segments} || [] } } $before, $p;
    is($is, $was, 'and says the same as before');

    $publisher = Live::Publisher->start(url => $nginx->rtmp_url('three'), %shape);
    my $now;
    ok(eval { wait_for('new parts', 10, sub {
        $now = eval { Live::HLS::parse($http->get('/live/three/v.m3u8', timeout => 10)->{body}) } or return 0;
        @{ $now->{segments} } > @{ $before->{segments} };
    }) }, 'one with frames goes on');
    is($now->{segments}[scalar @{ $before->{segments} }]{msn}, $before->{segments}[-1]{msn} + 1, 'with the next number');
    $publisher->stop;
}

$nginx->stop;
done_testing;
