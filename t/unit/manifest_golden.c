/*
 * Playlists to the letter.
 */

#include <stdint.h>
#include "tap.h"
#include "manifest_make.h"


static make_t  m;


static void
playlist_is(live_store_snapshot_t *s, const char *query, int skip,
    const char *want, const char *what)
{
    char  *text;

    text = make_text(s, query, skip);
    is_str(text, want, "%s", what);
    free(text);
}


static void
others(live_store_snapshot_t *s, const char *id, uint64_t msn, uint32_t part)
{
    strcpy(s->others[0].id, id);
    s->others[0].edge.any = 1;
    s->others[0].edge.msn = msn;
    s->others[0].edge.part = part;
    s->nothers = 1;
}


#define HEAD                                                                  \
    "#EXTM3U\n"                                                               \
    "#EXT-X-VERSION:6\n"                                                      \
    "#EXT-X-TARGETDURATION:4\n"                                               \
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,"        \
        "HOLD-BACK=12.000,CAN-SKIP-UNTIL=24.000\n"                            \
    "#EXT-X-PART-INF:PART-TARGET=0.500\n"


static void
video(void)
{
    live_store_snapshot_t  *s;

    make_stream(&m, "v", 90000);
    make_whole(&m, 2, 45000);
    make_segment(&m, LIVE_SEGMENT_INDEPENDENT, 1);
    make_part(&m, 45000, LIVE_PART_INDEPENDENT);
    make_part(&m, 45000, 0);

    s = make_snapshot(&m);
    others(s, "a", 1, 0);

    playlist_is(s, NULL, 0,
        HEAD
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"v/k9x2-init1.mp4\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-0.0.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-0.1.m4s\"\n"
        "#EXTINF:1.000000,\n"
        "v/k9x2-0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-1.0.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-1.1.m4s\"\n"
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v/k9x2-1.2.m4s\"\n"
        "#EXT-X-RENDITION-REPORT:URI=\"a.m3u8\",LAST-MSN=1,LAST-PART=0\n",
        "FM-SEG-06 an open segment, the hint is its next part");

    make_close(&m);
    s = make_snapshot(&m);
    others(s, "a", 1, 0);

    playlist_is(s, "s=tick&t=2", 0,
        HEAD
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"v/k9x2-init1.mp4?s=tick&t=2\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,"
            "URI=\"v/k9x2-0.0.m4s?s=tick&t=2\",INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,"
            "URI=\"v/k9x2-0.1.m4s?s=tick&t=2\"\n"
        "#EXTINF:1.000000,\n"
        "v/k9x2-0.m4s?s=tick&t=2\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,"
            "URI=\"v/k9x2-1.0.m4s?s=tick&t=2\",INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,"
            "URI=\"v/k9x2-1.1.m4s?s=tick&t=2\"\n"
        "#EXTINF:1.000000,\n"
        "v/k9x2-1.m4s?s=tick&t=2\n"
        "#EXT-X-PRELOAD-HINT:TYPE=PART,"
            "URI=\"v/k9x2-2.0.m4s?s=tick&t=2\"\n"
        "#EXT-X-RENDITION-REPORT:URI=\"a.m3u8?s=tick&t=2\","
            "LAST-MSN=1,LAST-PART=0\n",
        "FM-SEG-06 a closed segment, the hint is part 0 of the next; "
        "the query is on every URI");

    s->edge.ended = 1;

    playlist_is(s, NULL, 0,
        HEAD
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"v/k9x2-init1.mp4\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-0.0.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-0.1.m4s\"\n"
        "#EXTINF:1.000000,\n"
        "v/k9x2-0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.123Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-1.0.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"v/k9x2-1.1.m4s\"\n"
        "#EXTINF:1.000000,\n"
        "v/k9x2-1.m4s\n"
        "#EXT-X-ENDLIST\n",
        "an ended stream: ENDLIST, no hint");
}


/* audio: frames of 1024 samples do not fit parts, and gaps where it was silent */

static void
audio(void)
{
    live_store_snapshot_t  *s;

    make_stream(&m, "a", 44100);

    make_segment(&m, LIVE_SEGMENT_INDEPENDENT, 1);
    make_part(&m, 21504, LIVE_PART_INDEPENDENT);
    make_part(&m, 21504, LIVE_PART_INDEPENDENT);
    make_part(&m, 5120, LIVE_PART_INDEPENDENT);
    make_close(&m);
    make_segment(&m, 0, 1);
    make_part(&m, 22050, LIVE_PART_GAP);
    make_part(&m, 22050, LIVE_PART_GAP);
    make_close(&m);
    make_segment(&m, 0, 1);
    make_part(&m, 22050, LIVE_PART_GAP);

    s = make_snapshot(&m);

    playlist_is(s, NULL, 0,
        HEAD
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"a/k9x2-init1.mp4\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.123Z\n"
        "#EXT-X-PART:DURATION=0.487619,URI=\"a/k9x2-0.0.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.487619,URI=\"a/k9x2-0.1.m4s\","
            "INDEPENDENT=YES\n"
        "#EXT-X-PART:DURATION=0.116099,URI=\"a/k9x2-0.2.m4s\","
            "INDEPENDENT=YES\n"
        "#EXTINF:1.091337,\n"
        "a/k9x2-0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.214Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"a/k9x2-1.0.m4s\",GAP=YES\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"a/k9x2-1.1.m4s\",GAP=YES\n"
        "#EXT-X-GAP\n"
        "#EXTINF:1.000000,\n"
        "a/k9x2-1.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.214Z\n"
        "#EXT-X-PART:DURATION=0.500000,URI=\"a/k9x2-2.0.m4s\",GAP=YES\n"
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"a/k9x2-2.1.m4s\"\n",
        "FM-SEG-14 a silent track: gaps; FM-SEG-10 every part of audio is "
        "independent");
}


static void
discontinuity(void)
{
    char                   *text;
    live_store_snapshot_t  *s;

    make_stream(&m, "v", 90000);
    m.s.stream.window_us = 9000000;

    make_whole(&m, 4, 45000);
    make_segment(&m, LIVE_SEGMENT_INDEPENDENT|LIVE_SEGMENT_DISCONT, 2);
    make_part(&m, 45000, LIVE_PART_INDEPENDENT);
    make_close(&m);
    make_segment(&m, LIVE_SEGMENT_FORCED, 2);
    make_part(&m, 45000, 0);
    make_close(&m);

    s = make_snapshot(&m);
    text = make_text(s, NULL, 0);

    ok(strstr(text, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n") != NULL,
       "a discontinuity in the list: the sequence is told");
    ok(strstr(text, "k9x2-0.m4s\n"
                    "#EXT-X-DISCONTINUITY\n"
                    "#EXT-X-MAP:URI=\"v/k9x2-init2.mp4\"\n"
                    "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.123Z\n"
                    "#EXT-X-PART:") != NULL,
       "FM-CODEC-04 discontinuity, new map and date stand before the parts");
    ok(strstr(text, "INDEPENDENT-SEGMENTS") == NULL,
       "FM-SEG-07 a segment without a key frame: not all are independent");
    ok(strstr(text, "CAN-SKIP-UNTIL") == NULL,
       "a window that nothing may be skipped of announces no delta updates");

    free(text);

    /* the first segment leaves, then the one with the discontinuity */

    make_whole(&m, 8, 45000);
    make_whole(&m, 8, 45000);
    s = make_snapshot(&m);
    text = make_text(s, NULL, 0);

    is_int(s->segments[0].msn, 1, "the first segment has left");
    ok(strstr(text, "#EXT-X-MEDIA-SEQUENCE:1\n"
                    "#EXT-X-DISCONTINUITY-SEQUENCE:0\n") != NULL
       && strstr(text, "#EXT-X-DISCONTINUITY\n") != NULL,
       "the discontinuity stands before the first segment, not yet counted");
    free(text);

    make_whole(&m, 1, 45000);
    s = make_snapshot(&m);
    text = make_text(s, NULL, 0);

    ok(s->segments[0].msn == 2
       && strstr(text, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n") != NULL
       && strstr(text, "#EXT-X-DISCONTINUITY\n") == NULL,
       "the discontinuity has left with its segment and is counted");
    free(text);
}


static void
nothing(void)
{
    char                 buf[16];
    live_hls_options_t   options;

    memset(&options, 0, sizeof(live_hls_options_t));
    make_stream(&m, "v", 90000);

    is_int(live_hls_media(make_snapshot(&m), &options, buf, sizeof(buf)),
           LIVE_AGAIN, "nothing to list");

    make_whole(&m, 2, 45000);
    is_int(live_hls_media(make_snapshot(&m), &options, buf, sizeof(buf)),
           LIVE_ENOSPC, "no room");
}


static live_store_stream_t  stream;


static void
track(uint32_t i, const char *id, live_media_e media, const char *codec,
    uint32_t peak, uint32_t average)
{
    live_store_track_info_t  *t;

    t = &stream.tracks[i];
    memset(t, 0, sizeof(live_store_track_info_t));

    strcpy(t->id, id);
    strcpy(t->rfc6381, codec);
    t->media = (uint8_t) media;
    t->announced = 1;
    t->bits_peak = peak;
    t->bits_average = average;

    if (media == LIVE_AUDIO) {
        t->channels = 2;
        t->sample_rate = 48000;

    } else {
        t->width = 1280;
        t->height = 720;
        t->fps_milli = 29970;
    }

    stream.ntracks = i + 1;
}


static void
multivariant_is(const char *query, const char *want, const char *what)
{
    long                 n;
    char                *text;
    size_t               bound;
    live_hls_options_t   options;

    memset(&options, 0, sizeof(live_hls_options_t));
    options.query = query;

    bound = live_hls_multivariant_bound(&stream, &options);
    text = malloc(bound + 1);
    n = live_hls_multivariant(&stream, &options, text, bound);
    text[n < 0 ? 0 : n] = '\0';

    is_str(text, want, "%s", what);
    free(text);
}


static void
multivariant(void)
{
    memset(&stream, 0, sizeof(live_store_stream_t));

    track(0, "v", LIVE_VIDEO, "avc1.64001f", 3000000, 2500000);
    track(1, "a", LIVE_AUDIO, "mp4a.40.2", 140000, 128000);

    multivariant_is(NULL,
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\","
            "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=3140000,AVERAGE-BANDWIDTH=2628000,"
            "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
        "v.m3u8\n",
        "video and audio");

    multivariant_is("s=x",
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\","
            "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a.m3u8?s=x\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=3140000,AVERAGE-BANDWIDTH=2628000,"
            "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
        "v.m3u8?s=x\n",
        "the query is on every URI");

    track(2, "v480", LIVE_VIDEO, "avc1.4d401e", 900000, 800000);
    stream.tracks[2].width = 854;
    stream.tracks[2].height = 480;

    multivariant_is(NULL,
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\","
            "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=3140000,AVERAGE-BANDWIDTH=2628000,"
            "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
        "v.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1040000,AVERAGE-BANDWIDTH=928000,"
            "CODECS=\"avc1.4d401e,mp4a.40.2\",RESOLUTION=854x480,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
        "v480.m3u8\n",
        "several video tracks share the audio group");

    track(0, "a", LIVE_AUDIO, "mp4a.40.5", 0, 0);

    multivariant_is(NULL,
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=64000,AVERAGE-BANDWIDTH=64000,"
            "CODECS=\"mp4a.40.5\"\n"
        "a.m3u8\n",
        "FM-SEG-12 audio alone, nothing measured yet: a floor");

    track(1, "a2", LIVE_AUDIO, "mp4a.40.2", 96000, 96000);

    multivariant_is(NULL,
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=64000,AVERAGE-BANDWIDTH=64000,"
            "CODECS=\"mp4a.40.5\"\n"
        "a.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=96000,AVERAGE-BANDWIDTH=96000,"
            "CODECS=\"mp4a.40.2\"\n"
        "a2.m3u8\n",
        "two audio tracks without video need no group");

    track(0, "v", LIVE_VIDEO, "avc1.42c01e", 500000, 600000);
    stream.tracks[0].width = 0;
    stream.tracks[0].fps_milli = 0;

    multivariant_is(NULL,
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=500000,AVERAGE-BANDWIDTH=500000,"
            "CODECS=\"avc1.42c01e\"\n"
        "v.m3u8\n",
        "FM-SEG-12 video alone, size and rate unknown, average not above peak");

    stream.ntracks = 0;
    multivariant_is(NULL, "", "no track");
}


int
main(void)
{
    video();
    audio();
    discontinuity();
    nothing();
    multivariant();

    return done_testing();
}
