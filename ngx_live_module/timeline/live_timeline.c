/*
 * Entry points: messages in, configurations, the start and the end.
 */

#include "live_timeline_internal.h"

#include <stdlib.h>
#include <string.h>


#define LIVE_TIMELINE_PART_BYTES  (64u * 1024 * 1024)


static int live_timeline_config(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag);
static int live_timeline_change(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config);
static int live_timeline_read(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, live_frame_t *frame);
static int live_timeline_start(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t mono_us);
static int live_timeline_switch(live_timeline_t *tl, live_media_e media);
static int live_timeline_frame(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, uint32_t ts, int64_t mono_us);
static int live_timeline_push(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
static void live_timeline_use(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config);


live_timeline_t *
live_timeline_create(const live_timeline_conf_t *conf,
    const live_timeline_resume_t *resume, const live_timeline_sink_t *sink,
    void *ctx)
{
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
    tl->discont = (resume->msn != 0);

    if (tl->conf.part_bytes_max == 0) {
        tl->conf.part_bytes_max = LIVE_TIMELINE_PART_BYTES;
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
    tl->expected |= tracks;
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
}


/* the frames that come are of this configuration */

static void
live_timeline_use(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config)
{
    live_track_t  *track;

    track = &tl->tracks[media];

    if (media == LIVE_AUDIO && track->config.timescale != config->timescale) {
        track->next_dts = 0;
        track->last_dts = 0;
        track->error = 0;
    }

    if (media == LIVE_VIDEO) {
        track->shifted = 0;
        track->gop = 0;
    }

    track->config = *config;
    track->known = 1;
    track->changed = 1;
    track->target = tl->conf.part_us * config->timescale / 1000000;

    if (media == LIVE_AUDIO) {
        track->usual = config->frame_samples;

    } else if (track->usual == 0) {
        track->usual = config->fps_milli
                       ? (int64_t) LIVE_VIDEO_TIMESCALE * 1000
                         / config->fps_milli
                       : LIVE_VIDEO_TIMESCALE / 30;
    }
}


/*
 * Another configuration in a running stream: a discontinuity on all tracks.  Video
 * makes it at its next key frame; audio waits for that, or makes it at once if it
 * is alone.
 */

static int
live_timeline_change(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config)
{
    int            rc;
    live_track_t  *track, *video;

    track = &tl->tracks[media];
    video = &tl->tracks[LIVE_VIDEO];

    tl->discont = 1;
    tl->sink.event(tl->ctx, media, LIVE_TIMELINE_CONFIG_CHANGED, 0);

    if (media == LIVE_VIDEO) {
        live_timeline_use(tl, media, config);
        track->need_key = 1;
        return LIVE_OK;
    }

    rc = live_cut_flush(tl, media);

    if (rc != LIVE_OK) {
        return rc;
    }

    track->next = *config;
    track->waiting = 1;

    return (video->open && !video->lost) ? LIVE_OK
                                         : live_timeline_switch(tl, media);
}


/* audio: the old configuration's last segment ends, the next takes over */

static int
live_timeline_switch(live_timeline_t *tl, live_media_e media)
{
    int            rc;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (track->open) {

        /* up to the boundary, where there is one already */

        if (track->msn < tl->msn) {
            rc = live_cut_close(tl, media, track->msn + 1);

        } else {
            rc = live_cut_finish(tl, media);
        }

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    track->waiting = 0;
    track->rejoin = 1;

    live_timeline_use(tl, media, &track->next);

    return LIVE_OK;
}


static int
live_timeline_config(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag)
{
    int                   rc;
    live_track_t         *track;
    live_codec_config_t   config, *now;

    track = &tl->tracks[media];
    tl->seen |= 1u << media;

    rc = live_codec_parse_config(tag, &config);

    if (rc != LIVE_OK) {

        /* without parameter sets, or damaged: others may come */

        if (rc != LIVE_EUNSUPPORTED) {
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }

        return rc;
    }

    now = track->waiting ? &track->next : &track->config;

    if (track->known && live_codec_same_config(now, &config)) {

        /* the same again; the framing may be told anew */

        now->nal_length = config.nal_length;
        return LIVE_OK;
    }

    memset(&track->framing, 0, sizeof(live_framing_t));

    if (tl->started && track->open) {
        return live_timeline_change(tl, media, &config);
    }

    live_timeline_use(tl, media, &config);

    return LIVE_OK;
}


/*
 * May the stream start with this frame?  It waits, for a bounded time, for the
 * tracks announced, or without an announcement for whatever comes.
 */

static int
live_timeline_start(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame, int64_t mono_us)
{
    int       t;
    int64_t   waited;
    uint32_t  want, have;

    have = 0;

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tl->tracks[t].known) {
            have |= 1u << t;
        }
    }

    want = tl->expected | tl->seen;

    if (tl->expected == 0) {
        want = (1u << LIVE_TRACKS) - 1;
    }

    waited = tl->tracks[media].last_ms * 1000 - tl->first_ms * 1000;

    if (mono_us - tl->first_mono_us > waited) {
        waited = mono_us - tl->first_mono_us;
    }

    if (waited < tl->conf.wait_us) {

        if ((want & ~have)
            || ((want & 1u << LIVE_VIDEO) && media != LIVE_VIDEO))
        {
            return LIVE_AGAIN;
        }

        have &= want;
    }

    /* after the wait audio goes alone only if video has shown no frame */

    if (media == LIVE_AUDIO && tl->tracks[LIVE_VIDEO].known
        && tl->stats.frames[LIVE_VIDEO]
        && waited < tl->conf.wait_us + 15000000)
    {
        return LIVE_AGAIN;
    }

    (void) live_cut_bound(tl, live_ns(&tl->tracks[media], frame->dts), 0);

    tl->started = 1;

    return tl->sink.start(tl->ctx, have);
}


/* the frame's bytes at the end of the queue, not counted yet */

static int
live_timeline_read(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, live_frame_t *frame)
{
    int                   rc;
    size_t                need;
    uint8_t              *p;
    live_track_t         *track;
    live_frame_info_t     info;
    live_codec_config_t   config;

    track = &tl->tracks[media];
    need = track->size + live_codec_frame_bound(&track->config, tag->size);

    if (need > track->cap) {
        need += need / 2 + 65536;

        p = realloc(track->data, need);
        if (p == NULL) {
            return LIVE_ENOMEM;
        }

        track->data = p;
        track->cap = need;
    }

    config = track->config;

    rc = live_codec_frame(&config, &track->framing, tag,
                          track->data + track->size, track->cap - track->size,
                          &info);

    if (rc != LIVE_OK || info.empty || info.size > UINT32_MAX) {
        tl->stats.dropped[media]++;
        return LIVE_AGAIN;
    }

    memset(frame, 0, sizeof(live_frame_t));

    frame->size = (uint32_t) info.size;
    frame->key = info.key || (info.recovery && tag->key);

    if (info.new_config) {

        if (tl->started && track->open) {
            return live_timeline_change(tl, media, &config);
        }

        live_timeline_use(tl, media, &config);
    }

    return LIVE_OK;
}


static int
live_timeline_push(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int64_t        d;
    uint32_t       n;
    live_frame_t  *p;
    live_track_t  *track;

    track = &tl->tracks[media];

    if (track->nframes == track->frames_cap) {
        n = track->frames_cap ? 2 * track->frames_cap : 64;

        p = realloc(track->frames, n * sizeof(live_frame_t));
        if (p == NULL) {
            return LIVE_ENOMEM;
        }

        track->frames = p;
        track->frames_cap = n;
    }

    track->frames[track->nframes++] = *frame;
    track->size += frame->size;

    d = frame->dts - track->last_dts;

    if (media == LIVE_VIDEO && track->last_dts) {

        if (d < LIVE_VIDEO_TIMESCALE * 10) {
            track->usual = (3 * track->usual + d) / 4;
            track->usual = track->usual ? track->usual : 1;
        }

        if (frame->key) {
            track->gop = track->last_key ? frame->dts - track->last_key : 0;
        }
    }

    if (frame->key) {
        track->last_key = frame->dts;
    }

    track->last_dts = frame->dts;
    track->newest_ns = live_ns(track, frame->dts);
    tl->stats.frames[media]++;

    return LIVE_OK;
}


/* a frame of a track that is not running: does it begin to now? */

static int
live_timeline_admit(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    int            rc;
    int64_t        ns;
    live_track_t  *track;
    live_bound_t  *bound;

    track = &tl->tracks[media];
    ns = live_ns(track, frame->dts);

    if (track->lost) {
        rc = live_cut_back(tl, media, ns);

        if (rc == LIVE_OK) {
            tl->sink.event(tl->ctx, media, LIVE_TIMELINE_TRACK_BACK, 0);
        }

        return rc;
    }

    if (track->open || tl->msn == tl->resume.msn) {
        return LIVE_OK;
    }

    if (!track->late && !track->rejoin) {
        track->late = 1;
        tl->sink.event(tl->ctx, media, LIVE_TIMELINE_TRACK_LATE, 0);
    }

    /* late video leads from here on, if this is not too soon after a cut */

    bound = &tl->bounds[tl->msn % LIVE_TIMELINE_BOUNDS];

    if (media == LIVE_VIDEO && ns - bound->ns > tl->conf.segment_us * 500) {
        return live_cut_bound(tl, ns, 0);
    }

    return media == LIVE_VIDEO ? LIVE_AGAIN : LIVE_OK;
}


static int
live_timeline_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame)
{
    live_track_t  *video;

    video = &tl->tracks[LIVE_VIDEO];

    if (media == LIVE_VIDEO ? tl->tracks[media].open
                            : (!video->open || video->lost))
    {
        return live_cut_lead(tl, media, frame);
    }

    return LIVE_OK;
}


static int
live_timeline_frame(live_timeline_t *tl, live_media_e media,
    const live_tag_t *tag, uint32_t ts, int64_t mono_us)
{
    int            rc, other;
    int64_t        ms;
    live_frame_t   frame;
    live_track_t  *track;

    track = &tl->tracks[media];
    ms = live_clock_map(tl, media, ts, mono_us);

    live_clock_arrived(tl, ms, mono_us);

    if (!track->known) {
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    if (track->waiting) {

        if (tl->msn == track->msn) {
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }

        rc = live_timeline_switch(tl, media);

        if (rc != LIVE_OK) {
            return rc;
        }
    }

    rc = live_timeline_read(tl, media, tag, &frame);

    if (rc != LIVE_OK) {
        return rc == LIVE_AGAIN ? LIVE_OK : rc;
    }

    if (media == LIVE_VIDEO && track->need_key) {

        if (!frame.key) {
            tl->no_key++;
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }

        if (tl->no_key) {
            tl->sink.event(tl->ctx, media, LIVE_TIMELINE_NO_KEY,
                           (int64_t) tl->no_key);
            tl->no_key = 0;
        }
    }

    rc = (media == LIVE_VIDEO)
         ? live_clock_video(tl, ms, tag->cts, &frame)
         : live_clock_audio(tl, ms, &frame);

    if (rc != 0) {
        tl->stats.dropped[media]++;
        return LIVE_OK;
    }

    if (!tl->started) {
        rc = live_timeline_start(tl, media, &frame, mono_us);

        if (rc == LIVE_AGAIN) {
            track->shifted = 0;
            tl->stats.dropped[media]++;
            return LIVE_OK;
        }

        if (rc != LIVE_OK) {
            return rc;
        }

    } else {
        rc = live_timeline_admit(tl, media, &frame);

        if (rc != LIVE_OK) {
            return rc == LIVE_AGAIN ? LIVE_OK : rc;
        }
    }

    track->need_key = 0;

    rc = live_timeline_push(tl, media, &frame);

    if (rc == LIVE_OK) {
        rc = live_timeline_lead(tl, media, &frame);
    }

    if (rc == LIVE_OK) {
        rc = live_cut_drain(tl, media, 0);
    }

    /* audio that waited for video to get this far */

    other = (media == LIVE_VIDEO) ? LIVE_AUDIO : LIVE_VIDEO;

    if (rc == LIVE_OK && tl->tracks[other].nframes) {
        rc = live_cut_drain(tl, (live_media_e) other, 0);
    }

    if (rc == LIVE_OK) {
        rc = live_cut_lost(tl);
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

    if (tl->started) {
        tl->dead = live_cut_lost(tl);
    }

    return tl->dead;
}


int
live_timeline_finish(live_timeline_t *tl, live_timeline_resume_t *resume)
{
    int  t;

    for (t = 0; t < LIVE_TRACKS && tl->started; t++) {
        if (tl->dead == LIVE_OK) {
            tl->dead = live_cut_finish(tl, (live_media_e) t);
        }
    }

    live_timeline_resume(tl, resume);

    return tl->dead;
}
