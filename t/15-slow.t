#!/usr/bin/perl

# Clients that read slowly, of large segments and of playlists: each gets every byte, also of what has been
# removed meanwhile, and holds nobody up.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep);
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(now reap slurp spawn wait_for);
use Live::Viewer;

my $nginx = Live::Nginx->new(https => 1, keys => { secret => 'demo' },
    app => 'live_segment 2s max=2s; live_window 6s;', location => 'sendfile_max_chunk 256k;')->start;
my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'), size => '1280x720', bitrate => '12000k', seconds => 40, gop => 60);
my $http = Live::HTTP->new(port => $nginx->{http_port});

sub list { return Live::HLS::parse($http->get('/live/demo/v.m3u8')->{body}) }
wait_for('a segment', 15, sub { my $r = $http->get('/live/demo/v.m3u8'); $r->{status} == 200 && list()->{segments}[0]{uri} });

my $segment = list()->{segments}[0];
my $whole = $http->get("/live/demo/$segment->{uri}")->{body};
cmp_ok(length $whole, '>', 1_500_000, 'a large segment: ' . length $whole);

# a client with a small buffer that reads now and then
sub slow {
    my ($path) = @_;
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $nginx->{http_port}, Proto => 'tcp');
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, 32768;
    print $s "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    $s->flush;
    $s->blocking(0);
    return { socket => $s, in => '' };
}

sub sip {
    my ($c, $bytes) = @_;
    my $n = sysread $c->{socket}, $c->{in}, $bytes, length $c->{in};
    $c->{end} = 1 if defined $n && $n == 0;
}

sub body { my ($c) = @_; return $c->{in} =~ /\r\n\r\n(.*)\z/s ? $1 : '' }

my @slow = map { slow("/live/demo/$segment->{uri}") } 1 .. 10;
my @parts = map { slow("/live/demo/$_->{uri}") } map { @{ $_->{parts} } } grep { $_->{uri} } @{ list()->{segments} };

# over twice the window: the segment leaves the playlist, and its file goes
my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, worker => $_)->open } $nginx->workers;
my $next = 0;
Live::Viewer::play(\@viewers, 16, sub {
    return 0 if now() < $next;
    $next = now() + 0.1;
    sip($_, 8192) for @slow, @parts;
    return 0;
});

is($http->get("/live/demo/$segment->{uri}")->{status}, 404, 'the segment is gone meanwhile');
is(scalar(grep { $_->{end} } @slow), 0, 'while slow clients still read it');

wait_for('slow clients to have all', 30, sub { sip($_, 1 << 20) for @slow, @parts; !grep { !$_->{end} } @slow, @parts });

is(scalar(grep { md5_hex(body($_)) eq md5_hex($whole) } @slow), 10, 'each got every byte');
is(scalar(grep { $_->{in} =~ m{^HTTP/1.1 200 } && $_->{in} =~ /content-length: (\d+)/i && $1 == length body($_) } @parts), scalar @parts,
    'of parts too: ' . @parts);

for my $viewer (@viewers) {
    is(join("\n", $viewer->errors), '', 'viewers beside them notice nothing');
    cmp_ok($viewer->parts('v'), '>', 25, 'and play: ' . $viewer->parts('v'));
    my $ages = $viewer->ages('v');
    cmp_ok($ages->{median}, '<', 0.3, sprintf 'parts are here after %.0f ms, at most %.0f', 1000 * $ages->{median}, 1000 * $ages->{max});
}

# over TLS, and over HTTP/2 with its windows
for my $version (qw(--http1.1 --http2)) {
    my $now = list()->{segments}[0];
    my $fast = $http->get("/live/demo/$now->{uri}")->{body};
    my $out = $nginx->dir . '/slow.out';
    unlink $out;
    my $status = reap(spawn($nginx->dir . '/curl.log', qw(curl -s -k --max-time 20 --limit-rate 1500k -o), $out, $version,
        $nginx->https_url("/live/demo/$now->{uri}")), 30);
    is($status, 0, "curl $version, slowly");
    is(md5_hex(slurp($out)), md5_hex($fast), "curl $version: every byte");
}

# playlists that do not fit a socket's buffer are few; a pipe of many requests is the same
{
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $nginx->{http_port}, Proto => 'tcp');
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, 32768;
    my $n = 600;
    print $s "GET /live/demo/v.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n" x ($n - 1), "GET /live/demo/v.m3u8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    $s->flush;
    sleep 0.5;
    my $c = { socket => $s, in => '' };
    $s->blocking(0);
    wait_for('all playlists', 20, sub { sip($c, 1 << 20); $c->{end} });
    is(scalar(() = $c->{in} =~ m{^HTTP/1\.1 200 OK\r$}mg), $n, "$n playlists to one slow client");
}

$_->close for @viewers;
my $last = list()->{segments}[-2]{uri};
$publisher->stop;

# what nobody wants any more is not kept open: its bytes would stay
sub held { return grep { /\.(?:m4s|mp4)\b/ } map { readlink($_) || '' } map { glob "/proc/$_/fd/*" } $nginx->workers }
is($http->get("/live/demo/$last")->{status}, 200, 'a segment');
is(scalar(grep { m{/\Q$last\E} } held()), 1, 'is open behind its request');
wait_for('files to be closed', 6, sub { !held() });
pass('and closed when nobody asks again');

$nginx->stop;
done_testing;
