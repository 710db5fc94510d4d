/*
 * Doorbells: a dirty bit a stream and worker says what changed, a datagram only
 * that something did.
 */

#include "live_store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>


int
live_store_doorbell(const live_store_t *store)
{
    return store->bell;
}


void
live_store_watch(live_store_t *store, uint32_t stream)
{
    (void) atomic_fetch_or(&store->streams[stream].watchers[store->slot / 64],
                           1ull << (store->slot % 64));
}


void
live_store_unwatch(live_store_t *store, uint32_t stream)
{
    (void) atomic_fetch_and(&store->streams[stream].watchers[store->slot / 64],
                            ~(1ull << (store->slot % 64)));
}


void
live_store_ring_worker(live_store_t *store, uint32_t slot, uint32_t stream)
{
    struct sockaddr_un    sun;
    live_index_worker_t  *worker;

    worker = &store->workers[slot];

    (void) atomic_fetch_or(&worker->dirty[stream / 64], 1ull << (stream % 64));

    if (atomic_exchange(&worker->rung, 1)) {
        return;
    }

    memset(&sun, 0, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;
    (void) snprintf(sun.sun_path, sizeof(sun.sun_path), "%.97s/w%u.sock",
                    store->path, slot);

    /* a full queue means that it is ringing, a refusal that it died */

    if (sendto(store->bell, "", 1, MSG_DONTWAIT|MSG_NOSIGNAL,
               (struct sockaddr *) &sun, sizeof(struct sockaddr_un)) == -1
        && errno != EAGAIN)
    {
        atomic_store(&worker->rung, 0);
    }
}


int
live_store_ring(live_store_t *store, uint32_t stream)
{
    int                   self;
    uint32_t              word, slot;
    uint64_t              bits;
    live_index_stream_t  *st;

    self = 0;
    st = &store->streams[stream];

    /* what was published must be seen by one who starts to watch after this */

    atomic_thread_fence(memory_order_seq_cst);

    for (word = 0; word < LIVE_STORE_WORKERS / 64; word++) {

        bits = atomic_load(&st->watchers[word]);

        while (bits) {
            slot = word * 64 + (uint32_t) __builtin_ctzll(bits);
            bits &= bits - 1;

            if (slot == store->slot) {
                self = 1;
                continue;
            }

            live_store_ring_worker(store, slot, stream);
        }
    }

    return self;
}


void
live_store_answer(live_store_t *store,
    void (*changed)(void *ctx, uint32_t stream), void *ctx)
{
    char                  buf[16];
    uint32_t              word, words;
    uint64_t              bits;
    live_index_worker_t  *worker;

    while (recv(store->bell, buf, sizeof(buf), MSG_DONTWAIT) >= 0) {
        /* only a doorbell */
    }

    worker = &store->workers[store->slot];
    words = (store->header->streams + 63) / 64;

    /* from here on a change rings again */

    atomic_store(&worker->rung, 0);

    for (word = 0; word < words; word++) {

        if (atomic_load(&worker->dirty[word]) == 0) {
            continue;
        }

        bits = atomic_exchange(&worker->dirty[word], 0);

        while (bits) {
            changed(ctx, word * 64 + (uint32_t) __builtin_ctzll(bits));
            bits &= bits - 1;
        }
    }
}
