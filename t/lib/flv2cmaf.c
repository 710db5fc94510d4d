/*
 * flv2cmaf IN.flv DIR [lengths|annexb|hybrid] [shift] [FRAMES]
 *
 * A file's way through codec/ and mux/, without a server: DIR/v.mp4 and DIR/a.mp4 are
 * an init segment and fragments of FRAMES frames (30) at most, new ones at key frames.
 * NAL units are framed anew on the way in.  With "shift" video is moved by its first
 * composition offset, as the timeline does, so that later ones may be negative.
 * Tells the configurations on stdout.
 */

#include "live_mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    uint32_t   ms;
    int32_t    cts;
    uint32_t   size;
    uint32_t   key;
    uint8_t   *data;
} frame_t;


typedef struct {
    live_codec_config_t   config;
    live_framing_t        framing;
    frame_t              *frames;
    uint32_t              n;
    uint32_t              empty;
    uint32_t              headers;
} track_t;


static track_t      tracks[2];
static const char  *framing = "lengths";
static int          shift;
static uint32_t     per_fragment = 30;


static void
fail(const char *what)
{
    fprintf(stderr, "flv2cmaf: %s\n", what);
    exit(1);
}


static void *
must(void *p)
{
    if (p == NULL) {
        fail("no memory");
    }

    return p;
}


/* 4-byte lengths as ffmpeg writes them, to what some encoders send */

static size_t
reframe(const uint8_t *p, size_t n, uint8_t *q)
{
    size_t   size, k;

    for (k = 0; n > 4; p += size, n -= size) {
        size = (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8
               | p[3];

        if (size > n - 4) {
            fail("lengths in the file are wrong");
        }

        if (strcmp(framing, "hybrid") == 0) {
            q[k++] = (uint8_t) ((size + 4) >> 24);
            q[k++] = (uint8_t) ((size + 4) >> 16);
            q[k++] = (uint8_t) ((size + 4) >> 8);
            q[k++] = (uint8_t) (size + 4);
        }

        memcpy(q + k, "\0\0\0\1", 4);
        memcpy(q + k + 4, p + 4, size);
        k += size + 4;
        size += 4;
    }

    return k;
}


static void
read_frame(track_t *t, live_tag_t *tag, uint32_t ms)
{
    size_t              cap;
    uint8_t            *again;
    frame_t            *f;
    live_frame_info_t   info;

    again = NULL;

    if (t->config.media == LIVE_VIDEO && strcmp(framing, "lengths") != 0) {
        again = must(malloc(2 * tag->size + 8));
        tag->size = reframe(tag->data, tag->size, again);
        tag->data = again;
    }

    if (t->n % 64 == 0) {
        t->frames = must(realloc(t->frames, (t->n + 64) * sizeof(frame_t)));
    }

    f = &t->frames[t->n];
    cap = live_codec_frame_bound(&t->config, tag->size);
    f->data = must(malloc(cap));

    if (live_codec_frame(&t->config, &t->framing, tag, f->data, cap, &info)
        != LIVE_OK)
    {
        fail("frame refused");
    }

    free(again);

    if (info.new_config) {
        fail("sets in band are new");
    }

    if (info.empty) {
        t->empty++;
        free(f->data);
        return;
    }

    f->ms = ms;
    f->cts = tag->cts;
    f->size = (uint32_t) info.size;
    f->key = info.key || (info.recovery && tag->key);
    t->n++;
}


static void
read_tag(live_media_e media, const uint8_t *p, size_t n, uint32_t ms)
{
    track_t              *t;
    live_tag_t            tag;
    live_codec_config_t   config;

    t = &tracks[media];

    if (live_codec_parse_tag(media, p, n, &tag) != LIVE_OK) {
        fail("tag refused");
    }

    switch (tag.kind) {

    case LIVE_TAG_CONFIG:

        if (live_codec_parse_config(&tag, &config) != LIVE_OK) {
            fail("configuration refused");
        }

        if (t->headers++ && !live_codec_same_config(&t->config, &config)) {
            fail("another configuration");
        }

        t->config = config;
        break;

    case LIVE_TAG_FRAME:
        read_frame(t, &tag, ms);
        break;

    default:
        break;
    }
}


static void
read_file(const char *name)
{
    FILE      *f;
    uint8_t    head[15], *body;
    uint32_t   n, ms;

    f = fopen(name, "rb");

    if (f == NULL || fread(head, 1, 13, f) != 13
        || memcmp(head, "FLV", 3) != 0)
    {
        fail("no FLV file");
    }

    while (fread(head, 1, 11, f) == 11) {
        n = (uint32_t) head[1] << 16 | (uint32_t) head[2] << 8 | head[3];
        ms = (uint32_t) head[7] << 24 | (uint32_t) head[4] << 16
             | (uint32_t) head[5] << 8 | head[6];

        body = must(malloc(n + 4));

        if (fread(body, 1, n + 4, f) != n + 4) {
            fail("the file is cut short");
        }

        if (head[0] == 8 || head[0] == 9) {
            read_tag(head[0] == 9 ? LIVE_VIDEO : LIVE_AUDIO, body, n, ms);
        }

        free(body);
    }

    fclose(f);
}


static uint64_t
ticks(const track_t *t, uint32_t i)
{
    if (t->config.media == LIVE_VIDEO) {
        return t->frames[i].ms * 90ull
               + (shift ? (uint64_t) t->frames[0].cts * 90 : 0);
    }

    return (uint64_t) t->frames[0].ms * t->config.timescale / 1000
           + (uint64_t) i * t->config.frame_samples;
}


static uint32_t
duration(const track_t *t, uint32_t i)
{
    if (t->config.media == LIVE_AUDIO || t->n == 1) {
        return t->config.media == LIVE_AUDIO ? t->config.frame_samples : 3000;
    }

    return (i + 1 < t->n) ? (uint32_t) (ticks(t, i + 1) - ticks(t, i))
                          : (uint32_t) (ticks(t, i) - ticks(t, i - 1));
}


static void
write_fragment(const track_t *t, uint32_t first, uint32_t n, uint32_t number,
    FILE *out)
{
    long              size;
    size_t            cap;
    uint8_t          *head;
    uint32_t          i;
    live_sample_t    *s;
    live_fragment_t   f;

    s = must(calloc(n, sizeof(live_sample_t)));

    for (i = 0; i < n; i++) {
        s[i].size = t->frames[first + i].size;
        s[i].duration = duration(t, first + i);
        s[i].key = t->frames[first + i].key;
        s[i].cts = 90 * (t->frames[first + i].cts
                         - (shift ? t->frames[0].cts : 0));

        if (t->config.media == LIVE_AUDIO) {
            s[i].cts = 0;
        }
    }

    memset(&f, 0, sizeof(live_fragment_t));
    f.media = t->config.media;
    f.flags = s[0].key ? LIVE_FRAGMENT_STYP|LIVE_FRAGMENT_PRFT : 0;
    f.sequence = number;
    f.dts = ticks(t, first);
    f.wall_us = 1700000000000000ll + t->frames[first].ms * 1000ll;
    f.samples = s;
    f.nsamples = n;

    cap = live_mux_fragment_bound(n);
    head = must(malloc(cap));
    size = live_mux_fragment(&f, head, cap);

    if (size < 0) {
        fail("fragment refused");
    }

    fwrite(head, 1, (size_t) size, out);

    for (i = 0; i < n; i++) {
        fwrite(t->frames[first + i].data, 1, s[i].size, out);
    }

    free(head);
    free(s);
}


static void
write_track(const track_t *t, const char *dir)
{
    FILE      *out;
    char       name[1024];
    long       size;
    uint8_t    init[LIVE_INIT_MAX];
    uint32_t   i, n, number;

    snprintf(name, sizeof(name), "%s/%s.mp4", dir,
             t->config.media == LIVE_VIDEO ? "v" : "a");

    out = must(fopen(name, "wb"));
    size = live_mux_init(&t->config, init, sizeof(init));

    if (size < 0) {
        fail("init refused");
    }

    fwrite(init, 1, (size_t) size, out);

    for (i = 0, number = 1; i < t->n; i += n, number++) {

        for (n = 1; i + n < t->n && n < per_fragment; n++) {
            if (t->config.media == LIVE_VIDEO && t->frames[i + n].key) {
                break;
            }
        }

        write_fragment(t, i, n, number, out);
    }

    if (fclose(out) != 0) {
        fail("cannot write");
    }
}


int
main(int argc, char **argv)
{
    int                          i;
    uint32_t                     k;
    const live_codec_config_t   *c;

    if (argc < 3) {
        fail("which file?");
    }

    for (i = 3; i < argc; i++) {

        if (strcmp(argv[i], "shift") == 0) {
            shift = 1;

        } else if (atoi(argv[i])) {
            per_fragment = (uint32_t) atoi(argv[i]);

        } else {
            framing = argv[i];
        }
    }

    read_file(argv[1]);

    for (i = 0; i < 2; i++) {
        c = &tracks[i].config;

        if (tracks[i].n == 0) {
            continue;
        }

        write_track(&tracks[i], argv[2]);

        printf("media=%s codec=%s width=%u height=%u sar=%u:%u fps=%u "
               "rate=%u channels=%u samples=%u frames=%u\n",
               i == LIVE_VIDEO ? "video" : "audio", c->rfc6381, c->width,
               c->height, c->sar_num, c->sar_den, c->fps_milli,
               c->sample_rate, c->channels, c->frame_samples, tracks[i].n);

        for (k = 0; k < tracks[i].n; k++) {
            free(tracks[i].frames[k].data);
        }

        free(tracks[i].frames);
    }

    return 0;
}
