/*
 * timeline/: clocks repaired, parts and segments cut.
 *
 * Pure C, one object for each publication, driven by its publisher's frames
 * and a tick; what it cuts goes to a sink, synchronously.  No I/O, no nginx.
 *
 * Clocks.  The stream clock counts microseconds and never runs backwards; all
 * tracks share it.  An RTMP timestamp (32 bits, ms) is unwrapped to 64 bits
 * and moved by one offset for the whole stream; a jump changes the offset, once
 * for all tracks.  A track's ticks are the stream clock in its timescale; they
 * are presentation times: video is shifted by the first key frame's composition
 * offset, so that a segment's tfdt is its earliest presentation time.
 *
 * Grid.  Segments of all tracks share numbers (msn) and boundaries.  A boundary is
 * a video key frame (or the audio clock without video), or a forced cut.  Parts
 * have a nominal start and duration: those of one segment add up to the
 * segment's, none passes the target.
 */

#ifndef _LIVE_TIMELINE_H_INCLUDED_
#define _LIVE_TIMELINE_H_INCLUDED_


#include "live_codec.h"
#include "live_mux.h"
#include "live_store.h"


#define LIVE_TRACKS   2     /* index: LIVE_VIDEO, LIVE_AUDIO */


/* LIVE_PART_... and LIVE_SEGMENT_... flags are those of the store */


typedef struct live_timeline_s  live_timeline_t;


typedef struct {
    int64_t   part_us;          /* part target, 100,000 to 2,000,000 */
    int64_t   segment_us;       /* wanted length of a segment */
    int64_t   segment_max_us;   /* none is ever longer: TARGETDURATION */
    int64_t   wait_us;          /* wait for announced tracks, bounded */
    size_t    part_bytes_max;   /* a part is cut at this size at the latest */
} live_timeline_conf_t;


/*
 * What a publication must remember between two publishers, kept in the store.
 * All zero but epoch_us for a new publication.
 */

typedef struct {
    uint64_t             msn;             /* of the next segment */
    int64_t              end_us;          /* stream clock behind the last part */
    int64_t              end_mono_us;     /* monotonic clock that goes with end_us */
    int64_t              end_pdt_us;      /* PROGRAM-DATE-TIME that goes with end_us */
    int64_t              epoch_us;        /* UTC minus monotonic clock, read once at
                                             the stream's birth: makes every
                                             PROGRAM-DATE-TIME of the stream */
    uint32_t             discontinuity;   /* discontinuities up to the last segment */
    uint32_t             init[LIVE_TRACKS];    /* last init number, 0: none yet */
    live_codec_config_t  config[LIVE_TRACKS];  /* that it stands for */
} live_timeline_resume_t;


typedef struct {
    uint64_t   msn;
    uint64_t   start;            /* ticks, nominal */
    int64_t    pdt_us;           /* UTC of start, us since 1970 */
    uint32_t   flags;            /* LIVE_SEGMENT_..., all but CLOSED, GAP */
    uint32_t   init;             /* number of its init segment */
    uint32_t   discontinuity;    /* discontinuities up to and including this segment */
} live_timeline_segment_t;


typedef struct {
    uint64_t              msn;
    uint32_t              index;      /* in its segment, from 0 */
    uint32_t              flags;      /* LIVE_PART_... */
    uint32_t              last;       /* 1: segment_end() follows at once */
    uint64_t              start;      /* ticks, nominal */
    uint32_t              duration;   /* ticks, nominal: what a playlist says */
    uint64_t              dts;        /* of the first sample, ticks */
    int64_t               wall_us;    /* UTC of the first sample, for prft */
    const live_sample_t  *samples;    /* none in a gap */
    uint32_t              nsamples;
    const uint8_t        *data;       /* samples' bytes, until the callback returns */
    size_t                size;
} live_timeline_part_t;


typedef enum {
    LIVE_TIMELINE_FORCED_CUT = 1,    /* value: GOP so far, ms; once a publisher */
    LIVE_TIMELINE_JUMP,              /* value: timestamps jumped by, ms */
    LIVE_TIMELINE_NOT_MONOTONIC,     /* value: went back by, ms; clamped; once a publisher */
    LIVE_TIMELINE_NO_KEY,            /* waited for a key frame; value: frames dropped */
    LIVE_TIMELINE_TRACK_LATE,        /* a track joins a running stream */
    LIVE_TIMELINE_TRACK_LOST,        /* a track went silent: gaps from here */
    LIVE_TIMELINE_TRACK_BACK,
    LIVE_TIMELINE_CONFIG_CHANGED
} live_timeline_event_e;


/*
 * The sink.  Each call returns LIVE_OK, or an error that ends the timeline: it
 * is returned to the caller at once and no further call is made.  Order for a
 * track: config, segment, part ..., segment_end, [config,] segment ...
 */

typedef struct {
    /* the tracks the publication starts with, a bit a track; once */
    int (*start)(void *ctx, uint32_t tracks);

    /* a new init segment is needed from the next segment on */
    int (*config)(void *ctx, uint32_t track, uint32_t init,
        const live_codec_config_t *config);

    int (*segment)(void *ctx, uint32_t track,
        const live_timeline_segment_t *segment);
    int (*part)(void *ctx, uint32_t track, const live_timeline_part_t *part);

    /* duration in ticks, nominal; flags: LIVE_SEGMENT_... complete */
    int (*segment_end)(void *ctx, uint32_t track, uint64_t msn,
        uint64_t duration, uint32_t flags);

    /* something an admin or broadcaster should know */
    void (*event)(void *ctx, uint32_t track, live_timeline_event_e event,
        int64_t value);
} live_timeline_sink_t;


typedef struct {
    uint64_t   frames[LIVE_TRACKS];
    uint64_t   dropped[LIVE_TRACKS];   /* malformed, before a key frame ... */
    uint64_t   forced_cuts;
    uint64_t   gap_parts;
    uint64_t   jumps;
    uint32_t   fps_milli;              /* measured, frames per 1000 s */
} live_timeline_stats_t;


/*
 * A timeline for one publisher.  If resume->msn is not 0 it goes on where the
 * last one ended: next msn, a discontinuity, the stream clock moved on by the time
 * that passed, the same init number if the configuration is the same.
 * conf, sink and resume are copied; ctx is kept.  NULL: out of memory.
 */

live_timeline_t *live_timeline_create(const live_timeline_conf_t *conf,
    const live_timeline_resume_t *resume, const live_timeline_sink_t *sink,
    void *ctx);

/* frees it; nothing is flushed, see live_timeline_finish() */

void live_timeline_destroy(live_timeline_t *tl);


/*
 * The publisher announced these tracks (a bit each; onMetaData): the start may
 * wait up to conf.wait_us for them.  A hint, never required.
 */

void live_timeline_expect(live_timeline_t *tl, uint32_t tracks);


/*
 * An RTMP audio or video message, the FLV tag body as it came.
 * ts: the RTMP timestamp, ms, 32 bits.  mono_us: CLOCK_MONOTONIC of its arrival.
 *
 * LIVE_OK            taken, or dropped and counted: the publisher goes on
 * LIVE_EUNSUPPORTED  a codec that we do not have (each time; the caller logs once)
 * LIVE_ENOMEM        the caller should end the publisher
 * other              what the sink returned
 */

int live_timeline_message(live_timeline_t *tl, live_media_e media, uint32_t ts,
    const uint8_t *p, size_t n, int64_t mono_us);


/*
 * To be called every 100 to 250 ms: ends bounded waits and turns the silence
 * of one track into gaps while others go on.
 */

int live_timeline_tick(live_timeline_t *tl, int64_t mono_us);


/*
 * The publisher has ended: writes what is held back, closes the open parts
 * and segments.  resume is filled for the next publisher.
 */

int live_timeline_finish(live_timeline_t *tl, live_timeline_resume_t *resume);


/*
 * What the next publisher must know if this one were to vanish now; to be kept
 * in the store after each segment_end.
 */

void live_timeline_resume(const live_timeline_t *tl,
    live_timeline_resume_t *resume);

/* what was counted so far; valid until it is destroyed, and kept up to date */

const live_timeline_stats_t *live_timeline_stats(const live_timeline_t *tl);


#endif /* _LIVE_TIMELINE_H_INCLUDED_ */
