#!/usr/bin/perl

# The Debian package, on a machine of its own (see Build.pm): installed, upgraded while a stream is live, upgraded
# where that is not possible, removed under a running nginx, installed again, purged.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Time::HiRes qw(sleep);
use Build qw(build_sh command inside lives sandbox);
use Live::HTTP;
use Live::Publisher;
use Live::Util qw(now reap root slurp spawn spew wait_for);
use Live::Viewer;

my $build = $ENV{LIVE_BUILD} || root() . '/.build';
my $link = '/etc/nginx/modules-enabled/60-mod-live.conf';

# built outside, where the build directory can be written
if (!inside()) {
    my ($status, $text) = build_sh({}, 'package');
    die "./build.sh package:\n$text" if $status;
    sandbox('t/build/package.t');
}

my ($deb) = glob "$build/libnginx-mod-live_*.deb";
ok($deb, 'there is a package');
my ($version) = $deb =~ /_([0-9.]+)_[a-z0-9]+\.deb$/;

sub run_command { my ($rc, $text) = command({ DEBIAN_FRONTEND => 'noninteractive' }, 60, @_); return ($rc, $text) }
sub dpkg { my ($rc, $text) = run_command('dpkg', @_); is($rc, 0, "dpkg $_[0]") or diag($text); return $text }
sub pid { return slurp('/run/nginx.pid') =~ /^(\d+)/ ? $1 : 0 }
sub passes { my ($rc, $text) = run_command(qw(nginx -t)); return wantarray ? ($rc == 0, $text) : $rc == 0 }
sub conf_files { return grep { -e || -l } glob('/etc/nginx/modules-enabled/*live*'), glob('/usr/share/nginx/modules-available/*live*') }

# the file of the module that a process has, by device and inode, as the kernel names them
sub mapped {
    my ($pid) = @_;
    return slurp("/proc/$pid/maps") =~ m{^\S+ r-xp \S+ (\S+ \d+) +\S*/ngx_live_module\.so( \(deleted\))?$}m ? $1 . ($2 || '') : '';
}


# ---- what is in it

my %field = map { /^(\S+): (.*)$/ ? ($1 => $2) : () } split /\n/, (run_command('dpkg-deb', '-f', $deb))[1];
is($field{Package}, 'libnginx-mod-live', 'its name');
is($field{Version}, $version, 'its version');
like($field{Depends}, qr/(?:^|, )nginx-abi-[0-9.]+-\d+(?:,|$)/, 'it fits one build of nginx');
like($field{Depends}, qr/(?:^|, )libnginx-mod-rtmp \(>= 1:1\.2\.2\), libnginx-mod-rtmp \(<< 1:1\.2\.3~\)(?:,|$)/, 'and one nginx-rtmp');
like($field{Depends}, qr/(?:^|, )libc6 \(>= 2\.\d+\)(?:,|$)/, 'and a libc');

my @listed = split /\n/, (run_command('dpkg-deb', '-c', $deb))[1];
is(join(' ', sort map { m{\./(\S+[^/])$} ? $1 : () } grep { /^-/ } @listed), join(' ', qw(
    usr/lib/nginx/modules/ngx_live_module.so usr/share/doc/libnginx-mod-live/changelog.gz
    usr/share/doc/libnginx-mod-live/copyright usr/share/doc/libnginx-mod-live/examples/live.conf
    usr/share/nginx/modules-available/mod-live.conf)), 'its files');
is(join("\n", grep { !m{^(?:-rw-r--r--|drwxr-xr-x) root/root } } @listed), '', 'are root\'s, and readable by all');

mkdir '/tmp/control';
run_command('dpkg-deb', '-e', $deb, '/tmp/control');
is(join(' ', map { s{.*/}{}r } sort glob '/tmp/control/*'), 'control md5sums postinst postrm prerm', 'no conffiles, no triggers');
is((run_command('sh', '-n', "/tmp/control/$_"))[0], 0, "$_ is a shell script") for qw(postinst prerm postrm);


# ---- installed beside Debian's default configuration

unlink '/usr/sbin/policy-rc.d';
is(pid(), 0, 'nginx does not run');
dpkg('-i', $deb);
is(readlink $link, '/usr/share/nginx/modules-available/mod-live.conf', 'it is enabled');
my @order = map { s{.*/}{}r } glob '/etc/nginx/modules-enabled/*.conf';
my %at = map { $order[$_] => $_ } 0 .. $#order;
cmp_ok($at{'50-mod-rtmp.conf'}, '<', $at{'60-mod-live.conf'}, 'behind nginx-rtmp, whose symbols it needs');
ok(scalar passes(), 'nginx -t passes') or diag((passes())[1]);
is(pid(), 0, 'nginx was not started for it');
is((run_command(qw(dpkg --verify libnginx-mod-live)))[1], '', 'the files are what the package says');
like((run_command('sh', '-c', 'zcat /usr/share/doc/libnginx-mod-live/changelog.gz | dpkg-parsechangelog -l-'))[1],
    qr/^Version: \Q$version\E$/m, 'its changelog begins with its version');


# ---- nginx with a stream, and a viewer

my $conf = slurp('/etc/nginx/nginx.conf');
spew('/etc/nginx/live.keys', "secret demo\n", 0600);

sub configure {
    my ($with) = @_;
    my $more = $with ? <<'END' : '';
live_store main path=/dev/shm/ngx-live;
rtmp { server { listen 1935; application live { live_ingest on; live_keys /etc/nginx/live.keys; } } }

END
    my $server = $with ? 'location /live/ { live_hls on; add_header X-Worker $pid always; }' : '';
    spew('/etc/nginx/nginx.conf', $conf =~ s/^(?=events )/$more/mr);
    spew('/etc/nginx/conf.d/live.conf', <<"END");
keepalive_requests 1000000;
server {
    listen 8080;
    location = /worker { add_header X-Worker \$pid always; return 200 ok; }
    $server
}
END
}

configure(1);
is((run_command(qw(service nginx start)))[0], 0, 'nginx starts') or diag((passes())[1]);
wait_for('nginx', 10, sub { pid() && lives(pid()) });
my $first = pid();
ok(mapped($first), 'it has the module');

my $http = Live::HTTP->new(port => 8080);
my $publisher = Live::Publisher->start(url => 'rtmp://127.0.0.1/live/secret', seconds => 60, loop => 1);
wait_for('the stream', 15, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });
my $viewer = Live::Viewer->new(port => 8080)->open;
Live::Viewer::play([$viewer], 3);

# runs a command while the viewer plays, and some parts more
sub meanwhile {
    my ($what, @command) = @_;
    my $log = '/tmp/meanwhile.log';
    unlink $log;
    my $pid = spawn($log, @command);
    my $status;
    Live::Viewer::play([$viewer], 60, sub { defined($status = reap($pid, 0)) });
    is($status, 0, $what) or diag(slurp($log));
    plays("$what: the viewer goes on");
    return slurp($log);
}

sub plays {
    my ($what) = @_;
    my $parts = $viewer->parts('v');
    ok(Live::Viewer::play([$viewer], 20, sub { $viewer->parts('v') >= $parts + 8 }), $what);
    is(join("\n", $viewer->errors), '', "$what, and every part is there");
}


# ---- another version while the stream is live

# the same with a section more, so that it is another file
my $n = 0;
sub next_version {
    my ($next) = @_;
    my $dir = '/tmp/next-' . ++$n;
    my ($rc, $text) = run_command('sh', '-ec', <<'END', 'sh', $deb, $dir, $next);
dpkg-deb -R "$1" "$2"
sed -i "s/^Version:.*/Version: $3/" "$2/DEBIAN/control"
echo "$3" >"$2.note"
objcopy --add-section .note.next="$2.note" "$2/usr/lib/nginx/modules/ngx_live_module.so"
rm "$2/DEBIAN/md5sums"
dpkg-deb --root-owner-group -b "$2" "$2.deb"
END
    is($rc, 0, "version $next is made") or diag($text);
    return "$dir.deb";
}

my $old_module = mapped($first);
my $text = meanwhile('an upgrade while the stream is live', 'dpkg', '-i', next_version("$version.1"));
unlike($text, qr/libnginx-mod-live: /, 'needs no word');

my $second = pid();
isnt($second, $first, 'there is a new nginx');
ok(mapped($second) && mapped($second) ne $old_module && mapped($second) !~ /deleted/, 'it has the new module');
ok($publisher->alive, 'the publisher is still on');
ok(lives($first), 'with the old nginx, which waits for it');
is($viewer->track('v')->{gaps}, 0, 'no gap');

my ($worker) = map { $_->{headers}{'x-worker'} } Live::HTTP->new(port => 8080)->get('/live/demo/index.m3u8');
like(slurp("/proc/$worker/stat"), qr/^\d+ \(nginx\) \S $second /, 'the new one serves the stream');


# ---- and again, while the publisher is still with the first

$text = meanwhile('another upgrade before the first is over', 'dpkg', '-i', next_version("$version.2"));
like($text, qr/^libnginx-mod-live: the nginx before the last upgrade still has publishers, /m, 'it says that nginx cannot take it yet');
is(pid(), $second, 'the running nginx stays');

my $reconnect = Live::Publisher->start(url => 'rtmp://127.0.0.1/live/secret', seconds => 60, loop => 1);
ok($publisher->wait_end(10), 'the publisher moves to the new nginx');
$publisher = $reconnect;
ok(Live::Viewer::play([$viewer], 15, sub { !lives($first) }), 'the first nginx is gone');
meanwhile('then nginx takes it', qw(service nginx upgrade));
my $third = pid();
isnt($third, $second, 'there is a new nginx');
isnt(mapped($third), mapped($second), 'with the newest module');


# ---- a configuration that does not pass

spew('/etc/nginx/conf.d/broken.conf', "no_such_directive on;\n");
$text = meanwhile('an upgrade with a broken configuration', 'dpkg', '-i', next_version("$version.3"));
like($text, qr/^libnginx-mod-live: nginx -t does not pass, so the running nginx goes on with the module it has$/m, 'it says so');
is(pid(), $third, 'the running nginx stays');
unlink '/etc/nginx/conf.d/broken.conf';


# ---- removed under the running nginx

$text = meanwhile('a removal while the stream is live', qw(dpkg -r libnginx-mod-live));
like($text, qr/^libnginx-mod-live: nginx's configuration still has live_ directives, /m, 'it says what is left to do');
ok(!-e $link, 'it is disabled');
is(pid(), $third, 'the running nginx stays');
ok($publisher->alive, 'and its publisher');
ok(!passes(), 'nginx -t does not pass');

# back again: enabled as it was
$text = meanwhile('installed again', 'dpkg', '-i', $deb);
ok(-e $link, 'it is enabled again');
ok(scalar passes(), 'nginx -t passes again');

# an admin's decision is kept
unlink $link;
configure(0);
dpkg('-i', next_version("$version.4"));
ok(!-e $link && !-l $link, 'a module that an admin disabled stays so in an upgrade');
symlink '/usr/share/nginx/modules-available/mod-live.conf', $link;

$viewer->close;
$publisher->stop;

# without live_ directives there is nothing to say, and a reload takes the module out
my $mark = length slurp('/var/log/nginx/error.log');
$text = dpkg(qw(-r libnginx-mod-live));
unlike($text, qr/libnginx-mod-live: /, 'without live_ directives it needs no word');
my $now = pid();
wait_for('nginx to let go of the module', 20, sub { mapped($now) eq '' });
ok(lives($now), 'nginx runs on');
is(Live::HTTP->new(port => 8080)->get('/worker')->{status}, 200, 'and answers');
ok(scalar passes(), 'nginx -t passes');

dpkg(qw(-P libnginx-mod-live));
is(join(' ', conf_files()), '', 'nothing is left in nginx\'s directories');
is(join(' ', grep { -e } qw(/usr/lib/nginx/modules/ngx_live_module.so /usr/share/doc/libnginx-mod-live)), '', 'nor elsewhere');
is(join(' ', grep { !/^\s*$/ } glob '/var/lib/dpkg/info/libnginx-mod-live*'), '', 'nor with dpkg');

unlink '/etc/nginx/conf.d/live.conf';
spew('/etc/nginx/nginx.conf', $conf);
ok(scalar passes(), 'nginx -t passes with Debian\'s configuration');
is((run_command(qw(service nginx stop)))[0], 0, 'nginx stops');
wait_for('nginx to end', 15, sub { !lives($now) });
is(join("\n", grep { /\[(?:alert|crit)\]/ } split /\n/, slurp('/var/log/nginx/error.log')), '', 'and has logged no alert');


# ---- installed under a running nginx; and policy-rc.d of a container, which forbids what services do

is((run_command(qw(service nginx start)))[0], 0, 'nginx starts');
wait_for('nginx', 10, sub { pid() && lives(pid()) });
$now = pid();
dpkg('-i', $deb);
wait_for('nginx to take the module', 20, sub { mapped($now) ne '' });
is(pid(), $now, 'a running nginx takes the module by a reload');

spew('/usr/sbin/policy-rc.d', "#!/bin/sh\nexit 101\n", 0755);
$text = dpkg('-i', next_version("$version.5"));
is(pid(), $now, 'where services are not to be touched, nginx stays');
like($text, qr/^libnginx-mod-live: nginx goes on with the module it has; 'service nginx upgrade', or a restart, takes the new one$/m, 'it says so');
dpkg(qw(-P libnginx-mod-live));
ok(lives($now), 'purged under it, nginx runs on');
run_command(qw(service nginx stop));

done_testing;
