/*
 * Writing: what the kernel does not take at once is copied, and the writer waits until it has.
 *
 * Design notes.
 * A writing is a request of libuv's with its bytes. Its process may go away, or be out of time,
 * before its callback comes: then the callback frees it, else the continuation does.
 */
#include "bindings/net/net.h"

#include <string.h>

#define UNATTENDED_MAX 65536u

typedef struct writing {
    dsl_pending pending; /* first */
    uv_write_t request;
    dsl_socket *socket;
    dsl_source memory;
    bool done;
    int status;
    size_t size;
    char data[];
} writing;

static void writing_free(writing *w) {
    dsl_source memory = w->memory;
    dsl_source_free(&memory, w, sizeof *w + w->size);
}

static void on_written(uv_write_t *request, int status) {
    writing *w = (writing *)((char *)request - offsetof(writing, request));
    w->done = true;
    w->status = status;
    if (w->pending.key) {
        dsl_pending_wake(&w->pending);
        return;
    }
    w->socket->unattended -= w->size; /* it is there still: libuv closes it after its requests */
    writing_free(w);
}

/* Its callback is alone with it from now on. */
static void writing_leave(writing *w) {
    if (w->done)
        writing_free(w);
    else
        w->socket->unattended += w->size;
}

static void writing_abandon(dsl_pending *pending) {
    writing_leave((writing *)pending);
}

static int write_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    writing *w = (writing *)dsl_pending_in(context);
    int error = w->status;
    bool done = w->done;
    dsl_pending_end(&w->pending);
    writing_leave(w);
    if (!done)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    if (error)
        return error == UV_ECANCELED ? dsl_fail_text(L, "closed") : dsl_fail_uv(L, error);
    lua_pushboolean(L, 1);
    return 1;
}

static writing *writing_new(dsl_socket *s, const char *data, size_t size) {
    writing *w = dsl_source_new(&s->memory, sizeof *w + size);
    if (!w)
        return NULL;
    w->memory = s->memory;
    w->socket = s;
    w->size = size;
    memcpy(w->data, data, size);
    return w;
}

static uint64_t send_deadline(const dsl_socket *s) {
    double ms = s->options.send_timeout_ms;
    return ms < 0 ? DYNSUP_NEVER : dsl_deadline_of(s->host, ms);
}

/* Hands the bytes to libuv and waits until it is rid of them. */
static int write_rest(lua_State *L, dsl_socket *s, const char *data, size_t size) {
    writing *w = writing_new(s, data, size);
    if (!w || dsl_pending_begin(s->host, &w->pending, writing_abandon)) {
        if (w)
            writing_free(w);
        return luaL_error(L, "not enough memory");
    }
    uv_buf_t buffer = {.base = w->data, .len = size};
    int status = uv_write(&w->request, &s->uv.stream, &buffer, 1, on_written);
    if (status) {
        dsl_pending_end(&w->pending);
        writing_free(w);
        return dsl_fail_uv(L, status);
    }
    return dsl_pending_wait(L, &w->pending, send_deadline(s), write_k);
}

/* All arguments but the socket, as one string on top. */
static const char *check_data(lua_State *L, size_t *size_out) {
    int count = lua_gettop(L) - 1;
    for (int i = 2; i <= count + 1; i++)
        luaL_checklstring(L, i, NULL);
    if (count != 1)
        lua_concat(L, count);
    return lua_tolstring(L, -1, size_out);
}

static int socket_write(lua_State *L) {
    dsl_host *host;
    size_t size;
    dsl_body_of(L, &host);
    dsl_socket *s = dsl_check_socket(L, 1, DSL_CONNECTION);
    const char *data = check_data(L, &size);
    dsl_waiter_of(L, &host);
    dsl_check_run(L, s, host);
    if (s->closing)
        return dsl_fail_text(L, "closed");
    if (s->is_shutdown)
        return dsl_fail_uv(L, UV_EPIPE);
    if (s->unattended > UNATTENDED_MAX)
        return dsl_fail_text(L, "busy");
    uv_buf_t buffer = {.base = (char *)data, .len = size};
    int taken = size ? uv_try_write(&s->uv.stream, &buffer, 1) : 0;
    if (taken < 0 && taken != UV_EAGAIN)
        return dsl_fail_uv(L, taken);
    if (taken < 0)
        taken = 0;
    if ((size_t)taken < size)
        return write_rest(L, s, data + taken, size - (size_t)taken);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- the end of writing ---- */

static void on_shutdown(uv_shutdown_t *request, int status) {
    (void)request, (void)status; /* the peer is gone: reading tells */
}

static int socket_shutdown(lua_State *L) {
    dsl_check_count(L, 1, 1);
    dsl_socket *s = dsl_check_socket(L, 1, DSL_CONNECTION);
    if (s->closing)
        return dsl_fail_text(L, "closed");
    int status = s->is_shutdown ? 0 : uv_shutdown(&s->shutdown, &s->uv.stream, on_shutdown);
    if (status)
        return dsl_fail_uv(L, status);
    s->is_shutdown = true;
    lua_pushboolean(L, 1);
    return 1;
}

const luaL_Reg dsl_write_methods[] = {
    {"write", socket_write}, {"shutdown", socket_shutdown}, {NULL, NULL}};
