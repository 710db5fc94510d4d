#!/usr/bin/perl

# Functions and files stay small: past 100 and 1,500 lines a word, past 200 and 2,500 a failure.

use strict;
use warnings;
use Test::More;
use Live::Lint;

# flat tables and parser switches, excused by name, each with its reason
my %excused;

my $functions = 0;

for my $path (files(qr/\.(?:[ch]|ts|tsx|mjs|pm|t|sh)$/)) {
    my @lines = lines($path);
    diag("$path has " . @lines . ' lines') if @lines > 1500;
    cmp_ok(scalar @lines, '<=', 2500, "$path: lines");

    my @long;
    for (functions($path)) {
        my ($name, $line, $length) = @$_;
        $functions++;
        diag("$name() in $path:$line has $length lines") if $length > 100;
        push @long, "$name() in line $line has $length lines" if $length > 200 && !$excused{$name};
    }
    is(join(', ', @long), '', "$path: functions");
}

cmp_ok($functions, '>', 500, "$functions functions were found");

done_testing;
