/*
 * Stream keys: a file of "KEY STREAM" lines.
 */

#include "ngx_live_ingest.h"


#define NGX_LIVE_KEYS_FILE_MAX  (16 * 1024 * 1024)


static char *ngx_live_ingest_key_line(ngx_conf_t *cf, ngx_str_t *file,
    ngx_uint_t line, u_char *p, u_char *last, ngx_array_t *keys);


ngx_uint_t
ngx_live_ingest_valid_name(u_char *p, size_t len)
{
    size_t  i;

    if (len == 0 || len >= LIVE_STORE_NAME_MAX || p[0] == '.' || p[0] == '-') {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z')
              || (p[i] >= '0' && p[i] <= '9') || p[i] == '_' || p[i] == '-'
              || p[i] == '.'))
        {
            return 0;
        }
    }

    return 1;
}


static char *
ngx_live_ingest_key_line(ngx_conf_t *cf, ngx_str_t *file, ngx_uint_t line,
    u_char *p, u_char *last, ngx_array_t *keys)
{
    u_char          *key, *stream, *end;
    ngx_live_key_t  *k;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (last > p && (last[-1] == ' ' || last[-1] == '\t'
                        || last[-1] == '\r'))
    {
        last--;
    }

    if (p == last || *p == '#') {
        return NGX_CONF_OK;
    }

    key = p;

    while (p < last && *p != ' ' && *p != '\t') {
        p++;
    }

    end = p;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    stream = p;

    if (end - key > NGX_LIVE_KEY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key of more than %d bytes in %V:%ui",
                           NGX_LIVE_KEY_MAX, file, line);
        return NGX_CONF_ERROR;
    }

    if (!ngx_live_ingest_valid_name(stream, last - stream)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no valid stream name behind the key in %V:%ui: "
                           "write \"KEY STREAM\", a name has 1 to 63 of "
                           "[A-Za-z0-9_.-]", file, line);
        return NGX_CONF_ERROR;
    }

    k = ngx_array_push(keys);
    if (k == NULL) {
        return NGX_CONF_ERROR;
    }

    k->key.data = key;
    k->key.len = end - key;
    k->stream.data = stream;
    k->stream.len = last - stream;

    return NGX_CONF_OK;
}


char *
ngx_live_ingest_read_keys(ngx_conf_t *cf, ngx_str_t *file, ngx_array_t **keys)
{
    off_t             size;
    u_char           *buf, *p, *last, *eol;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_uint_t        line;
    ngx_file_info_t   fi;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%s\" failed", file->data);
        return NGX_CONF_ERROR;
    }

    buf = NULL;
    n = -1;
    size = 0;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR) {
        size = ngx_file_size(&fi);

        if (size <= NGX_LIVE_KEYS_FILE_MAX) {
            buf = ngx_palloc(cf->pool, size + 1);
        }
    }

    if (buf) {
        n = ngx_read_fd(fd, buf, size);
    }

    (void) ngx_close_file(fd);

    if (n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot read \"%s\" (at most %d bytes)", file->data,
                           NGX_LIVE_KEYS_FILE_MAX);
        return NGX_CONF_ERROR;
    }

    *keys = ngx_array_create(cf->pool, 16, sizeof(ngx_live_key_t));
    if (*keys == NULL) {
        return NGX_CONF_ERROR;
    }

    last = buf + n;
    line = 1;

    for (p = buf; p < last; p = eol + 1) {
        eol = ngx_strlchr(p, last, '\n');
        eol = eol ? eol : last;

        if (ngx_live_ingest_key_line(cf, file, line, p, eol, *keys)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        line++;
    }

    return NGX_CONF_OK;
}


/*
 * Each key is looked at to its end, and all keys are: how long it takes tells
 * nothing about a key that almost fits.
 */

ngx_str_t *
ngx_live_ingest_find_key(ngx_array_t *keys, u_char *key, size_t len)
{
    size_t           i;
    u_char           diff;
    ngx_str_t       *found;
    ngx_uint_t       n;
    ngx_live_key_t  *k;

    found = NULL;
    k = keys->elts;

    for (n = 0; n < keys->nelts; n++) {

        diff = (k[n].key.len != len);

        for (i = 0; i < len; i++) {
            diff |= key[i] ^ k[n].key.data[i % k[n].key.len];
        }

        if (diff == 0) {
            found = &k[n].stream;
        }
    }

    return found;
}
