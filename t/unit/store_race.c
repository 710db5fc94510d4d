/*
 * Processes that share a store: writers that take a stream from each other, each stopped
 * wherever it is just then, and readers who must never see anything torn, lost or going
 * back; and workers who wait for what must never be missed.
 */

#include "store_make.h"

#include <stdarg.h>
#include <sys/time.h>


#define RACE_SECONDS   2
#define RACE_READERS   2
#define RACE_PARTS     6         /* of a segment */
#define RACE_SAID      8
#define RACE_STAMP     32        /* bytes that say which part it is */

#define race_us(s)     ((s) * INT64_C(1000000))


typedef struct {
    uint64_t   msn;
    uint64_t   nonce;            /* of the segment's writer */
    uint32_t   track;
    uint32_t   index;
    uint32_t   size;
    uint32_t   magic;
} race_stamp_t;


/* what the processes share beside the store */

typedef struct {
    _Atomic int        stop;
    _Atomic int        said;
    char               text[RACE_SAID][160];

    _Atomic uint64_t   nonce;

    struct {
        _Atomic int       pid;
        _Atomic int       armed;         /* is writing: may be stopped */
        _Atomic int       stopped;
        _Atomic int       go;
        _Atomic uint64_t  begun;         /* claims */
        _Atomic uint64_t  claims;
        _Atomic uint64_t  lost;
        _Atomic uint64_t  told;
        _Atomic uint64_t  stops;
        _Atomic uint64_t  parts;
    } writers[2];

    _Atomic uint64_t   snapshots;
    _Atomic uint64_t   bytes;            /* parts whose bytes were compared */
    _Atomic uint64_t   gone;             /* parts that were not there any more */

    _Atomic uint64_t   rounds[2];        /* changes made */
    _Atomic uint64_t   seen[2];          /* and seen */
    _Atomic uint64_t   rings;
} race_shared_t;


typedef struct {
    make_worker_t  *w;
    uint32_t        me;
    uint32_t        seed;
    uint64_t        nonce;
    uint64_t        msn;
    uint32_t        index[2];
    uint64_t        ticks[2];
    int             open;
} race_writer_t;


typedef struct {
    make_worker_t     *w;
    live_store_ref_t   ref[2];
    uint64_t           version[2];
    int                watched[2];
    uint32_t           seed;
} race_waiter_t;


static race_shared_t  *race;
static uint32_t        race_me;


/* something is wrong; the first few are told */

static void __attribute__((format(printf, 1, 2)))
race_say(const char *format, ...)
{
    int      n;
    va_list  args;

    n = atomic_fetch_add(&race->said, 1);

    if (n < RACE_SAID) {
        va_start(args, format);
        vsnprintf(race->text[n], sizeof(race->text[n]), format, args);
        va_end(args);
    }
}


static void
race_fine(const char *what)
{
    int  i;

    ok(atomic_load(&race->said) == 0, "%s", what);

    for (i = 0; i < RACE_SAID && i < atomic_load(&race->said); i++) {
        printf("#   %s\n", race->text[i]);
    }
}


static uint32_t
race_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;

    return *seed;
}


/*
 * Stops a writer at whichever instruction it is, until it is told to go on; not for ever,
 * since it may hold a lock.
 */

static void
race_stop(int signo)
{
    int      saved = errno;
    int64_t  until;

    (void) signo;

    if (atomic_load(&race->writers[race_me].armed)) {
        until = live_store_monotonic() + 10000;
        atomic_store(&race->writers[race_me].stopped, 1);

        while (!atomic_load(&race->writers[race_me].go)
               && !atomic_load(&race->stop)
               && live_store_monotonic() < until)
        {
            (void) sched_yield();
        }

        atomic_store(&race->writers[race_me].stopped, 0);
    }

    errno = saved;
}


/* ------------------------------------------------------------ the writers */

static void
race_fill(uint8_t *p, const race_stamp_t *stamp)
{
    uint32_t  i;

    memcpy(p, stamp, sizeof(race_stamp_t));

    for (i = sizeof(race_stamp_t); i < stamp->size; i++) {
        p[i] = (uint8_t) (stamp->msn * 31 + stamp->index * 7 + stamp->nonce
                          + i);
    }
}


static int
race_open(race_writer_t *rw)
{
    int                   rc;
    uint32_t              t;
    live_store_segment_t  segment;

    rc = LIVE_OK;

    for (t = 0; t < 2 && rc == LIVE_OK; t++) {
        memset(&segment, 0, sizeof(live_store_segment_t));
        segment.msn = rw->msn;
        segment.start = rw->msn * 2000;
        segment.pdt_us = (int64_t) rw->nonce;
        segment.init = 1;

        rc = live_store_write_segment(rw->w->writer, t, &segment);
        rw->index[t] = 0;
        rw->ticks[t] = 0;
    }

    rw->open = 1;

    return rc;
}


static int
race_part(race_writer_t *rw, uint32_t t)
{
    int                rc;
    uint8_t            buf[256];
    race_stamp_t       stamp;
    live_store_part_t  part;

    memset(&stamp, 0, sizeof(race_stamp_t));
    stamp.msn = rw->msn;
    stamp.nonce = rw->nonce;
    stamp.track = t;
    stamp.index = rw->index[t];
    stamp.size = RACE_STAMP + race_random(&rw->seed) % 200;
    stamp.magic = 0x706d7473;

    race_fill(buf, &stamp);

    memset(&part, 0, sizeof(live_store_part_t));
    part.index = rw->index[t];
    part.duration = 200 + race_random(&rw->seed) % 100;

    rc = live_store_write_part(rw->w->writer, t, &part, buf, RACE_STAMP,
                               buf + RACE_STAMP, stamp.size - RACE_STAMP);

    rw->index[t]++;
    rw->ticks[t] += part.duration;

    if (rc == LIVE_OK) {
        (void) atomic_fetch_add(&race->writers[rw->me].parts, 1);
    }

    return rc;
}


static int
race_close(race_writer_t *rw)
{
    int       rc;
    uint32_t  t;

    rc = LIVE_OK;

    for (t = 0; t < 2 && rc == LIVE_OK; t++) {
        rc = live_store_write_end(rw->w->writer, t, rw->ticks[t], 0);
    }

    rw->open = 0;
    rw->msn++;

    return rc;
}


/* the next thing that a publisher does: a part of each track, and a segment's ends */

static int
race_step(race_writer_t *rw)
{
    int              rc;
    struct timespec  ts = { 0, 50000 };

    rc = rw->open ? LIVE_OK : race_open(rw);

    if (rc == LIVE_OK) {
        rc = race_part(rw, 0);
    }

    if (rc == LIVE_OK) {
        rc = race_part(rw, 1);
    }

    if (rc == LIVE_OK && rw->index[0] == RACE_PARTS) {
        rc = race_close(rw);

        /* who waits for a lock gets it only if it is free for a while */

        (void) nanosleep(&ts, NULL);
    }

    return rc;
}


static void
race_told(void *ctx, uint32_t stream)
{
    if (stream == 0) {
        *(int *) ctx = 1;
    }
}


/* he has been displaced: by somebody, who told him, and nothing that he does counts */

static void
race_lost(race_writer_t *rw, uint64_t others)
{
    int            told;
    struct pollfd  pfd;

    (void) atomic_fetch_add(&race->writers[rw->me].lost, 1);

    if (atomic_load(&race->writers[!rw->me].begun) == others) {
        race_say("lost a stream that nobody took");
    }

    if (live_store_owned(rw->w->writer)) {
        race_say("lost a stream and still owns it");
    }

    if (race_part(rw, 0) != LIVE_ELOST || race_part(rw, 1) != LIVE_ELOST
        || race_close(rw) != LIVE_ELOST || race_open(rw) != LIVE_ELOST)
    {
        race_say("writes to a stream that he lost");
    }

    told = 0;
    pfd.fd = live_store_doorbell(rw->w->store);
    pfd.events = POLLIN;

    while (!told && poll(&pfd, 1, 2000) == 1) {
        live_store_answer(rw->w->store, race_told, &told);
    }

    if (!told) {
        race_say("lost a stream and was not told");
    }

    (void) atomic_fetch_add(&race->writers[rw->me].told, 1);

    make_release(rw->w, live_store_monotonic());
}


/*
 * Claims the stream while the other one, if he writes, stands still somewhere. LIVE_OK;
 * LIVE_ELOST: the other one was as quick.
 */

static int
race_claim(race_writer_t *rw)
{
    int       i, rc, pid, stopped;
    int64_t   end, date, seen;
    uint32_t  discontinuity;
    uint64_t  msn;

    stopped = 0;
    pid = atomic_load(&race->writers[!rw->me].pid);

    if (atomic_load(&race->writers[!rw->me].armed) && pid
        && race_random(&rw->seed) % 8)
    {
        atomic_store(&race->writers[!rw->me].go, 0);
        (void) kill(pid, SIGUSR1);

        for (i = 0; i < 2000 && !stopped; i++) {
            stopped = atomic_load(&race->writers[!rw->me].stopped);
            (void) sched_yield();
        }
    }

    (void) atomic_fetch_add(&race->writers[rw->me].begun, 1);

    if (make_claim(rw->w, "demo") != LIVE_OK) {
        race_say("no claim: %s", rw->w->err);
        return LIVE_EIO;
    }

    (void) atomic_fetch_add(&race->writers[rw->me].claims, 1);

    msn = 0;
    rw->msn = 0;

    if (live_store_writer_end(rw->w->writer, &msn, &discontinuity, &end, &date,
                              &seen)
        == LIVE_OK)
    {
        rw->msn = msn + 1;

    } else if (atomic_load(&race->writers[0].parts)
               + atomic_load(&race->writers[1].parts))
    {
        race_say("nothing is there any more");
    }

    rw->nonce = atomic_fetch_add(&race->nonce, 1) + 1;
    rw->open = 0;

    live_store_start(rw->w->writer, 3);

    rc = make_init(rw->w, 0, 1);

    if (rc == LIVE_OK) {
        rc = make_init(rw->w, 1, 1);
    }

    /* the one who stands still comes upon what has been written meanwhile */

    for (i = race_random(&rw->seed) % 20; i && rc == LIVE_OK; i--) {
        rc = race_step(rw);
    }

    if (stopped) {
        (void) atomic_fetch_add(&race->writers[rw->me].stops, 1);
    }

    atomic_store(&race->writers[!rw->me].go, 1);

    return rc;
}


static void
race_writer(uint32_t me)
{
    int               rc;
    uint64_t          others;
    race_writer_t     rw;
    struct timespec   ts;
    struct sigaction  sa;

    race_me = me;

    memset(&sa, 0, sizeof(struct sigaction));
    sa.sa_handler = race_stop;
    sa.sa_flags = SA_RESTART;
    (void) sigaction(SIGUSR1, &sa, NULL);

    memset(&rw, 0, sizeof(race_writer_t));
    rw.w = make_worker(make_path("race"), 1, 0);
    rw.me = me;
    rw.seed = 2463534242u + me;

    atomic_store(&race->writers[me].pid, getpid());

    while (!atomic_load(&race->stop)) {

        others = atomic_load(&race->writers[!me].claims);

        rc = race_claim(&rw);

        if (rw.w->writer == NULL) {
            break;
        }

        atomic_store(&race->writers[me].armed, 1);

        while (rc == LIVE_OK && race_random(&rw.seed) % 500
               && !atomic_load(&race->stop))
        {
            rc = race_step(&rw);
        }

        atomic_store(&race->writers[me].armed, 0);

        if (rc == LIVE_ELOST) {
            race_lost(&rw, others);

        } else {
            if (rc != LIVE_OK) {
                race_say("a part could not be written: %d", rc);
            }

            make_release(rw.w, live_store_monotonic());
        }

        ts.tv_sec = 0;
        ts.tv_nsec = race_random(&rw.seed) % 200000;
        (void) nanosleep(&ts, NULL);
    }

    make_leave(rw.w);
}


/* ------------------------------------------------------------ the readers */

static void
race_contiguous(const live_store_snapshot_t *s)
{
    uint32_t                     i;
    const live_store_part_t     *part, *last;
    const live_store_segment_t  *segment;

    for (i = 1; i < s->nsegments; i++) {
        if (s->segments[i].msn != s->segments[i - 1].msn + 1) {
            race_say("segment %" PRIu64 " follows %" PRIu64,
                     s->segments[i].msn, s->segments[i - 1].msn);
        }
    }

    for (i = 1; i < s->nparts; i++) {
        part = &s->parts[i];
        last = &s->parts[i - 1];

        if (part->msn == last->msn) {
            if (part->index != last->index + 1
                || part->offset != last->offset + last->size)
            {
                race_say("%" PRIu64 ".%u at %" PRIu64 " follows .%u at %" PRIu64
                         " of %u", part->msn, part->index, part->offset,
                         last->index, last->offset, last->size);
            }

            continue;
        }

        segment = &s->segments[0] + (last->msn - s->segments[0].msn);

        if (part->msn != last->msn + 1 || part->index != 0 || part->offset != 0
            || last->msn < s->segments[0].msn
            || segment->parts != last->index + 1
            || segment->size != last->offset + last->size)
        {
            race_say("%" PRIu64 ".%u at %" PRIu64 " follows %" PRIu64 ".%u",
                     part->msn, part->index, part->offset, last->msn,
                     last->index);
        }
    }
}


static void
race_durations(const live_store_snapshot_t *s)
{
    uint32_t                     i, k, n;
    uint64_t                     sum;
    const live_store_segment_t  *segment;

    for (i = 0; i < s->nsegments; i++) {

        segment = &s->segments[i];
        n = 0;
        sum = 0;

        for (k = 0; k < s->nparts; k++) {
            if (s->parts[k].msn == segment->msn) {
                if (n == 0 && s->parts[k].index != 0) {
                    break;
                }

                n++;
                sum += s->parts[k].duration;
            }
        }

        if (!(segment->flags & LIVE_SEGMENT_CLOSED)) {
            if (i + 1 != s->nsegments || s->edge.closed) {
                race_say("segment %" PRIu64 " is open, %u of %u", segment->msn,
                         i + 1, s->nsegments);
            }

        } else if (n && (sum != segment->duration || n != segment->parts)) {
            race_say("segment %" PRIu64 ": %u parts of %" PRIu64 ", not %u of %"
                     PRIu64, segment->msn, n, sum, segment->parts,
                     segment->duration);
        }
    }

    if (s->nparts == 0 || s->parts[s->nparts - 1].msn != s->edge.msn
        || s->parts[s->nparts - 1].index != s->edge.part
        || s->segments[s->nsegments - 1].msn != s->edge.msn)
    {
        race_say("a copy does not end at its edge");
    }
}


static uint64_t
race_first(make_worker_t *w, live_store_ref_t ref, int t)
{
    uint32_t  block;

    block = w->store->streams[ref.stream].block[0];

    return atomic_load(&live_store_block(w->store, block)
                            ->tracks[t].first_msn);
}


/* what stands in the file is what this part's writer put there */

static void
race_bytes(make_worker_t *w, live_store_ref_t ref,
    const live_store_snapshot_t *s, int t, const live_store_part_t *part)
{
    int                 fd;
    char                path[PATH_MAX];
    uint8_t             buf[256], want[256];
    ssize_t             n;
    race_stamp_t        stamp;
    live_store_part_t   again;

    if (live_store_file(w->store, "demo", t ? "a" : "v", s->stream.epoch,
                        part->msn, 0, path, sizeof(path)) < 0)
    {
        race_say("no name");
        return;
    }

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        (void) atomic_fetch_add(&race->gone, 1);

        /* a file goes just before it is known to have gone, long unlisted */

        if (live_store_find_part(w->store, ref, t, part->msn, part->index,
                                 &again) != LIVE_ELOST
            && part->msn >= race_first(w, ref, t))
        {
            race_say("%" PRIu64 ".%u is there, its file is not", part->msn,
                     part->index);
        }

        return;
    }

    n = pread(fd, buf, part->size, (off_t) part->offset);
    close(fd);

    if (n != (ssize_t) part->size || n < RACE_STAMP) {
        race_say("%" PRIu64 ".%u has %zd bytes of %u", part->msn, part->index,
                 n, part->size);
        return;
    }

    memcpy(&stamp, buf, sizeof(race_stamp_t));

    if (stamp.msn != part->msn || stamp.index != part->index
        || stamp.track != (uint32_t) t || stamp.size != part->size
        || (int64_t) stamp.nonce
           != s->segments[part->msn - s->segments[0].msn].pdt_us)
    {
        race_say("bytes of %" PRIu64 ".%u are those of %" PRIu64 ".%u by %"
                 PRIu64 ", not %" PRId64, part->msn, part->index, stamp.msn,
                 stamp.index, stamp.nonce,
                 s->segments[part->msn - s->segments[0].msn].pdt_us);
        return;
    }

    race_fill(want, &stamp);

    if (memcmp(buf, want, part->size) != 0) {
        race_say("bytes of %" PRIu64 ".%u are mixed", part->msn, part->index);
    }

    (void) atomic_fetch_add(&race->bytes, 1);
}


static void
race_edge(make_worker_t *w, live_store_ref_t ref, int t,
    live_store_edge_t *last)
{
    int                    rc;
    live_store_edge_t      edge;
    live_store_part_t      part;
    live_store_segment_t   segment;

    if (live_store_edge(w->store, ref, t, &edge) != LIVE_OK || !edge.any) {
        if (last->any) {
            race_say("an edge that was there has gone");
        }

        return;
    }

    if (last->any
        && (edge.msn < last->msn
            || (edge.msn == last->msn && edge.part < last->part)
            || (edge.msn == last->msn && edge.part == last->part
                && edge.closed < last->closed)))
    {
        race_say("the edge went back from %" PRIu64 ".%u%s to %" PRIu64 ".%u%s",
                 last->msn, last->part, last->closed ? " closed" : "",
                 edge.msn, edge.part, edge.closed ? " closed" : "");
    }

    *last = edge;

    rc = live_store_find_part(w->store, ref, t, edge.msn, edge.part, &part);

    if (rc != LIVE_OK && rc != LIVE_ELOST) {
        race_say("the last part %" PRIu64 ".%u is not found: %d", edge.msn,
                 edge.part, rc);

    } else if (rc == LIVE_OK
               && (part.msn != edge.msn || part.index != edge.part))
    {
        race_say("another part is found");
    }

    if (edge.closed) {
        rc = live_store_find_segment(w->store, ref, t, edge.msn, &segment);

        if (rc != LIVE_OK && rc != LIVE_ELOST) {
            race_say("segment %" PRIu64 " is closed but not found: %d",
                     edge.msn, rc);

        } else if (rc == LIVE_OK && (segment.msn != edge.msn
                                     || segment.parts != edge.part + 1))
        {
            race_say("segment %" PRIu64 " has %u parts, not %u", edge.msn,
                     segment.parts, edge.part + 1);
        }
    }
}


static void
race_reader(uint32_t n)
{
    int                     t;
    uint32_t                seed, i;
    uint64_t                version, before;
    make_worker_t          *w;
    live_store_ref_t        ref;
    live_store_edge_t       last[2];
    live_store_part_t      *part;
    live_store_state_e      state;
    live_store_snapshot_t  *s;

    w = make_worker(make_path("race"), 1, 0);
    s = make_snapshot();
    seed = 88172645 + n;
    before = 0;
    memset(last, 0, sizeof(last));

    while (!atomic_load(&race->stop)) {

        if (live_store_find(w->store, "demo", 4, &ref, &state) != LIVE_OK) {
            continue;
        }

        version = live_store_version(w->store, ref);

        if (version < before) {
            race_say("the version went back");
        }

        before = version;

        for (i = 0; i < 16; i++) {
            race_edge(w, ref, (int) (i & 1), &last[i & 1]);
        }

        t = (int) (race_random(&seed) & 1);

        if (live_store_snapshot(w->store, ref, t, s) != LIVE_OK) {
            if (last[t].any) {
                race_say("no copy of what is there");
            }

            continue;
        }

        (void) atomic_fetch_add(&race->snapshots, 1);

        race_contiguous(s);
        race_durations(s);

        for (i = 0; i < 4 && s->nparts; i++) {
            part = &s->parts[race_random(&seed) % s->nparts];

            if (!(part->flags & LIVE_PART_GAP)) {
                race_bytes(w, ref, s, t, part);
            }
        }
    }

    make_snapshot_free(s);
    make_leave(w);
}


/* -------------------------------------------------------------- doorbells */

/* changes stream n again as soon as the waiter has seen the last time */

static void
race_ringer(uint32_t n)
{
    char              name[16];
    uint64_t          round;
    uint32_t          spin;
    make_worker_t    *w;
    race_writer_t     rw;

    memset(&rw, 0, sizeof(race_writer_t));
    w = make_worker(make_path("bells"), 2, 0);
    rw.w = w;
    rw.seed = 521288629 + n;

    snprintf(name, sizeof(name), "bell%u", n);

    if (make_claim(w, name) != LIVE_OK || make_init(w, 0, 1)
        || make_init(w, 1, 1))
    {
        race_say("no stream to ring for");
        return;
    }

    for (round = 1; !atomic_load(&race->stop); round++) {

        for (spin = race_random(&rw.seed) % 400; spin; spin--) {
            (void) atomic_load(&race->stop);
        }

        atomic_store(&race->rounds[n], round);

        if (race_step(&rw) != LIVE_OK) {
            race_say("a part could not be written");
            break;
        }

        (void) live_store_ring(w->store, live_store_writer_stream(w->writer));

        while (atomic_load(&race->seen[n]) < round
               && !atomic_load(&race->stop))
        {
            (void) sched_yield();
        }
    }

    make_leave(w);
}


/* looks at a stream: whatever has become of it is seen */

static int
race_look(make_worker_t *w, live_store_ref_t ref, uint32_t n,
    uint64_t *version)
{
    uint64_t            round, now;
    live_store_edge_t   edge;

    /* the round first: its change may not have been made yet */

    round = atomic_load(&race->rounds[n]);
    now = live_store_version(w->store, ref);

    if (now == *version
        || live_store_edge(w->store, ref, 1, &edge) != LIVE_OK || !edge.any
        || edge.msn * RACE_PARTS + edge.part + 1 < round)
    {
        return 0;
    }

    *version = now;
    atomic_store(&race->seen[n], round);

    return 1;
}


/*
 * One of two streams has changed.  Its ringer changes it again as soon as this has
 * been seen, while the bell is still being answered.
 */

static void
race_changed(void *ctx, uint32_t stream)
{
    uint32_t        n, spin;
    race_waiter_t  *wait = ctx;

    n = wait->ref[0].stream == stream ? 0 : 1;

    (void) race_look(wait->w, wait->ref[n], n, &wait->version[n]);

    for (spin = race_random(&wait->seed) % 2000; spin; spin--) {
        (void) atomic_load(&race->stop);
    }

    if (race_random(&wait->seed) % 2) {
        live_store_unwatch(wait->w->store, stream);
        wait->watched[n] = 0;
    }
}


/* a worker with somebody waiting on two streams at once */

static void
race_waiter(uint32_t unused)
{
    uint32_t            n;
    make_worker_t      *w;
    struct pollfd       pfd;
    race_waiter_t       wait;
    live_store_state_e  state;

    (void) unused;

    memset(&wait, 0, sizeof(race_waiter_t));
    wait.w = w = make_worker(make_path("bells"), 2, 0);
    wait.seed = 362436069;

    for (n = 0; n < 2; n++) {
        while (live_store_find(w->store, n ? "bell1" : "bell0", 5,
                               &wait.ref[n], &state) != LIVE_OK)
        {
            if (atomic_load(&race->stop)) {
                return;
            }
        }
    }

    pfd.fd = live_store_doorbell(w->store);
    pfd.events = POLLIN;

    while (!atomic_load(&race->stop)) {

        for (n = 0; n < 2; n++) {
            if (!wait.watched[n]) {
                live_store_watch(w->store, wait.ref[n].stream);
                wait.watched[n] = 1;

                while (race_look(w, wait.ref[n], n, &wait.version[n])) {
                    /* and once more: it may have changed again */
                }
            }
        }

        if (poll(&pfd, 1, 1000) == 0 && !atomic_load(&race->stop)) {

            race_say("nobody rang: rounds %" PRIu64 " and %" PRIu64
                     ", seen %" PRIu64 " and %" PRIu64,
                     atomic_load(&race->rounds[0]),
                     atomic_load(&race->rounds[1]),
                     atomic_load(&race->seen[0]), atomic_load(&race->seen[1]));
            break;
        }

        (void) atomic_fetch_add(&race->rings, 1);

        live_store_answer(w->store, race_changed, &wait);
    }

    make_leave(w);
}


/* ------------------------------------------------------- a slow reader */

static race_writer_t          race_fast;
static volatile sig_atomic_t  race_laps;


/* in the midst of whatever the reader does: more than the ring of parts holds */

static void
race_lap(int signo)
{
    int                i, rc, saved;
    live_store_part_t  part;

    (void) signo;

    saved = errno;
    rc = LIVE_OK;

    for (i = 0; i < LIVE_STORE_PARTS + 100 && rc == LIVE_OK; i++) {

        if (!race_fast.open) {
            rc = race_open(&race_fast);
        }

        memset(&part, 0, sizeof(live_store_part_t));
        part.index = race_fast.index[0]++;
        part.duration = 200 + race_random(&race_fast.seed) % 100;
        part.flags = LIVE_PART_GAP;
        race_fast.ticks[0] += part.duration;

        if (rc == LIVE_OK) {
            rc = live_store_write_part(race_fast.w->writer, 0, &part, NULL, 0,
                                       NULL, 0);
        }

        if (rc == LIVE_OK && race_fast.index[0] == 60) {
            rc = live_store_write_end(race_fast.w->writer, 0,
                                      race_fast.ticks[0], 0);
            race_fast.open = 0;
            race_fast.msn++;
        }
    }

    if (rc != LIVE_OK) {
        race_say("a part could not be written: %d", rc);
    }

    race_laps = race_laps + 1;
    errno = saved;
}


static void
race_slow(void)
{
    int                     i;
    uint32_t                seed;
    make_worker_t          *w;
    struct itimerval        it;
    live_store_ref_t        ref;
    live_store_state_e      state;
    live_store_snapshot_t  *s;

    memset(race, 0, sizeof(race_shared_t));
    w = make_worker(make_path("slow"), 1, 0);
    s = make_snapshot();
    seed = 123456789;

    race_fast.w = make_worker(make_path("slow"), 1, 0);
    race_fast.seed = 987654321;
    make_info(&race_fast.w->info, "demo");
    race_fast.w->info.window_us = 1000000000;

    is_int(make_claim(race_fast.w, "demo"), LIVE_OK, "a stream");
    (void) make_init(race_fast.w, 0, 1);
    race_lap(0);
    (void) live_store_find(w->store, "demo", 4, &ref, &state);

    (void) signal(SIGALRM, race_lap);
    memset(&it, 0, sizeof(struct itimerval));

    for (i = 0; i < 400; i++) {
        it.it_value.tv_usec = 1 + race_random(&seed) % 60;
        (void) setitimer(ITIMER_REAL, &it, NULL);

        if (live_store_snapshot(w->store, ref, 0, s) != LIVE_OK) {
            race_say("no copy");
        }

        it.it_value.tv_usec = 0;
        (void) setitimer(ITIMER_REAL, &it, NULL);

        race_contiguous(s);
        race_durations(s);
    }

    (void) signal(SIGALRM, SIG_DFL);

    race_fine("a reader whom the writer laps gets a whole copy");
    ok(race_laps > 20, "many were lapped");
    printf("# %d laps\n", (int) race_laps);

    make_snapshot_free(s);
    make_leave(race_fast.w);
    make_leave(w);
}


/* ---------------------------------------------------------------- all three */

static pid_t
race_fork(void (*run)(uint32_t n), uint32_t n)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        run(n);
        exit(0);
    }

    return pid;
}


static int
race_enough(void)
{
    return race->writers[0].lost + race->writers[1].lost > 20
           && race->writers[0].stops + race->writers[1].stops > 10
           && race->snapshots > 100 && race->bytes > 100;
}


static int
race_rung(void)
{
    return race->rounds[0] > 1000 && race->rounds[1] > 1000
           && race->rings > 1000;
}


/*
 * Lets them run for a while, longer if not enough has happened then, and sees that each
 * ends well.
 */

static void
race_run(pid_t *pids, int n, int (*enough)(void))
{
    int              i, status, bad;
    int64_t          until;
    struct timespec  ts = { 0, 10000000 };

    until = live_store_monotonic() + race_us(RACE_SECONDS);

    while (atomic_load(&race->said) == 0
           && (live_store_monotonic() < until
               || (!enough()
                   && live_store_monotonic() < until + race_us(20))))
    {
        (void) nanosleep(&ts, NULL);
    }

    atomic_store(&race->stop, 1);

    for (bad = 0, i = 0; i < n; i++) {
        if (waitpid(pids[i], &status, 0) != pids[i] || status != 0) {
            bad++;
        }
    }

    is_int(bad, 0, "each process ended well");
}


static void
race_writers(void)
{
    int             i;
    pid_t           pids[2 + RACE_READERS];
    make_worker_t  *w;

    memset(race, 0, sizeof(race_shared_t));
    w = make_worker(make_path("race"), 1, 0);

    for (i = 0; i < 2; i++) {
        pids[i] = race_fork(race_writer, (uint32_t) i);
    }

    for (i = 0; i < RACE_READERS; i++) {
        pids[2 + i] = race_fork(race_reader, (uint32_t) i);
    }

    race_run(pids, 2 + RACE_READERS, race_enough);
    race_fine("readers saw nothing torn, lost or going back");

    printf("# %" PRIu64 " parts; %" PRIu64 " claims, %" PRIu64 " displaced, %"
           PRIu64 " of them stopped; %" PRIu64 " copies, bytes of %" PRIu64
           " parts, %" PRIu64 " gone\n",
           race->writers[0].parts + race->writers[1].parts,
           race->writers[0].claims + race->writers[1].claims,
           race->writers[0].lost + race->writers[1].lost,
           race->writers[0].stops + race->writers[1].stops,
           race->snapshots, race->bytes, race->gone);

    ok(race_enough(), "enough takeovers, of one who was stopped, and readers");

    make_leave(w);
}


static void
race_bells(void)
{
    pid_t           pids[3];
    make_worker_t  *w;

    memset(race, 0, sizeof(race_shared_t));
    w = make_worker(make_path("bells"), 2, 0);

    pids[0] = race_fork(race_ringer, 0);
    pids[1] = race_fork(race_ringer, 1);
    pids[2] = race_fork(race_waiter, 0);

    race_run(pids, 3, race_rung);
    race_fine("nobody who waits misses a change");

    printf("# %" PRIu64 " changes, %" PRIu64 " wake-ups\n",
           race->rounds[0] + race->rounds[1], race->rings);
    ok(race_rung(), "many changes, and wake-ups");

    make_leave(w);
}


static void
tests(void)
{
    race = mmap(NULL, sizeof(race_shared_t), PROT_READ|PROT_WRITE,
                MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (race == MAP_FAILED) {
        ok(0, "shared memory");
        return;
    }

    race_writers();
    race_bells();
    race_slow();

    (void) munmap(race, sizeof(race_shared_t));
}


int
main(void)
{
    return make_world("race", tests);
}
