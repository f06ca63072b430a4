/*
 * Listening: connections are accepted while a process waits for one, the others wait in the kernel.
 *
 * Design notes.
 * libuv itself takes one connection more than was accepted, and stops until that is. A connection
 * that has come for an acceptor belongs to its process at once, before that process runs: if it
 * ends before, the connection is closed.
 */
#include "bindings/net/net.h"

#include "bindings/process/dry.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

typedef struct dsl_acceptor {
    dsl_pending pending;                  /* first */
    struct dsl_acceptor *previous, *next; /* in the listener's queue */
    dsl_source memory;
    dsl_socket *listener;   /* while it is in its queue */
    dsl_socket *connection; /* that has come */
    int status;             /* of libuv: none will come */
} dsl_acceptor;

/* ---- acceptors ---- */

static void queue_append(dsl_socket *listener, dsl_acceptor *a) {
    a->previous = listener->last_acceptor;
    if (a->previous)
        a->previous->next = a;
    else
        listener->first_acceptor = a;
    listener->last_acceptor = a;
}

static void queue_remove(dsl_socket *listener, dsl_acceptor *a) {
    if (a->previous)
        a->previous->next = a->next;
    else
        listener->first_acceptor = a->next;
    if (a->next)
        a->next->previous = a->previous;
    else
        listener->last_acceptor = a->previous;
}

static void listener_refer(dsl_socket *listener) {
    if (listener->closing)
        return;
    if (!listener->first_acceptor || listener->options.background)
        uv_unref(&listener->uv.handle);
    else
        uv_ref(&listener->uv.handle);
}

static void acceptor_unqueue(dsl_acceptor *a) {
    dsl_socket *listener = a->listener;
    if (!listener)
        return;
    a->listener = NULL;
    queue_remove(listener, a);
    listener_refer(listener);
}

static void acceptor_free(dsl_acceptor *a) {
    acceptor_unqueue(a);
    dsl_source memory = a->memory;
    dsl_source_free(&memory, a, sizeof *a);
}

static void acceptor_abandon(dsl_pending *pending) {
    dsl_acceptor *a = (dsl_acceptor *)pending;
    if (pending->unwound && a->connection)
        dsl_socket_close(a->connection);
    acceptor_free(a);
}

/* A new one in the listener's queue, whose process will wait; NULL without memory. */
static dsl_acceptor *acceptor_new(dsl_host *host, dsl_socket *listener) {
    dsl_source memory = dsl_source_of(host);
    dsl_acceptor *a = dsl_source_new(&memory, sizeof *a);
    if (!a)
        return NULL;
    a->memory = memory;
    if (dsl_pending_begin(host, &a->pending, acceptor_abandon)) {
        dsl_source_free(&memory, a, sizeof *a);
        return NULL;
    }
    a->listener = listener;
    queue_append(listener, a);
    listener_refer(listener);
    return a;
}

/* ---- libuv's side ---- */

/* Accepts what libuv has taken for the process. 0 or libuv's error. */
static int take(dsl_socket *listener, dynsup_pid pid, dsl_socket **connection_out) {
    dsl_socket *s;
    int status = dsl_socket_new(listener->host, pid, listener->is_tcp, &s);
    if (status)
        return status;
    listener->has_connection = false; /* first: the next one may come during uv_accept */
    status = uv_accept(&listener->uv.stream, &s->uv.stream);
    if (status) {
        dsl_socket_close(s);
        return status;
    }
    s->options = listener->options;
    if (s->options.nodelay || s->options.keepalive_s)
        dsl_socket_apply(s);
    *connection_out = s;
    return 0;
}

static void acceptor_serve(dsl_acceptor *a, int status) {
    dsl_socket *listener = a->listener;
    acceptor_unqueue(a);
    a->status = status ? status : take(listener, a->pending.pid, &a->connection);
    dsl_pending_wake(&a->pending);
}

static void on_connection(uv_stream_t *stream, int status) {
    dsl_socket *listener = stream->data;
    dsl_acceptor *a = listener->first_acceptor;
    if (!status)
        listener->has_connection = true;
    if (a)
        acceptor_serve(a, status);
}

void dsl_accept_close(dsl_socket *listener) {
    dsl_acceptor *a;
    while ((a = listener->first_acceptor))
        acceptor_serve(a, UV_ECANCELED);
}

/* ---- accept ---- */

enum { ACCEPT_LISTENER = 1, ACCEPT_MS, ACCEPT_BOX };

static int push_accepted(lua_State *L, int status, dsl_socket *connection) {
    if (status)
        return status == UV_ECANCELED ? dsl_fail_text(L, "closed") : dsl_fail_uv(L, status);
    dsl_box_fill(L, ACCEPT_BOX, connection);
    lua_settop(L, ACCEPT_BOX);
    return 1;
}

static int accept_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    dsl_acceptor *a = (dsl_acceptor *)dsl_pending_in(context);
    int error = a->status;
    dsl_socket *connection = a->connection;
    dsl_pending_end(&a->pending);
    acceptor_free(a);
    if (!error && !connection)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    return push_accepted(L, error, connection);
}

static int listener_accept(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 1, 2);
    dsl_socket *listener = dsl_check_socket(L, ACCEPT_LISTENER, DSL_LISTENER);
    uint64_t deadline_ns = dsl_check_io_deadline(L, host, ACCEPT_MS);
    dsl_waiter_of(L, &host);
    dsl_check_run(L, listener, host);
    lua_settop(L, ACCEPT_MS);
    dsl_box_push(L, DSL_CONNECTION);
    if (listener->closing)
        return dsl_fail_text(L, "closed");
    if (listener->has_connection) {
        dsl_socket *connection = NULL;
        int status = take(listener, dynsup_self(host->core), &connection);
        return push_accepted(L, status, connection);
    }
    dsl_acceptor *a = acceptor_new(host, listener);
    if (!a)
        return luaL_error(L, "not enough memory");
    return dsl_pending_wait(L, &a->pending, deadline_ns, accept_k);
}

/* ---- listen ---- */

static int bind_tcp(dsl_socket *s, const char *address, int port) {
    struct sockaddr_storage name;
    int status = dsl_address_get(address, port, &name);
    return status ? status : uv_tcp_bind(&s->uv.tcp, (struct sockaddr *)&name, 0);
}

static int file_note(dsl_socket *s, const char *path) {
    struct stat file;
    if (lstat(path, &file) != 0)
        return uv_translate_sys_error(errno);
    s->file = (dsl_socket_file){.made = true, .device = file.st_dev, .inode = file.st_ino};
    return 0;
}

/* The file has these permissions from its beginning on, or with -1 what the umask leaves. The umask
 * is the program's: a file that a thread makes just now gets no more than these either. */
static int file_make(dsl_socket *s, int fd, const char *path, int mode) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path));
    mode_t old = mode < 0 ? 0 : umask((mode_t)~mode & 0777);
    int status =
        bind(fd, (struct sockaddr *)&name, sizeof name) == 0 ? 0 : uv_translate_sys_error(errno);
    if (mode >= 0)
        umask(old);
    return status ? status : file_note(s, path);
}

void dsl_listen_file_remove(dsl_socket *listener) {
    char path[sizeof(struct sockaddr_un)];
    size_t size = sizeof path;
    struct stat file;
    if (!listener->file.made || uv_pipe_getsockname(&listener->uv.pipe, path, &size) != 0 ||
        lstat(path, &file) != 0)
        return;
    if (file.st_dev == listener->file.device && file.st_ino == listener->file.inode)
        unlink(path);
}

/* Not by uv_pipe_bind: it has whatever is at the path removed in the end. */
static int bind_pipe(dsl_socket *s, const char *path, int mode) {
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return UV_ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int status = uv_pipe_open(&s->uv.pipe, fd);
    if (status) {
        close(fd);
        return status;
    }
    return file_make(s, fd, path, mode);
}

enum { LISTEN_ADDRESS = 1, LISTEN_PORT, LISTEN_OPTIONS, LISTEN_MODE, LISTEN_BOX };

static int listen_start(lua_State *L, dsl_socket *s) {
    const char *address = lua_tostring(L, LISTEN_ADDRESS);
    int mode = (int)luaL_optinteger(L, LISTEN_MODE, -1);
    int status = s->is_tcp ? bind_tcp(s, address, (int)lua_tointeger(L, LISTEN_PORT))
                           : bind_pipe(s, address, mode);
    return status ? status : uv_listen(&s->uv.stream, BACKLOG, on_connection);
}

/* Fills the box. */
static int listen_open(lua_State *L, dsl_host *host, const dsl_socket_options *options) {
    dsl_socket *s;
    bool is_tcp = !lua_isnil(L, LISTEN_PORT);
    int status = dsl_socket_new(host, dynsup_self(host->core), is_tcp, &s);
    if (status)
        return status;
    s->options = *options;
    status = listen_start(L, s);
    if (status) {
        dsl_socket_close(s);
        return status;
    }
    dsl_box_fill(L, LISTEN_BOX, s);
    return 0;
}

/* native.listen(address, port, options), native.listen(path, nil, options, mode) */
int dsl_net_listen(lua_State *L) {
    dsl_host *host;
    dsl_socket_options options = {.send_timeout_ms = -1};
    dsl_body_of(L, &host);
    lua_settop(L, LISTEN_MODE);
    int failed = dsl_socket_options_read(L, LISTEN_OPTIONS, &options);
    if (failed)
        return failed;
    if (dsl_dry_listener_push(L, host, LISTEN_ADDRESS))
        return 1;
    dsl_loop_of(L, host);
    dsl_box_push(L, DSL_LISTENER);
    int status = listen_open(L, host, &options);
    return status ? dsl_fail_uv(L, status) : 1;
}

const luaL_Reg dsl_listen_methods[] = {{"accept", listener_accept}, {NULL, NULL}};
