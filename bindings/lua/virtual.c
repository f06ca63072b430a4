/*
 * Lua's own times and random numbers in a run on a virtual clock: os.time and os.date (without a
 * time argument) and os.clock follow it, and math.random begins with the run's seed. So nothing of
 * the machine gets into the run that way. Elsewhere these functions are unchanged.
 */
#include "bindings/binding.h"
#include "bindings/memory/lua_state.h"
#include "bindings/module.h"

#include <math.h>
#include <string.h>

#define NS_PER_SECOND 1000000000u

/* The host of the run, when its clock is a virtual one. */
static const dsl_host *virtual_host(lua_State *L) {
    const dsl_host *host = dsl_runtime_of(L)->host;
    return host && host->config->virtual_clock ? host->whole : NULL;
}

static int call_original(lua_State *L) {
    int top = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, top, LUA_MULTRET);
    return lua_gettop(L);
}

static lua_Integer virtual_seconds(const dsl_host *host) {
    return (lua_Integer)(host->virtual_ns / NS_PER_SECOND);
}

static int os_time(lua_State *L) {
    const dsl_host *host = virtual_host(L);
    if (!host || !lua_isnoneornil(L, 1))
        return call_original(L);
    lua_pushinteger(L, virtual_seconds(host));
    return 1;
}

static int os_date(lua_State *L) {
    const dsl_host *host = virtual_host(L);
    if (host && lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushinteger(L, virtual_seconds(host));
    }
    return call_original(L);
}

static int os_clock(lua_State *L) {
    const dsl_host *host = virtual_host(L);
    if (!host)
        return call_original(L);
    lua_pushnumber(L, (lua_Number)host->virtual_ns / NS_PER_SECOND);
    return 1;
}

static const luaL_Reg functions[] = {
    {"time", os_time}, {"date", os_date}, {"clock", os_clock}, {NULL, NULL}};

/* Puts the function in the place of the one of that name in the table on top. [-0, +0] */
static void replace(lua_State *L, dsl_runtime *runtime, const luaL_Reg *function) {
    lua_pushlightuserdata(L, runtime);
    lua_getfield(L, -2, function->name);
    lua_pushcclosure(L, function->func, 2);
    lua_setfield(L, -2, function->name);
}

void dsl_virtual_open(lua_State *L, dsl_runtime *runtime) {
    if (lua_getglobal(L, "os") == LUA_TTABLE && !runtime->os_time_open) {
        runtime->os_time_open = true;
        for (const luaL_Reg *f = functions; f->name; f++)
            replace(L, runtime, f);
    }
    lua_pop(L, 1);
}

/* ---- random numbers ---- */

/* Pushes math.random's state, which is its upvalue in Lua 5.4: a block of bytes. False: it is not
 * there. [-0, +1|0] */
static bool state_push(lua_State *L) {
    int top = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    bool is_there = lua_getfield(L, -1, "math") == LUA_TTABLE &&
                    lua_getfield(L, -1, "random") == LUA_TFUNCTION && lua_getupvalue(L, -1, 1) &&
                    lua_type(L, -1) == LUA_TUSERDATA && lua_rawlen(L, -1) == sizeof(dsl_random);
    if (is_there)
        lua_replace(L, top + 1);
    lua_settop(L, top + is_there);
    return is_there;
}

static void seed_math(lua_State *L, uint64_t seed) {
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)seed);
    lua_call(L, 1, 0);
    lua_pop(L, 2);
}

bool dsl_random_begin(lua_State *L, uint64_t seed, dsl_random *before_out) {
    if (!state_push(L))
        return false;
    memcpy(before_out, lua_touserdata(L, -1), sizeof *before_out);
    lua_pop(L, 1);
    seed_math(L, seed);
    return true;
}

void dsl_random_end(lua_State *L, const dsl_random *before) {
    if (!state_push(L))
        return;
    memcpy(lua_touserdata(L, -1), before, sizeof *before);
    lua_pop(L, 1);
}
