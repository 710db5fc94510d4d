/*
 * FLV tag headers, and the table of codecs.
 */

#include "live_codec_internal.h"

#include <string.h>


#define LIVE_FLV_KEY         1
#define LIVE_FLV_INFO        5
#define LIVE_FLV_ENHANCED    0x80

#define LIVE_FLV_AVC_CONFIG  0
#define LIVE_FLV_AVC_FRAME   1
#define LIVE_FLV_AVC_END     2


static int live_codec_parse_video(const uint8_t *p, size_t n,
    live_tag_t *tag);
static int live_codec_parse_audio(const uint8_t *p, size_t n,
    live_tag_t *tag);


static const live_codec_row_t  live_codec_rows[] = {

    { LIVE_VIDEO, LIVE_CODEC_H264, 7, live_h264_parse_config,
      live_h264_frame_bound, live_h264_frame },

    { LIVE_AUDIO, LIVE_CODEC_AAC, 10, live_aac_parse_config,
      live_aac_frame_bound, live_aac_frame },
};


#define LIVE_CODEC_ROWS                                                       \
    (sizeof(live_codec_rows) / sizeof(live_codec_rows[0]))


const live_codec_row_t *
live_codec_row(live_codec_e codec)
{
    size_t  i;

    for (i = 0; i < LIVE_CODEC_ROWS; i++) {
        if (live_codec_rows[i].codec == codec) {
            return &live_codec_rows[i];
        }
    }

    return NULL;
}


static live_codec_e
live_codec_by_flv(live_media_e media, uint8_t id)
{
    size_t  i;

    for (i = 0; i < LIVE_CODEC_ROWS; i++) {
        if (live_codec_rows[i].media == media && live_codec_rows[i].flv == id)
        {
            return live_codec_rows[i].codec;
        }
    }

    return LIVE_CODEC_NONE;
}


static int
live_codec_parse_video(const uint8_t *p, size_t n, live_tag_t *tag)
{
    uint8_t   frame;
    uint32_t  cts;

    if (p[0] & LIVE_FLV_ENHANCED) {
        return LIVE_EUNSUPPORTED;
    }

    frame = p[0] >> 4;

    /* a client-side seek hint, with no picture in it */

    if (frame == LIVE_FLV_INFO) {
        return LIVE_OK;
    }

    tag->codec = live_codec_by_flv(LIVE_VIDEO, p[0] & 0x0f);

    if (tag->codec == LIVE_CODEC_NONE) {
        return LIVE_EUNSUPPORTED;
    }

    /* some end a sequence without the composition time that no one needs */

    if (n < 5) {
        tag->kind = LIVE_TAG_END;

        return (n > 1 && p[1] == LIVE_FLV_AVC_END) ? LIVE_OK : LIVE_EINVAL;
    }

    tag->key = (frame == LIVE_FLV_KEY);

    /* SI24: sign-extended */

    cts = (uint32_t) p[2] << 16 | (uint32_t) p[3] << 8 | p[4];
    tag->cts = (int32_t) (cts ^ 0x800000) - 0x800000;

    tag->data = p + 5;
    tag->size = n - 5;

    switch (p[1]) {

    case LIVE_FLV_AVC_CONFIG:
        tag->kind = LIVE_TAG_CONFIG;
        tag->cts = 0;
        break;

    case LIVE_FLV_AVC_FRAME:
        tag->kind = tag->size ? LIVE_TAG_FRAME : LIVE_TAG_IGNORED;
        break;

    case LIVE_FLV_AVC_END:
        tag->kind = LIVE_TAG_END;
        break;

    default:
        return LIVE_EINVAL;
    }

    return LIVE_OK;
}


static int
live_codec_parse_audio(const uint8_t *p, size_t n, live_tag_t *tag)
{
    tag->codec = live_codec_by_flv(LIVE_AUDIO, p[0] >> 4);

    if (tag->codec == LIVE_CODEC_NONE) {
        return LIVE_EUNSUPPORTED;
    }

    if (n < 2) {
        return LIVE_EINVAL;
    }

    if (p[1] > 1) {
        return LIVE_EINVAL;
    }

    tag->key = 1;
    tag->data = p + 2;
    tag->size = n - 2;

    if (p[1] == 0) {
        tag->kind = LIVE_TAG_CONFIG;

    } else {
        tag->kind = tag->size ? LIVE_TAG_FRAME : LIVE_TAG_IGNORED;
    }

    return LIVE_OK;
}


int
live_codec_parse_tag(live_media_e media, const uint8_t *p, size_t n,
    live_tag_t *tag)
{
    memset(tag, 0, sizeof(live_tag_t));

    /* encoders send empty messages when they mute or have nothing to say */

    if (n == 0) {
        return LIVE_OK;
    }

    return media == LIVE_VIDEO ? live_codec_parse_video(p, n, tag)
                               : live_codec_parse_audio(p, n, tag);
}


int
live_codec_parse_config(const live_tag_t *tag, live_codec_config_t *config)
{
    int                      rc;
    uint8_t                  nal_length;
    const live_codec_row_t  *row;

    memset(config, 0, sizeof(live_codec_config_t));

    row = live_codec_row(tag->codec);

    if (row == NULL) {
        return LIVE_EUNSUPPORTED;
    }

    config->media = row->media;
    config->codec = row->codec;

    rc = row->parse_config(tag->data, tag->size, config);

    if (rc != LIVE_OK) {
        nal_length = config->nal_length;

        memset(config, 0, sizeof(live_codec_config_t));

        if (rc == LIVE_AGAIN) {
            config->media = row->media;
            config->codec = row->codec;
            config->nal_length = nal_length;
        }
    }

    return rc;
}


int
live_codec_same_config(const live_codec_config_t *a,
    const live_codec_config_t *b)
{
    return a->codec == b->codec && a->extra_size == b->extra_size
           && memcmp(a->extra, b->extra, a->extra_size) == 0;
}


size_t
live_codec_frame_bound(const live_codec_config_t *config, size_t n)
{
    const live_codec_row_t  *row;

    row = live_codec_row(config->codec);

    return row ? row->frame_bound(config, n) : 0;
}


int
live_codec_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info)
{
    const live_codec_row_t  *row;

    memset(info, 0, sizeof(live_frame_info_t));

    row = live_codec_row(config->codec);

    if (row == NULL || row->codec != tag->codec) {
        return LIVE_EINVAL;
    }

    if (cap < row->frame_bound(config, tag->size)) {
        return LIVE_ENOSPC;
    }

    return row->frame(config, framing, tag, dst, cap, info);
}
