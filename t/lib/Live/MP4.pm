package Live::MP4;

# Boxes of init segments and fragments (ISO/IEC 14496-12); dies of what a demuxer would.

use strict;
use warnings;


# the boxes in some bytes: { type, at, size, body }
sub boxes {
    my ($data, $at, $end) = @_;
    $at ||= 0;
    $end = length $data unless defined $end;
    my @boxes;

    while ($at < $end) {
        die "half a box header at $at\n" if $end - $at < 8;
        my ($size, $type) = unpack 'N a4', substr $data, $at, 8;
        my $head = 8;
        if ($size == 1) {
            $size = unpack 'Q>', substr $data, $at + 8, 8;
            $head = 16;
        }
        die "box $type at $at of $size bytes\n" if $size < $head || $at + $size > $end;
        push @boxes, { type => $type, at => $at, size => $size, body => substr $data, $at + $head, $size - $head };
        $at += $size;
    }

    return @boxes;
}


sub child {
    my ($body, @path) = @_;
    for my $type (@path) {
        my ($box) = grep { $_->{type} eq $type } boxes($body);
        return undef unless $box;
        $body = $box->{body};
    }
    return $body;
}


sub need {
    my ($body, @path) = @_;
    my $found = child($body, @path);
    die "no @path\n" unless defined $found;
    return $found;
}


# timescale, handler, fourcc, track (id), width and height, duration (0)
sub init {
    my ($data) = @_;
    my @top = boxes($data);
    die "init is @{[map { $_->{type} } @top]}\n" unless @top == 2 && $top[0]{type} eq 'ftyp' && $top[1]{type} eq 'moov';

    my $moov = $top[1]{body};
    die 'tracks: ' . scalar(grep { $_->{type} eq 'trak' } boxes($moov)) . "\n"
        if 1 != grep { $_->{type} eq 'trak' } boxes($moov);

    my $trak = need($moov, 'trak');
    my $mdhd = need($trak, 'mdia', 'mdhd');
    my $tkhd = need($trak, 'tkhd');
    my $stsd = need($trak, 'mdia', 'minf', 'stbl', 'stsd');
    my $v1 = ord($mdhd) == 1;

    need($moov, 'mvex', 'trex');

    return {
        timescale => unpack('N', substr $mdhd, $v1 ? 20 : 12, 4),
        handler   => substr(need($trak, 'mdia', 'hdlr'), 8, 4),
        fourcc    => substr($stsd, 12, 4),
        track     => unpack('N', substr $tkhd, ord($tkhd) == 1 ? 20 : 12, 4),
        width     => unpack('N', substr $tkhd, -8, 4) / 65536,
        height    => unpack('N', substr $tkhd, -4, 4) / 65536,
    };
}


sub _trun {
    my ($trun, $tfhd) = @_;
    my ($vf, $count) = unpack 'NN', $trun;
    my ($version, $flags) = ($vf >> 24, $vf & 0xffffff);
    my $at = 8;
    my %t = (version => $version);

    if ($flags & 1) { $t{data_offset} = unpack 'l>', substr $trun, $at, 4; $at += 4 }
    if ($flags & 4) { $t{first_flags} = unpack 'N', substr $trun, $at, 4; $at += 4 }

    for my $i (1 .. $count) {
        my %s = (duration => $tfhd->{duration}, size => $tfhd->{size}, flags => $tfhd->{flags}, cts => 0);
        if ($flags & 0x100) { $s{duration} = unpack 'N', substr $trun, $at, 4; $at += 4 }
        if ($flags & 0x200) { $s{size} = unpack 'N', substr $trun, $at, 4; $at += 4 }
        if ($flags & 0x400) { $s{flags} = unpack 'N', substr $trun, $at, 4; $at += 4 }
        if ($flags & 0x800) { $s{cts} = unpack $version ? 'l>' : 'N', substr $trun, $at, 4; $at += 4 }
        $s{flags} = $t{first_flags} if $i == 1 && defined $t{first_flags};
        push @{ $t{samples} }, \%s;
    }

    die "trun of " . length($trun) . " bytes, $at read\n" if $at != length $trun;
    return \%t;
}


sub _tfhd {
    my ($tfhd) = @_;
    my ($vf, $track) = unpack 'NN', $tfhd;
    my $flags = $vf & 0xffffff;
    my $at = 8;
    my %h = (track => $track, flags => 0);

    die "tfhd has a base data offset\n" if $flags & 1;
    $at += 4 if $flags & 2;
    if ($flags & 8)    { $h{duration} = unpack 'N', substr $tfhd, $at, 4; $at += 4 }
    if ($flags & 0x10) { $h{size} = unpack 'N', substr $tfhd, $at, 4; $at += 4 }
    if ($flags & 0x20) { $h{flags} = unpack 'N', substr $tfhd, $at, 4; $at += 4 }
    return \%h;
}


# the fragments in a part or segment: tfdt, end, sequence, samples, prft (media time), key, data
sub fragments {
    my ($data) = @_;
    my @boxes = boxes($data);
    my @fragments;
    my $f;

    for my $box (@boxes) {
        my $type = $box->{type};

        if ($type eq 'styp') {
            $f->{styp} = 1;

        } elsif ($type eq 'prft') {
            my $v1 = ord $box->{body};
            $f->{prft} = $v1 ? unpack 'Q>', substr $box->{body}, 16, 8 : unpack 'N', substr $box->{body}, 16, 4;
            $f->{ntp} = unpack 'Q>', substr $box->{body}, 8, 8;

        } elsif ($type eq 'moof') {
            my $traf = need($box->{body}, 'traf');
            my $tfdt = need($traf, 'tfdt');
            my $tfhd = _tfhd(need($traf, 'tfhd'));
            my $trun = _trun(need($traf, 'trun'), $tfhd);

            $f->{sequence} = unpack 'N', substr need($box->{body}, 'mfhd'), 4, 4;
            $f->{tfdt} = ord($tfdt) ? unpack('Q>', substr $tfdt, 4, 8) : unpack('N', substr $tfdt, 4, 4);
            $f->{track} = $tfhd->{track};
            $f->{samples} = $trun->{samples};
            $f->{moof} = $box->{at};
            $f->{data_offset} = $trun->{data_offset};

        } elsif ($type eq 'mdat') {
            my $size = 0;
            $size += $_->{size} for @{ $f->{samples} };
            die "mdat without moof\n" unless defined $f->{tfdt};
            die "samples of $size bytes in an mdat of " . length($box->{body}) . "\n" if $size != length $box->{body};
            die "data offset $f->{data_offset}\n" if $f->{moof} + $f->{data_offset} != $box->{at} + 8;

            $f->{end} = $f->{tfdt};
            $f->{end} += $_->{duration} for @{ $f->{samples} };
            # a sync sample: sample_is_non_sync_sample is not set
            $f->{key} = !($f->{samples}[0]{flags} & 0x10000);
            $f->{data} = $box->{body};
            push @fragments, $f;
            undef $f;

        } else {
            die "box $type in a fragment\n";
        }
    }

    die "a fragment without mdat\n" if $f;
    return @fragments;
}


1;
