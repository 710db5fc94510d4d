package Bench::Delay;

# From the frame that closes a part, when it is written to the socket, to the last byte of that part at a waiter who
# asked for it beforehand.
#
# A part's end on its media clock says which frame closed it. Video: the first one that is not in the part. Audio: its last
# one, or the video frame for which audio waits (a segment could begin there), at most half an AAC frame before the end;
# where a timestamp's rounding leaves open which video frame that was, the part is not counted.

use strict;
use warnings;
use Bench::Load;
use Bench::Server;
use Bench::Table qw(percentile);
use Live::MP4;

my $STREAMS = 8;
my $LIMIT_MS = 20;

# ms; timestamps are whole, the media clock is finer
my $AAC_FRAME = 1024 / 48;
my $ROUNDING = 1;


sub measure {
    my ($o) = @_;
    my $seconds = $o->{quick} ? 5 : 30;
    my $server = Bench::Server->start(name => 'delay', live => 1, workers => 2, app => 'live_ingest on; live_publish open;');
    my ($frames, $parts) = map { "$server->{dir}/$_.log" } qw(frames parts);

    my $publisher = Bench::Load->publish($server, count => $STREAMS, seconds => $seconds + 10, log => $frames);
    $server->wait_segments('/live/s' . ($STREAMS - 1) . '/v.m3u8', 1, 20);
    my %clock = map { $_ => _clock($server, "s$_") } 0 .. $STREAMS - 1;

    # two viewers a stream: on both workers somebody waits, mostly
    Bench::Load->run('viewers', port => $server->{http_port}, count => 2 * $STREAMS, streams => $STREAMS, warm => 1,
        seconds => $seconds, log => $parts, pids => $server->pids);
    $publisher->wait(60);

    my $delays = _delays(_frames($frames), \%clock, $parts);
    $server->stop;

    for my $track (qw(v a)) {
        my @d = sort { $a <=> $b } @{ $delays->{$track} };
        $o->{say}->(sprintf '%s: %d parts, %.1f to %.1f ms, median %.1f, p99 %.1f', $track, scalar @d, $d[0], $d[-1],
            percentile(50, @d), percentile(99, @d));
    }

    my @all = sort { $a <=> $b } map { @$_ } values %$delays;
    my $p99 = percentile(99, @all);

    return (
        { figure => 'from closing frame to part fetched, p99', ours => sprintf('%.1f ms', $p99), value => $p99, most => $LIMIT_MS,
            target => "$LIMIT_MS ms" },
        { figure => '  median', ours => sprintf '%.1f ms', percentile(50, @all) },
    );
}


# a stream's tracks: their timescales, and where on the media clock the first video frame is, in ms
sub _clock {
    my ($server, $stream) = @_;
    my %clock;

    for my $track (qw(v a)) {
        my $text = $server->get("/live/$stream/$track.m3u8");
        my ($init) = $text =~ /#EXT-X-MAP:URI="([^"]+)"/ or die "$stream: no init segment\n";
        $clock{$track} = Live::MP4::init($server->get("/live/$stream/$init"))->{timescale};

        next unless $track eq 'v';
        my ($part) = $text =~ /#EXT-X-PART:.*?URI="([^"]+)"/ or die "$stream: no part\n";
        my ($first) = Live::MP4::fragments($server->get("/live/$stream/$part"));
        $clock{begin} = 1000 * $first->{tfdt} / $clock{v};
    }

    return \%clock;
}


# stream, track => [[timestamp, when], ...]
sub _frames {
    my ($file) = @_;
    my %frames;

    open my $fh, '<', $file or die "$file: $!\n";

    while (<$fh>) {
        my ($stream, $track, $ts, $when) = split;
        push @{ $frames{$stream}{$track} }, [$ts, $when];
    }

    return \%frames;
}


# the first frame with that timestamp or a later one: its own timestamp, and when it was written
sub _from {
    my ($frames, $ms) = @_;
    my ($low, $high) = (0, scalar @$frames);

    while ($low < $high) {
        my $mid = int(($low + $high) / 2);
        if ($frames->[$mid][0] < $ms) { $low = $mid + 1 } else { $high = $mid }
    }

    return $low < @$frames ? @{ $frames->[$low] } : ();
}


# when the frame was written that closed a part which ends at ms; undef: not known
sub _closed {
    my ($frames, $track, $ms) = @_;

    return (_from($frames->{v}, $ms - $ROUNDING))[1] if $track eq 'v';

    my $reach = $ms - $AAC_FRAME / 2;
    my ($audio_ts, $audio) = _from($frames->{a}, $ms - $AAC_FRAME - $ROUNDING) or return undef;
    my ($video_ts, $video) = _from($frames->{v}, $reach - $ROUNDING) or return undef;

    return undef if $video_ts < $reach + $ROUNDING;
    return $audio > $video ? $audio : $video;
}


sub _delays {
    my ($frames, $clock, $file) = @_;
    my %delays = (v => [], a => []);

    open my $fh, '<', $file or die "$file: $!\n";

    while (<$fh>) {
        my ($stream, $track, $msn, $index, $first, $last, $start, $duration) = split;
        my ($n) = $stream =~ /(\d+)$/;
        my $end = 1000 * ($start + $duration) / $clock->{$n}{$track} - $clock->{$n}{begin} + $frames->{$n}{v}[0][0];
        my $closed = _closed($frames->{$n}, $track, $end);

        push @{ $delays{$track} }, ($last - $closed) / 1e6 if defined $closed;
    }

    die "no part was fetched\n" unless @{ $delays{v} } && @{ $delays{a} };
    return \%delays;
}


1;
