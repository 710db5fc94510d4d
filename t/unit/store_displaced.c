/*
 * A writer who is displaced in the midst of writing a part: between the look at whose the
 * stream is and the bytes.
 */

#include "store_make.h"

#include <sys/syscall.h>
#include <sys/uio.h>


static void  (*displaced_hook)(void);
static make_worker_t  *a, *b;


/* in the place of libc's */

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    void  (*hook)(void) = displaced_hook;

    displaced_hook = NULL;

    if (hook) {
        hook();
    }

    return syscall(SYS_writev, fd, iov, n);
}


static void
take(void)
{
    is_int(make_claim(b, "demo"), LIVE_OK, "taken over while a part is written");
}


static void
take_and_write(void)
{
    take();

    ok(make_open(b, LIVE_VIDEO, 3) == LIVE_OK
       && make_part(b, LIVE_VIDEO, 0, 40) == LIVE_OK, "with the same number");
}


static void
seen(live_store_ref_t ref, uint64_t msn, uint32_t part, const char *what)
{
    live_store_edge_t  edge;

    (void) live_store_edge(b->store, ref, LIVE_VIDEO, &edge);
    ok(edge.msn == msn && edge.part == part, "%s: %" PRIu64 ".%u", what,
       edge.msn, edge.part);
}


static void
file_is(uint64_t msn, const char *want, const char *what)
{
    int   fd;
    char  path[PATH_MAX], buf[512];
    long  n;

    (void) live_store_file(b->store, "demo", "v", b->info.epoch, msn, 0, path,
                           sizeof(path));
    fd = open(path, O_RDONLY);
    n = fd == -1 ? -1 : read(fd, buf, sizeof(buf) - 1);
    buf[n > 0 ? n : 0] = '\0';
    is_str(buf, want, "%s", what);

    if (fd != -1) {
        close(fd);
    }
}


static void
tests(void)
{
    live_store_ref_t    ref;
    live_store_state_e  state;

    a = make_worker(make_path("displaced"), 2, 0);
    b = make_worker(make_path("displaced"), 2, 0);

    (void) make_video(a, "demo", 0, 1);
    (void) live_store_find(a->store, "demo", 4, &ref, &state);
    (void) make_open(a, LIVE_VIDEO, 2);
    (void) make_part(a, LIVE_VIDEO, 0, 10);

    displaced_hook = take;
    is_int(make_part(a, LIVE_VIDEO, 1, 10), LIVE_ELOST, "he learns it");
    seen(ref, 2, 0, "nobody saw his part");
    is_int(make_part(a, LIVE_VIDEO, 2, 10), LIVE_ELOST, "no part any more");
    is_int(make_close(a, LIVE_VIDEO), LIVE_ELOST, "no end");
    is_int(make_open(a, LIVE_VIDEO, 3), LIVE_ELOST, "no segment");
    is_int(make_init(a, LIVE_VIDEO, 2), LIVE_ELOST, "no init segment");
    ok(!live_store_owned(a->writer), "it is not his");
    make_release(a, 0);
    is_int(live_store_state(b->store, ref), LIVE_STORE_LIVE,
           "his leaving means nothing");

    /* the other way round, over a segment that has no part yet */

    make_release(b, 0);
    (void) make_claim(a, "demo");
    (void) make_open(a, LIVE_VIDEO, 3);

    displaced_hook = take_and_write;
    is_int(make_part(a, LIVE_VIDEO, 0, 20), LIVE_ELOST, "he learns it");
    seen(ref, 3, 0, "the new owner's part is there");
    (void) make_part(b, LIVE_VIDEO, 1, 4);
    file_is(3, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbb",
            "nothing else is in its file");
    make_release(a, 0);
    make_release(b, 0);

    live_store_janitor(b->store, 10000000, make_nothing, NULL);
    live_store_janitor(b->store, 15000000, make_nothing, NULL);
    is_int(live_store_state(b->store, ref), LIVE_STORE_GONE, "all has gone");
    is_int(atomic_load(&b->store->header->bytes), 0, "no byte is counted");
    is_int(make_files(make_path("displaced")), 0, "no file is left");

    make_leave(a);
    make_leave(b);
}


int
main(void)
{
    return make_world("displaced", tests);
}
