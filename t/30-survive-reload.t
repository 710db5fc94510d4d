#!/usr/bin/perl

# nginx -s reload while streams are published and played: publishers stay with their old worker, viewers go
# on with the new ones and miss no part, a running stream keeps what it was begun with, and a
# configuration that is refused changes nothing.

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

my %keys = (k1 => 'one', k2 => 'two', k3 => 'three');
my $app = 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 3s;';
my %shape = (gop => 30, seconds => 90, bitrate => '1500k');

my $nginx = Live::Nginx->new(keys => { %keys }, app => $app)->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my (@viewers, @publishers, %mark);

sub watch {
    my ($stream, @workers) = @_;
    wait_for("stream $stream", 10, sub { $http->get("/live/$stream/index.m3u8")->{status} == 200 });
    push @viewers, map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$stream/index.m3u8", worker => $_)->open }
        @workers;
}

# looked at ten times a second: what is asked scans /proc
sub play_until {
    my ($what, $seconds, $code) = @_;
    my $next = 0;
    ok(Live::Viewer::play(\@viewers, $seconds, sub {
        return 0 if now() < $next;
        $next = now() + 0.1;
        return $code->();
    }), $what);
}

# so many more parts for each viewer
sub play_parts {
    my ($n) = @_;
    my @from = map { $_->parts('v') } @viewers;
    ok(Live::Viewer::play(\@viewers, 20, sub { !grep { $viewers[$_]->parts('v') < $from[$_] + $n } 0 .. $#viewers }),
        "every viewer plays on for $n parts");
}

sub mark_delays { $mark{$_} = $_->delays('v')->{n} for @viewers }

# the latency of each viewer in quiet, to be compared with
my %quiet;
sub learn_latency { mark_delays(); play_parts(10); $quiet{$_} = $_->delays('v', $mark{$_})->{median} for @viewers; mark_delays() }

# after an event: what it rose by since the mark, and that it is back now
sub check_latency {
    my ($what) = @_;
    for my $v (@viewers) {
        my $rise = $v->delays('v', $mark{$v})->{max} - $quiet{$v};
        cmp_ok($rise, '<', 1, sprintf '%s: latency rose by %.0f ms at most', $what, 1000 * $rise);
    }
    play_until("$what: latency comes back", 15, sub {
        !grep { my $n = $_->delays('v')->{n}; $n < 6 || abs($_->delays('v', $n - 6)->{median} - $quiet{$_}) > 0.2 } @viewers;
    });
    mark_delays();
}

sub losses_since {
    my ($before) = @_;
    my @more;
    for my $v (@viewers) {
        my $now = $v->losses;
        push @more, map { "$_ lost " . ($now->{$_} - ($before->{$v}{$_} || 0)) } grep { $now->{$_} - ($before->{$v}{$_} || 0) > 1 } keys %$now;
    }
    return join ', ', @more;
}

sub errors { return join "\n", map { $_->errors } @viewers }
sub epoch  { return ($http->get("/live/$_[0]/v.m3u8")->{body} =~ m{URI="v/(.*?)-init})[0] }


# ---- one reload

my ($first, $second) = $nginx->workers;
push @publishers, $nginx->publish_on($first, 'k1', %shape);
watch('one', $first, $second);
my $epoch = epoch('one');
learn_latency();

{
    my %before = map { $_ => $_->losses } @viewers;
    play_until('new workers come', 20, $nginx->reloading);
    play_until('the old worker without a publisher leaves', 20, sub { !kill 0, $second });
    play_parts(8);
    ok(kill(0, $first), 'the old worker with a publisher stays');
    is(join(' ', $nginx->old_workers), $first, 'and shuts down');
    ok($publishers[0]->alive, 'its publisher is not disconnected');
    is(losses_since(\%before), '', 'no connection is lost twice');
    my ($v) = grep { $_->{worker} == $first } @viewers;
    is($v->{statuses}{404}, undef, 'no 404');
    check_latency('a reload');
}


# ---- another publisher, on a new worker, seen from all

my ($third, $fourth) = $nginx->workers;
push @publishers, $nginx->publish_on($third, 'k2', %shape);
watch('two', $third, $fourth);
learn_latency();


# ---- several in a row, not one of them waited for

{
    my @old = $nginx->workers;
    my $mark = $nginx->mark;
    for (1 .. 3) {
        kill HUP => $nginx->pid;
        play_until('a reload', 20, sub { (() = substr($nginx->log, $mark) =~ /signal 1 \(SIGHUP\) received from/g) >= $_ });
    }
    play_until('new workers after several reloads', 20, sub {
        my %now = map { $_ => 1 } $nginx->workers;
        keys %now == 2 && !grep { $now{$_} } @old;
    });
    play_parts(8);
    my @stay = $nginx->old_workers;
    ok(@stay >= 2 && (grep { $_ == $first } @stay) && (grep { $_ == $third } @stay), 'both workers with publishers are there');
    play_until('and no other old one', 20, sub { $nginx->old_workers == 2 });
    ok($_->alive, 'publishers are not disconnected') for @publishers;
    check_latency('reloads in a row');
}


# ---- a running stream keeps its parameters, one that begins has the new ones

{
    $nginx->{app} = 'live_segment 1s max=1s; live_part 500ms; live_window 6s; live_linger 3s;';
    $nginx->write_conf;
    play_until('a reload with changed live_part, live_segment and live_window', 20, $nginx->reloading);
    play_parts(8);

    my $p = Live::HLS::parse($http->get('/live/one/v.m3u8')->{body});
    cmp_ok($p->{part_target}, '==', 0.25, 'the running stream keeps its PART-TARGET');
    is($p->{target}, 2, 'and its target duration');

    push @publishers, $nginx->publish_on(($nginx->workers)[0], 'k3', %shape);
    watch('three', $nginx->workers);
    $p = $viewers[-1]->track('v')->{list}->now;
    play_until('a new stream is played', 10, sub { $p = $viewers[-1]->track('v')->{list}->now });
    cmp_ok($p->{part_target}, '==', 0.5, 'a new stream has the new PART-TARGET');
    is($p->{target}, 1, 'and the new target duration');
    play_parts(4);
    ok($_->alive, 'publishers are not disconnected') for @publishers;
}


# ---- refused: the running configuration stays

{
    my @now = $nginx->workers;
    my $bytes = 0;
    $bytes += -s $_ || 0 for $nginx->files;
    cmp_ok($bytes, '>', 1 << 20, 'there is more than a megabyte in the store');
    learn_latency();

    for my $case (
        ['an unknown directive', sub { $nginx->{app} = 'live_nonsense on;' }, qr/\[emerg\].*unknown directive "live_nonsense"/],
        ['another streams=', sub { $nginx->{store} = 'streams=17' },
            qr/\[emerg\].*live_store "test".*streams=17 differs from the running nginx's 16: restart nginx to change it/],
        # refused for what is looked at after the store
        ['size=1m, and an address that is not ours', sub { $nginx->{store} = 'streams=16 size=1m';
            $nginx->{server} = 'listen 192.0.2.1:1;' }, qr/\[emerg\] .*bind\(\) to 192\.0\.2\.1:1 failed/])
    {
        my ($what, $change, $line) = @$case;
        local $nginx->{app} = $nginx->{app};
        local $nginx->{store} = $nginx->{store};
        local $nginx->{server} = '';
        $change->();
        $nginx->write_conf;
        $nginx->allow($line, qr/still could not bind\(\)/);
        my $mark = $nginx->mark;
        kill HUP => $nginx->pid;
        play_until("$what: refused, with a clear line", 20, sub { substr($nginx->log, $mark) =~ $line });
        play_parts(8);
        is(join(' ', $nginx->workers), "@now", "$what: the same workers");
        ok($_->alive, "$what: publishers go on") for @publishers;
    }

    is(join(' ', map { map { $_->{gaps} } @{ $_->{tracks} } } @viewers) =~ /[1-9]/ ? 'gaps' : '', '',
        'what a refused configuration said of the store holds for nobody');
    check_latency('refused reloads');
    $nginx->write_conf;

    # nor does a worker that comes for one that died know of it: what was refused is no more
    my %busy = map { $nginx->publisher_worker($_) => 1 } values %keys;
    my ($idle) = grep { !$busy{$_} } @now;
    play_until('a worker that dies after a refused reload is replaced', 10, $nginx->killing_worker($idle));
    play_parts(8);
    is(scalar(grep { !Live::Nginx::gone($_) } $nginx->workers), 2, 'and that one stays');
    $mark{$_} = $_->delays('v')->{n} for @viewers;
}


# ---- keys: new ones work after a reload and not before; who is on stays on without one

{
    my $try = sub {
        my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
        $s->connect_app('live');
        $s->create_stream;
        my $code = $s->publish('k4') || '';
        $s->close;
        return $code;
    };

    delete $nginx->{keys}{k1};
    $nginx->{keys}{k4} = 'four';
    $nginx->write_conf;
    is($try->(), 'NetStream.Publish.BadName', 'a key that was added is unknown before a reload');
    play_until('a reload with other keys', 20, $nginx->reloading);
    is($try->(), 'NetStream.Publish.Start', 'and known after it');
    play_parts(4);
    ok($publishers[0]->alive, 'a publisher whose key was taken away stays on');

    $nginx->{keys}{k1} = 'one';
    $nginx->write_conf;
    play_until('a reload with the key again', 20, $nginx->reloading);
}


# ---- a new worker takes the stream of an old one over; with its publisher the old one leaves

{
    is(join(' ', grep { $_ == $first } $nginx->old_workers), $first, 'the first publisher is on its old worker still');
    my $mark = $nginx->mark;
    my ($publisher) = $publishers[0];
    $publishers[0] = $nginx->publish_on(($nginx->workers)[1], 'k1', %shape);
    play_until('the publisher on the old worker is closed', 5, sub { !$publisher->alive });
    like(substr($nginx->log, $mark), qr/\[warn\] $first#.* took the stream over, stream: "one"/, 'and its worker says so');
    play_until('the old worker leaves', 20, sub { !kill 0, $first });
    play_parts(8);

    for my $v (grep { $_->{path} =~ /one/ } @viewers) {
        my @d = grep { $_->{discontinuity} } @{ $v->track('v')->{list}->now->{segments} };
        is(scalar @d, 1, 'one discontinuity for its viewers');
    }
    is(epoch('one'), $epoch, 'the stream is the same as ever');
}


# ---- publishers go, and with them the last old workers

{
    $_->stop for @publishers[1, 2];
    play_until('all old workers leave', 20, sub { $nginx->old_workers == 0 });
    ok(Live::Viewer::play(\@viewers, 10, sub { !grep { my $v = $_; $v->{path} !~ /one/ && grep { !$_->{ended} } @{ $v->{tracks} } } @viewers }),
        'the streams without publishers end for their viewers');
    is(scalar $nginx->workers, 2, 'the new workers are there');
}

is(errors(), '', 'through all of it every part was there, once, in order, on an unbroken clock');

# a hinted part that will not come is the only 404; 503 is for who waits at the end of a stream without a publisher
for my $v (@viewers) {
    my %n = %{ $v->{statuses} };
    my $refused = 0;
    $refused += $_->{hints_refused} || 0 for @{ $v->{tracks} };
    is(join(' ', grep { !/^(?:200|404|503)$/ } sort keys %n), '', "$v->{path}: every answer was a good one") or diag(explain(\%n));
    cmp_ok(($n{404} || 0), '<=', $refused, "$v->{path}: no 404 but for hints that did not come true");
    cmp_ok($refused, '<=', 6, "$v->{path}: and those are few: $refused");
}

$_->close for @viewers;
$publishers[0]->stop;
$nginx->stop;
done_testing;
