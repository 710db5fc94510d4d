/*
 * What happens to streams that nobody writes any more.
 */

#include "live_store_internal.h"

#include <fcntl.h>


typedef void (*live_store_changed_pt)(void *ctx, uint32_t stream,
    const char *name, live_store_change_e change);


static int live_store_orphans(live_store_t *store,
    live_index_stream_t *stream, int64_t mono_us);
static int live_store_age(live_store_t *store, live_index_stream_t *stream,
    int64_t mono_us);


/* a publication whose worker died waits for its publisher */

static int
live_store_orphans(live_store_t *store, live_index_stream_t *stream,
    int64_t mono_us)
{
    uint32_t             i, slot, owned;
    live_index_block_t  *block;

    owned = 0;

    for (i = 0; i < LIVE_STORE_PUBLICATIONS; i++) {

        if (stream->block[i] == 0) {
            continue;
        }

        block = live_store_block(store, stream->block[i]);
        slot = live_owner_slot(atomic_load(&block->owner));

        if (slot == 0) {
            continue;
        }

        /* our own slot is locked by us, which the kernel does not report */

        if (slot - 1 == store->slot
            || live_store_held(store, LIVE_STORE_LOCK_WORKER + slot - 1))
        {
            owned++;
            continue;
        }

        (void) live_store_take(store, stream, stream->block[i], 0);
    }

    /* live and nobody's: perhaps live_store_disown() took it from the dead */

    if (!owned) {
        atomic_store(&stream->since_us, mono_us);
        atomic_store(&stream->state, LIVE_STORE_WAITING);
        return LIVE_STORE_ORPHANED;
    }

    return 0;
}


/*
 * For one who takes a slot: what a dead worker in the same slot had owned is
 * not his.  The janitor sees that it is nobody's, and says so.
 */

void
live_store_disown(live_store_t *store, uint32_t slot)
{
    uint32_t              i, k;
    live_index_block_t   *block;
    live_index_stream_t  *stream;

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 1);

    for (i = 0; i < store->header->streams; i++) {

        stream = &store->streams[i];

        if (atomic_load(&stream->state) != LIVE_STORE_LIVE) {
            continue;
        }

        for (k = 0; k < LIVE_STORE_PUBLICATIONS; k++) {

            if (stream->block[k] == 0) {
                continue;
            }

            block = live_store_block(store, stream->block[k]);

            if (live_owner_slot(atomic_load(&block->owner)) == slot + 1) {
                (void) live_store_take(store, stream, stream->block[k], 0);
            }
        }
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);
}


/* returns a live_store_change_e, or 0 */

static int
live_store_age(live_store_t *store, live_index_stream_t *stream,
    int64_t mono_us)
{
    int64_t   age;
    uint32_t  i;

    age = mono_us - atomic_load(&stream->since_us);

    switch (atomic_load(&stream->state)) {

    case LIVE_STORE_LIVE:
        return live_store_orphans(store, stream, mono_us);

    case LIVE_STORE_WAITING:

        if (age < stream->info.linger_us) {
            return 0;
        }

        atomic_store(&stream->since_us, mono_us);
        atomic_store(&stream->state, LIVE_STORE_ENDED);
        return LIVE_STORE_LINGERED;

    case LIVE_STORE_ENDED:

        /* a viewer at the playlist's beginning may play it to its end */

        if (age < stream->info.window_us + stream->info.segment_max_us) {
            return 0;
        }

        atomic_store(&stream->since_us, mono_us);
        atomic_store(&stream->state, LIVE_STORE_GONE);
        live_store_drop_stream(store, stream);
        return LIVE_STORE_REMOVED;

    case LIVE_STORE_GONE:

        /* whoever removed it may have died over it */

        for (i = 0; i < LIVE_STORE_PUBLICATIONS; i++) {
            if (stream->block[i]) {
                live_store_drop_stream(store, stream);
                return LIVE_STORE_REMOVED;
            }
        }

        if (age >= LIVE_STORE_TOMB_US) {
            atomic_store(&store->hashes[stream - store->streams], 0);
            atomic_store(&stream->state, LIVE_STORE_FREE);
        }

        return 0;

    default:
        return 0;
    }
}


void
live_store_janitor(live_store_t *store, int64_t mono_us,
    live_store_changed_pt changed, void *ctx)
{
    int       change;
    char      name[LIVE_STORE_NAME_MAX];
    uint32_t  i;

    if (live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 0) != LIVE_OK) {
        return;
    }

    for (i = 0; i < store->header->streams; i++) {

        if (atomic_load(&store->streams[i].state) == LIVE_STORE_FREE) {
            continue;
        }

        change = live_store_age(store, &store->streams[i], mono_us);

        if (change) {
            (void) atomic_fetch_add(&store->streams[i].version, 1);
            memcpy(name, store->streams[i].info.name, sizeof(name));
            changed(ctx, i, name, (live_store_change_e) change);
        }
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);
}
