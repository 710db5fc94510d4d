package Live::Publisher;

# ffmpeg as a broadcaster: a process of its own that sends a test picture and a tone, encoded once
# a shape and kept for the tests that follow.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use File::Temp ();
use Scalar::Util qw(weaken);
use Live::Util qw(spawn reap slurp wait_for);

my @running;


# an FLV file: seconds fps gop (frames) bframes size video audio (0: without) rate (Hz) channels bitrate
sub flv {
    my (%o) = @_;
    %o = (seconds => 60, fps => 30, gop => 60, bframes => 0, size => '320x180', video => 1, audio => 1, rate => 48000,
        channels => 2, bitrate => '300k', options => '', %o);

    my $dir = ($ENV{TMPDIR} || '/tmp') . "/ngx-live-media-$>";
    mkdir $dir;
    my $file = "$dir/" . md5_hex(join ' ', map { "$_=$o{$_}" } sort keys %o) . '.flv';
    return $file if -s $file;

    my (@in, @out);

    if ($o{video}) {
        push @in, '-f', 'lavfi', '-i', "testsrc2=size=$o{size}:rate=$o{fps}";
        push @out, qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p -sc_threshold 0), '-bf', $o{bframes}, '-g', $o{gop},
            '-keyint_min', $o{gop}, '-b:v', $o{bitrate}, '-threads', 1;
        push @out, qw(-b_strategy 0 -b-pyramid none) if $o{bframes};
    }

    if ($o{audio}) {
        push @in, '-f', 'lavfi', '-i', "sine=frequency=440:sample_rate=$o{rate}";
        push @out, qw(-c:a aac -b:a 64k), '-ac', $o{channels}, '-ar', $o{rate};
    }

    my $log = "$file.$$.log";
    my $status = reap(spawn($log, 'ffmpeg', qw(-hide_banner -nostdin -loglevel error -y), @in, @out,
        split(' ', $o{options}), '-t', $o{seconds}, '-f', 'flv', "$file.$$"), 120);
    die 'ffmpeg: ' . slurp($log) unless defined $status && $status == 0;
    unlink $log;
    rename "$file.$$", $file or die "$file: $!\n";

    return $file;
}


# url, and file or what flv() takes; args: more options of ffmpeg; loop: over and over
sub start {
    my ($class, %o) = @_;
    my %shape = %o;
    delete @shape{qw(url file args loop wait realtime)};

    my $self = bless { %o }, $class;
    my $file = $o{file} || flv(%shape);
    my ($fh, $log) = File::Temp::tempfile('ngx-live-pub-XXXXXX', TMPDIR => 1);

    $self->{log} = $log;
    $self->{owner} = $$;
    $self->{pid} = spawn($log, 'ffmpeg', qw(-hide_banner -nostdin -loglevel warning),
        (defined $o{realtime} && !$o{realtime} ? () : '-re'), ($o{loop} ? qw(-stream_loop -1) : ()), '-i', $file,
        qw(-c copy), @{ $o{args} || [] }, '-f', 'flv', $o{url});

    push @running, $self;
    weaken $running[-1];
    return $self;
}


sub pid { return $_[0]{pid} }


sub alive {
    my ($self) = @_;
    return 0 unless $self->{pid};
    return 1 unless defined reap($self->{pid}, 0);
    delete $self->{pid};
    return 0;
}


sub text { return slurp($_[0]{log}) }


# waits until it ends by itself
sub wait_end {
    my ($self, $seconds) = @_;
    return 1 unless $self->{pid};
    my $status = reap($self->{pid}, $seconds);
    delete $self->{pid} if defined $status;
    return defined $status;
}


# says goodbye
sub stop {
    my ($self) = @_;
    return unless $self->{pid};
    kill INT => $self->{pid};
    $self->wait_end(10) or $self->kill;
}


# says nothing
sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    CORE::kill(KILL => $pid);
    reap($pid, 5);
}


# hangs without closing: a half-open publisher
sub freeze {
    my ($self) = @_;
    CORE::kill(STOP => $self->{pid});
}


sub DESTROY {
    my ($self) = @_;
    return if ($self->{owner} || 0) != $$;
    $self->kill;
    unlink $self->{log} if $self->{log};
}


END {
    my $status = $?;
    for (@running) { $_->kill if $_ && $_->{owner} == $$ }
    $? = $status;
}


1;
