/* The life of sockets: boxes, owners, options, names, closing. */
#define _GNU_SOURCE /* struct ucred */
#include "bindings/net/net.h"

#include "bindings/sigpipe.h"

#include <string.h>

static const char *const box_names[] = {"dynsup.net.socket", "dynsup.net.listener"};

/* ---- closing and freeing ---- */

/* Collected, it has no reader; but one may have been left by a guest that is gone. */
static void socket_free(dsl_socket *s) {
    dsl_pending_end(&s->reader);
    dsl_source memory = s->memory;
    dsl_source_free(&memory, s, sizeof *s);
}

static void on_closed(uv_handle_t *handle) {
    dsl_socket *s = handle->data;
    s->closed = true;
    if (!s->boxed)
        socket_free(s);
}

void dsl_socket_close(dsl_socket *s) {
    if (s->closing)
        return;
    s->closing = true;
    dynsup_disown(&s->possession);
    dsl_listen_file_remove(s); /* first: then nobody else's can be there */
    uv_close(&s->uv.handle, on_closed);
    dsl_read_close(s);
    dsl_accept_close(s);
}

static void on_release(dynsup_possession *possession) {
    dsl_socket_close((dsl_socket *)possession); /* its first member */
}

/* ---- making ---- */

static int handle_init(dsl_socket *s, uv_loop_t *loop) {
    s->uv.handle.data = s;
    return s->is_tcp ? uv_tcp_init(loop, &s->uv.tcp) : uv_pipe_init(loop, &s->uv.pipe, 0);
}

int dsl_socket_new(dsl_host *host, dynsup_pid owner, bool is_tcp, dsl_socket **socket_out) {
    dsl_source memory = dsl_source_of(host);
    if (host->config->sigpipe)
        dsl_sigpipe_ignore();
    dsl_socket *s = dsl_source_new(&memory, sizeof *s);
    if (!s)
        return UV_ENOMEM;
    s->memory = memory;
    s->host = host;
    s->is_tcp = is_tcp;
    s->owner = owner;
    s->possession.release = on_release;
    s->options.send_timeout_ms = -1;
    int status = handle_init(s, host->runtime->loop);
    if (status) {
        socket_free(s);
        return status;
    }
    uv_unref(&s->uv.handle);
    if (dynsup_own(host->core, owner, &s->possession)) {
        dsl_socket_close(s);
        return UV_ENOMEM;
    }
    *socket_out = s;
    return 0;
}

/* ---- boxes ---- */

typedef struct box {
    dsl_socket *socket;
} box;

/* The box at the index when it is of either kind, else NULL. */
static box *box_test(lua_State *L, int index) {
    box *b = luaL_testudata(L, index, box_names[DSL_CONNECTION]);
    return b ? b : luaL_testudata(L, index, box_names[DSL_LISTENER]);
}

static dsl_socket *check_any(lua_State *L, int index) {
    box *b = box_test(L, index);
    luaL_argexpected(L, b && b->socket, index, "socket");
    return b->socket;
}

dsl_socket *dsl_check_socket(lua_State *L, int index, enum dsl_socket_kind kind) {
    box *b = luaL_checkudata(L, index, box_names[kind]);
    luaL_argcheck(L, b->socket, index, "the socket was never opened");
    return b->socket;
}

void dsl_check_run(lua_State *L, const dsl_socket *socket, const dsl_host *host) {
    if (!socket->closing && socket->host != host)
        dsl_error(L, "the socket belongs to another run");
}

static int box_gc(lua_State *L) {
    box *b = box_test(L, 1);
    dsl_socket *s = b ? b->socket : NULL;
    if (!s)
        return 0;
    b->socket = NULL;
    s->boxed = false;
    if (s->closed)
        socket_free(s);
    else
        dsl_socket_close(s);
    return 0;
}

static void methods_set(lua_State *L, const luaL_Reg *methods) {
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, methods, 1);
}

static void metatable_fill(lua_State *L, enum dsl_socket_kind kind) {
    lua_newtable(L);
    methods_set(L, dsl_socket_common);
    if (kind == DSL_LISTENER) {
        methods_set(L, dsl_listen_methods);
    } else {
        methods_set(L, dsl_read_methods);
        methods_set(L, dsl_write_methods);
        methods_set(L, dsl_peer_methods);
    }
    lua_getfield(L, -1, "close");
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc"); /* last: with it the metatable is complete */
}

void dsl_box_push(lua_State *L, enum dsl_socket_kind kind) {
    box *b = lua_newuserdatauv(L, sizeof *b, 0);
    b->socket = NULL;
    luaL_newmetatable(L, box_names[kind]);
    bool complete = lua_getfield(L, -1, "__gc") != LUA_TNIL;
    lua_pop(L, 1);
    if (!complete)
        metatable_fill(L, kind);
    lua_setmetatable(L, -2);
}

void dsl_box_fill(lua_State *L, int index, dsl_socket *socket) {
    box *b = lua_touserdata(L, index);
    b->socket = socket;
    socket->boxed = true;
}

/* ---- options ---- */

void dsl_socket_apply(dsl_socket *s) {
    if (!s->is_tcp)
        return;
    uv_tcp_nodelay(&s->uv.tcp, s->options.nodelay);
    uv_tcp_keepalive(&s->uv.tcp, s->options.keepalive_s > 0, s->options.keepalive_s);
}

#define KEEPALIVE_S 60

/* The value is on top. */
static bool keepalive_read(lua_State *L, dsl_socket_options *options) {
    if (lua_isboolean(L, -1)) {
        options->keepalive_s = lua_toboolean(L, -1) ? KEEPALIVE_S : 0;
        return true;
    }
    lua_Number seconds = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(seconds >= 1 && seconds <= 32767))
        return false;
    options->keepalive_s = (unsigned)seconds;
    return true;
}

static bool send_timeout_read(lua_State *L, dsl_socket_options *options) {
    bool endless = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "infinity") == 0;
    if (!endless && !(lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) >= 0))
        return false;
    options->send_timeout_ms = endless ? -1 : lua_tonumber(L, -1);
    return true;
}

/* The name is below the value, which is on top. */
static bool option_read(lua_State *L, dsl_socket_options *options) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(name, "nodelay") == 0) {
        options->nodelay = lua_toboolean(L, -1);
        return lua_isboolean(L, -1);
    }
    if (strcmp(name, "background") == 0) {
        options->background = lua_toboolean(L, -1);
        return lua_isboolean(L, -1);
    }
    if (strcmp(name, "keepalive") == 0)
        return keepalive_read(L, options);
    return strcmp(name, "send_timeout") == 0 && send_timeout_read(L, options);
}

int dsl_socket_options_read(lua_State *L, int index, dsl_socket_options *options) {
    if (lua_isnoneornil(L, index))
        return 0;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, 4, NULL);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (!option_read(L, options)) {
            lua_pop(L, 1);
            lua_pushnil(L);
            lua_insert(L, -2);
            lua_pushliteral(L, "invalid_option");
            lua_insert(L, -2);
            return 3;
        }
        lua_pop(L, 1);
    }
    return 0;
}

static int socket_set(lua_State *L) {
    dsl_check_count(L, 2, 2);
    dsl_socket *s = check_any(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    dsl_socket_options options = s->options;
    int failed = dsl_socket_options_read(L, 2, &options);
    if (failed)
        return failed;
    if (s->closing)
        return dsl_fail_text(L, "closed");
    s->options = options;
    dsl_socket_apply(s);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- names ---- */

static int address_push(lua_State *L, const struct sockaddr_storage *address) {
    char text[DSL_ADDRESS_SIZE];
    bool is_ip6 = address->ss_family == AF_INET6;
    dsl_address_name((const struct sockaddr *)address, text);
    lua_pushstring(L, text);
    lua_pushinteger(L, ntohs(is_ip6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                    : ((const struct sockaddr_in *)address)->sin_port));
    return 2;
}

static int tcp_name_push(lua_State *L, const dsl_socket *s, bool peer) {
    struct sockaddr_storage address;
    int size = sizeof address;
    struct sockaddr *out = (struct sockaddr *)&address;
    int status = peer ? uv_tcp_getpeername(&s->uv.tcp, out, &size)
                      : uv_tcp_getsockname(&s->uv.tcp, out, &size);
    return status ? dsl_fail_uv(L, status) : address_push(L, &address);
}

static int pipe_name_push(lua_State *L, const dsl_socket *s, bool peer) {
    char path[256];
    size_t size = sizeof path;
    int status = peer ? uv_pipe_getpeername(&s->uv.pipe, path, &size)
                      : uv_pipe_getsockname(&s->uv.pipe, path, &size);
    if (status)
        return dsl_fail_uv(L, status);
    lua_pushlstring(L, path, size);
    return 1;
}

static int name_push(lua_State *L, bool peer) {
    dsl_check_count(L, 1, 1);
    const dsl_socket *s = check_any(L, 1);
    if (s->closing)
        return dsl_fail_text(L, "closed");
    return s->is_tcp ? tcp_name_push(L, s, peer) : pipe_name_push(L, s, peer);
}

static int socket_sockname(lua_State *L) {
    return name_push(L, false);
}

static int socket_peername(lua_State *L) {
    return name_push(L, true);
}

/* Who was at the other end when the connection was made, as the kernel knows. */
static int socket_credentials(lua_State *L) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    uv_os_fd_t fd;
    dsl_check_count(L, 1, 1);
    const dsl_socket *s = dsl_check_socket(L, 1, DSL_CONNECTION);
    if (s->closing)
        return dsl_fail_text(L, "closed");
    if (s->is_tcp)
        return dsl_fail_text(L, "not_a_unix_socket");
    if (uv_fileno(&s->uv.handle, &fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return dsl_fail_uv(L, UV_ENOTCONN);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, peer.pid);
    lua_setfield(L, -2, "pid");
    lua_pushinteger(L, peer.uid);
    lua_setfield(L, -2, "uid");
    lua_pushinteger(L, peer.gid);
    lua_setfield(L, -2, "gid");
    return 1;
}

/* ---- close, give ---- */

/* Also __close, which has an error as its second argument. */
static int socket_close(lua_State *L) {
    const box *b = box_test(L, 1);
    luaL_argexpected(L, b, 1, "socket");
    if (b->socket)
        dsl_socket_close(b->socket);
    lua_pushboolean(L, 1);
    return 1;
}

static int socket_is_closing(lua_State *L) {
    dsl_check_count(L, 1, 1);
    lua_pushboolean(L, check_any(L, 1)->closing);
    return 1;
}

static int socket_give(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 2, 2);
    dsl_socket *s = check_any(L, 1);
    dsl_check_run(L, s, host);
    dynsup_pid pid = dsl_check_dest(L, host, 2);
    if (s->closing)
        return dsl_fail_text(L, "closed");
    if (s->owner != dynsup_self(host->core))
        return dsl_fail_text(L, "not_owner");
    int status = dsl_check_status(L, dynsup_own(host->core, pid, &s->possession));
    if (status)
        return dsl_fail(L, DYNSUP_NOPROC);
    s->owner = pid;
    lua_pushboolean(L, 1);
    return 1;
}

const luaL_Reg dsl_socket_common[] = {
    {"set", socket_set},   {"sockname", socket_sockname}, {"peername", socket_peername},
    {"give", socket_give}, {"close", socket_close},       {"is_closing", socket_is_closing},
    {NULL, NULL},
};

const luaL_Reg dsl_peer_methods[] = {{"credentials", socket_credentials}, {NULL, NULL}};
