/*
 * Boundaries of segments, and parts between them.
 */

#include "live_timeline_internal.h"

#include <string.h>


/* ticks of video, 2 ms */

#define LIVE_CUT_ROUNDING  (LIVE_VIDEO_TIMESCALE / 500)


static live_bound_t *live_cut_get(live_timeline_t *tl, uint64_t msn);
static int live_cut_emit(live_timeline_t *tl, live_media_e media,
    int64_t duration);
static int live_cut_advance(live_timeline_t *tl, live_media_e media,
    int64_t end);
static int live_cut_open(live_timeline_t *tl, live_media_e media, uint64_t msn,
    int64_t start, uint32_t key);
static int live_cut_end(live_timeline_t *tl, live_media_e media, int64_t end);
static int live_cut_fill(live_timeline_t *tl, live_media_e media,
    int64_t until_ns);
static int live_cut_frame(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int newest);


static live_bound_t *
live_cut_get(live_timeline_t *tl, uint64_t msn)
{
    return &tl->bounds[msn % LIVE_TIMELINE_BOUNDS];
}


/* a new boundary: segment msn + 1 begins at ns */

int
live_cut_bound(live_timeline_t *tl, int64_t ns, uint32_t flags)
{
    int64_t        elapsed;
    uint32_t       discontinuity;
    live_bound_t  *bound;

    if (tl->started) {
        bound = live_cut_get(tl, tl->msn);
        elapsed = ns - bound->ns;
        discontinuity = bound->discontinuity;
        tl->msn++;

    } else {
        elapsed = 0;
        discontinuity = tl->resume.discontinuity;
        tl->msn = tl->resume.msn;
    }

    if (tl->discont) {
        tl->discont = 0;
        flags |= LIVE_SEGMENT_DISCONT;
        discontinuity++;
    }

    bound = live_cut_get(tl, tl->msn);

    bound->ns = ns;
    bound->flags = flags;
    bound->discontinuity = discontinuity;
    bound->pdt_us = live_clock_pdt(tl, ns, elapsed);

    return LIVE_OK;
}


/* the part being made, or a gap, of a nominal duration */

static int
live_cut_emit(live_timeline_t *tl, live_media_e media, int64_t duration)
{
    int                    rc;
    size_t                 left;
    int64_t                end;
    uint32_t               i, n;
    live_track_t          *track;
    live_bound_t          *bound;
    live_timeline_part_t   part;

    track = &tl->tracks[media];
    n = track->taken;

    memset(&part, 0, sizeof(live_timeline_part_t));

    part.msn = track->msn;
    part.index = track->part++;
    part.start = (uint64_t) track->part_start;
    part.duration = (uint32_t) duration;

    if (n == 0) {
        part.flags = LIVE_PART_GAP;
        tl->stats.gap_parts++;

    } else {
        for (i = 0; i < n; i++) {
            end = (i + 1 < track->nframes)
                  ? track->frames[i + 1].dts
                  : track->frames[i].dts + track->usual;

            /* a hole is a hole: no sample is stretched over it */

            if (media == LIVE_AUDIO && end - track->frames[i].dts
                                       > 2 * track->config.frame_samples)
            {
                end = track->frames[i].dts + track->config.frame_samples;
            }

            tl->samples[i].size = track->frames[i].size;
            tl->samples[i].duration = (uint32_t) (end - track->frames[i].dts);
            tl->samples[i].cts = track->frames[i].cts;
            tl->samples[i].key = track->frames[i].key;
        }

        bound = live_cut_get(tl, track->msn);

        part.flags = track->frames[0].key ? LIVE_PART_INDEPENDENT : 0;
        part.dts = (uint64_t) track->frames[0].dts;
        part.wall_us = bound->pdt_us + (live_ns(track, track->frames[0].dts)
                                        - bound->ns) / 1000;
        part.samples = tl->samples;
        part.nsamples = n;
        part.data = track->data;
        part.size = track->taken_size;
    }

    track->part_start += duration;

    end = live_ns(track, track->part_start) / 1000;

    if (end > tl->end_us) {
        tl->end_us = end;
        tl->end_mono_us = tl->now_us;
    }

    rc = tl->sink.part(tl->ctx, media, &part);

    if (n) {
        left = track->size - track->taken_size;
        memmove(track->data, track->data + track->taken_size, left);
        track->size = left;

        track->nframes -= n;
        memmove(track->frames, track->frames + n,
                track->nframes * sizeof(live_frame_t));

        track->taken = 0;
        track->taken_size = 0;
    }

    return rc;
}


/* parts up to a nominal end: what is taken, then gaps */

static int
live_cut_advance(live_timeline_t *tl, live_media_e media, int64_t end)
{
    int            rc;
    int64_t        d;
    live_track_t  *track;

    track = &tl->tracks[media];

    while (track->part_start < end) {
        d = end - track->part_start;
        d = d > track->target ? track->target : d;

        rc = live_cut_emit(tl, media, d);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    return LIVE_OK;
}


static int
live_cut_open(live_timeline_t *tl, live_media_e media, uint64_t msn,
    int64_t start, uint32_t key)
{
    int                       rc;
    live_bound_t             *bound;
    live_track_t             *track;
    live_timeline_segment_t   segment;

    track = &tl->tracks[media];
    bound = live_cut_get(tl, msn);

    if (track->changed) {
        track->changed = 0;

        if (tl->resume.init[media] == 0
            || !live_codec_same_config(&tl->resume.config[media],
                                       &track->config))
        {
            tl->resume.init[media]++;
            tl->resume.config[media] = track->config;

            rc = tl->sink.config(tl->ctx, media, tl->resume.init[media],
                                 &track->config);
            if (rc != LIVE_OK) {
                return rc;
            }
        }
    }

    memset(&segment, 0, sizeof(live_timeline_segment_t));

    segment.msn = msn;
    segment.start = (uint64_t) start;
    segment.pdt_us = bound->pdt_us
                     + (live_ns(track, start) - bound->ns) / 1000;
    segment.flags = bound->flags;
    segment.init = tl->resume.init[media];
    segment.discontinuity = bound->discontinuity;

    if (key) {
        segment.flags |= LIVE_SEGMENT_INDEPENDENT;
        segment.flags &= ~(uint32_t) LIVE_SEGMENT_FORCED;
    }

    track->open = 1;
    track->msn = msn;
    track->segment_start = start;
    track->part_start = start;
    track->part = 0;
    track->flags = segment.flags;
    track->frames_in = 0;

    return tl->sink.segment(tl->ctx, media, &segment);
}


static int
live_cut_end(live_timeline_t *tl, live_media_e media, int64_t end)
{
    int            rc;
    int64_t        duration;
    live_track_t  *track;

    track = &tl->tracks[media];

    /* a segment has a duration, however short */

    if (end <= track->segment_start) {
        end = track->segment_start + 1;
    }

    rc = live_cut_advance(tl, media, end);

    if (rc != LIVE_OK) {
        return rc;
    }

    duration = track->part_start - track->segment_start;

    if (media == LIVE_VIDEO && track->frames_in > 1
        && duration >= LIVE_VIDEO_TIMESCALE / 2)
    {
        tl->stats.fps_milli = (uint32_t)
                              ((int64_t) track->frames_in * 1000
                               * LIVE_VIDEO_TIMESCALE / duration);
    }

    track->open = 0;

    return tl->sink.segment_end(tl->ctx, media, track->msn,
                                (uint64_t) duration, track->flags);
}


/* a silent track: gaps, through the boundaries that the others make */

static int
live_cut_fill(live_timeline_t *tl, live_media_e media, int64_t until_ns)
{
    int            rc;
    int64_t        end;
    live_bound_t  *bound;
    live_track_t  *track;

    track = &tl->tracks[media];

    while (track->open && track->msn < tl->msn) {

        bound = live_cut_get(tl, track->msn + 1);
        end = live_ticks(track, bound->ns);

        if (end < track->part_start) {
            end = track->part_start;
        }

        rc = live_cut_end(tl, media, end);

        if (rc == LIVE_OK) {
            rc = live_cut_open(tl, media, track->msn + 1, track->part_start,
                               0);
        }

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    end = live_ticks(track, until_ns);

    while (track->open && track->part_start + track->target <= end) {

        rc = live_cut_emit(tl, media, track->target);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    return LIVE_OK;
}


/*
 * The leading track decides where segments begin.  frame is its newest; what
 * comes before it has been drained up to here.
 */

int
live_cut_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int64_t        now, start, max, wanted, gop, elapsed, slack;
    uint32_t       flags;
    live_track_t  *track;

    track = &tl->tracks[media];

    now = live_ns(track, frame->dts);
    start = live_cut_get(tl, tl->msn)->ns;
    wanted = tl->conf.segment_us * 1000;
    max = tl->conf.segment_max_us * 1000;

    /* longer than allowed without any frame: the grid goes on */

    while (now - start > max) {
        (void) live_cut_bound(tl, start + max, LIVE_SEGMENT_FORCED);
        start += max;
    }

    elapsed = now - start;

    if (elapsed <= 0) {
        return LIVE_OK;
    }

    if (media == LIVE_AUDIO) {

        if (elapsed >= wanted || tl->discont) {
            return live_cut_bound(tl, now, 0);
        }

        return LIVE_OK;
    }

    if (frame->key) {
        gop = track->gop ? live_ns(track, track->gop) : 0;
        slack = gop / 2 < wanted / 4 ? gop / 2 : wanted / 4;

        if (elapsed >= wanted - slack || elapsed + gop > max || tl->discont) {
            return live_cut_bound(tl, now, 0);
        }
    }

    if (elapsed + live_ns(track, track->usual) > max) {
        flags = frame->key ? 0 : LIVE_SEGMENT_FORCED;

        if (flags) {
            tl->stats.forced_cuts++;

            if (!tl->said_forced) {
                tl->said_forced = 1;
                tl->sink.event(tl->ctx, media, LIVE_TIMELINE_FORCED_CUT,
                               live_ns(track, frame->dts - track->last_key)
                               / 1000000);
            }
        }

        return live_cut_bound(tl, now, flags);
    }

    return LIVE_OK;
}


/*
 * The next frame in the queue: into the part; or the part closes before it, and it
 * is to be looked at again.  LIVE_AGAIN: it waits for its successor.
 */

static int
live_cut_frame(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int newest)
{
    int64_t        end, have;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (frame->dts >= track->part_start + track->target) {
        return live_cut_emit(tl, media, track->target);
    }

    have = frame->dts - track->part_start;

    if (track->taken
        && (track->taken == LIVE_TIMELINE_SAMPLES
            || track->taken_size + frame->size > tl->conf.part_bytes_max))
    {
        return live_cut_advance(tl, media, frame->dts);
    }

    end = (frame + 1 < track->frames + track->nframes)
          ? frame[1].dts : frame->dts + track->usual;

    /*
     * The newest frame's end is a guess, and timestamps are rounded to ms: if it
     * is as close as that to the target, its successor tells.
     */

    if (newest && end - track->part_start > track->target
        && end - track->part_start <= track->target + LIVE_CUT_ROUNDING)
    {
        return LIVE_AGAIN;
    }

    if (end - track->part_start > track->target && track->taken
        && have * 100 >= track->target * 85)
    {
        return live_cut_advance(tl, media, frame->dts);
    }

    if (newest) {
        return LIVE_AGAIN;
    }

    track->taken++;
    track->taken_size += frame->size;
    track->frames_in++;

    /*
     * So few frames that no part of 85 % could end with one: the part ends by the
     * clock, its last sample lasts beyond it.
     */

    if (end - track->part_start > track->target) {
        return live_cut_emit(tl, media, track->target);
    }

    return LIVE_OK;
}


/* throws the oldest frame away */

static void
live_cut_drop(live_timeline_t *tl, live_media_e media)
{
    uint32_t       size;
    live_track_t  *track;

    track = &tl->tracks[media];
    size = track->frames[0].size;

    track->size -= size;
    memmove(track->data, track->data + size, track->size);

    track->nframes--;
    memmove(track->frames, track->frames + 1,
            track->nframes * sizeof(live_frame_t));

    tl->stats.dropped[media]++;
}


/*
 * Opens a track whose oldest frame is within the newest segment: at its beginning;
 * or later in it, if it is the first segment or the track's frames up to here
 * had to go.
 */

static int
live_cut_join(live_timeline_t *tl, live_media_e media, int64_t tolerance,
    int *joined)
{
    int64_t        start, late;
    live_frame_t  *frame;
    live_track_t  *track;

    track = &tl->tracks[media];
    frame = &track->frames[0];

    start = live_ticks(track, live_cut_get(tl, tl->msn)->ns);
    late = frame->dts - start;

    *joined = late >= -tolerance
              && (late <= 2 * tolerance || track->rejoin
                  || tl->msn == tl->resume.msn);

    if (!*joined) {
        return LIVE_OK;
    }

    track->rejoin = 0;

    /* what is missing at the beginning of a later segment is a gap */

    if (late <= track->target || tl->msn == tl->resume.msn) {
        start = frame->dts;
    }

    return live_cut_open(tl, media, tl->msn, start,
                         frame->key && start == frame->dts);
}


/*
 * Makes parts of what is in a track's queue.  all: nothing more will come for
 * now, the newest frame too.
 */

int
live_cut_drain(live_timeline_t *tl, live_media_e media, int all)
{
    int            rc, joined, newest;
    int64_t        start, tolerance, limit, lead;
    live_frame_t  *frame;
    live_track_t  *track, *video;

    track = &tl->tracks[media];
    video = &tl->tracks[LIVE_VIDEO];

    tolerance = (media == LIVE_AUDIO) ? track->config.frame_samples / 2 : 0;

    /* audio must not pass a place where video may still begin a segment */

    limit = INT64_MAX;

    if (media == LIVE_AUDIO && video->open && !video->lost && !all) {
        lead = video->newest_ns;

        if (track->newest_ns - lead > LIVE_TIMELINE_HOLD) {
            lead = track->newest_ns - LIVE_TIMELINE_HOLD;
        }

        limit = live_ticks(track, lead) - tolerance;
    }

    while (track->taken < track->nframes) {

        frame = &track->frames[track->taken];

        if (!track->open) {
            rc = live_cut_join(tl, media, tolerance, &joined);

            if (rc != LIVE_OK) {
                return rc;
            }

            if (!joined) {

                live_cut_drop(tl, media);
                continue;
            }
        }

        if (track->msn < tl->msn) {
            start = live_ticks(track, live_cut_get(tl, track->msn + 1)->ns);

            if (frame->dts >= start - tolerance) {

                /* a segment of audio begins with its frame, where there is one */

                if (frame->dts - start <= 2 * tolerance) {
                    start = frame->dts;
                }

                if (start < track->part_start) {
                    start = track->part_start;
                }

                rc = live_cut_end(tl, media, start);

                if (rc == LIVE_OK) {
                    rc = live_cut_open(tl, media, track->msn + 1,
                                       track->part_start,
                                       track->frames[0].key
                                       && track->frames[0].dts
                                          <= track->part_start);
                }

                if (rc != LIVE_OK) {
                    return rc;
                }

                continue;
            }
        }

        if (frame->dts > limit) {
            break;
        }

        newest = !all && media == LIVE_VIDEO
                 && track->taken + 1 == track->nframes;

        rc = live_cut_frame(tl, media, frame, newest);

        if (rc == LIVE_AGAIN) {
            break;
        }

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    return LIVE_OK;
}


/* a track far behind the others is lost until it sends again */

int
live_cut_lost(live_timeline_t *tl)
{
    int            rc, t;
    int64_t        newest, patience;
    live_track_t  *track;

    newest = INT64_MIN;

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tl->tracks[t].open && tl->tracks[t].newest_ns > newest) {
            newest = tl->tracks[t].newest_ns;
        }
    }

    for (t = 0; t < LIVE_TRACKS; t++) {
        track = &tl->tracks[t];

        if (!track->open) {
            continue;
        }

        patience = 3 * live_ns(track, track->usual);
        patience = patience < LIVE_NS ? LIVE_NS : patience;
        patience = patience > 5 * LIVE_NS ? 5 * LIVE_NS : patience;

        if (!track->lost && newest - track->newest_ns > patience) {

            rc = live_cut_drain(tl, (live_media_e) t, 1);

            if (rc != LIVE_OK) {
                return rc;
            }

            track->lost = 1;
            track->need_key = 1;
            tl->sink.event(tl->ctx, (uint32_t) t, LIVE_TIMELINE_TRACK_LOST, 0);
        }

        if (track->lost) {
            rc = live_cut_fill(tl, (live_media_e) t, newest - LIVE_NS / 2);

            if (rc != LIVE_OK) {
                return rc;
            }
        }
    }

    return LIVE_OK;
}


/* a lost track sends again: gaps up to its frame, which may be in mid-segment */

int
live_cut_back(live_timeline_t *tl, live_media_e media, int64_t ns)
{
    int            rc;
    live_track_t  *track;

    track = &tl->tracks[media];

    rc = live_cut_fill(tl, media, ns);

    track->lost = 0;

    return rc;
}


/* ends a track's segment where segment msn begins */

int
live_cut_close(live_timeline_t *tl, live_media_e media, uint64_t msn)
{
    int64_t        end;
    live_track_t  *track;

    track = &tl->tracks[media];
    end = live_ticks(track, live_cut_get(tl, msn)->ns);

    return live_cut_end(tl, media, end < track->part_start
                                   ? track->part_start : end);
}


/* everything in the queue, as if nothing more came */

int
live_cut_flush(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    int64_t        end;
    live_track_t  *track;

    track = &tl->tracks[media];

    rc = live_cut_drain(tl, media, 1);

    if (rc != LIVE_OK || !track->open) {
        return rc;
    }

    if (track->taken) {
        end = track->frames[track->taken - 1].dts + track->usual;

        if (end > track->part_start + track->target) {
            end = track->part_start + track->target;
        }

        return live_cut_advance(tl, media, end);
    }

    return LIVE_OK;
}


/* the last part and segment of a track */

int
live_cut_finish(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    live_track_t  *track;

    track = &tl->tracks[media];

    rc = live_cut_flush(tl, media);

    if (rc != LIVE_OK || !track->open) {
        return rc;
    }

    return live_cut_end(tl, media, track->part_start);
}
