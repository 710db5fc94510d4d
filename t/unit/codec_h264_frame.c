/*
 * H.264 frames: framing, what is stripped, what is a key frame, sets in band.
 */

#include "codec_make.h"
#include "tap.h"


#define LENGTHS  0
#define ANNEXB   1
#define HYBRID   2      /* lengths, with a start code behind each */
#define CHUNK    3      /* one length, NAL units behind start codes in it */


typedef struct {
    const char  *p;
    size_t       n;
} nal_t;


#define NAL(s)  { s, sizeof(s) - 1 }


static make_t  sps, pps;
static size_t  length = 4;

static const nal_t  aud = NAL("\x09\xf0");
static const nal_t  idr = NAL("\x65\x88\x84\x00\x10\xff");
static const nal_t  slice = NAL("\x41\x9a\x24\x6c\x41\x4f");
static const nal_t  sei = NAL("\x06\x05\x04" "abcd" "\x80");
static const nal_t  captions = NAL("\x06\x04\x05\xb5\x00\x31" "GA\x80");
static const nal_t  recovery = NAL("\x06\x06\x01\xc4\x80");
static const nal_t  filler = NAL("\x0c\xff\xff\xff\x80");
static const nal_t  end_of_sequence = NAL("\x0a");
static const nal_t  end_of_stream = NAL("\x0b");
static const nal_t  private = NAL("\x1e\x01\x02");
static const nal_t  nothing = NAL("");


static void
put_length(make_t *m, size_t n)
{
    make_bits(m, (unsigned) (8 * length), n);
}


/* a list of NAL units, ended by NULL, as some publisher would send it */

static void
frame(make_t *m, int framing, const nal_t *const *nals)
{
    make_t  inner;

    m->bits = 0;
    inner.bits = 0;

    for ( /* void */ ; *nals; nals++) {

        switch (framing) {

        case LENGTHS:
            put_length(m, (*nals)->n);
            break;

        case ANNEXB:
            make_bytes(m, "\0\0\0\1", m->bits ? 3 + (*nals)->n % 2 : 4);

            if (m->p[m->bits / 8 - 1] == 0) {
                make_bits(m, 8, 1);
            }

            break;

        case HYBRID:
            put_length(m, (*nals)->n + 4);
            make_bytes(m, "\0\0\0\1", 4);
            break;

        case CHUNK:
            make_bytes(&inner, "\0\0\1", 3);
            make_bytes(&inner, (*nals)->p, (*nals)->n);
            continue;
        }

        make_bytes(m, (*nals)->p, (*nals)->n);
    }

    if (framing == CHUNK) {
        put_length(m, make_size(&inner));
        make_bytes(m, inner.p, make_size(&inner));
    }
}


/* what must come out: always lengths of 4 bytes */

static void
want_frame(make_t *m, const nal_t *const *nals)
{
    size_t  saved;

    saved = length;
    length = 4;
    frame(m, LENGTHS, nals);
    length = saved;
}


#define LIST(...)  (const nal_t *const []) { __VA_ARGS__, NULL }


static live_codec_config_t
configured(void)
{
    make_t               avcc;
    live_codec_config_t  c;

    make_avcc(&avcc, &sps, &pps, (unsigned) length);
    (void) make_config(LIVE_CODEC_H264, avcc.p, make_size(&avcc), &c);

    return c;
}


static nal_t
nal_of(const make_t *m)
{
    nal_t  nal;

    nal.p = (const char *) m->p;
    nal.n = make_size(m);

    return nal;
}


static void
stripped(void)
{
    int                   framing;
    char                  id[32];
    nal_t                 s, p;
    make_t                in, want;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c, before;

    static const char *const  names[] = {
        "FM-CODEC-08 lengths", "FM-CODEC-05 Annex B", "FM-CODEC-05 hybrid",
        "FM-CODEC-05 chunk"
    };

    s = nal_of(&sps);
    p = nal_of(&pps);

    for (framing = LENGTHS; framing <= CHUNK; framing++) {
        snprintf(id, sizeof(id), "%s", names[framing]);

        memset(&f, 0, sizeof(live_framing_t));
        c = configured();
        before = c;

        frame(&in, framing, LIST(&aud, &s, &p, &sei, &captions, &idr, &idr,
                                 &filler, &end_of_sequence, &end_of_stream,
                                 &private));
        want_frame(&want, LIST(&sei, &captions, &idr, &idr));

        is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
               "%s: key frame", id);
        is_mem(out, info.size, want.p, make_size(&want),
               "%s: slices and SEI stay, the rest goes", id);
        is_int(info.key, 1, "%s: IDR", id);
        is_int(info.empty, 0, "%s: not empty", id);
        is_int(info.recovery, 0, "%s: no recovery point", id);
        is_int(info.new_config, 0, "FM-CODEC-03 %s: sets repeated", id);
        is_mem(&c, sizeof(c), &before, sizeof(before),
               "FM-CODEC-03 %s: config untouched", id);
        is_int(f.probed, 1, "%s: framing is known", id);
        is_int(f.annexb, framing == ANNEXB, "%s: start codes alone?", id);
        is_int(f.hybrid, framing == HYBRID || framing == CHUNK,
               "%s: start codes behind lengths?", id);
        free(out);

        frame(&in, framing, LIST(&aud, &slice, &filler, &slice));
        want_frame(&want, LIST(&slice, &slice));

        is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
               "%s: inter frame", id);
        is_mem(out, info.size, want.p, make_size(&want), "%s: slices", id);
        is_int(info.key, 0, "%s: no IDR", id);
        free(out);
    }
}


/* lengths of 256 to 511 begin like a start code */

static void
ambiguous(void)
{
    size_t                n, i;
    int                   wrong;
    make_t                in;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    wrong = 0;

    for (n = 250; n < 520; n++) {
        c = configured();
        memset(&f, 0, sizeof(live_framing_t));

        in.bits = 0;
        make_bits(&in, 32, n);
        make_bits(&in, 8, 0x65);

        for (i = 1; i < n; i++) {
            make_bits(&in, 8, 0x80 | (i & 0x7f));
        }

        wrong += make_frame(&c, &f, in.p, make_size(&in), &out, &info)
                     != LIVE_OK
                 || f.annexb || info.size != n + 4 || !info.key;
        free(out);
    }

    is_int(wrong, 0, "FM-CODEC-05 lengths that look like start codes");

    c = configured();
    memset(&f, 0, sizeof(live_framing_t));

    is_int(make_frame(&c, &f, "\0\0\0\0\0\1\x65\x88\x84", 9, &out, &info),
           LIVE_OK, "FM-CODEC-05 more zeros before a start code");
    is_mem(out, info.size, "\0\0\0\3\x65\x88\x84", 7, "FM-CODEC-05 are no NAL");
    free(out);

    is_int(make_frame(&c, &f, "\0\0\1\x41\x9a\0\0\0\0\0\1\x41\x9b\0\0", 15,
                      &out, &info), LIVE_OK,
           "FM-CODEC-05 zeros before the next, and at the end");
    is_mem(out, info.size, "\0\0\0\2\x41\x9a\0\0\0\2\x41\x9b", 12,
           "FM-CODEC-05 belong to no NAL unit");
    free(out);

    is_int(make_frame(&c, &f, "\0\0\1\0\0\1\x41\x9a\1\1\0\1\0\0\1", 15,
                      &out, &info), LIVE_OK, "FM-CODEC-05 empty NAL units");
    is_mem(out, info.size, "\0\0\0\6\x41\x9a\1\1\0\1", 10,
           "FM-CODEC-06 are passed over");
    free(out);

    is_int(make_frame(&c, &f, "\x65\0\0\1\x41", 5, &out, &info), LIVE_EINVAL,
           "FM-CODEC-05 bytes before the first start code");
    is_int(f.probed, 0, "FM-CODEC-05 the next frame is looked at anew");
    free(out);

    is_int(make_frame(&c, &f, "\0\0\0\2\x41\x9a", 6, &out, &info), LIVE_OK,
           "FM-CODEC-05 and has lengths");
    is_int(f.annexb, 0, "FM-CODEC-05 which is remembered");
    free(out);
}


static void
damaged(void)
{
    int                   rc, wrong;
    size_t                n;
    make_t                in;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    c = configured();
    memset(&f, 0, sizeof(live_framing_t));

    is_int(make_frame(&c, &f, "\xde\xad\xbe\xef garbage", 12, &out, &info),
           LIVE_EINVAL, "garbage");
    is_int(f.probed, 0, "tells nothing about the framing");
    free(out);

    frame(&in, LENGTHS, LIST(&sei, &slice));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "a good frame behind it");
    free(out);

    wrong = 0;

    for (n = 1; n < make_size(&in); n++) {
        f.probed = 1;
        rc = make_frame(&c, &f, in.p, n, &out, &info);
        free(out);

        /* zeros of the next length, and where a NAL unit ends */

        wrong += rc != ((n <= 3 || (n >= 12 && n <= 15)) ? LIVE_OK
                                                         : LIVE_EINVAL)
                 || (rc == LIVE_OK && !info.empty);
    }

    is_int(wrong, 0, "cut inside a NAL unit: refused");

    is_int(make_frame(&c, &f, "\xff\xff\xff\xff\x41\x9a", 6, &out, &info),
           LIVE_EINVAL, "a length of 2^32 - 1");
    free(out);

    is_int(make_frame(&c, &f, "\0\0\0\2\x41\x9a\0\0\0", 9, &out, &info),
           LIVE_OK, "padded with zeros");
    is_int(info.size, 6, "without them");
    free(out);

    memset(&f, 0, sizeof(live_framing_t));
    is_int(make_frame(&c, &f, "\0\0\0\0\0\0\0\0", 8, &out, &info), LIVE_OK,
           "FM-CODEC-06 empty NAL units alone");
    is_int(info.empty, 1, "FM-CODEC-06 are no frame");
    is_int(info.size, 0, "FM-CODEC-06 and no bytes");
    free(out);

    frame(&in, LENGTHS, LIST(&nothing, &aud, &sei, &nothing));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "FM-CODEC-06 SEI without a picture");
    is_int(info.empty, 1, "FM-CODEC-06 is no frame");
    free(out);

    frame(&in, LENGTHS, LIST(&nothing, &slice, &nothing, &nothing));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "FM-CODEC-06 empty NAL units around a slice");
    is_int(info.size, 4 + slice.n, "FM-CODEC-06 are passed over");
    is_int(info.empty, 0, "FM-CODEC-06 and do not make it empty");
    free(out);
}


/* the smallest NAL units grow most: the bound must hold, to the byte */

static void
bounds(void)
{
    int                   wrong, framing;
    size_t                n, i;
    make_t                in;
    uint8_t              *out, small[16];
    live_tag_t            tag;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    wrong = 0;

    for (length = 1; length <= 4; length *= 2) {
        for (framing = LENGTHS; framing <= CHUNK; framing++) {
            for (n = 1; n < (length == 1 ? 60 : 200); n++) {
                const nal_t   one = NAL("\x41");
                const nal_t  *list[201];

                for (i = 0; i < n; i++) {
                    list[i] = &one;
                }

                list[n] = NULL;

                c = configured();
                memset(&f, 0, sizeof(live_framing_t));
                frame(&in, framing, list);

                /* make_frame() gives no more room than the bound */

                wrong += make_frame(&c, &f, in.p, make_size(&in), &out, &info)
                             != LIVE_OK
                         || info.size != 5 * n;
                free(out);
            }
        }
    }

    is_int(wrong, 0, "one-byte NAL units, all lengths and framings");

    length = 4;
    c = configured();
    frame(&in, LENGTHS, LIST(&slice));

    memset(&tag, 0, sizeof(live_tag_t));
    tag.codec = LIVE_CODEC_H264;
    tag.data = in.p;
    tag.size = make_size(&in);

    is_int(live_codec_frame(&c, &f, &tag, small, sizeof(small), &info),
           LIVE_ENOSPC, "less room than the bound");

    tag.codec = LIVE_CODEC_AAC;
    is_int(live_codec_frame(&c, &f, &tag, small, sizeof(small), &info),
           LIVE_EINVAL, "a frame of another codec");
}


/* a frame of 5 MB: nothing is cut short */

static void
huge(void)
{
    size_t                i, n;
    uint8_t              *in, *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    c = configured();
    n = 5 * 1024 * 1024;
    in = malloc(n + 4);

    for (i = 0; i < n; i++) {
        in[4 + i] = (uint8_t) (i * 2654435761u >> 24 | 2);
    }

    in[0] = (uint8_t) (n >> 24);
    in[1] = (uint8_t) (n >> 16);
    in[2] = (uint8_t) (n >> 8);
    in[3] = (uint8_t) n;
    in[4] = 0x65;

    memset(&f, 0, sizeof(live_framing_t));
    is_int(make_frame(&c, &f, in, n + 4, &out, &info), LIVE_OK,
           "FM-SEG-08 a key frame of 5 MB");
    is_mem(out, info.size, in, n + 4, "FM-SEG-08 every byte of it");
    free(out);

    memcpy(in, "\0\0\0\1", 4);
    memset(&f, 0, sizeof(live_framing_t));
    is_int(make_frame(&c, &f, in, n + 4, &out, &info), LIVE_OK,
           "FM-SEG-08 behind a start code too");
    is_int(info.size, n + 4, "FM-SEG-08 to its end");
    is_mem(out + 4, n, in + 4, n, "FM-SEG-08 every byte of it");
    free(out);
    free(in);
}


static void
keys(void)
{
    size_t                i;
    make_t                in;
    uint8_t              *out;
    live_tag_t            tag;
    uint8_t               dst[64];
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    static const nal_t  partition = NAL("\x42\x9a");
    static const nal_t  later = NAL("\x06\x01\x02\x11\x22\x06\x01\x40\x80");

    /* a first message of 256 + 2 bytes, three of them 0 0 3 for 0 0 */

    static char  long_sei[300] = "\x06\x05\xff\x03\0\0\3\0\0\3\0\0\3";
    nal_t        behind;

    c = configured();
    memset(&f, 0, sizeof(live_framing_t));
    memset(&tag, 0, sizeof(live_tag_t));

    frame(&in, LENGTHS, LIST(&idr));
    tag.codec = LIVE_CODEC_H264;
    tag.data = in.p;
    tag.size = make_size(&in);
    tag.key = 0;

    (void) live_codec_frame(&c, &f, &tag, dst, sizeof(dst), &info);
    is_int(info.key, 1, "IDR that the FLV header calls an inter frame");

    frame(&in, LENGTHS, LIST(&slice));
    tag.size = make_size(&in);
    tag.key = 1;

    (void) live_codec_frame(&c, &f, &tag, dst, sizeof(dst), &info);
    is_int(info.key, 0, "slice that the FLV header calls a key frame");

    frame(&in, LENGTHS, LIST(&partition));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "data partition");
    is_int(info.empty, 0, "is a frame");
    free(out);

    frame(&in, LENGTHS, LIST(&recovery, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.recovery, 1, "recovery point");
    is_int(info.key, 0, "is no IDR");
    is_int(info.size, 8 + recovery.n + slice.n, "its SEI is kept");
    free(out);

    frame(&in, LENGTHS, LIST(&recovery, &idr));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.recovery << 1 | info.key, 1, "recovery point at an IDR");
    free(out);

    frame(&in, LENGTHS, LIST(&later, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.recovery, 1, "recovery point behind another message");
    free(out);

    /* 3 + 1 header, 258 bytes of which 6 stand in 9, then type 6 */

    for (i = 13; i < 4 + 258 + 3; i++) {
        long_sei[i] = 0x55;
    }

    memcpy(long_sei + i, "\x06\x01\x40\x80", 4);
    behind.p = long_sei;
    behind.n = i + 4;

    frame(&in, LENGTHS, LIST(&behind, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.recovery, 1, "FM-CODEC-07 behind emulation prevention bytes");
    free(out);

    behind.n = i;
    frame(&in, LENGTHS, LIST(&behind, &captions, &sei, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.recovery, 0, "no recovery point in other messages");
    free(out);

    memset(long_sei + 1, 0xff, 200);
    behind.n = 200;
    frame(&in, LENGTHS, LIST(&behind, &slice));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "SEI of endless numbers");
    is_int(info.recovery, 0, "is passed over");
    free(out);
}


static void
in_band(void)
{
    nal_t                 s, s2, p, p2, p1;
    make_t                sps2, pps2, pps1, in, avcc;
    uint8_t              *out;
    make_sps_t            o;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c, first, want;

    o = make_720p();
    o.mbs_w = 40;
    make_sps(&sps2, &o);
    make_pps(&pps2, 0, 0, 3);
    make_pps(&pps1, 1, 0, 2);

    s = nal_of(&sps);
    p = nal_of(&pps);
    s2 = nal_of(&sps2);
    p2 = nal_of(&pps2);
    p1 = nal_of(&pps1);

    memset(&f, 0, sizeof(live_framing_t));
    c = configured();
    first = c;

    frame(&in, LENGTHS, LIST(&s2, &p2, &idr));
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "FM-CODEC-04 other sets in band");
    is_int(info.new_config, 1, "FM-CODEC-04 make a new configuration");
    is_int(c.width, 640, "FM-CODEC-04 of the new size");
    is_int(info.size, 4 + idr.n, "FM-CODEC-08 and do not stay in the frame");
    make_avcc(&avcc, &sps2, &pps2, 4);
    make_bytes(&avcc, "\xfd\xf8\xf8\x00", 4);
    is_mem(c.extra, c.extra_size, avcc.p, make_size(&avcc),
           "FM-CODEC-04 with a record of them");
    (void) make_config(LIVE_CODEC_H264, avcc.p, make_size(&avcc), &want);
    is_int(live_codec_same_config(&c, &want), 1,
           "FM-CODEC-04 the same as from a header");
    free(out);

    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
           "FM-CODEC-03 the same again");
    is_int(info.new_config, 0, "FM-CODEC-03 is nothing new");
    free(out);

    frame(&in, LENGTHS, LIST(&s, &idr));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.new_config, 1, "FM-CODEC-04 an SPS alone");
    is_int(c.width, 1280, "FM-CODEC-04 is taken");
    make_avcc(&avcc, &sps, &pps2, 4);
    is_mem(c.extra, make_size(&avcc), avcc.p, make_size(&avcc),
           "FM-CODEC-04 with the PPS that was");
    free(out);

    c = first;
    frame(&in, LENGTHS, LIST(&p1, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.new_config, 1, "FM-CODEC-04 a PPS of another number");
    avcc.bits = 0;
    make_bytes(&avcc, first.extra, 6 + 2 + s.n);
    make_bits(&avcc, 8, 2);
    make_bits(&avcc, 16, p.n);
    make_bytes(&avcc, p.p, p.n);
    make_bits(&avcc, 16, p1.n);
    make_bytes(&avcc, p1.p, p1.n);
    is_mem(c.extra, make_size(&avcc), avcc.p, make_size(&avcc),
           "FM-CODEC-04 is added");
    free(out);

    frame(&in, LENGTHS, LIST(&s, &p, &idr));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.new_config, 0, "FM-CODEC-03 some of the known sets");
    free(out);

    frame(&in, LENGTHS, LIST(&p2, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.new_config, 1, "FM-CODEC-04 a PPS of a number that was");
    is_int(c.extra[6 + 2 + s.n], 2, "FM-CODEC-04 replaces that one");
    free(out);

    want = c;
    frame(&in, LENGTHS, LIST(&p, &p2, &slice));
    (void) make_frame(&c, &f, in.p, make_size(&in), &out, &info);
    is_int(info.new_config, 0, "FM-CODEC-04 two of one number: the last one");
    free(out);
    is_mem(&c, sizeof(c), &want, sizeof(want), "FM-CODEC-04 nothing changed");

    c = first;
    is_int(make_frame(&c, &f, "\0\0\0\5\x67\x64\0\x1f\xff\0\0\0\2\x41\x9a", 15,
                      &out, &info), LIVE_OK, "FM-CODEC-06 a damaged SPS");
    is_int(info.new_config, 0, "FM-CODEC-06 changes nothing");
    is_int(info.size, 6, "FM-CODEC-06 and the picture stays");
    free(out);

    frame(&in, LENGTHS, LIST(&s2, &p2, &idr));
    in.p[make_size(&in) - idr.n - 1]++;
    is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_EINVAL,
           "sets in a damaged frame");
    is_mem(&c, sizeof(c), &first, sizeof(first), "change nothing");
    free(out);
}


/* no usable sequence header: the first key frame has to do */

static void
late(void)
{
    int                   framing, header;
    nal_t                 s, p;
    make_t                in, avcc;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c, want;

    s = nal_of(&sps);
    p = nal_of(&pps);
    make_avcc(&avcc, &sps, &pps, 4);
    (void) make_config(LIVE_CODEC_H264, avcc.p, make_size(&avcc), &want);

    for (header = 0; header < 4; header++) {

        framing = header & 1 ? ANNEXB : LENGTHS;
        memset(&f, 0, sizeof(live_framing_t));

        if (header & 2) {
            is_int(make_config(LIVE_CODEC_H264, "", 0, &c), LIVE_AGAIN,
                   "FM-CODEC-02 no sets in the header");

        } else {
            memset(&c, 0, sizeof(live_codec_config_t));
            c.codec = LIVE_CODEC_H264;
        }

        frame(&in, framing, LIST(&slice));
        is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info),
               LIVE_AGAIN, "FM-CODEC-02 a frame cannot be used");
        free(out);

        frame(&in, framing, LIST(&s, &idr));
        is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info),
               LIVE_AGAIN, "FM-CODEC-02 nor one with an SPS alone");
        free(out);

        frame(&in, framing, LIST(&s, &p, &idr));
        is_int(make_frame(&c, &f, in.p, make_size(&in), &out, &info), LIVE_OK,
               "FM-CODEC-02 until sets come in band");
        is_int(info.new_config, 1, "FM-CODEC-02 which make the configuration");
        is_int(live_codec_same_config(&c, &want), 1,
               "FM-CODEC-02 as a header would");
        is_str(c.rfc6381, want.rfc6381, "FM-CODEC-02 codec string");
        is_int(c.width << 16 | c.height, want.width << 16 | want.height,
               "FM-CODEC-02 size");
        is_int(info.size, 4 + idr.n, "FM-CODEC-02 and a frame");
        free(out);
    }
}


int
main(void)
{
    make_sps_t  o;

    o = make_720p();
    make_sps(&sps, &o);
    make_pps(&pps, 0, 0, 0);

    stripped();
    length = 2;
    stripped();
    length = 1;
    stripped();
    length = 4;

    ambiguous();
    damaged();
    bounds();
    huge();
    keys();
    in_band();
    late();

    return done_testing();
}
