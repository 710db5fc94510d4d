/*
 * What each track makes of the boundaries: segments, and gaps where it is silent.
 */

#include "live_timeline_internal.h"

#include <string.h>


static int live_cut_open(live_timeline_t *tl, live_media_e media, uint64_t msn,
    int64_t start, const live_frame_t *frame);
static int live_cut_open_empty(live_timeline_t *tl, live_media_e media);
static int live_cut_end(live_timeline_t *tl, live_media_e media, int64_t end);
static int live_cut_roll(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static int64_t live_cut_limit(const live_timeline_t *tl, live_media_e media);
static int live_cut_full(live_timeline_t *tl, live_media_e media);
static int live_cut_begin(live_timeline_t *tl, live_media_e media,
    int64_t limit);
static int live_cut_switches(live_timeline_t *tl, live_media_e media);
static int live_cut_reached(live_timeline_t *tl, live_media_e media);
static int live_cut_running(live_timeline_t *tl, live_media_e media,
    int64_t limit, live_part_e last);
static int live_cut_drain(live_timeline_t *tl, live_media_e media,
    live_part_e last, int all);
static int live_cut_lose(live_timeline_t *tl, live_media_e media);
static int live_cut_fill(live_timeline_t *tl, live_media_e media);
static int live_cut_last(live_timeline_t *tl, live_media_e media, int64_t ns);


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
    bound = live_bound_get(tl, msn);

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
                || live_ns(track, frame->dts)
                   < live_bound_get(tl, msn + 1)->ns)))
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


/* opens without a frame, where the track's boundary is */

static int
live_cut_open_empty(live_timeline_t *tl, live_media_e media)
{
    int64_t        start, end;
    live_track_t  *track;

    track = &tl->tracks[media];

    start = live_ticks(track, live_bound_get(tl, track->msn)->ns);
    end = live_ticks(track, track->end_ns);

    return live_cut_open(tl, media, track->msn, start > end ? start : end,
                         NULL);
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
    bound = live_bound_get(tl, track->msn + 1);

    start = live_ticks(track, bound->ns);
    end = live_ticks(track, bound->end_ns);
    whole = (bound->ns == bound->end_ns);

    if (frame && frame->dts >= start - live_tolerance(track)
        && frame->dts <= start + live_tolerance(track))
    {
        if (media == LIVE_AUDIO && track->taken) {
            step = live_audio_step(track, -(int64_t) track->config.timescale,
                                   track->config.timescale);
            live_queue_move(track, step);
        }

        start = frame->dts;
        end = whole ? start : end;

    } else if (live_cut_reached(tl, media)) {
        start = track->part_start;
        end = start;
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

    live_queue_untake(track, end);

    rc = live_cut_end(tl, media, end);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (track->waiting && (bound->flags & LIVE_SEGMENT_DISCONT)) {

        /* the next configuration's frames begin here */

        track->state = LIVE_TRACK_JOINING;
        track->end_ns = live_ns(track, track->part_start);
        track->msn++;
        track->waiting = 0;

        live_queue_clear(track);
        live_timeline_use(tl, media, &track->next);

        return LIVE_OK;
    }

    if (whole || start < end) {
        start = end;
    }

    /* the frame has moved to the front of the queue */

    return live_cut_open(tl, media, track->msn + 1, start,
                         frame ? &track->frames[0] : NULL);
}


/*
 * Audio must not pass a place where video may still begin a segment.  Holds
 * while video sends anything: a key frame may be the next.
 */

static int64_t
live_cut_limit(const live_timeline_t *tl, live_media_e media)
{
    int64_t              reach;
    const live_track_t  *track, *video;

    track = &tl->tracks[media];
    video = &tl->tracks[LIVE_VIDEO];

    if (media == LIVE_VIDEO || !video->known || !video->clock
        || track->size > tl->conf.part_bytes_max
        || live_bound_silent(tl, LIVE_VIDEO))
    {
        return INT64_MAX;
    }

    reach = (video->state == LIVE_TRACK_RUNNING && !video->lost)
            ? live_ns(video, video->last_dts) : live_clock_front(video);

    return live_ticks(track, reach) - live_tolerance(track);
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
        live_queue_drop(track, 1);
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    if (ns - live_bound_get(tl, tl->msn)->ns >= LIVE_TIMELINE_APART) {
        live_bound_forced(tl, ns, frame);
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
    int64_t        start, end;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[media];
    frame = &track->frames[0];

    if (track->state == LIVE_TRACK_OUT) {

        if (frame->dts > limit) {
            return LIVE_AGAIN;
        }

        live_queue_drop(track, 1);
        tl->stats.dropped[media]++;

        return LIVE_OK;
    }

    start = live_ticks(track, live_bound_get(tl, track->msn)->ns);
    end = live_ticks(track, track->end_ns);
    start = start > end ? start : end;

    if (frame->dts < start - live_tolerance(track)) {
        live_queue_drop(track, 1);
        tl->stats.dropped[media]++;

        return LIVE_OK;
    }

    if (frame->dts < end) {

        /* a little early behind what was there before */

        track->audio.next += end - frame->dts;
        track->last_dts += end - frame->dts;
        live_queue_move(track, end - frame->dts);
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

    end = live_ticks(track, live_bound_get(tl, track->msn + 1)->end_ns);

    return track->taken == track->nframes
           || track->frames[track->taken].dts >= end - live_tolerance(track);
}


/* one step of a running track; LIVE_AGAIN: it waits */

static int
live_cut_running(live_timeline_t *tl, live_media_e media, int64_t limit,
    live_part_e last)
{
    int            rc;
    int64_t        start, end, late;
    live_track_t  *track;
    live_frame_t  *frame;
    live_bound_t  *bound;

    track = &tl->tracks[media];
    frame = &track->frames[track->taken];

    if (track->led <= track->taken && live_bound_leader(tl) == media) {
        track->led = track->taken + 1;
        live_bound_lead(tl, media, frame);

        /* a boundary may have taken frames out of the part again */

        frame = &track->frames[track->taken];
    }

    start = INT64_MAX;
    end = track->segment_start + track->most;

    if (track->msn < tl->msn) {
        bound = live_bound_get(tl, track->msn + 1);
        start = live_ticks(track, bound->ns) - live_tolerance(track);

        if (bound->end_ns == bound->ns) {
            start = start < end ? start : end;

        } else if (live_ticks(track, bound->end_ns) < end) {
            end = live_ticks(track, bound->end_ns);
        }
    }

    if (frame->dts >= start) {
        return live_cut_roll(tl, media, frame);
    }

    /* in a pause; or at the end, if the track that leads has ended before */

    if (frame->dts >= end) {
        live_queue_drop(track, 1);
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    if (frame->dts > limit) {
        return LIVE_AGAIN;
    }

    if (track->taken == 0 && frame->dts < track->part_start) {

        /* the segment could not begin before: left from before a pause, or rounded */

        late = track->part_start - frame->dts;

        if (late > live_tolerance(track) + live_ticks(track, LIVE_MS)) {
            live_queue_drop(track, 1);
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }

        live_queue_move(track, late);

        if (media == LIVE_AUDIO) {
            track->audio.next += late;
        }
    }

    rc = live_part_frame(tl, media, last);

    return rc == LIVE_ENOSPC ? live_cut_full(tl, media) : rc;
}


/*
 * Has audio reached its next boundary?  The segment ends at once, not with the next
 * frame: until it does, viewers are told of a part that never comes.
 */

static int
live_cut_reached(live_timeline_t *tl, live_media_e media)
{
    live_track_t  *track;
    live_bound_t  *bound;

    track = &tl->tracks[media];

    if (media != LIVE_AUDIO || track->state != LIVE_TRACK_RUNNING
        || track->nframes || track->msn >= tl->msn || track->lost)
    {
        return 0;
    }

    bound = live_bound_get(tl, track->msn + 1);

    return bound->ns == bound->end_ns
           && track->part_start > track->segment_start
           && (track->part_start >= live_ticks(track, bound->ns)
                                    - live_tolerance(track)
               || track->part_start >= track->segment_start + track->most);
}


/*
 * Makes parts of what is in a track's queue.  last: its newest frame has no
 * successor; all: no other track is to be waited for.
 */

static int
live_cut_drain(live_timeline_t *tl, live_media_e media, live_part_e last,
    int all)
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

        if (live_cut_switches(tl, media) || live_cut_reached(tl, media)) {
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

    track = &tl->tracks[media];

    if (track->state == LIVE_TRACK_OUT) {
        return LIVE_OK;
    }

    if (!track->lost) {

        if (!live_bound_silent(tl, media)) {
            return LIVE_OK;
        }

        rc = live_cut_drain(tl, media, LIVE_PART_LOST, media == LIVE_VIDEO);

        if (rc != LIVE_OK) {
            return rc;
        }

        track->lost = 1;
        track->need_key = (media == LIVE_VIDEO);
        track->audio.set = 0;

        tl->sink.event(tl->ctx, media, LIVE_TIMELINE_TRACK_LOST, 0);
    }

    return track->state == LIVE_TRACK_JOINING ? live_cut_open_empty(tl, media)
                                              : LIVE_OK;
}


/* gaps for a track that is lost, or between two configurations */

static int
live_cut_fill(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    int64_t        end, ns, front;
    live_media_e   leader;
    live_track_t  *track, *lead;

    track = &tl->tracks[media];
    leader = live_bound_leader(tl);

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

    ns = live_ns(lead, lead->part_start);

    if (!live_bound_silent(tl, media)) {

        /* it sends again: what comes may still be behind the others */

        front = live_clock_front(track);
        ns = front < ns ? front : ns;
    }

    while (track->msn < lead->msn
           && live_bound_get(tl, track->msn + 1)->ns <= ns)
    {
        rc = live_cut_roll(tl, media, NULL);

        if (rc != LIVE_OK || track->state != LIVE_TRACK_RUNNING
            || track->nframes)
        {
            return rc;
        }
    }

    if (track->msn < lead->msn) {
        return LIVE_OK;
    }

    end = live_ticks(track, ns);

    while (track->part_start + track->target <= end
           && live_part_room(tl, track) > 0)
    {
        rc = live_part_emit(tl, media, live_part_room(tl, track), 0);

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
        rc = live_cut_drain(tl, (live_media_e) t,
                            tl->tracks[t].lost ? LIVE_PART_LOST
                                               : LIVE_PART_WAIT, 0);
    }

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {
        rc = live_cut_fill(tl, (live_media_e) t);
    }

    return rc;
}


int
live_cut_level(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    live_track_t  *track;

    track = &tl->tracks[media];

    for ( ;; ) {
        rc = live_cut_drain(tl, media, LIVE_PART_LOST, 1);

        if (rc != LIVE_OK) {
            return rc;
        }

        if (track->state == LIVE_TRACK_JOINING) {
            rc = live_cut_open_empty(tl, media);

        } else if (track->msn < tl->msn) {
            rc = live_cut_roll(tl, media, NULL);

        } else {
            return LIVE_OK;
        }

        if (rc != LIVE_OK) {
            return rc;
        }
    }
}


int
live_cut_switch(live_timeline_t *tl)
{
    int            rc;
    int64_t        ns, least;
    live_track_t  *audio, *video;

    audio = &tl->tracks[LIVE_AUDIO];
    video = &tl->tracks[LIVE_VIDEO];

    if (!audio->waiting || live_bound_leader(tl) == LIVE_VIDEO) {
        return LIVE_OK;
    }

    rc = live_cut_drain(tl, LIVE_AUDIO, LIVE_PART_WAIT, 1);

    if (rc != LIVE_OK || !audio->waiting) {
        return rc;
    }

    ns = live_ns(audio, audio->taken
                        ? audio->frames[audio->taken - 1].dts + audio->usual
                        : audio->part_start);

    least = live_bound_get(tl, tl->msn)->ns + LIVE_TIMELINE_APART;
    ns = ns > least ? ns : least;

    if (video->state == LIVE_TRACK_RUNNING) {
        least = live_ns(video, video->part_start);
        ns = ns > least ? ns : least;
    }

    live_bound_new(tl, ns, ns, 0);

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

    rc = live_cut_level(tl, media);

    if (rc != LIVE_OK) {
        return rc;
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
        rc = live_cut_drain(tl, (live_media_e) t, LIVE_PART_LAST, 1);
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
        if (tl->tracks[t].state != LIVE_TRACK_OUT) {
            rc = live_cut_last(tl, (live_media_e) t, end);
        }
    }

    return rc;
}
