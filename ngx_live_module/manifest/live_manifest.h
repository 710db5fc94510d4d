/*
 * manifest/: playlist text from a snapshot of the store; read only.
 *
 * Pure C.  HLS as in draft-pantos-hls-rfc8216bis ("the draft" below).
 */

#ifndef _LIVE_MANIFEST_H_INCLUDED_
#define _LIVE_MANIFEST_H_INCLUDED_


#include "live_store.h"


/* the delivery directives of a request (the draft, 6.2.5) */

typedef struct {
    uint64_t   msn;
    uint32_t   part;
    unsigned   has_msn:1;
    unsigned   has_part:1;
    unsigned   has_skip:1;
    unsigned   skip:1;        /* _HLS_skip=YES or v2 */

    /*
     * How many parts behind the last one _HLS_part may lie, from
     * live_hls_part_limit(); for the caller to set, 0: any number.
     */

    uint32_t   part_limit;
} live_hls_query_t;


/*
 * Reads _HLS_msn, _HLS_part and _HLS_skip out of a query string; others are
 * passed over, a repeated directive counts the first time.
 *
 * LIVE_OK      query is filled
 * LIVE_EINVAL  not a number, too large, or _HLS_part without _HLS_msn: 400
 */

int live_hls_parse_query(const char *args, size_t n, live_hls_query_t *query);


/* the advance part limit of a part target (the draft, 6.2.5.2) */

uint32_t live_hls_part_limit(int64_t part_us);


typedef enum {
    LIVE_HLS_NOW = 0,         /* answer with the playlist as it is */
    LIVE_HLS_WAIT,            /* block until the edge moves, then ask again */
    LIVE_HLS_BAD              /* 400: further ahead than can be waited for */
} live_hls_verdict_e;


/*
 * May a playlist request be answered?  _HLS_msn=M alone waits until segment M is
 * complete; M and part N until that part or a later one exists; N behind the last
 * part of a complete M means part 0 of M + 1; M greater than the last msn + 2, or N
 * beyond the last part by more than part_limit, is LIVE_HLS_BAD (the draft,
 * 6.2.5.2).  An ended stream never waits.
 * segment_parts: parts of segment query->msn if that is complete, else 0.
 */

live_hls_verdict_e live_hls_decide(const live_hls_query_t *query,
    const live_store_edge_t *edge, uint32_t segment_parts);


typedef struct {
    const char  *query;       /* put behind every URI as "?query", or NULL; it
                                 must have nothing that a quoted string cannot */
    unsigned     skip:1;      /* a delta update was asked for */
} live_hls_options_t;


/* bytes that always suffice for the playlist of this snapshot */

size_t live_hls_media_bound(const live_store_snapshot_t *snapshot,
    const live_hls_options_t *options);


/*
 * Writes a media playlist.  URIs are relative to the playlist's own
 * ("v/{epoch}-{msn}.m4s").  A delta update is written when asked for and if
 * anything may be skipped (the draft, 6.2.5.1), else the whole playlist.
 *
 * Durations come from positions on the track's clock, so what is rounded off one
 * is in the next, and the sum of any number of them is right to a microsecond.
 *
 * Returns its length, or LIVE_ENOSPC, or LIVE_AGAIN if there is nothing to list.
 */

long live_hls_media(const live_store_snapshot_t *snapshot,
    const live_hls_options_t *options, char *buf, size_t cap);


/* the same for the multivariant playlist */

size_t live_hls_multivariant_bound(const live_store_stream_t *stream,
    const live_hls_options_t *options);

/* its length, or LIVE_ENOSPC, or LIVE_AGAIN if there is no track */

long live_hls_multivariant(const live_store_stream_t *stream,
    const live_hls_options_t *options, char *buf, size_t cap);


#endif /* _LIVE_MANIFEST_H_INCLUDED_ */
