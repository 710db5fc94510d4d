/*
 * Boundaries of segments, and what each track makes of them.
 */

#include "live_timeline_internal.h"

#include <string.h>


#define LIVE_CUT_PAUSE      (60 * LIVE_NS)   /* a longer hole is not filled */
#define LIVE_CUT_PAUSES     100              /* ... nor one of so many segments */


static live_media_e live_cut_leader(const live_timeline_t *tl);
static int64_t live_cut_reach(const live_track_t *track, live_media_e media);
static int live_cut_silent(const live_timeline_t *tl, live_media_e media);
static void live_cut_join(live_timeline_t *tl, live_track_t *track,
    int64_t ns);
static int live_cut_open(live_timeline_t *tl, live_media_e media, uint64_t msn,
    int64_t start, const live_frame_t *frame);
static int live_cut_end(live_timeline_t *tl, live_media_e media, int64_t end);
static int live_cut_roll(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static void live_cut_forced(live_timeline_t *tl, int64_t ns,
    const live_frame_t *frame);
static void live_cut_pause(live_timeline_t *tl, live_media_e media,
    int64_t ns);
static int live_cut_wanted(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t elapsed);
static int64_t live_cut_next_key(const live_timeline_t *tl, int64_t start);
static int64_t live_cut_share(const live_timeline_t *tl, int64_t start,
    int64_t key);
static void live_cut_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static int64_t live_cut_limit(const live_timeline_t *tl, live_media_e media);
static int live_cut_full(live_timeline_t *tl, live_media_e media);
static int live_cut_begin(live_timeline_t *tl, live_media_e media,
    int64_t limit);
static int live_cut_switches(live_timeline_t *tl, live_media_e media);
static int live_cut_running(live_timeline_t *tl, live_media_e media,
    int64_t limit, int last);
static int live_cut_drain(live_timeline_t *tl, live_media_e media, int last,
    int all);
static int live_cut_lose(live_timeline_t *tl, live_media_e media);
static int live_cut_fill(live_timeline_t *tl, live_media_e media);
static int live_cut_last(live_timeline_t *tl, live_media_e media, int64_t ns);


/* LIVE_TRACKS: none */

static live_media_e
live_cut_leader(const live_timeline_t *tl)
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
 * How far a track has got.  Running video: its frames, for until the next key frame
 * it may send nothing of use.
 */

static int64_t
live_cut_reach(const live_track_t *track, live_media_e media)
{
    if (media == LIVE_VIDEO && track->state == LIVE_TRACK_RUNNING
        && !track->lost)
    {
        return live_ns(track, track->last_dts);
    }

    return live_clock_front(track);
}


/* has the other track got ahead by more than it should? */

static int
live_cut_silent(const live_timeline_t *tl, live_media_e media)
{
    int64_t              reach;
    live_media_e         other;
    const live_track_t  *track;

    track = &tl->tracks[media];
    other = (media == LIVE_VIDEO) ? LIVE_AUDIO : LIVE_VIDEO;

    if (!tl->tracks[other].clock) {
        return 0;
    }

    reach = live_cut_reach(track, media);

    if (track->state == LIVE_TRACK_JOINING && track->nframes == 0) {
        reach = live_bound((live_timeline_t *) tl, track->msn)->ns;

    } else if (reach == INT64_MIN) {
        return 1;
    }

    return live_cut_reach(&tl->tracks[other], other) - reach
           > live_clock_patience(track);
}


/* audio that came late begins at a boundary, if frames of it are under way */

static void
live_cut_join(live_timeline_t *tl, live_track_t *track, int64_t ns)
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
live_cut_bound(live_timeline_t *tl, int64_t ns, int64_t end_ns, uint32_t flags)
{
    int64_t        elapsed;
    uint32_t       discontinuity;
    live_track_t  *audio;
    live_bound_t  *bound;

    elapsed = 0;
    discontinuity = tl->resume.discontinuity;
    audio = &tl->tracks[LIVE_AUDIO];

    if (tl->started) {
        bound = live_bound(tl, tl->msn);
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

    bound = live_bound(tl, tl->msn);

    bound->ns = ns;
    bound->end_ns = end_ns;
    bound->flags = flags;
    bound->discontinuity = discontinuity;
    bound->pdt_us = live_clock_pdt(tl, ns, elapsed);

    if (tl->started) {
        live_cut_join(tl, audio, ns);
    }

    if (audio->state == LIVE_TRACK_RUNNING) {
        live_queue_untake(audio, live_ticks(audio, end_ns)
                                 - live_tolerance(audio));
    }
}


/* frame: the one that comes next, if it is known */

static int
live_cut_open(live_timeline_t *tl, live_media_e media, uint64_t msn,
    int64_t start, const live_frame_t *frame)
{
    int                       rc;
    live_bound_t             *bound;
    live_track_t             *track;
    live_timeline_segment_t   segment;

    track = &tl->tracks[media];
    bound = live_bound(tl, msn);

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

    track->state = LIVE_TRACK_RUNNING;
    track->msn = msn;
    track->segment_start = start;
    track->part_start = start;
    track->part = 0;
    track->frames_in = 0;
    track->flags = bound->flags;

    if (media == LIVE_AUDIO
        || (frame && frame->key
            && (msn == tl->msn
                || live_ns(track, frame->dts) < live_bound(tl, msn + 1)->ns)))
    {
        track->flags |= LIVE_SEGMENT_INDEPENDENT;
        track->flags &= ~(uint32_t) LIVE_SEGMENT_FORCED;
    }

    memset(&segment, 0, sizeof(live_timeline_segment_t));

    segment.msn = msn;
    segment.start = (uint64_t) start;
    segment.pdt_us = bound->pdt_us
                     + (live_ns(track, start) - bound->ns) / 1000;
    segment.flags = track->flags;
    segment.init = tl->resume.init[media];
    segment.discontinuity = bound->discontinuity;

    return tl->sink.segment(tl->ctx, media, &segment);
}


static int
live_cut_end(live_timeline_t *tl, live_media_e media, int64_t end)
{
    int            rc;
    int64_t        duration;
    live_track_t  *track;

    track = &tl->tracks[media];

    rc = live_part_advance(tl, media, end);

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

    return tl->sink.segment_end(tl->ctx, media, track->msn,
                                (uint64_t) duration, track->flags);
}


/*
 * On to the next segment.  frame, if it is known, is the next in the queue and
 * belongs behind the boundary; a segment of audio begins with its frame, where there
 * is one.
 */

static int
live_cut_roll(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int            rc, whole;
    int64_t        start, end, step;
    live_track_t  *track;
    live_bound_t  *bound;

    track = &tl->tracks[media];
    bound = live_bound(tl, track->msn + 1);

    start = live_ticks(track, bound->ns);
    end = live_ticks(track, bound->end_ns);
    whole = (bound->ns == bound->end_ns);

    if (frame && frame->dts <= start + live_tolerance(track)) {

        if (media == LIVE_AUDIO && track->taken) {
            step = live_audio_step(track, -(int64_t) track->config.timescale,
                                   track->config.timescale);
            live_queue_move(track, step);
        }

        start = frame->dts;
        end = whole ? start : end;
    }

    if (end > track->segment_start + track->most) {
        end = track->segment_start + track->most;
    }

    if (end < track->part_start) {
        end = track->part_start;
    }

    if (end <= track->segment_start) {
        end = track->segment_start + 1;
    }

    rc = live_cut_end(tl, media, end);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (track->waiting && (bound->flags & LIVE_SEGMENT_DISCONT)) {

        /* the other configuration's frames begin here */

        live_queue_clear(track);
        live_timeline_use(tl, media, &track->next);

        track->waiting = 0;
        frame = NULL;
        start = live_ticks(track, bound->ns);

    } else if (whole || start < end) {
        start = end;
    }

    /* the frame has moved to the front of the queue */

    return live_cut_open(tl, media, track->msn + 1, start,
                         frame ? &track->frames[0] : NULL);
}


/* a boundary without a key frame */

static void
live_cut_forced(live_timeline_t *tl, int64_t ns, const live_frame_t *frame)
{
    live_track_t  *video;

    video = &tl->tracks[LIVE_VIDEO];

    tl->stats.forced_cuts++;

    if (!tl->said_forced) {
        tl->said_forced = 1;
        tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_FORCED_CUT,
                       live_ns(video, frame->dts - video->last_key) / LIVE_MS);
    }

    live_cut_bound(tl, ns, ns, LIVE_SEGMENT_FORCED);
}


/* a hole too long to be filled: the stream goes on behind a discontinuity */

static void
live_cut_pause(live_timeline_t *tl, live_media_e media, int64_t ns)
{
    int64_t        end, start;
    live_track_t  *track;

    track = &tl->tracks[media];

    end = track->taken ? track->frames[track->taken - 1].dts + track->usual
                       : track->part_start;
    end = live_ns(track, end);

    start = live_bound(tl, tl->msn)->ns;

    if (end > start + tl->conf.segment_max_us * 1000) {
        end = start + tl->conf.segment_max_us * 1000;
    }

    if (end < start + LIVE_TIMELINE_APART) {
        end = start + LIVE_TIMELINE_APART;
    }

    tl->discont = 1;
    live_cut_bound(tl, ns, end, 0);
}


/* should a segment begin with this frame? */

static int
live_cut_wanted(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t elapsed)
{
    int64_t        max, wanted, gop, slack;
    live_track_t  *track;

    track = &tl->tracks[media];
    wanted = tl->conf.segment_us * 1000;
    max = tl->conf.segment_max_us * 1000;

    if (elapsed < LIVE_TIMELINE_APART) {
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
live_cut_next_key(const live_timeline_t *tl, int64_t start)
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
live_cut_share(const live_timeline_t *tl, int64_t start, int64_t key)
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
live_cut_predict(const live_timeline_t *tl, const live_track_t *track)
{
    int64_t              start;
    const live_track_t  *video;

    start = tl->bounds[tl->msn % LIVE_TIMELINE_BOUNDS].ns;

    if (track->msn < tl->msn) {
        return tl->bounds[(track->msn + 1) % LIVE_TIMELINE_BOUNDS].ns;
    }

    video = &tl->tracks[LIVE_VIDEO];

    if (live_cut_leader(tl) == LIVE_VIDEO && video->gop) {
        return live_cut_share(tl, start, live_cut_next_key(tl, start));
    }

    return start + tl->conf.segment_us * 1000;
}


/*
 * The leading track decides where segments begin.  frame is next in its queue, all
 * before it is in a part or taken.
 */

static void
live_cut_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int64_t        now, start, end, max, pause, usual, key, share;
    live_track_t  *track;

    track = &tl->tracks[media];

    now = live_ns(track, frame->dts);
    start = live_bound(tl, tl->msn)->ns;
    max = tl->conf.segment_max_us * 1000;

    pause = LIVE_CUT_PAUSES * max;
    pause = pause < LIVE_CUT_PAUSE ? pause : LIVE_CUT_PAUSE;

    if (now - start > max + pause) {
        live_cut_pause(tl, media, now);
        return;
    }

    /* longer than allowed without any frame: the grid goes on */

    while (now - start > max) {
        start += max;

        if (media == LIVE_VIDEO && !(frame->key && now - start < max)) {
            live_cut_forced(tl, start, frame);

        } else {
            live_cut_bound(tl, start, start, 0);
        }
    }

    if (live_cut_wanted(tl, media, frame, now - start)) {
        live_cut_bound(tl, now, now, 0);
        return;
    }

    usual = live_ns(track, track->usual);

    if (now - start < LIVE_TIMELINE_APART) {
        return;
    }

    if (media == LIVE_AUDIO) {

        /* its clock may make a step */

        if (now - start + usual + LIVE_MS > max) {
            live_cut_bound(tl, now, now, 0);
        }

        return;
    }

    /* timestamps are rounded to ms: the next may still be in time */

    end = start + max - usual + 2 * LIVE_MS;

    if (track->gop) {
        key = live_cut_next_key(tl, start);
        share = live_cut_share(tl, start, key);

        if (share < key && share - usual / 2 < end) {
            end = share - usual / 2;
        }
    }

    if (!frame->key && now >= end) {
        live_cut_forced(tl, now, frame);
    }
}


/*
 * Audio must not pass a place where video may still begin a segment.  Holds
 * while video sends anything: a key frame may be the next.
 */

static int64_t
live_cut_limit(const live_timeline_t *tl, live_media_e media)
{
    const live_track_t  *track, *video;

    track = &tl->tracks[media];
    video = &tl->tracks[LIVE_VIDEO];

    if (media == LIVE_VIDEO || !video->known || !video->clock
        || track->size > tl->conf.part_bytes_max
        || live_cut_silent(tl, LIVE_VIDEO))
    {
        return INT64_MAX;
    }

    return live_ticks(track, live_cut_reach(video, LIVE_VIDEO))
           - live_tolerance(track);
}


/*
 * A part is full in bytes or samples, and too short to end where it is: the segment
 * ends with it, or what comes has to go.
 */

static int
live_cut_full(live_timeline_t *tl, live_media_e media)
{
    int64_t        ns;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[media];
    frame = &track->frames[track->taken];
    ns = live_ns(track, frame->dts);

    if (media == LIVE_AUDIO) {
        live_queue_drop(track);
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    if (ns - live_bound(tl, tl->msn)->ns >= LIVE_TIMELINE_APART) {
        live_cut_forced(tl, ns, frame);
        return LIVE_OK;
    }

    tl->stats.dropped[media] += track->nframes - track->taken;
    live_queue_cut(track);
    track->need_key = 1;

    return LIVE_OK;
}


/* a track that has no segment yet: may it begin with the next frame? */

static int
live_cut_begin(live_timeline_t *tl, live_media_e media, int64_t limit)
{
    int64_t        start;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[media];
    frame = &track->frames[0];

    if (track->state == LIVE_TRACK_OUT) {

        if (frame->dts > limit) {
            return LIVE_AGAIN;
        }

        live_queue_drop(track);
        tl->stats.dropped[media]++;

        return LIVE_OK;
    }

    start = live_ticks(track, live_bound(tl, track->msn)->ns);

    if (frame->dts < start - live_tolerance(track)) {
        live_queue_drop(track);
        tl->stats.dropped[media]++;

        return LIVE_OK;
    }

    if (frame->dts <= start + live_tolerance(track)) {
        start = frame->dts;
    }

    return live_cut_open(tl, media, track->msn, start, frame);
}


/* is all of audio's old configuration done, up to a boundary? */

static int
live_cut_switches(live_timeline_t *tl, live_media_e media)
{
    int64_t        end;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (!track->waiting || track->state != LIVE_TRACK_RUNNING
        || track->msn >= tl->msn)
    {
        return 0;
    }

    end = live_ticks(track, live_bound(tl, track->msn + 1)->end_ns);

    return track->taken == track->nframes
           || track->frames[track->taken].dts >= end - live_tolerance(track);
}


/* one step of a running track; LIVE_AGAIN: it waits */

static int
live_cut_running(live_timeline_t *tl, live_media_e media, int64_t limit,
    int last)
{
    int            rc;
    int64_t        start, end;
    live_track_t  *track;
    live_frame_t  *frame;
    live_bound_t  *bound;

    track = &tl->tracks[media];
    frame = &track->frames[track->taken];

    if (track->led <= track->taken && live_cut_leader(tl) == media) {
        track->led = track->taken + 1;
        live_cut_lead(tl, media, frame);
    }

    if (track->msn < tl->msn) {
        bound = live_bound(tl, track->msn + 1);
        start = live_ticks(track, bound->ns) - live_tolerance(track);
        end = live_ticks(track, bound->end_ns) - live_tolerance(track);

        if (frame->dts >= start) {
            return live_cut_roll(tl, media, frame);
        }

        if (frame->dts >= end) {
            live_queue_drop(track);
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }
    }

    if (frame->dts > limit) {
        return LIVE_AGAIN;
    }

    rc = live_part_frame(tl, media, last);

    return rc == LIVE_ENOSPC ? live_cut_full(tl, media) : rc;
}


/*
 * Makes parts of what is in a track's queue.  last: its newest frame has no
 * successor; all: no other track is to be waited for.
 */

static int
live_cut_drain(live_timeline_t *tl, live_media_e media, int last, int all)
{
    int            rc;
    int64_t        limit;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (!track->known) {
        return LIVE_OK;
    }

    limit = all ? INT64_MAX : live_cut_limit(tl, media);

    for ( ;; ) {

        if (live_cut_switches(tl, media)) {
            rc = live_cut_roll(tl, media, NULL);

        } else if (track->taken == track->nframes) {
            return LIVE_OK;

        } else if (track->state != LIVE_TRACK_RUNNING) {
            rc = live_cut_begin(tl, media, limit);

        } else {
            rc = live_cut_running(tl, media, limit, last);
        }

        if (rc != LIVE_OK) {
            return rc == LIVE_AGAIN ? LIVE_OK : rc;
        }
    }
}


/* a track sends no more while the other goes on */

static int
live_cut_lose(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    live_track_t  *track;
    live_bound_t  *bound;

    track = &tl->tracks[media];

    if (track->state == LIVE_TRACK_OUT) {
        return LIVE_OK;
    }

    if (!track->lost) {

        if (!live_cut_silent(tl, media)) {
            return LIVE_OK;
        }

        rc = live_cut_drain(tl, media, 1, media == LIVE_VIDEO);

        if (rc != LIVE_OK) {
            return rc;
        }

        track->lost = 1;
        track->need_key = (media == LIVE_VIDEO);
        track->audio.set = 0;

        tl->sink.event(tl->ctx, media, LIVE_TIMELINE_TRACK_LOST, 0);
    }

    if (track->state == LIVE_TRACK_JOINING) {
        bound = live_bound(tl, track->msn);

        return live_cut_open(tl, media, track->msn,
                             live_ticks(track, bound->ns), NULL);
    }

    return LIVE_OK;
}


/* gaps for a track that is lost, or between two configurations */

static int
live_cut_fill(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    int64_t        end;
    live_media_e   leader;
    live_track_t  *track, *lead;

    track = &tl->tracks[media];
    leader = live_cut_leader(tl);

    if (leader == (live_media_e) LIVE_TRACKS || leader == media
        || track->state != LIVE_TRACK_RUNNING
        || track->taken != track->nframes
        || !(track->lost || track->waiting))
    {
        return LIVE_OK;
    }

    lead = &tl->tracks[leader];

    if (lead->state != LIVE_TRACK_RUNNING) {
        return LIVE_OK;
    }

    while (track->msn < lead->msn) {
        rc = live_cut_roll(tl, media, NULL);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    end = live_ticks(track, live_ns(lead, lead->part_start));

    while (track->part_start + track->target <= end) {
        rc = live_part_emit(tl, media, track->target);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    return LIVE_OK;
}


int
live_cut_run(live_timeline_t *tl)
{
    int  rc, t;

    rc = LIVE_OK;

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        rc = live_cut_lose(tl, (live_media_e) t);
    }

    /* video first: it may make a boundary, audio never passes it */

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        rc = live_cut_drain(tl, (live_media_e) t, 0, 0);
    }

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        rc = live_cut_fill(tl, (live_media_e) t);
    }

    return rc;
}


int
live_cut_switch(live_timeline_t *tl)
{
    int            rc;
    int64_t        ns, least;
    live_track_t  *audio, *video;

    audio = &tl->tracks[LIVE_AUDIO];
    video = &tl->tracks[LIVE_VIDEO];

    if (!audio->waiting || live_cut_leader(tl) == LIVE_VIDEO) {
        return LIVE_OK;
    }

    rc = live_cut_drain(tl, LIVE_AUDIO, 0, 1);

    if (rc != LIVE_OK || !audio->waiting) {
        return rc;
    }

    ns = live_ns(audio, audio->taken
                        ? audio->frames[audio->taken - 1].dts + audio->usual
                        : audio->part_start);

    least = live_bound(tl, tl->msn)->ns + LIVE_TIMELINE_APART;
    ns = ns > least ? ns : least;

    if (video->state == LIVE_TRACK_RUNNING) {
        least = live_ns(video, video->part_start);
        ns = ns > least ? ns : least;
    }

    live_cut_bound(tl, ns, ns, 0);

    return live_cut_run(tl);
}


/* the last parts of a track, and its last segment: as many as the others have */

static int
live_cut_last(live_timeline_t *tl, live_media_e media, int64_t ns)
{
    int            rc;
    int64_t        end;
    live_track_t  *track;

    track = &tl->tracks[media];

    while (track->msn < tl->msn) {
        rc = live_cut_roll(tl, media, NULL);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    end = track->part_start;

    if (track->taken) {
        end = track->frames[track->taken - 1].dts + track->usual;

        if (end > track->part_start + track->target) {
            end = track->part_start + track->target;
        }

    } else if (track->part == 0) {
        end = live_ticks(track, ns);
    }

    if (end > track->segment_start + track->most) {
        end = track->segment_start + track->most;
    }

    if (end <= track->segment_start) {
        end = track->segment_start + 1;
    }

    track->state = LIVE_TRACK_OUT;

    return live_cut_end(tl, media, end);
}


int
live_cut_finish(live_timeline_t *tl)
{
    int            rc, t;
    int64_t        ns, end;
    live_track_t  *track;

    rc = LIVE_OK;

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        rc = live_cut_drain(tl, (live_media_e) t, 1, 1);
    }

    end = 0;

    for (t = 0; t < LIVE_TRACKS; t++) {
        track = &tl->tracks[t];

        if (track->state == LIVE_TRACK_RUNNING) {
            ns = live_ns(track, track->taken
                                ? track->frames[track->taken - 1].dts
                                  + track->usual
                                : track->part_start);
            end = ns > end ? ns : end;
        }
    }

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        if (tl->tracks[t].state == LIVE_TRACK_RUNNING) {
            rc = live_cut_last(tl, (live_media_e) t, end);
        }
    }

    return rc;
}
