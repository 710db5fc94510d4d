/*
 * Clocks: 32-bit RTMP timestamps to one stream clock, and that to ticks.
 */

#include "live_timeline_internal.h"

#include <stdlib.h>


#define LIVE_CLOCK_BACK      1000     /* ms, a step back that is only clamped */
#define LIVE_CLOCK_AHEAD     5000     /* ms, a step ahead without waiting for it */
#define LIVE_CLOCK_APART     10000    /* ms, tracks further apart are aligned */


static int live_clock_fits(const live_track_t *track, int64_t ms,
    int64_t mono_us);
static int64_t live_clock_end(const live_timeline_t *tl);


/* is this a plausible next time for the track? */

static int
live_clock_fits(const live_track_t *track, int64_t ms, int64_t mono_us)
{
    int64_t  step;

    step = ms - track->last_ms;

    return step >= -LIVE_CLOCK_BACK
           && step <= (mono_us - track->mono_us) / 1000 + LIVE_CLOCK_AHEAD;
}


static int64_t
live_clock_end(const live_timeline_t *tl)
{
    int      t;
    int64_t  end;

    end = INT64_MIN;

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tl->tracks[t].clock && tl->tracks[t].last_ms > end) {
            end = tl->tracks[t].last_ms;
        }
    }

    return end;
}


int64_t
live_clock_map(live_timeline_t *tl, live_media_e media, uint32_t ts,
    int64_t mono_us)
{
    int64_t        ms, end, raw;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (!tl->clocked) {
        tl->clocked = 1;
        tl->ref_ms = ts;
        tl->first_mono_us = mono_us;

        if (tl->resume.msn) {
            tl->first_ms = (tl->resume.end_us + 999) / 1000 + 1000;

            if (mono_us > tl->resume.end_mono_us) {
                tl->first_ms += (mono_us - tl->resume.end_mono_us) / 1000;
            }

        } else {
            tl->first_ms = LIVE_TIMELINE_BIAS;
        }

        tl->offset_ms = tl->first_ms - (int64_t) ts;
        tl->old_offset_ms = tl->offset_ms;
        tl->pdt_offset_us = mono_us - tl->first_ms * 1000;
    }

    /* the signed difference unwraps 2^32, and 2^31 of those who mask a bit */

    tl->ref_ms += (int32_t) (ts - (uint32_t) tl->ref_ms);
    raw = tl->ref_ms + track->skew_ms;
    ms = raw + tl->offset_ms;

    if (!track->clock) {
        track->clock = 1;
        end = live_clock_end(tl);

        if (end != INT64_MIN && llabs(ms - end) > LIVE_CLOCK_APART) {
            track->skew_ms = end - ms;
            ms = end;
        }

    } else if (!live_clock_fits(track, ms, mono_us)) {

        if (live_clock_fits(track, raw + tl->old_offset_ms, mono_us)) {

            /* on the other side of a jump than the other track */

            ms = raw + tl->old_offset_ms;

        } else {
            end = live_clock_end(tl);
            end += 20;

            tl->stats.jumps++;
            tl->sink.event(tl->ctx, media, LIVE_TIMELINE_JUMP,
                           ms - track->last_ms);

            tl->old_offset_ms = tl->offset_ms;
            tl->offset_ms = end - raw;
            ms = end;
        }
    }

    track->last_ms = ms;
    track->mono_us = mono_us;

    return ms;
}


int
live_clock_video(live_timeline_t *tl, int64_t ms, int32_t cts,
    live_frame_t *frame)
{
    int64_t        dts;
    live_track_t  *track;

    track = &tl->tracks[LIVE_VIDEO];

    if (!track->shifted && frame->key) {
        track->shifted = 1;
        track->shift_ms = cts;
    }

    dts = (ms + track->shift_ms) * (LIVE_VIDEO_TIMESCALE / 1000);

    if (dts <= track->last_dts) {

        if (!track->not_monotonic && dts < track->last_dts) {
            track->not_monotonic = 1;
            tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_NOT_MONOTONIC,
                           (track->last_dts - dts) * 1000
                           / LIVE_VIDEO_TIMESCALE);
        }

        dts = track->last_dts + 1;
    }

    frame->dts = dts;
    frame->cts = (int32_t) ((ms + cts) * (LIVE_VIDEO_TIMESCALE / 1000) - dts);

    return 0;
}


/*
 * Audio runs on its own samples: a timestamp in ms would make each frame a little
 * too long or short.  What the timestamps say on average is followed in small
 * steps, a real gap at once.
 */

int
live_clock_audio(live_timeline_t *tl, int64_t ms, live_frame_t *frame)
{
    int64_t        dts, error, rate, step;
    live_track_t  *track;

    track = &tl->tracks[LIVE_AUDIO];
    rate = track->config.timescale;
    dts = ms * rate / 1000;

    frame->cts = 0;

    if (track->next_dts == 0) {
        track->next_dts = dts;
    }

    error = dts - track->next_dts;

    if (llabs(error) > rate / 10) {

        track->off++;

        if (track->off >= 3 || llabs(error) > rate) {

            if (error < 0) {

                /* more audio than time: this frame is one too many */

                return -1;
            }

            track->next_dts = dts;
            track->error = 0;
            track->off = 0;
        }

    } else {
        track->off = 0;
        track->error += error - track->error / 16;

        /* beyond 2 ms: a step of at most 1 ms */

        if (llabs(track->error / 16) > rate / 500) {
            step = track->error / 16;
            step = step > rate / 1000 ? rate / 1000 : step;
            step = step < -rate / 1000 ? -rate / 1000 : step;

            track->next_dts += step;
            track->error -= step * 16;
        }
    }

    if (track->next_dts <= track->last_dts) {
        track->next_dts = track->last_dts + 1;
    }

    frame->dts = track->next_dts;
    track->next_dts += track->config.frame_samples;

    return 0;
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
 * The stream clock on this server's clock.  Follows the least delay seen in each
 * segment, slowly: encoders' clocks drift, bursts and stalls are no drift.
 */

int64_t
live_clock_pdt(live_timeline_t *tl, int64_t ns, int64_t elapsed_ns)
{
    int64_t  step, most;

    if (tl->pdt_any) {
        most = elapsed_ns / 1000 / 500;
        step = tl->pdt_least_us - tl->pdt_offset_us;
        step = step > most ? most : step;
        step = step < -most ? -most : step;

        tl->pdt_offset_us += step;
        tl->pdt_any = 0;
    }

    return tl->resume.epoch_us + tl->pdt_offset_us + ns / 1000;
}
