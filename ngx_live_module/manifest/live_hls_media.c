/*
 * Media playlists.
 */

#include "live_manifest_internal.h"

#include <string.h>


/* bytes of the longest line of each kind, its URIs and query left out */

#define LIVE_HLS_HEAD      640
#define LIVE_HLS_SEGMENT   320
#define LIVE_HLS_PART      160
#define LIVE_HLS_REPORT    160

/* parts are listed for so many target durations from the end */

#define LIVE_HLS_PARTS     3

/* CAN-SKIP-UNTIL, target durations */

#define LIVE_HLS_SKIP      6


/* what is worked out once for a playlist */

typedef struct {
    const live_store_snapshot_t  *s;
    const live_hls_options_t     *o;
    uint32_t                      skipped;     /* segments left out */
    uint32_t                      first_part;  /* segments from here on with parts */
    int                           skip_until;  /* CAN-SKIP-UNTIL is announced */
    size_t                        nprefix;
    char                          prefix[64];  /* of URIs: "v/{epoch}-" */
} live_hls_plan_t;


static void live_hls_plan(const live_store_snapshot_t *s,
    const live_hls_options_t *o, live_hls_plan_t *plan);
static void live_hls_head(live_text_t *text, const live_hls_plan_t *plan);
static void live_hls_segments(live_text_t *text, const live_hls_plan_t *plan);
static void live_hls_segment_tags(live_text_t *text,
    const live_hls_plan_t *plan, uint32_t n);
static void live_hls_tail(live_text_t *text, const live_hls_plan_t *plan);


/* where ticks stand on the track's clock, so that rounding never adds up */

static uint64_t
live_hls_span(const live_store_segment_t *segment, uint64_t start,
    uint64_t duration)
{
    return live_store_us(start + duration, segment->timescale)
           - live_store_us(start, segment->timescale);
}


static int
live_hls_closed(const live_store_snapshot_t *s, uint32_t n)
{
    return n + 1 < s->nsegments || (s->segments[n].flags
                                    & LIVE_SEGMENT_CLOSED);
}


static void
live_hls_plan(const live_store_snapshot_t *s, const live_hls_options_t *o,
    live_hls_plan_t *plan)
{
    uint32_t     i;
    uint64_t     open, total, until, target, behind;
    live_text_t  prefix;

    plan->s = s;
    plan->o = o;
    plan->skipped = 0;

    prefix.p = plan->prefix;
    prefix.last = plan->prefix + sizeof(plan->prefix);
    prefix.full = 0;

    live_text_str(&prefix, s->track.id);
    live_text_lit(&prefix, "/");
    live_text_str(&prefix, s->stream.epoch);
    live_text_lit(&prefix, "-");

    plan->nprefix = (size_t) (prefix.p - plan->prefix);

    target = (uint64_t) s->stream.segment_max_us;
    until = LIVE_HLS_SKIP * target;

    /* else the window could never hold more than what must not be skipped */

    plan->skip_until = (uint64_t) s->stream.window_us > until;

    /* the open segment lasts as long as its parts do */

    open = 0;

    for (i = 0; i < s->nparts; i++) {
        if (s->parts[i].msn == s->edge.msn) {
            open += s->parts[i].duration;
        }
    }

    total = s->edge.closed
            ? 0 : live_store_us(open, s->segments[s->nsegments - 1].timescale);
    behind = total;
    plan->first_part = s->nsegments;

    for (i = s->nsegments; i; i--) {

        if (live_hls_closed(s, i - 1)) {
            total += live_store_us(s->segments[i - 1].duration,
                                   s->segments[i - 1].timescale);
        }

        if (behind < LIVE_HLS_PARTS * target) {
            plan->first_part = i - 1;
        }

        behind = total;

        /* this one begins before the boundary: all before it may go */

        if (o->skip && plan->skip_until && total > until
            && plan->skipped == 0)
        {
            plan->skipped = i - 1;
        }
    }
}


static void
live_hls_uri(live_text_t *text, const live_hls_plan_t *plan, uint64_t msn)
{
    live_text_add(text, plan->prefix, plan->nprefix);
    live_text_number(text, msn);
}


static void
live_hls_query(live_text_t *text, const live_hls_plan_t *plan)
{
    if (plan->o->query) {
        live_text_lit(text, "?");
        live_text_str(text, plan->o->query);
    }
}


/* an open segment of which nothing but gaps is there yet */

static int
live_hls_empty(const live_store_snapshot_t *s, uint32_t n)
{
    uint32_t  i;

    if (live_hls_closed(s, n)) {
        return 0;
    }

    for (i = s->nparts; i && s->parts[i - 1].msn == s->edge.msn; i--) {
        if (!(s->parts[i - 1].flags & LIVE_PART_GAP)) {
            return 0;
        }
    }

    return 1;
}


static int
live_hls_independent(const live_store_snapshot_t *s)
{
    uint32_t  i;

    for (i = 0; i < s->nsegments; i++) {
        if (!(s->segments[i].flags & (LIVE_SEGMENT_INDEPENDENT
                                      |LIVE_SEGMENT_GAP))
            && !live_hls_empty(s, i))
        {
            return 0;
        }
    }

    return 1;
}


static void
live_hls_head(live_text_t *text, const live_hls_plan_t *plan)
{
    const live_store_segment_t   *first;
    const live_store_snapshot_t  *s;

    s = plan->s;
    first = &s->segments[0];

    live_text_lit(text, "#EXTM3U\n#EXT-X-VERSION:");
    live_text_number(text, plan->skipped ? 9 : 6);

    live_text_lit(text, "\n#EXT-X-TARGETDURATION:");
    live_text_number(text, (uint64_t) s->stream.segment_max_us / 1000000);

    /* it stays in an ended playlist: nothing but ENDLIST may be new there (6.2.1) */

    live_text_lit(text, "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,"
                        "PART-HOLD-BACK=");
    live_text_seconds(text, 3 * (uint64_t) s->stream.part_us, 3);
    live_text_lit(text, ",HOLD-BACK=");
    live_text_seconds(text, 3 * (uint64_t) s->stream.segment_max_us, 3);

    if (plan->skip_until) {
        live_text_lit(text, ",CAN-SKIP-UNTIL=");
        live_text_seconds(text, LIVE_HLS_SKIP
                                * (uint64_t) s->stream.segment_max_us, 3);
    }

    live_text_lit(text, "\n#EXT-X-PART-INF:PART-TARGET=");
    live_text_seconds(text, (uint64_t) s->stream.part_us, 3);

    live_text_lit(text, "\n#EXT-X-MEDIA-SEQUENCE:");
    live_text_number(text, first->msn);

    /* discontinuities before the first segment, its own not counted */

    live_text_lit(text, "\n#EXT-X-DISCONTINUITY-SEQUENCE:");
    live_text_number(text, first->discontinuity
                           - (first->flags & LIVE_SEGMENT_DISCONT ? 1 : 0));

    if (live_hls_independent(s)) {
        live_text_lit(text, "\n#EXT-X-INDEPENDENT-SEGMENTS");
    }

    live_text_lit(text, "\n");

    if (plan->skipped) {
        live_text_lit(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS=");
        live_text_number(text, plan->skipped);
        live_text_lit(text, "\n");
    }
}


static void
live_hls_segment_tags(live_text_t *text, const live_hls_plan_t *plan,
    uint32_t n)
{
    const live_store_segment_t  *segment, *before;

    segment = &plan->s->segments[n];
    before = n ? segment - 1 : NULL;

    if (segment->flags & LIVE_SEGMENT_DISCONT) {
        live_text_lit(text, "#EXT-X-DISCONTINUITY\n");
    }

    /*
     * Behind a skip the map of the segment before holds on, but clients are known
     * to lose it with their old segments: it is told again.
     */

    if (before == NULL || before->init != segment->init
        || (segment->flags & LIVE_SEGMENT_DISCONT)
        || (plan->skipped && n == plan->skipped))
    {
        live_text_lit(text, "#EXT-X-MAP:URI=\"");
        live_text_add(text, plan->prefix, plan->nprefix);
        live_text_lit(text, "init");
        live_text_number(text, segment->init);
        live_text_lit(text, ".mp4");
        live_hls_query(text, plan);
        live_text_lit(text, "\"\n");
    }

    live_text_lit(text, "#EXT-X-PROGRAM-DATE-TIME:");
    live_text_date(text, segment->pdt_us);
    live_text_lit(text, "\n");
}


static void
live_hls_part(live_text_t *text, const live_hls_plan_t *plan,
    const live_store_segment_t *segment, const live_store_part_t *part,
    uint64_t start)
{
    uint64_t  us;

    us = live_hls_span(segment, start, part->duration);

    if (us > (uint64_t) plan->s->stream.part_us) {
        us = (uint64_t) plan->s->stream.part_us;
    }

    live_text_lit(text, "#EXT-X-PART:DURATION=");
    live_text_seconds(text, us, 6);
    live_text_lit(text, ",URI=\"");
    live_hls_uri(text, plan, part->msn);
    live_text_lit(text, ".");
    live_text_number(text, part->index);
    live_text_lit(text, ".m4s");
    live_hls_query(text, plan);
    live_text_lit(text, "\"");

    if (part->flags & LIVE_PART_INDEPENDENT) {
        live_text_lit(text, ",INDEPENDENT=YES");
    }

    if (part->flags & LIVE_PART_GAP) {
        live_text_lit(text, ",GAP=YES");
    }

    live_text_lit(text, "\n");
}


static void
live_hls_segments(live_text_t *text, const live_hls_plan_t *plan)
{
    uint32_t                      n, k;
    uint64_t                      start;
    const live_store_segment_t   *segment;
    const live_store_snapshot_t  *s;

    s = plan->s;
    k = 0;

    for (n = plan->skipped; n < s->nsegments; n++) {

        segment = &s->segments[n];

        live_hls_segment_tags(text, plan, n);

        if (n >= plan->first_part) {

            while (k < s->nparts && s->parts[k].msn < segment->msn) {
                k++;
            }

            start = segment->start;

            /* all of its parts, or none: the ring may have lost the first ones */

            if (k < s->nparts && s->parts[k].index == 0) {
                for ( /* void */ ;
                     k < s->nparts && s->parts[k].msn == segment->msn; k++)
                {
                    live_hls_part(text, plan, segment, &s->parts[k], start);
                    start += s->parts[k].duration;
                }
            }
        }

        if (!live_hls_closed(s, n)) {
            continue;
        }

        if (segment->flags & LIVE_SEGMENT_GAP) {
            live_text_lit(text, "#EXT-X-GAP\n");
        }

        live_text_lit(text, "#EXTINF:");
        live_text_seconds(text, live_hls_span(segment, segment->start,
                                              segment->duration), 6);
        live_text_lit(text, ",\n");
        live_hls_uri(text, plan, segment->msn);
        live_text_lit(text, ".m4s");
        live_hls_query(text, plan);
        live_text_lit(text, "\n");
    }
}


static void
live_hls_tail(live_text_t *text, const live_hls_plan_t *plan)
{
    uint32_t                      i;
    const live_store_snapshot_t  *s;

    s = plan->s;

    if (s->edge.ended) {
        live_text_lit(text, "#EXT-X-ENDLIST\n");
        return;
    }

    live_text_lit(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"");
    live_hls_uri(text, plan, s->edge.msn + s->edge.closed);
    live_text_lit(text, ".");
    live_text_number(text, s->edge.closed ? 0 : s->edge.part + 1);
    live_text_lit(text, ".m4s");
    live_hls_query(text, plan);
    live_text_lit(text, "\"\n");

    for (i = 0; i < s->nothers; i++) {
        live_text_lit(text, "#EXT-X-RENDITION-REPORT:URI=\"");
        live_text_str(text, s->others[i].id);
        live_text_lit(text, ".m3u8");
        live_hls_query(text, plan);
        live_text_lit(text, "\",LAST-MSN=");
        live_text_number(text, s->others[i].edge.msn);
        live_text_lit(text, ",LAST-PART=");
        live_text_number(text, s->others[i].edge.part);
        live_text_lit(text, "\n");
    }
}


size_t
live_hls_media_bound(const live_store_snapshot_t *s,
    const live_hls_options_t *o)
{
    size_t  uri;

    uri = strlen(s->track.id) + strlen(s->stream.epoch)
          + (o->query ? strlen(o->query) + 1 : 0);

    return LIVE_HLS_HEAD + LIVE_HLS_PART + uri
           + s->nsegments * (LIVE_HLS_SEGMENT + 2 * uri)
           + s->nparts * (LIVE_HLS_PART + uri)
           + s->nothers * (LIVE_HLS_REPORT + uri);
}


long
live_hls_media(const live_store_snapshot_t *s, const live_hls_options_t *o,
    char *buf, size_t cap)
{
    live_text_t      text;
    live_hls_plan_t  plan;

    if (s->nsegments == 0) {
        return LIVE_AGAIN;
    }

    text.p = buf;
    text.last = buf + cap;
    text.full = 0;

    live_hls_plan(s, o, &plan);
    live_hls_head(&text, &plan);
    live_hls_segments(&text, &plan);
    live_hls_tail(&text, &plan);

    return text.full ? LIVE_ENOSPC : (long) (text.p - buf);
}
