#!/usr/bin/perl

# Publishers whose metadata is late, wrong or odd, whose headers come late, twice or change, and whose
# tracks come late, go and come back: all at once, each followed by a strict viewer.

use strict;
use warnings;
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

my $nginx = Live::Nginx->new(keys => undef, store => 'streams=64', app => 'live_window 60s; live_linger 60s;')->start;
my $http = Live::HTTP->new(port => $nginx->{http_port});

my @flv = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 12));
my @other = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 12, size => '256x144', rate => 44100));
my @wide = Live::RTMP::read_flv(Live::Publisher::flv(seconds => 12, gop => 30));

sub kind { my ($t) = @_; return $t->{type} == 18 ? 'meta' : Live::RTMP::is_header($t) ? ($t->{type} == 9 ? 'avc' : 'aac') : $t->{type} == 9 ? 'v' : 'a' }

sub only  { my ($code, @tags) = @_; return [grep { local $_ = $_; $code->($_, kind($_)) } @tags] }
sub at    { my ($ts, $tag) = @_; return { %$tag, ts => $ts } }
sub order { return [sort { $a->{ts} <=> $b->{ts} } @_] }
sub meta  { my ($ts, $amf) = @_; return { type => 18, ts => $ts, data => Live::RTMP::amf_string('onMetaData') . $amf } }

my ($avc) = grep { kind($_) eq 'avc' } @flv;
my ($aac) = grep { kind($_) eq 'aac' } @flv;
my ($meta) = grep { $_->{type} == 18 } @flv;
my @media = grep { kind($_) !~ /meta/ } @flv;

# no more of a stream than these seconds
my $seconds = 9;

my @cases = (
    { name => 'none', text => 'FM-CODEC-01 no metadata', tags => \@media },
    { name => 'late', text => 'FM-CODEC-01 metadata after four seconds', tags => order(@media, at(4000, $meta)) },
    { name => 'twice', text => 'FM-CODEC-01 metadata each second', tags => order(@flv, map { at(1000 * $_, $meta) } 1 .. 8) },
    { name => 'zero', text => 'FM-CODEC-01 metadata that says there is no audio',
      tags => order(meta(0, Live::RTMP::amf({ videocodecid => 7, audiocodecid => 0, width => 1, height => 1, framerate => 999 })), @media) },
    { name => 'never', text => 'FM-CODEC-01 metadata that promises audio, and none comes', tracks => 'v',
      tags => only(sub { $_[1] =~ /meta|v/ }, @flv) },
    { name => 'novideo', text => 'FM-CODEC-01 metadata that promises video, and none comes', tracks => 'a',
      tags => only(sub { $_[1] =~ /^(?:meta|aac|a)$/ }, @flv) },
    { name => 'odd', text => 'FM-CHUNK-13 every kind of AMF value in the metadata', tags => order(meta(0,
        "\x08\xff\xff\xff\xff" . join('', map { pack('n/a', "x$_->[0]") . $_->[1] }
            ['date', "\x0b" . "\0" x 10], ['long', "\x0c" . pack('N/a', 'y' x 70000)], ['strict', "\x0a\0\0\0\2\x05\x06"],
            ['nested', "\x03" . ("\0\1a\x03" x 10) . ("\0\0\x09" x 11)], ['ecma', "\x08\0\0\0\0\0\0\x09"], ['null', "\x05"], ['undef', "\x06"],
            ['string', "\x02\0\0"], ['nan', "\x00\x7f\xf8\0\0\0\0\0\0"]) . "\0\0\x09"), @media) },
    { name => 'string', text => 'FM-ENC-11 strings before the metadata', tracks => 'v', tags => [
        { type => 18, ts => 0, data => Live::RTMP::amf_string('onMetaData') . Live::RTMP::amf_string('x') . Live::RTMP::amf({ videocodecid => 7 }) },
        only(sub { $_[1] =~ /^(?:avc|v)$/ }, @media)->@*] },
    { name => 'amf', text => 'FM-CHUNK-13 AMF that cannot be read: unknown types, cut off, too deep', tags => order(@media,
        meta(0, "\x11\x0a\x0b\x01"), meta(500, "\x0d"), meta(600, "\x08\0\0\0\1\0\5vid"), meta(700, "\x03" . "\0\1a\x03" x 500),
        meta(800, ''), { type => 18, ts => 900, data => '' }, { type => 18, ts => 950, data => "\x02\xff" }) },
    { name => 'data', text => 'FM-CHUNK-13 other data messages: timecodes, cue points, text', tags => order(@flv, map {
        my $ts = $_ * 333;
        map { { type => 18, ts => $ts, data => Live::RTMP::amf_string($_) . Live::RTMP::amf({ sd => '01-01-2026', st => '10:00:00.000', text => 'x' x 300 }) } }
            qw(onFI onCuePoint onTextData onCaptionInfo timecode)
    } 1 .. 20) },
    { name => 'lateaac', text => 'FM-CODEC-02 the header of audio comes two seconds late', late => 'a', loose => 1,
      tags => order(only(sub { $_[1] ne 'aac' }, @flv)->@*, at(2000, $aac)) },
    { name => 'lateavc', text => 'FM-CODEC-02 the header of video comes behind its first second',
      tags => order(only(sub { $_[1] ne 'avc' }, @flv)->@*, at(1000, $avc)) },
    { name => 'repeat', text => 'FM-CODEC-03 headers before each key frame',
      tags => [map { Live::RTMP::is_key($_) ? (at($_->{ts}, $avc), at($_->{ts}, $aac), $_) : $_ } @flv] },
    { name => 'change', text => 'FM-CODEC-04 another size and sampling rate at four seconds', discontinuities => 1, inits => 2,
      tags => [only(sub { $_[0]{ts} < 4000 }, @flv)->@*, order(map { at($_->{ts} + 4000, $_) } grep { $_->{ts} < 5000 } @other)->@*] },
    { name => 'changea', text => 'FM-CODEC-04 only audio changes', discontinuities => 1, inits => { v => 1, a => 2 },
      tags => order(only(sub { $_[1] !~ /^(?:aac|a)$/ || $_[0]{ts} < 4000 }, @flv)->@*,
          map { at($_->{ts} + 4000, $_) } grep { kind($_) =~ /^(?:aac|a)$/ && $_->{ts} < 5000 } @other) },
    { name => 'latea', text => 'FM-SEG-14 audio begins after four seconds', late => 'a',
      tags => order(at(4000, $aac), only(sub { $_[1] !~ /^(?:aac|a)$/ || $_[0]{ts} >= 4000 }, @media)->@*) },
    { name => 'gonea', text => 'FM-SEG-14 audio is silent from three to six seconds', gaps => 'a',
      tags => only(sub { $_[1] ne 'a' || $_[0]{ts} < 3000 || $_[0]{ts} > 6000 }, @flv) },
    { name => 'gonev', text => 'FM-SEG-14 video is away from three to six seconds', gaps => 'v', loose => 1,
      tags => only(sub { $_[1] ne 'v' || $_[0]{ts} < 3000 || $_[0]{ts} > 6000 }, @wide) },
    { name => 'junk', text => 'FM-CODEC-06 empty and unreadable frames between good ones', tags => order(@flv, map { my $ts = 137 * $_;
        (map { { type => 9, ts => $ts, data => $_ } } '', "\x27\x01\0\0\0", "\x27\x01\0\0\0\0\0\0\0", "\x27\x01\0\0\0\xff\xff\xff\xff\x01", "\x17\x02\0\0\0"),
        (map { { type => 8, ts => $ts, data => $_ } } '', "\xaf\x01", "\xaf") } 8 .. 40) },
    { name => 'jump', text => 'FM-TIME-04 FM-ENC-12 timestamps jump ahead by an hour and back', jumps => 1, tags => [map {
        at($_->{ts} + ($_->{ts} > 3000 && $_->{ts} <= 6000 ? 3600000 : 0), $_) } @flv] },
    { name => 'equal', text => 'FM-TIME-05 pairs of pictures with the same timestamp', loose => 1, tags => do {
        my $n = 0; my $last; [map { kind($_) eq 'v' && $n++ % 2 ? at($last, $_) : do { $last = $_->{ts} if kind($_) eq 'v'; $_ } } @flv] } },
);

$_->{tags} = [grep { $_->{ts} < $seconds * 1000 || $_->{ts} > 3000000 } @{ $_->{tags} }] for @cases;

my $from = now();

for my $case (@cases) {
    my $s = Live::RTMP->publisher(port => $nginx->{rtmp_port}, key => $case->{name});

    # paced by what was sent, whatever the timestamps say
    $case->{publisher} = $s->background(sub {
        my ($session) = @_;
        my ($begin, $offset, $last) = (now(), 0, 0);
        for my $t (@{ $case->{tags} }) {
            $offset += $last - $t->{ts} + 21 if abs($t->{ts} - $last) > 10000;
            $last = $t->{ts};
            my $wait = $begin + ($t->{ts} + $offset) / 1000 - now();
            sleep $wait if $wait > 0;
            $session->tag($t);
            $session->drain or die "closed\n";
        }
        $session->close;
    });

    # the child has it
    CORE::close($s->{socket});
}

my @waiting = @cases;
my @viewers;

# each has a viewer as soon as it can be watched
while (now() - $from < $seconds + 1.5) {
    my @still;
    for my $case (@waiting) {
        my $r = Live::HTTP->new(port => $nginx->{http_port});
        # not waited for here: the others go on
        $r->start('GET', "/live/$case->{name}/index.m3u8");
        Live::HTTP::run([$r], 0.05);
        if (($r->{request}{status} || 0) == 200) {
            $case->{started} = now() - $from;
            $case->{viewer} = Live::Viewer->new(port => $nginx->{http_port}, path => "/live/$case->{name}/index.m3u8",
                loose => $case->{loose} || $case->{jumps}, hls => { slack => $case->{jumps} ? 400 : 100 })->open;
            push @viewers, $case->{viewer};
        } else {
            push @still, $case;
        }
        $r->close;
    }
    @waiting = @still;
    Live::Viewer::play(\@viewers, 0.3);
}

for my $case (@cases) {
    my ($name, $text) = @$case{qw(name text)};
    my $status = $case->{publisher}->wait(5);
    is($status, 0, "$text: the publisher is let to its end");

    my $viewer = $case->{viewer};
    if (!$viewer) {
        fail("$text: can be watched");
        next;
    }

    cmp_ok($case->{started}, '<', 5, sprintf '%s: can be watched after %.1f s', $text, $case->{started});
    is(join("\n", $viewer->errors), '', "$text: every playlist and part is right");

    my @ids = split ' ', $case->{tracks} || 'v a';
    my $m = Live::HLS::multivariant($http->get("/live/$name/index.m3u8")->{body});
    my @listed = map { /^(\w+)\.m3u8/ } (map { $_->{uri} } @{ $m->{variants} }), map { $_->{URI} } @{ $m->{media} };
    is(join(' ', @listed), join(' ', @ids), "$text: tracks in the end");

    for my $id (@ids) {
        my $p = eval { Live::HLS::parse($http->get("/live/$name/$id.m3u8")->{body}) };
        if (!$p) {
            fail("$text: $id: $@");
            next;
        }
        my @s = grep { $_->{uri} } @{ $p->{segments} };
        my $sum = 0;
        $sum += $_->{duration} for @s;
        my $gaps = grep { $_->{gap} } map { @{ $_->{parts} } } @s;
        my %maps = map { $_->{map} => 1 } @s;
        my $inits = ref $case->{inits} ? $case->{inits}{$id} : $case->{inits} || 1;

        cmp_ok($sum, '>', $seconds - (($case->{late} || '') eq $id ? 5 : 3.2), "$text: $id lasts $sum s");
        is(scalar(grep { $_->{discontinuity} } @s), $case->{discontinuities} || 0, "$text: $id discontinuities");
        is(scalar keys %maps, $inits, "$text: $id init segments");

        if (($case->{gaps} || '') eq $id) { cmp_ok($gaps, '>=', 2, "$text: $id has gaps: $gaps") }
        elsif (($case->{late} || '') ne $id) { is($gaps, 0, "$text: $id has no gap") }
    }
}

my $log = $nginx->log;
unlike($log, qr/stream: "repeat".*changed|changed.*stream: "repeat"/, 'FM-CODEC-03 nothing is said to have changed');
like($log, qr/jump.*stream: "jump"/, 'FM-TIME-04 the log says that timestamps jumped');

$_->close for @viewers;
$nginx->stop;
done_testing;
