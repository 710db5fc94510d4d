#!/usr/bin/perl

# What stays and what goes: expired segments for one more playlist length, files with their stream, the
# store's directory with its nginx; and what only looks, as nginx -t does, touches nothing.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Fcntl qw(F_SETLK F_WRLCK F_UNLCK SEEK_SET);
use Test::More;
use Time::HiRes ();
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(free_port now reap slurp spawn temp_dir wait_for);

my %shape = (gop => 15, seconds => 60);
my $app = 'live_segment 500ms max=1s; live_part 250ms; live_window 3s; live_linger 1s;';

# all that is there, with its bytes; sockets and times of reading left out
sub look {
    my ($path) = @_;
    my @all;
    require File::Find;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my @s = lstat or return;
        push @all, join ' ', $_, @s[1, 2, 4, 5, 7], -f _ ? (md5_hex(slurp($_)), $_ =~ /index$/ ? () : $s[9]) : ();
    } }, $path) if -e $path;
    return join "\n", sort @all;
}


# ---- nginx -t, and a signal sent by nginx -s

{
    # such an nginx leaves its memory to the kernel
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my $nginx = Live::Nginx->new(name => 'nginx -t', app => $app, keys => { k => 'one' });
    $nginx->{$_} = free_port() for qw(http_port https_port rtmp_port);
    $nginx->write_conf;
    my ($ok, $said) = $nginx->test_conf;
    ok($ok, 'nginx -t: a good configuration') or diag($said);
    ok(!-e $nginx->{store_path}, 'nothing is made');

    $nginx->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    $nginx->{app} = 'live_segment 500ms max=1s; live_part 250ms; live_window 3s; live_linger 60s;';
    $nginx->write_conf;
    $nginx->reload;
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
    wait_for('segments', 15, sub { 6 < $nginx->files });
    $publisher->stop;
    $nginx->wait_log(qr/live publish ended, stream: "one"/, 5);
    $http->close;
    wait_for('the old workers to leave', 20, sub { !$nginx->old_workers });

    # it waits for its publisher: nothing changes by itself
    my $before = look($nginx->{store_path});
    my @workers = $nginx->workers;

    for my $case (['the same', {}], ['another size=', { store => 'streams=16 size=1m' }], ['another streams=', { store => 'streams=40' }],
        ['another path=', { store_path => "$nginx->{store_path}-other" }], ['a wrong one', { app => 'live_part 1ms;' }])
    {
        my ($what, $change) = @$case;
        local @$nginx{keys %$change} = values %$change;
        $nginx->write_conf;
        my ($good, $text) = $nginx->test_conf;
        is($good ? 'good' : 'wrong', $what =~ /wrong/ ? 'wrong' : 'good', "nginx -t, $what") or diag($text);
        $nginx->allow(qr/live_part/);
        is(reap(spawn("$nginx->{dir}/s.log", $nginx->command, '-s', 'reopen'), 20), $what =~ /wrong/ ? 256 : 0, 'nginx -s reopen')
            or diag(slurp("$nginx->{dir}/s.log"));
        ok(!-e "$nginx->{store_path}-other", 'nothing is made');
    }

    is(look($nginx->{store_path}), $before, 'nothing of the running store has changed');
    is(join(' ', $nginx->workers), "@workers", 'nor of its processes');
    $nginx->write_conf;
    $nginx->stop;
}


# ---- segments, parts and init segments: a playlist length longer than they are listed, and no longer

{
    my $nginx = Live::Nginx->new(name => 'expiry', app => $app, keys => { k => 'one' })->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
    wait_for('the stream', 10, sub { $http->get('/live/one/v.m3u8')->{status} == 200 });

    my %other = (%shape, size => '640x360');
    Live::Publisher::flv(%other);
    my (%seen, %left, %gone, %maps);
    my $from = now();
    my $other = 0;
    my @wrong;

    while (now() < $from + 17) {
        my $p = Live::HLS::parse($http->get('/live/one/v.m3u8')->{body});
        my %listed;
        for my $s (grep { $_->{uri} } @{ $p->{segments} }) {
            $listed{ $s->{uri} } = 1;
            $seen{ $s->{uri} } ||= { msn => $s->{msn}, map => $s->{map}, part => @{ $s->{parts} } ? $s->{parts}[0]{uri} : undef };
            $maps{ $s->{map} } = 1;
        }
        for my $uri (sort { $seen{$a}{msn} <=> $seen{$b}{msn} } grep { !$listed{$_} } keys %seen) {
            $left{$uri} ||= now();
            next if $gone{$uri};
            my $r = $http->head("/live/one/$uri");
            my $map = $http->head("/live/one/$seen{$uri}{map}");
            if ($r->{status} == 200) {
                push @wrong, "$uri is there, $seen{$uri}{map} is not" if $map->{status} != 200;
            } else {
                $gone{$uri} = now() - $left{$uri};
                push @wrong, "$uri: $r->{status}" if $r->{status} != 404;
                push @wrong, "$uri: its file is left" if -e "$nginx->{store_path}/one/$uri";
                push @wrong, "$uri: a part is left" if $seen{$uri}{part} && $http->head("/live/one/$seen{$uri}{part}")->{status} != 404;
            }
        }
        # another encoder with another picture: another init segment
        if (!$other && now() > $from + 4) {
            $publisher->stop;
            $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %other);
            $other = 1;
        }
        select undef, undef, undef, 0.05;
    }

    is(join("\n", @wrong), '', 'what has expired is 404 and its file gone, and not before its init segment');
    my @times = sort { $a <=> $b } values %gone;
    cmp_ok(scalar @times, '>', 8, 'segments came and went: ' . @times);
    # what is left of a segment cut short counts as one, hence not to the tenth of a second
    cmp_ok($times[0], '>', 2.4, sprintf 'the first to go was there for %.1f s more, the playlist is 3 s', $times[0]);
    cmp_ok($times[-1], '<', 6, sprintf 'the last for %.1f s', $times[-1]);
    is(scalar keys %maps, 2, 'two init segments');
    my ($first) = sort keys %maps;
    is($http->head("/live/one/$first")->{status}, 404, 'the first one is gone with the last segment that names it');
    ok(!-e "$nginx->{store_path}/one/$first", 'its file too');
    cmp_ok(scalar(grep { m{/one/v/} } $nginx->files), '<', 22, 'files are those of two playlists');

    # what remains of publishers that leave before their first part
    my @flv = Live::RTMP::read_flv(Live::Publisher::flv(%shape));
    $publisher->stop;
    for my $n (1 .. 12) {
        my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'k');
        $s->tag($_) for @flv[0 .. 2 * $n];
        $n % 2 ? $s->abort : $s->close;
    }
    wait_for('the stream to be removed', 20, sub { $http->get('/live/one/v.m3u8')->{status} == 410 });
    is(join(' ', grep { m{/one} } $nginx->left), '', 'a stream that is removed leaves nothing');

    # and of all of a short one, whose worker is killed at whatever it does
    for my $n (1 .. 5) {
        my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'k');
        $s->tag($_) for @flv[0 .. 4 * $n];
        my $worker = $nginx->publisher_worker('one');
        wait_for('the worker', 10, $nginx->killing_worker($worker));
        $s->abort;
        select undef, undef, undef, 0.05;
    }
    my @left;
    ok(eval { wait_for('files to go', 20, sub { @left = grep { m{/one} } $nginx->left; !@left }) }, 'nor do those whose worker died')
        or diag("@left");
    $nginx->stop;
}


# ---- nginx stops with everything going on

for my $signal (qw(TERM INT QUIT)) {
    my $nginx = Live::Nginx->new(name => "a stop by $signal", app => $app, keys => undef)->start;
    my @publishers = map { Live::Publisher->start(url => $nginx->rtmp_url("s$_"), %shape) } 1 .. 3;
    wait_for('files', 15, sub { 12 < $nginx->files });
    $publishers[0]->kill;
    # graceful means as long as they want
    if ($signal eq 'QUIT') { $_->kill for @publishers }
    $nginx->stop($signal);
    ok(!-e $nginx->{store_path}, 'the directory itself is gone');
    $_->kill for @publishers;
}


# ---- a start that fails, and a store that is no longer configured

{
    my $bad = Live::Nginx->new(name => 'a start that fails', server => 'listen 192.0.2.1:1;');
    ok(!eval { $bad->start; 1 }, 'an address that is not ours: nginx does not start');
    like($@, qr/bind\(\) to 192\.0\.2\.1:1 failed/, 'for that reason');
    ok(!-e $bad->{store_path}, 'and leaves no store');

    my $nginx = Live::Nginx->new(name => 'another path=', app => $app, keys => { k => 'one' })->start;
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
    wait_for('files', 15, sub { 6 < $nginx->files });
    my $old = $nginx->{store_path};
    $nginx->{store_path} = "$old-b";
    $nginx->write_conf;
    $nginx->reload;
    ok($publisher->alive && -e "$old/index", 'a reload with another path=: the old worker goes on in the old one');
    ok(-e "$old-b/index", 'new ones in the new one');
    $publisher->kill;
    wait_for('the old worker to leave', 20, sub { !$nginx->old_workers });
    $nginx->stop;
    ok(!-e "$old-b", 'the new store is gone');
    ok(!-e $old, 'and so is the old one');
    system 'rm', '-rf', $old;
}


# ---- a start while another nginx of the same store stops: both at the lock of the index at once

{
    my $first = Live::Nginx->new(name => 'the one that stops', keep_store => 1)->start;
    my $second = Live::Nginx->new(name => 'the one that starts', store_path => $first->{store_path});

    # what fcntl holds is in the way of those, too
    open my $index, '+<', "$first->{store_path}/index" or die "index: $!\n";
    my $lock = sub { my ($type) = @_; fcntl $index, F_SETLK, pack 's s x4 q q i x4', $type, SEEK_SET, 0, 1, 0 };
    wait_for('the lock', 10, sub { $lock->(F_WRLCK) });

    my @workers = $first->workers;
    kill TERM => $first->pid;
    wait_for('its workers to leave', 20, sub { !grep { !Live::Nginx::gone($_) } @workers });

    my $inode = (stat $index)[1];
    my $waiters = sub { return scalar grep { /-> .*:$inode / } split /\n/, slurp('/proc/locks') };
    wait_for('its master to wait', 10, sub { $waiters->() == 1 });

    # given up when both wait for it
    my $given = 0;
    local $SIG{ALRM} = sub { if (!$given && $waiters->() == 2) { $lock->(F_UNLCK); $given = 1 } };
    Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.05, 0.05);
    my $up = eval { $second->start; 1 };
    my $error = $@;
    Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0, 0);
    ok($given, 'both came to wait for the lock');
    ok($up, 'the other one starts') or diag($error);
    close $index;
    $first->stop;

    if ($up) {
        ok(-e "$first->{store_path}/index", 'and has a store');
        is(scalar $second->workers, 2, 'and workers');
        my $p = Live::Publisher->start(url => $second->rtmp_url('secret'), %shape);
        my $http = Live::HTTP->new(port => $second->{http_port});
        ok(eval { wait_for('the stream', 10, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 }) }, 'which work');
        $p->stop;
        $second->stop;
    }
    system 'rm', '-rf', $first->{store_path};
}

done_testing;
