/*
 * Streams of all kinds, reloaded part by part by a strict reader: the rules of
 * the draft for one playlist, from one to the next, and for delta updates.
 */

#include <stdint.h>
#include <time.h>
#include "tap.h"
#include "manifest_make.h"
#include "manifest_parse.h"


typedef struct {
    const char  *name;
    const char  *track;
    uint32_t     scale;
    int64_t      part_us;
    int64_t      segment_us;
    int64_t      segment_max_us;
    int64_t      window_us;
    uint32_t     frame;              /* ticks */
    int          discontinuities;    /* one in so many segments, 0: none */
    int          gaps;               /* one in so many parts */
    int          forced;             /* one in so many segments */
} kind_t;


static const kind_t  kinds[] = {
    { "video 30 fps", "v", 90000, 500000, 2000000, 4000000, 30000000, 3000,
      0, 0, 0 },
    { "video 29.97 fps, reconnects", "v", 90000, 500000, 2000000, 4000000,
      60000000, 3003, 5, 0, 0 },
    { "video 23.976 fps, forced cuts", "v", 90000, 333000, 2000000, 3000000,
      30000000, 3754, 0, 0, 4 },
    { "video 60 fps, short parts", "v", 90000, 100000, 1000000, 2000000,
      20000000, 1500, 20, 0, 0 },
    { "video 1 fps", "v", 90000, 500000, 2000000, 4000000, 30000000, 90000,
      0, 2, 0 },
    { "audio 44.1 kHz", "a", 44100, 500000, 2000000, 4000000, 30000000, 1024,
      0, 0, 0 },
    { "audio 48 kHz, silences, reconnects", "a", 48000, 333000, 2000000,
      4000000, 60000000, 1024, 7, 6, 0 },
    { "audio 11.025 kHz, long parts", "a", 11025, 2000000, 6000000, 12000000,
      90000000, 1024, 9, 0, 0 },
    { "window just three target durations", "v", 90000, 500000, 2000000,
      4000000, 12000000, 3000, 3, 9, 5 }
};


static make_t    m;
static parse_t   now, before, delta;
static uint32_t  seed;
static char      why[512];


static int __attribute__((format(printf, 1, 2)))
wrong(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(why, sizeof(why), format, args);
    va_end(args);

    return 0;
}


static uint32_t
dice(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;

    return n ? (seed >> 8) % n : 1;
}


static int64_t
milliseconds(const char *date)
{
    int  y, mo, d, h, mi, s, ms;

    if (sscanf(date, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &y, &mo, &d, &h, &mi, &s,
               &ms) != 7 || y != 2026 || mo != 1)
    {
        return -1;
    }

    return ((((int64_t) d * 24 + h) * 60 + mi) * 60 + s) * 1000 + ms;
}


static int
header_rules(const parse_t *p, const kind_t *kind)
{
    if (p->version != (p->skipped ? 9 : 6)) {
        return wrong("version %d with %u skipped", p->version, p->skipped);
    }

    if (p->target * INT64_C(1000000) != kind->segment_max_us) {
        return wrong("FM-SEG-01 target duration %d", p->target);
    }

    if (p->has_control != 1 || p->has_inf != 1 || p->has_msn != 1
        || p->has_sequence != 1 || !p->block)
    {
        return wrong("a header tag is missing or twice");
    }

    if (fabs(p->part_target - (double) kind->part_us / 1e6) > 1e-9
        || fabs(p->part_hold_back - 3 * p->part_target) > 1e-9
        || p->hold_back < 3 * p->target)
    {
        return wrong("FM-SEG-02 part target %f, hold back %f and %f",
                     p->part_target, p->part_hold_back, p->hold_back);
    }

    if (p->skip_until >= 0 && p->skip_until < 6 * p->target) {
        return wrong("CAN-SKIP-UNTIL %f", p->skip_until);
    }

    return 1;
}


/* durations of parts, and that they add up to their segment's */

static int
part_rules(const parse_t *p)
{
    double                  sum;
    uint32_t                i, k, listed;
    const parse_part_t     *part;
    const parse_segment_t  *segment;

    listed = p->nsegments + (p->open ? 1 : 0);
    k = 0;

    for (i = 0; i < listed; i++) {
        segment = &p->segments[i];
        sum = 0;

        for ( /* void */ ; k < p->nparts && p->parts[k].msn == segment->msn;
             k++)
        {
            part = &p->parts[k];
            sum += part->duration;

            if (part->duration > p->part_target) {
                return wrong("FM-SEG-02 part %s lasts %f", part->uri,
                             part->duration);
            }

            if (part->duration < 0.85 * p->part_target && !part->gap
                && k + 1 < p->nparts && part[1].msn == part->msn
                && !part[1].gap)
            {
                return wrong("FM-SEG-02 part %s lasts %f only", part->uri,
                             part->duration);
            }
        }

        if (segment->parts && segment->duration >= 0
            && fabs(sum - segment->duration) > 1e-6 * segment->parts + 1e-9)
        {
            return wrong("segment %s lasts %f, its parts %f", segment->uri,
                         segment->duration, sum);
        }
    }

    if (k != p->nparts) {
        return wrong("parts out of order");
    }

    return 1;
}


/* seconds of the open segment's parts */

static double
open_duration(const parse_t *p)
{
    double    sum;
    uint32_t  i;

    sum = 0;

    for (i = 0; p->open && i < p->nparts; i++) {
        if (p->parts[i].msn == p->segments[p->nsegments].msn) {
            sum += p->parts[i].duration;
        }
    }

    return sum;
}


static int
segment_rules(const parse_t *p)
{
    double                  behind;
    int64_t                 date, next;
    uint32_t                i;
    const parse_segment_t  *segment;

    if (!p->open && p->nsegments == 0) {
        return wrong("empty");
    }

    behind = open_duration(p);

    for (i = p->nsegments; i; i--) {
        segment = &p->segments[i - 1];

        if (floor(segment->duration + 0.5) > p->target) {
            return wrong("FM-SEG-01 segment of %f s", segment->duration);
        }

        if (segment->map[0] == '\0' || segment->pdt[0] == '\0') {
            return wrong("segment %s has no map or date", segment->uri);
        }

        if (behind > 3 * p->target + 1e-3 && segment->parts) {
            return wrong("parts %f s behind the end", behind);
        }

        if (behind <= 2.99 * p->target && !segment->parts) {
            return wrong("no parts %f s behind the end", behind);
        }

        behind += segment->duration;
    }

    for (i = 0; i + 1 < p->nsegments; i++) {
        segment = &p->segments[i];

        date = milliseconds(segment->pdt);
        next = milliseconds(segment[1].pdt);

        if (date < 0 || next < 0
            || llabs(next - date - llround(segment->duration * 1000)) > 1)
        {
            return wrong("FM-TIME-07 dates %s and %s, %f s between",
                         segment->pdt, segment[1].pdt, segment->duration);
        }
    }

    return 1;
}


static int
end_rules(const parse_t *p, const live_store_snapshot_t *s)
{
    char  want[PARSE_URI];

    if (s->edge.ended) {
        return p->ended == 1 && p->hint[0] == '\0' ? 1
                                                   : wrong("not ended well");
    }

    snprintf(want, sizeof(want), "%s/k9x2-%" PRIu64 ".%u.m4s", s->track.id,
             s->edge.msn + s->edge.closed,
             s->edge.closed ? 0 : s->edge.part + 1);

    if (p->ended || strcmp(p->hint, want) != 0) {
        return wrong("FM-SEG-06 hint %s, not %s", p->hint, want);
    }

    if (p->report_msn != s->others[0].edge.msn
        || p->report_part != s->others[0].edge.part)
    {
        return wrong("report %" PRIu64 ".%u", p->report_msn, p->report_part);
    }

    return 1;
}


static int
same_segment(const parse_segment_t *a, const parse_segment_t *b)
{
    if (a->msn != b->msn || a->sequence != b->sequence
        || a->discontinuity != b->discontinuity
        || strcmp(a->map, b->map) != 0 || strcmp(a->pdt, b->pdt) != 0)
    {
        return wrong("segment %" PRIu64 " changed: discontinuity %" PRIu64
                     " %" PRIu64 ", map %s %s, date %s %s", a->msn,
                     a->sequence, b->sequence, a->map, b->map, a->pdt, b->pdt);
    }

    if (a->uri[0] && b->uri[0]
        && (strcmp(a->uri, b->uri) != 0 || a->duration != b->duration
            || a->gap != b->gap))
    {
        return wrong("segment %s changed to %s", a->uri, b->uri);
    }

    return 1;
}


static int
same_parts(const parse_t *a, const parse_t *b)
{
    uint32_t             i, k;
    const parse_part_t  *x, *y;

    for (i = 0, k = 0; i < a->nparts && k < b->nparts; ) {
        x = &a->parts[i];
        y = &b->parts[k];

        if (x->msn < y->msn || (x->msn == y->msn && x->index < y->index)) {
            i++;
            continue;
        }

        if (x->msn != y->msn || x->index != y->index) {
            k++;
            continue;
        }

        if (strcmp(x->uri, y->uri) != 0 || x->duration != y->duration
            || x->independent != y->independent || x->gap != y->gap)
        {
            return wrong("part %s changed to %s", x->uri, y->uri);
        }

        i++;
        k++;
    }

    return 1;
}


/* what may change from one playlist to a later one (6.2.1) */

static int
reload_rules(const parse_t *a, const parse_t *b)
{
    uint32_t  i, k, na, nb;

    if (b->msn < a->msn || b->sequence < a->sequence) {
        return wrong("sequences went back");
    }

    if (!b->ended && b->nparts
        && strcmp(a->hint, b->parts[b->nparts - 1].uri) != 0)
    {
        return wrong("hint %s, part %s", a->hint,
                     b->parts[b->nparts - 1].uri);
    }

    na = a->nsegments + (a->open ? 1 : 0);
    nb = b->nsegments + (b->open ? 1 : 0);

    for (i = 0; i < na; i++) {

        if (a->segments[i].msn < b->msn) {
            continue;
        }

        k = (uint32_t) (a->segments[i].msn - b->msn);

        if (k >= nb) {
            return wrong("segment %s vanished", a->segments[i].uri);
        }

        if (!same_segment(&a->segments[i], &b->segments[k])) {
            return 0;
        }
    }

    return same_parts(a, b);
}


/*
 * A delta update against the whole playlist of the same moment: what it lists is
 * the same, and what it skips lies behind the skip boundary (6.2.5.1).
 */

static int
delta_rules(const parse_t *whole, const parse_t *d)
{
    double           behind;
    uint32_t         i, nw, nd;
    parse_segment_t  segment;

    nw = whole->nsegments + (whole->open ? 1 : 0);
    nd = d->nsegments + (d->open ? 1 : 0);

    if (d->msn != whole->msn || d->sequence != whole->sequence
        || d->skipped + nd != nw || d->nparts != whole->nparts
        || strcmp(d->hint, whole->hint) != 0)
    {
        return wrong("FM-SEG-03 delta of %u + %u segments, whole of %u",
                     d->skipped, nd, nw);
    }

    behind = open_duration(d);

    for (i = 0; i < d->nsegments; i++) {
        behind += d->segments[i].duration;
    }

    if (d->skipped && behind < d->skip_until) {
        return wrong("FM-SEG-03 skips up to %f s before the end", behind);
    }

    if (d->skipped == 0 && whole->skip_until >= 0
        && nw > 2 && behind - whole->segments[0].duration
                     > whole->skip_until + 1e-6)
    {
        return wrong("FM-SEG-03 nothing skipped of %f s", behind);
    }

    for (i = 0; i < nd; i++) {
        segment = d->segments[i];

        /* the reader has the skipped segments' discontinuities and map */

        segment.sequence += whole->segments[d->skipped].sequence
                            - d->segments[0].sequence;

        if (!same_segment(&whole->segments[d->skipped + i], &segment)) {
            return 0;
        }
    }

    return same_parts(whole, d);
}


static int
reload(const kind_t *kind, int first)
{
    int                     rc;
    char                   *text;
    live_store_snapshot_t  *s;

    s = make_snapshot(&m);
    strcpy(s->others[0].id, kind->track[0] == 'a' ? "v" : "a");
    s->others[0].edge = s->edge;
    s->nothers = 1;

    before = now;

    text = make_text(s, NULL, 0);
    rc = parse_playlist(&now, text);
    free(text);

    if (rc != 0) {
        return wrong("%s", now.error);
    }

    if (!header_rules(&now, kind) || !segment_rules(&now) || !part_rules(&now)
        || !end_rules(&now, s) || (!first && !reload_rules(&before, &now)))
    {
        return 0;
    }

    text = make_text(s, NULL, 1);
    rc = parse_playlist(&delta, text);
    free(text);

    if (rc != 0) {
        return wrong("%s", delta.error);
    }

    return header_rules(&delta, kind) && delta_rules(&now, &delta);
}


/* a part of whole frames, 85 % of the target at least, or a gap */

static int
next_part(const kind_t *kind, uint32_t left)
{
    uint32_t  target, duration, flags;

    target = (uint32_t) ((uint64_t) kind->part_us * kind->scale / 1000000);
    duration = target / kind->frame * kind->frame;
    duration = duration < target * 85 / 100 ? target : duration;
    duration = duration > left ? left : duration;

    flags = kind->track[0] == 'a' ? LIVE_PART_INDEPENDENT : 0;

    if (m.segments[m.nsegments - 1].parts == 0) {
        flags = m.segments[m.nsegments - 1].flags & LIVE_SEGMENT_INDEPENDENT
                ? LIVE_PART_INDEPENDENT : 0;
    }

    if (kind->gaps && !dice((uint32_t) kind->gaps)) {
        duration = target > left ? left : target;
        flags = LIVE_PART_GAP;
    }

    make_part(&m, duration, flags);

    return (int) duration;
}


static int
run(const kind_t *kind, uint32_t segments)
{
    int       first;
    uint32_t  n, left, flags, init;

    make_stream(&m, kind->track, kind->scale);

    m.s.stream.part_us = kind->part_us;
    m.s.stream.segment_us = kind->segment_us;
    m.s.stream.segment_max_us = kind->segment_max_us;
    m.s.stream.window_us = kind->window_us;

    first = 1;
    init = 1;

    for (n = 0; n < segments; n++) {
        flags = LIVE_SEGMENT_INDEPENDENT;

        if (n && kind->discontinuities
            && !dice((uint32_t) kind->discontinuities))
        {
            flags |= LIVE_SEGMENT_DISCONT;
            init += dice(2);
        }

        if (n && kind->forced && !dice((uint32_t) kind->forced)) {
            flags = LIVE_SEGMENT_FORCED;
        }

        make_segment(&m, flags, init);

        left = (uint32_t) ((uint64_t) kind->segment_us * kind->scale / 1000000);
        left = left / 2 + dice(left);
        left = (left + kind->frame - 1) / kind->frame * kind->frame;

        while (left) {
            left -= (uint32_t) next_part(kind, left);

            if (left == 0) {
                make_close(&m);
            }

            if (!reload(kind, first)) {
                n = (uint32_t) strlen(why);
                (void) snprintf(why + n, sizeof(why) - n, ", in segment %u",
                                m.nsegments - 1);
                return 0;
            }

            first = 0;
        }
    }

    m.s.edge.ended = 1;

    return reload(kind, 0);
}


/* parts that the store's ring has no longer: a segment lists all or none */

static void
lost_parts(void)
{
    char      *text;
    uint32_t   i;

    make_stream(&m, "v", 90000);
    m.s.stream.part_us = 100000;
    m.s.stream.segment_max_us = 60000000;
    m.s.stream.window_us = 180000000;

    for (i = 0; i < 3; i++) {
        make_whole(&m, 600, 9000);
    }

    text = make_text(make_snapshot(&m), NULL, 0);

    is_int(parse_playlist(&now, text), 0, "more parts than the ring holds: %s",
           now.error);
    is_int(now.segments[1].parts, 0, "a segment without its first parts "
                                     "lists none");
    is_int(now.segments[2].parts, 600, "the last segment lists all");
    free(text);
}


/* a year of audio: rounding has not added up */

static void
drift(void)
{
    char      *text;
    double     sum;
    uint32_t   i;

    make_stream(&m, "a", 44100);
    make_segment(&m, LIVE_SEGMENT_INDEPENDENT, 1);
    m.segments[0].start = UINT64_C(44100) * 86400 * 365 + 7;

    for (i = 0; i < 6; i++) {
        make_part(&m, 21000, LIVE_PART_INDEPENDENT);
    }

    make_close(&m);

    text = make_text(make_snapshot(&m), NULL, 0);
    (void) parse_playlist(&now, text);
    free(text);

    sum = 0;

    for (i = 0; i < now.nparts; i++) {
        sum += now.parts[i].duration;
    }

    ok(fabs(now.segments[0].duration - 6 * 21000 / 44100.0) < 1e-6,
       "FM-TIME-03 a duration far from the clock's start is exact");
    ok(fabs(sum - now.segments[0].duration) < 1e-9,
       "FM-TIME-03 parts add up without rounding away");
}


/* audio goes from 48 kHz to 44.1 kHz: each segment is told in its own clock */

static void
other_clock(void)
{
    char      *text;
    uint32_t   i;

    make_stream(&m, "a", 48000);
    make_whole(&m, 4, 24000);
    make_whole(&m, 4, 24000);

    m.s.track.timescale = 44100;
    make_segment(&m, LIVE_SEGMENT_INDEPENDENT|LIVE_SEGMENT_DISCONT, 2);
    m.segments[2].start = 4 * 44100;

    for (i = 0; i < 4; i++) {
        make_part(&m, 22050, LIVE_PART_INDEPENDENT);
    }

    make_close(&m);

    text = make_text(make_snapshot(&m), NULL, 0);
    (void) parse_playlist(&now, text);
    free(text);

    for (i = 0; i < 3; i++) {
        ok(fabs(now.segments[i].duration - 2) < 1e-6,
           "FM-CODEC-04 segment %u around a change of clock lasts 2 s: %f", i,
           now.segments[i].duration);
    }

    for (i = 0; i < now.nparts && fabs(now.parts[i].duration - 0.5) < 1e-6; i++)
    {
    }

    is_int(i, 12, "FM-CODEC-04 and every part half a second");
}


/* a part that lasts a tick too long is not said to */

static void
tick(void)
{
    char  *text;

    make_stream(&m, "v", 90000);
    make_segment(&m, LIVE_SEGMENT_INDEPENDENT, 1);
    make_part(&m, 45001, LIVE_PART_INDEPENDENT);

    text = make_text(make_snapshot(&m), NULL, 0);
    (void) parse_playlist(&now, text);
    free(text);

    ok(now.parts[0].duration <= now.part_target,
       "FM-SEG-02 no part says more than the target: %f", now.parts[0].duration);
}


static void
dates(void)
{
    char       *text, want[40];
    size_t      n;
    time_t      t;
    uint32_t    wrong_ones;
    struct tm   tm;

    wrong_ones = 0;

    for (t = 0; t < INT64_C(86400) * 366 * 150; t += 86400 * 5 + 12345) {
        make_stream(&m, "v", 90000);
        m.pdt_us = (int64_t) t * 1000000 + 987999;
        make_whole(&m, 1, 45000);

        text = make_text(make_snapshot(&m), NULL, 0);

        gmtime_r(&t, &tm);
        n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
        strcpy(want + n, ".987Z\n");

        wrong_ones += (strstr(text, want) == NULL);
        free(text);
    }

    is_int(wrong_ones, 0, "FM-TIME-07 dates from 1970 to 2120");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        seed = (uint32_t) i + 1;
        why[0] = '\0';

        ok(run(&kinds[i], 120), "FM-SEG-01 FM-SEG-02 FM-SEG-03 FM-SEG-06: %s %s",
           kinds[i].name, why);
    }

    lost_parts();
    drift();
    other_clock();
    tick();
    dates();

    return done_testing();
}
