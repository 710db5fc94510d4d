#!/usr/bin/perl

# How files look, and what must not be in them.

use strict;
use warnings;
use Test::More;
use Encode qw(decode);
use Live::Lint;

my $root = $ENV{LIVE_ROOT} || '.';

my @c = files(qr{^(?:ngx_live_module|t|bench)/.*\.[ch]$});
my @perl = grep { /\.(?:t|pm)$/ || (text($_) || '') =~ m{\A#!/usr/bin/perl\b} } files(qr{^(?!t/fuzz/corpus/)});
my @text = grep { -T "$root/$_" } files(qr{^(?!t/fuzz/corpus/)});

sub none {
    my ($found, $what) = @_;
    is(scalar @$found, 0, $what) or diag(join "\n", @$found > 40 ? (@{$found}[0 .. 39], '...') : @$found);
}

# places where a line of a file matches
sub matches {
    my ($match, $read, @paths) = @_;
    my @found;
    for my $path (@paths) {
        my $line = 0;
        for ($read->($path)) {
            $line++;
            push @found, "$path:$line: $_" if $_ =~ $match;
        }
    }
    return \@found;
}

sub longer {
    my ($most, $read, @paths) = @_;
    my @found;
    for my $path (@paths) {
        my $line = 0;
        for ($read->($path)) {
            $line++;
            my $n = length decode('UTF-8', $_ =~ s/\s+$//r);
            push @found, "$path:$line has $n characters" if $n > $most;
        }
    }
    return \@found;
}

my $code = sub { split /\n/, code($_[0]), -1 };
my @module = grep { m{^ngx_live_module/} } @c;

# nginx's 80 for code; a comment may be a little wider
none(longer(80, $code, @module), 'lines of C: 80 characters');
none(longer(100, \&lines, @c), 'lines of C with their comments, and of its tests: 100');
none(longer(160, \&lines, grep { /\.(?:t|pm|sh|ts|tsx|mjs)$|^build\.sh$/ && !m{^web/src/icons} } @text), 'other lines: 160');

none(matches(qr/\t/, \&lines, grep { !/\.(?:json|golden)$/ } @text), 'no tabs');
none(matches(qr/[ \t\r]$/, \&lines, grep { !/\.golden$/ } @text), 'no blanks at the ends of lines');
none([grep { length(text($_)) && text($_) !~ /[^\n]\n\z/ } @text], 'files end with one newline');

none(matches(qr/\b(?:TODO|FIX[M]E|X[X]X)\b/, \&lines, grep { $_ ne 't/lint/style.t' } @text), 'nothing is left to be done');
none(matches(qr/\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|atof|system|popen|tmpnam|mktemp)\s*\(/, $code, @module),
    'no banned functions');

# what a machine or a registry leaves behind
my @written = grep { $_ ne 't/lint/style.t' } @text;
none([grep { (text($_) || '') =~ /"resolved"\s*:/ } grep { /lock\.json$/ } @text], 'lock files name no place to fetch from');
none(matches(qr{registry\.npmjs|registry\.yarnpkg|pypi\.org|crates\.io|deb\.debian\.org|proxy\.golang}, \&lines, @written), 'no host of a registry');
none(matches(qr{(?<![\w.\$\}])/(?:work|root|home)/\w}, \&lines, @written), 'no path of one machine');

for my $path (@perl) {
    my $body = text($path);
    ok($body =~ /^use strict;$/m && $body =~ /^use warnings;$/m, "$path is strict, with warnings");
    ok($body =~ ($path =~ /\.pm$/ ? qr/\Apackage [\w:]+;\n\n# / : qr{\A#!/usr/bin/perl\n\n?# }), "$path begins with what it is");
    my $said = qx(cd '$root' && perl -It/lib -Ibench/lib -c '$path' 2>&1);
    is($?, 0, "$path compiles") or diag($said);
}

ok((text('LICENSE') || '') =~ /Redistribution and use in source and binary forms/, 'there is a LICENSE');

# every file of the module begins with what it is, or has its header say so; every prototype in a room's public header has its contract above it
for my $path (@module) {
    ok(text($path) =~ m{\A(?:/\*|#include "(?:ngx_)?live_\w+\.h"\n)}, "$path begins with what it is");
}

for my $path (grep { /\.h$/ && !/_internal\.h$/ } @module) {
    none(bare($path), "$path: each prototype has a comment above it");
}

# prototypes without a comment right above them, or above the lines that they stand in
sub bare {
    my ($path) = @_;
    my @raw = lines($path);
    my @code = split /\n/, code($path), -1;
    my ($said, $depth, @found) = (0, 0);

    for my $i (0 .. $#code) {

        # a comment counts for what follows it, also behind one blank line
        if ($raw[$i] =~ m{\*/\s*$} && $code[$i] =~ /^\s*$/) {
            $said = 1;
        } elsif ($raw[$i] =~ /^\s*$/) {
            $said = 0 unless $i && $raw[$i - 1] =~ m{\*/\s*$};
        }

        $depth += () = $code[$i] =~ /\{/g;
        push @found, "$path:" . ($i + 1) . ": $raw[$i]"
            if !$said && !$depth && $code[$i] =~ /^(?!static|typedef|\s|#|extern)[\w\s*]+\b\w+\(/
            && join("\n", @code[$i .. $#code]) =~ /\A[^;{]*;/;
        $depth -= () = $code[$i] =~ /\}/g;
    }

    return \@found;
}

done_testing;
