#!/usr/bin/perl

# ./build.sh run, publish and stop: what is promised of them, on the stock packages; two servers beside one another,
# one of them an ordinary user's; every mistake is answered with what to do.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Path qw(remove_tree);
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(sleep);
use Build qw(build_sh command lives);
use Live::HTTP;
use Live::Util qw(free_port now reap root slurp spawn spew temp_dir wait_for);

my $root = root();
my $build = $ENV{LIVE_BUILD} || "$root/.build";
my $tmp = temp_dir();
my $owner = $$;
my (@servers, @children, %stores);

$SIG{$_} = sub { die "signal $_[0]\n" } for qw(INT TERM HUP);
delete @ENV{grep { /^LIVE_(?:RUN_DIR|BIND|\w+_PORT)$/ } keys %ENV};

# ports are chosen once: nobody else gets them while the test runs, or the test says so
my %port = map { $_ => free_port() } qw(http https rtmp http2 https2 rtmp2);

sub settings {
    my ($dir, $n) = @_;
    return { LIVE_RUN_DIR => $dir, map { ('LIVE_' . uc($_) . '_PORT' => $port{"$_$n"}) } qw(http https rtmp) };
}

sub env_file { my ($dir) = @_; return { map { /^(\w+)=(.*)$/ } split /\n/, slurp("$dir/demo.env") } }
sub pid_of { my ($dir) = @_; return slurp("$dir/nginx.pid") =~ /^(\d+)$/ ? $1 : 0 }

sub store_of {
    my ($dir) = @_;
    my ($store) = slurp("$dir/nginx.conf") =~ /^live_store demo path=(\S+)/m;
    $stores{$store} = 1 if $store;
    return $store;
}

# workers and master
sub processes_of {
    my ($pid) = @_;
    return ($pid, split ' ', slurp("/proc/$pid/task/$pid/children"));
}

END {
    my $status = $?;
    if ($$ == $owner) {
        kill TERM => grep { lives($_) } @children;
        build_sh({ LIVE_RUN_DIR => $_ }, 'stop') for @servers;
        remove_tree($tmp, map { ($_, "$_.web") } keys %stores);
    }
    $? = $status;
}


# ---- an ordinary user's checkout, which builds while the rest goes on

my $theirs = "$tmp/theirs";
my @as = $> == 0 ? qw(setpriv --reuid=65534 --regid=65534 --clear-groups) : ();
my @clean = qw(env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/nonexistent);

mkdir $theirs;
system('cp', '-a', (map { "$root/$_" } qw(build.sh build conf config ngx_live_module CHANGES LICENSE packaging web)), $theirs) == 0
    or die "cp failed\n";
mkdir "$theirs/.build";
system('cp', '-a', "$build/src", "$theirs/.build/src") == 0 or die "cp failed\n";
remove_tree("$theirs/web/node_modules");
mkdir "$theirs/web/node_modules";
spew("$theirs/web/node_modules/.stamp", '');
if ($> == 0) { system(qw(chown -R 65534:65534), $theirs) == 0 or die "chown failed\n" }

sub as_user {
    my ($env, @arguments) = @_;
    return (@as, @clean, (map { "$_=$env->{$_}" } sort keys %$env), "$theirs/build.sh", @arguments);
}

my $theirs_log = "$tmp/theirs.log";
push @servers, "$theirs/run";
my $their_settings = settings('', 2);
delete $their_settings->{LIVE_RUN_DIR};

# few files, nothing readable for others
my $their_run = spawn($theirs_log, 'sh', '-c', 'ulimit -n 512; umask 077; exec "$@"', 'sh', as_user($their_settings, 'run'));
push @children, $their_run;


# ---- mistakes, before anything runs

my $ours = "$tmp/ours";
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die "listen: $@\n";
my $taken = $listener->sockport;

for my $case (
    ['no number', { LIVE_HTTP_PORT => 'http' }, qr/^build\.sh: LIVE_HTTP_PORT must be a port number, 1 to 65535: it is "http"$/m],
    ['port 0', { LIVE_HTTPS_PORT => 0 }, qr/^build\.sh: LIVE_HTTPS_PORT must be a port number/m],
    ['port 65536', { LIVE_RTMP_PORT => 65536 }, qr/^build\.sh: LIVE_RTMP_PORT must be a port number/m],
    ['twice the same', { LIVE_HTTP_PORT => $port{rtmp} }, qr/^build\.sh: LIVE_HTTP_PORT, LIVE_HTTPS_PORT and LIVE_RTMP_PORT must differ/m],
    ['a host name', { LIVE_BIND => 'localhost' }, qr/^build\.sh: LIVE_BIND must be an IP address, .* it is "localhost"$/m],
    ['an address of another machine', { LIVE_BIND => '192.0.2.1' }, qr/^build\.sh: LIVE_BIND: 192\.0\.2\.1 is no address of this machine$/m],
    ['a directory with a space', { LIVE_RUN_DIR => "$tmp/a b" }, qr/^build\.sh: LIVE_RUN_DIR must have letters, digits and .* only: \Q$tmp\E\/a b$/m],
    ['a directory below a file', { LIVE_RUN_DIR => "$theirs_log/run" }, qr/^build\.sh: cannot make the directory \Q$theirs_log\E\/run/m],
    map({ ["the port of $_ is taken", { "LIVE_${_}_PORT" => $taken },
        qr/^build\.sh: port $taken \($_\) on 127\.0\.0\.1 is taken by [^,]+, pid $$: free it, or choose another with LIVE_${_}_PORT=PORT$/m] }
        qw(HTTP HTTPS RTMP)),
) {
    my ($what, $env, $message) = @$case;
    my ($status, $text) = build_sh({ %{ settings($ours, '') }, %$env }, 'run');
    is($status, 1, "$what: run fails");
    like($text, $message, "$what: it says why");
}

ok(!-e "$tmp/a b", 'nothing is made for a directory that cannot be');
is(pid_of($ours), 0, 'nothing was started');

my ($status, $text) = build_sh(settings($ours, ''), 'publish');
is($status, 1, 'publish without a server fails');
like($text, qr/^build\.sh: nothing is running in \Q$ours\E: \.\/build\.sh run first$/m, 'and says what to do');

($status, $text) = build_sh(settings($ours, ''), 'stop');
is("$status $text", "0 not running\n", 'stop without a server is no error');


# ---- run, with a relative directory

my $started = now();
push @servers, $ours;
($status, $text) = command({ %{ settings('ours', '') } }, 60, 'sh', '-c', 'cd "$1" && exec "$2" run', 'sh', $tmp, "$root/build.sh");
is($status, 0, 'run') or diag($text);
cmp_ok(now() - $started, '<', 20, 'and it returns');

my $pid = pid_of($ours);
my $store = store_of($ours);
ok(lives($pid), 'nginx runs');

unlike(slurp("$ours/nginx.conf"), qr/\@[A-Z]+\@/, 'its configuration is complete');

my ($key) = slurp("$ours/keys") =~ /^([0-9a-f]{32}) demo$/;
ok($key, 'there is a key');
is(slurp("$ours/demo.env"), <<"END", 'demo.env');
STREAM=demo
PUBLISH_URL=rtmp://127.0.0.1:$port{rtmp}/live/$key
WATCH_URL=http://127.0.0.1:$port{http}/watch/demo
HLS_URL=http://127.0.0.1:$port{http}/live/demo/index.m3u8
HTTPS_HLS_URL=https://127.0.0.1:$port{https}/live/demo/index.m3u8
END
is(sprintf('%o', (stat "$ours/$_")[2] & 07777), '600', "$_ is ours alone") for qw(demo.env keys cert.key);
like($text, qr/\Q$_\E/, 'it prints ' . s/\Q$key\E/KEY/r) for grep { m{://} } values %{ env_file($ours) };

my $http = Live::HTTP->new(port => $port{http});
is($http->get('/healthz')->{body}, "ok\n", 'it answers');
like($http->get("/watch/demo")->{body}, qr/<div id="(?:root|app)"|<script /, 'there is the watch page');
is($http->get('/live/demo/index.m3u8')->{status}, 404, 'there is no stream yet');

for my $version ('1.1', '2') {
    ($status, $text) = command({}, 10, qw(curl -sk --noproxy * -o /dev/null -w), '%{http_code} %{http_version}', "--http$version",
        "https://127.0.0.1:$port{https}/healthz");
    is($text, "200 $version", "HTTPS, HTTP/$version");
}

if ($> == 0) {
    my ($master, @workers) = processes_of($pid);
    my $www = getpwnam('www-data');
    is(join(' ', map { slurp("/proc/$_/status") =~ /^Uid:\t(\d+)/m ? $1 : '' } @workers), join(' ', ($www) x @workers),
        'the workers are nobody in particular');
} else {
    pass('the workers are the user');
}

($status, $text) = build_sh(settings($ours, ''), 'run');
is($status, 0, 'run again');
like($text, qr/^already running \(pid $pid\)$/m, 'it says that it runs');
unlike($text, qr/^waiting for another build/m, 'no build is in its way');
unlike($text, qr/^it (?:runs with the module as it was|keeps the addresses)/m, 'and nothing else is new');
is(pid_of($ours), $pid, 'it is the same nginx');

($status, $text) = build_sh({ %{ settings($ours, '') }, LIVE_HTTP_PORT => $port{http2} }, 'run');
like($text, qr/^it keeps the addresses and ports it was started with: /m, 'run with other ports: it says that they are not taken');

($status, $text) = build_sh({ %{ settings("$tmp/other", '') } }, 'run');
is($status, 1, 'a second run directory with the same ports fails');
like($text, qr/^build\.sh: port $port{http} \(HTTP\) on 127\.0\.0\.1 is taken by nginx, pid \d+: /m, 'and says who has the port');


# ---- publish

sub publish {
    my (@file) = @_;
    my $log = "$tmp/publish.log";
    unlink $log;
    local %ENV = (%ENV, %{ settings($ours, '') });
    my $pid = spawn($log, "$root/build.sh", 'publish', @file);
    push @children, $pid;
    return $pid;
}

sub probe {
    my ($url) = @_;
    my ($rc, $out) = command({}, 30, qw(ffprobe -v error -of csv=p=0 -show_entries),
        'stream=codec_name,width,height,sample_rate,channels', $url);
    my %seen = map { $_ => 1 } grep { $_ } split /\n/, $out;
    return join ' ', sort keys %seen;
}

# a new publisher is there when the playlist has tracks of this kind, and a segment, without which ffprobe finds nothing
sub wait_tracks {
    my ($what, $video, $audio) = @_;
    return wait_for("a stream with $what", 20, sub {
        my $r = $http->get('/live/demo/index.m3u8');
        return 0 unless $r->{status} == 200;
        my $is = ($r->{body} =~ /avc1/ ? 1 : 0) . ($r->{body} =~ /mp4a/ ? 1 : 0);
        return 0 unless $is eq "$video$audio";
        for my $track ($video ? 'v' : (), $audio ? 'a' : ()) {
            return 0 unless $http->get("/live/demo/$track.m3u8")->{body} =~ /^#EXTINF:/m;
        }
        return $r->{body};
    });
}

my $publisher = publish();
my $index = wait_tracks('both', 1, 1);
like($index, qr/^v\.m3u8$/m, 'the test picture: video');
like($index, qr/URI="a\.m3u8"/, 'the test picture: audio');
is(probe(env_file($ours)->{HLS_URL}), 'aac,48000,2 h264,1280,720', 'ffprobe sees both');
like(slurp("$tmp/publish.log"), qr{^publishing to demo; watch at http://127\.0\.0\.1:$port{http}/watch/demo; Ctrl-C stops$}m, 'it says where');

# at real time: three seconds bring three seconds, not more
sub seconds {
    my $n = 0;
    $n += $_ for $http->get('/live/demo/a.m3u8')->{body} =~ /^#EXTINF:([\d.]+)/mg;
    return $n;
}
my ($from, $at) = (seconds(), now());
wait_for('four more seconds', 15, sub { seconds() >= $from + 4 });
cmp_ok(now() - $at, '>', 1.9, 'at real time');

kill INT => $publisher;
ok(defined reap($publisher, 10), 'Ctrl-C ends it');


# ---- files, whatever their names and tracks

my $video = "$tmp/a video: only.mp4";
my $music = "$tmp/-music with a cover.m4a";

($status, $text) = command({}, 60, qw(ffmpeg -v error -f lavfi -i testsrc2=size=321x181:rate=25 -t 3 -c:v libx264 -preset ultrafast
    -pix_fmt yuv444p), "file:$video");
is($status, 0, 'a file without audio, of an odd size') or diag($text);
($status, $text) = command({}, 60, qw(ffmpeg -v error -f lavfi -i sine=sample_rate=44100 -f lavfi -i testsrc2=size=320x320:rate=1
    -t 3 -map 0 -map 1 -c:a aac -c:v mjpeg -pix_fmt yuvj420p -frames:v 1 -disposition:v attached_pic), "file:$music");
is($status, 0, 'a file of music with a cover') or diag($text);

# the numbers go on, so a stream that was ended lets the next begin with tracks of its own
sub restart {
    build_sh(settings($ours, ''), 'stop');
    my ($rc, $out) = build_sh(settings($ours, ''), 'run');
    is($rc, 0, 'run once more') or diag($out);
    $http = Live::HTTP->new(port => $port{http});
}

restart();
$publisher = publish($video);
wait_tracks('video', 1, 0);
is(probe(env_file($ours)->{HLS_URL}), 'h264,320,180', 'a file with a space and a colon in its name, without audio');
kill INT => $publisher;
ok(defined reap($publisher, 10), 'Ctrl-C ends it');

restart();
$publisher = publish($music);
wait_tracks('audio', 0, 1);
is(probe(env_file($ours)->{HLS_URL}), 'aac,48000,2', 'music: its cover is no video');

for my $case (["$tmp/none.mp4"], [$tmp], [$video, $music]) {
    ($status, $text) = build_sh(settings($ours, ''), 'publish', @$case);
    is($status, 1, "publish @$case: refused");
    like($text, qr/^build\.sh: publish: (?:cannot read the file \Q$case->[0]\E|one file, or none)$/m, 'and it says why');
}


# ---- an ordinary user's server beside it

is(reap($their_run, 90), 0, 'an ordinary user builds and runs, without a root in sight') or diag(slurp($theirs_log));
my $their_pid = pid_of("$theirs/run");
my $their_store = store_of("$theirs/run");
ok(lives($their_pid), 'that nginx runs');
is(Live::HTTP->new(port => $port{http2})->get('/watch/demo')->{status}, 200, 'it has the watch page');
is((stat "/proc/$their_pid")[4], $> == 0 ? 65534 : $>, 'it is that user\'s');
isnt($their_store, store_of($ours), 'each has its own store');
is((stat "$theirs/run")[2] & 07777, 0700, 'what is theirs stays theirs');

($status, $text) = command({}, 60, as_user($their_settings, 'clean'));
is($status, 1, 'clean does not take what runs');
like($text, qr/stop first$/m, 'and says so');

# a module that was built anew has another inode
my $so = "$theirs/.build/stock/ngx_live_module.so";
system(@as, 'sh', '-c', 'cp "$1" "$1.new" && mv -f "$1.new" "$1"', 'sh', $so);
($status, $text) = command({}, 60, as_user($their_settings, 'run'));
is($status, 0, 'run after a build');
like($text, qr/^it runs with the module as it was before this build: /m, 'it says that the old one runs');


# ---- stop

my @gone = processes_of(pid_of($ours));
($status, $text) = build_sh(settings($ours, ''), 'stop');
is("$status $text", "0 stopped\n", 'stop');
is(join(' ', grep { lives($_) } @gone), '', 'all of its processes are gone');
ok(lives($their_pid), 'the other one runs on');
is(Live::HTTP->new(port => $port{http2})->get('/healthz')->{status}, 200, 'and answers');
ok(!-e $store, 'no store is left');
ok(defined reap($publisher, 20), 'the publisher ends with its server');

# a pid that is somebody else's by now
my $bystander = spawn("$tmp/sleep.log", 'sleep', 60);
push @children, $bystander;
spew("$ours/nginx.pid", "$bystander\n");
($status, $text) = build_sh(settings($ours, ''), 'stop');
is("$status $text", "0 not running\n", 'a pid that is somebody else\'s: nothing to stop');
ok(lives($bystander), 'who is left in peace');
spew("$ours/nginx.pid", "garbage\n");
is((build_sh(settings($ours, ''), 'stop'))[0], 0, 'a pid file of garbage');
kill TERM => $bystander;
reap($bystander, 5);

# killed, it leaves its store and its pid file; the next run begins afresh
for my $next ('run', 'stop') {
    build_sh(settings($ours, ''), 'run');
    $store = store_of($ours);
    my @all = processes_of(pid_of($ours));
    ok(-e $store, 'a server with its store');
    kill KILL => @all;
    wait_for('its death', 5, sub { !grep { lives($_) } @all });
    ok(-e $store && -e "$ours/nginx.pid", 'it was killed and left both');
    ($status, $text) = build_sh(settings($ours, ''), $next);
    is($status, 0, "$next after that") or diag($text);
    build_sh(settings($ours, ''), 'stop') if $next eq 'run';
    ok(!-e $store, 'nothing is left');
}

# without its master, or its directory, it is still what run started
for my $case (['a master that was killed', sub { kill KILL => $_[0] }], ['a directory that was removed', sub { remove_tree($ours) }]) {
    my ($what, $do) = @$case;
    for my $next ('run', 'stop') {
        build_sh(settings($ours, ''), 'run');
        $store = store_of($ours);
        my @all = processes_of(pid_of($ours));
        $do->($all[0]);
        wait_for('the death of the master', 5, sub { !lives($all[0]) }) if -e $ours;
        ok(lives($all[1]), "$what: workers go on");
        ($status, $text) = build_sh(settings($ours, ''), $next);
        is($status, 0, "$what: $next") or diag($text);
        like($text, qr/^ending what is left of an earlier nginx: /m, "$what: $next says what it ends");
        is(join(' ', grep { lives($_) } @all), '', "$what: $next ends them");
        if ($next eq 'run') {
            isnt(pid_of($ours), $all[0], "$what: another runs");
            build_sh(settings($ours, ''), 'stop');
        }
        ok(!-e $store, "$what: nothing is left");
    }
}

($status, $text) = command({}, 60, as_user({}, 'stop'));
is("$status $text", "0 stopped\n", 'the user stops theirs');
ok(!lives($their_pid) && !-e $their_store, 'nothing is left of it');


# ---- a checkout that the workers cannot enter, as in root's home

if ($> == 0) {
    chown 0, 0, $theirs;
    chmod 0700, $theirs;
    command({}, 20, qw(chown -R 0:0), "$theirs/run");
    ($status, $text) = command($their_settings, 60, "$theirs/build.sh", 'run');
    is($status, 0, 'root runs in a closed directory') or diag($text);
    $store = store_of("$theirs/run");
    my $r = Live::HTTP->new(port => $port{http2})->get('/watch/demo');
    is($r->{status}, 200, 'the watch page is there');
    my ($asset) = $r->{body} =~ m{(?:src|href)="(/assets/[^"]+)"};
    is(Live::HTTP->new(port => $port{http2})->get($asset || '/none')->{status}, 200, 'and what it needs');
    ($status, $text) = command({}, 60, "$theirs/build.sh", 'stop');
    is("$status $text", "0 stopped\n", 'it stops');
    ok(!-e $store && !-e "$store.web", 'nothing is left of it');
}

is(join(' ', grep { -e } map { ($_, "$_.web") } keys %stores), '', 'nothing is left in any store\'s place');

done_testing;
