/*
 * Parts.  One ends with a frame where that makes it between 85 % of the target and
 * the target; else it lasts nominally as long as the target, whatever its frames
 * do, and nothing but empty time is a gap.  So a list of parts is valid at every
 * frame rate, and always as long as its media.
 */

#include "live_timeline_internal.h"

#include <string.h>


/*
 * Timestamps are rounded to ms: a guess that a frame ends so little behind the
 * target is left to its successor.
 */

#define LIVE_PART_ROUNDING  (LIVE_VIDEO_TIMESCALE / 500)

/* no video sample lasts longer, seconds */

#define LIVE_PART_STILL     30


static int64_t live_part_sample(const live_track_t *track, live_media_e media,
    uint32_t i);
static void live_part_fill(live_timeline_t *tl, live_media_e media,
    live_timeline_part_t *part);
static void live_part_take(live_track_t *track);
static int live_part_close(live_timeline_t *tl, live_media_e media,
    int64_t end);
static int64_t live_part_rest(live_timeline_t *tl, live_media_e media);
static int live_part_solves(const live_track_t *track, int64_t rest);
static int64_t live_part_nominal(live_timeline_t *tl, live_media_e media);
static int live_part_closes(live_timeline_t *tl, live_media_e media,
    int64_t have);
static int live_part_overhang(live_timeline_t *tl, live_media_e media);
static int live_part_audio(live_timeline_t *tl);
static int live_part_video(live_timeline_t *tl, live_part_e last);


/* how long sample i lasts: until the next, but a real hole stays one */

static int64_t
live_part_sample(const live_track_t *track, live_media_e media, uint32_t i)
{
    int64_t  d, scale;

    scale = track->config.timescale;

    if (i + 1 < track->nframes) {
        d = track->frames[i + 1].dts - track->frames[i].dts;

    } else if (media == LIVE_AUDIO && track->audio.set) {
        d = track->audio.next - track->frames[i].dts;

    } else {
        return track->usual;
    }

    if (d > (media == LIVE_AUDIO ? scale : LIVE_PART_STILL * scale)) {
        return track->usual;
    }

    return d > 0 ? d : 1;
}


static void
live_part_fill(live_timeline_t *tl, live_media_e media,
    live_timeline_part_t *part)
{
    uint32_t       i;
    live_track_t  *track;
    live_frame_t  *frame;
    live_bound_t  *bound;

    track = &tl->tracks[media];
    frame = track->frames;

    track->media_end = frame[0].dts;

    for (i = 0; i < track->taken; i++) {
        tl->samples[i].size = frame[i].size;
        tl->samples[i].duration = (uint32_t) live_part_sample(track, media, i);
        tl->samples[i].cts = frame[i].cts;
        tl->samples[i].key = frame[i].key;

        track->media_end += tl->samples[i].duration;
    }

    bound = live_bound_get(tl, track->msn);

    part->flags = frame[0].key ? LIVE_PART_INDEPENDENT : 0;
    part->dts = (uint64_t) frame[0].dts;
    part->wall_us = bound->pdt_us
                    + (live_ns(track, frame[0].dts) - bound->ns) / 1000;
    part->samples = tl->samples;
    part->nsamples = track->taken;
    part->data = track->data;
    part->size = track->taken_size;
}


int64_t
live_part_room(live_timeline_t *tl, const live_track_t *track)
{
    int64_t  end, bound;

    end = track->segment_start + track->most;

    if (track->msn < tl->msn) {
        bound = live_ticks(track, live_bound_get(tl, track->msn + 1)->end_ns)
                + live_tolerance(track);
        end = bound < end ? bound : end;
    }

    end -= track->part_start;

    return end < track->target ? end : track->target;
}


int
live_part_emit(live_timeline_t *tl, live_media_e media, int64_t duration,
    uint32_t last)
{
    int                    rc;
    int64_t                end, ns;
    live_track_t          *track;
    live_bound_t          *bound;
    live_timeline_part_t   part;

    track = &tl->tracks[media];
    bound = live_bound_get(tl, track->msn);

    memset(&part, 0, sizeof(live_timeline_part_t));

    part.msn = track->msn;
    part.index = track->part++;
    part.start = (uint64_t) track->part_start;
    part.duration = (uint32_t) duration;
    part.last = last;

    if (track->taken) {
        live_part_fill(tl, media, &part);

    } else {
        part.flags = LIVE_PART_GAP;
        tl->stats.gap_parts++;
    }

    track->part_start += duration;

    ns = live_ns(track, track->part_start);
    end = (ns + 999) / 1000;

    if (end > tl->end_us) {
        tl->end_us = end;
        tl->end_mono_us = tl->now_us;
        tl->end_pdt_us = bound->pdt_us + (ns - bound->ns) / 1000;
    }

    rc = tl->sink.part(tl->ctx, media, &part);

    live_queue_sent(track);

    return rc;
}


int
live_part_advance(live_timeline_t *tl, live_media_e media, int64_t end)
{
    int            rc;
    int64_t        d;
    live_track_t  *track;

    track = &tl->tracks[media];

    while (track->part_start < end) {
        d = end - track->part_start;
        d = d > track->target ? track->target : d;

        rc = live_part_emit(tl, media, d, track->part_start + d == end);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    return LIVE_OK;
}


static void
live_part_take(live_track_t *track)
{
    if (track->frames_in == 0 && track->frames[track->taken].key) {
        track->flags |= LIVE_SEGMENT_INDEPENDENT;
        track->flags &= ~(uint32_t) LIVE_SEGMENT_FORCED;
    }

    track->frames_in++;
    live_queue_take(track);
}


/* ends with a frame; audio takes the step that its clock needs */

static int
live_part_close(live_timeline_t *tl, live_media_e media, int64_t end)
{
    int64_t        step, have;
    live_track_t  *track;

    track = &tl->tracks[media];
    have = end - track->part_start;

    if (media == LIVE_AUDIO) {
        step = live_audio_step(track, track->least - have,
                               live_part_room(tl, track) - have);
        live_queue_move(track, step);
        have += step;
    }

    return live_part_emit(tl, media, have, 0);
}


/* where a track's segment will probably end, seen from its next frame */

static int64_t
live_part_rest(live_timeline_t *tl, live_media_e media)
{
    int64_t        end, frame, ahead;
    live_track_t  *track;

    track = &tl->tracks[media];
    end = live_ticks(track, live_bound_predict(tl, track));

    if (media == LIVE_AUDIO) {

        /* with the frame that is nearest */

        frame = track->frames[track->taken].dts;
        ahead = end - live_tolerance(track) - frame + track->usual - 1;

        if (ahead > 0) {
            end = frame + ahead / track->usual * track->usual;
        }
    }

    return end - track->part_start;
}


/*
 * Could the parts that are left in the segment all be long enough, and the last of them
 * have its last frame and be no gap?
 */

static int
live_part_solves(const live_track_t *track, int64_t rest)
{
    int64_t  n;

    n = (rest - 1) / track->target;

    /* timestamps may be rounded, and so the measured duration of a frame */

    return rest <= track->target
           || n * track->least <= rest - track->usual
                                  + (int64_t) track->config.timescale / 500;
}


/*
 * The duration of a part that cannot end with a frame: the target, or where that
 * is enough so much less that the last part of the segment is no gap.
 */

static int64_t
live_part_nominal(live_timeline_t *tl, live_media_e media)
{
    int64_t        rest, slack, n, d;
    live_track_t  *track;

    track = &tl->tracks[media];

    slack = track->config.timescale / 500;
    rest = live_part_rest(tl, media);
    n = (rest + slack - 1) / track->target;

    if (rest <= 0 || n == 0) {
        return track->target;
    }

    d = (rest - track->usual - slack) / n;

    return d < track->least || d > track->target ? track->target : d;
}


/* should the part end before the next frame?  that is have ticks behind its start */

static int
live_part_closes(live_timeline_t *tl, live_media_e media, int64_t have)
{
    int64_t        rest;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (have < track->least || have > live_part_room(tl, track)) {
        return 0;
    }

    /* frames that are short enough always find an end */

    if (track->usual * 7 <= track->target) {
        return 1;
    }

    rest = live_part_rest(tl, media);

    return live_part_solves(track, rest - have)
           || !live_part_solves(track, rest
                                       - live_part_nominal(tl, media));
}


/* takes the frame that reaches beyond the target; the part ends by the clock */

static int
live_part_overhang(live_timeline_t *tl, live_media_e media)
{
    int64_t        d, have;
    live_track_t  *track;

    track = &tl->tracks[media];

    have = track->frames[track->taken].dts - track->part_start;
    d = live_part_nominal(tl, media);

    live_part_take(track);

    d = have < d ? d : track->target;
    have = live_part_room(tl, track);

    return live_part_emit(tl, media, d < have ? d : have, 0);
}


static int
live_part_audio(live_timeline_t *tl)
{
    int            closes;
    int64_t        end, have, next, room;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[LIVE_AUDIO];
    frame = &track->frames[track->taken];

    have = frame->dts - track->part_start;
    end = have + track->config.frame_samples;
    room = live_part_room(tl, track);

    if (end > room) {

        if (track->taken && live_part_closes(tl, LIVE_AUDIO, have)) {
            return live_part_close(tl, LIVE_AUDIO, frame->dts);
        }

        return live_part_overhang(tl, LIVE_AUDIO);
    }

    next = end + track->config.frame_samples;

    if (live_audio_pressing(track)) {
        next += track->config.timescale / 1000;
    }

    closes = next > room && live_part_closes(tl, LIVE_AUDIO, end);

    live_part_take(track);

    return closes ? live_part_close(tl, LIVE_AUDIO, track->part_start + end)
                  : LIVE_OK;
}


static int
live_part_video(live_timeline_t *tl, live_part_e last)
{
    int            guess;
    int64_t        end, have, room;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[LIVE_VIDEO];
    frame = &track->frames[track->taken];

    guess = 0;
    room = live_part_room(tl, track);
    have = frame->dts - track->part_start;

    if (track->taken + 1 < track->nframes) {
        end = frame[1].dts - track->part_start;

    } else {
        end = have + track->usual;
        guess = (last == LIVE_PART_WAIT);
    }

    if (end > room && track->taken && live_part_closes(tl, LIVE_VIDEO, have)) {

        if (guess && end <= room + LIVE_PART_ROUNDING) {
            return LIVE_AGAIN;
        }

        return live_part_close(tl, LIVE_VIDEO, frame->dts);
    }

    if (guess) {
        return LIVE_AGAIN;
    }

    /* of a lost track no more is sent out than the other has got to */

    if (end > room && last != LIVE_PART_LOST) {
        return live_part_overhang(tl, LIVE_VIDEO);
    }

    live_part_take(track);

    return LIVE_OK;
}


int
live_part_frame(live_timeline_t *tl, live_media_e media, live_part_e last)
{
    int64_t        room;
    live_track_t  *track;
    live_frame_t  *frame;

    track = &tl->tracks[media];
    frame = &track->frames[track->taken];

    room = live_part_room(tl, track);

    if (frame->dts >= track->part_start + room) {
        return live_part_emit(tl, media, room, 0);
    }

    if (track->taken
        && (track->taken == LIVE_TIMELINE_SAMPLES
            || track->taken_size + frame->size > tl->conf.part_bytes_max))
    {
        if (frame->dts < track->part_start + track->least) {
            return LIVE_ENOSPC;
        }

        return live_part_close(tl, media, frame->dts);
    }

    return media == LIVE_AUDIO ? live_part_audio(tl)
                               : live_part_video(tl, last);
}
