#!/usr/bin/perl

# A file includes its own room and those with a smaller number; pure C knows no nginx; names carry their prefix.

use strict;
use warnings;
use Test::More;
use Live::Lint;

my %number = (
    codec => 0, core => 0,
    mux => 1, store => 1, auth => 1,
    timeline => 2, manifest => 2, record => 2,
    ingest => 3, http => 3,
);

my @files = files(qr{^ngx_live_module/.*\.[ch]$});
my %room;

cmp_ok(scalar @files, '>', 0, 'there are files');

for my $path (@files) {
    my ($room, $file) = $path =~ m{^ngx_live_module/(\w+)/([^/]+)$};
    ok(defined $room && exists $number{$room}, "$path is in a room") or next;
    ok(!$room{$file}, "$file is in one room only");
    $room{$file} = $room;
}

for my $path (@files) {
    my ($room, $file) = $path =~ m{^ngx_live_module/(\w+)/([^/]+)$};
    my $pure = $file =~ /^live_/;
    my (@upward, @nginx);

    for my $include (code($path) =~ /^\s*#\s*include\s*[<"]([^>"]+)[>"]/mg) {
        my $to = $room{$include};
        push @nginx, $include if $include =~ /^(?:ngx_|nginx)/;
        push @upward, $include if defined $to && $to ne $room && $number{$to} >= $number{$room};
        push @upward, "$include, internal to $to" if defined $to && $to ne $room && $include =~ /_internal\.h$/;
    }

    is("@upward", '', "$path includes lower rooms only");
    is("@nginx", '', "$path knows no nginx") if $pure || $room eq 'codec' || $room eq 'mux';
    like($file, $room eq 'codec' || $room eq 'mux' ? qr/^live_/ : qr/^(?:ngx_)?live_/, "$path is named after what it is");

    my $prefix = $pure ? qr/^live_/i : qr/^ngx_live_/i;
    my @foreign = grep { $_->[1] !~ $prefix } symbols($path);
    is(join(', ', map { "$_->[1] in line $_->[0]" } @foreign), '', "$path: its symbols begin with " . ($pure ? 'live_' : 'ngx_live_'));
}

# [line, name] of what a file defines or declares at its first column, and of its macros and enumerators
sub symbols {
    my ($path) = @_;
    my ($line, $enum, @found) = (0, 0);

    for (split /\n/, code($path)) {
        $line++;
        $enum = 1 if /^(?:typedef )?enum\b/;
        $enum = 0 if /^\}/;

        if (/^#\s*define\s+(\w+)/) {
            push @found, [$line, $1] unless $1 =~ /_INCLUDED_$|^_GNU_SOURCE$/;
        } elsif ($enum && /^\s+([A-Z]\w*)/) {
            push @found, [$line, $1];
        } elsif (/^extern\b.*?\b(\w+)\s*[;\[]/) {
            # in a source file: another's, which no header of its tells
            push @found, [$line, $1] if substr($path, -2) eq '.h';
        } elsif (/^\}\s*(\w+)\s*;/ || /^typedef\b.*\(\*(\w+)\)/ || /^typedef\b[^({]*?\b(\w+)\s*[;\[]/) {
            push @found, [$line, $1];
        } elsif (/^(?:struct|union)\s+(\w+)\s*\{/) {
            push @found, [$line, $1];
        } elsif (/^(?!typedef|return|else|goto|struct \w+;)(?:[A-Za-z][\w\s*]*[\s*])?(\w+)\s*(?:\(|\[|=|;)/ && $1 !~ /^\d/) {
            push @found, [$line, $1];
        }
    }

    return @found;
}

done_testing;
