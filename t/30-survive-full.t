#!/usr/bin/perl

# A full file system, on a small tmpfs of its own: publishers stay and their viewers get gaps, no worker dies
# of a page that is not there, and with room again all goes on. What does not fit at all is refused.

use strict;
use warnings;
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Tmpfs;
use Live::Util qw(wait_for);
use Live::Viewer;

sub lines { my ($nginx, $pattern, $mark) = @_; return scalar grep { $_ =~ $pattern } split /\n/, substr $nginx->log, $mark || 0 }

my $full = qr/\[crit\].*live: no room for a part in .*, viewers get gaps: give its file system more room.*stream: "/;
my $again = qr/\[warn\].*live: there is room again in .*stream: "/;
my $app = 'live_segment 1s max=2s; live_part 250ms; live_window 6s; live_linger 4s;';
my %shape = (gop => 30, seconds => 90);


# ---- while streams are published and played

{
    my $small = Live::Tmpfs->new(16 * 1024);
    my $nginx = Live::Nginx->new(name => 'full', store_path => $small->dir . '/s', store => 'streams=8', app => $app,
        keys => { map { $_ => $_ } qw(one two three) }, allow => [$full])->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my ($first, $second) = $nginx->workers;
    my @publishers = ($nginx->publish_on($first, 'one', %shape), $nginx->publish_on($second, 'two', %shape));
    my @viewers;

    for my $name (qw(one two)) {
        wait_for("stream $name", 10, sub { $http->get("/live/$name/index.m3u8")->{status} == 200 });
        push @viewers, map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$name/index.m3u8", worker => $_)->open }
            $first, $second;
    }

    my $gaps = sub { my ($v) = @_; return $v->track('v')->{gaps} };
    Live::Viewer::play(\@viewers, 2);
    is(join(' ', map { $gaps->($_) } @viewers), '0 0 0 0', 'with room there are no gaps');

    # several times, each at another moment of a segment
    for my $round (1, 2) {
        Live::Viewer::play(\@viewers, 0.35 * $round);
        my $mark = $nginx->mark;
        my @gaps = map { $gaps->($_) } @viewers;
        my @parts = map { $_->parts('v') } @viewers;

        cmp_ok($small->fill, '>', 0, "round $round: the file system is filled");
        ok(Live::Viewer::play(\@viewers, 20, sub {
            $small->fill;
            !grep { $gaps->($viewers[$_]) < $gaps[$_] + 6 } 0 .. 3;
        }), 'full: parts become gaps, which viewers see');
        ok($_->alive, 'a publisher stays') for @publishers;
        is(lines($nginx, qr/$full(?:one|two)"/, $mark), 2, 'the log says so once a stream') or diag(substr $nginx->log, $mark);

        # what has no configuration to write down may come, and go, at any time
        if ($round == 2) {
            $publishers[1]->kill;
            $publishers[1] = Live::Publisher->start(url => $nginx->rtmp_url('two'), %shape);
            ok($nginx->wait_log(qr/live publish started, stream: "two"/, 10, $mark), 'a publisher that reconnects meanwhile is let in');
        }

        $small->drain;
        my @had = map { $_->track('v')->{count} } @viewers;
        ok(Live::Viewer::play(\@viewers, 20, sub { !grep { $viewers[$_]->track('v')->{count} < $had[$_] + 10 } 0 .. 3 }),
            'room again: parts come');
        ok(Live::Viewer::play(\@viewers, 10, sub {
            # the second one's publisher of round 2 may have come when there was room
            lines($nginx, qr/$again(?:one)"/, $mark) == 1 && ($round == 2 || lines($nginx, qr/$again(?:two)"/, $mark) == 1);
        }), 'and the log says so, once a stream');
        is(lines($nginx, qr/$full(?:one)"/, $mark), 1, 'it did not say that there is no room a second time');
        my @now = map { $gaps->($_) } @viewers;
        Live::Viewer::play(\@viewers, 1);
        is(join(' ', map { $gaps->($_) } @viewers), "@now", 'and there are no more gaps');
        ok($_->alive, 'a publisher stays') for @publishers;
    }

    for my $v (@viewers) {
        is(join("\n", $v->errors), '', "$v->{path}: what was listed as there was there, in order");
        is($v->{reconnects}, 0, 'no viewer was disconnected');
        $v->close;
    }

    # a new stream while nothing is left, not even for its place in the index
    $small->fill;
    my $mark = $nginx->mark;
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    is($s->publish('three'), 'NetStream.Publish.Denied', 'a new stream without room is refused');
    ok($s->closed(5), 'and its session is ended');
    like(substr($nginx->log, $mark), qr/\[error\].*live publish refused: no room for another stream in .*No space left on device.*stream: "three"/,
        'the log says why');
    is($http->get('/live/three/index.m3u8')->{status}, 404, 'and there is no such stream');

    # room for that and for nothing else: whatever it is told, it is told in words, and nobody is hurt
    $small->drain;
    $small->fill(280);
    $mark = $nginx->mark;
    $s = Live::Publisher->start(url => $nginx->rtmp_url('three'), %shape);
    wait_for('a word about it', 10, sub { substr($nginx->log, $mark) =~ /\[(?:crit|error)\][^\n]*stream: "three"/ });
    like(substr($nginx->log, $mark), qr/\[(?:crit|error)\][^\n]*(?:give its file system more room|no room)[^\n]*stream: "three"/, 'which says what to do');
    $nginx->allow(qr/\[crit\].*live: cannot write an init segment in .*: give its file system more room.*stream: "three"/);
    $s->kill;
    $small->drain;
    ok($_->alive, 'publishers that are in stay') for @publishers;

    is(join(' ', $nginx->workers), "$first $second", 'no worker died through all of it');
    unlike($nginx->log, qr/exited on signal/, 'of no signal');
    $_->stop for @publishers;
    wait_for('streams to be removed', 25, sub { !$nginx->files });
    pass('streams that had gaps are removed');
    is($small->free > 11 * 1024 * 1024 ? 'all' : $small->free, 'all', 'and their room is free again');
    $nginx->stop;
}


# ---- before it starts: refused, with words; and no less than the index is claimed, so nothing faults later

{
    my $small = Live::Tmpfs->new(1024);
    my $nginx = Live::Nginx->new(name => 'full before', store_path => $small->dir . '/s', store => 'streams=64', app => $app, keys => { k => 'one' });
    $small->fill;
    my $started = eval { $nginx->start; 1 };
    ok(!$started, 'nginx does not start on a full file system');
    like($@, qr/\[emerg\].*live_store "test".*no room for the index \(\d+ bytes\) in .*No space left on device/, 'and says why');
    ok(!$nginx->workers, 'no process is left') if $nginx->pid;
    $small->drain;

    # for each size between nothing and enough
    my ($refused, $up) = (0, 0);
    for my $kb (64, 160, 400) {
        $small->fill($kb);
        $nginx = Live::Nginx->new(name => "$kb kB free", store_path => $small->dir . '/s', store => 'streams=64', app => $app, keys => { k => 'one' },
            allow => [$full, qr/\[crit\].*live: cannot write an init segment/]);
        if (eval { $nginx->start; 1 }) {
            $up++;
            $small->fill;
            my $http = Live::HTTP->new(port => $nginx->{http_port});
            is($http->get('/live/one/index.m3u8')->{status}, 404, 'a started one answers, though the file system was filled behind it');
            my $p = Live::Publisher->start(url => $nginx->rtmp_url('k'), %shape);
            ok($p->wait_end(10), 'its publisher is refused');
            like($nginx->log, qr/live publish refused: no room for another stream/, 'with a clear line');
            is(scalar $nginx->workers, 2, 'and its workers live');
            unlike($nginx->log, qr/exited on signal/, 'all of them');
            $nginx->stop;
        } else {
            $refused++;
            like($@, qr/no room for the index/, "with $kb kB it does not start, and says why");
        }
        $small->drain;
    }
    cmp_ok($refused, '>', 0, 'one was refused');
    cmp_ok($up, '>', 0, 'one started');
}

done_testing;
