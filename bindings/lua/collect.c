/*
 * collectgarbage: a full collection stops all processes for as long as it takes: half a second with
 * a million coroutines. In a process it is done in steps, between which the process gives way as if
 * preempted.
 *
 * Design notes.
 * Only in incremental mode do steps complete a cycle. The mode can only be found out by switching
 * to incremental, which costs nothing where it is set already; modes set by Lua's functions are
 * remembered. The collection is Lua's own where the process cannot give way, in a host without
 * preemption, and on a virtual clock, where one slice more would make a different run.
 * While code runs in the middle of the core's work the collector is stopped, and may be neither
 * started nor changed: as in a finalizer, such calls do nothing and return nil.
 */
#include "bindings/process/body.h"
#include "bindings/module.h"

#define CYCLES 2 /* the first one may have been past what is garbage now */

/* Lua's own function, with the arguments that are there. */
static int call_original(lua_State *L) {
    int count = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, count, LUA_MULTRET);
    return lua_gettop(L);
}

static bool may_give_way(lua_State *L, const dsl_host *host) {
    return host && !host->config->virtual_clock &&
           host->config->preempt != DYNSUP_LUA_PREEMPT_NONE && dsl_can_wait(L, host);
}

/* In generational mode it stays so, and is known to. */
static bool is_incremental(lua_State *L, dsl_runtime *runtime) {
    if (!runtime->generational && lua_gc(L, LUA_GCINC, 0, 0, 0) == LUA_GCGEN) {
        lua_gc(L, LUA_GCGEN, 0, 0);
        runtime->generational = true;
    }
    return !runtime->generational;
}

static int collect_k(lua_State *L, int status, lua_KContext cycles);

static int collect_on(lua_State *L, dsl_host *host, lua_KContext cycles) {
    while (cycles > 0) {
        cycles -= lua_gc(L, LUA_GCSTEP, 0) != 0;
        if (cycles > 0 && dynsup_host_slice_over(host->core, host->slice_ns))
            return dsl_suspend(L, host->current, DSL_WAIT_NOTHING, cycles, collect_k);
    }
    lua_pushinteger(L, 0);
    return 1;
}

/* Others have run meanwhile. */
static int collect_k(lua_State *L, int status, lua_KContext cycles) {
    (void)status;
    dsl_runtime *runtime = dsl_runtime_of(L);
    return is_incremental(L, runtime) ? collect_on(L, runtime->host, cycles) : call_original(L);
}

enum { COLLECT, GENERATIONAL, INCREMENTAL, STOP, RESTART, COUNT, STEP };
static const char *const options[] = {"collect",    "generational", "incremental", "stop",
                                      "restart",    "count",        "step",        "setpause",
                                      "setstepmul", "isrunning",    NULL};

/* A switch returns the previous mode as a text; in a finalizer it does nothing and returns nil. */
static int switched(lua_State *L, dsl_runtime *runtime, bool generational) {
    int results = call_original(L);
    if (lua_type(L, -1) == LUA_TSTRING)
        runtime->generational = generational;
    return results;
}

/* The other options set numbers, or return something. */
static bool is_act(int option) {
    return option <= RESTART || option == STEP;
}

static int collectgarbage(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of(L);
    int option = luaL_checkoption(L, 1, "collect", options);
    if (runtime->apart && is_act(option)) {
        luaL_pushfail(L);
        return 1;
    }
    switch (option) {
    case COLLECT:
        if (may_give_way(L, runtime->host) && is_incremental(L, runtime))
            return collect_on(L, runtime->host, CYCLES);
        return call_original(L);
    case GENERATIONAL:
        return switched(L, runtime, true);
    case INCREMENTAL:
        return switched(L, runtime, false);
    default:
        return call_original(L);
    }
}

void dsl_collect_open(lua_State *L, dsl_runtime *runtime) {
    lua_pushlightuserdata(L, runtime);
    if (lua_getglobal(L, "collectgarbage") != LUA_TFUNCTION ||
        lua_tocfunction(L, -1) == collectgarbage) {
        lua_pop(L, 2);
        return;
    }
    lua_pushcclosure(L, collectgarbage, 2);
    lua_setglobal(L, "collectgarbage");
}
