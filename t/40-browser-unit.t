#!/usr/bin/perl

# The web page's unit tests, which need no browser.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Test::More;
use Browser qw(node);
use Live::Util qw(root);

node(120, {}, undef, root() . '/web/test/run.mjs', '--tap');
done_testing();
