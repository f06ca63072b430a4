/*
 * The C half of dynsup.clock: handles of clocks.
 *
 * A handle holds its clock and names its run, as the id would mean something else in another one.
 * The collector may find the handle after its run has ended: then there is nothing to release.
 * After its finalizer a handle has no clock, though other finalizers may still use it.
 */
#include "bindings/clock.h"

#include "bindings/process/body.h"
#include "core/dynsup_clock.h"

#include <math.h>

#define CLOCK_NAME "dynsup.clock"

typedef struct handle {
    uint64_t run;
    dynsup_clock clock; /* 0: none yet, or the collector has been there */
} handle;

/* The host of that run, when it has not ended. */
static dsl_host *host_of_run(const dsl_runtime *runtime, uint64_t run) {
    dsl_host *host = runtime->host;
    while (host && host->number != run)
        host = host->outer;
    return host && host->core ? host : NULL;
}

static handle *handle_at(lua_State *L, int index) {
    return luaL_testudata(L, index, CLOCK_NAME);
}

bool dsl_clock_read(lua_State *L, const dsl_host *host, int index, dynsup_clock *clock_out) {
    const handle *h = handle_at(L, index);
    if (!h || !h->clock || h->run != host->number)
        return false;
    *clock_out = h->clock;
    return true;
}

/* The clock of the running host at index 1, the object of a method. */
static dynsup_clock clock_check(lua_State *L, dsl_host **host_out) {
    const handle *h = luaL_checkudata(L, 1, CLOCK_NAME);
    *host_out = dsl_host_of(L);
    luaL_argcheck(L, h->clock, 1, "the clock is gone");
    luaL_argcheck(L, h->run == (*host_out)->number, 1, "the clock belongs to another run");
    return h->clock;
}

static void inspect(lua_State *L, const dsl_host *host, dynsup_clock clock,
                    dynsup_clock_info *info_out) {
    bool is_one = dynsup_clock_inspect(host->core, clock, info_out);
    luaL_argcheck(L, is_one, 1, "the clock is gone");
}

static void inspect_own(lua_State *L, dynsup_clock_info *info_out) {
    dsl_host *host;
    dynsup_clock clock = clock_check(L, &host);
    dsl_check_count(L, 1, 1);
    inspect(L, host, clock, info_out);
}

/* ---- methods ---- */

static int change(lua_State *L, bool (*how)(dynsup_host *core, dynsup_clock clock)) {
    dsl_host *host;
    dynsup_clock clock = clock_check(L, &host);
    dsl_check_count(L, 1, 1);
    lua_pushboolean(L, how(host->core, clock));
    return 1;
}

static int clock_pause(lua_State *L) {
    return change(L, dynsup_clock_pause);
}

static int clock_resume(lua_State *L) {
    return change(L, dynsup_clock_resume);
}

static int clock_now(lua_State *L) {
    dynsup_clock_info info;
    inspect_own(L, &info);
    lua_pushnumber(L, (double)info.now_ns / 1e6);
    return 1;
}

static int clock_paused(lua_State *L) {
    dynsup_clock_info info;
    inspect_own(L, &info);
    lua_pushboolean(L, info.is_paused);
    return 1;
}

static int clock_rate(lua_State *L) {
    dsl_host *host;
    dynsup_clock_info info;
    dynsup_clock clock = clock_check(L, &host);
    dsl_check_count(L, 1, 2);
    inspect(L, host, clock, &info);
    if (lua_gettop(L) > 1) {
        luaL_checktype(L, 2, LUA_TNUMBER);
        bool is_one = dynsup_clock_set_rate(host->core, clock, lua_tonumber(L, 2));
        luaL_argcheck(L, is_one, 2, "a rate is a number from 0.001 to 1000");
    }
    lua_pushnumber(L, info.rate);
    return 1;
}

static int stepped_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    lua_pushboolean(L, 1);
    return 1;
}

/* A process waits for the end of the step; a callback cannot wait. */
static int clock_step(lua_State *L) {
    dsl_host *host;
    uint64_t key;
    dynsup_clock clock = clock_check(L, &host);
    dsl_check_count(L, 2, 2);
    double ms = dsl_check_ms(L, 2);
    luaL_argcheck(L, ms < DSL_FOREVER_MS && !lua_isnil(L, 2), 2, "a step has an end");
    if (host->current)
        dsl_waiter_of(L, &host);
    int status = dynsup_clock_step(host->core, clock, (uint64_t)ceil(ms * 1e6), true, &key);
    dsl_check_status(L, status);
    if (status != DYNSUP_PENDING)
        return stepped_k(L, LUA_OK, 0);
    dynsup_wait_key(host->core, key, DYNSUP_NEVER);
    return dsl_suspend(L, host->current, DSL_WAIT_TIME, 0, stepped_k);
}

static int clock_gc(lua_State *L) {
    handle *h = luaL_checkudata(L, 1, CLOCK_NAME);
    dsl_host *host = h->clock ? host_of_run(dsl_runtime_of(L), h->run) : NULL;
    if (host)
        dynsup_clock_release(host->core, h->clock);
    h->clock = 0;
    return 0;
}

static int clock_eq(lua_State *L) {
    const handle *a = handle_at(L, 1), *b = handle_at(L, 2);
    lua_pushboolean(L, a && b && a->run == b->run && a->clock == b->clock);
    return 1;
}

static int clock_tostring(lua_State *L) {
    const handle *h = luaL_checkudata(L, 1, CLOCK_NAME);
    lua_pushfstring(L, "clock<%I>", (lua_Integer)(h->clock & 0xfffffff));
    return 1;
}

static const luaL_Reg methods[] = {
    {"pause", clock_pause}, {"resume", clock_resume}, {"paused", clock_paused},
    {"now", clock_now},     {"rate", clock_rate},     {"step", clock_step},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", clock_gc}, {"__eq", clock_eq}, {"__tostring", clock_tostring}, {NULL, NULL}};

static void functions_set(lua_State *L, const luaL_Reg *functions) {
    lua_pushlightuserdata(L, dsl_runtime_of(L));
    luaL_setfuncs(L, functions, 1);
}

/* It is known to others when it is complete. [-0, +1] */
static void meta_push(lua_State *L) {
    if (luaL_getmetatable(L, CLOCK_NAME) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 5);
    functions_set(L, metamethods);
    lua_createtable(L, 0, 6);
    functions_set(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, CLOCK_NAME);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, CLOCK_NAME);
}

/* Pushes a handle that has no clock yet: what may raise comes first. [-0, +1] */
static handle *handle_push(lua_State *L, const dsl_host *host) {
    handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (handle){.run = host->number};
    meta_push(L);
    lua_setmetatable(L, -2);
    return h;
}

/* ---- functions ---- */

/* new(paused): a handle */
static int clock_new(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    handle *h = handle_push(L, host);
    h->clock = dynsup_clock_new(host->core, lua_toboolean(L, 1));
    if (!h->clock)
        return luaL_error(L, "not enough memory");
    return 1;
}

/* of(dest or nil) -> a handle; nil: the host's clock; nil, "noproc" */
static int clock_of(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid pid = lua_isnoneornil(L, 1) ? dynsup_self(host->core) : dsl_check_dest(L, host, 1);
    if (!lua_isnoneornil(L, 1) && !dynsup_is_alive(host->core, pid))
        return dsl_fail(L, DYNSUP_NOPROC);
    dynsup_clock clock = dynsup_process_clock(host->core, pid);
    if (!clock) {
        lua_pushnil(L);
        return 1;
    }
    handle *h = handle_push(L, host);
    if (dynsup_clock_hold(host->core, clock))
        h->clock = clock;
    return 1;
}

/* now(): the host's time, whatever clock the caller has */
static int host_now(lua_State *L) {
    lua_pushnumber(L, (double)dynsup_host_now(dsl_host_of(L)->core) / 1e6);
    return 1;
}

const luaL_Reg dsl_clock_functions[] = {
    {"new", clock_new}, {"of", clock_of}, {"now", host_now}, {NULL, NULL}};
