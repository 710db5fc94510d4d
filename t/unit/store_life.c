/*
 * The life of a stream: claimed, left, waited for, ended, gone; and what a worker that
 * dies leaves behind.
 */

#include "store_make.h"


#define SECOND  1000000ll


typedef struct {
    int                  n;
    uint32_t             stream;
    live_store_change_e  change;
    char                 name[LIVE_STORE_NAME_MAX];
} life_changes_t;


static life_changes_t  life_seen;


static void
life_changed(void *ctx, uint32_t stream, const char *name,
    live_store_change_e change)
{
    life_changes_t  *l = ctx;

    l->n++;
    l->stream = stream;
    l->change = change;
    snprintf(l->name, sizeof(l->name), "%s", name);
}


/* what the janitor says at this time: a live_store_change_e, 0: nothing */

static int
life_at(make_worker_t *w, int64_t mono_us)
{
    memset(&life_seen, 0, sizeof(life_changes_t));
    live_store_janitor(w->store, mono_us, life_changed, &life_seen);

    return life_seen.n ? (int) life_seen.change : 0;
}


static live_store_state_e
life_find(make_worker_t *w, const char *name, live_store_ref_t *ref)
{
    live_store_state_e  state;

    return live_store_find(w->store, name, strlen(name), ref, &state)
           == LIVE_OK ? state : LIVE_STORE_FREE;
}


/* a worker that claims a stream and dies of SIGKILL over an open segment */

static void
life_killed(const char *path, const char *name, int locked)
{
    int             fds[2];
    char            c;
    pid_t           pid;
    make_worker_t  *w;

    if (pipe(fds) == -1 || (pid = fork()) == -1) {
        ok(0, "a pipe and a process");
        return;
    }

    if (pid == 0) {
        w = make_worker(path, 4, 0);

        if (make_video(w, name, 0, 3) == LIVE_OK
            && make_open(w, LIVE_VIDEO, 4) == LIVE_OK
            && make_part(w, LIVE_VIDEO, 0, 50) == LIVE_OK
            && make_part(w, LIVE_VIDEO, 1, 60) == LIVE_OK
            && (!locked || live_store_lock(w->store, LIVE_STORE_LOCK_TABLE,
                                           F_WRLCK, 0) == LIVE_OK))
        {
            live_store_write_resume(w->writer, "left", 4);
            (void) !write(fds[1], "+", 1);
        }

        for ( ;; ) {
            pause();
        }
    }

    close(fds[1]);

    is_int(read(fds[0], &c, 1), 1, "a worker writes");
    close(fds[0]);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}


static void
life_ages(void)
{
    int64_t              t;
    char                *path;
    uint64_t             version;
    make_worker_t       *w, *reader;
    live_store_ref_t     ref;
    live_store_edge_t    edge;

    path = make_path("ages");
    w = make_worker(path, 4, 0);
    reader = make_worker(path, 4, 0);

    is_int(life_find(reader, "demo", &ref), LIVE_STORE_FREE, "no stream yet");
    is_int(make_video(w, "demo", 0, 2), LIVE_OK, "a stream is claimed");
    is_int(w->resumed, 0, "nobody has left anything for it");
    is_int(life_find(reader, "demo", &ref), LIVE_STORE_LIVE, "it is live");
    is_int(life_at(reader, live_store_monotonic() + 3600 * SECOND), 0,
           "and stays so while its worker lives");
    is_int(live_store_state(reader->store, ref), LIVE_STORE_LIVE, "live");

    t = 1000 * SECOND;
    version = live_store_version(reader->store, ref);
    make_release(w, t);

    is_int(live_store_state(reader->store, ref), LIVE_STORE_WAITING,
           "its publisher leaves: it waits");
    ok(live_store_version(reader->store, ref) > version,
       "which is another version");

    is_int(life_at(reader, t + 10 * SECOND - 1), 0, "it lingers");
    is_int(live_store_edge(reader->store, ref, 0, &edge), LIVE_OK, "an edge");
    ok(edge.any && edge.closed && !edge.ended && edge.msn == 2
       && edge.part == 3, "it may go on");

    version = live_store_version(reader->store, ref);

    is_int(life_at(reader, t + 10 * SECOND), LIVE_STORE_LINGERED,
           "nobody came back");
    ok(life_seen.n == 1 && life_seen.stream == ref.stream
       && strcmp(life_seen.name, "demo") == 0, "of which the janitor tells");
    ok(live_store_version(reader->store, ref) > version,
       "which is another version");
    is_int(live_store_state(reader->store, ref), LIVE_STORE_ENDED, "it ended");
    (void) live_store_edge(reader->store, ref, 0, &edge);
    ok(edge.any && edge.ended, "no more will come");

    t += 10 * SECOND;

    is_int(life_at(reader, t + 5 * SECOND - 1), 0,
           "files stay for the window and a target duration");
    ok(make_files(path) > 3, "they are there");
    is_int(life_at(reader, t + 5 * SECOND), LIVE_STORE_REMOVED, "then they go");
    is_int(live_store_state(reader->store, ref), LIVE_STORE_GONE, "it is gone");
    is_int(make_files(path), 0, "no file is left");
    is_int(atomic_load(&w->store->header->bytes), 0, "no byte is counted");
    is_int(live_store_edge(reader->store, ref, 0, &edge), LIVE_AGAIN,
           "no edge");
    is_int(life_find(reader, "demo", &ref), LIVE_STORE_GONE,
           "its name is known");

    t += 5 * SECOND;

    (void) life_at(reader, t + 300 * SECOND - 1);
    is_int(life_find(reader, "demo", &ref), LIVE_STORE_GONE,
           "for five minutes");
    (void) life_at(reader, t + 300 * SECOND);
    is_int(live_store_state(reader->store, ref), LIVE_STORE_FREE,
           "its place is free");
    is_int(life_find(reader, "demo", &ref), LIVE_STORE_FREE, "forgotten");
    is_int(live_store_version(reader->store, ref), 0, "without a version");

    make_leave(w);
    make_leave(reader);
}


static void
life_returns(void)
{
    int64_t                    end, date, seen;
    uint32_t                   discontinuity;
    uint64_t                   msn;
    make_worker_t             *a, *b;
    live_store_ref_t           ref;
    live_store_stream_info_t   info;

    a = make_worker(make_path("returns"), 4, 0);
    b = make_worker(make_path("returns"), 4, 0);

    is_int(make_video(a, "demo", 0, 2), LIVE_OK, "a stream");
    live_store_write_resume(a->writer, "one", 3);
    live_store_write_resume(a->writer, "two two", 7);
    is_mem(live_store_block(a->store, 1)->resume[1], 3, "one", 3,
           "a second copy leaves the first, should its writer die over it");
    make_release(a, 0);

    is_int(make_claim(b, "demo"), LIVE_OK, "another worker goes on with it");
    ok(strcmp(a->info.epoch, b->info.epoch) == 0, "in the same epoch");
    is_mem(b->resume, b->resumed, "two two", 7, "knowing what was last said");
    is_int(live_store_writer_end(b->writer, &msn, &discontinuity, &end, &date,
                                 &seen),
           LIVE_OK, "and where it ended");
    ok(msn == 2 && end == 3 * SECOND, "at the end of segment 2");
    ok(life_find(a, "demo", &ref) == LIVE_STORE_LIVE, "it is live again");

    live_store_write_resume(b->writer, "three", 5);
    make_release(b, 0);

    /* what it is does not change with who publishes */

    a->info.window_us = 1;
    is_int(make_claim(a, "demo"), LIVE_OK, "the first comes back");
    is_mem(a->resume, a->resumed, "three", 5, "and reads the other copy");
    is_int(a->info.window_us, 4 * SECOND, "its settings are the stream's");
    is_int(live_store_info(b->store, ref, &info), LIVE_OK, "as all see them");
    is_int(info.window_us, 4 * SECOND, "unchanged");

    live_store_write_resume(a->writer, a->resume, LIVE_STORE_RESUME_MAX);
    live_store_write_resume(a->writer, "much", LIVE_STORE_RESUME_MAX + 1);
    make_release(a, 0);

    (void) make_claim(b, "demo");
    is_int(b->resumed, LIVE_STORE_RESUME_MAX, "what is too long is not kept");

    make_leave(b);
    make_leave(a);
}


/* an ended stream is not taken up again */

static void
life_again(void)
{
    char                old[32];
    make_worker_t      *w;
    live_store_ref_t    first, second;

    w = make_worker(make_path("again"), 4, 0);

    (void) make_video(w, "demo", 0, 2);
    memcpy(old, w->info.epoch, sizeof(old));
    (void) life_find(w, "demo", &first);
    live_store_write_resume(w->writer, "old", 3);
    make_release(w, 0);
    is_int(life_at(w, 10 * SECOND), LIVE_STORE_LINGERED, "a stream ended");

    is_int(make_claim(w, "demo"), LIVE_OK, "its publisher comes back later");
    is_int(w->resumed, 0, "with nothing to go on from");
    ok(strcmp(old, w->info.epoch) != 0, "in a new epoch");
    is_int(life_find(w, "demo", &second), LIVE_STORE_LIVE, "the name is his");
    ok(second.birth != first.birth && second.stream != first.stream,
       "and another stream's");
    is_int(live_store_state(w->store, first), LIVE_STORE_ENDED,
           "who has the old one keeps it");
    is_int(live_store_check_epoch(w->store, first, old, strlen(old)), LIVE_OK,
           "with its epoch");
    is_int(live_store_check_epoch(w->store, second, old, strlen(old)),
           LIVE_EINVAL, "which is not the new one's");
    is_int(live_store_check_epoch(w->store, first, old, strlen(old) - 1),
           LIVE_EINVAL, "nor is a part of it");
    is_int(live_store_check_epoch(w->store, first, old, 0), LIVE_EINVAL,
           "nor nothing");

    is_int(life_at(w, 15 * SECOND), LIVE_STORE_REMOVED, "the old one goes");
    is_int(live_store_state(w->store, second), LIVE_STORE_LIVE,
           "the new one stays");
    (void) life_at(w, 315 * SECOND);
    is_int(live_store_state(w->store, first), LIVE_STORE_FREE, "forgotten");
    is_int(life_find(w, "demo", &second), LIVE_STORE_LIVE, "still live");

    make_leave(w);
}


/* a place of which only the name was left is another's: who had it is told */

static void
life_reused(void)
{
    make_worker_t             *w;
    live_store_ref_t           ref, other;
    live_store_edge_t          edge;
    live_store_part_t          part;
    live_store_snapshot_t     *s;
    live_store_stream_info_t   info;

    w = make_worker(make_path("reused"), 1, 0);
    s = make_snapshot();

    (void) make_video(w, "first", 0, 2);
    (void) life_find(w, "first", &ref);
    make_release(w, 0);
    (void) life_at(w, 10 * SECOND);
    is_int(life_at(w, 15 * SECOND), LIVE_STORE_REMOVED, "a stream has gone");

    is_int(make_video(w, "other", 0, 2), LIVE_OK, "its place is needed");
    is_int(life_find(w, "other", &other), LIVE_STORE_LIVE, "another lives");
    is_int(other.stream, ref.stream, "in its place");
    is_int(life_find(w, "first", &other), LIVE_STORE_FREE,
           "the old name is forgotten");

    is_int(live_store_state(w->store, ref), LIVE_STORE_FREE, "no state");
    is_int(live_store_version(w->store, ref), 0, "no version");
    is_int(live_store_info(w->store, ref, &info), LIVE_AGAIN, "no settings");
    is_int(live_store_track(w->store, ref, "v", 1), LIVE_AGAIN, "no track");
    is_int(live_store_edge(w->store, ref, 0, &edge), LIVE_AGAIN, "no edge");
    is_int(live_store_snapshot(w->store, ref, 0, s), LIVE_AGAIN, "no copy");
    is_int(live_store_find_part(w->store, ref, 0, 2, 0, &part), LIVE_EINVAL,
           "no part");
    is_int(live_store_starting(w->store, ref), 0, "nothing is awaited");
    is_int(live_store_check_epoch(w->store, ref, w->info.epoch,
                                  strlen(w->info.epoch)), LIVE_EINVAL,
           "no epoch");

    make_snapshot_free(s);
    make_leave(w);
}


static void
life_orphan(void)
{
    int64_t               end, date, seen;
    uint32_t              discontinuity;
    uint64_t              msn;
    make_worker_t        *w;
    live_store_ref_t      ref;
    live_store_edge_t     edge;
    live_store_part_t     part;
    live_store_segment_t  segment;

    w = make_worker(make_path("orphan"), 4, 0);

    life_killed(make_path("orphan"), "demo", 0);

    is_int(life_find(w, "demo", &ref), LIVE_STORE_LIVE,
           "a worker was killed: nobody has noticed");
    is_int(life_at(w, 100 * SECOND), LIVE_STORE_ORPHANED, "the janitor does");
    is_int(live_store_state(w->store, ref), LIVE_STORE_WAITING, "it waits");
    is_int(life_at(w, 110 * SECOND - 1), 0, "as for any publisher");

    (void) live_store_edge(w->store, ref, 0, &edge);
    ok(edge.closed && edge.msn == 4 && edge.part == 1,
       "the segment that was left open is closed");
    is_int(live_store_find_segment(w->store, ref, 0, 4, &segment), LIVE_OK,
           "and found");
    ok(segment.parts == 2 && segment.duration == 500 && segment.size == 110,
       "with the parts that were seen");
    is_int(live_store_find_part(w->store, ref, 0, 4, 1, &part), LIVE_OK,
           "its last part");
    ok(part.offset == 50 && part.size == 60, "where it was");
    is_int(live_store_find_part(w->store, ref, 0, 4, 2, &part), LIVE_EINVAL,
           "nothing follows in it");
    is_int(live_store_find_part(w->store, ref, 0, 5, 0, &part), LIVE_AGAIN,
           "a segment may follow");

    is_int(make_claim(w, "demo"), LIVE_OK, "the publisher comes back");
    is_mem(w->resume, w->resumed, "left", 4, "what he left is there");
    is_int(live_store_writer_end(w->writer, &msn, &discontinuity, &end, &date,
                                 &seen),
           LIVE_OK, "the end");
    ok(msn == 4 && end == 4500000, "he goes on where it was cut off");
    is_int(make_segment(w, LIVE_VIDEO, 5, 100), LIVE_OK, "a segment");
    is_int(live_store_find_part(w->store, ref, 0, 5, 0, &part), LIVE_OK,
           "is found");

    make_leave(w);
}


/* the next worker in a dead one's slot is not him */

static void
life_disowned(void)
{
    make_worker_t     *w, *next;
    live_store_ref_t   ref;

    w = make_worker(make_path("disowned"), 4, 0);
    life_killed(make_path("disowned"), "demo", 0);
    is_int(life_find(w, "demo", &ref), LIVE_STORE_LIVE, "a worker was killed");

    next = make_worker(make_path("disowned"), 4, 0);
    is_int(next->store->slot, 1, "another has its slot");
    is_int(life_at(next, live_store_monotonic()), LIVE_STORE_ORPHANED,
           "who is the janitor, and leaves its streams waiting");
    is_int(live_store_state(w->store, ref), LIVE_STORE_WAITING, "for any");
    is_int(life_at(w, live_store_monotonic()), 0, "which is said once");

    make_leave(next);
    make_leave(w);
}


/* a lock goes with its holder */

static void
life_locked(void)
{
    make_worker_t     *w;
    live_store_ref_t   ref;

    w = make_worker(make_path("locked"), 4, 0);
    life_killed(make_path("locked"), "demo", 1);

    alarm(20);
    is_int(make_claim(w, "demo"), LIVE_OK,
           "a worker was killed with the table locked: a claim");
    is_mem(w->resume, w->resumed, "left", 4, "takes over");
    make_release(w, 0);
    is_int(life_find(w, "demo", &ref), LIVE_STORE_WAITING, "and is left");
    is_int(life_at(w, 10 * SECOND), LIVE_STORE_LINGERED, "the janitor works");
    alarm(0);

    make_leave(w);
}


static int
life_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}


static void
life_epochs(void)
{
    int                 i, n, twice, falling;
    static char         epochs[400][32];
    make_worker_t      *w;
    live_store_ref_t    ref;

    w = make_worker(make_path("epochs"), 8, 0);

    falling = 0;

    for (n = 0; n < 400; n++) {
        if (make_claim(w, "demo") != LIVE_OK) {
            break;
        }

        memcpy(epochs[n], w->info.epoch, sizeof(epochs[n]));
        make_release(w, 0);
        (void) life_at(w, 10 * SECOND);
        (void) life_at(w, 15 * SECOND);

        falling += n && strcmp(epochs[n - 1], epochs[n]) >= 0;
    }

    is_int(n, 400, "a name is claimed anew as often as one likes");
    is_int(falling, 0, "each epoch is later than the one before");

    qsort(epochs, (size_t) n, sizeof(epochs[0]), life_compare);

    for (twice = 0, i = 1; i < n; i++) {
        twice += strcmp(epochs[i - 1], epochs[i]) == 0;
    }

    is_int(twice, 0, "no epoch is there twice");
    is_int(strspn(epochs[0], "0123456789abcdefghijklmnopqrstuvwxyz"),
           strlen(epochs[0]), "they are fit for URLs: %s", epochs[0]);
    is_int(life_find(w, "demo", &ref), LIVE_STORE_GONE, "the last is known");
    ok(atomic_load(&w->store->header->blocks) <= 2, "memory is used again");

    make_leave(w);
}


/* what a stream starts with is there before it is listed */

static void
life_starts(void)
{
    make_worker_t        *w;
    live_store_ref_t      ref;
    live_store_edge_t     edge;
    live_store_part_t     part;
    live_store_stream_t   stream;

    w = make_worker(make_path("starts"), 4, 0);

    (void) make_claim(w, "demo");
    (void) life_find(w, "demo", &ref);
    ok(live_store_starting(w->store, ref), "a new stream is awaited");
    is_int(live_store_stream(w->store, ref, &stream), LIVE_AGAIN, "not ready");
    is_int(live_store_track(w->store, ref, "v", 1), LIVE_AGAIN, "no track");

    live_store_start(w->writer, 1 << LIVE_VIDEO | 1 << LIVE_AUDIO);
    (void) make_init(w, LIVE_VIDEO, 1);
    (void) make_init(w, LIVE_AUDIO, 1);
    (void) make_open(w, LIVE_VIDEO, 7);
    is_int(live_store_track(w->store, ref, "v", 1), LIVE_VIDEO, "a track");
    is_int(live_store_track(w->store, ref, "a", 1), LIVE_AGAIN, "not two");
    is_int(live_store_find_part(w->store, ref, LIVE_VIDEO, 7, 0, &part),
           LIVE_AGAIN, "its first part may come");
    is_int(live_store_find_part(w->store, ref, LIVE_VIDEO, 7, 1, &part),
           LIVE_EINVAL, "the second not yet");
    (void) live_store_edge(w->store, ref, LIVE_VIDEO, &edge);
    ok(!edge.any, "nothing is there");

    (void) make_part(w, LIVE_VIDEO, 0, 100);
    ok(live_store_starting(w->store, ref), "video without audio");
    is_int(live_store_stream(w->store, ref, &stream), LIVE_AGAIN, "not ready");

    (void) make_open(w, LIVE_AUDIO, 7);
    (void) make_part(w, LIVE_AUDIO, 0, 100);
    ok(!live_store_starting(w->store, ref), "audio came");
    is_int(live_store_stream(w->store, ref, &stream), LIVE_OK, "ready");
    is_int(stream.ntracks, 2, "with both tracks");
    ok(strcmp(stream.tracks[0].rfc6381, "avc1.64001f") == 0
       && strcmp(stream.tracks[1].rfc6381, "mp4a.40.2") == 0, "as they are");

    live_store_start(w->writer, 1 << LIVE_VIDEO);
    ok(!live_store_starting(w->store, ref), "a stream starts once");

    make_leave(w);
}


/* a segment's last part and its end are seen at once: no hint in between */

static void
life_ends(void)
{
    make_worker_t      *w;
    live_store_ref_t    ref;
    live_store_edge_t   edge;
    live_store_part_t   part;

    w = make_worker(make_path("ends"), 4, 0);
    is_int(make_video(w, "demo", 0, 0), LIVE_OK, "a segment");
    (void) life_find(w, "demo", &ref);

    (void) make_open(w, LIVE_VIDEO, 1);
    (void) make_part(w, LIVE_VIDEO, 0, 100);

    memset(&part, 0, sizeof(live_store_part_t));
    part.index = 1;
    part.duration = 100;
    part.flags = LIVE_PART_ENDS|LIVE_PART_GAP;
    is_int(live_store_write_part(w->writer, LIVE_VIDEO, &part, NULL, 0, NULL,
                                 0),
           LIVE_OK, "its last part");
    (void) live_store_edge(w->store, ref, 0, &edge);
    ok(edge.msn == 1 && edge.part == 0 && !edge.closed, "is not seen yet");
    is_int(live_store_find_part(w->store, ref, 0, 1, 1, &part), LIVE_AGAIN,
           "it may come");

    is_int(make_close(w, LIVE_VIDEO), LIVE_OK, "its end");
    (void) live_store_edge(w->store, ref, 0, &edge);
    ok(edge.msn == 1 && edge.part == 1 && edge.closed, "both are seen");
    is_int(live_store_find_part(w->store, ref, 0, 1, 1, &part), LIVE_ELOST,
           "a gap");
    is_int((int) part.flags, LIVE_PART_GAP, "which says no more");

    make_leave(w);
}


static void
life(void)
{
    life_ends();
    life_ages();
    life_returns();
    life_again();
    life_reused();
    life_orphan();
    life_disowned();
    life_locked();
    life_epochs();
    life_starts();
}


int
main(void)
{
    return make_world("life", life);
}
