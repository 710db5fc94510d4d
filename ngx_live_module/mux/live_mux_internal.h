/*
 * A writer of boxes into a buffer of known size.
 */

#ifndef _LIVE_MUX_INTERNAL_H_INCLUDED_
#define _LIVE_MUX_INTERNAL_H_INCLUDED_


#include "live_mux.h"

#include <string.h>


static inline uint8_t *
live_put8(uint8_t *p, uint32_t v)
{
    *p++ = (uint8_t) v;

    return p;
}


static inline uint8_t *
live_put16(uint8_t *p, uint32_t v)
{
    p = live_put8(p, v >> 8);

    return live_put8(p, v);
}


static inline uint8_t *
live_put24(uint8_t *p, uint32_t v)
{
    p = live_put8(p, v >> 16);

    return live_put16(p, v);
}


static inline uint8_t *
live_put32(uint8_t *p, uint32_t v)
{
    p = live_put16(p, v >> 16);

    return live_put16(p, v);
}


static inline uint8_t *
live_put64(uint8_t *p, uint64_t v)
{
    p = live_put32(p, (uint32_t) (v >> 32));

    return live_put32(p, (uint32_t) v);
}


static inline uint8_t *
live_put(uint8_t *p, const void *data, size_t n)
{
    memcpy(p, data, n);

    return p + n;
}


static inline uint8_t *
live_put_zeros(uint8_t *p, size_t n)
{
    memset(p, 0, n);

    return p + n;
}


/* begins a box: its size is filled in when it ends */

static inline uint8_t *
live_box(uint8_t *p, const char *type)
{
    p = live_put32(p, 0);

    return live_put(p, type, 4);
}


static inline uint8_t *
live_full_box(uint8_t *p, const char *type, uint32_t version, uint32_t flags)
{
    p = live_box(p, type);

    return live_put32(p, version << 24 | flags);
}


static inline void
live_box_end(uint8_t *start, const uint8_t *p)
{
    (void) live_put32(start, (uint32_t) (p - start));
}


#endif /* _LIVE_MUX_INTERNAL_H_INCLUDED_ */
