#!/usr/bin/perl

# Clients that leave while they are blocked, on HTTP/1.1 and HTTP/2, cost nothing; those that stay are
# all answered, in every way that a wait can end.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(now reap slurp spawn wait_for);

my $nginx = Live::Nginx->new(https => 1, app => 'live_segment 1s max=1s; live_part 500ms; live_window 10s; live_linger 4s;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'), gop => 30);

wait_for('the stream', 10, sub { $http->get('/live/demo/v.m3u8')->{status} == 200 });

sub playlist { return Live::HLS::parse($http->get('/live/demo/v.m3u8')->{body}) }

# a playlist that waits, and a part
sub wanted {
    my $p = playlist();
    my ($msn, $index) = Live::HLS::next_part($p);
    return ("/live/demo/v.m3u8?_HLS_msn=" . ($msn + 1) . "&_HLS_part=0", "/live/demo/$p->{hint}");
}

# resident memory of all workers, kB
sub memory {
    my $sum = 0;
    for ($nginx->workers) { $sum += $1 if slurp("/proc/$_/status") =~ /VmRSS:\s+(\d+)/ }
    return $sum;
}

sub descriptors {
    my $sum = 0;
    for my $pid ($nginx->workers) { $sum += () = glob "/proc/$pid/fd/*" }
    return $sum;
}

# our own connection and the publisher's
my $idle = $nginx->connections;
sub quiet { my ($what) = @_; return wait_for($what, 5, sub { $nginx->connections <= $idle }) }


# ---- HTTP/1.1: closed, and reset

my ($before, $fds);

for my $round (0 .. 5) {
    my @clients = map { Live::HTTP->new(port => $nginx->{http_port}) } 1 .. 100;
    my ($list, $part) = wanted();
    $_->start('GET', $list) for @clients[0 .. 49];
    $_->start('GET', $part) for @clients[50 .. 99];
    Live::HTTP::run(\@clients, 0.05, sub { 0 });

    for my $c (@clients[0 .. 24, 75 .. 99]) {
        # a reset, not a close
        setsockopt $c->{socket}, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0) if $c->{socket};
    }

    $_->abort for @clients;

    if ($round == 0) {
        quiet('the first clients to be gone');
        ($before, $fds) = (memory(), descriptors());
    }
}

ok(quiet('all clients to be gone'), 'FM-SEG-05 HTTP/1.1: blocked clients that left are gone');
cmp_ok(descriptors() - $fds, '<=', 3, 'no descriptor is left');
cmp_ok(memory() - $before, '<', 2000, 'no memory is left: ' . (memory() - $before) . ' kB') unless $ENV{LIVE_TEST_NGINX};


# ---- HTTP/2: streams that are reset, and connections that end

{
    my @curls;
    my ($list, $part) = wanted();
    for my $i (0 .. 9) {
        push @curls, spawn("/dev/null", qw(curl -s -k --http2 -o /dev/null --max-time), 0.2 + $i / 50,
            $nginx->https_url($i % 2 ? $list : $part));
    }
    # several streams of one connection, of which each is given up by itself
    push @curls, spawn('/dev/null', qw(curl -s -k --http2 --parallel --max-time 0.3), map { ('-o', '/dev/null', $nginx->https_url($list)) } 1 .. 20);
    reap($_, 10) for @curls;
    ok(quiet('HTTP/2 clients to be gone'), 'FM-SEG-05 HTTP/2: blocked clients that left are gone');
}

is($http->get('/live/demo/v.m3u8')->{status}, 200, 'others are served');


# ---- a client that leaves with other requests behind the blocked one in its pipe

{
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $nginx->{http_port}, Proto => 'tcp');
    my ($list) = wanted();
    print $s map { "GET $_ HTTP/1.1\r\nHost: x\r\n\r\n" } $list, '/live/demo/v.m3u8', $list, '/worker';
    $s->flush;
    sleep 0.2;
    close $s;
    ok(quiet('the pipeliner to be gone'), 'FM-SEG-05 a client with requests in its pipe is gone');
}


# ---- all who stay are answered, by a part, by the stream's end and by its removal

{
    my @clients = map { Live::HTTP->new(port => $nginx->{http_port}) } 1 .. 200;
    my $p = playlist();
    my ($msn, $index) = Live::HLS::next_part($p);
    $_->start('GET', "/live/demo/v.m3u8?_HLS_msn=$msn&_HLS_part=$index") for @clients[0 .. 99];
    $_->start('GET', "/live/demo/$p->{hint}") for @clients[100 .. 199];
    $_->abort for @clients[20 .. 29, 120 .. 129];
    my @stay = @clients[0 .. 19, 30 .. 119, 130 .. 199];
    ok(Live::HTTP::run(\@stay, 5, sub { !grep { $_->busy } @stay }), 'all who stayed have an answer');
    is(scalar(grep { $_->{request}{status} != 200 } @stay), 0, 'all of them the part or playlist');
    my @done = sort { $a <=> $b } map { $_->{request}{done} } @stay;
    cmp_ok($done[-1] - $done[0], '<', 0.5, sprintf 'within %.0f ms', 1000 * ($done[-1] - $done[0]));
    $_->close for @clients;
}

$publisher->stop;
$nginx->wait_log(qr/live publish ended/, 5);

{
    # 4 s of linger, then ENDLIST; a wait of 3 s that begins 2 s later sees it
    sleep 2;
    my $p = playlist();
    my ($msn, $index) = Live::HLS::next_part($p);
    my @clients = map { Live::HTTP->new(port => $nginx->{http_port}) } 1 .. 20;
    $_->start('GET', "/live/demo/v.m3u8?_HLS_msn=$msn&_HLS_part=$index") for @clients[0 .. 9];
    $_->start('GET', "/live/demo/$p->{hint}") for @clients[10 .. 19];
    Live::HTTP::run(\@clients, 6, sub { !grep { $_->busy } @clients });

    is(scalar(grep { $_->{request}{status} == 200 && $_->{request}{body} =~ /\n#EXT-X-ENDLIST\n/ } @clients[0 .. 9]), 10,
        'FM-SEG-05 the stream ended: blocked playlists say so');
    is(scalar(grep { $_->{request}{status} == 404 } @clients[10 .. 19]), 10,
        'FM-SEG-05 the stream ended: blocked parts are known never to come');
    is($clients[10]{request}{headers}{'cache-control'}, 'no-store', 'not to be stored');
    $_->close for @clients;
}

$nginx->stop;


# ---- an nginx that stops does not wait for them

for my $signal (qw(TERM QUIT)) {
    $nginx = Live::Nginx->new(name => $signal)->start;
    $http = Live::HTTP->new(port => $nginx->{http_port});
    $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'));
    wait_for('the stream', 10, sub { $http->get('/live/demo/v.m3u8')->{status} == 200 });
    $http->close;

    my @clients = map { Live::HTTP->new(port => $nginx->{http_port}) } 1 .. 10;
    my $hint = Live::HLS::parse(Live::HTTP->new(port => $nginx->{http_port})->get('/live/demo/v.m3u8')->{body})->{hint};
    $_->start('GET', "/live/demo/$hint") for @clients;
    Live::HTTP::run(\@clients, 0.1, sub { 0 });
    $publisher->kill if $signal eq 'QUIT';

    my $from = now();
    $nginx->stop($signal);
    cmp_ok(now() - $from, '<', $signal eq 'TERM' ? 4 : 20, sprintf '%s: within %.1f s', $signal, now() - $from);
    $_->close for @clients;
    $publisher->kill;
}

done_testing;
