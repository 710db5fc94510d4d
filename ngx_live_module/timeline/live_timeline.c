/*
 * Entry points: messages in, configurations, the end.
 */

#include "live_timeline_internal.h"

#include <stdlib.h>
#include <string.h>


#define LIVE_TIMELINE_PART_BYTES  (64u * 1024 * 1024)

/* gaps between video frames that say nothing about the frame rate, ticks */

#define LIVE_TIMELINE_STILL  (LIVE_VIDEO_TIMESCALE * 10)

/* ... and that are no habit */

#define LIVE_TIMELINE_REST   (LIVE_VIDEO_TIMESCALE * 2)


static int live_timeline_change(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config);
static int live_timeline_appear(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config);
static int live_timeline_config(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag);
static int live_timeline_read(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, live_frame_t *frame);
static int live_timeline_key(live_timeline_t *tl, const live_frame_t *frame);
static int live_timeline_back(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static int live_timeline_late(live_timeline_t *tl, const live_frame_t *frame);
static int live_timeline_admit(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static void live_timeline_measure(live_track_t *track,
    const live_frame_t *frame);
static int live_timeline_push(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static int live_timeline_accept(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, int64_t ms);
static int live_timeline_frame(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, uint32_t ts, int64_t mono_us);


live_timeline_t *
live_timeline_create(const live_timeline_conf_t *conf,
    const live_timeline_resume_t *resume, const live_timeline_sink_t *sink,
    void *ctx)
{
    int               t;
    live_timeline_t  *tl;

    tl = calloc(1, sizeof(live_timeline_t));
    if (tl == NULL) {
        return NULL;
    }

    tl->samples = malloc(LIVE_TIMELINE_SAMPLES * sizeof(live_sample_t));
    if (tl->samples == NULL) {
        free(tl);
        return NULL;
    }

    tl->conf = *conf;
    tl->resume = *resume;
    tl->sink = *sink;
    tl->ctx = ctx;

    tl->end_us = resume->end_us;
    tl->end_mono_us = resume->end_mono_us;
    tl->end_pdt_us = resume->end_pdt_us;
    tl->discont = (resume->msn != 0);

    if (tl->conf.part_bytes_max == 0) {
        tl->conf.part_bytes_max = LIVE_TIMELINE_PART_BYTES;
    }

    for (t = 0; t < LIVE_TRACKS; t++) {
        tl->tracks[t].config.media = (live_media_e) t;
    }

    tl->tracks[LIVE_VIDEO].need_key = 1;

    return tl;
}


void
live_timeline_destroy(live_timeline_t *tl)
{
    int  t;

    for (t = 0; t < LIVE_TRACKS; t++) {
        free(tl->tracks[t].data);
        free(tl->tracks[t].frames);
    }

    free(tl->samples);
    free(tl);
}


void
live_timeline_expect(live_timeline_t *tl, uint32_t tracks)
{
    tl->expected |= tracks & ((1u << LIVE_TRACKS) - 1);
}


const live_timeline_stats_t *
live_timeline_stats(const live_timeline_t *tl)
{
    return &tl->stats;
}


void
live_timeline_resume(const live_timeline_t *tl, live_timeline_resume_t *resume)
{
    *resume = tl->resume;

    if (tl->started) {
        resume->msn = tl->msn + 1;
        resume->discontinuity =
                     tl->bounds[tl->msn % LIVE_TIMELINE_BOUNDS].discontinuity;
    }

    resume->end_us = tl->end_us;
    resume->end_mono_us = tl->end_mono_us;
    resume->end_pdt_us = tl->end_pdt_us;
}


void
live_timeline_use(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config)
{
    int64_t        scale;
    live_track_t  *track;

    track = &tl->tracks[media];
    scale = config->timescale;

    track->config = *config;
    track->known = 1;
    track->changed = 1;

    track->target = tl->conf.part_us * scale / 1000000;
    track->least = (tl->conf.part_us * scale * 85 + 99999999) / 100000000;
    track->most = tl->conf.segment_max_us * scale / 1000000;

    if (media == LIVE_AUDIO) {
        track->usual = config->frame_samples;
        track->last_dts = 0;
        track->audio.set = 0;
        return;
    }

    track->shifted = 0;
    track->gop = 0;
    track->last_key = 0;
    track->need_key = 1;

    if (track->usual == 0) {
        track->usual = config->fps_milli
                       ? (int64_t) LIVE_VIDEO_TIMESCALE * 1000
                         / config->fps_milli
                       : LIVE_VIDEO_TIMESCALE / 30;
    }
}


/*
 * Another configuration.  In a running stream that is a discontinuity on all
 * tracks: at the next key frame if it is video's; audio's waits for that too, or
 * is made at once where audio leads.
 */

static int
live_timeline_change(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config)
{
    int            rc;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (track->state != LIVE_TRACK_RUNNING) {
        live_queue_clear(track);
        live_timeline_use(tl, media, config);
        return LIVE_OK;
    }

    tl->discont = 1;
    tl->sink.event(tl->ctx, media, LIVE_TIMELINE_CONFIG_CHANGED, 0);

    if (media == LIVE_VIDEO) {

        /* boundaries that are there already are still the old one's */

        rc = live_cut_level(tl, media);

        if (rc == LIVE_OK) {
            live_timeline_use(tl, media, config);
        }

        return rc;
    }

    track->next = *config;
    track->waiting = 1;

    return LIVE_OK;
}


/* the last publisher's track that this one has not shown yet, shown now */

static int
live_timeline_appear(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config)
{
    live_track_t  *track;

    track = &tl->tracks[media];
    track->ghost = 0;

    if (live_codec_same_config(&track->config, config)) {
        track->config = *config;
        track->known = 1;
        return LIVE_OK;
    }

    track->known = 1;

    return live_timeline_change(tl, media, config);
}


static int
live_timeline_config(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag)
{
    int                   rc;
    live_track_t         *track;
    live_codec_config_t   config, *now;

    track = &tl->tracks[media];

    rc = live_codec_parse_config(tag, &config);

    if (rc == LIVE_AGAIN && !track->known && !track->ghost) {

        /* the parameter sets may come with the frames */

        tl->seen |= 1u << media;
        track->config = config;
    }

    if (rc != LIVE_OK) {
        tl->stats.dropped[media]++;
        return rc == LIVE_EUNSUPPORTED ? rc : LIVE_OK;
    }

    tl->seen |= 1u << media;

    if (track->ghost) {
        return live_timeline_appear(tl, media, &config);
    }

    now = track->waiting ? &track->next : &track->config;

    if (track->known && live_codec_same_config(now, &config)) {

        /* the same again; only how the publisher frames it may have changed */

        now->nal_length = config.nal_length;
        return LIVE_OK;
    }

    memset(&track->framing, 0, sizeof(live_framing_t));

    return live_timeline_change(tl, media, &config);
}


/*
 * The frame's bytes, at the end of the queue and not counted yet.  LIVE_AGAIN: the
 * frame is dropped.
 */

static int
live_timeline_read(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, live_frame_t *frame)
{
    int                   rc;
    size_t                bound;
    live_track_t         *track;
    live_frame_info_t     info;
    live_codec_config_t   config;

    track = &tl->tracks[media];
    config = track->waiting ? track->next : track->config;

    if (!track->known && (track->ghost || config.codec != tag->codec)) {
        memset(&config, 0, sizeof(live_codec_config_t));
        config.media = media;
        config.codec = tag->codec;
    }

    bound = live_codec_frame_bound(&config, tag->size);

    if (live_queue_reserve(track, bound) != LIVE_OK) {
        return LIVE_ENOMEM;
    }

    rc = live_codec_frame(&config, &track->framing, tag,
                          track->data + track->size, track->cap - track->size,
                          &info);

    if (rc != LIVE_OK || info.empty) {
        return LIVE_AGAIN;
    }

    if (info.size > tl->conf.part_bytes_max || info.size > UINT32_MAX) {

        /* those that follow would be of no use without it */

        track->need_key = (media == LIVE_VIDEO);
        return LIVE_AGAIN;
    }

    memset(frame, 0, sizeof(live_frame_t));

    frame->size = (uint32_t) info.size;
    frame->key = info.key || (info.recovery && tag->key);

    if (info.new_config) {
        tl->seen |= 1u << media;

        if (track->state != LIVE_TRACK_RUNNING && track->nframes) {

            /* what waits to begin is of the old one; so the bytes move */

            memmove(track->data, track->data + track->size, info.size);
        }

        rc = track->ghost ? live_timeline_appear(tl, media, &config)
                          : live_timeline_change(tl, media, &config);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    /* of the next configuration, while the old one is still to end */

    return track->known && !track->waiting ? LIVE_OK : LIVE_AGAIN;
}


/* video that needs a key frame: is this one? */

static int
live_timeline_key(live_timeline_t *tl, const live_frame_t *frame)
{
    live_track_t  *track;

    track = &tl->tracks[LIVE_VIDEO];

    if (!track->need_key) {
        return LIVE_OK;
    }

    if (!frame->key) {
        track->no_key++;
        return LIVE_AGAIN;
    }

    if (track->no_key) {
        tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_NO_KEY,
                       (int64_t) track->no_key);
        track->no_key = 0;
    }

    return LIVE_OK;
}


/*
 * A lost track sends again: it goes on behind the gaps that stand for it.  A key
 * frame of video begins a segment, if the last began long enough ago and audio has
 * not passed it.
 */

static int
live_timeline_back(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int            bound;
    int64_t        ns, elapsed;
    live_track_t  *track, *audio;

    track = &tl->tracks[media];
    audio = &tl->tracks[LIVE_AUDIO];

    if (live_bound_silent(tl, media)) {

        /* still too far behind */

        return LIVE_AGAIN;
    }

    if (track->state == LIVE_TRACK_RUNNING
        && (frame->dts < track->part_start || frame->dts < track->media_end))
    {
        return LIVE_AGAIN;
    }

    if (media == LIVE_VIDEO) {
        ns = live_ns(track, frame->dts);

        live_bound_reach(tl, media, ns, frame);

        elapsed = ns - live_bound_get(tl, tl->msn)->ns;

        bound = elapsed >= LIVE_TIMELINE_APART
                && (audio->state != LIVE_TRACK_RUNNING
                    || ns >= live_ns(audio, audio->part_start));

        if (tl->discont && !bound) {
            return LIVE_AGAIN;
        }

        if (bound && (tl->discont || elapsed >= tl->conf.segment_us * 500)) {
            live_bound_new(tl, ns, ns, 0);
        }
    }

    track->lost = 0;
    track->back = 1;
    track->gop = 0;
    track->last_key = 0;

    tl->sink.event(tl->ctx, media, LIVE_TIMELINE_TRACK_BACK, 0);

    return LIVE_OK;
}


/* video that came late leads from a key frame on that audio has not passed */

static int
live_timeline_late(live_timeline_t *tl, const live_frame_t *frame)
{
    int64_t        ns, elapsed;
    live_track_t  *track, *audio;

    track = &tl->tracks[LIVE_VIDEO];
    audio = &tl->tracks[LIVE_AUDIO];

    ns = live_ns(track, frame->dts);

    live_bound_reach(tl, LIVE_VIDEO, ns, frame);

    elapsed = ns - live_bound_get(tl, tl->msn)->ns;

    if ((elapsed && elapsed < LIVE_TIMELINE_APART)
        || (audio->state == LIVE_TRACK_RUNNING
            && ns < live_ns(audio, audio->part_start)))
    {
        return LIVE_AGAIN;
    }

    if (elapsed) {
        live_bound_new(tl, ns, ns, 0);
    }

    track->state = LIVE_TRACK_JOINING;
    track->msn = tl->msn;

    tl->sink.event(tl->ctx, LIVE_VIDEO, LIVE_TIMELINE_TRACK_LATE, 0);

    return LIVE_OK;
}


/* may the frame go into the queue of a stream that has started? */

static int
live_timeline_admit(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    live_track_t  *track;

    track = &tl->tracks[media];

    if (track->lost) {
        return live_timeline_back(tl, media, frame);
    }

    if (track->state == LIVE_TRACK_OUT && media == LIVE_VIDEO) {
        return live_timeline_late(tl, frame);
    }

    return LIVE_OK;
}


/* what video does usually: its frames, its longest rests of late, its GOP */

static void
live_timeline_measure(live_track_t *track, const live_frame_t *frame)
{
    int64_t  d;

    d = frame->dts - track->last_dts;

    if (track->last_dts && d < LIVE_TIMELINE_STILL && !track->back) {
        track->usual = track->measured ? (3 * track->usual + d + 2) / 4 : d;
        track->usual = track->usual ? track->usual : 1;
        track->measured = 1;
    }

    if (track->last_dts && d < LIVE_TIMELINE_REST) {
        track->longest -= d / 32 < track->longest ? d / 32 : track->longest;
        track->longest = d > track->longest ? d : track->longest;
    }

    if (frame->key) {
        track->gop = track->last_key ? frame->dts - track->last_key : 0;
        track->last_key = frame->dts;
    }
}


static int
live_timeline_push(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    live_track_t  *track;

    track = &tl->tracks[media];

    if (live_queue_push(track, frame) != LIVE_OK) {
        return LIVE_ENOMEM;
    }

    if (media == LIVE_VIDEO) {
        live_timeline_measure(track, frame);
    }

    track->last_dts = frame->dts;
    track->back = 0;
    track->need_key = 0;
    tl->stats.frames[media]++;

    return LIVE_OK;
}


/* LIVE_AGAIN: the frame is dropped */

static int
live_timeline_accept(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, int64_t ms)
{
    int            rc;
    live_frame_t   frame;
    live_track_t  *track;

    track = &tl->tracks[media];

    rc = live_timeline_read(tl, media, tag, &frame);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (media == LIVE_VIDEO) {
        rc = live_timeline_key(tl, &frame);

        if (rc == LIVE_OK) {
            rc = live_clock_video(tl, ms, tag->cts, &frame);
        }

    } else {
        rc = live_audio_clock(track, ms, &frame);
    }

    if (rc == LIVE_OK && tl->started) {
        rc = live_timeline_admit(tl, media, &frame);
    }

    if (rc != LIVE_OK) {

        /* a key frame that was refused tells the next one's shift no more */

        if (media == LIVE_VIDEO && track->state == LIVE_TRACK_OUT) {
            track->shifted = 0;
        }

        return rc;
    }

    rc = live_timeline_push(tl, media, &frame);

    if (rc == LIVE_OK && !tl->started) {
        live_start_trim(tl, media);
    }

    return rc;
}


static int
live_timeline_frame(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, uint32_t ts, int64_t mono_us)
{
    int            rc;
    int64_t        ms;
    live_track_t  *track;

    track = &tl->tracks[media];

    ms = live_clock_map(tl, media, ts, mono_us);

    live_clock_arrived(tl, ms, mono_us);

    track->seen = 1;

    /* audio that leads needs no boundary of video for its new configuration */

    if (track->waiting) {
        rc = live_cut_switch(tl);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    rc = live_timeline_accept(tl, media, tag, ms);

    if (rc == LIVE_AGAIN) {
        tl->stats.dropped[media]++;
        rc = LIVE_OK;
    }

    if (rc == LIVE_OK && !tl->started) {
        rc = live_start_try(tl);
    }

    if (rc == LIVE_OK && tl->started) {
        rc = live_cut_run(tl);
    }

    return rc;
}


int
live_timeline_message(live_timeline_t *tl, live_media_e media, uint32_t ts,
    const uint8_t *p, size_t n, int64_t mono_us)
{
    int         rc;
    live_tag_t  tag;

    if (tl->dead) {
        return tl->dead;
    }

    tl->now_us = mono_us;

    rc = live_codec_parse_tag(media, p, n, &tag);

    if (rc == LIVE_EUNSUPPORTED) {
        return rc;
    }

    if (rc != LIVE_OK) {
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    switch (tag.kind) {

    case LIVE_TAG_CONFIG:
        rc = live_timeline_config(tl, media, &tag);
        break;

    case LIVE_TAG_FRAME:
        rc = live_timeline_frame(tl, media, &tag, ts, mono_us);
        break;

    default:
        return LIVE_OK;
    }

    if (rc != LIVE_OK && rc != LIVE_EUNSUPPORTED) {
        tl->dead = rc;
    }

    return rc;
}


int
live_timeline_tick(live_timeline_t *tl, int64_t mono_us)
{
    if (tl->dead) {
        return tl->dead;
    }

    tl->now_us = mono_us;

    if (!tl->started) {
        tl->dead = live_start_try(tl);
    }

    if (tl->started && tl->dead == LIVE_OK) {
        tl->dead = live_cut_run(tl);
    }

    return tl->dead;
}


int
live_timeline_finish(live_timeline_t *tl, live_timeline_resume_t *resume)
{
    if (tl->dead == LIVE_OK && tl->started) {
        tl->dead = live_cut_finish(tl);
    }

    live_timeline_resume(tl, resume);

    return tl->dead;
}
