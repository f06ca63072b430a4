/* The C half of dynsup.server: start, call, cast, reply and stop. */
#include "bindings/server/server.h"

#include "bindings/process/body.h"
#include "bindings/codec/crossing.h"
#include "bindings/process/dry.h"
#include "bindings/process/message.h"
#include "bindings/process/name.h"
#include "bindings/native.h"
#include "bindings/child/program.h"
#include "bindings/child/request.h"

#include <math.h>
#include <string.h>

/* ---- options ---- */

typedef struct start_options {
    const char *name;
    size_t name_length;
    double timeout_ms;
} start_options;

static int option_wrong(lua_State *L, const char *what, int index) {
    lua_pushvalue(L, index);
    lua_pushnil(L);
    lua_pushstring(L, what);
    lua_pushvalue(L, -3);
    return 3;
}

/* Stack: 1 module, 2 argument, 3 options, then the name's text, key and value. */
enum { START_NAME = 4, START_NAME_KEY, START_NAME_VALUE };

/* The pair on top. 0, or what to return. */
static int option_read(lua_State *L, start_options *out) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(key, "name") == 0) {
        bool is_name = dsl_name_read(L, -1, &out->name, &out->name_length);
        lua_replace(L, START_NAME);
        dsl_name_values(L, -1);
        lua_replace(L, START_NAME_VALUE);
        lua_replace(L, START_NAME_KEY);
        if (!is_name)
            return option_wrong(L, "invalid_name", -1);
    } else if (strcmp(key, "timeout") == 0) {
        bool forever = lua_type(L, -1) == LUA_TSTRING && !strcmp(lua_tostring(L, -1), "infinity");
        bool is_time = lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) >= 0;
        if (!forever && !is_time)
            return option_wrong(L, "invalid_timeout", -1);
        out->timeout_ms = forever ? HUGE_VAL : lua_tonumber(L, -1);
    } else {
        return option_wrong(L, "invalid_option", -2);
    }
    return 0;
}

static int options_read(lua_State *L, int index, start_options *out) {
    *out = (start_options){.timeout_ms = HUGE_VAL};
    if (lua_isnoneornil(L, index))
        return 0;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int failed = option_read(L, out);
        if (failed)
            return failed;
        lua_pop(L, 1);
    }
    return 0;
}

/* ---- start ---- */

/* init for a module that has none: its argument is the state. */
static int init_default(lua_State *L) {
    lua_settop(L, 1);
    lua_pushliteral(L, "ok");
    lua_insert(L, 1);
    return 2;
}

/* Pushes the module's init. [-0, +1] */
static void init_push(lua_State *L, int module) {
    int type = lua_getfield(L, module, "init");
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushcfunction(L, init_default);
        return;
    }
    luaL_argcheck(L, type == LUA_TFUNCTION, module, "init of a server's module is a function");
}

/* The module at the index, if it needs no look at its metatable: pushes module and init. */
static bool plain_module_push(lua_State *L, int module) {
    if (!lua_istable(L, module))
        return false;
    lua_pushvalue(L, module);
    lua_pushstring(L, "init"); /* found by its address */
    int type = lua_rawget(L, module);
    if (type == LUA_TFUNCTION)
        return true;
    lua_pop(L, 1);
    bool plain = type == LUA_TNIL && !lua_getmetatable(L, module);
    if (plain)
        lua_pushcfunction(L, init_default);
    return plain;
}

static int start_link(lua_State *L);

dsl_body *dsl_server_child(lua_State *L, dsl_host *host, int function, int args, int count,
                           uint32_t slots) {
    if (lua_tocfunction(L, function) != start_link || count < 1 || count > 2)
        return NULL;
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, NULL);
    dsl_server_words_open(L, host->runtime);
    lua_rawgeti(L, args, 1);
    if (!plain_module_push(L, top + 1)) {
        lua_settop(L, top);
        return NULL;
    }
    lua_rawgeti(L, args, 2);
    dsl_body *body = dsl_server_new(L, host, true, slots);
    lua_settop(L, top);
    return body;
}

/* Waits for what ends the call. */
static int call_suspend(lua_State *L, dsl_host *host, dynsup_ref ref, uint64_t deadline_ns,
                        lua_KContext context, lua_KFunction k) {
    dynsup_wait_key(host->core, ref, deadline_ns);
    if (host->current->has_line)
        host->current->nest->levels[0].call = ref;
    return dsl_suspend(L, host->current, DSL_WAIT_CALL, context, k);
}

/* Stack: 1 the ref. A start that takes too long is killed, and its end is waited for. */
enum { START_WAITS, START_ABORTED };

static int start_k(lua_State *L, int status, lua_KContext context);

/* What start returns, or waits for once more. */
static int start_replied(lua_State *L, lua_KContext context) {
    dsl_host *host = dsl_host_of(L);
    dynsup_ref ref = (uintptr_t)lua_touserdata(L, 1);
    if (host->current->timed_out && dynsup_start_abort(host->core, ref))
        return call_suspend(L, host, ref, DYNSUP_NEVER, START_ABORTED, start_k);
    if (host->current->timed_out || context == START_ABORTED)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_pushvalue(L, raw.base + DSL_RAW_PID);
    return 1;
}

static int start_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    int count = start_replied(L, context);
    return dsl_told(L, dsl_host_of(L), "start_link", count);
}

static int start_refused(lua_State *L, const dsl_host *host, int status, dynsup_pid pid,
                         const start_options *options) {
    if (dsl_check_status(L, status) != DYNSUP_EALREADY_STARTED)
        return dsl_fail(L, (enum dynsup_atom) - status);
    lua_pushnil(L);
    lua_pushstring(L, dynsup_atom_text(DYNSUP_ALREADY_STARTED));
    dsl_holder_push(L, host, pid, options->name, options->name_length);
    return 3;
}

/* Makes the server's process, which has not begun yet. Leaves values on the stack. 0, or a code of
 * the core with the name's owner in *pid_out. */
static int spawn_server(lua_State *L, dsl_host *host, bool link, const start_options *options,
                        dynsup_pid *pid_out, dynsup_ref *ref_out) {
    lua_pushvalue(L, 1);
    init_push(L, 1);
    lua_pushvalue(L, 2);
    dsl_body *body = dsl_server_new(L, host, link, 2); /* for the name's key and value */
    dynsup_spawn_options how = {.link = link,
                                .name = options->name,
                                .name_length = options->name_length,
                                .name_key = dsl_value_get(L, host, START_NAME_KEY),
                                .name_value = dsl_value_get(L, host, START_NAME_VALUE),
                                .start_out = ref_out};
    int status = dynsup_spawn(host->core, &dsl_body_ops, body, &how, pid_out);
    dsl_value_release(host, &how.name_key);
    dsl_value_release(host, &how.name_value);
    if (status)
        dsl_body_discard(body);
    else
        body->server->at.start = *ref_out;
    return status;
}

/* Runs its init at once as far as that goes, then waits for the rest. */
static int start_spawned(lua_State *L, dsl_host *host, const start_options *options, dynsup_pid pid,
                         dynsup_ref ref) {
    bool started = dynsup_start_now(host->core, pid);
    host->switching = false; /* that was another's */
    if (started) {
        dsl_id_push(L, pid);
        return dsl_go_on(L, host, 1);
    }
    if (dynsup_doomed(host->core))
        return dsl_body_stop_here(L, host->current);
    lua_settop(L, 0);
    dsl_id_push(L, ref);
    return call_suspend(L, host, ref, dsl_deadline_of(host, options->timeout_ms), START_WAITS,
                        start_k);
}

static int start_with(lua_State *L, bool link) {
    dsl_host *host;
    start_options options;
    dynsup_pid pid = 0;
    dynsup_ref ref = 0;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    dsl_check_count(L, 1, 3);
    lua_settop(L, START_NAME_VALUE);
    luaL_checktype(L, 1, LUA_TTABLE);
    dsl_server_words_open(L, host->runtime);
    luaL_checkstack(L, DSL_REPLY_VALUES + 8, NULL);
    int failed = options_read(L, 3, &options);
    if (failed)
        return dsl_told(L, host, "start_link", failed);
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    int status = spawn_server(L, host, link, &options, &pid, &ref);
    if (status)
        return dsl_told(L, host, "start_link", start_refused(L, host, status, pid, &options));
    return start_spawned(L, host, &options, pid, ref);
}

static int start(lua_State *L) {
    return start_with(L, false);
}

static int start_link(lua_State *L) {
    return start_with(L, true);
}

/* ---- call, stop ---- */

static int call_status(lua_State *L, int status) {
    if (status == DYNSUP_ECALLS_ITSELF)
        dsl_error(L, "a process calls itself");
    dsl_check_status(L, status);
    return dsl_fail(L, (enum dynsup_atom) - status);
}

/* There is always a stack slot for the reply, of any kind, without a check. */
_Static_assert(DSL_REPLY_VALUES + 8 <= LUA_MINSTACK, "what a C function may push");

/* The call was refused: in a dry run perhaps because the server does not run. */
static int call_refused(lua_State *L, dsl_host *host, dynsup_pid pid, int status) {
    if (status == DYNSUP_ENOT_A_SERVER && dsl_dry_is_idle(host, pid))
        dsl_dry_wait(L, host);
    return call_status(L, status);
}

/* Sends the value at index 2; a wait for the ref must follow. 0, or what to return. */
static int call_begin(lua_State *L, dsl_host *host, enum dynsup_atom tag, dynsup_ref *ref_out) {
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    if (pid == 0)
        return dsl_fail(L, DYNSUP_NOPROC);
    if (host->config->copy_messages)
        dsl_copy_values(L, 2, 1);
    dynsup_value what;
    int status = dsl_request_for(L, host, pid, 2, &what);
    if (status)
        return call_status(L, status);
    status = dynsup_call(host->core, pid, tag, &what, ref_out);
    if (status == 0)
        return 0;
    dsl_value_release(host, &what);
    return call_refused(L, host, pid, status);
}

/* Stack: 1 the ref, then the reply, or a raw reply: how the server ended. */
static int call_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host = dsl_host_of(L);
    if (host->current->timed_out) {
        dynsup_call_end(host->core, (uintptr_t)lua_touserdata(L, 1));
        return 2; /* nil, "timeout" */
    }
    return lua_gettop(L) == 2 ? 1 : dsl_push_failure(L, dsl_raw_get(L));
}

static int call_wait(lua_State *L, dsl_host *host, dynsup_ref ref, double ms, int keep,
                     lua_KFunction k) {
    lua_settop(L, keep);
    dsl_id_push(L, ref);
    if (keep > 0)
        lua_insert(L, 1);
    return call_suspend(L, host, ref, dsl_deadline_of(host, ms), 0, k);
}

static int call(lua_State *L) {
    dsl_host *host;
    dynsup_ref ref = 0;
    dsl_body_of(L, &host);
    dsl_check_count(L, 2, 3);
    double ms = lua_isnoneornil(L, 3) ? 5000 : dsl_check_ms(L, 3);
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    int failed = call_begin(L, host, DYNSUP_CALL, &ref);
    return failed ? failed : call_wait(L, host, ref, ms, 0, call_k);
}

/* Stack: 1 the ref, 2 the destination, 3 the reason that was asked for, then how the process ended.
 */
static int stop_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host = dsl_host_of(L);
    if (host->current->timed_out) {
        dynsup_call_end(host->core, (uintptr_t)lua_touserdata(L, 1));
        return 2; /* nil, "timeout" */
    }
    bool ended = lua_gettop(L) > 4; /* else a process that is no server has replied */
    dsl_raw_reply raw = dsl_raw_get(L);
    if (ended && !lua_rawequal(L, 3, raw.base + DSL_RAW_VALUE))
        return dsl_push_failure(L, raw);
    lua_pushboolean(L, 1);
    return 1;
}

/* The server was ended without being asked. */
static int stopped_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    lua_pushboolean(L, 1);
    return 1;
}

static int stop(lua_State *L) {
    dsl_host *host;
    dynsup_ref ref = 0;
    dsl_body_of(L, &host);
    dsl_check_count(L, 1, 3);
    double ms = dsl_check_ms(L, 3);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        dsl_atom_push(L, host->runtime, DYNSUP_NORMAL);
        lua_replace(L, 2);
    }
    dsl_check_reason(L, 2);
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    if (dsl_dry_stop(L, host, dsl_check_dest(L, host, 1), 2))
        return dsl_suspend(L, host->current, DSL_WAIT_NOTHING, 0, stopped_k);
    int failed = call_begin(L, host, DYNSUP_STOP, &ref);
    return failed ? failed : call_wait(L, host, ref, ms, 2, stop_k);
}

/* ---- cast, reply ---- */

static int cast(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 2, 2);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    if (pid == 0)
        return dsl_fail(L, DYNSUP_NOPROC);
    if (host->config->copy_messages)
        dsl_copy_values(L, 2, 1);
    dynsup_value values[2] = {{DYNSUP_ATOM, {.atom = DYNSUP_CAST}}};
    if (dsl_request_for(L, host, pid, 2, &values[1]))
        return dsl_fail(L, DYNSUP_MESSAGE_TOO_BIG);
    int status = dynsup_send(host->core, pid, values, 2);
    if (status)
        dsl_value_release(host, &values[1]);
    if (dsl_check_status(L, status))
        return dsl_go_on(L, host, dsl_fail(L, DYNSUP_MAILBOX_FULL));
    lua_pushboolean(L, 1);
    return 1;
}

static int reply(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 2, 2);
    uint64_t ref = (uintptr_t)lua_touserdata(L, 1);
    luaL_argexpected(L, lua_islightuserdata(L, 1) && ref >> 62 == 2, 1, "from of a call");
    if (host->config->copy_messages)
        dsl_copy_values(L, 2, 1);
    dsl_server_reply(L, host, ref, 2);
    lua_pushboolean(L, 1);
    return 1;
}

const luaL_Reg dsl_server_functions[] = {
    {"start", start}, {"start_link", start_link}, {"call", call},
    {"cast", cast},   {"reply", reply},           {"stop", stop},
    {NULL, NULL},
};
