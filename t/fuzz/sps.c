/*
 * A sequence parameter set behind its NAL header, in an avcC that is otherwise right.
 */

#include "fuzz_check.h"


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int                   rc;
    size_t                size;
    uint8_t              *avcc, *q;
    live_codec_config_t   c;

    if (n < 3 || n > 4096) {
        return 0;
    }

    size = 6 + 2 + 1 + n + 1 + 2 + 4;
    avcc = malloc(size);
    q = avcc;

    *q++ = 1;
    memcpy(q, p, 3);
    q += 3;
    *q++ = 0xff;
    *q++ = 0xe1;
    *q++ = (uint8_t) ((n + 1) >> 8);
    *q++ = (uint8_t) (n + 1);
    *q++ = 0x67;
    memcpy(q, p, n);
    q += n;
    memcpy(q, "\1\0\4\x68\xee\x3c\x80", 7);

    rc = fuzz_parse(LIVE_CODEC_H264, avcc, size, &c);
    fuzz_result(rc, &c);

    free(avcc);

    return 0;
}
