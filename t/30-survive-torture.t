#!/usr/bin/perl

# Reloads, upgrades, killed workers, takeovers, lost publishers and a full file system, at random and over one
# another, while four streams are published and played. No viewer may miss a part that was ever listed or see
# a number twice, and in the end nothing is left. Twenty seconds of it, minutes with --long;
# LIVE_TEST_SEED does it again.

use strict;
use warnings;
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Tmpfs;
use Live::Util qw(long now wait_for);
use Live::Viewer;

my $seed = $ENV{LIVE_TEST_SEED} || time ^ $$;
srand $seed;
diag("LIVE_TEST_SEED=$seed") if long();
note("LIVE_TEST_SEED=$seed");

my $length = long() ? 240 : 20;
my $small = Live::Tmpfs->new(32 * 1024);
my @names = qw(one two three four);

# what an event is done to is killed and full: nobody needs to hear of that
my $nginx = Live::Nginx->new(name => 'torture', workers => 3, daemon => 1, store_path => $small->dir . '/s', store => 'streams=8',
    keys => { map { $_ => $_ } @names }, allow => [qr/\[crit\].*live: no room for a part in/, qr/exited on signal 9/,
    qr/\[crit\].*live: cannot write an init segment/, qr/\[emerg\].*differs from the running nginx's/],
    app => 'live_segment 1s max=2s; live_part 250ms; live_window 12s; live_linger 10s;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});
my (%publisher, %comes, @old, %count, %epoch, @log);
my $start = now();

sub said { my ($what) = @_; $count{$what}++; push @log, sprintf '%.1f %s', now() - $start, $what }

# each a picture of its own: whoever mixes them up is seen by the size of its parts
my %shape = (one => { gop => 30 }, two => { gop => 30, bitrate => '800k', size => '640x360' },
    three => { gop => 30, bframes => 2 }, four => { gop => 15, rate => 44100 });
Live::Publisher::flv(%{ $shape{$_} }, seconds => 90) for @names;

sub publish { my ($name) = @_; return Live::Publisher->start(url => $nginx->rtmp_url($name), %{ $shape{$name} }, seconds => 90, loop => 1) }

$publisher{$_} = publish($_) for @names;
wait_for($_, 15, sub { $http->get("/live/$_/index.m3u8")->{status} == 200 }) for @names;

my @viewers;
for my $name (@names) {
    my @workers = $nginx->workers;
    push @viewers, map { Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$name/index.m3u8", worker => $workers[$_],
        whole => $_ == 0)->open } $name eq 'one' ? (0 .. 2) : (0, 1 + int rand 2);
    ($epoch{$name}) = $http->get("/live/$name/v.m3u8")->{body} =~ m{URI="v/(.*?)-init};
}
$http->close;


# ---- what happens: each begins something and returns what is true when it is over

sub masters_gone { return !grep { !Live::Nginx::gone($_) } @{ $nginx->{old} } }

my $app = $nginx->{app};
my %events = (
    reload => sub {
        $nginx->{app} = rand() < 0.5 ? $app : 'live_segment 2s max=2s; live_part 500ms; live_window 12s; live_linger 10s;';
        $nginx->write_conf;
        return $nginx->reloading;
    },
    refused => sub {
        local $nginx->{store} = 'streams=9';
        $nginx->write_conf;
        my $mark = $nginx->mark;
        kill HUP => $nginx->pid;
        return sub {
            substr($nginx->log, $mark) =~ /differs from the running/ or return 0;
            # for who reads it next, an upgrade perhaps
            $nginx->{store} = 'streams=8';
            $nginx->write_conf;
            return 1;
        };
    },
    upgrade => sub {
        # the one before must have gone, and it goes with its publishers
        if (!masters_gone()) {
            $_->kill for values %publisher;
            return sub { masters_gone() };
        }
        my $upgrading = $nginx->upgrading;
        return sub {
            my $new = $upgrading->() or return 0;
            $nginx->upgraded($new);
            return 1;
        };
    },
    'kill a worker' => sub {
        my @w = $nginx->workers;
        return @w == 3 ? $nginx->killing_worker($w[rand @w]) : sub { 1 };
    },
    'kill an old worker' => sub {
        my @w = $nginx->old_workers;
        kill KILL => $w[rand @w] if @w;
        return sub { 1 };
    },
    'kill a publisher' => sub { $publisher{ $names[rand @names] }->kill; return sub { 1 } },
    'stop a publisher' => sub { $publisher{ $names[rand @names] }->stop; return sub { 1 } },
    takeover => sub {
        my $name = $names[rand @names];
        my $was = $publisher{$name};
        # a frozen one does not find out
        $was->freeze if $was->alive && rand() < 0.5;
        push @old, $was;
        $publisher{$name} = publish($name);
        return sub { 1 };
    },
    full => sub {
        my $end = now() + 0.5 + rand 2;
        $small->fill;
        return sub {
            if (now() < $end) { $small->fill; return 0 }
            $small->drain;
            return 1;
        };
    },
);

my ($under_way, $what, $since) = ();
my $next = now() + 1;
my $end = now() + $length;
my $look = 0;
my @often = (sort(keys %events), 'reload', 'kill a worker', 'kill a worker', 'takeover', 'kill a publisher');
# each of them once at least, in any order
my @first = sort { $a->[1] <=> $b->[1] } map { [$_, rand] } sort keys %events;

Live::Viewer::play(\@viewers, $length + 120, sub {
    return 0 if now() < $look;
    $look = now() + 0.1;

    for my $name (@names) {
        if ($publisher{$name}->alive) { delete $comes{$name}; next }
        $comes{$name} ||= now() + 0.2 + rand 0.3;
        $publisher{$name} = publish($name) if now() > $comes{$name};
    }

    if ($under_way) {
        if ($under_way->()) { undef $under_way }
        elsif (now() > $since + 30) { fail("$what is over in time"); return 1 }
        return 0;
    }

    return now() > $end && !@first if now() < $next || now() > $end;

    $what = @first ? (shift @first)->[0] : $often[rand @often];
    said($what);
    $since = now();
    $under_way = $events{$what}->();
    $next = now() + (long() ? 0.2 + rand 2 : 0.1 + rand 1.2);
    return 0;
});

$nginx->{app} = $app;
note(join "\n", @log);
cmp_ok(scalar(grep { $count{$_} } keys %events), '>=', (long() ? keys %events : 6), 'events: ' . join ', ', map { "$_ $count{$_}" } sort keys %count);


# ---- then it is quiet, and all is as it was

$_->kill for splice @old;
my @parts = map { $_->parts('v') } @viewers;
$look = 0;
ok(Live::Viewer::play(\@viewers, 30, sub {
    return 0 if now() < $look;
    $look = now() + 0.1;
    for my $name (@names) { $publisher{$name} = publish($name) unless $publisher{$name}->alive }
    return $nginx->workers == 3 && !grep { $viewers[$_]->parts('v') < $parts[$_] + 16 } 0 .. $#viewers;
}), 'every viewer plays on, on all workers');

for my $v (@viewers) {
    my ($name) = $v->{path} =~ m{/live/(\w+)/};
    my $refused = 0;
    $refused += $_->{hints_refused} || 0 for @{ $v->{tracks} };
    is(join("\n", $v->errors), '', "$name: every part was there, once, in order, on an unbroken clock")
        or diag(explain($v->{lost}), join "\n", @log);
    is(join(' ', grep { !/^(?:200|404|503)$/ } sort keys %{ $v->{statuses} }), '', "$name: every answer was a good one");
    cmp_ok($v->{statuses}{404} || 0, '<=', $refused, "$name: no 404 but for hints that did not come true");

    my $p = $v->track('v')->{list}->now;
    my ($is) = $p->{segments}[-1]{map} =~ m{v/(.*?)-init};
    is($is, $epoch{$name}, "$name: the stream is the same through all of it");

    my $n = $v->delays('v')->{n};
    my $age = $v->delays('v', $n - 5);
    cmp_ok($age->{median}, '<', 0.5, sprintf '%s: parts are here %.0f ms after their end, %d in all, %d gaps', $name,
        1000 * $age->{median}, $v->parts('v'), $v->track('v')->{gaps});
    $v->close;
}

$_->stop for values %publisher;

if (long()) {
    wait_for('streams to be removed', 60, sub { !$nginx->files });
    is(join(' ', grep { !m{/index$|\.sock$} } $nginx->left), '', 'what was published leaves nothing');
    cmp_ok($small->free, '>', 26 * 1024 * 1024, 'no room is lost');
}

# masters that have gone leave no one to ask
$nginx->{old} = [grep { !Live::Nginx::gone($_) } @{ $nginx->{old} }];
$nginx->stop;
ok(!-e $nginx->{store_path}, 'the store is gone');
unlike($nginx->log, qr/exited on signal (?!9\b)|exited with fatal code/, 'no process ended but by our hand');

done_testing;
