/*
 * The traceback of a coroutine that failed, as text: in the form of luaL_traceback, at a tenth of
 * its cost.
 *
 * Design notes.
 * luaL_traceback is expensive as it searches every module for every function's name. Here the names
 * of global and modules' functions are in a table, which is made anew when package.loaded has
 * changed and after every 64 tracebacks: so a name that a known module gives to a function later
 * may be missing for that long.
 */
#include "bindings/binding.h"
#include "bindings/process/crash.h"
#include "core/tiny.h"

#include <string.h>

#define NAMES_AGE DSI_TINY(64, 1)

/* Of many levels the first and the last ones are shown. */
enum { FIRST_LEVELS = 10, LAST_LEVELS = 11 };

/* ---- names of functions ---- */

/* A mark that changes when modules are added, removed or replaced; their table is on top. */
static uintptr_t loaded_mark(lua_State *L) {
    uintptr_t mark = 0, count = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        mark += (uintptr_t)lua_topointer(L, -1) * ++count;
        lua_pop(L, 1);
    }
    return mark + count;
}

/* Notes the function on top, which has the name key or module.key; pops it. module: an index, 0:
 * none. [-1, +0] */
static void name_note(lua_State *L, int names, int module, int key) {
    if (!lua_isfunction(L, -1) || lua_type(L, key) != LUA_TSTRING) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, key);
    if (module) {
        lua_pushfstring(L, "%s.%s", lua_tostring(L, module), lua_tostring(L, -1));
        lua_remove(L, -2);
    }
    lua_rawset(L, names);
}

/* Notes the functions in the table on top, the module's; the key is module's name. */
static void module_note(lua_State *L, int names, int name) {
    bool global = strcmp(lua_tostring(L, name), LUA_GNAME) == 0;
    lua_pushnil(L);
    while (lua_next(L, -2))
        name_note(L, names, global ? 0 : name, lua_gettop(L) - 1);
}

/* Notes the functions of all modules, and last the globals, whose names are the shortest. [-0, +0]
 */
static void names_fill(lua_State *L, int names, int loaded) {
    lua_pushnil(L);
    while (lua_next(L, loaded)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1)) {
            module_note(L, names, lua_gettop(L) - 1);
            lua_pop(L, 1);
        } else {
            name_note(L, names, 0, lua_gettop(L) - 1);
        }
    }
    lua_pushliteral(L, LUA_GNAME);
    lua_pushglobaltable(L);
    module_note(L, names, lua_gettop(L) - 1);
    lua_pop(L, 2);
}

/* The table from functions to their names. Its keys are weak, so no function lives on by its name.
 * [-0, +1] */
static void names_push(lua_State *L, dsl_runtime *runtime) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    uintptr_t mark = loaded_mark(L);
    bool fresh = mark == runtime->names_mark && runtime->names_age++ < NAMES_AGE;
    if (fresh && lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime->names_mark) == LUA_TTABLE) {
        lua_remove(L, -2);
        return;
    }
    lua_settop(L, lua_gettop(L) - fresh);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    names_fill(L, lua_gettop(L), lua_gettop(L) - 1);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime->names_mark);
    runtime->names_mark = mark;
    runtime->names_age = 0;
}

/* ---- frames ---- */

static int depth_of(lua_State *co) {
    lua_Debug ar;
    int there = 0, beyond = 1;
    while (lua_getstack(co, beyond, &ar)) {
        there = beyond;
        beyond *= 2;
    }
    while (beyond - there > 1) {
        int middle = there + (beyond - there) / 2;
        if (lua_getstack(co, middle, &ar))
            there = middle;
        else
            beyond = middle;
    }
    return lua_getstack(co, there, &ar) ? there + 1 : 0;
}

/* Replaces the function on top by the text that names it. [-1, +1] */
static void function_push(lua_State *L, int names, const lua_Debug *ar) {
    lua_rawget(L, names);
    if (!lua_isnil(L, -1))
        lua_pushfstring(L, "function '%s'", lua_tostring(L, -1));
    else if (*ar->namewhat != '\0')
        lua_pushfstring(L, "%s '%s'", ar->namewhat, ar->name);
    else if (*ar->what == 'm')
        lua_pushliteral(L, "main chunk");
    else if (*ar->what == 'C')
        lua_pushliteral(L, "?");
    else
        lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
    lua_remove(L, -2);
}

static void frame_add(luaL_Buffer *text, int names, lua_State *co, lua_Debug *ar) {
    lua_State *L = text->L;
    lua_getinfo(co, "Slntf", ar);
    if (ar->currentline > 0)
        lua_pushfstring(L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
    else
        lua_pushfstring(L, "\n\t%s: in ", ar->short_src);
    luaL_addvalue(text);
    lua_xmove(co, L, 1);
    function_push(L, names, ar);
    luaL_addvalue(text);
    if (ar->istailcall)
        luaL_addstring(text, "\n\t(...tail calls...)");
}

void dsl_traceback_push(lua_State *L, dsl_runtime *runtime, lua_State *co) {
    luaL_Buffer text;
    lua_Debug ar;
    names_push(L, runtime);
    int names = lua_gettop(L), depth = depth_of(co);
    int skipped = depth > FIRST_LEVELS + LAST_LEVELS + 1 ? depth - FIRST_LEVELS - LAST_LEVELS : 0;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, "stack traceback:");
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        if (skipped && level == FIRST_LEVELS) {
            lua_pushfstring(L, "\n\t...\t(skipping %d levels)", skipped);
            luaL_addvalue(&text);
            level += skipped - 1;
        } else {
            frame_add(&text, names, co, &ar);
        }
    }
    luaL_pushresult(&text);
    lua_remove(L, names);
}
