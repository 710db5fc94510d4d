/*
 * Tracks that come late, stop and come back, and configurations that change.
 */

#include "timeline_sim.h"


static void
begin(sim_t *s, sim_pub_t *p)
{
    live_timeline_conf_t  c;

    c = sim_conf(500, 2000);

    sim_open(s, &c);
    sim_headers(s, p);
}


/* one track rests until the time ms, the other plays on */

static void
without(sim_t *s, sim_pub_t *p, live_media_e media, double ms)
{
    uint32_t  keep;

    if (media == LIVE_VIDEO) {
        keep = p->fps_num;
        p->fps_num = 0;
        sim_play(s, p, ms);
        p->fps_num = keep;

        while (sim_next_v(p) < (double) p->base_ms + ms) {
            p->v++;
        }

    } else {
        keep = p->rate;
        p->rate = 0;
        sim_play(s, p, ms);
        p->rate = keep;

        while (sim_next_a(p) < (double) p->base_ms + ms) {
            p->a++;
        }
    }
}


static uint32_t
gaps_in(const sim_t *s, live_media_e media, uint64_t from, uint64_t to)
{
    uint32_t  n;

    for (n = 0; from <= to; from++) {
        n += s->track[media].segments[from].gaps;
    }

    return n;
}


/* FM-CODEC-01 */

static void
metadata(void)
{
    int                   i;
    sim_t                 s;
    int64_t               at;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    /* nothing announced, both headers come first: no wait */

    c = sim_conf(500, 2000);
    sim_open(&s, &c);
    p = sim_pub(30, 1, 2, 48000);
    sim_avc(&s, 0, 31);
    sim_aac(&s, 0, 48000);
    sim_play(&s, &p, 100);

    is_int(s.started, 1, "FM-CODEC-01 no metadata, both headers: starts with "
           "the first key frame");
    is_int(s.tracks, 3, "with both tracks");

    sim_play(&s, &p, 20000);
    sim_finish(&s);
    is_int(sim_missing(&s, LIVE_VIDEO), 0, "all frames come out");
    sim_sane(&s, "FM-CODEC-01 no metadata");
    sim_close(&s);

    /* nothing announced, one track: a bounded wait, nothing of it is lost */

    for (i = 0; i < 2; i++) {
        sim_open(&s, &c);
        p = sim_pub(i ? 0 : 30, 1, 20, i ? 48000 : 0);

        if (i) {
            sim_aac(&s, 0, 48000);
        } else {
            sim_avc(&s, 0, 31);
        }

        sim_play(&s, &p, 1900);
        is_int(s.started, 0, "FM-CODEC-01 waits for a track that may come");
        sim_play(&s, &p, 2100);
        is_int(s.started, 1, "FM-CODEC-01 and not for ever");
        is_int(s.tracks, i ? 2 : 1, "with what there is");

        sim_play(&s, &p, 20000);
        sim_finish(&s);
        is_int(sim_missing(&s, i ? LIVE_AUDIO : LIVE_VIDEO), 0,
               "what was sent meanwhile is not lost");
        sim_sane(&s, "FM-CODEC-01 no metadata, %s alone", i ? "audio"
                                                           : "video");
        sim_close(&s);
    }

    /* announced and never sent; the wait ends by the clock on the wall too */

    for (i = 0; i < 2; i++) {
        sim_open(&s, &c);
        p = sim_pub(30, 1, 2, 0);
        live_timeline_expect(s.tl, 3);
        sim_avc(&s, 0, 31);
        sim_play(&s, &p, i ? 500 : 1900);
        is_int(s.started, 0, "FM-CODEC-01 waits for the audio announced");

        if (i) {
            s.mono += 1000000;
            live_timeline_tick(s.tl, s.mono);
            is_int(s.started, 0, "FM-CODEC-01 still");
            s.mono += 600000;
            live_timeline_tick(s.tl, s.mono);
            is_int(s.started, 1, "FM-CODEC-01 a tick ends the wait");
            p.mono0 += 1600000;
        }

        sim_play(&s, &p, 20000);
        is_int(s.tracks, 1, "video alone");
        sim_finish(&s);
        sim_sane(&s, "FM-CODEC-01 metadata announces audio that never comes");
        sim_close(&s);
    }

    /* announced as audio alone, and so it is: no wait */

    sim_open(&s, &c);
    p = sim_pub(0, 1, 2, 48000);
    sim_headers(&s, &p);
    sim_play(&s, &p, 40);
    is_int(s.started, 1, "FM-CODEC-01 audio alone, announced: starts at once");
    sim_play(&s, &p, 10000);
    sim_finish(&s);
    is_int(sim_missing(&s, LIVE_AUDIO), 0, "all frames come out");
    sim_sane(&s, "FM-CODEC-01 audio alone");
    sim_close(&s);

    /* announced without video, which comes all the same */

    sim_open(&s, &c);
    p = sim_pub(30, 1, 2, 48000);
    live_timeline_expect(s.tl, 1u << LIVE_AUDIO);
    sim_avc(&s, 0, 31);
    sim_aac(&s, 0, 48000);
    sim_play(&s, &p, 20000);
    at = s.track[LIVE_VIDEO].first_msn;
    sim_finish(&s);
    is_int(s.tracks, 3, "FM-CODEC-01 a track that was not announced is there");
    is_int(at, 0, "from the beginning");
    sim_sane(&s, "FM-CODEC-01 metadata forgets the video");
    sim_close(&s);
}


/* FM-CODEC-02 */

static void
late_headers(void)
{
    int                   i, media;
    sim_t                 s;
    sim_pub_t             p;
    live_timeline_conf_t  c;

    static const int  ms[] = { 10, 700, 1700, 3000, 9100 };

    c = sim_conf(500, 2000);

    for (media = 0; media < 2; media++) {
        for (i = 0; i < 5; i++) {
            sim_open(&s, &c);
            p = sim_pub(30, 1, 2, 48000);
            live_timeline_expect(s.tl, 3);

            if (media == LIVE_VIDEO) {
                sim_aac(&s, 0, 48000);
            } else {
                sim_avc(&s, 0, 31);
            }

            sim_play(&s, &p, ms[i]);

            if (media == LIVE_VIDEO) {
                sim_avc(&s, ms[i], 31);
            } else {
                sim_aac(&s, ms[i], 48000);
            }

            sim_play(&s, &p, 30000);
            sim_finish(&s);

            is_int(s.tracks, ms[i] < 2000 ? 3 : media == LIVE_VIDEO ? 2 : 1,
                   "tracks at the start");
            is_int(s.events[LIVE_TIMELINE_TRACK_LATE], ms[i] >= 2000,
                   "said to be late");

            sim_must(&s, s.track[media].any, "it joins");
            sim_must(&s, s.track[!media].first_msn == 0, "first msn");

            if (media == LIVE_AUDIO) {
                /* the GOP before the one that it started with at most */

                sim_must(&s, sim_missing(&s, LIVE_VIDEO)
                             <= (ms[i] < 2000 ? 0u : 60u), "video lost");
                sim_must(&s, sim_missing(&s, LIVE_AUDIO)
                             < (unsigned) (ms[i] + 2100) * 48 / 1024 + 3,
                         "audio lost");

            } else {

                /* at its first key frame behind the header, or the one after */

                sim_must(&s, sim_missing(&s, LIVE_VIDEO)
                             <= (unsigned) (ms[i] / 2000 + 1) * 60,
                         "%d frames of video lost",
                         (int) sim_missing(&s, LIVE_VIDEO));
            }

            sim_sane(&s, "FM-CODEC-02 the %s header comes after %d ms",
                     media == LIVE_VIDEO ? "AVC" : "AAC", ms[i]);
            sim_close(&s);
        }
    }
}


/* parameter sets in key frames alone */

static int
key_with_sets(sim_t *s, int64_t ms, uint8_t level)
{
    size_t      n;
    make_t      sps, pps, m;
    uint32_t    counter;
    make_sps_t  o;

    o = make_720p();
    o.level = level;

    make_sps(&sps, &o);
    make_pps(&pps, 0, 0, 0);

    counter = s->track[LIVE_VIDEO].nsent ^ 0x80808080;

    m.bits = 0;
    make_bytes(&m, "\x17\1\0\0\0", 5);
    make_bits(&m, 32, make_size(&sps));
    make_bytes(&m, sps.p, make_size(&sps));
    make_bits(&m, 32, make_size(&pps));
    make_bytes(&m, pps.p, make_size(&pps));
    make_bits(&m, 32, 12);
    make_bits(&m, 8, 0x65);
    make_bits(&m, 32, counter);
    make_bytes(&m, "abcdefg", 7);

    n = make_size(&m);

    sim_note(s, LIVE_VIDEO, ms, ms, 1);

    return sim_message(s, LIVE_VIDEO, ms, m.p, n);
}


static void
in_band(void)
{
    int                   i, n, changes;
    sim_t                 s;
    int64_t               a;
    live_timeline_conf_t  c;

    c = sim_conf(500, 2000);

    for (changes = 0; changes < 2; changes++) {
        sim_open(&s, &c);
        live_timeline_expect(s.tl, 3);
        sim_aac(&s, 0, 48000);

        for (n = 0, a = 0; n < 750; n++) {
            s.mono = SIM_MONO + n * 40000;

            for ( /* void */ ; a * 64 / 3 < n * 40; a++) {
                sim_audio(&s, a * 64 / 3);
            }

            if (n % 50 == 0) {
                i = changes && n >= 300 ? 40 : 31;
                key_with_sets(&s, n * 40, (uint8_t) i);

            } else {
                sim_video(&s, n * 40, 0, 0);
            }
        }

        sim_finish(&s);

        is_int(sim_missing(&s, LIVE_VIDEO), 0, "all frames come out");
        is_int(s.track[LIVE_VIDEO].init, 1 + changes, "init segments");
        is_int(s.resume.discontinuity, changes, "discontinuities");
        sim_sane(&s, "FM-CODEC-0%d no AVC header, parameter sets are in the "
                 "key frames%s", changes ? 4 : 2, changes ? ", and change"
                                                          : "");
        sim_close(&s);
    }
}


/* FM-CODEC-03 */

static void
repeated(void)
{
    int        i;
    sim_t      s;
    sim_pub_t  p;

    p = sim_pub(30, 1, 2, 44100);
    begin(&s, &p);

    for (i = 1; i < 60; i++) {
        sim_play(&s, &p, i * 333);
        sim_avc(&s, i * 333, 31);
        sim_aac(&s, i * 333, 44100);
    }

    sim_finish(&s);

    is_int(s.track[LIVE_VIDEO].init, 1, "FM-CODEC-03 one init of video");
    is_int(s.track[LIVE_AUDIO].init, 1, "FM-CODEC-03 one init of audio");
    is_int(s.resume.discontinuity, 0, "FM-CODEC-03 no discontinuity");
    is_int(sim_missing(&s, LIVE_VIDEO), 0, "all frames come out");
    sim_sane(&s, "FM-CODEC-03 the same headers three times a second");
    sim_close(&s);
}


/* FM-CODEC-04 */

static void
changes(void)
{
    int        i, n;
    sim_t      s;
    sim_pub_t  p;

    static const int64_t  delays[] = { 0, 900, -900 };

    for (i = 0; i < 3; i++) {

        /* video, right before a key frame and well before */

        for (n = 0; n < 2; n++) {
            p = sim_pub(30, 1, 2, 44100);
            p.audio_delay_ms = delays[i];
            begin(&s, &p);

            sim_play(&s, &p, n ? 9500 : 9990);
            sim_avc(&s, 9990, 40);
            sim_play(&s, &p, 30000);
            sim_finish(&s);

            s.relax |= SIM_RELAX_HOLES;
            is_int(s.track[LIVE_VIDEO].init, 2, "a new init of video");
            is_int(s.track[LIVE_AUDIO].init, 1, "none of audio");
            is_int(s.resume.discontinuity, 1, "a discontinuity");
            is_int(s.events[LIVE_TIMELINE_CONFIG_CHANGED], 1, "said");
            sim_must(&s, s.track[LIVE_VIDEO].segments[5].start > 19.9
                         && s.track[LIVE_VIDEO].segments[5].start < 20.1
                         && s.track[LIVE_VIDEO].segments[5].flags
                            & LIVE_SEGMENT_DISCONT,
                     "it begins at %.3f, flags %x",
                     s.track[LIVE_VIDEO].segments[5].start,
                     s.track[LIVE_VIDEO].segments[5].flags);
            sim_must(&s, sim_missing(&s, LIVE_VIDEO) <= (n ? 15u : 0u),
                     "%d frames", (int) sim_missing(&s, LIVE_VIDEO));
            sim_sane(&s, "FM-CODEC-04 the AVC header changes%s, audio arrives "
                     "%" PRId64 " ms late", n ? " half a second before a key "
                                                "frame" : "", delays[i]);
            sim_close(&s);
        }

        /* audio: at video's next key frame */

        p = sim_pub(30, 1, 2, 44100);
        p.audio_delay_ms = delays[i];
        begin(&s, &p);

        sim_play(&s, &p, 9500);
        sim_aac(&s, 9500, 48000);
        p.a = (uint64_t) (9500 * 48 / 1024) + 1;
        p.rate = 48000;
        sim_play(&s, &p, 30000);
        sim_finish(&s);

        s.relax |= SIM_RELAX_HOLES;
        is_int(s.track[LIVE_AUDIO].init, 2, "a new init of audio");
        is_int(s.track[LIVE_VIDEO].init, 1, "none of video");
        is_int(s.resume.discontinuity, 1, "a discontinuity");
        sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video lost");
        sim_must(&s, s.track[LIVE_AUDIO].segments[5].flags
                     & LIVE_SEGMENT_DISCONT, "at the next key frame");
        sim_sane(&s, "FM-CODEC-04 the AAC header changes, audio arrives "
                 "%" PRId64 " ms late", delays[i]);
        sim_close(&s);

        /* both */

        p = sim_pub(30, 1, 2, 44100);
        p.audio_delay_ms = delays[i];
        p.bframes = 2;
        begin(&s, &p);

        sim_play(&s, &p, 9990);
        sim_aac(&s, 9990, 48000);
        sim_avc(&s, 9990, 40);
        p.a = (uint64_t) (9990 * 48 / 1024) + 1;
        p.rate = 48000;
        p.bframes = 0;
        sim_play(&s, &p, 30000);
        sim_finish(&s);

        s.relax |= SIM_RELAX_HOLES|SIM_RELAX_SYNC;
        is_int(s.track[LIVE_AUDIO].init, 2, "a new init of audio");
        is_int(s.track[LIVE_VIDEO].init, 2, "a new init of video");
        is_int(s.resume.discontinuity, 1, "a discontinuity");
        sim_must(&s, s.track[LIVE_VIDEO].sync_max
                     - s.track[LIVE_AUDIO].sync_max < 0.05
                     && s.track[LIVE_AUDIO].sync_max
                        - s.track[LIVE_VIDEO].sync_max < 0.05,
                 "out of step: %.3f %.3f", s.track[LIVE_VIDEO].sync_max,
                 s.track[LIVE_AUDIO].sync_max);
        sim_sane(&s, "FM-CODEC-04 both headers change, with them the B-frames; "
                 "audio arrives %" PRId64 " ms late", delays[i]);
        sim_close(&s);
    }
}


static void
changes_alone(void)
{
    int        i;
    sim_t      s;
    sim_pub_t  p;

    /* audio alone changes at once */

    p = sim_pub(0, 1, 2, 44100);
    begin(&s, &p);
    sim_play(&s, &p, 9500);
    sim_aac(&s, 9500, 48000);
    p.a = (uint64_t) (9500 * 48 / 1024) + 1;
    p.rate = 48000;
    sim_play(&s, &p, 30000);
    sim_finish(&s);

    s.relax |= SIM_RELAX_HOLES;
    is_int(s.track[LIVE_AUDIO].init, 2, "a new init");
    is_int(s.resume.discontinuity, 1, "a discontinuity");
    sim_must(&s, sim_missing(&s, LIVE_AUDIO) == 0, "frames lost");
    sim_sane(&s, "FM-CODEC-04 audio alone changes at once");
    sim_close(&s);

    /* a new AVC header, and then no key frame for long, or none at all */

    for (i = 0; i < 2; i++) {
        p = sim_pub(30, 1, 2, 44100);
        begin(&s, &p);
        sim_play(&s, &p, 9990);
        sim_avc(&s, 9990, 40);

        if (i) {
            without(&s, &p, LIVE_VIDEO, 30000);

        } else {
            p.gop = 100000;
            p.v++;
            sim_play(&s, &p, 20000);
            p.gop = 60;
            sim_play(&s, &p, 30000);
        }

        sim_finish(&s);

        s.relax |= SIM_RELAX_HOLES;
        is_int(s.track[LIVE_VIDEO].init, 2, "a new init of video");
        is_int(s.resume.discontinuity, 1, "a discontinuity");
        sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 1, "audio lost");
        sim_must(&s, s.track[LIVE_VIDEO].gaps > 15, "gaps");
        sim_sane(&s, "FM-CODEC-04 a new AVC header, and no %s behind it",
                 i ? "frame" : "key frame for ten seconds");
        sim_close(&s);
    }

    /* there and back again, each time before a key frame */

    p = sim_pub(30, 1, 2, 44100);
    begin(&s, &p);

    for (i = 1; i <= 10; i++) {
        sim_play(&s, &p, i * 2000 - 10);
        sim_avc(&s, i * 2000 - 10, i % 2 ? 40 : 31);
    }

    sim_play(&s, &p, 30000);
    sim_finish(&s);
    s.relax |= SIM_RELAX_HOLES;
    is_int(s.track[LIVE_VIDEO].init, 11, "inits");
    is_int(s.resume.discontinuity, 10, "discontinuities");
    is_int(sim_missing(&s, LIVE_VIDEO), 0, "no frame is lost");
    sim_sane(&s, "FM-CODEC-04 the AVC header changes with each key frame");
    sim_close(&s);

    /* another and back before any frame of it: nothing to be seen but a seam */

    p = sim_pub(30, 1, 2, 44100);
    begin(&s, &p);
    sim_play(&s, &p, 9990);
    sim_avc(&s, 9990, 40);
    sim_avc(&s, 9991, 31);
    sim_aac(&s, 9992, 48000);
    sim_aac(&s, 9993, 44100);
    sim_play(&s, &p, 30000);
    sim_finish(&s);
    s.relax |= SIM_RELAX_HOLES;
    is_int(s.track[LIVE_VIDEO].init, 1, "FM-CODEC-04 no new init of video");
    is_int(s.track[LIVE_AUDIO].init, 1, "FM-CODEC-04 no new init of audio");
    sim_must(&s, sim_missing(&s, LIVE_AUDIO) <= 2, "%d audio lost",
             (int) sim_missing(&s, LIVE_AUDIO));
    sim_sane(&s, "FM-CODEC-04 new headers are taken back at once");
    sim_close(&s);

    /* a key frame each 40 ms, each with another header: bounded */

    p = sim_pub(25, 1, 0.04, 44100);
    begin(&s, &p);
    s.relax |= SIM_RELAX_HOLES|SIM_RELAX_SYNC;

    for (i = 1; i <= 100; i++) {
        sim_play(&s, &p, 5000 + i * 40);
        sim_avc(&s, 5000 + i * 40, i % 2 ? 40 : 31);
    }

    sim_play(&s, &p, 20000);
    sim_finish(&s);
    sim_must(&s, s.resume.discontinuity <= 100, "%u",
             s.resume.discontinuity);
    sim_sane(&s, "FM-CODEC-04 another header before each of 100 key frames");
    sim_close(&s);
}


/* FM-SEG-09 */

static void
before_key(void)
{
    sim_t      s;
    sim_pub_t  p;

    p = sim_pub(30, 1, 2, 48000);
    p.v = 7;
    p.a = 11;

    begin(&s, &p);
    sim_play(&s, &p, 20000);
    sim_finish(&s);

    is_int(s.values[LIVE_TIMELINE_NO_KEY], 53,
           "FM-SEG-09 frames before the first key frame are counted and said");
    is_int(sim_missing(&s, LIVE_VIDEO), 53, "FM-SEG-09 and left out");
    is_int(s.track[LIVE_VIDEO].first_msn, 0, "msn 0");
    is_int(s.track[LIVE_VIDEO].segments[0].flags, LIVE_SEGMENT_INDEPENDENT,
           "it is independent");
    sim_sane(&s, "FM-SEG-09 both tracks begin at the first key frame");
    sim_close(&s);

    /* there is a header, but never a key frame: audio does not wait for ever */

    p = sim_pub(30, 1, 1000, 48000);
    p.v = 1;
    begin(&s, &p);
    sim_play(&s, &p, 30000);
    sim_finish(&s);

    is_int(s.tracks, 2, "FM-SEG-09 no key frame at all: audio alone");
    sim_must(&s, s.track[LIVE_AUDIO].segments[0].start < 10 + 12.5, "late");
    sim_sane(&s, "FM-SEG-09 video without a key frame");
    sim_close(&s);

    /* the key frame that comes in the end joins */

    p = sim_pub(30, 1, 20, 48000);
    p.v = 1;
    begin(&s, &p);
    sim_play(&s, &p, 50000);
    sim_finish(&s);
    sim_must(&s, s.track[LIVE_VIDEO].any, "it joins");
    sim_must(&s, s.events[LIVE_TIMELINE_TRACK_LATE] == 1, "late");
    sim_sane(&s, "FM-SEG-09 the first key frame comes after 20 s");
    sim_close(&s);
}


/* FM-SEG-14 */

static void
vanish(void)
{
    size_t     i, k;
    int        media;
    sim_t      s;
    sim_pub_t  p;

    static const int      away[] = { 500, 900, 1500, 3000, 8200, 30000 };
    static const int64_t  delays[] = { 0, 900, -900 };

    for (media = 0; media < 2; media++) {
        for (i = 0; i < 6; i++) {
            for (k = 0; k < 3; k++) {
                p = sim_pub(30, 1, 2, 48000);
                p.audio_delay_ms = delays[k];
                begin(&s, &p);
                s.relax |= SIM_RELAX_HOLES;

                sim_play(&s, &p, 10300);
                without(&s, &p, (live_media_e) media, 10300 + away[i]);
                sim_play(&s, &p, 60000);
                sim_finish(&s);

                if (away[i] > 2500) {
                    sim_must(&s, s.events[LIVE_TIMELINE_TRACK_LOST] == 1,
                             "lost");
                    sim_must(&s, s.events[LIVE_TIMELINE_TRACK_BACK] == 1,
                             "back");
                    sim_must(&s, gaps_in(&s, (live_media_e) media, 5,
                                         5 + (unsigned) away[i] / 2000),
                             "no gap");

                } else if (away[i] + llabs(delays[k]) < 950) {
                    sim_must(&s, s.events[LIVE_TIMELINE_TRACK_LOST] == 0,
                             "lost");
                    sim_must(&s, sim_missing(&s, LIVE_VIDEO) == 0, "video");
                }

                sim_must(&s, sim_missing(&s, (live_media_e) !media) <= 2,
                         "%d frames of the other track lost",
                         (int) sim_missing(&s, (live_media_e) !media));
                sim_must(&s, s.track[!media].gaps <= 1, "%d gaps in the other",
                         (int) s.track[!media].gaps);

                /* and is there again within a GOP */

                sim_must(&s, gaps_in(&s, (live_media_e) media,
                                     8 + (unsigned) away[i] / 1500,
                                     s.track[media].msn - 1) == 0, "gaps");

                sim_sane(&s, "FM-SEG-14 no %s for %d ms, audio arrives "
                         "%" PRId64 " ms late", media ? "audio" : "video",
                         away[i], delays[k]);
                sim_close(&s);
            }
        }

        /* for good */

        p = sim_pub(30, 1, 2, 48000);
        begin(&s, &p);
        s.relax |= SIM_RELAX_HOLES;
        sim_play(&s, &p, 10300);
        without(&s, &p, (live_media_e) media, 60000);
        sim_finish(&s);

        sim_must(&s, s.track[!media].msn >= 28, "boundaries go on");
        sim_must(&s, fabs(s.track[media].end_s - s.track[!media].end_s) < 1,
                 "ends at %.3f and %.3f", s.track[media].end_s,
                 s.track[!media].end_s);
        sim_sane(&s, "FM-SEG-14 %s ends for good, the other goes on",
                 media ? "audio" : "video");
        sim_close(&s);

        /* again and again */

        p = sim_pub(30, 1, 2, 48000);
        begin(&s, &p);
        s.relax |= SIM_RELAX_HOLES;

        for (i = 1; i < 20; i++) {
            sim_play(&s, &p, (double) i * 5100);
            without(&s, &p, (live_media_e) media, (double) i * 5100 + 2700);
        }

        sim_finish(&s);
        sim_must(&s, s.events[LIVE_TIMELINE_TRACK_BACK] >= 18, "%u",
                 s.events[LIVE_TIMELINE_TRACK_BACK]);
        sim_sane(&s, "FM-SEG-14 %s comes and goes", media ? "audio" : "video");
        sim_close(&s);
    }

    /* they take turns */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p);
    s.relax |= SIM_RELAX_HOLES;

    for (i = 1; i < 20; i++) {
        without(&s, &p, LIVE_VIDEO, (double) i * 8000 - 4000);
        without(&s, &p, LIVE_AUDIO, (double) i * 8000);
    }

    sim_finish(&s);
    sim_sane(&s, "FM-SEG-14 audio and video take turns");
    sim_close(&s);

    /* neither sends: nothing is made up */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p);
    sim_play(&s, &p, 10300);
    i = s.track[LIVE_VIDEO].parts + s.track[LIVE_AUDIO].parts;

    for (k = 0; k < 100; k++) {
        s.mono += 100000;
        live_timeline_tick(s.tl, s.mono);
    }

    is_int(s.track[LIVE_VIDEO].parts + s.track[LIVE_AUDIO].parts, i,
           "FM-SEG-14 neither track sends: no part");
    is_int(s.events[LIVE_TIMELINE_TRACK_LOST], 0, "and none is lost");
    sim_finish(&s);
    sim_sane(&s, "FM-SEG-14 the publisher stalls, and ends");
    sim_close(&s);
}


/* the next publisher has other tracks than the last */

static void
other_tracks(void)
{
    int        i;
    sim_t      s;
    uint64_t   at;
    sim_pub_t  p;

    for (i = 0; i < 4; i++) {
        p = sim_pub(i == 3 ? 0 : 30, 1, 2, i == 2 ? 0 : 48000);
        begin(&s, &p);
        s.relax |= SIM_RELAX_HOLES|SIM_RELAX_SYNC;
        sim_play(&s, &p, 10300);
        sim_finish(&s);

        sim_again(&s, 4000000);

        at = s.resume.msn;
        p = sim_pub(i == 0 ? 0 : 30, 1, 2, i == 1 ? 0 : 48000);
        sim_headers(&s, &p);
        sim_play(&s, &p, 20000);
        sim_finish(&s);

        sim_must(&s, s.track[LIVE_VIDEO].any && s.track[LIVE_AUDIO].any,
                 "a track is missing");
        sim_must(&s, s.track[LIVE_VIDEO].msn == s.track[LIVE_AUDIO].msn,
                 "video ends with msn %d, audio with %d",
                 (int) s.track[LIVE_VIDEO].msn, (int) s.track[LIVE_AUDIO].msn);

        if (i < 2) {
            sim_must(&s, s.track[i].segments[at + 2].gaps
                         == s.track[i].segments[at + 2].parts
                         && s.track[i].segments[at + 2].gaps, "gaps");

        } else {
            sim_must(&s, s.track[i == 2].first_msn == at, "first msn");
        }

        sim_sane(&s, "FM-SEG-14 the next publisher %s",
                 i == 0 ? "has no video: gaps stand for it"
                 : i == 1 ? "has no audio: gaps stand for it"
                 : i == 2 ? "has audio too" : "has video too");
        sim_close(&s);
    }

    /* a publisher that vanished in the middle, as the store remembers it */

    p = sim_pub(30, 1, 2, 48000);
    begin(&s, &p);
    sim_play(&s, &p, 10300);
    live_timeline_resume(s.tl, &s.resume);
    live_timeline_destroy(s.tl);
    is_int(s.resume.msn, 6, "FM-TIME-06 what a publisher that vanishes leaves");
    ok(llabs(s.resume.end_us - 20300000) < 600000, "and where");
    is_int(s.resume.init[LIVE_VIDEO], 1, "and its init");
    s.tl = NULL;
    sim_close(&s);
}


int
main(void)
{
    metadata();
    late_headers();
    in_band();
    repeated();
    changes();
    changes_alone();
    before_key();
    vanish();
    other_tracks();

    return done_testing();
}
