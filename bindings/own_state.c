/* The lua_State that a host makes for itself: its allocator, its limit, its libraries. */
#include "bindings/own_state.h"

#include "bindings/arena.h"

#include <stdlib.h>

/* Where the state's memory comes from, in memory from there. */
typedef struct source {
    dynsup_alloc_fn alloc;
    void *ud;
    dsl_arena *arena; /* ud, when the program gives no allocator */
    size_t max_bytes; /* 0: no limit */
    size_t in_use;
} source;

static void *source_alloc(void *ud, void *block, size_t old_size, size_t size) {
    source *s = ud;
    size_t old = block ? old_size : 0; /* else it tells a type */
    if (s->max_bytes && size > old && s->in_use - old + size > s->max_bytes)
        return NULL;
    void *result = s->alloc(s->ud, block, old, size);
    if (result || size == 0)
        s->in_use += size - old;
    return result;
}

static source *source_new(const dynsup_lua_config *config) {
    source new = {.alloc = config->alloc, .ud = config->alloc_ud, .max_bytes = config->max_bytes};
    if (!new.alloc) {
        new.alloc = dsl_arena_alloc;
        new.ud = new.arena = dsl_arena_new();
        if (!new.arena)
            return NULL;
    }
    source *s = new.alloc(new.ud, NULL, 0, sizeof *s);
    if (s)
        *s = new;
    else if (new.arena)
        dsl_arena_free(new.arena);
    return s;
}

static void source_free(source *s) {
    source old = *s;
    old.alloc(old.ud, s, sizeof *s, 0);
    if (old.arena)
        dsl_arena_free(old.arena);
}

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
    source *s = source_new(config);
    lua_State *L = s ? lua_newstate(source_alloc, s) : NULL;
    if (L)
        lua_gc(L, LUA_GCINC, 0, 0, DSL_GC_STEP);
    else if (s)
        source_free(s);
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

void dsl_own_state_close(lua_State *L) {
    void *ud;
    if (lua_getallocf(L, &ud) != source_alloc) {
        dynsup_lua_close(L);
        return;
    }
    dsl_luv_finish(L);
    lua_close(L);
    source_free(ud);
}
