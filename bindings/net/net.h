/*
 * Sockets: TCP and Unix streams, for the script dynsup/net.lua.
 *
 * Design notes.
 * A dsl_socket is what libuv works on; Lua has a userdata with a pointer to it, its box. The socket
 * is closed once: by close, by the end of its owner (it is a possession), or when Lua has collected
 * the box. It is freed when libuv has closed the handle and the box is gone; until then its
 * functions say that it is closed. An open socket always has an owner, so it ends before its host
 * does. Bytes are read from the first read on. Those not asked for yet stay in the buffer; when it
 * exceeds a mark, reading stops until a process asks for more. (Stopping after each answer would
 * cost two system calls a read.) The handle is referenced only while a process waits to read or to
 * accept; so only that, and bytes to be written, keep the loop going.
 */
#ifndef DSL_NET_H
#define DSL_NET_H

#include "bindings/loop.h"
#include "bindings/pending.h"
#include "bindings/memory/source.h"

#include <sys/types.h>

/* What a reader waits for. */
enum dsl_want { DSL_WANT_SOME, DSL_WANT_COUNT, DSL_WANT_LINE, DSL_WANT_ALL };

typedef struct dsl_need {
    enum dsl_want want;
    size_t count; /* bytes, of DSL_WANT_COUNT */
    size_t max;   /* bytes, of a line or all */
} dsl_need;

typedef struct dsl_buffer {
    char *data;
    size_t capacity;
    size_t begin, end; /* the bytes that are there */
    size_t searched;   /* so many bytes behind begin have no line feed */
    size_t chunk;      /* how much to make room for at the next read */
} dsl_buffer;

/* Set by options; connections inherit them from their listener. */
typedef struct dsl_socket_options {
    bool nodelay;
    bool background;      /* a process that waits at it does not keep the run going */
    unsigned keepalive_s; /* 0: off */
    double send_timeout_ms;
} dsl_socket_options;

/* The file that a listener has made at its path. */
typedef struct dsl_socket_file {
    bool made;
    dev_t device;
    ino_t inode; /* nobody else gets it as long as the socket is open */
} dsl_socket_file;

struct dsl_acceptor;

typedef struct dsl_socket {
    dynsup_possession possession; /* of the owner's */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    dsl_source memory;
    dsl_host *host; /* while it is open */
    dynsup_pid owner;
    bool is_tcp;
    bool boxed;          /* Lua has it */
    bool closing;        /* close was called */
    bool closed;         /* and libuv has done it */
    bool reading;        /* libuv is reading */
    bool ended;          /* the peer has sent everything */
    bool has_connection; /* of a listener: a connection has come that is not accepted yet */
    int error;           /* of libuv: no more can be read */
    dsl_buffer buffer;
    dsl_need need;
    dsl_pending reader;
    size_t unattended; /* bytes to be written for which no process waits any more */
    uv_shutdown_t shutdown;
    bool is_shutdown;
    struct dsl_acceptor *first_acceptor, *last_acceptor; /* who waits, first come first served */
    dsl_socket_file file;
    dsl_socket_options options;
} dsl_socket;

/* ---- net_socket.c ---- */

enum dsl_socket_kind { DSL_CONNECTION, DSL_LISTENER };

/* Pushes a box with nothing in it, and fills it; filling never raises. [-0, +1] and [-0, +0] */
void dsl_box_push(lua_State *L, enum dsl_socket_kind kind);
void dsl_box_fill(lua_State *L, int index, dsl_socket *socket);

/* The socket of the box at the index; raises for anything else. */
dsl_socket *dsl_check_socket(lua_State *L, int index, enum dsl_socket_kind kind);

/* Raises when the socket is open and belongs to another run, around this one. */
void dsl_check_run(lua_State *L, const dsl_socket *socket, const dsl_host *host);

/* A new socket owned by the process. 0, or libuv's error: there is none then. */
int dsl_socket_new(dsl_host *host, dynsup_pid owner, bool is_tcp, dsl_socket **socket_out);

/* Closes the socket, unless it is closed; processes that wait for it go on. */
void dsl_socket_close(dsl_socket *socket);

/* Sets its options in the kernel. */
void dsl_socket_apply(dsl_socket *socket);

/* Reads the options table at the index (or nil) into *options. 0, or pushes what is to be returned
 * for a wrong one. */
int dsl_socket_options_read(lua_State *L, int index, dsl_socket_options *options);

/* The methods by file. */
extern const luaL_Reg dsl_socket_common[];
extern const luaL_Reg dsl_peer_methods[];
extern const luaL_Reg dsl_read_methods[];
extern const luaL_Reg dsl_write_methods[];
extern const luaL_Reg dsl_listen_methods[];

/* ---- net_read.c ---- */

/* Closing: frees the buffer, and the reader goes on. */
void dsl_read_close(dsl_socket *socket);

/* ---- net_listen.c ---- */

/* Closing: the process that waits in accept goes on. */
void dsl_accept_close(dsl_socket *socket);

/* Before closing: removes the file of a listener at a path, if it is still there. */
void dsl_listen_file_remove(dsl_socket *socket);

/* The function for the script. */
int dsl_net_listen(lua_State *L);

/* ---- net_connect.c ---- */

/* An address ("127.0.0.1", "::1") and a port at these indices. 0 or UV_EINVAL. */
int dsl_address_get(const char *address, int port, struct sockaddr_storage *out);

#define DSL_ADDRESS_SIZE (INET6_ADDRSTRLEN + UV_IF_NAMESIZE) /* of its text, with the zero byte */

/* The text of an address; a link-local one goes with its network ("fe80::1%eth0"), without which
 * nobody can connect to it. */
void dsl_address_name(const struct sockaddr *address, char text[DSL_ADDRESS_SIZE]);

#endif
