/*
 * Multivariant playlists.
 */

#include "live_manifest_internal.h"

#include <string.h>


#define LIVE_HLS_TRACK  512

/* what a rendition is said to need, at least: nothing may have been measured yet */

#define LIVE_HLS_FLOOR  64000


/* the first track of a medium, or NULL */

static const live_store_track_info_t *
live_hls_find(const live_store_stream_t *stream, live_media_e media)
{
    uint32_t  i;

    for (i = 0; i < stream->ntracks; i++) {
        if (stream->tracks[i].media == media) {
            return &stream->tracks[i];
        }
    }

    return NULL;
}


static void
live_hls_link(live_text_t *text, const live_hls_options_t *o, const char *id)
{
    live_text_str(text, id);
    live_text_lit(text, ".m3u8");

    if (o->query) {
        live_text_lit(text, "?");
        live_text_str(text, o->query);
    }
}


static void
live_hls_variant(live_text_t *text, const live_hls_options_t *o,
    const live_store_track_info_t *track, const live_store_track_info_t *audio)
{
    uint64_t  peak, average;

    peak = track->bits_peak;
    average = track->bits_average;

    if (audio) {
        peak += audio->bits_peak;
        average += audio->bits_average;
    }

    peak = peak < LIVE_HLS_FLOOR ? LIVE_HLS_FLOOR : peak;
    average = average < LIVE_HLS_FLOOR ? LIVE_HLS_FLOOR : average;
    average = average > peak ? peak : average;

    live_text_lit(text, "#EXT-X-STREAM-INF:BANDWIDTH=");
    live_text_number(text, peak);
    live_text_lit(text, ",AVERAGE-BANDWIDTH=");
    live_text_number(text, average);
    live_text_lit(text, ",CODECS=\"");
    live_text_str(text, track->rfc6381);

    if (audio) {
        live_text_lit(text, ",");
        live_text_str(text, audio->rfc6381);
    }

    live_text_lit(text, "\"");

    if (track->width && track->height) {
        live_text_lit(text, ",RESOLUTION=");
        live_text_number(text, track->width);
        live_text_lit(text, "x");
        live_text_number(text, track->height);
    }

    if (track->fps_milli) {
        live_text_lit(text, ",FRAME-RATE=");
        live_text_seconds(text, (uint64_t) track->fps_milli * 1000, 3);
    }

    if (audio) {
        live_text_lit(text, ",AUDIO=\"audio\"");
    }

    live_text_lit(text, "\n");
    live_hls_link(text, o, track->id);
    live_text_lit(text, "\n");
}


size_t
live_hls_multivariant_bound(const live_store_stream_t *stream,
    const live_hls_options_t *o)
{
    return 128 + stream->ntracks * (LIVE_HLS_TRACK
                                    + 2 * (o->query ? strlen(o->query) : 0));
}


long
live_hls_multivariant(const live_store_stream_t *stream,
    const live_hls_options_t *o, char *buf, size_t cap)
{
    uint32_t                        i;
    live_text_t                     text;
    const live_store_track_info_t  *audio, *video, *track;

    if (stream->ntracks == 0) {
        return LIVE_AGAIN;
    }

    text.p = buf;
    text.last = buf + cap;
    text.full = 0;

    live_text_lit(&text, "#EXTM3U\n#EXT-X-VERSION:6\n");

    audio = NULL;
    video = live_hls_find(stream, LIVE_VIDEO);

    /* audio is a group of its own only beside video */

    if (video) {
        audio = live_hls_find(stream, LIVE_AUDIO);
    }

    if (audio) {
        live_text_lit(&text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\","
                             "NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,"
                             "CHANNELS=\"");
        live_text_number(&text, audio->channels);
        live_text_lit(&text, "\",URI=\"");
        live_hls_link(&text, o, audio->id);
        live_text_lit(&text, "\"\n");
    }

    for (i = 0; i < stream->ntracks; i++) {
        track = &stream->tracks[i];

        if (track->media == LIVE_VIDEO || video == NULL) {
            live_hls_variant(&text, o, track, audio);
        }
    }

    return text.full ? LIVE_ENOSPC : (long) (text.p - buf);
}
