/* Dry runs: what a script declares is checked, and no worker runs. */
#include "bindings/process/dry.h"

#include "bindings/process/body.h"
#include "bindings/process/process.h"
#include "bindings/protect.h"
#include "bindings/server/server.h"
#include "bindings/child/spec.h"

/* ---- bodies ---- */

bool dsl_dry_begin(dsl_body *body) {
    dynsup_host *core = body->host->core;
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    body->host->runtime->idle++;
    if (body->serves)
        dynsup_started(core, body->server->at.start);
    else
        dynsup_ready(core, &nothing);
    return dsl_function_is_named(body->co);
}

/* ---- calls ---- */

/* The body of a process that does not run and is not the current one; else NULL. */
static const dsl_body *idle_body(const dsl_host *host, dynsup_pid pid) {
    dynsup_process_info info;
    bool is_there = host->config->dry && pid != dynsup_self(host->core) &&
                    dynsup_process_glance(host->core, pid, &info);
    if (!is_there || info.is_supervisor || info.ops != &dsl_body_ops)
        return NULL;
    return dsl_dry_idles(info.body) ? info.body : NULL;
}

bool dsl_dry_is_idle(const dsl_host *host, dynsup_pid pid) {
    return idle_body(host, pid) != NULL;
}

bool dsl_dry_stop(lua_State *L, dsl_host *host, dynsup_pid pid, int reason) {
    const dsl_body *body = idle_body(host, pid);
    if (!body || !body->serves)
        return false;
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_reason ends = dsl_reason_get(L, host, reason);
    dynsup_lose(host->core, pid, &ends, 0);
    dsl_value_release(host, &ends.value);
    return true;
}

/* ---- reports ---- */

/* Pushes the function of that name, of those that `begin` was given. [-0, +1] */
static void teller_push(lua_State *L, const dsl_host *host, const char *name) {
    luaL_checkstack(L, 8, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->runtime->dry);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

static int missing_protected(lua_State *L) {
    dsl_body *body = lua_touserdata(L, 1);
    dsl_host *host = body->host;
    teller_push(L, host, "missing");
    dsl_id_push(L, dynsup_self(host->core));
    dsl_id_push(L, dynsup_parent(host->core));
    lua_xmove(body->co, L, 1);
    lua_call(L, 3, 0);
    return 0;
}

void dsl_dry_missing(dsl_body *body) {
    if (!dynsup_host_halting(body->host->core))
        dsl_protect(body->host->L, missing_protected, body);
}

int dsl_dry_tell(lua_State *L, const dsl_host *host, const char *function, int count) {
    if (dynsup_host_halting(host->core))
        return count;
    int first = lua_gettop(L) - count + 1;
    teller_push(L, host, "told");
    lua_pushstring(L, function);
    for (int i = 0; i < count; i++)
        lua_pushvalue(L, first + i);
    lua_call(L, count + 1, 0);
    return count;
}

void dsl_dry_halt(lua_State *L, const dsl_host *host, int code) {
    if (dynsup_host_halting(host->core))
        return;
    teller_push(L, host, "halt");
    lua_pushinteger(L, code);
    lua_call(L, 1, 0);
}

void dsl_dry_wait(lua_State *L, dsl_host *host) {
    if (!host->config->dry || !dsl_can_wait(L, host))
        return;
    dynsup_wait_time(host->core, DYNSUP_NEVER);
    dsl_suspend(L, host->current, DSL_WAIT_FOREVER, 0, NULL);
}

bool dsl_dry_listener_push(lua_State *L, const dsl_host *host, int address) {
    if (!host->config->dry)
        return false;
    teller_push(L, host, "listener");
    lua_pushvalue(L, address);
    lua_pushvalue(L, address + 1);
    lua_call(L, 2, 1);
    return true;
}

/* ---- heaps that are not opened ---- */

#define SPREAD_FIELD "heaps"

void dsl_dry_spread_mark(lua_State *L, int list) {
    if (lua_isnil(L, list)) {
        lua_createtable(L, 0, 1);
        lua_replace(L, list);
    }
    lua_pushboolean(L, true);
    lua_setfield(L, list, SPREAD_FIELD);
}

bool dsl_dry_spreads(lua_State *L, dsl_host *host, dynsup_pid supervisor) {
    uint64_t list = dynsup_supervisor_arguments(host->core, supervisor);
    if (!list)
        return false;
    dsl_object_push(L, host, list);
    bool spreads = lua_getfield(L, -1, SPREAD_FIELD) != LUA_TNIL;
    lua_pop(L, 2);
    return spreads;
}

/* ---- the end ---- */

static int waits_protected(lua_State *L) {
    const dsl_body *guest = lua_touserdata(L, 1);
    teller_push(L, guest->host, "waits");
    luaL_traceback(L, guest->inner, NULL, 0);
    lua_call(L, 1, 0);
    return 0;
}

void dsl_dry_end(dsl_host *host) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dynsup_process_info info;
    dynsup_pid pid;
    uint32_t cursor = 0;
    while ((pid = dynsup_process_next(host->core, &cursor))) {
        bool is_there = dynsup_process_glance(host->core, pid, &info);
        if (is_there && info.is_supervisor && info.ops == &dsl_body_ops) /* it has a guest */
            dsl_protect(host->L, waits_protected, info.body);
    }
    dynsup_exit(host->core, host->main, &kill);
}

/* ---- the C half of dynsup.check ---- */

/* begin { told =, missing =, waits =, halt =, listener = }: the functions that get reports, in
 * every dry run of the state */
static int begin(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (runtime->dry)
        luaL_unref(L, LUA_REGISTRYINDEX, runtime->dry);
    runtime->dry = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* counts() -> the number of child specs read in the state, the number of idle processes */
static int counts(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)dsl_runtime_of(L)->specs);
    lua_pushinteger(L, (lua_Integer)dsl_runtime_of(L)->idle);
    return 2;
}

/* fields() -> a list: the names of a child spec's fields */
static int fields(lua_State *L) {
    lua_newtable(L);
    for (size_t i = 0; dsl_spec_field(i); i++) {
        lua_pushstring(L, dsl_spec_field(i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

const luaL_Reg dsl_dry_functions[] = {
    {"begin", begin}, {"counts", counts}, {"fields", fields}, {NULL, NULL}};
