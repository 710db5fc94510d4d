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


/* live_h264.c */

int live_h264_parse_config(const uint8_t *p, size_t n,
    live_codec_config_t *config);
int live_h264_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info);
size_t live_h264_frame_bound(const live_codec_config_t *config, size_t n);

/* live_h264_sps.c: reads one SPS NAL unit, header included */

int live_h264_parse_sps(const uint8_t *p, size_t n,
    live_codec_config_t *config, uint8_t *chroma, uint8_t *depth_luma,
    uint8_t *depth_chroma);

/* live_aac.c */

int live_aac_parse_config(const uint8_t *p, size_t n,
    live_codec_config_t *config);
int live_aac_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info);
size_t live_aac_frame_bound(const live_codec_config_t *config, size_t n);


#endif /* _LIVE_CODEC_INTERNAL_H_INCLUDED_ */
