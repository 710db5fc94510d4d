/*
 * Low-latency viewers.  Each has four connections, as a player over HTTP/1.1 has:
 * for video and for audio a blocking playlist reload (a delta update) and a request
 * for the next part, which is the hinted one unless the viewer is behind.  Both
 * are always under way.
 *
 * The figure: from when a part was first visible anywhere to when its last byte was
 * here.
 *
 *     first visible   the earliest arrival, at any viewer, of the part's first bytes
 *                     or of a playlist that lists it
 *     last byte       its arrival at this viewer's socket
 *
 * Arrivals are the kernel's stamps, so what a busy generator takes to look at them is
 * not in the figure; what it takes from the server's CPU is.  A part that a
 * viewer never got, within two seconds after the end, counts as later than all others.
 */

#define _GNU_SOURCE

#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


#define LOAD_TRACKS    2
#define LOAD_PARTS     2048               /* of one track in one run */
#define LOAD_HEAD_BUF  4096               /* bytes of a part that are looked at */
#define LOAD_TRUNC     (1 << 20)
#define LOAD_RCVBUF    400000             /* a whole part: the window is no limit */
#define LOAD_GRACE     (2 * LOAD_S)
#define LOAD_TIMEOUT   503
#define LOAD_ERRORS    10000


typedef struct {
    uint64_t     msn;
    uint32_t     index;
} load_part_id_t;


typedef struct {
    load_part_id_t    id;
    int64_t           seen;               /* first visible */
    int64_t          *last;               /* by viewer of the stream, 0: never */
} load_part_t;


/* what all viewers together know of a track */

typedef struct {
    char              stream[64];
    char              name;               /* v, a */
    char              epoch[64];
    int               viewers;            /* of its stream */
    int               nparts;
    load_part_t       parts[LOAD_PARTS];
} load_track_t;


typedef enum {
    LOAD_RELOAD = 0,
    LOAD_PART
} load_kind_e;


typedef struct load_view_s  load_view_t;

typedef struct {
    int               fd;
    load_kind_e       kind;
    load_view_t      *view;
    int               busy;               /* a request is under way */
    load_part_id_t    id;                 /* of the part asked for */
    char             *buf;
    size_t            cap;
    size_t            have;               /* of the response */
    int64_t           first;              /* when its first bytes came */
    load_response_t   response;
} load_conn_t;


/* one viewer's view of one track */

struct load_view_s {
    load_track_t     *track;
    int               viewer;             /* of its stream */
    load_conn_t       conns[2];
    load_part_id_t    hint;
    load_part_id_t    refused;            /* a hint that will not come */
    int               known;              /* it has a hint */
    int               started;
    int               next;               /* part to fetch, in the track's table */
};


typedef struct {
    int               pid;
    uint64_t          bytes;
} load_worker_t;


static struct {
    const load_options_t  *options;
    int                    ep;
    load_track_t          *tracks;
    int                    ntracks;
    load_view_t           *views;
    int                    nviews;
    load_worker_t          workers[LOAD_PIDS];
    int                    measuring;
    uint64_t               requests;
    uint64_t               refused;       /* hints that did not come */
    uint64_t               errors;
    FILE                  *log;
} load;


static int load_compare(load_part_id_t a, load_part_id_t b);
static int load_find(load_track_t *track, load_part_id_t id);
static int load_add(load_track_t *track, load_part_id_t id, int64_t when);
static int load_parse_id(const char *p, load_part_id_t *id);
static void load_learn(load_track_t *track, const char *text, int64_t when);
static void load_ask_path(load_conn_t *conn, const char *path);
static void load_reload(load_view_t *view);
static void load_next_part(load_view_t *view);
static void load_account(load_conn_t *conn);
static void load_got_playlist(load_conn_t *conn, int64_t when);
static void load_got_part(load_conn_t *conn, int64_t when);
static void load_first_bytes(load_conn_t *conn);
static int load_header_done(load_conn_t *conn, int64_t when);
static int load_read(load_conn_t *conn, int64_t *when);
static void load_readable(load_conn_t *conn);
static void load_view_until(int64_t end);
static void load_make_tracks(void);
static void load_make_views(void);
static void load_report(int64_t from, int64_t to);


static int
load_compare(load_part_id_t a, load_part_id_t b)
{
    if (a.msn != b.msn) {
        return a.msn < b.msn ? -1 : 1;
    }

    return a.index < b.index ? -1 : a.index > b.index;
}


/* number of the part in the track's table, -1: it is not there */

static int
load_find(load_track_t *track, load_part_id_t id)
{
    int  i;

    for (i = track->nparts - 1; i >= 0; i--) {
        switch (load_compare(track->parts[i].id, id)) {
        case 0:
            return i;
        case -1:
            return -1;
        }
    }

    return -1;
}


/* the part was visible at this time */

static int
load_add(load_track_t *track, load_part_id_t id, int64_t when)
{
    int           i;
    load_part_t  *part;

    i = load_find(track, id);

    if (i == -1) {

        if (track->nparts
            && load_compare(track->parts[track->nparts - 1].id, id) > 0)
        {
            return -1;
        }

        if (track->nparts == LOAD_PARTS) {
            errno = 0;
            load_die("too long a run");
        }

        i = track->nparts++;
        part = &track->parts[i];
        part->id = id;
        part->seen = when;
        part->last = load_alloc((size_t) track->viewers * sizeof(int64_t));
    }

    part = &track->parts[i];

    if (when < part->seen) {
        part->seen = when;
    }

    return i;
}


/* {epoch}-{msn}.{part}.m4s */

static int
load_parse_id(const char *p, load_part_id_t *id)
{
    unsigned long  msn;
    unsigned int   index;

    p = strchr(p, '-');

    if (p == NULL || sscanf(p, "-%lu.%u.m4s", &msn, &index) != 2) {
        return -1;
    }

    id->msn = msn;
    id->index = index;

    return 0;
}


/* parts in a playlist that are newer than the newest that is known */

static void
load_learn(load_track_t *track, const char *text, int64_t when)
{
    const char      *p;
    load_part_id_t   id;

    for (p = text; (p = strstr(p, "#EXT-X-PART:")) != NULL; p++) {

        p = strstr(p, "URI=\"");

        if (p == NULL) {
            return;
        }

        if (load_parse_id(p, &id) == 0
            && (track->nparts == 0
                || load_compare(id, track->parts[track->nparts - 1].id) >= 0))
        {
            load_add(track, id, when);
        }
    }
}


static void
load_ask_path(load_conn_t *conn, const char *path)
{
    int   n;
    char  request[512];

    n = snprintf(request, sizeof(request),
                 "GET /live/%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 "Accept: */*\r\nOrigin: http://127.0.0.1\r\n\r\n",
                 conn->view->track->stream, path);

    conn->busy = 1;
    conn->have = 0;
    conn->response.head = 0;
    load.requests++;

    if (send(conn->fd, request, (size_t) n, MSG_NOSIGNAL) != n) {
        load_die("send");
    }
}


static void
load_reload(load_view_t *view)
{
    char  path[160];

    if (!view->known) {
        snprintf(path, sizeof(path), "%c.m3u8", view->track->name);

    } else {
        snprintf(path, sizeof(path),
                 "%c.m3u8?_HLS_msn=%lu&_HLS_part=%u&_HLS_skip=YES",
                 view->track->name, view->hint.msn, view->hint.index);
    }

    load_ask_path(&view->conns[LOAD_RELOAD], path);
}


/* the next part that this viewer knows of: listed, or hinted */

static void
load_next_part(load_view_t *view)
{
    char            path[160];
    load_conn_t    *conn;
    load_track_t   *track;
    load_part_id_t  id;

    conn = &view->conns[LOAD_PART];
    track = view->track;

    if (conn->busy || !view->known) {
        return;
    }

    if (!view->started) {
        view->started = 1;
        view->next = track->nparts;
    }

    if (view->next < track->nparts
        && load_compare(track->parts[view->next].id, view->hint) <= 0)
    {
        id = track->parts[view->next].id;

    } else if (view->next == track->nparts
               && load_compare(view->hint, view->refused) != 0)
    {
        id = view->hint;

    } else {
        return;
    }

    /* a view that is behind the others' knowledge waits for its playlist */

    conn->id = id;

    snprintf(path, sizeof(path), "%c/%s-%lu.%u.m4s", track->name, track->epoch,
             id.msn, id.index);

    load_ask_path(conn, path);
}


static void
load_account(load_conn_t *conn)
{
    int  i;

    if (!load.measuring) {
        return;
    }

    for (i = 0; i < LOAD_PIDS; i++) {

        if (load.workers[i].pid == 0) {
            load.workers[i].pid = conn->response.worker;
        }

        if (load.workers[i].pid == conn->response.worker) {
            load.workers[i].bytes += conn->response.head
                                     + (uint64_t) conn->response.length;
            return;
        }
    }
}


static void
load_got_playlist(load_conn_t *conn, int64_t when)
{
    char            *text, *hint, *slash, *dash;
    load_view_t     *view;
    load_track_t    *track;
    load_part_id_t   id;

    view = conn->view;
    track = view->track;

    if (conn->response.status != 200) {
        load.errors += conn->response.status != LOAD_TIMEOUT;

        if (load.errors > LOAD_ERRORS) {
            errno = 0;
            load_die("%s/%c.m3u8: status %d, again and again", track->stream,
                     track->name, conn->response.status);
        }

        load_reload(view);
        return;
    }

    conn->buf[conn->have] = '\0';
    text = conn->buf + conn->response.head;
    hint = strstr(text, "#EXT-X-PRELOAD-HINT:");

    if (hint == NULL || load_parse_id(hint = strstr(hint, "URI=\""), &id) != 0) {
        errno = 0;
        load_die("a playlist without a hint: %s", text);
    }

    if (track->epoch[0] == '\0') {
        slash = strchr(hint, '/');
        dash = strchr(hint, '-');

        if (slash && dash > slash) {
            snprintf(track->epoch, sizeof(track->epoch), "%.*s",
                     (int) (dash - slash - 1), slash + 1);
        }
    }

    load_learn(track, text, when);

    view->hint = id;
    view->known = 1;

    load_reload(view);
    load_next_part(view);
}


static void
load_got_part(load_conn_t *conn, int64_t when)
{
    int               i;
    load_view_t      *view;
    load_track_t     *track;
    load_fragment_t   f;

    view = conn->view;
    track = view->track;

    if (conn->response.status != 200) {

        if (load_compare(conn->id, view->hint) == 0
            || load_find(track, conn->id) == -1)
        {
            view->refused = conn->id;
            load.refused++;

        } else {
            load.errors++;
            view->next++;
        }

        load_next_part(view);
        return;
    }

    i = load_add(track, conn->id, conn->first);

    if (i >= 0) {
        track->parts[i].last[view->viewer] = when;
        view->next = i + 1;

        if (load.log && load_parse_fragment((uint8_t *) conn->buf
                                            + conn->response.head,
                                            conn->have - conn->response.head,
                                            &f) == 0)
        {
            fprintf(load.log, "%s %c %lu %u %ld %ld %lu %lu %u\n",
                    track->stream, track->name, conn->id.msn, conn->id.index,
                    conn->first, when, f.start, f.duration, f.samples);
        }

    } else {

        /* so far behind that nobody else knows of it */

        view->next = track->nparts;
    }

    load_next_part(view);
}


/* a part's first bytes make it visible, its last may come much later */

static void
load_first_bytes(load_conn_t *conn)
{
    if (conn->kind == LOAD_PART && conn->response.status == 200) {
        (void) load_add(conn->view->track, conn->id, conn->first);
    }
}


/* the header is complete: the body may need more room.  0: not yet */

static int
load_header_done(load_conn_t *conn, int64_t when)
{
    size_t  need;

    if (conn->response.head) {
        return 1;
    }

    load_parse_response(conn->buf, conn->have, &conn->response);

    if (conn->response.head == 0) {
        return 0;
    }

    conn->first = when;
    load_first_bytes(conn);

    need = conn->response.head + (size_t) conn->response.length + 1;

    if (conn->kind == LOAD_RELOAD && need > conn->cap) {
        conn->buf = realloc(conn->buf, need);
        conn->cap = need;

        if (conn->buf == NULL) {
            load_die("no memory");
        }
    }

    return 1;
}


/* 1: something came */

static int
load_read(load_conn_t *conn, int64_t *when)
{
    long         n;
    size_t       room;
    static char  scratch[LOAD_TRUNC];     /* never written: MSG_TRUNC */

    room = conn->have < conn->cap - 1 ? conn->cap - 1 - conn->have : 0;

    if (room) {
        n = load_receive(conn->fd, conn->buf + conn->have, room, 0, when);

    } else {
        n = load_receive(conn->fd, scratch, sizeof(scratch), 1, when);
    }

    if (n == -1) {
        return 0;
    }

    conn->have += (size_t) n;

    return 1;
}


static void
load_readable(load_conn_t *conn)
{
    size_t   have;
    int64_t  when;

    while (load_read(conn, &when)) {

        if (!load_header_done(conn, when)) {
            continue;
        }

        have = conn->response.head + (size_t) conn->response.length;

        if (conn->have < have) {
            continue;
        }

        if (conn->have > have) {
            errno = 0;
            load_die("more bytes than Content-Length");
        }

        conn->busy = 0;
        load_account(conn);

        if (conn->kind == LOAD_RELOAD) {
            load_got_playlist(conn, when);

        } else {
            if (conn->have > conn->cap - 1) {
                conn->have = conn->cap - 1;
            }
            load_got_part(conn, when);
        }

        return;
    }
}


static void
load_view_until(int64_t end)
{
    int                 i, n;
    struct epoll_event  events[256];

    while (load_now() < end && !load_stopped()) {

        n = epoll_wait(load.ep, events, 256, 20);

        for (i = 0; i < n; i++) {
            load_readable(events[i].data.ptr);
        }
    }
}


static void
load_make_tracks(void)
{
    int            i;
    load_track_t  *track;

    load.ntracks = LOAD_TRACKS * load.options->streams;
    load.tracks = load_alloc((size_t) load.ntracks * sizeof(load_track_t));

    for (i = 0; i < load.ntracks; i++) {
        track = &load.tracks[i];
        track->name = i % LOAD_TRACKS ? 'a' : 'v';
        track->viewers = (load.options->count + load.options->streams - 1)
                         / load.options->streams;
        snprintf(track->stream, sizeof(track->stream), "%s%d",
                 load.options->name, i / LOAD_TRACKS);
    }
}


static void
load_make_views(void)
{
    int                 i, k;
    load_view_t        *view;
    load_conn_t        *conn;
    struct epoll_event  event;

    load.nviews = LOAD_TRACKS * load.options->count;
    load.views = load_alloc((size_t) load.nviews * sizeof(load_view_t));

    for (i = 0; i < load.nviews; i++) {
        view = &load.views[i];
        view->track = &load.tracks[i % load.ntracks];
        view->viewer = i / load.ntracks;

        for (k = 0; k < 2; k++) {
            conn = &view->conns[k];
            conn->kind = k == 0 ? LOAD_RELOAD : LOAD_PART;
            conn->view = view;
            conn->cap = LOAD_HEAD_BUF;
            conn->buf = load_alloc(conn->cap);
            conn->fd = load_connect(load.options->port, LOAD_RCVBUF);

            event.events = EPOLLIN;
            event.data.ptr = conn;
            epoll_ctl(load.ep, EPOLL_CTL_ADD, conn->fd, &event);
        }

        load_reload(view);

        /* those who are here are served while others come */

        if (i % 10 == 9) {
            load_view_until(load_now() + LOAD_MS);
        }
    }
}


static int
load_compare_times(const void *a, const void *b)
{
    int64_t  x = *(const int64_t *) a, y = *(const int64_t *) b;

    return x < y ? -1 : x > y;
}


/* parts that were first visible in the measured time */

static void
load_report(int64_t from, int64_t to)
{
    int            i, k, v, viewers;
    size_t         n, room, missed;
    int64_t       *times;
    load_part_t   *part;
    load_track_t  *track;

    room = 0;

    for (i = 0; i < load.ntracks; i++) {
        room += (size_t) load.tracks[i].nparts * (size_t) load.tracks[i].viewers;
    }

    times = load_alloc((room + 1) * sizeof(int64_t));
    n = 0;
    missed = 0;

    for (i = 0; i < load.ntracks; i++) {
        track = &load.tracks[i];
        viewers = load.options->count / load.options->streams;

        for (k = 0; k < track->nparts; k++) {
            part = &track->parts[k];

            for (v = 0; v < viewers && part->seen >= from && part->seen < to; v++)
            {
                missed += part->last[v] == 0;
                times[n++] = part->last[v] ? part->last[v] - part->seen
                                           : INT64_MAX;
            }
        }
    }

    if (n == 0) {
        errno = 0;
        load_die("no part came while it was measured");
    }

    qsort(times, n, sizeof(int64_t), load_compare_times);

    printf("samples=%zu missed=%zu median_ns=%ld p99_ns=%ld max_ns=%ld\n", n,
           missed, times[n / 2], times[n * 99 / 100], times[n - 1]);
}


void
load_viewers(const load_options_t *options)
{
    int       i;
    int64_t   cpu, own, from, to;
    uint64_t  requests;

    load.options = options;
    load_need_files(4 * options->count);

    if (options->log) {
        load.log = fopen(options->log, "w");

        if (load.log == NULL) {
            load_die("%s", options->log);
        }
    }

    load.ep = epoll_create1(EPOLL_CLOEXEC);
    load_make_tracks();
    load_make_views();

    load_view_until(load_now() + (int64_t) (options->warm * LOAD_S));

    load.measuring = 1;
    requests = load.requests;
    from = load_now();
    cpu = load_cpu_all(options);
    own = load_cpu(0);

    load_view_until(from + (int64_t) (options->seconds * LOAD_S));

    cpu = load_cpu_all(options) - cpu;
    own = load_cpu(0) - own;
    to = load_now();
    requests = load.requests - requests;
    load.measuring = 0;

    load_view_until(to + LOAD_GRACE);

    printf("cpu_ns=%ld own_ns=%ld wall_ns=%ld requests=%lu refused=%lu "
           "errors=%lu\n", cpu, own, to - from, requests, load.refused,
           load.errors);

    for (i = 0; i < LOAD_PIDS && load.workers[i].pid; i++) {
        printf("worker_%d=%lu\n", load.workers[i].pid, load.workers[i].bytes);
    }

    load_report(from, to);

    if (load.log) {
        fclose(load.log);
    }
}
