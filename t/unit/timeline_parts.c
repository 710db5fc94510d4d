/*
 * Parts and segments of publishers that behave: every frame rate, part target and
 * distance of key frames.
 */

#include "timeline_sim.h"


typedef struct {
    uint32_t     num;
    uint32_t     den;
    const char  *name;
} rate_t;


static const rate_t  rates[] = {
    { 1, 1, "1" }, { 5, 1, "5" }, { 12, 1, "12" }, { 15, 1, "15" },
    { 24000, 1001, "23.976" }, { 25, 1, "25" }, { 30000, 1001, "29.97" },
    { 30, 1, "30" }, { 50, 1, "50" }, { 60000, 1001, "59.94" },
    { 60, 1, "60" }, { 120, 1, "120" }
};

static const int64_t  targets[] = { 100, 200, 333, 500, 1000, 2000 };

static const double  gops[] = { 0.5, 1, 2, 2.5, 4, 10, 20 };


/* one minute; all that was sent comes out, in time */

static void
minute(const rate_t *r, int64_t part, double gop, uint32_t audio,
    uint32_t bframes)
{
    sim_t                 s;
    double                frame;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    c = sim_conf(part, 2000);
    p = sim_pub(r->num, r->den, gop, audio);
    p.bframes = bframes;

    sim_open(&s, &c);
    sim_headers(&s, &p);
    sim_must(&s, sim_play(&s, &p, 60000) == LIVE_OK, "message");
    sim_must(&s, sim_finish(&s) == LIVE_OK, "finish");

    frame = (double) r->den / r->num;

    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "%d frames of video lost",
             (int) sim_missing(&s, LIVE_VIDEO));
    sim_must(&s, (double) sim_missing(&s, LIVE_AUDIO)
                 <= 1 + (bframes ? frame * audio / 1024 : 0),
             "%d frames of audio lost", (int) sim_missing(&s, LIVE_AUDIO));
    sim_must(&s, s.track[LIVE_AUDIO].odd == 0, "%d odd durations",
             (int) s.track[LIVE_AUDIO].odd);

    /* a part is there as soon as the frame behind it is, or is as good as sure */

    sim_must(&s, s.track[LIVE_VIDEO].latency_max <= frame + 0.003,
             "video late by %.4f", s.track[LIVE_VIDEO].latency_max);

    /* gaps only where frames are rarer than parts, or before the GOP is known */

    sim_must(&s, frame * 1000 > (double) part || s.track[LIVE_VIDEO].gaps <= 1,
             "%d gaps", (int) s.track[LIVE_VIDEO].gaps);
    sim_must(&s, s.track[LIVE_AUDIO].gaps
                 == (audio ? s.track[LIVE_AUDIO].segments
                             [s.track[LIVE_AUDIO].msn].gaps : 0),
             "gaps in audio before its end");
    sim_must(&s, frame * 1000 < (double) part * 1.5
                 || s.track[LIVE_VIDEO].gaps, "no gap");

    sim_must(&s, s.events[LIVE_TIMELINE_FORCED_CUT]
                 == (p.gop * frame > 4.0005 ? 1u : 0u), "%u warnings",
             s.events[LIVE_TIMELINE_FORCED_CUT]);
    sim_must(&s, s.events[LIVE_TIMELINE_JUMP] == 0
                 && s.events[LIVE_TIMELINE_TRACK_LOST] == 0
                 && s.events[LIVE_TIMELINE_NOT_MONOTONIC] == 0, "events");

    sim_sane(&s, "%s fps, parts of %d ms, a key frame each %g s, %u Hz, %u B",
             r->name, (int) part, gop, audio, bframes);
    sim_close(&s);
}


int
main(void)
{
    size_t  r, t, g;

    for (r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
        for (t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
            minute(&rates[r], targets[t], 2, 48000, 0);
            minute(&rates[r], targets[t], 2, 0, 0);
        }

        for (g = 0; g < sizeof(gops) / sizeof(gops[0]); g++) {
            minute(&rates[r], 500, gops[g], 44100, rates[r].num > 10 ? 2 : 0);
        }
    }

    return done_testing();
}
