/*
 * An AVCDecoderConfigurationRecord, or start codes in its place.
 */

#include "fuzz_check.h"


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int                  rc;
    live_codec_config_t  c;

    rc = fuzz_parse(LIVE_CODEC_H264, p, n, &c);
    fuzz_result(rc, &c);

    if (rc == LIVE_OK) {
        fuzz_assert(c.nal_length == 1 || c.nal_length == 2
                    || c.nal_length == 4);
        fuzz_assert(c.extra[0] == 1 && c.extra[4] == 0xff);
    }

    return 0;
}
