#!/usr/bin/perl

# Who may publish, and what is said about it where: a key is in no log and no answer.

use strict;
use warnings;
use Test::More;
use Live::HTTP;
use Live::Nginx;
use Live::Publisher;
use Live::RTMP;
use Live::Util qw(now slurp spew wait_for);

my $long = join '', map { chr(ord('a') + $_ * 7 % 26) } 1 .. 4096;
my $almost = substr($long, 0, 300) . 'x';

my %keys = (
    'k3y-secret-one'         => 'one',
    $long                    => 'long',
    substr($long, 0, 300)    => 'prefix',
    'k3y-with?a=b&c=%20d/e'  => 'query',
    'k3y-dotted'             => 'a.b-c_D9',
);

my $nginx = Live::Nginx->new(level => 'debug', keys => \%keys, apps => "
        application closed { live_ingest on; }
        application open { live_ingest on; live_publish open; }
        application plain { live on; }")->start;

my $http = Live::HTTP->new(port => $nginx->{http_port});
my @sessions;

# the answer to a publish, in a session that stays
sub try {
    my ($key, %o) = @_;
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    push @sessions, $s;
    $s->connect_app($o{app} || 'live');
    $s->set_chunk_size(8192);
    $s->create_stream;
    return $s->publish($key, %o) || 'nothing';
}

my $start = 'NetStream.Publish.Start';
my $bad = 'NetStream.Publish.BadName';


# ---- let in

is(try('k3y-secret-one'), $start, 'a key');
is(try($long), $start, 'a key of 4 KB');
is(try(substr $long, 0, 300), $start, 'a key that is the beginning of another, longer than 255 bytes');
is(try('k3y-with?a=b&c=%20d/e'), $start, 'FM-CHUNK-14 a key with what URLs are made of, as it is');
is(try('k3y-dotted?param=1&token=x'), $start, 'FM-CHUNK-14 a key, and a query behind it');

for my $name (qw(one long prefix query a.b-c_D9)) {
    ok($nginx->wait_log(qr/live publish started, stream: "\Q$name\E"/, 5), "publishes \"$name\"");
}


# ---- refused

for my $case (['unknown', 'an unknown key'], ['', 'no key'], ['one', 'the name of a stream'], ['k3y-secret-on', 'the beginning of a key'],
    ['k3y-secret-onee', 'a key and a letter'], [$almost, 'a long key that is almost one'], [$long . 'x', 'a key of more than 4 KB'],
    ['x' x 60000, 'a key of 60 KB'], ["k3y-secret-one\0", 'a key and a zero byte'], ["\xff\xfe\n[alert]", 'bytes'],
    ['K3Y-SECRET-ONE', 'another case'])
{
    my ($key, $what) = @$case;
    is(try($key), $bad, "$what is refused");
}

my $refused = $sessions[-1];
ok($refused->closed(5), 'a refused session is ended');

is(try('demo', app => 'closed'), $bad, 'without live_keys and live_publish open nobody may publish');
is(try('anything', app => 'open'), $start, 'live_publish open');
is(try('anything?token=t0k3n-of-open', app => 'open'), $start, 'live_publish open, with a query');
is(try('../../etc', app => 'open'), $bad, 'live_publish open: a name of dots and slashes');
is(try('x' x 64, app => 'open'), $bad, 'live_publish open: a name of 64 bytes');
is(try('x' x 63, app => 'open'), $start, 'live_publish open: a name of 63 bytes');
is(try('.hidden', app => 'open'), $bad, 'live_publish open: a name that begins with a dot');
is(try("new\nline", app => 'open'), $bad, 'live_publish open: a name with a line feed');


# ---- odd commands

{
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [Live::RTMP::amf(undef), Live::RTMP::amf(5)], msid => $s->{msid});
    is($s->status(5), $bad, 'a key that is a number');

    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [], msid => $s->{msid});
    is($s->status(5), $bad, 'publish without arguments');

    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [Live::RTMP::amf(undef), "\x02\xff\xffshort"], msid => $s->{msid});
    is($s->status(5), $bad, 'a string that says more than it has');

    # FMLE sends publish once more behind Flash's
    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->set_chunk_size(8192);
    $s->create_stream;
    is($s->publish('k3y-secret-one'), $start, 'published');
    $s->command('publish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-secret-one')], msid => $s->{msid});
    is($s->status(1), undef, 'FM-CHUNK-11 a second publish in the same session is passed over');
    ok(!$s->closed(0.2), 'FM-CHUNK-11 and ends nothing');
    push @sessions, $s;

    # a long string needs no other type
    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [Live::RTMP::amf(undef), "\x0c" . pack('N/a', $long), Live::RTMP::amf_string('record')], msid => $s->{msid});
    is($s->status(5), $start, 'a key in a long string');
    push @sessions, $s;
}


# ---- commands in other orders (FM-CHUNK-11)

{
    # Flash: no releaseStream, publish on the stream; Haivision: FCPublish behind createStream, null left out
    my $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('FCPublish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-dotted')]);
    $s->command('releaseStream', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-dotted')]);
    is($s->publish('k3y-dotted'), $start, 'FM-CHUNK-11 FCPublish and releaseStream behind createStream');
    push @sessions, $s;

    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [Live::RTMP::amf_string('k3y-dotted'), Live::RTMP::amf_string('live')], msid => $s->{msid});
    is($s->status(5), $start, 'FM-CHUNK-11 publish without the null');
    push @sessions, $s;

    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    $s->connect_app('live');
    $s->create_stream;
    $s->command('publish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-dotted')], msid => $s->{msid});
    is($s->status(5), $start, 'FM-CHUNK-11 publish that says neither live nor record');
    push @sessions, $s;

    # Wirecast: the tcUrl has a trailing slash, fpad, several capabilities; onFCPublish is waited for
    $s = Live::RTMP->new(port => $nginx->{rtmp_port});
    ok($s->connect_app('live', flashVer => 'FMLE/3.0 (compatible; FMSc/1.0)', swfUrl => "rtmp://127.0.0.1/live/", fpad => \0,
        capabilities => 15, audioCodecs => 3191, videoCodecs => 252, videoFunction => 1), 'FM-CHUNK-12 FM-ENC-08 connect is answered');
    $s->command('releaseStream', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-dotted')]);
    $s->command('FCPublish', [Live::RTMP::amf(undef), Live::RTMP::amf_string('k3y-dotted')]);
    $s->create_stream;
    is($s->publish('k3y-dotted'), $start, 'FM-CHUNK-12 FM-ENC-08 and publish');
    is(scalar(grep { ($_->{command} || '') eq '_error' } @{ $s->{messages} }), 0, 'FM-CHUNK-12 nothing is answered with an error');
    push @sessions, $s;
}


# ---- ffmpeg sees that it is refused, at once

my $publisher = Live::Publisher->start(url => $nginx->rtmp_url('ff-wrong-key'));
ok($publisher->wait_end(5), 'ffmpeg ends when it is refused');
like($publisher->text, qr/\S/, 'and says so');


# ---- nginx-rtmp's own applications are as they were

$publisher = Live::Publisher->start(url => $nginx->rtmp_url('untouched', 'plain'));
wait_for('the plain application', 5, sub { slurp($nginx->dir . '/rtmp.log') =~ /./ || $nginx->log =~ /publish: name='untouched'/ });
ok($publisher->alive, 'an application without live_ingest publishes as before');
is($http->get('/live/untouched/index.m3u8')->{status}, 404, 'and its stream is none of ours');
$publisher->stop;

$_->close for @sessions;
wait_for('sessions to end', 5, sub { (() = $nginx->log =~ /live publish started/g) == (() = $nginx->log =~ /live publish ended/g) });

my $logs = join '', map { slurp($nginx->dir . "/$_") } qw(error.log access.log rtmp.log stderr);

for my $secret ('k3y-secret', 'k3y-with', 'k3y-dotted', substr($long, 0, 40), substr($long, 2000, 40), 't0k3n-of-open', 'ff-wrong-key', 'param=1') {
    my $at = index $logs, $secret;
    is($at, -1, "\"$secret\" is in no log") or diag(substr $logs, $at > 150 ? $at - 150 : 0, 250);
}

$nginx->stop;


# ---- a keys file that is not one

for my $case (["k3y-lonely\n", 'a key without a stream'], ["k3y-bad ../etc\n", 'a name of dots and slashes'],
    ["k3y-two a b\n", 'two streams'], [('x' x 4097) . " long\n", 'a key of more than 4 KB'])
{
    my ($text, $what) = @$case;
    my $n = Live::Nginx->new;
    $n->{$_} = Live::Util::free_port() for qw(http_port rtmp_port);
    $n->write_conf;
    spew($n->dir . '/keys', "# a comment\n\n$text");
    my ($ok, $out) = $n->test_conf;
    ok(!$ok, "$what: refused");
    like($out, qr/\[emerg\].*keys:3\b/, "$what: with the line");
    unlike($out, qr/k3y-|xxxx/, "$what: without the key");
    File::Path::remove_tree($n->dir);
}

{
    my $n = Live::Nginx->new;
    $n->{$_} = Live::Util::free_port() for qw(http_port rtmp_port);
    $n->write_conf;
    spew($n->dir . '/keys', "# comment\r\n  k3y-one   one  \r\n\tk3y-two\ttwo");
    my ($ok, $out) = $n->test_conf;
    ok($ok, 'comments, blanks, tabs, CRLF, no line feed at the end') or diag($out);
    unlink $n->dir . '/keys';
    ($ok, $out) = $n->test_conf;
    ok(!$ok && $out =~ /keys" failed/, 'no file: refused, and it says which');
    File::Path::remove_tree($n->dir);
}

done_testing;
