/*
 * AVCDecoderConfigurationRecord: what is kept, what is mended, what is refused.
 */

#include "codec_make.h"
#include "tap.h"


static make_t  sps, pps;


static int
h264(const make_t *m, live_codec_config_t *config)
{
    return make_config(LIVE_CODEC_H264, m->p, make_size(m), config);
}


static void
put_set(make_t *m, const make_t *set)
{
    make_bits(m, 16, make_size(set));
    make_bytes(m, set->p, make_size(set));
}


static void
as_sent(void)
{
    make_t               avcc, want;
    make_sps_t           o;
    live_codec_config_t  c;

    make_avcc(&avcc, &sps, &pps, 4);
    is_int(h264(&avcc, &c), LIVE_OK, "avcC");
    is_int(c.media, LIVE_VIDEO, "is video");
    is_int(c.codec, LIVE_CODEC_H264, "of H.264");
    is_int(c.timescale, 90000, "90 kHz");
    is_int(c.nal_length, 4, "4-byte lengths");
    is_str(c.rfc6381, "avc1.64001f", "codec string");

    want = avcc;
    make_bytes(&want, "\xfd\xf8\xf8\x00", 4);
    is_mem(c.extra, c.extra_size, want.p, make_size(&want),
           "high profile's four bytes are added");

    make_bytes(&avcc, "\xfd\xf8\xf8\x00", 4);
    is_int(h264(&avcc, &c), LIVE_OK, "avcC with them");
    is_mem(c.extra, c.extra_size, want.p, make_size(&want), "keeps them");

    o = make_720p();
    o.profile = 110;
    o.chroma = 2;
    o.depth_luma = 2;
    o.depth_chroma = 1;
    make_sps(&sps, &o);
    make_avcc(&avcc, &sps, &pps, 4);
    is_int(h264(&avcc, &c), LIVE_OK, "10 bits, 4:2:2");
    is_mem(c.extra + c.extra_size - 4, 4, "\xfe\xfa\xf9\x00", 4,
           "are told in them");
    is_str(c.rfc6381, "avc1.6e001f", "codec string");

    o = make_720p();
    o.profile = 77;
    o.constraints = 0x40;
    o.level = 41;
    make_sps(&sps, &o);
    make_avcc(&avcc, &sps, &pps, 2);
    is_int(h264(&avcc, &c), LIVE_OK, "main profile");
    is_int(c.nal_length, 2, "2-byte lengths are remembered");
    is_str(c.rfc6381, "avc1.4d4029", "codec string");

    avcc.p[4] |= 3;
    is_mem(c.extra, c.extra_size, avcc.p, make_size(&avcc),
           "but the record says 4, and main profile has no more bytes");
}


static void
same(void)
{
    make_t               avcc, other, padded;
    make_sps_t           o;
    live_codec_config_t  a, b;

    make_avcc(&avcc, &sps, &pps, 4);
    (void) h264(&avcc, &a);
    (void) h264(&avcc, &b);
    is_int(live_codec_same_config(&a, &b), 1, "FM-CODEC-03 the same header");

    padded = sps;
    make_bytes(&padded, "\0\0", 2);
    make_avcc(&other, &padded, &pps, 4);
    is_int(h264(&other, &b), LIVE_OK, "FM-CODEC-03 SPS padded with zeros");
    is_int(live_codec_same_config(&a, &b), 1, "FM-CODEC-03 is the same");

    make_bytes(&avcc, "\xfd\xf8\xf8\x00", 4);
    is_int(h264(&avcc, &b), LIVE_OK, "FM-CODEC-03 with the optional bytes");
    is_int(live_codec_same_config(&a, &b), 1, "FM-CODEC-03 is the same");

    other.bits = 0;
    make_bytes(&other, "\0\0\0\1", 4);
    make_bytes(&other, sps.p, make_size(&sps));
    make_bytes(&other, "\0\0\1", 3);
    make_bytes(&other, pps.p, make_size(&pps));
    is_int(h264(&other, &b), LIVE_OK,
           "FM-CODEC-05 start codes for a sequence header");
    is_int(live_codec_same_config(&a, &b), 1, "FM-CODEC-05 are the same");
    is_int(b.nal_length, 4, "FM-CODEC-05 lengths, if any come, have 4 bytes");

    o = make_720p();
    o.mbs_w = 81;
    make_sps(&padded, &o);
    make_avcc(&other, &padded, &pps, 4);
    (void) h264(&other, &b);
    is_int(live_codec_same_config(&a, &b), 0, "FM-CODEC-04 another size");

    make_pps(&padded, 0, 0, 1);
    make_avcc(&other, &sps, &padded, 4);
    (void) h264(&other, &b);
    is_int(live_codec_same_config(&a, &b), 0, "FM-CODEC-04 another PPS");
}


static void
empty(void)
{
    make_t               m;
    live_codec_config_t  c;

    m.bits = 0;
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 no record");
    is_int(c.codec, LIVE_CODEC_H264, "FM-CODEC-06 says the codec");
    is_int(c.extra_size, 0, "FM-CODEC-06 and no more");

    make_bytes(&m, "\x01\x64\x00\x1f\xfd\xe0\x00", 7);
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 no sets in it");
    is_int(c.nal_length, 2, "FM-CODEC-06 says how lengths are");
    is_int(c.width, 0, "FM-CODEC-06 and nothing that it cannot know");

    m.bits = 8 * 6;
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 not even their number");

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe1", 6);
    put_set(&m, &sps);
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 an SPS alone");
    make_bits(&m, 8, 0);
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 an SPS and no PPS");

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe0\x01", 7);
    put_set(&m, &pps);
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 a PPS alone");

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe3\0\0", 8);
    put_set(&m, &sps);
    make_bytes(&m, "\0\1\x67\x03\0\0\0\0", 8);
    put_set(&m, &pps);
    is_int(h264(&m, &c), LIVE_OK, "FM-CODEC-06 empty sets beside full ones");
    is_int(c.extra[5], 0xe1, "FM-CODEC-06 are passed over");

    m.bits = 0;
    make_bytes(&m, "\0\0\0\1\x09\xf0\0\0\0\1", 10);
    is_int(h264(&m, &c), LIVE_AGAIN, "FM-CODEC-06 start codes without sets");
}


static void
many(void)
{
    int                  i, n;
    make_t               m, set[2];
    make_sps_t           o;
    live_codec_config_t  c;

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe2", 6);
    o = make_720p();

    for (i = 0; i < 2; i++) {
        o.id = (uint8_t) i;
        o.mbs_w = 80 - 10 * (uint32_t) i;
        make_sps(&set[i], &o);
        put_set(&m, &set[i]);
    }

    make_bits(&m, 8, 2);

    for (i = 0; i < 2; i++) {
        make_pps(&set[i], (uint32_t) i, (uint32_t) i, 0);
        put_set(&m, &set[i]);
    }

    is_int(h264(&m, &c), LIVE_OK, "two SPS, two PPS");
    is_int(c.width, 1280, "the first is the one");
    is_mem(c.extra, make_size(&m), m.p, make_size(&m), "all are kept");

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xff", 6);

    for (i = 0; i < 31; i++) {
        o.id = (uint8_t) i;
        make_sps(&set[0], &o);
        put_set(&m, &set[0]);
    }

    make_bits(&m, 8, 1);
    make_pps(&set[1], 0, 30, 0);
    put_set(&m, &set[1]);
    is_int(h264(&m, &c), LIVE_OK, "31 SPS");
    is_mem(c.extra, make_size(&m), m.p, make_size(&m), "all are kept");

    /* as many PPS as there may be, 6 bytes each with their length */

    for (n = 63; n <= 65; n++) {
        m.bits = 0;
        make_bytes(&m, "\x01\x64\x00\x1f\xff\xe1", 6);
        put_set(&m, &sps);
        make_bits(&m, 8, (unsigned) n);

        for (i = 0; i < n; i++) {
            make_pps(&set[0], (uint32_t) i, 0, 0);
            put_set(&m, &set[0]);
        }

        is_int(h264(&m, &c), n <= 64 ? LIVE_OK : LIVE_ENOSPC, "%d PPS", n);
    }

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe1", 6);
    put_set(&m, &sps);
    make_bits(&m, 8, 255);

    for (i = 0; i < 255; i++) {
        put_set(&m, &pps);
    }

    is_int(h264(&m, &c), LIVE_OK, "one PPS 255 times over");
    is_int(c.extra[6 + 2 + make_size(&sps)], 1, "is kept once");
}


/* the record is refused where it passes LIVE_EXTRA_MAX, and not before */

static void
large(void)
{
    size_t               n;
    int                  rc, wrong;
    make_t               m;
    live_codec_config_t  c;

    wrong = 0;

    for (n = 2; n < 1200; n++) {
        m.bits = 0;
        make_bytes(&m, "\x01\x64\x00\x1f\xff\xe1", 6);
        put_set(&m, &sps);
        make_bits(&m, 8, 1);
        make_bits(&m, 16, n);
        make_bytes(&m, "\x68\xc0", 2);

        while (m.bits < 8 * (6 + 2 + make_size(&sps) + 1 + 2 + n)) {
            make_bits(&m, 8, 0x55);
        }

        rc = h264(&m, &c);

        wrong += rc != (make_size(&m) + 4 <= LIVE_EXTRA_MAX ? LIVE_OK
                                                            : LIVE_ENOSPC);
    }

    is_int(wrong, 0, "records up to LIVE_EXTRA_MAX, and above");

    m.bits = 0;
    make_bytes(&m, "\x01\x64\x00\x1f\xff\xe1", 6);
    make_bits(&m, 16, 3000);
    make_bytes(&m, sps.p, make_size(&sps));

    while (m.bits < 8 * 3008) {
        make_bits(&m, 8, 0x55);
    }

    make_bits(&m, 8, 1);
    put_set(&m, &pps);
    is_int(h264(&m, &c), LIVE_ENOSPC, "an SPS of 3000 bytes");
}


static void
bad(void)
{
    int                  rc, wrong;
    size_t               n, i;
    make_t               avcc, m;
    live_codec_config_t  c;

    make_avcc(&avcc, &sps, &pps, 4);

    wrong = 0;

    for (n = 1; n < make_size(&avcc); n++) {
        rc = make_config(LIVE_CODEC_H264, avcc.p, n, &c);
        wrong += (rc != LIVE_EINVAL && rc != LIVE_AGAIN) || c.extra_size;
    }

    is_int(wrong, 0, "cut anywhere: refused");

    for (i = 0; i < make_size(&avcc); i++) {
        m = avcc;
        m.p[i] = 0xff;
        rc = h264(&m, &c);
        wrong += (rc == LIVE_OK && c.width == 0) || rc > 0;
    }

    is_int(wrong, 0, "any byte made ff: nothing is read past the end");

    m = avcc;
    m.p[0] = 2;
    is_int(h264(&m, &c), LIVE_EINVAL, "version 2");

    make_avcc(&m, &sps, &pps, 3);
    is_int(h264(&m, &c), LIVE_EINVAL, "3-byte lengths");

    make_avcc(&m, &pps, &pps, 4);
    is_int(h264(&m, &c), LIVE_AGAIN, "a PPS among the SPS is none");

    /* numbers that do not end, or are too high */

    make_pps(&m, 256, 0, 0);
    make_avcc(&avcc, &sps, &m, 4);
    is_int(h264(&avcc, &c), LIVE_AGAIN, "PPS number 256");

    make_pps(&m, 255, 0, 0);
    make_avcc(&avcc, &sps, &m, 4);
    is_int(h264(&avcc, &c), LIVE_OK, "PPS number 255");

    m.bits = 0;
    make_bytes(&m, "\x68\0\0\1", 4);
    make_avcc(&avcc, &sps, &m, 4);
    is_int(h264(&avcc, &c), LIVE_AGAIN, "a PPS cut short in its number");

    m.bits = 0;
    make_bytes(&m, "\0\0\1", 3);
    make_bytes(&m, sps.p, make_size(&sps));
    make_bytes(&m, "\0\0\1\x78", 4);
    make_bytes(&m, pps.p + 1, make_size(&pps) - 1);
    is_int(h264(&m, &c), LIVE_AGAIN, "start codes: type 24 is no PPS");

    make_avcc(&avcc, &sps, &pps, 4);

    is_int(make_config(LIVE_CODEC_NONE, avcc.p, make_size(&avcc), &c),
           LIVE_EUNSUPPORTED, "a codec that is none");
    is_int(make_config((live_codec_e) 99, avcc.p, make_size(&avcc), &c),
           LIVE_EUNSUPPORTED, "a codec that we do not have");
}


int
main(void)
{
    make_sps_t  o;

    o = make_720p();
    make_sps(&sps, &o);
    make_pps(&pps, 0, 0, 0);

    same();
    empty();
    many();
    large();
    bad();
    as_sent();

    return done_testing();
}
