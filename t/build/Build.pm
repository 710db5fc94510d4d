package Build;

# ./build.sh as a user calls it, and a machine to install packages on: the tests' own file systems, processes and
# network in namespaces, above what is here, so that nothing of it is touched and nothing is left.

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Live::Util qw(root temp_dir spawn reap slurp);

our @EXPORT_OK = qw(build_sh command sandbox inside lives);


# runs a command; its exit status (or "signal N", "timeout") and all that it printed
sub command {
    my ($env, $seconds, @command) = @_;
    my $dir = temp_dir();
    my $pid;

    {
        local %ENV = %ENV;
        for (keys %$env) { defined $env->{$_} ? ($ENV{$_} = $env->{$_}) : delete $ENV{$_} }
        $pid = spawn("$dir/log", @command);
    }

    my $status = reap($pid, $seconds);
    my $text = slurp("$dir/log");

    if (!defined $status) {
        kill KILL => $pid;
        reap($pid, 5);
    }

    unlink "$dir/log";
    rmdir $dir;

    return (!defined $status ? 'timeout' : $status & 127 ? 'signal ' . ($status & 127) : $status >> 8, $text);
}


sub build_sh {
    my ($env, @arguments) = @_;
    return command($env, 120, root() . '/build.sh', @arguments);
}


sub lives { my ($pid) = @_; return $pid && slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) [^Z]/ ? 1 : 0 }


sub inside { return $ENV{LIVE_TEST_SANDBOX} ? 1 : 0 }


# The test begins anew in a sandbox: root there, the checkout read-only, /tmp, /run and /dev/shm empty, and no
# network but its own loopback. Its TAP is the test's. Does not return.
sub sandbox {
    my ($script) = @_;
    my $root = root();
    my $build = $ENV{LIVE_BUILD} || "$root/.build";
    my $dir = temp_dir();

    my @as_root = $> == 0 ? () : qw(sudo -n);
    my @unshare = (@as_root, qw(unshare --mount --pid --net --fork --kill-child));

    my ($status, $text) = command({}, 20, @unshare, 'true');
    die "$script needs root, or sudo without a password, and leave to make namespaces:\n$text" if $status;

    # dash waits for its child, and for all that lose their parents
    my $setup = <<'END';
set -e
dir=$1 root=$2 build=$3 script=$4
mount --make-rprivate /
mount -t tmpfs tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --rbind /dev dev
for path in dev/shm tmp run; do
    mount -t tmpfs -o mode=1777 tmpfs $path
done
for path in "$root" "$build"; do
    mkdir -p ".$path"
    mount --bind "$path" ".$path"
    mount -o remount,bind,ro ".$path"
done
mkdir run/lock
ip link set lo up
chroot . env -i PATH="$PATH" LC_ALL=C.UTF-8 TMPDIR=/tmp LIVE_ROOT="$root" LIVE_BUILD="$build" LIVE_TEST_SANDBOX=1 \
    sh -c 'cd "$1" && perl -It/lib "$2"; exit $?' sh "$root" "$script"
exit $?
END

    $ENV{PATH} .= ':/usr/sbin:/sbin';
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if (!$pid) {
        Live::Util::die_with_parent(getppid(), 15);
        exec @unshare, 'sh', '-c', $setup, 'sh', $dir, $root, $build, $script;
        exit 127;
    }

    local $SIG{TERM} = sub { kill TERM => $pid };
    waitpid $pid, 0;
    my $rc = $?;
    rmdir $dir;
    Test::More->builder->no_ending(1);
    exit($rc >> 8 || ($rc ? 1 : 0));
}


1;
