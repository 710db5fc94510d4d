/*
 * An AudioSpecificConfig.
 */

#include "fuzz_check.h"


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int                  rc;
    live_codec_config_t  c;

    rc = fuzz_parse(LIVE_CODEC_AAC, p, n, &c);
    fuzz_result(rc, &c);

    if (rc == LIVE_OK) {
        fuzz_assert(c.extra_size == n && memcmp(c.extra, p, n) == 0);
    }

    return 0;
}
