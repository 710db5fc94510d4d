/*
 * http/: url -> playlist or bytes; requests that wait.
 */

#ifndef _NGX_LIVE_HTTP_H_INCLUDED_
#define _NGX_LIVE_HTTP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_live_store.h"
#include "live_manifest.h"


typedef struct {
    ngx_flag_t                 hls;
    ngx_live_store_zone_t     *zone;
} ngx_live_http_loc_conf_t;


typedef enum {
    NGX_LIVE_HTTP_MULTIVARIANT = 0,
    NGX_LIVE_HTTP_PLAYLIST,
    NGX_LIVE_HTTP_INIT,
    NGX_LIVE_HTTP_SEGMENT,
    NGX_LIVE_HTTP_PART
} ngx_live_http_kind_e;


/* a URL taken apart; strings point into it */

typedef struct {
    ngx_live_http_kind_e       kind;
    ngx_str_t                  stream;
    ngx_str_t                  track;
    ngx_str_t                  epoch;
    uint64_t                   msn;
    uint32_t                   part;
    uint32_t                   init;
} ngx_live_http_url_t;


typedef struct {
    ngx_http_request_t        *request;
    ngx_live_store_zone_t     *zone;
    ngx_live_http_url_t        url;
    live_hls_query_t           query;
    live_store_ref_t           ref;
    ngx_queue_t                queue;        /* of those who wait on the stream */
    ngx_event_t                timer;
    unsigned                   waiting:1;
} ngx_live_http_ctx_t;


/* ngx_live_http_url.c */

/*
 * Reads the end of a URI as one of the module's (see docs/architecture.md).
 * NGX_OK, or NGX_DECLINED: none of ours.
 */

ngx_int_t ngx_live_http_parse_url(ngx_str_t *uri, ngx_live_http_url_t *url);


/* ngx_live_http_module.c */

/*
 * Answers now if it can be answered.  NGX_AGAIN: it must wait; else what
 * ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_live_http_answer(ngx_live_http_ctx_t *ctx);

/* CORS and cache headers, on every answer; max_age < 0: no-store */

ngx_int_t ngx_live_http_headers(ngx_http_request_t *r, ngx_int_t max_age);


/* ngx_live_http_wait.c */

/*
 * Puts the request to sleep until its stream changes, at most `timeout` ms; then it
 * is answered with 503.  NGX_DONE, or an error to finalize with.
 */

ngx_int_t ngx_live_http_wait(ngx_live_http_ctx_t *ctx, ngx_msec_t timeout);

/* a row of the core's table */

void ngx_live_http_changed(void *store, ngx_uint_t stream);


/* ngx_live_http_playlist.c: answers, as ngx_live_http_answer() */

ngx_int_t ngx_live_http_multivariant(ngx_live_http_ctx_t *ctx);
ngx_int_t ngx_live_http_playlist(ngx_live_http_ctx_t *ctx);


/* ngx_live_http_file.c */

/*
 * The file that ctx->url names, of the stream's track with this number, open for
 * reading as long as the request lives.  NGX_OK, or a status.
 */

ngx_int_t ngx_live_http_open_file(ngx_live_http_ctx_t *ctx, uint32_t track,
    ngx_fd_t *fd);


/* ngx_live_http_media.c: answers, as ngx_live_http_answer() */

ngx_int_t ngx_live_http_media(ngx_live_http_ctx_t *ctx);


extern ngx_module_t  ngx_live_http_module;


#endif /* _NGX_LIVE_HTTP_H_INCLUDED_ */
