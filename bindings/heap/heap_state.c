/*
 * The lua_State of a further heap: like the first one, except for what scripts have made there.
 *
 * It has the same libraries of Lua's as the first one, that one's current search paths, and the
 * module dynsup. Globals and loaded modules of scripts are not there: code finds its modules by
 * require. The program adds what it likes by open_heap.
 */
#include "bindings/heap/heap.h"

#include "bindings/memory/account.h"
#include "bindings/memory/lua_state.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"

#include <string.h>

static const luaL_Reg libraries[] = {
    {LUA_LOADLIBNAME, luaopen_package}, {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_TABLIBNAME, luaopen_table},    {LUA_IOLIBNAME, luaopen_io},
    {LUA_OSLIBNAME, luaopen_os},        {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},    {LUA_UTF8LIBNAME, luaopen_utf8},
    {LUA_DBLIBNAME, luaopen_debug},     {NULL, NULL},
};

typedef struct opening {
    dsl_host *whole;
    dsl_heap *heap;
    lua_State *L;     /* the new one */
    uint32_t has;     /* bits: which libraries */
    const char *path; /* the first state's; or NULL */
    const char *cpath;
    bool is_open;
} opening;

/* ---- in the new state ---- */

static void libraries_open(lua_State *L, const opening *o) {
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    lua_pop(L, 1);
    for (int i = 0; libraries[i].name; i++)
        if (o->has >> i & 1) {
            luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
            lua_pop(L, 1);
        }
}

/* The package table is on top. [-0, +0] */
static void path_set(lua_State *L, const char *field, const char *path) {
    if (!path)
        return;
    lua_pushstring(L, path);
    lua_setfield(L, -2, field);
}

static void paths_set(lua_State *L, const opening *o) {
    if (lua_getglobal(L, LUA_LOADLIBNAME) == LUA_TTABLE) {
        path_set(L, "path", o->path);
        path_set(L, "cpath", o->cpath);
    }
    lua_pop(L, 1);
}

/* On a virtual clock each heap has random numbers of its own, the same in each run. */
static void random_seed(lua_State *L, const opening *o) {
    dsl_random before;
    if (o->whole->config->virtual_clock)
        dsl_random_begin(L, o->whole->seed + o->heap->number, &before);
}

static void face_open(lua_State *L, const opening *o) {
    dsl_host *face = &o->heap->face;
    dsl_runtime *runtime = dsl_runtime_of_thread(L);
    face->runtime = runtime;
    runtime->is_further = true;
    face->L = face->innermost = L;
    face->number = ++runtime->runs;
    runtime->loop = o->whole->runtime->loop;
    runtime->loop_is_lent = runtime->loop;
    dsl_vault_init(L, &face->vault);
    runtime->host = face;
}

static int state_fill(lua_State *L) {
    opening *o = lua_touserdata(L, 1);
    const dynsup_lua_config *config = o->whole->config;
    libraries_open(L, o);
    paths_set(L, o);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    face_open(L, o);
    random_seed(L, o);
    if (config->open_heap)
        config->open_heap(config->open_heap_ud, &o->heap->face, L);
    bool has_accounts = config->memory_accounts || o->whole->has_accounts;
    if (has_accounts && dsl_accounts_open_or_warn(L, &o->heap->face))
        return luaL_error(L, "not enough memory");
    o->is_open = true;
    return 0;
}

static void state_end(opening *o) {
    dsl_host *face = &o->heap->face;
    dsl_runtime *runtime = dsl_runtime_of_thread(o->L);
    if (runtime)
        runtime->host = NULL;
    if (face->vault.L)
        dsl_vault_fini(&face->vault);
    lua_close(o->L);
}

static void state_open(opening *o) {
    o->L = lua_newstate(dsl_heap_memory_alloc, &o->heap->memory);
    if (!o->L)
        return;
    lua_gc(o->L, LUA_GCINC, DSL_GC_PAUSE, 0, 0);
    if (dsl_protect(o->L, state_fill, o) != LUA_OK)
        o->is_open = false;
    if (!o->is_open)
        state_end(o);
}

/* ---- in the first state ---- */

/* Pushes a path of the package table on top, for it to stay alive. [-0, +1] */
static const char *path_push(lua_State *L, const char *field) {
    if (!lua_istable(L, -1))
        return lua_pushnil(L), NULL;
    lua_pushstring(L, field);
    return lua_rawget(L, -2) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static int open_protected(lua_State *L) {
    opening *o = lua_touserdata(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    for (int i = 0; libraries[i].name; i++) {
        lua_pushstring(L, libraries[i].name);
        o->has |= (uint32_t)(lua_rawget(L, -2) != LUA_TNIL) << i;
        lua_pop(L, 1);
    }
    lua_pushliteral(L, LUA_LOADLIBNAME);
    lua_rawget(L, -2);
    o->path = path_push(L, "path");
    lua_pushvalue(L, -2);
    o->cpath = path_push(L, "cpath");
    state_open(o);
    return 0;
}

bool dsl_heap_state_open(dsl_host *whole, dsl_heap *heap) {
    opening o = {.whole = whole, .heap = heap};
    dsl_protect(whole->L, open_protected, &o);
    return o.is_open;
}
