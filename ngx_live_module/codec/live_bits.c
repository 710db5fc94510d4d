/*
 * A reader of bits and Exp-Golomb codes (ITU-T H.264, 9.1).
 */

#include "live_codec_internal.h"


uint32_t
live_bits_get(live_bits_t *bits, unsigned n)
{
    uint32_t  v;

    for (v = 0; n; n--) {

        v <<= 1;

        if (bits->pos >= bits->size * 8) {
            bits->overrun = 1;
            continue;
        }

        v |= (bits->p[bits->pos / 8] >> (7 - bits->pos % 8)) & 1u;
        bits->pos++;
    }

    return v;
}


uint32_t
live_bits_ue(live_bits_t *bits)
{
    unsigned  zeros;

    for (zeros = 0; live_bits_get(bits, 1) == 0; zeros++) {

        if (bits->overrun || zeros == 31) {
            bits->overrun = 1;
            return 0;
        }
    }

    return (1u << zeros) - 1 + live_bits_get(bits, zeros);
}


int32_t
live_bits_se(live_bits_t *bits)
{
    uint32_t  v;

    v = live_bits_ue(bits);

    return (v & 1) ? (int32_t) ((v >> 1) + 1) : -(int32_t) (v >> 1);
}
