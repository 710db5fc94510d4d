/*
 * What the files of the timeline share.
 *
 *     message ── clock ──▶ frame in its track's queue ── cut ──▶ parts, segments
 *
 * A track's queue: bytes of all frames one after the other, and a row a frame.
 * Frames [0, taken) are in the part being made, the rest wait.  The newest video
 * frame always waits: its duration is known when the next one comes.
 *
 *              part_start                         newest
 *     ─────────────┼──────┬──────┬──────┬──────┬──────┐
 *      sent parts  │taken │taken │taken │ held │ held │
 *     ─────────────┴──────┴──────┴──────┴──────┴──────┘
 */

#ifndef _LIVE_TIMELINE_INTERNAL_H_INCLUDED_
#define _LIVE_TIMELINE_INTERNAL_H_INCLUDED_


#include "live_timeline.h"


#define LIVE_TIMELINE_BOUNDS    64        /* boundaries that are remembered */
#define LIVE_TIMELINE_SAMPLES   4096      /* of one part */
#define LIVE_TIMELINE_BIAS      10000     /* ms, where a stream's clock begins */
#define LIVE_TIMELINE_HOLD      1000000000ll      /* ns, audio waits for video */

#define LIVE_NS                 1000000000ll


typedef struct {
    int64_t    dts;               /* ticks; presentation of a key frame */
    int32_t    cts;
    uint32_t   size;
    uint32_t   key;
} live_frame_t;


typedef struct {
    int64_t    ns;                /* stream clock */
    int64_t    pdt_us;
    uint32_t   flags;             /* DISCONT, FORCED */
    uint32_t   discontinuity;
} live_bound_t;


typedef struct {
    live_codec_config_t    config;      /* of the frames that come */
    live_codec_config_t    next;        /* announced, from the next boundary on */
    live_framing_t         framing;
    unsigned               known:1;     /* config is there */
    unsigned               changed:1;   /* config is not yet the sink's */
    unsigned               waiting:1;   /* next takes over at a boundary */
    unsigned               rejoin:1;    /* may open in the midst of a segment */
    unsigned               late:1;      /* said to be late */
    unsigned               open:1;      /* has a segment */
    unsigned               lost:1;
    unsigned               need_key:1;
    unsigned               clock:1;     /* last_ms and mono_us are set */
    unsigned               not_monotonic:1;
    uint32_t               init;

    /* clock */

    int64_t                last_ms;     /* stream clock, before rounding */
    int64_t                mono_us;
    int64_t                skew_ms;     /* of a track with a clock of its own */
    int64_t                shift_ms;    /* video: first key frame's cts */
    unsigned               shifted:1;
    int64_t                next_dts;    /* audio: where the next frame should be */
    int64_t                error;       /* audio: filtered, ticks * 16 */
    uint32_t               off;         /* audio: frames far off, in a row */
    int64_t                last_dts;    /* of the newest frame */
    int64_t                usual;       /* a frame's duration, ticks */
    int64_t                last_key;    /* dts */
    int64_t                gop;         /* ticks */
    int64_t                newest_ns;

    /* queue */

    uint8_t               *data;
    size_t                 size;
    size_t                 cap;
    live_frame_t          *frames;
    uint32_t               nframes;
    uint32_t               frames_cap;
    uint32_t               taken;
    size_t                 taken_size;

    /* cut */

    uint64_t               msn;
    int64_t                segment_start;
    int64_t                part_start;
    int64_t                target;      /* ticks */
    uint32_t               part;        /* index */
    uint32_t               flags;       /* of the segment */
    uint32_t               frames_in;   /* video: in the segment, for fps */
} live_track_t;


struct live_timeline_s {
    live_timeline_conf_t     conf;
    live_timeline_resume_t   resume;
    live_timeline_sink_t     sink;
    void                    *ctx;
    int                      dead;          /* what the sink returned */

    live_track_t             tracks[LIVE_TRACKS];
    uint32_t                 expected;
    uint32_t                 seen;

    unsigned                 started:1;
    unsigned                 clocked:1;     /* offset is set */
    unsigned                 discont:1;     /* the next boundary is one */
    unsigned                 said_forced:1;

    int64_t                  ref_ms;        /* unwrapped RTMP clock */
    int64_t                  offset_ms;
    int64_t                  old_offset_ms;
    int64_t                  first_mono_us;
    int64_t                  first_ms;
    uint64_t                 no_key;

    uint64_t                 msn;           /* of the newest boundary */
    live_bound_t             bounds[LIVE_TIMELINE_BOUNDS];

    int64_t                  pdt_offset_us; /* monotonic clock minus stream clock */
    int64_t                  pdt_least_us;  /* in this segment */
    unsigned                 pdt_any:1;
    int64_t                  end_us;
    int64_t                  end_mono_us;
    int64_t                  now_us;

    live_sample_t           *samples;
    live_timeline_stats_t    stats;
};


static inline int64_t
live_ns(const live_track_t *track, int64_t ticks)
{
    int64_t  scale = track->config.timescale;

    return ticks / scale * LIVE_NS
           + (ticks % scale * LIVE_NS + scale / 2) / scale;
}


static inline int64_t
live_ticks(const live_track_t *track, int64_t ns)
{
    int64_t  scale = track->config.timescale;

    return ns / LIVE_NS * scale
           + (ns % LIVE_NS * scale + LIVE_NS / 2) / LIVE_NS;
}


/* live_clock.c */

/* an RTMP timestamp on the stream clock, ms */

int64_t live_clock_map(live_timeline_t *tl, live_media_e media, uint32_t ts,
    int64_t mono_us);

/* dts and cts of a frame at ms; -1: the frame must go */

int live_clock_video(live_timeline_t *tl, int64_t ms, int32_t cts,
    live_frame_t *frame);
int live_clock_audio(live_timeline_t *tl, int64_t ms, live_frame_t *frame);

/* PROGRAM-DATE-TIME: what arrived when, and what that makes of a boundary */

void live_clock_arrived(live_timeline_t *tl, int64_t ms, int64_t mono_us);
int64_t live_clock_pdt(live_timeline_t *tl, int64_t ns, int64_t elapsed_ns);


/* live_cut.c */

int live_cut_bound(live_timeline_t *tl, int64_t ns, uint32_t flags);
int live_cut_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);
int live_cut_drain(live_timeline_t *tl, live_media_e media, int all);
int live_cut_lost(live_timeline_t *tl);
int live_cut_back(live_timeline_t *tl, live_media_e media, int64_t ns);
int live_cut_close(live_timeline_t *tl, live_media_e media, uint64_t msn);
int live_cut_finish(live_timeline_t *tl, live_media_e media);
int live_cut_flush(live_timeline_t *tl, live_media_e media);


#endif /* _LIVE_TIMELINE_INTERNAL_H_INCLUDED_ */
