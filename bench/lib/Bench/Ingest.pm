package Bench::Ingest;

# CPU per published stream and second. Three workers get the same streams, one after the other, several times over:
# one that only receives, one that packages with nginx-rtmp's hls, one that packages with ours.

use strict;
use warnings;
use Bench::Load;
use Bench::Server;
use Bench::Table qw(median);

my @ORDER = qw(receive hls ours);

my %SIDES = (
    receive => { app => 'live on;' },
    hls     => { app => 'live on; hls on; hls_path @SHM@/files; hls_fragment 2s; hls_playlist_length 30s;' },
    ours    => { live => 1, app => 'live_ingest on; live_publish open; live_linger 0s;' },
);


sub measure {
    my ($o) = @_;
    my ($streams, $rounds, $seconds) = $o->{quick} ? (12, 2, 1) : (24, 5, 6);
    my %server = map { $_ => Bench::Server->start(name => $_, %{ $SIDES{$_} }) } @ORDER;
    my %cost;

    for my $round (1 .. $rounds) {
        for my $side (@ORDER) {

            # all streams have begun after two seconds
            my $r = Bench::Load->publish($server{$side}, count => $streams, name => "r$round-", warm => 2.2,
                seconds => $seconds, pids => $server{$side}->pids)->wait(60);

            push @{ $cost{$side} }, 1000 * $r->{cpu_ns} / $r->{wall_ns} / $streams;
            $o->{say}->(sprintf 'round %d, %s: %.2f ms', $round, $side, $cost{$side}[-1]);
        }
    }

    $_->stop for values %server;

    my ($receive, $hls, $ours) = map { median(@{ $cost{$_} }) } @ORDER;
    my $ms = sub { sprintf '%.2f ms', $_[0] };

    return (
        { figure => 'CPU per stream-second, added by packaging', ours => $ms->($ours - $receive),
            peer => $ms->($hls - $receive), against => 'nginx-rtmp hls', ratio => ($ours - $receive) / ($hls - $receive), most => 0.4 },
        { figure => 'CPU per stream-second, in all', ours => $ms->($ours), peer => $ms->($hls), against => 'nginx-rtmp hls',
            ratio => $ours / $hls, most => 0.7 },
        { figure => '  to receive alone', peer => $ms->($receive), against => 'nginx-rtmp' },
    );
}


1;
