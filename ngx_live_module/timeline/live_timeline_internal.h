/*
 * What the files of the timeline share.
 *
 *     message ── clock ──▶ frame in its track's queue ── cut ──▶ parts, segments
 *
 * A track's queue: bytes of all frames one after the other, and a row a frame.
 * Frames [0, taken) are in the part being made, the rest wait.  The newest video
 * frame always waits: its duration is known when the next one comes.  Audio waits
 * until video has come as far: a segment could still begin before it.
 *
 *              part_start                         newest
 *     ─────────────┼──────┬──────┬──────┬──────┬──────┐
 *      sent parts  │taken │taken │taken │ held │ held │
 *     ─────────────┴──────┴──────┴──────┴──────┴──────┘
 *
 * One track leads: it decides where segments begin, the other follows.  Video
 * leads while it runs, else audio does.
 *
 *     OUT ── a boundary it can begin at ──▶ JOINING ── its first frame ──▶ RUNNING
 *
 * A running track that sends nothing while the other does is lost: gaps stand in
 * for it, as far as the leader has got.
 */

#ifndef _LIVE_TIMELINE_INTERNAL_H_INCLUDED_
#define _LIVE_TIMELINE_INTERNAL_H_INCLUDED_


#include "live_timeline.h"


#define LIVE_NS                 1000000000ll
#define LIVE_MS                 1000000ll         /* in ns */

#define LIVE_TIMELINE_BOUNDS    256       /* boundaries that are remembered */
#define LIVE_TIMELINE_SAMPLES   4096      /* of one part */
#define LIVE_TIMELINE_OFFSETS   4         /* of the clock, the newest first */
#define LIVE_TIMELINE_BIAS      10000     /* ms, where a stream's clock begins */

/* boundaries are never closer: any audio has a frame between two */

#define LIVE_TIMELINE_APART     (200 * LIVE_MS)


typedef struct {
    int64_t    dts;               /* ticks; presentation time of a key frame */
    int32_t    cts;
    uint32_t   size;
    uint32_t   key;
} live_frame_t;


/* segment msn begins at ns; the one before ends at end_ns, mostly the same */

typedef struct {
    int64_t    ns;                /* stream clock */
    int64_t    end_ns;
    int64_t    pdt_us;
    uint32_t   flags;             /* DISCONT, FORCED */
    uint32_t   discontinuity;
} live_bound_t;


typedef enum {
    LIVE_TRACK_OUT = 0,
    LIVE_TRACK_JOINING,
    LIVE_TRACK_RUNNING
} live_track_state_e;


/* audio runs on its samples; what its timestamps say is averaged */

typedef struct {
    int64_t    next;              /* ticks, where the next frame should be */
    int64_t    mean;              /* of its error, ticks * 256 */
    uint32_t   n;                 /* frames in the mean */
    int64_t    least;             /* smallest of the errors far ahead */
    uint32_t   ahead;             /* frames far off in a row */
    uint32_t   behind;
    unsigned   set:1;
    unsigned   stepping:1;        /* the mean is being worked off */
    unsigned   dropping:1;        /* more audio than time */
} live_audio_clock_t;


typedef struct {
    live_codec_config_t    config;      /* of the frames that come */
    live_codec_config_t    next;        /* audio: takes over at a discontinuity */
    live_framing_t         framing;
    live_track_state_e     state;
    unsigned               known:1;     /* config is there */
    unsigned               ghost:1;     /* it is the last publisher's, not this one's */
    unsigned               changed:1;   /* config is not yet the sink's */
    unsigned               waiting:1;   /* next is to take over */
    unsigned               lost:1;
    unsigned               back:1;      /* no longer, but nothing came since */
    unsigned               need_key:1;
    unsigned               seen:1;      /* a frame came */
    unsigned               not_monotonic:1;
    unsigned               shifted:1;
    unsigned               measured:1;  /* usual is not a guess */
    uint32_t               no_key;      /* frames dropped for want of a key frame */

    /* clock */

    unsigned               clock:1;     /* the following are set */
    int64_t                ref_ms;      /* its RTMP clock, 64 bits */
    int64_t                offset_ms;   /* to the stream clock */
    int64_t                front_ms;    /* furthest it has been, stream clock */
    int64_t                mono_us;     /* when */
    int64_t                shift_ms;    /* video: cts of the first key frame */
    live_audio_clock_t     audio;

    int64_t                last_dts;    /* of the newest frame */
    int64_t                usual;       /* a frame's duration, ticks */
    int64_t                longest;     /* recently, ticks */
    int64_t                last_key;    /* dts */
    int64_t                gop;         /* ticks, 0: not known */

    /* queue */

    uint8_t               *data;
    size_t                 size;
    size_t                 cap;
    live_frame_t          *frames;
    uint32_t               nframes;
    uint32_t               frames_cap;
    uint32_t               taken;
    size_t                 taken_size;
    uint32_t               led;         /* frames that the leader has looked at */

    /* cut */

    int64_t                media_end;   /* of the samples in the last part, ticks */
    uint64_t               msn;
    int64_t                end_ns;      /* of its segments, while it is joining */
    int64_t                segment_start;
    int64_t                part_start;  /* nominal, as all here */
    int64_t                target;      /* ticks, rounded down */
    int64_t                least;       /* 85 % of it, rounded up */
    int64_t                most;        /* of a segment */
    uint32_t               part;        /* index */
    uint32_t               flags;       /* of the segment */
    uint32_t               frames_in;   /* frames in the segment */
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
    unsigned                 clocked:1;
    unsigned                 discont:1;     /* the next boundary is one */
    unsigned                 said_forced:1;
    unsigned                 pdt_any:1;

    int64_t                  offsets[LIVE_TIMELINE_OFFSETS];
    int64_t                  first_ms;
    int64_t                  first_mono_us;
    int64_t                  now_us;

    uint64_t                 msn;           /* of the newest boundary */
    live_bound_t             bounds[LIVE_TIMELINE_BOUNDS];

    int64_t                  pdt_offset_us; /* monotonic clock minus stream clock */
    int64_t                  pdt_least_us;  /* seen since the last boundary */
    int64_t                  end_us;
    int64_t                  end_mono_us;
    int64_t                  end_pdt_us;

    live_sample_t           *samples;
    live_timeline_stats_t    stats;
};


/* exact there and back for all timescales that a codec may have */

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


static inline live_bound_t *
live_bound_get(live_timeline_t *tl, uint64_t msn)
{
    return &tl->bounds[msn % LIVE_TIMELINE_BOUNDS];
}


/* half a frame of audio: it begins a segment from this much before the boundary on */

static inline int64_t
live_tolerance(const live_track_t *track)
{
    return track->config.media == LIVE_AUDIO ? track->config.frame_samples / 2
                                             : 0;
}


/* live_clock.c */

/* an RTMP timestamp on the stream clock, ms; repairs jumps */

int64_t live_clock_map(live_timeline_t *tl, live_media_e media, uint32_t ts,
    int64_t mono_us);

/* dts and cts of a video frame at ms; LIVE_AGAIN: the frame must go */

int live_clock_video(live_timeline_t *tl, int64_t ms, int32_t cts,
    live_frame_t *frame);

/* how far a track has got, stream clock in ns; INT64_MIN: it never began */

int64_t live_clock_front(const live_track_t *track);

/* how far another may be ahead before this track counts as silent, ns */

int64_t live_clock_patience(const live_track_t *track);

/* PROGRAM-DATE-TIME: what arrived when, and what that makes of a boundary */

void live_clock_arrived(live_timeline_t *tl, int64_t ms, int64_t mono_us);
int64_t live_clock_pdt(live_timeline_t *tl, int64_t ns, int64_t elapsed_ns);


/* live_audio_clock.c */

/* dts of an audio frame at ms; LIVE_AGAIN: the frame must go */

int live_audio_clock(live_track_t *track, int64_t ms, live_frame_t *frame);

/* ticks by which all frames behind a part should be moved, least to most */

int64_t live_audio_step(live_track_t *track, int64_t least, int64_t most);

/* is there a step to be made that is worth a shorter part? */

int live_audio_pressing(const live_track_t *track);


/* live_queue.c */

/* room for n more bytes at the end.  LIVE_OK, LIVE_ENOMEM */

int live_queue_reserve(live_track_t *track, size_t n);

/* a frame whose bytes have been written at the end.  LIVE_OK, LIVE_ENOMEM */

int live_queue_push(live_track_t *track, const live_frame_t *frame);

/* the next frame goes into the part; or those from ticks on leave it again */

void live_queue_take(live_track_t *track);
void live_queue_untake(live_track_t *track, int64_t ticks);

/* the taken frames have gone into a part */

void live_queue_sent(live_track_t *track);

/* drops the next n frames, or all that are not taken, or all */

void live_queue_drop(live_track_t *track, uint32_t n);
void live_queue_cut(live_track_t *track);
void live_queue_clear(live_track_t *track);

/* moves all frames that are not taken in time */

void live_queue_move(live_track_t *track, int64_t ticks);


/* live_part.c */

/* how long a part may be: the target, or what is left of the segment */

int64_t live_part_room(live_timeline_t *tl, const live_track_t *track);

/* the part being made ends, nominally so long; last: and its segment with it */

int live_part_emit(live_timeline_t *tl, live_media_e media, int64_t duration,
    uint32_t last);

/* parts up to the segment's nominal end: what is taken, then gaps */

int live_part_advance(live_timeline_t *tl, live_media_e media, int64_t end);

/* a queue's newest frame waits for its successor; or is the last; or the track is lost */

typedef enum {
    LIVE_PART_WAIT = 0,
    LIVE_PART_LAST,
    LIVE_PART_LOST
} live_part_e;

/*
 * The next frame in the queue: into the part; or the part closes before it and it
 * is to be looked at again.
 * LIVE_AGAIN: it waits; LIVE_ENOSPC: the part is full, but too short to close.
 */

int live_part_frame(live_timeline_t *tl, live_media_e media, live_part_e last);


/* live_bound.c */

/* who decides where segments begin; LIVE_TRACKS: nobody */

live_media_e live_bound_leader(const live_timeline_t *tl);

/* is the other track so far ahead that no more is to be expected of this one? */

int live_bound_silent(const live_timeline_t *tl, live_media_e media);

/* segment msn + 1 begins at ns, the one before ends at end_ns */

void live_bound_new(live_timeline_t *tl, int64_t ns, int64_t end_ns,
    uint32_t flags);

/* the same, without the key frame that should have been there */

void live_bound_forced(live_timeline_t *tl, int64_t ns,
    const live_frame_t *frame);

/* boundaries up to now, where a frame comes after nothing for long */

void live_bound_reach(live_timeline_t *tl, live_media_e media, int64_t now,
    const live_frame_t *frame);

/* the leader looks at its next frame: does a segment begin with it? */

void live_bound_lead(live_timeline_t *tl, live_media_e media,
    const live_frame_t *frame);

/* where a track's segment will probably end, ns */

int64_t live_bound_predict(const live_timeline_t *tl,
    const live_track_t *track);


/* live_cut.c */

/* everything that can be made of what is in the queues */

int live_cut_run(live_timeline_t *tl);

/* audio: its next configuration takes over now, if it leads */

int live_cut_switch(live_timeline_t *tl);

/* gaps for a lost track, up to the newest boundary */

int live_cut_level(live_timeline_t *tl, live_media_e media);

/* the end of all tracks */

int live_cut_finish(live_timeline_t *tl);


/* live_start.c */

/* bounds the queue of a stream that has not started; its newest frame stays */

void live_start_trim(live_timeline_t *tl, live_media_e media);

/* starts the stream if it may */

int live_start_try(live_timeline_t *tl);


/* live_timeline.c */

/* the frames that come are of this configuration */

void live_timeline_use(live_timeline_t *tl, live_media_e media,
    const live_codec_config_t *config);


#endif /* _LIVE_TIMELINE_INTERNAL_H_INCLUDED_ */
