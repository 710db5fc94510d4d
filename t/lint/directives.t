#!/usr/bin/perl

# The directives of the code and those of docs/directives.md are the same, with their contexts, arguments and defaults; no
# configuration shows one that does not exist.

use strict;
use warnings;
use Test::More;
use Live::Lint;

my @context = (
    [MAIN_CONF => 'main'], [RTMP_MAIN_CONF => 'rtmp'], [RTMP_SRV_CONF => 'server'], [RTMP_APP_CONF => 'application'],
    [HTTP_MAIN_CONF => 'http'], [HTTP_SRV_CONF => 'server'], [HTTP_LOC_CONF => 'location'],
);

my (%code, %merged);

for my $path (files(qr{^ngx_live_module/.*/ngx_\w+\.c$})) {
    my $c = code($path);

    while ($c =~ /\{\s*ngx_string\("(\w+)"\),\s*([A-Z_0-9|\s]+),\s*(\w+),\s*\w+,\s*(.*?),\s*[\w&]+\s*\},/gs) {
        my ($name, $flags, $offset) = ($1, $2, $4);
        my %flag = map { ($_ => 1) } $flags =~ /NGX_(\w+)/g;
        my ($take) = grep { /^CONF_/ } sort keys %flag;
        ok(!$code{$name}, "$name is in one table only");
        $code{$name} = {
            context => [map { $_->[1] } grep { $flag{ $_->[0] } } @context],
            take => $take, field => $offset =~ /,\s*(\w+)\)/ ? $1 : undef, path => $path,
        };
    }

    $merged{$1} = $2 while $c =~ /ngx_conf_merge_\w+\(conf->(\w+),\s*prev->\w+,\s*(\w+)\)/g;
}

my (%docs, $name);

for (table('docs/directives.md')) {
    my ($section, $key, $value) = @$_;
    $docs{$section}{ lc $key } = $value if $key =~ /^(?:Syntax|Default|Context)$/;
}

for my $line (lines('docs/directives.md')) {
    $docs{$1} ||= {} if $line =~ /^### (live_\w+)/;
}

cmp_ok(scalar keys %code, '>', 5, 'there are directives');
is(join(' ', sort keys %docs), join(' ', sort keys %code), 'those of the code are those of docs/directives.md');

for my $name (sort keys %code) {
    my ($c, $d) = ($code{$name}, $docs{$name} || {});
    ok(defined $d->{$_}, "$name: its $_ is told") for qw(syntax default context);

    (my $context = $d->{context} || '') =~ s/,? once .*//;
    is($context, join(', ', @{ $c->{context} }), "$name: contexts");

    my ($least, $most) = arguments($name, $d->{syntax} || '');
    my ($from, $to) = takes($c->{take});
    cmp_ok($least, '>=', $from, "$name: at least so many arguments");
    $to < 99 ? is($most, $to, "$name: at most so many") : cmp_ok($most, '>=', $least, "$name: at most so many");
    is($least, $from, "$name: so many at least, and not fewer") if $to < 99;

    # the directive's value, as it is merged when nobody wrote it
    my ($field) = grep { defined && exists $merged{$_} } $c->{field}, $name =~ /^live_(\w+)/;
    next unless defined $field;
    my ($default) = ($d->{default} || '') =~ /^(?:`$name )?(\w+)/;
    is(value($default), value($merged{$field}), "$name: default");
}

# how often code stands in examples: only with directives that exist
for my $path (files(qr{^conf/|^(?:docs/.*|README|CONTRIBUTING)\.md$})) {
    my $text = text($path);
    $text = join "\n", $text =~ /^```\w*\n(.*?)^```/msg if $path =~ /\.md$/;
    $text =~ s/#.*//g;
    my %unknown = map { ($_ => 1) } grep { !$code{$_} } $text =~ /(?:^|[{;])\s*(live_\w+)\s/mg;
    is(join(' ', sort keys %unknown), '', "$path: every directive exists");
}

sub arguments {
    my ($name, $syntax) = @_;
    my ($least, $most);

    for my $form ($syntax =~ /`([^`]+);`/g) {
        like($form, qr/^$name /, "$name: a form of it");
        my @words = split ' ', $form;
        shift @words;
        my $optional = grep { /^\[/ } @words;
        my $n = @words;
        $least = $n - $optional if !defined $least || $n - $optional < $least;
        $most = $n if !defined $most || $n > $most;
    }

    return ($least // -1, $most // -1);
}

sub takes {
    my ($take) = @_;
    return (1, 1) if $take eq 'CONF_FLAG';
    return ($1, 99) if $take =~ /^CONF_(\d)MORE$/;
    return (substr($1, 0, 1), substr($1, -1)) if $take =~ /^CONF_TAKE(\d+)$/;
    return (0, 0) if $take eq 'CONF_NOARGS';
    die "arguments of $take?\n";
}

# of a duration, an enumeration's name or a flag, in one form for code and page
sub value {
    my ($v) = @_;
    return '' unless defined $v;
    return $1 * { ms => 1, s => 1000, m => 60000 }->{$2} if $v =~ /^(\d+)(ms|s|m)$/;
    return lc $1 if $v =~ /^NGX_LIVE_[A-Z]+_(\w+)$/;
    return { on => 1, off => 0, none => 'NULL' }->{$v} // $v;
}

done_testing;
