/*
 * H.264 parameter sets: decoder configuration records (ISO/IEC 14496-15,
 * 5.3.3.1), and sets that come in band.
 */

#include "live_codec_internal.h"

#include <string.h>


#define LIVE_AVCC_SIZE  6     /* up to and with the number of SPS */


static int live_h264_read_sets(const uint8_t *p, size_t n,
    live_h264_sets_t *sets);
static int live_h264_build(const live_h264_sets_t *sets,
    live_codec_config_t *config);


/* one more, in place of an older one with its number */

int
live_h264_add_set(live_h264_sets_t *sets, const uint8_t *nal, size_t size)
{
    int                sps;
    uint8_t            head[24];
    unsigned           i, *count, max;
    uint32_t           id;
    live_bits_t        bits;
    live_h264_set_t   *set;

    /* padded with zeros by some, which would make equal sets differ */

    while (size && nal[size - 1] == 0) {
        size--;
    }

    if (size < 2) {
        return LIVE_OK;
    }

    if (size > LIVE_EXTRA_MAX) {
        return LIVE_ENOSPC;
    }

    sps = (nal[0] & 0x1f) == LIVE_NAL_SPS;

    memset(&bits, 0, sizeof(live_bits_t));

    bits.p = head;
    bits.size = live_nal_unescape(nal + 1, size - 1, head, sizeof(head));

    if (sps) {
        (void) live_bits_get(&bits, 24);
    }

    id = live_bits_ue(&bits);

    if (bits.overrun || id > (sps ? 31 : 255)) {
        return LIVE_EINVAL;
    }

    set = sps ? sets->sps : sets->pps;
    count = sps ? &sets->nsps : &sets->npps;
    max = sps ? LIVE_H264_SPS : LIVE_H264_PPS;

    for (i = 0; i < *count && set[i].id != id; i++) { /* void */ }

    if (i == max) {
        return LIVE_ENOSPC;
    }

    set[i].p = nal;
    set[i].size = size;
    set[i].id = (uint8_t) id;

    if (i == *count) {
        (*count)++;
    }

    return LIVE_OK;
}


/* the sets of an avcC; those that are empty or damaged are passed over */

static int
live_h264_read_sets(const uint8_t *p, size_t n, live_h264_sets_t *sets)
{
    size_t          size;
    unsigned        kind, count;
    const uint8_t  *last;

    sets->nsps = 0;
    sets->npps = 0;

    if (n < LIVE_AVCC_SIZE || p[0] != 1) {
        return LIVE_EINVAL;
    }

    last = p + n;
    p += LIVE_AVCC_SIZE - 1;

    /* the number of PPS may be missing: some send them in band */

    for (kind = 0; kind < 2 && p < last; kind++) {

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

            if (size
                && (p[0] & 0x1f) == (kind ? LIVE_NAL_PPS : LIVE_NAL_SPS)
                && live_h264_add_set(sets, p, size) == LIVE_ENOSPC)
            {
                return LIVE_ENOSPC;
            }

            p += size;
        }
    }

    return LIVE_OK;
}


/* a sequence header of NAL units behind start codes, as in a raw file */

static int
live_h264_scan_sets(const uint8_t *p, size_t n, live_h264_sets_t *sets)
{
    int                 rc;
    size_t              size;
    const uint8_t      *nal;
    live_framing_t      framing;
    live_nal_reader_t   reader;

    sets->nsps = 0;
    sets->npps = 0;

    framing.probed = 1;
    framing.annexb = 1;
    framing.hybrid = 0;

    rc = live_nal_open(&reader, &framing, 4, p, n);

    if (rc != LIVE_OK) {
        return rc;
    }

    while (live_nal_next(&reader, &nal, &size) == LIVE_OK) {

        if (((nal[0] & 0x1f) == LIVE_NAL_SPS
             || (nal[0] & 0x1f) == LIVE_NAL_PPS)
            && live_h264_add_set(sets, nal, size) == LIVE_ENOSPC)
        {
            return LIVE_ENOSPC;
        }
    }

    return LIVE_OK;
}


static uint8_t *
live_h264_put_sets(uint8_t *q, const uint8_t *last, const live_h264_set_t *set,
    unsigned n)
{
    for ( /* void */ ; n; n--, set++) {

        if ((size_t) (last - q) < set->size + 2) {
            return NULL;
        }

        *q++ = (uint8_t) (set->size >> 8);
        *q++ = (uint8_t) set->size;

        memcpy(q, set->p, set->size);
        q += set->size;
    }

    return q;
}


/* config->extra and all that follows from the first SPS */

static int
live_h264_build(const live_h264_sets_t *sets, live_codec_config_t *config)
{
    int                rc;
    uint8_t            buf[LIVE_EXTRA_MAX], *q, *last;
    const uint8_t     *sps;
    live_h264_high_t   high;

    if (sets->nsps == 0 || sets->npps == 0) {
        return LIVE_AGAIN;
    }

    sps = sets->sps[0].p;

    rc = live_h264_parse_sps(sps, sets->sps[0].size, config, &high);

    if (rc != LIVE_OK) {
        return rc;
    }

    q = buf;

    /* room for the number of PPS and the high profiles' four bytes is kept */

    last = buf + sizeof(buf) - 5;

    *q++ = 1;
    *q++ = sps[1];
    *q++ = sps[2];
    *q++ = sps[3];
    *q++ = 0xff;                                    /* 4-byte lengths */
    *q++ = (uint8_t) (0xe0 | sets->nsps);

    q = live_h264_put_sets(q, last, sets->sps, sets->nsps);

    if (q == NULL) {
        return LIVE_ENOSPC;
    }

    *q++ = (uint8_t) sets->npps;

    q = live_h264_put_sets(q, last + 1, sets->pps, sets->npps);

    if (q == NULL) {
        return LIVE_ENOSPC;
    }

    switch (sps[1]) {
    case 66: case 77: case 88:
        break;

    default:
        *q++ = (uint8_t) (0xfc | high.chroma);
        *q++ = (uint8_t) (0xf8 | high.depth_luma);
        *q++ = (uint8_t) (0xf8 | high.depth_chroma);
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
    live_h264_sets_t  sets;

    config->nal_length = 4;

    if (n == 0) {
        return LIVE_AGAIN;
    }

    if (p[0] == 0) {
        rc = live_h264_scan_sets(p, n, &sets);

    } else {
        rc = live_h264_read_sets(p, n, &sets);

        if (rc == LIVE_OK) {
            config->nal_length = (p[4] & 0x03) + 1;
        }
    }

    if (rc != LIVE_OK) {
        return rc;
    }

    if (config->nal_length == 3) {
        return LIVE_EINVAL;
    }

    return live_h264_build(&sets, config);
}


/* is each of the found sets among those that are known? */

static int
live_h264_contains(const live_h264_set_t *known, unsigned nknown,
    const live_h264_set_t *found, unsigned nfound)
{
    unsigned  i;

    for ( /* void */ ; nfound; nfound--, found++) {

        for (i = 0; i < nknown; i++) {
            if (known[i].size == found->size
                && memcmp(known[i].p, found->p, found->size) == 0)
            {
                break;
            }
        }

        if (i == nknown) {
            return 0;
        }
    }

    return 1;
}


/*
 * Sets that differ from the configuration make a new one.  Another SPS begins
 * a new sequence, with the sets that come with it; another PPS replaces the one
 * of its number, or is added.
 */

int
live_h264_in_band(const live_h264_sets_t *found, live_codec_config_t *config)
{
    unsigned              i;
    live_h264_sets_t      sets;
    live_codec_config_t   next;

    sets.nsps = 0;
    sets.npps = 0;

    if (config->extra_size) {
        (void) live_h264_read_sets(config->extra, config->extra_size, &sets);
    }

    if (live_h264_contains(sets.sps, sets.nsps, found->sps, found->nsps)) {

        if (live_h264_contains(sets.pps, sets.npps, found->pps, found->npps)) {
            return 0;
        }

    } else {
        memcpy(sets.sps, found->sps, sizeof(sets.sps));
        sets.nsps = found->nsps;

        if (found->npps) {
            sets.npps = 0;
        }
    }

    for (i = 0; i < found->npps; i++) {
        (void) live_h264_add_set(&sets, found->pps[i].p, found->pps[i].size);
    }

    next = *config;

    if (live_h264_build(&sets, &next) != LIVE_OK
        || live_codec_same_config(&next, config))
    {
        return 0;
    }

    *config = next;

    return 1;
}
