/*
 * The writer of a publication.
 */

#include "live_store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>


typedef struct {
    int                    fd;          /* of the open segment, -1: none */
    int                    error;       /* errno of what failed last on it */
    uint64_t               offset;      /* bytes in it */
    uint64_t               msn;         /* of the open segment */
    uint32_t               parts;       /* in it */
    uint32_t               filled;      /* of them not gaps */
    uint32_t               held;        /* the last one is not visible yet */
    uint64_t               ticks;       /* of the first segment's parts */
    live_store_segment_t  *segment;     /* open, or NULL */
} live_writer_track_t;


struct live_store_writer_s {
    live_store_t          *store;
    live_index_stream_t   *stream;
    live_index_block_t    *block;
    uint32_t               nblock;      /* its number */
    uint32_t               number;      /* of the stream */
    uint32_t               gen;
    int                    shortened;
    live_writer_track_t    tracks[LIVE_STORE_TRACKS];
};


static int live_store_new_stream(live_store_t *store,
    const live_store_stream_info_t *info, char *err, size_t errlen);
static uint32_t live_store_free_block(live_store_t *store);
static void live_store_recover_blocks(live_store_t *store);
static int live_store_new_block(live_store_t *store, char *err,
    size_t errlen);
static void live_store_epoch(live_store_t *store, char *buf, size_t len);
static int live_store_hold(live_store_writer_t *writer);
static void live_store_let_go(live_store_writer_t *writer);
static int live_store_publish(live_store_writer_t *writer,
    live_index_track_t *track, uint64_t head, uint64_t next);
static void live_store_measure(live_index_track_t *track, uint64_t bytes,
    uint64_t us, int whole);


static char *
live_store_base36(char *p, uint64_t n, int digits)
{
    int   i;
    char  buf[16];

    for (i = 0; (n || i < digits) && i < (int) sizeof(buf); i++) {
        buf[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
        n /= 36;
    }

    while (i) {
        *p++ = buf[--i];
    }

    return p;
}


/* unique for ever: never two alike in this store, and hardly in another */

static void
live_store_epoch(live_store_t *store, char *buf, size_t len)
{
    char      *p;
    uint32_t   r;
    uint64_t   ms, last;

    ms = (uint64_t) live_store_utc() / 1000;
    last = atomic_load(&store->header->last_epoch);
    ms = (last + 1 > ms) ? last + 1 : ms;
    atomic_store(&store->header->last_epoch, ms);

    r = 0;
    (void) !getrandom(&r, sizeof(r), 0);

    memset(buf, 0, len);
    p = live_store_base36(buf, ms, 0);
    (void) live_store_base36(p, r % 1679616, 4);
}


/* the first that no stream has, nblocks + 1 if there is none */

static uint32_t
live_store_free_block(live_store_t *store)
{
    uint32_t  n, have;

    have = atomic_load(&store->header->blocks);

    for (n = 1; n <= have; n++) {
        if (!atomic_load(&live_store_block(store, n)->taken)) {
            break;
        }
    }

    return n;
}


/* blocks of those who died between taking a block and having a stream for it */

static void
live_store_recover_blocks(live_store_t *store)
{
    uint32_t              n, i, k, have, owned;
    live_index_stream_t  *stream;

    have = atomic_load(&store->header->blocks);

    for (n = 1; n <= have; n++) {
        owned = 0;

        for (i = 0; i < store->header->streams; i++) {
            stream = &store->streams[i];

            if (atomic_load(&stream->state) == LIVE_STORE_FREE) {
                continue;
            }

            for (k = 0; k < LIVE_STORE_PUBLICATIONS; k++) {
                owned |= (stream->block[k] == n);
            }
        }

        if (!owned) {
            atomic_store(&live_store_block(store, n)->taken, 0);
        }
    }
}


/* a block with memory behind it; under the table's lock */

static int
live_store_new_block(live_store_t *store, char *err, size_t errlen)
{
    int                  rc;
    off_t                at;
    uint32_t             n, have, gen;
    live_index_block_t  *block;

    have = atomic_load(&store->header->blocks);

    n = live_store_free_block(store);

    if (n > store->nblocks) {
        live_store_recover_blocks(store);
        n = live_store_free_block(store);
    }

    if (n > store->nblocks) {
        snprintf(err, errlen, "all %u publications of the store are in use: "
                 "raise streams= of live_store", store->nblocks);
        return LIVE_ENOSPC;
    }

    block = live_store_block(store, n);

    if (n > have) {
        at = (uint8_t *) block - store->map;
        rc = posix_fallocate(store->fd, at, sizeof(live_index_block_t));

        if (rc != 0) {
            snprintf(err, errlen, "no room for another stream in \"%s\": %s; "
                     "give its file system more room or live_window less",
                     store->path, strerror(rc));
            return LIVE_ENOSPC;
        }

        atomic_store(&store->header->blocks, n);
    }

    /* who was displaced long ago must not find his generation again */

    gen = live_owner_gen(atomic_load(&block->owner));

    memset(block, 0, sizeof(live_index_block_t));
    atomic_store(&block->owner, live_owner(gen, 0));
    atomic_store(&block->taken, 1);

    return (int) n;
}


/* a place for a new stream: a free one, or the oldest that is only a name */

static int
live_store_new_stream(live_store_t *store,
    const live_store_stream_info_t *info, char *err, size_t errlen)
{
    int                   block;
    int64_t               oldest;
    uint32_t              i, n, state;
    uint64_t              bytes, max;
    live_index_stream_t  *stream;

    bytes = atomic_load(&store->header->bytes);
    max = atomic_load(&store->header->bytes_max);

    if (max && bytes >= max) {
        snprintf(err, errlen, "the store holds %llu bytes, its limit is %llu: "
                 "raise size= of live_store", (unsigned long long) bytes,
                 (unsigned long long) max);
        return LIVE_ENOSPC;
    }

    n = store->header->streams;
    oldest = INT64_MAX;

    for (i = 0; i < store->header->streams; i++) {
        state = atomic_load(&store->streams[i].state);

        if (state == LIVE_STORE_FREE) {
            n = i;
            break;
        }

        if (state == LIVE_STORE_GONE
            && atomic_load(&store->streams[i].since_us) < oldest)
        {
            oldest = atomic_load(&store->streams[i].since_us);
            n = i;
        }
    }

    if (n == store->header->streams) {
        snprintf(err, errlen, "all %u streams of the store are in use: raise "
                 "streams= of live_store", store->header->streams);
        return LIVE_ENOSPC;
    }

    block = live_store_new_block(store, err, errlen);
    if (block < 0) {
        return block;
    }

    stream = &store->streams[n];

    /* no work unless one died that was removing it */

    if (atomic_load(&stream->state) == LIVE_STORE_GONE) {
        live_store_drop_stream(store, stream);
    }

    atomic_store(&store->hashes[n], 0);
    atomic_store(&stream->state, LIVE_STORE_FREE);

    memset(stream, 0, sizeof(live_index_stream_t));

    stream->info = *info;
    stream->block[0] = (uint32_t) block;
    live_store_epoch(store, stream->info.epoch, sizeof(stream->info.epoch));

    atomic_store(&stream->starting, UINT32_MAX);
    atomic_store(&stream->since_us, live_store_monotonic());
    atomic_store(&stream->birth,
                 atomic_fetch_add(&store->header->births, 1) + 1);
    atomic_store(&stream->state, LIVE_STORE_WAITING);
    atomic_store_explicit(&store->hashes[n],
                          live_store_hash(info->name, strlen(info->name)),
                          memory_order_release);

    return (int) n;
}


static void
live_store_read_resume(live_index_block_t *block, void *resume, size_t *size)
{
    uint32_t  turn;

    turn = atomic_load(&block->resume_turn) & 1;

    *size = block->resume_size[turn];

    if (*size > LIVE_STORE_RESUME_MAX) {
        *size = 0;
    }

    memcpy(resume, block->resume[turn], *size);
}


static int
live_store_claim_locked(live_store_t *store, live_store_stream_info_t *info,
    live_store_writer_t *writer, char *err, size_t errlen)
{
    int                   n;
    uint32_t              old, state;
    live_index_stream_t  *stream, *ended;

    ended = NULL;

    n = live_store_lookup(store, info->name, strlen(info->name));

    if (n >= 0) {
        stream = &store->streams[n];
        state = atomic_load(&stream->state);

        if (state >= LIVE_STORE_ENDED) {

            /* an ended stream is not taken up again: its playlist said so */

            ended = stream;
            atomic_store(&ended->hidden, 1);
            n = LIVE_AGAIN;
        }
    }

    if (n < 0) {
        n = live_store_new_stream(store, info, err, errlen);

        if (n < 0) {
            if (ended) {
                atomic_store(&ended->hidden, 0);
            }

            return n;
        }
    }

    stream = &store->streams[n];

    writer->stream = stream;
    writer->number = (uint32_t) n;
    writer->nblock = stream->block[0];
    writer->block = live_store_block(store, writer->nblock);

    old = live_store_take(store, stream, writer->nblock, store->slot + 1);
    writer->gen = live_owner_gen(atomic_load(&writer->block->owner));

    *info = stream->info;

    atomic_store(&stream->since_us, live_store_monotonic());
    atomic_store(&stream->state, LIVE_STORE_LIVE);
    (void) atomic_fetch_add(&stream->version, 1);

    if (live_owner_slot(old) && live_owner_slot(old) != store->slot + 1) {
        live_store_ring_worker(store, live_owner_slot(old) - 1,
                               writer->number);
    }

    return LIVE_OK;
}


int
live_store_claim(live_store_t *store, live_store_stream_info_t *info,
    void *resume, size_t *resumed, live_store_writer_t **writerp, char *err,
    size_t errlen)
{
    int                   rc;
    uint32_t              t;
    live_store_writer_t  *writer;

    writer = calloc(1, sizeof(live_store_writer_t));
    if (writer == NULL) {
        snprintf(err, errlen, "out of memory");
        return LIVE_ENOMEM;
    }

    writer->store = store;

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        writer->tracks[t].fd = -1;
    }

    if (live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 1) != LIVE_OK) {
        snprintf(err, errlen, "cannot lock the index: %s", strerror(errno));
        free(writer);
        return LIVE_EIO;
    }

    rc = live_store_claim_locked(store, info, writer, err, errlen);

    if (rc == LIVE_OK) {
        live_store_read_resume(writer->block, resume, resumed);
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);

    if (rc != LIVE_OK) {
        free(writer);
        return rc;
    }

    *writerp = writer;

    return LIVE_OK;
}


uint32_t
live_store_writer_stream(const live_store_writer_t *writer)
{
    return writer->number;
}


int
live_store_owned(const live_store_writer_t *writer)
{
    return atomic_load(&writer->block->owner)
           == live_owner(writer->gen, writer->store->slot + 1);
}


/*
 * All but parts is written under the block's lock: who is displaced must not
 * stand between the look at whose it is and the write, since what he would
 * write over then is the new owner's.  LIVE_OK; LIVE_ELOST: he is not.
 */

static int
live_store_hold(live_store_writer_t *writer)
{
    live_store_lock(writer->store, LIVE_STORE_LOCK_BLOCK + writer->nblock,
                    F_WRLCK, 1);

    if (live_store_owned(writer)) {
        return LIVE_OK;
    }

    live_store_let_go(writer);

    return LIVE_ELOST;
}


static void
live_store_let_go(live_store_writer_t *writer)
{
    live_store_lock(writer->store, LIVE_STORE_LOCK_BLOCK + writer->nblock,
                    F_UNLCK, 0);
}


int
live_store_writer_end(live_store_writer_t *writer, uint64_t *msn,
    uint32_t *discontinuity, int64_t *end_us, int64_t *end_pdt_us,
    int64_t *visible_us)
{
    int                    rc;
    int64_t                us;
    uint32_t               t;
    live_store_part_t      part;
    live_index_track_t    *track;
    live_store_segment_t  *segment;

    rc = LIVE_AGAIN;

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        track = &writer->block->tracks[t];

        if (!atomic_load(&track->used)
            || live_store_last(track, NULL, &part) != LIVE_OK)
        {
            continue;
        }

        segment = &track->segments[part.msn % LIVE_STORE_SEGMENTS];
        us = (int64_t) live_store_us(segment->start + segment->duration,
                                     segment->timescale);

        if (rc == LIVE_AGAIN || us > *end_us) {
            *end_us = us;
            *end_pdt_us = segment->pdt_us
                          + (int64_t) live_store_us(segment->duration,
                                                    segment->timescale);
            *visible_us = part.visible_us;
        }

        if (rc == LIVE_AGAIN || part.msn > *msn) {
            *msn = part.msn;
            *discontinuity = segment->discontinuity;
        }

        rc = LIVE_OK;
    }

    return rc;
}


void
live_store_start(live_store_writer_t *writer, uint32_t tracks)
{
    if (atomic_load(&writer->stream->starting) == UINT32_MAX) {
        atomic_store(&writer->stream->starting, tracks);
    }
}


int
live_store_write_init(live_store_writer_t *writer, uint32_t t, uint32_t init,
    const live_codec_config_t *config, const uint8_t *p, size_t n)
{
    int                       fd, rc;
    ssize_t                   w;
    live_index_track_t       *track;
    live_store_track_info_t  *info;

    track = &writer->block->tracks[t];
    info = &track->info;

    if (live_store_hold(writer) != LIVE_OK) {
        return LIVE_ELOST;
    }

    atomic_fetch_add(&track->info_turn,
                     (atomic_load(&track->info_turn) & 1) ? 2 : 1);

    snprintf(info->id, sizeof(info->id), "%s",
             config->media == LIVE_VIDEO ? "v" : "a");
    snprintf(info->rfc6381, sizeof(info->rfc6381), "%s", config->rfc6381);
    info->media = (uint8_t) config->media;
    info->announced = 1;
    info->width = config->width;
    info->height = config->height;
    info->channels = config->channels;
    info->timescale = config->timescale;
    info->sample_rate = config->sample_rate;

    if (config->media == LIVE_VIDEO && info->fps_milli == 0) {
        info->fps_milli = config->fps_milli;
    }

    atomic_fetch_add(&track->info_turn, 1);

    /* before the file is made, so that whoever removes the stream finds it */

    if (atomic_load(&track->init_floor) == 0) {
        atomic_store(&track->init_floor, init);
    }

    atomic_store(&track->init_last, init);

    fd = live_store_file_create(writer->store, writer->stream->info.name,
                                info->id, writer->stream->info.epoch, 0, init);

    w = (fd == -1) ? -1 : write(fd, p, n);
    rc = (w == (ssize_t) n) ? LIVE_OK : LIVE_EIO;

    if (fd != -1) {
        close(fd);
    }

    live_store_let_go(writer);

    return rc;
}


int
live_store_write_segment(live_store_writer_t *writer, uint32_t t,
    const live_store_segment_t *in)
{
    live_store_part_t      last;
    live_index_track_t    *track;
    live_writer_track_t   *wt;
    live_store_segment_t  *segment;

    track = &writer->block->tracks[t];
    wt = &writer->tracks[t];

    if (live_store_hold(writer) != LIVE_OK) {
        return LIVE_ELOST;
    }

    if (wt->fd != -1) {
        close(wt->fd);
    }

    /*
     * The playlist begins with the first segment that has a part: a writer before
     * us may have gone when it had opened one only.  All of it is said before
     * the file is made, so that whoever removes the stream finds the file.
     */

    if (live_store_last(track, NULL, &last) != LIVE_OK) {

        if (atomic_load(&track->used)
            && atomic_load(&track->floor_msn) != in->msn)
        {
            live_store_drop_segment(writer->store, &writer->stream->info,
                                    writer->block, track,
                                    atomic_load(&track->floor_msn));
        }

        atomic_store(&track->first_msn, in->msn);
        atomic_store(&track->floor_msn, in->msn);
        atomic_store(&track->used, 1);
    }

    segment = &track->segments[in->msn % LIVE_STORE_SEGMENTS];

    *segment = *in;
    segment->timescale = track->info.timescale;
    segment->first_part = live_head_parts(atomic_load(&track->head));
    segment->parts = 0;
    segment->duration = 0;
    segment->size = 0;
    segment->flags &= ~(uint32_t) (LIVE_SEGMENT_CLOSED|LIVE_SEGMENT_GAP);

    wt->segment = segment;
    wt->msn = in->msn;
    wt->offset = 0;
    wt->parts = 0;
    wt->filled = 0;
    wt->held = 0;
    wt->ticks = 0;

    wt->fd = live_store_file_create(writer->store, writer->stream->info.name,
                                    track->info.id, writer->stream->info.epoch,
                                    in->msn, 0);
    wt->error = (wt->fd == -1) ? errno : 0;

    live_store_let_go(writer);

    return LIVE_OK;
}


/*
 * Moves the head that the writer found on, unless it was displaced since: then
 * it is another's.
 */

static int
live_store_publish(live_store_writer_t *writer, live_index_track_t *track,
    uint64_t head, uint64_t next)
{
    if (!atomic_compare_exchange_strong(&track->head, &head, next)) {
        return LIVE_ELOST;
    }

    (void) atomic_fetch_add(&writer->stream->version, 1);

    return LIVE_OK;
}


/* all or nothing: a short write is taken back */

static int
live_store_append(live_writer_track_t *wt, const uint8_t *head, size_t nhead,
    const uint8_t *body, size_t nbody)
{
    ssize_t       n;
    size_t        done;
    struct iovec  iov[2];

    if (wt->fd == -1) {
        errno = wt->error;
        return LIVE_ENOSPC;
    }

    done = 0;

    while (done < nhead + nbody) {

        if (done < nhead) {
            iov[0].iov_base = (void *) (head + done);
            iov[0].iov_len = nhead - done;
            iov[1].iov_base = (void *) body;
            iov[1].iov_len = nbody;
            n = writev(wt->fd, iov, 2);

        } else {
            n = write(wt->fd, body + (done - nhead), nhead + nbody - done);
        }

        if (n <= 0) {
            if (n == -1 && errno == EINTR) {
                continue;
            }

            wt->error = errno;

            /* nobody reads behind the size of the last visible part */

            if (done && ftruncate(wt->fd, (off_t) wt->offset) == -1) {
                close(wt->fd);
                wt->fd = -1;
            }

            errno = wt->error;

            return LIVE_ENOSPC;
        }

        done += (size_t) n;
    }

    return LIVE_OK;
}


int
live_store_write_part(live_store_writer_t *writer, uint32_t t,
    const live_store_part_t *in, const uint8_t *head, size_t nhead,
    const uint8_t *body, size_t nbody)
{
    int                   rc;
    uint64_t              at, n, max;
    live_store_part_t     part;
    live_index_track_t   *track;
    live_writer_track_t  *wt;

    track = &writer->block->tracks[t];
    wt = &writer->tracks[t];

    /*
     * One look says whose the track is and which slot is the next: between two
     * looks another may take it, and the slot be his.
     */

    at = atomic_load(&track->head);

    if (live_head_gen(at) != writer->gen || (at & LIVE_HEAD_TAKEN)
        || !live_store_owned(writer) || wt->segment == NULL)
    {
        return LIVE_ELOST;
    }

    n = live_head_parts(at);

    part = *in;
    part.msn = wt->msn;
    part.offset = wt->offset;
    part.size = 0;

    rc = LIVE_OK;

    if (!(in->flags & LIVE_PART_GAP)) {

        max = atomic_load(&writer->store->header->bytes_max);

        if (max && atomic_load(&writer->store->header->bytes) > max) {
            errno = 0;
            rc = LIVE_ENOSPC;

        } else {
            rc = live_store_append(wt, head, nhead, body, nbody);
        }

        if (rc == LIVE_OK) {
            part.size = (uint32_t) (nhead + nbody);
            wt->offset += part.size;
            wt->filled++;
            (void) atomic_fetch_add(&writer->block->bytes, part.size);
            (void) atomic_fetch_add(&writer->store->header->bytes, part.size);

        } else {
            part.flags |= LIVE_PART_GAP;
            part.flags &= ~(uint32_t) LIVE_PART_INDEPENDENT;
        }
    }

    part.flags = (part.flags & 0xffff & ~(uint32_t) LIVE_PART_ENDS)
                 | writer->gen << 16;
    part.visible_us = live_store_monotonic();

    /*
     * At once, with its generation: if the slot has been given up meanwhile, it
     * must not look as if another had written the part before it.
     */

    track->parts[n % LIVE_STORE_PARTS] = part;

    wt->parts++;

    if (in->flags & LIVE_PART_ENDS) {
        wt->held = 1;
        return rc;
    }

    if (live_store_publish(writer, track, at,
                           live_head(writer->gen, 0, n + 1))
        != LIVE_OK)
    {
        return LIVE_ELOST;
    }

    /* who sees that every track has come must find it */

    (void) atomic_fetch_and(&writer->stream->starting, ~(1u << t));

    if (track->us == 0) {
        wt->ticks += in->duration;
        live_store_measure(track, wt->offset,
                           live_store_us(wt->ticks, wt->segment->timescale),
                           0);
    }

    return rc;
}


/*
 * Bits per second: of the heaviest whole segment, and over all of them; of the
 * first parts while there is no more.
 */

static void
live_store_measure(live_index_track_t *track, uint64_t bytes, uint64_t us,
    int whole)
{
    uint64_t  bits;

    if (us == 0) {
        return;
    }

    bits = bytes * 8000000 / us;
    bits = bits > UINT32_MAX ? UINT32_MAX : bits;

    if (!whole) {
        track->info.bits_peak = (uint32_t) bits;
        track->info.bits_average = (uint32_t) bits;
        return;
    }

    if (track->us == 0) {
        track->info.bits_peak = 0;
    }

    track->bytes += bytes;
    track->us += us;

    /* a short segment says little about the rate a player must sustain */

    if ((bits > track->info.bits_peak && us >= 500000)
        || track->info.bits_peak == 0)
    {
        track->info.bits_peak = (uint32_t) bits;
    }

    /* bytes of years, so not in one product */

    bits = track->bytes / track->us * 8000000
           + track->bytes % track->us * 8000000 / track->us;

    track->info.bits_average = bits > UINT32_MAX ? UINT32_MAX
                                                 : (uint32_t) bits;
}


static int
live_store_end_locked(live_store_writer_t *writer, uint32_t t,
    uint64_t duration, uint32_t flags)
{
    uint64_t               head;
    live_index_track_t    *track;
    live_writer_track_t   *wt;
    live_store_segment_t  *segment;

    track = &writer->block->tracks[t];
    wt = &writer->tracks[t];
    segment = wt->segment;

    segment->parts = wt->parts;
    segment->duration = duration;
    segment->size = wt->offset;
    segment->flags = flags | LIVE_SEGMENT_CLOSED
                     | (wt->filled ? 0 : LIVE_SEGMENT_GAP);

    if (wt->fd != -1) {
        close(wt->fd);
        wt->fd = -1;
    }

    wt->segment = NULL;

    if (wt->parts == 0) {
        return LIVE_OK;
    }

    /* and the last part with it */

    head = atomic_load(&track->head);

    if (live_store_publish(writer, track, head,
                           live_head(writer->gen, 1,
                                     live_head_parts(head) + wt->held))
        != LIVE_OK)
    {
        return LIVE_ELOST;
    }

    (void) atomic_fetch_and(&writer->stream->starting, ~(1u << t));

    live_store_measure(track, segment->size,
                       live_store_us(duration, segment->timescale), 1);

    if (live_store_expire(writer->store, &writer->stream->info, writer->block,
                          track))
    {
        writer->shortened = 1;
    }

    return LIVE_OK;
}


int
live_store_write_end(live_store_writer_t *writer, uint32_t t,
    uint64_t duration, uint32_t flags)
{
    int  rc;

    if (writer->tracks[t].segment == NULL
        || live_store_hold(writer) != LIVE_OK)
    {
        return LIVE_ELOST;
    }

    rc = live_store_end_locked(writer, t, duration, flags);

    live_store_let_go(writer);

    return rc;
}


int
live_store_shortened(const live_store_writer_t *writer)
{
    return writer->shortened;
}


void
live_store_write_fps(live_store_writer_t *writer, uint32_t fps_milli)
{
    writer->block->tracks[LIVE_VIDEO].info.fps_milli = fps_milli;
}


void
live_store_write_resume(live_store_writer_t *writer, const void *p, size_t n)
{
    uint32_t  turn;

    if (n > LIVE_STORE_RESUME_MAX || live_store_hold(writer) != LIVE_OK) {
        return;
    }

    turn = atomic_load(&writer->block->resume_turn) + 1;

    memcpy(writer->block->resume[turn & 1], p, n);
    writer->block->resume_size[turn & 1] = (uint32_t) n;

    atomic_store(&writer->block->resume_turn, turn);

    live_store_let_go(writer);
}


void
live_store_release(live_store_writer_t *writer, int64_t mono_us)
{
    uint32_t       t;
    live_store_t  *store;

    store = writer->store;

    for (t = 0; t < LIVE_STORE_TRACKS; t++) {
        if (writer->tracks[t].fd != -1) {
            close(writer->tracks[t].fd);
        }
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 1);

    if (live_store_owned(writer)) {
        (void) live_store_take(store, writer->stream, writer->nblock, 0);
        atomic_store(&writer->stream->since_us, mono_us);
        atomic_store(&writer->stream->state, LIVE_STORE_WAITING);
        (void) atomic_fetch_add(&writer->stream->version, 1);
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);

    free(writer);
}
