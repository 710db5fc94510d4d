#!/usr/bin/perl

# The browser's own HLS, where there are no Media Source Extensions.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('native', app => 'live_linger 8s;');
