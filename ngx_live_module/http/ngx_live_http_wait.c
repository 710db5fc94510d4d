/*
 * Requests that wait for a stream to change.
 */

#include "ngx_live_http.h"


static ngx_queue_t *ngx_live_http_queue(ngx_live_store_zone_t *zone,
    ngx_uint_t stream);
static void ngx_live_http_leave(ngx_live_http_ctx_t *ctx);
static void ngx_live_http_cleanup(void *data);
static void ngx_live_http_timeout_handler(ngx_event_t *ev);
static void ngx_live_http_finalize(ngx_live_http_ctx_t *ctx, ngx_int_t rc);


/* those who wait, a queue a stream, in order of arrival */

typedef struct ngx_live_http_waiters_s  ngx_live_http_waiters_t;

struct ngx_live_http_waiters_s {
    ngx_live_store_zone_t     *zone;
    ngx_queue_t               *streams;
    ngx_live_http_waiters_t   *next;
};


static ngx_live_http_waiters_t  *ngx_live_http_waiters;


/* NULL: out of memory */

static ngx_queue_t *
ngx_live_http_queue(ngx_live_store_zone_t *zone, ngx_uint_t stream)
{
    ngx_uint_t                i;
    ngx_live_http_waiters_t  *w;

    for (w = ngx_live_http_waiters; w; w = w->next) {
        if (w->zone == zone) {
            return &w->streams[stream];
        }
    }

    w = ngx_palloc(ngx_cycle->pool, sizeof(ngx_live_http_waiters_t));
    if (w == NULL) {
        return NULL;
    }

    w->streams = ngx_palloc(ngx_cycle->pool,
                            zone->streams * sizeof(ngx_queue_t));
    if (w->streams == NULL) {
        return NULL;
    }

    for (i = 0; i < zone->streams; i++) {
        ngx_queue_init(&w->streams[i]);
    }

    w->zone = zone;
    w->next = ngx_live_http_waiters;
    ngx_live_http_waiters = w;

    return &w->streams[stream];
}


ngx_int_t
ngx_live_http_wait(ngx_live_http_ctx_t *ctx, ngx_msec_t timeout)
{
    ngx_int_t            rc;
    ngx_queue_t         *queue;
    ngx_http_request_t  *r;
    ngx_http_cleanup_t  *cln;

    r = ctx->request;

    queue = ngx_live_http_queue(ctx->zone, ctx->ref.stream);
    if (queue == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_live_http_cleanup;
    cln->data = ctx;

    if (ngx_queue_empty(queue)) {
        live_store_watch(ctx->zone->store, ctx->ref.stream);
    }

    ngx_queue_insert_tail(queue, &ctx->queue);
    ctx->waiting = 1;

    /* what came between the last look and the watch did not ring here */

    rc = ngx_live_http_answer(ctx);

    if (rc != NGX_AGAIN) {
        ngx_live_http_leave(ctx);
        return rc;
    }

    ctx->timer.data = ctx;
    ctx->timer.log = r->connection->log;
    ctx->timer.handler = ngx_live_http_timeout_handler;
    ngx_add_timer(&ctx->timer, timeout);

    /* a client that leaves is seen by this handler, on HTTP/1 and HTTP/2 */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_live_http_leave(ngx_live_http_ctx_t *ctx)
{
    ngx_queue_t  *queue;

    if (!ctx->waiting) {
        return;
    }

    ctx->waiting = 0;
    ngx_queue_remove(&ctx->queue);

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    queue = ngx_live_http_queue(ctx->zone, ctx->ref.stream);

    if (queue && ngx_queue_empty(queue)) {
        live_store_unwatch(ctx->zone->store, ctx->ref.stream);
    }
}


static void
ngx_live_http_cleanup(void *data)
{
    ngx_live_http_leave(data);
}


static void
ngx_live_http_finalize(ngx_live_http_ctx_t *ctx, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_live_http_timeout_handler(ngx_event_t *ev)
{
    ngx_live_http_ctx_t  *ctx;

    ctx = ev->data;

    ngx_live_http_leave(ctx);

    if (ngx_live_http_headers(ctx->request, -1) != NGX_OK) {
        ngx_live_http_finalize(ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_live_http_finalize(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
}


void
ngx_live_http_changed(void *store, ngx_uint_t stream)
{
    ngx_int_t             rc;
    ngx_queue_t          *queue, ready, *q;
    ngx_live_http_ctx_t  *ctx;

    queue = ngx_live_http_queue(store, stream);

    if (queue == NULL || ngx_queue_empty(queue)) {
        return;
    }

    /*
     * Answering may run other requests of the same client, which may come to
     * wait here again: they are not of this round.
     */

    ngx_queue_init(&ready);
    ngx_queue_add(&ready, queue);
    ngx_queue_init(queue);

    while (!ngx_queue_empty(&ready)) {

        q = ngx_queue_head(&ready);
        ctx = ngx_queue_data(q, ngx_live_http_ctx_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(queue, q);

        rc = ngx_live_http_answer(ctx);

        if (rc == NGX_AGAIN) {
            continue;
        }

        ngx_live_http_leave(ctx);
        ngx_live_http_finalize(ctx, rc);
    }

    /* a request that was cleaned up on the way may have found the queue empty */

    if (!ngx_queue_empty(queue)) {
        live_store_watch(((ngx_live_store_zone_t *) store)->store, stream);
    }
}
