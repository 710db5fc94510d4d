/*
 * Clocks: 32-bit RTMP timestamps to one stream clock, and that to ticks.
 */

#include "live_timeline_internal.h"

#include <stdlib.h>
#include <string.h>


#define LIVE_CLOCK_BACK      1000     /* ms, a step back that is only clamped */
#define LIVE_CLOCK_AHEAD     1000     /* ms, a step ahead without waiting for it */
#define LIVE_CLOCK_APART     5000     /* ms, tracks further apart are aligned */
#define LIVE_CLOCK_CTS       10000    /* ms, no composition offset is larger */
#define LIVE_CLOCK_RESUME    500      /* ms, at least, between two publishers */

#define LIVE_CLOCK_PATIENCE      LIVE_NS
#define LIVE_CLOCK_PATIENCE_MAX  (5 * LIVE_NS)

/* a boundary's time follows arrivals by at most 1 / 500 of the time since the last */

#define LIVE_CLOCK_PDT       500


static void live_clock_begin(live_timeline_t *tl, uint32_t ts,
    int64_t mono_us);
static int64_t live_clock_join(live_timeline_t *tl, live_track_t *track,
    uint32_t ts);
static int live_clock_fits(const live_track_t *track, int64_t ms,
    int64_t mono_us);
static int live_clock_known(live_timeline_t *tl, live_track_t *track,
    int64_t mono_us);
static void live_clock_jump(live_timeline_t *tl, live_media_e media,
    int64_t mono_us);
static void live_clock_move(live_timeline_t *tl, int64_t ms);
static int64_t live_clock_least(live_timeline_t *tl, int64_t dts);


/* a frame's usual duration, ms */

static int64_t
live_clock_usual(const live_track_t *track)
{
    if (track->config.timescale == 0) {
        return 0;
    }

    return track->usual * 1000 / track->config.timescale;
}


int64_t
live_clock_front(const live_track_t *track)
{
    if (!track->clock) {
        return INT64_MIN;
    }

    return (track->front_ms + track->shift_ms) * LIVE_MS;
}


int64_t
live_clock_patience(const live_track_t *track)
{
    int64_t  patience, longest;

    if (track->config.media == LIVE_AUDIO) {
        longest = track->usual;

    } else if (!track->measured) {
        return 2 * LIVE_CLOCK_PATIENCE;

    } else {
        longest = track->longest > track->usual ? track->longest
                                                : track->usual;
    }

    /* a track's front is up to a frame behind where its next one will be */

    patience = LIVE_CLOCK_PATIENCE;

    if (track->config.timescale) {
        patience += 2 * live_ns(track, longest);
    }

    return patience > LIVE_CLOCK_PATIENCE_MAX ? LIVE_CLOCK_PATIENCE_MAX
                                              : patience;
}


/* the first message of all: where this publisher's clock lies on the stream's */

static void
live_clock_begin(live_timeline_t *tl, uint32_t ts, int64_t mono_us)
{
    int       i;
    int64_t   away;

    tl->clocked = 1;
    tl->first_mono_us = mono_us;
    tl->first_ms = LIVE_TIMELINE_BIAS;

    if (tl->resume.msn) {
        away = (mono_us - tl->resume.end_mono_us) / 1000;
        away = away > LIVE_CLOCK_RESUME ? away : LIVE_CLOCK_RESUME;

        tl->first_ms = (tl->resume.end_us + 999) / 1000 + away;
    }

    for (i = 0; i < LIVE_TIMELINE_OFFSETS; i++) {
        tl->offsets[i] = tl->first_ms - (int64_t) ts;
    }

    tl->pdt_offset_us = mono_us - tl->first_ms * 1000;
}


/* a track's first message; returns it on the stream clock */

static int64_t
live_clock_join(live_timeline_t *tl, live_track_t *track, uint32_t ts)
{
    int                  t;
    int64_t              ms, end;
    const live_track_t  *other;

    track->ref_ms = ts;
    track->offset_ms = tl->offsets[0];
    track->front_ms = INT64_MIN;
    end = INT64_MIN;

    for (t = 0; t < LIVE_TRACKS; t++) {
        other = &tl->tracks[t];

        if (other->clock) {
            track->ref_ms = other->ref_ms
                            + (int32_t) (ts - (uint32_t) other->ref_ms);
            track->offset_ms = other->offset_ms;
            end = other->front_ms;
        }
    }

    ms = track->ref_ms + track->offset_ms;

    /* a clock of its own: it begins now */

    if (end != INT64_MIN && llabs(ms - end) > LIVE_CLOCK_APART) {
        track->offset_ms += end - ms;
        ms = end;
    }

    return ms;
}


/*
 * Is this a plausible next time for the track?  Looked at from the furthest it has
 * been, so that many small steps back do not add up.
 */

static int
live_clock_fits(const live_track_t *track, int64_t ms, int64_t mono_us)
{
    int64_t  step, ahead;

    step = ms - track->front_ms;
    ahead = (mono_us - track->mono_us) / 1000;
    ahead = ahead > 0 ? ahead : 0;

    return step >= -LIVE_CLOCK_BACK
           && step <= ahead + LIVE_CLOCK_AHEAD + 2 * live_clock_usual(track);
}


static void
live_clock_offset(live_timeline_t *tl, live_track_t *track, int64_t offset)
{
    track->offset_ms = offset;

    memmove(&tl->offsets[1], &tl->offsets[0],
            (LIVE_TIMELINE_OFFSETS - 1) * sizeof(int64_t));
    tl->offsets[0] = offset;
}


/*
 * Finds the offset that makes sense of the track's time: its own; one that another
 * track came to by a jump, or from before that; its own and a wrap of those who
 * keep 31 or 24 bits.
 */

static int
live_clock_known(live_timeline_t *tl, live_track_t *track, int64_t mono_us)
{
    int      i;
    int64_t  wrap;

    if (live_clock_fits(track, track->ref_ms + track->offset_ms, mono_us)) {
        return 1;
    }

    for (i = 0; i < LIVE_TIMELINE_OFFSETS; i++) {
        if (live_clock_fits(track, track->ref_ms + tl->offsets[i], mono_us)) {
            track->offset_ms = tl->offsets[i];
            return 1;
        }
    }

    for (i = 31; i >= 24; i -= 7) {
        wrap = track->offset_ms + ((int64_t) 1 << i);

        if (live_clock_fits(track, track->ref_ms + wrap, mono_us)) {
            live_clock_offset(tl, track, wrap);
            return 1;
        }
    }

    return 0;
}


/*
 * The track goes on one frame behind its last, or by the time that passed if
 * there was a pause; the other follows by the same offset.
 */

static void
live_clock_jump(live_timeline_t *tl, live_media_e media, int64_t mono_us)
{
    int64_t        step, usual;
    live_track_t  *track;

    track = &tl->tracks[media];

    tl->stats.jumps++;
    tl->sink.event(tl->ctx, media, LIVE_TIMELINE_JUMP,
                   track->ref_ms + track->offset_ms - track->front_ms);

    step = (mono_us - track->mono_us) / 1000;
    usual = live_clock_usual(track);

    if (step < LIVE_CLOCK_AHEAD) {
        step = usual ? usual : 20;
    }

    live_clock_offset(tl, track, track->front_ms + step - track->ref_ms);
}


int64_t
live_clock_map(live_timeline_t *tl, live_media_e media, uint32_t ts,
    int64_t mono_us)
{
    int64_t        ms;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (!tl->clocked) {
        live_clock_begin(tl, ts, mono_us);
    }

    if (!track->clock) {
        ms = live_clock_join(tl, track, ts);
        track->clock = 1;

    } else {

        /* the signed difference unwraps 2^32 */

        track->ref_ms += (int32_t) (ts - (uint32_t) track->ref_ms);

        if (!live_clock_known(tl, track, mono_us)) {
            live_clock_jump(tl, media, mono_us);
        }

        ms = track->ref_ms + track->offset_ms;
    }

    if (ms > track->front_ms) {
        track->front_ms = ms;
        track->mono_us = mono_us;
    }

    return ms;
}


/* all tracks together, later */

static void
live_clock_move(live_timeline_t *tl, int64_t ms)
{
    int  i, t;

    for (i = 0; i < LIVE_TIMELINE_OFFSETS; i++) {
        tl->offsets[i] += ms;
    }

    for (t = 0; t < LIVE_TRACKS; t++) {
        tl->tracks[t].offset_ms += ms;
        tl->tracks[t].front_ms += ms;
    }
}


/*
 * Where video that would begin at dts may, ticks: behind what the last publisher sent; with a new
 * configuration behind the old one's frames, whose composition offsets may have
 * been larger.
 */

static int64_t
live_clock_least(live_timeline_t *tl, int64_t dts)
{
    int64_t        least, bound;
    live_track_t  *track;

    track = &tl->tracks[LIVE_VIDEO];

    if (!tl->started) {
        return live_ticks(track, tl->resume.end_us * 1000);
    }

    if (track->state != LIVE_TRACK_RUNNING || track->lost) {
        return 0;
    }

    bound = live_bound_get(tl, tl->msn)->ns + LIVE_TIMELINE_APART;
    bound = live_ticks(track, bound);

    /* timestamps are rounded: half a frame behind the last will do */

    least = track->last_dts + track->usual;
    least = dts > least - track->usual / 2 ? dts : least;

    return least > bound ? least : bound;
}


int
live_clock_video(live_timeline_t *tl, int64_t ms, int32_t cts,
    live_frame_t *frame)
{
    int64_t        dts, d;
    live_track_t  *track;

    track = &tl->tracks[LIVE_VIDEO];

    if (cts > LIVE_CLOCK_CTS || cts < -LIVE_CLOCK_CTS) {
        return LIVE_AGAIN;
    }

    if (!track->shifted) {
        track->shifted = 1;
        track->shift_ms = cts;

        dts = (ms + cts) * (LIVE_VIDEO_TIMESCALE / 1000);
        d = live_clock_least(tl, dts) - dts;

        if (d > 0) {
            d = (d + LIVE_VIDEO_TIMESCALE / 1000 - 1)
                / (LIVE_VIDEO_TIMESCALE / 1000);
            live_clock_move(tl, d);
            ms += d;
        }
    }

    dts = (ms + track->shift_ms) * (LIVE_VIDEO_TIMESCALE / 1000);

    if (dts <= track->last_dts) {

        if (!track->not_monotonic
            && track->last_dts - dts >= LIVE_VIDEO_TIMESCALE / 1000)
        {
            track->not_monotonic = 1;
            tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_NOT_MONOTONIC,
                           (track->last_dts - dts) * 1000
                           / LIVE_VIDEO_TIMESCALE);
        }

        dts = track->last_dts + 1;
    }

    frame->dts = dts;
    frame->cts = (int32_t) ((ms + cts) * (LIVE_VIDEO_TIMESCALE / 1000) - dts);

    return LIVE_OK;
}


void
live_clock_arrived(live_timeline_t *tl, int64_t ms, int64_t mono_us)
{
    int64_t  d;

    d = mono_us - ms * 1000;

    if (!tl->pdt_any || d < tl->pdt_least_us) {
        tl->pdt_any = 1;
        tl->pdt_least_us = d;
    }
}


/*
 * The stream clock on this server's clock.  Follows the least delay seen between
 * two boundaries, slowly: encoders' clocks drift, bursts and stalls are no drift.
 */

int64_t
live_clock_pdt(live_timeline_t *tl, int64_t ns, int64_t elapsed_ns)
{
    int64_t  step, most, least;

    if (!tl->started) {

        /* never before what the last publisher's viewers have seen */

        least = tl->resume.end_pdt_us + LIVE_TIMELINE_APART / 1000
                - tl->resume.epoch_us - ns / 1000;

        if (tl->resume.msn && tl->pdt_offset_us < least) {
            tl->pdt_offset_us = least;
        }

    } else if (tl->pdt_any) {
        most = elapsed_ns / 1000 / LIVE_CLOCK_PDT;
        step = tl->pdt_least_us - tl->pdt_offset_us;
        step = step > most ? most : step;
        step = step < -most ? -most : step;

        tl->pdt_offset_us += step;
        tl->pdt_any = 0;
    }

    return tl->resume.epoch_us + tl->pdt_offset_us + ns / 1000;
}
