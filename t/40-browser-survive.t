#!/usr/bin/perl

# A reload, dead workers and a server that stands still: the page plays on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('survive');
