/*
 * core/: calls upward.  A lower room announces, higher rooms have put a row into
 * the table; rows are called by their order.
 */

#ifndef _NGX_LIVE_CORE_H_INCLUDED_
#define _NGX_LIVE_CORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_LIVE_ORDER_INGEST  10
#define NGX_LIVE_ORDER_HTTP    20


/*
 * Stream number `stream` of `store` has changed: new parts, a new owner, a new
 * state.  Called in a worker, outside any other handler of ours.
 */

typedef void (*ngx_live_changed_pt)(void *store, ngx_uint_t stream);


/*
 * Adds a row; a handler that is there already is not added again (configurations
 * are read again on reload).  NGX_ERROR: the table is full.
 */

ngx_int_t ngx_live_on_changed(ngx_uint_t order, ngx_live_changed_pt handler);

/* calls every row */

void ngx_live_changed(void *store, ngx_uint_t stream);


#endif /* _NGX_LIVE_CORE_H_INCLUDED_ */
