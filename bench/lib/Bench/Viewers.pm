package Bench::Viewers;

# Low-latency viewers of one stream on two workers: how many until parts come too late, what one costs, and how
# evenly the workers share them. What is measured stands in load/viewers.c.

use strict;
use warnings;
use Bench::Load;
use Bench::Server;
use POSIX ();

my $LIMIT_MS = 100;


sub measure {
    my ($o) = @_;
    my $server = Bench::Server->start(name => 'viewers', live => 1, workers => 2, app => 'live_ingest on; live_publish open;',
        location => 'add_header X-Worker $pid always;');
    my $publisher = Bench::Load->publish($server, seconds => 500);
    $server->wait_segments('/live/s0/v.m3u8', 2, 20);

    my @steps = _ramp($o, $server);

    $publisher->stop;
    $server->stop;

    return _rows(@steps);
}


# doubles until parts come too late, then halves the distance; too late is what was so twice
sub _ramp {
    my ($o, $server) = @_;
    my $most = POSIX::floor((Bench::Server::files_limit() - 100) / 4);
    my ($n, $good, $bad, @steps) = ($o->{quick} ? 200 : 100, 0);

    while (@steps < ($o->{quick} ? 2 : 10)) {
        my $step = _step($o, $server, $n);

        if ($step->{p99} > $LIMIT_MS && !$o->{quick}) {
            my $again = _step($o, $server, $n);
            $step = $again if $again->{p99} < $step->{p99};
        }

        push @steps, $step;

        if ($step->{p99} <= $LIMIT_MS) { $good = $n } else { $bad = $n }

        if (!defined $bad) {
            last if $n >= $most;
            $n = 2 * $n < $most ? 2 * $n : $most;
        } else {
            last if $good == 0 || $bad - $good <= $good / 6;
            $n = POSIX::floor(($good + $bad) / 2);
        }
    }

    return @steps;
}


sub _step {
    my ($o, $server, $n) = @_;
    my $r = Bench::Load->run('viewers', port => $server->{http_port}, count => $n, pids => $server->pids, warm => $o->{quick} ? 1 : 2,
        seconds => $o->{quick} ? 2 : 8);
    my ($wall, $bytes) = ($r->{wall_ns}, 0);
    my @bytes = map { $r->{"worker_$_"} || 0 } $server->workers;
    $bytes += $_ for @bytes;

    my %step = (n => $n, p99 => $r->{p99_ns} / 1e6, median => $r->{median_ns} / 1e6, cost => 1000 * $r->{cpu_ns} / $wall / $n,
        share => $bytes ? 100 * $bytes[0] / $bytes : 0, own => 100 * $r->{own_ns} / $wall, server => 100 * $r->{cpu_ns} / $wall);

    $step{p99} = 9999 if $step{p99} > 9999;

    $o->{say}->(sprintf '%d viewers: median %.1f, p99 %.1f ms; %.2f ms of CPU a viewer-second; workers %.0f %% busy, '
        . 'shares %.0f %% and %.0f %%; generator %.0f %% busy; %d parts missed, %d errors, %d hints refused', $n,
        @step{qw(median p99 cost server share)}, 100 - $step{share}, $step{own}, @$r{qw(missed errors refused)});

    return \%step;
}


# what stood in the way of the first number of viewers that was too many
sub _limit {
    my ($over, $cores) = @_;
    return 'not reached' unless $over;
    return sprintf 'the generator: %.0f %% busy', $over->{own} if $over->{own} > 80;
    return sprintf 'CPU: workers %.0f %% and generator %.0f %% busy', $over->{server}, $over->{own};
}


sub _rows {
    my (@steps) = sort { $a->{n} <=> $b->{n} } @_;
    my ($over) = grep { $_->{p99} > $LIMIT_MS } @steps;
    my @good = grep { $_->{p99} <= $LIMIT_MS && (!$over || $_->{n} < $over->{n}) } @steps;
    my $best = $good[-1] || $steps[0];

    return (
        { figure => "low-latency viewers, p99 below $LIMIT_MS ms", ours => @good ? $best->{n} : "under $best->{n}",
            note => 'limit: ' . _limit($over) },
        { figure => "  p99 of $best->{n}", ours => sprintf('%.1f ms', $best->{p99}), value => $best->{p99}, most => $LIMIT_MS,
            target => "$LIMIT_MS ms" },
        { figure => '  CPU per viewer-second', ours => sprintf '%.2f ms', $best->{cost} },
        { figure => '  the workers\' shares of the bytes', ours => sprintf('%.0f %%, %.0f %%', $best->{share}, 100 - $best->{share}),
            value => abs($best->{share} - 50), most => 10, target => '40 to 60 %' },
    );
}


1;
