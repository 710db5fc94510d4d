/*
 * Fragments: what a reader of the boxes gets is what went in, and no more bytes
 * than that needs.
 */

#include "mux_boxes.h"
#include "tap.h"


#define MAX_SAMPLES  600


typedef struct {
    uint32_t  duration;
    uint32_t  size;
    uint32_t  flags;
    int32_t   cts;
} read_t;


static uint8_t  buf[256 + 16 * MAX_SAMPLES];
static long     size;
static read_t   got[MAX_SAMPLES];


static void
write_fragment(const live_fragment_t *f)
{
    size_t    cap;
    uint8_t  *p;

    cap = live_mux_fragment_bound(f->nsamples);
    p = malloc(cap);
    size = live_mux_fragment(f, p, cap);

    if (size > 0) {
        memcpy(buf, p, (size_t) size);
    }

    free(p);
}


/* reads tfhd and trun as ISO/IEC 14496-12 says; -1: they do not agree */

static int
read_samples(void)
{
    int             keep;
    box_t           tfhd, trun;
    read_t          d;
    uint32_t        flags, i, n, first, has_first;
    const uint8_t  *p;

    tfhd = box_find(buf, (size_t) size, "moof/traf/tfhd");
    trun = box_find(buf, (size_t) size, "moof/traf/trun");

    if (tfhd.p == NULL || trun.p == NULL) {
        return -1;
    }

    memset(&d, 0, sizeof(read_t));

    flags = be32(tfhd.p) & 0xffffff;
    p = tfhd.p + 8;

    keep = (flags & 0x020000) && !(flags & 0x000003);

    if (flags & 0x08) {
        d.duration = be32(p);
        p += 4;
    }

    if (flags & 0x10) {
        d.size = be32(p);
        p += 4;
    }

    if (flags & 0x20) {
        d.flags = be32(p);
        p += 4;
    }

    if (!keep || p != tfhd.p + tfhd.n || trun.p[0] != 1) {
        return -1;
    }

    flags = be32(trun.p) & 0xffffff;
    n = be32(trun.p + 4);
    p = trun.p + 12;
    first = 0;
    has_first = flags & 0x04;

    if (n > MAX_SAMPLES || !(flags & 0x01) || (has_first && (flags & 0x400))) {
        return -1;
    }

    if (has_first) {
        first = be32(p);
        p += 4;
    }

    for (i = 0; i < n; i++) {
        got[i] = d;

        if (flags & 0x100) {
            got[i].duration = be32(p);
            p += 4;
        }

        if (flags & 0x200) {
            got[i].size = be32(p);
            p += 4;
        }

        if (flags & 0x400) {
            got[i].flags = be32(p);
            p += 4;
        }

        if (flags & 0x800) {
            got[i].cts = (int32_t) be32(p);
            p += 4;
        }

        if (i == 0 && has_first) {
            got[i].flags = first;
        }
    }

    return p == trun.p + trun.n ? (int) n : -1;
}


/* everything a fragment must be, whatever is in it */

static int
check(const live_fragment_t *f)
{
    box_t                 moof, trun, tfdt;
    size_t                head;
    uint32_t              i, flags;
    uint64_t              sum;
    const live_sample_t  *s;

    write_fragment(f);

    if (size <= 0 || read_samples() != (int) f->nsamples) {
        return 0;
    }

    sum = 0;

    for (i = 0; i < f->nsamples; i++) {
        s = &f->samples[i];
        flags = s->key ? 0x02000000 : 0x01010000;
        sum += s->size;

        if (got[i].duration != s->duration || got[i].size != s->size
            || got[i].flags != flags || got[i].cts != s->cts)
        {
            return 0;
        }
    }

    moof = box_find(buf, (size_t) size, "moof");
    trun = box_find(buf, (size_t) size, "moof/traf/trun");
    tfdt = box_find(buf, (size_t) size, "moof/traf/tfdt");
    head = (size_t) (moof.p + moof.n - buf);

    return tfdt.p && tfdt.n == 12 && be32(tfdt.p) == 0x01000000
           && be64(tfdt.p + 4) == f->dts
           && (size_t) size == head + 8
           && be32(buf + head) == sum + 8
           && memcmp(buf + head + 4, "mdat", 4) == 0
           && be32(trun.p + 8) == moof.n + 8 + 8;
}


static live_fragment_t
fragment(const live_sample_t *samples, uint32_t n)
{
    live_fragment_t  f;

    memset(&f, 0, sizeof(live_fragment_t));

    f.media = LIVE_VIDEO;
    f.sequence = 7;
    f.dts = 0x123456789abcull;
    f.wall_us = 1700000000250000ll;
    f.samples = samples;
    f.nsamples = n;

    return f;
}


static void
layout(void)
{
    char             tree[256] = "";
    box_t            b;
    live_sample_t    s;
    live_fragment_t  f;

    memset(&s, 0, sizeof(live_sample_t));
    s.size = 100;
    s.duration = 3000;
    s.key = 1;

    f = fragment(&s, 1);
    f.flags = LIVE_FRAGMENT_STYP|LIVE_FRAGMENT_PRFT;
    ok(check(&f), "one sample");

    box_tree(buf, (size_t) size, tree, sizeof(tree));
    is_str(tree, "styp prft moof(mfhd traf(tfhd tfdt trun)) mdat",
           "first part of a segment");

    b = box_find(buf, (size_t) size, "styp");
    is_mem(b.p, b.n, "msdh\0\0\0\0msdhmsixcmfs", 20, "styp");

    b = box_find(buf, (size_t) size, "moof/mfhd");
    is_int(be32(b.p + 4), 7, "mfhd: sequence");

    /* 1700000000.25 s since 1970 is 3908988800.25 s since 1900 */

    b = box_find(buf, (size_t) size, "prft");
    is_int(b.n, 24, "prft: size");
    is_int(be32(b.p), 0x01000018, "prft: version 1, flags 24");
    is_int(be32(b.p + 4), LIVE_TRACK_ID, "prft: track");
    is_int(be32(b.p + 8), 3908988800u, "FM-TIME-07 prft: seconds");
    is_int(be32(b.p + 12), 0x40000000, "FM-TIME-07 prft: a quarter");
    is_int((int64_t) be64(b.p + 16), (int64_t) f.dts, "prft: media time");

    f.wall_us = -5;
    f.flags = LIVE_FRAGMENT_PRFT;
    ok(check(&f), "before 1970");
    b = box_find(buf, (size_t) size, "prft");
    is_int(be32(b.p + 8), 2208988800u, "is 1970");
    tree[0] = '\0';
    box_tree(buf, (size_t) size, tree, sizeof(tree));
    is_str(tree, "prft moof(mfhd traf(tfhd tfdt trun)) mdat", "prft alone");

    f.flags = 0;
    ok(check(&f), "a later part");
    tree[0] = '\0';
    box_tree(buf, (size_t) size, tree, sizeof(tree));
    is_str(tree, "moof(mfhd traf(tfhd tfdt trun)) mdat", "a later part: boxes");
}


/* flags of tfhd and trun are told, so that nothing is written twice */

static void
compact(void)
{
    size_t           i;
    uint32_t         k;
    box_t            tfhd, trun;
    live_sample_t    s[4];
    live_fragment_t  f;

    static const struct {
        const char     *name;
        live_sample_t   s[4];
        uint32_t        tfhd, trun;
    } rows[] = {
        { "all equal",
          { { 9, 20, 0, 1 }, { 9, 20, 0, 1 }, { 9, 20, 0, 1 },
            { 9, 20, 0, 1 } }, 0x020038, 0x001 },
        { "audio: sizes",
          { { 9, 20, 0, 1 }, { 8, 20, 0, 1 }, { 9, 20, 0, 1 },
            { 9, 20, 0, 1 } }, 0x020028, 0x201 },
        { "key frame, then others",
          { { 9, 20, 0, 1 }, { 8, 20, 0, 0 }, { 7, 20, 0, 0 },
            { 9, 20, 0, 0 } }, 0x020028, 0x205 },
        { "no key frame",
          { { 9, 20, 0, 0 }, { 8, 20, 0, 0 }, { 7, 20, 0, 0 },
            { 9, 20, 0, 0 } }, 0x020028, 0x201 },
        { "key frame inside",
          { { 9, 20, 0, 0 }, { 8, 20, 0, 0 }, { 7, 20, 0, 1 },
            { 9, 20, 0, 0 } }, 0x020028, 0x601 },
        { "B-frames",
          { { 9, 20, 0, 1 }, { 8, 20, 40, 0 }, { 7, 20, -20, 0 },
            { 9, 20, -20, 0 } }, 0x020028, 0xa05 },
        { "variable rate",
          { { 9, 20, 0, 1 }, { 9, 21, 0, 0 }, { 9, 20, 0, 0 },
            { 9, 20, 0, 0 } }, 0x020030, 0x105 },
        { "all different",
          { { 9, 20, 1, 1 }, { 8, 21, 2, 0 }, { 7, 20, -1, 1 },
            { 9, 20, 0, 0 } }, 0x020020, 0xf01 },
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memcpy(s, rows[i].s, sizeof(s));
        f = fragment(s, 4);
        ok(check(&f), "%s", rows[i].name);

        tfhd = box_find(buf, (size_t) size, "moof/traf/tfhd");
        trun = box_find(buf, (size_t) size, "moof/traf/trun");
        is_int(be32(tfhd.p), rows[i].tfhd, "%s: tfhd", rows[i].name);
        is_int(be32(trun.p), 0x01000000 | rows[i].trun, "%s: trun, version 1",
               rows[i].name);
    }

    for (k = 0; k < 2; k++) {
        memcpy(s, rows[5].s, sizeof(s));
        s[2].cts = k ? -8388608 * 90 : 8388607 * 90;
        f = fragment(s, 4);
        ok(check(&f), "FM-TIME-01 an offset of %d ticks", s[2].cts);
    }

    memcpy(s, rows[5].s, sizeof(s));
    s[0].cts = -3000;
    f = fragment(s, 4);
    ok(check(&f), "FM-TIME-02 first frame with a negative offset");
}


static void
any(void)
{
    int              wrong;
    uint32_t         i, n, seed, kind;
    live_sample_t    s[MAX_SAMPLES];
    live_fragment_t  f;

    seed = 1;
    wrong = 0;

    for (n = 1; n <= MAX_SAMPLES; n += n < 40 ? 1 : 28) {
        for (kind = 0; kind < 16; kind++) {
            for (i = 0; i < n; i++) {
                seed = seed * 1103515245 + 12345;
                s[i].size = kind & 1 ? seed >> 12 : 1000;
                s[i].duration = kind & 2 ? 1 + (seed >> 20) : 1024;
                s[i].cts = kind & 4 ? (int32_t) seed >> 8 : 0;
                s[i].key = kind & 8 ? seed >> 16 & 1 : (i == 0);
            }

            f = fragment(s, n);
            f.flags = seed >> 8 & 3;
            wrong += check(&f) ? 0 : 1;
        }
    }

    is_int(wrong, 0, "samples of all kinds and numbers");
}


static void
limits(void)
{
    live_sample_t    s[2];
    live_fragment_t  f;

    memset(s, 0, sizeof(s));
    f = fragment(s, 0);
    write_fragment(&f);
    is_int(size, LIVE_EINVAL, "no sample");

    f = fragment(s, 2);
    is_int(live_mux_fragment(&f, buf, live_mux_fragment_bound(2) - 1),
           LIVE_ENOSPC, "no room");

    s[0].size = 0x7fffffff - 8;
    write_fragment(&f);
    ok(size > 0, "FM-SEG-08 2 GB");

    s[1].size = 9;
    write_fragment(&f);
    is_int(size, LIVE_EINVAL, "more than 2 GB");

    s[0].size = 0xffffffff;
    s[1].size = 0xffffffff;
    write_fragment(&f);
    is_int(size, LIVE_EINVAL, "sizes that wrap");
}


int
main(void)
{
    layout();
    compact();
    any();
    limits();

    return done_testing();
}
