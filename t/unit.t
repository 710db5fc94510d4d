#!/usr/bin/perl

# The C unit tests, with ASan and UBSan: each t/unit/*.c with all pure-C sources of the rooms.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $out = ($ENV{LIVE_BUILD} || "$root/.build") . '/unit';
my @rooms = qw(codec mux store timeline manifest ingest);
my @cc = (split(q( ), q(gcc -std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror)),
    q(-fsanitize=address,undefined), q(-fno-sanitize-recover=undefined));
my @include = ((map {"-I$root/ngx_live_module/$_"} @rooms), "-I$root/t/unit");

$ENV{UBSAN_OPTIONS} = 'print_stacktrace=1';
$ENV{ASAN_OPTIONS} = 'detect_leaks=1:strict_string_checks=1';

make_path($out);

# two at a time, each [what, command...]; returns the texts of those that failed
sub parallel {
    my (@jobs) = @_;
    my (%running, @failed);
    while (@jobs || %running) {
        while (@jobs && keys %running < 2) {
            my ($name, @command) = @{ shift @jobs };
            defined(my $pid = fork) or die "fork: $!";
            if (!$pid) {
                open STDOUT, '>', "$out/$name.log" or die "$out/$name.log: $!";
                open STDERR, '>&', \*STDOUT;
                exec @command or die "$command[0]: $!";
            }
            $running{$pid} = $name;
        }
        my $pid = wait;
        my $name = delete $running{$pid} // next;
        push @failed, [$name, slurp("$out/$name.log")] if $?;
    }
    return @failed;
}

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or return '';
    local $/;
    return scalar <$f>;
}

my @sources = map { glob "$root/ngx_live_module/$_/live_*.c" } @rooms;
my @tests = grep { !$ENV{LIVE_UNIT} || basename($_, '.c') =~ /$ENV{LIVE_UNIT}/ } glob "$root/t/unit/*.c";
cmp_ok(scalar @tests, '>', 0, 'there are unit tests');

my @objects = map { "$out/" . basename($_, '.c') . '.o' } @sources;
my @failed = parallel(map { ['cc.' . basename($_), @cc, @include, '-c', '-o', "$out/" . basename($_, '.c') . '.o', $_] } @sources);
is(scalar @failed, 0, 'the sources compile') or diag(map { "$_->[1]\n" } @failed);

@failed = parallel(map { ['cc.' . basename($_), @cc, @include, '-o', "$out/" . basename($_, '.c'), $_, @objects, '-lm'] } @tests);
is(scalar @failed, 0, 'the tests compile') or diag(map { "$_->[1]\n" } @failed);

my %broken = map { ($_->[0] => 1) } @failed;
parallel(map { ["run.$_", 'timeout', '300', "$out/$_"] } grep { !$broken{"cc.$_.c"} } map { basename($_, '.c') } @tests);

for my $name (grep { !$broken{"cc.$_.c"} } map { basename($_, '.c') } @tests) {
    my $log = slurp("$out/run.$name.log");
    my @ok = $log =~ /^ok \d+/mg;
    my ($plan) = $log =~ /^1\.\.(\d+)$/m;
    my $bad = ($log =~ /^not ok|ERROR: |runtime error:/m) || !$plan || $plan != @ok;
    ok(!$bad, "$name: " . @ok . ' pass');
    next unless $bad;
    my @lines = grep { !/^ok \d+/ } split /\n/, $log;
    diag(join "\n", @lines > 60 ? (@lines[0 .. 59], '...') : @lines);
    diag("$name ended without a plan, after " . @ok . ' tests') unless $plan;
}

done_testing;
