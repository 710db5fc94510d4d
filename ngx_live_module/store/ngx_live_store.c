/*
 * The live_store directive; doorbell and janitor of each worker.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_live_core.h"
#include "ngx_live_store.h"


#define NGX_LIVE_STORE_JANITOR   500      /* ms */
#define NGX_LIVE_STORE_STREAMS   64


typedef struct {
    ngx_live_store_zone_t    *zones;
} ngx_live_store_conf_t;


static void *ngx_live_store_create_conf(ngx_cycle_t *cycle);
static char *ngx_live_store_init_conf(ngx_cycle_t *cycle, void *conf);
static char *ngx_live_store_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_live_store_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_live_store_init_process(ngx_cycle_t *cycle);
static void ngx_live_store_exit_process(ngx_cycle_t *cycle);
static void ngx_live_store_exit_master(ngx_cycle_t *cycle);
static ngx_int_t ngx_live_store_join_zone(ngx_cycle_t *cycle,
    ngx_live_store_zone_t *zone);
static void ngx_live_store_close_zone(void *data);
static ngx_uint_t ngx_live_store_retire(ngx_live_store_zone_t *zone);
static void ngx_live_store_bell_handler(ngx_event_t *ev);
static void ngx_live_store_self_handler(ngx_event_t *ev);
static void ngx_live_store_janitor_handler(ngx_event_t *ev);
static void ngx_live_store_changed(void *ctx, uint32_t stream);
static void ngx_live_store_aged(void *ctx, uint32_t stream, const char *name,
    live_store_change_e change);


/*
 * Of a master: stores that a reload left out.  Old workers may be in them for as
 * long as they have publishers, so they are removed when all stop.
 */

typedef struct ngx_live_store_retired_s  ngx_live_store_retired_t;

struct ngx_live_store_retired_s {
    live_store_t              *store;
    ngx_live_store_retired_t  *next;
};


static ngx_live_store_retired_t  *ngx_live_store_retired;

/* the last that was not refused; ngx_cycle is its forerunner while that goes */

static ngx_live_store_conf_t     *ngx_live_store_accepted;


static ngx_command_t  ngx_live_store_commands[] = {

    { ngx_string("live_store"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_live_store_directive,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_live_store_module_ctx = {
    ngx_string("live_store"),
    ngx_live_store_create_conf,
    ngx_live_store_init_conf
};


ngx_module_t  ngx_live_store_module = {
    NGX_MODULE_V1,
    &ngx_live_store_module_ctx,            /* module context */
    ngx_live_store_commands,               /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_live_store_init_module,            /* init module */
    ngx_live_store_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_live_store_exit_process,           /* exit process */
    ngx_live_store_exit_master,            /* exit master */
    NGX_MODULE_V1_PADDING
};


void
ngx_live_store_notify(ngx_live_store_zone_t *zone, ngx_uint_t stream)
{
    zone->dirty[stream / 64] |= (uint64_t) 1 << (stream % 64);

    if (!zone->self.posted) {
        ngx_post_event(&zone->self, &ngx_posted_events);
    }
}


static void
ngx_live_store_self_handler(ngx_event_t *ev)
{
    uint64_t                bits;
    ngx_uint_t              i, n;
    ngx_live_store_zone_t  *zone;

    zone = ev->data;

    for (i = 0; i < (zone->streams + 63) / 64; i++) {

        bits = zone->dirty[i];
        zone->dirty[i] = 0;

        while (bits) {
            n = i * 64 + __builtin_ctzll(bits);
            bits &= bits - 1;

            if (live_store_ring(zone->store, n)) {
                ngx_live_changed(zone, n);
            }
        }
    }
}


static void
ngx_live_store_changed(void *ctx, uint32_t stream)
{
    ngx_live_changed(ctx, stream);
}


static void
ngx_live_store_bell_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_live_store_zone_t  *zone;

    c = ev->data;
    zone = c->data;

    live_store_answer(zone->store, ngx_live_store_changed, zone);

    if (ngx_handle_read_event(ev, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0,
                      "live store \"%V\": cannot watch the doorbell",
                      &zone->name);
    }
}


static void
ngx_live_store_aged(void *ctx, uint32_t stream, const char *name,
    live_store_change_e change)
{
    ngx_live_store_zone_t  *zone = ctx;

    switch (change) {

    case LIVE_STORE_ORPHANED:
        ngx_log_error(NGX_LOG_WARN, zone->janitor.log, 0,
                      "live stream \"%s\": the worker of its publisher died, "
                      "waiting for the publisher to come back", name);
        break;

    case LIVE_STORE_LINGERED:
        ngx_log_error(NGX_LOG_INFO, zone->janitor.log, 0,
                      "live stream \"%s\" ended: no publisher came back within "
                      "live_linger", name);
        break;

    default: /* LIVE_STORE_REMOVED */
        ngx_log_error(NGX_LOG_INFO, zone->janitor.log, 0,
                      "live stream \"%s\" removed", name);
        break;
    }

    ngx_live_store_notify(zone, stream);
}


static void
ngx_live_store_janitor_handler(ngx_event_t *ev)
{
    ngx_live_store_zone_t  *zone;

    zone = ev->data;

    live_store_janitor(zone->store, live_store_monotonic(),
                       ngx_live_store_aged, zone);

    if (!ngx_exiting && !ngx_terminate) {
        ngx_add_timer(ev, NGX_LIVE_STORE_JANITOR);
    }
}


static ngx_int_t
ngx_live_store_join_zone(ngx_cycle_t *cycle, ngx_live_store_zone_t *zone)
{
    u_char             err[512];
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    if (live_store_join(zone->store, (char *) err, sizeof(err)) != LIVE_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "live store \"%V\": %s",
                      &zone->name, err);
        return NGX_ERROR;
    }

    zone->dirty = ngx_pcalloc(cycle->pool,
                              (zone->streams + 63) / 64 * sizeof(uint64_t));
    if (zone->dirty == NULL) {
        return NGX_ERROR;
    }

    c = ngx_get_connection(live_store_doorbell(zone->store), cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = zone;
    zone->bell = c;
    zone->joined = 1;

    rev = c->read;
    rev->log = cycle->log;
    rev->handler = ngx_live_store_bell_handler;

    /* not a client's connection: no reason to stay, none to complain about */

    rev->channel = 1;
    c->write->channel = 1;

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    zone->self.data = zone;
    zone->self.log = cycle->log;
    zone->self.handler = ngx_live_store_self_handler;

    zone->janitor.data = zone;
    zone->janitor.log = cycle->log;
    zone->janitor.handler = ngx_live_store_janitor_handler;
    zone->janitor.cancelable = 1;

    ngx_add_timer(&zone->janitor, 1);

    return NGX_OK;
}


/*
 * What changes a store that others use waits for this: a configuration that comes
 * here is not refused any more.
 */

static ngx_int_t
ngx_live_store_init_module(ngx_cycle_t *cycle)
{
    ngx_live_store_conf_t  *lscf;
    ngx_live_store_zone_t  *zone;

    lscf = (ngx_live_store_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                  ngx_live_store_module);

    for (zone = lscf->zones; zone; zone = zone->next) {
        if (zone->store) {
            live_store_limit(zone->store, zone->bytes_max);
            zone->accepted = 1;
        }
    }

    ngx_live_store_accepted = lscf;

    return NGX_OK;
}


static ngx_int_t
ngx_live_store_init_process(ngx_cycle_t *cycle)
{
    ngx_live_store_conf_t  *lscf;
    ngx_live_store_zone_t  *zone;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    lscf = (ngx_live_store_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                  ngx_live_store_module);

    for (zone = lscf->zones; zone; zone = zone->next) {
        if (ngx_live_store_join_zone(cycle, zone) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_live_store_exit_process(ngx_cycle_t *cycle)
{
    ngx_live_store_conf_t  *lscf;
    ngx_live_store_zone_t  *zone;

    lscf = (ngx_live_store_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                  ngx_live_store_module);

    for (zone = lscf->zones; zone; zone = zone->next) {

        if (!zone->joined) {
            continue;
        }

        if (zone->bell) {
            if (zone->bell->read->active) {
                ngx_del_event(zone->bell->read, NGX_READ_EVENT, 0);
            }

            zone->bell->fd = (ngx_socket_t) -1;
            ngx_free_connection(zone->bell);
            zone->bell = NULL;
        }

        live_store_leave(zone->store);
        zone->joined = 0;
    }
}


static void
ngx_live_store_exit_master(ngx_cycle_t *cycle)
{
    ngx_live_store_conf_t     *lscf;
    ngx_live_store_zone_t     *zone;
    ngx_live_store_retired_t  *retired;

    lscf = (ngx_live_store_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                  ngx_live_store_module);

    for (zone = lscf->zones; zone; zone = zone->next) {
        if (zone->store) {
            (void) live_store_remove(zone->store);
        }
    }

    for (retired = ngx_live_store_retired; retired; retired = retired->next) {
        (void) live_store_remove(retired->store);
    }
}


/* 1 if the store is kept open until this master stops, else 0 */

static ngx_uint_t
ngx_live_store_retire(ngx_live_store_zone_t *old)
{
    ngx_live_store_zone_t     *zone;
    ngx_live_store_retired_t  *retired;

    if (ngx_process != NGX_PROCESS_MASTER || !old->accepted || ngx_terminate
        || ngx_quit)
    {
        return 0;
    }

    for (zone = ngx_live_store_accepted->zones; zone; zone = zone->next) {
        if (zone->store
            && ngx_strcmp(live_store_path(zone->store),
                          live_store_path(old->store)) == 0)
        {
            return 0;
        }
    }

    for (retired = ngx_live_store_retired; retired; retired = retired->next) {
        if (ngx_strcmp(live_store_path(retired->store),
                       live_store_path(old->store)) == 0)
        {
            return 0;
        }
    }

    retired = ngx_alloc(sizeof(ngx_live_store_retired_t), ngx_cycle->log);
    if (retired == NULL) {
        return 0;
    }

    retired->store = old->store;
    retired->next = ngx_live_store_retired;
    ngx_live_store_retired = retired;

    return 1;
}


static void
ngx_live_store_close_zone(void *data)
{
    ngx_live_store_zone_t  *zone = data;

    if (zone->store) {

        /* a start that failed leaves nothing that it made */

        if (!zone->accepted && live_store_made(zone->store)) {
            (void) live_store_remove(zone->store);
        }

        if (!ngx_live_store_retire(zone)) {
            live_store_close(zone->store);
        }

        zone->store = NULL;
    }
}


ngx_live_store_zone_t *
ngx_live_store_ref(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_live_store_conf_t  *lscf;
    ngx_live_store_zone_t  *zone, **last;

    lscf = (ngx_live_store_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                  ngx_live_store_module);

    for (last = &lscf->zones; *last; last = &(*last)->next) {
        if (((*last)->name.len == name->len
             && ngx_strncmp((*last)->name.data, name->data, name->len) == 0))
        {
            return *last;
        }
    }

    if (name->len == 0 && lscf->zones) {
        return lscf->zones;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_live_store_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->name = *name;
    *last = zone;

    return zone;
}


char *
ngx_live_store_switch(ngx_conf_t *cf, ngx_flag_t *flag,
    ngx_live_store_zone_t **zone)
{
    ngx_str_t  *value, name;

    if (*flag != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        *flag = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return "must be \"on\" or \"off\"";
    }

    ngx_str_null(&name);

    if (cf->args->nelts == 3) {

        if (value[2].len <= 6 || ngx_strncmp(value[2].data, "store=", 6) != 0)
        {
            return "has a second parameter that is not store=NAME";
        }

        name.data = value[2].data + 6;
        name.len = value[2].len - 6;
    }

    *zone = ngx_live_store_ref(cf, &name);
    if (*zone == NULL) {
        return NGX_CONF_ERROR;
    }

    *flag = 1;

    return NGX_CONF_OK;
}


static void *
ngx_live_store_create_conf(ngx_cycle_t *cycle)
{
    return ngx_pcalloc(cycle->pool, sizeof(ngx_live_store_conf_t));
}


static ngx_int_t
ngx_live_store_param(ngx_conf_t *cf, ngx_live_store_zone_t *zone,
    ngx_str_t *value)
{
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "path=", 5) == 0) {
        zone->path.data = value->data + 5;
        zone->path.len = value->len - 5;

        return ngx_conf_full_name(cf->cycle, &zone->path, 0);
    }

    if (ngx_strncmp(value->data, "streams=", 8) == 0) {
        n = ngx_atoi(value->data + 8, value->len - 8);

        if (n < 1 || n > 4096) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "streams must be 1 to 4096 in \"%V\"", value);
            return NGX_ERROR;
        }

        zone->streams = n;
        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "size=", 5) == 0) {
        s.data = value->data + 5;
        s.len = value->len - 5;

        zone->bytes_max = ngx_parse_offset(&s);

        if (zone->bytes_max < 1024 * 1024) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "size must be 1m or more in \"%V\"", value);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);
    return NGX_ERROR;
}


static char *
ngx_live_store_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_live_store_zone_t  *zone;

    value = cf->args->elts;

    zone = ngx_live_store_ref(cf, &value[1]);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->line) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_store \"%V\" is already defined in %V:%ui",
                           &value[1], &zone->file, zone->line);
        return NGX_CONF_ERROR;
    }

    zone->line = cf->conf_file->line;
    zone->file = cf->conf_file->file.name;
    zone->streams = NGX_LIVE_STORE_STREAMS;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_live_store_param(cf, zone, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (zone->path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "live_store \"%V\" needs path=DIRECTORY, best on a "
                           "tmpfs, such as path=/dev/shm/ngx-live",
                           &zone->name);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < zone->path.len; i++) {
        if (zone->path.data[i] == '\0') {
            return "has an invalid path";
        }
    }

    return NGX_CONF_OK;
}


/*
 * Opens the stores here and not in init_module: a failure there ends a running
 * master, here it refuses the new configuration.
 */

static char *
ngx_live_store_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_live_store_conf_t  *lscf = conf;

    char                    err[512];
    uid_t                   user;
    gid_t                   group;
    ngx_core_conf_t        *ccf;
    ngx_pool_cleanup_t     *cln;
    ngx_live_store_zone_t  *zone;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    for (zone = lscf->zones; zone; zone = zone->next) {

        if (zone->line == 0) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "live store \"%V\" is used but not defined: write "
                          "\"live_store NAME path=DIRECTORY;\" in the main "
                          "context, before the rtmp and http blocks",
                          &zone->name);
            return NGX_CONF_ERROR;
        }

        if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
            continue;
        }

        cln = ngx_pool_cleanup_add(cycle->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        user = (uid_t) -1;
        group = (gid_t) -1;

        if (geteuid() == 0 && ccf->user != (uid_t) NGX_CONF_UNSET_UINT) {
            user = ccf->user;
            group = ccf->group;
        }

        if (live_store_open((char *) zone->path.data, user, group,
                            zone->streams, &zone->store, err, sizeof(err))
            != LIVE_OK)
        {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "live_store \"%V\" in %V:%ui: %s", &zone->name,
                          &zone->file, zone->line, err);
            return NGX_CONF_ERROR;
        }

        cln->handler = ngx_live_store_close_zone;
        cln->data = zone;
    }

    return NGX_CONF_OK;
}
