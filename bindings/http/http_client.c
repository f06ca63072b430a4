/* The HTTP client of a host, on its loop. */
#include "bindings/http/http_client.h"

#include "bindings/http/http.h"
#include "bindings/http/http_load.h"
#include "bindings/http/http_transfer.h"
#include "bindings/net/pipe_guard.h"

#include <stdlib.h>
#include <uv.h>

#define IDLE_CONNECTIONS 32L /* kept open for later requests */

/* ---- what libcurl is told ---- */

/* Tells of the transfers that have come to their end. */
static void tell_ends(dsl_http *http) {
    int left;
    CURLMsg *message;
    while ((message = http->curl->multi_info_read(http->multi, &left))) {
        dsl_transfer *transfer = NULL;
        CURLcode result = message->data.result; /* removing the handle frees the message */
        http->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        dsl_transfer_ended(transfer, result);
    }
}

/* libcurl has stopped in the middle and says no more of the transfer that it was about, nor which
 * it is: it would be waited for for ever. */
static void fail_all(dsl_http *http) {
    for (dsl_transfer *transfer = http->transfers; transfer; transfer = transfer->next)
        if (!transfer->over)
            dsl_transfer_fail(transfer, "no_memory", "libcurl has stopped in the middle of it");
}

static void act(dsl_http *http, curl_socket_t socket, int events) {
    int running;
    dsl_pipe_guard guard;
    dsl_pipe_guard_begin(&guard);
    CURLMcode result = http->curl->multi_socket_action(http->multi, socket, events, &running);
    tell_ends(http);
    if (result == CURLM_OUT_OF_MEMORY || result == CURLM_INTERNAL_ERROR)
        fail_all(http);
    dsl_pipe_guard_end(&guard);
}

static void on_timer(uv_timer_t *timer) {
    dsl_http *http = timer->data;
    http->in_timer = true;
    act(http, CURL_SOCKET_TIMEOUT, 0);
    http->in_timer = false;
}

typedef struct watch {
    uv_poll_t poll; /* first: the handle is the watch */
    curl_socket_t socket;
    int events; /* that libcurl wants to hear of */
} watch;

static void on_poll(uv_poll_t *poll, int status, int events);

/* libuv stops to watch a socket that has an error, and does not tell what may still be read.
 * libcurl finds both out by trying; of an error alone it would give up what has arrived. */
static void on_poll_error(watch *w) {
    act(w->poll.data, w->socket, CURL_CSELECT_IN | CURL_CSELECT_OUT);
    uv_handle_t *handle = (uv_handle_t *)&w->poll;
    bool is_stopped = !uv_is_closing(handle) && !uv_is_active(handle);
    if (is_stopped && w->events && uv_poll_start(&w->poll, w->events, on_poll))
        act(w->poll.data, w->socket, CURL_CSELECT_ERR);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    watch *w = (watch *)poll;
    int told = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (status < 0)
        on_poll_error(w);
    else
        act(poll->data, w->socket, told);
}

/* ---- what libcurl asks for ---- */

/* In 0 ms means soon, but not from inside this call. A timer of 0 ms that is set while the timer
 * runs would run in the same round of timers: the loop might come to nothing else. */
static int timer_set(CURLM *multi, long ms, void *p) {
    (void)multi;
    dsl_http *http = p;
    if (ms < 0)
        return uv_timer_stop(http->timer);
    uv_update_time(http->timer->loop);
    uint64_t least_ms = http->in_timer ? 1 : 0;
    return uv_timer_start(http->timer, on_timer, ms > 0 ? (uint64_t)ms : least_ms, 0);
}

static void handle_free(uv_handle_t *handle) {
    free(handle);
}

static watch *watch_new(dsl_http *http, curl_socket_t socket) {
    watch *w = malloc(sizeof *w);
    if (!w)
        return NULL;
    if (uv_poll_init_socket(http->timer->loop, &w->poll, socket)) {
        free(w);
        return NULL;
    }
    w->poll.data = http;
    w->socket = socket;
    w->events = 0;
    http->curl->multi_assign(http->multi, socket, w);
    return w;
}

static void watch_end(dsl_http *http, watch *w) {
    http->curl->multi_assign(http->multi, w->socket, NULL);
    uv_close((uv_handle_t *)&w->poll, handle_free);
}

static int watch_set(CURL *easy, curl_socket_t socket, int what, void *p, void *known) {
    dsl_http *http = p;
    watch *w = known;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    if (what == CURL_POLL_REMOVE) {
        if (w)
            watch_end(http, w);
        return 0;
    }
    if (!w)
        w = watch_new(http, socket);
    if (w)
        w->events = events;
    if (!w || uv_poll_start(&w->poll, events, on_poll)) {
        dsl_transfer *transfer = NULL;
        http->curl->easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        dsl_transfer_fail(transfer, "no_memory", "the socket cannot be watched");
    }
    return 0; /* anything else would end all transfers */
}

/* ---- life ---- */

static bool multi_open(dsl_http *http) {
    http->multi = http->curl->multi_init();
    if (!http->multi)
        return false;
    http->curl->multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_set);
    http->curl->multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    http->curl->multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, timer_set);
    http->curl->multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    http->curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
    return true;
}

/* NULL without memory. */
static dsl_http *http_new(dsl_host *host, const dsl_curl *curl) {
    dsl_http *http = calloc(1, sizeof *http);
    uv_timer_t *timer = malloc(sizeof *timer);
    if (http && timer) {
        http->host = host;
        http->curl = curl;
        if (multi_open(http)) {
            http->timer = timer;
            uv_timer_init(dynsup_uv_loop(host->uv), timer);
            timer->data = http;
            return http;
        }
    }
    free(timer);
    free(http);
    return NULL;
}

dsl_http *dsl_http_of(lua_State *L, dsl_host *host) {
    const char *error;
    if (!host->http)
        host->http = http_new(host, dsl_curl_load(&error));
    if (!host->http)
        dsl_error(L, "not enough memory");
    return host->http;
}

void dsl_http_close(dsl_host *host) {
    dsl_http *http = host->http;
    dsl_pipe_guard guard;
    dsl_http_load_finish(host);
    if (!http)
        return;
    dsl_pipe_guard_begin(&guard);
    while (http->transfers)
        dsl_transfer_close(http->transfers);
    http->curl->multi_cleanup(http->multi); /* ends the watches of open connections */
    dsl_pipe_guard_end(&guard);
    uv_close((uv_handle_t *)http->timer, handle_free);
    host->http = NULL;
    free(http);
}
