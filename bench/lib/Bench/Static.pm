package Bench::Static;

# What one worker sends, against nginx's static handler with open_file_cache: the same worker, the same files,
# turn and turn about. Worker and generator have a core each, where there are two.

use strict;
use warnings;
use Bench::Load;
use Bench::Server;
use Bench::Table qw(human median);
use Live::Util qw(spew);

my $CACHE = 'open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;';
my $HTTP = "location /segments/ { alias \@SHM\@/store/; $CACHE } location /copies/ { alias \@SHM\@/files/; $CACHE }";

my ($server, $publisher);


sub segments {
    my ($o) = @_;
    my $server = _server($o);

    my @pairs = _turns($o, $server, 16, sub {
        my @names = $server->get('/live/s0/v.m3u8') =~ m{^(v/\S+-\d+\.m4s)$}mg;
        return ([map { "/live/s0/$_" } @names], [map { "/segments/s0/$_" } @names]);
    });

    return (
        _row('segment bytes/s from one worker', \@pairs, sub { $_[0]{bytes} / $_[0]{wall_ns} * 1e9 }, 'B/s', 0.95),
        _row('  per second of its CPU', \@pairs, sub { $_[0]{bytes} / $_[0]{cpu_ns} * 1e9 }, 'B'),
    );
}


sub playlists {
    my ($o) = @_;
    my $server = _server($o);
    my $copy = 0;

    my @pairs = _turns($o, $server, 32, sub {
        $copy++;
        for my $track (qw(v a)) {
            spew("$server->{shm}/files/$copy-$track.m3u8", $server->get("/live/s0/$track.m3u8"), 0644);
        }
        return (['/live/s0/v.m3u8', '/live/s0/a.m3u8'], ["/copies/$copy-v.m3u8", "/copies/$copy-a.m3u8"]);
    });

    return (
        _row('media playlists/s from one worker', \@pairs, sub { $_[0]{answers} / $_[0]{wall_ns} * 1e9 }, '/s', 0.8),
        _row('  per second of its CPU', \@pairs, sub { $_[0]{answers} / $_[0]{cpu_ns} * 1e9 }, ''),
    );
}


# one for both figures, with a stream that goes on being published: playlists change as they do in life
sub _server {
    my ($o) = @_;

    return $server if $server;

    $server = Bench::Server->start(name => 'static', live => 1, app => 'live_ingest on; live_publish open;', http => $HTTP,
        cpu => $o->{cores} > 1 ? '01' : '');
    $publisher = Bench::Load->publish($server, seconds => 300);
    $server->wait_segments('/live/s0/v.m3u8', $o->{quick} ? 3 : 8, 40);
    return $server;
}


sub done {
    return unless $server;
    $publisher->stop;
    $server->stop;
    ($server, $publisher) = ();
}


# [ours, static] of each turn
sub _turns {
    my ($o, $server, $connections, $urls) = @_;
    my ($turns, $seconds) = $o->{quick} ? (3, 0.4) : (25, 0.5);
    my $file = "$server->{dir}/urls";
    my @pairs;

    for my $turn (1 .. $turns) {
        my (@results, @lists);
        @lists = $urls->();

        # who begins takes turns, too
        for my $side ($turn % 2 ? (0, 1) : (1, 0)) {
            spew($file, join("\n", @{ $lists[$side] }) . "\n");
            $results[$side] = Bench::Load->run('fetch', port => $server->{http_port}, count => $connections, urls => $file,
                warm => 0.1, seconds => $seconds, pids => $server->pids, $o->{cores} > 1 ? (cpu => 1) : ());
        }

        push @pairs, \@results;

        for my $side (0, 1) {
            my $r = $results[$side];
            $o->{say}->(sprintf 'turn %d, %s: %sB/s, %s/s, worker %.0f %% busy, generator %.0f %%', $turn,
                $side ? 'static' : 'ours', human($r->{bytes} / $r->{wall_ns} * 1e9), human($r->{answers} / $r->{wall_ns} * 1e9),
                100 * $r->{cpu_ns} / $r->{wall_ns}, 100 * $r->{own_ns} / $r->{wall_ns});
        }
    }

    return @pairs;
}


# the ratio is the median of the turns' ratios: what disturbs a turn disturbs both sides
sub _row {
    my ($figure, $pairs, $value, $unit, $least) = @_;
    my ($ours, $static) = map { my $side = $_; median(map { $value->($_->[$side]) } @$pairs) } 0, 1;
    my $busy = 100 * median(map { $_->{cpu_ns} / $_->{wall_ns} } map { @$_ } @$pairs);

    # then its core was somebody else's, or the generator was too slow
    my $note = $least && $busy < 90 ? sprintf('the worker was %.0f %% busy only', $busy) : undef;

    return { figure => $figure, ours => human($ours) . $unit, peer => human($static) . $unit, against => 'nginx static',
        ratio => median(map { $value->($_->[0]) / $value->($_->[1]) } @$pairs), least => $least,
        note => $note };
}


1;
