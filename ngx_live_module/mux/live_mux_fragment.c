/*
 * Fragments: [styp] [prft] moof mdat (ISO/IEC 14496-12, 8.8 and 8.16).
 */

#include "live_mux_internal.h"


#define LIVE_FLAGS_SYNC      0x02000000u   /* depends on no other */
#define LIVE_FLAGS_NON_SYNC  0x01010000u   /* depends on others, not sync */

#define LIVE_TRUN_OFFSET     0x000001u
#define LIVE_TRUN_FIRST      0x000004u
#define LIVE_TRUN_DURATION   0x000100u
#define LIVE_TRUN_SIZE       0x000200u
#define LIVE_TRUN_FLAGS      0x000400u
#define LIVE_TRUN_CTS        0x000800u

#define LIVE_TFHD_DURATION   0x000008u
#define LIVE_TFHD_SIZE       0x000010u
#define LIVE_TFHD_FLAGS      0x000020u
#define LIVE_TFHD_MOOF       0x020000u     /* default-base-is-moof */

/* real time of capture, at a consistent offset: what low-latency DASH expects */

#define LIVE_PRFT_CAPTURE    24

/* seconds from 1900 (NTP) to 1970 */

#define LIVE_NTP_EPOCH       2208988800ull


/* which fields each sample must have of its own */

typedef struct {
    uint32_t   trun;
    uint32_t   flags;        /* default of the samples but the first */
    uint64_t   size;
} live_mux_plan_t;


static int live_mux_plan(const live_fragment_t *fragment,
    live_mux_plan_t *plan);
static uint8_t *live_mux_styp(uint8_t *p);
static uint8_t *live_mux_prft(uint8_t *p, const live_fragment_t *fragment);
static uint8_t *live_mux_traf(uint8_t *p, const live_fragment_t *fragment,
    const live_mux_plan_t *plan, uint8_t **offset);


static uint32_t
live_mux_flags(const live_sample_t *sample)
{
    return sample->key ? LIVE_FLAGS_SYNC : LIVE_FLAGS_NON_SYNC;
}


static int
live_mux_plan(const live_fragment_t *fragment, live_mux_plan_t *plan)
{
    uint32_t              i;
    const live_sample_t  *s, *first;

    if (fragment->nsamples == 0) {
        return LIVE_EINVAL;
    }

    first = fragment->samples;

    plan->trun = LIVE_TRUN_OFFSET;
    plan->size = 0;
    plan->flags = live_mux_flags(&first[fragment->nsamples > 1 ? 1 : 0]);

    for (i = 0; i < fragment->nsamples; i++) {
        s = &first[i];

        plan->size += s->size;

        if (s->duration != first->duration) {
            plan->trun |= LIVE_TRUN_DURATION;
        }

        if (s->size != first->size) {
            plan->trun |= LIVE_TRUN_SIZE;
        }

        if (s->cts) {
            plan->trun |= LIVE_TRUN_CTS;
        }

        if (i && live_mux_flags(s) != plan->flags) {
            plan->trun |= LIVE_TRUN_FLAGS;
        }
    }

    if (!(plan->trun & LIVE_TRUN_FLAGS)
        && live_mux_flags(first) != plan->flags)
    {
        plan->trun |= LIVE_TRUN_FIRST;
    }

    return plan->size > INT32_MAX ? LIVE_EINVAL : LIVE_OK;
}


static uint8_t *
live_mux_styp(uint8_t *p)
{
    uint8_t  *box;

    box = p;
    p = live_box(p, "styp");
    p = live_put(p, "msdh", 4);
    p = live_put32(p, 0);
    p = live_put(p, "msdhmsixcmfs", 12);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_prft(uint8_t *p, const live_fragment_t *fragment)
{
    uint8_t   *box;
    uint64_t   us, ntp;

    us = fragment->wall_us > 0 ? (uint64_t) fragment->wall_us : 0;

    ntp = (us / 1000000 + LIVE_NTP_EPOCH) << 32
          | ((us % 1000000) << 32) / 1000000;

    box = p;
    p = live_full_box(p, "prft", 1, LIVE_PRFT_CAPTURE);
    p = live_put32(p, LIVE_TRACK_ID);
    p = live_put64(p, ntp);
    p = live_put64(p, fragment->dts);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_traf(uint8_t *p, const live_fragment_t *fragment,
    const live_mux_plan_t *plan, uint8_t **offset)
{
    uint8_t              *box, *inner;
    uint32_t              i, tfhd;
    const live_sample_t  *s;

    s = fragment->samples;

    tfhd = LIVE_TFHD_MOOF|LIVE_TFHD_FLAGS
           | (plan->trun & LIVE_TRUN_DURATION ? 0 : LIVE_TFHD_DURATION)
           | (plan->trun & LIVE_TRUN_SIZE ? 0 : LIVE_TFHD_SIZE);

    box = p;
    p = live_box(p, "traf");

    inner = p;
    p = live_full_box(p, "tfhd", 0, tfhd);
    p = live_put32(p, LIVE_TRACK_ID);

    if (tfhd & LIVE_TFHD_DURATION) {
        p = live_put32(p, s->duration);
    }

    if (tfhd & LIVE_TFHD_SIZE) {
        p = live_put32(p, s->size);
    }

    p = live_put32(p, plan->flags);
    live_box_end(inner, p);

    inner = p;
    p = live_full_box(p, "tfdt", 1, 0);
    p = live_put64(p, fragment->dts);
    live_box_end(inner, p);

    inner = p;
    p = live_full_box(p, "trun", 1, plan->trun);
    p = live_put32(p, fragment->nsamples);
    *offset = p;
    p = live_put32(p, 0);

    if (plan->trun & LIVE_TRUN_FIRST) {
        p = live_put32(p, live_mux_flags(s));
    }

    for (i = 0; i < fragment->nsamples; i++, s++) {

        if (plan->trun & LIVE_TRUN_DURATION) {
            p = live_put32(p, s->duration);
        }

        if (plan->trun & LIVE_TRUN_SIZE) {
            p = live_put32(p, s->size);
        }

        if (plan->trun & LIVE_TRUN_FLAGS) {
            p = live_put32(p, live_mux_flags(s));
        }

        if (plan->trun & LIVE_TRUN_CTS) {
            p = live_put32(p, (uint32_t) s->cts);
        }
    }

    live_box_end(inner, p);
    live_box_end(box, p);

    return p;
}


size_t
live_mux_fragment_bound(uint32_t nsamples)
{
    return 256 + (size_t) nsamples * 16;
}


long
live_mux_fragment(const live_fragment_t *fragment, uint8_t *buf, size_t cap)
{
    uint8_t          *p, *moof, *box, *offset;
    live_mux_plan_t   plan;

    if (cap < live_mux_fragment_bound(fragment->nsamples)) {
        return LIVE_ENOSPC;
    }

    if (live_mux_plan(fragment, &plan) != LIVE_OK) {
        return LIVE_EINVAL;
    }

    p = buf;

    if (fragment->flags & LIVE_FRAGMENT_STYP) {
        p = live_mux_styp(p);
    }

    if (fragment->flags & LIVE_FRAGMENT_PRFT) {
        p = live_mux_prft(p, fragment);
    }

    moof = p;
    p = live_box(p, "moof");

    box = p;
    p = live_full_box(p, "mfhd", 0, 0);
    p = live_put32(p, fragment->sequence);
    live_box_end(box, p);

    p = live_mux_traf(p, fragment, &plan, &offset);
    live_box_end(moof, p);

    /* the first byte of the samples, seen from the moof */

    (void) live_put32(offset, (uint32_t) (p - moof) + 8);

    p = live_put32(p, (uint32_t) plan.size + 8);
    p = live_put(p, "mdat", 4);

    return (long) (p - buf);
}
