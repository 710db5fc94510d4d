#!/usr/bin/perl

# A publisher who comes back within live_linger: the same player goes on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('restart');
