/*
 * mux/: frames -> CMAF (ISO/IEC 23000-19) in fragmented MP4 (ISO/IEC 14496-12).
 *
 * Pure C: writes into the caller's buffers, no I/O, no nginx.
 */

#ifndef _LIVE_MUX_H_INCLUDED_
#define _LIVE_MUX_H_INCLUDED_


#include "live_codec.h"


/* an init segment is never larger, bytes */

#define LIVE_INIT_MAX    (LIVE_EXTRA_MAX + 1536)


/* track_ID in init segments and fragments, one track a file */

#define LIVE_TRACK_ID    1


typedef struct {
    uint32_t   size;          /* bytes in the mdat */
    uint32_t   duration;      /* ticks of the track's timescale */
    int32_t    cts;           /* composition offset, ticks, signed (trun v1) */
    uint32_t   key;           /* 1: sync sample */
} live_sample_t;


#define LIVE_FRAGMENT_STYP   0x01   /* begin with styp: first of a segment */
#define LIVE_FRAGMENT_PRFT   0x02   /* then prft: producer reference time */


typedef struct {
    live_media_e          media;
    uint32_t              flags;       /* LIVE_FRAGMENT_... */
    uint32_t              sequence;    /* moof sequence number, any growing number */
    uint64_t              dts;         /* baseMediaDecodeTime, ticks */
    int64_t               wall_us;     /* UTC of the first sample, us since 1970; prft */
    const live_sample_t  *samples;
    uint32_t              nsamples;    /* 1 or more */
} live_fragment_t;


/*
 * Writes ftyp and moov for one track, with no edit list (composition offsets
 * are signed, the earliest presentation time of a segment is its tfdt).
 *
 * Returns the bytes written, or LIVE_ENOSPC if cap is below LIVE_INIT_MAX, or
 * LIVE_EUNSUPPORTED for a codec without a sample entry.
 */

long live_mux_init(const live_codec_config_t *config, uint8_t *buf, size_t cap);


/* bytes that always suffice for the header of a fragment of n samples */

size_t live_mux_fragment_bound(uint32_t nsamples);


/*
 * Writes [styp] [prft] moof and the header of mdat.  The samples' bytes, in
 * order and sum(samples[].size) long, must follow it in the file.
 *
 * Returns the bytes written, LIVE_ENOSPC if cap is below the bound, or
 * LIVE_EINVAL if there is no sample or the sum passes 2^31.
 */

long live_mux_fragment(const live_fragment_t *fragment, uint8_t *buf,
    size_t cap);


#endif /* _LIVE_MUX_H_INCLUDED_ */
