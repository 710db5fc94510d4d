/*
 * The publish command: from a raw key to a public name, to a publication.
 *
 * nginx-rtmp's own handler cuts names and arguments at 255 bytes and writes them
 * to its logs, so ours stands in its place and hands on the public name alone.
 */

#include "ngx_live_ingest.h"
#include <ngx_rtmp_live_module.h>
#include "live_amf.h"


#define NGX_LIVE_TICK         100
#define NGX_LIVE_REFUSE_WAIT  1000
#define NGX_LIVE_COMMAND_MAX  (NGX_LIVE_KEY_MAX + 1024)


static ngx_int_t ngx_live_ingest_publish(ngx_rtmp_session_t *s,
    ngx_rtmp_header_t *h, ngx_chain_t *in);
static ngx_int_t ngx_live_ingest_read_publish(ngx_rtmp_session_t *s,
    ngx_chain_t *in, ngx_str_t *name, ngx_str_t *type);
static ngx_int_t ngx_live_ingest_resolve(ngx_live_ingest_app_conf_t *lacf,
    ngx_str_t *raw, u_char *name);
static ngx_int_t ngx_live_ingest_start(ngx_rtmp_session_t *s,
    ngx_live_ingest_app_conf_t *lacf, u_char *name);
static ngx_int_t ngx_live_ingest_refuse(ngx_rtmp_session_t *s, char *code,
    char *description);
static void ngx_live_ingest_displace(ngx_live_ingest_ctx_t *ctx);
static void ngx_live_ingest_refuse_handler(ngx_event_t *ev);
static void ngx_live_ingest_tick_handler(ngx_event_t *ev);
static u_char *ngx_live_ingest_log_handler(ngx_log_t *log, u_char *buf,
    size_t len);


static ngx_rtmp_handler_pt  ngx_live_ingest_next_publish;

/* publishers of this worker */

static ngx_queue_t          ngx_live_ingest_publishers;


ngx_int_t
ngx_live_ingest_init_publish(ngx_rtmp_core_main_conf_t *cmcf)
{
    ngx_uint_t               i;
    ngx_rtmp_amf_handler_t  *ch;

    /* a process that reads its configuration again keeps its publishers */

    if (ngx_live_ingest_publishers.next == NULL) {
        ngx_queue_init(&ngx_live_ingest_publishers);
    }

    ch = cmcf->amf.elts;

    for (i = 0; i < cmcf->amf.nelts; i++) {

        if (ch[i].name.len == sizeof("publish") - 1
            && ngx_strncmp(ch[i].name.data, "publish", 7) == 0)
        {
            ngx_live_ingest_next_publish = ch[i].handler;
            ch[i].handler = ngx_live_ingest_publish;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


/*
 * The arguments behind the command's name: a transaction, a null (or whatever the
 * encoder puts there), the name, and perhaps "live", "record" or "append".
 */

static ngx_int_t
ngx_live_ingest_read_publish(ngx_rtmp_session_t *s, ngx_chain_t *in,
    ngx_str_t *name, ngx_str_t *type)
{
    size_t             n;
    u_char            *p;
    const uint8_t     *pos, *last;
    live_amf_value_t   value;

    ngx_str_null(name);
    ngx_str_null(type);

    p = ngx_live_ingest_gather(in, &n, s->connection->log);

    if (p == NULL || n > NGX_LIVE_COMMAND_MAX) {
        return NGX_ERROR;
    }

    pos = p;
    last = p + n;

    while (pos < last && live_amf_read(&pos, last, &value) == 0) {

        if (value.type != LIVE_AMF_STRING) {
            continue;
        }

        if (name->data == NULL) {
            name->data = (u_char *) value.data;
            name->len = value.size;
            continue;
        }

        type->data = (u_char *) value.data;
        type->len = value.size;
        break;
    }

    return name->data ? NGX_OK : NGX_ERROR;
}


/* NGX_OK: name is filled; NGX_DECLINED: no such key; NGX_ERROR: no valid name */

static ngx_int_t
ngx_live_ingest_resolve(ngx_live_ingest_app_conf_t *lacf, ngx_str_t *raw,
    u_char *name)
{
    u_char     *q;
    ngx_str_t   bare, *stream;

    if (raw->len > NGX_LIVE_KEY_MAX) {
        return NGX_DECLINED;
    }

    bare = *raw;
    q = ngx_strlchr(raw->data, raw->data + raw->len, '?');

    if (q) {
        bare.len = q - raw->data;
    }

    stream = &bare;

    if (lacf->keys) {
        stream = ngx_live_ingest_find_key(lacf->keys, raw->data, raw->len);

        if (stream == NULL && q) {
            stream = ngx_live_ingest_find_key(lacf->keys, bare.data, bare.len);
        }

    } else if (lacf->publish != NGX_LIVE_PUBLISH_OPEN) {
        stream = NULL;
    }

    if (stream == NULL) {
        return NGX_DECLINED;
    }

    if (!ngx_live_ingest_valid_name(stream->data, stream->len)) {
        return NGX_ERROR;
    }

    *ngx_cpymem(name, stream->data, stream->len) = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_live_ingest_publish(ngx_rtmp_session_t *s, ngx_rtmp_header_t *h,
    ngx_chain_t *in)
{
    u_char                       name[LIVE_STORE_NAME_MAX];
    ngx_int_t                    rc;
    ngx_str_t                    raw, type;
    ngx_rtmp_publish_t           v;
    ngx_live_ingest_ctx_t       *ctx;
    ngx_rtmp_live_app_conf_t    *live;
    ngx_live_ingest_app_conf_t  *lacf;

    lacf = ngx_rtmp_get_module_app_conf(s, ngx_live_ingest_module);

    /* relayed between workers by nginx-rtmp: already published elsewhere */

    if (lacf == NULL || !lacf->ingest || s->auto_pushed || s->relay) {
        return ngx_live_ingest_next_publish(s, h, in);
    }

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx && (ctx->refused || ctx->pub)) {

        /* FMLE sends publish after Flash's: the stray one is passed over */

        return NGX_DONE;
    }

    if (ngx_live_ingest_read_publish(s, in, &raw, &type) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, s->connection->log, 0,
                      "live publish refused: malformed command");
        return ngx_live_ingest_refuse(s, "NetStream.Publish.BadName",
                                      "Malformed publish command");
    }

    rc = ngx_live_ingest_resolve(lacf, &raw, name);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_WARN, s->connection->log, 0,
                      lacf->keys
                      ? "live publish refused: unknown stream key"
                      : "live publish refused: no live_keys, and no "
                        "\"live_publish open\", in this application");
        return ngx_live_ingest_refuse(s, "NetStream.Publish.BadName",
                                      "Unknown stream key");
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_WARN, s->connection->log, 0,
                      "live publish refused: not a valid stream name, it may "
                      "have 1 to 63 of [A-Za-z0-9_.-]");
        return ngx_live_ingest_refuse(s, "NetStream.Publish.BadName",
                                      "Not a valid stream name");
    }

    /* from here on the key is gone, the public name stands for it */

    ngx_memzero(&v, sizeof(ngx_rtmp_publish_t));
    ngx_cpystrn(v.name, name, sizeof(v.name));

    if (type.len) {
        ngx_memcpy(v.type, type.data, ngx_min(type.len, sizeof(v.type) - 1));
    }

    rc = ngx_live_ingest_start(s, lacf, name);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_rtmp_publish(s, &v);

    live = ngx_rtmp_get_module_app_conf(s, ngx_rtmp_live_module);

    if (rc == NGX_OK && (live == NULL || !live->live)) {
        rc = ngx_rtmp_send_status(s, "NetStream.Publish.Start", "status",
                                  "Start publishing");
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_DONE;
}


/* a proper answer first, then the end: a connection cut at once loses it */

static ngx_int_t
ngx_live_ingest_refuse(ngx_rtmp_session_t *s, char *code, char *description)
{
    ngx_live_ingest_ctx_t  *ctx;

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(s->connection->pool, sizeof(ngx_live_ingest_ctx_t));
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ctx->session = s;
        ngx_rtmp_set_ctx(s, ctx, ngx_live_ingest_module);
    }

    ctx->refused = 1;

    ctx->refuse.data = s;
    ctx->refuse.log = s->connection->log;
    ctx->refuse.handler = ngx_live_ingest_refuse_handler;
    ngx_add_timer(&ctx->refuse, NGX_LIVE_REFUSE_WAIT);

    return ngx_rtmp_send_status(s, code, "error", description) == NGX_OK
           ? NGX_DONE : NGX_ERROR;
}


static void
ngx_live_ingest_refuse_handler(ngx_event_t *ev)
{
    ngx_rtmp_finalize_session(ev->data);
}


static u_char *
ngx_live_ingest_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    ngx_live_ingest_ctx_t *ctx = log->data;

    return ngx_snprintf(buf, len, ", stream: \"%s\", client: %V", ctx->name,
                        &ctx->session->connection->addr_text);
}


/* claims the stream and wires the session to it */

static ngx_int_t
ngx_live_ingest_start(ngx_rtmp_session_t *s, ngx_live_ingest_app_conf_t *lacf,
    u_char *name)
{
    u_char                     err[512];
    ngx_queue_t               *q;
    ngx_live_ingest_ctx_t     *ctx, *other;
    ngx_rtmp_core_srv_conf_t  *cscf;
    live_store_stream_info_t   info;

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(s->connection->pool, sizeof(ngx_live_ingest_ctx_t));
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ngx_rtmp_set_ctx(s, ctx, ngx_live_ingest_module);
    }

    ctx->session = s;
    ctx->zone = lacf->zone;
    ctx->idle = lacf->idle;
    ctx->last = ngx_current_msec;

    ngx_cpystrn(ctx->name, name, sizeof(ctx->name));

    ctx->log = *s->connection->log;
    ctx->log.handler = ngx_live_ingest_log_handler;
    ctx->log.data = ctx;
    ctx->log.action = NULL;

    /* the old session first: nginx-rtmp knows only one publisher of a name */

    for (q = ngx_queue_head(&ngx_live_ingest_publishers);
         q != ngx_queue_sentinel(&ngx_live_ingest_publishers);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_live_ingest_ctx_t, queue);

        if (other->zone == ctx->zone
            && ngx_strcmp(other->name, ctx->name) == 0)
        {
            ngx_live_ingest_displace(other);
            break;
        }
    }

    ngx_memzero(&info, sizeof(live_store_stream_info_t));

    ngx_cpystrn((u_char *) info.name, name, sizeof(info.name));
    info.part_us = (int64_t) lacf->part * 1000;
    info.segment_us = (int64_t) lacf->segment * 1000;
    info.segment_max_us = (int64_t) lacf->segment_max * 1000;
    info.window_us = (int64_t) lacf->window * 1000;
    info.linger_us = (int64_t) lacf->linger * 1000;
    info.bytes_max = lacf->window_bytes;

    ctx->pub = ngx_live_publication_open(lacf->zone, &info, &ctx->log, err,
                                         sizeof(err));

    if (ctx->pub == NULL) {
        ngx_log_error(NGX_LOG_ERR, &ctx->log, 0, "live publish refused: %s",
                      err);
        return ngx_live_ingest_refuse(s, "NetStream.Publish.Denied",
                                      "The server has no room for this stream");
    }

    ngx_queue_insert_tail(&ngx_live_ingest_publishers, &ctx->queue);

    ctx->tick.data = ctx;
    ctx->tick.log = s->connection->log;
    ctx->tick.handler = ngx_live_ingest_tick_handler;
    ngx_add_timer(&ctx->tick, NGX_LIVE_TICK);

    /* many encoders stall without ACKs, and not all of them set a window */

    cscf = ngx_rtmp_get_module_srv_conf(s, ngx_rtmp_core_module);

    if (s->ack_size == 0) {
        s->ack_size = cscf->ack_window ? cscf->ack_window / 2 : 2500000;
    }

    ngx_log_error(NGX_LOG_INFO, &ctx->log, 0, "live publish started");

    return NGX_OK;
}


static void
ngx_live_ingest_displace(ngx_live_ingest_ctx_t *ctx)
{
    ngx_rtmp_session_t       *s;
    ngx_rtmp_close_stream_t   v;

    s = ctx->session;

    ngx_log_error(NGX_LOG_WARN, &ctx->log, 0,
                  "live publisher closed: another with a valid key took the "
                  "stream over");

    ngx_memzero(&v, sizeof(ngx_rtmp_close_stream_t));

    /* all modules leave the stream now, the connection goes after this event */

    (void) ngx_rtmp_close_stream(s, &v);

    ngx_rtmp_finalize_session(s);
}


void
ngx_live_ingest_changed(void *store, ngx_uint_t stream)
{
    ngx_queue_t            *q, *next;
    ngx_live_ingest_ctx_t  *ctx;

    for (q = ngx_queue_head(&ngx_live_ingest_publishers);
         q != ngx_queue_sentinel(&ngx_live_ingest_publishers);
         q = next)
    {
        next = ngx_queue_next(q);
        ctx = ngx_queue_data(q, ngx_live_ingest_ctx_t, queue);

        if (ctx->zone == store
            && ngx_live_publication_stream(ctx->pub) == stream
            && !ngx_live_publication_owned(ctx->pub))
        {
            ngx_live_ingest_displace(ctx);
        }
    }
}


static void
ngx_live_ingest_tick_handler(ngx_event_t *ev)
{
    ngx_int_t               rc;
    ngx_live_ingest_ctx_t  *ctx;

    ctx = ev->data;

    if (ctx->idle && ngx_current_msec - ctx->last > ctx->idle) {
        ngx_log_error(NGX_LOG_WARN, &ctx->log, 0,
                      "live publisher closed: it sent nothing for %M s "
                      "(live_idle)", ctx->idle / 1000);
        ngx_live_ingest_end(ctx, 1);
        return;
    }

    rc = ngx_live_publication_tick(ctx->pub);

    if (rc == NGX_DECLINED) {
        ngx_live_ingest_displace(ctx);
        return;
    }

    if (rc != NGX_OK) {
        ngx_live_ingest_end(ctx, 1);
        return;
    }

    ngx_add_timer(ev, NGX_LIVE_TICK);
}


void
ngx_live_ingest_end(ngx_live_ingest_ctx_t *ctx, ngx_uint_t finalize)
{
    if (ctx->refuse.timer_set) {
        ngx_del_timer(&ctx->refuse);
    }

    if (ctx->pub) {
        if (ctx->tick.timer_set) {
            ngx_del_timer(&ctx->tick);
        }

        ngx_queue_remove(&ctx->queue);
        ngx_live_publication_close(ctx->pub);
        ctx->pub = NULL;

        ngx_log_error(NGX_LOG_INFO, &ctx->log, 0, "live publish ended");
    }

    if (finalize) {
        ngx_rtmp_finalize_session(ctx->session);
    }
}
