package Live::Nginx;

# An nginx of the test's own: its directory, ports, processes and store. When it is stopped, its
# logs and what it left behind are part of the test.

use strict;
use warnings;
use File::Path qw(remove_tree);
use IO::Socket::IP;
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep);
use Live::Util qw(wait_for free_port temp_dir slurp spew spawn reap tail now root);

my @running;

# a signal ends a test as die does, with what is done at its end
$SIG{$_} = sub { die "signal $_[0]\n" } for qw(INT TERM HUP);


# options, all with a default:
#   workers, name (of the test), level (of the error log), env (hash)
#   store     parameters behind path=                     keys    { key => stream }, or undef: live_publish open
#   live      "on": nginx-rtmp's own as well              app     more lines in application live {}
#   rtmp      in rtmp {}        rtmp_server  in rtmp's server {}        apps  more applications
#   main      in the main context    http  in http {}    server  in server {}    location  in location /live/ {}
#   https, ipv6    listen there too             store_path   instead of a fresh one
#   daemon    leaves its starter, as it does on a server: no binary upgrade without
#   allow     log lines that are expected, regular expressions
sub new {
    my ($class, %o) = @_;

    my $self = bless {
        workers => 2, name => 'test', level => 'info', store => 'streams=16', app => '', apps => '', live => 'off',
        rtmp => '', rtmp_server => '', main => '', http => '', server => '', location => '', allow => [], env => {},
        keys => { secret => 'demo' }, %o,
        owner => $$, dir => temp_dir(), old => [],
    }, $class;

    mkdir "$self->{dir}/temp";
    $self->{store_path} ||= $self->_store_path;

    return $self;
}


# short, since the sockets in it have short names; on a tmpfs
sub _store_path {
    my ($self) = @_;
    my ($id) = $self->{dir} =~ /([^-]+)$/;
    return "/dev/shm/ngxlt-$id";
}


sub binary { return $ENV{LIVE_TEST_NGINX} || '/usr/sbin/nginx' }


sub modules {
    return split /[\s:]+/, $ENV{LIVE_TEST_MODULES} if defined $ENV{LIVE_TEST_MODULES};
    return () if $ENV{LIVE_TEST_NGINX};
    return ('/usr/lib/nginx/modules/ngx_rtmp_module.so', root() . '/.build/stock/ngx_live_module.so');
}


sub start {
    my ($self) = @_;

    for my $try (1 .. 5) {
        $self->{$_} = free_port() for qw(http_port https_port rtmp_port);
        $self->write_conf;
        return $self if $self->_launch;

        my $log = $self->log;
        next if $log =~ /Address already in use/;
        die "nginx did not start:\n" . slurp("$self->{dir}/stderr") . tail($log, 20) . "\n";
    }

    die "nginx finds no free port\n";
}


sub _launch {
    my ($self) = @_;

    unlink "$self->{dir}/error.log", "$self->{dir}/nginx.pid";
    local %ENV = (%ENV, %{ $self->{env} });
    $ENV{ASAN_OPTIONS} ||= 'detect_leaks=0:abort_on_error=0:exitcode=99';
    $ENV{UBSAN_OPTIONS} ||= 'print_stacktrace=1';

    $self->{pid} = spawn("$self->{dir}/stderr", $self->command);
    push @running, $self unless grep { $_ == $self } @running;

    my $up = eval {
        wait_for('nginx to start', 30, sub {
            if ($self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
                delete $self->{pid};
                return 'dead' if !$self->{daemon} || $?;
            }
            $self->{pid} ||= slurp("$self->{dir}/nginx.pid") + 0 if -s "$self->{dir}/nginx.pid";
            return $self->{pid} && scalar(my @w = $self->workers) == $self->{workers} && $self->answers ? 'up' : '';
        });
    };
    die $@ if $@;

    return $up eq 'up';
}


sub command {
    my ($self) = @_;
    return (binary(), '-e', "$self->{dir}/error.log", '-p', $self->{dir}, '-c', "$self->{dir}/nginx.conf");
}


# nginx -t; ($ok, output)
sub test_conf {
    my ($self) = @_;
    my $log = "$self->{dir}/t.log";
    unlink $log;
    my $status = reap(spawn($log, $self->command, '-t'), 30);
    return (defined $status && $status == 0, slurp($log) . slurp("$self->{dir}/error.log"));
}


sub answers {
    my ($self) = @_;
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->{http_port}, Timeout => 1) or return 0;
    return 1;
}


sub write_conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $daemon = $self->{daemon} ? 'on' : 'off';
    my $load = join '', map { "load_module $_;\n" } modules();
    my $user = $> == 0 && getpwnam('www-data') ? 'user www-data;' : '';
    my ($rtmp6, $http6, $https, $publish) = ('', '', '', '');

    if ($self->{keys}) {
        spew("$dir/keys", join('', map { "$_ $self->{keys}{$_}\n" } sort keys %{ $self->{keys} }), 0600);
        $publish = "live_keys $dir/keys;";
    } else {
        $publish = 'live_publish open;';
    }

    $publish = '' if $self->{no_publish};

    if ($self->{ipv6}) {
        $rtmp6 = "listen [::1]:$self->{rtmp_port} ipv6only=on;";
        $http6 = "listen [::1]:$self->{http_port} ipv6only=on;";
    }

    if ($self->{https}) {
        $self->_certificate;
        $https = "listen 127.0.0.1:$self->{https_port} ssl http2;
        ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/cert.key;";
    }

    spew("$dir/nginx.conf", <<"END");
$load
$user
daemon $daemon;
worker_processes $self->{workers};
worker_shutdown_timeout 30s;
pid $dir/nginx.pid;
error_log $dir/error.log $self->{level};
env ASAN_OPTIONS;
env UBSAN_OPTIONS;
$self->{main}
live_store test path=$self->{store_path} $self->{store};

events { worker_connections 1024; }

rtmp {
    access_log $dir/rtmp.log;
    $self->{rtmp}

    server {
        listen 127.0.0.1:$self->{rtmp_port};
        $rtmp6
        max_message 16M;
        max_streams 256;
        chunk_size 4096;
        $self->{rtmp_server}

        application live {
            live $self->{live};
            live_ingest on;
            $publish
            $self->{app}
        }

        $self->{apps}
    }
}

http {
    access_log $dir/access.log;
    default_type application/octet-stream;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000;
    client_body_temp_path $dir/temp/body;
    proxy_temp_path $dir/temp/proxy;
    fastcgi_temp_path $dir/temp/fastcgi;
    uwsgi_temp_path $dir/temp/uwsgi;
    scgi_temp_path $dir/temp/scgi;
    $self->{http}

    server {
        listen 127.0.0.1:$self->{http_port};
        $http6
        $https
        $self->{server}

        location /live/ {
            live_hls on;
            add_header X-Worker \$pid always;
            $self->{location}
        }

        location = /status {
            stub_status;
        }

        location = /worker {
            add_header X-Worker \$pid always;
            return 200 "ok";
        }
    }
}
END
}


sub _certificate {
    my ($self) = @_;
    my $dir = $self->{dir};
    return if -s "$dir/cert.pem";
    my $status = reap(spawn("$dir/openssl.log", qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes
        -days 2 -subj /CN=localhost -keyout), "$dir/cert.key", '-out', "$dir/cert.pem"), 30);
    die "openssl: " . slurp("$dir/openssl.log") unless defined $status && $status == 0;
}


sub url       { my ($self, $path) = @_; return "http://127.0.0.1:$self->{http_port}$path" }
sub https_url { my ($self, $path) = @_; return "https://127.0.0.1:$self->{https_port}$path" }
sub rtmp_url  { my ($self, $key, $app) = @_; return "rtmp://127.0.0.1:$self->{rtmp_port}/" . ($app || 'live') . "/$key" }
sub dir       { return $_[0]{dir} }
sub pid       { return $_[0]{pid} }
sub log       { return slurp("$_[0]{dir}/error.log") }


sub allow {
    my ($self, @patterns) = @_;
    push @{ $self->{allow} }, @patterns;
}


# client connections that are open now, this one not counted
sub connections {
    my ($self) = @_;
    require Live::HTTP;
    my $r = Live::HTTP->new(port => $self->{http_port})->get('/status');
    return $r->{body} =~ /^Active connections: (\d+)/ ? $1 - 1 : undef;
}


# waits for a line in the error log that was not there at an earlier mark
sub wait_log {
    my ($self, $pattern, $seconds, $mark) = @_;
    return wait_for("\"$pattern\" in the error log", $seconds || 10, sub {
        my $log = $self->log;
        return substr($log, $mark || 0) =~ $pattern ? 1 : 0;
    });
}


sub mark { return -s "$_[0]{dir}/error.log" || 0 }


# nginx's processes below a master, by title
sub _children {
    my ($pid, $title) = @_;
    my @found;

    opendir my $proc, '/proc' or die "/proc: $!\n";

    for my $p (grep { /^\d+$/ } readdir $proc) {
        my $stat = slurp("/proc/$p/stat") or next;
        my ($state, $parent) = $stat =~ /^\d+ \(.*\) (\S) (\d+)/ or next;
        next unless $parent == $pid && $state ne 'Z';
        push @found, $p if slurp("/proc/$p/cmdline") =~ $title;
    }

    @found = sort { $a <=> $b } @found;
    return @found;
}


sub workers {
    my ($self, $master) = @_;
    $master ||= $self->{pid} or return ();
    return _children($master, qr/worker process(?! is shutting)/);
}


sub old_workers {
    my ($self) = @_;
    return map { _children($_, qr/worker process is shutting down/) } grep { $_ } $self->{pid}, @{ $self->{old} };
}


# begins a reload; returns what is true once the new workers are there
sub reloading {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->workers;

    kill HUP => $self->{pid};

    # old ones take connections until they are told to leave
    return sub {
        my @now = $self->workers;
        return @now == $self->{workers} && !grep { $old{$_} } @now;
    };
}


sub reload {
    my ($self) = @_;
    wait_for('new workers', 20, $self->reloading);
}


# starts the new binary beside the old one; returns what gives its master's pid once its workers are there
sub upgrading {
    my ($self) = @_;
    my $old = $self->{pid};

    kill USR2 => $old;

    return sub {
        return 0 unless -s "$self->{dir}/nginx.pid.oldbin" && -s "$self->{dir}/nginx.pid";
        my $pid = slurp("$self->{dir}/nginx.pid") + 0;
        return $pid != $old && $self->workers($pid) == $self->{workers} ? $pid : 0;
    };
}


# the old master is told to leave; its workers stay as long as they have a reason to
sub upgraded {
    my ($self, $new) = @_;
    my $old = $self->{pid};

    kill QUIT => $old;
    push @{ $self->{old} }, $old;
    $self->{pid} = $new;

    return $old;
}


sub upgrade {
    my ($self) = @_;
    return $self->upgraded(wait_for('the new binary', 20, $self->upgrading));
}


# runs the code while this worker alone can take connections: the others stand still; each of them is given
# one that it will take later, since the kernel may think it the one to wake
sub on_worker {
    my ($self, $pid, $code) = @_;
    my @others = grep { $_ != $pid } $self->workers;

    kill STOP => @others;
    sleep 0.02;
    my @bait = map { my $port = $_; map { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) } @others }
        @$self{qw(http_port rtmp_port)};

    my @value = eval { wantarray ? $code->() : scalar $code->() };
    my $error = $@;
    kill CONT => @others;

    die $error if $error;
    return wantarray ? @value : $value[0];
}


# ffmpeg as a publisher whose connection is this worker's
sub publish_on {
    my ($self, $worker, $key, %shape) = @_;
    require Live::Publisher;
    my $stream = $self->{keys} ? $self->{keys}{$key} : $key;
    my $mark = $self->mark;

    return $self->on_worker($worker, sub {
        my $p = Live::Publisher->start(url => $self->rtmp_url($key), %shape);
        $self->wait_log(qr/\[info\] $worker#.* live publish started, stream: "\Q$stream\E"/, 20, $mark);
        $p;
    });
}


# the worker that took the stream's last publisher
sub publisher_worker {
    my ($self, $stream) = @_;
    my @workers = $self->log =~ /\[info\] (\d+)#[^\n]* live publish started, stream: "\Q$stream\E"/g;
    return $workers[-1];
}


# kills one of our workers; returns what gives the pid of the one that takes its place
sub killing_worker {
    my ($self, $pid) = @_;
    my %old = map { $_ => 1 } $self->workers;
    die "$pid is no worker of ours\n" unless $old{$pid};

    $self->allow(qr/worker process $pid exited on signal 9/);
    kill KILL => $pid;

    return sub {
        my ($new) = grep { !$old{$_} } $self->workers;
        return $new;
    };
}


sub kill_worker {
    my ($self, $pid) = @_;
    return wait_for('a new worker', 10, $self->killing_worker($pid));
}


# true for one that has ended, be it that nobody has asked for its status
sub gone {
    my ($pid) = @_;
    return !kill(0, $pid) || slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) Z/;
}


# TERM, or QUIT for a graceful end; then the logs and what is left are looked at
sub stop {
    my ($self, $signal) = @_;
    return unless $self->{pid};

    my @masters = (@{ $self->{old} }, $self->{pid});
    my @workers = map { _children($_, qr/worker process/) } @masters;

    kill $signal || 'TERM', $_ for @masters;

    my $gone = eval {
        wait_for('nginx to stop', 40, sub {
            waitpid $_, POSIX::WNOHANG() for @masters;
            return !grep { !gone($_) } @masters, @workers;
        });
    };

    Test::More::ok($gone, "$self->{name}: nginx stops") or $self->_kill(@masters, @workers);

    delete $self->{pid};
    @running = grep { $_ != $self } @running;

    $self->check_log;
    $self->check_store unless $self->{keep_store};
    $self->_clean;
}


sub check_log {
    my ($self) = @_;
    my @bad;

    for my $line (map { split /\n/, slurp("$self->{dir}/$_") } qw(error.log stderr)) {
        next unless $line =~ /\[(?:alert|crit|emerg)\]|Sanitizer|runtime error:/;
        next if grep { $line =~ $_ } @{ $self->{allow} };
        push @bad, $line;
    }

    if (!Test::More::is(scalar @bad, 0, "$self->{name}: no alert in the log")) {
        Test::More::diag(join "\n", @bad > 20 ? (@bad[0 .. 19], '...') : @bad);
        my ($report) = ($self->log . slurp("$self->{dir}/stderr")) =~ /(==\d+==ERROR:.{0,4000})/s;
        Test::More::diag($report) if $report;
        $self->{keep} = 1;
    }
}


sub left {
    my ($self) = @_;
    return () unless -e $self->{store_path};
    require File::Find;
    my @left;
    # what is there may go while it is looked at
    local $SIG{__WARN__} = sub { };
    File::Find::find({ no_chdir => 1, wanted => sub { push @left, $_ if $_ ne $self->{store_path} } }, $self->{store_path});
    return @left;
}


sub check_store {
    my ($self) = @_;
    my @left = $self->left;
    Test::More::is(join(' ', @left), '', "$self->{name}: nothing is left in the store's directory");
}


# the files of streams that exist now: media only
sub files {
    my ($self) = @_;
    return grep { /\.(?:m4s|mp4)$/ } $self->left;
}


sub _kill {
    my ($self, @pids) = @_;
    kill KILL => $_ for @pids;
    sleep 0.2;
    waitpid $_, POSIX::WNOHANG() for @pids;
}


sub _clean {
    my ($self) = @_;
    return if $self->{owner} != $$;
    if ($self->{keep} || $ENV{LIVE_TEST_KEEP}) {
        Test::More::diag("kept: $self->{dir}");
        return;
    }
    remove_tree($self->{dir}, $self->{keep_store} ? () : $self->{store_path});
}


# a test that died leaves nothing running
END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } @running) {
        my @masters = grep { $_ } @{ $self->{old} }, $self->{pid};
        my @workers = map { _children($_, qr/worker process/) } @masters;
        kill TERM => @masters;
        my $end = now() + 5;
        while (now() < $end) {
            waitpid $_, POSIX::WNOHANG() for @masters;
            last unless grep { kill 0, $_ } @masters, @workers;
            sleep 0.05;
        }
        $self->_kill(@masters, @workers);
        Test::More::diag("error.log of $self->{dir}:\n" . tail($self->log, 30)) if $status;
        remove_tree($self->{store_path});
        $self->{keep} = 1 if $status;
        $self->_clean;
    }
    $? = $status;
}


1;
