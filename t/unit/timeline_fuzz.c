/*
 * Publishers that do anything, in any order: nothing that viewers rely on breaks.
 * TIMELINE_SEED and TIMELINE_RUNS play others than the usual ones.
 */

#include "timeline_sim.h"


typedef struct {
    sim_t       s;
    sim_pub_t   p;
    uint32_t    seed;
    uint32_t    fps_num;     /* while video is not there */
    uint32_t    rate;
    double      at;          /* ms behind the publisher's beginning */
} fuzz_t;


static uint32_t
upto(fuzz_t *f, uint32_t n)
{
    return sim_random(&f->seed) % n;
}


static void
publisher(fuzz_t *f)
{
    static const uint32_t  fps[][2] = {
        { 1, 1 }, { 5, 1 }, { 12, 1 }, { 24000, 1001 }, { 25, 1 }, { 30, 1 },
        { 60, 1 }, { 1, 4 }
    };
    static const uint32_t  rates[] = { 48000, 44100, 22050, 8000 };

    uint32_t  k;

    k = upto(f, 8);
    f->p = sim_pub(fps[k][0], fps[k][1], 0.3 + upto(f, 60) / 10.0,
                   rates[upto(f, 4)]);

    f->p.seed = f->seed;
    f->p.base_ms = upto(f, 4) ? upto(f, 5000)
                              : (int64_t) sim_random(&f->seed);
    f->p.audio_delay_ms = upto(f, 3) ? (int64_t) upto(f, 200) - 100
                                     : (int64_t) upto(f, 2000) - 1000;
    f->p.jitter_ms = upto(f, 3) ? 0 : (int32_t) upto(f, 40);
    f->p.vjitter_ms = upto(f, 4) ? 0 : (int32_t) upto(f, 30);
    f->p.bframes = upto(f, 3);
    f->p.cts = upto(f, 4) ? 0 : (int32_t) upto(f, 400) - 200;
    f->p.speed = upto(f, 5) ? 1 : 1 + upto(f, 10);
    f->p.audio_drift = ((double) upto(f, 400) - 200) * 1e-6;
    f->p.size = upto(f, 3) ? 20 : upto(f, 500);
    f->at = 0;
    f->fps_num = f->p.fps_num;
    f->rate = f->p.rate;

    if (upto(f, 6) == 0) {
        f->p.fps_num = 0;
    }

    if (upto(f, 6) == 0) {
        f->p.rate = 0;
    }

    if (upto(f, 4)) {
        live_timeline_expect(f->s.tl, upto(f, 4));
    }

    if (upto(f, 8)) {
        sim_avc(&f->s, f->p.base_ms, upto(f, 4) ? 31 : 40);
    }

    if (upto(f, 8)) {
        sim_aac(&f->s, f->p.base_ms, f->rate);
    }
}


/* a track stops, or goes on where it would be by now */

static void
toggle(fuzz_t *f, live_media_e media)
{
    double  now;

    now = (double) f->p.base_ms + f->at;

    if (media == LIVE_VIDEO) {
        f->p.fps_num = f->p.fps_num ? 0 : f->fps_num;

        while (f->p.fps_num && sim_next_v(&f->p) < now) {
            f->p.v++;
        }

    } else {
        f->p.rate = f->p.rate ? 0 : f->rate;

        while (f->p.rate && sim_next_a(&f->p) < now) {
            f->p.a++;
        }
    }
}


static int
garbage(fuzz_t *f)
{
    size_t    n;
    uint8_t   junk[80];
    uint32_t  i;

    n = upto(f, sizeof(junk));

    for (i = 0; i < sizeof(junk); i++) {
        junk[i] = (uint8_t) sim_random(&f->seed);
    }

    if (upto(f, 2)) {
        junk[0] = upto(f, 2) ? 0x17 : 0x27;
        junk[1] = (uint8_t) upto(f, 3);
    }

    return sim_message(&f->s, LIVE_VIDEO, f->p.base_ms + (int64_t) f->at, junk,
                       n);
}


/* everything that can be wrong with a timestamp */

static void
times(fuzz_t *f)
{
    int64_t  ms;

    ms = f->p.base_ms + (int64_t) f->at;

    switch (upto(f, 7)) {

    case 0:
        f->p.jump_at_ms = (int64_t) f->at;
        f->p.jump_ms += (int64_t) (int32_t) sim_random(&f->seed)
                        >> upto(f, 24);
        f->p.jump_tracks = upto(f, 4);
        break;

    case 1:
        f->p.stall_ms = (int64_t) f->at + upto(f, 20000);
        break;

    case 2:
        f->s.mono += upto(f, 30000000);
        f->p.mono0 += f->s.mono - f->p.mono0 - (int64_t) (f->at * 1000);
        break;

    case 3:
        f->p.jitter_ms = (int32_t) upto(f, 200);
        break;

    case 4:
        f->p.vjitter_ms = (int32_t) upto(f, 100);
        break;

    case 5:
        sim_video_ts(&f->s, sim_random(&f->seed), ms,
                     (int32_t) upto(f, 30000) - 15000, upto(f, 2) == 0, 20);
        break;

    default:
        f->p.jitter_ms = 0;
        f->p.vjitter_ms = 0;
        f->p.jump_ms = 0;
        break;
    }
}


static void
again(fuzz_t *f)
{
    uint32_t  t;

    if (upto(f, 4)) {
        sim_must(&f->s, sim_finish(&f->s) == LIVE_OK, "finish");

    } else {

        /* vanished: the store closes what was open, and levels the tracks */

        live_timeline_resume(f->s.tl, &f->s.resume);
        live_timeline_destroy(f->s.tl);

        for (t = 0; t < LIVE_TRACKS; t++) {
            sim_level(&f->s, t);
        }
    }

    sim_again(&f->s, upto(f, 3) ? (int64_t) upto(f, 20000000)
                                : (int64_t) upto(f, 1000));
    publisher(f);
}


static void
run(uint32_t seed)
{
    int                   n, rc;
    fuzz_t               *f;
    live_timeline_conf_t  c;

    static const int64_t  parts[] = { 100, 200, 333, 500, 1000, 2000 };

    f = calloc(1, sizeof(fuzz_t));
    f->seed = seed * 2654435761u | 1;

    c = sim_conf(parts[upto(f, 6)], 1000 + (int64_t) upto(f, 5) * 500);

    /* room for the audio that waits, but not for every part of video */

    if (upto(f, 3) == 0) {
        c.part_bytes_max = 3000 + upto(f, 5000);
    }

    sim_open(&f->s, &c);
    f->s.relax = SIM_RELAX_HOLES|SIM_RELAX_PTS|SIM_RELAX_SYNC|SIM_RELAX_PDT
                 |SIM_RELAX_ALIGN;
    publisher(f);

    for (n = 0; n < 150; n++) {
        f->at += upto(f, 3) ? upto(f, 300) : upto(f, 4000);
        rc = sim_play(&f->s, &f->p, f->at);

        switch (upto(f, 12)) {
        case 0:  toggle(f, LIVE_VIDEO); break;
        case 1:  toggle(f, LIVE_AUDIO); break;
        case 2:  times(f); break;
        case 3:  times(f); break;
        case 4:
            rc = sim_avc(&f->s, f->p.base_ms + (int64_t) f->at,
                         upto(f, 3) ? 31 : 40);
            break;
        case 5:
            f->rate = upto(f, 3) ? f->rate : upto(f, 2) ? 44100 : 48000;
            rc = sim_aac(&f->s, f->p.base_ms + (int64_t) f->at, f->rate);

            if (f->p.rate && f->p.rate != f->rate) {
                f->p.rate = 0;
                toggle(f, LIVE_AUDIO);
            }

            break;
        case 6:  rc = live_timeline_tick(f->s.tl, f->s.mono); break;
        case 7:  rc = garbage(f); break;
        case 8:  f->p.gop = 1 + upto(f, upto(f, 4) ? 300 : 3); break;
        case 9:
            if (upto(f, 5) == 0) {
                again(f);
            }

            break;
        default: break;
        }

        sim_must(&f->s, rc == LIVE_OK || rc == LIVE_EUNSUPPORTED, "%d", rc);
    }

    sim_must(&f->s, sim_finish(&f->s) == LIVE_OK, "finish");
    sim_sane(&f->s, "seed %u: %d frames, %d segments, %u discontinuities",
             seed, (int) (f->s.track[0].frames + f->s.track[1].frames),
             (int) f->s.resume.msn, f->s.resume.discontinuity);
    sim_close(&f->s);
    free(f);
}


int
main(void)
{
    uint32_t  first, n, i;

    first = getenv("TIMELINE_SEED") ? (uint32_t) atoi(getenv("TIMELINE_SEED"))
                                    : 1;
    n = getenv("TIMELINE_RUNS") ? (uint32_t) atoi(getenv("TIMELINE_RUNS"))
                                : 300;

    for (i = 0; i < n; i++) {
        run(first + i);
    }

    return done_testing();
}
