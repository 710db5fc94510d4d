#!/usr/bin/perl

# Shell scripts, by shellcheck.

use strict;
use warnings;
use Test::More;
use Live::Lint;

my $root = $ENV{LIVE_ROOT} || '.';
my @scripts = grep { (text($_) // '') =~ /\A#!.*\b(?:ba|da)?sh\b|\A# shellcheck shell=/ } files(qr{^(?!.*\.(?:md|[ch]|ts|tsx|mjs|pm|t|json)$)});

cmp_ok(scalar @scripts, '>', 5, 'there are scripts');
is(system('shellcheck --version >/dev/null 2>&1'), 0, 'there is a shellcheck') or BAIL_OUT('install shellcheck: ./build.sh deps');

for my $script (@scripts) {
    open my $check, '-|', 'shellcheck', '--color=never', '--format=gcc', '--external-sources', '-P', $root, "$root/$script"
        or die "shellcheck: $!\n";
    my @found = map { s/^\Q$root\E\///r } <$check>;
    close $check;
    is(scalar @found, 0, "$script") or diag(@found);
}

done_testing;
