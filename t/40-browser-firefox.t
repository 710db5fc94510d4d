#!/usr/bin/perl

# Firefox ESR plays, and goes on with a publisher who comes back.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('firefox');
