/*
 * Sequence parameter sets (ITU-T H.264, 7.3.2.1.1 and E.1.1).
 */

#include "live_codec_internal.h"

#include <stdio.h>
#include <string.h>


typedef struct {
    uint32_t   width;
    uint32_t   height;
    uint8_t    frame_mbs_only;
    uint8_t    separate_planes;
} live_sps_size_t;


static void live_h264_skip_scaling(live_bits_t *bits, unsigned size);
static int live_h264_parse_high(live_bits_t *bits, live_sps_size_t *size,
    live_h264_high_t *high);
static int live_h264_parse_order(live_bits_t *bits);
static int live_h264_parse_crop(live_bits_t *bits, live_sps_size_t *size,
    uint8_t chroma);
static int live_h264_parse_size(live_bits_t *bits, live_sps_size_t *size,
    uint8_t chroma);
static void live_h264_default_vui(live_codec_config_t *config);
static void live_h264_parse_vui(live_bits_t *bits,
    live_codec_config_t *config);


static void
live_h264_skip_scaling(live_bits_t *bits, unsigned size)
{
    int32_t   last, next;
    unsigned  i;

    last = 8;
    next = 8;

    for (i = 0; i < size && !bits->overrun; i++) {

        if (next != 0) {
            next = (int32_t) (((uint32_t) last
                               + (uint32_t) live_bits_se(bits)) & 0xff);
        }

        last = next ? next : last;
    }
}


static int
live_h264_parse_high(live_bits_t *bits, live_sps_size_t *size,
    live_h264_high_t *high)
{
    uint32_t  chroma, luma, depth;
    unsigned  i;

    chroma = live_bits_ue(bits);

    if (chroma == 3) {
        size->separate_planes = (uint8_t) live_bits_get(bits, 1);
    }

    luma = live_bits_ue(bits);
    depth = live_bits_ue(bits);

    if (chroma > 3 || luma > 6 || depth > 6) {
        return LIVE_EINVAL;
    }

    high->chroma = (uint8_t) chroma;
    high->depth_luma = (uint8_t) luma;
    high->depth_chroma = (uint8_t) depth;

    (void) live_bits_get(bits, 1);

    if (live_bits_get(bits, 1)) {
        for (i = 0; i < (chroma == 3 ? 12u : 8u); i++) {
            if (live_bits_get(bits, 1)) {
                live_h264_skip_scaling(bits, i < 6 ? 16 : 64);
            }
        }
    }

    return LIVE_OK;
}


static int
live_h264_parse_order(live_bits_t *bits)
{
    uint32_t  n, type;

    type = live_bits_ue(bits);

    if (type == 0) {
        (void) live_bits_ue(bits);

    } else if (type == 1) {
        (void) live_bits_get(bits, 1);
        (void) live_bits_se(bits);
        (void) live_bits_se(bits);

        n = live_bits_ue(bits);

        if (n > 255) {
            return LIVE_EINVAL;
        }

        while (n--) {
            (void) live_bits_se(bits);
        }

    } else if (type > 2) {
        return LIVE_EINVAL;
    }

    return LIVE_OK;
}


static int
live_h264_parse_crop(live_bits_t *bits, live_sps_size_t *size, uint8_t chroma)
{
    uint32_t  left, right, top, bottom, x, y;

    if (!live_bits_get(bits, 1)) {
        return LIVE_OK;
    }

    left = live_bits_ue(bits);
    right = live_bits_ue(bits);
    top = live_bits_ue(bits);
    bottom = live_bits_ue(bits);

    if (size->separate_planes) {
        chroma = 0;
    }

    x = (chroma == 1 || chroma == 2) ? 2 : 1;
    y = (chroma == 1 ? 2 : 1) * (2u - size->frame_mbs_only);

    if (left > 65535 || right > 65535 || top > 65535 || bottom > 65535
        || (left + right) * x >= size->width
        || (top + bottom) * y >= size->height)
    {
        return LIVE_EINVAL;
    }

    size->width -= (left + right) * x;
    size->height -= (top + bottom) * y;

    return LIVE_OK;
}


static void
live_h264_default_vui(live_codec_config_t *config)
{
    config->sar_num = 1;
    config->sar_den = 1;
    config->fps_milli = 0;
    config->colour = 0;
    config->full_range = 0;
    config->primaries = 2;                            /* unspecified */
    config->transfer = 2;
    config->matrix = 2;
}


static void
live_h264_parse_vui(live_bits_t *bits, live_codec_config_t *config)
{
    uint32_t  idc, units, scale;

    static const uint8_t  sar[17][2] = {
        { 1, 1 }, { 1, 1 }, { 12, 11 }, { 10, 11 }, { 16, 11 }, { 40, 33 },
        { 24, 11 }, { 20, 11 }, { 32, 11 }, { 80, 33 }, { 18, 11 }, { 15, 11 },
        { 64, 33 }, { 160, 99 }, { 4, 3 }, { 3, 2 }, { 2, 1 }
    };

    if (live_bits_get(bits, 1)) {
        idc = live_bits_get(bits, 8);

        if (idc == 255) {
            config->sar_num = (uint16_t) live_bits_get(bits, 16);
            config->sar_den = (uint16_t) live_bits_get(bits, 16);

        } else if (idc < 17) {
            config->sar_num = sar[idc][0];
            config->sar_den = sar[idc][1];
        }

        if (config->sar_num == 0 || config->sar_den == 0 || bits->overrun) {
            config->sar_num = 1;
            config->sar_den = 1;
        }
    }

    if (live_bits_get(bits, 1)) {
        (void) live_bits_get(bits, 1);                /* overscan */
    }

    if (live_bits_get(bits, 1)) {
        (void) live_bits_get(bits, 3);                /* format */

        config->full_range = (uint8_t) live_bits_get(bits, 1);

        if (live_bits_get(bits, 1)) {
            config->primaries = (uint8_t) live_bits_get(bits, 8);
            config->transfer = (uint8_t) live_bits_get(bits, 8);
            config->matrix = (uint8_t) live_bits_get(bits, 8);
            config->colour = 1;
        }

        if (config->full_range) {
            config->colour = 1;
        }

        if (bits->overrun) {
            config->colour = 0;
        }
    }

    if (live_bits_get(bits, 1)) {
        (void) live_bits_ue(bits);                    /* chroma location */
        (void) live_bits_ue(bits);
    }

    if (live_bits_get(bits, 1)) {
        units = live_bits_get(bits, 32);
        scale = live_bits_get(bits, 32);

        if (!bits->overrun && units && scale
            && (uint64_t) scale * 500 / units <= 1000000)
        {
            config->fps_milli = (uint32_t) ((uint64_t) scale * 500 / units);
        }
    }
}


/* pic_width_in_mbs_minus1 to frame_cropping */

static int
live_h264_parse_size(live_bits_t *bits, live_sps_size_t *size, uint8_t chroma)
{
    uint32_t  w, h;

    w = live_bits_ue(bits);
    h = live_bits_ue(bits);
    size->frame_mbs_only = (uint8_t) live_bits_get(bits, 1);

    if (!size->frame_mbs_only) {
        (void) live_bits_get(bits, 1);
    }

    (void) live_bits_get(bits, 1);

    if (bits->overrun || w > 1023 || h > 1023) {
        return LIVE_EINVAL;
    }

    size->width = (w + 1) * 16;
    size->height = (h + 1) * 16 * (2u - size->frame_mbs_only);

    if (live_h264_parse_crop(bits, size, chroma) != LIVE_OK) {
        return LIVE_EINVAL;
    }

    return bits->overrun ? LIVE_EINVAL : LIVE_OK;
}


int
live_h264_parse_sps(const uint8_t *p, size_t n, live_codec_config_t *config,
    live_h264_high_t *high)
{
    uint8_t          rbsp[LIVE_EXTRA_MAX];
    live_bits_t      bits;
    live_sps_size_t  size;

    if (n < 5 || (p[0] & 0x1f) != LIVE_NAL_SPS) {
        return LIVE_EINVAL;
    }

    memset(&bits, 0, sizeof(live_bits_t));
    memset(&size, 0, sizeof(live_sps_size_t));

    bits.p = rbsp;
    bits.size = live_nal_unescape(p + 1, n - 1, rbsp, sizeof(rbsp));

    (void) live_bits_get(&bits, 24);              /* profile to level */
    (void) live_bits_ue(&bits);

    high->chroma = 1;
    high->depth_luma = 0;
    high->depth_chroma = 0;

    switch (p[1]) {
    case 100: case 110: case 122: case 244: case 44: case 83: case 86:
    case 118: case 128: case 138: case 139: case 134: case 135:

        if (live_h264_parse_high(&bits, &size, high) != LIVE_OK) {
            return LIVE_EINVAL;
        }

        break;
    }

    (void) live_bits_ue(&bits);

    if (live_h264_parse_order(&bits) != LIVE_OK) {
        return LIVE_EINVAL;
    }

    (void) live_bits_ue(&bits);
    (void) live_bits_get(&bits, 1);

    if (live_h264_parse_size(&bits, &size, high->chroma) != LIVE_OK) {
        return LIVE_EINVAL;
    }

    config->width = (uint16_t) size.width;
    config->height = (uint16_t) size.height;

    live_h264_default_vui(config);

    /* a damaged VUI costs its hints alone */

    if (live_bits_get(&bits, 1)) {
        live_h264_parse_vui(&bits, config);
    }

    (void) snprintf(config->rfc6381, sizeof(config->rfc6381),
                    "avc1.%02x%02x%02x", p[1], p[2], p[3]);

    return LIVE_OK;
}
