#!/usr/bin/perl

# Each row of docs/facts.md is held by tests that carry its id in their names: those that it lists, and no id without a row.

use strict;
use warnings;
use Test::More;
use Live::Lint;

my (%row, %test);

for (table('docs/facts.md')) {
    my ($section, $id, @cells) = @$_;
    next if $id eq 'id';
    like($id, qr/^FM-[A-Z]+-\d\d$/, "$id is an id");
    ok(!$row{$id}, "$id has one row");
    $row{$id} = $cells[-1];
}

cmp_ok(scalar keys %row, '>', 60, 'there are rows');

# in a string of a test, which ends up in a name; not in comments
for my $path (files(qr{^t/(?!lint/).*\.(?:t|c|mjs)$|^web/.*\.test\.tsx?$})) {
    my $body = $path =~ /\.c$/ ? code($path) : join "\n", grep { !m{^\s*(?:#|//)} } lines($path);
    $test{$_}{$path} = 1 for $body =~ /\b(FM-[A-Z]+-\d\d)\b/g;

    # FM-CODEC-0%d: which it is, the test knows
    for my $id ($body =~ /\b(FM-[A-Z]+-\d?)%/g) { $test{$_}{$path} = 1 for grep { /^\Q$id\E/ } keys %row }
}

for my $id (sort keys %row) {
    if ($row{$id} =~ /^later: (.+)$/) {
        diag("$id is later: $1");
        ok(!$test{$id}, "$id: a row of later work has no test yet");
        next;
    }

    my @listed = $row{$id} =~ /`([^`]+)`/g;
    ok(scalar @listed, "$id says where it is tested");
    ok($test{$id}, "$id has a test");
    ok($test{$id}{$_}, "$id is in $_") for @listed;
}

ok($row{$_}, "$_ of " . join(', ', sort keys %{ $test{$_} }) . ' has a row') for sort keys %test;

done_testing;
