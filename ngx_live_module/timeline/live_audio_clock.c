/*
 * The clock of audio.  A frame lasts as long as its samples; a timestamp in ms
 * would make each a little too long or short.  So frames follow each other
 * exactly, and what their timestamps say on average is followed in steps too small
 * to hear, made between two parts; a real gap at once.
 */

#include "live_timeline_internal.h"


#define LIVE_AUDIO_WINDOW    64     /* frames in the mean */
#define LIVE_AUDIO_SURE      16     /* frames before the mean moves anything far */
#define LIVE_AUDIO_ONE       256    /* fixed point of the mean */


static int live_audio_gap(live_audio_clock_t *clock, int64_t error,
    int64_t rate);
static void live_audio_average(live_audio_clock_t *clock, int64_t error,
    int64_t frame);


static void
live_audio_reset(live_audio_clock_t *clock)
{
    clock->mean = 0;
    clock->n = 0;
    clock->ahead = 0;
    clock->behind = 0;
    clock->stepping = 0;
}


/*
 * An error of more than 100 ms is no jitter: if the next frame says so too, or if
 * it is more than half a second.  Returns 1 if the clock was set.
 */

static int
live_audio_gap(live_audio_clock_t *clock, int64_t error, int64_t rate)
{
    if (error > rate / 10) {
        clock->behind = 0;
        clock->least = (clock->ahead == 0 || error < clock->least)
                       ? error : clock->least;

        if (++clock->ahead >= 2 || error > rate / 2) {
            clock->next += clock->least;
            live_audio_reset(clock);
            return 1;
        }

    } else if (error < -rate / 10) {
        clock->ahead = 0;

        if (++clock->behind >= 2 || error < -rate / 2) {
            clock->dropping = 1;
        }

    } else {
        clock->ahead = 0;
        clock->behind = 0;
    }

    return 0;
}


/* jitter averages out; a whole frame that stays is a gap, or one too many */

static void
live_audio_average(live_audio_clock_t *clock, int64_t error, int64_t frame)
{
    int64_t  mean;

    error = error > 3 * frame ? 3 * frame : error;
    error = error < -3 * frame ? -3 * frame : error;

    if (clock->n < LIVE_AUDIO_WINDOW) {
        clock->n++;
    }

    clock->mean += (error * LIVE_AUDIO_ONE - clock->mean) / clock->n;

    if (clock->n < LIVE_AUDIO_SURE) {
        return;
    }

    mean = clock->mean / LIVE_AUDIO_ONE;

    if (mean > frame) {
        clock->next += mean;
        live_audio_reset(clock);

    } else if (mean < -frame) {
        clock->dropping = 1;
    }
}


int
live_audio_clock(live_track_t *track, int64_t ms, live_frame_t *frame)
{
    int64_t              error, rate, samples;
    live_audio_clock_t  *clock;

    clock = &track->audio;
    rate = track->config.timescale;
    samples = track->config.frame_samples;

    if (!clock->set) {
        live_audio_reset(clock);
        clock->set = 1;
        clock->dropping = 0;
        clock->next = ms * rate / 1000;
    }

    error = ms * rate / 1000 - clock->next;

    if (!live_audio_gap(clock, error, rate)) {
        live_audio_average(clock, error, samples);
    }

    if (clock->dropping) {

        if (error < -samples / 2) {
            return LIVE_AGAIN;
        }

        clock->dropping = 0;
        live_audio_reset(clock);
    }

    if (clock->next <= track->last_dts) {
        clock->next = track->last_dts + 1;
    }

    frame->cts = 0;
    frame->dts = clock->next;
    clock->next += samples;

    return LIVE_OK;
}


int64_t
live_audio_step(live_track_t *track, int64_t least, int64_t most)
{
    int64_t              step, rate, mean;
    live_audio_clock_t  *clock;

    clock = &track->audio;
    rate = track->config.timescale;
    mean = clock->mean / LIVE_AUDIO_ONE;

    if (mean > rate * 3 / 1000 || mean < -rate * 3 / 1000) {
        clock->stepping = 1;

    } else if (mean < rate / 2000 && mean > -rate / 2000) {
        clock->stepping = 0;
    }

    if (!clock->stepping) {
        return 0;
    }

    step = mean > rate / 1000 ? rate / 1000 : mean;
    step = step < -rate / 1000 ? -rate / 1000 : step;
    step = step > most ? most : step;
    step = step < least ? least : step;

    clock->next += step;
    clock->mean -= step * LIVE_AUDIO_ONE;
    track->last_dts += step;

    return step;
}


int
live_audio_pressing(const live_track_t *track)
{
    return track->audio.mean / LIVE_AUDIO_ONE
           > (int64_t) track->config.timescale * 5 / 1000;
}
