/*
 * Init segments, box by box.
 */

#include "codec_make.h"
#include "mux_boxes.h"
#include "tap.h"


static uint8_t  buf[LIVE_INIT_MAX];
static long     size;


static box_t
find(const char *path)
{
    static const uint8_t  zeros[256];

    box_t  box;

    box = box_find(buf, (size_t) size, path);

    ok(box.p != NULL, "%s is there", path);

    if (box.p == NULL) {
        box.p = zeros;
        box.n = 0;
    }

    return box;
}


static void
init(const live_codec_config_t *config)
{
    uint8_t  *p;

    /* malloced, for the sanitizer */

    p = malloc(LIVE_INIT_MAX);
    size = live_mux_init(config, p, LIVE_INIT_MAX);

    if (size > 0) {
        memcpy(buf, p, (size_t) size);
    }

    free(p);
}


/* boxes of a fixed size, zeros but for what the tests below read */

static void
sizes(void)
{
    size_t  i;
    box_t   b;

    static const struct {
        const char  *path;
        size_t       n;
    } rows[] = {
        { "moov/mvhd", 100 },
        { "moov/trak/tkhd", 84 },
        { "moov/trak/mdia/mdhd", 24 },
        { "moov/trak/mdia/hdlr", 30 },
        { "moov/trak/mdia/minf/dinf/dref", 20 },
        { "moov/trak/mdia/minf/stbl/stts", 8 },
        { "moov/trak/mdia/minf/stbl/stsc", 8 },
        { "moov/trak/mdia/minf/stbl/stsz", 12 },
        { "moov/trak/mdia/minf/stbl/stco", 8 },
        { "moov/mvex/trex", 24 },
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        b = find(rows[i].path);
        is_int(b.n, rows[i].n, "%s: size", rows[i].path);
    }
}


static live_codec_config_t
video(const make_sps_t *o)
{
    make_t               sps, pps, avcc;
    live_codec_config_t  c;

    make_sps(&sps, o);
    make_pps(&pps, 0, 0, 0);
    make_avcc(&avcc, &sps, &pps, 4);
    (void) make_config(LIVE_CODEC_H264, avcc.p, make_size(&avcc), &c);

    return c;
}


static void
h264(void)
{
    char                 tree[1024] = "";
    box_t                b;
    make_sps_t           o;
    live_codec_config_t  c;

    o = make_720p();
    c = video(&o);
    init(&c);

    ok(size > 0 && size < LIVE_INIT_MAX, "init segment");

    box_tree(buf, (size_t) size, tree, sizeof(tree));
    is_str(tree, "ftyp moov(mvhd trak(tkhd mdia(mdhd hdlr minf(vmhd "
           "dinf(dref(url )) stbl(stsd(avc1(avcC)) stts stsc stsz stco)))) "
           "mvex(trex))", "its boxes, and no edit list");

    b = find("ftyp");
    is_mem(b.p, b.n, "iso6\0\0\0\0iso6mp41cmfccmf2", 24, "brands");

    sizes();

    b = find("moov/mvhd");
    is_int(be32(b.p + 12), 90000, "mvhd: timescale");
    is_int(be32(b.p + 16), 0, "mvhd: no duration");
    is_int(be32(b.p + 20), 0x10000, "mvhd: rate");
    is_int(be32(b.p + 96), 2, "mvhd: next track");

    b = find("moov/trak/tkhd");
    is_int(be32(b.p), 7, "tkhd: enabled, in the movie");
    is_int(be32(b.p + 12), LIVE_TRACK_ID, "tkhd: track");
    is_int(be16(b.p + 36), 0, "tkhd: no volume");
    is_int(be32(b.p + 40), 0x10000, "tkhd: matrix a");
    is_int(be32(b.p + 56), 0x10000, "tkhd: matrix d");
    is_int(be32(b.p + 72), 0x40000000, "tkhd: matrix w");
    is_int(be32(b.p + 76), 1280 << 16, "tkhd: width");
    is_int(be32(b.p + 80), 720 << 16, "tkhd: height");

    b = find("moov/trak/mdia/mdhd");
    is_int(be32(b.p + 12), 90000, "mdhd: timescale");
    is_int(be16(b.p + 20), ('u' - 96) << 10 | ('n' - 96) << 5 | ('d' - 96),
           "mdhd: language");

    b = find("moov/trak/mdia/hdlr");
    is_mem(b.p + 8, 4, "vide", 4, "hdlr");
    is_int(b.p[b.n - 1], 0, "hdlr: a name that ends");

    is_mem(b.p + 12, 12, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, "hdlr: reserved");

    b = find("moov/trak/mdia/minf/vmhd");
    is_int(b.n, 12, "vmhd: size");
    is_int(be32(b.p), 1, "vmhd: flags");

    b = find("moov/trak/mdia/minf/dinf/dref");
    is_int(be32(b.p + 4), 1, "dref: one");
    is_int(be32(b.p + 16), 1, "dref: this file");

    b = find("moov/trak/mdia/minf/stbl/stsd");
    is_int(be32(b.p + 4), 1, "stsd: one");

    b = find("moov/trak/mdia/minf/stbl/stsd/avc1");
    is_int(be16(b.p + 6), 1, "avc1: data reference");
    is_int(be16(b.p + 24), 1280, "avc1: width");
    is_int(be16(b.p + 26), 720, "avc1: height");
    is_int(be16(b.p + 40), 1, "avc1: frames in a sample");
    is_int(be16(b.p + 74), 0x18, "avc1: depth");
    is_int(be16(b.p + 76), 0xffff, "avc1: pre-defined");

    b = find("moov/trak/mdia/minf/stbl/stsd/avc1/avcC");
    is_mem(b.p, b.n, c.extra, c.extra_size, "avcC");

    b = find("moov/trak/mdia/minf/stbl/stsz");
    is_mem(b.p, b.n, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, "stsz: empty");

    b = find("moov/mvex/trex");
    is_mem(b.p, b.n, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 24,
           "trex");
}


static void
shape(void)
{
    box_t                b;
    make_sps_t           o;
    live_codec_config_t  c;

    o = make_720p();
    o.vui = 1;
    o.sar = MAKE_SAR_EXTENDED;
    o.sar_num = 4;
    o.sar_den = 3;
    o.signal = 2;
    o.full_range = 1;
    memcpy(o.colours, "\x01\x0d\x06", 3);
    c = video(&o);
    init(&c);

    b = find("moov/trak/tkhd");
    is_int(be32(b.p + 76), 0x6aaaaaa, "4:3 pixels: width as shown, 1706 2/3");
    is_int(be32(b.p + 80), 720 << 16, "4:3 pixels: height");
    b = find("moov/trak/mdia/minf/stbl/stsd/avc1");
    is_int(be16(b.p + 24), 1280, "4:3 pixels: coded width");
    b = find("moov/trak/mdia/minf/stbl/stsd/avc1/pasp");
    is_mem(b.p, b.n, "\0\0\0\4\0\0\0\3", 8, "pasp");
    b = find("moov/trak/mdia/minf/stbl/stsd/avc1/colr");
    is_mem(b.p, b.n, "nclx\0\x01\0\x0d\0\x06\x80", 11, "colr");

    o.sar_num = 65535;
    o.sar_den = 1;
    c = video(&o);
    init(&c);
    b = find("moov/trak/tkhd");
    is_int(be32(b.p + 76), 1280 << 16, "absurd pixels: coded width");

    o.sar_num = 7;
    o.sar_den = 7;
    o.signal = 0;
    c = video(&o);
    init(&c);
    ok(box_find(buf, (size_t) size,
                "moov/trak/mdia/minf/stbl/stsd/avc1/pasp").p == NULL,
       "square pixels: no pasp");
    ok(box_find(buf, (size_t) size,
                "moov/trak/mdia/minf/stbl/stsd/avc1/colr").p == NULL,
       "no colours told: no colr");
}


static void
aac(void)
{
    char                 tree[1024] = "";
    box_t                b;
    live_codec_config_t  c;

    (void) make_config(LIVE_CODEC_AAC, "\x11\x90", 2, &c);
    init(&c);

    box_tree(buf, (size_t) size, tree, sizeof(tree));
    is_str(tree, "ftyp moov(mvhd trak(tkhd mdia(mdhd hdlr minf(smhd "
           "dinf(dref(url )) stbl(stsd(mp4a(esds)) stts stsc stsz stco)))) "
           "mvex(trex))", "audio: boxes");

    sizes();

    b = find("moov/trak/mdia/minf/smhd");
    is_int(b.n, 8, "smhd: size");

    b = find("moov/trak/tkhd");
    is_int(be16(b.p + 36), 0x100, "tkhd: full volume");
    is_int(be32(b.p + 76), 0, "tkhd: no width");

    b = find("moov/trak/mdia/mdhd");
    is_int(be32(b.p + 12), 48000, "mdhd: timescale");
    b = find("moov/trak/mdia/hdlr");
    is_mem(b.p + 8, 4, "soun", 4, "hdlr");

    b = find("moov/trak/mdia/minf/stbl/stsd/mp4a");
    is_int(be16(b.p + 6), 1, "mp4a: data reference");
    is_int(be16(b.p + 16), 2, "mp4a: channels");
    is_int(be16(b.p + 18), 16, "mp4a: bits");
    is_int(be32(b.p + 24), 48000u << 16, "mp4a: rate");

    b = find("moov/trak/mdia/minf/stbl/stsd/mp4a/esds");
    is_mem(b.p, b.n,
           "\0\0\0\0"
           "\x03\x80\x80\x80\x22\0\0\0"
           "\x04\x80\x80\x80\x14\x40\x15\0\0\0\0\0\0\0\0\0\0\0"
           "\x05\x80\x80\x80\x02\x11\x90"
           "\x06\x80\x80\x80\x01\x02", 4 + 8 + 18 + 7 + 6, "esds");

    (void) make_config(LIVE_CODEC_AAC, "\x10\x10", 2, &c);
    init(&c);
    b = find("moov/trak/mdia/mdhd");
    is_int(be32(b.p + 12), 96000, "96 kHz: timescale");
    b = find("moov/trak/mdia/minf/stbl/stsd/mp4a");
    is_int(be32(b.p + 24), 0, "96 kHz: too much for the sample entry");
}


static void
limits(void)
{
    char                 tree[1024] = "";
    size_t               i;
    box_t                b;
    live_codec_config_t  c;

    memset(&c, 0, sizeof(live_codec_config_t));
    init(&c);
    is_int(size, LIVE_EUNSUPPORTED, "no codec");

    (void) make_config(LIVE_CODEC_AAC, "\x11\x90", 2, &c);
    is_int(live_mux_init(&c, buf, LIVE_INIT_MAX - 1), LIVE_ENOSPC, "no room");

    /* the largest records there can be; sizes above 127 in the esds */

    c.extra_size = LIVE_EXTRA_MAX;

    for (i = 0; i < LIVE_EXTRA_MAX; i++) {
        c.extra[i] = (uint8_t) i;
    }

    init(&c);
    box_tree(buf, (size_t) size, tree, sizeof(tree));
    ok(strchr(tree, '!') == NULL, "largest AudioSpecificConfig");
    b = find("moov/trak/mdia/minf/stbl/stsd/mp4a/esds");
    is_mem(b.p + 4, 5, "\x03\x80\x80\x88\x20", 5, "esds: size above 127");
    is_mem(b.p + b.n - 6 - LIVE_EXTRA_MAX, LIVE_EXTRA_MAX, c.extra,
           LIVE_EXTRA_MAX, "esds: all of it");

    c.media = LIVE_VIDEO;
    c.codec = LIVE_CODEC_H264;
    c.width = 32768;
    c.height = 32768;
    c.sar_num = 1;
    c.sar_den = 2;
    c.colour = 1;
    init(&c);
    tree[0] = '\0';
    box_tree(buf, (size_t) size, tree, sizeof(tree));
    ok(size > 0 && strchr(tree, '!') == NULL, "largest avcC, all boxes");
}


int
main(void)
{
    h264();
    shape();
    aac();
    limits();

    return done_testing();
}
