/*
 * A reader of media playlists, written from the draft and not from the writer:
 * it refuses what a strict client would.
 */

#ifndef _MANIFEST_PARSE_H_INCLUDED_
#define _MANIFEST_PARSE_H_INCLUDED_


#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define PARSE_SEGMENTS  512
#define PARSE_PARTS     2048
#define PARSE_URI       160


typedef struct {
    char      uri[PARSE_URI];
    double    duration;
    int       independent;
    int       gap;
    uint64_t  msn;
    uint32_t  index;
} parse_part_t;


typedef struct {
    char      uri[PARSE_URI];        /* empty in an open segment */
    char      map[PARSE_URI];
    char      pdt[40];
    double    duration;
    int       discontinuity;
    int       gap;
    uint64_t  msn;
    uint64_t  sequence;              /* of discontinuities */
    uint32_t  parts;
} parse_segment_t;


typedef struct {
    int              version;
    int              target;
    double           part_target, part_hold_back, hold_back, skip_until;
    int              block;
    int              independent;
    int              has_msn, has_sequence, has_control, has_inf;
    uint64_t         msn;
    uint64_t         sequence;
    uint32_t         skipped;
    int              ended;
    char             hint[PARSE_URI];
    char             report[PARSE_URI];
    uint64_t         report_msn;
    uint32_t         report_part;

    uint32_t         nsegments;      /* those listed, and an open one */
    uint32_t         nparts;
    int              open;
    parse_segment_t  segments[PARSE_SEGMENTS];
    parse_part_t     parts[PARSE_PARTS];

    char             error[256];
} parse_t;


static inline int __attribute__((format(printf, 2, 3)))
parse_fail(parse_t *p, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(p->error, sizeof(p->error), format, args);
    va_end(args);

    return -1;
}


/* a value of an attribute list, unquoted; 1 if it is there */

static inline int
parse_attribute(const char *list, const char *name, char *buf, size_t cap)
{
    int          quoted;
    size_t       n, len;
    const char  *q;

    n = strlen(name);

    while (*list) {
        q = strchr(list, '=');
        if (q == NULL) {
            return 0;
        }

        quoted = (q[1] == '"');
        len = quoted ? strcspn(q + 2, "\"") : strcspn(q + 1, ",");

        if ((size_t) (q - list) == n && memcmp(list, name, n) == 0
            && len < cap)
        {
            memcpy(buf, q + 1 + quoted, len);
            buf[len] = '\0';
            return 1;
        }

        list = q + 1 + len + 2 * quoted;
        list += (*list == ',');
    }

    return 0;
}


static inline double
parse_float(const char *list, const char *name)
{
    char  buf[64];

    return parse_attribute(list, name, buf, sizeof(buf)) ? atof(buf) : -1;
}


/* a digit-only number, else UINT64_MAX */

static inline uint64_t
parse_integer(const char *s)
{
    size_t  n;

    n = strspn(s, "0123456789");

    return n && s[n] == '\0' ? strtoull(s, NULL, 10) : UINT64_MAX;
}


static inline int
parse_is(const char *line, const char *tag, const char **rest)
{
    size_t  n;

    n = strlen(tag);

    if (strncmp(line, tag, n) != 0) {
        return 0;
    }

    if (tag[n - 1] == ':') {
        *rest = line + n;
        return 1;
    }

    *rest = line + n;

    return line[n] == '\0';
}


/* the segment that the next tags belong to */

static inline parse_segment_t *
parse_current(parse_t *p)
{
    parse_segment_t  *segment;

    segment = &p->segments[p->nsegments];

    if (!p->open) {
        memset(segment, 0, sizeof(parse_segment_t));
        segment->msn = p->msn + p->skipped + p->nsegments;
        segment->sequence = p->nsegments ? segment[-1].sequence : p->sequence;
        segment->duration = -1;

        if (p->nsegments) {
            memcpy(segment->map, segment[-1].map, PARSE_URI);
        }

        p->open = 1;
    }

    return segment;
}


static inline int
parse_header(parse_t *p, const char *line)
{
    char         buf[64];
    const char  *rest;

    if (parse_is(line, "#EXT-X-VERSION:", &rest)) {
        p->version = p->version ? -1 : atoi(rest);
        return 1;
    }

    if (parse_is(line, "#EXT-X-TARGETDURATION:", &rest)) {
        p->target = p->target ? -1 : (int) parse_integer(rest);
        return 1;
    }

    if (parse_is(line, "#EXT-X-SERVER-CONTROL:", &rest)) {
        p->has_control++;
        p->block = parse_attribute(rest, "CAN-BLOCK-RELOAD", buf, sizeof(buf))
                   && strcmp(buf, "YES") == 0;
        p->part_hold_back = parse_float(rest, "PART-HOLD-BACK");
        p->hold_back = parse_float(rest, "HOLD-BACK");
        p->skip_until = parse_float(rest, "CAN-SKIP-UNTIL");
        return 1;
    }

    if (parse_is(line, "#EXT-X-PART-INF:", &rest)) {
        p->has_inf++;
        p->part_target = parse_float(rest, "PART-TARGET");
        return 1;
    }

    if (parse_is(line, "#EXT-X-MEDIA-SEQUENCE:", &rest)) {
        p->has_msn++;
        p->msn = parse_integer(rest);
        return 1;
    }

    if (parse_is(line, "#EXT-X-DISCONTINUITY-SEQUENCE:", &rest)) {
        p->has_sequence++;
        p->sequence = parse_integer(rest);
        return 1;
    }

    if (parse_is(line, "#EXT-X-INDEPENDENT-SEGMENTS", &rest)) {
        p->independent++;
        return 1;
    }

    return 0;
}


static inline int
parse_part(parse_t *p, const char *list)
{
    char              buf[16];
    parse_part_t     *part;
    parse_segment_t  *segment;

    segment = parse_current(p);
    part = &p->parts[p->nparts++];
    memset(part, 0, sizeof(parse_part_t));

    part->msn = segment->msn;
    part->index = segment->parts++;
    part->duration = parse_float(list, "DURATION");

    if (part->duration < 0
        || !parse_attribute(list, "URI", part->uri, PARSE_URI))
    {
        return parse_fail(p, "part without duration or URI: %s", list);
    }

    part->independent = parse_attribute(list, "INDEPENDENT", buf, sizeof(buf));
    part->gap = parse_attribute(list, "GAP", buf, sizeof(buf));

    return 1;
}


/* tags of a segment; they must stand before its first part (4.4.4.9) */

static inline int
parse_segment_tag(parse_t *p, const char *line)
{
    const char       *rest;
    parse_segment_t  *segment;

    if (parse_is(line, "#EXT-X-PART:", &rest)) {
        return parse_part(p, rest);
    }

    if (parse_is(line, "#EXT-X-DISCONTINUITY", &rest)) {
        segment = parse_current(p);
        segment->discontinuity = 1;
        segment->sequence++;
        segment->map[0] = '\0';

    } else if (parse_is(line, "#EXT-X-MAP:", &rest)) {
        segment = parse_current(p);

        if (!parse_attribute(rest, "URI", segment->map, PARSE_URI)) {
            return parse_fail(p, "map without URI");
        }

    } else if (parse_is(line, "#EXT-X-PROGRAM-DATE-TIME:", &rest)) {
        segment = parse_current(p);

        if (segment->pdt[0] || strlen(rest) != 24) {
            return parse_fail(p, "date twice or malformed: %s", rest);
        }

        strcpy(segment->pdt, rest);

    } else if (parse_is(line, "#EXT-X-GAP", &rest)) {
        parse_current(p)->gap = 1;
        return 1;

    } else if (parse_is(line, "#EXTINF:", &rest)) {
        segment = parse_current(p);

        if (segment->duration >= 0 || rest[strlen(rest) - 1] != ',') {
            return parse_fail(p, "EXTINF twice or malformed: %s", rest);
        }

        segment->duration = atof(rest);
        return 1;

    } else {
        return 0;
    }

    if (segment->parts) {
        return parse_fail(p, "behind the first part: %s", line);
    }

    return 1;
}


static inline int
parse_tail(parse_t *p, const char *line)
{
    char         buf[64];
    const char  *rest;

    if (parse_is(line, "#EXT-X-PRELOAD-HINT:", &rest)) {

        if (p->hint[0] || !parse_attribute(rest, "TYPE", buf, sizeof(buf))
            || strcmp(buf, "PART") != 0
            || !parse_attribute(rest, "URI", p->hint, PARSE_URI))
        {
            return parse_fail(p, "hint: %s", line);
        }

        return 1;
    }

    if (parse_is(line, "#EXT-X-RENDITION-REPORT:", &rest)) {

        if (!parse_attribute(rest, "URI", p->report, PARSE_URI)
            || !parse_attribute(rest, "LAST-MSN", buf, sizeof(buf)))
        {
            return parse_fail(p, "report: %s", line);
        }

        p->report_msn = parse_integer(buf);

        if (!parse_attribute(rest, "LAST-PART", buf, sizeof(buf))) {
            return parse_fail(p, "report without part: %s", line);
        }

        p->report_part = (uint32_t) parse_integer(buf);
        return 1;
    }

    if (parse_is(line, "#EXT-X-ENDLIST", &rest)) {
        p->ended++;
        return 1;
    }

    return 0;
}


static inline int
parse_line(parse_t *p, const char *line, int *header)
{
    int               rc;
    char              buf[32];
    const char       *rest;
    parse_segment_t  *segment;

    if (line[0] != '#') {

        if (!p->open || p->segments[p->nsegments].duration < 0) {
            return parse_fail(p, "URI without EXTINF: %s", line);
        }

        segment = &p->segments[p->nsegments++];
        (void) strncpy(segment->uri, line, PARSE_URI - 1);
        p->open = 0;
        return 1;
    }

    rc = parse_header(p, line);

    if (rc) {
        return *header ? rc : parse_fail(p, "header tag too late: %s", line);
    }

    *header = 0;

    if (parse_is(line, "#EXT-X-SKIP:", &rest)) {

        if (p->skipped || p->nsegments || p->open
            || !parse_attribute(rest, "SKIPPED-SEGMENTS", buf, sizeof(buf)))
        {
            return parse_fail(p, "skip: %s", line);
        }

        p->skipped = (uint32_t) parse_integer(buf);
        return 1;
    }

    rc = parse_tail(p, line);

    if (rc == 0 && (p->hint[0] || p->ended)) {
        return parse_fail(p, "behind the playlist's end: %s", line);
    }

    if (rc == 0) {
        rc = parse_segment_tag(p, line);
    }

    return rc ? rc : parse_fail(p, "unknown: %s", line);
}


/* 0, or -1 with p->error */

static inline int
parse_playlist(parse_t *p, const char *text)
{
    int          header;
    char         line[512];
    size_t       n;
    const char  *end;

    memset(p, 0, offsetof(parse_t, segments));
    p->error[0] = '\0';

    if (strncmp(text, "#EXTM3U\n", 8) != 0) {
        return parse_fail(p, "does not begin with EXTM3U");
    }

    header = 1;

    for (text += 8; *text; text = end + 1) {
        end = strchr(text, '\n');

        if (end == NULL) {
            return parse_fail(p, "the last line does not end");
        }

        n = (size_t) (end - text);

        if (n == 0 || n >= sizeof(line)) {
            return parse_fail(p, "a line of %zu bytes", n);
        }

        memcpy(line, text, n);
        line[n] = '\0';

        if (parse_line(p, line, &header) < 0) {
            return -1;
        }
    }

    if (p->open && p->segments[p->nsegments].duration >= 0) {
        return parse_fail(p, "EXTINF without a URI");
    }

    return 0;
}


#endif /* _MANIFEST_PARSE_H_INCLUDED_ */
