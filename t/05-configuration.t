#!/usr/bin/perl

# What a configuration may say and what is refused, with the line that says why; two stores in one nginx.

use strict;
use warnings;
use File::Path qw(remove_tree);
use Test::More;
use Live::HLS;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::Util qw(free_port wait_for);

# nginx -t of a configuration with these options
sub try {
    my (%o) = @_;
    my $n = Live::Nginx->new(%o);
    $n->{$_} = free_port() for qw(http_port rtmp_port);
    $n->write_conf;
    my ($ok, $out) = $n->test_conf;
    ok(!-e $n->{store_path}, 'nginx -t makes no store') if $ok;
    remove_tree($n->dir);
    return ($ok, $out);
}


# ---- accepted

for my $case (
    ['defaults', {}],
    ['the shortest parts', { app => 'live_part 100ms; live_segment 500ms max=500ms; live_window 3s;' }],
    ['the longest parts', { app => 'live_part 2s; live_segment 2s; live_window 1m;' }],
    ['long segments', { app => 'live_segment 30s max=60s; live_window 3m;' }],
    ['max= in fractions', { app => 'live_segment 2s max=2500ms; live_window 9s;' }],
    ['a window in bytes', { app => 'live_window 30s size=64k;' }],
    ['all of the times off', { app => 'live_linger 0s; live_idle 0s;' }],
    ['the most streams', { store => 'streams=4096 size=1m' }],
    ['off, and off again elsewhere', { apps => 'application other { live_ingest off; live_window 1s; }', server => 'location /x/ { live_hls off; }' }],
    ['inherited from rtmp {}', { rtmp => 'live_segment 1s; live_part 200ms; live_window 12s; live_publish open;', app => 'live_linger 1s;' }],
) {
    my ($what, $o) = @$case;
    my ($ok, $out) = try(%$o);
    ok($ok, "accepted: $what") or diag($out);
}


# ---- refused

for my $case (
    ['a part too short', { app => 'live_part 99ms;' }, qr/live_part must be 100ms to 2s, it is 99ms/],
    ['a part too long', { app => 'live_part 2001ms;' }, qr/live_part must be 100ms to 2s, it is 2001ms/],
    ['a part that is no time', { app => 'live_part soon;' }, qr/"live_part" directive invalid value/],
    ['a part twice', { app => 'live_part 1s; live_part 1s;' }, qr/"live_part" directive is duplicate/],
    ['a segment too short', { app => 'live_segment 499ms;' }, qr/live_segment must be 500ms to 30s .* it is 499ms/],
    ['a segment too long', { app => 'live_segment 31s; live_window 10m;' }, qr/live_segment must be 500ms to 30s .* it is 31000ms/],
    ['a segment shorter than a part', { app => 'live_part 2s; live_segment 1s;' }, qr/live_segment must be .* at least live_part, it is 1000ms/],
    ['a segment that is no time', { app => 'live_segment long;' }, qr/"live_segment" directive has an invalid time/],
    ['max= below the segment', { app => 'live_segment 4s max=3s;' }, qr/live_segment's max must be at least its length .* it is 3000ms/],
    ['max= of more than a minute', { app => 'live_segment 4s max=61s; live_window 200s;' }, qr/live_segment's max .* it is 61000ms/],
    ['max= that is none', { app => 'live_segment 4s max=;' }, qr/"live_segment" directive has /],
    ['another parameter of live_segment', { app => 'live_segment 4s min=1s;' }, qr/second parameter that is not max=TIME/],
    ['a window too short', { app => 'live_window 11s;' }, qr/live_window 11s is less than three times the longest segment, 4s/],
    ['a window too long', { app => 'live_window 121s;' }, qr/live_window 121s is more than 60 segments/],
    ['a window in too few bytes', { app => 'live_window 30s size=65535;' }, qr/"live_window" directive has a size= that is not 64k or more/],
    ['another parameter of live_window', { app => 'live_window 30s max=3;' }, qr/second parameter that is not size=BYTES/],
    ['a way to publish that is none', { app => 'live_publish anybody;', keys => { k => 's' } }, qr/invalid value "anybody"/],
    ['live_ingest twice', { app => 'live_ingest on;' }, qr/"live_ingest" directive is duplicate/],
    ['live_ingest yes', { apps => 'application x { live_ingest yes; }' }, qr/"live_ingest" directive must be "on" or "off"/],
    ['another parameter of live_ingest', { apps => 'application x { live_ingest on shop=test; }' }, qr/parameter that is not store=NAME/],
    ['live_ingest of a store that is not there', { apps => 'application x { live_ingest on store=other; }' },
        qr/live store "other" is used but not defined/],
    ['live_hls twice', { location => 'live_hls on;' }, qr/"live_hls" directive is duplicate/],
    ['live_hls yes', { server => 'location /x/ { live_hls yes; }' }, qr/"live_hls" directive must be "on" or "off"/],
    ['live_hls in server {}', { server => 'live_hls on;' }, qr/"live_hls" directive is not allowed here/],
    ['live_hls of a store that is not there', { server => 'location /x/ { live_hls on store=other; }' }, qr/live store "other" is used but not defined/],
    ['no streams', { store => 'streams=0' }, qr/streams must be 1 to 4096 in "streams=0"/],
    ['too many streams', { store => 'streams=4097' }, qr/streams must be 1 to 4096 in "streams=4097"/],
    ['a store of no size', { store => 'size=1023k' }, qr/size must be 1m or more in "size=1023k"/],
    ['another parameter of live_store', { store => 'colour=red' }, qr/invalid parameter "colour=red"/],
    ['a store without a path', { main => 'live_store other streams=1;' }, qr/live_store "other" needs path=DIRECTORY/],
    ['a store twice', { main => 'live_store test path=/dev/shm/ngxlt-never;' }, qr/live_store "test" is already defined in .*nginx\.conf:\d+/],
) {
    my ($what, $o, $why) = @$case;
    my ($ok, $out) = try(%$o);
    ok(!$ok, "refused: $what");
    like($out, $why, "$what: the line says why");
    like($out, qr/\[emerg\]/, "$what: as an emergency");
}


# ---- two stores: streams of one name are two

{
    my $nginx = Live::Nginx->new(name => "two stores", keys => undef,
        apps => "application second { live_ingest on store=test; live_publish open; live_idle 0s; }",
        server => 'location /second/ { live_hls on store=test; }');

    # the first that is read is the one without a name
    my $path = "$nginx->{store_path}-1";
    $nginx->{main} .= "live_store first path=$path;";
    $nginx->start;

    my $http = Live::HTTP->new(port => $nginx->{http_port});
    my %size = (live => '320x180', second => '160x90');
    my @publishers = map { Live::Publisher->start(url => $nginx->rtmp_url('same', $_), size => $size{$_}, seconds => 20) } sort keys %size;

    for my $place (sort keys %size) {
        my $r;
        wait_for("the stream of $place", 10, sub { $r = $http->get("/$place/same/index.m3u8"); $r->{status} == 200 });
        is(Live::HLS::multivariant($r->{body})->{variants}[0]{RESOLUTION}, $size{$place}, "$place: the stream of its store");
    }

    ok($publishers[1]->alive, 'live_idle 0s: no publisher is idle');
    unlike($nginx->log, qr/sent nothing/, 'nor said to be');

    $publishers[1]->stop;
    is($http->get('/live/same/v.m3u8')->{status}, 200, 'the other goes on');
    $publishers[0]->stop;
    $nginx->stop;
    ok(!-e $path, 'the other store is gone too');
}

done_testing;
