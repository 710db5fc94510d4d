/*
 * Directives, and our place in nginx-rtmp's chain: media messages, ABORT, the end
 * of a stream.
 */

#include "ngx_live_ingest.h"
#include "ngx_live_core.h"


#define NGX_LIVE_PART_MIN   100
#define NGX_LIVE_PART_MAX   2000


static void *ngx_live_ingest_create_app_conf(ngx_conf_t *cf);
static char *ngx_live_ingest_merge_app_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_live_ingest_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_live_ingest_keys(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_live_ingest_segment(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_live_ingest_window(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_live_ingest_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_live_ingest_postconfiguration(ngx_conf_t *cf);
static void ngx_live_ingest_forget(void *data);
static ngx_int_t ngx_live_ingest_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_live_ingest_av(ngx_rtmp_session_t *s,
    ngx_rtmp_header_t *h, ngx_chain_t *in);
static ngx_int_t ngx_live_ingest_abort(ngx_rtmp_session_t *s,
    ngx_rtmp_header_t *h, ngx_chain_t *in);
static ngx_int_t ngx_live_ingest_guard(ngx_rtmp_session_t *s,
    ngx_rtmp_header_t *h, ngx_chain_t *in);
static ngx_int_t ngx_live_ingest_close_stream(ngx_rtmp_session_t *s,
    ngx_rtmp_close_stream_t *v);


static ngx_conf_enum_t  ngx_live_ingest_publish_modes[] = {
    { ngx_string("keys"), NGX_LIVE_PUBLISH_KEYS },
    { ngx_string("open"), NGX_LIVE_PUBLISH_OPEN },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_live_ingest_commands[] = {

    { ngx_string("live_ingest"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE12,
      ngx_live_ingest_directive,
      NGX_RTMP_APP_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("live_keys"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE1,
      ngx_live_ingest_keys,
      NGX_RTMP_APP_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("live_publish"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_RTMP_APP_CONF_OFFSET,
      offsetof(ngx_live_ingest_app_conf_t, publish),
      ngx_live_ingest_publish_modes },

    { ngx_string("live_part"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_RTMP_APP_CONF_OFFSET,
      offsetof(ngx_live_ingest_app_conf_t, part),
      NULL },

    { ngx_string("live_segment"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE12,
      ngx_live_ingest_segment,
      NGX_RTMP_APP_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("live_window"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE12,
      ngx_live_ingest_window,
      NGX_RTMP_APP_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("live_linger"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_RTMP_APP_CONF_OFFSET,
      offsetof(ngx_live_ingest_app_conf_t, linger),
      NULL },

    { ngx_string("live_idle"),
      NGX_RTMP_MAIN_CONF|NGX_RTMP_SRV_CONF|NGX_RTMP_APP_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_RTMP_APP_CONF_OFFSET,
      offsetof(ngx_live_ingest_app_conf_t, idle),
      NULL },

      ngx_null_command
};


static ngx_rtmp_module_t  ngx_live_ingest_module_ctx = {
    ngx_live_ingest_preconfiguration,      /* preconfiguration */
    ngx_live_ingest_postconfiguration,     /* postconfiguration */
    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */
    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */
    ngx_live_ingest_create_app_conf,       /* create app configuration */
    ngx_live_ingest_merge_app_conf         /* merge app configuration */
};


ngx_module_t  ngx_live_ingest_module = {
    NGX_MODULE_V1,
    &ngx_live_ingest_module_ctx,           /* module context */
    ngx_live_ingest_commands,              /* module directives */
    NGX_RTMP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_live_ingest_init_module,           /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_rtmp_close_stream_pt  ngx_live_ingest_next_close_stream;

/* of the configuration that is in use, NULL without rtmp {} */

static ngx_rtmp_core_main_conf_t  *ngx_live_ingest_running;

extern ngx_module_t  ngx_rtmp_module;


u_char *
ngx_live_ingest_gather(ngx_chain_t *in, size_t *np, ngx_log_t *log)
{
    size_t        n;
    u_char       *p;
    ngx_chain_t  *cl;

    static u_char  *buf;
    static size_t   size;

    n = 0;

    for (cl = in; cl; cl = cl->next) {
        n += cl->buf->last - cl->buf->pos;
    }

    *np = n;

    if (n == 0) {
        return NULL;
    }

    if (n > size) {
        if (buf) {
            ngx_free(buf);
        }

        size = 0;
        buf = ngx_alloc(n + n / 2, log);
        if (buf == NULL) {
            return NULL;
        }

        size = n + n / 2;
    }

    p = buf;

    for (cl = in; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return buf;
}


static ngx_int_t
ngx_live_ingest_av(ngx_rtmp_session_t *s, ngx_rtmp_header_t *h,
    ngx_chain_t *in)
{
    size_t                  n;
    u_char                 *p;
    ngx_int_t               rc;
    ngx_live_ingest_ctx_t  *ctx;

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx == NULL || ctx->pub == NULL) {
        return NGX_OK;
    }

    ctx->last = ngx_current_msec;

    p = ngx_live_ingest_gather(in, &n, s->connection->log);
    if (p == NULL) {
        return n ? NGX_ERROR : NGX_OK;
    }

    rc = ngx_live_publication_message(ctx->pub,
                                      h->type == NGX_RTMP_MSG_VIDEO
                                      ? LIVE_VIDEO : LIVE_AUDIO,
                                      h->timestamp, p, n);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_WARN, &ctx->log, 0,
                      "live publisher closed: another with a valid key took "
                      "the stream over");
    }

    /* an error makes nginx-rtmp close the session, and that the stream */

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


/*
 * ABORT (RTMP 5.4.2): what has come of a message on a chunk stream is thrown away;
 * nginx-rtmp passes over it.  Its buffers form a ring whose first is in->next.
 */

static ngx_int_t
ngx_live_ingest_abort(ngx_rtmp_session_t *s, ngx_rtmp_header_t *h,
    ngx_chain_t *in)
{
    u_char                      *p;
    uint32_t                     csid;
    ngx_chain_t                 *head;
    ngx_rtmp_stream_t           *st, *free;
    ngx_rtmp_core_srv_conf_t    *cscf;
    ngx_live_ingest_app_conf_t  *lacf;

    lacf = ngx_rtmp_get_module_app_conf(s, ngx_live_ingest_module);

    if (lacf == NULL || !lacf->ingest || in == NULL
        || in->buf->last - in->buf->pos < 4)
    {
        return NGX_OK;
    }

    p = in->buf->pos;
    csid = (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];

    cscf = ngx_rtmp_get_module_srv_conf(s, ngx_rtmp_core_module);

    /* the stream that this very message came on is nginx-rtmp's to finish */

    if (csid < 2 || csid >= (uint32_t) cscf->max_streams || csid == h->csid) {
        return NGX_OK;
    }

    st = &s->in_streams[csid];

    if (st->len == 0 || st->in == NULL) {
        return NGX_OK;
    }

    head = st->in->next;
    free = &s->in_streams[0];

    st->in->next = free->in;
    free->in = head;

    st->in = NULL;
    st->len = 0;

    return NGX_OK;
}


/*
 * nginx-rtmp's handlers of metadata use the application's configuration, which
 * there is not before connect, and a worker died of it: until then nothing but
 * connect passes.  Runs before them: they are registered later.
 */

static ngx_int_t
ngx_live_ingest_guard(ngx_rtmp_session_t *s, ngx_rtmp_header_t *h,
    ngx_chain_t *in)
{
    size_t   n;
    u_char  *p;

    static u_char  connect[] = "\x02\x00\x07" "connect";

    if (s->app_conf) {
        return NGX_OK;
    }

    p = ngx_live_ingest_gather(in, &n, s->connection->log);

    if (p && h->type == NGX_RTMP_MSG_AMF3_CMD) {
        p++;
        n--;
    }

    if (p && (h->type == NGX_RTMP_MSG_AMF_CMD
              || h->type == NGX_RTMP_MSG_AMF3_CMD)
        && n >= sizeof(connect) - 1
        && ngx_memcmp(p, connect, sizeof(connect) - 1) == 0)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "live: message of type %d before connect", (int) h->type);

    return NGX_ERROR;
}


static ngx_int_t
ngx_live_ingest_close_stream(ngx_rtmp_session_t *s, ngx_rtmp_close_stream_t *v)
{
    ngx_live_ingest_ctx_t  *ctx;

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx) {
        ngx_live_ingest_end(ctx, 0);
    }

    return ngx_live_ingest_next_close_stream(s, v);
}


static void *
ngx_live_ingest_create_app_conf(ngx_conf_t *cf)
{
    ngx_live_ingest_app_conf_t  *lacf;

    lacf = ngx_pcalloc(cf->pool, sizeof(ngx_live_ingest_app_conf_t));
    if (lacf == NULL) {
        return NULL;
    }

    lacf->ingest = NGX_CONF_UNSET;
    lacf->zone = NGX_CONF_UNSET_PTR;
    lacf->keys = NGX_CONF_UNSET_PTR;
    lacf->publish = NGX_CONF_UNSET_UINT;
    lacf->part = NGX_CONF_UNSET_MSEC;
    lacf->segment = NGX_CONF_UNSET_MSEC;
    lacf->segment_max = NGX_CONF_UNSET_MSEC;
    lacf->window = NGX_CONF_UNSET_MSEC;
    lacf->window_bytes = NGX_CONF_UNSET_SIZE;
    lacf->linger = NGX_CONF_UNSET_MSEC;
    lacf->idle = NGX_CONF_UNSET_MSEC;

    return lacf;
}


static char *
ngx_live_ingest_check(ngx_conf_t *cf, ngx_live_ingest_app_conf_t *conf)
{
    if (conf->part < NGX_LIVE_PART_MIN || conf->part > NGX_LIVE_PART_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_part must be 100ms to 2s, it is %Mms",
                           conf->part);
        return NGX_CONF_ERROR;
    }

    if (conf->segment < 500 || conf->segment > 30000
        || conf->segment < conf->part)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_segment must be 500ms to 30s and at least "
                           "live_part, it is %Mms", conf->segment);
        return NGX_CONF_ERROR;
    }

    if (conf->segment_max < conf->segment || conf->segment_max > 60000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_segment's max must be at least its length "
                           "and at most 60s, it is %Mms", conf->segment_max);
        return NGX_CONF_ERROR;
    }

    if (conf->window < 3 * conf->segment_max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_window %Ms is less than three times the "
                           "longest segment, %Ms: players could not start; "
                           "raise it or lower live_segment",
                           conf->window / 1000, conf->segment_max / 1000);
        return NGX_CONF_ERROR;
    }

    if (conf->window > conf->segment / 2 * 120) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_window %Ms is more than 60 segments of "
                           "live_segment: lower it or make segments longer",
                           conf->window / 1000);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_live_ingest_merge_app_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_live_ingest_app_conf_t *prev = parent;
    ngx_live_ingest_app_conf_t *conf = child;

    ngx_conf_merge_value(conf->ingest, prev->ingest, 0);
    ngx_conf_merge_ptr_value(conf->zone, prev->zone, NULL);
    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);
    ngx_conf_merge_uint_value(conf->publish, prev->publish,
                              NGX_LIVE_PUBLISH_KEYS);
    ngx_conf_merge_msec_value(conf->part, prev->part, 500);
    ngx_conf_merge_msec_value(conf->segment, prev->segment, 2000);
    ngx_conf_merge_msec_value(conf->segment_max, prev->segment_max, 0);
    ngx_conf_merge_msec_value(conf->window, prev->window, 30000);
    ngx_conf_merge_size_value(conf->window_bytes, prev->window_bytes, 0);
    ngx_conf_merge_msec_value(conf->linger, prev->linger, 30000);
    ngx_conf_merge_msec_value(conf->idle, prev->idle, 15000);

    if (!conf->ingest) {
        return NGX_CONF_OK;
    }

    if (conf->segment_max == 0) {
        conf->segment_max = 2 * conf->segment;
    }

    /* TARGETDURATION is in whole seconds */

    conf->segment_max = (conf->segment_max + 999) / 1000 * 1000;

    return ngx_live_ingest_check(cf, conf);
}


static char *
ngx_live_ingest_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_live_ingest_app_conf_t *lacf = conf;

    return ngx_live_store_switch(cf, &lacf->ingest, &lacf->zone);
}


static char *
ngx_live_ingest_keys(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_live_ingest_app_conf_t *lacf = conf;

    ngx_str_t  *value;

    if (lacf->keys != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_live_ingest_read_keys(cf, &value[1], &lacf->keys);
}


static char *
ngx_live_ingest_segment(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_live_ingest_app_conf_t *lacf = conf;

    ngx_str_t  *value, s;

    if (lacf->segment != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lacf->segment = ngx_parse_time(&value[1], 0);

    if (lacf->segment == (ngx_msec_t) NGX_ERROR) {
        return "has an invalid time";
    }

    if (cf->args->nelts == 3) {

        if (value[2].len <= 4 || ngx_strncmp(value[2].data, "max=", 4) != 0) {
            return "has a second parameter that is not max=TIME";
        }

        s.data = value[2].data + 4;
        s.len = value[2].len - 4;

        lacf->segment_max = ngx_parse_time(&s, 0);

        if (lacf->segment_max == (ngx_msec_t) NGX_ERROR
            || lacf->segment_max == 0)
        {
            return "has an invalid time in max=";
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_live_ingest_window(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_live_ingest_app_conf_t *lacf = conf;

    ssize_t     n;
    ngx_str_t  *value, s;

    if (lacf->window != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lacf->window = ngx_parse_time(&value[1], 0);

    if (lacf->window == (ngx_msec_t) NGX_ERROR) {
        return "has an invalid time";
    }

    if (cf->args->nelts == 3) {

        if (value[2].len <= 5 || ngx_strncmp(value[2].data, "size=", 5) != 0) {
            return "has a second parameter that is not size=BYTES";
        }

        s.data = value[2].data + 5;
        s.len = value[2].len - 5;

        n = ngx_parse_size(&s);

        if (n == NGX_ERROR || n < 65536) {
            return "has a size= that is not 64k or more";
        }

        lacf->window_bytes = n;
    }

    return NGX_CONF_OK;
}


/*
 * nginx-rtmp points at the configuration that was read last.  One that is refused
 * goes, and a worker that is started later, for one that died, would look at it.
 */

static ngx_int_t
ngx_live_ingest_preconfiguration(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_live_ingest_forget;
    cln->data = ngx_rtmp_core_main_conf;

    return NGX_OK;
}


static void
ngx_live_ingest_forget(void *data)
{
    if (ngx_live_ingest_running == data) {
        ngx_live_ingest_running = NULL;
    }

    if (ngx_rtmp_core_main_conf == data) {
        ngx_rtmp_core_main_conf = ngx_live_ingest_running;
    }
}


static ngx_int_t
ngx_live_ingest_init_module(ngx_cycle_t *cycle)
{
    ngx_rtmp_conf_ctx_t  *ctx;

    ctx = (ngx_rtmp_conf_ctx_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_rtmp_module);

    ngx_live_ingest_running = ctx ? ctx->main_conf[
                                          ngx_rtmp_core_module.ctx_index]
                                  : NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_live_ingest_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_rtmp_handler_pt        *h;
    ngx_rtmp_core_main_conf_t  *cmcf;

    static struct {
        ngx_uint_t              event;
        ngx_rtmp_handler_pt     handler;
    } events[] = {
        { NGX_RTMP_MSG_AMF_CMD, ngx_live_ingest_guard },
        { NGX_RTMP_MSG_AMF_META, ngx_live_ingest_guard },
        { NGX_RTMP_MSG_AMF3_CMD, ngx_live_ingest_guard },
        { NGX_RTMP_MSG_AMF3_META, ngx_live_ingest_guard },
        { NGX_RTMP_MSG_AUDIO, ngx_live_ingest_av },
        { NGX_RTMP_MSG_VIDEO, ngx_live_ingest_av },
        { NGX_RTMP_MSG_ABORT, ngx_live_ingest_abort }
    };

    cmcf = ngx_rtmp_conf_get_module_main_conf(cf, ngx_rtmp_core_module);

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {

        h = ngx_array_push(&cmcf->events[events[i].event]);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = events[i].handler;
    }

    if (ngx_live_ingest_init_publish(cmcf) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "ngx_live_module.so must be loaded after "
                           "ngx_rtmp_module.so");
        return NGX_ERROR;
    }

    if (ngx_live_ingest_init_metadata(cmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_live_ingest_next_close_stream = ngx_rtmp_close_stream;
    ngx_rtmp_close_stream = ngx_live_ingest_close_stream;

    return ngx_live_on_changed(NGX_LIVE_ORDER_INGEST,
                               ngx_live_ingest_changed);
}
