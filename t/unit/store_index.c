/*
 * The index and the directory: made, taken over, refused; how much fits in, and what
 * expires.
 */

#include "store_make.h"

#include <sys/resource.h>


static int
index_open(const char *path, uint32_t streams, live_store_t **store, char *err)
{
    return live_store_open(path, (uid_t) -1, (gid_t) -1, streams, store, err,
                           512);
}


/* opened, and closed again */

static int
index_try(const char *path, uint32_t streams, char *err)
{
    int            rc;
    live_store_t  *store;

    rc = index_open(path, streams, &store, err);

    if (rc == LIVE_OK) {
        live_store_close(store);
    }

    return rc;
}


static void
index_put(const char *path, const char *name, const void *p, size_t n)
{
    int   fd;
    char  file[PATH_MAX];

    snprintf(file, sizeof(file), "%s/%s", path, name);

    fd = open(file, O_WRONLY|O_CREAT|O_TRUNC, 0600);
    ok(fd != -1 && write(fd, p, n) == (ssize_t) n, "%s is written", name);
    close(fd);
}


static int
index_there(const char *path, const char *name)
{
    char         file[PATH_MAX];
    struct stat  st;

    snprintf(file, sizeof(file), "%s/%s", path, name);

    return lstat(file, &st) == 0;
}


static live_index_track_t *
index_track(make_worker_t *w, uint32_t stream, uint32_t track)
{
    return &live_store_block(w->store, w->store->streams[stream].block[0])
                ->tracks[track];
}


static void
index_made(void)
{
    char          err[512], *path;
    struct stat   st;
    live_store_t *store, *other;

    path = make_path("made");

    is_int(index_open(path, 4, &store, err), LIVE_OK, "a directory is made");
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700, "of mode 0700");
    is_str(live_store_path(store), path, "its name");
    is_int(index_open(path, 4, &other, err), LIVE_OK, "opened twice");
    is_int(live_store_remove(store), LIVE_AGAIN, "it is not removed under one");
    ok(index_there(path, "index"), "the index is there");
    live_store_close(store);
    is_int(live_store_remove(other), LIVE_OK, "the last removes it");
    live_store_close(other);
    ok(!index_there(path, ""), "all of it");

    (void) mkdir(path, 0755);
    is_int(index_open(path, 4, &store, err), LIVE_OK, "an empty directory");
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700, "is closed to all");
    index_put(path, "notes", "mine", 4);
    is_int(live_store_remove(store), LIVE_OK, "removed");
    live_store_close(store);
    ok(index_there(path, "notes") && !index_there(path, "index"),
       "but for what is not ours");
}


static void
index_refused(void)
{
    char          err[512], *path, *link;
    live_store_t *store;

    is_int(index_try("tmp/x", 4, err), LIVE_EINVAL, "a relative path");
    is_int(index_try(make_path("x"), 0, err), LIVE_EINVAL, "no streams");
    is_int(index_try(make_path("x"), 4097, err), LIVE_EINVAL, "too many");
    is_int(index_try(make_path("x/y"), 4, err), LIVE_EIO, "no parent");

    path = make_path("refused");
    is_int(index_open(path, 4, &store, err), LIVE_OK, "a store");
    link = make_path("link");
    ok(symlink(path, link) == 0, "a link to it");
    is_int(index_try(link, 4, err), LIVE_EINVAL, "is refused");
    ok(strstr(err, "not a directory of ours") != NULL, "%s", err);

    is_int(index_try(path, 5, err), LIVE_EINVAL, "not as many streams");
    ok(strstr(err, "streams=5 differs from the running nginx's 4") != NULL,
       "%s", err);
    live_store_close(store);

    index_put(make_dir, "file", "", 0);
    is_int(index_try(make_path("file"), 4, err), LIVE_EINVAL, "a file");

    if (geteuid() == 0) {
        path = make_path("foreign");
        ok(mkdir(path, 0700) == 0 && chown(path, 12345, 12345) == 0,
           "a directory of somebody else");
        is_int(index_try(path, 4, err), LIVE_EINVAL, "is refused");
        ok(strstr(err, "belongs to user 12345") != NULL, "%s", err);
        ok(!index_there(path, "index"), "and left alone");

        is_int(live_store_open(path, 12345, 12345, 4, &store, err, 512),
               LIVE_OK, "but for him");
        live_store_close(store);
    }
}


static void
index_foreign(void)
{
    char                 err[512], *path, zero[8192];
    live_store_t        *store;
    live_index_header_t  header;

    path = make_path("index");
    (void) mkdir(path, 0700);
    memset(zero, 0, sizeof(zero));

    index_put(path, "index", "hello", 5);
    is_int(index_try(path, 4, err), LIVE_EINVAL, "a short index");
    ok(strstr(err, "not an index of ours") != NULL, "%s", err);

    memset(zero, 'x', sizeof(zero));
    index_put(path, "index", zero, sizeof(zero));
    is_int(index_try(path, 4, err), LIVE_EINVAL, "an index of garbage");
    ok(strstr(err, "not an index of ours") != NULL, "%s", err);

    (void) unlink(make_path("index/index"));
    ok(symlink("/dev/null", make_path("index/index")) == 0, "a link");
    is_int(index_try(path, 4, err), LIVE_EIO, "as index");
    (void) unlink(make_path("index/index"));
    (void) mkdir(make_path("index/index"), 0700);
    ok(index_try(path, 4, err) != LIVE_OK, "a directory as index");
    (void) rmdir(make_path("index/index"));

    memset(zero, 0, sizeof(zero));
    index_put(path, "index", zero, sizeof(zero));
    is_int(index_open(path, 4, &store, err), LIVE_OK,
           "one that was never finished is made anew");
    header = *store->header;
    live_store_close(store);
    is_int(index_try(path, 4, err), LIVE_OK, "and is good then");

    header.version++;
    index_put(path, "index", &header, sizeof(header));
    is_int(index_try(path, 4, err), LIVE_EINVAL, "another version's");
    ok(strstr(err, "has layout version 4, this module has 3: stop nginx")
       != NULL, "%s", err);

    header.version--;
    header.block_size += 8;
    index_put(path, "index", &header, sizeof(header));
    is_int(index_try(path, 4, err), LIVE_EINVAL, "with another's blocks");

    header.block_size -= 8;
    header.stream_size += 8;
    index_put(path, "index", &header, sizeof(header));
    is_int(index_try(path, 4, err), LIVE_EINVAL, "with another's streams");

    header.stream_size -= 8;
    index_put(path, "index", &header, sizeof(header));
    is_int(index_open(path, 4, &store, err), LIVE_OK, "cut off: made anew");
    is_int(header.births, 0, "empty");
    live_store_close(store);
}


/* an nginx died; the next one finds its streams, unless it is to have more of them */

static void
index_taken(void)
{
    char                *path;
    make_worker_t       *w;
    live_store_ref_t     ref;
    live_store_edge_t    edge;
    live_store_state_e   state;

    path = make_path("taken");

    w = make_worker(path, 4, 0);
    is_int(make_video(w, "demo", 0, 5), LIVE_OK, "a stream");
    index_put(path, "demo/v/notes", "mine", 4);

    free(w->writer);
    live_store_close(w->store);
    free(w);

    w = make_worker(path, 4, 1000000);
    is_int(live_store_find(w->store, "demo", 4, &ref, &state), LIVE_OK,
           "is found after all processes have died");
    (void) live_store_edge(w->store, ref, 0, &edge);
    ok(edge.any && edge.msn == 5, "with its edge");
    is_int(atomic_load(&w->store->header->bytes_max), 1000000,
           "a new limit counts");
    is_int(make_claim(w, "demo"), LIVE_OK, "it goes on");
    is_int(make_segment(w, LIVE_VIDEO, 6, 100), LIVE_OK, "with a segment");

    free(w->writer);
    live_store_close(w->store);
    free(w);

    ok(make_files(path) > 6, "there are files");
    w = make_worker(path, 5, 0);
    is_int(live_store_find(w->store, "demo", 4, &ref, &state), LIVE_AGAIN,
           "more streams: nothing is taken over");
    is_int(make_files(path), 1, "no file of ours is left");
    ok(index_there(path, "demo/v/notes"), "what is not ours is");
    make_leave(w);
}


static void
index_paths(void)
{
    char            path[160], err[512];
    size_t          n;
    make_worker_t  *a, *b;

    n = (size_t) snprintf(path, sizeof(path), "%s/", make_dir);
    memset(path + n, 'p', sizeof(path) - n);

    path[98] = '\0';
    is_int(index_try(path, 4, err), LIVE_EINVAL, "a path of 98 characters");
    ok(strstr(err, "longer than 97 characters") != NULL, "%s", err);

    path[97] = '\0';
    a = make_worker(path, 4, 0);
    b = make_worker(path, 4, 0);
    ok(index_there(path, "w0.sock") && index_there(path, "w1.sock"),
       "97 are enough for doorbells");

    (void) make_claim(a, "demo");
    live_store_watch(b->store, 0);
    is_int(live_store_ring(a->store, 0), 0, "rung");
    is_int(poll(&(struct pollfd) { .fd = live_store_doorbell(b->store),
                                   .events = POLLIN }, 1, 0), 1, "heard");
    make_leave(a);
    make_leave(b);
}


static void
index_workers(void)
{
    int             i, n;
    char            err[512];
    live_store_t   *stores[LIVE_STORE_WORKERS + 1];
    struct rlimit   rl;

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_max >= 1024) {
        rl.rlim_cur = rl.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rl);
    }

    n = 0;

    for (i = 0; i <= LIVE_STORE_WORKERS; i++) {
        if (index_open(make_path("workers"), 1, &stores[i], err) != LIVE_OK) {
            break;
        }

        if (live_store_join(stores[i], err, sizeof(err)) == LIVE_OK) {
            n++;
        }
    }

    is_int(i, LIVE_STORE_WORKERS + 1, "opened by many");
    is_int(n, LIVE_STORE_WORKERS, "256 workers have a slot");
    ok(strstr(err, "more than 256 workers") != NULL, "one more has none: %s",
       err);

    live_store_leave(stores[77]);
    is_int(live_store_join(stores[LIVE_STORE_WORKERS], err, sizeof(err)),
           LIVE_OK, "until one leaves");
    is_int(stores[LIVE_STORE_WORKERS]->slot, 77, "whose slot it has");

    while (i) {
        live_store_leave(stores[--i]);
        live_store_close(stores[i]);
    }
}


static void
index_streams(void)
{
    make_worker_t  *w;

    w = make_worker(make_path("streams"), 2, 0);

    is_int(make_video(w, "one", 0, 2), LIVE_OK, "a stream");
    make_release(w, 0);
    is_int(make_video(w, "two", 0, 2), LIVE_OK, "and another");
    make_release(w, 5000000);

    is_int(make_claim(w, "three"), LIVE_ENOSPC, "no place for a third");
    ok(strstr(w->err, "raise streams=") != NULL, "%s", w->err);

    live_store_janitor(w->store, 10000000, make_nothing, NULL);
    is_int(make_claim(w, "three"), LIVE_ENOSPC, "nor when one has ended");
    live_store_janitor(w->store, 15000000, make_nothing, NULL);
    is_int(make_claim(w, "three"), LIVE_OK, "but when it has gone");
    make_leave(w);
}


static void
index_bytes(void)
{
    int                   rc;
    make_worker_t        *a, *b;
    live_store_ref_t      ref;
    live_store_part_t     part;
    live_store_state_e    state;
    live_store_segment_t  segment;

    a = make_worker(make_path("bytes"), 4, 1000);
    b = make_worker(make_path("bytes"), 4, 1000);

    is_int(make_video(a, "demo", 0, 1), LIVE_OK, "800 of 1000 bytes");
    (void) live_store_find(a->store, "demo", 4, &ref, &state);
    (void) make_open(a, LIVE_VIDEO, 2);
    is_int(make_part(a, LIVE_VIDEO, 0, 201), LIVE_OK, "1001: the last to fit");

    errno = 1;
    rc = make_part(a, LIVE_VIDEO, 1, 10);
    ok(rc == LIVE_ENOSPC && errno == 0, "then parts become gaps");
    is_int(make_part(a, LIVE_VIDEO, 2, 10), LIVE_ENOSPC, "all of them");
    (void) make_close(a, LIVE_VIDEO);

    is_int(live_store_find_part(a->store, ref, 0, 2, 0, &part), LIVE_OK,
           "a part with bytes is found");
    is_int(live_store_find_part(a->store, ref, 0, 2, 1, &part), LIVE_ELOST,
           "a gap is not");
    is_int(live_store_find_segment(a->store, ref, 0, 2, &segment), LIVE_OK,
           "a segment with some bytes is");
    is_int(segment.size, 201, "of so many");

    (void) make_segment(a, LIVE_VIDEO, 3, 10);
    (void) make_open(a, LIVE_VIDEO, 3);
    (void) make_part(a, LIVE_VIDEO, 0, 10);
    (void) make_close(a, LIVE_VIDEO);
    is_int(live_store_find_segment(a->store, ref, 0, 3, &segment), LIVE_ELOST,
           "one of gaps alone is a gap");

    is_int(make_claim(b, "other"), LIVE_ENOSPC, "no other stream");
    ok(strstr(b->err, "raise size=") != NULL, "%s", b->err);
    is_int(make_claim(b, "demo"), LIVE_OK, "the same may be taken over");

    make_release(b, 0);
    live_store_janitor(b->store, 10000000, make_nothing, NULL);
    live_store_janitor(b->store, 15000000, make_nothing, NULL);
    is_int(atomic_load(&b->store->header->bytes), 0, "it has gone");
    is_int(make_claim(b, "other"), LIVE_OK, "there is room again");

    make_leave(b);
    make_leave(a);
}


/* a playlist of four seconds; files for one more of its length */

static void
index_window(void)
{
    uint64_t                msn;
    make_worker_t          *w;
    live_store_ref_t        ref;
    live_store_part_t       part;
    live_index_track_t     *track;
    live_store_state_e      state;
    live_store_segment_t    segment;
    live_store_snapshot_t  *s;

    w = make_worker(make_path("window"), 4, 0);
    s = make_snapshot();
    (void) make_video(w, "demo", 10, 12);
    (void) live_store_find(w->store, "demo", 4, &ref, &state);
    track = index_track(w, ref.stream, LIVE_VIDEO);

    is_int(atomic_load(&track->first_msn), 10, "three segments: all listed");

    for (msn = 13; msn <= 40; msn++) {
        (void) make_segment(w, LIVE_VIDEO, msn, 100);
        if (atomic_load(&track->first_msn) != msn - 3
            || atomic_load(&track->floor_msn) != (msn < 17 ? 10 : msn - 7))
        {
            break;
        }
    }

    is_int(msn, 41, "four are listed, eight have files");
    is_int(make_files(make_path("window")), 9, "and an init segment");
    ok(!index_there(make_path("window/demo/v"), w->info.epoch), "no other");

    is_int(live_store_find_segment(w->store, ref, 0, 33, &segment), LIVE_OK,
           "the oldest file is found");
    is_int(live_store_find_part(w->store, ref, 0, 33, 3, &part), LIVE_OK,
           "and its parts");
    is_int(live_store_find_segment(w->store, ref, 0, 32, &segment), LIVE_ELOST,
           "the one before has gone");
    is_int(live_store_find_part(w->store, ref, 0, 32, 0, &part), LIVE_ELOST,
           "with its parts");
    is_int(live_store_find_part(w->store, ref, 0, 40, 4, &part), LIVE_EINVAL,
           "a part behind the end never comes");
    is_int(live_store_find_part(w->store, ref, 0, 41, 0, &part), LIVE_AGAIN,
           "the next segment's may");
    is_int(live_store_find_part(w->store, ref, 0, 41, 1, &part), LIVE_EINVAL,
           "its second not yet");
    is_int(live_store_find_part(w->store, ref, 0, 42, 0, &part), LIVE_EINVAL,
           "nor the one after it");
    is_int(live_store_find_part(w->store, ref, 0, UINT64_MAX, 0, &part),
           LIVE_EINVAL, "nor the last number there is");
    is_int(live_store_find_part(w->store, ref, 0, 40, UINT32_MAX, &part),
           LIVE_EINVAL, "of parts too");
    is_int(live_store_find_part(w->store, ref, 0, 39, 4, &part), LIVE_EINVAL,
           "one behind a closed segment's end is another's");
    is_int(live_store_snapshot(w->store, ref, 0, s), LIVE_OK, "a copy");
    ok(s->nsegments == 4 && s->segments[0].msn == 37 && s->nparts == 16,
       "of what is listed");
    ok(!live_store_shortened(w->writer), "the window was kept");

    make_snapshot_free(s);
    make_leave(w);
}


/* a stream's own limit: files behind the playlist go first, then the playlist is cut */

static void
index_short(void)
{
    uint64_t             msn;
    make_worker_t       *w;
    live_index_track_t  *track;

    w = make_worker(make_path("short"), 4, 0);
    make_info(&w->info, "demo");
    w->info.bytes_max = 2000;
    (void) make_video(w, "demo", 0, 30);
    track = index_track(w, 0, LIVE_VIDEO);

    ok(!live_store_shortened(w->writer), "five segments for four: kept");
    is_int(atomic_load(&track->first_msn), 27, "four listed");
    ok(atomic_load(&live_store_block(w->store, 1)->bytes) <= 2000, "in bytes");
    make_release(w, 0);

    make_info(&w->info, "tight");
    w->info.bytes_max = 1300;
    w->info.window_us = 8000000;
    (void) make_video(w, "tight", 0, 2);
    track = index_track(w, 1, LIVE_VIDEO);

    for (msn = 3; msn <= 30; msn++) {
        (void) make_segment(w, LIVE_VIDEO, msn, 100);
        if (msn - atomic_load(&track->first_msn) < 3) {
            break;
        }
    }

    is_int(msn, 31, "less than that: four are always listed");
    ok(live_store_shortened(w->writer), "the window is not kept");
    ok(atomic_load(&live_store_block(w->store, 2)->bytes) <= 1700, "in bytes");
    make_leave(w);
}


/* less than one segment: what there is at first stays, of both tracks */

static void
index_tight(void)
{
    uint64_t             msn;
    make_worker_t       *w;
    live_index_track_t  *track;

    w = make_worker(make_path("tight"), 4, 0);
    make_info(&w->info, "demo");
    w->info.bytes_max = 300;

    alarm(20);
    is_int(make_video(w, "demo", 0, 0), LIVE_OK, "a segment over the limit");
    track = index_track(w, 0, LIVE_VIDEO);
    ok(atomic_load(&track->first_msn) == 0 && atomic_load(&track->floor_msn)
       == 0, "stays, being the only one");

    for (msn = 1; msn < 10; msn++) {
        (void) make_segment(w, LIVE_VIDEO, msn, 100);
    }

    is_int(atomic_load(&track->first_msn), 6, "four of them are listed");

    (void) make_init(w, LIVE_AUDIO, 1);
    is_int(make_segment(w, LIVE_AUDIO, 10, 100), LIVE_OK, "a late track's");
    track = index_track(w, 0, LIVE_AUDIO);
    ok(atomic_load(&track->first_msn) == 10 && atomic_load(&track->floor_msn)
       == 10, "first segment stays too");
    alarm(0);

    make_leave(w);
}


/* a window longer than the rings; eight parts a segment */

static void
index_ring(void)
{
    uint32_t                i, bad;
    uint64_t                n;
    make_worker_t          *w;
    live_store_ref_t        ref;
    live_store_part_t       part;
    live_store_state_e      state;
    live_store_snapshot_t  *s;

    w = make_worker(make_path("ring"), 4, 0);
    s = make_snapshot();
    make_info(&w->info, "demo");
    w->info.window_us = 10000000000;
    (void) make_video(w, "demo", 1, 0);
    (void) live_store_find(w->store, "demo", 4, &ref, &state);

    for (n = 0; n < 600 * 8; n++) {
        if (n % 8 == 0) {
            (void) make_open(w, LIVE_VIDEO, n / 8);
        }

        (void) make_part(w, LIVE_VIDEO, n % 8, 10);

        if (n % 8 == 7) {
            (void) live_store_write_end(w->writer, LIVE_VIDEO, 2000, 0);
        }
    }

    is_int(live_store_snapshot(w->store, ref, 0, s), LIVE_OK, "a copy");
    ok(s->nsegments >= 250 && s->nsegments < 256, "%u segments", s->nsegments);
    ok(s->nparts >= 1000 && s->nparts < 1024, "%u parts", s->nparts);

    bad = 0;

    for (i = 0; i < s->nsegments; i++) {
        bad += s->segments[i].msn != 600 - s->nsegments + i
               || s->segments[i].duration != 2000
               || s->segments[i].parts != 8 || s->segments[i].size != 80;
    }

    is_int(bad, 0, "the segments are whole");

    for (i = 0; i < s->nparts; i++) {
        n = 600 * 8 - s->nparts + i;
        bad += s->parts[i].msn != n / 8 || s->parts[i].index != n % 8
               || s->parts[i].offset != n % 8 * 10;
    }

    is_int(bad, 0, "and the parts");
    is_int(live_store_find_part(w->store, ref, 0, 471, 0, &part), LIVE_ELOST,
           "a part that the ring has forgotten");
    is_int(live_store_find_part(w->store, ref, 0, 473, 0, &part), LIVE_OK,
           "and one that it knows");

    make_snapshot_free(s);
    make_leave(w);
}


/* an init segment stays as long as a segment that needs it */

static void
index_inits(void)
{
    char                   path[PATH_MAX];
    uint64_t               msn;
    make_worker_t         *w;
    live_store_segment_t   segment;

    w = make_worker(make_path("inits"), 4, 0);
    (void) make_video(w, "demo", 0, 4);
    (void) make_init(w, LIVE_VIDEO, 2);

    for (msn = 5; msn <= 20; msn++) {
        memset(&segment, 0, sizeof(live_store_segment_t));
        segment.msn = msn;
        segment.init = 2;
        (void) live_store_write_segment(w->writer, LIVE_VIDEO, &segment);
        (void) make_part(w, LIVE_VIDEO, 0, 10);
        (void) live_store_write_end(w->writer, LIVE_VIDEO, 1000, 0);

        (void) live_store_file(w->store, "demo", "v", w->info.epoch, 0, 1, path,
                               sizeof(path));
        if ((access(path, F_OK) == 0) != (msn < 12)) {
            break;
        }
    }

    is_int(msn, 21, "the first goes with the last segment that needs it");
    (void) live_store_file(w->store, "demo", "v", w->info.epoch, 0, 2, path,
                           sizeof(path));
    ok(access(path, F_OK) == 0, "the second stays");
    is_int(live_store_file(w->store, "demo", "v", w->info.epoch, 0, 2, path,
                           20), LIVE_ENOSPC, "a buffer that is too small");
    make_leave(w);
}


/* a track that was behind when its publisher vanished gets gaps */

static void
index_level(void)
{
    make_worker_t          *a, *b;
    live_store_ref_t        ref;
    live_store_edge_t       edge;
    live_store_part_t       part;
    live_store_state_e      state;
    live_store_segment_t    segment;
    live_store_snapshot_t  *s;

    a = make_worker(make_path("level"), 4, 0);
    b = make_worker(make_path("level"), 4, 0);
    s = make_snapshot();

    (void) make_video(a, "demo", 0, 1);
    (void) make_init(a, LIVE_AUDIO, 1);
    (void) make_segment(a, LIVE_AUDIO, 0, 10);
    (void) make_open(a, LIVE_AUDIO, 1);
    (void) make_part(a, LIVE_AUDIO, 0, 10);
    (void) make_segment(a, LIVE_VIDEO, 2, 100);
    (void) make_open(a, LIVE_VIDEO, 3);
    (void) make_part(a, LIVE_VIDEO, 0, 100);

    is_int(make_claim(b, "demo"), LIVE_OK, "taken over");
    (void) live_store_find(b->store, "demo", 4, &ref, &state);
    (void) live_store_edge(b->store, ref, LIVE_VIDEO, &edge);
    ok(edge.msn == 3 && edge.part == 0 && edge.closed, "video's segment ends");
    (void) live_store_edge(b->store, ref, LIVE_AUDIO, &edge);
    ok(edge.msn == 3 && edge.closed, "audio has got as far");
    is_int(live_store_find_segment(b->store, ref, LIVE_AUDIO, 2, &segment),
           LIVE_ELOST, "without bytes");
    is_int(live_store_find_part(b->store, ref, LIVE_AUDIO, 2, 3, &part),
           LIVE_ELOST, "in parts too");
    is_int(live_store_snapshot(b->store, ref, LIVE_AUDIO, s), LIVE_OK, "copy");
    ok(s->nsegments == 4 && s->segments[1].duration == 250
       && s->segments[2].duration == 1000 && s->segments[3].duration == 250
       && s->segments[2].start == 1250, "as long as video's");
    ok((s->segments[2].flags & LIVE_SEGMENT_GAP)
       && !(s->segments[1].flags & LIVE_SEGMENT_GAP), "marked as gaps");
    is_int(s->nparts, 4 + 1 + 4 + 1, "all parts are there");

    is_int(make_segment(b, LIVE_AUDIO, 4, 10), LIVE_OK, "and it goes on");
    is_int(live_store_find_part(b->store, ref, LIVE_AUDIO, 4, 0, &part),
           LIVE_OK, "with bytes");

    make_snapshot_free(s);
    make_leave(b);
    make_leave(a);
}


static void
tests(void)
{
    index_made();
    index_refused();
    index_foreign();
    index_taken();
    index_paths();
    index_workers();
    index_streams();
    index_bytes();
    index_window();
    index_short();
    index_tight();
    index_ring();
    index_inits();
    index_level();
}


int
main(void)
{
    return make_world("index", tests);
}
