#!/usr/bin/perl

# Keys, names for screen readers, narrow screens, plain words.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('page');
