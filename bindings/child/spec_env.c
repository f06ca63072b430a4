/* The field env of child specs: its values, and how it reaches the worker. */
#include "bindings/child/spec_env.h"

#include "bindings/child/program.h"

#include <string.h>

/* What can be allowed, besides modules: libraries, and functions that are not harmless. All other
 * functions are always there: scripts/dynsup/environment.lua. */
static const char *const names[] = {"coroutine", "debug",    "dynsup",  "io",    "math",
                                    "os",        "package",  "string",  "table", "utf8",
                                    "dofile",    "load",     "require", "print", "collectgarbage",
                                    "warn",      "loadfile", NULL};

static bool is_name(const char *text) {
    int i = 0;
    while (names[i] && strcmp(names[i], text) != 0)
        i++;
    return names[i];
}

/* With require other names are those of modules that it may load. */
static bool allows_modules(lua_State *L, int list) {
    bool found = false;
    for (int i = dsl_list_length(L, list); i > 0 && !found; i--) {
        lua_rawgeti(L, list, i);
        found = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "require") == 0;
        lua_pop(L, 1);
    }
    return found;
}

/* Is every item of the list on top a name? If not, the first that is none replaces it. */
static bool read_names(lua_State *L) {
    int list = lua_gettop(L);
    bool modules = allows_modules(L, list);
    int count = dsl_list_length(L, list);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        if (lua_type(L, -1) != LUA_TSTRING || !(modules || is_name(lua_tostring(L, -1)))) {
            lua_replace(L, list);
            return false;
        }
        lua_pop(L, 1);
    }
    return true;
}

/* Has the table on top the field allow, a list, and no other? Then the list is pushed. */
static bool allow_push(lua_State *L) {
    int table = lua_gettop(L);
    lua_pushnil(L);
    if (!lua_next(L, table))
        return false;
    bool is_allow = lua_type(L, -2) == LUA_TSTRING && !strcmp(lua_tostring(L, -2), "allow") &&
                    dsl_list_length(L, -1) >= 0;
    lua_insert(L, -2);
    if (lua_next(L, table)) {
        lua_pop(L, 2);
        is_allow = false;
    }
    lua_settop(L, table + is_allow);
    return is_allow;
}

bool dsl_env_read(lua_State *L) {
    luaL_checkstack(L, 8, NULL);
    if (lua_type(L, -1) == LUA_TSTRING)
        return strcmp(lua_tostring(L, -1), "private") == 0;
    if (!lua_istable(L, -1) || !allow_push(L))
        return false;
    dsl_list_copy(L, -1);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return read_names(L);
}
