#!/usr/bin/perl

# Offline, ended, gone, and a new broadcast: the page starts by itself.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";
use Browser qw(browser_test);

browser_test('ended', app => 'live_linger 3s; live_segment 1s; live_window 8s;');
