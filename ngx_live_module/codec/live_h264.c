/*
 * H.264: frames.
 */

#include "live_codec_internal.h"

#include <string.h>


#define LIVE_NAL_IDR      5
#define LIVE_NAL_SEI      6
#define LIVE_NAL_AUD      9
#define LIVE_NAL_END_SEQ  10
#define LIVE_NAL_END      11
#define LIVE_NAL_FILLER   12
#define LIVE_NAL_PRIVATE  24

#define LIVE_SEI_RECOVERY  6


/* the bytes of a NAL unit one by one, without emulation prevention */

typedef struct {
    const uint8_t  *p;
    const uint8_t  *last;
    unsigned        zeros;
} live_rbsp_t;


static int live_h264_recovery(const uint8_t *nal, size_t n);
static int live_h264_stays(const uint8_t *nal, size_t size,
    live_h264_sets_t *found, live_frame_info_t *info);


size_t
live_h264_frame_bound(const live_codec_config_t *config, size_t n)
{
    /*
     * The shortest NAL units grow most: behind a length of one byte from 2 to 5,
     * behind a start code from 4 to 5.
     */

    return (config->nal_length < 4) ? 3 * n + 16 : n + n / 3 + 16;
}


static int
live_rbsp_byte(live_rbsp_t *r)
{
    int  c;

    if (r->zeros >= 2 && r->p < r->last && *r->p == 3) {
        r->p++;
        r->zeros = 0;
    }

    if (r->p == r->last) {
        return -1;
    }

    c = *r->p++;
    r->zeros = c ? 0 : r->zeros + 1;

    return c;
}


/* a payload type or size (7.3.2.3.1) */

static long
live_rbsp_sei_number(live_rbsp_t *r)
{
    int   c;
    long  v;

    v = 0;

    do {
        c = live_rbsp_byte(r);

        if (c == -1) {
            return -1;
        }

        v += c;

    } while (c == 0xff);

    return v;
}


/* is a recovery point among an SEI's messages? */

static int
live_h264_recovery(const uint8_t *nal, size_t n)
{
    long         type, size;
    live_rbsp_t  r;

    r.p = nal + 1;
    r.last = nal + n;
    r.zeros = 0;

    for ( ;; ) {

        type = live_rbsp_sei_number(&r);
        size = live_rbsp_sei_number(&r);

        if (type == -1 || size == -1) {
            return 0;
        }

        if (type == LIVE_SEI_RECOVERY && size) {
            return 1;
        }

        while (size && live_rbsp_byte(&r) != -1) {
            size--;
        }
    }
}


static uint8_t *
live_h264_put_nal(uint8_t *q, const uint8_t *nal, size_t size)
{
    *q++ = (uint8_t) (size >> 24);
    *q++ = (uint8_t) (size >> 16);
    *q++ = (uint8_t) (size >> 8);
    *q++ = (uint8_t) size;

    memcpy(q, nal, size);

    return q + size;
}


/* does it belong in an mdat?  what it says about the frame goes to info */

static int
live_h264_stays(const uint8_t *nal, size_t size, live_h264_sets_t *found,
    live_frame_info_t *info)
{
    uint8_t  type;

    type = nal[0] & 0x1f;

    switch (type) {

    case LIVE_NAL_SPS:
    case LIVE_NAL_PPS:
        (void) live_h264_add_set(found, nal, size);
        return 0;

    case 0:
    case LIVE_NAL_AUD:
    case LIVE_NAL_END_SEQ:
    case LIVE_NAL_END:
    case LIVE_NAL_FILLER:
        return 0;

    case LIVE_NAL_SEI:

        if (live_h264_recovery(nal, size)) {
            info->recovery = 1;
        }

        return 1;

    case LIVE_NAL_IDR:
        info->key = 1;
        break;
    }

    if (type <= LIVE_NAL_IDR) {
        info->empty = 0;
    }

    return type < LIVE_NAL_PRIVATE;
}


int
live_h264_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info)
{
    int                 rc;
    size_t              size;
    uint8_t            *q;
    const uint8_t      *nal;
    live_h264_sets_t    found;
    live_nal_reader_t   reader;

    (void) cap;

    q = dst;

    found.nsps = 0;
    found.npps = 0;
    info->empty = 1;

    rc = live_nal_open(&reader, framing, config->nal_length, tag->data,
                       tag->size);
    if (rc != LIVE_OK) {
        return rc;
    }

    while ((rc = live_nal_next(&reader, &nal, &size)) == LIVE_OK) {
        if (live_h264_stays(nal, size, &found, info)) {
            q = live_h264_put_nal(q, nal, size);
        }
    }

    if (rc != LIVE_AGAIN) {
        return rc;
    }

    if (found.nsps || found.npps) {
        info->new_config = live_h264_in_band(&found, config) ? 1 : 0;
    }

    if (config->extra_size == 0) {
        return LIVE_AGAIN;
    }

    info->size = (size_t) (q - dst);

    if (info->key) {
        info->recovery = 0;
    }

    return LIVE_OK;
}
