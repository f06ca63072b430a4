/* The module: its table of functions, the Lua half, and what it changes in the state. */
#include "bindings/module.h"

#include "bindings/heap/heap_look.h"
#include "bindings/native.h"
#include "bindings/scripts.h"

#include <string.h>

static void functions_set(lua_State *L, dsl_runtime *runtime, const luaL_Reg *functions) {
    lua_pushlightuserdata(L, runtime);
    luaL_setfuncs(L, functions, 1);
}

static void core_push(lua_State *L, dsl_runtime *runtime) {
    lua_createtable(L, 0, 64);
    functions_set(L, runtime, dsl_process_functions);
    functions_set(L, runtime, dsl_message_functions);
    functions_set(L, runtime, dsl_relation_functions);
    functions_set(L, runtime, dsl_wait_functions);
    functions_set(L, runtime, dsl_info_functions);
    functions_set(L, runtime, dsl_dynamic_functions);
    functions_set(L, runtime, dsl_child_functions);
    functions_set(L, runtime, dsl_children_functions);
    functions_set(L, runtime, dsl_run_functions);
    functions_set(L, runtime, dsl_own_functions);
    functions_set(L, runtime, dsl_heap_functions);
    lua_pushliteral(L, DYNSUP_VERSION);
    lua_setfield(L, -2, "version");
}

/* Pushes the compiled chunk of one of the scripts. */
static void script_load(lua_State *L, const struct dsl_script *script) {
    char chunk[128];
    lua_pushfstring(L, "=%s", script->name);
    snprintf(chunk, sizeof chunk, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    if (luaL_loadbuffer(L, script->text, script->size, chunk) != LUA_OK)
        lua_error(L);
}

static int script_loaded(lua_State *L, int status, lua_KContext context) {
    (void)L, (void)status, (void)context;
    return 1;
}

/* Calls the script with its C half, if it has one. It may wait. */
static int script_loader(lua_State *L) {
    const struct dsl_script *script = &dsl_scripts[lua_tointeger(L, lua_upvalueindex(2))];
    script_load(L, script);
    int count = dsl_native_push(L, dsl_runtime_of(L), script->name);
    lua_callk(L, count, 1, 0, script_loaded);
    return script_loaded(L, LUA_OK, 0);
}

/* Makes require find every script except the first as a preloaded module. */
static void scripts_preload(lua_State *L, dsl_runtime *runtime) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (lua_Integer i = 0; dsl_scripts[i].name; i++) {
        if (strcmp(dsl_scripts[i].name, "dynsup") == 0)
            continue;
        lua_pushlightuserdata(L, runtime);
        lua_pushinteger(L, i);
        lua_pushcclosure(L, script_loader, 2);
        lua_setfield(L, -2, dsl_scripts[i].name);
    }
    lua_pop(L, 1);
}

static const struct dsl_script *script_find(const char *name) {
    const struct dsl_script *script = dsl_scripts;
    while (script->name && strcmp(script->name, name) != 0)
        script++;
    return script;
}

static int keep(lua_State *L, int old) {
    if (old)
        luaL_unref(L, LUA_REGISTRYINDEX, old);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Checks for a library that the Lua half needs from the beginning; its modules need others, too. */
static void library_check(lua_State *L, const char *function, const char *library) {
    if (lua_getglobal(L, function) != LUA_TFUNCTION)
        luaL_error(L, "dynsup needs Lua's %s library in the lua_State (luaL_openlibs opens all)",
                   library);
    lua_pop(L, 1);
}

/* Lua makes the metatable of large buffers with the first one, and takes it for complete even if
 * memory failed halfway (5.4.4): then every large buffer is an error. So it is made here, and not
 * by some worker. */
static void buffers_open(lua_State *L) {
    luaL_Buffer buffer;
    luaL_buffinitsize(L, &buffer, LUAL_BUFFERSIZE + 1);
    luaL_pushresultsize(&buffer, 0);
    lua_pop(L, 1);
}

int luaopen_dynsup(lua_State *L) {
    luaL_checkversion(L);
    library_check(L, "type", "base");
    library_check(L, "require", "package");
    buffers_open(L);
    dsl_runtime *runtime = dsl_runtime_open(L);
    lua_pop(L, 1);
    dsl_coroutine_open(L, runtime);
    dsl_debug_open(L, runtime);
    dsl_luv_open(L, runtime);
    dsl_virtual_open(L, runtime);
    dsl_collect_open(L, runtime);
    dsl_xpcall_open(L);
    scripts_preload(L, runtime);
    script_load(L, script_find("dynsup"));
    core_push(L, runtime);
    lua_call(L, 1, 3); /* module, require, normalize */
    runtime->normalize = keep(L, runtime->normalize);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "require");
    runtime->require = keep(L, runtime->require);
    return 1;
}
