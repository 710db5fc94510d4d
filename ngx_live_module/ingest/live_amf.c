#include "live_amf.h"

#include <string.h>


#define LIVE_AMF_DEPTH  16


typedef void (*live_amf_found_pt)(void *ctx, const uint8_t *name, size_t len,
    const live_amf_value_t *value);


static int live_amf_value(const uint8_t **p, const uint8_t *last,
    live_amf_value_t *value, int depth);
static int live_amf_properties(const uint8_t **p, const uint8_t *last,
    live_amf_found_pt found, void *ctx, int depth);


static int
live_amf_take(const uint8_t **p, const uint8_t *last, size_t n,
    const uint8_t **data)
{
    if ((size_t) (last - *p) < n) {
        return -1;
    }

    *data = *p;
    *p += n;

    return 0;
}


static uint32_t
live_amf_be(const uint8_t *p, int n)
{
    uint32_t  v;

    for (v = 0; n; n--) {
        v = v << 8 | *p++;
    }

    return v;
}


static double
live_amf_number(const uint8_t *p)
{
    double    d;
    uint64_t  v;

    v = (uint64_t) live_amf_be(p, 4) << 32 | live_amf_be(p + 4, 4);
    memcpy(&d, &v, sizeof(d));

    return d;
}


static int
live_amf_properties(const uint8_t **p, const uint8_t *last,
    live_amf_found_pt found, void *ctx, int depth)
{
    size_t             len;
    const uint8_t     *d, *name;
    live_amf_value_t   value;

    for ( ;; ) {

        if (live_amf_take(p, last, 2, &d) != 0) {
            return -1;
        }

        len = live_amf_be(d, 2);

        if (live_amf_take(p, last, len, &name) != 0) {
            return -1;
        }

        if (len == 0 && *p < last && **p == LIVE_AMF_END) {
            (*p)++;
            return 0;
        }

        if (live_amf_value(p, last, &value, depth + 1) != 0) {
            return -1;
        }

        if (found) {
            found(ctx, name, len, &value);
        }
    }
}


static int
live_amf_value(const uint8_t **p, const uint8_t *last, live_amf_value_t *value,
    int depth)
{
    uint32_t          n;
    const uint8_t    *d;
    live_amf_value_t  item;

    memset(value, 0, sizeof(live_amf_value_t));

    if (depth > LIVE_AMF_DEPTH || live_amf_take(p, last, 1, &d) != 0) {
        return -1;
    }

    value->type = *d;

    switch (value->type) {

    case LIVE_AMF_NUMBER:

        if (live_amf_take(p, last, 8, &d) != 0) {
            return -1;
        }

        value->number = live_amf_number(d);
        return 0;

    case LIVE_AMF_BOOLEAN:

        if (live_amf_take(p, last, 1, &d) != 0) {
            return -1;
        }

        value->number = *d ? 1 : 0;
        return 0;

    case LIVE_AMF_STRING:
    case LIVE_AMF_LONG_STRING:

        n = (value->type == LIVE_AMF_STRING) ? 2 : 4;

        if (live_amf_take(p, last, n, &d) != 0) {
            return -1;
        }

        value->type = LIVE_AMF_STRING;
        value->size = live_amf_be(d, (int) n);

        return live_amf_take(p, last, value->size, &value->data);

    case LIVE_AMF_NULL:
    case LIVE_AMF_UNDEFINED:
        return 0;

    case LIVE_AMF_DATE:
        return live_amf_take(p, last, 10, &d);

    case LIVE_AMF_ARRAY:

        if (live_amf_take(p, last, 4, &d) != 0) {
            return -1;
        }

        return live_amf_properties(p, last, NULL, NULL, depth);

    case LIVE_AMF_OBJECT:
        return live_amf_properties(p, last, NULL, NULL, depth);

    case LIVE_AMF_STRICT:

        if (live_amf_take(p, last, 4, &d) != 0) {
            return -1;
        }

        /* each item takes a byte or more, so the input bounds the loop */

        for (n = live_amf_be(d, 4); n; n--) {
            if (live_amf_value(p, last, &item, depth + 1) != 0) {
                return -1;
            }
        }

        return 0;

    default:
        return -1;
    }
}


int
live_amf_read(const uint8_t **p, const uint8_t *last, live_amf_value_t *value)
{
    return live_amf_value(p, last, value, 0);
}


int
live_amf_each(const uint8_t **p, const uint8_t *last, live_amf_found_pt found,
    void *ctx)
{
    const uint8_t  *d;

    if (live_amf_take(p, last, 1, &d) != 0) {
        return -1;
    }

    if (*d == LIVE_AMF_ARRAY) {
        return live_amf_take(p, last, 4, &d) == 0
               ? live_amf_properties(p, last, found, ctx, 0) : -1;
    }

    return *d == LIVE_AMF_OBJECT ? live_amf_properties(p, last, found, ctx, 0)
                                 : -1;
}
