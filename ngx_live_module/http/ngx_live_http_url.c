/*
 * URLs of streams, read from their end, so that any location may serve them.
 *
 *     {stream}/index.m3u8
 *     {stream}/{track}.m3u8
 *     {stream}/{track}/{epoch}-init{n}.mp4
 *     {stream}/{track}/{epoch}-{msn}.m4s
 *     {stream}/{track}/{epoch}-{msn}.{part}.m4s
 */

#include "ngx_live_http.h"


static ngx_int_t ngx_live_http_component(u_char *start, u_char **last,
    ngx_str_t *component);
static ngx_int_t ngx_live_http_number(u_char *p, u_char *last, uint64_t max,
    uint64_t *number);
static ngx_int_t ngx_live_http_parse_media(ngx_str_t *file, u_char *dot,
    ngx_live_http_url_t *url);


/* the part of the path before *last, behind its slash */

static ngx_int_t
ngx_live_http_component(u_char *start, u_char **last, ngx_str_t *component)
{
    u_char  *p;

    for (p = *last; p > start && p[-1] != '/'; p--) { /* void */ }

    if (p == start || p == *last) {
        return NGX_DECLINED;
    }

    component->data = p;
    component->len = *last - p;

    *last = p - 1;

    return NGX_OK;
}


/* one spelling of each number: no sign, no leading zero */

static ngx_int_t
ngx_live_http_number(u_char *p, u_char *last, uint64_t max, uint64_t *number)
{
    uint64_t  n;

    if (p == last || (*p == '0' && last - p > 1)) {
        return NGX_DECLINED;
    }

    for (n = 0; p < last; p++) {

        if (*p < '0' || *p > '9' || n > max / 10) {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');
    }

    if (n > max) {
        return NGX_DECLINED;
    }

    *number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_live_http_parse_media(ngx_str_t *file, u_char *dot,
    ngx_live_http_url_t *url)
{
    u_char    *p, *q;
    uint64_t   n;

    p = ngx_strlchr(file->data, dot, '-');

    if (p == NULL || p == file->data) {
        return NGX_DECLINED;
    }

    url->epoch.data = file->data;
    url->epoch.len = p - file->data;
    p++;

    if (dot[3] == '4') {

        if (dot - p <= 4 || ngx_strncmp(p, "init", 4) != 0
            || ngx_live_http_number(p + 4, dot, UINT32_MAX, &n) != NGX_OK
            || n == 0)
        {
            return NGX_DECLINED;
        }

        url->kind = NGX_LIVE_HTTP_INIT;
        url->init = (uint32_t) n;
        return NGX_OK;
    }

    q = ngx_strlchr(p, dot, '.');

    if (ngx_live_http_number(p, q ? q : dot, INT64_MAX, &url->msn) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (q == NULL) {
        url->kind = NGX_LIVE_HTTP_SEGMENT;
        return NGX_OK;
    }

    if (ngx_live_http_number(q + 1, dot, UINT16_MAX, &n) != NGX_OK) {
        return NGX_DECLINED;
    }

    url->kind = NGX_LIVE_HTTP_PART;
    url->part = (uint32_t) n;

    return NGX_OK;
}


ngx_int_t
ngx_live_http_parse_url(ngx_str_t *uri, ngx_live_http_url_t *url)
{
    u_char     *last, *dot;
    ngx_str_t   file;

    ngx_memzero(url, sizeof(ngx_live_http_url_t));

    last = uri->data + uri->len;

    if (ngx_live_http_component(uri->data, &last, &file) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (file.len > 5
        && ngx_strncmp(file.data + file.len - 5, ".m3u8", 5) == 0)
    {
        url->kind = NGX_LIVE_HTTP_PLAYLIST;
        url->track.data = file.data;
        url->track.len = file.len - 5;

        if (url->track.len == 5
            && ngx_strncmp(url->track.data, "index", 5) == 0)
        {
            url->kind = NGX_LIVE_HTTP_MULTIVARIANT;
        }

        return ngx_live_http_component(uri->data, &last, &url->stream);
    }

    dot = file.data + file.len - 4;

    if (file.len <= 4 || (ngx_strncmp(dot, ".m4s", 4) != 0
                          && ngx_strncmp(dot, ".mp4", 4) != 0))
    {
        return NGX_DECLINED;
    }

    /* ".m4s": dot[3] is 's', ".mp4": '4' */

    if (ngx_live_http_parse_media(&file, dot, url) != NGX_OK
        || ngx_live_http_component(uri->data, &last, &url->track) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_live_http_component(uri->data, &last, &url->stream);
}
