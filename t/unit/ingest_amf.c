/*
 * AMF0 as encoders send it, and as nobody should.
 */

#include "live_amf.h"
#include "tap.h"

#include <stdlib.h>


#define AMF_MAX  65536


typedef struct {
    uint8_t  p[AMF_MAX];
    size_t   n;
} amf_t;


typedef struct {
    int               n;
    char              name[8][32];
    live_amf_value_t  value[8];
} amf_found_t;


static void
put(amf_t *a, const char *bytes, size_t n)
{
    memcpy(a->p + a->n, bytes, n);
    a->n += n;
}


static void
put_be(amf_t *a, uint32_t v, int n)
{
    while (n--) {
        a->p[a->n++] = (uint8_t) (v >> (8 * n));
    }
}


static void
put_name(amf_t *a, const char *name)
{
    put_be(a, (uint32_t) strlen(name), 2);
    put(a, name, strlen(name));
}


static void
put_string(amf_t *a, const char *s)
{
    put(a, "\2", 1);
    put_name(a, s);
}


static void
put_number(amf_t *a, double d)
{
    uint64_t  v;

    memcpy(&v, &d, sizeof(v));
    put(a, "\0", 1);
    put_be(a, (uint32_t) (v >> 32), 4);
    put_be(a, (uint32_t) v, 4);
}


static void
put_end(amf_t *a)
{
    put(a, "\0\0\x09", 3);
}


/* reads from a block of the input's size, so that a byte too far is seen; how far */

static int
read_one(const amf_t *a, live_amf_value_t *value, size_t *used)
{
    int             rc;
    uint8_t        *copy;
    const uint8_t  *p;

    copy = malloc(a->n ? a->n : 1);
    memcpy(copy, a->p, a->n);

    p = copy;
    rc = live_amf_read(&p, copy + a->n, value);
    *used = (size_t) (p - copy);

    if (rc == 0 && value->data) {
        value->data = a->p + (value->data - copy);
    }

    free(copy);

    return rc;
}


static void
found(void *ctx, const uint8_t *name, size_t len,
    const live_amf_value_t *value)
{
    amf_found_t  *f = ctx;

    if (f->n < 8 && len < sizeof(f->name[0])) {
        memcpy(f->name[f->n], name, len);
        f->name[f->n][len] = '\0';
        f->value[f->n] = *value;
    }

    f->n++;
}


static int
each(const amf_t *a, amf_found_t *f)
{
    int             rc;
    uint8_t        *copy;
    const uint8_t  *p;

    memset(f, 0, sizeof(amf_found_t));

    copy = malloc(a->n ? a->n : 1);
    memcpy(copy, a->p, a->n);
    p = copy;
    rc = live_amf_each(&p, copy + a->n, found, f);
    free(copy);

    return rc;
}


static void
values(void)
{
    size_t             used;
    amf_t              a = { .n = 0 };
    live_amf_value_t   v;

    put_number(&a, -1234.5);
    put(&a, "x", 1);
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_NUMBER
       && v.number == -1234.5, "a number");
    is_int(used, 9, "its bytes are read, no more");

    a.n = 0;
    put(&a, "\1\1", 2);
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_BOOLEAN
       && v.number == 1, "a boolean");
    a.p[1] = 77;
    ok(read_one(&a, &v, &used) == 0 && v.number == 1, "any but 0 is true");

    a.n = 0;
    put_string(&a, "publish");
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_STRING, "a string");
    is_mem(v.data, v.size, "publish", 7, "its bytes");

    a.n = 0;
    put_string(&a, "");
    ok(read_one(&a, &v, &used) == 0 && v.size == 0 && used == 3, "an empty one");

    a.n = 0;
    put(&a, "\x0c\0\0\1\0", 5);
    memset(a.p + 5, 'k', 256);
    a.n += 256;
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_STRING
       && v.size == 256 && used == 261, "a long string is a string");

    a.n = 0;
    put(&a, "\5\6", 2);
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_NULL && used == 1,
       "null");
    a.p[0] = LIVE_AMF_UNDEFINED;
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_UNDEFINED,
       "undefined");

    a.n = 0;
    put(&a, "\x0b\1\2\3\4\5\6\7\x08\0\0", 11);
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_DATE && used == 11,
       "a date");

    a.n = 0;
    put(&a, "\x0a\0\0\0\3\5\1\1\2\0\1x", 12);
    ok(read_one(&a, &v, &used) == 0 && v.type == LIVE_AMF_STRICT && used == 12,
       "a strict array");
}


/* what OBS sends as @setDataFrame's object, more or less */

static void
metadata(amf_t *a)
{
    a->n = 0;
    put(a, "\x08\0\0\0\x14", 5);
    put_name(a, "width");
    put_number(a, 1920);
    put_name(a, "videocodecid");
    put_string(a, "avc1");
    put_name(a, "stereo");
    put(a, "\1\1", 2);
    put_name(a, "inner");
    put(a, "\3", 1);
    put_name(a, "width");
    put_number(a, 7);
    put_end(a);
    put_name(a, "");
    put(a, "\5", 1);
    put_name(a, "encoder");
    put_string(a, "obs-output module");
    put_end(a);
}


static void
objects(void)
{
    size_t             used;
    amf_t              a = { .n = 0 };
    amf_found_t        f;
    live_amf_value_t   v;

    metadata(&a);

    is_int(each(&a, &f), 0, "an ECMA array, its count is only a hint");
    is_int(f.n, 6, "its own properties");
    ok(strcmp(f.name[0], "width") == 0 && f.value[0].number == 1920, "a number");
    ok(strcmp(f.name[1], "videocodecid") == 0 && f.value[1].size == 4,
       "a string");
    ok(strcmp(f.name[3], "inner") == 0 && f.value[3].type == LIVE_AMF_OBJECT,
       "an object, not what is in it");
    ok(strcmp(f.name[4], "") == 0 && f.value[4].type == LIVE_AMF_NULL,
       "an empty name that is not the end");
    ok(strcmp(f.name[5], "encoder") == 0, "and what is behind it");
    is_int(read_one(&a, &v, &used), 0, "it can be passed over");
    ok(v.type == LIVE_AMF_ARRAY && used == a.n && v.data == NULL, "whole");

    memmove(a.p + 1, a.p + 5, a.n - 5);
    a.p[0] = LIVE_AMF_OBJECT;
    a.n -= 4;
    is_int(each(&a, &f), 0, "the same as an object");
    is_int(f.n, 6, "with as many");

    a.n = 0;
    put(&a, "\3", 1);
    put_end(&a);
    ok(each(&a, &f) == 0 && f.n == 0, "an empty object");

    a.n = 0;
    put_string(&a, "no object");
    ok(each(&a, &f) == -1 && f.n == 0, "a string is none");
    a.n = 0;
    ok(each(&a, &f) == -1 && f.n == 0, "nor is nothing");
}


static void
truncated(void)
{
    int                bad;
    size_t             n, used;
    amf_t              a;
    amf_found_t        f;
    live_amf_value_t   v;

    metadata(&a);
    bad = 0;

    for (n = a.n - 1; n; n--) {
        a.n = n;
        bad += each(&a, &f) != -1 || f.n > 6;
        bad += read_one(&a, &v, &used) != -1 || used > n;
    }

    is_int(bad, 0, "an array that ends anywhere is refused");

    /* lengths that are larger than what is there, up to what wraps */

    a.n = 0;
    put(&a, "\2\xff\xff" "abc", 6);
    is_int(read_one(&a, &v, &used), -1, "a string of 65535 in three bytes");

    a.n = 0;
    put(&a, "\x0c\xff\xff\xff\xff" "abc", 8);
    is_int(read_one(&a, &v, &used), -1, "a string of 4 GB");

    a.n = 0;
    put(&a, "\x0a\xff\xff\xff\xff\5\5\5", 8);
    is_int(read_one(&a, &v, &used), -1, "four milliards of items");

    a.n = 0;
    put(&a, "\3\xff\xff" "abc", 6);
    ok(each(&a, &f) == -1 && f.n == 0, "a name of 65535 in three bytes");

    a.n = 0;
    put(&a, "\3\0\0\0\0\0\0\0", 8);
    ok(each(&a, &f) == -1 && f.n == 0, "an empty name, and half a number");
}


/* deep: brackets of one type, closed or not */

static int
deep(char type, int levels, int close, int *rc_each)
{
    int                i, rc;
    size_t             used;
    amf_t              a = { .n = 0 };
    amf_found_t        f;
    live_amf_value_t   v;

    for (i = 0; i < levels; i++) {
        put(&a, &type, 1);

        if (type == LIVE_AMF_STRICT) {
            put_be(&a, 1, 4);
            continue;
        }

        if (type == LIVE_AMF_ARRAY) {
            put_be(&a, 1, 4);
        }

        put_name(&a, "a");
    }

    put(&a, "\5", 1);

    for (i = 0; i < levels && close && type != LIVE_AMF_STRICT; i++) {
        put_end(&a);
    }

    rc = read_one(&a, &v, &used);
    *rc_each = each(&a, &f);

    return rc;
}


static void
depth(void)
{
    int   i, rc_each;
    char  types[3] = { LIVE_AMF_OBJECT, LIVE_AMF_ARRAY, LIVE_AMF_STRICT };

    for (i = 0; i < 3; i++) {
        is_int(deep(types[i], 16, 1, &rc_each), 0, "type %d, 16 deep", types[i]);
        is_int(rc_each, types[i] == LIVE_AMF_STRICT ? -1 : 0, "gone through");
        is_int(deep(types[i], 17, 1, &rc_each), -1, "17 are too deep");
        is_int(rc_each, -1, "and not gone through");
        is_int(deep(types[i], 7000, 0, &rc_each), -1, "7000 exhaust no stack");
        is_int(rc_each, -1, "nor here");
    }
}


static void
types(void)
{
    int                i, bad;
    size_t             used;
    amf_t              a;
    live_amf_value_t   v;

    bad = 0;

    for (i = 0; i < 256; i++) {

        a.p[0] = (uint8_t) i;
        memset(a.p + 1, 0, 64);
        a.n = 65;

        /* MovieClip, Reference, ObjectEnd, Unsupported, RecordSet, XML ... */

        if (i == 0x04 || i == 0x07 || i == 0x09 || i > 0x0c) {
            bad += read_one(&a, &v, &used) != -1 || used != 1;
        }
    }

    is_int(bad, 0, "a type unknown to us ends the reading");
}


int
main(void)
{
    values();
    objects();
    truncated();
    depth();
    types();

    return done_testing();
}
