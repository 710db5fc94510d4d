/*
 * What must hold for whatever codec/ makes of hostile input.
 */

#ifndef _FUZZ_CHECK_H_INCLUDED_
#define _FUZZ_CHECK_H_INCLUDED_


#include "live_mux.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>


#define fuzz_assert(cond)  do { if (!(cond)) { abort(); } } while (0)


static inline int
fuzz_parse(live_codec_e codec, const uint8_t *p, size_t n,
    live_codec_config_t *config)
{
    live_tag_t  tag;

    memset(&tag, 0, sizeof(live_tag_t));
    tag.kind = LIVE_TAG_CONFIG;
    tag.codec = codec;
    tag.data = p;
    tag.size = n;

    return live_codec_parse_config(&tag, config);
}


/* a configuration that was accepted makes sense, and can be muxed */

static inline void
fuzz_config(const live_codec_config_t *c)
{
    long                  n;
    uint8_t              *buf;
    live_codec_config_t   again;

    fuzz_assert(c->extra_size > 0 && c->extra_size <= LIVE_EXTRA_MAX);
    fuzz_assert(memchr(c->rfc6381, '\0', sizeof(c->rfc6381)) != NULL);
    fuzz_assert(c->timescale > 0);

    if (c->media == LIVE_VIDEO) {
        fuzz_assert(c->width > 0 && c->height > 0);
        fuzz_assert(c->sar_num > 0 && c->sar_den > 0);
        fuzz_assert(c->fps_milli <= 1000000);
        fuzz_assert(strlen(c->rfc6381) == 11);

    } else {
        fuzz_assert(c->sample_rate >= 7350 && c->sample_rate <= 192000);
        fuzz_assert(c->timescale == c->sample_rate);
        fuzz_assert(c->channels > 0 && c->frame_samples > 0);
        fuzz_assert(memcmp(c->rfc6381, "mp4a.40.", 8) == 0);
    }

    /* its own record reads back as the same */

    fuzz_assert(fuzz_parse(c->codec, c->extra, c->extra_size, &again)
                == LIVE_OK);
    fuzz_assert(live_codec_same_config(c, &again));
    fuzz_assert(strcmp(c->rfc6381, again.rfc6381) == 0);
    fuzz_assert(c->width == again.width && c->height == again.height);

    buf = malloc(LIVE_INIT_MAX);
    n = live_mux_init(c, buf, LIVE_INIT_MAX);
    fuzz_assert(n > c->extra_size && n <= LIVE_INIT_MAX);
    free(buf);
}


/* or was refused for a reason, and says nothing that it cannot know */

static inline void
fuzz_result(int rc, const live_codec_config_t *c)
{
    if (rc == LIVE_OK) {
        fuzz_config(c);
        return;
    }

    fuzz_assert(rc == LIVE_AGAIN || rc == LIVE_EINVAL
                || rc == LIVE_EUNSUPPORTED || rc == LIVE_ENOSPC);
    fuzz_assert(c->extra_size == 0 && c->width == 0 && c->sample_rate == 0);
}


#endif /* _FUZZ_CHECK_H_INCLUDED_ */
