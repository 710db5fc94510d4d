/*
 * store/, the nginx side: the live_store directive, a worker's doorbell and the
 * janitor.
 */

#ifndef _NGX_LIVE_STORE_H_INCLUDED_
#define _NGX_LIVE_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "live_store.h"


typedef struct ngx_live_store_zone_s  ngx_live_store_zone_t;

struct ngx_live_store_zone_s {
    ngx_str_t               name;
    live_store_t           *store;       /* in workers that have joined */
    ngx_live_store_zone_t  *next;

    /* private to store/ */

    ngx_str_t               path;
    ngx_uint_t              streams;
    off_t                   bytes_max;
    ngx_uint_t              line;        /* 0: referred to, not defined (yet) */
    ngx_str_t               file;
    unsigned                joined:1;
    unsigned                accepted:1;  /* its configuration is in use */
    ngx_connection_t       *bell;
    ngx_event_t             janitor;
    ngx_event_t             self;        /* changes seen by this worker itself */
    uint64_t               *dirty;
};


/*
 * The store with this name, to be defined by the time the configuration is
 * complete; with an empty name, the one store that there is.  NULL: no memory.
 */

ngx_live_store_zone_t *ngx_live_store_ref(ngx_conf_t *cf, ngx_str_t *name);


/*
 * The arguments of a directive that is "on [store=NAME]" or "off", for its
 * handler: fills *flag, and with "on" *zone.  What a handler returns.
 */

char *ngx_live_store_switch(ngx_conf_t *cf, ngx_flag_t *flag,
    ngx_live_store_zone_t **zone);


/*
 * Tells all who wait on a stream, in this worker and others, once the current
 * event has been handled: may be called often.
 */

void ngx_live_store_notify(ngx_live_store_zone_t *zone, ngx_uint_t stream);


extern ngx_module_t  ngx_live_store_module;


#endif /* _NGX_LIVE_STORE_H_INCLUDED_ */
