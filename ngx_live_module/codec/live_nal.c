/*
 * NAL units out of a frame, however the publisher frames them.
 */

#include "live_codec_internal.h"

#include <string.h>


static const uint8_t *live_nal_start(const uint8_t *p, const uint8_t *last);
static const uint8_t *live_nal_find(const uint8_t *p, const uint8_t *last);
static int live_nal_walks(unsigned length, const uint8_t *p, size_t n);
static int live_nal_chunk(live_nal_reader_t *r, const uint8_t **nal,
    size_t *size);
static int live_nal_scan(live_nal_reader_t *r, const uint8_t **nal,
    size_t *size);


/* behind the start code that p begins with, leading zeros allowed, or NULL */

static const uint8_t *
live_nal_start(const uint8_t *p, const uint8_t *last)
{
    size_t  zeros;

    for (zeros = 0; p < last && *p == 0; p++) {
        zeros++;
    }

    return (zeros >= 2 && p < last && *p == 1) ? p + 1 : NULL;
}


/* the next start code (its three last bytes) from p on, or last */

static const uint8_t *
live_nal_find(const uint8_t *p, const uint8_t *last)
{
    const uint8_t  *q;

    /* the 1 that ends a start code is rarer than the zeros before it */

    for (q = p; q < last; q++) {

        q = memchr(q, 1, (size_t) (last - q));

        if (q == NULL) {
            return last;
        }

        if (q - p >= 2 && q[-1] == 0 && q[-2] == 0) {
            return q - 2;
        }
    }

    return last;
}


/* do the lengths lead from NAL unit to NAL unit to the frame's very end? */

static int
live_nal_walks(unsigned length, const uint8_t *p, size_t n)
{
    size_t              size;
    const uint8_t      *nal;
    live_nal_reader_t   r;

    memset(&r, 0, sizeof(live_nal_reader_t));

    r.p = p;
    r.last = p + n;
    r.length = length;

    while (r.p < r.last) {

        if (live_nal_chunk(&r, &nal, &size) != LIVE_OK) {
            return 0;
        }

        /* forbidden_zero_bit */

        if (size && (nal[0] & 0x80)) {
            return 0;
        }
    }

    return 1;
}


/*
 * Lengths, or start codes?  The first frame tells, and it is remembered: later
 * ones may look like the other by chance.  A length of 256 to 511 looks like a
 * start code, so lengths that fit come first, unless they have one byte only.
 */

int
live_nal_open(live_nal_reader_t *r, live_framing_t *framing, unsigned length,
    const uint8_t *p, size_t n)
{
    int  start;

    memset(r, 0, sizeof(live_nal_reader_t));

    r->framing = framing;
    r->length = length ? length : 4;

    if (!framing->probed) {
        start = (live_nal_start(p, p + n) != NULL);

        if (live_nal_walks(r->length, p, n) && !(start && r->length == 1)) {
            framing->annexb = 0;

        } else if (start) {
            framing->annexb = 1;

        } else {
            return LIVE_EINVAL;
        }

        framing->probed = 1;
    }

    if (framing->annexb) {

        if (live_nal_start(p, p + n) == NULL) {
            framing->probed = 0;
            return LIVE_EINVAL;
        }

        r->scan = p;
        r->scan_last = p + n;

    } else {
        r->p = p;
        r->last = p + n;
    }

    return LIVE_OK;
}


/* the next NAL unit by its length */

static int
live_nal_chunk(live_nal_reader_t *r, const uint8_t **nal, size_t *size)
{
    unsigned  i;

    *nal = r->p;
    *size = 0;

    for (i = 0; i < r->length && r->p < r->last; i++) {
        *size = *size << 8 | *r->p++;
    }

    if (i < r->length) {

        /* zeros that pad the frame are no NAL unit, and no harm */

        return *size ? LIVE_EINVAL : LIVE_OK;
    }

    if (*size > (size_t) (r->last - r->p)) {
        return LIVE_EINVAL;
    }

    *nal = r->p;
    r->p += *size;

    return LIVE_OK;
}


/* the next NAL unit between start codes; scan is at one */

static int
live_nal_scan(live_nal_reader_t *r, const uint8_t **nal, size_t *size)
{
    *nal = live_nal_start(r->scan, r->scan_last);

    if (*nal == NULL) {
        return LIVE_EINVAL;
    }

    r->scan = live_nal_find(*nal, r->scan_last);
    *size = (size_t) (r->scan - *nal);

    /* no NAL unit ends in a zero: they belong to the next start code */

    while (*size && (*nal)[*size - 1] == 0) {
        (*size)--;
    }

    return LIVE_OK;
}


int
live_nal_next(live_nal_reader_t *r, const uint8_t **nal, size_t *size)
{
    int  rc;

    for ( ;; ) {

        if (r->scan < r->scan_last) {
            rc = live_nal_scan(r, nal, size);

        } else if (r->p < r->last) {
            rc = live_nal_chunk(r, nal, size);

            /* a NAL unit begins with a zero only if it is a start code */

            if (rc == LIVE_OK && *size && (*nal)[0] == 0
                && live_nal_start(*nal, *nal + *size))
            {
                r->framing->hybrid = 1;
                r->scan = *nal;
                r->scan_last = *nal + *size;
                continue;
            }

        } else {
            return LIVE_AGAIN;
        }

        if (rc != LIVE_OK) {
            r->framing->probed = 0;
            return rc;
        }

        if (*size) {
            return LIVE_OK;
        }
    }
}


size_t
live_nal_unescape(const uint8_t *p, size_t n, uint8_t *dst, size_t cap)
{
    size_t    i, k;
    unsigned  zeros;

    k = 0;
    zeros = 0;

    for (i = 0; i < n && k < cap; i++) {

        if (zeros >= 2 && p[i] == 3) {
            zeros = 0;
            continue;
        }

        zeros = p[i] ? 0 : zeros + 1;
        dst[k++] = p[i];
    }

    return k;
}
