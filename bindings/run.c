/*
 * Runs: a main process on a host of its own, from its first slice to the orderly end.
 *
 * When nothing more can happen the host is halted, which stops in order what main has started.
 */
#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/log/log.h"
#include "bindings/memory/lua_state.h"
#include "bindings/embed/misuse.h"
#include "bindings/process/process.h"
#include "bindings/protect.h"
#include "bindings/service.h"
#include "core/dynsup_clock.h"

/* ---- main ---- */

typedef struct returned {
    dsl_body *body;
    int count;
} returned;

static int keep_results(lua_State *L) {
    returned *r = lua_touserdata(L, 1);
    dsl_host *host = r->body->host;
    luaL_checkstack(L, r->count + 4, NULL);
    lua_createtable(L, r->count, 1);
    lua_xmove(r->body->co, L, r->count);
    for (int i = r->count; i > 0; i--)
        lua_rawseti(L, 2, i);
    lua_pushinteger(L, r->count);
    lua_setfield(L, 2, "n");
    dsl_vault_reserve(L, &host->vault, 1);
    host->main_results = dsl_vault_put(L, &host->vault);
    return 0;
}

void dsl_main_returned(dsl_body *body, int count) {
    returned r = {body, count};
    dsl_service_ready(body->host);
    if (count > 0 && dsl_protect(body->host->L, keep_results, &r) != LUA_OK)
        dsl_log(body->host, DYNSUP_LEVEL_ERROR, "no memory for the results of the main process");
}

static bool main_waits(dsl_host *host) {
    dynsup_process_info info;
    return dynsup_process_inspect(host->core, host->main, &info) &&
           (info.status == DYNSUP_STATUS_WAITING ||
            (info.is_paused && info.status != DYNSUP_STATUS_IDLE));
}

/* Appends to the text on top that something could still go on. [-0, +0] */
static void note_clocks(lua_State *L, size_t timers) {
    if (timers == 0)
        return;
    lua_pushfstring(L, "\n%I %s on a paused clock that nobody is left to resume",
                    (lua_Integer)timers, timers == 1 ? "timer waits" : "timers wait");
    lua_concat(L, 2);
}

/* Where main waits: its traceback, kept for the end. */
static int note_deadlock(lua_State *L) {
    dsl_host *host = lua_touserdata(L, 1);
    dynsup_process_info info;
    if (!dynsup_process_inspect(host->core, host->main, &info))
        return 0;
    luaL_traceback(L, ((dsl_body *)info.body)->inner, NULL, 0);
    note_clocks(L, dynsup_clock_stopped_timers(host->core));
    dsl_vault_reserve(L, &host->vault, 1);
    host->main_results = dsl_vault_put(L, &host->vault);
    return 0;
}

/* Nothing more can happen: begins the orderly end. False if that has begun already, and is stuck.
 */
static bool settle(dsl_host *host) {
    if (dynsup_host_halting(host->core))
        return false;
    host->settled = true;
    const dynsup_reason *reason = dynsup_host_main_reason(host->core);
    host->main_failed = reason && reason->kind != DYNSUP_REASON_NORMAL;
    host->deadlock = main_waits(host);
    if (host->deadlock)
        dsl_protect(host->L, note_deadlock, host);
    if (host->deadlock && host->config->dry)
        dsl_dry_end(host);
    dynsup_host_halt(host->core, 0);
    return true;
}

/* ---- the end of a run ---- */

static int push_results(lua_State *L, dsl_host *host) {
    if (!host->main_results)
        return 0;
    dsl_vault_push(L, &host->vault, host->main_results);
    int table = lua_gettop(L);
    lua_getfield(L, table, "n");
    int count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!lua_checkstack(L, count))
        return -1;
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, table, i);
    lua_remove(L, table);
    return count;
}

/* Pushes main's results, or what stands in their place; returns how the run ended. */
static enum dynsup_lua_end push_end(lua_State *L, dsl_host *host, int *count_out) {
    *count_out = 1;
    if (host->deadlock) {
        dsl_vault_push(L, &host->vault, host->main_results);
        return DYNSUP_LUA_DEADLOCK;
    }
    if (host->main_failed) {
        dsl_value_push(L, host, &dynsup_host_main_reason(host->core)->value);
        return DYNSUP_LUA_FAILED;
    }
    if (!host->settled) {
        lua_pushinteger(L, dynsup_host_code(host->core));
        return DYNSUP_LUA_HALTED;
    }
    int count = push_results(L, host);
    if (count < 0) {
        lua_pushliteral(L, "too many results of the main process");
        return DYNSUP_LUA_FAILED;
    }
    *count_out = count;
    return DYNSUP_LUA_DONE;
}

void dynsup_lua_config_program(dynsup_lua_config *config) {
    config->preempt = DYNSUP_LUA_PREEMPT_SIGNAL;
    config->sigpipe = true;
    config->threads = true;
    config->environment = true;
}

enum dynsup_lua_end dynsup_lua_run(lua_State *L, const dynsup_lua_config *config, int nargs,
                                   int *count_out) {
    int function = lua_gettop(L) - nargs;
    luaL_checkstack(L, 8, NULL);
    if (config->alloc && !dsl_check_alloc(config->alloc, config->alloc_ud))
        dsl_error(L, "the blocks of the config's alloc are not aligned to 16 bytes");
    dsl_random random;
    dynsup_lua_config own = *config;
    own.own_loop = !config->virtual_clock && !config->loop;
    dsl_host *host = dsl_host_open(L, dsl_sentinel_push(L), &own, DSL_OWNER_RUN);
    dsl_runtime *runtime = host->runtime;
    dsl_process_spawn(L, host, function, nargs, true);
    bool is_seeded = config->virtual_clock && dsl_random_begin(L, host->seed, &random);
    runtime->host = host; /* only here: what raises leaves the outer host running */
    while (dsl_host_run(host) == DYNSUP_STILL && settle(host))
        dsl_log_flush(host);
    runtime->host = host->outer;
    if (is_seeded)
        dsl_random_end(L, &random);
    enum dynsup_lua_end end = push_end(L, host, count_out);
    dsl_host_end(host);
    dsl_host_free(host);
    lua_rotate(L, function, *count_out); /* the results go below what the run has used */
    lua_settop(L, function + *count_out - 1);
    return end;
}
