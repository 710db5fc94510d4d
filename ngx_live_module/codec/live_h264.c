/*
 * H.264: decoder configuration records (ISO/IEC 14496-15, 5.3.3.1) and frames.
 */

#include "live_codec_internal.h"

#include <string.h>


#define LIVE_NAL_IDR      5
#define LIVE_NAL_SEI      6
#define LIVE_NAL_SPS      7
#define LIVE_NAL_PPS      8
#define LIVE_NAL_AUD      9
#define LIVE_NAL_END_SEQ  10
#define LIVE_NAL_END      11
#define LIVE_NAL_FILLER   12

#define LIVE_H264_SETS    32


/* parameter sets, pointing into where they were found */

typedef struct {
    const uint8_t  *sps[LIVE_H264_SETS];
    size_t          sps_size[LIVE_H264_SETS];
    unsigned        nsps;
    const uint8_t  *pps[LIVE_H264_SETS];
    size_t          pps_size[LIVE_H264_SETS];
    unsigned        npps;
} live_h264_sets_t;


static int live_h264_read_sets(const uint8_t *p, size_t n,
    live_h264_sets_t *sets, const uint8_t **end);
static int live_h264_build(const live_h264_sets_t *sets,
    live_codec_config_t *config);
static int live_h264_next(const live_codec_config_t *config,
    live_framing_t *framing, const uint8_t **p, const uint8_t *last,
    const uint8_t **nal, size_t *size);
static void live_h264_probe(const live_codec_config_t *config,
    live_framing_t *framing, const uint8_t *p, size_t n);
static void live_h264_in_band(live_codec_config_t *config,
    live_h264_sets_t *found, live_frame_info_t *info);


/* the sets of an avcC; empty ones are passed over */

static int
live_h264_read_sets(const uint8_t *p, size_t n, live_h264_sets_t *sets,
    const uint8_t **end)
{
    size_t          size;
    unsigned        kind, count;
    const uint8_t  *last;

    memset(sets, 0, sizeof(live_h264_sets_t));

    if (n < 7 || p[0] != 1) {
        return LIVE_EINVAL;
    }

    last = p + n;
    p += 5;

    for (kind = 0; kind < 2; kind++) {

        if (p == last) {

            /* no PPS at all: some encoders send them in band */

            break;
        }

        count = kind ? *p : (*p & 0x1f);
        p++;

        for ( /* void */ ; count; count--) {

            if (last - p < 2) {
                return LIVE_EINVAL;
            }

            size = (size_t) p[0] << 8 | p[1];
            p += 2;

            if ((size_t) (last - p) < size) {
                return LIVE_EINVAL;
            }

            if (size && kind == 0 && sets->nsps < LIVE_H264_SETS) {
                sets->sps[sets->nsps] = p;
                sets->sps_size[sets->nsps++] = size;
            }

            if (size && kind == 1 && sets->npps < LIVE_H264_SETS) {
                sets->pps[sets->npps] = p;
                sets->pps_size[sets->npps++] = size;
            }

            p += size;
        }
    }

    *end = p;

    return LIVE_OK;
}


static uint8_t *
live_h264_put_set(uint8_t *q, const uint8_t *last, const uint8_t *p, size_t n)
{
    if (q == NULL || n > 65535 || (size_t) (last - q) < n + 2) {
        return NULL;
    }

    *q++ = (uint8_t) (n >> 8);
    *q++ = (uint8_t) n;
    memcpy(q, p, n);

    return q + n;
}


/* config->extra and all that follows from the first SPS */

static int
live_h264_build(const live_h264_sets_t *sets, live_codec_config_t *config)
{
    int             rc;
    uint8_t         buf[LIVE_EXTRA_MAX], *q, *last, chroma, luma, depth;
    unsigned        i;
    const uint8_t  *sps;

    if (sets->nsps == 0 || sets->npps == 0) {
        return LIVE_AGAIN;
    }

    sps = sets->sps[0];

    rc = live_h264_parse_sps(sps, sets->sps_size[0], config, &chroma, &luma,
                             &depth);
    if (rc != LIVE_OK) {
        return rc;
    }

    q = buf;
    last = buf + sizeof(buf);

    *q++ = 1;
    *q++ = sps[1];
    *q++ = sps[2];
    *q++ = sps[3];
    *q++ = 0xff;                                    /* 4-byte lengths */
    *q++ = (uint8_t) (0xe0 | (sets->nsps & 0x1f));

    for (i = 0; i < sets->nsps; i++) {
        q = live_h264_put_set(q, last, sets->sps[i], sets->sps_size[i]);
    }

    if (q == NULL || q == last) {
        return LIVE_ENOSPC;
    }

    *q++ = (uint8_t) sets->npps;

    for (i = 0; i < sets->npps; i++) {
        q = live_h264_put_set(q, last, sets->pps[i], sets->pps_size[i]);
    }

    if (q == NULL || last - q < 4) {
        return LIVE_ENOSPC;
    }

    switch (sps[1]) {
    case 66: case 77: case 88:
        break;

    default:
        *q++ = 0xfc | chroma;
        *q++ = 0xf8 | luma;
        *q++ = 0xf8 | depth;
        *q++ = 0;
        break;
    }

    config->timescale = LIVE_VIDEO_TIMESCALE;
    config->extra_size = (uint16_t) (q - buf);
    memcpy(config->extra, buf, config->extra_size);

    return LIVE_OK;
}


int
live_h264_parse_config(const uint8_t *p, size_t n, live_codec_config_t *config)
{
    int               rc;
    const uint8_t    *end;
    live_h264_sets_t  sets;

    rc = live_h264_read_sets(p, n, &sets, &end);

    if (rc != LIVE_OK) {
        return rc;
    }

    config->nal_length = (p[4] & 0x03) + 1;

    if (config->nal_length == 3) {
        return LIVE_EINVAL;
    }

    return live_h264_build(&sets, config);
}


size_t
live_h264_frame_bound(const live_codec_config_t *config, size_t n)
{
    /* a NAL unit of one byte with a length of one byte grows from 2 to 5 */

    return (config->nal_length < 4) ? 3 * n + 16 : n + n / 3 + 16;
}


/* is p the start of a start code?  its length, or 0 */

static unsigned
live_h264_start_code(const uint8_t *p, const uint8_t *last)
{
    if (last - p >= 4 && p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] == 1) {
        return 4;
    }

    if (last - p >= 3 && p[0] == 0 && p[1] == 0 && p[2] == 1) {
        return 3;
    }

    return 0;
}


/* do the lengths walk through the frame to its very end? */

static int
live_h264_walks(unsigned length, const uint8_t *p, size_t n)
{
    size_t    size;
    unsigned  i;

    while (n) {

        if (n < length) {
            return 0;
        }

        for (size = 0, i = 0; i < length; i++) {
            size = size << 8 | p[i];
        }

        p += length;
        n -= length;

        if (size > n) {
            return 0;
        }

        p += size;
        n -= size;
    }

    return 1;
}


/*
 * Looked at once, at the first frame: lengths as they should be; start codes; or
 * lengths with a start code behind each.
 */

static void
live_h264_probe(const live_codec_config_t *config, live_framing_t *framing,
    const uint8_t *p, size_t n)
{
    framing->probed = 1;

    if (live_h264_walks(config->nal_length, p, n)) {
        framing->hybrid = n > config->nal_length + 4u
                          && live_h264_start_code(p + config->nal_length,
                                                  p + n) != 0;
        return;
    }

    framing->annexb = live_h264_start_code(p, p + n) != 0;
}


/* the next start code from p on, or last */

static const uint8_t *
live_h264_find(const uint8_t *p, const uint8_t *last)
{
    const uint8_t  *q;

    /* the 1 that ends a start code is rarer than the zeros before it */

    for (q = p + 2; q < last; q++) {

        q = memchr(q, 1, (size_t) (last - q));

        if (q == NULL) {
            return last;
        }

        if (q[-1] == 0 && q[-2] == 0) {
            return (q - 2 > p && q[-3] == 0) ? q - 3 : q - 2;
        }
    }

    return last;
}


/* LIVE_OK: *nal and *size; LIVE_AGAIN: no more; LIVE_EINVAL */

static int
live_h264_next(const live_codec_config_t *config, live_framing_t *framing,
    const uint8_t **p, const uint8_t *last, const uint8_t **nal, size_t *size)
{
    unsigned        i, skip;
    const uint8_t  *q;

    if (*p == last) {
        return LIVE_AGAIN;
    }

    if (framing->annexb) {
        skip = live_h264_start_code(*p, last);

        if (skip == 0) {
            return LIVE_EINVAL;
        }

        q = *p + skip;
        *nal = q;
        *p = live_h264_find(q, last);
        *size = (size_t) (*p - q);

        while (*size && (*nal)[*size - 1] == 0) {
            (*size)--;
        }

        return LIVE_OK;
    }

    if (last - *p < config->nal_length) {
        return LIVE_EINVAL;
    }

    for (*size = 0, i = 0; i < config->nal_length; i++) {
        *size = *size << 8 | *(*p)++;
    }

    if (*size > (size_t) (last - *p)) {
        return LIVE_EINVAL;
    }

    *nal = *p;
    *p += *size;

    if (framing->hybrid) {
        skip = live_h264_start_code(*nal, *nal + *size);
        *nal += skip;
        *size -= skip;
    }

    return LIVE_OK;
}


/* one recovery point message (type 6) makes a frame one to join at */

static int
live_h264_recovery(const uint8_t *nal, size_t n)
{
    size_t    i;
    unsigned  type, size;

    for (i = 1; i + 2 < n; i += size) {

        for (type = 0; i < n && nal[i] == 0xff; i++) {
            type += 255;
        }

        if (i >= n) {
            return 0;
        }

        type += nal[i++];

        for (size = 0; i < n && nal[i] == 0xff; i++) {
            size += 255;
        }

        if (i >= n) {
            return 0;
        }

        size += nal[i++];

        if (type == 6) {
            return 1;
        }
    }

    return 0;
}


/* is each of the found sets one of those that are known? */

static int
live_h264_contains(const uint8_t *const *known, const size_t *known_size,
    unsigned nknown, const uint8_t *const *found, const size_t *found_size,
    unsigned nfound)
{
    unsigned  i, k;

    for (i = 0; i < nfound; i++) {

        for (k = 0; k < nknown; k++) {
            if (known_size[k] == found_size[i]
                && memcmp(known[k], found[i], found_size[i]) == 0)
            {
                break;
            }
        }

        if (k == nknown) {
            return 0;
        }
    }

    return 1;
}


/* sets that differ from the configuration make a new one */

static void
live_h264_in_band(live_codec_config_t *config, live_h264_sets_t *found,
    live_frame_info_t *info)
{
    const uint8_t        *end;
    live_h264_sets_t      sets;
    live_codec_config_t   next;

    if (live_h264_read_sets(config->extra, config->extra_size, &sets, &end)
        != LIVE_OK)
    {
        return;
    }

    if (live_h264_contains(sets.sps, sets.sps_size, sets.nsps, found->sps,
                           found->sps_size, found->nsps)
        && live_h264_contains(sets.pps, sets.pps_size, sets.npps, found->pps,
                              found->pps_size, found->npps))
    {
        return;
    }

    next = *config;

    if (found->nsps == 0) {
        memcpy(found->sps, sets.sps, sizeof(sets.sps));
        memcpy(found->sps_size, sets.sps_size, sizeof(sets.sps_size));
        found->nsps = sets.nsps;
    }

    if (found->npps == 0) {
        memcpy(found->pps, sets.pps, sizeof(sets.pps));
        memcpy(found->pps_size, sets.pps_size, sizeof(sets.pps_size));
        found->npps = sets.npps;
    }

    if (live_h264_build(found, &next) == LIVE_OK
        && !live_codec_same_config(&next, config))
    {
        *config = next;
        info->new_config = 1;
    }
}


static void
live_h264_note_set(live_h264_sets_t *found, const uint8_t *nal, size_t size)
{
    unsigned         i, *count;
    size_t          *sizes;
    const uint8_t  **sets;

    if ((nal[0] & 0x1f) == LIVE_NAL_SPS) {
        sets = found->sps;
        sizes = found->sps_size;
        count = &found->nsps;

    } else {
        sets = found->pps;
        sizes = found->pps_size;
        count = &found->npps;
    }

    for (i = 0; i < *count; i++) {
        if (sizes[i] == size && memcmp(sets[i], nal, size) == 0) {
            return;
        }
    }

    if (*count < LIVE_H264_SETS - 1) {
        sets[*count] = nal;
        sizes[(*count)++] = size;
    }
}


int
live_h264_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info)
{
    int                rc;
    size_t             size;
    uint8_t           *q, type;
    const uint8_t     *p, *last, *nal;
    live_h264_sets_t   found;

    (void) cap;

    p = tag->data;
    last = p + tag->size;
    q = dst;

    found.nsps = 0;
    found.npps = 0;
    info->empty = 1;

    if (!framing->probed) {
        live_h264_probe(config, framing, p, tag->size);
    }

    while ((rc = live_h264_next(config, framing, &p, last, &nal, &size))
           == LIVE_OK)
    {
        if (size == 0) {
            continue;
        }

        type = nal[0] & 0x1f;

        switch (type) {

        case LIVE_NAL_SPS:
        case LIVE_NAL_PPS:
            live_h264_note_set(&found, nal, size);
            continue;

        case 0:
        case LIVE_NAL_AUD:
        case LIVE_NAL_END_SEQ:
        case LIVE_NAL_END:
        case LIVE_NAL_FILLER:
            continue;

        case LIVE_NAL_IDR:
            info->key = 1;
            info->empty = 0;
            break;

        case LIVE_NAL_SEI:
            info->recovery |= live_h264_recovery(nal, size) ? 1 : 0;
            break;

        default:
            if (type <= LIVE_NAL_IDR) {
                info->empty = 0;
            }

            break;
        }

        *q++ = (uint8_t) (size >> 24);
        *q++ = (uint8_t) (size >> 16);
        *q++ = (uint8_t) (size >> 8);
        *q++ = (uint8_t) size;

        memcpy(q, nal, size);
        q += size;
    }

    if (rc == LIVE_EINVAL) {
        return LIVE_EINVAL;
    }

    if (found.nsps || found.npps) {
        live_h264_in_band(config, &found, info);
    }

    info->size = (size_t) (q - dst);

    return LIVE_OK;
}
