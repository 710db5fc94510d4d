#!/usr/bin/perl

# Pages lead where they say; what build.sh can do, what the URL parser reads and what the module answers is told.

use strict;
use warnings;
use File::Basename qw(basename dirname);
use Test::More;
use Live::Lint;

my $root = $ENV{LIVE_ROOT} || '.';
my @pages = files(qr/\.md$/);
my %exists = map { ($_ => 1) } files(qr/./);
$exists{$_} = 1 for map { my @up; my $d = $_; push @up, $d while ($d = dirname($d)) ne '.'; @up } keys %exists;

# ---- links

for my $page (@pages) {
    my $body = text($page) =~ s/^```.*?^```//msgr =~ s/`[^`\n]*`//gr;
    for my $link ($body =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ m{^[a-z]+://|^mailto:};
        my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
        my $to = length $path ? clean(dirname($page) . "/$path") : $page;
        ok($exists{$to}, "$page: $link leads to a file") or next;
        ok(scalar(grep { $_ eq $anchor } anchors($to)), "$page: $link leads to a heading") if defined $anchor;
    }
}

sub clean {
    my ($path) = @_;
    my @path;
    for (split m{/}, $path) {
        if ($_ eq '..') { pop @path } elsif ($_ ne '.' && length) { push @path, $_ }
    }
    return join '/', @path;
}

# as they are made for headings
sub anchors {
    my ($page) = @_;
    my $body = text($page) =~ s/^```.*?^```//msgr;
    return map { lc(s/`//gr) =~ s/[^\w\- ]//gr =~ s/ /-/gr } $body =~ /^#+ +(.*?)\s*$/mg;
}

# ---- the README

my $readme = text('README.md') || '';
my %told = map { ($_ => 1) } $readme =~ m{\]\((docs/[^)#]+|CONTRIBUTING\.md)\)}g;
is(join(' ', sort keys %told), join(' ', sort(files(qr{^docs/.*\.md$}), 'CONTRIBUTING.md')), 'README.md lists the pages in docs/');

my ($order) = $readme =~ /(^The code in reading order:.*?)\n\n/ms;
my @order = ($order || '') =~ m{`([\w/.]+)`}g;
cmp_ok(scalar @order, '>', 4, 'README.md has an order to read the code in');
for my $path (@order) {
    my $to = $path =~ s{/$}{}r;
    ok($exists{$to} || $exists{"ngx_live_module/$to"}, "README.md: $path exists");
}

# paths in code spans of the other pages, from the root or a room
for my $page (@pages) {
    for my $path (text($page) =~ m{`((?:ngx_live_module|t|web|docs|build|conf|bench|packaging)/[\w./-]+)`}g) {
        my $to = $path =~ s{/$}{}r;
        next if $to =~ m{^web/(?:dist|node_modules)|^t/build$};
        ok($exists{$to}, "$page: $path exists");
    }
}

# ---- build.sh

my @shell = ('build.sh', files(qr{^build/\w+\.sh$}));
my $shell = join "\n", map { text($_) } @shell;
my $help = qx('$root/build.sh' help);
is($?, 0, './build.sh help');
my $manual = $readme . (text('CONTRIBUTING.md') || '');

my ($case) = text('build.sh') =~ /case \$verb in\n(.*?)\n\s*esac/s;
my @verbs = grep { $_ ne 'help' } ($case || '') =~ /^\s*(\w+)(?:\||\))/mg;
cmp_ok(scalar @verbs, '>', 5, 'there are verbs');
for my $verb (@verbs) {
    ok($help =~ /^  $verb\s/m, "help has the verb $verb");
    ok($manual =~ m{build\.sh $verb\b}, "README.md or CONTRIBUTING.md has the verb $verb");
}
my %verb = map { ($_ => 1) } @verbs;
ok($verb{$_}, "the verb $_ of help exists") for $help =~ /^  ([a-z]+)  /mg;

my %option = map { ($_ => 1) } $shell =~ /^\s*(--[a-z-]+)(?:=\*)?\)/mg;
ok(index($help, $_) >= 0, "help has the option $_") for sort keys %option;
ok(index($manual, $_) >= 0, "README.md or CONTRIBUTING.md has the option $_") for sort keys %option;
ok($option{$_}, "the option $_ of help exists") for $help =~ /(--[a-z-]+)/g;

my %setting = map { ($_ => 1) } $shell =~ /\$\{(LIVE_[A-Z_]+):-/g;
for my $name (sort keys %setting) {
    ok($help =~ /\b$name\b/, "help has the setting $name");
    ok($manual =~ /\b$name\b/, "README.md or CONTRIBUTING.md has the setting $name");
}
ok($shell =~ /\$\{?$_\b/, "the setting $_ of help exists") for $help =~ /\b(LIVE_[A-Z_]+)\b/g;

# ---- what is served

my ($head) = (text('ngx_live_module/http/ngx_live_http_url.c') || '') =~ m{\A/\*(.*?)\*/}s;
my @routes = ($head || '') =~ /^ \*\s+(\{stream\}\S*)$/mg;
cmp_ok(scalar @routes, '>', 3, 'the URL parser has routes');
my %page;
for (table('docs/playing.md')) {
    my ($section, @cells) = @$_;
    $page{$section}{$_} = 1 for $section eq 'Answers' ? $cells[0] =~ /(\d{3})/g : $cells[0] =~ /`([^`]+)`/g;
}
is(join("\n", sort map { m{^/live/(\{.*)} ? $1 : () } keys %{ $page{URLs} }), join("\n", sort @routes), 'docs/playing.md has the same');

my %number = (OK => 200, NO_CONTENT => 204, PARTIAL_CONTENT => 206, NOT_MODIFIED => 304, BAD_REQUEST => 400, FORBIDDEN => 403,
    NOT_FOUND => 404, NOT_ALLOWED => 405, INTERNAL_SERVER_ERROR => 500, SERVICE_UNAVAILABLE => 503);
my %status;
for my $path (files(qr{^ngx_live_module/http/.*\.c$})) {
    my $c = code($path);
    for my $name ($c =~ /\bNGX_HTTP_([A-Z_]+)\b/g) { $status{ $number{$name} } = 1 if $number{$name} }
    $status{$_} = 1 for $c =~ /#define NGX_LIVE_HTTP_\w+\s+([45]\d\d)$/mg;
}

# besides, what nginx makes of a range or a condition
my %nginx = map { ($_ => 1) } 206, 304, 412, 416;
ok($page{Answers}{$_}, "docs/playing.md has the status $_") for sort keys %status, 206, 416;
ok($status{$_} || $nginx{$_}, "the status $_ of docs/playing.md is sent") for sort keys %{ $page{Answers} };

done_testing;
