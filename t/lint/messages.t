#!/usr/bin/perl

# docs/troubleshooting.md has every line that the module logs at warn or above, with its level, what stands behind it where a
# lower room gives the reason, and every refusal that a publisher is sent; and nothing else.
# A conversion ("%V") is "…" there.

use strict;
use warnings;
use utf8;
use Test::More;
use Encode qw(decode);
use Live::Lint;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;

my %level = (EMERG => 'emerg', ALERT => 'alert', CRIT => 'crit', ERR => 'error', WARN => 'warn', NOTICE => 'notice', INFO => 'info');
my (%logged, %behind, %refused);

for my $path (files(qr{^ngx_live_module/.*\.c$})) {

    # level, log or cf, errno, text
    for my $call (calls($path, 'ngx_(?:conf_)?log_error')) {
        my ($line, $l, undef, undef, $format) = @$call;
        next if $path =~ m{/core/} && !$format;
        my ($level) = map { $level{$_} } $l =~ /^NGX_LOG_(\w+)$/;
        ok(defined $level, "$path:$line has a level");
        my @texts = map { plain($_) } literals($format, ngx_open_file_n => 'open()', ngx_close_file_n => 'close()');
        ok(scalar @texts, "$path:$line has a text");
        push @{ $logged{$_}{ $level || '' } }, "$path:$line" for @texts;
    }

    # what a directive is refused with: nginx puts its name before it
    $logged{"\"…\" directive $_"}{emerg} = [$path] for code($path) =~ /^\s+return "((?:[^"\\]|\\.)*)";/mg;

    for my $call (calls($path, '(?:ngx_)?snprintf')) {
        my ($line, $to, undef, $format) = @$call;
        push @{ $behind{$_} }, "$path:$line" for $to eq 'err' ? map { plain($_) } literals($format) : ();
    }

    for my $call (calls($path, 'ngx_live_ingest_refuse')) {
        my ($line, undef, $status, $text) = @$call;
        next unless $text && $text =~ /^"/;
        push @{ $refused{ join ' ', literals($status), literals($text) } }, "$path:$line";
    }
}

$logged{ s/\\"/"/gr } = delete $logged{$_} for grep { /\\"/ } keys %logged;

cmp_ok(scalar keys %logged, '>', 30, 'there are messages');
cmp_ok(scalar keys %behind, '>', 15, 'there are reasons');
cmp_ok(scalar keys %refused, '>', 3, 'there are refusals');

my (%docs, %reason, %refusal);

for (table('docs/troubleshooting.md')) {
    my ($section, @cells) = map { decode('UTF-8', $_) } @$_;
    if ($cells[0] =~ /^(?:emerg|alert|crit|error|warn|notice|info)$/ && $cells[1] =~ /^`(.+)`$/) {
        $docs{$1}{ $cells[0] } = 1;
    } elsif ($cells[0] =~ /^`(NetStream\.\S+)`$/) {
        my $status = $1;
        $refusal{"$status $1"} = 1 if $cells[1] =~ /^`(.+)`$/;
    } elsif ($cells[0] =~ /^`(.+)`$/) {
        $reason{$1} = 1;
    }
}

for my $text (sort keys %logged) {
    for my $level (sort keys %{ $logged{$text} }) {
        next if $level =~ /^(?:info|notice)$/;
        ok($docs{$text}{$level}, "logged at $level: $text") or diag("not there; from @{ $logged{$text}{$level} }");
    }
}

for my $text (sort keys %docs) {
    ok($logged{$text}{$_}, "is logged at $_: $text") for sort keys %{ $docs{$text} };
}

for ([\%behind, \%reason, 'reason'], [\%refused, \%refusal, 'refusal']) {
    my ($code, $page, $what) = @$_;
    ok($page->{$_}, "$what is told: $_") or diag("not there; from @{ $code->{$_} }") for sort keys %$code;
    ok($code->{$_}, "$what exists: $_") for sort keys %$page;
}

sub plain {
    my ($s) = @_;
    $s =~ s/%[-+.\d]*(?:ui|uD|uL|l{1,2}[udx]|[a-zA-Z])/…/g;
    return $s;
}

done_testing;
