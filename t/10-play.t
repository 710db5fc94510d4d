#!/usr/bin/perl

# A broadcaster's stream played by low-latency viewers on every worker, and by players that know no parts.

use strict;
use warnings;
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::MP4;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(now reap slurp spawn wait_for);
use Live::Viewer;

my $nginx = Live::Nginx->new->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});

is($http->get('/live/demo/index.m3u8')->{status}, 404, 'no stream before it is published');

my $started = now();
my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('secret'));

my $r;
wait_for('the stream', 10, sub { $r = $http->get('/live/demo/index.m3u8', timeout => 10); $r->{status} == 200 });
cmp_ok(now() - $started, '<', 5, 'it can be watched within seconds');

my $m = Live::HLS::multivariant($r->{body});
is(scalar @{ $m->{variants} }, 1, 'one variant');
my $v = $m->{variants}[0];
is($v->{uri}, 'v.m3u8', 'its video');
like($v->{CODECS}, qr/^avc1\.[0-9a-f]{6},mp4a\.40\.2$/, 'codecs of both');
is($v->{RESOLUTION}, '320x180', 'resolution');
cmp_ok(abs($v->{'FRAME-RATE'} - 30), '<', 0.5, 'frame rate') if $v->{'FRAME-RATE'};
is($v->{AUDIO}, 'audio', 'audio group');
is($m->{media}[0]{URI}, 'a.m3u8', 'its audio');
is($m->{media}[0]{CHANNELS}, 2, 'channels');

my @viewers = map { Live::Viewer->new(port => $nginx->{http_port}, worker => $_)->open } $nginx->workers;
is(scalar @viewers, 2, 'a viewer on each worker');

Live::Viewer::play(\@viewers, 12);

for my $viewer (@viewers) {
    is(join("\n", $viewer->errors), '', "worker $viewer->{worker}: playlists and parts are right");
    is($viewer->{reconnects}, 0, 'every connection was kept');
    is(join(' ', keys %{ $viewer->{statuses} }), 200, 'every answer was a 200');

    for my $id (qw(v a)) {
        my $t = $viewer->track($id);
        my $ages = $viewer->ages($id);
        cmp_ok($t->{played}, '>=', 22, "$id: parts played: $t->{played}");
        cmp_ok($t->{hinted}, '>=', 20, "$id: of these by their hint: $t->{hinted}");
        cmp_ok($t->{segments}, '>=', 5, "FM-SEG-18 $id: segments are their parts: $t->{segments}");
        is($t->{gaps}, 0, "$id: no gap");
        cmp_ok($ages->{median}, '<', 0.25, sprintf '%s: a part is here %.0f ms after its end, at most %.0f', $id,
            1000 * $ages->{median}, 1000 * $ages->{max});
    }
}

$_->close for @viewers;

# a player that knows no parts: what it takes from the playlist decodes
my $log = $nginx->dir . '/ffmpeg.log';
my $status = reap(spawn($log, 'ffmpeg', qw(-hide_banner -nostdin -loglevel warning -live_start_index 0 -i),
    $nginx->url('/live/demo/index.m3u8'), qw(-t 6 -f null -)), 40);
is($status, 0, 'ffmpeg plays it') or diag(slurp($log));
unlike(slurp($log), qr/error|invalid|non-monoton|discontinu/i, 'without complaint');

$log = $nginx->dir . '/ffprobe.log';
$status = reap(spawn($log, qw(ffprobe -v error -of csv=p=0 -show_entries),
    'stream=codec_name,width,height,sample_rate,channels', $nginx->url('/live/demo/index.m3u8')), 30);
like(slurp($log), qr/h264,320,180/, 'ffprobe sees the video');
like(slurp($log), qr/aac,48000,2/, 'ffprobe sees the audio');

# every segment of the plain playlist, in order
for my $id (qw(v a)) {
    my $p = Live::HLS::parse($http->get("/live/demo/$id.m3u8")->{body});
    my $init = Live::MP4::init($http->get("/live/demo/$p->{segments}[0]{map}")->{body});
    my ($end, @wrong);

    is($init->{handler}, $id eq 'v' ? 'vide' : 'soun', "$id: init is of its kind");

    for my $s (grep { $_->{uri} } @{ $p->{segments} }) {
        my $data = $http->get("/live/demo/$s->{uri}")->{body};
        my @f = Live::MP4::fragments($data);
        push @wrong, "segment $s->{msn} begins with " . join ' ', sort grep { /^(?:styp|prft)$/ } keys %{ $f[0] }
            unless defined $f[0]{prft} && $f[0]{styp};
        push @wrong, "segment $s->{msn} begins at $f[0]{tfdt}, not $end" if defined $end && $f[0]{tfdt} != $end;
        push @wrong, "segment $s->{msn} does not begin with a key frame" unless $f[0]{key};
        push @wrong, "segment $s->{msn} lasts not $s->{duration} s"
            if abs(($f[-1]{end} - $f[0]{tfdt}) / $init->{timescale} - $s->{duration}) > 0.001;
        $end = $f[-1]{end};
    }

    is(join("\n", @wrong), '', "$id: segments follow one another");
}

$publisher->stop;
$nginx->stop;

done_testing;
