/*
 * Publishers: an FLV file over and over, at its own pace, to any number of streams.
 *
 * A message is chunked once and shared by all streams; only its first chunk's
 * header, which has the timestamp, is written for each.  Streams start one after
 * the other, spread over a group of pictures, as real ones do not begin together.
 */

#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>


#define LOAD_CHUNK    4096
#define LOAD_HEAD     12                  /* a full chunk header */
#define LOAD_SPREAD   (2 * LOAD_S)


typedef struct {
    uint32_t   ts;                        /* ms */
    uint8_t    type;                      /* 8 audio, 9 video, 18 data */
    uint8_t    once;                      /* headers and metadata */
    uint8_t    head[LOAD_HEAD];
    uint8_t   *body;                      /* with the headers of chunks 2 ... */
    size_t     size;
} load_tag_t;


typedef struct {
    load_tag_t  *tags;
    int          ntags;
    uint32_t     period;                  /* ms, of a round */
} load_media_t;


typedef struct {
    int          fd;
    int          next;                    /* tag */
    uint32_t     base;                    /* ms, added to timestamps */
    int64_t      start;                   /* when its timestamp 0 is due */
} load_stream_t;


typedef struct {
    int          stream;
    int          type;
    uint32_t     ts;
    int64_t      when;
} load_frame_t;


static load_frame_t  *load_frames;
static size_t         load_nframes, load_frames_cap;


static uint8_t *load_put_24(uint8_t *p, uint32_t n);
static uint8_t *load_put_string(uint8_t *p, const char *s);
static uint8_t *load_put_number(uint8_t *p, double n);
static void load_chunk(load_tag_t *tag, const uint8_t *data, size_t size);
static void load_parse_media(const char *path, load_media_t *media);
static void load_send(int fd, const void *p, size_t n);
static void load_command(int fd, uint32_t msid, const uint8_t *p, size_t n);
static void load_expect(int fd, const char *what, size_t n);
static int load_open_stream(int port, const char *name, int i);
static void load_send_tag(load_stream_t *stream, const load_tag_t *tag);
static void load_advance(load_stream_t *stream, const load_media_t *media);
static int64_t load_due(const load_stream_t *stream, const load_media_t *media);
static void load_note(int stream, const load_tag_t *tag, uint32_t ts);
static void load_write_frames(const char *path);
static void load_drain(load_stream_t *streams, int n);
static void load_run(const load_options_t *options, load_stream_t *streams,
    const load_media_t *media, int64_t end);


static uint8_t *
load_put_24(uint8_t *p, uint32_t n)
{
    *p++ = (uint8_t) (n >> 16);
    *p++ = (uint8_t) (n >> 8);
    *p++ = (uint8_t) n;

    return p;
}


/* the message's chunk header, its timestamp left out, and its other chunks */

static void
load_chunk(load_tag_t *tag, const uint8_t *data, size_t size)
{
    uint8_t  *p, csid;
    size_t    n;

    csid = tag->type == 9 ? 6 : tag->type == 8 ? 4 : 5;

    tag->head[0] = csid;
    load_put_24(tag->head + 4, (uint32_t) size);
    tag->head[7] = tag->type;
    tag->head[8] = 1;                     /* little-endian message stream id */

    tag->body = load_alloc(size + size / LOAD_CHUNK + 1);
    p = tag->body;

    while (size) {
        n = size < LOAD_CHUNK ? size : LOAD_CHUNK;
        memcpy(p, data, n);
        p += n;
        data += n;
        size -= n;

        if (size) {
            *p++ = 0xc0 | csid;
        }
    }

    tag->size = (size_t) (p - tag->body);
}


static void
load_parse_media(const char *path, load_media_t *media)
{
    int             room;
    size_t          n, size;
    load_tag_t     *tag;
    const uint8_t  *p, *last;

    p = (uint8_t *) load_read_file(path, &n);
    last = p + n;
    room = 0;

    for (p += 13; last - p >= 15; p += 15 + size) {

        size = (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];

        if (size > (size_t) (last - p) - 15) {
            break;
        }

        if (media->ntags == room) {
            room = room ? 2 * room : 1024;
            media->tags = realloc(media->tags, (size_t) room * sizeof(load_tag_t));
        }

        tag = &media->tags[media->ntags++];
        memset(tag, 0, sizeof(load_tag_t));

        tag->type = p[0];
        tag->ts = (uint32_t) p[7] << 24 | (uint32_t) p[4] << 16
                  | (uint32_t) p[5] << 8 | p[6];
        tag->once = p[0] == 18
                    || (p[12] == 0 && (p[0] == 9 || p[11] >> 4 == 10));

        load_chunk(tag, p + 11, size);

        if (tag->type == 9 && tag->ts > media->period) {
            media->period = tag->ts;
        }
    }

    /* a round lasts whole seconds: the last frame lasts until then */

    media->period = (media->period / 1000 + 1) * 1000;

    while (media->ntags && media->tags[media->ntags - 1].ts >= media->period) {
        media->ntags--;
    }

    if (media->ntags < 10) {
        load_die("%s is no FLV file", path);
    }
}


static void
load_send(int fd, const void *p, size_t n)
{
    ssize_t        sent;
    struct pollfd  wait;

    while (n) {
        sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent == -1) {
            if (errno != EAGAIN) {
                load_die("the server closed a publisher's connection");
            }

            wait.fd = fd;
            wait.events = POLLOUT;
            poll(&wait, 1, 1000);
            continue;
        }

        p = (const uint8_t *) p + sent;
        n -= (size_t) sent;
    }
}


static uint8_t *
load_put_string(uint8_t *p, const char *s)
{
    size_t  n = strlen(s);

    *p++ = 2;
    *p++ = (uint8_t) (n >> 8);
    *p++ = (uint8_t) n;
    memcpy(p, s, n);

    return p + n;
}


static uint8_t *
load_put_number(uint8_t *p, double n)
{
    int       i;
    uint64_t  bits;

    memcpy(&bits, &n, sizeof(bits));
    *p++ = 0;

    for (i = 56; i >= 0; i -= 8) {
        *p++ = (uint8_t) (bits >> i);
    }

    return p;
}


/* a command of less than a chunk's size */

static void
load_command(int fd, uint32_t msid, const uint8_t *p, size_t n)
{
    uint8_t  buf[LOAD_HEAD + 128];

    memset(buf, 0, LOAD_HEAD);
    buf[0] = 3;
    load_put_24(buf + 4, (uint32_t) n);
    buf[7] = 20;
    buf[8] = (uint8_t) msid;
    memcpy(buf + LOAD_HEAD, p, n);

    load_send(fd, buf, LOAD_HEAD + n);
}


/* reads until it says this, or without it so many bytes */

static void
load_expect(int fd, const char *what, size_t n)
{
    char           buf[16384];
    size_t         have, i;
    ssize_t        got;
    struct pollfd  wait;

    for (have = 0; have < sizeof(buf); have += (size_t) got) {

        for (i = 0; what && i + strlen(what) <= have; i++) {
            if (memcmp(buf + i, what, strlen(what)) == 0) {
                return;
            }
        }

        if (what == NULL && have >= n) {
            return;
        }

        wait.fd = fd;
        wait.events = POLLIN;

        if (poll(&wait, 1, 10000) != 1) {
            break;
        }

        got = recv(fd, buf + have, sizeof(buf) - have, 0);

        if (got <= 0) {
            break;
        }
    }

    errno = 0;
    load_die("the server does not say %s", what ? what : "hello");
}


/* nginx-rtmp's first stream id is 1, so nothing waits for it to be told */

static int
load_open_stream(int port, const char *name, int i)
{
    int       fd;
    char      key[64];
    uint8_t   buf[1537], *p;

    fd = load_connect(port, 0);

    memset(buf, 0, sizeof(buf));
    buf[0] = 3;
    load_send(fd, buf, sizeof(buf));
    load_expect(fd, NULL, 3073);
    load_send(fd, buf + 1, sizeof(buf) - 1);

    p = load_put_number(load_put_string(buf, "connect"), 1);
    *p++ = 3;
    memcpy(p, "\0\3app\2\0\4live\0\0\11", 15);
    load_command(fd, 0, buf, (size_t) (p + 15 - buf));
    load_expect(fd, "NetConnection.Connect.Success", 0);

    /* set chunk size */

    memset(buf, 0, LOAD_HEAD + 4);
    buf[0] = 2;
    buf[6] = 4;
    buf[7] = 1;
    buf[LOAD_HEAD + 2] = LOAD_CHUNK >> 8;
    load_send(fd, buf, LOAD_HEAD + 4);

    p = load_put_number(load_put_string(buf, "createStream"), 2);
    *p++ = 5;
    load_command(fd, 0, buf, (size_t) (p - buf));
    load_expect(fd, "_result", 0);

    snprintf(key, sizeof(key), "%s%d", name, i);

    p = load_put_number(load_put_string(buf, "publish"), 3);
    *p++ = 5;
    p = load_put_string(load_put_string(p, key), "live");
    load_command(fd, 1, buf, (size_t) (p - buf));
    load_expect(fd, "NetStream.Publish.Start", 0);

    return fd;
}


static void
load_send_tag(load_stream_t *stream, const load_tag_t *tag)
{
    size_t         n;
    uint8_t        head[LOAD_HEAD];
    ssize_t        sent;
    struct iovec   iov[2];

    memcpy(head, tag->head, LOAD_HEAD);
    load_put_24(head + 1, stream->base + tag->ts);

    iov[0].iov_base = head;
    iov[0].iov_len = LOAD_HEAD;
    iov[1].iov_base = tag->body;
    iov[1].iov_len = tag->size;

    sent = writev(stream->fd, iov, 2);

    if (sent == -1 && errno != EAGAIN) {
        load_die("the server closed a publisher's connection");
    }

    n = sent == -1 ? 0 : (size_t) sent;

    if (n < LOAD_HEAD) {
        load_send(stream->fd, head + n, LOAD_HEAD - n);
        n = LOAD_HEAD;
    }

    n -= LOAD_HEAD;
    load_send(stream->fd, tag->body + n, tag->size - n);
}


static void
load_advance(load_stream_t *stream, const load_media_t *media)
{
    do {
        if (++stream->next == media->ntags) {
            stream->next = 0;
            stream->base += media->period;
        }
    } while (stream->base && media->tags[stream->next].once);
}


static int64_t
load_due(const load_stream_t *stream, const load_media_t *media)
{
    return stream->start
           + (int64_t) (stream->base + media->tags[stream->next].ts) * LOAD_MS;
}


static void
load_note(int stream, const load_tag_t *tag, uint32_t ts)
{
    load_frame_t  *frame;

    if (load_nframes == load_frames_cap) {
        load_frames_cap = load_frames_cap ? 2 * load_frames_cap : 65536;
        load_frames = realloc(load_frames,
                              load_frames_cap * sizeof(load_frame_t));
        if (load_frames == NULL) {
            load_die("no memory");
        }
    }

    frame = &load_frames[load_nframes++];
    frame->stream = stream;
    frame->type = tag->type;
    frame->ts = ts;
    frame->when = load_now();
}


static void
load_write_frames(const char *path)
{
    FILE    *f;
    size_t   i;

    f = fopen(path, "w");

    if (f == NULL) {
        load_die("%s", path);
    }

    for (i = 0; i < load_nframes; i++) {
        fprintf(f, "%d %s %u %ld\n", load_frames[i].stream,
                load_frames[i].type == 9 ? "v" : "a", load_frames[i].ts,
                load_frames[i].when);
    }

    fclose(f);
}


/* acknowledgements: thrown away, before they fill the pipe */

static void
load_drain(load_stream_t *streams, int n)
{
    int   i;
    char  buf[4096];

    for (i = 0; i < n; i++) {
        if (recv(streams[i].fd, buf, sizeof(buf), MSG_DONTWAIT) == 0) {
            errno = 0;
            load_die("the server closed a publisher's connection");
        }
    }
}


static void
load_run(const load_options_t *options, load_stream_t *streams,
    const load_media_t *media, int64_t end)
{
    int             i, first;
    int64_t         due, when, drained;
    load_stream_t  *stream;

    drained = 0;

    while (!load_stopped()) {

        for (first = 0, when = INT64_MAX, i = 0; i < options->count; i++) {
            due = load_due(&streams[i], media);

            if (due < when) {
                when = due;
                first = i;
            }
        }

        if (when >= end) {
            break;
        }

        load_sleep_until(when);

        stream = &streams[first];

        if (options->log && !media->tags[stream->next].once) {
            load_note(first, &media->tags[stream->next],
                      stream->base + media->tags[stream->next].ts);
        }

        load_send_tag(stream, &media->tags[stream->next]);
        load_advance(stream, media);

        if (when > drained + LOAD_S) {
            drained = when;
            load_drain(streams, options->count);
        }
    }
}


void
load_publish(const load_options_t *options)
{
    int             i;
    int64_t         cpu, start, from, to;
    load_media_t    media;
    load_stream_t  *streams;

    (void) load_stopped();

    memset(&media, 0, sizeof(media));
    load_parse_media(options->media, &media);

    load_need_files(options->count);
    streams = load_alloc((size_t) options->count * sizeof(load_stream_t));

    for (i = 0; i < options->count; i++) {
        streams[i].fd = load_open_stream(options->port, options->name, i);
    }

    printf("ready\n");
    fflush(stdout);

    start = load_now();

    for (i = 0; i < options->count; i++) {
        streams[i].start = start + i * LOAD_SPREAD / options->count;
    }

    load_run(options, streams, &media,
             start + (int64_t) (options->warm * LOAD_S));

    from = load_now();
    cpu = load_cpu_all(options);

    load_run(options, streams, &media,
             start + (int64_t) ((options->warm + options->seconds) * LOAD_S));

    cpu = load_cpu_all(options) - cpu;
    to = load_now();

    printf("cpu_ns=%ld wall_ns=%ld\n", cpu, to - from);
    fflush(stdout);

    if (options->log) {
        load_write_frames(options->log);
    }
}
