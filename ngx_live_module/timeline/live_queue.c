/*
 * A track's queue of frames.
 */

#include "live_timeline_internal.h"

#include <stdlib.h>
#include <string.h>


int
live_queue_reserve(live_track_t *track, size_t n)
{
    size_t    need;
    uint8_t  *p;

    need = track->size + n;

    if (need < n) {
        return LIVE_ENOMEM;
    }

    if (need <= track->cap) {
        return LIVE_OK;
    }

    need += need / 2 + 65536;

    p = realloc(track->data, need);
    if (p == NULL) {
        return LIVE_ENOMEM;
    }

    track->data = p;
    track->cap = need;

    return LIVE_OK;
}


int
live_queue_push(live_track_t *track, const live_frame_t *frame)
{
    uint32_t       n;
    live_frame_t  *p;

    if (track->nframes == track->frames_cap) {
        n = track->frames_cap ? 2 * track->frames_cap : 64;

        p = realloc(track->frames, n * sizeof(live_frame_t));
        if (p == NULL) {
            return LIVE_ENOMEM;
        }

        track->frames = p;
        track->frames_cap = n;
    }

    track->frames[track->nframes++] = *frame;
    track->size += frame->size;

    return LIVE_OK;
}


void
live_queue_take(live_track_t *track)
{
    track->taken_size += track->frames[track->taken].size;
    track->taken++;
}


void
live_queue_untake(live_track_t *track, int64_t ticks)
{
    while (track->taken && track->frames[track->taken - 1].dts >= ticks) {
        track->taken--;
        track->taken_size -= track->frames[track->taken].size;
        track->frames_in--;
    }
}


/* removes n frames of size bytes that begin at frame i and byte at */

static void
live_queue_remove(live_track_t *track, uint32_t i, size_t at, uint32_t n,
    size_t size)
{
    track->size -= size;
    track->nframes -= n;

    memmove(track->data + at, track->data + at + size, track->size - at);
    memmove(track->frames + i, track->frames + i + n,
            (track->nframes - i) * sizeof(live_frame_t));

    if (track->led > i) {
        track->led = track->led - i > n ? track->led - n : i;
    }
}


void
live_queue_sent(live_track_t *track)
{
    if (track->taken) {
        live_queue_remove(track, 0, 0, track->taken, track->taken_size);
    }

    track->taken = 0;
    track->taken_size = 0;
}


void
live_queue_drop(live_track_t *track, uint32_t n)
{
    size_t    size;
    uint32_t  i;

    for (size = 0, i = 0; i < n; i++) {
        size += track->frames[track->taken + i].size;
    }

    if (n) {
        live_queue_remove(track, track->taken, track->taken_size, n, size);
    }
}


void
live_queue_cut(live_track_t *track)
{
    track->nframes = track->taken;
    track->size = track->taken_size;

    if (track->led > track->taken) {
        track->led = track->taken;
    }
}


void
live_queue_clear(live_track_t *track)
{
    track->taken = 0;
    track->taken_size = 0;

    live_queue_cut(track);
}


void
live_queue_move(live_track_t *track, int64_t ticks)
{
    uint32_t  i;

    for (i = track->taken; i < track->nframes; i++) {
        track->frames[i].dts += ticks;
    }
}
