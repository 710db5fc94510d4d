/*
 * AAC: AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) and frames.
 */

#include "live_codec_internal.h"

#include <stdio.h>
#include <string.h>


#define LIVE_AAC_LTP       4
#define LIVE_AAC_SBR       5
#define LIVE_AAC_LD        23
#define LIVE_AAC_PS        29

/* extensions behind the configuration that old decoders pass over */

#define LIVE_AAC_SYNC_SBR  0x2b7
#define LIVE_AAC_SYNC_PS   0x548

#define LIVE_ADTS_SIZE     7


static uint32_t live_aac_object(live_bits_t *bits);
static uint32_t live_aac_rate(live_bits_t *bits);
static uint8_t live_aac_program(live_bits_t *bits);
static int live_aac_base(live_bits_t *bits, uint32_t object, uint32_t layout,
    live_codec_config_t *config);
static uint32_t live_aac_extension(live_bits_t *bits, uint32_t object);
static int live_aac_adts(live_codec_config_t *config, const uint8_t *p,
    size_t n, live_frame_info_t *info);


static const uint32_t  live_aac_rates[13] = {
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000,
    11025, 8000, 7350
};


static uint32_t
live_aac_object(live_bits_t *bits)
{
    uint32_t  n;

    n = live_bits_get(bits, 5);

    return n == 31 ? 32 + live_bits_get(bits, 6) : n;
}


static uint32_t
live_aac_rate(live_bits_t *bits)
{
    uint32_t  n;

    n = live_bits_get(bits, 4);

    if (n == 15) {
        return live_bits_get(bits, 24);
    }

    return n < 13 ? live_aac_rates[n] : 0;
}


/* channels of a program_config_element (4.5.1.2), 0: none that we can tell */

static uint8_t
live_aac_program(live_bits_t *bits)
{
    uint32_t  i, k, n[3], channels, associated, coupling;

    (void) live_bits_get(bits, 10);

    for (i = 0; i < 3; i++) {
        n[i] = live_bits_get(bits, 4);
    }

    channels = live_bits_get(bits, 2);            /* LFE */
    k = channels;

    associated = live_bits_get(bits, 3);
    coupling = live_bits_get(bits, 4);

    for (i = 0; i < 3; i++) {
        if (live_bits_get(bits, 1)) {
            (void) live_bits_get(bits, i < 2 ? 4 : 3);
        }
    }

    /* the rest only moves the reader on */

    associated = 4 * (k + associated) + 5 * coupling;

    for (i = 0; i < 3; i++) {
        for (k = 0; k < n[i]; k++) {
            channels += 1 + live_bits_get(bits, 1);
            (void) live_bits_get(bits, 4);
        }
    }

    for ( /* void */ ; associated; associated--) {
        (void) live_bits_get(bits, 1);
    }

    (void) live_bits_get(bits, (unsigned) (-bits->pos & 7));

    for (k = live_bits_get(bits, 8); k; k--) {    /* a comment */
        (void) live_bits_get(bits, 8);
    }

    return (uint8_t) channels;
}


/*
 * SBR and PS told behind the base layer's configuration, where decoders without
 * them do not look.  Players want the object type that results.
 */

static uint32_t
live_aac_extension(live_bits_t *bits, uint32_t object)
{
    if (live_bits_get(bits, 11) != LIVE_AAC_SYNC_SBR
        || live_aac_object(bits) != LIVE_AAC_SBR
        || live_bits_get(bits, 1) == 0)
    {
        return object;
    }

    (void) live_aac_rate(bits);

    if (bits->overrun) {
        return object;
    }

    if (live_bits_get(bits, 11) == LIVE_AAC_SYNC_PS && live_bits_get(bits, 1)
        && !bits->overrun)
    {
        return LIVE_AAC_PS;
    }

    return LIVE_AAC_SBR;
}


/* GASpecificConfig (4.4.1): the base layer's frames and channels */

static int
live_aac_base(live_bits_t *bits, uint32_t object, uint32_t layout,
    live_codec_config_t *config)
{
    uint32_t  channels;

    static const uint8_t  layouts[16] = {
        0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0
    };

    switch (object) {
    case 1: case 2: case 3: case 4: case 6: case 7: case 17: case 19: case 20:
    case 21: case 22: case 23:
        break;

    default:
        return LIVE_EUNSUPPORTED;
    }

    config->frame_samples = live_bits_get(bits, 1) ? 960 : 1024;

    if (object == LIVE_AAC_LD) {
        config->frame_samples /= 2;
    }

    if (live_bits_get(bits, 1)) {
        (void) live_bits_get(bits, 14);
    }

    (void) live_bits_get(bits, 1);

    channels = layout ? layouts[layout] : live_aac_program(bits);

    if (bits->overrun) {
        return LIVE_EINVAL;
    }

    config->channels = (uint8_t) channels;

    return channels ? LIVE_OK : LIVE_EUNSUPPORTED;
}


int
live_aac_parse_config(const uint8_t *p, size_t n, live_codec_config_t *config)
{
    int          rc;
    uint32_t     object, type, rate, layout;
    live_bits_t  bits;

    if (n == 0) {
        return LIVE_AGAIN;
    }

    if (n > LIVE_EXTRA_MAX) {
        return LIVE_ENOSPC;
    }

    memset(&bits, 0, sizeof(live_bits_t));
    bits.p = p;
    bits.size = n;

    object = live_aac_object(&bits);
    type = object;
    rate = live_aac_rate(&bits);
    layout = live_bits_get(&bits, 4);

    /* explicit SBR or PS: the base layer's object type comes behind */

    if (object == LIVE_AAC_SBR || object == LIVE_AAC_PS) {
        (void) live_aac_rate(&bits);
        object = live_aac_object(&bits);
    }

    if (bits.overrun || rate < 7350 || rate > 192000) {
        return LIVE_EINVAL;
    }

    rc = live_aac_base(&bits, object, layout, config);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (type <= LIVE_AAC_LTP) {
        type = live_aac_extension(&bits, type);
    }

    /* PS makes two of one */

    if (type == LIVE_AAC_PS && config->channels == 1) {
        config->channels = 2;
    }

    config->timescale = rate;
    config->sample_rate = rate;
    config->object_type = (uint8_t) type;

    (void) snprintf(config->rfc6381, sizeof(config->rfc6381), "mp4a.40.%u",
                    (unsigned) type);

    config->extra_size = (uint16_t) n;
    memcpy(config->extra, p, n);

    return LIVE_OK;
}


size_t
live_aac_frame_bound(const live_codec_config_t *config, size_t n)
{
    (void) config;

    return n;
}


/*
 * An ADTS header (ISO/IEC 14496-3, 1.A.2) does not belong into RTMP, but comes.
 * Returns its size, 0 if there is none, or LIVE_EINVAL: not one frame and all of
 * it.  A publisher that sends them may send no sequence header.
 */

static int
live_aac_adts(live_codec_config_t *config, const uint8_t *p, size_t n,
    live_frame_info_t *info)
{
    size_t    length;
    uint8_t   asc[2];
    unsigned  size;

    /* no frame of the types that have ADTS begins with END and all ones */

    if (n < 2 || p[0] != 0xff || (p[1] & 0xf6) != 0xf0
        || (config->object_type > LIVE_AAC_SBR
            && config->object_type != LIVE_AAC_PS))
    {
        return 0;
    }

    if (n < LIVE_ADTS_SIZE) {
        return LIVE_EINVAL;
    }

    length = (size_t) (p[3] & 3) << 11 | (size_t) p[4] << 3 | p[5] >> 5;
    size = LIVE_ADTS_SIZE + ((p[1] & 1) ? 0 : 2);

    if (length != n || n <= size || (p[6] & 3) != 0) {
        return LIVE_EINVAL;
    }

    if (config->extra_size == 0) {
        asc[0] = (uint8_t) (((p[2] >> 6) + 1) << 3 | (p[2] >> 3 & 7));
        asc[1] = (uint8_t) ((p[2] >> 2 & 1) << 7
                            | ((p[2] & 1) << 2 | p[3] >> 6) << 3);

        if (live_aac_parse_config(asc, sizeof(asc), config) != LIVE_OK) {
            return LIVE_EINVAL;
        }

        info->new_config = 1;
    }

    return (int) size;
}


int
live_aac_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info)
{
    int     header;
    size_t  n;

    (void) framing;
    (void) cap;

    header = live_aac_adts(config, tag->data, tag->size, info);

    if (header < 0) {
        return header;
    }

    if (config->extra_size == 0) {
        return LIVE_AGAIN;
    }

    n = tag->size - (size_t) header;

    memcpy(dst, tag->data + header, n);

    info->size = n;
    info->key = 1;
    info->empty = (n == 0);

    return LIVE_OK;
}
