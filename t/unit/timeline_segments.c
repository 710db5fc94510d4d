/*
 * Segments and parts of publishers that do not make it easy, and the limits.
 */

#include "timeline_sim.h"


static void
begin(sim_t *s, sim_pub_t *p, int64_t part_ms)
{
    live_timeline_conf_t  c;

    c = sim_conf(part_ms, 2000);

    sim_open(s, &c);
    sim_headers(s, p);
}


/* audio beside video that is sent by hand */

static void
audio_until(sim_t *s, sim_pub_t *p, int64_t ms)
{
    while (sim_next_a(p) < (double) ms) {
        sim_audio(s, (int64_t) floor(sim_next_a(p) + 0.5));
        p->a++;
    }
}


/* FM-SEG-01 */

static void
irregular(void)
{
    int        i, n, next;
    sim_t      s;
    uint32_t   seed;
    sim_pub_t  p;

    static const int  most[] = { 20, 100, 300 };     /* frames between keys */

    for (i = 0; i < 3; i++) {
        p = sim_pub(30, 1, 2, 48000);
        begin(&s, &p, 500);
        seed = 77 + (uint32_t) i;

        for (n = 0, next = 0; n < 18000; n++) {
            s.mono = SIM_MONO + (int64_t) n * 1000000 / 30;
            audio_until(&s, &p, n * 1000 / 30);
            sim_video(&s, n * 1000 / 30, 0, n == next);

            if (n == next) {
                next += 1 + (int) (sim_random(&seed) % (unsigned) most[i]);
            }
        }

        sim_finish(&s);

        sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
        sim_must(&s, s.track[LIVE_VIDEO].gaps == 0, "%d gaps",
                 (int) s.track[LIVE_VIDEO].gaps);
        sim_must(&s, s.track[LIVE_VIDEO].msn > 150, "segments");
        sim_sane(&s, "FM-SEG-01 FM-ENC-05 key frames at random, up to %d frames apart: "
                 "no segment is longer than was promised", most[i]);
        sim_close(&s);
    }
}


/* FM-SEG-02 */

static void
variable(void)
{
    int                   i, key;
    sim_t                 s;
    int64_t               t, last;
    uint32_t              seed, r;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    for (i = 0; i < 8; i++) {
        static const int64_t  targets[] = {
            100, 200, 333, 500, 750, 1000, 1500, 2000
        };

        c = sim_conf(targets[i], 2000);
        p = sim_pub(30, 1, 2, 48000);
        sim_open(&s, &c);
        sim_headers(&s, &p);

        seed = 99 + (uint32_t) i;
        last = -10000;

        for (t = 0; t < 300000; ) {
            r = sim_random(&seed);

            s.mono = SIM_MONO + t * 1000;
            audio_until(&s, &p, t);

            key = t - last >= 2000;
            last = key ? t : last;
            sim_video(&s, t, 0, key);

            t += (r % 100 < 70) ? 16 + r / 128 % 50
                 : (r % 100 < 97) ? r / 128 % 300 : 300 + r / 128 % 1500;
        }

        sim_finish(&s);

        s.relax |= SIM_RELAX_SYNC|SIM_RELAX_PTS;
        sim_must(&s, sim_missing(&s, LIVE_VIDEO) <= 60, "video lost");
        s.relax |= SIM_RELAX_HOLES;
        sim_sane(&s, "FM-SEG-02 a variable frame rate, parts of %d ms: all of "
                 "85 to 100 %%, or gaps", (int) targets[i]);
        sim_close(&s);
    }

    /* the frame rate changes for good, and changes back */

    for (i = 0; i < 4; i++) {
        static const int  fps[4][3] = {
            { 30, 5, 30 }, { 5, 60, 5 }, { 60, 1, 60 }, { 1, 30, 2 }
        };

        int     n;
        double  at;

        p = sim_pub(30, 1, 2, 48000);
        begin(&s, &p, 500);
        s.relax |= SIM_RELAX_SYNC|SIM_RELAX_HOLES;

        for (n = 0, at = 0; n < 90000; ) {
            s.mono = SIM_MONO + n * 1000;
            audio_until(&s, &p, n);
            sim_video(&s, n, 0, n % 2000 < 1000 / fps[i][n / 30000]);
            at += 1000.0 / fps[i][n / 30000];
            n = (int) (at + 0.5);
        }

        sim_finish(&s);
        sim_must(&s, sim_missing(&s, LIVE_VIDEO) <= 60, "%d video lost",
                 (int) sim_missing(&s, LIVE_VIDEO));
        sim_sane(&s, "FM-SEG-02 %d, then %d, then %d frames a second",
                 fps[i][0], fps[i][1], fps[i][2]);
        sim_close(&s);
    }
}


/* FM-SEG-07, 08 */

static void
limits(void)
{
    int                   n;
    sim_t                 s;
    sim_pub_t             p;
    uint64_t              k, forced;
    live_timeline_conf_t  c;

    p = sim_pub(30, 1, 3600, 48000);
    begin(&s, &p, 500);
    sim_play(&s, &p, 60000);
    sim_finish(&s);

    for (k = 0, forced = 0; k <= s.track[LIVE_VIDEO].msn; k++) {
        forced += (s.track[LIVE_VIDEO].segments[k].flags
                   & LIVE_SEGMENT_FORCED) ? 1 : 0;
    }

    is_int(s.events[LIVE_TIMELINE_FORCED_CUT], 1, "FM-SEG-07 one warning");
    ok(llabs(s.values[LIVE_TIMELINE_FORCED_CUT] - 4000) < 100,
       "it tells the GOP");
    is_int(forced, s.track[LIVE_VIDEO].msn, "FM-SEG-07 all segments but the "
           "first are cut without a key frame");
    sim_sane(&s, "FM-SEG-07 no key frame for a minute");
    sim_close(&s);

    /* GOPs longer than a segment may be: each key frame begins one */

    p = sim_pub(30, 1, 9, 48000);
    begin(&s, &p, 500);
    sim_play(&s, &p, 90000);
    sim_finish(&s);

    for (k = 0, forced = 0; k <= s.track[LIVE_VIDEO].msn; k++) {
        forced += (s.track[LIVE_VIDEO].segments[k].flags
                   & LIVE_SEGMENT_INDEPENDENT) ? 1 : 0;
    }

    is_int(forced, 10, "FM-SEG-07 each key frame of a long GOP begins a "
           "segment");
    sim_sane(&s, "FM-SEG-07 key frames each 9 s");
    sim_close(&s);

    /* a limit of bytes */

    c = sim_conf(1000, 2000);
    c.part_bytes_max = 100000;
    sim_open(&s, &c);
    p = sim_pub(30, 1, 2, 48000);
    sim_headers(&s, &p);

    for (n = 0; n < 900; n++) {
        s.mono = SIM_MONO + (int64_t) n * 1000000 / 30;
        audio_until(&s, &p, n * 1000 / 30);
        sim_video_ts(&s, n * 1000 / 30, n * 1000 / 30, 0, n % 60 == 0, 12000);
    }

    sim_finish(&s);
    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "%d video lost",
             (int) sim_missing(&s, LIVE_VIDEO));
    sim_sane(&s, "FM-SEG-07 parts of at most 100 kB at 3 Mbit/s");
    sim_close(&s);

    /* one frame is larger than that; the next key frame goes on */

    c.part_bytes_max = 1000000;
    sim_open(&s, &c);
    p = sim_pub(30, 1, 2, 48000);
    sim_headers(&s, &p);
    s.relax |= SIM_RELAX_HOLES;

    for (n = 0; n < 900; n++) {
        s.mono = SIM_MONO + (int64_t) n * 1000000 / 30;
        audio_until(&s, &p, n * 1000 / 30);
        sim_video_ts(&s, n * 1000 / 30, n * 1000 / 30, 0, n % 60 == 0,
                     n == 120 ? 1000001 : n == 300 ? 600000 : 5000);
    }

    sim_finish(&s);
    is_int(sim_missing(&s, LIVE_VIDEO), 60, "FM-SEG-07 a frame over the limit "
           "goes, and what hangs on it");
    sim_sane(&s, "FM-SEG-07 a key frame over the limit");
    sim_close(&s);

    /* no fixed buffer: frames of megabytes */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p, 500);

    for (n = 0; n < 130; n++) {
        s.mono = SIM_MONO + (int64_t) n * 1000000 / 30;
        audio_until(&s, &p, n * 1000 / 30);
        sim_video_ts(&s, n * 1000 / 30, n * 1000 / 30, 0, n % 60 == 0,
                     n % 60 ? 20000 : 5000000);
    }

    sim_finish(&s);
    is_int(sim_missing(&s, LIVE_VIDEO), 0, "FM-SEG-08 frames of 5 MB");
    sim_must(&s, s.track[LIVE_VIDEO].bytes
                 == 3 * 5000004ull + 127 * 20004ull, "bytes");
    sim_sane(&s, "FM-SEG-08 no byte is lost");
    sim_close(&s);

    /* thousands of frames in no time */

    c = sim_conf(500, 2000);
    sim_open(&s, &c);
    p = sim_pub(30, 1, 2, 0);
    sim_headers(&s, &p);
    s.relax |= SIM_RELAX_SYNC|SIM_RELAX_HOLES|SIM_RELAX_PTS;

    for (n = 0; n < 60000; n++) {
        s.mono += 10;
        sim_video(&s, n / 100, 0, n % 6000 == 0);
    }

    sim_finish(&s);
    sim_must(&s, s.track[LIVE_VIDEO].frames > 4000, "frames");
    sim_sane(&s, "FM-SEG-07 100 frames each ms: no part has more than 4096");
    sim_close(&s);
}


/* FM-SEG-10 */

static void
audio_alone(void)
{
    size_t     i, k;
    sim_t      s;
    sim_pub_t  p;
    uint64_t   n;

    static const int64_t  targets[] = { 100, 200, 333, 500, 512, 1000, 2000 };

    for (i = 0; i < sizeof(sim_rates) / sizeof(sim_rates[0]); i++) {
        for (k = 0; k < 7; k++) {
            p = sim_pub(0, 1, 2, sim_rates[i]);
            begin(&s, &p, targets[k]);
            sim_play(&s, &p, 60000);
            sim_finish(&s);

            sim_must(&s, sim_missing(&s, LIVE_AUDIO) == 0, "%d lost",
                     (int) sim_missing(&s, LIVE_AUDIO));
            sim_must(&s, s.track[LIVE_AUDIO].odd == 0, "odd durations");
            sim_must(&s, 1024000.0 / sim_rates[i] > (double) targets[k]
                         || s.track[LIVE_AUDIO].gaps == 0, "%d gaps",
                     (int) s.track[LIVE_AUDIO].gaps);
            sim_must(&s, s.track[LIVE_AUDIO].latency_max < 0.002
                     || 1024000.0 / sim_rates[i] * 7 > (double) targets[k],
                     "late by %.4f", s.track[LIVE_AUDIO].latency_max);

            for (n = 0; n < s.track[LIVE_AUDIO].msn; n++) {
                sim_must(&s, fabs(s.track[LIVE_AUDIO].segments[n].end
                                  - s.track[LIVE_AUDIO].segments[n].start - 2)
                             <= 0.51 * 1024 / sim_rates[i],
                         "segment %d: %.4f s", (int) n,
                         s.track[LIVE_AUDIO].segments[n].end
                         - s.track[LIVE_AUDIO].segments[n].start);
            }

            sim_sane(&s, "FM-SEG-10 audio alone, %u Hz, parts of %d ms",
                     sim_rates[i], (int) targets[k]);
            sim_close(&s);
        }
    }
}


/* FM-SEG-11 */

static void
interleaved(void)
{
    size_t     i, k;
    sim_t      s;
    sim_pub_t  p;

    static const int64_t  delays[] = {
        -900, -500, -100, -20, 20, 100, 500, 900
    };
    static const uint32_t  fps[] = { 5, 25, 60 };

    for (i = 0; i < 8; i++) {
        for (k = 0; k < 3; k++) {
            p = sim_pub(fps[k], 1, 2, 44100);
            p.audio_delay_ms = delays[i];

            begin(&s, &p, 500);
            sim_play(&s, &p, 60000);
            sim_finish(&s);

            sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
            sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 1, "%d audio lost",
                     (int) sim_missing(&s, LIVE_AUDIO));
            sim_must(&s, s.track[LIVE_AUDIO].gaps <= 1, "gaps");
            sim_must(&s, s.events[LIVE_TIMELINE_TRACK_LOST] == 0, "lost");
            sim_sane(&s, "FM-SEG-11 %u fps, audio arrives %d ms late: segments "
                     "of both begin within half a frame of audio", fps[k],
                     (int) delays[i]);
            sim_close(&s);
        }
    }
}


/* whatever the sink refuses ends the timeline at once, and for good */

static void
refusals(void)
{
    int                   n, rc, bad;
    sim_t                 s;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    bad = 0;

    for (n = 1; n <= 120; n++) {
        c = sim_conf(500, 2000);
        sim_open(&s, &c);
        s.fail_at = n;
        p = sim_pub(30, 1, 2, 48000);
        sim_headers(&s, &p);

        rc = sim_play(&s, &p, 30000);

        bad += (rc != LIVE_EIO);
        bad += (sim_video(&s, 30000, 0, 1) != LIVE_EIO);
        bad += (sim_avc(&s, 30000, 40) != LIVE_EIO);
        bad += (live_timeline_tick(s.tl, s.mono) != LIVE_EIO);
        bad += (live_timeline_finish(s.tl, &s.resume) != LIVE_EIO);
        bad += s.after_fail;

        sim_close(&s);
    }

    is_int(bad, 0, "what the sink returns is returned at once, and no further "
           "call is made");
}


/* codecs that are not ours, and garbage, between the frames */

static void
garbage(void)
{
    int        n, rc;
    sim_t      s;
    uint8_t    junk[64];
    uint32_t   seed, i;
    sim_pub_t  p;

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p, 500);
    seed = 4711;
    rc = 0;

    for (n = 1; n < 2000; n++) {
        sim_play(&s, &p, n * 10);

        for (i = 0; i < sizeof(junk); i++) {
            junk[i] = (uint8_t) sim_random(&seed);
        }

        switch (n % 6) {
        case 0:  junk[0] = 0x12; break;                /* H.263 */
        case 1:  junk[0] = 0x2f; break;                /* MP3 */
        case 2:  junk[0] = 0x27; junk[1] = 1;          /* a length beyond */
                 junk[5] = 0x7f; break;
        case 3:  junk[0] = 0x17; junk[1] = 0;          /* a broken avcC */
                 junk[5] = 9; break;
        case 4:  junk[0] = 0x17; junk[1] = 2; break;   /* end of sequence */
        default: junk[0] = 0xaf; junk[1] = 9; break;   /* no such packet */
        }

        rc = sim_message(&s, n % 6 == 1 || n % 6 == 5 ? LIVE_AUDIO : LIVE_VIDEO,
                         n * 10, junk, n % 7 ? sizeof(junk) : 5);

        sim_must(&s, rc == LIVE_OK || rc == LIVE_EUNSUPPORTED, "%d", rc);
    }

    sim_finish(&s);
    is_int(sim_missing(&s, LIVE_VIDEO), 0, "no frame is lost among garbage");
    sim_sane(&s, "garbage and other codecs between the frames");
    sim_close(&s);

    /* video is nothing but garbage from some time on: lost, audio goes on */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p, 500);
    sim_play(&s, &p, 10300);
    p.fps_num = 0;
    memset(junk, 0x7f, sizeof(junk));
    junk[0] = 0x27;
    junk[1] = 1;

    for (n = 10300; n < 30000; n += 33) {
        sim_play(&s, &p, n);
        sim_message(&s, LIVE_VIDEO, n, junk, sizeof(junk));
    }

    sim_finish(&s);
    s.relax |= SIM_RELAX_HOLES;
    is_int(s.events[LIVE_TIMELINE_TRACK_LOST], 1, "FM-SEG-14 a track of "
           "garbage is lost");
    sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 1, "audio lost");
    sim_sane(&s, "FM-SEG-14 audio goes on beside garbage");
    sim_close(&s);
}


/* the measured frame rate */

static void
rates(void)
{
    size_t     i;
    sim_t      s;
    int64_t    fps, want;
    sim_pub_t  p;

    static const uint32_t  r[][2] = {
        { 24000, 1001 }, { 25, 1 }, { 30000, 1001 }, { 60, 1 }, { 5, 1 }
    };

    for (i = 0; i < 5; i++) {
        p = sim_pub(r[i][0], r[i][1], 2, 48000);
        begin(&s, &p, 500);
        sim_play(&s, &p, 20000);

        fps = live_timeline_stats(s.tl)->fps_milli;
        want = (int64_t) r[i][0] * 1000 / r[i][1];

        ok(llabs(fps - want) <= want / 500, "measures %" PRId64 " for %" PRId64
           " frames in 1000 s", fps, want);

        is_int(live_timeline_stats(s.tl)->frames[LIVE_VIDEO],
               s.track[LIVE_VIDEO].nsent, "counts frames");
        sim_finish(&s);
        sim_close(&s);
    }
}


int
main(void)
{
    irregular();
    variable();
    limits();
    audio_alone();
    interleaved();
    refusals();
    garbage();
    rates();

    return done_testing();
}
