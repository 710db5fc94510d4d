package Live::Tmpfs;

# A small file system of a test's own, to be filled up; unmounted when the test ends.

use strict;
use warnings;
use Live::Util qw(reap slurp spawn temp_dir);

my @mounted;


# of so many kilobytes; users without the right to mount need a sudo that does not ask
sub new {
    my ($class, $kb) = @_;
    my @sudo = $> == 0 ? () : ('sudo', '-n');
    my $self = bless { dir => temp_dir('ngxf-XXXXXX'), sudo => \@sudo, owner => $$ }, $class;
    my $log = "$self->{dir}.log";
    my $status = reap(spawn($log, @sudo, qw(mount -t tmpfs -o), "size=${kb}k,mode=0755,uid=$>", 'tmpfs', $self->{dir}), 10);
    my $said = slurp($log);
    unlink $log;

    if (!defined $status || $status) {
        rmdir $self->{dir};
        die "cannot mount a tmpfs, which takes root or a sudo that does not ask: $said\n";
    }

    push @mounted, $self;
    return $self;
}


sub dir { return $_[0]{dir} }


# up to the last page, but for so many kilobytes; returns the bytes that went in
sub fill {
    my ($self, $but) = @_;
    my $file = "$self->{dir}/ballast";
    open my $fh, '>>', $file or die "$file: $!\n";
    my $sum = 0;
    while (my $n = syswrite $fh, 'x' x 4096) { $sum += $n }
    close $fh;
    truncate $file, (-s $file) - $but * 1024 if $but;
    return $sum;
}


sub drain { my ($self) = @_; unlink "$self->{dir}/ballast" or die "$self->{dir}/ballast: $!\n" }


# bytes
sub free { my ($self) = @_; return (`df --output=avail -B1 $self->{dir}` =~ /(\d+)\s*$/)[0] }


sub umount {
    my ($self) = @_;
    return if $self->{gone}++ || $self->{owner} != $$;
    system @{ $self->{sudo} }, 'umount', '-l', $self->{dir};
    rmdir $self->{dir};
}


# a lazy unmount: whoever is still in it keeps it for as long
END {
    my $status = $?;
    $_->umount for @mounted;
    $? = $status;
}


1;
