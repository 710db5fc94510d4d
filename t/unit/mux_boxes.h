/*
 * A walker of MP4 boxes for the mux tests, that knows nothing of the writer.
 */

#ifndef _MUX_BOXES_H_INCLUDED_
#define _MUX_BOXES_H_INCLUDED_


#include "live_mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    const uint8_t  *p;        /* the payload, behind size and type */
    size_t          n;
} box_t;


static inline uint32_t
be32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static inline uint32_t
be16(const uint8_t *p)
{
    return (uint32_t) p[0] << 8 | p[1];
}


static inline uint64_t
be64(const uint8_t *p)
{
    return (uint64_t) be32(p) << 32 | be32(p + 4);
}


/* bytes of a payload before the boxes in it; -1: no boxes in it */

static inline int
box_head(const char *type)
{
    size_t  i;

    static const struct {
        char  type[5];
        int   head;
    } rows[] = {
        { "moov", 0 }, { "trak", 0 }, { "mdia", 0 }, { "minf", 0 },
        { "dinf", 0 }, { "dref", 8 }, { "stbl", 0 }, { "stsd", 8 },
        { "avc1", 78 }, { "mp4a", 28 }, { "mvex", 0 }, { "moof", 0 },
        { "traf", 0 }
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (memcmp(rows[i].type, type, 4) == 0) {
            return rows[i].head;
        }
    }

    return -1;
}


/*
 * All boxes in order as "moov(mvhd trak(tkhd ...))"; "!" stands where sizes do not
 * add up.  mdat may be longer than the buffer: its samples are elsewhere.
 */

static inline void
box_tree(const uint8_t *p, size_t n, char *out, size_t cap)
{
    int       head;
    char      type[5] = "";
    size_t    size, len;

    while (n) {
        size = n < 8 ? 0 : be32(p);
        len = strlen(out);

        if (size < 8 || (size > n && memcmp(p + 4, "mdat", 4) != 0)) {
            snprintf(out + len, cap - len, "!");
            return;
        }

        memcpy(type, p + 4, 4);
        snprintf(out + len, cap - len, "%s%s",
                 len && out[len - 1] != '(' ? " " : "", type);

        head = box_head(type);

        if (head >= 0) {
            len = strlen(out);
            snprintf(out + len, cap - len, "(");

            if (size < 8 + (size_t) head) {
                snprintf(out + len, cap - len, "!");
                return;
            }

            box_tree(p + 8 + head, size - 8 - (size_t) head, out, cap);

            len = strlen(out);
            snprintf(out + len, cap - len, ")");
        }

        size = size > n ? n : size;
        p += size;
        n -= size;
    }
}


/* the first box of a path, as "moov/trak/tkhd"; p NULL if there is none */

static inline box_t
box_find(const uint8_t *p, size_t n, const char *path)
{
    int     head;
    size_t  size;
    box_t   box = { NULL, 0 };

    while (n >= 8) {
        size = be32(p);

        if (size < 8) {
            return box;
        }

        if (memcmp(p + 4, path, 4) == 0) {
            size = size > n ? n : size;

            if (path[4] == '\0') {
                box.p = p + 8;
                box.n = size - 8;
                return box;
            }

            head = box_head(path);

            return head < 0 ? box
                            : box_find(p + 8 + head, size - 8 - (size_t) head,
                                       path + 5);
        }

        if (size > n) {
            return box;
        }

        p += size;
        n -= size;
    }

    return box;
}


#endif /* _MUX_BOXES_H_INCLUDED_ */
