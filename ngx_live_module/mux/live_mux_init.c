/*
 * Init segments: ftyp and moov (ISO/IEC 14496-12, 8; ISO/IEC 23000-19, 7.3.1).
 */

#include "live_mux_internal.h"


typedef uint8_t *(*live_mux_box_pt)(uint8_t *p,
    const live_codec_config_t *config);


static uint8_t *live_mux_ftyp(uint8_t *p);
static uint8_t *live_mux_mvhd(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_tkhd(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_mdia(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_stbl(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_avc1(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_mp4a(uint8_t *p, const live_codec_config_t *config);
static uint8_t *live_mux_mvex(uint8_t *p);


/* how a codec is described in stsd, a row a codec */

static const struct {
    live_codec_e     codec;
    live_mux_box_pt  entry;
} live_mux_entries[] = {
    { LIVE_CODEC_H264, live_mux_avc1 },
    { LIVE_CODEC_AAC, live_mux_mp4a },
};


static live_mux_box_pt
live_mux_entry(live_codec_e codec)
{
    size_t  i;

    for (i = 0; i < sizeof(live_mux_entries) / sizeof(live_mux_entries[0]);
         i++)
    {
        if (live_mux_entries[i].codec == codec) {
            return live_mux_entries[i].entry;
        }
    }

    return NULL;
}


static uint8_t *
live_mux_ftyp(uint8_t *p)
{
    uint8_t  *box;

    box = p;
    p = live_box(p, "ftyp");
    p = live_put(p, "iso6", 4);
    p = live_put32(p, 0);
    p = live_put(p, "iso6mp41cmfccmf2", 16);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_put_matrix(uint8_t *p)
{
    static const uint32_t  unity[9] = {
        0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000
    };

    int  i;

    for (i = 0; i < 9; i++) {
        p = live_put32(p, unity[i]);
    }

    return p;
}


static uint8_t *
live_mux_mvhd(uint8_t *p, const live_codec_config_t *config)
{
    uint8_t  *box;

    box = p;
    p = live_full_box(p, "mvhd", 0, 0);
    p = live_put_zeros(p, 8);
    p = live_put32(p, config->timescale);
    p = live_put32(p, 0);                         /* no duration: live */
    p = live_put32(p, 0x10000);
    p = live_put16(p, 0x100);
    p = live_put_zeros(p, 10);
    p = live_put_matrix(p);
    p = live_put_zeros(p, 24);
    p = live_put32(p, LIVE_TRACK_ID + 1);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_tkhd(uint8_t *p, const live_codec_config_t *config)
{
    uint8_t   *box;
    uint64_t   width;

    /* 16.16, as it is to be shown: the sample aspect ratio goes into the width */

    width = 0;

    if (config->media == LIVE_VIDEO) {
        width = ((uint64_t) config->width << 16)
                * (config->sar_num ? config->sar_num : 1)
                / (config->sar_den ? config->sar_den : 1);

        if (width > UINT32_MAX) {
            width = (uint64_t) config->width << 16;
        }
    }

    box = p;
    p = live_full_box(p, "tkhd", 0, 7);           /* enabled, in movie, preview */
    p = live_put_zeros(p, 8);
    p = live_put32(p, LIVE_TRACK_ID);
    p = live_put_zeros(p, 4 + 4 + 8 + 2 + 2);
    p = live_put16(p, config->media == LIVE_AUDIO ? 0x100 : 0);
    p = live_put16(p, 0);
    p = live_put_matrix(p);
    p = live_put32(p, (uint32_t) width);
    p = live_put32(p, config->media == LIVE_VIDEO
                      ? (uint32_t) config->height << 16 : 0);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_avc1(uint8_t *p, const live_codec_config_t *config)
{
    uint8_t  *box, *inner;

    box = p;
    p = live_box(p, "avc1");
    p = live_put_zeros(p, 6);
    p = live_put16(p, 1);
    p = live_put_zeros(p, 16);
    p = live_put16(p, config->width);
    p = live_put16(p, config->height);
    p = live_put32(p, 0x480000);
    p = live_put32(p, 0x480000);
    p = live_put32(p, 0);
    p = live_put16(p, 1);
    p = live_put_zeros(p, 32);
    p = live_put16(p, 0x18);
    p = live_put16(p, 0xffff);

    inner = p;
    p = live_box(p, "avcC");
    p = live_put(p, config->extra, config->extra_size);
    live_box_end(inner, p);

    if (config->sar_num && config->sar_den
        && config->sar_num != config->sar_den)
    {
        inner = p;
        p = live_box(p, "pasp");
        p = live_put32(p, config->sar_num);
        p = live_put32(p, config->sar_den);
        live_box_end(inner, p);
    }

    if (config->colour) {
        inner = p;
        p = live_box(p, "colr");
        p = live_put(p, "nclx", 4);
        p = live_put16(p, config->primaries);
        p = live_put16(p, config->transfer);
        p = live_put16(p, config->matrix);
        p = live_put8(p, config->full_range ? 0x80u : 0);
        live_box_end(inner, p);
    }

    live_box_end(box, p);

    return p;
}


/* a descriptor's tag and its size, in the four-byte form (14496-1, 8.3.3) */

static uint8_t *
live_put_descriptor(uint8_t *p, uint32_t tag, uint32_t size)
{
    p = live_put8(p, tag);
    p = live_put8(p, 0x80 | (size >> 21 & 0x7f));
    p = live_put8(p, 0x80 | (size >> 14 & 0x7f));
    p = live_put8(p, 0x80 | (size >> 7 & 0x7f));

    return live_put8(p, size & 0x7f);
}


static uint8_t *
live_mux_mp4a(uint8_t *p, const live_codec_config_t *config)
{
    uint8_t   *box, *inner;
    uint32_t   n;

    box = p;
    p = live_box(p, "mp4a");
    p = live_put_zeros(p, 6);
    p = live_put16(p, 1);
    p = live_put_zeros(p, 8);
    p = live_put16(p, config->channels);
    p = live_put16(p, 16);
    p = live_put32(p, 0);
    p = live_put32(p, config->sample_rate < 65536
                      ? config->sample_rate << 16 : 0);

    n = config->extra_size;

    inner = p;
    p = live_full_box(p, "esds", 0, 0);
    p = live_put_descriptor(p, 3, 3 + 5 + 13 + 5 + n + 5 + 1);
    p = live_put16(p, 0);                         /* ES_ID: 0 in a file */
    p = live_put8(p, 0);
    p = live_put_descriptor(p, 4, 13 + 5 + n);
    p = live_put8(p, 0x40);                       /* MPEG-4 audio */
    p = live_put8(p, 0x15);                       /* audio stream */
    p = live_put24(p, 0);
    p = live_put32(p, 0);
    p = live_put32(p, 0);
    p = live_put_descriptor(p, 5, n);
    p = live_put(p, config->extra, n);
    p = live_put_descriptor(p, 6, 1);
    p = live_put8(p, 2);
    live_box_end(inner, p);

    live_box_end(box, p);

    return p;
}


/* a table of no entries: n bytes of zeros */

static uint8_t *
live_put_table(uint8_t *p, const char *type, size_t n)
{
    uint8_t  *box;

    box = p;
    p = live_full_box(p, type, 0, 0);
    p = live_put_zeros(p, n);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_stbl(uint8_t *p, const live_codec_config_t *config)
{
    uint8_t  *box, *inner;

    box = p;
    p = live_box(p, "stbl");

    inner = p;
    p = live_full_box(p, "stsd", 0, 0);
    p = live_put32(p, 1);
    p = live_mux_entry(config->codec)(p, config);
    live_box_end(inner, p);

    /* the samples are in the fragments */

    p = live_put_table(p, "stts", 4);
    p = live_put_table(p, "stsc", 4);
    p = live_put_table(p, "stsz", 8);
    p = live_put_table(p, "stco", 4);

    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_mdia(uint8_t *p, const live_codec_config_t *config)
{
    int       video;
    uint8_t  *box, *inner, *minf, *dinf;

    video = (config->media == LIVE_VIDEO);

    box = p;
    p = live_box(p, "mdia");

    inner = p;
    p = live_full_box(p, "mdhd", 0, 0);
    p = live_put_zeros(p, 8);
    p = live_put32(p, config->timescale);
    p = live_put32(p, 0);
    p = live_put16(p, 0x55c4);                    /* und */
    p = live_put16(p, 0);
    live_box_end(inner, p);

    inner = p;
    p = live_full_box(p, "hdlr", 0, 0);
    p = live_put32(p, 0);
    p = live_put(p, video ? "vide" : "soun", 4);
    p = live_put_zeros(p, 12);
    p = live_put(p, video ? "video" : "audio", 6);
    live_box_end(inner, p);

    minf = p;
    p = live_box(p, "minf");

    inner = p;

    if (video) {
        p = live_full_box(p, "vmhd", 0, 1);
        p = live_put_zeros(p, 8);

    } else {
        p = live_full_box(p, "smhd", 0, 0);
        p = live_put_zeros(p, 4);
    }

    live_box_end(inner, p);

    dinf = p;
    p = live_box(p, "dinf");
    inner = p;
    p = live_full_box(p, "dref", 0, 0);
    p = live_put32(p, 1);
    p = live_put32(p, 12);
    p = live_put(p, "url ", 4);
    p = live_put32(p, 1);                         /* in this file */
    live_box_end(inner, p);
    live_box_end(dinf, p);

    p = live_mux_stbl(p, config);

    live_box_end(minf, p);
    live_box_end(box, p);

    return p;
}


static uint8_t *
live_mux_mvex(uint8_t *p)
{
    uint8_t  *box, *inner;

    box = p;
    p = live_box(p, "mvex");
    inner = p;
    p = live_full_box(p, "trex", 0, 0);
    p = live_put32(p, LIVE_TRACK_ID);
    p = live_put32(p, 1);
    p = live_put_zeros(p, 12);
    live_box_end(inner, p);
    live_box_end(box, p);

    return p;
}


long
live_mux_init(const live_codec_config_t *config, uint8_t *buf, size_t cap)
{
    uint8_t  *p, *moov, *trak;

    if (cap < LIVE_INIT_MAX) {
        return LIVE_ENOSPC;
    }

    if (live_mux_entry(config->codec) == NULL) {
        return LIVE_EUNSUPPORTED;
    }

    p = live_mux_ftyp(buf);

    moov = p;
    p = live_box(p, "moov");
    p = live_mux_mvhd(p, config);

    trak = p;
    p = live_box(p, "trak");
    p = live_mux_tkhd(p, config);
    p = live_mux_mdia(p, config);
    live_box_end(trak, p);

    p = live_mux_mvex(p);
    live_box_end(moov, p);

    return (long) (p - buf);
}
