/*
 * Delivery directives, and when a request with them may be answered.
 */

#include "live_manifest_internal.h"

#include <string.h>


static int
live_hls_number(const char *p, size_t n, uint64_t max, uint64_t *number)
{
    uint64_t  v;

    if (n == 0 || n > 19) {
        return LIVE_EINVAL;
    }

    for (v = 0; n; n--, p++) {

        if (*p < '0' || *p > '9') {
            return LIVE_EINVAL;
        }

        v = v * 10 + (uint64_t) (*p - '0');
    }

    if (v > max) {
        return LIVE_EINVAL;
    }

    *number = v;

    return LIVE_OK;
}


static int
live_hls_directive(const char *key, size_t nkey, const char *value, size_t n,
    live_hls_query_t *query)
{
    uint64_t  v;

    /* the first of each counts */

    if (nkey == 8 && memcmp(key, "_HLS_msn", 8) == 0 && !query->has_msn) {
        query->has_msn = 1;
        return live_hls_number(value, n, INT64_MAX, &query->msn);
    }

    if (nkey == 9 && memcmp(key, "_HLS_part", 9) == 0 && !query->has_part) {

        if (live_hls_number(value, n, INT32_MAX, &v) != LIVE_OK) {
            return LIVE_EINVAL;
        }

        query->has_part = 1;
        query->part = (uint32_t) v;
        return LIVE_OK;
    }

    if (nkey == 9 && memcmp(key, "_HLS_skip", 9) == 0 && !query->has_skip) {
        query->has_skip = 1;
        query->skip = (n == 3 && memcmp(value, "YES", 3) == 0)
                      || (n == 2 && memcmp(value, "v2", 2) == 0);
    }

    return LIVE_OK;
}


int
live_hls_parse_query(const char *args, size_t n, live_hls_query_t *query)
{
    const char  *p, *last, *end, *eq, *value;

    memset(query, 0, sizeof(live_hls_query_t));

    if (n == 0) {
        return LIVE_OK;
    }

    last = args + n;

    for (p = args; p < last; p = end + 1) {

        end = memchr(p, '&', (size_t) (last - p));
        end = end ? end : last;

        eq = memchr(p, '=', (size_t) (end - p));

        /* without a value it has an empty one */

        value = eq ? eq + 1 : end;
        eq = eq ? eq : end;

        if (live_hls_directive(p, (size_t) (eq - p), value,
                               (size_t) (end - value), query)
            != LIVE_OK)
        {
            return LIVE_EINVAL;
        }
    }

    return (query->has_part && !query->has_msn) ? LIVE_EINVAL : LIVE_OK;
}


uint32_t
live_hls_part_limit(int64_t part_us)
{
    if (part_us <= 0 || part_us >= 1000000) {
        return 3;
    }

    return (uint32_t) ((3000000 + part_us - 1) / part_us);
}


/* further ahead of the last part than the advance part limit */

static int
live_hls_beyond(const live_hls_query_t *query, const live_store_edge_t *edge,
    uint64_t msn, uint32_t part)
{
    uint64_t  last;

    if (query->part_limit == 0 || msn < edge->msn) {
        return 0;
    }

    last = (msn == edge->msn) ? edge->part : 0;

    return part > last + query->part_limit;
}


live_hls_verdict_e
live_hls_decide(const live_hls_query_t *query, const live_store_edge_t *edge,
    uint32_t segment_parts)
{
    uint64_t  msn, complete;
    uint32_t  part;

    if (!query->has_msn || edge->ended) {
        return LIVE_HLS_NOW;
    }

    if (!edge->any) {
        return query->msn <= 2 ? LIVE_HLS_WAIT : LIVE_HLS_BAD;
    }

    msn = query->msn;

    if (msn > edge->msn + 2) {
        return LIVE_HLS_BAD;
    }

    if (!query->has_part) {

        /* segments before this number are complete */

        complete = edge->msn + edge->closed;

        return msn < complete ? LIVE_HLS_NOW : LIVE_HLS_WAIT;
    }

    part = query->part;

    /* behind the last part of a complete segment: the first of the next */

    if (segment_parts && part >= segment_parts) {
        msn++;
        part = 0;
    }

    if (msn < edge->msn || (msn == edge->msn && part <= edge->part)) {
        return LIVE_HLS_NOW;
    }

    return live_hls_beyond(query, edge, msn, part) ? LIVE_HLS_BAD
                                                   : LIVE_HLS_WAIT;
}
