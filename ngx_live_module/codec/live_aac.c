/*
 * AAC: AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) and frames.
 */

#include "live_codec_internal.h"

#include <stdio.h>
#include <string.h>


#define LIVE_AAC_SBR  5
#define LIVE_AAC_PS   29


static uint32_t live_aac_object(live_bits_t *bits);
static uint32_t live_aac_rate(live_bits_t *bits);
static uint8_t live_aac_program(live_bits_t *bits);


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


/* channels of a program_config_element (4.5.1.2) */

static uint8_t
live_aac_program(live_bits_t *bits)
{
    uint32_t  i, k, n[3], channels;

    (void) live_bits_get(bits, 10);

    for (i = 0; i < 3; i++) {
        n[i] = live_bits_get(bits, 4);
    }

    channels = live_bits_get(bits, 2);            /* LFE */

    (void) live_bits_get(bits, 7);

    for (i = 0; i < 3; i++) {
        if (live_bits_get(bits, 1)) {
            (void) live_bits_get(bits, i < 2 ? 4 : 3);
        }
    }

    for (i = 0; i < 3; i++) {
        for (k = 0; k < n[i]; k++) {
            channels += 1 + live_bits_get(bits, 1);
            (void) live_bits_get(bits, 4);
        }
    }

    return (uint8_t) (channels > 64 ? 0 : channels);
}


int
live_aac_parse_config(const uint8_t *p, size_t n, live_codec_config_t *config)
{
    uint8_t      pce;
    uint32_t     object, extension, rate, channels;
    live_bits_t  bits;

    static const uint8_t  layouts[16] = {
        0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0
    };

    if (n < 2) {
        return LIVE_EINVAL;
    }

    if (n > LIVE_EXTRA_MAX) {
        return LIVE_ENOSPC;
    }

    memset(&bits, 0, sizeof(live_bits_t));
    bits.p = p;
    bits.size = n;

    object = live_aac_object(&bits);
    extension = object;
    rate = live_aac_rate(&bits);
    channels = live_bits_get(&bits, 4);

    /* explicit SBR or PS: the base layer's object type comes behind */

    if (object == LIVE_AAC_SBR || object == LIVE_AAC_PS) {
        (void) live_aac_rate(&bits);
        object = live_aac_object(&bits);
    }

    if (bits.overrun || rate < 7350 || rate > 192000) {
        return LIVE_EINVAL;
    }

    switch (object) {
    case 1: case 2: case 3: case 4: case 6: case 7: case 17: case 19: case 20:
    case 21: case 22: case 23:
        break;

    default:
        return LIVE_EUNSUPPORTED;
    }

    /* GASpecificConfig (4.4.1) */

    config->frame_samples = live_bits_get(&bits, 1) ? 960 : 1024;

    if (object == 23) {
        config->frame_samples /= 2;
    }

    if (live_bits_get(&bits, 1)) {
        (void) live_bits_get(&bits, 14);
    }

    (void) live_bits_get(&bits, 1);

    pce = 0;

    if (channels == 0) {
        pce = live_aac_program(&bits);
    }

    config->channels = channels ? layouts[channels] : pce;

    if (config->channels == 0) {
        return bits.overrun ? LIVE_EINVAL : LIVE_EUNSUPPORTED;
    }

    config->timescale = rate;
    config->sample_rate = rate;
    config->object_type = (uint8_t) extension;

    (void) snprintf(config->rfc6381, sizeof(config->rfc6381), "mp4a.40.%u",
                    (unsigned) extension);

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


int
live_aac_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info)
{
    size_t          n, header;
    const uint8_t  *p;

    (void) config;
    (void) framing;
    (void) cap;

    p = tag->data;
    n = tag->size;

    /*
     * An ADTS header does not belong here, but comes.  Its length field must agree
     * too: a raw frame may begin like one by chance.
     */

    if (n > 7 && p[0] == 0xff && (p[1] & 0xf6) == 0xf0
        && ((size_t) (p[3] & 3) << 11 | (size_t) p[4] << 3 | p[5] >> 5) == n)
    {
        header = (p[1] & 1) ? 7 : 9;

        if (n <= header) {
            return LIVE_EINVAL;
        }

        p += header;
        n -= header;
    }

    memcpy(dst, p, n);

    info->size = n;
    info->key = 1;
    info->empty = (n == 0);

    return LIVE_OK;
}
