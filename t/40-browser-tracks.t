#!/usr/bin/perl

# Sound alone, picture alone, sound that stops, few frames.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('tracks', app => 'live_linger 3s; live_segment 1s; live_window 12s;', seconds => 300);
