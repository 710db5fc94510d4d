/*
 * A writer of text that remembers running out of room.
 */

#ifndef _LIVE_MANIFEST_INTERNAL_H_INCLUDED_
#define _LIVE_MANIFEST_INTERNAL_H_INCLUDED_


#include "live_manifest.h"


typedef struct {
    char   *p;
    char   *last;
    int     full;
} live_text_t;


void live_text_add(live_text_t *text, const char *s, size_t n);
void live_text_str(live_text_t *text, const char *s);
void live_text_number(live_text_t *text, uint64_t n);

/* n in millionths, as seconds with `digits` decimals (cut, not rounded) */

void live_text_seconds(live_text_t *text, uint64_t us, int digits);

/* 2026-01-31T23:59:59.123Z */

void live_text_date(live_text_t *text, int64_t us);


#define live_text_lit(text, s)  live_text_add(text, s, sizeof(s) - 1)


#endif /* _LIVE_MANIFEST_INTERNAL_H_INCLUDED_ */
