package Bench::Memory;

# Memory and tmpfs that a stream takes: a worker with ten streams against one with two, once their windows are full;
# the difference over eight.

use strict;
use warnings;
use File::Find ();
use Bench::Load;
use Bench::Server;
use Bench::Table qw(human);
use Live::Util qw(now);
use Time::HiRes qw(sleep);

my ($FEW, $MANY) = (2, 10);


sub measure {
    my ($o) = @_;
    my $window = $o->{quick} ? 12 : 30;

    # ours keeps files for as long again as the window lasts
    my $seconds = $o->{quick} ? 8 : 2 * $window + 6;

    my %sides = (
        ours => { live => 1, app => "live_ingest on; live_publish open; live_window ${window}s;" },
        hls  => { app => "live on; hls on; hls_path \@SHM\@/files; hls_fragment 2s; hls_playlist_length ${window}s;" },
    );

    my (%server, @publishers);

    for my $side (sort keys %sides) {
        for my $n ($FEW, $MANY) {
            $server{$side}{$n} = Bench::Server->start(name => "$side-$n", %{ $sides{$side} });
            push @publishers, Bench::Load->publish($server{$side}{$n}, count => $n, seconds => $seconds + 60);
        }
    }

    my $end = now() + $seconds;
    sleep 0.2 while now() < $end;

    # what viewers need of a worker is there once a stream has been watched
    for my $n ($FEW, $MANY) {
        for my $i (0 .. $n - 1) { $server{ours}{$n}->get("/live/s$i/$_.m3u8") for qw(index v a) }
    }

    my %per = (ours => _per_stream($server{ours}, 'store'), hls => _per_stream($server{hls}, 'files'));
    my $most = (-s "$server{ours}{$MANY}{shm}/store/index") / 256;

    $_->stop for @publishers, map { values %$_ } values %server;

    my $row = sub {
        my ($figure, $key) = @_;
        return { figure => $figure, ours => human($per{ours}{$key}) . 'B', peer => human($per{hls}{$key}) . 'B',
            against => 'nginx-rtmp hls', ratio => $per{hls}{$key} > 0 ? $per{ours}{$key} / $per{hls}{$key} : undef };
    };

    return (
        $row->('memory per stream: RSS of its worker', 'Rss'),
        $row->('  PSS', 'Pss'),
        $row->('  anonymous', 'Anonymous'),
        { figure => '  index, blocks on tmpfs', ours => human($per{ours}{index}) . 'B', note => 'at most ' . human($most) . 'B' },
        { %{ $row->("tmpfs per stream, window of $window s", 'files') }, note => 'kept for as long again' },
    );
}


sub _per_stream {
    my ($servers, $files) = @_;
    my %sum;

    for my $n ($FEW, $MANY) {
        my $dir = "$servers->{$n}{shm}/$files";
        $sum{$n} = { %{ $servers->{$n}->memory }, index => _blocks("$dir/index") };
        $sum{$n}{files} = _du($dir) - $sum{$n}{index};
    }

    return { map { $_ => ($sum{$MANY}{$_} - $sum{$FEW}{$_}) / ($MANY - $FEW) } keys %{ $sum{$MANY} } };
}


sub _blocks { return 512 * ((stat $_[0])[12] || 0) }


sub _du {
    my ($dir) = @_;
    my $sum = 0;
    File::Find::find({ no_chdir => 1, wanted => sub { $sum += _blocks($_) if -f $_ } }, $dir);
    return $sum;
}


1;
