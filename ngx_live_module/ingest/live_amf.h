/*
 * A reader of AMF0 values (AMF0 specification, 2) in a contiguous buffer; hostile
 * input.  Pure C.
 */

#ifndef _LIVE_AMF_H_INCLUDED_
#define _LIVE_AMF_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define LIVE_AMF_NUMBER       0x00
#define LIVE_AMF_BOOLEAN      0x01
#define LIVE_AMF_STRING       0x02
#define LIVE_AMF_OBJECT       0x03
#define LIVE_AMF_NULL         0x05
#define LIVE_AMF_UNDEFINED    0x06
#define LIVE_AMF_ARRAY        0x08     /* ECMA array: named values */
#define LIVE_AMF_END          0x09
#define LIVE_AMF_STRICT       0x0a
#define LIVE_AMF_DATE         0x0b
#define LIVE_AMF_LONG_STRING  0x0c


typedef struct {
    uint8_t          type;       /* LONG_STRING is given as STRING */
    double           number;     /* NUMBER, BOOLEAN */
    const uint8_t   *data;       /* STRING: its bytes, in the input */
    size_t           size;
} live_amf_value_t;


/*
 * Reads the value at *p and moves *p behind it; objects and arrays are passed
 * over whole, at most 16 deep.  0, or -1: truncated, or a type unknown to us.
 */

int live_amf_read(const uint8_t **p, const uint8_t *last,
    live_amf_value_t *value);

/*
 * Goes through the object or ECMA array at *p, calling found() for each of
 * its own properties; names are not terminated.  0, or -1 as above (found() has
 * then been called for what could be read).
 */

int live_amf_each(const uint8_t **p, const uint8_t *last,
    void (*found)(void *ctx, const uint8_t *name, size_t len,
    const live_amf_value_t *value), void *ctx);


#endif /* _LIVE_AMF_H_INCLUDED_ */
