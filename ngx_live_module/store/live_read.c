/*
 * Readers: copies that are whole, without a lock.
 */

#include "live_store_internal.h"

#include <stdio.h>


#define LIVE_STORE_TRIES  100


static live_index_track_t *live_store_get_track(live_store_t *store,
    live_index_stream_t *stream, int n);
static int live_store_still(live_store_t *store, live_store_ref_t ref, int n,
    const live_index_track_t *track);
static void live_store_copy_info(const live_index_track_t *track,
    live_store_track_info_t *info);
static int live_store_copy(const live_index_track_t *track,
    live_store_snapshot_t *snapshot);
static void live_store_edge_of(live_index_stream_t *stream,
    const live_index_track_t *track, live_store_edge_t *edge);


uint32_t
live_store_segments(void)
{
    return LIVE_STORE_SEGMENTS;
}


/* a stream's tracks are numbered publication by publication */

static live_index_track_t *
live_store_get_track(live_store_t *store, live_index_stream_t *stream, int n)
{
    uint32_t             block;
    live_index_track_t  *track;

    block = stream->block[n / LIVE_STORE_TRACKS];

    if (block == 0 || block > store->nblocks) {
        return NULL;
    }

    track = &live_store_block(store, block)->tracks[n % LIVE_STORE_TRACKS];

    return atomic_load(&track->used) ? track : NULL;
}


/*
 * 1 if the track that was read was this stream's all the time: the memory of
 * one that has gone may be another's before its place is.
 */

static int
live_store_still(live_store_t *store, live_store_ref_t ref, int n,
    const live_index_track_t *track)
{
    live_index_stream_t  *stream;

    atomic_thread_fence(memory_order_acquire);

    stream = live_store_get(store, ref);

    return stream && live_store_get_track(store, stream, n) == track
           && live_store_get(store, ref);
}


/*
 * The newest part that is visible and not void, with its writer's generation
 * taken off its flags.  The slot before a change of generation is void: a
 * displaced writer may have scribbled on it.
 */

int
live_store_last(const live_index_track_t *track, uint64_t *headp,
    live_store_part_t *part)
{
    uint64_t  head, n;
    uint32_t  gen;

    head = atomic_load_explicit(&track->head, memory_order_acquire);

    if (headp) {
        *headp = head;
    }

    gen = live_head_gen(head);
    n = live_head_parts(head);

    while (n > 0) {
        *part = track->parts[(n - 1) % LIVE_STORE_PARTS];

        if (live_part_gen(part->flags) == gen && part->msn != UINT64_MAX) {
            part->flags &= 0xffff;
            return LIVE_OK;
        }

        gen = live_part_gen(part->flags);
        n--;

        if (live_head_parts(head) - n >= LIVE_STORE_PARTS) {
            break;
        }
    }

    return LIVE_AGAIN;
}


int
live_store_find(live_store_t *store, const char *name, size_t len,
    live_store_ref_t *ref, live_store_state_e *state)
{
    int                   n;
    live_index_stream_t  *stream;

    n = live_store_lookup(store, name, len);
    if (n < 0) {
        return LIVE_AGAIN;
    }

    stream = &store->streams[n];

    ref->stream = (uint32_t) n;
    ref->birth = atomic_load(&stream->birth);
    *state = atomic_load(&stream->state);

    /* its place may have become another's since the name was compared */

    if (*state == LIVE_STORE_FREE || memcmp(stream->info.name, name, len) != 0
        || stream->info.name[len] != '\0'
        || atomic_load(&stream->birth) != ref->birth)
    {
        return LIVE_AGAIN;
    }

    return LIVE_OK;
}


live_store_state_e
live_store_state(live_store_t *store, live_store_ref_t ref)
{
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    return stream ? atomic_load(&stream->state) : LIVE_STORE_FREE;
}


int
live_store_info(live_store_t *store, live_store_ref_t ref,
    live_store_stream_info_t *info)
{
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL) {
        return LIVE_AGAIN;
    }

    *info = stream->info;

    return live_store_get(store, ref) ? LIVE_OK : LIVE_AGAIN;
}


int
live_store_starting(live_store_t *store, live_store_ref_t ref)
{
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    return stream && atomic_load(&stream->starting) != 0
           && atomic_load(&stream->state) < LIVE_STORE_ENDED;
}


uint64_t
live_store_version(live_store_t *store, live_store_ref_t ref)
{
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    return stream ? atomic_load(&stream->version) + 1 : 0;
}


int
live_store_check_epoch(live_store_t *store, live_store_ref_t ref,
    const char *epoch, size_t len)
{
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL || len >= sizeof(stream->info.epoch)
        || memcmp(stream->info.epoch, epoch, len) != 0
        || stream->info.epoch[len] != '\0')
    {
        return LIVE_EINVAL;
    }

    return LIVE_OK;
}


int
live_store_track(live_store_t *store, live_store_ref_t ref, const char *id,
    size_t len)
{
    int                   i;
    live_index_track_t   *track;
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL || len == 0 || len >= sizeof(track->info.id)) {
        return LIVE_AGAIN;
    }

    for (i = 0; i < LIVE_STORE_PUBLICATIONS * LIVE_STORE_TRACKS; i++) {
        track = live_store_get_track(store, stream, i);

        if (track && memcmp(track->info.id, id, len) == 0
            && track->info.id[len] == '\0')
        {
            return i;
        }
    }

    return LIVE_AGAIN;
}


static void
live_store_edge_of(live_index_stream_t *stream,
    const live_index_track_t *track, live_store_edge_t *edge)
{
    uint64_t           head;
    live_store_part_t  part;

    memset(edge, 0, sizeof(live_store_edge_t));

    /* the state first: an end must not be seen before the last part */

    edge->ended = atomic_load(&stream->state) >= LIVE_STORE_ENDED;

    if (live_store_last(track, &head, &part) == LIVE_OK) {
        edge->any = 1;
        edge->closed = (uint8_t) live_head_closed(head);
        edge->msn = part.msn;
        edge->part = part.index;
    }
}


int
live_store_edge(live_store_t *store, live_store_ref_t ref, int n,
    live_store_edge_t *edge)
{
    live_index_track_t   *track;
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL
        || (track = live_store_get_track(store, stream, n)) == NULL)
    {
        return LIVE_AGAIN;
    }

    live_store_edge_of(stream, track, edge);

    return live_store_still(store, ref, n, track) ? LIVE_OK : LIVE_AGAIN;
}


static void
live_store_copy_info(const live_index_track_t *track,
    live_store_track_info_t *info)
{
    uint32_t  turn, i;

    for (i = 0; i < LIVE_STORE_TRIES; i++) {

        turn = atomic_load_explicit(&track->info_turn, memory_order_acquire);
        *info = track->info;
        atomic_thread_fence(memory_order_acquire);

        if (!(turn & 1) && atomic_load(&track->info_turn) == turn) {
            break;
        }
    }

    /* its writer may have died over it: at least it is terminated */

    info->id[sizeof(info->id) - 1] = '\0';
    info->rfc6381[sizeof(info->rfc6381) - 1] = '\0';
}


/* copies segments and parts; LIVE_AGAIN: overtaken by the writer, try again */

static int
live_store_copy(const live_index_track_t *track,
    live_store_snapshot_t *snapshot)
{
    uint64_t               head, first, last, msn, n, from, to;
    uint32_t               gen;
    live_store_part_t      part, next;
    live_store_segment_t  *segment;

    first = atomic_load(&track->first_msn);

    if (live_store_last(track, &head, &part) != LIVE_OK) {
        return LIVE_EINVAL;
    }

    last = part.msn;
    to = live_head_parts(head);

    if (last < first || last - first >= LIVE_STORE_SEGMENTS - 1) {
        return LIVE_AGAIN;
    }

    snapshot->nsegments = 0;
    from = to;

    for (msn = first; msn <= last; msn++) {
        segment = &snapshot->segments[snapshot->nsegments];
        *segment = track->segments[msn % LIVE_STORE_SEGMENTS];

        if (segment->msn != msn) {
            return LIVE_AGAIN;
        }

        snapshot->nsegments++;
    }

    segment = &snapshot->segments[snapshot->nsegments - 1];

    if (live_head_closed(head)) {

        /* it is just being sealed */

        if (!(segment->flags & LIVE_SEGMENT_CLOSED)) {
            return LIVE_AGAIN;
        }

    } else {
        segment->flags &= ~(uint32_t) LIVE_SEGMENT_CLOSED;
        segment->duration = 0;
    }

    /* as many parts as the ring still has, of the segments above */

    from = snapshot->segments[0].first_part;

    if (to - from > LIVE_STORE_PARTS - 2) {
        from = to - (LIVE_STORE_PARTS - 2);
    }

    snapshot->nparts = 0;
    gen = live_head_gen(head);

    if (from < to) {
        part = track->parts[from % LIVE_STORE_PARTS];
    }

    for (n = from; n < to; n++) {
        if (n + 1 < to) {
            next = track->parts[(n + 1) % LIVE_STORE_PARTS];

        } else {
            next.flags = gen << 16;
        }

        if (live_part_gen(part.flags) == live_part_gen(next.flags)
            && part.msn != UINT64_MAX)
        {
            part.flags &= 0xffff;
            snapshot->parts[snapshot->nparts++] = part;
        }

        part = next;
    }

    atomic_thread_fence(memory_order_acquire);

    head = atomic_load(&track->head);

    if (live_head_parts(head) - from >= LIVE_STORE_PARTS
        || live_store_last(track, NULL, &part) != LIVE_OK
        || part.msn + 1 - first >= LIVE_STORE_SEGMENTS)
    {
        return LIVE_AGAIN;
    }

    snapshot->edge.any = 1;
    snapshot->edge.closed = segment->flags & LIVE_SEGMENT_CLOSED ? 1 : 0;
    snapshot->edge.msn = last;
    snapshot->edge.part = snapshot->nparts
                          ? snapshot->parts[snapshot->nparts - 1].index : 0;

    return LIVE_OK;
}


int
live_store_snapshot(live_store_t *store, live_store_ref_t ref, int n,
    live_store_snapshot_t *snapshot)
{
    int                   i, rc;
    live_store_edge_t     edge;
    live_index_track_t   *track, *other;
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL
        || (track = live_store_get_track(store, stream, n)) == NULL)
    {
        return LIVE_AGAIN;
    }

    snapshot->stream = stream->info;
    live_store_copy_info(track, &snapshot->track);

    memset(&snapshot->edge, 0, sizeof(live_store_edge_t));

    snapshot->edge.ended = atomic_load(&stream->state) >= LIVE_STORE_ENDED;

    rc = LIVE_AGAIN;

    for (i = 0; i < LIVE_STORE_TRIES && rc == LIVE_AGAIN; i++) {
        rc = live_store_copy(track, snapshot);
    }

    if (rc != LIVE_OK) {
        return LIVE_AGAIN;
    }

    snapshot->nothers = 0;

    for (i = 0; i < LIVE_STORE_PUBLICATIONS * LIVE_STORE_TRACKS; i++) {

        other = live_store_get_track(store, stream, i);

        if (other == NULL || other == track) {
            continue;
        }

        live_store_edge_of(stream, other, &edge);

        if (edge.any) {
            memcpy(snapshot->others[snapshot->nothers].id, other->info.id,
                   sizeof(other->info.id));
            snapshot->others[snapshot->nothers++].edge = edge;
        }
    }

    return live_store_still(store, ref, n, track) ? LIVE_OK : LIVE_AGAIN;
}


int
live_store_stream(live_store_t *store, live_store_ref_t ref,
    live_store_stream_t *out)
{
    int                   i;
    live_store_edge_t     edge;
    live_index_track_t   *track;
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL || atomic_load(&stream->starting)) {
        return LIVE_AGAIN;
    }

    out->stream = stream->info;
    out->ntracks = 0;

    for (i = 0; i < LIVE_STORE_PUBLICATIONS * LIVE_STORE_TRACKS; i++) {

        track = live_store_get_track(store, stream, i);
        if (track == NULL) {
            continue;
        }

        live_store_edge_of(stream, track, &edge);

        if (edge.any) {
            live_store_copy_info(track, &out->tracks[out->ntracks]);
            out->ntracks++;
        }
    }

    if (out->ntracks == 0 || live_store_get(store, ref) == NULL
        || atomic_load(&stream->state) == LIVE_STORE_GONE)
    {
        return LIVE_AGAIN;
    }

    return LIVE_OK;
}


int
live_store_find_part(live_store_t *store, live_store_ref_t ref, int n,
    uint64_t msn, uint32_t index, live_store_part_t *part)
{
    uint64_t               head, k, to;
    uint32_t               gen;
    live_store_part_t      last;
    live_index_track_t    *track;
    live_index_stream_t   *stream;
    live_store_segment_t   segment;

    stream = live_store_get(store, ref);

    if (stream == NULL
        || (track = live_store_get_track(store, stream, n)) == NULL)
    {
        return LIVE_EINVAL;
    }

    if (live_store_last(track, &head, &last) != LIVE_OK) {
        return msn == atomic_load(&track->first_msn) && index == 0
               ? LIVE_AGAIN : LIVE_EINVAL;
    }

    if (msn > last.msn || (msn == last.msn && index > last.index)) {

        if (atomic_load(&stream->state) >= LIVE_STORE_ENDED) {
            return LIVE_EINVAL;
        }

        if (live_head_closed(head)) {
            return msn == last.msn + 1 && index == 0 ? LIVE_AGAIN
                                                     : LIVE_EINVAL;
        }

        /* the open segment's next part, or the first of the next segment */

        return (msn == last.msn && index == last.index + 1)
               || (msn == last.msn + 1 && index == 0)
               ? LIVE_AGAIN : LIVE_EINVAL;
    }

    if (msn < atomic_load(&track->floor_msn)) {
        return LIVE_ELOST;
    }

    segment = track->segments[msn % LIVE_STORE_SEGMENTS];

    if (segment.msn != msn) {
        return LIVE_ELOST;
    }

    to = live_head_parts(head);
    k = segment.first_part + index;

    if (k >= to || to - k >= LIVE_STORE_PARTS - 1) {
        return k >= to ? LIVE_EINVAL : LIVE_ELOST;
    }

    *part = track->parts[k % LIVE_STORE_PARTS];
    gen = (k + 1 < to)
          ? live_part_gen(track->parts[(k + 1) % LIVE_STORE_PARTS].flags)
          : live_head_gen(head);

    atomic_thread_fence(memory_order_acquire);

    if (live_head_parts(atomic_load(&track->head)) - k >= LIVE_STORE_PARTS) {
        return LIVE_ELOST;
    }

    if (part->msn != msn || part->index != index
        || live_part_gen(part->flags) != gen)
    {
        return LIVE_EINVAL;
    }

    part->flags &= 0xffff;

    if ((part->flags & LIVE_PART_GAP)
        || !live_store_still(store, ref, n, track))
    {
        return LIVE_ELOST;
    }

    return LIVE_OK;
}


int
live_store_find_segment(live_store_t *store, live_store_ref_t ref, int n,
    uint64_t msn, live_store_segment_t *segment)
{
    uint64_t              head;
    live_store_part_t     last;
    live_index_track_t   *track;
    live_index_stream_t  *stream;

    stream = live_store_get(store, ref);

    if (stream == NULL
        || (track = live_store_get_track(store, stream, n)) == NULL
        || live_store_last(track, &head, &last) != LIVE_OK
        || msn > last.msn)
    {
        return LIVE_EINVAL;
    }

    if (msn == last.msn && !live_head_closed(head)) {
        return LIVE_AGAIN;
    }

    *segment = track->segments[msn % LIVE_STORE_SEGMENTS];

    if (msn < atomic_load(&track->floor_msn) || segment->msn != msn
        || (segment->flags & LIVE_SEGMENT_GAP)
        || !live_store_still(store, ref, n, track))
    {
        return LIVE_ELOST;
    }

    return LIVE_OK;
}
