/*
 * The live_hls directive and its content handler.
 */

#include "ngx_live_http.h"
#include "ngx_live_core.h"


#define NGX_LIVE_HTTP_START_WAIT  5000    /* ms, for a stream that starts */
#define NGX_LIVE_HTTP_GONE        410


static ngx_int_t ngx_live_http_handler(ngx_http_request_t *r);
static ngx_int_t ngx_live_http_options(ngx_http_request_t *r);
static ngx_int_t ngx_live_http_error(ngx_http_request_t *r, ngx_int_t status);
static ngx_msec_t ngx_live_http_timeout(ngx_live_http_ctx_t *ctx);
static void *ngx_live_http_create_loc_conf(ngx_conf_t *cf);
static char *ngx_live_http_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_live_http_hls(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_live_http_postconfiguration(ngx_conf_t *cf);


static ngx_command_t  ngx_live_http_commands[] = {

    { ngx_string("live_hls"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_live_http_hls,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_live_http_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_live_http_postconfiguration,       /* postconfiguration */
    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */
    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */
    ngx_live_http_create_loc_conf,         /* create location configuration */
    ngx_live_http_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_live_http_module = {
    NGX_MODULE_V1,
    &ngx_live_http_module_ctx,             /* module context */
    ngx_live_http_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_live_http_add(ngx_http_request_t *r, char *key, size_t len, u_char *value,
    size_t n)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = len;
    h->value.data = value;
    h->value.len = n;

    return NGX_OK;
}


#define ngx_live_http_add_header(r, key, value)                               \
    ngx_live_http_add(r, key, sizeof(key) - 1, (u_char *) value,              \
                      sizeof(value) - 1)


/* an error may follow an answer that was begun: 416 is found behind our headers */

static void
ngx_live_http_clear(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if ((h[i].key.len > 15
                 && ngx_strncmp(h[i].key.data, "Access-Control-", 15) == 0)
                || (h[i].key.len == 13
                    && ngx_strncmp(h[i].key.data, "Cache-Control", 13) == 0))
            {
                h[i].hash = 0;
            }
        }
    }
}


ngx_int_t
ngx_live_http_headers(ngx_http_request_t *r, ngx_int_t max_age)
{
    u_char  *p, *last;

    ngx_live_http_clear(r);

    if (ngx_live_http_add_header(r, "Access-Control-Allow-Origin", "*")
        != NGX_OK
        || ngx_live_http_add_header(r, "Access-Control-Expose-Headers",
                                    "Content-Length, Content-Range, Date")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (max_age < 0) {
        return ngx_live_http_add_header(r, "Cache-Control", "no-store");
    }

    if (max_age == NGX_MAX_INT32_VALUE) {
        return ngx_live_http_add_header(r, "Cache-Control",
                                        "public, max-age=31536000, immutable");
    }

    p = ngx_pnalloc(r->pool, sizeof("max-age=") + NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "max-age=%i", max_age);

    return ngx_live_http_add(r, "Cache-Control", sizeof("Cache-Control") - 1,
                             p, last - p);
}


static ngx_int_t
ngx_live_http_error(ngx_http_request_t *r, ngx_int_t status)
{
    return ngx_live_http_headers(r, -1) == NGX_OK
           ? status : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_live_http_options(ngx_http_request_t *r)
{
    if (ngx_live_http_headers(r, 86400) != NGX_OK
        || ngx_live_http_add_header(r, "Access-Control-Allow-Methods",
                                    "GET, HEAD, OPTIONS") != NGX_OK
        || ngx_live_http_add_header(r, "Access-Control-Allow-Headers", "*")
           != NGX_OK
        || ngx_live_http_add_header(r, "Access-Control-Max-Age", "86400")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


/* how long a request may wait: the draft, 6.2.5.2, three target durations */

static ngx_msec_t
ngx_live_http_timeout(ngx_live_http_ctx_t *ctx)
{
    live_store_stream_info_t  info;

    if (ctx->url.kind == NGX_LIVE_HTTP_MULTIVARIANT
        || live_store_info(ctx->zone->store, ctx->ref, &info) != LIVE_OK)
    {
        return NGX_LIVE_HTTP_START_WAIT;
    }

    return (ngx_msec_t) (3 * info.segment_max_us / 1000);
}


ngx_int_t
ngx_live_http_answer(ngx_live_http_ctx_t *ctx)
{
    ngx_int_t            rc;
    live_store_state_e   state;

    state = live_store_state(ctx->zone->store, ctx->ref);

    if (state == LIVE_STORE_GONE || state == LIVE_STORE_FREE) {
        return ngx_live_http_error(ctx->request, NGX_LIVE_HTTP_GONE);
    }

    switch (ctx->url.kind) {

    case NGX_LIVE_HTTP_MULTIVARIANT:
        rc = ngx_live_http_multivariant(ctx);
        break;

    case NGX_LIVE_HTTP_PLAYLIST:
        rc = ngx_live_http_playlist(ctx);
        break;

    default:
        rc = ngx_live_http_media(ctx);
        break;
    }

    /* being sent, as fast as the client reads: not to be answered again */

    if (rc == NGX_AGAIN && ctx->request->header_sent) {
        return NGX_OK;
    }

    /* it ended before its first part, and nothing more will come */

    if (rc == NGX_AGAIN && state == LIVE_STORE_ENDED) {
        rc = NGX_LIVE_HTTP_GONE;
    }

    /* answered with an error before any header was sent */

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE && !ctx->request->header_sent) {
        return ngx_live_http_error(ctx->request, rc);
    }

    return rc;
}


static ngx_int_t
ngx_live_http_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    live_store_state_e         state;
    ngx_live_http_ctx_t       *ctx;
    ngx_live_http_loc_conf_t  *llcf;

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_live_http_options(r);
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_live_http_error(r, NGX_HTTP_NOT_ALLOWED);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    llcf = ngx_http_get_module_loc_conf(r, ngx_live_http_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_live_http_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->zone = llcf->zone;

    /* there is nothing to compare with, and nginx's 412 has no CORS headers */

    r->disable_not_modified = 1;

    if (ngx_live_http_parse_url(&r->uri, &ctx->url) != NGX_OK
        || live_store_find(ctx->zone->store, (char *) ctx->url.stream.data,
                           ctx->url.stream.len, &ctx->ref, &state)
           != LIVE_OK)
    {
        return ngx_live_http_error(r, NGX_HTTP_NOT_FOUND);
    }

    if (live_hls_parse_query((char *) r->args.data, r->args.len, &ctx->query)
        != LIVE_OK)
    {
        return ngx_live_http_error(r, NGX_HTTP_BAD_REQUEST);
    }

    rc = ngx_live_http_answer(ctx);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    return ngx_live_http_wait(ctx, ngx_live_http_timeout(ctx));
}


static void *
ngx_live_http_create_loc_conf(ngx_conf_t *cf)
{
    ngx_live_http_loc_conf_t  *llcf;

    llcf = ngx_pcalloc(cf->pool, sizeof(ngx_live_http_loc_conf_t));
    if (llcf == NULL) {
        return NULL;
    }

    llcf->hls = NGX_CONF_UNSET;

    return llcf;
}


static char *
ngx_live_http_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_live_http_loc_conf_t *conf = child;

    if (conf->hls == NGX_CONF_UNSET) {
        conf->hls = 0;
    }

    return NGX_CONF_OK;
}


static char *
ngx_live_http_hls(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_live_http_loc_conf_t *llcf = conf;

    char                      *rv;
    ngx_http_core_loc_conf_t  *clcf;

    rv = ngx_live_store_switch(cf, &llcf->hls, &llcf->zone);

    if (rv != NGX_CONF_OK || !llcf->hls) {
        return rv;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_live_http_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_live_http_postconfiguration(ngx_conf_t *cf)
{
    return ngx_live_on_changed(NGX_LIVE_ORDER_HTTP, ngx_live_http_changed);
}
