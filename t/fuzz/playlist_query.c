/*
 * A request's query, the verdict on it, and playlists with it behind every URI.
 * The first bytes choose the stream, the rest is the query.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "live_manifest.h"


#define FUZZ_SEGMENTS  16
#define FUZZ_PARTS     64


static live_store_segment_t   segments[FUZZ_SEGMENTS];
static live_store_part_t      parts[FUZZ_PARTS];
static live_store_snapshot_t  snapshot;
static live_store_stream_t    stream;


static void
fuzz_snapshot(const uint8_t *p)
{
    uint32_t               i, n, k;
    live_store_segment_t  *segment;

    memset(&snapshot, 0, sizeof(live_store_snapshot_t));
    memset(segments, 0, sizeof(segments));
    memset(parts, 0, sizeof(parts));

    snapshot.segments = segments;
    snapshot.parts = parts;
    snapshot.nsegments = p[0] % (FUZZ_SEGMENTS + 1);

    memset(snapshot.track.id, 'v', p[1] % sizeof(snapshot.track.id));
    memset(snapshot.stream.epoch, 'z', p[2] % sizeof(snapshot.stream.epoch));

    snapshot.track.timescale = (uint32_t) p[3] * p[3] * 2;
    snapshot.stream.part_us = 100000 * (p[4] % 21);
    snapshot.stream.segment_max_us = 1000000 * (p[5] % 61);
    snapshot.stream.window_us = 1000000 * p[6];
    snapshot.edge.closed = p[7] & 1;
    snapshot.edge.ended = (p[7] & 2) != 0;
    snapshot.edge.any = (p[7] & 4) != 0;

    n = 0;

    for (i = 0; i < snapshot.nsegments; i++) {
        segment = &segments[i];

        segment->msn = (p[7] & 8) ? UINT64_MAX / 2 + i : i;
        segment->start = UINT64_MAX / 4 * (p[4] & 1) + i * 90000;
        segment->duration = 90000;
        segment->timescale = p[6] & 2 ? 44100 : p[6] & 4 ? 0 : 90000;
        segment->pdt_us = (int64_t) (p[6] & 1 ? UINT64_MAX / 2 : i * 1000000);
        segment->flags = p[8 + i % 8] & 0x1f;
        segment->init = p[8 + i % 8] >> 6;
        segment->discontinuity = i;
        segment->first_part = n;

        for (k = 0; k < p[8 + i % 8] % 8u && n < FUZZ_PARTS; k++, n++) {
            parts[n].msn = segment->msn;
            parts[n].index = k + (p[7] >> 7);
            parts[n].duration = (p[7] & 16) ? UINT32_MAX : 45000;
            parts[n].flags = p[8 + k] & 3;
        }
    }

    snapshot.nparts = n;

    if (snapshot.nsegments) {
        snapshot.edge.msn = segments[snapshot.nsegments - 1].msn;
        snapshot.edge.part = (p[7] & 32) ? UINT32_MAX : p[4];
    }

    snapshot.nothers = p[2] % 3;

    for (i = 0; i < snapshot.nothers; i++) {
        memset(snapshot.others[i].id, 'a', sizeof(snapshot.others[i].id) - 1);
        snapshot.others[i].edge.msn = UINT64_MAX;
        snapshot.others[i].edge.part = UINT32_MAX;
    }
}


static void
fuzz_stream(const uint8_t *p)
{
    uint32_t                  i;
    live_store_track_info_t  *track;

    memset(&stream, 0, sizeof(live_store_stream_t));

    stream.ntracks = p[0] % 17;

    for (i = 0; i < stream.ntracks; i++) {
        track = &stream.tracks[i];

        memset(track->id, 'x', p[1] % sizeof(track->id));
        memset(track->rfc6381, 'c', p[2] % sizeof(track->rfc6381));
        track->media = (p[8 + i % 8] & 1) ? LIVE_AUDIO : LIVE_VIDEO;
        track->width = track->height = p[3] ? UINT16_MAX : 0;
        track->channels = p[4];
        track->fps_milli = p[5] ? UINT32_MAX : 0;
        track->bits_peak = track->bits_average = p[6] ? UINT32_MAX : 0;
    }
}


/* the bound must hold: one byte more or less and the sanitizer or this ends it */

static void
fuzz_write(const live_hls_options_t *options)
{
    long    n;
    char   *buf;
    size_t  bound;

    bound = live_hls_media_bound(&snapshot, options);
    buf = malloc(bound);

    if (buf == NULL) {
        return;
    }

    n = live_hls_media(&snapshot, options, buf, bound);

    if (n == LIVE_ENOSPC || n > (long) bound) {
        abort();
    }

    if (n > 0) {
        (void) live_hls_media(&snapshot, options, buf, (size_t) n / 2);

        if (live_hls_media(&snapshot, options, buf, (size_t) n) != n) {
            abort();
        }
    }

    free(buf);

    bound = live_hls_multivariant_bound(&stream, options);
    buf = malloc(bound);

    if (buf == NULL) {
        return;
    }

    n = live_hls_multivariant(&stream, options, buf, bound);

    if (n == LIVE_ENOSPC || n > (long) bound) {
        abort();
    }

    free(buf);
}


int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int                  rc;
    char                *args;
    live_hls_query_t     query;
    live_hls_options_t   options;

    if (n < 16) {
        return 0;
    }

    fuzz_snapshot(p);
    fuzz_stream(p);

    /* exactly as long as it is: reading behind it is seen */

    args = malloc(n - 16 + 1);

    if (args == NULL) {
        return 0;
    }

    memcpy(args, p + 16, n - 16);
    args = realloc(args, n - 16 ? n - 16 : 1);

    rc = live_hls_parse_query(args, n - 16, &query);

    if (rc != LIVE_OK && rc != LIVE_EINVAL) {
        abort();
    }

    if (rc == LIVE_OK && query.has_part && !query.has_msn) {
        abort();
    }

    query.part_limit = live_hls_part_limit(snapshot.stream.part_us);

    (void) live_hls_decide(&query, &snapshot.edge, p[3]);

    free(args);

    memset(&options, 0, sizeof(live_hls_options_t));
    options.skip = query.skip;

    fuzz_write(&options);

    args = malloc(n - 16 + 1);

    if (args == NULL) {
        return 0;
    }

    memcpy(args, p + 16, n - 16);
    args[n - 16] = '\0';
    options.query = args;

    fuzz_write(&options);

    free(args);

    return 0;
}
