/*
 * The start: waits, for a bounded time, for the tracks that are to come, and then
 * begins with what there is, at a key frame where there is video.
 */

#include "live_timeline_internal.h"


#define LIVE_START_KEY    10000000    /* us, audio waits for a key frame of video */
#define LIVE_START_AUDIO  2000000     /* us of it that are kept besides meanwhile */
#define LIVE_START_FRAMES 4096        /* frames of video kept */


static int64_t live_start_waited(const live_timeline_t *tl);
static uint32_t live_start_known(const live_timeline_t *tl);
static uint32_t live_start_ghosts(live_timeline_t *tl, uint32_t have);
static int live_start_begin(live_timeline_t *tl, live_media_e media,
    uint32_t tracks);


/* of video the last GOP is kept, of audio a while */

void
live_start_trim(live_timeline_t *tl, live_media_e media)
{
    size_t         size;
    int64_t        keep;
    uint32_t       n;
    live_track_t  *track;
    live_frame_t  *newest;

    track = &tl->tracks[media];
    newest = &track->frames[track->nframes - 1];
    n = 0;

    if (media == LIVE_VIDEO) {

        if (newest->key) {
            n = track->nframes - 1;

        } else if (track->nframes > LIVE_START_FRAMES
                   || track->size > tl->conf.part_bytes_max)
        {
            n = track->nframes;
            track->need_key = 1;
        }

    } else {
        keep = (tl->conf.wait_us + LIVE_START_AUDIO) * 1000;
        keep = newest->dts - live_ticks(track, keep);
        size = track->size;

        for ( /* void */ ; n + 1 < track->nframes; n++) {

            if (track->frames[n].dts >= keep
                && size <= tl->conf.part_bytes_max)
            {
                break;
            }

            size -= track->frames[n].size;
        }
    }

    live_queue_drop(track, n);
    tl->stats.dropped[media] += n;
}


/* on the media's clock or the monotonic one, whichever is ahead, us */

static int64_t
live_start_waited(const live_timeline_t *tl)
{
    int      t;
    int64_t  waited, front;

    waited = tl->now_us - tl->first_mono_us;

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tl->tracks[t].clock) {
            front = (tl->tracks[t].front_ms - tl->first_ms) * 1000;
            waited = front > waited ? front : waited;
        }
    }

    return waited;
}


static uint32_t
live_start_known(const live_timeline_t *tl)
{
    int       t;
    uint32_t  known;

    known = 0;

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tl->tracks[t].known) {
            known |= 1u << t;
        }
    }

    return known;
}


/* tracks that the last publisher had, but this one does not start with: gaps */

static uint32_t
live_start_ghosts(live_timeline_t *tl, uint32_t have)
{
    int                   t;
    uint32_t              ghosts;
    live_track_t         *track;
    live_codec_config_t   config;

    ghosts = 0;

    for (t = 0; t < LIVE_TRACKS; t++) {
        track = &tl->tracks[t];

        if (tl->resume.init[t] == 0 || tl->resume.config[t].timescale == 0
            || (have & (1u << t)))
        {
            continue;
        }

        track->lost = 1;
        ghosts |= 1u << t;

        if (track->known) {
            continue;
        }

        config = tl->resume.config[t];
        live_timeline_use(tl, (live_media_e) t, &config);

        track->known = 0;
        track->ghost = 1;
    }

    return ghosts;
}


static int
live_start_begin(live_timeline_t *tl, live_media_e media, uint32_t tracks)
{
    int            t;
    int64_t        ns;
    live_track_t  *track;

    track = &tl->tracks[media];
    ns = live_ns(track, track->frames[0].dts);

    live_bound_new(tl, ns, ns, 0);

    for (t = 0; t < LIVE_TRACKS; t++) {
        if (tracks & (1u << t)) {
            tl->tracks[t].state = LIVE_TRACK_JOINING;
            tl->tracks[t].msn = tl->msn;
        }
    }

    tl->started = 1;

    return tl->sink.start(tl->ctx, tracks);
}


int
live_start_try(live_timeline_t *tl)
{
    int64_t        waited;
    uint32_t       want, have, video;
    live_track_t  *track;

    if (!tl->clocked) {
        return LIVE_OK;
    }

    video = 1u << LIVE_VIDEO;
    have = live_start_known(tl);
    waited = live_start_waited(tl);
    want = tl->expected | tl->seen;

    if (tl->expected == 0) {

        /* nothing was announced: anything may come */

        want = (1u << LIVE_TRACKS) - 1;
    }

    if (waited < tl->conf.wait_us && (want & ~have)) {
        return LIVE_OK;
    }

    if (tl->tracks[LIVE_VIDEO].nframes) {
        return live_start_begin(tl, LIVE_VIDEO,
                                have | live_start_ghosts(tl, have));
    }

    track = &tl->tracks[LIVE_AUDIO];

    while (track->nframes && tl->resume.end_us * 1000
                             > live_ns(track, track->frames[0].dts))
    {
        live_queue_drop(track, 1);
        tl->stats.dropped[LIVE_AUDIO]++;
    }

    if (track->nframes == 0
        || ((want & video) && waited < tl->conf.wait_us)
        || ((have & video) && tl->tracks[LIVE_VIDEO].seen
            && waited < tl->conf.wait_us + LIVE_START_KEY))
    {
        return LIVE_OK;
    }

    have &= ~video;

    return live_start_begin(tl, LIVE_AUDIO,
                            have | live_start_ghosts(tl, have));
}
