#!/usr/bin/perl

# What the HTTP side answers, and with which headers: every answer, errors included.

use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(now reap slurp spawn wait_for);

# target durations of 1 s, so that what never comes is known after 3 s
my $nginx = Live::Nginx->new(https => 1, ipv6 => 1,
    app => 'live_segment 1s max=1s; live_part 250ms; live_window 15s; live_linger 60s;',
    location => 'gzip on; gzip_min_length 100; gzip_types application/vnd.apple.mpegurl;')->start;

my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'), gop => 30);
my $http = Live::HTTP->new(port => $nginx->{http_port});

wait_for('the stream', 10, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });

my ($p, $r);
sub playlist { my ($id) = @_; return $p = Live::HLS::parse($http->get("/live/demo/$id.m3u8")->{body}) }

wait_for('segments', 10, sub { grep({ $_->{uri} } @{ playlist('v')->{segments} }) >= 4 });


# ---- cache and CORS headers

sub headers_are {
    my ($r, $status, $cache, $what) = @_;
    is($r->{status}, $status, "$what: $status") or diag($r->{error} || $r->{path});
    is($r->{headers}{'access-control-allow-origin'}, '*', "$what: CORS");
    is(scalar @{ $r->{all}{'access-control-allow-origin'} || [] }, 1, "$what: once");
    like($r->{headers}{'cache-control'} || '', $cache, "$what: cache");
}

my $segment = $p->{segments}[0];
my $part = $p->{segments}[-1]{parts}[0] || $p->{segments}[-2]{parts}[0];
my ($epoch) = $segment->{uri} =~ m{/([^-]+)-};
my $short = qr/^max-age=[0-9]$/;
my $long = qr/\bmax-age=31536000\b.*\bimmutable\b/;
my $none = qr/^no-store$/;

headers_are($http->get('/live/demo/index.m3u8'), 200, $short, 'multivariant playlist');
headers_are($http->get('/live/demo/v.m3u8'), 200, $short, 'media playlist');
headers_are($http->get("/live/demo/$segment->{map}"), 200, $long, 'init segment');
headers_are($http->get("/live/demo/$segment->{uri}"), 200, $long, 'segment');
headers_are($http->get("/live/demo/$part->{uri}"), 200, $long, 'part');

is($http->get('/live/demo/v.m3u8')->{headers}{'content-type'}, 'application/vnd.apple.mpegurl', 'type of a playlist');
is($http->get("/live/demo/$segment->{uri}")->{headers}{'content-type'}, 'video/mp4', 'type of video');
is($http->get('/live/demo/' . playlist('a')->{segments}[0]{uri})->{headers}{'content-type'}, 'audio/mp4', 'type of audio');
playlist('v');

headers_are($http->get('/live/nobody/index.m3u8'), 404, $none, 'unknown stream');
headers_are($http->get('/live/demo/v7.m3u8'), 404, $none, 'unknown track');
headers_are($http->get('/live/demo/nothing'), 404, $none, 'unknown URL');
headers_are($http->get('/live/demo/v/zzz-0.m4s'), 404, $none, 'FM-SEG-15 a segment of another epoch');
headers_are($http->get("/live/demo/v/$epoch-9999.m4s"), 404, $none, 'a segment far ahead');
headers_are($http->get("/live/demo/v/$epoch-0.77.m4s"), 404, $none, 'a part that its segment did not have');
headers_are($http->get("/live/demo/v/$epoch-9999.0.m4s"), 404, $none, 'a part far ahead');
headers_are($http->get("/live/demo/v/$epoch-init9.mp4"), 404, $none, 'an init segment that there is not');
headers_are($http->get("/live/demo/v/$epoch-01.m4s"), 404, $none, 'another spelling of a number');
headers_are($http->get("/live/demo/v/$epoch-18446744073709551617.m4s"), 404, $none, 'a number above 64 bits');
headers_are($http->get('/live/../live/demo/v/%2e%2e/index'), 404, $none, 'a path of dots');
headers_are($http->get('/live/' . 'x' x 300 . '/index.m3u8'), 404, $none, 'a name of 300 bytes');
headers_are($http->get('/live/demo/' . 'v' x 300 . '.m3u8'), 404, $none, 'a track of 300 bytes');
headers_are($http->request('POST', '/live/demo/v.m3u8', 'Content-Length' => 0), 405, $none, 'POST');
headers_are($http->request('DELETE', '/live/demo/v.m3u8'), 405, $none, 'DELETE');

$r = $http->request('OPTIONS', '/live/demo/v.m3u8', Origin => 'http://example.com', 'Access-Control-Request-Method' => 'GET');
headers_are($r, 204, qr/./, 'OPTIONS');
like($r->{headers}{'access-control-allow-methods'}, qr/\bGET\b/, 'OPTIONS: methods');
ok($r->{headers}{'access-control-allow-headers'}, 'OPTIONS: headers');


# ---- directives

sub asked { my ($args) = @_; return $http->get("/live/demo/v.m3u8?$args") }

headers_are(asked('_HLS_part=1'), 400, $none, 'FM-SEG-04 part without msn');
headers_are(asked('_HLS_msn=x'), 400, $none, 'msn is no number');
headers_are(asked('_HLS_msn=-1'), 400, $none, 'msn is negative');
headers_are(asked('_HLS_msn=' . (playlist('v')->{segments}[-1]{msn} + 4)), 400, $none, 'FM-SEG-04 msn too far ahead');
headers_are(asked('_HLS_msn=99999999999999999999'), 400, $none, 'msn above 64 bits');

{
    my ($msn, $index) = Live::HLS::next_part(playlist('v'));
    my $sent = now();
    headers_are(asked("_HLS_msn=$msn&_HLS_part=" . ($index + 40)), 400, $none, 'a part beyond the advance part limit');
    cmp_ok(now() - $sent, '<', 1, 'that is said at once');
}

# the playlist comes when the part does, and ends with it or a later one
for (1 .. 6) {
    my ($msn, $index) = Live::HLS::next_part(playlist('v'));
    my $sent = now();
    $r = asked("_HLS_msn=$msn&_HLS_part=$index");
    my ($m, $i) = Live::HLS::next_part(Live::HLS::parse($r->{body}));
    ok($r->{status} == 200 && ($m > $msn || ($m == $msn && $i > $index)), sprintf
        'part %d.%d: the playlist ends before %d.%d, after %.0f ms', $msn, $index, $m, $i, 1000 * (now() - $sent));
}

{
    my $msn = playlist('v')->{segments}[-1]{msn};
    $r = asked("_HLS_msn=$msn");
    my ($last) = grep { $_->{msn} == $msn } @{ Live::HLS::parse($r->{body})->{segments} };
    ok($last->{uri}, 'msn alone: the segment is complete');
}

{
    my $closed = (grep { $_->{uri} } @{ playlist('v')->{segments} })[-1];
    my $n = @{ $closed->{parts} };
    $r = asked("_HLS_msn=$closed->{msn}&_HLS_part=$n");
    my ($msn, $index) = Live::HLS::edge(Live::HLS::parse($r->{body}));
    cmp_ok($msn, '>', $closed->{msn}, 'FM-SEG-04 a part behind the last of a segment: part 0 of the next');
    ok($r->{status} == 200 && $index >= 0, 'FM-SEG-04 is there');
}

# the whole playlist and a delta update of the same moment
{
    wait_for('more segments than must be listed', 15, sub { (asked('_HLS_skip=YES')->{body} || '') =~ /EXT-X-SKIP/ });
    my $list = Live::HLS->new;
    my ($msn, $index) = Live::HLS::next_part($list->feed($http->get('/live/demo/v.m3u8')->{body}));
    my $delta = asked("_HLS_msn=$msn&_HLS_part=$index&_HLS_skip=YES")->{body};
    like($delta, qr/#EXT-X-SKIP:SKIPPED-SEGMENTS=\d+\n/, 'FM-SEG-03 a delta update');
    ok($list->feed($delta), 'FM-SEG-03 it can be applied');
    is(join("\n", $list->errors), '', 'FM-SEG-03 and changes nothing that was there');
    like(asked('_HLS_skip=v2')->{body}, qr/EXT-X-SKIP/, 'v2 skips as well');
    unlike(asked('_HLS_skip=NO')->{body}, qr/EXT-X-SKIP/, 'NO does not');
}


# ---- the hinted part

for my $id (qw(v a)) {
    my $hint = playlist($id)->{hint};
    $r = $http->get("/live/demo/$hint");
    headers_are($r, 200, $long, "$id: the hinted part");
    my @listed = map { $_->{uri} } map { @{ $_->{parts} } } @{ playlist($id)->{segments} };
    ok(scalar(grep { $_ eq $hint } @listed), "$id: is in the playlist then");
    is($http->get("/live/demo/$hint")->{body}, $r->{body}, "$id: and the same");
}


# ---- HEAD, Range, conditions

for my $path ('index.m3u8', 'v.m3u8', $segment->{uri}, $part->{uri}, $segment->{map}) {
    my $get = $http->get("/live/demo/$path");
    my $head = $http->head("/live/demo/$path");
    is($head->{status}, 200, "HEAD $path");
    is($head->{body}, '', 'HEAD has no body');
    is($head->{headers}{'content-type'}, $get->{headers}{'content-type'}, 'HEAD has the type');
    is($head->{headers}{'content-length'}, length $get->{body}, 'HEAD has the length') if $path =~ /m4s|mp4/;
}

is($http->head('/live/nobody/index.m3u8')->{status}, 404, 'HEAD of nothing');

# it was read by its tags a while ago and is still there
my $whole = $http->get("/live/demo/$segment->{uri}")->{body};
$r = $http->get("/live/demo/$segment->{uri}", Range => 'bytes=10-109');
headers_are($r, 206, $long, 'a range of a segment');
is($r->{body}, substr($whole, 10, 100), 'its bytes');
is($r->{headers}{'content-range'}, 'bytes 10-109/' . length $whole, 'its place');
is($http->get("/live/demo/$segment->{uri}", Range => 'bytes=-20')->{body}, substr($whole, -20), 'a range from the end');
headers_are($http->get("/live/demo/$segment->{uri}", Range => 'bytes=99999999-'), 416, $none, 'a range behind the end');
headers_are($http->get("/live/demo/$segment->{uri}", 'If-Match' => '"x"'), 200, $long, 'a condition, of which nothing is known');

{
    my $s = (grep { $_->{uri} && @{ $_->{parts} } > 2 } @{ playlist('v')->{segments} })[-1];
    my $second = $http->get("/live/demo/$s->{parts}[1]{uri}")->{body};
    $r = $http->get("/live/demo/$s->{parts}[1]{uri}", Range => 'bytes=4-7');
    is($r->{body}, substr($second, 4, 4), 'a range of a part counts from its own beginning');
    is($r->{headers}{'content-range'}, 'bytes 4-7/' . length $second, 'and of its own length');
}


# ---- gzip

$r = $http->get('/live/demo/v.m3u8', 'Accept-Encoding' => 'gzip');
is($r->{headers}{'content-encoding'}, 'gzip', 'a playlist is compressed');
my $plain;
gunzip(\$r->{body}, \$plain);
ok(eval { Live::HLS::parse($plain) }, 'and a playlist');
is($http->get("/live/demo/$segment->{uri}", 'Accept-Encoding' => 'gzip')->{headers}{'content-encoding'}, undef,
    'a segment is not');


# ---- IPv6, and HTTP/2 over TLS

my $six = Live::HTTP->new(host => '::1', port => $nginx->{http_port});
headers_are($six->get('/live/demo/v.m3u8'), 200, $short, 'IPv6');
$six->close;

sub curl {
    my ($path, @more) = @_;
    my $log = $nginx->dir . '/curl.log';
    unlink $log;
    my $status = reap(spawn($log, qw(curl -s -k --http2 -i --max-time 10), @more, $nginx->https_url($path)), 20);
    return slurp($log);
}

like(curl('/live/demo/v.m3u8'), qr{^HTTP/2 200 .*\naccess-control-allow-origin: \*.*#EXTM3U}s, 'a playlist over HTTP/2');
like(curl("/live/demo/$segment->{uri}", '-o', '/dev/null', '-D', '-', '-w', 'bytes %{size_download}'),
    qr{^HTTP/2 200 .*bytes @{[length $whole]}$}s, 'a segment over HTTP/2');
like(curl('/live/nobody/v.m3u8'), qr{^HTTP/2 404 .*\ncache-control: no-store}s, 'an error over HTTP/2');

{
    my ($msn, $index) = Live::HLS::next_part(playlist('v'));
    my $answer = curl("/live/demo/v.m3u8?_HLS_msn=$msn&_HLS_part=" . ($index + 1));
    like($answer, qr{^HTTP/2 200 }, 'a blocking reload over HTTP/2');
}

like(curl('/live/demo/' . playlist('v')->{hint}, '-o', '/dev/null', '-D', '-'), qr{^HTTP/2 200 }, 'a hinted part over HTTP/2');


# ---- what never comes: the publisher has left, and may come back

$publisher->stop;
$nginx->wait_log(qr/live publish ended/, 5);
playlist('v');

{
    my ($msn, $index) = Live::HLS::next_part($p);
    my @blocked = map { Live::HTTP->new(port => $nginx->{http_port}) } 1 .. 3;
    my $sent = now();
    $blocked[0]->start('GET', "/live/demo/v.m3u8?_HLS_msn=$msn&_HLS_part=$index");
    $blocked[1]->start('GET', "/live/demo/$p->{hint}");
    $blocked[2]->start('HEAD', "/live/demo/$p->{hint}");
    my $log = $nginx->dir . '/curl503.log';
    my $curl = spawn($log, qw(curl -s -k --http2 -i --max-time 10), $nginx->https_url("/live/demo/$p->{hint}"));
    Live::HTTP::run(\@blocked, 8, sub { !grep { $_->busy } @blocked });

    headers_are($blocked[0]{request}, 503, $none, 'FM-SEG-05 a playlist that never comes');
    headers_are($blocked[1]{request}, 503, $none, 'FM-SEG-05 a part that never comes');
    is($blocked[2]{request}{status}, 503, 'FM-SEG-05 HEAD of it');
    my $took = $blocked[0]{request}{done} - $sent;
    ok($took > 2.5 && $took < 4.5, sprintf 'after three target durations: %.1f s', $took);
    reap($curl, 10);
    like(slurp($log), qr{^HTTP/2 503 .*no-store}s, 'FM-SEG-05 the same over HTTP/2');
}

$nginx->stop;
done_testing;
