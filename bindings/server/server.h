/*
 * Servers: processes whose code is a module of callbacks.
 *
 * Design notes.
 * Between messages a server is a record and its state: it has no coroutine. Its process then has
 * dsl_server_ops and the record as body. For a callback the record borrows a coroutine and gives it
 * back when the callback returns. When the callback waits or is preempted, the coroutine becomes
 * the process's body (dsl_body_ops, body->serves) until the callback has ended, so that code which
 * expects a body finds one. The record belongs to the process, whatever its body.
 * The message being handled is kept until the callback has returned, for a crash report and for the
 * reply; its values stay in the vault.
 */
#ifndef DSL_SERVER_H
#define DSL_SERVER_H

#include "bindings/binding.h"

enum dsl_server_callback {
    DSL_INIT,
    DSL_CALL,
    DSL_CAST,
    DSL_INFO,
    DSL_CONTINUE,
    DSL_TERMINATE,
    DSL_CALLBACK_COUNT
};

/* The words of runtime->server_words: the callbacks' names, from DSL_SERVER_WORD_CALLBACK on, and
 * others. */
enum {
    DSL_SERVER_WORD_CALLBACK = 1,
    DSL_SERVER_WORD_CONTINUE = DSL_SERVER_WORD_CALLBACK + DSL_CALLBACK_COUNT
};

extern const char *const dsl_server_callback_names[DSL_CALLBACK_COUNT];

/* How a server ends, while its terminate callback runs. */
typedef struct dsl_server_end {
    dynsup_reason reason;
    dynsup_message *message; /* the one handled when the end began; NULL: none */
    bool replies;            /* to the call being handled, at the very end */
    dynsup_value reply;
} dsl_server_end;

struct dsl_server {
    dsl_host *host;
    union {
        dynsup_ref start;        /* INIT: the start that waits for it; 0: a supervisor's child */
        dynsup_message *message; /* the one being handled; NULL: none */
        dsl_server_end *end;     /* with `ends` */
    } at;
    struct dsl_account *account; /* of its process, while it has no coroutine */
    uint64_t state;              /* stored apart from its kind, to avoid padding */
    uint32_t module;             /* in the vault */
    uint32_t dict;               /* in the vault; 0: none, or a coroutine has it */
    uint8_t state_kind;          /* enum dynsup_kind */
    uint8_t callback;            /* enum dsl_server_callback: the last one begun */
    bool linked;                 /* to its parent, whose exit signal ends it */
    bool ends;
};

_Static_assert(sizeof(dsl_server) <= 48, "a million idle servers have one each");

/* lend: the coroutine becomes the process's body, and the dictionary moves from it to the server.
 * regain: back. */
static inline void dsl_server_lend(dsl_server *server, dsl_body *body) {
    server->dict = body->dict;
    body->server = server;
    body->serves = true;
}
static inline void dsl_server_regain(dsl_body *body) {
    dsl_server *server = body->server;
    body->serves = false;
    body->dict = server->dict;
    server->dict = 0;
}

/* The slot in the vault of the process's dictionary; 0: it has none. */
static inline uint32_t *dsl_body_dict(dsl_body *body) {
    return body->serves ? &body->server->dict : &body->dict;
}

/* The server's state, still owned by it. */
static inline dynsup_value dsl_server_state(const dsl_server *server) {
    return (dynsup_value){(enum dynsup_kind)server->state_kind, {.object = server->state}};
}

static inline void dsl_server_state_push(lua_State *L, const dsl_server *server) {
    dynsup_value state = dsl_server_state(server);
    dsl_value_push(L, server->host, &state);
}

/* The message being handled, or NULL. */
static inline dynsup_message *dsl_server_message(const dsl_server *server) {
    if (server->ends)
        return server->at.end->message;
    return server->callback == DSL_INIT ? NULL : server->at.message;
}

extern const dynsup_body_ops dsl_server_ops;

/* A new server in a body whose coroutine is about to run init: [.., module, init, arg] on top of L;
 * `slots` slots of the vault stay reserved. Raises without memory. [-3, +0] */
dsl_body *dsl_server_new(lua_State *L, dsl_host *host, bool linked, uint32_t slots);

/* The body of a child whose start function (at the index `function`) is dynsup.server's start_link,
 * and whose arguments (the count values of the list at the index `args`) are no more than a module
 * and its init's argument; `slots` slots of the vault stay reserved. NULL: it must be started like
 * any other child. Raises without memory. [-0, +0] */
dsl_body *dsl_server_child(lua_State *L, dsl_host *host, int function, int args, int count,
                           uint32_t slots);

/* ---- server_run.c ---- */

/* The coroutine that ran a server's callback in a slice of its own has ended. */
enum dynsup_slice dsl_server_returned(dsl_body *body, int status, int count,
                                      dynsup_outcome *outcome);

/* The server's process ends, or has ended, while a coroutine runs its callback. */
void dsl_server_stop(dsl_server *server);
void dsl_server_fini(dsl_server *server);

/* ---- server_callback.c ---- */

/* Makes the list of words. Raises without memory. [-0, +0] */
void dsl_server_words_open(lua_State *L, dsl_runtime *runtime);

/* Pushes the code of a callback: the module's function itself, or a function that finds and calls
 * it, with its first arguments. Returns how many values were pushed; 0: the module lacks the
 * callback, which is optional. [-0, +n] */
int dsl_server_callback_push(lua_State *co, dsl_server *server, enum dsl_server_callback callback);

/* Pushes the init callback of the module at the index: as all servers have the same start function,
 * init shows where a server's code is. Raw, without allocation. False, nothing pushed: it is no
 * such module. [-0, +0|1] */
bool dsl_server_init_push(lua_State *L, const dsl_runtime *runtime, int module);

/* The reason of a callback that failed in the body: the error is on top of its coroutine. The crash
 * names the callback and has the message. */
dynsup_reason dsl_server_crash(dsl_server *server, const dsl_body *body, int status);

/* Where messages are copied: replaces a reply, the value at the index of the thread, by its copy.
 * False without memory. */
bool dsl_server_copy(dsl_host *host, lua_State *co, int index);

/* Sends the value at the index to the caller that waits for this call, if it still does.
 * [-0, +0] */
void dsl_server_reply(lua_State *L, dsl_host *host, dynsup_ref ref, int index);

#endif
