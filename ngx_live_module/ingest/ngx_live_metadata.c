/*
 * onMetaData: which tracks the publisher announces.  A hint: it may come late,
 * be wrong, or not come at all, and whatever it is must not end a publisher.
 */

#include "ngx_live_ingest.h"
#include "live_amf.h"


static ngx_int_t ngx_live_ingest_metadata(ngx_rtmp_session_t *s,
    ngx_rtmp_header_t *h, ngx_chain_t *in);
static void ngx_live_ingest_property(void *ctx, const uint8_t *name,
    size_t len, const live_amf_value_t *value);


ngx_int_t
ngx_live_ingest_init_metadata(ngx_rtmp_core_main_conf_t *cmcf)
{
    ngx_uint_t               i;
    ngx_rtmp_amf_handler_t  *ch;

    static ngx_str_t  names[] = {
        ngx_string("@setDataFrame"),
        ngx_string("onMetaData")
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        ch = ngx_array_push(&cmcf->amf);
        if (ch == NULL) {
            return NGX_ERROR;
        }

        ch->name = names[i];
        ch->handler = ngx_live_ingest_metadata;
    }

    return NGX_OK;
}


/* codec ids are numbers or names ("avc1"); 0 and "" say: no such track */

static void
ngx_live_ingest_property(void *ctx, const uint8_t *name, size_t len,
    const live_amf_value_t *value)
{
    uint32_t *tracks = ctx;

    if (value->number == 0 && value->size == 0) {
        return;
    }

    if (len == sizeof("videocodecid") - 1
        && ngx_memcmp(name, "videocodecid", len) == 0)
    {
        *tracks |= 1u << LIVE_VIDEO;
    }

    if (len == sizeof("audiocodecid") - 1
        && ngx_memcmp(name, "audiocodecid", len) == 0)
    {
        *tracks |= 1u << LIVE_AUDIO;
    }
}


static ngx_int_t
ngx_live_ingest_metadata(ngx_rtmp_session_t *s, ngx_rtmp_header_t *h,
    ngx_chain_t *in)
{
    size_t                  n;
    u_char                 *p;
    uint32_t                tracks;
    const u_char           *pos, *last, *next;
    live_amf_value_t        value;
    ngx_live_ingest_ctx_t  *ctx;

    ctx = ngx_rtmp_get_module_ctx(s, ngx_live_ingest_module);

    if (ctx == NULL || ctx->pub == NULL) {
        return NGX_OK;
    }

    p = ngx_live_ingest_gather(in, &n, s->connection->log);
    if (p == NULL) {
        return NGX_OK;
    }

    pos = p;
    last = p + n;
    tracks = 0;

    /* strings before the object: "onMetaData" within @setDataFrame, and odd ones */

    for ( ;; ) {
        next = pos;

        if (live_amf_read(&next, last, &value) != 0
            || value.type != LIVE_AMF_STRING)
        {
            break;
        }

        pos = next;
    }

    (void) live_amf_each(&pos, last, ngx_live_ingest_property, &tracks);

    if (tracks) {
        ngx_live_publication_expect(ctx->pub, tracks);
    }

    return NGX_OK;
}
