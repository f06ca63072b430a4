/*
 * Connecting, and asking for addresses.
 *
 * Design notes.
 * Both are requests of libuv's in memory of their own, for their callback may come after their
 * process has ended: then it frees them, else the continuation does. A thread may look an address
 * up when the state is closed already, so that memory is malloc's. A connection that is under way
 * is a possession of the process like any other socket.
 */
#include "bindings/net/net.h"

#include "bindings/native.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

int dsl_address_get(const char *address, int port, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (strchr(address, ':'))
        return uv_ip6_addr(address, port, (struct sockaddr_in6 *)out);
    return uv_ip4_addr(address, port, (struct sockaddr_in *)out);
}

/* Appends the network, if there still is one. */
static void network_append(const struct sockaddr_in6 *address, char text[DSL_ADDRESS_SIZE]) {
    size_t length = strlen(text);
    size_t size = DSL_ADDRESS_SIZE - length - 1;
    text[length] = '%';
    if (uv_if_indextoiid(address->sin6_scope_id, text + length + 1, &size) != 0)
        text[length] = '\0';
}

void dsl_address_name(const struct sockaddr *address, char text[DSL_ADDRESS_SIZE]) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    text[0] = '\0';
    if (address->sa_family != AF_INET6) {
        uv_ip4_name((const struct sockaddr_in *)address, text, DSL_ADDRESS_SIZE);
        return;
    }
    uv_ip6_name(in6, text, DSL_ADDRESS_SIZE);
    if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && in6->sin6_scope_id != 0)
        network_append(in6, text);
}

/* A request that a process waits for. */
typedef struct asking {
    dsl_pending pending; /* first */
    union {
        uv_req_t any;
        uv_connect_t connect;
        uv_getaddrinfo_t addresses;
    } request;
    dsl_socket *socket; /* of a connect */
    bool done;
    int status;
} asking;

static void asking_free(asking *a) {
    free(a);
}

static void asking_abandon(dsl_pending *pending) {
    asking *a = (asking *)pending;
    if (a->done)
        asking_free(a);
    else
        uv_cancel(&a->request.any); /* its callback comes, soon or late */
}

/* The socket is in its box, whom the collector would find late. */
static void connect_abandon(dsl_pending *pending) {
    dsl_socket *s = ((asking *)pending)->socket;
    bool unwound = pending->unwound;
    asking_abandon(pending);
    if (unwound)
        dsl_socket_close(s);
}

static asking *asking_new(lua_State *L, dsl_host *host) {
    asking *a = calloc(1, sizeof *a);
    if (a && dsl_pending_begin(host, &a->pending, asking_abandon)) {
        asking_free(a);
        a = NULL;
    }
    if (!a) {
        dsl_error(L, "not enough memory");
        return NULL;
    }
    a->request.any.data = a;
    return a;
}

static void asking_done(asking *a, int status) {
    a->done = true;
    a->status = status;
    if (a->pending.key)
        dsl_pending_wake(&a->pending);
    else
        asking_free(a);
}

/* In the continuation: nobody waits any more. */
static void asking_end(asking *a) {
    dsl_pending_end(&a->pending);
    asking_abandon(&a->pending);
}

/* ---- connect ---- */

enum { CONNECT_ADDRESS = 1, CONNECT_PORT, CONNECT_MS, CONNECT_OPTIONS, CONNECT_BOX };

static void on_connect(uv_connect_t *request, int status) {
    asking_done(request->data, status);
}

static int connect_k(lua_State *L, int lua_status, lua_KContext context) {
    (void)lua_status;
    asking *a = (asking *)dsl_pending_in(context);
    dsl_socket *s = a->socket;
    bool done = a->done;
    int status = a->status;
    asking_end(a);
    if (!done || status)
        dsl_socket_close(s);
    lua_settop(L, CONNECT_BOX);
    if (!done)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    if (status)
        return dsl_fail_uv(L, status);
    return 1;
}

static int connect_tcp(lua_State *L, dsl_socket *s, asking *a) {
    struct sockaddr_storage name;
    int port = (int)lua_tointeger(L, CONNECT_PORT);
    int status = dsl_address_get(lua_tostring(L, CONNECT_ADDRESS), port, &name);
    if (status)
        return status;
    return uv_tcp_connect(&a->request.connect, &s->uv.tcp, (struct sockaddr *)&name, on_connect);
}

static int connect_pipe(lua_State *L, dsl_socket *s, asking *a) {
    const char *path = lua_tostring(L, CONNECT_ADDRESS);
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return UV_ENAMETOOLONG;
    uv_pipe_connect(&a->request.connect, &s->uv.pipe, path, on_connect);
    return 0;
}

/* A new socket in the box; its options are told to the kernel when it has a connection to be. */
static int connect_open(lua_State *L, dsl_host *host, const dsl_socket_options *options,
                        dsl_socket **socket_out) {
    bool is_tcp = !lua_isnil(L, CONNECT_PORT);
    int status = dsl_socket_new(host, dynsup_self(host->core), is_tcp, socket_out);
    if (status)
        return status;
    (*socket_out)->options = *options;
    dsl_box_fill(L, CONNECT_BOX, *socket_out);
    return 0;
}

static int connect_start(lua_State *L, dsl_socket *s, asking *a) {
    int status = s->is_tcp ? connect_tcp(L, s, a) : connect_pipe(L, s, a);
    if (status == 0 && (s->options.nodelay || s->options.keepalive_s))
        dsl_socket_apply(s);
    return status;
}

/* native.connect(address, port, ms, options), native.connect(path, nil, ms, options) */
static int net_connect(lua_State *L) {
    dsl_host *host;
    dsl_socket *s;
    dsl_socket_options options = {.send_timeout_ms = -1};
    dsl_waiter_of(L, &host);
    dsl_loop_of(L, host);
    lua_settop(L, CONNECT_OPTIONS);
    uint64_t deadline_ns = dsl_check_io_deadline(L, host, CONNECT_MS);
    int failed = dsl_socket_options_read(L, CONNECT_OPTIONS, &options);
    if (failed)
        return failed;
    dsl_box_push(L, DSL_CONNECTION);
    asking *a = asking_new(L, host);
    int status = connect_open(L, host, &options, &s);
    if (status == 0 && (status = connect_start(L, s, a)))
        dsl_socket_close(s);
    if (status) {
        dsl_pending_end(&a->pending);
        asking_free(a);
        return dsl_fail_uv(L, status);
    }
    a->socket = s;
    a->pending.abandon = connect_abandon;
    return dsl_pending_wait(L, &a->pending, deadline_ns, connect_k);
}

/* ---- resolve ---- */

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    (void)list; /* request->addrinfo */
    asking *a = request->data;
    if (!a->pending.key)
        uv_freeaddrinfo(request->addrinfo);
    asking_done(a, status);
}

/* Adds the address to the list on top. Raises without memory. */
static void address_add(lua_State *L, const struct addrinfo *info) {
    char text[DSL_ADDRESS_SIZE];
    dsl_address_name(info->ai_addr, text);
    lua_pushstring(L, text);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* A list of addresses from a request that is given as a light userdata. */
static int addresses_push(lua_State *L) {
    const struct addrinfo *info = lua_touserdata(L, 1);
    lua_newtable(L);
    for (; info; info = info->ai_next)
        if (info->ai_family == AF_INET || info->ai_family == AF_INET6)
            address_add(L, info);
    return 1;
}

static void addresses_abandon(dsl_pending *pending) {
    asking *a = (asking *)pending;
    if (a->done)
        uv_freeaddrinfo(a->request.addresses.addrinfo);
    asking_abandon(pending);
}

static int resolve_k(lua_State *L, int lua_status, lua_KContext context) {
    (void)lua_status;
    asking *a = (asking *)dsl_pending_in(context);
    bool done = a->done;
    int status = a->status;
    int pushed = LUA_OK;
    if (done && status == 0) {
        lua_pushcfunction(L, addresses_push);
        lua_pushlightuserdata(L, a->request.addresses.addrinfo);
        pushed = lua_pcall(L, 1, 1, 0);
    }
    dsl_pending_end(&a->pending);
    addresses_abandon(&a->pending);
    if (pushed != LUA_OK)
        return lua_error(L);
    if (!done)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    return status ? dsl_fail_uv(L, status) : 1;
}

static bool is_address(const char *text) {
    struct sockaddr_storage name;
    return dsl_address_get(text, 0, &name) == 0;
}

/* native.resolve(host, ms): a list of addresses. */
static int net_resolve(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    const char *name = luaL_checkstring(L, 1);
    uint64_t deadline_ns = dsl_check_io_deadline(L, host, 2);
    if (is_address(name) || host->config->dry) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, 1);
        lua_rawseti(L, -2, 1);
        return 1;
    }
    uv_loop_t *loop = dsl_loop_of(L, host);
    if (!host->config->threads)
        return luaL_error(L,
                          "names of hosts need threads: this host may use none, give an address");
    dsl_waiter_of(L, &host);
    asking *a = asking_new(L, host);
    a->pending.abandon = addresses_abandon;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = uv_getaddrinfo(loop, &a->request.addresses, on_addresses, name, NULL, &hints);
    if (status) {
        dsl_pending_end(&a->pending);
        asking_free(a);
        return dsl_fail_uv(L, status);
    }
    return dsl_pending_wait(L, &a->pending, deadline_ns, resolve_k);
}

const luaL_Reg dsl_net_functions[] = {
    {"listen", dsl_net_listen},
    {"connect", net_connect},
    {"resolve", net_resolve},
    {NULL, NULL},
};
