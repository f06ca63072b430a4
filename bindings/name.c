/*
 * Names of processes as Lua gives them: a string, or { registry, key }.
 *
 * The text of a key ends in a letter for its kind, so that keys of different kinds never are the
 * same. An object is told by its address: the registry keeps it alive as long as the key is there.
 */
#include "bindings/name.h"

#include <string.h>

bool dsl_is_key(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TNUMBER)
        return lua_tonumber(L, index) == lua_tonumber(L, index);
    return !lua_isnoneornil(L, index);
}

/* A text that begins with a zero byte: it is nothing to read. */
static void key_bytes(dsl_key *key, const void *bytes, size_t size, char kind) {
    key->fixed[0] = '\0';
    memcpy(key->fixed + 1, bytes, size);
    key->fixed[size + 1] = kind;
    key->text = key->fixed;
    key->length = size + 2;
}

static void key_string(lua_State *L, int index, dsl_key *key) {
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    char *to = key->fixed;
    if (length >= sizeof key->fixed)
        to = lua_newuserdatauv(L, length + 1, 0);
    memcpy(to, text, length);
    to[length] = 's';
    key->text = to;
    key->length = length + 1;
}

static void key_number(lua_State *L, int index, dsl_key *key) {
    lua_Integer integer;
    lua_Number number = lua_tonumber(L, index);
    if (lua_isinteger(L, index) || lua_numbertointeger(number, &integer)) {
        int whole;
        integer = lua_tointegerx(L, index, &whole);
        if (whole) {
            key_bytes(key, &integer, sizeof integer, 'i');
            return;
        }
    }
    key_bytes(key, &number, sizeof number, 'n');
}

void dsl_key_read(lua_State *L, int index, dsl_key *key) {
    const void *pointer;
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        key_string(L, index, key);
        break;
    case LUA_TNUMBER:
        key_number(L, index, key);
        break;
    case LUA_TBOOLEAN:
        key_bytes(key, lua_toboolean(L, index) ? "1" : "0", 1, 'b');
        break;
    default:
        pointer = lua_topointer(L, index);
        key_bytes(key, &pointer, sizeof pointer, lua_islightuserdata(L, index) ? 'l' : 'o');
        break;
    }
}

bool dsl_process_read(lua_State *L, const dsl_host *host, int index, dynsup_pid *pid_out) {
    size_t length;
    if (dsl_is_pid(L, index)) {
        *pid_out = (uintptr_t)lua_touserdata(L, index);
        return true;
    }
    if (lua_type(L, index) != LUA_TSTRING)
        return false;
    const char *name = lua_tolstring(L, index, &length);
    *pid_out = dynsup_whereis(host->core, name, length);
    return true;
}

dynsup_pid dsl_check_entry(lua_State *L, const dsl_host *host, int index) {
    dsl_key key;
    dynsup_pid registry = 0;
    dynsup_registry_info info;
    int top = lua_gettop(L);
    luaL_checkstack(L, 3, NULL);
    index = lua_absindex(L, index);
    lua_rawgeti(L, index, 1);
    lua_rawgeti(L, index, 2);
    if (!dsl_process_read(L, host, top + 1, &registry) || !dsl_is_key(L, top + 2))
        luaL_argerror(L, index, "pid, registered name or { registry, key } expected");
    dsl_key_read(L, top + 2, &key);
    if (dynsup_registry_inspect(host->core, registry, &info))
        registry = 0;
    else if (!info.unique)
        luaL_argerror(L, index, "a key of a registry with duplicate keys is no dest");
    dynsup_pid pid =
        registry ? dynsup_registry_whereis(host->core, registry, key.text, key.length) : 0;
    lua_settop(L, top);
    return pid;
}
