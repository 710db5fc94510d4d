package Live::Util;

# What the test modules share: waiting for conditions, ports, files, child processes.

use strict;
use warnings;
use Exporter 'import';
use File::Temp ();
use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(wait_for free_port temp_dir slurp spew now tail spawn reap root long
    die_with_parent);


sub now {
    return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
}


# the checkout
sub root {
    return $ENV{LIVE_ROOT} if $ENV{LIVE_ROOT};
    my ($dir) = __FILE__ =~ m{^(.*)/t/lib/Live/};
    $dir = '.' unless defined $dir;
    return POSIX::getcwd() if $dir eq '.';
    return $dir =~ m{^/} ? $dir : POSIX::getcwd() . "/$dir";
}


sub long {
    return $ENV{LIVE_TEST_LONG} ? 1 : 0;
}


# calls the code until it returns something true, which is returned; dies when it takes too long
sub wait_for {
    my ($what, $seconds, $code) = @_;
    my $end = now() + $seconds;

    while (1) {
        my $value = $code->();
        return $value if $value;
        die "waited ${seconds} s for $what\n" if now() > $end;
        sleep 0.02;
    }
}


sub free_port {
    my ($host) = @_;
    my $s = IO::Socket::IP->new(LocalHost => $host || '127.0.0.1', LocalPort => 0, Proto => 'tcp', Listen => 1)
        or die "no free port: $@\n";
    return $s->sockport;
}


# below TMPDIR, and open to nginx's workers, who are somebody else when the tests are root's
sub temp_dir {
    my ($template) = @_;
    my $dir = File::Temp::tempdir($template || 'ngx-live-XXXXXX', TMPDIR => 1, CLEANUP => 0);
    chmod 0755, $dir or die "chmod $dir: $!\n";
    return $dir;
}


sub slurp {
    my ($file) = @_;
    open my $fh, '<:raw', $file or return '';
    local $/;
    my $text = <$fh>;
    return defined $text ? $text : '';
}


sub spew {
    my ($file, $text, $mode) = @_;
    open my $fh, '>:raw', $file or die "$file: $!\n";
    chmod $mode, $file if defined $mode;
    print $fh $text;
    close $fh or die "$file: $!\n";
}


sub tail {
    my ($text, $lines) = @_;
    my @all = split /\n/, $text;
    splice @all, 0, @all - $lines if @all > $lines;
    return join "\n", @all;
}


# a child that does not outlive a test that was killed: prctl(PR_SET_PDEATHSIG)
sub die_with_parent {
    my ($parent, $signal) = @_;
    my %prctl = (x86_64 => 157, aarch64 => 167);
    my $number = $prctl{ (POSIX::uname())[4] } or return;
    eval { syscall $number, 1, $signal, 0, 0, 0 };
    POSIX::_exit(1) if getppid() != $parent;
}


# runs a command with its output in a file; returns its pid
sub spawn {
    my ($log, @command) = @_;

    my $parent = $$;
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    return $pid if $pid;

    die_with_parent($parent, POSIX::SIGTERM());

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log;
    open STDERR, '>&', \*STDOUT;
    { no warnings 'exec'; exec { $command[0] } @command; }
    POSIX::_exit(127);
}


# waits for a child of ours; its wait status, or undef if it still runs after so many seconds
sub reap {
    my ($pid, $seconds) = @_;
    my $end = now() + $seconds;

    while (1) {
        my $rc = waitpid $pid, POSIX::WNOHANG();
        return $? if $rc == $pid;
        return 0 if $rc == -1;
        return undef if now() > $end;
        sleep 0.02;
    }
}


1;
