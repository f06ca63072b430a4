/* What cannot travel, in words: its kind, its place among the values, and why. */
#include "bindings/codec/codec_pack.h"

#include "bindings/binding.h"
#include "bindings/codec/codec_type.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define ENDS      4  /* steps of a long path that are shown, at its beginning and at its end */
#define NAME_TOLD 32 /* bytes of a name that are shown */

typedef struct text {
    char *at;
    size_t left; /* with the final 0 */
} text;

__attribute__((format(printf, 2, 3))) static void add(text *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(out->at, out->left, format, arguments);
    va_end(arguments);
    size_t written = size < 0 ? 0 : (size_t)size < out->left ? (size_t)size : out->left - 1;
    out->at += written;
    out->left -= written;
}

/* Without bytes that a terminal would act upon. */
static void add_name(text *out, const char *name, size_t size) {
    for (size_t i = 0; i < size && i < NAME_TOLD; i++)
        add(out, "%c", isprint((unsigned char)name[i]) ? name[i] : '?');
    if (size > NAME_TOLD)
        add(out, "...");
}

static bool is_identifier(const char *name, size_t size) {
    bool good = size > 0 && !isdigit((unsigned char)name[0]);
    for (size_t i = 0; good && i < size; i++)
        good = isalnum((unsigned char)name[i]) || name[i] == '_';
    return good;
}

static void add_field(text *out, const char *name, size_t size) {
    bool plain = is_identifier(name, size);
    add(out, plain ? "." : "[\"");
    add_name(out, name, size);
    add(out, plain ? "" : "\"]");
}

static void add_number(text *out, lua_State *L, int index) {
    if (lua_isinteger(L, index))
        add(out, "[" LUA_INTEGER_FMT "]", lua_tointeger(L, index));
    else
        add(out, "[" LUA_NUMBER_FMT "]", lua_tonumber(L, index));
}

static void add_key(text *out, lua_State *L, int index) {
    size_t size;
    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        const char *name = lua_tolstring(L, index, &size);
        add_field(out, name, size);
        break;
    }
    case LUA_TNUMBER:
        add_number(out, L, index);
        break;
    case LUA_TBOOLEAN:
        add(out, "[%s]", lua_toboolean(L, index) ? "true" : "false");
        break;
    default:
        add(out, "[a %s]", dsl_is_pid(L, index) ? "pid" : luaL_typename(L, index));
        break;
    }
}

static void add_root(text *out, const dsl_packer *p) {
    const char *root = p->how->root ? p->how->root : "";
    if (p->number > 0)
        add(out, "%s[%d]", root, p->number);
    else
        add(out, "%s...", *root ? root : "...");
}

/* Adds the keys of the frames; inside a key the path ends at the key's table. */
static void add_path(text *out, const dsl_packer *p) {
    add_root(out, p);
    for (uint32_t i = 0; i < p->depth; i++) {
        bool is_told = i < ENDS || p->depth - i <= ENDS;
        if (i == ENDS && !is_told)
            add(out, "...");
        if (p->frames[i].value_next) {
            add(out, " in a key");
            return;
        }
        if (is_told)
            add_key(out, p->L, p->frames[i].table + 1);
    }
}

/* The kind of the value on top. */
static void add_kind(text *out, lua_State *L) {
    int type = lua_type(L, -1);
    const char *kind = type == LUA_TTHREAD          ? "coroutine"
                       : type == LUA_TLIGHTUSERDATA ? "light userdata"
                                                    : luaL_typename(L, -1);
    add(out, "a %s", kind);
    if ((type != LUA_TTABLE && type != LUA_TUSERDATA) || !lua_getmetatable(L, -1))
        return;
    add(out, type == LUA_TTABLE ? " with a metatable" : "");
    if (dsl_type_name_push(L) == LUA_TSTRING) {
        size_t size;
        const char *name = lua_tolstring(L, -1, &size);
        add(out, " (");
        add_name(out, name, size);
        add(out, ")");
    }
    lua_pop(L, 1);
}

static void trouble_write(const dsl_packer *p, const char *why) {
    text out = {p->trouble->text, sizeof p->trouble->text};
    add_kind(&out, p->L);
    add(&out, " at ");
    add_path(&out, p);
    add(&out, " cannot travel");
    if (why)
        add(&out, ": %s", why);
}

bool dsl_pack_refuse(dsl_packer *p, const char *why) {
    if (p->how->lenient) {
        const char *name = luaL_typename(p->L, -1);
        lua_pop(p->L, 1);
        return dsl_put_text(p, DSL_TAG_STRING, name, strlen(name));
    }
    p->status = DSL_CODEC_REFUSED;
    trouble_write(p, why);
    return false;
}
