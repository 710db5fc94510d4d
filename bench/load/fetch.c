/*
 * Fetchers: each connection asks for one URL after the other, as fast as it gets
 * them.
 */

#define _GNU_SOURCE

#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>


#define LOAD_URLS   1024
#define LOAD_BUF    4096
#define LOAD_TRUNC  (1 << 20)


typedef struct {
    int        fd;
    int        url;                       /* next */
    size_t     have;                      /* of the header */
    int64_t    left;                      /* of the body, -1: in the header */
    char       buf[LOAD_BUF];
} load_fetcher_t;


typedef struct {
    char      *requests[LOAD_URLS];
    int        nrequests;
    uint64_t   bytes;
    uint64_t   answers;
} load_fetch_t;


static void load_read_urls(load_fetch_t *fetch, const char *path);
static void load_ask(load_fetch_t *fetch, load_fetcher_t *fetcher);
static void load_answered(load_fetch_t *fetch, load_fetcher_t *fetcher);
static void load_readable(load_fetch_t *fetch, load_fetcher_t *fetcher);
static void load_fetch_until(load_fetch_t *fetch, int ep, int64_t end);


static void
load_read_urls(load_fetch_t *fetch, const char *path)
{
    char    *text, *line, *save;
    size_t   n;

    text = load_read_file(path, &n);

    for (line = strtok_r(text, "\n", &save);
         line && fetch->nrequests < LOAD_URLS;
         line = strtok_r(NULL, "\n", &save))
    {
        if (asprintf(&fetch->requests[fetch->nrequests++],
                     "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", line) == -1)
        {
            load_die("no memory");
        }
    }

    free(text);

    if (fetch->nrequests == 0) {
        load_die("no URL in %s", path);
    }
}


static void
load_ask(load_fetch_t *fetch, load_fetcher_t *fetcher)
{
    const char  *request;

    request = fetch->requests[fetcher->url];
    fetcher->url = (fetcher->url + 1) % fetch->nrequests;
    fetcher->have = 0;
    fetcher->left = -1;

    /* one request is under way: it fits into the socket's buffer */

    if (send(fetcher->fd, request, strlen(request), MSG_NOSIGNAL)
        != (ssize_t) strlen(request))
    {
        load_die("send");
    }
}


static void
load_answered(load_fetch_t *fetch, load_fetcher_t *fetcher)
{
    load_response_t  response;

    load_parse_response(fetcher->buf, fetcher->have, &response);

    if (response.head == 0) {
        if (fetcher->have == LOAD_BUF) {
            load_die("an answer's header is too long");
        }
        return;
    }

    if (response.status != 200) {
        errno = 0;
        load_die("status %d", response.status);
    }

    fetch->bytes += fetcher->have - response.head;
    fetcher->left = response.length
                    - (int64_t) (fetcher->have - response.head);
}


static void
load_readable(load_fetch_t *fetch, load_fetcher_t *fetcher)
{
    ssize_t      got;
    static char  scratch[LOAD_TRUNC];     /* never written: MSG_TRUNC */

    /* when bytes come does not matter here: the plain call is cheaper */

    if (fetcher->left < 0) {
        got = recv(fetcher->fd, fetcher->buf + fetcher->have,
                   LOAD_BUF - fetcher->have, 0);
    } else {
        got = recv(fetcher->fd, scratch, sizeof(scratch), MSG_TRUNC);
    }

    if (got == -1 && errno == EAGAIN) {
        return;
    }

    if (got == 0) {
        errno = 0;
    }

    if (got <= 0) {
        load_die("the server closed a connection");
    }

    if (fetcher->left < 0) {
        fetcher->have += (size_t) got;
        load_answered(fetch, fetcher);

    } else {
        fetcher->left -= got;
        fetch->bytes += (uint64_t) got;
    }

    if (fetcher->left == 0) {
        fetch->answers++;
        load_ask(fetch, fetcher);
    }
}


static void
load_fetch_until(load_fetch_t *fetch, int ep, int64_t end)
{
    int                 i, n;
    struct epoll_event  events[64];

    while (load_now() < end && !load_stopped()) {

        n = epoll_wait(ep, events, 64, 100);

        for (i = 0; i < n; i++) {
            load_readable(fetch, events[i].data.ptr);
        }
    }
}


void
load_fetch(const load_options_t *options)
{
    int                 i, ep;
    int64_t             cpu, own, from, to;
    load_fetch_t        fetch;
    load_fetcher_t     *fetchers;
    struct epoll_event  event;

    memset(&fetch, 0, sizeof(fetch));
    load_read_urls(&fetch, options->urls);
    load_need_files(options->count);

    ep = epoll_create1(EPOLL_CLOEXEC);
    fetchers = load_alloc((size_t) options->count * sizeof(load_fetcher_t));

    for (i = 0; i < options->count; i++) {
        fetchers[i].fd = load_connect(options->port, 0);
        fetchers[i].url = i % fetch.nrequests;

        event.events = EPOLLIN;
        event.data.ptr = &fetchers[i];
        epoll_ctl(ep, EPOLL_CTL_ADD, fetchers[i].fd, &event);

        load_ask(&fetch, &fetchers[i]);
    }

    load_fetch_until(&fetch, ep,
                     load_now() + (int64_t) (options->warm * LOAD_S));

    fetch.bytes = 0;
    fetch.answers = 0;
    from = load_now();
    cpu = load_cpu_all(options);
    own = load_cpu(0);

    load_fetch_until(&fetch, ep,
                     from + (int64_t) (options->seconds * LOAD_S));

    cpu = load_cpu_all(options) - cpu;
    own = load_cpu(0) - own;
    to = load_now();

    printf("bytes=%lu answers=%lu cpu_ns=%ld own_ns=%ld wall_ns=%ld\n",
           fetch.bytes, fetch.answers, cpu, own, to - from);
}
