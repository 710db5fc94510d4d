#!/usr/bin/perl

# What reads bytes from outside, by libFuzzer with ASan and UBSan: the committed corpus reaches at least so many
# edges, and a few seconds of fuzzing from there break nothing. LIVE_TEST_FUZZ=SECONDS fuzzes each longer.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use Test::More;

my %floor = (amf => 80, flv_tag => 500, avc_config => 245, aac_config => 110, sps => 190, playlist_query => 235);

my $root = abs_path(dirname(__FILE__) . '/..');
my $out = ($ENV{LIVE_BUILD} || "$root/.build") . '/fuzz';
my $seconds = $ENV{LIVE_TEST_FUZZ} || 4;
my @rooms = qw(codec mux store timeline manifest ingest);
my $sources = join ' ', map { glob "$root/ngx_live_module/$_/live_*.c" } @rooms;
my $include = join ' ', map { "-I$root/ngx_live_module/$_" } @rooms;

make_path($out);
plan skip_all => 'no clang with libFuzzer (./build.sh deps installs it)'
    if system "echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o $out/try 2>/dev/null";

my @targets = map { basename($_, '.c') } glob "$root/t/fuzz/*.c";
is(join(' ', @targets), join(' ', sort keys %floor), 'each target has a floor');

for my $name (@targets) {
    my $flags = '-std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Wall -Wextra';
    my $cc = `clang $flags $include -I$root/t/fuzz $root/t/fuzz/$name.c $sources -lm -o $out/$name 2>&1`;
    is($?, 0, "$name compiles") or do { diag($cc); next };

    my $corpus = "$root/t/fuzz/corpus/$name";
    my $log = `$out/$name -runs=0 $corpus 2>&1`;
    is($?, 0, "$name: the corpus breaks nothing") or diag($log);
    my ($edges) = $log =~ /INITED\s+cov: (\d+)/;
    cmp_ok($edges || 0, '>=', $floor{$name} || 0, "$name: the corpus reaches " . ($edges || 0) . ' edges');

    remove_tree("$out/$name.new");
    make_path("$out/$name.new");
    my $limits = "-max_total_time=$seconds -timeout=10 -rss_limit_mb=2048";
    $log = `cd $out && $out/$name $limits -print_final_stats=1 -artifact_prefix=$out/$name. $name.new $corpus 2>&1`;
    my $status = $?;
    my ($runs) = $log =~ /number_of_executed_units:\s*(\d+)/;
    is($status, 0, "$name: $seconds s of fuzzing, " . ($runs || 0) . ' inputs');
    next unless $status;
    my ($crash) = $log =~ /Test unit written to (\S+)/;
    diag(substr($log, -6000));
    diag("the input, in $crash: " . `xxd -p $crash | head -20`) if $crash;
}

done_testing;
