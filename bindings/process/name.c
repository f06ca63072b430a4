/*
 * Names of processes as Lua gives them: a string, or { registry, key }.
 *
 * The text of a key ends in a letter for its kind, so that keys of different kinds never are the
 * same. An object is represented by its address: the registry keeps it alive as long as the key
 * exists.
 */
#include "bindings/process/name.h"

#include <string.h>

bool dsl_is_key(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TNUMBER)
        return lua_tonumber(L, index) == lua_tonumber(L, index);
    return !lua_isnoneornil(L, index);
}

/* A text that begins with a zero byte, which is not for reading. */
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
    if (length + 2 > sizeof key->fixed)
        to = lua_newuserdatauv(L, length + 2, 0);
    memcpy(to, text, length);
    to[length] = '\0'; /* for readers of it as a C string */
    to[length + 1] = 's';
    key->text = to;
    key->length = length + 2;
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

/* ---- names of what is to be started ---- */

/* Pushes head and text as one string. [-0, +1] */
static void push_joined(lua_State *L, const void *head, size_t head_size, const char *text,
                        size_t length) {
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    luaL_addlstring(&buffer, head, head_size);
    luaL_addlstring(&buffer, text, length);
    luaL_pushresult(&buffer);
}

static void push_plain(lua_State *L, int index) {
    static const char head[] = {'\0', DYNSUP_NAME_PLAIN};
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    if (length > 0 && text[0] == '\0')
        push_joined(L, head, sizeof head, text, length);
    else
        lua_pushvalue(L, index);
}

/* Pushes the head for the registry at the index; false: it cannot be one. [-0, +0|1] */
static bool push_head(lua_State *L, int index) {
    char head[2 + sizeof(dynsup_pid)] = {'\0', DYNSUP_NAME_OF_PID};
    if (dsl_is_pid(L, index)) {
        dynsup_pid pid = (uintptr_t)lua_touserdata(L, index);
        memcpy(head + 2, &pid, sizeof pid);
        lua_pushlstring(L, head, sizeof head);
        return true;
    }
    if (lua_type(L, index) != LUA_TSTRING)
        return false;
    size_t length;
    const char *name = lua_tolstring(L, index, &length);
    uint32_t size = (uint32_t)length;
    head[1] = DYNSUP_NAME_OF_NAME;
    memcpy(head + 2, &size, sizeof size);
    push_joined(L, head, 2 + sizeof size, name, size);
    return length > 0 && length < UINT32_MAX;
}

/* { registry, key } at the index. [-0, +0|1] */
static bool push_keyed(lua_State *L, int index) {
    dsl_key key = {.length = 0};
    size_t head_size;
    int top = lua_gettop(L);
    lua_rawgeti(L, index, 1);
    lua_rawgeti(L, index, 2);
    if (!dsl_is_key(L, top + 2) || !push_head(L, top + 1)) {
        lua_settop(L, top);
        return false;
    }
    const char *head = lua_tolstring(L, top + 3, &head_size);
    dsl_key_read(L, top + 2, &key);
    push_joined(L, head, head_size, key.text, key.length);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return true;
}

bool dsl_name_is_plain(lua_State *L, int index, const char **text_out, size_t *length_out) {
    if (lua_type(L, index) != LUA_TSTRING)
        return false;
    *text_out = lua_tolstring(L, index, length_out);
    return **text_out != '\0';
}

bool dsl_name_read(lua_State *L, int index, const char **text_out, size_t *length_out) {
    index = lua_absindex(L, index);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int top = lua_gettop(L);
    if (lua_type(L, index) == LUA_TSTRING)
        push_plain(L, index);
    else if (!lua_istable(L, index) || !push_keyed(L, index))
        lua_settop(L, top);
    if (lua_gettop(L) == top) {
        lua_pushnil(L);
        return false;
    }
    *text_out = lua_tolstring(L, -1, length_out);
    return *length_out > 0;
}

void dsl_name_values(lua_State *L, int index) {
    index = lua_absindex(L, index);
    bool keyed = lua_istable(L, index);
    for (int i = 2; i <= 3; i++)
        if (keyed)
            lua_rawgeti(L, index, i);
        else
            lua_pushnil(L);
}

dynsup_pid dsl_check_entry(lua_State *L, const dsl_host *host, int index) {
    dsl_key key = {.length = 0};
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
