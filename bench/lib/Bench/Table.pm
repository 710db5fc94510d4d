package Bench::Table;

# The table, and what its rows are made of.

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(human median percentile table);


# of sorted values
sub percentile {
    my ($p, @sorted) = @_;
    my $i = int(@sorted * $p / 100);
    return $sorted[$i < @sorted ? $i : -1];
}


sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}


# three digits, then k, M or G
sub human {
    my ($n) = @_;
    my @units = ('', 'k', 'M', 'G');

    while (abs $n >= 1000 && @units > 1) {
        $n /= 1000;
        shift @units;
    }

    return sprintf $n < 10 ? '%.2f %s' : $n < 100 ? '%.1f %s' : '%.0f %s', $n, $units[0];
}


# rows: figure ours peer against ratio note; least or most: the target of ratio, or of value; target: its text
sub table {
    my @lines = (['figure', 'ours', 'peer', 'ratio', 'target', ''], map { _line($_) } @_);
    my @width = (0) x 5;
    my $text = '';

    for my $l (@lines) {
        for my $i (0 .. 4) { $width[$i] = length $l->[$i] if length $l->[$i] > $width[$i] }
    }

    for my $l (@lines) {
        my $line = join '  ', (map { sprintf '%-*s', $width[$_], $l->[$_] } 0 .. 4), $l->[5];
        $text .= $line =~ s/\s+$//r . "\n";
    }

    return $text =~ s/\n/"\n" . '-' x 110 . "\n"/er;
}


sub _line {
    my ($r) = @_;
    my $value = defined $r->{value} ? $r->{value} : $r->{ratio};
    my ($target, $verdict) = ('', '');

    if (defined $r->{least}) {
        $target = "at least $r->{least}";
        $verdict = $value >= $r->{least} ? 'met' : 'MISSED';
    } elsif (defined $r->{most}) {
        $target = "at most $r->{most}";
        $verdict = $value <= $r->{most} ? 'met' : 'MISSED';
    }

    my $note = join ', ', grep { $_ } $verdict, $r->{note};

    return [$r->{figure}, defined $r->{ours} ? $r->{ours} : '', defined $r->{peer} ? "$r->{peer} ($r->{against})" : '',
        defined $r->{ratio} ? sprintf('%.2f', $r->{ratio}) : '', $r->{target} || $target, $note];
}


1;
