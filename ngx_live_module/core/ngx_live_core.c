#include "ngx_live_core.h"


#define NGX_LIVE_ROWS  8


typedef struct {
    ngx_uint_t            order;
    ngx_live_changed_pt   handler;
} ngx_live_row_t;


/* the library is named after its first module; this one has nothing to set */

static ngx_core_module_t  ngx_live_module_ctx = {
    ngx_string("live"),
    NULL,
    NULL
};


ngx_module_t  ngx_live_module = {
    NGX_MODULE_V1,
    &ngx_live_module_ctx,                  /* module context */
    NULL,                                  /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_live_row_t  ngx_live_rows[NGX_LIVE_ROWS];
static ngx_uint_t      ngx_live_nrows;


ngx_int_t
ngx_live_on_changed(ngx_uint_t order, ngx_live_changed_pt handler)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_live_nrows; i++) {
        if (ngx_live_rows[i].handler == handler) {
            return NGX_OK;
        }
    }

    if (ngx_live_nrows == NGX_LIVE_ROWS) {
        return NGX_ERROR;
    }

    for (i = ngx_live_nrows; i && ngx_live_rows[i - 1].order > order; i--) {
        ngx_live_rows[i] = ngx_live_rows[i - 1];
    }

    ngx_live_rows[i].order = order;
    ngx_live_rows[i].handler = handler;
    ngx_live_nrows++;

    return NGX_OK;
}


void
ngx_live_changed(void *store, ngx_uint_t stream)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_live_nrows; i++) {
        ngx_live_rows[i].handler(store, stream);
    }
}
