#!/usr/bin/perl

# The other tests run on a sanitized nginx with everything linked in. This one runs on Debian's, with the modules
# loaded, as users have them: published, played on both workers, taken over, reloaded, upgraded, ended.

use strict;
use warnings;
use Test::More;

BEGIN { delete @ENV{qw(LIVE_TEST_NGINX LIVE_TEST_MODULES)} }

use IO::Uncompress::Gunzip qw(gunzip);
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(reap slurp spawn wait_for);
use Live::Viewer;

my $nginx = Live::Nginx->new(name => 'stock', https => 1, daemon => 1,
    app => 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 2s;',
    location => 'gzip on; gzip_proxied any; gzip_min_length 100; gzip_types application/vnd.apple.mpegurl;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});

is(readlink "/proc/$nginx->{pid}/exe", '/usr/sbin/nginx', 'Debian\'s nginx');
like(slurp("/proc/$nginx->{pid}/maps"), qr{ /usr/lib/nginx/modules/ngx_rtmp_module\.so$}m, 'with Debian\'s nginx-rtmp');
like(slurp("/proc/$nginx->{pid}/maps"), qr{/stock/ngx_live_module\.so$}m, 'and our module');

sub publish { return Live::Publisher->start(url => $nginx->rtmp_url('secret'), gop => 30, seconds => 60) }

my $publisher = publish();
wait_for('the stream', 15, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });

my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, worker => $_)->open } $nginx->workers;
is(scalar @viewers, 2, 'a viewer on each worker');

sub plays {
    my ($what, $parts) = @_;
    my @from = map { { v => $_->parts('v'), a => $_->parts('a') } } @viewers;
    ok(Live::Viewer::play(\@viewers, 20, sub {
        return !grep { my $n = $_; grep { $viewers[$n]->parts($_) < $from[$n]{$_} + $parts } qw(v a) } 0 .. $#viewers;
    }), $what);
    is(join("\n", map { $_->errors } @viewers), '', "$what, and every part is there");
}

plays('it plays on both workers', 12);
is(join(' ', map { $_->{reconnects} } @viewers), '0 0', 'on connections that are kept');
is(join(' ', map { $_->track('v')->{gaps} } @viewers), '0 0', 'without a gap');

# the same over HTTPS, by both versions, and compressed
my $log = $nginx->dir . '/curl.log';

for my $version ('1.1', '2') {
    unlink $log;
    is(reap(spawn($log, qw(curl -sk -o /dev/null -w), '%{http_code} %{http_version}', "--http$version",
        $nginx->https_url('/live/demo/v.m3u8')), 20), 0, 'curl');
    is(slurp($log), "200 $version", "HTTPS, HTTP/$version");
}

my $r = $http->get('/live/demo/v.m3u8', 'Accept-Encoding' => 'gzip');
is($r->{headers}{'content-encoding'}, 'gzip', 'gzip');
gunzip(\$r->{body}, \my $plain);
ok(eval { Live::HLS::parse($plain) }, 'of a playlist');

# ffmpeg as a player that knows no parts
unlink $log;
is(reap(spawn($log, qw(ffmpeg -hide_banner -nostdin -loglevel warning -live_start_index 0 -i),
    $nginx->url('/live/demo/index.m3u8'), qw(-t 2 -f null -)), 30), 0, 'ffmpeg plays it') or diag(slurp($log));

my $second = publish();
ok($publisher->wait_end(10), 'a takeover closes the publisher before');
$publisher = $second;
plays('viewers go on behind a takeover', 8);

$nginx->reload;
plays('viewers go on behind a reload', 8);
is(scalar(my @old = $nginx->old_workers), 1, 'one old worker stays, with the publisher');

my $before = $nginx->upgrade;
plays('viewers go on behind a binary upgrade', 8);
ok($publisher->alive, 'the publisher is still on');
isnt($nginx->{pid}, $before, 'beside a new nginx');

# a second publisher comes to the new one, and the old one can go
$second = publish();
ok($publisher->wait_end(10), 'a takeover from the new nginx');
$publisher = $second;
plays('viewers go on behind it', 8);
wait_for('the old nginx to go', 15, sub { !kill 0, $before });

$publisher->stop;
ok(Live::Viewer::play(\@viewers, 15, sub { !grep { !$_->track('v')->{ended} || !$_->track('a')->{ended} } @viewers }),
    'the stream ends for every viewer');
is(join("\n", map { $_->errors } @viewers), '', 'and was right to the end');
$_->close for @viewers;

$nginx->stop;

done_testing;
