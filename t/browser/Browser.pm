package Browser;

# A server with the web page for a test program written for node, whose TAP becomes part of ours.
# A line "@ VERB N" of the program is a wish about the server; the file N says that it was granted.

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Live::Nginx;
use Live::Util qw(root spew);

our @EXPORT_OK = qw(node browser_test);


sub _need {
    my ($path, $how) = @_;
    BAIL_OUT("$path is missing: $how") unless -e $path;
}


# runs node with these arguments and environment, no longer than so many seconds; its tests are counted as ours;
# wish is called with the verb and the number of each wish
sub node {
    my ($seconds, $env, $wish, @command) = @_;
    my ($tests, $plan) = (0, undef);
    my @notes;

    local %ENV = (%ENV, %$env);
    my $pid = open my $out, '-|';
    die "fork: $!\n" unless defined $pid;

    if (!$pid) {
        setpgrp;
        exec { 'node' } 'node', @command;
        exit 127;
    }

    my $late = 0;
    local $SIG{ALRM} = sub { $late = 1; kill TERM => -$pid; alarm 5; $SIG{ALRM} = sub { kill KILL => -$pid } };
    alarm $seconds;

    while (my $line = <$out>) {
        chomp $line;

        if ($line =~ /^(not )?ok \d+(?: - (.*))?$/) {
            $tests++;
            ok(!$1, $2);
        } elsif ($line =~ /^1\.\.(\d+)/) {
            $plan = $1;
        } elsif ($line =~ /^@ (\w+) (\d+)$/ && $wish) {
            $wish->($1, $2);
        } elsif ($line =~ /^# (.*)/) {
            note($1);
        } else {
            push @notes, $line;
        }
    }

    close $out;
    alarm 0;

    ok(!$late, "@command: within $seconds s");
    is($tests, $plan, "@command: all of its tests were run");
    diag(join "\n", @notes) if @notes && !Test::More->builder->is_passing;
}


# the publisher may still be with a worker from before a reload
sub _kill_all {
    my ($nginx) = @_;

    for my $pid ($nginx->old_workers) {
        $nginx->allow(qr/worker process $pid exited on signal 9/);
        kill KILL => $pid;
    }

    $nginx->kill_worker($_) for $nginx->workers;
}


# one program of t/browser, with a server of its own; options as Live::Nginx has them, and seconds
sub browser_test {
    my ($program, %o) = @_;
    my $root = root();
    my $seconds = delete $o{seconds} || 180;

    _need("$root/web/dist/index.html", './build.sh build');
    _need("$root/t/browser/node_modules", 'npm ci in t/browser');

    my $nginx = Live::Nginx->new(
        https  => 1,
        http   => 'types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }',
        %o,
    );

    # nginx's workers may be somebody who cannot read the checkout
    my $dir = $nginx->dir;
    system('cp', '-r', "$root/web/dist", "$dir/web") == 0 or die "cannot copy web/dist\n";
    system('chmod', '-R', 'a+rX', "$dir/web");

    $nginx->{server} .= "root $dir/web; location / { try_files \$uri /index.html; }";
    $nginx->start;

    my %verbs = (
        reload  => sub { $nginx->reload },
        upgrade => sub { $nginx->upgrade },
        kill    => sub { _kill_all($nginx) },
        freeze  => sub { kill STOP => $nginx->workers },
        thaw    => sub { kill CONT => $nginx->workers },
    );

    my $wish = sub {
        my ($verb, $n) = @_;
        note($verb);
        ($verbs{$verb} || die "no verb \"$verb\"\n")->();
        spew("$dir/wish-$n", 'done');
    };

    node($seconds, {
        LIVE_HTTP_URL    => $nginx->url(''),
        LIVE_HTTPS_URL   => $nginx->https_url(''),
        LIVE_PUBLISH_URL => $nginx->rtmp_url('secret'),
        LIVE_WISHES      => "$dir/wish-",
        STREAM           => 'demo',
    }, $wish, "$root/t/browser/$program.mjs");

    $nginx->stop;
    done_testing();
}


1;
