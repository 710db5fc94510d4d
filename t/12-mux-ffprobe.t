#!/usr/bin/perl

# Real H.264 and AAC through codec/ and mux/: ffprobe must see in our fragments what it
# sees in the FLV file that they are made from.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir('live-mux-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $tool = "$dir/flv2cmaf";

my $module = "$root/ngx_live_module";

is(system($ENV{CC} || 'gcc', qw(-std=gnu11 -O1 -g -Wall -Wextra -Werror),
        '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined',
        "-I$module/codec", "-I$module/mux", "$root/t/lib/flv2cmaf.c",
        glob("$module/codec/live_*.c"), glob("$module/mux/live_*.c"),
        '-o', $tool), 0, 'the tool builds')
    or BAIL_OUT('no tool');

# what a case has: ffmpeg's video, and audio, options; what the codec must tell

my @cases = (
    {
        name => 'B-frames in a pyramid, 25 fps',
        id => 'FM-TIME-01',
        video => [qw(-r 25 -c:v libx264 -bf 4 -g 25 -b_strategy 0
            -x264-params b-pyramid=normal)],
        audio => [qw(-ar 48000 -ac 2 -c:a aac)],
        want => { width => 320, height => 240, fps => 25000, rate => 48000,
            channels => 2, samples => 1024 },
        bframes => 1,
    },
    {
        name => 'FM-ENC-09 baseline, 4:3 pixels, 29.97 fps, mono at 22.05 kHz',
        id => 'FM-CODEC-09',
        video => [qw(-r 30000/1001 -vf setsar=4/3 -c:v libx264 -profile:v
            baseline -g 30)],
        audio => [qw(-ar 22050 -ac 1 -c:a aac)],
        want => { width => 320, height => 240, fps => 29970, sar => '4:3',
            rate => 22050, channels => 1 },
    },
    {
        name => 'fields, 10 bits, 4:2:2, scaling lists, cropped, BT.2020',
        id => 'FM-CODEC-07',
        video => [qw(-r 25 -s 318x236 -pix_fmt yuv422p10le -c:v libx264
            -flags +ildct+ilme -x264-params cqm=jvt:tff=1:bframes=2 -g 50
            -color_primaries bt2020 -color_trc arib-std-b67
            -colorspace bt2020nc -color_range tv)],
        audio => [qw(-ar 44100 -ac 6 -c:a aac)],
        want => { width => 318, height => 236, fps => 25000, rate => 44100,
            channels => 6 },
        bframes => 1,
    },
    {
        name => 'open GOPs: recovery points, no IDR',
        id => 'FM-CODEC-08',
        video => [qw(-r 50 -c:v libx264 -bf 2 -b_strategy 0 -x264-params
            open-gop=1:keyint=20:min-keyint=2:aud=1:nal-hrd=cbr
            -b:v 400k -maxrate 400k -bufsize 400k)],
        audio => [qw(-ar 96000 -ac 2 -c:a aac)],
        want => { fps => 50000, rate => 96000 },
        bframes => 1,
        stripped => 1,
    },
    {
        name => 'aspect, cropping and timing of another encoder',
        id => 'FM-CODEC-07',
        video => [qw(-r 24 -c:v libx264 -bf 2 -b_strategy 0 -g 24 -bsf:v),
            'h264_metadata=sample_aspect_ratio=853/640:crop_right=6:'
            . 'crop_bottom=2:tick_rate=24000/1001:video_full_range_flag=1:'
            . 'level=4.2'],
        audio => [qw(-ar 32000 -ac 2 -c:a aac)],
        want => { width => 314, height => 238, sar => '853:640', fps => 11988,
            rate => 32000 },
        bframes => 1,
    },
);

for my $case (@cases) {
    subtest "$case->{id} $case->{name}" => sub { run_case($case) };
}

done_testing();


sub run_case {
    my ($case) = @_;

    my $flv = "$dir/in.flv";

    command([qw(ffmpeg -nostdin -v error -y -f lavfi -i),
        'testsrc2=s=320x240:r=25', qw(-f lavfi -i), 'sine=r=48000',
        qw(-t 4), @{$case->{video}}, @{$case->{audio}}, qw(-f flv), $flv],
        'ffmpeg makes the file');

    my %in = (v => packets($flv, 'v'), a => packets($flv, 'a'));

    cmp_ok(scalar @{$in{v}}, '>=', 90, 'with video');
    is(scalar @{pictures($flv)}, scalar @{$in{v}}, 'a picture a frame');
    cmp_ok(scalar @{$in{a}}, '>=', 80, 'with audio');

    if ($case->{bframes}) {
        ok((grep { $_->{pts} < $_->{dts} + $in{v}[0]{pts} - $in{v}[0]{dts} }
            @{$in{v}}), 'frames are out of order');
    }

    my $told = convert($case, $flv, 'lengths');

    for my $key (sort keys %{$case->{want}}) {
        my $media = $key =~ /^(rate|channels|samples)$/ ? 'a' : 'v';
        is($told->{$media}{$key}, $case->{want}{$key},
            "FM-CODEC-01 the codec tells $key without metadata");
    }

    for my $track (qw(v a)) {
        compare_streams($track, $flv);
        compare_packets($case, $track, $in{$track});
        is(command([qw(ffmpeg -nostdin -v warning -i), "$dir/$track.mp4",
                qw(-f null -)], "$track: decodes"), '', "$track: silently");
    }

    is_deeply(pictures("$dir/v.mp4"), pictures($flv), 'v: the same pictures');

    my $plain = md5("$dir/v.mp4");

    for my $framing (qw(annexb hybrid)) {
        convert($case, $flv, $framing);
        is(md5("$dir/v.mp4"), $plain, "FM-CODEC-05 the same from $framing");
    }

    # as the timeline writes it: offsets below zero, parts shorter than a GOP

    convert($case, $flv, 'lengths', 'shift', 7);
    compare_packets($case, 'v', $in{v}, 'FM-TIME-02 shifted, parts');
    is(first_tfdt("$dir/v.mp4"), int($in{v}[0]{pts} * 90000 + 0.5),
        'FM-TIME-02 shifted: tfdt is the first presentation time');
}


sub convert {
    my ($case, $flv, @options) = @_;
    my %told;

    my $out = command([$tool, $flv, $dir, @options], "converts (@options)");

    for my $line (split /\n/, $out) {
        my %pairs = map { split /=/, $_, 2 } split / /, $line;
        $told{substr $pairs{media}, 0, 1} = \%pairs;
    }

    return \%told;
}


# times in seconds; what is not known is absent

sub packets {
    my ($file, $track) = @_;
    my @packets;

    my $out = command([qw(ffprobe -v warning -show_packets -show_data_hash md5
        -of compact=p=0 -select_streams), $track, $file], "ffprobe reads $track");

    for my $line (split /\n/, $out) {
        next if $line !~ /pts_time=/;
        my %pairs = map { split /=/, $_, 2 } split /\|/, $line;
        push @packets, { pts => $pairs{pts_time}, dts => $pairs{dts_time},
            duration => $pairs{duration_time}, size => $pairs{size},
            key => $pairs{flags} =~ /K/ ? 1 : 0, hash => $pairs{data_hash} };
    }

    return \@packets;
}


sub compare_packets {
    my ($case, $track, $in, $what) = @_;

    $what = $what ? "$track, $what" : $track;

    my $out = packets("$dir/$track.mp4", $track);

    is(scalar @$out, scalar @$in, "$what: packets") or return;

    # FLV has milliseconds; our audio runs on its samples, beginning on one

    my $margin = $track eq 'v' ? 0.00002 : 0.0011;
    my (@wrong, @times);

    for my $i (0 .. $#$in) {
        my ($a, $b) = ($in->[$i], $out->[$i]);

        for my $time (qw(pts dts)) {
            my $d = ($b->{$time} - $out->[0]{$time})
                - ($a->{$time} - $in->[0]{$time});
            push @times, "$i $time $d" if abs($d) > $margin;
        }

        push @wrong, "$i key" if $a->{key} != $b->{key};
        push @wrong, "$i bytes" if !($case->{stripped} && $track eq 'v')
            && ($a->{size} != $b->{size} || $a->{hash} ne $b->{hash});
    }

    is("@times", '', "$what: pts and dts");
    is("@wrong", '', "$what: key flags and bytes");

    my $keys = grep { $_->{key} } @$out;
    cmp_ok($keys, $track eq 'v' ? '<' : '==', scalar @$out, "$what: sync samples")
        and cmp_ok($keys, '>=', 2, "$what: more than one");
}


sub compare_streams {
    my ($track, $flv) = @_;

    my @fields = $track eq 'v'
        ? qw(codec_name profile level width height sample_aspect_ratio
            display_aspect_ratio pix_fmt field_order color_range color_space
            color_transfer color_primaries has_b_frames nal_length_size)
        : qw(codec_name profile sample_rate channels channel_layout);

    my @seen = map { stream($_, $track) } $flv, "$dir/$track.mp4";

    is_deeply({ map { $_ => $seen[1]{$_} } @fields },
        { map { $_ => $seen[0]{$_} } @fields }, "$track: ffprobe sees the same");

    is($seen[1]{codec_tag_string}, $track eq 'v' ? 'avc1' : 'mp4a',
        "$track: sample entry");
    is($seen[1]{time_base}, $track eq 'v' ? '1/90000'
        : "1/$seen[0]{sample_rate}", "$track: timescale");
}


sub stream {
    my ($file, $track) = @_;

    my $out = command([qw(ffprobe -v warning -show_streams -of default
        -select_streams), $track, $file], "ffprobe reads $track");

    return { $out =~ /^(\w+)=(.*)$/mg };
}


# hashes of the decoded frames, in order

sub pictures {
    my ($file) = @_;

    my $out = command([qw(ffmpeg -nostdin -v warning -i), $file, qw(-map 0:v
        -fps_mode passthrough -f framehash -hash md5 -)], 'ffmpeg decodes');

    return [$out =~ /^\d.*,\s*([0-9a-f]{32})$/mg];
}


# ffprobe adds to pts what the largest negative offset is: the box itself tells

sub first_tfdt {
    my ($file) = @_;

    open my $f, '<:raw', $file or die $!;
    my $bytes = do { local $/; <$f> };

    return $bytes =~ /tfdt\x01\0\0\0(.{8})/s ? unpack('Q>', $1) : undef;
}


sub md5 {
    my ($file) = @_;

    return (split ' ', command(['md5sum', $file], 'md5sum'))[0];
}


# stdout; whatever comes on stderr is a failure

sub command {
    my ($argv, $what) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";

    if ($pid == 0) {
        open STDERR, '>', "$dir/stderr" or die $!;
        exec @$argv or exit 127;
    }

    my $out = do { local $/; <$pipe> } // '';
    my $rc = close $pipe;

    open my $f, '<', "$dir/stderr" or die $!;
    my $said = do { local $/; <$f> } // '';

    if (!$rc || $said ne '') {
        fail("$what: no error, nothing said");
        diag("@$argv: status $?\n$said");
    }

    return $out;
}
