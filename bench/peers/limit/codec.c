/*
 * A value copied from one state straight into another, by recursion: without bytes between, shared
 * references, and a check of what it is.
 */
#include "limit.h"

#include <stdlib.h>
#include <string.h>

static void copy(lua_State *from, lua_State *to, int index);

static void copy_table(lua_State *from, lua_State *to, int index) {
    int source = lua_absindex(from, index);
    luaL_checkstack(from, 3, NULL);
    luaL_checkstack(to, 3, NULL);
    lua_createtable(to, (int)lua_rawlen(from, source), 0);
    lua_pushnil(from);
    while (lua_next(from, source)) {
        copy(from, to, -2);
        copy(from, to, -1);
        lua_rawset(to, -3);
        lua_pop(from, 1);
    }
}

static void copy(lua_State *from, lua_State *to, int index) {
    size_t size;
    const char *text;
    switch (lua_type(from, index)) {
    case LUA_TNUMBER:
        if (lua_isinteger(from, index))
            lua_pushinteger(to, lua_tointeger(from, index));
        else
            lua_pushnumber(to, lua_tonumber(from, index));
        break;
    case LUA_TBOOLEAN:
        lua_pushboolean(to, lua_toboolean(from, index));
        break;
    case LUA_TSTRING:
        text = lua_tolstring(from, index, &size);
        lua_pushlstring(to, text, size);
        break;
    case LUA_TTABLE:
        copy_table(from, to, index);
        break;
    default:
        abort();
    }
}

static void carry(lua_State *from, lua_State *to, int count) {
    for (int i = 0; i < count; i++) {
        copy(from, to, 1);
        lua_settop(to, 0);
    }
}

static void measure(const limit_ask *ask, const char *kind, int size, int usual,
                    const char *value) {
    if (!limit_wants(ask, kind))
        return;
    int count = limit_count(ask, usual, 100);
    lua_State *from = limit_open(ask), *to = limit_open(ask);
    lua_settop(from, 0);
    lua_settop(to, 0);
    limit_load(from, value);
    carry(from, to, count / 10);
    double begun = limit_now_ms();
    carry(from, to, count);
    limit_figure(ask, kind, size, count / (limit_now_ms() - begun) * 1e3, "messages/s");
    limit_close(ask, from);
    limit_close(ask, to);
}

void limit_codec(const limit_ask *ask, int size) {
    (void)size;
    measure(ask, "integer", 1, 20000000, "return 1234");
    measure(ask, "string", 1, 20000000, "return 'hello world'");
    measure(ask, "fields", 3, 2000000, "return { id = 1, name = 'a name', size = 2.5 }");
    measure(
        ask, "nested", 20, 500000,
        "return { a = { 1, 2, 3, x = 'x', y = 'y' }, b = { id = 1, p = 2, q = 3, r = 4, s = 5 },"
        "  c = { d = { 1, 2, 3, 4, 5 }, e = 1.5, f = 'f', g = true, h = false }, id = 7 }");
}
