/*
 * codec/: bytes of an RTMP (FLV) message -> frames and codec configurations.
 *
 * Pure C: no I/O, no allocation, no nginx.  All input is hostile.
 */

#ifndef _LIVE_CODEC_H_INCLUDED_
#define _LIVE_CODEC_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* return codes shared by the pure C rooms; 0 and above are results */

#define LIVE_OK             0
#define LIVE_AGAIN         -1    /* not yet: more input or a configuration is needed */
#define LIVE_EINVAL        -2    /* malformed or truncated input */
#define LIVE_EUNSUPPORTED  -3    /* well-formed, but a codec or feature we do not have */
#define LIVE_ENOSPC        -4    /* an output buffer or a fixed limit is too small */
#define LIVE_ENOMEM        -5
#define LIVE_ELOST         -6    /* ownership was lost to another publisher */
#define LIVE_EIO           -7    /* a system call failed, errno is set */


/* timescale of every video track, ticks per second */

#define LIVE_VIDEO_TIMESCALE   90000

/* largest avcC or AudioSpecificConfig that is kept, bytes */

#define LIVE_EXTRA_MAX         1024


typedef enum {
    LIVE_VIDEO = 0,
    LIVE_AUDIO = 1
} live_media_e;


typedef enum {
    LIVE_CODEC_NONE = 0,
    LIVE_CODEC_H264,
    LIVE_CODEC_AAC
} live_codec_e;


/* a codec configuration, a plain value: may be copied and compared by extra */

typedef struct {
    live_media_e   media;
    live_codec_e   codec;
    uint32_t       timescale;      /* LIVE_VIDEO_TIMESCALE or the sampling rate */

    /* video */
    uint16_t       width;          /* cropped size, pixels */
    uint16_t       height;
    uint16_t       sar_num;        /* sample aspect ratio, 1:1 if not told */
    uint16_t       sar_den;
    uint32_t       fps_milli;      /* frames per 1000 s from VUI, 0 if not told */
    uint8_t        nal_length;     /* NAL length size of the publisher's frames, 1 2 or 4 */
    uint8_t        colour;         /* 1: the VUI tells colours (code points of H.273) */
    uint8_t        full_range;
    uint8_t        primaries;      /* 2: unspecified, and so below */
    uint8_t        transfer;
    uint8_t        matrix;

    /* audio */
    uint32_t       sample_rate;    /* Hz, of the decoded output's base layer */
    uint8_t        channels;
    uint8_t        object_type;    /* as in mp4a.40.N */
    uint16_t       frame_samples;  /* samples per frame in timescale: 1024, 960 ... */

    char           rfc6381[32];    /* "avc1.64001f", "mp4a.40.2" */

    /* the record for the sample entry: avcC with lengthSizeMinusOne = 3, or
     * AudioSpecificConfig; size 0: not known yet */
    uint16_t       extra_size;
    uint8_t        extra[LIVE_EXTRA_MAX];
} live_codec_config_t;


typedef enum {
    LIVE_TAG_IGNORED = 0,     /* nothing for us in it (empty, info frame) */
    LIVE_TAG_CONFIG,          /* a codec configuration (sequence header) */
    LIVE_TAG_FRAME,           /* one coded frame */
    LIVE_TAG_END              /* end of sequence */
} live_tag_e;


/* an FLV audio or video tag's body, taken apart; data points into the input */

typedef struct {
    live_tag_e      kind;
    live_codec_e    codec;
    uint8_t         key;      /* the FLV header calls it a key frame */
    int32_t         cts;      /* composition offset, signed, ms */
    const uint8_t  *data;     /* payload behind the tag's headers */
    size_t          size;
} live_tag_t;


/*
 * Takes apart the body of an RTMP audio (type 8) or video (type 9) message
 * (Adobe FLV 10.1, E.4.2.1 and E.4.3.1; CompositionTime is SI24).
 *
 * LIVE_OK            tag is filled; it points into p
 * LIVE_EINVAL        truncated
 * LIVE_EUNSUPPORTED  another codec; tag->codec is LIVE_CODEC_NONE
 */

int live_codec_parse_tag(live_media_e media, const uint8_t *p, size_t n,
    live_tag_t *tag);


/*
 * Reads the configuration in a LIVE_TAG_CONFIG: AVCDecoderConfigurationRecord
 * (ISO/IEC 14496-15 5.3.3.1) with its SPS (ITU-T H.264 7.3.2.1.1), or
 * AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
 *
 * LIVE_OK            config is filled
 * LIVE_AGAIN         nothing, or no parameter sets, in it: wait for others; config
 *                    has its codec and extra_size 0, live_codec_frame() may fill it
 * LIVE_EINVAL        malformed
 * LIVE_EUNSUPPORTED  a profile or layout that we cannot describe
 * LIVE_ENOSPC        larger than LIVE_EXTRA_MAX
 */

int live_codec_parse_config(const live_tag_t *tag,
    live_codec_config_t *config);


/* 1 if both describe the same decoder set-up, byte by byte, else 0 */

int live_codec_same_config(const live_codec_config_t *a,
    const live_codec_config_t *b);


/* how the publisher frames its NAL units; zero it for each publisher */

typedef struct {
    uint8_t   probed;         /* framing is known; a frame that breaks it undoes this */
    uint8_t   annexb;         /* start codes instead of lengths */
    uint8_t   hybrid;         /* lengths, with a start code behind each */
} live_framing_t;


typedef struct {
    size_t    size;           /* bytes written to dst */
    uint8_t   key;            /* random access point (IDR; every audio frame), whatever
                                 the FLV header says */
    uint8_t   empty;          /* nothing to decode was in it: drop the frame */
    uint8_t   new_config;     /* in-band parameter sets differ: *config was rebuilt */
    uint8_t   recovery;       /* recovery point SEI, and no IDR */
} live_frame_info_t;


/* bytes of dst that always suffice for a frame of size n */

size_t live_codec_frame_bound(const live_codec_config_t *config, size_t n);


/*
 * Writes the payload of a LIVE_TAG_FRAME as it stands in an mdat: NAL units
 * with 4-byte lengths, without AUD, filler, end-of-sequence and repeated
 * parameter sets; AAC as it is (an ADTS header is taken off).  Captions in SEI
 * are kept.  In-band SPS or PPS that differ from the configuration rebuild
 * *config and set info->new_config.
 *
 * A config of which only codec is set (live_codec_parse_config() said LIVE_AGAIN,
 * or there was no sequence header) is filled, with info->new_config, by the first
 * frame that carries parameter sets or an ADTS header.
 *
 * LIVE_OK      info and dst are filled; dst must not overlap tag->data
 * LIVE_AGAIN   config is not known yet: drop the frame
 * LIVE_EINVAL  malformed NAL lengths or ADTS header: drop the frame, the next may
 *              be right
 * LIVE_ENOSPC  cap is below live_codec_frame_bound()
 */

int live_codec_frame(live_codec_config_t *config, live_framing_t *framing,
    const live_tag_t *tag, uint8_t *dst, size_t cap, live_frame_info_t *info);


#endif /* _LIVE_CODEC_H_INCLUDED_ */
