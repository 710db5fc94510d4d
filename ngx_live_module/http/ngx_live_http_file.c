/*
 * Descriptors of segment files: viewers of a live stream want the same few files
 * at the same time, so those that were asked for last stay open.  A name never
 * means another file once somebody could have asked for it, so there is nothing
 * to validate.
 */

#include "ngx_live_http.h"


#define NGX_LIVE_HTTP_FILES  64
#define NGX_LIVE_HTTP_KEEP   2000    /* ms; a file that was removed has its bytes
                                        until it is closed */


typedef struct {
    ngx_live_store_zone_t     *zone;        /* NULL: free */
    live_store_ref_t           ref;
    uint32_t                   track;
    uint32_t                   init;
    uint64_t                   msn;
    ngx_fd_t                   fd;
    ngx_uint_t                 requests;    /* that send from it */
    ngx_msec_t                 used;
} ngx_live_http_file_t;


static ngx_live_http_file_t *ngx_live_http_find_file(ngx_live_http_ctx_t *ctx,
    uint32_t track);
static ngx_live_http_file_t *ngx_live_http_free_file(void);
static ngx_fd_t ngx_live_http_open_path(ngx_live_http_ctx_t *ctx);
static void ngx_live_http_close_file(ngx_live_http_file_t *file);
static void ngx_live_http_release_file(void *data);
static void ngx_live_http_files_handler(ngx_event_t *ev);


static ngx_live_http_file_t  ngx_live_http_files[NGX_LIVE_HTTP_FILES];
static ngx_event_t           ngx_live_http_files_event;
static ngx_connection_t      ngx_live_http_files_dumb;


static ngx_live_http_file_t *
ngx_live_http_find_file(ngx_live_http_ctx_t *ctx, uint32_t track)
{
    ngx_uint_t             i;
    ngx_live_http_file_t  *file;

    for (i = 0; i < NGX_LIVE_HTTP_FILES; i++) {
        file = &ngx_live_http_files[i];

        if (file->msn == ctx->url.msn
            && file->zone == ctx->zone
            && file->ref.stream == ctx->ref.stream
            && file->ref.birth == ctx->ref.birth
            && file->track == track
            && file->init == ctx->url.init)
        {
            return file;
        }
    }

    return NULL;
}


/* the one that nobody wanted for longest, closed; NULL: all are being sent from */

static ngx_live_http_file_t *
ngx_live_http_free_file(void)
{
    ngx_uint_t             i;
    ngx_live_http_file_t  *file, *found;

    found = NULL;

    for (i = 0; i < NGX_LIVE_HTTP_FILES; i++) {
        file = &ngx_live_http_files[i];

        if (file->zone == NULL) {
            return file;
        }

        if (file->requests == 0
            && (found == NULL
                || (ngx_msec_int_t) (file->used - found->used) < 0))
        {
            found = file;
        }
    }

    if (found) {
        ngx_live_http_close_file(found);
    }

    return found;
}


static void
ngx_live_http_close_file(ngx_live_http_file_t *file)
{
    if (ngx_close_file(file->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_close_file_n " of a segment failed");
    }

    file->zone = NULL;
}


static void
ngx_live_http_release_file(void *data)
{
    ngx_live_http_file_t *file = data;

    file->requests--;
}


static void
ngx_live_http_files_handler(ngx_event_t *ev)
{
    ngx_uint_t             i, open;
    ngx_live_http_file_t  *file;

    open = 0;

    for (i = 0; i < NGX_LIVE_HTTP_FILES; i++) {
        file = &ngx_live_http_files[i];

        if (file->zone == NULL) {
            continue;
        }

        if (file->requests == 0
            && ngx_current_msec - file->used > NGX_LIVE_HTTP_KEEP)
        {
            ngx_live_http_close_file(file);
            continue;
        }

        open = 1;
    }

    if (open) {
        ngx_add_timer(ev, NGX_LIVE_HTTP_KEEP / 2);
    }
}


/* NGX_INVALID_FILE and ngx_errno */

static ngx_fd_t
ngx_live_http_open_path(ngx_live_http_ctx_t *ctx)
{
    u_char    path[NGX_MAX_PATH], track[16], epoch[32];
    u_char    name[LIVE_STORE_NAME_MAX];
    ngx_fd_t  fd;

    /* lengths were checked when the stream, its track and epoch were found */

    ngx_cpystrn(name, ctx->url.stream.data, ctx->url.stream.len + 1);
    ngx_cpystrn(track, ctx->url.track.data, ctx->url.track.len + 1);
    ngx_cpystrn(epoch, ctx->url.epoch.data, ctx->url.epoch.len + 1);

    if (live_store_file(ctx->zone->store, (char *) name, (char *) track,
                        (char *) epoch, ctx->url.msn, ctx->url.init,
                        (char *) path, sizeof(path))
        < 0)
    {
        ngx_set_errno(NGX_ENOENT);
        return NGX_INVALID_FILE;
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE && ngx_errno != NGX_ENOENT) {
        ngx_log_error(NGX_LOG_CRIT, ctx->request->connection->log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", path);
    }

    return fd;
}


ngx_int_t
ngx_live_http_open_file(ngx_live_http_ctx_t *ctx, uint32_t track, ngx_fd_t *fd)
{
    ngx_http_request_t       *r;
    ngx_pool_cleanup_t       *cln;
    ngx_live_http_file_t     *file;
    ngx_pool_cleanup_file_t  *clnf;

    r = ctx->request;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pool_cleanup_file_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    file = ngx_live_http_find_file(ctx, track);

    if (file == NULL) {

        *fd = ngx_live_http_open_path(ctx);

        if (*fd == NGX_INVALID_FILE) {
            return ngx_errno == NGX_ENOENT ? NGX_HTTP_NOT_FOUND
                                           : NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        file = ngx_live_http_free_file();

        if (file == NULL) {
            cln->handler = ngx_pool_cleanup_file;
            clnf = cln->data;
            clnf->fd = *fd;
            clnf->name = (u_char *) "segment";
            clnf->log = r->pool->log;

            return NGX_OK;
        }

        file->zone = ctx->zone;
        file->ref = ctx->ref;
        file->track = track;
        file->init = ctx->url.init;
        file->msn = ctx->url.msn;
        file->fd = *fd;
        file->requests = 0;
    }

    if (!ngx_live_http_files_event.timer_set) {
        ngx_live_http_files_dumb.fd = (ngx_socket_t) -1;

        ngx_live_http_files_event.handler = ngx_live_http_files_handler;
        ngx_live_http_files_event.data = &ngx_live_http_files_dumb;
        ngx_live_http_files_event.log = ngx_cycle->log;
        ngx_live_http_files_event.cancelable = 1;

        ngx_add_timer(&ngx_live_http_files_event, NGX_LIVE_HTTP_KEEP / 2);
    }

    file->used = ngx_current_msec;
    file->requests++;

    cln->handler = ngx_live_http_release_file;
    cln->data = file;

    *fd = file->fd;

    return NGX_OK;
}
