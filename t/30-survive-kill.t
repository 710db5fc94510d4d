#!/usr/bin/perl

# kill -9 of workers: the publisher's, whose encoder comes back to another; a viewer's, who reconnects; and
# any, at random, while streams are made and removed. Nobody else notices, and nothing stays.

use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use Live::HLS;
use Live::HTTP;
use Live::MP4;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(now wait_for);
use Live::Viewer;

my $seed = $ENV{LIVE_TEST_SEED} || time ^ $$;
srand $seed;
note("LIVE_TEST_SEED=$seed");

# calls the code ten times a second: what is asked scans /proc
sub now_and_then {
    my ($code) = @_;
    my $next = 0;
    return sub {
        return 0 if now() < $next;
        $next = now() + 0.1;
        return $code->();
    };
}

sub most { my ($v) = @_; my ($m) = sort { $b <=> $a } values %{ $v->losses }, 0; return $m }

sub refused_hints { my ($v) = @_; my $n = 0; $n += $_->{hints_refused} || 0 for @{ $v->{tracks} }; return $n }

# a hinted part that its publisher cannot write any more is the only thing that is not there
sub check_viewer {
    my ($v, $what) = @_;
    is(join("\n", $v->errors), '', "$what: every part was there, once, in order, on an unbroken clock");
    is(join(' ', grep { !/^(?:200|404)$/ } sort keys %{ $v->{statuses} }), '', "$what: every answer was a good one");
    cmp_ok($v->{statuses}{404} || 0, '<=', refused_hints($v), "$what: no 404 but for a hint that did not come true");
}


# ---- the publisher's worker, and a viewer's

{
    my $nginx = Live::Nginx->new(name => 'kill', app => 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 10s;',
        apps => 'application short { live off; live_ingest on; live_publish open;
            live_segment 500ms max=1s; live_part 250ms; live_window 3s; live_linger 2s; }')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my %shape = (gop => 30, seconds => 90);
    my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'), %shape);
    wait_for('the stream', 10, sub { $http->get('/live/demo/index.m3u8')->{status} == 200 });
    my $epoch;

    # at any moment, and between two segments: the next has been opened, and no part of it is there
    for my $round (['publisher', 'random'], ['viewer', 'random'], ['publisher', 'between']) {
        my ($whose, $when) = @$round;
        my $on = $nginx->publisher_worker('demo');
        my ($other) = grep { $_ != $on } $nginx->workers;
        my ($killed, $spared) = $whose eq 'publisher' ? ($on, $other) : ($other, $on);
        my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, worker => $_)->open } $killed, $spared;

        ok(Live::Viewer::play(\@viewers, 10, sub { !grep { $_->parts('v') < 14 } @viewers }), "killing the $whose\'s worker: viewers play");
        if ($when eq 'random') { Live::Viewer::play(\@viewers, rand 0.5) }
        else {
            ok(Live::Viewer::play(\@viewers, 5, sub { !grep { !(Live::HLS::edge($_->{list}->now))[2] } @{ $viewers[1]{tracks} } }),
                'a segment has just ended');
        }

        my @from = map { $_->delays('v')->{n} } @viewers;
        my @quiet = map { $_->delays('v', 4)->{median} } @viewers;
        my $p = $viewers[1]->track('v')->{list}->now;
        my ($dseq, $msn) = ($p->{segments}[-1]{dseq}, $p->{segments}[-1]{msn});
        my $mark = $nginx->mark;
        my $died = qr/\[warn\].*live stream "demo": the worker of its publisher died/;
        my $new = $nginx->killing_worker($killed);
        my @parts = map { $_->parts('v') } @viewers;
        my $comes = 0;

        ok(Live::Viewer::play(\@viewers, 20, now_and_then(sub {
            # as encoders do: again, some moments later; and not before the loss was noticed and said
            $comes ||= now() if !$publisher->alive;
            if ($comes && now() > $comes + 0.3 && (now() > $comes + 5 || substr($nginx->log, $mark) =~ $died)) {
                $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'), %shape);
                $comes = 0;
            }
            return !$comes && $new->() && !grep { $viewers[$_]->parts('v') < $parts[$_] + 14 } 0, 1;
        })), 'both go on');

        check_viewer($viewers[0], "its viewer ($whose)");
        check_viewer($viewers[1], "a viewer of the other worker ($whose)");
        cmp_ok(most($viewers[0]), '<=', 1, 'its viewer reconnects once, each connection') or diag(explain($viewers[0]{lost}));
        cmp_ok(most($viewers[0]), '>', 0, 'and has to');
        is(most($viewers[1]), 0, 'the other viewer never') or diag(explain($viewers[1]{lost}));

        my %d;
        for my $id (qw(v a)) {
            my @s = grep { $_->{msn} >= $msn } @{ $viewers[1]->track($id)->{list}->now->{segments} };
            $d{$id} = join ' ', map { $_->{msn} } grep { $_->{discontinuity} && $_->{dseq} > $dseq } @s;
        }

        if ($whose eq 'publisher') {
            like($d{v}, qr/^\d+$/, "one discontinuity: before $d{v}");
            cmp_ok($d{v}, '<=', $msn + 2, 'at the next sequence number');
            is($d{a}, $d{v}, 'at the same in both tracks');
            is(scalar(() = substr($nginx->log, $mark) =~ /$died/g), 1,
                'the log says once that the worker of the publisher died');
        } else {
            is("$d{v}$d{a}", '', 'no discontinuity');
            ok($publisher->alive, 'the publisher goes on');
            for my $i (0, 1) {
                my $rise = $viewers[$i]->delays('v', $from[$i])->{max} - $quiet[$i];
                cmp_ok($rise, '<', 1, sprintf 'latency rose by %.0f ms at most', 1000 * $rise);
            }
        }

        for my $i (0, 1) {
            my $n = $viewers[$i]->delays('v')->{n};
            my $back = $viewers[$i]->delays('v', $n - 5)->{median} - $quiet[$i];
            cmp_ok(abs $back, '<', 0.2, sprintf 'latency is back: %+.0f ms', 1000 * $back);
        }

        my ($is) = $p->{segments}[-1]{map} =~ m{v/(.*?)-init};
        is($is, $epoch ||= $is, 'the stream is the same');
        $_->close for @viewers;
    }

    # nobody comes back: it lingers, ends and goes, though its worker could not see to that
    my $short = Live::Publisher->start(url => $nginx->rtmp_url('brief', 'short'), gop => 15, seconds => 60);
    wait_for('files', 10, sub { 6 < grep { m{/brief/} } $nginx->files });
    $short->freeze;
    my $new = $nginx->killing_worker($nginx->publisher_worker('brief'));
    my $from = now();
    wait_for('the worker', 10, $new);
    $short->kill;
    wait_for('ENDLIST', 20, sub { $http->get('/live/brief/v.m3u8')->{body} =~ /\n#EXT-X-ENDLIST\n/ });
    my $took = now() - $from;
    ok($took > 1.9 && $took < 5, sprintf 'a stream whose worker died ends after live_linger: %.1f s', $took);
    wait_for('the stream to be removed', 15, sub { $http->get('/live/brief/index.m3u8')->{status} == 410 });
    wait_for('its files to go', 2, sub { !grep { m{/brief} } $nginx->left });
    pass('and leaves no file');

    $publisher->stop;
    $nginx->stop;
}


# ---- in the first segment, again and again, and each encoder with another picture than the one before

{
    my $nginx = Live::Nginx->new(name => 'kill in the first segment', keys => undef,
        app => 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 10s;')->start;
    my $list = Live::HLS->new(name => 'v');
    my (%init, $p);

    for my $n (0 .. 3) {
        my @flv = Live::RTMP::read_flv(Live::Publisher::flv(gop => 30, seconds => 5, size => $n % 2 ? '640x360' : '320x180'));
        my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => 'x');
        $s->tags([grep { $_->{ts} < 700 } @flv], speed => 0);
        my $http = Live::HTTP->new(port => $nginx->{http_port});

        wait_for('its first part', 10, sub {
            my $r = $http->get('/live/x/v.m3u8');
            return 0 if $r->{status} != 200;
            $p = $list->feed($r->{body}) or return 1;
            return @{ $p->{segments} } == $n + 1 && @{ $p->{segments}[-1]{parts} };
        });

        # what has been named once never means other bytes
        for my $map (map { $_->{map} } @{ $p->{segments} }) {
            my $body = $http->get("/live/x/$map")->{body};
            is($body, $init{$map} ||= $body, "publisher $n: $map is what it was") or last;
        }

        wait_for('the worker', 10, $nginx->killing_worker($nginx->publisher_worker('x')));
        $s->abort;
    }

    my @s = @{ $p->{segments} };
    is(join("\n", $list->errors), '', 'no playlist took back what an earlier one said');
    is(join(' ', map { $_->{msn} } @s), '0 1 2 3', 'a segment each');
    is(join(' ', map { $_->{dseq} } @s), '0 1 2 3', 'behind a discontinuity each');
    is(scalar keys %init, 4, 'with an init segment each');
    is(join(' ', map { (Live::MP4::init($init{ $_->{map} }))->{width} } @s), '320 640 320 640', 'of its own picture');
    $nginx->stop;
}


# ---- any worker, while streams are made and removed: the lock of the table dies with who holds it

{
    my $nginx = Live::Nginx->new(name => 'kill at random', keys => undef, store => 'streams=8', workers => 3,
        app => 'live_segment 500ms max=1s; live_part 250ms; live_window 3s; live_linger 0s;',
        apps => 'application steady { live off; live_ingest on; live_publish open;
            live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 10s; }')->start;
    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my @flv = grep { $_->{ts} < 1500 } Live::RTMP::read_flv(Live::Publisher::flv(gop => 15, seconds => 90));
    my $publisher;
    my $publish = sub { $publisher = Live::Publisher->start(url => $nginx->rtmp_url('steady', 'steady'), gop => 30, seconds => 90) };

    # each of them publishes again and again, two of one name: takeovers as well
    my @load = map {
        my $name = $_;
        my $pid = fork;
        if ($pid == 0) {
            $SIG{TERM} = 'DEFAULT';
            Live::Util::die_with_parent(getppid(), POSIX::SIGKILL());
            while (1) {
                eval {
                    my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => $name);
                    $s->tags(\@flv, speed => 4);
                    $s->abort;
                };
                select undef, undef, undef, 0.02;
            }
        }
        $pid;
    } qw(a a b c d e);

    $publish->();
    wait_for('the stream', 20, sub { $http->get('/live/steady/index.m3u8')->{status} == 200 });
    my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, path => '/live/steady/index.m3u8', worker => $_)->open } $nginx->workers;
    Live::Viewer::play(\@viewers, 2);

    my ($kills, $next) = (0, 0);
    my $end = now() + 8;
    Live::Viewer::play(\@viewers, 60, sub {
        $publish->() unless $publisher->alive;
        return 1 if now() > $end;
        if (now() > $next) {
            my @w = $nginx->workers;
            my $pid = $w[rand @w];
            # not all at once: a worker that stands has the listening sockets' queue
            if (@w == 3) {
                $nginx->killing_worker($pid);
                $kills++;
            }
            $next = now() + 0.25 + rand 0.5;
        }
        return 0;
    });
    cmp_ok($kills, '>', 5, "workers were killed: $kills");

    my @parts = map { $_->parts('v') } @viewers;
    ok(Live::Viewer::play(\@viewers, 20, now_and_then(sub {
        $publish->() unless $publisher->alive;
        return $nginx->workers == 3 && !grep { $viewers[$_]->parts('v') < $parts[$_] + 12 } 0 .. 2;
    })), 'all workers are back, viewers play');

    for my $v (@viewers) {
        check_viewer($v, 'a viewer through all of it');
        my $p = $v->track('v')->{list}->now;
        is($p->{segments}[-1]{dseq}, $viewers[0]->track('v')->{list}->now->{segments}[-1]{dseq}, 'the same numbers for all')
            if $p->{segments}[-1]{msn} == $viewers[0]->track('v')->{list}->now->{segments}[-1]{msn};
        $v->close;
    }

    kill KILL => @load;
    waitpid $_, 0 for @load;

    # what the dead left half done is put right: no file, and each place in the table can be used
    my @left;
    my $clean = eval { wait_for('files to go', 20, sub { @left = grep { !m{/steady|/index$|\.sock$} } $nginx->left; !@left }) };
    ok($clean, 'streams of dead workers leave no file') or diag(join "\n", @left);

    my @new = map { my $s = eval { Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => "n$_") }; diag($@) if $@; $s } 1 .. 7;
    is(scalar(grep { $_ } @new), 7, 'as many streams as streams= says can be published');
    $_->close for grep { $_ } @new;
    $publisher->stop;
    $nginx->stop;
}


# ---- all workers, in the middle of removing streams

{
    my $nginx = Live::Nginx->new(name => 'kill while removing', keys => undef, store => 'streams=64', level => 'notice',
        app => 'live_segment 500ms max=1s; live_part 500ms; live_window 3s; live_linger 0s;')->start;
    my @flv = grep { $_->{ts} < 6000 } Live::RTMP::read_flv(Live::Publisher::flv(gop => 15, seconds => 90, bitrate => '100k'));
    my $cut = 0;

    # a matter of a millisecond, so perhaps not at the first try
    for my $round (1 .. 8) {
        last if $cut;
        my @s = map { Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => "r$round-$_") } 1 .. 24;
        $_->tags(\@flv, speed => 0) for @s;
        $_->close for @s;

        # all end in one turn, and are removed in one, the first stream's oldest segment first
        my @files = $nginx->files;
        cmp_ok(scalar @files, '>', 240, 'files: ' . @files);
        my @watched = grep { /\.m4s$/ } @files;
        my ($first) = sort { ($a =~ /-(\d+)\.m4s/)[0] <=> ($b =~ /-(\d+)\.m4s/)[0] } grep { m{/r$round-1/v/} } @watched;
        my %old = map { $_ => 1 } $nginx->workers;
        $nginx->allow(qr/worker process $_ exited on signal 9/) for keys %old;

        my $end = now() + 15;
        1 while -e $first && now() < $end;
        kill KILL => keys %old;
        my @rest = grep { -e } @watched;
        $cut++ if @rest && @rest < @watched;
        note(@rest . ' of ' . @watched . ' files were left');

        wait_for('new workers', 10, sub { 2 == grep { !$old{$_} } $nginx->workers });
        my @left;
        my $clean = eval { wait_for('files to go', 15, sub { @left = grep { m{/r$round} } $nginx->left; !@left }) };
        ok($clean, 'a removal that was cut off is ended by another worker') or diag(scalar(@left) . ' left, such as ' . ($left[-1] || ''));
    }

    ok($cut, 'a removal was cut off');
    $nginx->stop;
}

done_testing;
