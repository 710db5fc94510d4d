#!/usr/bin/perl

# Streams of all shapes at once, each followed by a strict viewer: frame rates, B-frames, one medium
# alone, sampling rates, part lengths, a window that moves.

use strict;
use warnings;
use Test::More;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(wait_for);
use Live::Viewer;

# low: parts cannot be of whole frames, or the frames come when they like
my @shapes = (
    { name => 'film', text => 'FM-ENC-01 23.976 fps, B-frames', fps => '24000/1001', gop => 48, bframes => 2 },
    { name => 'deep', text => 'FM-ENC-01 three B-frames', bframes => 3, gop => 50, fps => 25 },
    { name => 'fast', text => '60 fps, 100 ms parts, a short window', fps => 60, gop => 60, app => 'fast', parts => 60 },
    { name => 'slow', text => '5 fps', fps => 5, gop => 10, low => 1 },
    { name => 'still', text => '1 fps', fps => 1, gop => 2, low => 1 },
    { name => 'jumpy', text => 'variable frame rate', fps => 30, gop => 60, low => 1,
      options => '-vf select=not(mod(n\,7))+gt(mod(n\,60)\,40) -fps_mode vfr -force_key_frames expr:gte(t,n_forced*2)' },
    { name => 'radio', text => 'FM-SEG-10 FM-SEG-12 audio alone', video => 0, only => 'a' },
    { name => 'mono', text => 'FM-TIME-03 audio alone, 44.1 kHz mono', video => 0, rate => 44100, channels => 1, only => 'a' },
    { name => 'mute', text => 'FM-SEG-12 video alone', audio => 0, only => 'v' },
    { name => 'long', text => 'FM-SEG-07 a key frame every 10 s', gop => 300 },
);

my $nginx = Live::Nginx->new(store => 'streams=32', keys => { map { ("key-$_->{name}" => $_->{name}) } @shapes },
    apps => '
        application fast {
            live_ingest on;
            live_publish open;
            live_part 100ms;
            live_segment 1s;
            live_window 14s;
        }')->start;

my (@publishers, @viewers);
my $http = Live::HTTP->new(port => $nginx->{http_port});
my @workers = $nginx->workers;

for my $s (@shapes) {
    my %flv = map { exists $s->{$_} ? ($_ => $s->{$_}) : () } qw(fps gop bframes video audio rate channels options);
    Live::Publisher::flv(seconds => 40, %flv);
    push @publishers, [\%flv, $s];
}

@publishers = map {
    my ($flv, $s) = @$_;
    Live::Publisher->start(seconds => 40, url => $nginx->rtmp_url($s->{app} ? $s->{name} : "key-$s->{name}", $s->{app}), %$flv)
} @publishers;

for my $i (0 .. $#shapes) {
    my $s = $shapes[$i];
    my $r;
    wait_for($s->{name}, 15, sub { $r = $http->get("/live/$s->{name}/index.m3u8"); $r->{status} == 200 });
    push @viewers, Live::Viewer->new(name => $s->{name}, port => $nginx->{http_port}, path => "/live/$s->{name}/index.m3u8",
        worker => $workers[$i % 2], loose => $s->{low}, hls => { low_rate => $s->{low} })->open;
}

Live::Viewer::play(\@viewers, 22);

for my $i (0 .. $#shapes) {
    my ($s, $viewer) = ($shapes[$i], $viewers[$i]);
    my @ids = sort map { $_->{id} } @{ $viewer->{tracks} };

    is(join("\n", $viewer->errors), '', "$s->{name}: $s->{text}");
    is(join(' ', @ids), $s->{only} || 'a v', "$s->{name}: tracks");
    is($viewer->{reconnects}, 0, "$s->{name}: every connection was kept");

    for my $id (@ids) {
        my $t = $viewer->track($id);
        my $p = $t->{list}->now;
        my $ages = $viewer->ages($id);
        my $least = ($s->{parts} || 14) * 2;

        cmp_ok($t->{played}, '>=', $least, "$s->{name} $id: parts played: $t->{played}, gaps $t->{gaps}");
        cmp_ok($t->{list}{feeds}, '>=', $s->{low} ? 20 : $least, "$s->{name} $id: reloads: $t->{list}{feeds}, $t->{list}{deltas} of them deltas");
        is($t->{hints_refused} || 0, 0, "$s->{name} $id: every hint came true") unless $s->{low};
        cmp_ok($ages->{median}, '<', $s->{low} ? 2.5 : 0.3, sprintf '%s %s: age of a part when it is here %.0f ms, at most %.0f',
            $s->{name}, $id, 1000 * $ages->{median}, 1000 * $ages->{max}) if $ages->{n};
        is($t->{gaps}, 0, "$s->{name} $id: no gap") unless $s->{low} && $id eq 'v';
        ok($p->{independent}, "$s->{name} $id: all segments are independent") unless $s->{name} eq 'long' && $id eq 'v';
    }
}

my ($fast) = grep { $_->{name} eq 'fast' } @viewers;
my $t = $fast->track('v');
cmp_ok($t->{list}->now->{msn}, '>', 3, 'FM-SEG-03 the window has moved');
cmp_ok($t->{list}{deltas}, '>', 20, 'FM-SEG-03 delta updates were applied');

my ($long) = grep { $_->{name} eq 'long' } @viewers;
ok(!$long->track('v')->{list}->now->{independent}, 'FM-SEG-07 segments without a key frame: they are not all independent');
my @forced = grep { /GOP|key frame/ } split /\n/, $nginx->log;
is(scalar(grep { /stream: "long"/ } @forced), 1, 'FM-SEG-07 one warning') or diag(join "\n", @forced);
unlike($nginx->log, qr/key-/, 'no key in the log');

$_->close for @viewers;
$_->stop for @publishers;
$nginx->stop;

done_testing;
