/*
 * Makes parameter sets, records and FLV tags for the codec tests, bit by bit and
 * apart from the code under test.
 */

#ifndef _CODEC_MAKE_H_INCLUDED_
#define _CODEC_MAKE_H_INCLUDED_


#include "live_codec.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    uint8_t   p[4096];
    size_t    bits;
} make_t;


static inline void
make_bits(make_t *m, unsigned n, uint64_t v)
{
    while (n--) {
        if (m->bits % 8 == 0) {
            m->p[m->bits / 8] = 0;
        }

        m->p[m->bits / 8] |= (uint8_t) ((v >> n & 1) << (7 - m->bits % 8));
        m->bits++;
    }
}


static inline void
make_ue(make_t *m, uint32_t v)
{
    unsigned  n;
    uint64_t  code;

    code = (uint64_t) v + 1;

    for (n = 0; code >> (n + 1); n++) { /* void */ }

    make_bits(m, n, 0);
    make_bits(m, n + 1, code);
}


static inline void
make_se(make_t *m, int32_t v)
{
    make_ue(m, v > 0 ? 2u * (uint32_t) v - 1 : 2u * (uint32_t) -v);
}


static inline void
make_bytes(make_t *m, const void *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        make_bits(m, 8, ((const uint8_t *) p)[i]);
    }
}


static inline size_t
make_size(const make_t *m)
{
    return (m->bits + 7) / 8;
}


/* rbsp_trailing_bits(), then emulation prevention behind the header byte */

static inline void
make_nal_end(make_t *m)
{
    size_t    i, n;
    make_t    raw;
    unsigned  zeros;

    make_bits(m, 1, 1);
    make_bits(m, (unsigned) (-m->bits & 7), 0);

    raw = *m;
    n = make_size(&raw);
    m->bits = 0;
    zeros = 0;

    for (i = 0; i < n; i++) {

        if (zeros == 2 && raw.p[i] <= 3) {
            make_bits(m, 8, 3);
            zeros = 0;
        }

        make_bits(m, 8, raw.p[i]);
        zeros = raw.p[i] ? 0 : zeros + 1;
    }
}


#define MAKE_SAR_EXTENDED  255


typedef struct {
    uint8_t    profile;       /* 66 77 100 ... */
    uint8_t    constraints;
    uint8_t    level;
    uint8_t    id;
    uint8_t    chroma;
    uint8_t    separate;
    uint8_t    depth_luma;    /* minus 8 */
    uint8_t    depth_chroma;
    uint8_t    scaling;       /* 1: default lists, 2: full lists, 3: cut by 0 */
    uint8_t    order;         /* pic_order_cnt_type */
    uint32_t   cycle;         /* ... frames in the cycle of type 1 */
    uint32_t   mbs_w;
    uint32_t   mbs_h;         /* map units */
    uint8_t    interlaced;
    uint32_t   crop[4];       /* left right top bottom, in crop units */
    uint8_t    vui;
    uint8_t    sar;           /* aspect_ratio_idc + 1, 0: not told, or EXTENDED */
    uint16_t   sar_num;
    uint16_t   sar_den;
    uint8_t    signal;        /* 1: video_signal_type, 2: with colours */
    uint8_t    full_range;
    uint8_t    colours[3];
    uint32_t   units;         /* num_units_in_tick, 0: not told */
    uint32_t   scale;
    uint8_t    hrd;
} make_sps_t;


static inline void
make_scaling(make_t *m, const make_sps_t *o)
{
    unsigned  i, k, lists;

    lists = (o->chroma == 3) ? 12 : 8;

    for (i = 0; i < lists; i++) {
        make_bits(m, 1, 1);

        if (o->scaling == 1) {
            make_se(m, -8);                       /* next scale 0: default */
            continue;
        }

        for (k = 0; k < (i < 6 ? 16u : 64u); k++) {

            if (o->scaling == 3 && k == 5) {
                make_se(m, -(int32_t) (8 + 1 + 2 + 3 + 4 + 0));
                break;
            }

            make_se(m, o->scaling == 3 ? (int32_t) k : (k % 2 ? -3 : 3));
        }
    }
}


static inline void
make_vui(make_t *m, const make_sps_t *o)
{
    make_bits(m, 1, o->sar != 0);

    if (o->sar) {
        make_bits(m, 8, o->sar == MAKE_SAR_EXTENDED ? 255 : o->sar - 1u);

        if (o->sar == MAKE_SAR_EXTENDED) {
            make_bits(m, 16, o->sar_num);
            make_bits(m, 16, o->sar_den);
        }
    }

    make_bits(m, 2, 3);                           /* overscan: yes, appropriate */
    make_bits(m, 1, o->signal != 0);

    if (o->signal) {
        make_bits(m, 3, 5);
        make_bits(m, 1, o->full_range);
        make_bits(m, 1, o->signal == 2);

        if (o->signal == 2) {
            make_bytes(m, o->colours, 3);
        }
    }

    make_bits(m, 1, 1);
    make_ue(m, 1);                                /* chroma location */
    make_ue(m, 1);

    make_bits(m, 1, o->units != 0);

    if (o->units) {
        make_bits(m, 32, o->units);
        make_bits(m, 32, o->scale);
        make_bits(m, 1, 1);
    }

    make_bits(m, 1, o->hrd);

    if (o->hrd) {
        make_ue(m, 0);
        make_bits(m, 8, 0x44);
        make_ue(m, 100000);
        make_ue(m, 200000);
        make_bits(m, 21, 0x1def8);
    }

    make_bits(m, 1, 0);

    if (o->hrd) {
        make_bits(m, 1, 0);
    }

    make_bits(m, 1, 1);                           /* pic_struct */
    make_bits(m, 1, 0);
}


static inline void
make_sps(make_t *m, const make_sps_t *o)
{
    uint32_t  i;

    m->bits = 0;
    make_bits(m, 8, 0x67);
    make_bits(m, 8, o->profile);
    make_bits(m, 8, o->constraints);
    make_bits(m, 8, o->level);
    make_ue(m, o->id);

    if (o->profile != 66 && o->profile != 77 && o->profile != 88) {
        make_ue(m, o->chroma);

        if (o->chroma == 3) {
            make_bits(m, 1, o->separate);
        }

        make_ue(m, o->depth_luma);
        make_ue(m, o->depth_chroma);
        make_bits(m, 1, 0);
        make_bits(m, 1, o->scaling != 0);

        if (o->scaling) {
            make_scaling(m, o);
        }
    }

    make_ue(m, 4);
    make_ue(m, o->order);

    if (o->order == 0) {
        make_ue(m, 4);

    } else if (o->order == 1) {
        make_bits(m, 1, 0);
        make_se(m, -2147483647);
        make_se(m, 70000);
        make_ue(m, o->cycle);

        for (i = 0; i < o->cycle; i++) {
            make_se(m, -(int32_t) i);
        }
    }

    make_ue(m, 4);
    make_bits(m, 1, 0);
    make_ue(m, o->mbs_w - 1);
    make_ue(m, o->mbs_h - 1);
    make_bits(m, 1, !o->interlaced);

    if (o->interlaced) {
        make_bits(m, 1, 1);
    }

    make_bits(m, 1, 1);

    if (o->crop[0] || o->crop[1] || o->crop[2] || o->crop[3]) {
        make_bits(m, 1, 1);

        for (i = 0; i < 4; i++) {
            make_ue(m, o->crop[i]);
        }

    } else {
        make_bits(m, 1, 0);
    }

    make_bits(m, 1, o->vui);

    if (o->vui) {
        make_vui(m, o);
    }

    make_nal_end(m);
}


/* a picture parameter set; tail makes two of one number differ */

static inline void
make_pps(make_t *m, uint32_t id, uint32_t sps, uint32_t tail)
{
    m->bits = 0;
    make_bits(m, 8, 0x68);
    make_ue(m, id);
    make_ue(m, sps);
    make_bits(m, 2, 2);
    make_ue(m, 0);
    make_ue(m, tail);
    make_nal_end(m);
}


/* what most tests start from: 1280x720, high profile */

static inline make_sps_t
make_720p(void)
{
    make_sps_t  o;

    memset(&o, 0, sizeof(make_sps_t));

    o.profile = 100;
    o.level = 31;
    o.chroma = 1;
    o.mbs_w = 80;
    o.mbs_h = 45;

    return o;
}


/* an avcC with one SPS and one PPS, as most encoders send it */

static inline void
make_avcc(make_t *m, const make_t *sps, const make_t *pps, unsigned length)
{
    m->bits = 0;
    make_bits(m, 8, 1);
    make_bytes(m, sps->p + 1, 3);
    make_bits(m, 8, 0xfc | (length - 1));
    make_bits(m, 8, 0xe1);
    make_bits(m, 16, make_size(sps));
    make_bytes(m, sps->p, make_size(sps));
    make_bits(m, 8, 1);
    make_bits(m, 16, make_size(pps));
    make_bytes(m, pps->p, make_size(pps));
}


static inline int
make_config(live_codec_e codec, const void *p, size_t n,
    live_codec_config_t *config)
{
    int         rc;
    uint8_t    *copy;
    live_tag_t  tag;

    /* a block of its own, so that a sanitizer sees a read behind it */

    copy = malloc(n + 1);

    if (n) {
        memcpy(copy + 1, p, n);
    }

    memset(&tag, 0, sizeof(live_tag_t));
    tag.kind = LIVE_TAG_CONFIG;
    tag.codec = codec;
    tag.data = copy + 1;
    tag.size = n;

    rc = live_codec_parse_config(&tag, config);

    free(copy);

    return rc;
}


/* dst is malloced, and exactly as large as the bound asks for */

static inline int
make_frame(live_codec_config_t *config, live_framing_t *framing, const void *p,
    size_t n, uint8_t **dst, live_frame_info_t *info)
{
    int         rc;
    size_t      cap;
    uint8_t    *copy;
    live_tag_t  tag;

    copy = malloc(n + 1);
    memcpy(copy + 1, p, n);

    memset(&tag, 0, sizeof(live_tag_t));
    tag.kind = LIVE_TAG_FRAME;
    tag.codec = config->codec;
    tag.data = copy + 1;
    tag.size = n;

    cap = live_codec_frame_bound(config, n);
    *dst = malloc(cap ? cap : 1);

    rc = live_codec_frame(config, framing, &tag, *dst, cap, info);

    free(copy);

    return rc;
}


#endif /* _CODEC_MAKE_H_INCLUDED_ */
