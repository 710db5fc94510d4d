/*
 * Clocks: what publishers do to timestamps, and what must come of it.
 */

#include "timeline_sim.h"


static double
spread(const sim_t *s, live_media_e media)
{
    return s->track[media].sync_max - s->track[media].sync_min;
}


static void
begin(sim_t *s, sim_pub_t *p, int64_t part_ms)
{
    live_timeline_conf_t  c;

    c = sim_conf(part_ms, 2000);

    sim_open(s, &c);
    sim_headers(s, p);
}


/* FM-TIME-01, 02 */

static void
composition(void)
{
    int                   i;
    sim_t                 s;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    static const int32_t  offsets[] = { -1, -40, -80, -400, 1, 80, 400 };

    /* constant offsets, also below 0 */

    for (i = 0; i < 7; i++) {
        p = sim_pub(25, 1, 2, 48000);
        p.cts = offsets[i];

        begin(&s, &p, 500);
        sim_play(&s, &p, 20000);
        sim_finish(&s);

        is_int(sim_missing(&s, LIVE_VIDEO), 0, "all frames come out");
        sim_sane(&s, "FM-TIME-01 FM-TIME-02 composition offsets of %d ms, the "
                 "first timestamp is 0", offsets[i]);
        sim_close(&s);
    }

    for (i = 1; i <= 4; i++) {
        p = sim_pub(30, 1, 2, 44100);
        p.bframes = (uint32_t) i;

        begin(&s, &p, 500);
        sim_play(&s, &p, 30000);
        sim_finish(&s);

        is_int(sim_missing(&s, LIVE_VIDEO), 0, "all frames come out");
        sim_sane(&s, "FM-TIME-01 %d B-frames: presentation times as sent, a "
                 "segment begins with its earliest", i);
        sim_close(&s);
    }

    /* nonsense offsets: frames go, the stream stays */

    c = sim_conf(500, 2000);
    sim_open(&s, &c);
    p = sim_pub(25, 1, 2, 0);
    sim_headers(&s, &p);

    for (i = 0; i < 1000; i++) {
        s.mono += 40000;
        sim_video(&s, i * 40, i % 7 ? 40 : -8388608 + i * 16000, i % 50 == 0);
    }

    s.relax |= SIM_RELAX_PTS;
    sim_finish(&s);
    sim_must(&s, s.track[LIVE_VIDEO].frames > 800, "frames");
    sim_sane(&s, "FM-TIME-01 offsets of hours are refused");
    sim_close(&s);
}


/* FM-TIME-03 */

static void
jitter(void)
{
    size_t     i, k;
    sim_t      s;
    sim_pub_t  p;

    static const uint32_t  rates[] = { 48000, 44100, 32000, 22050, 8000 };
    static const int32_t   some[] = { 0, 1, 2, 5, 20 };

    for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (k = 0; k < sizeof(some) / sizeof(some[0]); k++) {
            p = sim_pub(30, 1, 2, rates[i]);
            p.jitter_ms = some[k];

            begin(&s, &p, 500);
            s.relax |= SIM_RELAX_SYNC;
            sim_play(&s, &p, 300000);
            sim_finish(&s);

            if (some[k] <= 2) {
                sim_must(&s, s.track[LIVE_AUDIO].odd == 0, "%d odd durations",
                         (int) s.track[LIVE_AUDIO].odd);
            }

            sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 3, "frames lost");
            sim_must(&s, s.track[LIVE_AUDIO].gaps <= 1, "gaps");

            /* it is jitter that is measured here too, so it counts twice */

            sim_must(&s, spread(&s, LIVE_AUDIO)
                         < 0.012 + 3.0 * some[k] / 1000,
                     "audio moved by %.4f", spread(&s, LIVE_AUDIO));

            sim_sane(&s, "FM-TIME-03 %u Hz, timestamps off by up to %d ms: %s",
                     rates[i], some[k], some[k] <= 2
                     ? "every frame lasts exactly its samples" : "no hole");
            sim_close(&s);
        }
    }

    for (i = 0; i < 4; i++) {
        static const double  drifts[] = { 1e-4, -1e-4, 1e-3, -1e-3 };

        p = sim_pub(30, 1, 2, 48000);
        p.audio_drift = drifts[i];

        begin(&s, &p, i % 2 ? 512 : 500);
        sim_play(&s, &p, 1200000);
        sim_finish(&s);

        sim_must(&s, spread(&s, LIVE_AUDIO) < 0.010, "audio moved by %.4f",
                 spread(&s, LIVE_AUDIO));
        sim_must(&s, s.track[LIVE_AUDIO].odd > 0, "no step");
        sim_sane(&s, "FM-TIME-03 samples and timestamps %+.0f ppm apart: "
                 "followed in steps", drifts[i] * 1e6);
        sim_close(&s);
    }
}


/* the steps that a drift makes are small, at the ends of parts alone */

static int64_t  step_most;
static int      step_within;

static int
step_part(void *ctx, uint32_t track, const live_timeline_part_t *in)
{
    int64_t   d;
    uint32_t  i;

    for (i = 0; track == LIVE_AUDIO && i < in->nsamples; i++) {
        d = llabs((int64_t) in->samples[i].duration - 1024);

        step_most = d > step_most ? d : step_most;
        step_within += d && i + 1 < in->nsamples;
    }

    return sim_part(ctx, track, in);
}


static void
steps(void)
{
    sim_t                 s;
    sim_pub_t             p;
    live_timeline_conf_t  c;
    live_timeline_sink_t  sink;

    c = sim_conf(500, 2000);
    sim_open(&s, &c);
    live_timeline_destroy(s.tl);

    sink = sim_sink;
    sink.part = step_part;
    s.tl = live_timeline_create(&c, &s.resume, &sink, &s);

    p = sim_pub(30, 1, 2, 48000);
    p.audio_drift = 3e-4;
    p.jitter_ms = 2;
    step_most = 0;
    step_within = 0;

    sim_headers(&s, &p);
    sim_play(&s, &p, 600000);
    sim_finish(&s);

    ok(step_most > 0 && step_most <= 48, "FM-TIME-03 a step is at most 1 ms");
    is_int(step_within, 0, "FM-TIME-03 steps stand at the ends of parts");
    sim_sane(&s, "FM-TIME-03 drift and jitter");
    sim_close(&s);
}


static void
hours(void)
{
    int        i;
    sim_t      s;
    sim_pub_t  p;

    for (i = 0; i < 2; i++) {
        p = sim_pub(5, 1, 2, 8000);
        p.audio_drift = i ? -1e-4 : 1e-4;
        p.clock_drift = i ? 1e-4 : -1e-4;

        begin(&s, &p, 2000);
        sim_play(&s, &p, 60.0 * 3600 * 1000);
        sim_finish(&s);

        sim_must(&s, spread(&s, LIVE_AUDIO) < 0.010, "audio moved by %.4f",
                 spread(&s, LIVE_AUDIO));
        sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
        sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 2, "audio lost");
        sim_must(&s, s.pdt_ahead < 0.5 && s.pdt_behind > -1, "dates %.3f %.3f",
                 s.pdt_behind, s.pdt_ahead);
        sim_must(&s, s.track[LIVE_VIDEO].msn > 107000, "segments");
        sim_sane(&s, "FM-TIME-03 FM-TIME-07 60 hours, 100 ppm %s: audio stays "
                 "within 10 ms, dates within a second of arrival",
                 i ? "slow" : "fast");
        sim_close(&s);
    }
}


/* real gaps in audio are kept, extra frames go */

static void
gaps(void)
{
    int        i;
    sim_t      s;
    sim_pub_t  p;

    static const int  lost[] = { 1, 2, 4, 10, 30 };

    for (i = 0; i < 5; i++) {
        p = sim_pub(30, 1, 2, 48000);
        begin(&s, &p, 500);

        sim_play(&s, &p, 10300);
        p.a += (uint64_t) lost[i];
        sim_play(&s, &p, 30000);
        sim_finish(&s);

        s.relax |= SIM_RELAX_SYNC;
        sim_must(&s, spread(&s, LIVE_AUDIO) < lost[i] * 0.0214 + 0.005,
                 "audio moved by %.4f", spread(&s, LIVE_AUDIO));

        /* the end is in step again */

        sim_must(&s, fabs(s.track[LIVE_AUDIO].media_end / 48000.0
                          - s.track[LIVE_VIDEO].media_end / 90000.0)
                     < 0.022 + 0.033,
                 "ends at %.4f and %.4f",
                 s.track[LIVE_AUDIO].media_end / 48000.0,
                 s.track[LIVE_VIDEO].media_end / 90000.0);
        sim_sane(&s, "FM-TIME-03 %d frames of audio missing: in step again",
                 lost[i]);
        sim_close(&s);
    }
}


/* FM-TIME-04 */

static void
jumps(void)
{
    size_t     i, k, n;
    sim_t      s;
    sim_pub_t  p;

    static const int64_t  by[] = {
        3600000, -3600000, 86400000, 20000, 5000, -5000, -10000, 2147000000,
        -2147000000, 3000000000
    };
    static const int64_t  delays[] = { 0, 300, -300, 900, -900 };

    for (i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        for (k = 0; k < sizeof(delays) / sizeof(delays[0]); k++) {
            for (n = 0; n < 3; n++) {
                p = sim_pub(n == 1 ? 0 : 30, 1, 2, n == 2 ? 0 : 48000);
                p.base_ms = 1000;
                p.audio_delay_ms = delays[k];
                p.jump_at_ms = 20340;
                p.jump_ms = by[i];

                begin(&s, &p, 500);
                sim_play(&s, &p, 60000);
                sim_finish(&s);

                sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 1, "%u jumps",
                         s.events[LIVE_TIMELINE_JUMP]);
                sim_must(&s, sim_missing(&s, LIVE_VIDEO) <= 1, "video lost");
                sim_must(&s, sim_missing(&s, LIVE_AUDIO)
                             <= (delays[k] < 0 ? 15u : 3u), "%d audio lost",
                         (int) sim_missing(&s, LIVE_AUDIO));
                sim_must(&s, spread(&s, LIVE_AUDIO) < 0.012,
                         "audio moved by %.4f", spread(&s, LIVE_AUDIO));
                sim_must(&s, s.track[LIVE_VIDEO].gaps <= 1
                             && s.track[LIVE_AUDIO].gaps <= 2, "gaps");

                sim_sane(&s, "FM-TIME-04 timestamps jump by %" PRId64 " ms, "
                         "%s%s arrives %" PRId64 " ms late", by[i],
                         n == 1 ? "" : "video ", n == 2 ? "alone" : "audio",
                         delays[k]);
                sim_close(&s);

                if (n && k) {
                    break;
                }
            }
        }
    }

    /* one track alone, and for good */

    for (i = 0; i < 4; i++) {
        p = sim_pub(30, 1, 2, 48000);
        p.base_ms = 100000;
        p.jump_at_ms = 20340;
        p.jump_ms = i & 1 ? -50000 : 50000;
        p.jump_tracks = i & 2 ? 1u << LIVE_VIDEO : 1u << LIVE_AUDIO;

        begin(&s, &p, 500);
        sim_play(&s, &p, 60000);
        sim_finish(&s);

        sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 1, "jumps");
        sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
        sim_sane(&s, "FM-TIME-04 only %s jumps, by %" PRId64 " ms",
                 i & 2 ? "video" : "audio", p.jump_ms);
        sim_close(&s);
    }

    /* ten jumps, each within a second of the last */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p, 500);
    sim_play(&s, &p, 5000);

    for (i = 0; i < 10; i++) {
        p.jump_at_ms = 5000 + (int64_t) i * 400;
        p.jump_ms = (int64_t) (i * 7919 % 13) * 100000 + 50000;
        sim_play(&s, &p, 5400 + (double) i * 400);
    }

    sim_play(&s, &p, 30000);
    sim_finish(&s);
    s.relax |= SIM_RELAX_SYNC;
    sim_must(&s, spread(&s, LIVE_VIDEO) < 0.05, "video moved");
    sim_must(&s, spread(&s, LIVE_AUDIO) < 0.15, "audio moved by %.4f",
             spread(&s, LIVE_AUDIO));
    sim_sane(&s, "FM-TIME-04 ten jumps in a row");
    sim_close(&s);
}


static void
wraps(void)
{
    int        i, k;
    sim_t      s;
    sim_pub_t  p;

    static const int      bits[] = { 24, 31, 32 };
    static const int64_t  delays[] = { 0, 900, -900 };

    for (i = 0; i < 3; i++) {
        for (k = 0; k < 3; k++) {
            p = sim_pub(30, 1, 2, 44100);
            p.mask = ((uint64_t) 1 << bits[i]) - 1;
            p.base_ms = ((int64_t) 1 << bits[i]) - 20000;
            p.audio_delay_ms = delays[k];

            begin(&s, &p, 500);
            sim_play(&s, &p, 60000);
            sim_finish(&s);

            sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
            sim_must(&s, s.events[LIVE_TIMELINE_NOT_MONOTONIC] == 0, "back");
            sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
            sim_must(&s, s.track[LIVE_AUDIO].odd == 0, "odd");
            sim_sane(&s, "FM-TIME-04 timestamps wrap at %d bits, audio arrives "
                     "%" PRId64 " ms late: not seen", bits[i], delays[k]);
            sim_close(&s);
        }
    }

    /* a wrap at full width, where signed arithmetic changes its mind */

    p = sim_pub(30, 1, 2, 44100);
    p.base_ms = (int64_t) 0x7fffffff - 20000;

    begin(&s, &p, 500);
    sim_play(&s, &p, 60000);
    sim_finish(&s);
    sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
    sim_sane(&s, "FM-TIME-04 32-bit timestamps pass 2^31");
    sim_close(&s);
}


/* a publisher that rests, and whose timestamps say so */

static void
pauses(void)
{
    int        i, n;
    sim_t      s;
    sim_pub_t  p;

    static const int  seconds[] = { 2, 10, 30, 55, 200, 90000 };

    for (i = 0; i < 6; i++) {
        for (n = 0; n < 3; n++) {
            p = sim_pub(n == 1 ? 0 : 30, 1, 2, n == 2 ? 0 : 48000);

            begin(&s, &p, 500);
            sim_play(&s, &p, 10000);

            p.v += (uint64_t) (30 * seconds[i]) / p.gop * p.gop;
            p.a = (uint64_t) ((sim_next_v(&p) * 48) / 1024);

            if (n == 1) {
                p.a = (uint64_t) ((10000 + seconds[i] * 1000.0) * 48 / 1024);
            }

            sim_play(&s, &p, 10000 + seconds[i] * 1000.0 + 20000);
            sim_finish(&s);

            s.relax |= SIM_RELAX_HOLES;
            sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
            sim_must(&s, s.track[LIVE_VIDEO].parts < 1000
                         && s.track[LIVE_AUDIO].parts < 1000, "%d parts",
                     (int) s.track[LIVE_AUDIO].parts);
            sim_must(&s, s.resume.discontinuity == (seconds[i] > 64), "%u",
                     s.resume.discontinuity);
            sim_sane(&s, "FM-TIME-04 %s pauses for %d s: %s",
                     n == 0 ? "a publisher" : n == 1 ? "audio" : "video",
                     seconds[i], seconds[i] > 64 ? "a discontinuity" : "gaps");
            sim_close(&s);
        }
    }
}


/* FM-TIME-05 */

static void
backwards(void)
{
    int                   i, n;
    sim_t                 s;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    /* pairs of the same time; steps back; long rows of the same time */

    for (i = 0; i < 4; i++) {
        int64_t  v, a;

        c = sim_conf(500, 2000);
        sim_open(&s, &c);
        p = sim_pub(25, 1, 2, 48000);
        sim_headers(&s, &p);
        s.relax |= SIM_RELAX_SYNC|SIM_RELAX_PTS;

        for (n = 0, a = 0; n < 2000; n++) {
            s.mono = SIM_MONO + n * 40000;
            v = n * 40;

            switch (i) {
            case 0:  v -= n % 2 * 40; break;
            case 1:  v -= n % 50 == 25 ? 300 : 0; break;
            case 2:  v -= n % 20 * 45; break;
            default: v = n / 25 * 1000; break;
            }

            for ( /* void */ ; a * 64 / 3 < n * 40; a++) {
                sim_audio(&s, a * 64 / 3 - (i == 2 ? a % 10 * 5 : 0));
            }

            sim_video(&s, v, 0, n % 50 == 0);
        }

        sim_finish(&s);

        sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "frames lost");
        sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
        sim_must(&s, s.events[LIVE_TIMELINE_NOT_MONOTONIC] == (i != 3 && i),
                 "%u warnings", s.events[LIVE_TIMELINE_NOT_MONOTONIC]);

        sim_sane(&s, "FM-TIME-05 %s: dts grows, said at most once",
                 i == 0 ? "pairs of equal times"
                 : i == 1 ? "single steps back of 300 ms"
                 : i == 2 ? "time that runs backwards for 0.8 s" : "a second stands still");
        sim_close(&s);
    }

    /* many small steps back are a jump in the end */

    c = sim_conf(500, 2000);
    sim_open(&s, &c);
    p = sim_pub(25, 1, 2, 0);
    sim_headers(&s, &p);
    s.relax |= SIM_RELAX_SYNC|SIM_RELAX_PTS;

    for (n = 0; n < 1000; n++) {
        s.mono += 40000;
        sim_video(&s, 1000000 + n * 40 - n / 50 * 900, 0, n % 50 == 0);
    }

    sim_finish(&s);
    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "frames lost");
    sim_sane(&s, "FM-TIME-05 steps back of 900 ms again and again");
    sim_close(&s);
}


/* FM-TIME-06 */

static void
reconnects(void)
{
    int        i, n;
    sim_t      s;
    double     at;
    sim_pub_t  p;

    static const int64_t  away[] = {
        1000, 100000, 3000000, 25000000, 3600000000ll
    };

    for (i = 0; i < 5; i++) {
        p = sim_pub(30, 1, 2, 48000);
        p.base_ms = 500000;
        begin(&s, &p, 500);
        sim_play(&s, &p, 15300);
        sim_finish(&s);

        s.relax |= SIM_RELAX_SYNC;

        for (n = 1; n <= 3; n++) {
            at = s.track[LIVE_VIDEO].end_s;
            sim_again(&s, away[i]);

            p = sim_pub(30, 1, 2, 48000);
            p.bframes = (uint32_t) n;

            sim_headers(&s, &p);
            sim_play(&s, &p, 15300);
            sim_finish(&s);

            sim_must(&s, s.resume.discontinuity == (unsigned) n, "%u",
                     s.resume.discontinuity);
            sim_must(&s, s.track[LIVE_VIDEO].init == 1
                         && s.track[LIVE_AUDIO].init == 1, "another init");

            at = s.track[LIVE_VIDEO].segments[s.track[LIVE_VIDEO].msn].end
                 - at - 15.3 - (double) away[i] / 1e6;
            sim_must(&s, fabs(at) < 0.7, "the clock is off by %.3f", at);
        }

        /* no date is given twice: he who is back at once is ahead, each time */

        sim_must(&s, s.pdt_ahead < (away[i] < 500000 ? 0.7 : 0.1)
                     && s.pdt_behind > -1, "dates: %.3f", s.pdt_ahead);
        sim_sane(&s, "FM-TIME-06 a publisher is back after %" PRId64 " ms, "
                 "from 0: the clock and the numbers go on", away[i] / 1000);
        sim_close(&s);
    }
}


/* FM-TIME-07, 09 */

static void
dates(void)
{
    int                   i;
    int64_t               first, *pdt;
    sim_t                 s;
    uint64_t              n;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    /* whatever the encoder's clock says */

    for (i = 0; i < 3; i++) {
        static const int64_t  bases[] = { 0, 3000000000, 86400000 };

        p = sim_pub(30, 1, 2, 48000);
        p.base_ms = bases[i];

        begin(&s, &p, 500);
        sim_play(&s, &p, 120000);
        sim_finish(&s);

        sim_must(&s, s.pdt_ahead < 0.05 && s.pdt_behind > -0.05, "%.3f %.3f",
                 s.pdt_behind, s.pdt_ahead);
        sim_sane(&s, "FM-TIME-07 FM-ENC-06 dates are those of arrival, an encoder's "
                 "clock that begins at %" PRId64 " ms is not asked", bases[i]);
        sim_close(&s);
    }

    /* the network stalls, and all comes at once */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p, 500);
    sim_play(&s, &p, 60000);
    p.stall_ms = 75000;
    sim_play(&s, &p, 120000);
    sim_finish(&s);

    sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
    n = s.track[LIVE_VIDEO].msn;
    first = s.track[LIVE_VIDEO].segments[n].pdt_us - SIM_EPOCH - SIM_MONO;
    sim_must(&s, llabs(first - (int64_t) ((s.track[LIVE_VIDEO].segments[n].start
                                           - 10) * 1e6)) < 100000, "moved");
    sim_sane(&s, "FM-TIME-07 a stall of 15 s does not move dates");
    sim_close(&s);

    /* ten seconds of pre-roll at ten times the speed, then real time */

    p = sim_pub(30, 1, 2, 48000);
    p.speed = 10;
    begin(&s, &p, 500);
    sim_play(&s, &p, 10000);
    p.mono0 = s.mono - 10000000;
    p.speed = 1;
    sim_play(&s, &p, 60000);
    sim_finish(&s);

    sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0, "a jump");
    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
    sim_must(&s, s.resume.discontinuity == 0, "a discontinuity");
    sim_sane(&s, "FM-TIME-07 FM-ENC-16 a burst faster than real time is no jump");
    sim_close(&s);

    /* only the epoch that was read once makes the difference */

    pdt = calloc(1000, sizeof(int64_t));

    for (i = 0; i < 2; i++) {
        c = sim_conf(500, 2000);
        sim_open(&s, &c);
        live_timeline_destroy(s.tl);
        s.resume.epoch_us = SIM_EPOCH + i * 3600000000ll;
        s.tl = live_timeline_create(&c, &s.resume, &sim_sink, &s);

        p = sim_pub(30, 1, 2, 48000);
        sim_headers(&s, &p);
        sim_play(&s, &p, 60000);
        sim_finish(&s);

        for (n = 0; n <= s.track[LIVE_VIDEO].msn; n++) {
            if (i == 0) {
                pdt[n] = s.track[LIVE_VIDEO].segments[n].pdt_us;
            }

            sim_must(&s, s.track[LIVE_VIDEO].segments[n].pdt_us
                         == pdt[n] + i * 3600000000ll, "date %d", (int) n);
        }

        sim_sane(&s, "FM-TIME-09 dates hang on the epoch and the monotonic "
                 "clock alone%s", i ? ", an hour later too" : "");
        sim_close(&s);
    }

    free(pdt);
}


int
main(void)
{
    composition();
    jitter();
    steps();
    hours();
    gaps();
    jumps();
    wraps();
    pauses();
    backwards();
    reconnects();
    dates();

    return done_testing();
}
