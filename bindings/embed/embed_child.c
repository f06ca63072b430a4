/*
 * Supervisors, children and workers in C, from outside: what is done at once, and what a process of
 * its own waits for.
 *
 * Design notes.
 * Children are started by the function that Lua code calls, so there is one validator of specs and
 * one way to start. The asker is a process that calls a function for the program and hands the
 * results over. Its box is a to-be-closed variable: so the program is notified even when the asker
 * is killed, and by the collector if that happens before its first slice.
 */
#include "bindings/memory/account.h"
#include "bindings/child/field.h"
#include "bindings/embed/embed.h"
#include "bindings/lua/metatable.h"
#include "bindings/embed/misuse.h"
#include "bindings/module.h"
#include "bindings/process/process.h"
#include "bindings/child/spec_limits.h"
#include "bindings/embed/worker.h"

#include <string.h>

/* ---- supervisors ---- */

static const dynsup_supervisor_options supervisor_defaults = {
    .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT};

/* Accounts of memory, for children that are limited by these. 0, DYNSUP_EMISUSE, DYNSUP_ENOMEM. */
static int accounts_open(dsl_host *host, const dynsup_limits *limits) {
    if (!limits || !dsl_limits_memory(limits))
        return 0;
    int status = dsl_accounts_open(host->L, host);
    if (status == 0)
        dsl_accounts_open_everywhere(host);
    dsl_expect(status != DYNSUP_EMISUSE, "an allocator that tells whose memory is whose");
    return status;
}

/* As for a name that Lua code gives. 0 or DYNSUP_EREASON. */
static int name_check(dsl_host *host, const char *name) {
    if (!name || *name)
        return 0;
    snprintf(host->error_text, sizeof host->error_text, "invalid_name: a name must not be empty");
    return DYNSUP_EREASON;
}

int dynsup_lua_supervisor_start(dynsup_lua_host *host, const char *name,
                                const dynsup_supervisor_options *options, dynsup_pid *pid_out) {
    dynsup_pid pid = 0;
    int status = dsl_check_host(host);
    if (status == 0)
        status = name_check(host, name);
    if (status == 0 && options)
        status = accounts_open(host, options->limits);
    if (status)
        return status;
    dynsup_supervisor_options own = options ? *options : supervisor_defaults;
    own.name = name;
    own.name_length = name ? strlen(name) : 0;
    status = dynsup_supervisor_start(host->core, &own, &pid);
    if (pid_out)
        *pid_out = pid;
    return status;
}

int dynsup_lua_children_count(dynsup_lua_host *host, dynsup_pid supervisor,
                              dynsup_counts *counts_out) {
    int status = dsl_check_host(host);
    if (status == 0 && !dsl_expect(counts_out, "a place for the counts"))
        return DYNSUP_EMISUSE;
    return status ? status : dynsup_count_children(host->core, supervisor, counts_out);
}

int dynsup_lua_children_each(dynsup_lua_host *host, dynsup_pid supervisor,
                             bool (*each)(void *ud, const dynsup_child_info *child), void *ud) {
    dynsup_child_info child;
    dynsup_counts counts;
    int status = dynsup_lua_children_count(host, supervisor, &counts);
    if (status == 0 && !dsl_expect(each, "who is called for each child"))
        return DYNSUP_EMISUSE;
    if (status)
        return status;
    dynsup_cursor *cursor = dynsup_cursor_open_by_start(host->core, supervisor);
    if (!cursor)
        return DYNSUP_ENOMEM;
    while (dynsup_cursor_next(cursor, &child) && each(ud, &child))
        continue;
    dynsup_cursor_close(host->core, cursor);
    return 0;
}

/* ---- workers in C ---- */

typedef struct making {
    dsl_host *host;
    const dynsup_lua_worker_ops *ops;
    void *arg;
    bool is_taken; /* arg */
    const char *name;
    dynsup_pid pid;
    int status;
} making;

static void kind_push(lua_State *L, making *m) {
    dsl_worker_kind_push(L, m->ops, m->arg);
    m->is_taken = true;
}

/* As dsl_check_open. */
static int making_check(const making *m) {
    int status = dsl_check_open(m->host);
    if (status == 0 && !dsl_expect(m->ops, "a kind of worker"))
        return DYNSUP_EMISUSE;
    return status;
}

/* Drops arg where nothing was made that would drop it. */
static int made(const making *m, int status) {
    if (!m->is_taken && m->ops && m->ops->drop)
        m->ops->drop(m->arg);
    return status;
}

static int push_protected(lua_State *L) {
    making *m = lua_touserdata(L, 1);
    kind_push(L, m);
    return 1;
}

int dynsup_lua_worker_push(dynsup_lua_host *host, lua_State *L, const dynsup_lua_worker_ops *ops,
                           void *arg) {
    making m = {.host = host, .ops = ops, .arg = arg};
    int status = making_check(&m);
    if (status)
        return made(&m, status);
    return made(&m, dsl_embed_make(host, L, 0, 1, push_protected, &m));
}

static int spawn_protected(lua_State *L) {
    making *m = lua_touserdata(L, 1);
    kind_push(L, m);
    dynsup_spawn_options options = {.name = m->name, .name_length = m->name ? strlen(m->name) : 0};
    dynsup_lua_worker *w = dsl_worker_new(L, m->host, -1, 0);
    m->status = dynsup_spawn(m->host->core, &dsl_worker_body_ops, w, &options, &m->pid);
    if (m->status)
        dsl_worker_body_ops.fini(w);
    return 0;
}

int dynsup_lua_worker_spawn(dynsup_lua_host *host, const dynsup_lua_worker_ops *ops, void *arg,
                            const char *name, dynsup_pid *pid_out) {
    making m = {.host = host, .ops = ops, .arg = arg, .name = name};
    int status = making_check(&m);
    if (status == 0)
        status = name_check(host, name);
    if (status)
        return made(&m, status);
    status = made(&m, dsl_embed_make(host, host->L, 0, 0, spawn_protected, &m));
    if (pid_out)
        *pid_out = m.pid;
    return status ? status : m.status;
}

/* ---- start_child ---- */

typedef struct starting {
    dsl_host *host;
    dynsup_pid supervisor;
    dynsup_pid pid;
    int status;
} starting;

/* The results of start_child, from the index on: pid; nil, reason [, detail]. */
static void start_result(lua_State *L, starting *s, int index) {
    if (dsl_is_pid(L, index)) {
        s->pid = dynsup_lua_pid_at(L, index);
        return;
    }
    lua_settop(L, index + 2);
    s->status = dsl_embed_code(L, index + 1);
    s->pid = dynsup_lua_pid_at(L, index + 2); /* of already_started */
    if (s->status != DYNSUP_EREASON)
        return;
    lua_createtable(L, 2, 0);
    for (int i = 1; i <= 2; i++) {
        lua_pushvalue(L, index + i);
        lua_rawseti(L, -2, i);
    }
    dsl_embed_note(s->host, L, -1);
}

/* The child is at index 2. */
static int start_protected(lua_State *L) {
    starting *s = lua_touserdata(L, 1);
    dsl_embed_function(L, s->host, dsl_child_functions, "start_child");
    dsl_id_push(L, s->supervisor);
    if (!dsl_is_pid(L, -1)) {
        s->status = DYNSUP_ENOPROC;
        return 0;
    }
    lua_pushvalue(L, 2);
    lua_call(L, 2, LUA_MULTRET);
    start_result(L, s, 3);
    return 0;
}

static int start(dsl_host *host, lua_State *L, int count, lua_CFunction fn, starting *s, void *ud,
                 dynsup_pid *pid_out) {
    bool outer = host->never_waits;
    host->never_waits = true;
    int status = dsl_embed_call(host, L, count, fn, ud);
    host->never_waits = outer;
    if (pid_out)
        *pid_out = s->pid;
    return status ? status : s->status;
}

int dynsup_lua_child_start(dynsup_lua_host *host, lua_State *L, dynsup_pid supervisor,
                           dynsup_pid *pid_out) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    starting s = {.host = host, .supervisor = supervisor};
    return start(host, L, 1, start_protected, &s, &s, pid_out);
}

typedef struct worker_starting {
    starting start; /* first */
    making making;
    const dynsup_lua_child *child;
} worker_starting;

static void field_shutdown(lua_State *L, double shutdown_ms) {
    if (shutdown_ms == DYNSUP_SHUTDOWN_INFINITY)
        lua_pushliteral(L, "infinity");
    else if (shutdown_ms == DYNSUP_SHUTDOWN_BRUTAL_KILL)
        lua_pushliteral(L, "brutal_kill");
    else
        lua_pushnumber(L, shutdown_ms);
    lua_setfield(L, -2, "shutdown");
}

/* Pushes the spec. */
static void spec_push(lua_State *L, worker_starting *w) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    const dynsup_lua_child *child = w->child;
    lua_createtable(L, 0, 6);
    kind_push(L, &w->making);
    lua_setfield(L, -2, "body");
    dsl_field_text(L, "id", child->id);
    dsl_field_text(L, "name", child->name);
    dsl_field_text(L, "restart", restarts[child->restart]);
    if (child->shutdown_ms != 0)
        field_shutdown(L, child->shutdown_ms);
    if (child->backoff) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "backoff");
    }
}

static int worker_start_protected(lua_State *L) {
    spec_push(L, lua_touserdata(L, 1));
    return start_protected(L);
}

int dynsup_lua_worker_start(dynsup_lua_host *host, dynsup_pid supervisor,
                            const dynsup_lua_worker_ops *ops, void *arg,
                            const dynsup_lua_child *child, dynsup_pid *pid_out) {
    static const dynsup_lua_child plain;
    worker_starting w = {.start = {.host = host, .supervisor = supervisor},
                         .making = {.host = host, .ops = ops, .arg = arg},
                         .child = child ? child : &plain};
    int status = making_check(&w.making);
    if (status == 0 && !dsl_expect(w.child->restart <= DYNSUP_TEMPORARY, "a restart type"))
        status = DYNSUP_EMISUSE;
    if (status)
        return made(&w.making, status);
    status = start(host, host->L, 0, worker_start_protected, &w.start, &w, pid_out);
    return made(&w.making, status);
}

/* ---- calls whose results come later ---- */

#define BOX_NAME "dynsup.asker"

typedef struct box {
    dsl_host *host;
    dynsup_lua_done done; /* NULL: called already, or none was given */
    void *ud;
} box;

static void box_tell(box *b, dsl_host *host, lua_State *L) {
    dynsup_lua_done done = b->done;
    b->done = NULL;
    if (done)
        done(b->ud, host, L);
}

static int box_close(lua_State *L) {
    box *b = lua_touserdata(L, 1);
    box_tell(b, b->host, NULL);
    return 0;
}

static int box_gc(lua_State *L) {
    box_tell(lua_touserdata(L, 1), NULL, NULL);
    return 0;
}

static const luaL_Reg box_meta[] = {{"__close", box_close}, {"__gc", box_gc}, {NULL, NULL}};

static void box_push(lua_State *L, box b) {
    box *at = lua_newuserdatauv(L, sizeof *at, 0);
    *at = (box){0};
    dsl_metatable_set(L, BOX_NAME, box_meta);
    *at = b;
}

/* In a frame of its own: the box, then the results. */
static int tell(lua_State *L) {
    box *b = lua_touserdata(L, 1);
    lua_remove(L, 1);
    box_tell(b, b->host, L);
    return 0;
}

/* The results, or the error, are behind the box. */
static int asker_k(lua_State *L, int status, lua_KContext context) {
    (void)context;
    luaL_checkstack(L, 4, NULL);
    lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
    lua_insert(L, 2);
    lua_pushcfunction(L, tell);
    lua_insert(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, 3);
    lua_call(L, lua_gettop(L) - 2, 0);
    return 0;
}

/* The process: its box, a function, its arguments. */
static int asker(lua_State *L) {
    lua_toclose(L, 1);
    return asker_k(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, asker_k), 0);
}

/* The function and its arguments are from index 2 on. */
static int call_protected(lua_State *L) {
    const box *b = lua_touserdata(L, 1);
    int count = lua_gettop(L) - 1;
    luaL_checkstack(L, 8, NULL);
    box_push(L, (box){b->host, NULL, NULL});
    box *own = lua_touserdata(L, -1);
    lua_insert(L, 2);
    lua_pushcfunction(L, asker);
    lua_insert(L, 2);
    dsl_process_spawn(L, b->host, 2, count + 1, false);
    *own = *b; /* only here: `done` is not called for a call that has failed */
    return 0;
}

int dynsup_lua_call(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_lua_done done,
                    void *ud) {
    int status = dsl_check_open(host);
    if (status)
        return status;
    if (!dsl_expect(L && lua_isfunction(L, -nargs - 1), "a function below its arguments"))
        return DYNSUP_EMISUSE;
    box b = {host, done, ud};
    return dsl_embed_make(host, L, nargs + 1, 0, call_protected, &b);
}

typedef struct terminating {
    box box; /* first */
    dynsup_pid supervisor, child;
} terminating;

static int terminate_protected(lua_State *L) {
    const terminating *t = lua_touserdata(L, 1);
    dsl_embed_function(L, t->box.host, dsl_dynamic_functions, "terminate_child");
    dsl_id_push(L, t->supervisor);
    dsl_id_push(L, t->child);
    return call_protected(L);
}

int dynsup_lua_child_terminate(dynsup_lua_host *host, dynsup_pid supervisor, dynsup_pid child,
                               dynsup_lua_done done, void *ud) {
    int status = dsl_check_open(host);
    if (status)
        return status;
    if (!dsl_expect(supervisor && child, "pids"))
        return DYNSUP_EMISUSE;
    terminating t = {{host, done, ud}, supervisor, child};
    return dsl_embed_make(host, host->L, 0, 0, terminate_protected, &t);
}
