/*
 * A row a codec; what the files of codec/ share.
 */

#ifndef _LIVE_CODEC_INTERNAL_H_INCLUDED_
#define _LIVE_CODEC_INTERNAL_H_INCLUDED_


#include "live_codec.h"


typedef struct {
    live_media_e   media;
    live_codec_e   codec;
    uint8_t        flv;           /* CodecID or SoundFormat in the FLV header */
    int          (*parse_config)(const uint8_t *p, size_t n,
                       live_codec_config_t *config);
    size_t       (*frame_bound)(const live_codec_config_t *config, size_t n);
    int          (*frame)(live_codec_config_t *config,
                       live_framing_t *framing, const live_tag_t *tag,
                       uint8_t *dst, size_t cap, live_frame_info_t *info);
} live_codec_row_t;


/* NULL: none */

const live_codec_row_t *live_codec_row(live_codec_e codec);


/* bits of a payload without emulation prevention bytes; reads 0 past the end */

typedef struct {
    const uint8_t  *p;
    size_t          size;         /* bytes */
    size_t          pos;          /* bits */
    int             overrun;
} live_bits_t;

uint32_t live_bits_get(live_bits_t *bits, unsigned n);    /* 0 to 32 */
uint32_t live_bits_ue(live_bits_t *bits);
int32_t live_bits_se(live_bits_t *bits);


/* live_nal.c: NAL units of a frame, behind lengths, start codes or both */

typedef struct {
    live_framing_t  *framing;
    unsigned         length;      /* bytes of a length */
    const uint8_t   *p;           /* at the next length */
    const uint8_t   *last;
    const uint8_t   *scan;        /* at the next start code */
    const uint8_t   *scan_last;
} live_nal_reader_t;

/* LIVE_OK, or LIVE_EINVAL: neither; length 0 is 4 */

int live_nal_open(live_nal_reader_t *reader, live_framing_t *framing,
    unsigned length, const uint8_t *p, size_t n);

/* LIVE_OK: a NAL unit of 1 byte or more; LIVE_AGAIN: no more; LIVE_EINVAL */

int live_nal_next(live_nal_reader_t *reader, const uint8_t **nal,
    size_t *size);

/* up to cap bytes without emulation prevention (ITU-T H.264, 7.4.1.1) */

size_t live_nal_unescape(const uint8_t *p, size_t n, uint8_t *dst,
    size_t cap);


/* live_h264.c */

#define LIVE_NAL_SPS  7
#define LIVE_NAL_PPS  8

int live_h264_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info);
size_t live_h264_frame_bound(const live_codec_config_t *config, size_t n);

/* live_h264_sets.c: sets point into where they were found */

#define LIVE_H264_SPS  31
#define LIVE_H264_PPS  64

typedef struct {
    const uint8_t   *p;
    size_t           size;
    uint8_t          id;
} live_h264_set_t;

typedef struct {
    live_h264_set_t  sps[LIVE_H264_SPS];
    live_h264_set_t  pps[LIVE_H264_PPS];
    unsigned         nsps;
    unsigned         npps;
} live_h264_sets_t;

int live_h264_parse_config(const uint8_t *p, size_t n,
    live_codec_config_t *config);
int live_h264_add_set(live_h264_sets_t *sets, const uint8_t *nal,
    size_t size);

/* 1: config was rebuilt */

int live_h264_in_band(const live_h264_sets_t *found,
    live_codec_config_t *config);

/* live_h264_sps.c: reads one SPS NAL unit, header included */

typedef struct {
    uint8_t          chroma;          /* chroma_format_idc */
    uint8_t          depth_luma;      /* minus 8 */
    uint8_t          depth_chroma;
} live_h264_high_t;

int live_h264_parse_sps(const uint8_t *p, size_t n,
    live_codec_config_t *config, live_h264_high_t *high);

/* live_aac.c */

int live_aac_parse_config(const uint8_t *p, size_t n,
    live_codec_config_t *config);
int live_aac_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info);
size_t live_aac_frame_bound(const live_codec_config_t *config, size_t n);


#endif /* _LIVE_CODEC_INTERNAL_H_INCLUDED_ */
