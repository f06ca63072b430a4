/* Processes: how they are spawned, identified, and how they exit. */
#include "bindings/process/process.h"

#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/module.h"

#include <string.h>

/* ---- spawn ---- */

/* The function of a process whose code is named "module:function", which the process itself looks
 * up. Stack: name, arguments. */
static int named_call_k(lua_State *L, int status, lua_KContext count) {
    (void)status, (void)count;
    return lua_gettop(L);
}

static int named_required_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    const char *name = lua_tostring(L, 1);
    const char *function = strchr(name, ':') + 1;
    if (!lua_istable(L, -1))
        return luaL_error(L, "the module of \"%s\" is no table", name);
    if (lua_getfield(L, -1, function) != LUA_TFUNCTION)
        return luaL_error(L, "no function '%s' in module of '%s'", function, name);
    if (dsl_dry_idles(dsl_runtime_of(L)->host->current)) /* the function was only to be found */
        return 0;
    lua_replace(L, 1);
    lua_pop(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, named_call_k);
    return lua_gettop(L);
}

static int named_function(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of(L);
    const char *name = lua_tostring(L, 1);
    luaL_checkstack(L, 4, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->require);
    lua_pushlstring(L, name, (size_t)(strchr(name, ':') - name));
    lua_callk(L, 1, 1, 0, named_required_k);
    return named_required_k(L, LUA_OK, 0);
}

void dsl_named_open(lua_State *L, dsl_runtime *runtime) {
    lua_pushlightuserdata(L, runtime);
    lua_pushcclosure(L, named_function, 1);
    runtime->named = luaL_ref(L, LUA_REGISTRYINDEX);
}

int dsl_function_call(lua_State *L, const dsl_runtime *runtime) {
    if (lua_type(L, -1) == LUA_TFUNCTION)
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->named);
    lua_insert(L, -2);
    return 1;
}

int dsl_function_push(lua_State *L, const dsl_host *host, int index) {
    lua_pushvalue(L, index);
    return dsl_function_call(L, host->runtime);
}

bool dsl_function_is_named(lua_State *co) {
    return lua_tocfunction(co, 1) == named_function;
}

/* The body for f (index 1) and its arguments. */
static dsl_body *spawn_body(lua_State *L, dsl_host *host) {
    int count = lua_gettop(L) - 1;
    luaL_checkstack(L, count + 4, "too many arguments for a process");
    int named = dsl_function_push(L, host, 1);
    for (int i = 1; i <= count; i++)
        lua_pushvalue(L, 1 + i);
    dsl_body *body = dsl_body_new(L, host, 0);
    dsl_body_load(L, body, count + named);
    return body;
}

dynsup_pid dsl_process_spawn(lua_State *L, dsl_host *host, int function, int nargs, bool main) {
    dynsup_pid pid;
    luaL_checkstack(L, nargs + 8, "too many arguments for a process");
    int named = dsl_function_push(L, host, function);
    for (int i = 1; i <= nargs; i++)
        lua_pushvalue(L, function + i);
    dsl_body *body = dsl_body_new(L, host, 0);
    dsl_body_load(L, body, nargs + named);
    body->is_main = main;
    dynsup_spawn_options options = {.main = main, .label = main ? "main" : NULL};
    if (dynsup_spawn(host->core, &dsl_body_ops, body, &options, &pid)) {
        dsl_body_discard(body);
        dsl_error(L, "not enough memory");
    }
    if (main)
        host->whole->main = pid;
    return pid;
}

static int spawn_with(lua_State *L, dsl_host *host, const dynsup_spawn_options *options) {
    dynsup_pid pid;
    dsl_check_function(L, 1);
    dsl_body *body = spawn_body(L, host);
    if (dynsup_spawn(host->core, &dsl_body_ops, body, options, &pid)) {
        dsl_body_discard(body);
        return luaL_error(L, "not enough memory");
    }
    dsl_id_push(L, pid);
    return lua_type(L, 1) == LUA_TSTRING ? dsl_told(L, host, "spawn", 1) : 1;
}

static int spawn(lua_State *L) {
    return spawn_with(L, dsl_host_of(L), NULL);
}

static int spawn_link(lua_State *L) {
    dsl_host *host;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    return spawn_with(L, host, &(dynsup_spawn_options){.link = true});
}

static int spawn_monitor(lua_State *L) {
    dsl_host *host;
    dynsup_ref ref = 0;
    dsl_check_monitorable(L, dsl_body_of(L, &host));
    spawn_with(L, host, &(dynsup_spawn_options){.monitor_out = &ref});
    dsl_id_push(L, ref);
    return 2;
}

/* ---- pids ---- */

static int self(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 0, 0);
    dsl_id_push(L, dynsup_self(host->core));
    return 1;
}

static int is_pid(lua_State *L) {
    dsl_check_count(L, 1, 1);
    lua_pushboolean(L, dsl_is_pid(L, 1));
    return 1;
}

static int is_alive(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 1, 1);
    lua_pushboolean(L, dynsup_is_alive(host->core, dsl_check_dest(L, host, 1)));
    return 1;
}

/* ---- exit ---- */

static int exit_self(lua_State *L) {
    dsl_host *host;
    luaL_argcheck(L, !dsl_is_pid(L, 1), 1, "a pid is no reason: exit(pid, reason)");
    dsl_check_reason(L, 1);
    dsl_body *body = dsl_waiter_of(L, &host);
    dsl_vault_reserve(L, &host->vault, 1);
    return dsl_body_exit(L, body, dsl_reason_get(L, host, 1));
}

static int exit_signal(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    dsl_check_reason(L, 2);
    if (pid == 0)
        return dsl_fail(L, DYNSUP_NOPROC);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_reason reason = dsl_reason_get(L, host, 2);
    dynsup_exit(host->core, pid, &reason);
    if (reason.value.kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)reason.value.as.object);
    lua_pushboolean(L, 1);
    return dsl_go_on(L, host, 1);
}

static int exit_any(lua_State *L) {
    dsl_check_count(L, 1, 2);
    return lua_gettop(L) == 1 ? exit_self(L) : exit_signal(L);
}

static int flag(lua_State *L) {
    dsl_host *host;
    bool old = false;
    dsl_body *body = dsl_body_of(L, &host);
    dsl_check_count(L, 2, 2);
    const char *name = luaL_checkstring(L, 1);
    luaL_argcheck(L, strcmp(name, "trap_exit") == 0, 1, "the only flag is \"trap_exit\"");
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (body->is_guest)
        return luaL_error(L, "a start function cannot change trap_exit: it runs as its supervisor");
    dsl_check_status(L, dynsup_trap_exit(host->core, lua_toboolean(L, 2), &old));
    lua_pushboolean(L, old);
    return 1;
}

const luaL_Reg dsl_process_functions[] = {
    {"spawn", spawn},
    {"spawn_link", spawn_link},
    {"spawn_monitor", spawn_monitor},
    {"self", self},
    {"is_pid", is_pid},
    {"is_alive", is_alive},
    {"exit", exit_any},
    {"flag", flag},
    {NULL, NULL},
};
