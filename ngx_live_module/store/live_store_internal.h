/*
 * The layout of the index, and what the files of store/ share.
 */

#ifndef _LIVE_STORE_INTERNAL_H_INCLUDED_
#define _LIVE_STORE_INTERNAL_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <limits.h>
#include <string.h>
#include "live_store.h"


#define LIVE_STORE_MAGIC        0x6576696c2d78676eull    /* "ngx-live" */
#define LIVE_STORE_VERSION      3

#define LIVE_STORE_SEGMENTS     256      /* ring of one track */
#define LIVE_STORE_STREAMS_MAX  4096
#define LIVE_STORE_WORDS        (LIVE_STORE_STREAMS_MAX / 64)
#define LIVE_STORE_PAGE         4096

#define LIVE_STORE_LOCK_TABLE   0
#define LIVE_STORE_LOCK_ALIVE   1
#define LIVE_STORE_LOCK_WORKER  16
#define LIVE_STORE_LOCK_BLOCK   1024     /* + its number */

#define LIVE_STORE_TOMB_US      300000000ll


/*
 * head: generation (16 bits) | the last part ended its segment (1 bit) | it is
 * being taken over (1 bit) | parts ever written (46 bits)
 */

#define LIVE_HEAD_TAKEN       (1ull << 46)

#define live_head(gen, closed, parts)                                         \
    ((uint64_t) (gen) << 48 | (uint64_t) (closed) << 47 | (parts))
#define live_head_gen(h)      ((uint32_t) ((h) >> 48))
#define live_head_closed(h)   ((uint32_t) ((h) >> 47 & 1))
#define live_head_parts(h)    ((h) & (LIVE_HEAD_TAKEN - 1))

/* owner: generation (16 bits) | worker's slot + 1, 0: nobody (16 bits) */

#define live_owner(gen, slot)  ((uint32_t) ((gen) << 16 | (slot)))
#define live_owner_gen(o)      ((uint32_t) ((o) >> 16))
#define live_owner_slot(o)     ((uint32_t) ((o) & 0xffff))

/* a part's flags carry its writer's generation in the upper half */

#define live_part_gen(flags)   ((flags) >> 16)


typedef struct {
    uint64_t                  magic;
    uint32_t                  version;
    uint32_t                  streams;
    uint64_t                  stream_size;      /* of the records: they must agree */
    uint64_t                  block_size;
    _Atomic uint64_t          bytes_max;        /* 0: no limit */
    _Atomic uint64_t          bytes;            /* in segment files now */
    _Atomic uint64_t          last_epoch;
    _Atomic uint32_t          births;
    _Atomic uint32_t          blocks;           /* blocks that have memory */
} live_index_header_t;


typedef struct {
    _Atomic uint32_t          rung;             /* a datagram is on its way */
    _Atomic uint64_t          dirty[LIVE_STORE_WORDS];
} live_index_worker_t;


typedef struct {
    _Atomic uint32_t          state;
    _Atomic uint32_t          birth;
    _Atomic uint32_t          hidden;           /* replaced: not found by name */
    _Atomic uint32_t          starting;         /* tracks it waits for, bits */
    _Atomic int64_t           since_us;         /* in this state since */
    _Atomic uint64_t          version;          /* of all that a reader sees */
    _Atomic uint64_t          watchers[LIVE_STORE_WORKERS / 64];
    uint32_t                  block[LIVE_STORE_PUBLICATIONS];   /* + 1; 0: none */
    live_store_stream_info_t  info;
} live_index_stream_t;


typedef struct {
    _Atomic uint32_t          used;
    _Atomic uint32_t          info_turn;        /* odd: info is being written */
    live_store_track_info_t   info;
    _Atomic uint64_t          head;
    _Atomic uint64_t          first_msn;        /* of the playlist */
    _Atomic uint64_t          floor_msn;        /* of the files */
    _Atomic uint32_t          init_floor;
    _Atomic uint32_t          init_last;
    uint64_t                  bytes;            /* ever */
    uint64_t                  us;               /* ever */
    live_store_segment_t      segments[LIVE_STORE_SEGMENTS];
    live_store_part_t         parts[LIVE_STORE_PARTS];
} live_index_track_t;


typedef struct {
    _Atomic uint32_t          taken;            /* in use by a stream */
    _Atomic uint32_t          owner;
    _Atomic uint64_t          bytes;            /* in its files now */
    _Atomic uint32_t          resume_turn;      /* which copy is whole */
    uint32_t                  resume_size[2];
    uint8_t                   resume[2][LIVE_STORE_RESUME_MAX];
    live_index_track_t        tracks[LIVE_STORE_TRACKS];
} live_index_block_t;


struct live_store_s {
    int                       fd;               /* holds the shared lock */
    int                       lock_fd;          /* own description: table, slot */
    int                       bell;             /* -1: not joined */
    int                       made;             /* anew, by this process */
    uint32_t                  slot;
    uint32_t                  nblocks;
    size_t                    size;             /* of the map */
    uint8_t                  *map;
    live_index_header_t      *header;
    live_index_worker_t      *workers;
    _Atomic uint32_t         *hashes;
    live_index_stream_t      *streams;
    uint64_t                  blocks_at;
    char                      path[128];        /* a doorbell's name is shorter */
};


/* live_index.c */

int live_store_lock(live_store_t *store, off_t byte, short type, int wait);
int live_store_held(live_store_t *store, off_t byte);
live_index_block_t *live_store_block(live_store_t *store, uint32_t n);
live_index_stream_t *live_store_get(live_store_t *store, live_store_ref_t ref);
int live_store_lookup(live_store_t *store, const char *name, size_t len);
uint32_t live_store_hash(const char *name, size_t len);

/* live_read.c */

int live_store_last(const live_index_track_t *track, uint64_t *head,
    live_store_part_t *part);

/* live_take.c */

uint32_t live_store_take(live_store_t *store, live_index_stream_t *stream,
    uint32_t block, uint32_t slot);

/* live_files.c */

int live_store_file_create(const live_store_t *store, const char *stream,
    const char *track, const char *epoch, uint64_t msn, uint32_t init);
void live_store_drop_segment(live_store_t *store,
    const live_store_stream_info_t *info, live_index_block_t *block,
    live_index_track_t *track, uint64_t msn);
int live_store_expire(live_store_t *store,
    const live_store_stream_info_t *info, live_index_block_t *block,
    live_index_track_t *track);
void live_store_drop_stream(live_store_t *store, live_index_stream_t *stream);
void live_store_sweep(live_store_t *store);

/* live_janitor.c */

void live_store_disown(live_store_t *store, uint32_t slot);

/* live_wake.c */

void live_store_ring_worker(live_store_t *store, uint32_t slot,
    uint32_t stream);


#endif /* _LIVE_STORE_INTERNAL_H_INCLUDED_ */
