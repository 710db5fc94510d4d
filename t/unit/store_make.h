/*
 * A store in a directory of its own on a tmpfs, and what to write into it.
 *
 * Two handles of one process are as two workers: locks are the open file's.
 */

#ifndef _STORE_MAKE_H_INCLUDED_
#define _STORE_MAKE_H_INCLUDED_


#include "live_store_internal.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define MAKE_SCALE  1000         /* of all tracks: ticks are milliseconds */
#define MAKE_PARTS  4            /* of a segment, 250 ticks each */


/* a worker: a handle that has joined, and what it writes */

typedef struct {
    live_store_t              *store;
    live_store_writer_t       *writer;
    live_store_stream_info_t   info;
    uint8_t                    resume[LIVE_STORE_RESUME_MAX];
    size_t                     resumed;
    char                       err[512];
} make_worker_t;


static char                   make_dir[64];
static volatile sig_atomic_t  make_child;


static inline int
make_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;

    return remove(path);
}


static inline void
make_remove(const char *path)
{
    (void) nftw(path, make_unlink, 16, FTW_DEPTH|FTW_PHYS);
}


static inline void
make_signal(int signo)
{
    if (make_child) {
        (void) kill(-make_child, SIGKILL);
    }

    make_remove(make_dir);
    _exit(128 + signo);
}


/*
 * Runs the tests in a process group of their own, so that whatever becomes of them,
 * their processes end and the directory goes.  The program's return code.
 */

static inline int
make_world(const char *name, void (*tests)(void))
{
    int    status;
    pid_t  pid;

    snprintf(make_dir, sizeof(make_dir), "/dev/shm/ngxut-%s-XXXXXX", name);

    if (mkdtemp(make_dir) == NULL) {
        printf("Bail out!  %s: %s\n", make_dir, strerror(errno));
        return 1;
    }

    signal(SIGTERM, make_signal);
    signal(SIGINT, make_signal);
    signal(SIGHUP, make_signal);

    pid = fork();

    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        (void) setpgid(0, 0);
        tests();
        exit(done_testing());
    }

    if (pid == -1) {
        make_remove(make_dir);
        return 1;
    }

    (void) setpgid(pid, pid);
    make_child = pid;
    status = -1;

    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* again */
    }

    (void) kill(-pid, SIGKILL);
    make_remove(make_dir);

    return status ? 1 : 0;
}


static inline char *
make_path(const char *name)
{
    static char  path[32][128];
    static int   n;

    n = (n + 1) % 32;
    snprintf(path[n], sizeof(path[n]), "%s/%s", make_dir, name);

    return path[n];
}


static inline void
make_info(live_store_stream_info_t *info, const char *name)
{
    memset(info, 0, sizeof(live_store_stream_info_t));

    snprintf(info->name, sizeof(info->name), "%s", name);
    info->part_us = 250000;
    info->segment_us = 1000000;
    info->segment_max_us = 1000000;
    info->window_us = 4000000;
    info->linger_us = 10000000;
}


static inline make_worker_t *
make_worker(const char *path, uint32_t streams, uint64_t bytes_max)
{
    make_worker_t  *w;

    w = calloc(1, sizeof(make_worker_t));

    if (live_store_open(path, (uid_t) -1, (gid_t) -1, streams, &w->store,
                        w->err, sizeof(w->err)) != LIVE_OK
        || live_store_join(w->store, w->err, sizeof(w->err)) != LIVE_OK)
    {
        printf("Bail out!  %s\n", w->err);
        exit(1);
    }

    live_store_limit(w->store, bytes_max);

    return w;
}


static inline void
make_leave(make_worker_t *w)
{
    if (w->writer) {
        live_store_release(w->writer, live_store_monotonic());
    }

    live_store_leave(w->store);
    live_store_close(w->store);
    free(w);
}


static inline int
make_claim(make_worker_t *w, const char *name)
{
    int  rc;

    if (w->info.part_us == 0 || strcmp(w->info.name, name) != 0) {
        make_info(&w->info, name);
    }

    w->err[0] = '\0';
    rc = live_store_claim(w->store, &w->info, w->resume, &w->resumed,
                          &w->writer, w->err, sizeof(w->err));
    if (rc != LIVE_OK) {
        w->writer = NULL;
    }

    return rc;
}


static inline void
make_release(make_worker_t *w, int64_t mono_us)
{
    live_store_release(w->writer, mono_us);
    w->writer = NULL;
}


static inline int
make_init(make_worker_t *w, uint32_t track, uint32_t init)
{
    live_codec_config_t  config;

    memset(&config, 0, sizeof(live_codec_config_t));
    config.media = (live_media_e) track;
    config.timescale = MAKE_SCALE;
    snprintf(config.rfc6381, sizeof(config.rfc6381), "%s",
             track == LIVE_VIDEO ? "avc1.64001f" : "mp4a.40.2");

    return live_store_write_init(w->writer, track, init, &config,
                                 (const uint8_t *) "init", 4);
}


static inline int
make_open(make_worker_t *w, uint32_t track, uint64_t msn)
{
    live_store_segment_t  segment;

    memset(&segment, 0, sizeof(live_store_segment_t));
    segment.msn = msn;
    segment.start = msn * MAKE_PARTS * 250;
    segment.init = 1;
    segment.flags = LIVE_SEGMENT_INDEPENDENT;

    return live_store_write_segment(w->writer, track, &segment);
}


static inline int
make_part(make_worker_t *w, uint32_t track, uint32_t index, size_t size)
{
    int                rc;
    uint8_t           *p;
    live_store_part_t  part;

    p = malloc(size + 1);
    memset(p, 'a' + (int) (index % 26), size);

    memset(&part, 0, sizeof(live_store_part_t));
    part.index = index;
    part.duration = 250;
    part.flags = index == 0 ? LIVE_PART_INDEPENDENT : 0;

    rc = live_store_write_part(w->writer, track, &part, p, size / 4,
                               p + size / 4, size - size / 4);
    free(p);

    return rc;
}


static inline int
make_close(make_worker_t *w, uint32_t track)
{
    return live_store_write_end(w->writer, track, MAKE_PARTS * 250,
                                LIVE_SEGMENT_INDEPENDENT);
}


/* a whole segment, its parts of size bytes; the first thing that failed */

static inline int
make_segment(make_worker_t *w, uint32_t track, uint64_t msn, size_t size)
{
    int       rc;
    uint32_t  i;

    rc = make_open(w, track, msn);

    for (i = 0; i < MAKE_PARTS && rc == LIVE_OK; i++) {
        rc = make_part(w, track, i, size);
    }

    return rc == LIVE_OK ? make_close(w, track) : rc;
}


/* the source of a stream with a track, its segments first to last there */

static inline int
make_video(make_worker_t *w, const char *name, uint64_t first, uint64_t last)
{
    int  rc;

    rc = make_claim(w, name);

    if (rc == LIVE_OK) {
        live_store_start(w->writer, 1 << LIVE_VIDEO);
        rc = make_init(w, LIVE_VIDEO, 1);
    }

    for ( /* void */ ; first <= last && rc == LIVE_OK; first++) {
        rc = make_segment(w, LIVE_VIDEO, first, 100);
    }

    return rc;
}


/* for a janitor of whose doings nobody asks */

static inline void
make_nothing(void *ctx, uint32_t stream, const char *name,
    live_store_change_e change)
{
    (void) ctx;
    (void) stream;
    (void) name;
    (void) change;
}


static inline live_store_snapshot_t *
make_snapshot(void)
{
    live_store_snapshot_t  *s;

    s = calloc(1, sizeof(live_store_snapshot_t));
    s->segments_max = live_store_segments();
    s->segments = calloc(s->segments_max, sizeof(live_store_segment_t));
    s->parts_max = LIVE_STORE_PARTS;
    s->parts = calloc(s->parts_max, sizeof(live_store_part_t));

    return s;
}


static inline void
make_snapshot_free(live_store_snapshot_t *s)
{
    free(s->segments);
    free(s->parts);
    free(s);
}


static int  make_counted;


static inline int
make_count(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    if (type == FTW_F && S_ISREG(st->st_mode)
        && strcmp(path + ftw->base, "index") != 0)
    {
        make_counted++;
    }

    return 0;
}


/* how many files below a directory, doorbells and the index left out */

static inline int
make_files(const char *path)
{
    make_counted = 0;
    (void) nftw(path, make_count, 16, FTW_PHYS);

    return make_counted;
}


#endif /* _STORE_MAKE_H_INCLUDED_ */
