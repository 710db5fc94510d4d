package Live::HLS;

# Playlists as the draft (rfc8216bis) has them, read strictly. An object follows one media playlist
# through its reloads: feed() each answer, whole or delta; what is wrong is in errors.

use strict;
use warnings;
use Time::Local qw(timegm);


sub attributes {
    my ($list) = @_;
    my %a;
    while ($list =~ /\G([A-Z0-9-]+)=("[^"]*"|[^",]+)(?:,|\z)/gc) {
        my ($name, $value) = ($1, $2);
        die "attribute $name twice\n" if exists $a{$name};
        $value =~ s/^"(.*)"$/$1/;
        $a{$name} = $value;
    }
    die "attribute list \"$list\"\n" if (pos($list) || 0) != length $list;
    return \%a;
}


# milliseconds since 1970
sub date {
    my ($text) = @_;
    my ($y, $mo, $d, $h, $mi, $s, $ms) = $text =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/
        or die "date \"$text\"\n";
    return timegm($s, $mi, $h, $d, $mo - 1, $y) * 1000 + $ms;
}


# a multivariant playlist: variants ({ uri, attributes }), media ([ attributes ])
sub multivariant {
    my ($text) = @_;
    my %m = (variants => [], media => []);
    my @lines = split /\n/, $text;
    die "no EXTM3U\n" unless shift @lines eq '#EXTM3U';

    while (@lines) {
        my $line = shift @lines;
        if    ($line =~ /^#EXT-X-VERSION:(\d+)$/)        { $m{version} = $1 }
        elsif ($line =~ /^#EXT-X-INDEPENDENT-SEGMENTS$/) { $m{independent} = 1 }
        elsif ($line =~ /^#EXT-X-MEDIA:(.*)$/)           { push @{ $m{media} }, attributes($1) }
        elsif ($line =~ /^#EXT-X-STREAM-INF:(.*)$/) {
            my $a = attributes($1);
            my $uri = shift @lines;
            die "no URI behind STREAM-INF\n" unless defined $uri && $uri !~ /^#/;
            push @{ $m{variants} }, { uri => $uri, %$a };
        }
        else { die "line \"$line\" in a multivariant playlist\n" }
    }

    for my $v (@{ $m{variants} }) {
        die "a variant without BANDWIDTH\n" unless ($v->{BANDWIDTH} || '') =~ /^\d+$/;
        die "a variant without CODECS\n" unless $v->{CODECS};
        die "average above peak\n" if ($v->{'AVERAGE-BANDWIDTH'} || 0) > $v->{BANDWIDTH};
        die "no such group\n" if $v->{AUDIO} && !grep { $_->{'GROUP-ID'} eq $v->{AUDIO} } @{ $m{media} };
    }

    die "no variant\n" unless @{ $m{variants} };
    return \%m;
}


my %header = map { $_ => 1 } qw(VERSION TARGETDURATION SERVER-CONTROL PART-INF MEDIA-SEQUENCE DISCONTINUITY-SEQUENCE
    INDEPENDENT-SEGMENTS);

my %value = (
    'VERSION'                => sub { $_[0]{version} = $_[1] },
    'TARGETDURATION'         => sub { $_[0]{target} = $_[1] },
    'MEDIA-SEQUENCE'         => sub { $_[0]{msn} = $_[1] },
    'DISCONTINUITY-SEQUENCE' => sub { $_[0]{dseq} = $_[1] },
    'INDEPENDENT-SEGMENTS'   => sub { $_[0]{independent} = 1 },
    'PART-INF'               => sub { $_[0]{part_target} = attributes($_[1])->{'PART-TARGET'} },
    'SERVER-CONTROL'         => sub { $_[0]{control} = attributes($_[1]) },
);


sub _segment {
    my ($p) = @_;
    return $p->{open} ||= do {
        my $before = $p->{segments}[-1];
        { msn => $p->{msn} + ($p->{skipped} || 0) + @{ $p->{segments} }, parts => [],
          dseq => $before ? $before->{dseq} : $p->{dseq} || 0, map => $before ? $before->{map} : undef }
    };
}


# a media playlist; segments (the last may be open: no uri), hint, reports, ended, skipped
sub parse {
    my ($text) = @_;
    my %p = (segments => [], reports => {}, skipped => 0);
    my $in_header = 1;
    my $at_end = 0;

    die "does not begin with EXTM3U\n" unless $text =~ s/^#EXTM3U\n//;
    die "last line does not end\n" unless $text =~ /\n\z/;

    for my $line (split /\n/, $text) {

        if ($line !~ /^#/) {
            die "empty line\n" if $line eq '';
            my $s = delete $p{open};
            die "URI without EXTINF\n" unless $s && defined $s->{duration};
            $s->{uri} = $line;
            push @{ $p{segments} }, $s;
            next;
        }

        my ($tag, $rest) = $line =~ /^#EXT(?:-X-)?([A-Z0-9-]+)(?::(.*))?$/ or die "line \"$line\"\n";

        if ($header{$tag}) {
            die "$tag twice\n" if $p{seen}{$tag}++;
            die "$tag not at the beginning\n" unless $in_header;
            $value{$tag}->(\%p, $rest);
            next;
        }

        $in_header = 0;
        _tag(\%p, $tag, $rest, \$at_end);
    }

    die "EXTINF without URI\n" if $p{open} && defined $p{open}{duration};
    die "no $_\n" for grep { !$p{seen}{$_} } qw(VERSION TARGETDURATION MEDIA-SEQUENCE);

    push @{ $p{segments} }, delete $p{open} if $p{open};
    return \%p;
}


sub _tag {
    my ($p, $tag, $rest, $at_end) = @_;

    if ($tag eq 'PRELOAD-HINT') {
        my $a = attributes($rest);
        die "hint twice or of type $a->{TYPE}\n" if $p->{hint} || $a->{TYPE} ne 'PART';
        $p->{hint} = $a->{URI};
        $$at_end = 1;
        return;
    }

    if ($tag eq 'RENDITION-REPORT') {
        my $a = attributes($rest);
        $p->{reports}{ $a->{URI} } = [$a->{'LAST-MSN'}, $a->{'LAST-PART'}];
        $$at_end = 1;
        return;
    }

    if ($tag eq 'ENDLIST') {
        $p->{ended} = 1;
        $$at_end = 1;
        return;
    }

    die "$tag behind the end\n" if $$at_end;

    if ($tag eq 'SKIP') {
        die "skip in the middle\n" if @{ $p->{segments} } || $p->{open} || $p->{skipped};
        $p->{skipped} = attributes($rest)->{'SKIPPED-SEGMENTS'};
        return;
    }

    my $s = _segment($p);

    die "$tag behind the segment's first part\n" if @{ $s->{parts} } && $tag =~ /^(?:DISCONTINUITY|MAP|PROGRAM-DATE-TIME)$/;

    if ($tag eq 'DISCONTINUITY') {
        $s->{discontinuity} = 1;
        $s->{dseq}++;
    }
    elsif ($tag eq 'MAP')               { $s->{map} = attributes($rest)->{URI} }
    elsif ($tag eq 'PROGRAM-DATE-TIME') { $s->{pdt} = date($rest) }
    elsif ($tag eq 'GAP')               { $s->{gap} = 1 }
    elsif ($tag eq 'INF') {
        ($s->{duration}) = $rest =~ /^(\d+\.\d+),$/ or die "EXTINF \"$rest\"\n";
    }
    elsif ($tag eq 'PART') {
        my $a = attributes($rest);
        die "part without URI or DURATION\n" unless $a->{URI} && defined $a->{DURATION};
        push @{ $s->{parts} }, { msn => $s->{msn}, index => scalar @{ $s->{parts} }, uri => $a->{URI},
            duration => $a->{DURATION}, independent => $a->{INDEPENDENT}, gap => $a->{GAP} };
    }
    else { die "unknown tag $tag\n" }
}


# ---- one playlist through its reloads

# options: slack (ms that dates may differ from durations by), low_rate (no 85 % rule: empty time is cut by the clock)
sub new {
    my ($class, %o) = @_;
    return bless { slack => 60, %o, errors => [], feeds => 0, deltas => 0 }, $class;
}


sub wrong {
    my ($self, $text) = @_;
    push @{ $self->{errors} }, ($self->{name} ? "$self->{name}: " : '') . $text if @{ $self->{errors} } < 50;
}


sub errors { return @{ $_[0]{errors} } }
sub now    { return $_[0]{now} }


# an answer's text; false if it is no playlist
sub feed {
    my ($self, $text, %o) = @_;

    my $p = eval { parse($text) };
    if (!$p) {
        $self->wrong("playlist: $@");
        return undef;
    }

    $self->{feeds}++;
    $self->_header($p);

    if ($p->{skipped}) {
        $self->{deltas}++;
        return undef unless $self->_merge($p);
    }

    $self->_segments($p);
    $self->_parts($p);
    $self->_reload($self->{now}, $p) if $self->{now};

    return $self->{now} = $p;
}


sub _header {
    my ($self, $p) = @_;
    my $c = $p->{control} || {};

    $self->wrong("version $p->{version}") if $p->{version} != ($p->{skipped} ? 9 : 6);
    $self->wrong('no SERVER-CONTROL') unless ($c->{'CAN-BLOCK-RELOAD'} || '') eq 'YES';
    $self->wrong('PART-HOLD-BACK') if ($c->{'PART-HOLD-BACK'} || 0) < 2 * $p->{part_target};
    $self->wrong('HOLD-BACK') if ($c->{'HOLD-BACK'} || 0) < 3 * $p->{target};
    $self->wrong('CAN-SKIP-UNTIL') if defined $c->{'CAN-SKIP-UNTIL'} && $c->{'CAN-SKIP-UNTIL'} < 6 * $p->{target};

    my $constant = join ' ', $p->{target}, $p->{part_target}, map { "$_=$c->{$_}" } sort keys %$c;
    $self->{constant} ||= $constant;
    $self->wrong("constants changed: $self->{constant} to $constant") if $self->{constant} ne $constant;

    $self->wrong('a hint in an ended playlist') if $p->{ended} && $p->{hint};
    $self->wrong('no hint') if !$p->{ended} && !$p->{hint};
}


# the skipped segments of a delta update come from the playlist before (6.2.5.1)
sub _merge {
    my ($self, $p) = @_;
    my $old = $self->{now};

    if (!$old) {
        $self->wrong('a delta update that nobody can use');
        return 0;
    }

    my %had = map { $_->{msn} => $_ } @{ $old->{segments} };
    my @skipped;

    for my $msn ($p->{msn} .. $p->{msn} + $p->{skipped} - 1) {
        if (!$had{$msn} || !$had{$msn}{uri}) {
            $self->wrong("segment $msn was skipped, and not complete before");
            return 0;
        }
        push @skipped, $had{$msn};
    }

    my $behind = 0;
    $behind += defined $_->{duration} ? $_->{duration} : _sum($_) for @{ $p->{segments} };
    $self->wrong("skips up to $behind s before the end") if $behind < $p->{control}{'CAN-SKIP-UNTIL'} - 0.001;

    # the skipped ones' discontinuities, and their map
    my $dseq = $skipped[-1]{dseq} - $p->{dseq};
    for my $s (@{ $p->{segments} }) {
        $s->{dseq} += $dseq;
        $s->{map} = $skipped[-1]{map} unless defined $s->{map};
    }

    $p->{listed} = scalar @{ $p->{segments} };
    unshift @{ $p->{segments} }, map { { %$_, parts => [] } } @skipped;
    return 1;
}


sub _sum { my ($s) = @_; my $sum = 0; $sum += $_->{duration} for @{ $s->{parts} }; return $sum }


sub _segments {
    my ($self, $p) = @_;
    my @all = @{ $p->{segments} };
    my @closed = grep { $_->{uri} } @all;

    $self->wrong('no segment') unless @all;

    for my $s (@closed) {
        $self->wrong("segment $s->{msn} lasts $s->{duration} s") if int($s->{duration} + 0.5) > $p->{target};
    }

    for my $s (@all) {
        $self->wrong("segment $s->{msn} has no map") unless $s->{map};
        $self->wrong("segment $s->{msn} has no date") unless $s->{pdt};
    }

    for my $i (1 .. $#all) {
        my ($a, $b) = @all[$i - 1, $i];
        my $step = $b->{pdt} - $a->{pdt} - 1000 * $a->{duration};
        $self->wrong("segment $b->{msn} begins $step ms off the end of the one before")
            if $b->{discontinuity} ? $step < -$self->{slack} : abs $step > $self->{slack};
        $self->wrong("segment $b->{msn} has a new map without a discontinuity")
            if $a->{map} ne $b->{map} && !$b->{discontinuity};
    }

    my $total = 0;
    $total += defined $_->{duration} ? $_->{duration} : _sum($_) for @all;
    $self->wrong("$total s after segments were removed") if $p->{msn} > ($self->{first_msn} || 0) && $total < 3 * $p->{target}
        && $self->{removed}++;
    $self->{first_msn} = $p->{msn} unless defined $self->{first_msn};
}


sub _parts {
    my ($self, $p) = @_;
    my @parts = map { @{ $_->{parts} } } @{ $p->{segments} };

    for my $i (0 .. $#parts) {
        my ($part, $next) = @parts[$i, $i + 1];
        my $id = "part $part->{msn}.$part->{index}";

        $self->wrong("$id lasts $part->{duration} s") if $part->{duration} > $p->{part_target};

        next if $part->{gap} || $self->{low_rate} || !$next || $next->{msn} != $part->{msn} || $next->{gap};
        $self->wrong("$id lasts $part->{duration} s only") if $part->{duration} < 0.85 * $p->{part_target};
    }

    my $behind = 0;

    for my $s (reverse @{ $p->{segments} }) {
        my $sum = _sum($s);

        if ($s->{uri}) {
            $self->wrong("segment $s->{msn} lasts $s->{duration} s, its parts $sum")
                if @{ $s->{parts} } && abs($sum - $s->{duration}) > 0.00001;
            $self->wrong("segment $s->{msn} has no parts, $behind s before the end")
                if !@{ $s->{parts} } && $behind < 3 * $p->{target} - 0.001;
            $behind += $s->{duration};
        } else {
            $behind += $sum;
        }
    }
}


# what may change from one playlist to a later one (6.2.1)
sub _reload {
    my ($self, $a, $b) = @_;

    return $self->wrong("changed after its end") if $a->{ended} && !$b->{ended};

    $self->wrong("media sequence went back from $a->{msn} to $b->{msn}") if $b->{msn} < $a->{msn};
    $self->wrong("discontinuity sequence went back") if $b->{dseq} < $a->{dseq};

    my %new = map { $_->{msn} => $_ } @{ $b->{segments} };

    for my $s (@{ $a->{segments} }) {
        next if $s->{msn} < $b->{msn};
        my $t = $new{ $s->{msn} };

        if (!$t) {
            $self->wrong("segment $s->{msn} vanished");
            next;
        }

        for my $key (qw(dseq map pdt), $s->{uri} ? qw(uri duration gap) : ()) {
            my ($was, $is) = map { defined $_->{$key} ? $_->{$key} : 'none' } $s, $t;
            $self->wrong("segment $s->{msn}: $key changed from $was to $is") if $was ne $is;
        }

        for my $i (0 .. $#{ $s->{parts} }) {
            my ($x, $y) = ($s->{parts}[$i], $t->{parts}[$i]);
            next if !@{ $t->{parts} };
            if (!$y) {
                $self->wrong("part $x->{msn}.$x->{index} vanished");
                next;
            }
            $self->wrong("part $x->{msn}.$x->{index} changed")
                if join(' ', map { $_ || '' } @$x{qw(uri duration independent gap)})
                ne join(' ', map { $_ || '' } @$y{qw(uri duration independent gap)});
        }
    }

    $self->_hint($a, $b);
}


# the part that was hinted is the next that came
sub _hint {
    my ($self, $a, $b) = @_;
    return unless $a->{hint};

    my ($am, $ai) = edge($a);
    my @new = grep { $_->{msn} > $am || ($_->{msn} == $am && $_->{index} > $ai) } map { @{ $_->{parts} } } @{ $b->{segments} };
    return unless @new;

    my ($s) = grep { $_->{msn} == $new[0]{msn} } @{ $b->{segments} };
    return if $s->{discontinuity} && $new[0]{index} == 0;

    $self->{hints}++;
    $self->wrong("hint $a->{hint}, then came $new[0]{uri}") if $new[0]{uri} ne $a->{hint};
}


# msn, index of the last part (-1: a complete segment without parts), and whether its segment is complete
sub edge {
    my ($p) = @_;
    my $last = $p->{segments}[-1] or return (-1, -1, 1);
    return ($last->{msn}, $#{ $last->{parts} }, $last->{uri} ? 1 : 0);
}


# where the next part will be
sub next_part {
    my ($p) = @_;
    my ($msn, $index, $closed) = edge($p);
    return $closed ? ($msn + 1, 0) : ($msn, $index + 1);
}


1;
