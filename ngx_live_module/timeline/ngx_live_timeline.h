/*
 * timeline/, the nginx side: a publication, from a publisher's messages to parts in
 * the store.
 */

#ifndef _NGX_LIVE_TIMELINE_H_INCLUDED_
#define _NGX_LIVE_TIMELINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_live_store.h"
#include "live_timeline.h"


typedef struct ngx_live_publication_s  ngx_live_publication_t;


/*
 * Takes the stream over for this worker (see live_store_claim()).  info: what a new
 * stream is made with.  log must outlive the publication; its handler tells the
 * stream.  Cleaned up by ngx_live_publication_close() alone.
 *
 * NULL: refused; err says why, for the log.
 */

ngx_live_publication_t *ngx_live_publication_open(ngx_live_store_zone_t *zone,
    live_store_stream_info_t *info, ngx_log_t *log, u_char *err,
    size_t errlen);

/* tracks announced by metadata, a bit each (1 << live_media_e) */

void ngx_live_publication_expect(ngx_live_publication_t *pub,
    uint32_t tracks);

/*
 * A message, as an FLV tag's body.  NGX_OK; NGX_ERROR: the publisher must be
 * closed; NGX_DECLINED: taken over by another.
 */

ngx_int_t ngx_live_publication_message(ngx_live_publication_t *pub,
    live_media_e media, uint32_t timestamp, u_char *p, size_t n);

/* to be called every 100 ms; returns as above */

ngx_int_t ngx_live_publication_tick(ngx_live_publication_t *pub);

/* the stream's number in its store */

ngx_uint_t ngx_live_publication_stream(ngx_live_publication_t *pub);

/* 0 once another publisher has it */

ngx_uint_t ngx_live_publication_owned(ngx_live_publication_t *pub);

/* writes what is held back, gives the stream back to wait for a publisher */

void ngx_live_publication_close(ngx_live_publication_t *pub);


#endif /* _NGX_LIVE_TIMELINE_H_INCLUDED_ */
