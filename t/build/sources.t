#!/usr/bin/perl

# ./build.sh build --nginx-src=DIR --rtmp-src=DIR: against a release that nobody has configured, in the form of a
# repository, for an nginx with --with-compat; and against a tree whose nginx was built otherwise.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Path qw(remove_tree);
use Test::More;
use Build qw(build_sh command);
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(reap root slurp spawn temp_dir wait_for);

my $build = $ENV{LIVE_BUILD} || root() . '/.build';
my $tmp = temp_dir();
my $owner = $$;
my ($nginx_src) = glob "$build/src/nginx-[0-9]*.[0-9]*/configure";
my ($rtmp_src) = glob "$build/src/nginx-rtmp-module-*/ngx_rtmp.h";
die "no sources of nginx and nginx-rtmp: ./build.sh build --sanitize fetches them\n" unless $nginx_src && $rtmp_src;
s{/[^/]+$}{} for $nginx_src, $rtmp_src;

END {
    my $status = $?;
    remove_tree($tmp) if $$ == $owner;
    $? = $status;
}


# ---- what cannot be

mkdir "$tmp/empty";

for my $case (
    ['--nginx-src alone', ["--nginx-src=$nginx_src"], qr/--nginx-src and --rtmp-src go together/],
    ['--rtmp-src alone', ["--rtmp-src=$rtmp_src"], qr/--nginx-src and --rtmp-src go together/],
    ['no such directory', ["--nginx-src=$tmp/none", "--rtmp-src=$rtmp_src"], qr/--nginx-src: no directory \Q$tmp\E\/none/],
    ['no such directory of nginx-rtmp', ["--nginx-src=$nginx_src", "--rtmp-src=$tmp/none"], qr/--rtmp-src: no directory \Q$tmp\E\/none/],
    ['a directory that is not nginx', ["--nginx-src=$tmp/empty", "--rtmp-src=$rtmp_src"], qr/--nginx-src: \Q$tmp\E\/empty has no configure: /],
    ['a directory that is not nginx-rtmp', ["--nginx-src=$nginx_src", "--rtmp-src=$tmp/empty"],
        qr/--rtmp-src: \Q$tmp\E\/empty has no ngx_rtmp\.h: /],
    ['an option that is none', ['--nginx=there'], qr/unknown option --nginx=there/],
) {
    my ($what, $options, $message) = @$case;
    my ($status, $text) = build_sh({}, 'build', @$options);
    is($status, 1, "$what: refused");
    like($text, qr/^build\.sh: build: $message/m, "$what: it says why");
}


# ---- an nginx of somebody's own, built while the other one is tried

sub copy { system('cp', '-a', $nginx_src, $_[0]) == 0 or die "cp failed\n" }

my $own = "$tmp/own";
copy($own);
my $making = spawn("$tmp/own.log", 'sh', '-ec', <<'END', 'sh', $own);
cd "$1"
./configure --prefix="$1/prefix" --with-cc-opt='-O0 -Wno-error' --with-http_stub_status_module --with-http_ssl_module --without-http_gzip_module \
    --without-http_upstream_zone_module --without-http_memcached_module
make -j2 -f objs/Makefile
END


# ---- a repository has no configure of its own: it is taken for a release, and built with --with-compat

my $repository = "$tmp/repository";
copy($repository);
rename "$repository/configure", "$repository/auto/configure" or die "rename: $!\n";

my ($status, $text) = build_sh({}, 'build', "--nginx-src=$repository", "--rtmp-src=$rtmp_src");
is($status, 0, 'built against a repository') or diag($text);
like($text, qr{^built: \Q$build\E/other/ngx_live_module\.so$}m, 'it says what was built');
ok(-s "$build/other/ngx_live_module.so", 'there it is');
ok(!-e "$repository/objs", 'the source is as it was');

{
    delete local $ENV{LIVE_TEST_NGINX};
    local $ENV{LIVE_TEST_MODULES} = "/usr/lib/nginx/modules/ngx_rtmp_module.so $build/other/ngx_live_module.so";
    my $nginx = Live::Nginx->new(name => 'Debian\'s nginx');
    $nginx->{$_} = Live::Util::free_port() for qw(http_port rtmp_port);
    $nginx->write_conf;
    my ($ok, $out) = $nginx->test_conf;
    ok($ok, 'another nginx with --with-compat, Debian\'s, loads it') or diag($out);
    $nginx->_clean;
}


# ---- a tree that was configured, without --with-compat

is(reap($making, 110), 0, 'an nginx is built') or diag(Live::Util::tail(slurp("$tmp/own.log"), 20));

($status, $text) = build_sh({}, 'build', "--nginx-src=$own", "--rtmp-src=$rtmp_src");
is($status, 0, 'built against its tree') or diag($text);
like($text, qr{\Q$build\E/other/objs/ngx_rtmp_module\.so$}m, 'it says where nginx-rtmp is');
my ($arguments) = slurp("$build/other/objs/ngx_auto_config.h") =~ /^#define NGX_CONFIGURE "(.*)"$/m;
like($arguments, qr{--prefix='?\Q$own\E/prefix'? --with-cc-opt='-O0 -Wno-error' --with-http_stub_status_module},
    'in the way the tree was configured');

local $ENV{LIVE_TEST_NGINX} = "$own/objs/nginx";
local $ENV{LIVE_TEST_MODULES} = "$build/other/objs/ngx_rtmp_module.so $build/other/ngx_live_module.so";

my $nginx = Live::Nginx->new(name => 'nginx of its own')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'));
ok(wait_for('the stream', 15, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 }), 'that nginx loads it, and a stream plays');
like($http->get('/live/demo/v.m3u8')->{body}, qr/^#EXT-X-PART:/m, 'with parts');
$publisher->stop;
$nginx->stop;

done_testing;
