/*
 * A publication: a timeline whose sink muxes into the store.
 */

#include "ngx_live_timeline.h"


#define NGX_LIVE_PART_BYTES  (64 * 1024 * 1024)
#define NGX_LIVE_WAIT        2000000
#define NGX_LIVE_ROOM        3000      /* ms without a loss: there is room */


struct ngx_live_publication_s {
    ngx_live_store_zone_t   *zone;
    live_store_writer_t     *writer;
    live_timeline_t         *timeline;
    ngx_log_t               *log;
    uint32_t                 sequence;     /* of moof */

    u_char                  *head;         /* of a fragment, reused */
    size_t                   head_size;

    live_codec_config_t      config[LIVE_TRACKS];
    uint32_t                 begins;       /* next part begins a segment, a bit a track */
    ngx_msec_t               lost;         /* when there was no room last */
    unsigned                 unsupported:1;
    unsigned                 full:1;       /* said that there is no room */
    unsigned                 shortened:1;  /* said that the window is shorter */
};


static int ngx_live_timeline_start(void *ctx, uint32_t tracks);
static int ngx_live_timeline_config(void *ctx, uint32_t track, uint32_t init,
    const live_codec_config_t *config);
static int ngx_live_timeline_segment(void *ctx, uint32_t track,
    const live_timeline_segment_t *segment);
static int ngx_live_timeline_part(void *ctx, uint32_t track,
    const live_timeline_part_t *part);
static int ngx_live_timeline_segment_end(void *ctx, uint32_t track,
    uint64_t msn, uint64_t duration, uint32_t flags);
static void ngx_live_timeline_event(void *ctx, uint32_t track,
    live_timeline_event_e event, int64_t value);
static void ngx_live_publication_keep(ngx_live_publication_t *pub);
static ngx_int_t ngx_live_publication_result(ngx_live_publication_t *pub,
    int rc);


static const live_timeline_sink_t  ngx_live_timeline_sink = {
    ngx_live_timeline_start,
    ngx_live_timeline_config,
    ngx_live_timeline_segment,
    ngx_live_timeline_part,
    ngx_live_timeline_segment_end,
    ngx_live_timeline_event
};


/*
 * What the last publisher left, corrected by what really became visible: it may
 * have died in the middle of a segment, or when it had opened one only.  A number
 * without a part must not be passed over, playlists would have to list it.
 */

static void
ngx_live_publication_resume(ngx_live_publication_t *pub, u_char *saved,
    size_t size, live_timeline_resume_t *resume)
{
    int64_t   end_us, end_pdt_us, visible_us;
    uint32_t  discontinuity;
    uint64_t  msn;

    ngx_memzero(resume, sizeof(live_timeline_resume_t));

    if (size == sizeof(live_timeline_resume_t)) {
        ngx_memcpy(resume, saved, size);

    } else {
        resume->epoch_us = live_store_utc() - live_store_monotonic();
    }

    resume->msn = 0;
    resume->discontinuity = 0;

    if (live_store_writer_end(pub->writer, &msn, &discontinuity, &end_us,
                              &end_pdt_us, &visible_us)
        == LIVE_OK)
    {
        resume->msn = msn + 1;
        resume->discontinuity = discontinuity;

        if (end_us > resume->end_us) {
            resume->end_us = end_us;
            resume->end_pdt_us = end_pdt_us;
            resume->end_mono_us = visible_us;
        }
    }
}


ngx_live_publication_t *
ngx_live_publication_open(ngx_live_store_zone_t *zone,
    live_store_stream_info_t *info, ngx_log_t *log, u_char *err, size_t errlen)
{
    size_t                   size;
    u_char                  *saved;
    live_timeline_conf_t     conf;
    live_timeline_resume_t   resume;
    ngx_live_publication_t  *pub;

    pub = ngx_calloc(sizeof(ngx_live_publication_t), log);
    saved = ngx_alloc(LIVE_STORE_RESUME_MAX, log);

    if (pub == NULL || saved == NULL) {
        *ngx_snprintf(err, errlen - 1, "out of memory") = '\0';
        goto failed;
    }

    pub->zone = zone;
    pub->log = log;

    if (live_store_claim(zone->store, info, saved, &size, &pub->writer,
                         (char *) err, errlen)
        != LIVE_OK)
    {
        goto failed;
    }

    ngx_live_publication_resume(pub, saved, size, &resume);

    ngx_memzero(&conf, sizeof(live_timeline_conf_t));

    conf.part_us = info->part_us;
    conf.segment_us = info->segment_us;
    conf.segment_max_us = info->segment_max_us;
    conf.wait_us = NGX_LIVE_WAIT;
    conf.part_bytes_max = NGX_LIVE_PART_BYTES;

    /* kept at once: a publisher may die before its first segment ends */

    live_store_write_resume(pub->writer, &resume,
                            sizeof(live_timeline_resume_t));

    pub->timeline = live_timeline_create(&conf, &resume,
                                         &ngx_live_timeline_sink, pub);

    if (pub->timeline == NULL) {
        *ngx_snprintf(err, errlen - 1, "out of memory") = '\0';
        live_store_release(pub->writer, live_store_monotonic());
        goto failed;
    }

    ngx_free(saved);

    ngx_live_store_notify(zone, live_store_writer_stream(pub->writer));

    return pub;

failed:

    if (saved) {
        ngx_free(saved);
    }

    if (pub) {
        ngx_free(pub);
    }

    return NULL;
}


void
ngx_live_publication_close(ngx_live_publication_t *pub)
{
    ngx_uint_t              stream;
    live_timeline_resume_t  resume;

    stream = live_store_writer_stream(pub->writer);

    if (live_timeline_finish(pub->timeline, &resume) == LIVE_OK) {
        live_store_write_resume(pub->writer, &resume,
                                sizeof(live_timeline_resume_t));
    }

    live_store_release(pub->writer, live_store_monotonic());
    live_timeline_destroy(pub->timeline);

    ngx_live_store_notify(pub->zone, stream);

    if (pub->head) {
        ngx_free(pub->head);
    }

    ngx_free(pub);
}


ngx_uint_t
ngx_live_publication_stream(ngx_live_publication_t *pub)
{
    return live_store_writer_stream(pub->writer);
}


ngx_uint_t
ngx_live_publication_owned(ngx_live_publication_t *pub)
{
    return live_store_owned(pub->writer);
}


void
ngx_live_publication_expect(ngx_live_publication_t *pub, uint32_t tracks)
{
    live_timeline_expect(pub->timeline, tracks);
}


/* for the next publisher, should this worker die */

static void
ngx_live_publication_keep(ngx_live_publication_t *pub)
{
    live_timeline_resume_t  resume;

    live_timeline_resume(pub->timeline, &resume);
    live_store_write_resume(pub->writer, &resume,
                            sizeof(live_timeline_resume_t));
}


static ngx_int_t
ngx_live_publication_result(ngx_live_publication_t *pub, int rc)
{
    switch (rc) {

    case LIVE_OK:
        return NGX_OK;

    case LIVE_ELOST:
        return NGX_DECLINED;

    case LIVE_ENOMEM:
        ngx_log_error(NGX_LOG_ERR, pub->log, 0,
                      "live publisher closed: out of memory");
        return NGX_ERROR;

    default:
        ngx_log_error(NGX_LOG_ERR, pub->log, 0,
                      "live publisher closed: packaging failed (%d)", rc);
        return NGX_ERROR;
    }
}


ngx_int_t
ngx_live_publication_message(ngx_live_publication_t *pub, live_media_e media,
    uint32_t timestamp, u_char *p, size_t n)
{
    int  rc;

    rc = live_timeline_message(pub->timeline, media, timestamp, p, n,
                               live_store_monotonic());

    if (rc == LIVE_EUNSUPPORTED) {

        if (!pub->unsupported) {
            pub->unsupported = 1;
            ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                          "live %s ignored: its codec is not supported, the "
                          "publisher must send H.264 video and AAC audio",
                          media == LIVE_VIDEO ? "video" : "audio");
        }

        return NGX_OK;
    }

    return ngx_live_publication_result(pub, rc);
}


ngx_int_t
ngx_live_publication_tick(ngx_live_publication_t *pub)
{
    return ngx_live_publication_result(pub,
                                       live_timeline_tick(pub->timeline,
                                                    live_store_monotonic()));
}


static int
ngx_live_timeline_start(void *ctx, uint32_t tracks)
{
    ngx_live_publication_t *pub = ctx;

    live_store_start(pub->writer, tracks);

    return LIVE_OK;
}


static int
ngx_live_timeline_config(void *ctx, uint32_t track, uint32_t init,
    const live_codec_config_t *config)
{
    ngx_live_publication_t *pub = ctx;

    int     rc;
    long    n;
    u_char  buf[LIVE_INIT_MAX];

    pub->config[track] = *config;

    n = live_mux_init(config, buf, sizeof(buf));
    if (n < 0) {
        return (int) n;
    }

    if (config->media == LIVE_VIDEO) {
        ngx_log_error(NGX_LOG_INFO, pub->log, 0,
                      "live video: %s %uix%ui", config->rfc6381,
                      (ngx_uint_t) config->width, (ngx_uint_t) config->height);
    } else {
        ngx_log_error(NGX_LOG_INFO, pub->log, 0,
                      "live audio: %s %uD Hz, %ui channels", config->rfc6381,
                      config->sample_rate, (ngx_uint_t) config->channels);
    }

    rc = live_store_write_init(pub->writer, track, init, config, buf,
                               (size_t) n);

    if (rc == LIVE_EIO) {
        ngx_log_error(NGX_LOG_CRIT, pub->log, ngx_errno,
                      "live: cannot write an init segment in \"%s\": give its "
                      "file system more room",
                      live_store_path(pub->zone->store));
    }

    return rc;
}


static int
ngx_live_timeline_segment(void *ctx, uint32_t track,
    const live_timeline_segment_t *segment)
{
    ngx_live_publication_t *pub = ctx;

    live_store_segment_t  s;

    ngx_memzero(&s, sizeof(live_store_segment_t));

    s.msn = segment->msn;
    s.start = segment->start;
    s.pdt_us = segment->pdt_us;
    s.init = segment->init;
    s.discontinuity = segment->discontinuity;
    s.flags = segment->flags;

    pub->begins |= 1u << track;

    /* the number of its init segment is taken from here on */

    ngx_live_publication_keep(pub);

    return live_store_write_segment(pub->writer, track, &s);
}


static int
ngx_live_timeline_part(void *ctx, uint32_t track,
    const live_timeline_part_t *part)
{
    ngx_live_publication_t *pub = ctx;

    int                 rc;
    long                n;
    size_t              bound;
    ngx_err_t           err;
    live_fragment_t     fragment;
    live_store_part_t   p;

    ngx_memzero(&p, sizeof(live_store_part_t));

    p.index = part->index;
    p.duration = part->duration;
    p.flags = part->flags | (part->last ? LIVE_PART_ENDS : 0);

    n = 0;

    if (part->nsamples) {
        bound = live_mux_fragment_bound(part->nsamples);

        if (bound > pub->head_size) {
            if (pub->head) {
                ngx_free(pub->head);
            }

            pub->head_size = 0;
            pub->head = ngx_alloc(2 * bound, pub->log);
            if (pub->head == NULL) {
                return LIVE_ENOMEM;
            }

            pub->head_size = 2 * bound;
        }

        ngx_memzero(&fragment, sizeof(live_fragment_t));

        fragment.media = (live_media_e) track;
        fragment.sequence = ++pub->sequence;
        fragment.dts = part->dts;
        fragment.wall_us = part->wall_us;
        fragment.samples = part->samples;
        fragment.nsamples = part->nsamples;

        if (pub->begins & (1u << track)) {
            fragment.flags = LIVE_FRAGMENT_STYP|LIVE_FRAGMENT_PRFT;
        }

        n = live_mux_fragment(&fragment, pub->head, pub->head_size);
        if (n < 0) {
            return (int) n;
        }
    }

    rc = live_store_write_part(pub->writer, track, &p, pub->head, (size_t) n,
                               part->data, part->size);
    err = ngx_errno;

    if (rc == LIVE_ENOSPC) {

        pub->lost = ngx_current_msec;

        if (!pub->full) {
            pub->full = 1;
            ngx_log_error(NGX_LOG_CRIT, pub->log, err,
                          "live: no room for a part in \"%s\", viewers get "
                          "gaps: give its file system more room, raise size= "
                          "of live_store, or shorten live_window",
                          live_store_path(pub->zone->store));
        }

        rc = LIVE_OK;

    } else if (rc == LIVE_OK && part->nsamples) {

        pub->begins &= ~(1u << track);

        /* a small part may fit in when there is no room for the next */

        if (pub->full && ngx_current_msec - pub->lost > NGX_LIVE_ROOM) {
            pub->full = 0;
            ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                          "live: there is room again in \"%s\"",
                          live_store_path(pub->zone->store));
        }
    }

    ngx_live_store_notify(pub->zone, live_store_writer_stream(pub->writer));

    return rc;
}


static int
ngx_live_timeline_segment_end(void *ctx, uint32_t track, uint64_t msn,
    uint64_t duration, uint32_t flags)
{
    ngx_live_publication_t *pub = ctx;

    int       rc;
    uint32_t  fps;

    rc = live_store_write_end(pub->writer, track, duration, flags);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (!pub->shortened && live_store_shortened(pub->writer)) {
        pub->shortened = 1;
        ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                      "live: the stream reached size= of live_window, its "
                      "playlist gets shorter than the window: raise size=, or "
                      "lower the encoder's bitrate");
    }

    ngx_live_publication_keep(pub);

    fps = live_timeline_stats(pub->timeline)->fps_milli;

    if (track == LIVE_VIDEO && fps) {
        live_store_write_fps(pub->writer, fps);
    }

    ngx_live_store_notify(pub->zone, live_store_writer_stream(pub->writer));

    return LIVE_OK;
}


static void
ngx_live_timeline_event(void *ctx, uint32_t track, live_timeline_event_e event,
    int64_t value)
{
    ngx_live_publication_t *pub = ctx;

    char  *media;

    media = (track == LIVE_VIDEO) ? "video" : "audio";

    switch (event) {

    case LIVE_TIMELINE_FORCED_CUT:
        ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                      "live: no key frame for %L ms, segments are cut without "
                      "one: set the encoder's key frame interval to 2 s",
                      value);
        break;

    case LIVE_TIMELINE_JUMP:
        ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                      "live: the publisher's timestamps jumped by %L ms, "
                      "repaired", value);
        break;

    case LIVE_TIMELINE_NOT_MONOTONIC:
        ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                      "live %s: timestamps went back by %L ms, repaired (said "
                      "once)", media, value);
        break;

    case LIVE_TIMELINE_NO_KEY:
        ngx_log_error(NGX_LOG_INFO, pub->log, 0,
                      "live video: %L frames before the first key frame left "
                      "out", value);
        break;

    case LIVE_TIMELINE_TRACK_LATE:
        ngx_log_error(NGX_LOG_INFO, pub->log, 0,
                      "live %s joins the running stream", media);
        break;

    case LIVE_TIMELINE_TRACK_LOST:
        ngx_log_error(NGX_LOG_WARN, pub->log, 0,
                      "live %s: the publisher sends no more of it, viewers "
                      "get gaps", media);
        break;

    case LIVE_TIMELINE_TRACK_BACK:
        ngx_log_error(NGX_LOG_INFO, pub->log, 0, "live %s is back", media);
        break;

    default: /* LIVE_TIMELINE_CONFIG_CHANGED */
        ngx_log_error(NGX_LOG_INFO, pub->log, 0,
                      "live %s: the codec configuration changed, a "
                      "discontinuity follows", media);
        break;
    }
}
