/*
 * Bytes: init segments, segments and parts, out of the store's files.
 */

#include "ngx_live_http.h"


static ngx_int_t ngx_live_http_find(ngx_live_http_ctx_t *ctx, int track,
    off_t *offset, off_t *size);
static ngx_int_t ngx_live_http_send_file(ngx_live_http_ctx_t *ctx, int track,
    off_t offset, off_t size);


/*
 * Where in its file the answer is; size 0: all of the file.  NGX_OK; NGX_AGAIN: it
 * comes next; else a status.
 */

static ngx_int_t
ngx_live_http_find(ngx_live_http_ctx_t *ctx, int track, off_t *offset,
    off_t *size)
{
    int                    rc;
    live_store_t          *store;
    live_store_part_t      part;
    live_store_segment_t   segment;

    *offset = 0;
    *size = 0;

    if (ctx->url.kind == NGX_LIVE_HTTP_INIT) {
        return NGX_OK;
    }

    store = ctx->zone->store;

    if (ctx->url.kind == NGX_LIVE_HTTP_PART) {

        rc = live_store_find_part(store, ctx->ref, track, ctx->url.msn,
                                  ctx->url.part, &part);
        if (rc == LIVE_OK) {
            *offset = part.offset;
            *size = part.size;
        }

    } else {
        rc = live_store_find_segment(store, ctx->ref, track, ctx->url.msn,
                                     &segment);
        if (rc == LIVE_OK) {
            *size = segment.size;
        }

        if (rc == LIVE_AGAIN) {

            /* it is not in a playlist before it is complete */

            return NGX_HTTP_NOT_FOUND;
        }
    }

    switch (rc) {

    case LIVE_OK:
        return NGX_OK;

    case LIVE_AGAIN:
        return NGX_AGAIN;

    default:
        return NGX_HTTP_NOT_FOUND;
    }
}


/* size 0: all of the file */

static ngx_int_t
ngx_live_http_send_file(ngx_live_http_ctx_t *ctx, int track, off_t offset,
    off_t size)
{
    ngx_fd_t             fd;
    ngx_buf_t           *b;
    ngx_int_t            rc;
    ngx_chain_t          out;
    ngx_file_info_t      fi;
    ngx_http_request_t  *r;

    r = ctx->request;

    rc = ngx_live_http_open_file(ctx, (uint32_t) track, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    if (size == 0) {

        if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        size = ngx_file_size(&fi);

        if (size == 0) {
            return NGX_HTTP_NOT_FOUND;
        }
    }

    if (ngx_live_http_headers(r, NGX_MAX_INT32_VALUE) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = size;
    r->allow_ranges = 1;

    if (ctx->url.track.data[0] == 'a') {
        ngx_str_set(&r->headers_out.content_type, "audio/mp4");

    } else {
        ngx_str_set(&r->headers_out.content_type, "video/mp4");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_ERROR;
    }

    b->file_pos = offset;
    b->file_last = offset + size;
    b->in_file = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    b->file->fd = fd;
    ngx_str_set(&b->file->name, "segment");
    b->file->log = r->connection->log;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_live_http_media(ngx_live_http_ctx_t *ctx)
{
    int        track;
    off_t      offset, size;
    ngx_int_t  rc;

    if (live_store_check_epoch(ctx->zone->store, ctx->ref,
                               (char *) ctx->url.epoch.data,
                               ctx->url.epoch.len)
        != LIVE_OK)
    {
        return NGX_HTTP_NOT_FOUND;
    }

    track = live_store_track(ctx->zone->store, ctx->ref,
                             (char *) ctx->url.track.data, ctx->url.track.len);
    if (track < 0) {
        return NGX_HTTP_NOT_FOUND;
    }

    rc = ngx_live_http_find(ctx, track, &offset, &size);

    return rc == NGX_OK ? ngx_live_http_send_file(ctx, track, offset, size)
                        : rc;
}
