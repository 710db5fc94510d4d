/*
 * Playlists: written once a worker and change, sent to all who ask.
 */

#include "ngx_live_http.h"


#define NGX_LIVE_HTTP_TRACKS  (LIVE_STORE_PUBLICATIONS * LIVE_STORE_TRACKS)
#define NGX_LIVE_HTTP_TEXTS   (2 * NGX_LIVE_HTTP_TRACKS + 1)


/* a playlist's text, and which version of which stream it is of */

typedef struct {
    u_char                   *data;
    size_t                    len;
    size_t                    size;
    uint64_t                  version;
    uint32_t                  birth;
} ngx_live_http_text_t;


typedef struct ngx_live_http_texts_s  ngx_live_http_texts_t;

struct ngx_live_http_texts_s {
    ngx_live_store_zone_t    *zone;
    ngx_live_http_text_t    **streams;     /* NGX_LIVE_HTTP_TEXTS for each */
    ngx_live_http_texts_t    *next;
};


static ngx_live_http_text_t *ngx_live_http_text(ngx_live_http_ctx_t *ctx,
    ngx_uint_t n);
static ngx_int_t ngx_live_http_reserve(ngx_live_http_text_t *text, size_t size,
    ngx_log_t *log);
static ngx_int_t ngx_live_http_send_text(ngx_live_http_ctx_t *ctx,
    ngx_live_http_text_t *text, ngx_int_t max_age);
static live_store_snapshot_t *ngx_live_http_snapshot(ngx_log_t *log);
static ngx_int_t ngx_live_http_write_media(ngx_live_http_ctx_t *ctx,
    ngx_live_http_text_t *text, int track);
static uint32_t ngx_live_http_parts(ngx_live_http_ctx_t *ctx, int track);


static ngx_live_http_texts_t  *ngx_live_http_texts;


/* text n of the request's stream, empty or old perhaps; NULL: no memory */

static ngx_live_http_text_t *
ngx_live_http_text(ngx_live_http_ctx_t *ctx, ngx_uint_t n)
{
    ngx_live_http_text_t   **texts;
    ngx_live_http_texts_t   *t;

    for (t = ngx_live_http_texts; t; t = t->next) {
        if (t->zone == ctx->zone) {
            break;
        }
    }

    if (t == NULL) {
        t = ngx_palloc(ngx_cycle->pool, sizeof(ngx_live_http_texts_t));
        if (t == NULL) {
            return NULL;
        }

        t->streams = ngx_pcalloc(ngx_cycle->pool, ctx->zone->streams
                                 * sizeof(ngx_live_http_text_t *));
        if (t->streams == NULL) {
            return NULL;
        }

        t->zone = ctx->zone;
        t->next = ngx_live_http_texts;
        ngx_live_http_texts = t;
    }

    texts = &t->streams[ctx->ref.stream];

    if (*texts == NULL) {
        *texts = ngx_calloc(NGX_LIVE_HTTP_TEXTS * sizeof(ngx_live_http_text_t),
                            ctx->request->connection->log);
        if (*texts == NULL) {
            return NULL;
        }
    }

    return &(*texts)[n];
}


static ngx_int_t
ngx_live_http_reserve(ngx_live_http_text_t *text, size_t size, ngx_log_t *log)
{
    if (size <= text->size) {
        return NGX_OK;
    }

    if (text->data) {
        ngx_free(text->data);
    }

    text->size = 0;
    text->version = 0;

    text->data = ngx_alloc(size, log);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->size = size;

    return NGX_OK;
}


static ngx_int_t
ngx_live_http_send_text(ngx_live_http_ctx_t *ctx, ngx_live_http_text_t *text,
    ngx_int_t max_age)
{
    ngx_buf_t           *b;
    ngx_int_t            rc;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ngx_live_http_headers(r, max_age) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = text->len;
    ngx_str_set(&r->headers_out.content_type, "application/vnd.apple.mpegurl");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    /* a copy: the text may be written anew while this client is slow */

    b = ngx_create_temp_buf(r->pool, text->len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->pos, text->data, text->len);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_live_http_multivariant(ngx_live_http_ctx_t *ctx)
{
    long                    n;
    size_t                  bound;
    uint64_t                version;
    live_hls_options_t      options;
    live_store_stream_t     stream;
    ngx_live_http_text_t   *text;

    text = ngx_live_http_text(ctx, NGX_LIVE_HTTP_TEXTS - 1);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    version = live_store_version(ctx->zone->store, ctx->ref);

    if (text->version != version || text->birth != ctx->ref.birth
        || version == 0)
    {
        if (live_store_stream(ctx->zone->store, ctx->ref, &stream) != LIVE_OK)
        {
            return NGX_AGAIN;
        }

        ngx_memzero(&options, sizeof(live_hls_options_t));

        bound = live_hls_multivariant_bound(&stream, &options);

        if (ngx_live_http_reserve(text, bound, ctx->request->connection->log)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        n = live_hls_multivariant(&stream, &options, (char *) text->data,
                                  text->size);
        if (n < 0) {
            text->version = 0;
            return n == LIVE_AGAIN ? NGX_AGAIN
                                   : NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        text->len = n;
        text->version = version;
        text->birth = ctx->ref.birth;
    }

    return ngx_live_http_send_text(ctx, text, 1);
}


/* one for all requests of this worker: a copy is used up before the next is made */

static live_store_snapshot_t *
ngx_live_http_snapshot(ngx_log_t *log)
{
    static live_store_snapshot_t  snapshot;

    if (snapshot.segments == NULL) {

        snapshot.parts = ngx_alloc(LIVE_STORE_PARTS
                                   * sizeof(live_store_part_t), log);
        snapshot.segments = ngx_alloc(live_store_segments()
                                      * sizeof(live_store_segment_t), log);

        if (snapshot.parts == NULL || snapshot.segments == NULL) {
            return NULL;
        }

        snapshot.parts_max = LIVE_STORE_PARTS;
        snapshot.segments_max = live_store_segments();
    }

    return &snapshot;
}


static ngx_int_t
ngx_live_http_write_media(ngx_live_http_ctx_t *ctx, ngx_live_http_text_t *text,
    int track)
{
    long                    n;
    size_t                  bound;
    uint64_t                version;
    ngx_log_t              *log;
    live_hls_options_t      options;
    live_store_snapshot_t  *snapshot;

    log = ctx->request->connection->log;

    version = live_store_version(ctx->zone->store, ctx->ref);

    if (version && text->version == version && text->birth == ctx->ref.birth) {
        return NGX_OK;
    }

    snapshot = ngx_live_http_snapshot(log);
    if (snapshot == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (live_store_snapshot(ctx->zone->store, ctx->ref, track, snapshot)
        != LIVE_OK)
    {
        return NGX_AGAIN;
    }

    ngx_memzero(&options, sizeof(live_hls_options_t));
    options.skip = ctx->query.skip;

    bound = live_hls_media_bound(snapshot, &options);

    if (ngx_live_http_reserve(text, bound, log) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = live_hls_media(snapshot, &options, (char *) text->data, text->size);

    if (n < 0) {
        text->version = 0;
        return n == LIVE_AGAIN ? NGX_AGAIN : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text->len = n;
    text->version = version;
    text->birth = ctx->ref.birth;

    return NGX_OK;
}


/* parts of the segment that _HLS_msn names, 0 unless it is complete */

static uint32_t
ngx_live_http_parts(ngx_live_http_ctx_t *ctx, int track)
{
    int                   rc;
    live_store_segment_t  segment;

    ngx_memzero(&segment, sizeof(live_store_segment_t));

    rc = live_store_find_segment(ctx->zone->store, ctx->ref, track,
                                 ctx->query.msn, &segment);

    /* LIVE_ELOST is a gap, too */

    return ((rc == LIVE_OK || rc == LIVE_ELOST)
            && segment.msn == ctx->query.msn)
           ? segment.parts : 0;
}


ngx_int_t
ngx_live_http_playlist(ngx_live_http_ctx_t *ctx)
{
    int                        track;
    ngx_int_t                  rc;
    live_store_edge_t          edge;
    ngx_live_http_text_t      *text;
    live_store_stream_info_t   info;

    track = live_store_track(ctx->zone->store, ctx->ref,
                             (char *) ctx->url.track.data, ctx->url.track.len);

    if (track < 0) {

        /* one of a stream that starts may come yet */

        return live_store_starting(ctx->zone->store, ctx->ref)
               ? NGX_AGAIN : NGX_HTTP_NOT_FOUND;
    }

    if (live_store_edge(ctx->zone->store, ctx->ref, track, &edge) != LIVE_OK
        || live_store_info(ctx->zone->store, ctx->ref, &info) != LIVE_OK)
    {
        return NGX_HTTP_NOT_FOUND;
    }

    if (ctx->query.has_msn) {

        ctx->query.part_limit = live_hls_part_limit(info.part_us);

        switch (live_hls_decide(&ctx->query, &edge,
                                ngx_live_http_parts(ctx, track))) {

        case LIVE_HLS_NOW:
            break;

        case LIVE_HLS_WAIT:
            return NGX_AGAIN;

        default: /* LIVE_HLS_BAD */
            return NGX_HTTP_BAD_REQUEST;
        }
    }

    text = ngx_live_http_text(ctx, 2 * track + ctx->query.skip);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_live_http_write_media(ctx, text, track);

    if (rc != NGX_OK) {
        return rc;
    }

    /* an answer to _HLS_msn stays true for longer than the playlist's end does */

    return ngx_live_http_send_text(ctx, text, ctx->query.has_msn
                                   ? info.segment_max_us / 1000000 : 1);
}
