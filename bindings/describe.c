/* Values as short texts: what reports and the program show of an object. */
#include "bindings/binding.h"

#include <stdio.h>
#include <string.h>

typedef struct writer {
    char *at;
    size_t left; /* with the final 0 */
} writer;

static void write_piece(writer *out, const char *text, size_t size) {
    if (size >= out->left)
        size = out->left - 1;
    memcpy(out->at, text, size);
    out->at += size;
    out->left -= size;
    *out->at = '\0';
}

#define ZERO "\\000" /* as in a string of Lua's: what is described ends at a zero byte */

static void write_text(writer *out, const char *text, size_t size) {
    for (;;) {
        size_t piece = strnlen(text, size);
        write_piece(out, text, piece);
        if (piece == size)
            return;
        write_piece(out, ZERO, strlen(ZERO));
        text += piece + 1;
        size -= piece + 1;
    }
}

static void write_pid(writer *out, uint64_t id) {
    char text[64];
    dynsup_id_format(id, text, sizeof text);
    write_text(out, text, strlen(text));
}

static void write_value(writer *out, lua_State *L, int index, int depth);

#define ITEMS_MAX   8    /* of a table that are written */
#define FIELDS_SEEN 1000 /* looked at to find the first of them */

static bool is_less(lua_State *L, int a, int b) {
    return strcmp(lua_tostring(L, a), lua_tostring(L, b)) < 0;
}

/* The number of the table's items, as far as it matters. */
static int count_items(lua_State *L, int index) {
    int count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (++count > FIELDS_SEEN) {
            lua_pop(L, 2);
            break;
        }
    return count;
}

static void write_comma(writer *out, int written) {
    if (written > 0)
        write_text(out, ", ", 2);
}

/* The list part of a table; returns how many items were written. */
static int write_list(writer *out, lua_State *L, int index, int depth) {
    int written = 0;
    for (; written < ITEMS_MAX && lua_rawgeti(L, index, written + 1) != LUA_TNIL; written++) {
        write_comma(out, written);
        write_value(out, L, lua_gettop(L), depth - 1);
        lua_pop(L, 1);
    }
    lua_settop(L, index);
    return written;
}

/* Pushes the table's next string key after the one on top (nil: the first) and its value, in byte
 * order, which is the same in every run. False, nothing pushed: there is none. [-0, +2] */
static bool next_field(lua_State *L, int index) {
    int last = lua_gettop(L);
    int seen = 0;
    lua_pushnil(L); /* the best so far */
    for (lua_pushnil(L); lua_next(L, index) && seen < FIELDS_SEEN; lua_pop(L, 1), seen++) {
        if (lua_type(L, -2) == LUA_TSTRING && (lua_isnil(L, last) || is_less(L, last, -2)) &&
            (lua_isnil(L, last + 1) || is_less(L, -2, last + 1))) {
            lua_pushvalue(L, -2);
            lua_replace(L, last + 1);
        }
    }
    lua_settop(L, last + 1);
    if (lua_isnil(L, last + 1)) {
        lua_settop(L, last);
        return false;
    }
    lua_pushvalue(L, last + 1);
    lua_rawget(L, index);
    return true;
}

/* The fields of a table whose names are strings; returns how many were written. */
static int write_fields(writer *out, lua_State *L, int index, int depth, int written) {
    int before = written;
    lua_pushnil(L);
    while (written < ITEMS_MAX && next_field(L, index)) {
        write_comma(out, written++);
        write_value(out, L, lua_gettop(L) - 1, 0);
        write_text(out, " = ", 3);
        write_value(out, L, lua_gettop(L), depth - 1);
        lua_settop(L, index + 2);
        lua_remove(L, index + 1);
    }
    lua_settop(L, index);
    return written - before;
}

/* A table, raw: its list, as in { "shutdown", x }, then its fields, as in { code = 404 }. */
static void write_table(writer *out, lua_State *L, int index, int depth) {
    int written = 0;
    int count = count_items(L, index);
    write_text(out, "{ ", 2);
    lua_pushvalue(L, index);
    index = lua_gettop(L);
    if (depth > 0) {
        written = write_list(out, L, index, depth);
        written += write_fields(out, L, index, depth, written);
    }
    lua_settop(L, index - 1);
    if (written < count) {
        write_comma(out, written);
        write_text(out, "...", 3);
    }
    write_text(out, count > 0 ? " }" : "}", count > 0 ? 2 : 1);
}

static void write_number(writer *out, lua_State *L, int index) {
    char text[64];
    if (lua_isinteger(L, index))
        snprintf(text, sizeof text, LUA_INTEGER_FMT, lua_tointeger(L, index));
    else
        snprintf(text, sizeof text, LUA_NUMBER_FMT, lua_tonumber(L, index));
    write_text(out, text, strlen(text));
}

static void write_value(writer *out, lua_State *L, int index, int depth) {
    size_t size;
    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, index, &size);
        write_text(out, text, size);
        break;
    }
    case LUA_TNUMBER:
        write_number(out, L, index);
        break;
    case LUA_TBOOLEAN:
        write_text(out, lua_toboolean(L, index) ? "true" : "false",
                   lua_toboolean(L, index) ? 4 : 5);
        break;
    case LUA_TTABLE:
        write_table(out, L, index, depth);
        break;
    case LUA_TLIGHTUSERDATA:
        if (dsl_is_id(lua_touserdata(L, index)))
            write_pid(out, (uintptr_t)lua_touserdata(L, index));
        else
            write_text(out, "userdata", strlen("userdata"));
        break;
    default:
        write_text(out, luaL_typename(L, index), strlen(luaL_typename(L, index)));
        break;
    }
}

static bool is_crash(lua_State *L, int index, const dsl_runtime *runtime) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->crash_meta);
    bool equal = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return equal;
}

/* The places of the fields' names in crash_keys. */
enum { CRASH_ERROR = 1, CRASH_TRACEBACK, CRASH_CALLBACK, CRASH_LAST_MESSAGE };

/* Pushes a field of a crash object, raw. [-0, +1] */
static void push_crash_field(lua_State *L, int index, const dsl_runtime *runtime, int key) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->crash_keys);
    lua_rawgeti(L, -1, key);
    lua_rawget(L, index);
    lua_remove(L, -2);
}

/* Pushes, for a server's crash, the callback; and the last message, if known. [-0, +2] */
static void write_callback(writer *out, lua_State *L, int index, const dsl_runtime *runtime) {
    push_crash_field(L, index, runtime, CRASH_CALLBACK);
    push_crash_field(L, index, runtime, CRASH_LAST_MESSAGE);
    bool is_servers = lua_type(L, -2) == LUA_TSTRING;
    if (is_servers) {
        write_text(out, "\nin ", strlen("\nin "));
        write_value(out, L, lua_gettop(L) - 1, 0);
    }
    if (lua_isnil(L, -1))
        return;
    const char *label = is_servers ? ", last message: " : "\nlast message: ";
    write_text(out, label, strlen(label));
    write_value(out, L, lua_gettop(L), 2);
}

static void write_trace(writer *out, lua_State *L, int index, const dsl_runtime *runtime) {
    push_crash_field(L, index, runtime, CRASH_TRACEBACK);
    write_value(out, L, lua_gettop(L), 2);
    write_callback(out, L, index, runtime);
}

/* Reads raw: no metamethod and, where the object is in a vault, no allocation; it is called in the
 * middle of the core's work. */
static void describe(dsl_host *host, uint64_t object, bool trace, char *text, size_t size) {
    host = dsl_object_face(host, object);
    lua_State *L = host->vault.L;
    writer out = {text, size};
    if (size == 0)
        return;
    *text = '\0';
    dsl_object_push_plain(L, host, object);
    int index = lua_gettop(L);
    bool crash = is_crash(L, index, host->runtime);
    if (crash && !trace)
        push_crash_field(L, index, host->runtime, CRASH_ERROR);
    if (crash && trace)
        write_trace(&out, L, index, host->runtime);
    else if (!trace)
        write_value(&out, L, lua_gettop(L), 2);
    lua_settop(L, index - 1);
}

void dsl_object_describe(void *ud, uint64_t object, char *text, size_t size) {
    describe(ud, object, false, text, size);
}

void dsl_object_trace(void *ud, uint64_t object, char *text, size_t size) {
    describe(ud, object, true, text, size);
}

void dsl_description_write(lua_State *L, int index, char *text, size_t size) {
    writer out = {text, size};
    index = lua_absindex(L, index);
    *text = '\0';
    if (lua_checkstack(L, 2 * LUA_MINSTACK))
        write_value(&out, L, index, 2);
    else
        write_text(&out, luaL_typename(L, index), strlen(luaL_typename(L, index)));
}

void dsl_description_push(lua_State *L, int index) {
    char text[DSL_DESCRIPTION_SIZE];
    dsl_description_write(L, index, text, sizeof text);
    lua_pushstring(L, text);
}

void dynsup_lua_text_push(lua_State *L, int index) {
    index = lua_absindex(L, index);
    bool has_text = luaL_getmetafield(L, index, "__tostring") != LUA_TNIL;
    lua_settop(L, has_text ? -2 : -1);
    if (has_text || !lua_istable(L, index))
        luaL_tolstring(L, index, NULL);
    else
        dsl_description_push(L, index);
}
