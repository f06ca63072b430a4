/* Dynamic supervisors: start_link, terminate_child, restart_child and stop. */
#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/module.h"
#include "bindings/process/name.h"
#include "bindings/child/options.h"
#include "bindings/child/request.h"

/* ---- start_link ---- */

static int start_link_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_raw_reply raw = dsl_raw_get(L);
    int count = 1;
    if (raw.status)
        count = dsl_push_failure(L, raw);
    else
        lua_pushvalue(L, raw.base + DSL_RAW_PID);
    return dsl_told(L, dsl_host_of(L), "start_link", count);
}

static int start_link_options(lua_State *L, dsl_host *host) {
    dsl_options options;
    dynsup_reply reply = {0};
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    int failed = dsl_options_read(L, 1, DSL_OPTION_NAME | DSL_OPTION_DYNAMIC, &options);
    if (failed)
        return dsl_told(L, host, "start_link", failed);
    dsl_options_keep(L, host, &options);
    dsl_options_name_keep(L, host, &options);
    reply.status = dynsup_supervisor_start(host->core, &options.core, &reply.pid);
    dsl_options_taken(host, &options, &reply);
    dsl_options_name_release(host, &options);
    if (reply.status && options.core.arguments)
        dsl_object_release(host, options.core.arguments);
    return dsl_reply_to(L, host, &reply, 0, start_link_k);
}

int dsl_start_module(lua_State *L, dsl_host *host, enum dsl_init init, lua_KFunction k) {
    dsl_options options = {0};
    dynsup_reply reply = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, lua_getfield(L, 1, "init") == LUA_TFUNCTION, 1,
                  "a module of a supervisor has a function init");
    int function = lua_gettop(L);
    if (!lua_isnoneornil(L, 3)) {
        luaL_checktype(L, 3, LUA_TTABLE);
        int failed = dsl_options_read(L, 3, DSL_OPTION_NAME, &options);
        if (failed)
            return dsl_told(L, host, "start_link", failed);
    }
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    lua_pushvalue(L, function);
    lua_pushvalue(L, 2);
    dsl_body *body = dsl_body_new(L, host, DSL_NAME_SLOTS);
    dsl_body_load(L, body, 1);
    body->is_guest = true;
    body->init = (uint8_t)init;
    dsl_options_name_keep(L, host, &options);
    dynsup_supervisor_init(host->core, &options.core, &dsl_body_ops, body, &reply);
    dsl_options_taken(host, &options, &reply);
    dsl_options_name_release(host, &options);
    return dsl_reply_to(L, host, &reply, 0, k);
}

static int start_link_module(lua_State *L, dsl_host *host) {
    return dsl_start_module(L, host, DSL_INIT_DYNAMIC, start_link_k);
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

/* ---- terminate_child, restart_child, stop ---- */

enum { STOP = 1 };

/* Did the supervisor end with the string that was asked for? For the core, two strings with the
 * same text are different reasons. */
static bool is_as_asked(lua_State *L, dsl_raw_reply raw) {
    return raw.status == DYNSUP_EREASON && lua_type(L, 2) == LUA_TSTRING &&
           lua_rawequal(L, 2, raw.base + DSL_RAW_VALUE);
}

static int done_k(lua_State *L, int status, lua_KContext context) {
    if (status == LUA_YIELD && dsl_host_of(L)->current->timed_out)
        return 2; /* nil, "timeout" */
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status && !(context == STOP && is_as_asked(L, raw)))
        return dsl_push_failure(L, raw);
    lua_pushboolean(L, 1);
    return 1;
}

/* A child, as its supervisor is asked for it. */
typedef struct child_name {
    dynsup_pid pid; /* 0: by its name, which may be pushed */
    const char *name;
    size_t length;
} child_name;

/* The arguments: a supervisor, and its child at 2. Raises. [-0, +0|1] */
static child_name check_child(lua_State *L, dsl_host *host, dynsup_pid *supervisor_out) {
    child_name child = {0};
    dsl_check_count(L, 2, 2);
    *supervisor_out = dsl_check_dest(L, host, 1);
    if (dsl_is_pid(L, 2))
        child.pid = (uintptr_t)lua_touserdata(L, 2);
    else if (!dsl_name_read(L, 2, &child.name, &child.length) && lua_type(L, 2) != LUA_TSTRING)
        luaL_typeerror(L, 2, "pid or name of a child");
    return child;
}

/* A request of the core's about a child. */
typedef int (*child_request)(dynsup_host *core, dynsup_pid supervisor, dynsup_pid pid,
                             const char *name, size_t length, bool may_wait, dynsup_reply *reply);

static int ask_about_child(lua_State *L, child_request ask, lua_KFunction k) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dynsup_pid pid;
    child_name child = check_child(L, host, &pid);
    ask(host->core, pid, child.pid, child.name, child.length, dsl_can_wait(L, host), &reply);
    return dsl_reply_to(L, host, &reply, 0, k);
}

static int terminate_child(lua_State *L) {
    return ask_about_child(L, dynsup_terminate_child, done_k);
}

static int restart_child(lua_State *L) {
    return ask_about_child(L, dynsup_restart_child, dsl_restarted_k);
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
        return dsl_wait_reply(L, host, &reply, deadline, STOP, done_k);
    return dsl_reply_to(L, host, &reply, STOP, done_k);
}

const luaL_Reg dsl_dynamic_functions[] = {
    {"start_link", start_link},
    {"terminate_child", terminate_child},
    {"restart_child", restart_child},
    {"stop", stop},
    {NULL, NULL},
};
