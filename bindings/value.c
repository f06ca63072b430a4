/* Values and reasons between Lua's stack and the core. */
#include "bindings/binding.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ID_BITS 62 /* above them is the kind of an id, never 0 */

static bool is_id(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer >> ID_BITS != 0;
}

bool dsl_is_pid(lua_State *L, int index) {
    /* no full userdata has such an address: see is_id */
    return (uint64_t)(uintptr_t)lua_touserdata(L, index) >> ID_BITS == 1;
}

void dsl_id_push(lua_State *L, uint64_t id) {
    /* an id is no pointer: Lua keeps it in one, as the cheapest value that compares and hashes */
    lua_pushlightuserdata(L, (void *)(uintptr_t)id); // NOLINT(performance-no-int-to-ptr)
}

static dynsup_value object_get(lua_State *L, dsl_host *host, int index) {
    lua_pushvalue(L, index);
    return (dynsup_value){DYNSUP_OBJECT, {.object = dsl_vault_put(L, &host->vault)}};
}

dynsup_value dsl_value_get(lua_State *L, dsl_host *host, int index) {
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return (dynsup_value){DYNSUP_NIL, {.integer = 0}};
    case LUA_TBOOLEAN:
        return (dynsup_value){DYNSUP_BOOLEAN, {.integer = lua_toboolean(L, index)}};
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return (dynsup_value){DYNSUP_INTEGER, {.integer = lua_tointeger(L, index)}};
        return (dynsup_value){DYNSUP_NUMBER, {.number = lua_tonumber(L, index)}};
    case LUA_TLIGHTUSERDATA:
        if (is_id(lua_touserdata(L, index)))
            return (dynsup_value){DYNSUP_ID, {.id = (uintptr_t)lua_touserdata(L, index)}};
        return object_get(L, host, index);
    default:
        return object_get(L, host, index);
    }
}

void dsl_atom_push(lua_State *L, dsl_runtime *runtime, enum dynsup_atom atom) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->atoms);
    lua_rawgeti(L, -1, atom);
    lua_replace(L, -2);
}

void dsl_value_push(lua_State *L, dsl_host *host, const dynsup_value *value) {
    switch (value->kind) {
    case DYNSUP_NIL:
        lua_pushnil(L);
        break;
    case DYNSUP_BOOLEAN:
        lua_pushboolean(L, value->as.boolean);
        break;
    case DYNSUP_INTEGER:
        lua_pushinteger(L, value->as.integer);
        break;
    case DYNSUP_NUMBER:
        lua_pushnumber(L, value->as.number);
        break;
    case DYNSUP_ID:
        dsl_id_push(L, value->as.id);
        break;
    case DYNSUP_ATOM:
        dsl_atom_push(L, host->runtime, value->as.atom);
        break;
    case DYNSUP_OBJECT:
        dsl_vault_push(L, &host->vault, (uint32_t)value->as.object);
        break;
    }
}

void dsl_check_reason(lua_State *L, int index) {
    int type = lua_type(L, index);
    luaL_argexpected(L, type == LUA_TSTRING || type == LUA_TTABLE, index, "string or table");
}

/* The atom that the string at the index is, if it is one; short strings are interned. */
static enum dynsup_atom atom_of(lua_State *L, const dsl_runtime *runtime, int index) {
    const char *text = lua_tostring(L, index);
    for (int atom = 1; atom < DYNSUP_ATOM_COUNT; atom++)
        if (runtime->atom_texts[atom] == text)
            return (enum dynsup_atom)atom;
    return DYNSUP_NO_ATOM;
}

static bool is_shutdown_table(lua_State *L, const dsl_runtime *runtime, int index) {
    bool shutdown = lua_rawgeti(L, index, 1) == LUA_TSTRING &&
                    lua_tostring(L, -1) == runtime->atom_texts[DYNSUP_SHUTDOWN];
    lua_pop(L, 1);
    return shutdown;
}

dynsup_reason dsl_reason_get(lua_State *L, dsl_host *host, int index) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TSTRING) {
        enum dynsup_atom atom = atom_of(L, host->runtime, index);
        if (atom)
            return dynsup_reason_atom(atom);
    }
    enum dynsup_reason_class class = DYNSUP_REASON_OTHER;
    if (lua_type(L, index) == LUA_TTABLE && is_shutdown_table(L, host->runtime, index))
        class = DYNSUP_REASON_SHUTDOWN;
    return (dynsup_reason){class, dsl_value_get(L, host, index)};
}

/* ---- objects, as the core sees them ---- */

static void object_retain(void *ud, uint64_t object) {
    dsl_vault_retain(&((dsl_host *)ud)->vault, (uint32_t)object);
}

static void object_release(void *ud, uint64_t object) {
    dsl_vault_release(&((dsl_host *)ud)->vault, (uint32_t)object);
}

typedef struct writer {
    char *at;
    size_t left; /* with the final 0 */
} writer;

static void write_text(writer *out, const char *text, size_t size) {
    if (size >= out->left)
        size = out->left - 1;
    memcpy(out->at, text, size);
    out->at += size;
    out->left -= size;
    *out->at = '\0';
}

static void write_pid(writer *out, uint64_t id) {
    char text[64];
    dynsup_id_format(id, text, sizeof text);
    write_text(out, text, strlen(text));
}

static void write_value(writer *out, lua_State *L, int index, int depth);

#define ITEMS_MAX   8 /* of a table that are written */
#define TEXT_MAX    512
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

/* Pushes the first of the table's string keys behind the one on top (nil: of all) and its value, in
 * the order of their bytes, which is the same in every run; false, nothing pushed: there is none.
 * [-0, +2] */
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
        if (is_id(lua_touserdata(L, index)))
            write_pid(out, (uintptr_t)lua_touserdata(L, index));
        else
            write_text(out, "userdata", strlen("userdata"));
        break;
    default:
        write_text(out, luaL_typename(L, index), strlen(luaL_typename(L, index)));
        break;
    }
}

/* Pushes the field of the crash object that the n-th of crash_keys names. [-0, +1] */
static void crash_field(lua_State *L, int index, const dsl_runtime *runtime, int n) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->crash_keys);
    lua_rawgeti(L, -1, n);
    lua_rawget(L, index);
    lua_replace(L, -2);
}

/* Of a server's crash: the callback, and the message that it was called with. */
static void write_callback(writer *out, lua_State *L, int index, const dsl_runtime *runtime) {
    crash_field(L, index, runtime, 3);
    crash_field(L, index, runtime, 4);
    if (lua_type(L, -2) == LUA_TSTRING) {
        write_text(out, "\nin ", strlen("\nin "));
        write_value(out, L, lua_gettop(L) - 1, 0);
        if (!lua_isnil(L, -1)) {
            write_text(out, ", last message: ", strlen(", last message: "));
            write_value(out, L, lua_gettop(L), 2);
        }
    }
    lua_pop(L, 2);
}

/* A crash object's error and traceback; false for anything else. */
static bool write_crash(writer *out, lua_State *L, int index, const dsl_runtime *runtime) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->crash_meta);
    bool is_crash = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is_crash)
        return false;
    crash_field(L, index, runtime, 1);
    write_value(out, L, lua_gettop(L), 2);
    crash_field(L, index, runtime, 2);
    write_text(out, "\n", 1);
    write_value(out, L, lua_gettop(L), 0);
    lua_pop(L, 2);
    write_callback(out, L, index, runtime);
    return true;
}

/* Reads raw: no metamethod and no allocation, for it is called in the middle of the core's work. */
static void object_describe(void *ud, uint64_t object, char *text, size_t size) {
    dsl_host *host = ud;
    lua_State *L = host->vault.L;
    writer out = {text, size};
    if (size == 0)
        return;
    *text = '\0';
    dsl_vault_push(L, &host->vault, (uint32_t)object);
    int index = lua_gettop(L);
    if (!write_crash(&out, L, index, host->runtime))
        write_value(&out, L, index, 2);
    lua_settop(L, index - 1);
}

void dynsup_lua_text_push(lua_State *L, int index) {
    char text[TEXT_MAX] = "";
    writer out = {text, sizeof text};
    index = lua_absindex(L, index);
    bool has_text = luaL_getmetafield(L, index, "__tostring") != LUA_TNIL;
    lua_settop(L, has_text ? -2 : -1);
    if (has_text || !lua_istable(L, index)) {
        luaL_tolstring(L, index, NULL);
        return;
    }
    luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
    write_table(&out, L, index, 2);
    lua_pushstring(L, text);
}

const dynsup_object_ops dsl_object_ops = {
    .retain = object_retain, .release = object_release, .describe = object_describe};
