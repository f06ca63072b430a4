/* The lua_State that a host makes for itself: its allocator, its limit, its libraries. */
#include "bindings/memory/own_state.h"

#include "bindings/memory/lua_state.h"
#include "bindings/memory/memory.h"
#include "bindings/protect.h"

/* [-0, +0] */
static int libraries_open(lua_State *L) {
    const dynsup_lua_config *config = lua_touserdata(L, 1);
    lua_pushboolean(L, !config->environment);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    luaL_openlibs(L);
    return 0;
}

/* With the program's allocator or a limit; else dynsup_lua_newstate is all that is needed. */
static lua_State *state_new(const dynsup_lua_config *config) {
    if (!config->alloc && !config->max_bytes)
        return dynsup_lua_newstate();
    dsl_memory *memory = dsl_memory_new(config->alloc, config->alloc_ud, config->max_bytes);
    lua_State *L = memory ? lua_newstate(dsl_memory_alloc, memory) : NULL;
    if (L)
        lua_gc(L, LUA_GCINC, 0, 0, DSL_GC_STEP);
    else if (memory)
        dsl_memory_free(memory);
    return L;
}

lua_State *dsl_own_state_new(const dynsup_lua_config *config) {
    lua_State *L = state_new(config);
    if (L && dsl_protect(L, libraries_open, (void *)config) != LUA_OK) {
        dsl_own_state_close(L);
        return NULL;
    }
    return L;
}

static bool is_in_call(void *ud) {
    lua_Debug ar;
    return lua_getstack(ud, 0, &ar);
}

void dsl_own_state_leave(lua_State *L) {
    dsl_memory *memory = dsl_memory_of(L);
    if (!memory)
        return;
    memory->may_refuse = is_in_call;
    memory->refuse_ud = L;
}

void dsl_own_state_close(lua_State *L) {
    dsl_memory *memory = dsl_memory_of(L);
    if (!memory || memory->last) {
        dynsup_lua_close(L);
        return;
    }
    dsl_luv_finish(L);
    lua_close(L);
    dsl_memory_free(memory);
}
