/*
 * A publisher: messages of a media byte (bit 0: audio) and two bytes of length, through
 * tag, configuration and frame.  A first byte of options: bit 0, no configuration yet,
 * frames must bring it.
 */

#include "fuzz_check.h"


typedef struct {
    live_codec_config_t  config;
    live_framing_t       framing;
} fuzz_track_t;


/* what stands in an mdat: NAL units behind 4-byte lengths, none that belong elsewhere */

static void
fuzz_nals(const uint8_t *p, size_t n, const live_frame_info_t *info)
{
    int      idr, slices, type;
    size_t   size;

    idr = 0;
    slices = 0;

    while (n) {
        fuzz_assert(n > 4);

        size = (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8
               | p[3];

        fuzz_assert(size > 0 && size <= n - 4);

        type = p[4] & 0x1f;
        fuzz_assert(type >= 1 && type < 24 && !(type >= 7 && type <= 12));

        idr |= (type == 5);
        slices |= (type <= 5);

        p += 4 + size;
        n -= 4 + size;
    }

    fuzz_assert(info->key == idr);
    fuzz_assert(info->empty == !slices);
    fuzz_assert(!(info->key && info->recovery));
}


static void
fuzz_frame(fuzz_track_t *track, const live_tag_t *tag)
{
    int                   rc;
    size_t                cap;
    uint8_t              *dst;
    live_frame_info_t     info;
    live_codec_config_t   before;

    before = track->config;

    if (before.codec == LIVE_CODEC_NONE) {
        return;
    }

    cap = live_codec_frame_bound(&before, tag->size);
    dst = malloc(cap);

    rc = live_codec_frame(&track->config, &track->framing, tag, dst, cap,
                          &info);

    if (rc == LIVE_OK) {
        fuzz_assert(info.size <= cap);

        if (before.media == LIVE_VIDEO) {
            fuzz_nals(dst, info.size, &info);

        } else {
            fuzz_assert(info.key && info.size <= tag->size);
        }

        if (info.new_config) {
            fuzz_config(&track->config);
            fuzz_assert(!live_codec_same_config(&before, &track->config));

        } else {
            fuzz_assert(live_codec_same_config(&before, &track->config));
        }

    } else {
        fuzz_assert(rc == LIVE_EINVAL || rc == LIVE_AGAIN);
        fuzz_assert(rc == LIVE_EINVAL || track->config.extra_size == 0);
        fuzz_assert(before.extra_size == track->config.extra_size);
    }

    free(dst);
}


static void
fuzz_message(fuzz_track_t *track, live_media_e media, const uint8_t *p,
    size_t n)
{
    int                   rc;
    live_tag_t            tag;
    live_codec_config_t   config;

    rc = live_codec_parse_tag(media, p, n, &tag);

    if (rc != LIVE_OK) {
        fuzz_assert(rc == LIVE_EINVAL || rc == LIVE_EUNSUPPORTED);
        return;
    }

    fuzz_assert(tag.size == 0 || (tag.data > p && tag.data + tag.size == p + n));
    fuzz_assert(tag.cts >= -0x800000 && tag.cts <= 0x7fffff);

    if (tag.kind == LIVE_TAG_CONFIG) {
        rc = live_codec_parse_config(&tag, &config);
        fuzz_result(rc, &config);

        if (rc == LIVE_OK) {
            track->config = config;
        }

    } else if (tag.kind == LIVE_TAG_FRAME) {
        fuzz_assert(tag.size > 0);
        fuzz_frame(track, &tag);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int            late;
    size_t         size;
    uint8_t       *copy;
    live_media_e   media;
    fuzz_track_t   tracks[2];

    if (n < 1) {
        return 0;
    }

    memset(tracks, 0, sizeof(tracks));

    late = *p++ & 1;
    n--;

    if (late) {
        (void) fuzz_parse(LIVE_CODEC_H264, NULL, 0, &tracks[LIVE_VIDEO].config);
        (void) fuzz_parse(LIVE_CODEC_AAC, NULL, 0, &tracks[LIVE_AUDIO].config);
    }

    while (n >= 3) {
        media = (p[0] & 1) ? LIVE_AUDIO : LIVE_VIDEO;
        size = (size_t) p[1] << 8 | p[2];
        p += 3;
        n -= 3;
        size = size > n ? n : size;

        copy = malloc(size ? size : 1);
        memcpy(copy, p, size);

        fuzz_message(&tracks[media], media, copy, size);

        free(copy);
        p += size;
        n -= size;
    }

    return 0;
}
