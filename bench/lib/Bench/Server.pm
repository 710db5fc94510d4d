package Bench::Server;

# An nginx under measurement: Debian's, with or without our module, on free ports, its files in a temporary
# directory and on a tmpfs of its own. All of it is gone when the bench ends, however it ends.

use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use File::Temp ();
use POSIX ();
use Live::HTTP;
use Live::Util qw(free_port reap root slurp spawn spew tail temp_dir wait_for);

my @running;


# name; live (0): with our module and a store; workers (1); cpu: a mask that pins the workers;
# app: lines of application live {}; http: lines of server {}; location: lines of location /live/ {}.
# @SHM@ in them is a directory on tmpfs; files/ in it is the workers'.
sub start {
    my ($class, %o) = @_;

    my $self = bless { live => 0, workers => 1, app => '', http => '', location => '', cpu => '', %o,
        dir => temp_dir('ngx-live-bench-XXXXXX'), owner => $$ }, $class;

    $self->{shm} = File::Temp::tempdir('/dev/shm/ngxlb-XXXXXX', CLEANUP => 0);
    push @running, $self;

    chmod 0755, $self->{shm};
    make_path("$self->{dir}/temp", "$self->{shm}/files");
    chown((getpwnam 'www-data')[2, 3], "$self->{shm}/files") if _user();

    for my $try (1 .. 5) {
        $self->{$_} = free_port() for qw(http_port rtmp_port);
        spew("$self->{dir}/nginx.conf", $self->_conf =~ s/\@SHM\@/$self->{shm}/gr);
        return $self if $self->_launch;
        die "$self->{name}: nginx did not start:\n" . tail($self->_log, 20) . "\n"
            unless $self->_log =~ /Address already in use/;
    }

    die "$self->{name}: nginx finds no free port\n";
}


sub _user { return $> == 0 && getpwnam 'www-data' ? 'user www-data;' : '' }
sub _log  { my ($self) = @_; return slurp("$self->{dir}/error.log") . slurp("$self->{dir}/stderr") }


sub files_limit {
    chomp(my $n = `sh -c 'ulimit -Hn'`);
    return $n eq 'unlimited' || $n > 65536 ? 65536 : $n;
}


sub _conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $user = _user();
    my $files = files_limit();
    my $affinity = $self->{cpu} ? "worker_cpu_affinity $self->{cpu};" : '';
    my ($module, $store, $location) = ('', '', '');

    if ($self->{live}) {
        $module = 'load_module ' . root() . '/.build/stock/ngx_live_module.so;';
        $store = 'live_store bench path=@SHM@/store streams=256;';
        $location = "location /live/ { live_hls on; $self->{location} }";
    }

    return <<"CONF";
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
$module
$user
daemon off;
worker_processes $self->{workers};
$affinity
worker_rlimit_nofile $files;
pid $dir/nginx.pid;
error_log $dir/error.log error;
$store

events { worker_connections $files; }

rtmp {
    access_log off;

    server {
        listen 127.0.0.1:$self->{rtmp_port};
        max_message 16M;
        max_streams 256;
        chunk_size 4096;

        application live { $self->{app} }
    }
}

http {
    access_log off;
    types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s mp4; }
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_requests 100000000;
    client_body_temp_path $dir/temp/body;
    proxy_temp_path $dir/temp/proxy;
    fastcgi_temp_path $dir/temp/fastcgi;
    uwsgi_temp_path $dir/temp/uwsgi;
    scgi_temp_path $dir/temp/scgi;

    server {
        listen 127.0.0.1:$self->{http_port};
        $location
        $self->{http}
    }
}
CONF
}


sub _launch {
    my ($self) = @_;

    unlink "$self->{dir}/error.log", "$self->{dir}/stderr";

    $self->{pid} = spawn("$self->{dir}/stderr", '/usr/sbin/nginx', '-e', "$self->{dir}/error.log", '-p', $self->{dir},
        '-c', "$self->{dir}/nginx.conf");

    return wait_for("$self->{name}'s nginx", 20, sub {
        if (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
            delete $self->{pid};
            return 'dead';
        }
        return '' if $self->workers != $self->{workers};
        return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->{http_port}) ? 'up' : '';
    }) eq 'up';
}


sub workers {
    my ($self) = @_;
    my @found;

    for my $p (glob '/proc/[0-9]*') {
        my ($parent) = slurp("$p/stat") =~ /^\d+ \(.*\) \S (\d+)/ or next;
        next unless $parent == $self->{pid} && slurp("$p/cmdline") =~ /worker process/;
        push @found, $p =~ /(\d+)$/;
    }

    return @found;
}


sub pids { my ($self) = @_; return join ',', $self->workers }


# of all workers, in bytes: Rss, Pss, Anonymous ...
sub memory {
    my ($self) = @_;
    my %sum;

    for my $pid ($self->workers) {
        my $text = slurp("/proc/$pid/smaps_rollup");
        $sum{$1} += 1024 * $2 while $text =~ /^(\w+):\s+(\d+) kB/mg;
    }

    die "$self->{name}: no smaps_rollup\n" unless $sum{Rss};
    return \%sum;
}


sub get {
    my ($self, $path) = @_;
    my $r = Live::HTTP->new(port => $self->{http_port})->get($path);
    die "$self->{name}: $path: " . ($r->{error} || $r->{status}) . "\n" unless ($r->{status} || 0) == 200;
    return $r->{body};
}


# waits until a media playlist has so many complete segments
sub wait_segments {
    my ($self, $path, $count, $seconds) = @_;
    return wait_for("$count segments in $path", $seconds, sub {
        my $body = eval { $self->get($path) } or return 0;
        return (() = $body =~ /^#EXTINF/mg) >= $count;
    });
}


sub stop {
    my ($self) = @_;
    @running = grep { $_ != $self } @running;

    if (my $pid = $self->{pid}) {
        my @workers = $self->workers;
        kill TERM => $pid;
        if (!defined reap($pid, 10)) {
            kill KILL => @workers, $pid;
            reap($pid, 5);
        }
        delete $self->{pid};
    }

    my @bad = grep { /\[(?:alert|crit|emerg|error)\]/ } split /\n/, $self->_log;
    remove_tree($self->{dir}, $self->{shm});
    splice @bad, 10 if @bad > 10;
    die join("\n", "$self->{name}: the error log says", @bad) . "\n" if @bad && !$self->{quiet};
}


sub stop_all {
    my @mine = grep { $_->{owner} == $$ } @running;

    for my $self (@mine) {
        $self->{quiet} = 1;
        $self->stop;
    }
}


1;
