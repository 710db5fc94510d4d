/*
 * Sequence parameter sets, read as part of an avcC.
 */

#include "codec_make.h"
#include "tap.h"


static int
config_of(const make_t *sps, live_codec_config_t *config)
{
    make_t  pps, avcc;

    make_pps(&pps, 0, 0, 0);
    make_avcc(&avcc, sps, &pps, 4);

    return make_config(LIVE_CODEC_H264, avcc.p, make_size(&avcc), config);
}


static int
config_with(const make_sps_t *o, live_codec_config_t *config)
{
    make_t  sps;

    make_sps(&sps, o);

    return config_of(&sps, config);
}


static void
sizes(void)
{
    size_t               i;
    make_sps_t           o;
    live_codec_config_t  c;

    static const struct {
        const char  *name;
        uint8_t      profile, chroma, separate, interlaced;
        uint32_t     w, h, crop[4];
        uint16_t     width, height;
    } rows[] = {
        { "720p",         100, 1, 0, 0,  80,  45, { 0, 0, 0, 0 }, 1280,  720 },
        { "1080p",        100, 1, 0, 0, 120,  68, { 0, 0, 0, 4 }, 1920, 1080 },
        { "1080i",        100, 1, 0, 1, 120,  34, { 0, 0, 0, 2 }, 1920, 1080 },
        { "portrait",      77, 1, 0, 0,  68, 120, { 0, 4, 0, 0 }, 1080, 1920 },
        { "all sides",     66, 1, 0, 0,  40,  30, { 1, 2, 3, 4 },  634,  466 },
        { "4:2:2",        122, 2, 0, 0, 120,  68, { 1, 0, 0, 8 }, 1918, 1080 },
        { "4:2:2 fields", 122, 2, 0, 1, 120,  34, { 0, 0, 0, 4 }, 1920, 1080 },
        { "4:4:4",        244, 3, 0, 0, 120,  68, { 3, 0, 0, 8 }, 1917, 1080 },
        { "4:4:4 planes", 244, 3, 1, 0, 120,  68, { 0, 1, 1, 7 }, 1919, 1080 },
        { "grey",         100, 0, 0, 0, 120,  68, { 1, 0, 0, 8 }, 1919, 1080 },
        { "smallest",      66, 1, 0, 0,   1,   1, { 0, 7, 0, 7 },    2,    2 },
        { "largest",      100, 1, 0, 1, 1024, 1024, { 0, 0, 0, 0 },
                                                            16384, 32768 },
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        o = make_720p();
        o.profile = rows[i].profile;
        o.chroma = rows[i].chroma;
        o.separate = rows[i].separate;
        o.interlaced = rows[i].interlaced;
        o.mbs_w = rows[i].w;
        o.mbs_h = rows[i].h;
        memcpy(o.crop, rows[i].crop, sizeof(o.crop));

        is_int(config_with(&o, &c), LIVE_OK, "FM-CODEC-07 %s", rows[i].name);
        is_int(c.width, rows[i].width, "FM-CODEC-07 %s: width", rows[i].name);
        is_int(c.height, rows[i].height, "FM-CODEC-07 %s: height",
               rows[i].name);
        is_int(c.sar_num == 1 && c.sar_den == 1, 1, "%s: square pixels",
               rows[i].name);
        is_int(c.fps_milli, 0, "%s: no frame rate told", rows[i].name);
        is_int(c.colour, 0, "%s: no colours told", rows[i].name);
    }
}


static void
scaling_and_order(void)
{
    int                  scaling, chroma;
    make_sps_t           o;
    live_codec_config_t  c;

    for (scaling = 1; scaling <= 3; scaling++) {
        for (chroma = 1; chroma <= 3; chroma++) {
            o = make_720p();
            o.profile = 244;
            o.chroma = (uint8_t) chroma;
            o.scaling = (uint8_t) scaling;

            is_int(config_with(&o, &c), LIVE_OK,
                   "FM-CODEC-07 scaling lists %d, chroma %d", scaling, chroma);
            is_int(c.width << 16 | c.height, 1280 << 16 | 720,
                   "FM-CODEC-07 scaling lists %d, chroma %d: size behind them",
                   scaling, chroma);
        }
    }

    o = make_720p();
    o.order = 1;
    o.cycle = 255;
    is_int(config_with(&o, &c), LIVE_OK, "picture order type 1, longest cycle");
    is_int(c.height, 720, "picture order type 1: size behind it");

    o.cycle = 256;
    is_int(config_with(&o, &c), LIVE_EINVAL, "picture order cycle too long");

    o.order = 2;
    is_int(config_with(&o, &c), LIVE_OK, "picture order type 2");

    o.order = 3;
    is_int(config_with(&o, &c), LIVE_EINVAL, "picture order type 3");
}


/* all rows of table E-1 */

static void
aspects(void)
{
    size_t               i;
    make_sps_t           o;
    live_codec_config_t  c;

    static const uint16_t  rows[17][2] = {
        { 1, 1 }, { 1, 1 }, { 12, 11 }, { 10, 11 }, { 16, 11 }, { 40, 33 },
        { 24, 11 }, { 20, 11 }, { 32, 11 }, { 80, 33 }, { 18, 11 },
        { 15, 11 }, { 64, 33 }, { 160, 99 }, { 4, 3 }, { 3, 2 }, { 2, 1 }
    };

    o = make_720p();
    o.vui = 1;

    for (i = 0; i < 17; i++) {
        o.sar = (uint8_t) (i + 1);
        is_int(config_with(&o, &c), LIVE_OK, "aspect ratio %zu", i);
        is_int(c.sar_num << 16 | c.sar_den, rows[i][0] << 16 | rows[i][1],
               "FM-CODEC-07 is %u:%u", rows[i][0], rows[i][1]);
    }
}


static void
vui(void)
{
    make_sps_t           o;
    live_codec_config_t  c;

    o = make_720p();
    o.vui = 1;
    o.sar = 1 + 14;
    o.units = 1001;
    o.scale = 60000;
    o.hrd = 1;
    o.signal = 2;
    memcpy(o.colours, "\x09\x10\x09", 3);

    is_int(config_with(&o, &c), LIVE_OK, "FM-CODEC-07 VUI");
    is_int(c.sar_num, 4, "FM-CODEC-07 sample aspect ratio 14: 4");
    is_int(c.sar_den, 3, "FM-CODEC-07 to 3");
    is_int(c.fps_milli, 29970, "FM-CODEC-07 frame rate");
    is_int(c.colour, 1, "colours are told");
    is_int(c.primaries << 16 | c.transfer << 8 | c.matrix, 0x091009,
           "as BT.2020, PQ");
    is_int(c.full_range, 0, "in limited range");

    o.signal = 1;
    o.full_range = 1;
    is_int(config_with(&o, &c), LIVE_OK, "full range alone");
    is_int(c.colour, 1, "is told");
    is_int(c.full_range, 1, "is full");
    is_int(c.primaries << 16 | c.transfer << 8 | c.matrix, 0x020202,
           "the rest unspecified");

    o.full_range = 0;
    is_int(config_with(&o, &c), LIVE_OK, "a video format alone");
    is_int(c.colour, 0, "tells no colours");

    o.sar = MAKE_SAR_EXTENDED;
    o.sar_num = 853;
    o.sar_den = 640;
    is_int(config_with(&o, &c), LIVE_OK, "FM-CODEC-07 extended aspect ratio");
    is_int(c.sar_num << 16 | c.sar_den, 853 << 16 | 640,
           "FM-CODEC-07 853:640");

    o.sar_den = 0;
    is_int(config_with(&o, &c), LIVE_OK, "aspect ratio n:0");
    is_int(c.sar_num << 16 | c.sar_den, 1 << 16 | 1, "is 1:1");

    o.sar = 1 + 17;
    is_int(config_with(&o, &c), LIVE_OK, "reserved aspect ratio");
    is_int(c.sar_num << 16 | c.sar_den, 1 << 16 | 1, "is 1:1");

    o.units = 1;
    o.scale = 50;
    is_int(config_with(&o, &c), LIVE_OK, "25 fps");
    is_int(c.fps_milli, 25000, "25 fps, from fields");

    o.scale = 2000;
    is_int(config_with(&o, &c), LIVE_OK, "1000 fps");
    is_int(c.fps_milli, 1000000, "1000 fps, the most");

    o.scale = 2001;
    is_int(config_with(&o, &c), LIVE_OK, "and above");
    is_int(c.fps_milli, 0, "is not believed");

    o.scale = 0;
    is_int(config_with(&o, &c), LIVE_OK, "time scale 0");
    is_int(c.fps_milli, 0, "tells nothing");

    o.scale = 0xffffffff;
    is_int(config_with(&o, &c), LIVE_OK, "2 billion fps");
    is_int(c.fps_milli, 0, "is not believed");

    o.scale = 90000;
    o.units = 0x80000000;
    is_int(config_with(&o, &c), LIVE_OK, "a frame in thirteen hours");
    is_int(c.fps_milli, 0, "tells nothing");
}


static void
escaped(void)
{
    size_t               i, n;
    make_t               sps;
    make_sps_t           o;
    live_codec_config_t  c;

    o = make_720p();
    o.vui = 1;
    o.units = 1;
    o.scale = 0x300;
    n = 0;

    /* the number moves what follows by two bits each time */

    for (o.id = 0; o.id < 31; o.id = (uint8_t) (2 * o.id + 1)) {
        make_sps(&sps, &o);

        for (i = 2; i < make_size(&sps); i++) {
            n += sps.p[i - 2] == 0 && sps.p[i - 1] == 0 && sps.p[i] == 3;
        }

        is_int(config_of(&sps, &c), LIVE_OK, "FM-CODEC-07 FM-ENC-10 SPS number %d", o.id);
        is_int(c.fps_milli, 384000, "FM-CODEC-07 is read to its end");
        is_mem(c.extra + 8, make_size(&sps), sps.p, make_size(&sps),
               "FM-CODEC-07 and stands in the avcC as it was");
    }

    ok(n >= 5, "FM-CODEC-07 there were %zu emulation prevention bytes", n);
}


/* SPS as encoders write them */

static void
encoders(void)
{
    size_t               i;
    make_t               sps;
    live_codec_config_t  c;

    static const struct {
        const char  *name;
        uint8_t      bytes[64];
        size_t       n;
        uint16_t     width, height;
        uint32_t     fps;
        const char  *codec;
    } rows[] = {
        { "x264 high 4:2:0, 1280x720 at 30",
          { 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01,
            0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0,
            0xf1, 0x83, 0x19, 0x60 }, 26, 1280, 720, 30000, "avc1.64001f" },
        { "x264 constrained baseline, 640x480 at 25",
          { 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x3d, 0xb0, 0x11, 0x00,
            0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16,
            0x2e, 0x48 }, 24, 640, 480, 25000, "avc1.42c01e" },
        { "nal_ref_idc 1, no VUI",
          { 0x27, 0x42, 0x00, 0x1f, 0xab, 0x40, 0x50, 0x1e, 0xc8 }, 9,
            640, 480, 0, "avc1.42001f" },
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sps.bits = 0;
        make_bytes(&sps, rows[i].bytes, rows[i].n);

        is_int(config_of(&sps, &c), LIVE_OK, "FM-CODEC-07 %s", rows[i].name);
        is_int(c.width, rows[i].width, "FM-CODEC-07 %s: width", rows[i].name);
        is_int(c.height, rows[i].height, "FM-CODEC-07 %s: height",
               rows[i].name);
        is_int(c.fps_milli, rows[i].fps, "FM-CODEC-07 %s: rate", rows[i].name);
        is_str(c.rfc6381, rows[i].codec, "FM-CODEC-07 %s: codec",
               rows[i].name);
    }
}


static void
bad(void)
{
    size_t               i, n;
    int                  rc, wrong;
    make_t               sps, cut;
    make_sps_t           o;
    live_codec_config_t  c;

    o = make_720p();
    o.crop[1] = 640;
    is_int(config_with(&o, &c), LIVE_EINVAL, "all cropped away");

    /* sums that wrap to what would be right */

    for (i = 0; i < 4; i++) {
        memset(o.crop, 0, sizeof(o.crop));
        o.crop[i] = 0x80000000;
        is_int(config_with(&o, &c), LIVE_EINVAL, "cropped by 2^31, side %zu",
               i);
        o.crop[i ^ 1] = 0x80000000;
        is_int(config_with(&o, &c), LIVE_EINVAL, "and on the other side");
    }

    o = make_720p();
    o.mbs_w = 1025;
    is_int(config_with(&o, &c), LIVE_EINVAL, "wider than 16384");

    o = make_720p();
    o.chroma = 4;
    is_int(config_with(&o, &c), LIVE_EINVAL, "chroma format 4");

    o = make_720p();
    o.depth_luma = 7;
    is_int(config_with(&o, &c), LIVE_EINVAL, "15 bits deep");

    o = make_720p();
    o.scaling = 2;
    o.vui = 1;
    o.hrd = 1;
    make_sps(&sps, &o);
    wrong = 0;

    /* the VUI is at the end: without it the SPS is well-formed */

    for (n = 0; n < make_size(&sps); n++) {
        cut.bits = 0;
        make_bytes(&cut, sps.p, n < 4 ? 4 : n);

        if (n < 4) {
            cut.bits = n * 8;
        }

        rc = config_of(&cut, &c);
        wrong += (rc == LIVE_OK && c.height != 720)
                 || (rc != LIVE_OK && rc != LIVE_EINVAL && rc != LIVE_AGAIN);
    }

    is_int(wrong, 0, "cut anywhere: refused, or read right");

    wrong = 0;

    for (i = 0; i < sps.bits; i++) {
        cut = sps;
        cut.p[i / 8] ^= (uint8_t) (0x80 >> i % 8);
        rc = config_of(&cut, &c);

        wrong += (rc == LIVE_OK && (c.width == 0 || c.height == 0
                                    || c.sar_den == 0 || c.extra_size == 0));
    }

    is_int(wrong, 0, "any bit turned: never a nonsense configuration");
}


int
main(void)
{
    sizes();
    scaling_and_order();
    aspects();
    vui();
    escaped();
    encoders();
    bad();

    return done_testing();
}
