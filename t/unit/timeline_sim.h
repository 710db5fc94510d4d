/*
 * A publisher that is made up, and a sink that believes nothing: every call is held
 * against what viewers rely on.  A test plays something and then asks for the
 * complaints.
 */

#ifndef _TIMELINE_SIM_H_INCLUDED_
#define _TIMELINE_SIM_H_INCLUDED_


#include "codec_make.h"
#include "live_timeline.h"
#include "tap.h"

#include <math.h>


#define SIM_EPOCH    1700000000000000ll
#define SIM_MONO     5000000000ll     /* monotonic clock at the beginning, us */

#define SIM_RELAX_ALIGN   0x01   /* boundaries of audio and video need not agree */
#define SIM_RELAX_HOLES   0x02   /* media may have holes */
#define SIM_RELAX_PTS     0x04   /* composition offsets are nonsense */
#define SIM_RELAX_SYNC    0x08   /* timestamps jump: no fixed relation to them */
#define SIM_RELAX_PDT     0x10


typedef struct {
    int64_t   ms;             /* its dts and pts by the publisher's own clock */
    int64_t   pts_ms;
    uint8_t   key;
    uint8_t   out;            /* came out again */
} sim_sent_t;


typedef struct {
    double    start;          /* seconds */
    double    end;
    int64_t   pdt_us;
    uint32_t  flags;          /* at its end */
    uint32_t  discontinuity;
    uint32_t  init;
    uint32_t  parts;
    uint32_t  gaps;
    uint32_t  samples;
    uint8_t   open;
    uint8_t   used;
} sim_segment_t;


typedef struct {
    live_codec_config_t  config;
    uint32_t             init;
    uint8_t              configured;    /* since the last segment */
    uint8_t              any;           /* had a segment */
    uint8_t              open;
    uint8_t              fresh;         /* media need not be continuous here */
    uint64_t             msn;
    uint64_t             first_msn;
    uint32_t             discontinuity;
    uint64_t             start;
    uint64_t             position;      /* nominal */
    uint64_t             end;           /* of the last segment, nominal, ticks */
    double               end_s;
    uint32_t             open_flags;
    uint32_t             index;
    uint32_t             last_duration;
    uint8_t              last_gap;
    uint8_t              first_key;     /* of the segment */
    uint32_t             samples;       /* in the segment */
    int64_t              least_pts;
    int64_t              media_end;     /* ticks; -1: none yet */
    int64_t              last_dts;
    int64_t              last_counter;

    /* totals */
    uint64_t             parts;
    uint64_t             gaps;
    uint64_t             frames;
    uint64_t             bytes;
    uint64_t             short_parts;   /* last of a segment, under 85 % */
    uint64_t             holes;
    double               hole_s;
    uint64_t             odd;           /* audio samples of an odd duration */
    double               sync_min;      /* out - in, seconds */
    double               sync_max;
    double               latency_max;   /* newest frame behind a part's end, s */
    sim_segment_t       *segments;
    uint64_t             nsegments;     /* room for */
    sim_sent_t          *sent;
    uint32_t             nsent;
    uint32_t             sent_cap;
} sim_track_t;


typedef struct {
    live_timeline_t         *tl;
    live_timeline_conf_t     conf;
    live_timeline_resume_t   resume;
    sim_track_t              track[LIVE_TRACKS];
    unsigned                 relax;
    unsigned                 apart;      /* segments that begin apart, in a row */
    int64_t                  mono;
    int64_t                  newest_ms[LIVE_TRACKS];
    int                      started;
    uint32_t                 tracks;
    uint32_t                 expect;
    uint32_t                 events[16];
    int64_t                  values[16];
    int                      fail_at;       /* the sink refuses this call */
    int                      calls;
    int                      after_fail;
    double                   pdt_ahead;     /* of arrival, most and least, s */
    double                   pdt_behind;
    unsigned                 errors;
    char                     error[512];
} sim_t;


static inline void __attribute__((format(printf, 2, 3)))
sim_complain(sim_t *s, const char *format, ...)
{
    va_list  args;

    if (s->errors++ == 0) {
        va_start(args, format);
        vsnprintf(s->error, sizeof(s->error), format, args);
        va_end(args);
    }
}


#define sim_must(s, cond, ...)                                                \
    do { if (!(cond)) { sim_complain(s, #cond ": " __VA_ARGS__); } } while (0)


static inline int
sim_call(sim_t *s)
{
    s->calls++;

    if (s->fail_at && s->calls > s->fail_at) {
        s->after_fail++;
    }

    return s->fail_at && s->calls == s->fail_at ? LIVE_EIO : LIVE_OK;
}


static inline double
sim_seconds(const sim_track_t *t, uint64_t ticks)
{
    return (double) ticks / t->config.timescale;
}


static inline int
sim_start(void *ctx, uint32_t tracks)
{
    sim_t *s = ctx;

    sim_must(s, !s->started, "start twice");
    sim_must(s, tracks != 0 && tracks < 4, "tracks %u", tracks);

    s->started = 1;
    s->tracks = tracks;

    return sim_call(s);
}


static inline int
sim_config(void *ctx, uint32_t track, uint32_t init,
    const live_codec_config_t *config)
{
    sim_t *s = ctx;

    sim_track_t  *t = &s->track[track];

    sim_must(s, s->started, "config before start");
    sim_must(s, !t->open, "track %u: config within a segment", track);
    sim_must(s, init == t->init + 1, "track %u: init %u after %u", track, init,
             t->init);
    sim_must(s, config->timescale, "no timescale");
    sim_must(s, config->media == (live_media_e) track, "media");
    sim_must(s, !(t->init && live_codec_same_config(config, &t->config)),
             "track %u: init %u for the same bytes", track, init);

    t->init = init;
    t->config = *config;
    t->configured = 1;

    return sim_call(s);
}


/* what all tracks must have in common */

static inline void
sim_compare(sim_t *s, uint32_t track, uint64_t msn)
{
    double          tolerance;
    sim_track_t    *a = &s->track[LIVE_AUDIO];
    sim_segment_t  *x, *y;

    x = &s->track[track].segments[msn];
    y = &s->track[!track].segments[msn];

    if (msn >= s->track[!track].nsegments || !y->used) {
        return;
    }

    sim_must(s, x->discontinuity == y->discontinuity,
             "msn %d: discontinuity %u, other track %u", (int) msn,
             x->discontinuity, y->discontinuity);
    sim_must(s, !((x->flags ^ y->flags) & LIVE_SEGMENT_DISCONT),
             "msn %d: only one track is discontinuous", (int) msn);

    sim_must(s, fabs((double) (x->pdt_us - y->pdt_us) / 1e6
                     - (x->start - y->start)) < 5e-6,
             "msn %d: dates of the tracks differ", (int) msn);

    tolerance = (double) a->config.frame_samples / a->config.timescale;
    tolerance = tolerance * ((s->relax & SIM_RELAX_ALIGN) ? 1.6 : 0.5)
                + 0.0011;

    /* a track that comes back behind where the other is: apart for a while */

    if (fabs(x->start - y->start) <= tolerance) {
        s->apart = 0;
        return;
    }

    s->apart++;

    sim_must(s, (s->relax & SIM_RELAX_ALIGN) && s->apart <= 4,
             "msn %d begins at %.4f and %.4f (track %u)", (int) msn, x->start,
             y->start, track);
}


static inline void
sim_reserve(sim_track_t *t, uint64_t msn)
{
    if (msn >= t->nsegments) {
        t->segments = realloc(t->segments, (2 * msn + 64)
                                           * sizeof(sim_segment_t));
        memset(t->segments + t->nsegments, 0,
               (2 * msn + 64 - t->nsegments) * sizeof(sim_segment_t));
        t->nsegments = 2 * msn + 64;
    }
}


static inline int
sim_segment(void *ctx, uint32_t track, const live_timeline_segment_t *in)
{
    sim_t *s = ctx;

    double          d;
    sim_track_t    *t = &s->track[track];
    sim_segment_t  *g, *before;

    sim_must(s, t->init, "track %u: a segment before any config", track);
    sim_must(s, !t->open, "track %u: a segment within a segment", track);
    sim_must(s, in->init == t->init, "track %u: init %u, is %u", track,
             in->init, t->init);
    sim_must(s, !t->any || in->msn == t->msn + 1,
             "track %u: msn %d after %d", track, (int) in->msn, (int) t->msn);
    sim_must(s, !(in->flags & (LIVE_SEGMENT_CLOSED|LIVE_SEGMENT_GAP)),
             "flags %x", in->flags);
    if (in->msn > 1000000) {
        sim_complain(s, "track %u: msn %" PRIu64, track, in->msn);
        return LIVE_EIO;
    }

    sim_reserve(t, in->msn);

    sim_must(s, (int64_t) in->start >= 0, "start");

    if (t->any) {
        sim_must(s, in->discontinuity == t->discontinuity
                                     + !!(in->flags & LIVE_SEGMENT_DISCONT),
                 "track %u msn %d: discontinuity %u after %u, flags %x", track,
                 (int) in->msn, in->discontinuity, t->discontinuity,
                 in->flags);

        if (in->flags & LIVE_SEGMENT_DISCONT) {
            sim_must(s, sim_seconds(t, in->start) >= t->end_s - 1e-4,
                     "track %u: %.4f behind %.4f", track,
                     sim_seconds(t, in->start), t->end_s);
            t->fresh = 1;

        } else {
            sim_must(s, in->start == t->end,
                     "track %u msn %d starts at %.4f, last ended at %.4f",
                     track, (int) in->msn, sim_seconds(t, in->start), t->end_s);
            sim_must(s, !t->configured, "new config without discontinuity");
        }

    } else {
        t->first_msn = in->msn;
        t->fresh = 1;
    }

    g = &t->segments[in->msn];
    memset(g, 0, sizeof(sim_segment_t));

    g->start = sim_seconds(t, in->start);
    g->pdt_us = in->pdt_us;
    g->flags = in->flags;
    g->discontinuity = in->discontinuity;
    g->init = in->init;
    g->used = 1;
    g->open = 1;

    if (t->any && g[-1].used) {
        before = g - 1;
        d = (double) (g->pdt_us - before->pdt_us) / 1e6
            - (g->start - before->start);

        sim_must(s, g->pdt_us > before->pdt_us,
                 "track %u msn %d: dates go back", track, (int) in->msn);

        if (!(s->relax & SIM_RELAX_PDT)
            && !(in->flags & LIVE_SEGMENT_DISCONT))
        {
            sim_must(s, fabs(d) <= 0.0021 * (g->start - before->start) + 1e-3,
                     "track %u msn %d: date off by %.4f", track, (int) in->msn,
                     d);
        }
    }

    d = (double) (in->pdt_us - SIM_EPOCH - s->mono) / 1e6;
    s->pdt_ahead = d > s->pdt_ahead ? d : s->pdt_ahead;
    s->pdt_behind = d < s->pdt_behind ? d : s->pdt_behind;

    sim_compare(s, track, in->msn);

    t->any = 1;
    t->open = 1;
    t->configured = 0;
    t->msn = in->msn;
    t->discontinuity = in->discontinuity;
    t->start = in->start;
    t->position = in->start;
    t->open_flags = in->flags;
    t->index = 0;
    t->last_duration = 0;
    t->last_gap = 1;
    t->samples = 0;
    t->first_key = 0;
    t->least_pts = INT64_MAX;

    return sim_call(s);
}


/* the frame that these bytes were made of */

static inline void
sim_sample(sim_t *s, uint32_t track, const uint8_t *p, size_t n, int64_t dts,
    int32_t cts, uint32_t key)
{
    double        in, out, d;
    uint32_t      counter;
    sim_track_t  *t = &s->track[track];
    sim_sent_t   *sent;

    size_t  at = (track == LIVE_VIDEO) ? 5 : 1;

    if (n < at + 4) {
        sim_complain(s, "track %u: a sample of %zu bytes", track, n);
        return;
    }

    counter = (uint32_t) p[at] << 24 | (uint32_t) p[at + 1] << 16
              | (uint32_t) p[at + 2] << 8 | p[at + 3];
    counter ^= 0x80808080;

    sim_must(s, (int64_t) counter > t->last_counter,
             "track %u: frame %u after %d", track, counter,
             (int) t->last_counter);

    t->last_counter = counter;

    if (counter >= t->nsent) {
        sim_complain(s, "track %u: frame %u was never sent", track, counter);
        return;
    }

    sent = &t->sent[counter];
    sent->out = 1;

    sim_must(s, !key == !sent->key, "track %u: key flag of frame %u", track,
             counter);

    in = (double) sent->pts_ms / 1000;
    out = (double) (dts + cts) / t->config.timescale;
    d = out - in;

    t->sync_min = d < t->sync_min ? d : t->sync_min;
    t->sync_max = d > t->sync_max ? d : t->sync_max;
}


static inline int64_t
sim_samples(sim_t *s, uint32_t track, const live_timeline_part_t *in)
{
    size_t                size;
    int64_t               dts, pts;
    uint32_t              i;
    sim_track_t          *t = &s->track[track];
    const live_sample_t  *sample;

    dts = (int64_t) in->dts;
    size = 0;

    for (i = 0; i < in->nsamples; i++) {
        sample = &in->samples[i];

        sim_must(s, sample->duration > 0, "track %u: a sample of no duration",
                 track);
        sim_must(s, dts >= (int64_t) in->start
                    && dts < (int64_t) (in->start + in->duration),
                 "track %u msn %d.%u: sample %u at %" PRId64 " is not within "
                 "%" PRIu64 " + %u", track, (int) in->msn, in->index, i, dts,
                 in->start, in->duration);

        if (t->samples == 0) {
            t->first_key = sample->key ? 1 : 0;
        }

        t->samples++;

        pts = dts + sample->cts;
        t->least_pts = pts < t->least_pts ? pts : t->least_pts;

        if (size + sample->size <= in->size) {
            sim_sample(s, track, in->data + size, sample->size, dts,
                       sample->cts, sample->key);
        }

        if (track == LIVE_AUDIO
            && sample->duration != t->config.frame_samples)
        {
            t->odd++;
        }

        size += sample->size;
        t->last_dts = dts;
        dts += sample->duration;
    }

    sim_must(s, size == in->size, "bytes");

    t->frames += in->nsamples;
    t->bytes += size;

    return dts;
}


static inline int
sim_part(void *ctx, uint32_t track, const live_timeline_part_t *in)
{
    sim_t *s = ctx;

    double        d;
    int64_t       end;
    sim_track_t  *t = &s->track[track];

    sim_must(s, t->open, "track %u: a part outside of a segment", track);
    sim_must(s, in->msn == t->msn, "msn");
    sim_must(s, in->index == t->index, "index %u, want %u", in->index,
             t->index);
    sim_must(s, in->start == t->position, "track %u msn %d.%u: a part at "
             "%" PRIu64 ", want %" PRIu64, track, (int) in->msn, in->index,
             in->start, t->position);
    sim_must(s, in->duration > 0, "track %u msn %d.%u: no duration", track,
             (int) in->msn, in->index);
    sim_must(s, (int64_t) in->duration * 1000000
                <= s->conf.part_us * t->config.timescale,
             "track %u msn %d.%u: longer than the target", track,
             (int) in->msn, in->index);

    if (t->index && !t->last_gap) {
        sim_must(s, (int64_t) t->last_duration * 1000000 * 100
                    >= s->conf.part_us * t->config.timescale * 85,
                 "track %u msn %d.%u: shorter than 85 %%: %u ticks", track,
                 (int) in->msn, in->index - 1, t->last_duration);
    }

    sim_must(s, !(in->flags & LIVE_PART_GAP) == (in->nsamples != 0), "gap");
    sim_must(s, in->nsamples <= 4096, "samples");
    sim_must(s, s->conf.part_bytes_max == 0
                || in->size <= s->conf.part_bytes_max,
             "track %u: %zu bytes", track, in->size);

    if (in->nsamples) {
        sim_must(s, !(in->flags & LIVE_PART_INDEPENDENT)
                    == !in->samples[0].key, "independent part");
        sim_must(s, track == LIVE_VIDEO
                    || (in->flags & LIVE_PART_INDEPENDENT), "audio");

        if (t->media_end >= 0 && !t->fresh) {
            d = (double) ((int64_t) in->dts - t->media_end)
                / t->config.timescale;

            sim_must(s, d >= 0, "track %u msn %d.%u: %.5f s of media twice",
                     track, (int) in->msn, in->index, -d);

            if (d > 0) {
                t->holes++;
                t->hole_s += d;
            }
        }

        sim_must(s, t->fresh || (int64_t) in->dts > t->last_dts,
                 "track %u: dts goes back", track);

        end = sim_samples(s, track, in);
        t->media_end = end;
        t->fresh = 0;

        d = (double) (in->wall_us - t->segments[t->msn].pdt_us) / 1e6
            - ((double) in->dts / t->config.timescale
               - t->segments[t->msn].start);
        sim_must(s, fabs(d) < 1e-5, "wall clock off by %.6f", d);

        d = (double) s->newest_ms[track] / 1000
            - sim_seconds(t, in->start + in->duration)
            + (t->sync_min + t->sync_max) / 2;
        t->latency_max = d > t->latency_max ? d : t->latency_max;

    } else {
        sim_must(s, !(in->flags & LIVE_PART_INDEPENDENT), "independent gap");
        t->gaps++;
        t->segments[t->msn].gaps++;
    }

    t->parts++;
    t->segments[t->msn].parts++;
    t->index++;
    t->position += in->duration;
    t->last_duration = in->duration;
    t->last_gap = (in->flags & LIVE_PART_GAP) ? 1 : 0;

    return sim_call(s);
}


static inline int
sim_segment_end(void *ctx, uint32_t track, uint64_t msn, uint64_t duration,
    uint32_t flags)
{
    sim_t *s = ctx;

    sim_track_t            *t = &s->track[track];
    sim_segment_t          *g;
    live_timeline_resume_t  r;

    sim_must(s, t->open, "track %u: an end without a segment", track);
    sim_must(s, msn == t->msn, "msn");
    sim_must(s, t->index, "track %u msn %d: a segment without a part", track,
             (int) msn);
    sim_must(s, duration == t->position - t->start,
             "track %u msn %d: parts add up to %d, segment says %d", track,
             (int) msn, (int) (t->position - t->start), (int) duration);
    sim_must(s, (int64_t) duration * 1000000
                <= s->conf.segment_max_us * t->config.timescale,
             "track %u msn %d: %.4f s is longer than allowed", track,
             (int) msn, sim_seconds(t, duration));

    sim_must(s, !((flags ^ t->open_flags) & LIVE_SEGMENT_DISCONT), "flags");
    sim_must(s, !(t->open_flags & ~flags & LIVE_SEGMENT_INDEPENDENT),
             "track %u msn %d: no longer independent", track, (int) msn);

    if (track == LIVE_AUDIO) {
        sim_must(s, flags & LIVE_SEGMENT_INDEPENDENT, "audio");
        sim_must(s, !(flags & LIVE_SEGMENT_FORCED), "forced audio");

    } else if (t->samples) {
        sim_must(s, !(flags & LIVE_SEGMENT_INDEPENDENT) == !t->first_key,
                 "video msn %d: flags %x, first is key: %u", (int) msn, flags,
                 t->first_key);
        sim_must(s, !(flags & LIVE_SEGMENT_FORCED)
                    || !(flags & LIVE_SEGMENT_INDEPENDENT), "forced");

        if (t->first_key && !(s->relax & SIM_RELAX_PTS)) {
            sim_must(s, t->least_pts >= (int64_t) t->start,
                     "video msn %d shows %d ticks before it begins", (int) msn,
                     (int) ((int64_t) t->start - t->least_pts));
        }
    }

    g = &t->segments[msn];


    if (!t->last_gap && (int64_t) t->last_duration * 100000000
                        < s->conf.part_us * t->config.timescale * 85)
    {
        t->short_parts++;
    }

    g->flags = flags;
    g->end = sim_seconds(t, t->position);
    g->samples = t->samples;
    g->open = 0;

    t->open = 0;
    t->end = t->position;
    t->end_s = g->end;

    live_timeline_resume(s->tl, &r);
    sim_must(s, r.msn > msn, "resume at %d within msn %d", (int) r.msn,
             (int) msn);
    sim_must(s, (double) r.end_us / 1e6 >= t->end_s - 1e-5, "resume end");

    return sim_call(s);
}


static inline void
sim_event(void *ctx, uint32_t track, live_timeline_event_e event,
    int64_t value)
{
    sim_t *s = ctx;

    sim_must(s, track < LIVE_TRACKS, "event for track %u", track);

    s->events[event]++;
    s->values[event] = value;
}


static const live_timeline_sink_t  sim_sink = {
    sim_start, sim_config, sim_segment, sim_part, sim_segment_end, sim_event
};


static inline live_timeline_conf_t
sim_conf(int64_t part_ms, int64_t segment_ms)
{
    live_timeline_conf_t  c;

    memset(&c, 0, sizeof(live_timeline_conf_t));

    c.part_us = part_ms * 1000;
    c.segment_us = segment_ms * 1000;
    c.segment_max_us = (2 * segment_ms + 999) / 1000 * 1000000;
    c.wait_us = 2000000;

    return c;
}


static inline void
sim_open(sim_t *s, const live_timeline_conf_t *conf)
{
    uint32_t  t;

    memset(s, 0, sizeof(sim_t));

    s->conf = *conf;
    s->resume.epoch_us = SIM_EPOCH;
    s->mono = SIM_MONO;
    s->pdt_ahead = -1e9;
    s->pdt_behind = 1e9;

    for (t = 0; t < LIVE_TRACKS; t++) {
        s->track[t].media_end = -1;
        s->track[t].last_counter = -1;
        s->track[t].sync_min = 1e18;
        s->track[t].sync_max = -1e18;
        s->track[t].latency_max = -1e18;
        s->newest_ms[t] = INT64_MIN / 2;
    }

    s->tl = live_timeline_create(conf, &s->resume, &sim_sink, s);
}


/* the publisher ends: all is closed, and what the next must know is right */

static inline int
sim_finish(sim_t *s)
{
    int       rc;
    uint32_t  t;

    rc = live_timeline_finish(s->tl, &s->resume);

    for (t = 0; t < LIVE_TRACKS && rc == LIVE_OK; t++) {

        sim_must(s, !s->track[t].open, "track %u is left open", t);

        if (s->track[t].any && s->started) {
            sim_must(s, s->resume.msn == s->track[t].msn + 1,
                     "track %u ends with msn %d, the next is said to be %d", t,
                     (int) s->track[t].msn, (int) s->resume.msn);
            sim_must(s, s->resume.discontinuity == s->track[t].discontinuity,
                     "discontinuities");
            sim_must(s, (double) s->resume.end_us / 1e6
                        >= s->track[t].end_s - 1e-5, "end");
            sim_must(s, s->resume.init[t] == s->track[t].init, "init");
        }
    }

    live_timeline_destroy(s->tl);
    s->tl = NULL;

    return rc;
}


/*
 * What the store does for a publisher that vanished: each track's numbers go up to
 * the newest of all.
 */

static inline void
sim_level(sim_t *s, uint32_t track)
{
    sim_track_t  *t = &s->track[track];

    if (!t->any) {
        return;
    }

    t->open = 0;
    t->msn = s->resume.msn - 1;
    t->discontinuity = s->resume.discontinuity;
    t->end_s = 0;

    sim_must(s, s->resume.init[track] == t->init, "init");
    sim_reserve(t, t->msn);
}


/* another publisher, away_us later */

static inline void
sim_again(sim_t *s, int64_t away_us)
{
    uint32_t  t;

    s->mono += away_us;
    s->started = 0;

    for (t = 0; t < LIVE_TRACKS; t++) {
        s->newest_ms[t] = INT64_MIN / 2;
    }

    s->tl = live_timeline_create(&s->conf, &s->resume, &sim_sink, s);
}


static inline void
sim_close(sim_t *s)
{
    uint32_t  t;

    if (s->tl) {
        live_timeline_destroy(s->tl);
    }

    for (t = 0; t < LIVE_TRACKS; t++) {
        free(s->track[t].segments);
        free(s->track[t].sent);
    }
}


/* ------------------------------------------------------- the publisher */

static inline int
sim_message(sim_t *s, live_media_e media, int64_t ts, const void *p, size_t n)
{
    int       rc;
    uint8_t  *copy;

    copy = malloc(n ? n : 1);
    memcpy(copy, p, n);

    rc = live_timeline_message(s->tl, media, (uint32_t) ts, copy, n, s->mono);

    free(copy);

    return rc;
}


/* an AVC sequence header; another level makes another configuration */

static inline int
sim_avc(sim_t *s, int64_t ts, uint8_t level)
{
    make_t      sps, pps, avcc;
    uint8_t     tag[512];
    make_sps_t  o;

    o = make_720p();
    o.level = level;

    make_sps(&sps, &o);
    make_pps(&pps, 0, 0, 0);
    make_avcc(&avcc, &sps, &pps, 4);

    memcpy(tag, "\x17\0\0\0\0", 5);
    memcpy(tag + 5, avcc.p, make_size(&avcc));

    return sim_message(s, LIVE_VIDEO, ts, tag, 5 + make_size(&avcc));
}


static const uint32_t  sim_rates[] = {
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000,
    11025, 8000, 7350
};


/* an AAC sequence header, LC stereo */

static inline int
sim_aac(sim_t *s, int64_t ts, uint32_t rate)
{
    uint8_t   tag[4];
    unsigned  i;

    for (i = 0; sim_rates[i] != rate; i++) { /* void */ }

    tag[0] = 0xaf;
    tag[1] = 0;
    tag[2] = (uint8_t) (2 << 3 | i >> 1);
    tag[3] = (uint8_t) ((i & 1) << 7 | 2 << 3);

    return sim_message(s, LIVE_AUDIO, ts, tag, 4);
}


static inline void
sim_note(sim_t *s, live_media_e media, int64_t ms, int64_t pts_ms, uint8_t key)
{
    sim_track_t  *t = &s->track[media];

    if (t->nsent == t->sent_cap) {
        t->sent_cap = 2 * t->sent_cap + 1024;
        t->sent = realloc(t->sent, t->sent_cap * sizeof(sim_sent_t));
    }

    memset(&t->sent[t->nsent], 0, sizeof(sim_sent_t));

    t->sent[t->nsent].ms = ms;
    t->sent[t->nsent].pts_ms = pts_ms;
    t->sent[t->nsent].key = key;
    t->nsent++;

    s->newest_ms[media] = ms > s->newest_ms[media] ? ms : s->newest_ms[media];
}


/* ms: the publisher's clock, as wide as it likes; ts: what it writes */

static inline int
sim_video_ts(sim_t *s, int64_t ts, int64_t ms, int32_t cts, int key,
    size_t size)
{
    int        rc;
    uint8_t   *tag;
    uint32_t   counter;

    size = size < 9 ? 9 : size;
    tag = calloc(1, 5 + 4 + size);

    tag[0] = key ? 0x17 : 0x27;
    tag[1] = 1;
    tag[2] = (uint8_t) (cts >> 16);
    tag[3] = (uint8_t) (cts >> 8);
    tag[4] = (uint8_t) cts;
    tag[5] = (uint8_t) (size >> 24);
    tag[6] = (uint8_t) (size >> 16);
    tag[7] = (uint8_t) (size >> 8);
    tag[8] = (uint8_t) size;
    tag[9] = key ? 0x65 : 0x41;

    counter = s->track[LIVE_VIDEO].nsent ^ 0x80808080;
    tag[10] = (uint8_t) (counter >> 24);
    tag[11] = (uint8_t) (counter >> 16);
    tag[12] = (uint8_t) (counter >> 8);
    tag[13] = (uint8_t) counter;

    sim_note(s, LIVE_VIDEO, ms, ms + cts, (uint8_t) key);

    rc = live_timeline_message(s->tl, LIVE_VIDEO, (uint32_t) ts, tag,
                               9 + size, s->mono);
    free(tag);

    return rc;
}


static inline int
sim_video(sim_t *s, int64_t ms, int32_t cts, int key)
{
    return sim_video_ts(s, ms, ms, cts, key, 20);
}


static inline int
sim_audio_ts(sim_t *s, int64_t ts, int64_t ms)
{
    uint8_t   tag[12];
    uint32_t  counter;

    memset(tag, 0x55, sizeof(tag));

    counter = s->track[LIVE_AUDIO].nsent ^ 0x80808080;

    tag[0] = 0xaf;
    tag[1] = 1;
    tag[2] = 0x21;
    tag[3] = (uint8_t) (counter >> 24);
    tag[4] = (uint8_t) (counter >> 16);
    tag[5] = (uint8_t) (counter >> 8);
    tag[6] = (uint8_t) counter;

    sim_note(s, LIVE_AUDIO, ms, ms, 1);

    return live_timeline_message(s->tl, LIVE_AUDIO, (uint32_t) ts, tag,
                                 sizeof(tag), s->mono);
}


static inline int
sim_audio(sim_t *s, int64_t ms)
{
    return sim_audio_ts(s, ms, ms);
}


/*
 * A publisher at work: fields may be set at will, then it plays up to some time
 * on its clock.  Frames arrive in the order of their time plus a track's delay.
 */

typedef struct {
    uint32_t   fps_num;          /* 0: no video */
    uint32_t   fps_den;
    uint32_t   gop;              /* frames */
    uint32_t   bframes;          /* between two others */
    int32_t    cts;              /* without them */
    uint32_t   rate;             /* Hz, 0: no audio */
    int64_t    base_ms;          /* its clock at the beginning */
    int64_t    audio_delay_ms;   /* audio arrives so much later, or earlier */
    int32_t    jitter_ms;        /* of audio's timestamps */
    int32_t    vjitter_ms;       /* of video's */
    double     audio_drift;      /* samples against timestamps, 1e-4: 100 ppm */
    double     clock_drift;      /* its clock against ours */
    double     speed;            /* 0: real time; 2: twice as fast */
    uint64_t   mask;             /* of the timestamps it writes */
    int64_t    jump_at_ms;       /* from here on its timestamps are off by so much */
    int64_t    jump_ms;
    unsigned   jump_tracks;      /* a bit each */
    int64_t    stall_ms;         /* nothing arrives before this time */

    size_t     size;             /* of a frame of video */

    uint64_t   v;                /* next frames */
    uint64_t   a;
    int64_t    mono0;
    uint32_t   seed;
    int        on;
} sim_pub_t;


static inline uint32_t
sim_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;

    return *seed;
}


static inline sim_pub_t
sim_pub(uint32_t num, uint32_t den, double gop_s, uint32_t rate)
{
    sim_pub_t  p;

    memset(&p, 0, sizeof(sim_pub_t));

    p.fps_num = num;
    p.fps_den = den;
    p.gop = num ? (uint32_t) (gop_s * num / den + 0.5) : 0;
    p.gop = p.gop ? p.gop : 1;
    p.rate = rate;
    p.mask = UINT32_MAX;
    p.size = 20;
    p.seed = 12345;

    return p;
}


static inline int32_t
sim_jitter(sim_pub_t *p, int32_t most)
{
    return most ? (int32_t) (sim_random(&p->seed) % (2u * (uint32_t) most + 1))
                  - most : 0;
}


/* exact times of the next frames on its clock, ms */

static inline double
sim_next_v(const sim_pub_t *p)
{
    return (double) p->base_ms
           + (double) p->v * 1000.0 * p->fps_den / p->fps_num;
}


static inline double
sim_next_a(const sim_pub_t *p)
{
    return (double) p->base_ms
           + (double) p->a * 1024000.0 / p->rate * (1 + p->audio_drift);
}


static inline void
sim_arrive(sim_t *s, sim_pub_t *p, double ms)
{
    int64_t  mono;

    ms = (ms - (double) p->base_ms) * (1 + p->clock_drift)
         / (p->speed > 0 ? p->speed : 1);

    ms = ms < (double) p->stall_ms ? (double) p->stall_ms : ms;
    mono = p->mono0 + (int64_t) (ms * 1000);
    s->mono = mono > s->mono ? mono : s->mono;
}


static inline int32_t
sim_cts(const sim_pub_t *p, uint64_t n)
{
    uint64_t  i;
    double    frame;

    if (p->bframes == 0) {
        return p->cts;
    }

    /* decoded I P b b P b b ..., each P shown behind the b frames that follow it */

    frame = 1000.0 * p->fps_den / p->fps_num;
    i = n % p->gop;

    if (i == 0) {
        return (int32_t) (frame + 0.5);
    }

    i = (i - 1) % (p->bframes + 1);

    return i ? 0 : (int32_t) (frame * (p->bframes + 1) + 0.5);
}


/* what the publisher writes for its time ms */

static inline int64_t
sim_stamp(const sim_pub_t *p, live_media_e media, double exact, int64_t ms)
{
    if (p->jump_ms && exact >= (double) (p->base_ms + p->jump_at_ms)
        && (p->jump_tracks == 0 || (p->jump_tracks & (1u << media))))
    {
        ms += p->jump_ms;
    }

    return ms & (int64_t) p->mask;
}


/* up to, and without, the time ms behind the publisher's first */

static inline int
sim_play(sim_t *s, sim_pub_t *p, double ms)
{
    int       rc, video;
    int64_t   t;
    double    v, a, until;

    if (!p->on) {
        p->on = 1;
        p->mono0 = s->mono;
    }

    until = (double) p->base_ms + ms;
    rc = LIVE_OK;

    for ( ;; ) {
        v = p->fps_num ? sim_next_v(p) : 1e300;
        a = p->rate ? sim_next_a(p) : 1e300;

        if (v >= until && a >= until) {
            return rc;
        }

        video = (v < until)
                && (a >= until || v <= a + (double) p->audio_delay_ms);

        if (video) {
            sim_arrive(s, p, v);
            t = (int64_t) floor(v + 0.5) + sim_jitter(p, p->vjitter_ms);

            rc = sim_video_ts(s, sim_stamp(p, LIVE_VIDEO, v, t), t,
                              sim_cts(p, p->v), p->v % p->gop == 0, p->size);
            p->v++;

        } else {
            sim_arrive(s, p, a + (double) p->audio_delay_ms);
            t = (int64_t) floor(a + 0.5) + sim_jitter(p, p->jitter_ms);

            rc = sim_audio_ts(s, sim_stamp(p, LIVE_AUDIO, a, t), t);
            p->a++;
        }

        if (rc != LIVE_OK) {
            return rc;
        }
    }
}


/* sequence headers of what it has */

static inline void
sim_headers(sim_t *s, sim_pub_t *p)
{
    uint32_t  expect;

    expect = (p->fps_num ? 1u << LIVE_VIDEO : 0)
             | (p->rate ? 1u << LIVE_AUDIO : 0);

    live_timeline_expect(s->tl, expect);

    if (p->fps_num) {
        sim_avc(s, p->base_ms & (int64_t) p->mask, 31);
    }

    if (p->rate) {
        sim_aac(s, p->base_ms & (int64_t) p->mask, p->rate);
    }
}


/* frames that were sent and never came out */

static inline uint64_t
sim_missing(const sim_t *s, live_media_e media)
{
    const sim_track_t  *t = &s->track[media];

    return t->nsent - t->frames;
}


/* the test's verdict on all that was seen */

static inline int __attribute__((format(printf, 2, 3)))
sim_sane(sim_t *s, const char *format, ...)
{
    int          pass;
    char         name[256];
    uint32_t     t;
    va_list      args;
    sim_track_t *k;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);

    for (t = 0; t < LIVE_TRACKS; t++) {
        k = &s->track[t];

        if (!(s->relax & SIM_RELAX_HOLES)) {
            sim_must(s, k->holes == 0, "track %u: %d holes, %.3f s", t,
                     (int) k->holes, k->hole_s);
        }
    }

    if (!(s->relax & SIM_RELAX_SYNC) && s->track[LIVE_VIDEO].frames) {
        k = &s->track[LIVE_VIDEO];
        sim_must(s, k->sync_max - k->sync_min < 0.0025,
                 "video moved by %.4f s", k->sync_max - k->sync_min);

        k = &s->track[LIVE_AUDIO];

        if (k->frames) {
            double  frame = (double) k->config.frame_samples
                            / k->config.timescale;
            double  v = s->track[LIVE_VIDEO].sync_min;

            sim_must(s, k->sync_max - v < frame && v - k->sync_min < frame,
                     "audio off by %.4f to %.4f s", k->sync_min - v,
                     k->sync_max - v);
        }
    }

    pass = ok(s->errors == 0, "%s", name);

    if (!pass) {
        printf("#   %u complaints, the first: %s\n", s->errors, s->error);
    }

    return pass;
}


#endif /* _TIMELINE_SIM_H_INCLUDED_ */
