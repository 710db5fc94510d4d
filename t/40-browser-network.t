#!/usr/bin/perl

# The viewer's network goes away and comes back.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('network', seconds => 240);
