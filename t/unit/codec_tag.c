/*
 * FLV tag headers.
 */

#include "codec_make.h"
#include "tap.h"


static int
parse(live_media_e media, const char *bytes, size_t n, live_tag_t *tag)
{
    int       rc;
    uint8_t  *p;

    p = malloc(n ? n : 1);
    memcpy(p, bytes, n);

    memset(tag, 0x55, sizeof(live_tag_t));
    rc = live_codec_parse_tag(media, p, n, tag);

    if (rc == LIVE_OK && tag->data) {
        ok(tag->data >= p && tag->data + tag->size == p + n,
           "payload lies in the input");
        tag->data = (const uint8_t *) bytes + (tag->data - p);
    }

    free(p);

    return rc;
}


static void
video(void)
{
    size_t      i;
    live_tag_t  tag;

    static const struct {
        uint8_t  bytes[3];
        int32_t  ms;
    } offsets[] = {
        { { 0x00, 0x00, 0x00 }, 0 },
        { { 0x00, 0x00, 0x01 }, 1 },
        { { 0x00, 0x00, 0x50 }, 80 },
        { { 0x7f, 0xff, 0xff }, 8388607 },
        { { 0xff, 0xff, 0xff }, -1 },
        { { 0xff, 0xff, 0xb0 }, -80 },
        { { 0x80, 0x00, 0x00 }, -8388608 },
        { { 0xff, 0x00, 0x00 }, -65536 },
    };

    is_int(parse(LIVE_VIDEO, "\x17\x00\x00\x00\x00\x01\x64", 7, &tag), LIVE_OK,
           "sequence header");
    is_int(tag.kind, LIVE_TAG_CONFIG, "is a configuration");
    is_int(tag.codec, LIVE_CODEC_H264, "of H.264");
    is_mem(tag.data, tag.size, "\x01\x64", 2, "its record");

    is_int(parse(LIVE_VIDEO, "\x17\x00\x01\x02\x03\x01", 6, &tag), LIVE_OK,
           "sequence header with a composition time");
    is_int(tag.cts, 0, "which means nothing");

    is_int(parse(LIVE_VIDEO, "\x17\x00\x00\x00\x00", 5, &tag), LIVE_OK,
           "FM-CODEC-06 sequence header without a record");
    is_int(tag.kind, LIVE_TAG_CONFIG, "FM-CODEC-06 is still one");
    is_int(tag.size, 0, "FM-CODEC-06 and empty");

    for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        char  bytes[7] = "\x27\x01???x";

        memcpy(bytes + 2, offsets[i].bytes, 3);
        is_int(parse(LIVE_VIDEO, bytes, 6, &tag), LIVE_OK, "frame");
        is_int(tag.kind, LIVE_TAG_FRAME, "is a frame");
        is_int(tag.key, 0, "inter frame");
        is_int(tag.cts, offsets[i].ms,
               "FM-TIME-01 composition time %d ms", offsets[i].ms);
    }

    is_int(parse(LIVE_VIDEO, "\x17\x01\xff\xff\xdf\x00", 6, &tag), LIVE_OK,
           "FM-TIME-02 first frame with a negative offset");
    is_int(tag.key, 1, "FM-TIME-02 a key frame");
    is_int(tag.cts, -33, "FM-TIME-02 presented 33 ms before it is decoded");

    is_int(parse(LIVE_VIDEO, "\x17\x01\x00\x00\x00", 5, &tag), LIVE_OK,
           "FM-CODEC-06 frame without NAL units");
    is_int(tag.kind, LIVE_TAG_IGNORED, "FM-CODEC-06 is ignored");

    is_int(parse(LIVE_VIDEO, "\x17\x02\x00\x00\x00", 5, &tag), LIVE_OK,
           "end of sequence");
    is_int(tag.kind, LIVE_TAG_END, "is one");
    is_int(parse(LIVE_VIDEO, "\x17\x02", 2, &tag), LIVE_OK,
           "end of sequence without composition time");
    is_int(tag.kind, LIVE_TAG_END, "is one too");

    is_int(parse(LIVE_VIDEO, "", 0, &tag), LIVE_OK, "empty message");
    is_int(tag.kind, LIVE_TAG_IGNORED, "is ignored");
    is_int(parse(LIVE_VIDEO, "\x57\x00", 2, &tag), LIVE_OK, "info frame");
    is_int(tag.kind, LIVE_TAG_IGNORED, "is ignored");
}


static void
video_bad(void)
{
    int         i, codec;
    char        bytes[5] = { 0 };
    live_tag_t  tag;

    for (i = 1; i < 5; i++) {
        is_int(parse(LIVE_VIDEO, "\x17\x01\x00\x00", (size_t) i, &tag),
               LIVE_EINVAL, "frame of %d bytes", i);
        is_int(parse(LIVE_VIDEO, "\x17\x00\x00\x00", (size_t) i, &tag),
               LIVE_EINVAL, "sequence header of %d bytes", i);
    }

    is_int(parse(LIVE_VIDEO, "\x17\x03\x00\x00\x00\x00", 6, &tag), LIVE_EINVAL,
           "packet type 3");

    for (codec = 0; codec < 16; codec++) {
        bytes[0] = (char) (0x10 | codec);

        is_int(parse(LIVE_VIDEO, bytes, 5, &tag),
               codec == 7 ? LIVE_OK : LIVE_EUNSUPPORTED, "CodecID %d", codec);
        is_int(tag.codec, codec == 7 ? LIVE_CODEC_H264 : LIVE_CODEC_NONE,
               "CodecID %d: codec", codec);
    }

    is_int(parse(LIVE_VIDEO, "\x90hvc1\x01", 6, &tag), LIVE_EUNSUPPORTED,
           "Enhanced RTMP header");
    is_int(tag.codec, LIVE_CODEC_NONE, "Enhanced RTMP header: no codec");
    is_int(parse(LIVE_VIDEO, "\x97\x01\x00\x00\x00\x00", 6, &tag),
           LIVE_EUNSUPPORTED, "Enhanced RTMP bit over an H.264 id");
}


static void
audio(void)
{
    int         format;
    char        bytes[3];
    live_tag_t  tag;

    is_int(parse(LIVE_AUDIO, "\xaf\x00\x11\x90", 4, &tag), LIVE_OK,
           "sequence header");
    is_int(tag.kind, LIVE_TAG_CONFIG, "is a configuration");
    is_int(tag.codec, LIVE_CODEC_AAC, "of AAC");
    is_mem(tag.data, tag.size, "\x11\x90", 2, "its record");

    is_int(parse(LIVE_AUDIO, "\xaf\x01\x21", 3, &tag), LIVE_OK, "frame");
    is_int(tag.kind, LIVE_TAG_FRAME, "is a frame");
    is_int(tag.key, 1, "to start at");
    is_int(tag.cts, 0, "presented when decoded");

    is_int(parse(LIVE_AUDIO, "\xa2\x01\x21", 3, &tag), LIVE_OK,
           "FM-CODEC-09 rate, size and type bits of the tag say nothing");
    is_int(tag.kind, LIVE_TAG_FRAME, "FM-CODEC-09 a frame all the same");

    is_int(parse(LIVE_AUDIO, "\xaf\x01", 2, &tag), LIVE_OK, "frame of nothing");
    is_int(tag.kind, LIVE_TAG_IGNORED, "is ignored");
    is_int(parse(LIVE_AUDIO, "", 0, &tag), LIVE_OK, "empty message");
    is_int(tag.kind, LIVE_TAG_IGNORED, "is ignored");

    is_int(parse(LIVE_AUDIO, "\xaf", 1, &tag), LIVE_EINVAL, "truncated");
    is_int(parse(LIVE_AUDIO, "\xaf\x02\x00", 3, &tag), LIVE_EINVAL,
           "packet type 2");

    for (format = 0; format < 16; format++) {
        bytes[0] = (char) (format << 4 | 0x0f);
        bytes[1] = 1;
        bytes[2] = 0x21;

        is_int(parse(LIVE_AUDIO, bytes, 3, &tag),
               format == 10 ? LIVE_OK : LIVE_EUNSUPPORTED, "SoundFormat %d",
               format);
    }
}


int
main(void)
{
    video();
    video_bad();
    audio();

    return done_testing();
}
