/*
 * ingest/: joins nginx-rtmp's handler chain: who may publish, and under which name;
 * messages to the timeline; sessions closed and taken over.
 */

#ifndef _NGX_LIVE_INGEST_H_INCLUDED_
#define _NGX_LIVE_INGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_rtmp.h>
#include <ngx_rtmp_cmd_module.h>
#include "ngx_live_timeline.h"


/* a key or token is never longer, bytes */

#define NGX_LIVE_KEY_MAX   4096


typedef struct {
    ngx_str_t                  key;
    ngx_str_t                  stream;
} ngx_live_key_t;


typedef struct {
    ngx_flag_t                 ingest;
    ngx_live_store_zone_t     *zone;
    ngx_uint_t                 publish;       /* NGX_LIVE_PUBLISH_... */
    ngx_array_t               *keys;          /* ngx_live_key_t */
    ngx_msec_t                 part;
    ngx_msec_t                 segment;
    ngx_msec_t                 segment_max;
    ngx_msec_t                 window;
    size_t                     window_bytes;
    ngx_msec_t                 linger;
    ngx_msec_t                 idle;
} ngx_live_ingest_app_conf_t;


#define NGX_LIVE_PUBLISH_KEYS  0
#define NGX_LIVE_PUBLISH_OPEN  1


typedef struct ngx_live_ingest_ctx_s  ngx_live_ingest_ctx_t;

struct ngx_live_ingest_ctx_s {
    ngx_rtmp_session_t        *session;
    ngx_live_publication_t    *pub;
    ngx_live_store_zone_t     *zone;
    u_char                     name[LIVE_STORE_NAME_MAX];
    ngx_event_t                tick;
    ngx_event_t                refuse;        /* closes a refused session */
    ngx_msec_t                 last;          /* time of the last message */
    ngx_msec_t                 idle;
    ngx_log_t                  log;           /* session's, with the stream */
    ngx_queue_t                queue;         /* publishers of this worker */
    unsigned                   refused:1;
};


/* ngx_live_ingest.c */

/*
 * A message's bytes in one piece, in a buffer of this worker that the next call
 * uses again.  NULL: empty, or out of memory.
 */

u_char *ngx_live_ingest_gather(ngx_chain_t *in, size_t *n, ngx_log_t *log);


/* ngx_live_keys.c */

/*
 * Reads a file of "KEY STREAM" lines into lacf->keys.  NGX_CONF_ERROR has been
 * logged, without the key.
 */

char *ngx_live_ingest_read_keys(ngx_conf_t *cf, ngx_str_t *file,
    ngx_array_t **keys);

/* the stream of a key, or NULL; takes the same time for each wrong key */

ngx_str_t *ngx_live_ingest_find_key(ngx_array_t *keys, u_char *key,
    size_t len);

/* 1 if a stream may have this name: [A-Za-z0-9_.-], 1 to 63, no dot first */

ngx_uint_t ngx_live_ingest_valid_name(u_char *p, size_t len);


/* ngx_live_publish.c */

/* puts ours in the place of nginx-rtmp's publish command */

ngx_int_t ngx_live_ingest_init_publish(ngx_rtmp_core_main_conf_t *cmcf);

/* ends a publication, and the session too if `finalize` */

void ngx_live_ingest_end(ngx_live_ingest_ctx_t *ctx, ngx_uint_t finalize);

/* a row of the core's table: closes sessions whose stream was taken over */

void ngx_live_ingest_changed(void *store, ngx_uint_t stream);


/* ngx_live_metadata.c */

ngx_int_t ngx_live_ingest_init_metadata(ngx_rtmp_core_main_conf_t *cmcf);


extern ngx_module_t  ngx_live_ingest_module;


#endif /* _NGX_LIVE_INGEST_H_INCLUDED_ */
