/* Dynamic supervisors: start_link, start_child and the other requests, and their replies. */
#include "bindings/binding.h"

#include "bindings/options.h"
#include "bindings/program.h"

#include <string.h>

/* ---- replies ---- */

/*
 * A request that must wait goes on in a continuation, which finds the reply's raw values on top:
 * status, pid, existing, and two values. A reply that came at once is pushed in the same form.
 */
enum { RAW_STATUS, RAW_PID, RAW_EXISTING, RAW_VALUE, RAW_DETAIL };

static void push_moved(lua_State *L, dsl_host *host, const dynsup_value *value) {
    dsl_value_push(L, host, value);
    if (value->kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)value->as.object);
}

void dsl_reply_push(lua_State *L, dsl_host *host, const dynsup_reply *reply) {
    lua_checkstack(L, DSL_REPLY_VALUES + 3);
    lua_pushinteger(L, reply->status);
    if (reply->pid)
        dsl_id_push(L, reply->pid);
    else
        lua_pushnil(L);
    lua_pushboolean(L, reply->existing);
    push_moved(L, host, &reply->values[0]);
    push_moved(L, host, &reply->values[1]);
}

typedef struct raw_reply {
    int base; /* the stack index of RAW_STATUS */
    int status;
} raw_reply;

static raw_reply raw_get(lua_State *L) {
    int base = lua_gettop(L) - DSL_REPLY_VALUES + 1;
    return (raw_reply){base, (int)lua_tointeger(L, base + RAW_STATUS)};
}

/* nil, reason [, detail] of a reply that is a failure. */
static int push_failure(lua_State *L, raw_reply raw) {
    dsl_check_status(L, raw.status);
    lua_pushnil(L);
    if (raw.status == DYNSUP_EREASON) {
        lua_pushvalue(L, raw.base + RAW_VALUE);
        lua_pushvalue(L, raw.base + RAW_DETAIL);
        return lua_isnil(L, -1) ? (lua_pop(L, 1), 2) : 3;
    }
    lua_pushstring(L, dynsup_atom_text((enum dynsup_atom) - raw.status));
    if (raw.status != DYNSUP_EALREADY_STARTED)
        return 2;
    lua_pushvalue(L, raw.base + RAW_PID);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushliteral(L, "restarting");
    }
    return 3;
}

/* ---- requests ---- */

/* Waits for the reply, which comes to k. */
static int wait_reply(lua_State *L, dsl_host *host, const dynsup_reply *reply, uint64_t deadline,
                      lua_KContext context, lua_KFunction k) {
    dynsup_wait_key(host->core, reply->key, deadline);
    return dsl_suspend(L, host->current, DSL_WAIT_VALUES, context, k);
}

/* The reply that is there, or will be, handed to k. */
static int reply_to(lua_State *L, dsl_host *host, const dynsup_reply *reply, lua_KContext context,
                    lua_KFunction k) {
    if (reply->status == DYNSUP_PENDING)
        return wait_reply(L, host, reply, DYNSUP_NEVER, context, k);
    if (reply->status == DYNSUP_EWOULD_WAIT)
        return dsl_cannot_wait(L, host);
    dsl_reply_push(L, host, reply);
    return k(L, LUA_OK, context);
}

/* ---- start_link ---- */

static int start_link_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    raw_reply raw = raw_get(L);
    if (raw.status)
        return push_failure(L, raw);
    lua_pushvalue(L, raw.base + RAW_PID);
    return 1;
}

static int start_link_options(lua_State *L, dsl_host *host) {
    dsl_options options;
    dynsup_reply reply = {0};
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    int failed = dsl_options_read(L, 1, true, &options);
    if (failed)
        return failed;
    dsl_options_keep(L, host, &options);
    reply.status = dynsup_supervisor_start(host->core, &options.core, &reply.pid);
    if (reply.status)
        dsl_vault_release(&host->vault, (uint32_t)options.core.arguments);
    return reply_to(L, host, &reply, 0, start_link_k);
}

/* The name option of start_link(module, arg, options). 0, or what to return. */
static int module_name(lua_State *L, const char **name, size_t *length) {
    dsl_options options;
    *name = NULL;
    *length = 0;
    if (lua_isnoneornil(L, 3))
        return 0;
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 3)) {
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "name") != 0) {
            lua_pop(L, 1);
            lua_pushnil(L);
            lua_pushliteral(L, "invalid_option");
            lua_pushvalue(L, -3);
            return 3;
        }
        lua_pop(L, 1);
    }
    int failed = dsl_options_read(L, 3, true, &options);
    *name = options.core.name;
    *length = options.core.name_length;
    return failed;
}

static int start_link_module(lua_State *L, dsl_host *host) {
    const char *name;
    size_t length;
    dynsup_reply reply = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, lua_getfield(L, 1, "init") == LUA_TFUNCTION, 1,
                  "a module of a supervisor has a function init");
    int init = lua_gettop(L);
    int failed = module_name(L, &name, &length);
    if (failed)
        return failed;
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    lua_pushvalue(L, init);
    lua_pushvalue(L, 2);
    dsl_body *body = dsl_body_new(L, host, 0);
    dsl_body_load(L, body, 1);
    body->is_guest = body->is_init = true;
    dynsup_supervisor_init(host->core, name, length, &dsl_body_ops, body, &reply);
    return reply_to(L, host, &reply, 0, start_link_k);
}

static bool is_module(lua_State *L) {
    if (!lua_istable(L, 1))
        return false;
    bool has_init = lua_getfield(L, 1, "init") == LUA_TFUNCTION;
    lua_pop(L, 1);
    return has_init;
}

static int start_link(lua_State *L) {
    dsl_host *host;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    dsl_check_count(L, 0, 3);
    if (lua_gettop(L) > 1 || is_module(L)) {
        lua_settop(L, 3);
        return start_link_module(L, host);
    }
    return start_link_options(L, host);
}

/* ---- what guests return ---- */

static dynsup_value value_at(lua_State *L, dsl_host *host, int index, int top) {
    return index <= top ? dsl_value_get(L, host, index) : (dynsup_value){DYNSUP_NIL, {0}};
}

static dynsup_value atom_value(enum dynsup_atom atom) {
    return dynsup_reason_atom(atom).value;
}

static bool is_ignore(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "ignore") == 0;
}

/* The values of a start function, from index 1 of its stack on. */
static void start_outcome(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    if (top > 0 && dsl_is_pid(co, 1)) {
        outcome->pid = (uintptr_t)lua_touserdata(co, 1);
        outcome->values[0] = value_at(co, host, 2, top);
    } else if (top > 0 && (is_ignore(co, 1) || (lua_isnil(co, 1) && top > 1 && is_ignore(co, 2)))) {
        outcome->status = DYNSUP_EIGNORE;
    } else if (top > 1 && lua_isnil(co, 1) && !lua_isnil(co, 2)) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = value_at(co, host, 2, top);
        outcome->values[1] = value_at(co, host, 3, top);
    } else if (top > 0 && lua_toboolean(co, 1)) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = value_at(co, host, 1, top);
    } else {
        outcome->status = DYNSUP_EBAD_RETURN;
    }
}

static bool has_flags(lua_State *co, const dsl_options *options) {
    (void)co;
    return options->has_strategy && options->has_extra;
}

static void init_bad(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    outcome->status = DYNSUP_EREASON;
    outcome->values[0] = atom_value(DYNSUP_BAD_RETURN);
    outcome->values[1] = value_at(co, host, 1, top);
}

/* What init returned: flags as dynsup.init makes them, "ignore", or something else. */
static void init_outcome(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    dsl_options options;
    if (top > 0 && is_ignore(co, 1)) {
        outcome->status = DYNSUP_EIGNORE;
        return;
    }
    if (top == 0 || !lua_istable(co, 1)) {
        init_bad(co, host, top, outcome);
        return;
    }
    int failed = dsl_options_read(co, 1, false, &options);
    dsl_vault_reserve(co, &host->vault, 2);
    if (failed) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = dsl_value_get(co, host, -2);
        outcome->values[1] = dsl_value_get(co, host, -1);
    } else if (!has_flags(co, &options)) {
        init_bad(co, host, top, outcome);
    } else {
        dsl_options_keep(co, host, &options);
        dynsup_supervisor_configure(host->core, &options.core);
    }
}

typedef struct guest {
    dsl_body *body;
    int count;
    dynsup_outcome *outcome;
} guest;

/* Runs on the host's state, but works on the coroutine, whose stack holds the values. */
static int guest_outcome(lua_State *L) {
    guest *g = lua_touserdata(L, 1);
    dsl_host *host = g->body->host;
    luaL_checkstack(L, g->count + 8, NULL);
    dsl_vault_reserve(L, &host->vault, 3);
    lua_xmove(g->body->co, L, g->count);
    lua_remove(L, 1);
    if (g->body->is_init)
        init_outcome(L, host, g->count, g->outcome);
    else
        start_outcome(L, host, g->count, g->outcome);
    return 0;
}

void dsl_guest_outcome(dsl_body *body, int count, dynsup_outcome *outcome) {
    guest g = {body, count, outcome};
    if (dsl_protect(body->host->L, guest_outcome, &g) != LUA_OK)
        outcome->status = DYNSUP_ENOMEM;
}

/* ---- start_child, ensure_child ---- */

/* Stack of start_child: 1 supervisor, 2 child, 3.. the spec's places. */
enum { CHILD_SUPERVISOR = 1, CHILD_CHILD, CHILD_PLACES };

enum { ENSURE = 1 };
enum { ID_AND_MODULES = 2 }; /* slots of the vault */

static int start_child_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    raw_reply raw = raw_get(L);
    if (raw.status)
        return push_failure(L, raw);
    lua_pushvalue(L, raw.base + RAW_PID);
    if (context == ENSURE) {
        lua_pushstring(L, lua_toboolean(L, raw.base + RAW_EXISTING) ? "existing" : "started");
        return 2;
    }
    lua_pushvalue(L, raw.base + RAW_VALUE);
    return lua_isnil(L, -1) ? (lua_pop(L, 1), 1) : 2;
}

/* The program of a child that may be restarted, with a copy of the arguments (on top); nothing here
 * makes anything in Lua. */
static void spec_program(lua_State *L, dsl_host *host, dsl_spec *spec, dsl_body *body) {
    int function = CHILD_PLACES + DSL_SPEC_FUNCTION;
    spec->core.program = dsl_program_new(L, host, function, -1, spec->by_start);
    if (!spec->core.program) {
        dsl_body_discard(body);
        dsl_error(L, "not enough memory");
    }
    spec->core.program_ops = &dsl_program_ops;
}

/* The spec's parts that may raise, before the core is entered; the first body is made already. */
static void spec_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec) {
    dynsup_child_spec *core = &spec->core;
    int function = CHILD_PLACES + DSL_SPEC_FUNCTION;
    int args = CHILD_PLACES + DSL_SPEC_ARGS;
    uint64_t arguments = dynsup_supervisor_arguments(host->core, pid);
    bool again = core->restart != DYNSUP_TEMPORARY;
    if (!again || lua_isnil(L, args))
        lua_pushnil(L);
    else
        dsl_list_copy(L, args);
    dsl_body *body =
        dsl_program_body(L, host, function, args, arguments, DSL_PROGRAM_SLOTS + ID_AND_MODULES);
    body->is_guest = spec->by_start;
    if (again)
        spec_program(L, host, spec, body);
    lua_pop(L, 1);
    core->body_ops = &dsl_body_ops;
    core->body = body;
    core->id = dsl_value_get(L, host, CHILD_PLACES + DSL_SPEC_ID);
    core->modules = dsl_value_get(L, host, CHILD_PLACES + DSL_SPEC_MODULES);
}

/* With a spec that has been read: its places are on the stack. */
static int start_read(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec, bool ensure) {
    dynsup_reply reply = {0};
    dynsup_child_spec *core = &spec->core;
    int status = dynsup_admits(host->core, pid, core->name, core->name_length, ensure, &reply);
    bool waits = status == DYNSUP_PENDING || core->guest || core->ready;
    if ((status && status != DYNSUP_PENDING) || (status == 0 && reply.existing))
        return reply_to(L, host, &reply, ensure, start_child_k);
    if (waits && !dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    spec_prepare(L, host, pid, spec);
    dynsup_start_child(host->core, pid, core, ensure && waits, waits, &reply);
    if (reply.status == 0 && !ensure && reply.values[0].kind == DYNSUP_NIL) {
        dsl_id_push(L, reply.pid);
        return 1;
    }
    return reply_to(L, host, &reply, ensure, start_child_k);
}

static int start_spec(lua_State *L, dsl_host *host, bool ensure) {
    dsl_spec spec;
    lua_settop(L, CHILD_CHILD);
    int failed = dsl_spec_read(L, CHILD_CHILD, &spec);
    if (failed)
        return failed;
    return start_read(L, host, dsl_check_dest(L, host, CHILD_SUPERVISOR), &spec, ensure);
}

/* The bare function or name at CHILD_CHILD becomes the spec of a temporary worker. */
static void bare_child(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, CHILD_CHILD);
    lua_setfield(L, -2, "body");
    lua_pushliteral(L, "temporary");
    lua_setfield(L, -2, "restart");
    lua_replace(L, CHILD_CHILD);
}

static int normalized_k(lua_State *L, int status, lua_KContext ensure) {
    (void)status;
    lua_replace(L, CHILD_CHILD);
    return start_spec(L, dsl_host_of(L), ensure == ENSURE);
}

/* True when the table at CHILD_CHILD has the field itself. */
static bool has_raw(lua_State *L, const char *field) {
    lua_pushstring(L, field);
    bool has = lua_rawget(L, CHILD_CHILD) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* What is no spec by itself: a module or { module, arg }. */
static bool is_module_child(lua_State *L) {
    return lua_istable(L, CHILD_CHILD) && !has_raw(L, "body") && !has_raw(L, "start");
}

/* start_child and ensure_child: the second upvalue turns a module or { module, arg } into a spec.
 */
static int start_any(lua_State *L, bool ensure) {
    dsl_spec spec;
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 2, 2);
    dynsup_pid pid = dsl_check_dest(L, host, CHILD_SUPERVISOR);
    int type = lua_type(L, CHILD_CHILD);
    if (type == LUA_TFUNCTION || (type == LUA_TSTRING && strchr(lua_tostring(L, 2), ':')))
        bare_child(L);
    int failed = dsl_spec_read(L, CHILD_CHILD, &spec);
    if (failed == 0)
        return start_read(L, host, pid, &spec, ensure);
    if (!is_module_child(L))
        return failed;
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->runtime->normalize);
    lua_pushvalue(L, CHILD_CHILD);
    lua_callk(L, 1, 1, ensure ? ENSURE : 0, normalized_k);
    return normalized_k(L, LUA_OK, ensure ? ENSURE : 0);
}

static int start_child(lua_State *L) {
    return start_any(L, false);
}

static int ensure_child(lua_State *L) {
    return start_any(L, true);
}

/* ---- terminate_child, stop ---- */

static int done_k(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_YIELD && dsl_host_of(L)->current->timed_out)
        return 2; /* nil, "timeout" */
    raw_reply raw = raw_get(L);
    if (raw.status)
        return push_failure(L, raw);
    lua_pushboolean(L, 1);
    return 1;
}

static int terminate_child(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    const char *name = NULL;
    size_t length = 0;
    dynsup_pid child = 0;
    dsl_check_count(L, 2, 2);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    if (dsl_is_pid(L, 2))
        child = (uintptr_t)lua_touserdata(L, 2);
    else if (lua_type(L, 2) == LUA_TSTRING)
        name = lua_tolstring(L, 2, &length);
    else
        return luaL_typeerror(L, 2, "pid or name of a child");
    dynsup_terminate_child(host->core, pid, child, name, length, dsl_can_wait(L, host), &reply);
    return reply_to(L, host, &reply, 0, done_k);
}

static int stop(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dsl_check_count(L, 1, 3);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    uint64_t deadline = dsl_check_deadline(L, host, 3);
    if (!lua_isnoneornil(L, 2))
        dsl_check_reason(L, 2);
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NORMAL);
    dsl_vault_reserve(L, &host->vault, 1);
    if (!lua_isnoneornil(L, 2))
        reason = dsl_reason_get(L, host, 2);
    dynsup_supervisor_stop(host->core, pid, &reason, true, &reply);
    if (reply.status == DYNSUP_PENDING)
        return wait_reply(L, host, &reply, deadline, 0, done_k);
    return reply_to(L, host, &reply, 0, done_k);
}

/* ---- looking at children ---- */

static dynsup_pid turn_pid(lua_State *L) {
    return dsl_check_dest(L, dsl_host_of(L), 1);
}

/* Lets k go on when it is the supervisor's turn; the raw reply is on top. */
static int take_turn(lua_State *L, lua_KFunction k) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dsl_check_count(L, 1, 1);
    dynsup_supervisor_turn(host->core, turn_pid(L), dsl_can_wait(L, host), &reply);
    return reply_to(L, host, &reply, 0, k);
}

static void set_count(lua_State *L, const char *field, size_t count) {
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, field);
}

static int count_children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    raw_reply raw = raw_get(L);
    dynsup_counts counts;
    if (raw.status == 0)
        raw.status = dynsup_count_children(dsl_host_of(L)->core, turn_pid(L), &counts);
    if (raw.status)
        return push_failure(L, raw);
    lua_createtable(L, 0, 4);
    set_count(L, "specs", counts.specs);
    set_count(L, "active", counts.active);
    set_count(L, "supervisors", counts.supervisors);
    set_count(L, "workers", counts.workers);
    return 1;
}

static int count_children(lua_State *L) {
    return take_turn(L, count_children_k);
}

/* A cursor as a full userdata: the collector closes what an iteration left open. */
#define CURSOR "dynsup.cursor"

typedef struct dsl_cursor {
    dsl_host *host;
    dynsup_cursor *cursor;   /* NULL: closed */
    struct dsl_cursor *next; /* in host->cursors while it is open */
    struct dsl_cursor **link;
} dsl_cursor;

static void cursor_end(dsl_cursor *c) {
    if (!c->cursor)
        return;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->host->core)
        dynsup_cursor_close(c->host->core, c->cursor);
    c->cursor = NULL;
}

void dsl_cursors_close(dsl_host *host) {
    while (host->cursors)
        cursor_end(host->cursors);
}

static int cursor_close(lua_State *L) {
    cursor_end(luaL_checkudata(L, 1, CURSOR));
    return 0;
}

static void cursor_begin(dsl_cursor *c, dsl_host *host, dynsup_pid pid) {
    c->host = host;
    c->cursor = dynsup_cursor_open(host->core, pid);
    if (!c->cursor)
        return;
    c->next = host->cursors;
    c->link = &host->cursors;
    if (c->next)
        c->next->link = &c->next;
    host->cursors = c;
}

static dsl_cursor *cursor_push(lua_State *L, dsl_host *host, dynsup_pid pid) {
    dsl_cursor *c = lua_newuserdatauv(L, sizeof *c, 0);
    c->cursor = NULL;
    if (luaL_newmetatable(L, CURSOR)) {
        lua_pushcfunction(L, cursor_close);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__gc");
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    cursor_begin(c, host, pid);
    if (!c->cursor)
        dsl_error(L, "not enough memory");
    return c;
}

static void set_value(lua_State *L, dsl_host *host, const char *field, const dynsup_value *value) {
    if (value->kind == DYNSUP_NIL)
        return;
    dsl_value_push(L, host, value);
    lua_setfield(L, -2, field);
}

static void push_pid_or_restarting(lua_State *L, dynsup_pid pid) {
    if (pid)
        dsl_id_push(L, pid);
    else
        lua_pushliteral(L, "restarting");
}

/* Fills the table on top. What is borrowed from the child comes first: a finalizer could end it. */
static void set_child(lua_State *L, dsl_host *host, const dynsup_child_info *child) {
    set_value(L, host, "id", &child->id);
    set_value(L, host, "modules", &child->modules);
    if (child->name) {
        lua_pushlstring(L, child->name, child->name_length);
        lua_setfield(L, -2, "name");
    }
    push_pid_or_restarting(L, child->pid);
    lua_setfield(L, -2, "pid");
    push_pid_or_restarting(L, child->last_pid);
    lua_setfield(L, -2, "last_pid");
    lua_pushstring(L, child->is_supervisor ? "supervisor" : "worker");
    lua_setfield(L, -2, "type");
}

/* The next child's table; false, with nothing pushed, behind the last. [-0, +0|1] */
static bool push_next(lua_State *L, dsl_cursor *c) {
    dynsup_child_info child;
    lua_createtable(L, 0, 6);
    if (c->cursor && dynsup_cursor_next(c->cursor, &child)) {
        set_child(L, c->host, &child);
        return true;
    }
    lua_pop(L, 1);
    return false;
}

static int which_children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host = dsl_host_of(L);
    raw_reply raw = raw_get(L);
    dynsup_counts counts;
    if (raw.status == 0)
        raw.status = dynsup_count_children(host->core, turn_pid(L), &counts);
    if (raw.status)
        return push_failure(L, raw);
    dsl_cursor *c = cursor_push(L, host, turn_pid(L));
    lua_createtable(L, (int)counts.specs, 0);
    for (lua_Integer i = 1; push_next(L, c); i++)
        lua_rawseti(L, -2, i);
    cursor_end(c);
    return 1;
}

static int which_children(lua_State *L) {
    return take_turn(L, which_children_k);
}

/* The iterator: children's state is the cursor. */
static int children_next(lua_State *L) {
    return push_next(L, luaL_checkudata(L, 1, CURSOR));
}

static int children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    raw_reply raw = raw_get(L);
    dsl_host *host = dsl_host_of(L);
    dynsup_counts counts;
    if (raw.status == 0) /* it may have ended since its turn */
        raw.status = dynsup_count_children(host->core, turn_pid(L), &counts);
    if (raw.status)
        return push_failure(L, raw);
    lua_pushcfunction(L, children_next);
    cursor_push(L, host, turn_pid(L));
    lua_pushnil(L);
    lua_pushvalue(L, -2);
    return 4;
}

static int children(lua_State *L) {
    return take_turn(L, children_k);
}

const luaL_Reg dsl_supervisor_functions[] = {
    {"start_link", start_link},
    {"start_child", start_child},
    {"ensure_child", ensure_child},
    {"terminate_child", terminate_child},
    {"which_children", which_children},
    {"children", children},
    {"count_children", count_children},
    {"stop", stop},
    {NULL, NULL},
};
