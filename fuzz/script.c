/*
 * A fuzz target that is written in Lua: fuzz/FUZZ_TARGET.lua returns a function that is called with
 * each input, a string. An error that it raises is a finding: it is printed, and the program
 * aborts.
 *
 * The script's argument is a table of functions: native(script), the C half of a script of the
 * product; host_check(), which asserts the invariants of the running host; and counted(f), f as a
 * function whose lines count as covered, for libFuzzer does not see what Lua code does.
 */
#include "bindings/native.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_MAX ((size_t)512 << 20) /* of the state: then it finds none, as a user's might */
#define COUNTERS   65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer reads what has this section's name as more counters of edges. */
#if FUZZ_COUNTERS
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t counters[COUNTERS];

static size_t in_use;
static lua_State *L;

static void *allocate(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud;
    if (!block)
        old_size = 0;
    if (size > old_size && in_use + (size - old_size) > MEMORY_MAX)
        return NULL;
    in_use += size - old_size;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

/* ---- what scripts find ---- */

static int native(lua_State *state) {
    const char *script = luaL_checkstring(state, 1);
    if (!dsl_native_push(state, dsl_runtime_of_thread(state), script))
        return luaL_error(state, "%s has no C half", script);
    return 1;
}

static int host_check(lua_State *state) {
    const dsl_host *host = dsl_host_of_thread(state);
    if (host)
        dynsup_host_check(host->core);
    return 0;
}

static void line_hook(lua_State *state, lua_Debug *where) {
    lua_getinfo(state, "S", where);
    uintptr_t place = (uintptr_t)where->source + (uintptr_t)where->currentline * 31;
    counters[place % COUNTERS]++;
}

/* The function in the upvalue, with the caller's arguments. */
static int counted_call(lua_State *state) {
    lua_pushvalue(state, lua_upvalueindex(1));
    lua_insert(state, 1);
    lua_sethook(state, line_hook, LUA_MASKLINE, 0);
    lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
    lua_sethook(state, NULL, 0, 0);
    return lua_gettop(state);
}

static int counted(lua_State *state) {
    luaL_checktype(state, 1, LUA_TFUNCTION);
    lua_settop(state, 1);
    lua_pushcclosure(state, counted_call, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    {"native", native},
    {"host_check", host_check},
    {"counted", counted},
    {NULL, NULL},
};

/* ---- the state ---- */

static void fail(void) {
    fprintf(stderr, "fuzz/%s.lua: %s\n", FUZZ_TARGET, luaL_tolstring(L, -1, NULL));
    abort();
}

/* [-0, +1] the script's function, at index 1 */
static void open(void) {
    L = lua_newstate(allocate, NULL);
    if (!L)
        abort();
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 1);
    lua_settop(L, 0);
    if (luaL_dostring(L, "package.path = '" DYNSUP_SOURCE_DIR "/?.lua;' .. package.path") ||
        luaL_loadfile(L, DYNSUP_SOURCE_DIR "/fuzz/" FUZZ_TARGET ".lua"))
        fail();
    luaL_newlib(L, functions);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        fail();
}

static int explain(lua_State *state) {
    luaL_traceback(state, state, luaL_tolstring(state, 1, NULL), 1);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!L)
        open();
    lua_settop(L, 1);
    lua_pushcfunction(L, explain);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, size ? (const char *)data : "", size);
    if (lua_pcall(L, 1, 0, 2) != LUA_OK)
        fail();
    return 0;
}
