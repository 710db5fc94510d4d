/*
 * Boundaries: where segments begin, for all tracks.
 */

#include "live_timeline_internal.h"


#define LIVE_BOUND_PAUSE    (60 * LIVE_NS)   /* a longer hole is not filled */
#define LIVE_BOUND_PAUSES   100              /* ... nor one of so many segments */


static void live_bound_join(live_timeline_t *tl, live_track_t *track,
    int64_t ns);
static void live_bound_pause(live_timeline_t *tl, live_media_e media,
    int64_t ns);
static int64_t live_bound_next_key(const live_timeline_t *tl, int64_t start);
static int64_t live_bound_share(const live_timeline_t *tl, int64_t start,
    int64_t key);
static int64_t live_bound_least(const live_timeline_t *tl, live_media_e media);
static int live_bound_wanted(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t elapsed);


/* LIVE_TRACKS: none */

live_media_e
live_bound_leader(const live_timeline_t *tl)
{
    int                  t;
    const live_track_t  *track;

    for (t = 0; t < LIVE_TRACKS; t++) {
        track = &tl->tracks[t];

        if (track->state != LIVE_TRACK_OUT && !track->lost) {
            return (live_media_e) t;
        }
    }

    return (live_media_e) LIVE_TRACKS;
}


/*
 * Has the other track got ahead by more than it should?  Or does this one send, but
 * for too long nothing of use?
 */

int
live_bound_silent(const live_timeline_t *tl, live_media_e media)
{
    int64_t              front, start, patience;
    live_media_e         other;
    const live_track_t  *track;

    track = &tl->tracks[media];
    other = (media == LIVE_VIDEO) ? LIVE_AUDIO : LIVE_VIDEO;

    if (!tl->tracks[other].clock) {
        return 0;
    }

    patience = live_clock_patience(track);
    front = live_clock_front(track);

    if (track->state == LIVE_TRACK_RUNNING && !track->lost && !track->waiting
        && front - live_ns(track, track->last_dts) > patience)
    {
        return 1;
    }

    if (track->state == LIVE_TRACK_JOINING && track->nframes == 0) {
        start = tl->bounds[track->msn % LIVE_TIMELINE_BOUNDS].ns;
        front = start > front ? start : front;

    } else if (!track->clock) {
        return 1;
    }

    return live_clock_front(&tl->tracks[other]) - front > patience;
}


/* audio that came late begins at a boundary, if frames of it are under way */

static void
live_bound_join(live_timeline_t *tl, live_track_t *track, int64_t ns)
{
    if (track->state == LIVE_TRACK_OUT && track->known && track->clock
        && ns - live_clock_front(track) <= live_clock_patience(track))
    {
        track->state = LIVE_TRACK_JOINING;
        track->msn = tl->msn;

        tl->sink.event(tl->ctx, LIVE_AUDIO, LIVE_TIMELINE_TRACK_LATE, 0);
    }
}


void
live_bound_new(live_timeline_t *tl, int64_t ns, int64_t end_ns, uint32_t flags)
{
    int64_t        elapsed;
    uint32_t       discontinuity;
    live_track_t  *audio;
    live_bound_t  *bound;

    elapsed = 0;
    discontinuity = tl->resume.discontinuity;
    audio = &tl->tracks[LIVE_AUDIO];

    if (tl->started) {
        bound = live_bound_get(tl, tl->msn);
        elapsed = ns - bound->ns;
        discontinuity = bound->discontinuity;
        tl->msn++;

    } else {
        tl->msn = tl->resume.msn;
    }

    if (tl->discont) {
        tl->discont = 0;
        flags |= LIVE_SEGMENT_DISCONT;
        discontinuity++;
    }

    bound = live_bound_get(tl, tl->msn);

    bound->ns = ns;
    bound->end_ns = end_ns;
    bound->flags = flags;
    bound->discontinuity = discontinuity;
    bound->pdt_us = live_clock_pdt(tl, ns, elapsed);

    if (ns / 1000 > tl->end_us) {
        tl->end_us = ns / 1000;
        tl->end_mono_us = tl->now_us;
        tl->end_pdt_us = bound->pdt_us;
    }

    if (tl->started) {
        live_bound_join(tl, audio, ns);
    }

    if (audio->state == LIVE_TRACK_RUNNING) {
        live_queue_untake(audio, live_ticks(audio, end_ns)
                                 - live_tolerance(audio));
    }
}


/* a boundary without a key frame */

void
live_bound_forced(live_timeline_t *tl, int64_t ns, const live_frame_t *frame)
{
    live_track_t  *video;

    video = &tl->tracks[LIVE_VIDEO];

    tl->stats.forced_cuts++;

    if (!tl->said_forced) {
        tl->said_forced = 1;
        tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_FORCED_CUT,
                       live_ns(video, frame->dts - video->last_key) / LIVE_MS);
    }

    live_bound_new(tl, ns, ns, LIVE_SEGMENT_FORCED);
}


/* a hole too long to be filled: the stream goes on behind a discontinuity */

static void
live_bound_pause(live_timeline_t *tl, live_media_e media, int64_t ns)
{
    int64_t        end, start;
    live_track_t  *track;

    track = &tl->tracks[media];

    end = track->taken ? track->frames[track->taken - 1].dts + track->usual
                       : track->part_start;
    end = live_ns(track, end);

    start = live_bound_get(tl, tl->msn)->ns;

    if (end > start + tl->conf.segment_max_us * 1000) {
        end = start + tl->conf.segment_max_us * 1000;
    }

    if (end < start + LIVE_TIMELINE_APART) {
        end = start + LIVE_TIMELINE_APART;
    }

    tl->discont = 1;
    live_bound_new(tl, ns, end, 0);
}


/* no boundary may be before this: audio leads, but video's last frames stand */

static int64_t
live_bound_least(const live_timeline_t *tl, live_media_e media)
{
    const live_track_t  *video;

    video = &tl->tracks[LIVE_VIDEO];

    if (media == LIVE_VIDEO || video->state != LIVE_TRACK_RUNNING) {
        return 0;
    }

    return live_ns(video, video->taken
                          ? video->frames[video->taken - 1].dts + 1
                          : video->part_start);
}


/* should a segment begin with this frame? */

static int
live_bound_wanted(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t elapsed)
{
    int64_t        max, wanted, gop, slack;
    live_track_t  *track;

    track = &tl->tracks[media];
    wanted = tl->conf.segment_us * 1000;
    max = tl->conf.segment_max_us * 1000;

    if (elapsed < LIVE_TIMELINE_APART
        || live_ns(track, frame->dts) < live_bound_least(tl, media))
    {
        return 0;
    }

    if (tl->discont && (media == LIVE_AUDIO || frame->key)) {
        return 1;
    }

    if (media == LIVE_AUDIO) {
        return elapsed >= wanted - live_ns(track, live_tolerance(track));
    }

    if (!frame->key) {
        return 0;
    }

    gop = track->gop ? live_ns(track, track->gop) : 0;
    slack = gop / 2 < wanted / 4 ? gop / 2 : wanted / 4;

    return elapsed >= wanted - slack || elapsed + gop > max;
}


/*
 * The key frame that should end the segment that begins at start, if they come as
 * regularly as the last two did.
 */

static int64_t
live_bound_next_key(const live_timeline_t *tl, int64_t start)
{
    int64_t              gop, slack, key, wanted;
    const live_track_t  *video;

    video = &tl->tracks[LIVE_VIDEO];
    wanted = tl->conf.segment_us * 1000;

    gop = live_ns(video, video->gop);
    slack = gop / 2 < wanted / 4 ? gop / 2 : wanted / 4;

    key = live_ns(video, video->last_key);

    if (key < start + wanted - slack) {
        key += (start + wanted - slack - key + gop - 1) / gop * gop;
    }

    return key;
}


/* if the key frame is too far: an equal share of the way, so that it ends the last */

static int64_t
live_bound_share(const live_timeline_t *tl, int64_t start, int64_t key)
{
    int64_t  wanted, max, n;

    wanted = tl->conf.segment_us * 1000;
    max = tl->conf.segment_max_us * 1000;

    if (key <= start + max + 2 * LIVE_MS) {
        return key;
    }

    n = (key - start + wanted / 2) / wanted;
    n = n * max < key - start ? n + 1 : n;

    return start + (key - start) / n;
}


int64_t
live_bound_predict(const live_timeline_t *tl, const live_track_t *track)
{
    int64_t              start;
    const live_track_t  *video;

    start = tl->bounds[tl->msn % LIVE_TIMELINE_BOUNDS].ns;

    if (track->msn < tl->msn) {
        return tl->bounds[(track->msn + 1) % LIVE_TIMELINE_BOUNDS].ns;
    }

    video = &tl->tracks[LIVE_VIDEO];

    if (live_bound_leader(tl) == LIVE_VIDEO && video->gop) {
        return live_bound_share(tl, start, live_bound_next_key(tl, start));
    }

    return start + tl->conf.segment_us * 1000;
}


/*
 * Nothing came for longer than a segment may last: the grid goes on until the next
 * boundary may be at now, or the pause is left out.
 */

void
live_bound_reach(live_timeline_t *tl, live_media_e media, int64_t now,
    const live_frame_t *frame)
{
    int64_t  start, max, pause;

    start = live_bound_get(tl, tl->msn)->ns;
    max = tl->conf.segment_max_us * 1000;

    pause = LIVE_BOUND_PAUSES * max;
    pause = pause < LIVE_BOUND_PAUSE ? pause : LIVE_BOUND_PAUSE;

    if (now - start > max + pause) {
        live_bound_pause(tl, media, now);
        return;
    }

    while (now - start > max) {
        start += max;

        if (media == LIVE_VIDEO && !(frame->key && now - start <= max)) {
            live_bound_forced(tl, start, frame);

        } else {
            live_bound_new(tl, start, start, 0);
        }
    }
}


/*
 * The leading track decides where segments begin.  frame is next in its queue, all
 * before it is in a part or taken.
 */

void
live_bound_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int64_t        now, start, end, max, usual, least, key, share;
    live_track_t  *track;

    track = &tl->tracks[media];

    now = live_ns(track, frame->dts);
    least = live_bound_least(tl, media);
    max = tl->conf.segment_max_us * 1000;

    live_bound_reach(tl, media, now > least ? now : least, frame);

    start = live_bound_get(tl, tl->msn)->ns;

    if (live_bound_wanted(tl, media, frame, now - start)) {
        live_bound_new(tl, now, now, 0);
        return;
    }

    usual = live_ns(track, track->usual);

    if (now - start < LIVE_TIMELINE_APART) {
        return;
    }

    if (media == LIVE_AUDIO) {

        /* its clock may make a step */

        if (now - start + usual + LIVE_MS > max) {
            now = now > least ? now : least;

            live_bound_new(tl, now, now, 0);
        }

        return;
    }

    /* timestamps are rounded to ms: the next may still be in time */

    end = start + max - usual + 2 * LIVE_MS;

    if (track->gop) {
        key = live_bound_next_key(tl, start);
        share = live_bound_share(tl, start, key);

        if (share < key && share - usual / 2 < end) {
            end = share - usual / 2;
        }
    }

    if (!frame->key && now >= end) {
        live_bound_forced(tl, now, frame);
    }
}
