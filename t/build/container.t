#!/usr/bin/perl

# ./build.sh run as root in a container (see Build.pm): no init, a checkout that is only to be read, no terminal, the
# default ports; /dev/shm as large as a container has it, too small, and missing.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Build qw(build_sh command inside lives sandbox);
use Live::HTTP;
use Live::Publisher;
use Live::Util qw(root slurp wait_for);

# built outside, where the build directory can be written
if (!inside()) {
    my ($status, $text) = build_sh({}, 'build');
    die "./build.sh build:\n$text" if $status;
    sandbox('t/build/container.t');
}

my $build_sh = root() . '/build.sh';
my $run = '/tmp/run';

sub verb { return command({ LIVE_RUN_DIR => $run }, 60, $build_sh, @_) }

my ($status, $text) = command({}, 10, split ' ', 'mount -t tmpfs -o size=64m,mode=1777 shm /dev/shm');
is($status, 0, '/dev/shm of 64 MB') or diag($text);

for my $case (
    ['of 64 MB', '/dev/shm', []],
    ['of 8 MB', '/tmp', ['mount', '-o', 'remount,size=8m', '/dev/shm']],
    ['of nobody', '/tmp', ['mount', '-o', 'remount,ro', '/dev/shm']],
    ['missing', '/tmp', ['sh', '-c', 'umount /dev/shm; umount /dev/shm; umount -l /dev; mount -t tmpfs dev /dev; mknod -m 666 /dev/null c 1 3;
        mknod -m 666 /dev/zero c 1 5; mknod -m 666 /dev/urandom c 1 9']],
) {
    my ($what, $place, $command) = @$case;
    command({}, 10, @$command) if @$command;

    ($status, $text) = verb('run');
    is($status, 0, "/dev/shm $what: run") or diag($text);
    my ($store, $size) = slurp("$run/nginx.conf") =~ /^live_store demo path=(\S+) streams=64 size=(\d+)m;$/m;
    like($store, qr{^$place/ngx-live-0-[0-9a-f]{8}$}, "/dev/shm $what: where streams are");
    cmp_ok($size, '<=', 48, 'no more than fits') if $place eq '/dev/shm';

    my ($url) = slurp("$run/demo.env") =~ m{^PUBLISH_URL=(rtmp://127\.0\.0\.1:1935/live/\w+)$}m;
    ok($url, 'on the default port of RTMP');
    my $publisher = Live::Publisher->start(url => $url);
    my $http = Live::HTTP->new(port => 8080);
    ok(wait_for('the stream', 15, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 }), "/dev/shm $what: a stream plays");
    my $pid = slurp("$run/nginx.pid") + 0;
    ($status, $text) = command({}, 20, qw(curl -sk -o /dev/null -w), '%{http_code} %{http_version}', 'https://localhost:8443/watch/demo');
    is($text, '200 2', 'the watch page on the default port of HTTPS');

    ($status, $text) = verb('stop');
    is("$status $text", "0 stopped\n", "/dev/shm $what: stop");
    ok(!lives($pid), 'nginx is gone');
    is(join(' ', glob '/dev/shm/ngx-live-0-* /tmp/ngx-live-0-*'), '', 'nothing is left');
    unlike(slurp("$run/error.log"), qr/\[(?:alert|crit|emerg)\]/, 'no alert');
    $publisher->kill;
}

done_testing;
