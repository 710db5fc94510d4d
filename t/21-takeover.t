#!/usr/bin/perl

# A publisher with a valid key takes its stream over, from the same worker and from another, beside
# nginx-rtmp's own live too; a reconnect goes on with the numbers, behind a discontinuity.

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

my $nginx = Live::Nginx->new(level => 'info', keys => { one => 'one', two => 'two', three => 'three', four => 'four' },
    app => 'live_window 60s; live_idle 5s;', apps => '
        application beside { live on; live_ingest on; live_publish open; }')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my @flv = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 30));

# a publisher (ffmpeg, or with raw a session of our own) whose connection is this worker's
sub publish_on {
    my ($worker, $key, %o) = @_;
    my ($name) = $key =~ /^([^?]+)/;
    my $mark = $nginx->mark;

    return $nginx->on_worker($worker, sub {
        my $p = $o{raw} ? Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => $key, app => $o{app})
            : Live::Publisher->start(url => $nginx->rtmp_url($key));
        $nginx->wait_log(qr/\[info\] $worker#.* live publish started, stream: "\Q$name\E"/, 10, $mark);
        $p;
    });
}


# ---- reconnects and takeovers while a viewer on each worker plays

{
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('one'));
    wait_for('the stream', 10, sub { $http->get('/live/one/index.m3u8')->{status} == 200 });

    my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, path => '/live/one/index.m3u8', worker => $_, whole => 1)->open }
        $nginx->workers;
    Live::Viewer::play(\@viewers, 5);

    # two workers: what the publisher before does, and where the next one is
    my ($first, $second) = $nginx->workers;

    for my $case ([$first, 'stop', 'stops and comes back'], [$second, 'kill', 'is killed and comes back to another worker'],
        [$second, 'stay', 'is displaced within its worker'], [$first, 'stay', 'is displaced from another worker'],
        [$second, 'stay', 'is displaced from another worker'])
    {
        my ($worker, $how, $what) = @$case;
        my $before = $viewers[0]->parts('v');
        my $old = $publisher;

        $old->stop if $how eq 'stop';
        $old->kill if $how eq 'kill';
        Live::Viewer::play(\@viewers, 1) if $how ne 'stay';

        $publisher = publish_on($worker, 'one');

        ok(Live::Viewer::play(\@viewers, 10, sub { !grep { $_->parts('v') < $before + 6 } @viewers }),
            "FM-TIME-06 FM-CHUNK-10 FM-ENC-04 a publisher $what: viewers go on");
        ok($old->wait_end(3), 'FM-CHUNK-10 the one before was closed') if $how eq 'stay';
    }

    Live::Viewer::play(\@viewers, 4);

    for my $viewer (@viewers) {
        is(join("\n", $viewer->errors), '', 'FM-TIME-06 every part was there, in order, on a clock that never went back');
        is($viewer->{reconnects}, 0, 'no viewer was disconnected');
        my $p = $viewer->track('v')->{list}->now;
        my @d = grep { $_->{discontinuity} } @{ $p->{segments} };
        cmp_ok(scalar @d, '>=', 5, 'a discontinuity each time: ' . scalar @d);
        my %maps = map { $_->{map} => 1 } @{ $p->{segments} };
        is(scalar keys %maps, 1, 'FM-CODEC-03 the same configuration: the same init segment');
    }

    my ($pv, $pa) = map { $viewers[0]->track($_)->{list}->now } qw(v a);
    is(join(' ', map { $_->{msn} } grep { $_->{discontinuity} } @{ $pv->{segments} }),
        join(' ', map { $_->{msn} } grep { $_->{discontinuity} } @{ $pa->{segments} }),
        'FM-CODEC-04 discontinuities are at the same numbers in both tracks');

    $_->close for @viewers;
    $publisher->stop;
}


# ---- a publisher that hangs does not keep its successor out

{
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('two'));
    wait_for('the stream', 10, sub { $http->get('/live/two/index.m3u8')->{status} == 200 });
    $publisher->freeze;
    sleep 0.5;

    my $from = now();
    my $mark = $nginx->mark;
    my $second = Live::Publisher->start(url => $nginx->rtmp_url('two'));
    $nginx->wait_log(qr/live publish started, stream: "two"/, 5, $mark);
    cmp_ok(now() - $from, '<', 2, 'FM-CHUNK-10 FM-ENC-15 a hanging publisher is displaced at once');
    ok($nginx->wait_log(qr/took the stream over, stream: "two"/, 5, $mark), 'and the log says so');
    wait_for('new parts', 5, sub {
        my $p = Live::HLS::parse($http->get('/live/two/v.m3u8')->{body});
        grep { $_->{discontinuity} } @{ $p->{segments} };
    });
    ok($second->alive, 'its successor publishes');
    $second->stop;
    $publisher->kill;
}


# ---- a publisher that says nothing any more is closed

{
    my $s = publish_on(($nginx->workers)[0], 'three', raw => 1);
    $s->tags([grep { $_->{ts} < 1500 } @flv], speed => 0);
    my $from = now();
    ok($s->closed(8), 'FM-CHUNK-10 a silent publisher is closed');
    my $took = now() - $from;
    ok($took > 4 && $took < 7, sprintf 'FM-CHUNK-10 after live_idle: %.1f s', $took);
    ok($nginx->wait_log(qr/sent nothing for 5 s \(live_idle\), stream: "three"/, 2), 'and the log says so');
}


# ---- one session that publishes, is closed and publishes again

{
    my $s = publish_on(($nginx->workers)[0], 'four', raw => 1);
    $s->tags([grep { $_->{ts} < 3000 } @flv], speed => 0);
    $s->command('FCUnpublish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('four')]);
    $s->command('deleteStream', [Live::RTMP::amf(undef), Live::RTMP::amf($s->{msid})]);
    ok($nginx->wait_log(qr/live publish ended, stream: "four"/, 5), 'deleteStream ends a publication');

    my $mark = $nginx->mark;
    $s->create_stream;
    is($s->publish('four'), 'NetStream.Publish.Start', 'the same session may publish again');
    $s->tags([grep { $_->{ts} < 3000 } @flv], speed => 0);
    wait_for('the second half', 5, sub {
        my $p = Live::HLS::parse($http->get('/live/four/v.m3u8')->{body});
        grep { $_->{discontinuity} } @{ $p->{segments} };
    });
    pass('and goes on with the stream');
    $s->close;
}


# ---- beside nginx-rtmp's own live

{
    my ($one, $two) = $nginx->workers;
    my %o = (raw => 1, app => 'beside');
    my $first = publish_on($one, 'both?a=1', %o);
    is($first->status(1), undef, 'beside "live on" the publisher hears Start once');

    for my $worker ($one, $two, $two, $one) {
        my $second = publish_on($worker, 'both?a=1', %o);
        is($second->status(0.5), undef, 'beside "live on" a takeover hears Start once and nothing bad');
        ok($first->closed(5), 'the one before was closed');
        $first = $second;
    }

    $first->tags([grep { $_->{ts} < 3000 } @flv], speed => 0);
    wait_for('the stream', 5, sub { $http->get('/live/both/v.m3u8')->{status} == 200 });
    pass('the last one publishes');
    $first->close;
}

$nginx->stop;
done_testing;
