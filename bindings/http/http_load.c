/* Loads libcurl in a thread of libuv's. */
#include "bindings/http/http_load.h"

#include "bindings/http/http_curl.h"

#include <stdlib.h>
#include <uv.h>

struct dsl_http_load {
    uv_work_t work;
    dsl_host *host;
    dynsup_pid pid; /* who waits, with the key */
    uint64_t key;
};

/* In the thread. */
static void load(uv_work_t *work) {
    const char *error;
    (void)work;
    dsl_curl_load(&error);
}

static void after_load(uv_work_t *work, int status) {
    struct dsl_http_load *l = work->data;
    dsl_host *host = l->host;
    (void)status; /* of a cancelled one: then the host has ended */
    host->http_load = NULL;
    dsl_body *body = host->core ? dynsup_waiter(host->core, l->pid, l->key) : NULL;
    if (body) {
        body->nargs = 0;
        dynsup_wake(host->core, l->pid, l->key);
    }
    free(l);
}

/* NULL without memory. */
static struct dsl_http_load *load_start(dsl_host *host) {
    struct dsl_http_load *l = malloc(sizeof *l);
    if (!l)
        return NULL;
    l->work.data = l;
    l->host = host;
    if (uv_queue_work(dynsup_uv_loop(host->uv), &l->work, load, after_load)) {
        free(l);
        return NULL;
    }
    return l;
}

bool dsl_http_load_begin(dsl_host *host, uint64_t *key_out) {
    if (!host->uv || !host->config->threads || dsl_curl_is_loaded())
        return false;
    host = host->whole; /* libcurl is loaded once, whoever asks */
    if (!host->http_load)
        host->http_load = load_start(host);
    if (!host->http_load)
        return false;
    /* require lets one process load at a time: one that waited before us is no more */
    host->http_load->pid = dynsup_self(host->core);
    host->http_load->key = *key_out = dynsup_key_new(host->core);
    return true;
}

void dsl_http_load_finish(dsl_host *host) {
    if (host->http_load && uv_cancel((uv_req_t *)&host->http_load->work))
        load(&host->http_load->work); /* under way: this waits for it */
    while (host->http_load)
        uv_run(dynsup_uv_loop(host->uv), UV_RUN_NOWAIT);
}
