/*
 * Taking a publication from its owner, and making a stream.
 *
 * A take-over raises the generation in the owner word and in each track's head, so
 * that the old owner's next compare-and-swap fails.  It may just then be writing
 * the slot behind the head: that slot is given up (see live_store_last()).
 */

#include "live_store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>


static void live_store_close_left(live_index_track_t *track, uint64_t n);
static void live_store_seal(live_index_track_t *track, uint32_t gen,
    int writing);
static void live_store_level(const live_store_stream_info_t *info,
    live_index_block_t *block, uint32_t gen);
static void live_store_append_gap(live_index_track_t *track, uint32_t gen,
    uint64_t msn, uint64_t duration, uint64_t part, uint32_t discontinuity);


/* closes the segment that was left open, if there is one, behind part n */

static void
live_store_close_left(live_index_track_t *track, uint64_t n)
{
    uint32_t               flags;
    uint64_t               k, duration, size;
    live_store_part_t     *part, last;
    live_store_segment_t  *segment;

    if (live_store_last(track, NULL, &last) != LIVE_OK) {
        return;
    }

    segment = &track->segments[last.msn % LIVE_STORE_SEGMENTS];

    /* by its own word, not the head's: who sealed it may have died over it */

    if (segment->flags & LIVE_SEGMENT_CLOSED) {
        return;
    }

    duration = 0;
    size = 0;
    flags = segment->flags | LIVE_SEGMENT_CLOSED|LIVE_SEGMENT_GAP;

    for (k = segment->first_part; k < n; k++) {
        part = &track->parts[k % LIVE_STORE_PARTS];

        if (part->msn != last.msn) {
            continue;
        }

        duration += part->duration;

        if (!(part->flags & LIVE_PART_GAP)) {
            size = part->offset + part->size;
            flags &= ~(uint32_t) LIVE_SEGMENT_GAP;
        }
    }

    segment->parts = last.index + 1;
    segment->duration = duration;
    segment->size = size;

    atomic_thread_fence(memory_order_release);
    segment->flags = flags;

    track->us += live_store_us(segment->duration, segment->timescale);
}


/*
 * Fences the old owner of one track off and closes the segment it left open.
 * writing: the old owner may live, and be writing the slot behind the head.
 */

static void
live_store_seal(live_index_track_t *track, uint32_t gen, int writing)
{
    uint64_t            head, n;
    live_store_part_t  *part;

    /*
     * From here on the old owner can publish nothing.  Readers go by his
     * generation still, until all is as the new head says: the segment is
     * closed, and the slot that is given up says that it is void.
     */

    head = atomic_fetch_or(&track->head, LIVE_HEAD_TAKEN);
    n = live_head_parts(head);

    live_store_close_left(track, n);

    /*
     * Encoders that come and go without a frame must not fill the ring with
     * void slots: one behind the last part is enough.
     */

    if (writing
        || (n && track->parts[(n - 1) % LIVE_STORE_PARTS].msn != UINT64_MAX))
    {
        part = &track->parts[n % LIVE_STORE_PARTS];
        memset(part, 0, sizeof(live_store_part_t));
        part->msn = UINT64_MAX;
        part->flags = live_head_gen(head) << 16;
        n++;
    }

    atomic_store(&track->head, live_head(gen, 1, n));
}


static void
live_store_append_gap(live_index_track_t *track, uint32_t gen, uint64_t msn,
    uint64_t duration, uint64_t target, uint32_t discontinuity)
{
    uint64_t               n, left, start;
    live_store_part_t     *part;
    live_store_segment_t  *segment, *before;

    n = live_head_parts(atomic_load(&track->head));

    before = &track->segments[(msn - 1) % LIVE_STORE_SEGMENTS];
    start = before->start + before->duration;

    segment = &track->segments[msn % LIVE_STORE_SEGMENTS];
    *segment = *before;

    segment->msn = msn;
    segment->start = start;
    segment->pdt_us = before->pdt_us + (int64_t)
                      live_store_us(before->duration, before->timescale);
    segment->first_part = n;
    segment->discontinuity = discontinuity;
    segment->duration = duration;
    segment->size = 0;
    segment->parts = 0;
    segment->flags = LIVE_SEGMENT_CLOSED|LIVE_SEGMENT_GAP
                     | (discontinuity > before->discontinuity
                        ? LIVE_SEGMENT_DISCONT : 0);

    for (left = duration; left; left -= part->duration) {
        part = &track->parts[n++ % LIVE_STORE_PARTS];
        memset(part, 0, sizeof(live_store_part_t));
        part->duration = (uint32_t) (left < target ? left : target);
        part->msn = msn;
        part->index = segment->parts++;
        part->flags = gen << 16 | LIVE_PART_GAP;
        part->visible_us = live_store_monotonic();
    }

    track->us += live_store_us(duration, segment->timescale);
    atomic_store(&track->head, live_head(gen, 1, n));
}


/*
 * Segment numbers go on together: a track that had not got as far as another
 * when its publisher vanished gets gaps.
 */

static void
live_store_level(const live_store_stream_info_t *info,
    live_index_block_t *block, uint32_t gen)
{
    uint32_t               t, lead;
    uint64_t               msn, target, scale;
    live_store_part_t      part, newest;
    live_index_track_t    *track, *leader;
    live_store_segment_t  *segment;

    lead = LIVE_STORE_TRACKS;
    newest.msn = 0;

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        track = &block->tracks[t];

        if (atomic_load(&track->used)
            && live_store_last(track, NULL, &part) == LIVE_OK
            && (lead == LIVE_STORE_TRACKS || part.msn > newest.msn))
        {
            lead = t;
            newest = part;
        }
    }

    if (lead == LIVE_STORE_TRACKS) {
        return;
    }

    leader = &block->tracks[lead];

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        track = &block->tracks[t];

        if (t == lead || !atomic_load(&track->used)
            || live_store_last(track, NULL, &part) != LIVE_OK
            || newest.msn - part.msn >= LIVE_STORE_SEGMENTS)
        {
            continue;
        }

        /* a gap goes on with the clock of the segment before it */

        scale = track->segments[part.msn % LIVE_STORE_SEGMENTS].timescale;
        target = (uint64_t) info->part_us * scale / 1000000;

        for (msn = part.msn + 1; msn <= newest.msn; msn++) {
            segment = &leader->segments[msn % LIVE_STORE_SEGMENTS];

            live_store_append_gap(track, gen, msn,
                                  live_store_us(segment->duration,
                                                segment->timescale)
                                  * scale / 1000000, target,
                                  segment->discontinuity);
        }
    }
}


/*
 * Makes slot (+ 1; 0: nobody) the owner of a block of the stream; under the
 * table's lock.  Waits for what the old owner is at under the block's lock.
 * Returns the owner before.
 */

uint32_t
live_store_take(live_store_t *store, live_index_stream_t *stream, uint32_t n,
    uint32_t slot)
{
    uint32_t             old, gen, t;
    live_index_block_t  *block;

    block = live_store_block(store, n);

    live_store_lock(store, LIVE_STORE_LOCK_BLOCK + n, F_WRLCK, 1);

    old = atomic_load(&block->owner);
    gen = (live_owner_gen(old) + 1) & 0xffff;

    atomic_store(&block->owner, live_owner(gen, slot));

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        if (atomic_load(&block->tracks[t].used)) {
            live_store_seal(&block->tracks[t], gen,
                            slot && live_owner_slot(old));

        } else {
            atomic_store(&block->tracks[t].head, live_head(gen, 1, 0));
        }
    }

    live_store_level(&stream->info, block, gen);

    live_store_lock(store, LIVE_STORE_LOCK_BLOCK + n, F_UNLCK, 0);

    return old;
}
