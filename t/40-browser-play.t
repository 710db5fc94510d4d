#!/usr/bin/perl

# Chromium plays the watch page over HTTP and HTTP/2.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('play');
