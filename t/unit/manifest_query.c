/*
 * Delivery directives and the verdict on them.
 */

#include <stdint.h>
#include "tap.h"
#include "live_manifest.h"


static int
parse(const char *args, live_hls_query_t *query)
{
    return live_hls_parse_query(args, strlen(args), query);
}


static void
parsing(void)
{
    live_hls_query_t  q;

    is_int(parse("", &q), LIVE_OK, "no query");
    ok(!q.has_msn && !q.has_part && !q.skip, "no query: no directive");

    is_int(parse("_HLS_msn=17", &q), LIVE_OK, "msn alone");
    ok(q.has_msn && q.msn == 17 && !q.has_part, "msn alone is read");

    is_int(parse("_HLS_msn=17&_HLS_part=3", &q), LIVE_OK, "msn and part");
    ok(q.has_msn && q.msn == 17 && q.has_part && q.part == 3,
       "msn and part are read");

    is_int(parse("_HLS_part=3&x=y&_HLS_msn=17&_HLS_skip=YES", &q), LIVE_OK,
           "any order, others passed over");
    ok(q.msn == 17 && q.part == 3 && q.skip, "all three are read");

    is_int(parse("_HLS_skip=v2", &q), LIVE_OK, "skip v2");
    ok(q.skip, "v2 asks for a delta update too");

    is_int(parse("_HLS_skip=NO", &q), LIVE_OK, "another skip");
    ok(!q.skip, "only YES and v2 skip");

    is_int(parse("_HLS_skip=NO&_HLS_skip=YES", &q), LIVE_OK, "skip twice");
    ok(!q.skip, "the first one counts");

    is_int(parse("_HLS_msn=1&_HLS_msn=2&_HLS_part=3&_HLS_part=4", &q), LIVE_OK,
           "repeated directives");
    ok(q.msn == 1 && q.part == 3, "the first ones count");

    is_int(parse("_HLS_part=3", &q), LIVE_EINVAL, "FM-SEG-04 part without msn");
    is_int(parse("_HLS_msn=", &q), LIVE_EINVAL, "empty msn");
    is_int(parse("_HLS_msn", &q), LIVE_EINVAL, "msn without a value");
    is_int(parse("_HLS_msn=-1", &q), LIVE_EINVAL, "negative msn");
    is_int(parse("_HLS_msn=1x", &q), LIVE_EINVAL, "msn with a tail");
    is_int(parse("_HLS_msn=0x10", &q), LIVE_EINVAL, "hexadecimal msn");
    is_int(parse("_HLS_msn= 1", &q), LIVE_EINVAL, "msn with a space");
    is_int(parse("_HLS_msn=1.5", &q), LIVE_EINVAL, "msn with a fraction");

    is_int(parse("_HLS_msn=9223372036854775807", &q), LIVE_OK, "largest msn");
    ok(q.msn == INT64_MAX, "largest msn is read");
    is_int(parse("_HLS_msn=9223372036854775808", &q), LIVE_EINVAL,
           "msn above it");
    is_int(parse("_HLS_msn=18446744073709551617", &q), LIVE_EINVAL,
           "msn above 64 bits");
    is_int(parse("_HLS_msn=1&_HLS_part=2147483648", &q), LIVE_EINVAL,
           "part above 31 bits");
    is_int(parse("_HLS_msn=00000000000000000000000000001", &q), LIVE_EINVAL,
           "endless zeroes");

    is_int(parse("&&=&=5&_HLS_msn=4&", &q), LIVE_OK, "empty pairs");
    ok(q.msn == 4, "empty pairs are passed over");

    is_int(parse("x_HLS_msn=4&_HLS_msnx=5&_hls_msn=6", &q), LIVE_OK,
           "names that only look like ours");
    ok(!q.has_msn, "are not ours");

    is_int(live_hls_parse_query("_HLS_msn=123", 10, &q), LIVE_OK,
           "a query that ends inside its buffer");
    ok(q.msn == 1, "nothing behind its end is read");
}


static live_hls_verdict_e
decide(const char *args, int closed, uint64_t msn, uint32_t part,
    uint32_t parts)
{
    live_hls_query_t   q;
    live_store_edge_t  edge;

    if (parse(args, &q) != LIVE_OK) {
        return LIVE_HLS_BAD;
    }

    q.part_limit = live_hls_part_limit(500000);

    memset(&edge, 0, sizeof(live_store_edge_t));
    edge.any = 1;
    edge.closed = closed ? 1 : 0;
    edge.msn = msn;
    edge.part = part;

    return live_hls_decide(&q, &edge, parts);
}


/* the last part is 2 of segment 10, which is open, or else complete with it */

static void
verdicts(void)
{
    live_hls_query_t   q;
    live_store_edge_t  edge;

    is_int(decide("", 0, 10, 2, 0), LIVE_HLS_NOW, "without directives: now");
    is_int(decide("_HLS_skip=YES", 0, 10, 2, 0), LIVE_HLS_NOW,
           "skip alone: now");

    is_int(decide("_HLS_msn=9", 0, 10, 2, 0), LIVE_HLS_NOW,
           "a complete segment: now");
    is_int(decide("_HLS_msn=10", 0, 10, 2, 0), LIVE_HLS_WAIT,
           "the open segment: wait for its end");
    is_int(decide("_HLS_msn=10", 1, 10, 2, 0), LIVE_HLS_NOW,
           "the segment that was open, complete: now");
    is_int(decide("_HLS_msn=11", 1, 10, 2, 0), LIVE_HLS_WAIT,
           "the next segment: wait");
    is_int(decide("_HLS_msn=12", 0, 10, 2, 0), LIVE_HLS_WAIT,
           "FM-SEG-04 two beyond the last: wait");
    is_int(decide("_HLS_msn=13", 0, 10, 2, 0), LIVE_HLS_BAD,
           "FM-SEG-04 three beyond the last: 400");
    is_int(decide("_HLS_msn=9223372036854775807", 0, 10, 2, 0), LIVE_HLS_BAD,
           "FM-SEG-04 far beyond the last: 400");

    is_int(decide("_HLS_msn=10&_HLS_part=2", 0, 10, 2, 0), LIVE_HLS_NOW,
           "the last part: now");
    is_int(decide("_HLS_msn=10&_HLS_part=3", 0, 10, 2, 0), LIVE_HLS_WAIT,
           "the next part: wait");
    is_int(decide("_HLS_msn=10&_HLS_part=3", 1, 10, 2, 3), LIVE_HLS_WAIT,
           "FM-SEG-04 behind the end of the last: part 0 of the next: wait");
    is_int(decide("_HLS_msn=10&_HLS_part=3", 0, 11, 0, 3), LIVE_HLS_NOW,
           "FM-SEG-04 behind the end: part 0 of the next is there: now");
    is_int(decide("_HLS_msn=9&_HLS_part=4", 0, 10, 2, 4), LIVE_HLS_NOW,
           "FM-SEG-04 behind the end of an older one: now");
    is_int(decide("_HLS_msn=9&_HLS_part=99", 0, 10, 2, 4), LIVE_HLS_NOW,
           "FM-SEG-04 far behind the end of an older one: part 0 of the next");
    is_int(decide("_HLS_msn=3&_HLS_part=0", 0, 10, 2, 0), LIVE_HLS_NOW,
           "a segment that has left the playlist: now");
    is_int(decide("_HLS_msn=11&_HLS_part=0", 0, 10, 2, 0), LIVE_HLS_WAIT,
           "the first part of the next segment: wait");

    is_int(live_hls_part_limit(500000), 6, "limit at 0.5 s: 3 s in parts");
    is_int(live_hls_part_limit(333000), 10, "limit at 0.333 s: rounded up");
    is_int(live_hls_part_limit(1000000), 3, "limit at 1 s: 3");
    is_int(live_hls_part_limit(2000000), 3, "limit at 2 s: 3");

    is_int(decide("_HLS_msn=10&_HLS_part=8", 0, 10, 2, 0), LIVE_HLS_WAIT,
           "at the advance part limit: wait");
    is_int(decide("_HLS_msn=10&_HLS_part=9", 0, 10, 2, 0), LIVE_HLS_BAD,
           "beyond the advance part limit: 400");
    is_int(decide("_HLS_msn=11&_HLS_part=7", 0, 10, 2, 0), LIVE_HLS_BAD,
           "beyond the advance part limit in the next segment: 400");
    is_int(decide("_HLS_msn=10&_HLS_part=2147483647", 0, 10, 2, 0),
           LIVE_HLS_BAD, "the largest part: 400");

    memset(&edge, 0, sizeof(live_store_edge_t));
    (void) parse("_HLS_msn=0&_HLS_part=0", &q);
    is_int(live_hls_decide(&q, &edge, 0), LIVE_HLS_WAIT,
           "nothing there yet: wait");
    (void) parse("_HLS_msn=7", &q);
    is_int(live_hls_decide(&q, &edge, 0), LIVE_HLS_BAD,
           "nothing there yet, far ahead: 400");

    edge.any = 1;
    edge.msn = 10;
    edge.ended = 1;
    (void) parse("_HLS_msn=12", &q);
    is_int(live_hls_decide(&q, &edge, 0), LIVE_HLS_NOW,
           "FM-SEG-05 an ended stream never waits");
    (void) parse("_HLS_msn=99", &q);
    is_int(live_hls_decide(&q, &edge, 0), LIVE_HLS_NOW,
           "FM-SEG-05 an ended stream never refuses");
}


int
main(void)
{
    parsing();
    verdicts();

    return done_testing();
}
