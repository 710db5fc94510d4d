package Bench::Load;

# The load generator, compiled when it is stale, and the video it publishes.

use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp ();
use Live::Util qw(reap root slurp spawn wait_for);

my @running;

my $SECONDS = 16;


sub directory { return root() . '/.build/bench' }
sub binary    { return directory() . '/load' }


sub build {
    my $from = root() . '/bench/load';
    my @sources = glob "$from/*.[ch]";

    make_path(directory());
    return unless !-e binary() || grep { -M $_ < -M binary() } @sources;

    my $log = directory() . '/build.log';
    unlink $log;
    my $status = reap(spawn($log, qw(gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -o), binary(), grep { /\.c$/ } @sources), 60);
    die "the load generator does not compile:\n" . slurp($log) unless defined $status && $status == 0;
}


# 720p30 at about 2.7 Mb/s with AAC: what an encoder sends. 16 s hold whole groups of pictures and a whole
# number of AAC frames, so that it can go round. Noise, since a mere test picture is too easy to reach the rate.
sub media {
    my $file = directory() . '/media.flv';
    return $file if -s $file;

    print "encoding the video (once) ...\n";

    my $log = directory() . '/media.log';
    unlink $log;
    my $status = reap(spawn($log, qw(ffmpeg -hide_banner -nostdin -loglevel error -y),
        '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t',
        '-f', 'lavfi', '-i', 'anoisesrc=sample_rate=48000:amplitude=0.1', '-t', $SECONDS,
        qw(-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0 -bf 0),
        qw(-b:v 2550k -maxrate 2550k -bufsize 2550k -c:a aac -b:a 128k -ac 2 -ar 48000 -f flv), "$file.new"), 180);
    die 'ffmpeg: ' . slurp($log) unless defined $status && $status == 0;

    rename "$file.new", $file or die "$file: $!\n";
    return $file;
}


# bits a second, of all there is in the file
sub media_rate { return 8 * (-s media()) / $SECONDS }


# starts a verb with options; an object to wait for
sub start {
    my ($class, $verb, %o) = @_;
    my (undef, $log) = File::Temp::tempfile('ngx-live-load-XXXXXX', TMPDIR => 1);
    my $self = bless { verb => $verb, output => $log, owner => $$ }, $class;

    $self->{pid} = spawn($log, binary(), $verb, map { "--$_=$o{$_}" } sort keys %o);
    push @running, $self;
    return $self;
}


# publishers to a server; they all have been let in when this returns
sub publish {
    my ($class, $server, %o) = @_;
    my $self = $class->start('publish', port => $server->{rtmp_port}, media => media(), %o);

    wait_for('publishers', 20, sub {
        return 1 if slurp($self->{output}) =~ /^ready$/m;
        die 'publishing: ' . slurp($self->{output}) if defined reap($self->{pid}, 0);
        return 0;
    });

    return $self;
}


# waits for its end; its figures, name => value
sub wait {
    my ($self, $seconds) = @_;
    my $status = reap($self->{pid}, $seconds);
    my $output = slurp($self->{output});

    die "load $self->{verb} does not end\n" unless defined $status;
    delete $self->{pid};
    $self->_forget;
    die "load $self->{verb} failed: $output\n" if $status != 0;

    return { $output =~ /(\w+)=(-?\d+)/g };
}


sub run {
    my ($class, $verb, %o) = @_;
    return $class->start($verb, %o)->wait(60 + ($o{warm} || 0) + ($o{seconds} || 0));
}


sub stop {
    my ($self) = @_;

    if (my $pid = delete $self->{pid}) {
        kill TERM => $pid;
        if (!defined reap($pid, 10)) {
            kill KILL => $pid;
            reap($pid, 5);
        }
    }

    $self->_forget;
}


sub _forget {
    my ($self) = @_;
    unlink $self->{output};
    @running = grep { $_ != $self } @running;
}


sub stop_all {
    my @mine = grep { $_->{owner} == $$ } @running;
    $_->stop for @mine;
}


1;
