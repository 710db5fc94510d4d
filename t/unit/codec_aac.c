/*
 * AudioSpecificConfig and AAC frames.
 */

#include "codec_make.h"
#include "tap.h"


static unsigned
rate_index(uint32_t rate)
{
    unsigned  i;

    static const uint32_t  rates[] = {
        96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000,
        11025, 8000, 7350
    };

    for (i = 0; i < 13 && rates[i] != rate; i++) { /* void */ }

    return i < 13 ? i : 15;
}


static void
put_rate(make_t *m, uint32_t rate)
{
    make_bits(m, 4, rate_index(rate));

    if (rate_index(rate) == 15) {
        make_bits(m, 24, rate);
    }
}


static void
put_object(make_t *m, unsigned object)
{
    make_bits(m, 5, object < 31 ? object : 31);

    if (object >= 31) {
        make_bits(m, 6, object - 32);
    }
}


/* up to and with the three flags */

static void
put_config(make_t *m, unsigned object, uint32_t rate, unsigned channels,
    unsigned short_frames)
{
    m->bits = 0;
    put_object(m, object);
    put_rate(m, rate);
    make_bits(m, 4, channels);
    make_bits(m, 1, short_frames);
    make_bits(m, 2, 0);
}


static int
aac(const make_t *m, live_codec_config_t *config)
{
    return make_config(LIVE_CODEC_AAC, m->p, make_size(m), config);
}


static void
plain(void)
{
    size_t               i;
    make_t               m;
    live_codec_config_t  c;

    static const struct {
        uint32_t  object, rate, channels, want;
    } rows[] = {
        { 2, 96000, 1, 1 }, { 2, 88200, 2, 2 }, { 2, 64000, 3, 3 },
        { 2, 48000, 4, 4 }, { 2, 44100, 5, 5 }, { 2, 32000, 6, 6 },
        { 2, 24000, 7, 8 }, { 2, 22050, 11, 7 }, { 2, 16000, 12, 8 },
        { 2, 12000, 13, 24 }, { 2, 11025, 14, 8 }, { 2, 8000, 1, 1 },
        { 2, 7350, 1, 1 }, { 1, 48000, 2, 2 }, { 3, 48000, 2, 2 },
        { 4, 32000, 2, 2 }, { 2, 37800, 2, 2 }, { 2, 192000, 2, 2 },
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char  codec[16];

        put_config(&m, rows[i].object, rows[i].rate, rows[i].channels, 0);
        snprintf(codec, sizeof(codec), "mp4a.40.%u", rows[i].object);

        is_int(aac(&m, &c), LIVE_OK, "object %u, %u Hz, layout %u",
               rows[i].object, rows[i].rate, rows[i].channels);
        is_int(c.media, LIVE_AUDIO, "audio");
        is_int(c.timescale, rows[i].rate, "timescale");
        is_int(c.sample_rate, rows[i].rate, "FM-CODEC-09 rate");
        is_int(c.channels, rows[i].want, "channels");
        is_int(c.frame_samples, 1024, "samples in a frame");
        is_str(c.rfc6381, codec, "codec string");
        is_mem(c.extra, c.extra_size, m.p, make_size(&m), "record");
    }

    is_int(make_config(LIVE_CODEC_AAC, "\x12\x10", 2, &c), LIVE_OK,
           "what most encoders send");
    is_int(c.sample_rate, 44100, "44100 Hz");
    is_int(c.channels, 2, "stereo");

    put_config(&m, 2, 48000, 2, 1);
    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 short frames");
    is_int(c.frame_samples, 960, "FM-CODEC-09 have 960 samples");

    put_config(&m, 23, 48000, 2, 0);
    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 low delay");
    is_int(c.frame_samples, 512, "FM-CODEC-09 has 512");

    put_config(&m, 23, 48000, 2, 1);
    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 low delay, short");
    is_int(c.frame_samples, 480, "FM-CODEC-09 has 480");
}


static void
he(void)
{
    make_t               m;
    live_codec_config_t  c;

    /* told first: SBR 48000 over a core of 24000 */

    m.bits = 0;
    put_object(&m, 5);
    put_rate(&m, 24000);
    make_bits(&m, 4, 2);
    put_rate(&m, 48000);
    put_object(&m, 2);
    make_bits(&m, 3, 0);

    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 HE-AAC");
    is_str(c.rfc6381, "mp4a.40.5", "FM-CODEC-09 HE-AAC: codec string");
    is_int(c.object_type, 5, "FM-CODEC-09 HE-AAC: object type");
    is_int(c.sample_rate, 24000, "FM-CODEC-09 HE-AAC: the base layer's rate");
    is_int(c.timescale, 24000, "FM-CODEC-09 HE-AAC: and timescale");
    is_int(c.frame_samples, 1024, "FM-CODEC-09 HE-AAC: in which frames are");
    is_int(c.channels, 2, "HE-AAC: channels");

    m.bits = 0;
    put_object(&m, 29);
    put_rate(&m, 22050);
    make_bits(&m, 4, 1);
    put_rate(&m, 44100);
    put_object(&m, 2);
    make_bits(&m, 3, 4);

    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 HE-AAC v2");
    is_str(c.rfc6381, "mp4a.40.29", "FM-CODEC-09 HE-AAC v2: codec string");
    is_int(c.sample_rate, 22050, "FM-CODEC-09 HE-AAC v2: rate");
    is_int(c.frame_samples, 960, "FM-CODEC-09 HE-AAC v2: short frames");
    is_int(c.channels, 2, "FM-CODEC-09 HE-AAC v2: two channels out of one");

    /* told behind the base layer, for decoders that do not know it */

    put_config(&m, 2, 24000, 2, 0);
    make_bits(&m, 11, 0x2b7);
    put_object(&m, 5);
    make_bits(&m, 1, 1);
    put_rate(&m, 48000);

    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 HE-AAC, compatible");
    is_str(c.rfc6381, "mp4a.40.5", "FM-CODEC-09 compatible: codec string");
    is_int(c.sample_rate, 24000, "FM-CODEC-09 compatible: rate");
    is_mem(c.extra, c.extra_size, m.p, make_size(&m),
           "FM-CODEC-09 compatible: record as it was");

    make_bits(&m, 11, 0x548);
    make_bits(&m, 1, 1);
    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 HE-AAC v2, compatible");
    is_str(c.rfc6381, "mp4a.40.29", "FM-CODEC-09 compatible: codec string");

    put_config(&m, 4, 24000, 2, 0);
    make_bits(&m, 11, 0x2b7);
    put_object(&m, 5);
    make_bits(&m, 1, 1);
    put_rate(&m, 48000);

    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 over long term prediction");
    is_str(c.rfc6381, "mp4a.40.5", "FM-CODEC-09 the same");

    /* libfdk and ffmpeg add this to plain AAC: no SBR */

    is_int(make_config(LIVE_CODEC_AAC, "\x11\x90\x56\xe5\x00", 5, &c), LIVE_OK,
           "FM-CODEC-09 an extension that says no");
    is_str(c.rfc6381, "mp4a.40.2", "FM-CODEC-09 is AAC-LC");

    is_int(make_config(LIVE_CODEC_AAC, "\x13\x90\x56\xe5", 4, &c), LIVE_OK,
           "FM-CODEC-09 an extension cut short");
    is_str(c.rfc6381, "mp4a.40.2", "FM-CODEC-09 is passed over");

    is_int(make_config(LIVE_CODEC_AAC, "\x13\x90", 2, &c), LIVE_OK,
           "FM-CODEC-09 nothing told");
    is_str(c.rfc6381, "mp4a.40.2", "FM-CODEC-09 nothing announced");
}


/* 5.1 by a program_config_element: one in front, two pairs, one LFE */

static void
put_program(make_t *m, size_t comment)
{
    make_bits(m, 4, 0);
    make_bits(m, 2, 1);
    make_bits(m, 4, 3);
    make_bits(m, 4, 2);                           /* front */
    make_bits(m, 4, 0);                           /* side */
    make_bits(m, 4, 1);                           /* back */
    make_bits(m, 2, 1);                           /* LFE */
    make_bits(m, 3, 1);                           /* associated data */
    make_bits(m, 4, 1);                           /* coupling */
    make_bits(m, 1, 1);
    make_bits(m, 4, 5);
    make_bits(m, 1, 0);
    make_bits(m, 1, 1);
    make_bits(m, 3, 3);
    make_bits(m, 5, 0);                           /* centre */
    make_bits(m, 5, 0x10);                        /* left, right */
    make_bits(m, 5, 0x11);                        /* back left, right */
    make_bits(m, 4, 0);
    make_bits(m, 4, 0);
    make_bits(m, 5, 0);
    make_bits(m, (unsigned) (-m->bits & 7), 0);
    make_bits(m, 8, comment);

    for ( /* void */ ; comment; comment--) {
        make_bits(m, 8, 'x');
    }
}


static void
program(void)
{
    int                  rc, wrong;
    size_t               n;
    make_t               m;
    live_codec_config_t  c;

    put_config(&m, 2, 48000, 0, 0);
    put_program(&m, 3);
    is_int(aac(&m, &c), LIVE_OK, "program config element");
    is_int(c.channels, 6, "its channels");
    is_str(c.rfc6381, "mp4a.40.2", "codec string");

    wrong = 0;

    for (n = 1; n < make_size(&m); n++) {
        rc = make_config(LIVE_CODEC_AAC, m.p, n, &c);
        wrong += rc != LIVE_EINVAL || c.channels;
    }

    is_int(wrong, 0, "cut anywhere: refused");

    make_bits(&m, 11, 0x2b7);
    put_object(&m, 5);
    make_bits(&m, 1, 1);
    put_rate(&m, 96000);
    is_int(aac(&m, &c), LIVE_OK, "FM-CODEC-09 an extension behind it");
    is_str(c.rfc6381, "mp4a.40.5", "FM-CODEC-09 is found");

    put_config(&m, 2, 48000, 0, 0);
    make_bits(&m, 31 + 3 + 8 + 8, 0);
    is_int(aac(&m, &c), LIVE_EUNSUPPORTED, "a program without channels");
}


static void
bad(void)
{
    int                  i, j, rc, wrong;
    make_t               m;
    uint8_t              p[LIVE_EXTRA_MAX + 1];
    live_codec_config_t  c;

    is_int(make_config(LIVE_CODEC_AAC, "", 0, &c), LIVE_AGAIN,
           "FM-CODEC-06 no record");
    is_int(c.codec, LIVE_CODEC_AAC, "FM-CODEC-06 says the codec");
    is_int(c.extra_size, 0, "FM-CODEC-06 and no more");
    is_int(make_config(LIVE_CODEC_AAC, "\x12", 1, &c), LIVE_EINVAL,
           "one byte");

    put_config(&m, 2, 6000, 2, 0);
    is_int(aac(&m, &c), LIVE_EINVAL, "6000 Hz");
    put_config(&m, 2, 0, 2, 0);
    is_int(aac(&m, &c), LIVE_EINVAL, "0 Hz");
    put_config(&m, 2, 192001, 2, 0);
    is_int(aac(&m, &c), LIVE_EINVAL, "192001 Hz");

    m.bits = 0;
    make_bits(&m, 16, 2 << 11 | 13 << 7 | 2 << 3);
    is_int(aac(&m, &c), LIVE_EINVAL, "reserved rate");

    put_config(&m, 2, 48000, 15, 0);
    is_int(aac(&m, &c), LIVE_EUNSUPPORTED, "reserved layout");
    put_config(&m, 36, 48000, 2, 0);
    is_int(aac(&m, &c), LIVE_EUNSUPPORTED, "ALS");
    put_config(&m, 0, 48000, 2, 0);
    is_int(aac(&m, &c), LIVE_EUNSUPPORTED, "object type 0");

    memset(p, 0, sizeof(p));
    memcpy(p, "\x11\x90", 2);
    is_int(make_config(LIVE_CODEC_AAC, p, LIVE_EXTRA_MAX, &c), LIVE_OK,
           "largest record");
    is_int(make_config(LIVE_CODEC_AAC, p, LIVE_EXTRA_MAX + 1, &c),
           LIVE_ENOSPC, "and one more byte");

    wrong = 0;

    for (i = 0; i < 65536; i++) {
        p[0] = (uint8_t) (i >> 8);
        p[1] = (uint8_t) i;
        j = i * 7;
        p[2] = (uint8_t) (j >> 8);
        p[3] = (uint8_t) j;

        rc = make_config(LIVE_CODEC_AAC, p, 2 + (size_t) (i & 3), &c);

        wrong += rc == LIVE_OK
                 && (c.channels == 0 || c.sample_rate < 7350
                     || c.frame_samples == 0 || c.rfc6381[0] != 'm');
    }

    is_int(wrong, 0, "every beginning: never a nonsense configuration");
}


static unsigned  adts_channels = 2;
static unsigned  adts_rate = 4;


static void
adts_frame(make_t *m, unsigned protected, size_t length, unsigned blocks)
{
    m->bits = 0;
    make_bits(m, 12, 0xfff);
    make_bits(m, 3, 0);
    make_bits(m, 1, !protected);
    make_bits(m, 2, 1);                           /* LC */
    make_bits(m, 4, adts_rate);
    make_bits(m, 1, 0);
    make_bits(m, 3, adts_channels);
    make_bits(m, 4, 0);
    make_bits(m, 13, length);
    make_bits(m, 11, 0x7ff);
    make_bits(m, 2, blocks);

    if (protected) {
        make_bits(m, 16, 0xabcd);
    }
}


static void
frames(void)
{
    make_t                m;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c, before;

    memset(&f, 0, sizeof(live_framing_t));
    (void) make_config(LIVE_CODEC_AAC, "\x11\x90", 2, &c);
    before = c;

    is_int(make_frame(&c, &f, "\x21\x10\x04\x60", 4, &out, &info), LIVE_OK,
           "frame");
    is_mem(out, info.size, "\x21\x10\x04\x60", 4, "as it is");
    is_int(info.key, 1, "to start at");
    is_int(info.empty, 0, "not empty");
    free(out);

    adts_frame(&m, 0, 7 + 4, 0);
    make_bytes(&m, "\x21\x10\x04\x60", 4);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_OK,
           "with an ADTS header");
    is_mem(out, info.size, "\x21\x10\x04\x60", 4, "which is taken off");
    is_mem(&c, sizeof(c), &before, sizeof(before), "and changes nothing");
    free(out);

    adts_frame(&m, 1, 9 + 4, 0);
    make_bytes(&m, "\x21\x10\x04\x60", 4);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_OK,
           "with an ADTS header and its CRC");
    is_mem(out, info.size, "\x21\x10\x04\x60", 4, "which are taken off");
    free(out);

    adts_frame(&m, 0, 7, 0);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_EINVAL,
           "an ADTS header alone");
    free(out);

    is_int(make_frame(&c, &f, m.p, 6, &out, &info), LIVE_EINVAL,
           "a part of one");
    free(out);

    is_int(make_frame(&c, &f, m.p, 2, &out, &info), LIVE_EINVAL,
           "its first two bytes");
    free(out);

    adts_frame(&m, 0, 7 + 3, 0);
    make_bytes(&m, "\x21\x10\x04\x60", 4);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_EINVAL,
           "an ADTS header of another length");
    free(out);

    adts_frame(&m, 0, 7 + 4, 1);
    make_bytes(&m, "\x21\x10\x04\x60", 4);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_EINVAL,
           "two frames behind one ADTS header");
    free(out);

    adts_frame(&m, 0, 7 + 3000, 0);

    while (make_size(&m) < 7 + 3000) {
        make_bits(&m, 8, 0x21);
    }

    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_OK,
           "an ADTS header with a large length");
    is_mem(out, info.size, m.p + 7, 3000, "is taken off");
    free(out);

    is_int(make_frame(&c, &f, "\xff\xe1\x50\x80\x01\x1f\xfc\x21", 8, &out,
                      &info), LIVE_OK, "no ADTS by its second byte");
    is_int(info.size, 8, "as it is");
    free(out);

    is_int(make_frame(&c, &f, "\xfe\xf1\x50\x80\x01\x1f\xfc\x21", 8, &out,
                      &info), LIVE_OK, "no ADTS by its first byte");
    is_int(info.size, 8, "as it is");
    free(out);

    is_int(make_frame(&c, &f, "\xff", 1, &out, &info), LIVE_OK,
           "a frame of one byte");
    is_int(info.size, 1, "as it is");
    free(out);

    /* low delay AAC has no element numbers: its frames may begin so */

    put_config(&m, 23, 48000, 2, 0);
    (void) aac(&m, &c);
    is_int(make_frame(&c, &f, "\xff\xf1\x50\x80\x01\x1f\xfc\x00", 8, &out,
                      &info), LIVE_OK, "a low delay frame like ADTS");
    is_int(info.size, 8, "as it is");
    free(out);
}


static void
late(void)
{
    make_t                m;
    uint8_t              *out;
    live_framing_t        f;
    live_frame_info_t     info;
    live_codec_config_t   c;

    memset(&f, 0, sizeof(live_framing_t));
    memset(&c, 0, sizeof(live_codec_config_t));
    c.media = LIVE_AUDIO;
    c.codec = LIVE_CODEC_AAC;

    is_int(make_frame(&c, &f, "\x21\x10\x04\x60", 4, &out, &info), LIVE_AGAIN,
           "FM-CODEC-02 a frame before the sequence header");
    free(out);

    adts_frame(&m, 0, 7 + 4, 0);
    make_bytes(&m, "\x21\x10\x04\x60", 4);
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_OK,
           "FM-CODEC-02 an ADTS header will do");
    is_int(info.new_config, 1, "FM-CODEC-02 as a configuration");
    is_mem(c.extra, c.extra_size, "\x12\x10", 2, "FM-CODEC-02 AAC-LC");
    is_int(c.sample_rate, 44100, "FM-CODEC-02 44100 Hz");
    is_int(c.channels, 2, "FM-CODEC-02 stereo");
    is_int(info.size, 4, "FM-CODEC-02 and a frame");
    free(out);

    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_OK,
           "FM-CODEC-03 the next one");
    is_int(info.new_config, 0, "FM-CODEC-03 is nothing new");
    free(out);

    for (adts_channels = 1; adts_channels < 8; adts_channels++) {
        memset(&c, 0, sizeof(live_codec_config_t));
        c.media = LIVE_AUDIO;
        c.codec = LIVE_CODEC_AAC;

        adts_frame(&m, 0, 7 + 4, 0);
        make_bytes(&m, "\x21\x10\x04\x60", 4);
        (void) make_frame(&c, &f, m.p, make_size(&m), &out, &info);
        is_int(c.channels, adts_channels + (adts_channels == 7),
               "FM-CODEC-02 an ADTS header of layout %u", adts_channels);
        free(out);
    }

    adts_channels = 2;

    for (adts_rate = 0; adts_rate < 13; adts_rate++) {
        memset(&c, 0, sizeof(live_codec_config_t));
        c.media = LIVE_AUDIO;
        c.codec = LIVE_CODEC_AAC;

        adts_frame(&m, 0, 7 + 4, 0);
        make_bytes(&m, "\x21\x10\x04\x60", 4);
        (void) make_frame(&c, &f, m.p, make_size(&m), &out, &info);
        is_int(rate_index(c.sample_rate), adts_rate,
               "FM-CODEC-02 an ADTS header of rate %u", adts_rate);
        free(out);
    }

    memset(&c, 0, sizeof(live_codec_config_t));
    c.media = LIVE_AUDIO;
    c.codec = LIVE_CODEC_AAC;
    m.p[2] |= 0x3c;
    is_int(make_frame(&c, &f, m.p, make_size(&m), &out, &info), LIVE_EINVAL,
           "an ADTS header with a reserved rate");
    is_int(c.extra_size, 0, "configures nothing");
    free(out);
}


int
main(void)
{
    plain();
    he();
    program();
    bad();
    frames();
    late();

    return done_testing();
}
