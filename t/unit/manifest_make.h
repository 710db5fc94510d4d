/*
 * A stream to write playlists of: segments and parts as a timeline would cut
 * them, and snapshots of it as the store would give them.
 */

#ifndef _MANIFEST_MAKE_H_INCLUDED_
#define _MANIFEST_MAKE_H_INCLUDED_


#include <stdlib.h>
#include <string.h>
#include "live_manifest.h"


#define MAKE_SEGMENTS  512
#define MAKE_PARTS     8192


typedef struct {
    live_store_snapshot_t  s;

    uint32_t               nsegments;      /* all that ever were */
    uint32_t               nparts;
    live_store_segment_t   segments[MAKE_SEGMENTS];
    live_store_part_t      parts[MAKE_PARTS];

    live_store_segment_t   out_segments[MAKE_SEGMENTS];
    live_store_part_t      out_parts[LIVE_STORE_PARTS];

    uint32_t               discontinuity;
    int64_t                pdt_us;
    int                    open;
} make_t;


static inline void
make_stream(make_t *m, const char *id, uint32_t timescale)
{
    memset(m, 0, sizeof(make_t));

    strcpy(m->s.stream.name, "demo");
    strcpy(m->s.stream.epoch, "k9x2");
    strcpy(m->s.track.id, id);

    m->s.stream.part_us = 500000;
    m->s.stream.segment_us = 2000000;
    m->s.stream.segment_max_us = 4000000;
    m->s.stream.window_us = 30000000;

    m->s.track.media = (id[0] == 'a') ? LIVE_AUDIO : LIVE_VIDEO;
    m->s.track.timescale = timescale;

    m->pdt_us = INT64_C(1767225600123456);       /* 2026-01-01T00:00:00.123456Z */
}


/* opens a segment; flags: LIVE_SEGMENT_... */

static inline live_store_segment_t *
make_segment(make_t *m, uint32_t flags, uint32_t init)
{
    live_store_segment_t  *segment, *before;

    segment = &m->segments[m->nsegments];
    before = m->nsegments ? segment - 1 : NULL;

    memset(segment, 0, sizeof(live_store_segment_t));

    if (flags & LIVE_SEGMENT_DISCONT) {
        m->discontinuity++;
    }

    segment->msn = m->nsegments;
    segment->start = before ? before->start + before->duration : 0;
    segment->pdt_us = m->pdt_us;
    segment->first_part = m->nparts;
    segment->timescale = m->s.track.timescale;
    segment->init = init;
    segment->discontinuity = m->discontinuity;
    segment->flags = flags;

    m->nsegments++;
    m->open = 1;

    return segment;
}


static inline void
make_part(make_t *m, uint32_t duration, uint32_t flags)
{
    live_store_part_t     *part;
    live_store_segment_t  *segment;

    segment = &m->segments[m->nsegments - 1];
    part = &m->parts[m->nparts++];

    memset(part, 0, sizeof(live_store_part_t));

    part->msn = segment->msn;
    part->index = segment->parts++;
    part->duration = duration;
    part->flags = flags;
    part->size = (flags & LIVE_PART_GAP) ? 0 : 1000;

    segment->duration += duration;
    segment->size += part->size;
}


static inline void
make_close(make_t *m)
{
    live_store_segment_t  *segment;

    segment = &m->segments[m->nsegments - 1];

    segment->flags |= LIVE_SEGMENT_CLOSED;

    if (segment->size == 0) {
        segment->flags |= LIVE_SEGMENT_GAP;
    }

    m->pdt_us += (int64_t) (segment->duration * 1000000
                            / m->s.track.timescale);
    m->open = 0;
}


/* a whole segment of equal parts, the first of which is independent */

static inline void
make_whole(make_t *m, uint32_t parts, uint32_t duration)
{
    uint32_t  i;

    make_segment(m, LIVE_SEGMENT_INDEPENDENT, 1);

    for (i = 0; i < parts; i++) {
        make_part(m, duration, i == 0 || m->s.track.media == LIVE_AUDIO
                               ? LIVE_PART_INDEPENDENT : 0);
    }

    make_close(m);
}


/* what is in the window now */

static inline live_store_snapshot_t *
make_snapshot(make_t *m)
{
    uint32_t                i, first;
    uint64_t                ticks, window;
    live_store_snapshot_t  *s;

    s = &m->s;

    window = (uint64_t) s->stream.window_us * s->track.timescale / 1000000;
    ticks = 0;
    first = m->nsegments;

    while (first && ticks < window) {
        first--;
        ticks += m->segments[first].duration;
    }

    s->segments = m->out_segments;
    s->parts = m->out_parts;
    s->nsegments = m->nsegments - first;
    s->nparts = 0;

    memcpy(s->segments, &m->segments[first],
           s->nsegments * sizeof(live_store_segment_t));

    if (m->open && s->nsegments) {

        /* the store does not know these before the end */

        s->segments[s->nsegments - 1].duration = 0;
        s->segments[s->nsegments - 1].parts = 0;
        s->segments[s->nsegments - 1].size = 0;
    }

    i = s->nsegments ? (uint32_t) s->segments[0].first_part : m->nparts;

    if (m->nparts - i > LIVE_STORE_PARTS - 2) {
        i = m->nparts - (LIVE_STORE_PARTS - 2);
    }

    for ( /* void */ ; i < m->nparts; i++) {
        s->parts[s->nparts++] = m->parts[i];
    }

    s->edge.any = (m->nparts != 0);
    s->edge.closed = !m->open;

    if (m->nparts) {
        s->edge.msn = m->parts[m->nparts - 1].msn;
        s->edge.part = m->parts[m->nparts - 1].index;
    }

    return s;
}


/* the playlist's text, to be freed; its length is checked against the bound */

static inline char *
make_text(const live_store_snapshot_t *s, const char *query, int skip)
{
    long                 n;
    char                *text;
    size_t               bound;
    live_hls_options_t   options;

    memset(&options, 0, sizeof(live_hls_options_t));
    options.query = query;
    options.skip = skip ? 1 : 0;

    bound = live_hls_media_bound(s, &options);

    text = malloc(bound + 1);
    if (text == NULL) {
        abort();
    }

    n = live_hls_media(s, &options, text, bound);

    text[n < 0 ? 0 : n] = '\0';

    return text;
}


#endif /* _MANIFEST_MAKE_H_INCLUDED_ */
