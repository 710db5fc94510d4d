#!/usr/bin/perl

# The configurations that are there to be copied, as they are, by Debian's nginx on a machine of its own (see
# Build.pm): conf/live.conf and the README's lines pass nginx -t, which makes nothing, and play a stream.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Build qw(command inside lives sandbox);
use Live::HLS;
use Live::HTTP;
use Live::Publisher;
use Live::Util qw(root slurp spew wait_for);
use Live::Viewer;

sandbox('t/build/conf.t') if !inside();

my $build = $ENV{LIVE_BUILD} || root() . '/.build';
my $load = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\nload_module $build/stock/ngx_live_module.so;\n";
my $key = 'a' x 32;

# what the files name
spew('/etc/nginx/live.keys', "$key demo\n", 0600);
my ($status, $text) = command({}, 20, qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2
    -subj /CN=localhost -keyout /etc/ssl/private/live.key -out /etc/ssl/certs/live.pem));
is($status, 0, 'a certificate') or diag($text);

my ($readme) = grep { /live_store/ } slurp(root() . '/README.md') =~ /^```nginx\n(.*?)^```$/msg;
ok($readme, 'the README has a configuration');
cmp_ok(scalar(split /\n/, $readme), '<=', 14, 'which is short');

for my $case (['conf/live.conf', slurp(root() . '/conf/live.conf'), 1], ['the README', "events {}\n$readme", 0]) {
    my ($what, $conf, $https) = @$case;

    # directives that must come first, as in the nginx.conf that it is copied into
    spew('/etc/nginx/nginx.conf', $load . $conf);
    unlink '/var/log/nginx/error.log';

    ($status, $text) = command({}, 20, qw(nginx -t));
    is($status, 0, "$what passes nginx -t") or diag($text);
    unlike($text, qr/\[(?:warn|error|alert|crit|emerg)\]/, "$what: without a word");
    ok(!-e '/dev/shm/ngx-live', "$what: and makes no store");

    ($status, $text) = command({}, 20, 'nginx');
    is($status, 0, "$what: nginx starts") or diag($text);
    my $pid = wait_for('nginx', 10, sub { slurp('/run/nginx.pid') =~ /^(\d+)$/ ? $1 : 0 });

    my $http = Live::HTTP->new(port => 80);
    my $publisher = Live::Publisher->start(url => "rtmp://127.0.0.1/live/$key");
    wait_for('the stream', 15, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });

    my $m = Live::HLS::multivariant($http->get('/live/demo/index.m3u8')->{body});
    is($m->{variants}[0]{uri}, 'v.m3u8', "$what: video");
    is($m->{media}[0]{URI}, 'a.m3u8', "$what: audio");

    my $viewer = Live::Viewer->new(port => 80)->open;
    ok(Live::Viewer::play([$viewer], 20, sub { $viewer->parts('v') >= 10 && $viewer->parts('a') >= 10 }), "$what: it plays");
    is(join("\n", $viewer->errors), '', "$what: without a fault");
    is($viewer->{reconnects}, 0, "$what: on connections that are kept");
    $viewer->close;

    if ($https) {
        ($status, $text) = command({}, 20, qw(curl -sk --http2 -o /tmp/h2 -w), '%{http_code} %{http_version}', 'https://localhost/live/demo/index.m3u8');
        is($text, '200 2', "$what: HTTPS with HTTP/2");

        my $r = $http->get('/live/demo/v.m3u8', 'Accept-Encoding' => 'gzip');
        is($r->{headers}{'content-encoding'}, 'gzip', "$what: playlists are compressed");
        gunzip(\$r->{body}, \my $plain);
        like($plain, qr/\A#EXTM3U\n/, "$what: and can be read");

        is(Live::HTTP->new(host => '::1', port => 80)->get('/live/demo/index.m3u8')->{status}, 200, "$what: over IPv6");
        my $second = Live::Publisher->start(url => "rtmp://[::1]/live/$key");
        ok($publisher->wait_end(15), "$what: a publisher over IPv6");
        $publisher = $second;
    }

    $publisher->stop;
    kill TERM => $pid;
    wait_for('nginx to end', 20, sub { !lives($pid) });
    ok(!-e '/dev/shm/ngx-live', "$what: no store is left");
    is(join("\n", grep { /\[(?:alert|crit|emerg)\]/ } split /\n/, slurp('/var/log/nginx/error.log')), '', "$what: no alert");
}

done_testing;
