/* Lua states with an allocator of their own. */
#include "bindings/memory/lua_state.h"

#include "bindings/memory/arena.h"
#include "bindings/binding.h"
#include "bindings/memory/memory.h"

static void collector_set(lua_State *L) {
    lua_gc(L, LUA_GCINC, DSL_GC_PAUSE, 0, DSL_GC_STEP);
}

/* AddressSanitizer sees each block only when it is malloc's. */
#ifdef __SANITIZE_ADDRESS__
lua_State *dynsup_lua_newstate(void) {
    lua_State *L = luaL_newstate();
    if (L)
        collector_set(L);
    return L;
}

void dynsup_lua_close(lua_State *L) {
    dsl_luv_finish(L);
    lua_close(L);
}
#else
lua_State *dynsup_lua_newstate(void) {
    dsl_arena *arena = dsl_arena_new();
    lua_State *L = arena ? lua_newstate(dsl_arena_alloc, arena) : NULL;
    if (L)
        collector_set(L);
    else if (arena)
        dsl_arena_free(arena);
    return L;
}

void dynsup_lua_close(lua_State *L) {
    void *arena;
    const dsl_memory *memory = dsl_memory_of(L); /* put before the arena meanwhile */
    if (memory)
        arena = memory->ud;
    else
        lua_getallocf(L, &arena);
    dsl_luv_finish(L);
    lua_close(L);
    dsl_arena_free(arena);
}
#endif
