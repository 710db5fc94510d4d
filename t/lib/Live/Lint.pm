package Live::Lint;

# What the tests in t/lint share: the checkout's files, and a coarse reading of C.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Exporter qw(import);

our @EXPORT = qw(files text lines code functions calls literals table);

my $root = $ENV{LIVE_ROOT} || abs_path(dirname(__FILE__) . '/../../..');
my (@all, %text);


# paths, from the root, of the checkout's files that match
sub files {
    my ($match) = @_;

    if (!@all) {
        open my $git, '-|', 'git', '-c', 'safe.directory=*', '-C', $root, 'ls-files', '-z', '-c', '-o', '--exclude-standard'
            or die "git: $!\n";
        local $/ = "\0";
        my %seen;
        while (my $path = <$git>) {
            chomp $path;
            $seen{$path} = 1 if -f "$root/$path" && !-l "$root/$path";
        }
        close $git or die "git ls-files failed\n";
        @all = sort keys %seen;
    }

    return grep { $_ =~ $match } @all;
}


# undef: there is none
sub text {
    my ($path) = @_;

    if (!exists $text{$path}) {
        $text{$path} = undef;
        if (open my $file, '<', "$root/$path") {
            local $/;
            $text{$path} = <$file> // '';
        }
    }

    return $text{$path};
}


sub lines { return split /\n/, text($_[0]) // '', -1 }


# C without its comments; every line stays where it is
sub code {
    my ($path) = @_;
    my $c = text($path);

    $c =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(/\*.*?\*/|//[^\n]*)}{ defined $1 ? $1 : _blank($2) }gse;

    return $c;
}


sub _blank {
    my ($s) = @_;
    $s =~ s/[^\n]/ /g;
    return $s;
}


# [name, first line, lines] of each function of C, Perl and shell, and of TypeScript's at the top level: "}" at the first
# column ends it
sub functions {
    my ($path) = @_;
    my $source = $path =~ /\.[ch]$/ ? code($path) : text($path);
    my $head = $path =~ /\.[ch]$/ ? qr/(?:[a-z_][\w *]*[ *])?([a-z_]\w*)\([^;{}]*\)\s*\n\{/
        : $path =~ /\.(?:t|pm)$/   ? qr/sub (\w+) \{/
        : $path =~ /\.sh$/         ? qr/(\w+)\(\) \{/
        :                            qr/(?:export )?(?:default )?(?:async )?function (\w+)[^\n]*/;
    my @functions;

    while ($source =~ /^$head\n.*?^\}/msg) {
        my $length = 1 + (substr($source, $-[0], $+[0] - $-[0]) =~ tr/\n//);
        push @functions, [$1, 1 + (substr($source, 0, $-[0]) =~ tr/\n//), $length];
    }

    return @functions;
}


# each call of a function in C: [line, arguments ...], as they are written
sub calls {
    my ($path, $function) = @_;
    my $c = code($path);
    my @calls;

    while ($c =~ /\b$function\(/g) {
        my ($at, $depth, $string) = (pos($c), 1, '');
        my $line = 1 + (substr($c, 0, $at) =~ tr/\n//);
        my @args = ('');

        while ($depth && $c =~ /\G("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.)/gcs) {
            my $token = $1;
            $depth++ if $token =~ /^[(\[{]$/;
            $depth-- if $token =~ /^[)\]}]$/;
            if ($depth == 1 && $token eq ',') { push @args, '' } elsif ($depth) { $args[-1] .= $token }
        }

        s/^\s+|\s+$//g for @args;
        push @calls, [$line, @args];
    }

    return @calls;
}


# the string literals in an expression of C: those that stand side by side are one; macros have their value
sub literals {
    my ($expression, %macros) = @_;
    my @found;

    $expression =~ s/\b$_\b/"$macros{$_}"/g for keys %macros;

    while ($expression =~ /((?:"(?:\\.|[^"\\])*"\s*)+)/g) {
        my $joined = join '', $1 =~ /"((?:\\.|[^"\\])*)"/g;
        $joined =~ s/\\(["\\])/$1/g;
        push @found, $joined;
    }

    return @found;
}


# the rows of all tables of a page: [section, cells ...]
sub table {
    my ($path) = @_;
    my ($section, @rows) = ('');

    for my $line (lines($path)) {
        $section = $1 if $line =~ /^#+ (.*)/;
        next unless $line =~ /^\|(.*)\|\s*$/;
        my @cells = split /(?<!\\)\|/, $1, -1;
        s/^\s+|\s+$//g, s/\\\|/|/g for @cells;
        next if !grep { !/^:?-+:?$/ } @cells;
        push @rows, [$section, @cells] if grep { length } @cells;
    }

    return @rows;
}


1;
