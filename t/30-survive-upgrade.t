#!/usr/bin/perl

# A binary upgrade (USR2, QUIT) while streams are published and played, one that is given up, and what a
# start finds: the store of an nginx that was killed, and things that are no store of ours.

use strict;
use warnings;
use POSIX ();
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(now slurp spew temp_dir wait_for);
use Live::Viewer;

my $app = 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 3s;';
my %shape = (gop => 30, seconds => 90);

sub gone { return Live::Nginx::gone(@_) }


# ---- upgrades

{
    my $nginx = Live::Nginx->new(name => 'upgrade', daemon => 1, keys => { map { $_ => $_ } qw(one two) }, app => $app)->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my ($first, $second) = $nginx->workers;
    my @publishers = ($nginx->publish_on($first, 'one', %shape));
    my (@viewers, %mark, %quiet);

    my $watch = sub {
        my ($stream, @workers) = @_;
        wait_for("stream $stream", 10, sub { $http->get("/live/$stream/index.m3u8")->{status} == 200 });
        push @viewers, map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$stream/index.m3u8", worker => $_)->open }
            @workers;
    };
    my $until = sub {
        my ($what, $seconds, $code) = @_;
        my ($next, $value) = (0);
        ok(Live::Viewer::play(\@viewers, $seconds, sub {
            return 0 if now() < $next;
            $next = now() + 0.1;
            return $value = $code->();
        }), $what);
        die "no $what\n" unless $value;
        return $value;
    };
    my $parts = sub {
        my ($n) = @_;
        my @from = map { $_->parts('v') } @viewers;
        ok(Live::Viewer::play(\@viewers, 20, sub { !grep { $viewers[$_]->parts('v') < $from[$_] + $n } 0 .. $#viewers }),
            "every viewer plays on for $n parts");
    };
    my $learn = sub {
        $mark{$_} = $_->delays('v')->{n} for @viewers;
        $parts->(10);
        $quiet{$_} = $_->delays('v', $mark{$_})->{median} for @viewers;
        $mark{$_} = $_->delays('v')->{n} for @viewers;
    };
    my $latency = sub {
        my ($what) = @_;
        for my $v (@viewers) {
            my $rise = $v->delays('v', $mark{$v})->{max} - $quiet{$v};
            cmp_ok($rise, '<', 1, sprintf '%s: latency rose by %.0f ms at most', $what, 1000 * $rise);
        }
        $until->("$what: latency comes back", 15, sub {
            !grep { my $n = $_->delays('v')->{n}; $n < 6 || abs($_->delays('v', $n - 6)->{median} - $quiet{$_}) > 0.2 } @viewers;
        });
        $mark{$_} = $_->delays('v')->{n} for @viewers;
    };

    $watch->('one', $first, $second);
    my ($epoch) = $http->get('/live/one/v.m3u8')->{body} =~ m{URI="v/(.*?)-init};
    $learn->();

    # USR2: both serve; then the new one is told to leave, and the old one goes on
    {
        my $old = $nginx->pid;
        my $new = $until->('a new binary starts beside the old one', 30, $nginx->upgrading);
        $parts->(6);
        my @new = $nginx->workers($new);
        is(scalar @new, 2, 'with workers of its own');

        kill WINCH => $old;
        $until->('the old master lets its workers go', 20, sub { gone($second) });
        $parts->(6);
        ok(!gone($first), 'but for the one with a publisher');

        my $mark = $nginx->mark;
        kill HUP => $old;
        $until->('it starts workers again', 20, sub { $nginx->workers($old) == 2 });
        kill QUIT => $new;
        $until->('the new binary leaves', 20, sub { gone($new) && !grep { !gone($_) } @new });
        $until->('its pid file is back in place', 10, sub { slurp($nginx->dir . '/nginx.pid') eq "$old\n" && !-e $nginx->dir . '/nginx.pid.oldbin' });
        $parts->(6);
        ok($publishers[0]->alive, 'the publisher was not disconnected');
        ok(-e "$nginx->{store_path}/index", 'the store is there');
        unlike(substr($nginx->log, $mark), qr/\[(?:error|crit|alert|emerg)\]/, 'nobody complained');
        $latency->('an upgrade that was given up');
    }

    # all the way
    push @publishers, $nginx->publish_on(($nginx->workers)[0], 'two', %shape);
    $watch->('two', $nginx->workers);
    $learn->();

    my $old = $nginx->pid;
    $nginx->upgraded($until->('the new binary starts again', 30, $nginx->upgrading));
    isnt($nginx->pid, $old, 'it is another master');
    $parts->(8);
    ok($_->alive, 'the publisher was not disconnected') for @publishers;
    is(scalar $nginx->old_workers, 2, 'old workers with publishers stay');
    ok(!gone($old), 'and their master');
    $latency->('an upgrade');

    # a worker of the new binary takes over from one of the old
    my $mark = $nginx->mark;
    my $before = $publishers[0];
    $publishers[0] = $nginx->publish_on(($nginx->workers)[1], 'one', %shape);
    $until->('the publisher of the old binary is closed', 5, sub { !$before->alive });
    like(substr($nginx->log, $mark), qr/\[warn\] $first#.* took the stream over, stream: "one"/, 'by its worker');
    $parts->(8);
    $until->('the worker of the old binary leaves', 20, sub { gone($first) });

    $publishers[1]->stop;
    $until->('the old binary leaves with its last publisher', 20, sub { gone($old) });
    $parts->(0);
    ok(-e "$nginx->{store_path}/index", 'and the store stays');
    my ($is) = $http->get('/live/one/v.m3u8')->{body} =~ m{URI="v/(.*?)-init};
    is($is, $epoch, 'the stream is the same through all of it');
    Live::Viewer::play(\@viewers, 2);

    for my $v (@viewers) {
        my $refused = 0;
        $refused += $_->{hints_refused} || 0 for @{ $v->{tracks} };
        is(join("\n", $v->errors), '', "$v->{path}: every part was there, once, in order, on an unbroken clock");
        is(join(' ', grep { !/^(?:200|404|503)$/ } sort keys %{ $v->{statuses} }), '', 'every answer was a good one');
        cmp_ok($v->{statuses}{404} || 0, '<=', $refused, 'no 404 but for hints that did not come true');
        $v->close;
    }

    # with everything still going
    $nginx->{old} = [];
    $nginx->stop;
    $publishers[0]->stop;
}


# ---- kill -9 of all: the next start goes on with what it finds

for my $geometry ('the same', 'another') {
    my $nginx = Live::Nginx->new(name => "killed, $geometry streams=", keys => { k => 'one' }, app => $app)->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
    my $p;
    wait_for('segments', 15, sub {
        my $r = $http->get('/live/one/v.m3u8');
        $r->{status} == 200 && ($p = Live::HLS::parse($r->{body})) && grep({ $_->{uri} } @{ $p->{segments} }) >= 2;
    });
    $http->close;

    my @pids = ($nginx->pid, $nginx->workers);
    kill KILL => @pids;
    waitpid $nginx->pid, 0;
    wait_for('all to be gone', 10, sub { !grep { !gone($_) } @pids });
    $publisher->wait_end(10);

    cmp_ok(scalar $nginx->files, '>', 4, "$geometry streams=: all killed, files are left");
    $nginx->{store} = 'streams=9' if $geometry eq 'another';
    $nginx->start;
    $http = Live::HTTP->new(port => $nginx->{http_port});
    my $segment = $p->{segments}[0]{uri};

    if ($geometry eq 'the same') {
        is($http->get("/live/one/$segment")->{status}, 200, 'a start finds the stream that was');
        $publisher = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
        my $now;
        wait_for('the stream to go on', 10, sub {
            $now = Live::HLS::parse($http->get('/live/one/v.m3u8')->{body});
            grep { $_->{discontinuity} } @{ $now->{segments} };
        });
        my $list = Live::HLS->new(name => 'v');
        # what was before and what is: nothing of it changed
        $list->feed($_) for $http->get('/live/one/v.m3u8')->{body};
        is(join("\n", $list->errors), '', 'which goes on, a publisher takes it up');
        is($now->{segments}[0]{uri}, $segment, 'with the same segments');
        $publisher->stop;
    } else {
        is($http->get("/live/one/$segment")->{status}, 404, 'a start with another streams= begins anew');
        is(join(' ', $nginx->files), '', 'and leaves no file of before');
    }

    $nginx->stop;
}


# ---- what is no store of ours is refused, and not touched

{
    my $dir = temp_dir('ngxu-XXXXXX');
    my $own = sub { my ($path) = @_; my $id = getpwnam 'www-data'; chown $id, -1, $path if $> == 0 && defined $id };

    # what is in it and whose it is, whole
    my $look = sub {
        my ($path) = @_;
        my @all;
        for my $p ($path, glob "$path/*") {
            my @s = lstat $p or next;
            push @all, join ' ', $p, @s[2, 4, 5, 7], -l _ ? readlink $p : -f _ ? slurp($p) : '';
        }
        return join "\n", @all;
    };

    # an index that is ours, of another layout
    my $nginx = Live::Nginx->new(name => 'an index', app => $app, keep_store => 1)->start;
    my $index = slurp("$nginx->{store_path}/index");
    $nginx->stop;
    substr $index, 8, 4, pack 'L', 77;

    my @cases = (
        ['a garbage index', sub { mkdir $_[0], 0700; spew("$_[0]/index", 'no index of ours ' x 1000, 0600) },
            qr{"[^"]*/s1/index" is not an index of ours: remove it or name another path}],
        ['a short index', sub { mkdir $_[0], 0700; spew("$_[0]/index", 'short', 0600) }, qr/is not an index of ours/],
        ['another layout', sub { mkdir $_[0], 0700; spew("$_[0]/index", $index, 0600) },
            qr/has layout version 77, this module has \d+: stop nginx and remove/],
        ['a symlink', sub { mkdir "$_[0]-t"; symlink "$_[0]-t", $_[0] }, qr/is not a directory of ours: /],
        ['an index that is a symlink', sub { mkdir $_[0], 0700; spew("$_[0]-t", ''); symlink "$_[0]-t", "$_[0]/index" },
            qr/cannot open ".*index": Too many levels/],
        ['a file', sub { spew($_[0], 'a file') }, qr/is not a directory of ours: Not a directory/],
        ['no parent', sub { $_[0] .= '/a/b' }, qr/cannot make directory ".*": No such file or directory/],
        # a path that was meant for something else must not lose what is in it, nor its owner and mode
        ['a directory of films', sub { mkdir $_[0], 0755; spew("$_[0]/film.mp4", 'a film'); mkdir "$_[0]/more"; spew("$_[0]/more/film.mp4", 'x') },
            qr/is not empty and has no index of ours: name a directory of its own as path/],
    );

    push @cases, ["somebody else's", sub { mkdir $_[0], 0700; chown 1, -1, $_[0] }, qr/belongs to user 1, not to us/] if $> == 0;

    my $n = 0;
    for my $case (@cases) {
        my ($what, $make, $line) = @$case;
        my $path = "$dir/s" . ++$n;
        my $store = $path;
        $make->($store);
        $own->($store) if -d $path && !-l $path && $what !~ /films|else/;
        my $before = $look->($path) . $look->("$path-t");
        my $bad = Live::Nginx->new(name => $what, app => $app, store_path => $store, workers => 1);
        my $ok = eval { $bad->start; 1 };
        ok(!$ok, "$what: refused");
        like($@, qr/\[emerg\].*live_store "test" in .*nginx\.conf:\d+: .*$line/, 'with a clear line') or diag($@);
        is($look->($path) . $look->("$path-t"), $before, 'nothing of it was changed');
        $bad->stop if $ok;
        ok(!-d "$dir/s$n/a", 'nothing was made') if $what eq 'no parent';
    }

    system 'rm', '-rf', $dir;
}

done_testing;
