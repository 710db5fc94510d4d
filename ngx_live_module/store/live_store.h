/*
 * store/: the index (a mapped file) and the bytes (segment files) of all live
 * streams of one nginx, shared by its workers, old and new.
 *
 * Pure C; the directive, the janitor's timer and the sockets that wake workers
 * are in ngx_live_store.h.
 *
 *     path/                    0700, ours
 *         index                header | workers | hashes | streams | blocks ...
 *         w{slot}.sock         a worker's doorbell
 *         {stream}/{track}/{epoch}-{msn}.m4s, {epoch}-init{n}.mp4
 *
 * A stream has publications (the source, later renditions); each takes one
 * block: its owner word, what the next publisher must know, and per track a
 * ring of segments and a ring of parts.
 *
 * One writer a publication.  The owner word holds a generation; each track's head
 * word holds the same generation, the count of parts ever written and whether
 * the last one ended its segment.  A part is written into its slot first; a
 * compare-and-swap of the head then makes it visible, and fails for a writer
 * that was displaced.  Readers copy and then check that nothing they copied can
 * have been overwritten.
 *
 * Locks are OFD locks on bytes of the index file, so the kernel drops them with
 * their owner: byte 0 is held to create, take or remove a stream, byte 1 shared
 * by each nginx process, byte 16 + n by the worker in slot n, byte 1024 + n to
 * take block n and for all that is written of it but parts.
 */

#ifndef _LIVE_STORE_H_INCLUDED_
#define _LIVE_STORE_H_INCLUDED_


#include <sys/types.h>
#include <stdatomic.h>
#include "live_codec.h"


#define LIVE_STORE_NAME_MAX      64     /* with the closing zero */
#define LIVE_STORE_WORKERS       256
#define LIVE_STORE_PUBLICATIONS  8      /* of one stream */
#define LIVE_STORE_TRACKS        2      /* of one publication */
#define LIVE_STORE_PARTS         1024   /* ring of one track */
#define LIVE_STORE_RESUME_MAX    4096


#define LIVE_PART_INDEPENDENT     0x01   /* begins with a key frame */
#define LIVE_PART_GAP             0x02   /* no bytes: nothing happened, or lost */
#define LIVE_PART_ENDS            0x04   /* when written: its segment ends with it */

#define LIVE_SEGMENT_INDEPENDENT  0x01   /* begins with a key frame */
#define LIVE_SEGMENT_GAP          0x02   /* every part is a gap */
#define LIVE_SEGMENT_DISCONT      0x04   /* a discontinuity stands before it */
#define LIVE_SEGMENT_FORCED       0x08   /* cut without a key frame */
#define LIVE_SEGMENT_CLOSED       0x10   /* its last part is known */


typedef struct {
    uint64_t   offset;           /* in the segment's file */
    uint32_t   size;             /* 0 in a gap */
    uint32_t   duration;         /* ticks, nominal */
    uint64_t   msn;              /* UINT64_MAX: a void slot, to be skipped */
    uint32_t   index;            /* in the segment */
    uint32_t   flags;            /* LIVE_PART_... */
    int64_t    visible_us;       /* monotonic clock when it was made visible */
} live_store_part_t;


typedef struct {
    uint64_t   msn;
    uint64_t   start;            /* ticks */
    int64_t    pdt_us;           /* UTC, us since 1970 */
    uint64_t   first_part;       /* number of its first part in the track's count */
    uint32_t   timescale;        /* ticks a second, its init segment's */
    uint32_t   init;
    uint32_t   discontinuity;    /* up to and including this segment */
    uint32_t   parts;            /* with CLOSED */
    uint32_t   flags;            /* LIVE_SEGMENT_... */
    uint64_t   duration;         /* with CLOSED; ticks */
    uint64_t   size;             /* with CLOSED; bytes */
} live_store_segment_t;


static inline uint64_t
live_store_us(uint64_t ticks, uint32_t timescale)
{
    if (timescale == 0) {
        return 0;
    }

    return ticks / timescale * 1000000 + ticks % timescale * 1000000
                                         / timescale;
}


/* where a track's playlist ends */

typedef struct {
    uint8_t    any;              /* there is a part at all */
    uint8_t    closed;           /* the last part ended its segment */
    uint8_t    ended;            /* no more will come: ENDLIST */
    uint64_t   msn;              /* of the last part */
    uint32_t   part;             /* index of the last part */
} live_store_edge_t;


typedef struct {
    char       id[16];           /* "v", "a"; as in URLs */
    uint8_t    media;            /* live_media_e */
    uint8_t    announced;        /* listed in the multivariant playlist */
    uint16_t   width;
    uint16_t   height;
    uint8_t    channels;
    uint32_t   timescale;
    uint32_t   sample_rate;
    uint32_t   fps_milli;        /* measured; 0 unknown */
    uint32_t   bits_average;     /* bits per second over the publication */
    uint32_t   bits_peak;        /* of the heaviest segment */
    char       rfc6381[32];
} live_store_track_info_t;


/* what never changes while a stream lives */

typedef struct {
    char       name[LIVE_STORE_NAME_MAX];
    char       epoch[32];        /* base-36, unique for ever */
    int64_t    part_us;          /* PART-TARGET */
    int64_t    segment_us;
    int64_t    segment_max_us;   /* TARGETDURATION, whole seconds */
    int64_t    window_us;        /* length of the playlist */
    int64_t    linger_us;
    uint64_t   bytes_max;        /* of its segment files, 0: no limit */
} live_store_stream_info_t;


/*
 * A consistent copy of one track for a playlist.  segments and parts are the
 * caller's arrays; the last segment is open unless edge.closed.  parts covers at least
 * the last three target durations and every part of the open segment, oldest
 * first; find a part's segment by its msn.
 */

typedef struct {
    live_store_stream_info_t   stream;
    live_store_track_info_t    track;
    live_store_edge_t          edge;

    live_store_segment_t      *segments;
    uint32_t                   segments_max;     /* caller: capacity */
    uint32_t                   nsegments;

    live_store_part_t         *parts;
    uint32_t                   parts_max;        /* caller: capacity */
    uint32_t                   nparts;

    /* the other tracks of the stream, for RENDITION-REPORT */
    struct {
        char                   id[16];
        live_store_edge_t      edge;
    } others[LIVE_STORE_PUBLICATIONS * LIVE_STORE_TRACKS];
    uint32_t                   nothers;
} live_store_snapshot_t;


/* all announced tracks of a stream, for a multivariant playlist */

typedef struct {
    live_store_stream_info_t   stream;
    live_store_track_info_t    tracks[LIVE_STORE_PUBLICATIONS
                                      * LIVE_STORE_TRACKS];
    uint32_t                   ntracks;
} live_store_stream_t;


/* ------------------------------------------------------------ the store */

typedef struct live_store_s  live_store_t;


/*
 * Makes the directory and its index, or opens what is there: state that a dead
 * nginx left is taken over if version and geometry are the same, made anew if
 * only the geometry differs.  Holds the shared lock until closed; processes that
 * are forked from this one hold it too.
 *
 * path: absolute, its parent exists; owner: who the workers run as, (uid_t) -1:
 * this process.  streams: 1 to 4096.
 *
 * LIVE_OK; LIVE_EINVAL: refused, err says why and what to do; LIVE_EIO,
 * LIVE_ENOMEM: err says what failed.
 */

int live_store_open(const char *path, uid_t owner, gid_t group,
    uint32_t streams, live_store_t **store, char *err, size_t errlen);

/*
 * Limits the bytes of all segment files, 0: no limit.  Holds for all who have
 * the store open, so only once the configuration that says it is accepted.
 */

void live_store_limit(live_store_t *store, uint64_t bytes_max);

/* unmaps and closes; files stay */

void live_store_close(live_store_t *store);

/*
 * Removes everything, if no other process holds the store any more.
 * LIVE_OK: removed; LIVE_AGAIN: others live.
 */

int live_store_remove(live_store_t *store);

/* 1 if live_store_open() made it anew, 0 if it was there */

int live_store_made(const live_store_t *store);

/* the directory, as it was opened; the store's own */

const char *live_store_path(const live_store_t *store);


/* ---------------------------------------------------------- the workers */

/*
 * Takes a worker's slot and binds its doorbell.  LIVE_OK; LIVE_ENOSPC: no slot;
 * LIVE_EIO: err says what failed.
 */

int live_store_join(live_store_t *store, char *err, size_t errlen);

/* gives the slot back; publications must have been released */

void live_store_leave(live_store_t *store);

/* the doorbell's descriptor, non-blocking, to be watched for reading */

int live_store_doorbell(const live_store_t *store);

/*
 * Tells each worker that watches this stream that it changed.  Returns 1 if
 * this worker is one of them (it is not rung: call its handler), else 0.
 */

int live_store_ring(live_store_t *store, uint32_t stream);

/*
 * Empties the doorbell and calls changed() for each stream that changed since
 * the last call.
 */

void live_store_answer(live_store_t *store,
    void (*changed)(void *ctx, uint32_t stream), void *ctx);


/* --------------------------------------------------------------- readers */

/* a stream as a reader found it; stays safe to use when the stream has gone */

typedef struct {
    uint32_t   stream;           /* its number in the store */
    uint32_t   birth;            /* which stream had that number */
} live_store_ref_t;

typedef enum {
    LIVE_STORE_FREE = 0,
    LIVE_STORE_LIVE,             /* has a publisher */
    LIVE_STORE_WAITING,          /* had one, lingers */
    LIVE_STORE_ENDED,            /* ENDLIST; files still there */
    LIVE_STORE_GONE              /* only the name is left, for 410 */
} live_store_state_e;

/*
 * Finds a stream by name.  LIVE_OK: ref and state (never FREE) are filled.
 * LIVE_AGAIN: no such stream.
 */

int live_store_find(live_store_t *store, const char *name, size_t len,
    live_store_ref_t *ref, live_store_state_e *state);

/* its state now; LIVE_STORE_FREE if it has gone */

live_store_state_e live_store_state(live_store_t *store, live_store_ref_t ref);

/* what never changes while it lives; LIVE_OK, or LIVE_AGAIN: it has gone */

int live_store_info(live_store_t *store, live_store_ref_t ref,
    live_store_stream_info_t *info);

/*
 * Grows with each change that a reader could see; read it before what it is to
 * stand for.  0: the stream has gone.
 */

uint64_t live_store_version(live_store_t *store, live_store_ref_t ref);

/* number of the track with this id in the stream, or LIVE_AGAIN */

int live_store_track(live_store_t *store, live_store_ref_t ref, const char *id,
    size_t len);

/* LIVE_OK, or LIVE_AGAIN if the stream has gone */

int live_store_edge(live_store_t *store, live_store_ref_t ref, int track,
    live_store_edge_t *edge);

/*
 * A consistent copy.  The capacities must be at least live_store_segments() and
 * LIVE_STORE_PARTS.  LIVE_OK; LIVE_AGAIN: gone, or nothing there yet.
 */

int live_store_snapshot(live_store_t *store, live_store_ref_t ref, int track,
    live_store_snapshot_t *snapshot);

/* how many segments a snapshot may hold */

uint32_t live_store_segments(void);

/*
 * The announced tracks.  LIVE_OK; LIVE_AGAIN: gone, or not ready: the tracks that
 * the stream starts with have not all got a part yet.
 */

int live_store_stream(live_store_t *store, live_store_ref_t ref,
    live_store_stream_t *stream);

/* 1 while a stream waits for the first part of a track it starts with, else 0 */

int live_store_starting(live_store_t *store, live_store_ref_t ref);

/*
 * Where the bytes of a part are.  LIVE_OK; LIVE_AGAIN: not yet, but it may come
 * next (the preload hint); LIVE_EINVAL: there is no such part and none will come;
 * LIVE_ELOST: a gap, or it has gone.
 */

int live_store_find_part(live_store_t *store, live_store_ref_t ref, int track,
    uint64_t msn, uint32_t index, live_store_part_t *part);

/* the same for a segment; LIVE_AGAIN while it is open */

int live_store_find_segment(live_store_t *store, live_store_ref_t ref,
    int track, uint64_t msn, live_store_segment_t *segment);

/* LIVE_OK if epoch is this stream's */

int live_store_check_epoch(live_store_t *store, live_store_ref_t ref,
    const char *epoch, size_t len);

/*
 * The file of segment msn, or with init not 0 of that init segment.  Returns
 * the length written with a closing zero, or LIVE_ENOSPC.
 */

long live_store_file(const live_store_t *store, const char *stream,
    const char *track, const char *epoch, uint64_t msn, uint32_t init,
    char *buf, size_t cap);

/* this worker has (first) or no longer has (last) somebody waiting on it */

void live_store_watch(live_store_t *store, uint32_t stream);
void live_store_unwatch(live_store_t *store, uint32_t stream);


/* ------------------------------------------------------------ the writer */

typedef struct live_store_writer_s  live_store_writer_t;

/*
 * Takes the source publication of a stream for this worker, from whoever has
 * it (who is told through its doorbell), and makes the stream if need be.  Only then
 * *info is used; in each case it is filled with what the stream has.
 * resume: LIVE_STORE_RESUME_MAX bytes, filled with what the last publisher left;
 * *resumed is its size, 0 for a new stream.
 *
 * LIVE_OK; LIVE_ENOSPC: no stream or no memory left in the store, err says what
 * to raise; LIVE_EIO; LIVE_ENOMEM.
 */

int live_store_claim(live_store_t *store, live_store_stream_info_t *info,
    void *resume, size_t *resumed, live_store_writer_t **writer, char *err,
    size_t errlen);

/* the number of the stream that it writes */

uint32_t live_store_writer_stream(const live_store_writer_t *writer);

/* 1 while nobody else has taken the publication over */

int live_store_owned(const live_store_writer_t *writer);

/*
 * Ends of what became visible: LIVE_OK, or LIVE_AGAIN if nothing did.  msn: the
 * newest of all tracks; discontinuity: up to and including that segment; end_us:
 * of the longest, on the stream clock; end_pdt_us: its date; visible_us: when
 * that became visible.
 */

int live_store_writer_end(live_store_writer_t *writer, uint64_t *msn,
    uint32_t *discontinuity, int64_t *end_us, int64_t *end_pdt_us,
    int64_t *visible_us);

/* the stream starts with these tracks, a bit each (1 << live_media_e) */

void live_store_start(live_store_writer_t *writer, uint32_t tracks);

/* a track's (new) configuration and its init segment's bytes.  LIVE_EIO */

int live_store_write_init(live_store_writer_t *writer, uint32_t track,
    uint32_t init, const live_codec_config_t *config, const uint8_t *p,
    size_t n);

/*
 * Opens a segment.  msn start pdt_us init discontinuity and flags are used.
 * LIVE_OK; LIVE_ELOST.  If its file cannot be made, its parts become gaps.
 */

int live_store_write_segment(live_store_writer_t *writer, uint32_t track,
    const live_store_segment_t *segment);

/*
 * Writes head and body to the segment's file and makes the part visible (with
 * ENDS, live_store_write_end() does, which has to follow: nobody sees a segment
 * that has its last part and is open).  index, duration and flags are used.  If
 * the bytes cannot be written (no room) the part becomes a gap, which returns
 * LIVE_ENOSPC: the publisher goes on.  errno says why, 0 if the store's own limit
 * is reached.
 * LIVE_OK; LIVE_ENOSPC; LIVE_ELOST: taken over.
 */

int live_store_write_part(live_store_writer_t *writer, uint32_t track,
    const live_store_part_t *part, const uint8_t *head, size_t nhead,
    const uint8_t *body, size_t nbody);

/* closes the open segment and expires old ones.  LIVE_OK; LIVE_ELOST */

int live_store_write_end(live_store_writer_t *writer, uint32_t track,
    uint64_t duration, uint32_t flags);

/* 1 once the stream's limit of bytes, not its window, made a segment expire */

int live_store_shortened(const live_store_writer_t *writer);

/* measured, frames per 1000 s */

void live_store_write_fps(live_store_writer_t *writer, uint32_t fps_milli);

/* what the next publisher must know, at most LIVE_STORE_RESUME_MAX bytes */

void live_store_write_resume(live_store_writer_t *writer, const void *p,
    size_t n);

/* the publisher has left: the stream waits for another; frees the writer */

void live_store_release(live_store_writer_t *writer, int64_t mono_us);


/* ----------------------------------------------------------- the janitor */

typedef enum {
    LIVE_STORE_ORPHANED = 1,     /* its worker died; now waiting */
    LIVE_STORE_LINGERED,         /* nobody came back; now ended */
    LIVE_STORE_REMOVED           /* files are gone */
} live_store_change_e;

/*
 * To be called each second or so by every worker; one of them does the work.
 * changed() is called for each stream whose state changed; ring it there.
 */

void live_store_janitor(live_store_t *store, int64_t mono_us,
    void (*changed)(void *ctx, uint32_t stream, const char *name,
    live_store_change_e change), void *ctx);


/* CLOCK_MONOTONIC and UTC, us */

int64_t live_store_monotonic(void);
int64_t live_store_utc(void);


#endif /* _LIVE_STORE_H_INCLUDED_ */
