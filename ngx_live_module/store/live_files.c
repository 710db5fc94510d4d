/*
 * Segment files: named, made, expired, swept.
 */

#include "live_store_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>


static void live_store_sweep_files(int parent, const char *name);
static uint64_t live_store_ring_segment(const live_index_track_t *track,
    uint64_t msn, live_store_segment_t **segment);


long
live_store_file(const live_store_t *store, const char *stream,
    const char *track, const char *epoch, uint64_t msn, uint32_t init,
    char *buf, size_t cap)
{
    int  n;

    if (init) {
        n = snprintf(buf, cap, "%s/%s/%s/%s-init%u.mp4", store->path, stream,
                     track, epoch, init);

    } else {
        n = snprintf(buf, cap, "%s/%s/%s/%s-%llu.m4s", store->path, stream,
                     track, epoch, (unsigned long long) msn);
    }

    return (n < 0 || (size_t) n >= cap) ? LIVE_ENOSPC : n;
}


/* a new file, its directories made on the way; -1 and errno */

int
live_store_file_create(const live_store_t *store, const char *stream,
    const char *track, const char *epoch, uint64_t msn, uint32_t init)
{
    int   fd, flags, tries;
    char  path[PATH_MAX];

    if (live_store_file(store, stream, track, epoch, msn, init, path,
                        sizeof(path)) < 0)
    {
        errno = ENAMETOOLONG;
        return -1;
    }

    flags = O_WRONLY|O_CREAT|O_EXCL|O_APPEND|O_CLOEXEC|O_NOFOLLOW;

    fd = open(path, flags, 0600);

    /* a file of its own: a writer who was displaced may append to the old one */

    if (fd == -1 && errno == EEXIST) {
        (void) unlink(path);
        fd = open(path, flags, 0600);
    }

    /* again and again: an older stream of this name may just be removed */

    for (tries = 0; fd == -1 && errno == ENOENT && tries < 10; tries++) {

        (void) snprintf(path, sizeof(path), "%s/%s", store->path, stream);

        if (mkdir(path, 0700) == -1 && errno != EEXIST) {
            return -1;
        }

        (void) snprintf(path, sizeof(path), "%s/%s/%s", store->path, stream,
                        track);

        if (mkdir(path, 0700) == -1 && errno != EEXIST && errno != ENOENT) {
            return -1;
        }

        (void) live_store_file(store, stream, track, epoch, msn, init, path,
                               sizeof(path));
        fd = open(path, flags, 0600);
    }

    return fd;
}


static uint64_t
live_store_ring_segment(const live_index_track_t *track, uint64_t msn,
    live_store_segment_t **segment)
{
    *segment = (live_store_segment_t *)
                                 &track->segments[msn % LIVE_STORE_SEGMENTS];

    return (*segment)->msn == msn ? (*segment)->duration : 0;
}


void
live_store_drop_segment(live_store_t *store,
    const live_store_stream_info_t *info, live_index_block_t *block,
    live_index_track_t *track, uint64_t msn)
{
    char                   path[PATH_MAX];
    uint64_t               size;
    live_store_segment_t  *segment;

    (void) live_store_ring_segment(track, msn, &segment);

    size = segment->msn == msn ? segment->size : 0;

    if (live_store_file(store, info->name, track->info.id, info->epoch, msn, 0,
                        path, sizeof(path)) > 0)
    {
        (void) unlink(path);
    }

    (void) atomic_fetch_sub(&block->bytes, size);
    (void) atomic_fetch_sub(&store->header->bytes, size);
}


/* init segments that no segment from the floor on refers to */

static void
live_store_drop_inits(live_store_t *store,
    const live_store_stream_info_t *info, live_index_track_t *track,
    uint32_t keep)
{
    char      path[PATH_MAX];
    uint32_t  init;

    for (init = atomic_load(&track->init_floor); init && init < keep; init++) {

        if (live_store_file(store, info->name, track->info.id, info->epoch, 0,
                            init, path, sizeof(path)) > 0)
        {
            (void) unlink(path);
        }

        atomic_store(&track->init_floor, init + 1);
    }
}


/*
 * The playlist keeps the newest closed segments that fill the window; files stay
 * for as long again.  Called with the last segment closed.  1: the stream's limit
 * of bytes, not its window, was what counted.
 */

int
live_store_expire(live_store_t *store, const live_store_stream_info_t *info,
    live_index_block_t *block, live_index_track_t *track)
{
    int                    full;
    uint64_t               msn, last, first, floor, ticks, us, window, listed;
    live_store_part_t      part;
    live_store_segment_t  *segment;

    if (live_store_last(track, NULL, &part) != LIVE_OK) {
        return 0;
    }

    full = 0;
    last = part.msn;
    first = atomic_load(&track->first_msn);
    floor = atomic_load(&track->floor_msn);
    window = (uint64_t) info->window_us;

    us = 0;
    listed = 0;

    for (msn = last; msn > floor; msn--) {
        ticks = live_store_ring_segment(track, msn, &segment);
        us += live_store_us(ticks, segment->timescale);

        if (listed == 0 && us >= window && last - msn >= 2) {
            listed = msn;
        }

        if (us >= 2 * window) {
            break;
        }
    }

    /* over its share of bytes: files behind the playlist go, then the window */

    if (info->bytes_max && atomic_load(&block->bytes) > info->bytes_max) {
        msn = (first > floor) ? first : floor + 1;

        if (last >= msn + 3) {
            full = (msn > first && msn > listed);
            listed = (msn > listed) ? msn : listed;

        } else {
            msn = floor;
        }
    }

    if (last - msn >= LIVE_STORE_SEGMENTS - 2) {
        msn = last - (LIVE_STORE_SEGMENTS - 2);
    }

    if (listed < msn) {
        listed = msn;
    }

    if (listed > first) {
        atomic_store(&track->first_msn, listed);
    }

    for ( /* void */ ; floor < msn; floor++) {
        live_store_drop_segment(store, info, block, track, floor);
        atomic_store(&track->floor_msn, floor + 1);
    }

    (void) live_store_ring_segment(track, floor, &segment);

    if (segment->msn == floor) {
        live_store_drop_inits(store, info, track, segment->init);
    }

    return full;
}


/*
 * Everything of a stream; under the table's lock.  May be done again, or by
 * another: who did it first may have died over it.
 */

void
live_store_drop_stream(live_store_t *store, live_index_stream_t *stream)
{
    char                 path[PATH_MAX];
    uint32_t             i, t;
    uint64_t             msn, last;
    live_store_part_t    part;
    live_index_block_t  *block;
    live_index_track_t  *track;

    for (i = 0; i < LIVE_STORE_PUBLICATIONS; i++) {

        if (stream->block[i] == 0) {
            continue;
        }

        block = live_store_block(store, stream->block[i]);

        for (t = 0; t < LIVE_STORE_TRACKS; t++) {
            track = &block->tracks[t];

            if (!atomic_load(&track->used) && !atomic_load(&track->init_last))
            {
                continue;
            }

            /* and the one that was opened and never got a part */

            msn = atomic_load(&track->floor_msn);
            last = msn;

            if (live_store_last(track, NULL, &part) == LIVE_OK) {
                last = part.msn + 1;
            }

            for ( /* void */ ; msn <= last; msn++) {
                live_store_drop_segment(store, &stream->info, block, track,
                                        msn);
                atomic_store(&track->floor_msn, msn + 1);
            }

            live_store_drop_inits(store, &stream->info, track,
                                  atomic_load(&track->init_last) + 1);

            (void) snprintf(path, sizeof(path), "%s/%s/%s", store->path,
                            stream->info.name, track->info.id);
            (void) rmdir(path);
        }

        /* of parts that were written and never seen */

        (void) atomic_fetch_sub(&store->header->bytes,
                                atomic_exchange(&block->bytes, 0));

        stream->block[i] = 0;
        atomic_store(&block->taken, 0);
    }

    (void) snprintf(path, sizeof(path), "%s/%s", store->path,
                    stream->info.name);
    (void) rmdir(path);
}


static void
live_store_sweep_files(int parent, const char *name)
{
    int             fd;
    DIR            *dir;
    size_t          len;
    struct dirent  *de;

    fd = openat(parent, name, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd == -1) {
        return;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        close(fd);
        return;
    }

    while ((de = readdir(dir)) != NULL) {
        len = strlen(de->d_name);

        if (len > 4 && (strcmp(de->d_name + len - 4, ".m4s") == 0
                        || strcmp(de->d_name + len - 4, ".mp4") == 0))
        {
            (void) unlinkat(fd, de->d_name, 0);

        } else if (de->d_name[0] != '.') {
            live_store_sweep_files(fd, de->d_name);
            (void) unlinkat(fd, de->d_name, AT_REMOVEDIR);
        }
    }

    closedir(dir);
}


/*
 * Removes all segment files below path, and the directories that are empty
 * then; nothing else.  For when no nginx uses the store.
 */

void
live_store_sweep(live_store_t *store)
{
    live_store_sweep_files(AT_FDCWD, store->path);
}
