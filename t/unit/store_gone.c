/*
 * A stream that goes, and whose memory becomes another's, in the midst of being read.
 */

#include "store_make.h"

#include <sys/time.h>


#define GONE_ROUNDS  300


static make_worker_t          *w;
static int                     round_now;
static volatile sig_atomic_t   gone;


/* odd and even streams have numbers of their own */

static void
make_stream(int n)
{
    char      name[16];
    uint32_t  i;

    snprintf(name, sizeof(name), "s%d", n);
    (void) make_claim(w, name);
    (void) make_init(w, LIVE_VIDEO, 1);

    for (i = 0; i < 40; i++) {
        (void) make_open(w, LIVE_VIDEO, n % 2 * 1000 + i);
        (void) live_store_write_part(w->writer, LIVE_VIDEO,
                                     &(live_store_part_t) {
                                         .duration = 1 + n % 2,
                                         .flags = LIVE_PART_GAP },
                                     NULL, 0, NULL, 0);
        (void) live_store_write_end(w->writer, LIVE_VIDEO, 1 + n % 2, 0);
    }
}


static void
replace(int signo)
{
    int64_t  t;

    (void) signo;

    t = round_now * INT64_C(20000000);

    make_release(w, t);
    live_store_janitor(w->store, t + 10000000, make_nothing, NULL);
    live_store_janitor(w->store, t + 15000000, make_nothing, NULL);
    make_stream(round_now + 1);
    gone = 1;
}


static void
tests(void)
{
    int                     i, bad, again, whole;
    uint64_t                base;
    make_worker_t          *reader;
    struct itimerval        it;
    live_store_ref_t        ref;
    live_store_state_e      state;
    live_store_snapshot_t  *s;
    char                    name[16];

    w = make_worker(make_path("gone"), 8, 0);
    reader = make_worker(make_path("gone"), 8, 0);
    s = make_snapshot();

    (void) signal(SIGALRM, replace);
    memset(&it, 0, sizeof(struct itimerval));

    bad = 0;
    again = 0;
    whole = 0;
    make_stream(0);

    for (round_now = 0; round_now < GONE_ROUNDS; round_now++) {

        snprintf(name, sizeof(name), "s%d", round_now);
        (void) live_store_find(reader->store, name, strlen(name), &ref,
                               &state);
        base = (uint64_t) (round_now % 2) * 1000;
        gone = 0;

        it.it_value.tv_usec = 1 + round_now % 20;
        (void) setitimer(ITIMER_REAL, &it, NULL);

        for (i = 0; i < 10000 && !gone; i++) {

            if (live_store_snapshot(reader->store, ref, 0, s) != LIVE_OK) {
                again++;
                continue;
            }

            whole++;

            bad += s->edge.msn != base + 39
                   || s->parts[s->nparts - 1].msn != base + 39
                   || s->segments[0].msn < base
                   || s->segments[0].msn > base + 39
                   || strcmp(s->stream.name, name) != 0;
        }

        if (!gone) {
            (void) kill(getpid(), SIGALRM);
        }
    }

    (void) signal(SIGALRM, SIG_DFL);

    is_int(bad, 0, "a copy of a stream is never another's");
    ok(whole > 0 && again > 0, "%d copies, %d times it had just gone", whole,
       again);

    make_snapshot_free(s);
    make_leave(reader);
    make_leave(w);
}


int
main(void)
{
    return make_world("gone", tests);
}
