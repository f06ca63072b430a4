/* The C half of dynsup.codec: values to strings and back, and what is registered for a type. */
#include "bindings/codec/codec.h"

#include "bindings/codec/codec_type.h"
#include "bindings/native.h"

#include <string.h>

static int fail(lua_State *L, const char *reason, const dsl_codec_trouble *trouble) {
    lua_pushnil(L);
    lua_pushstring(L, reason);
    lua_pushstring(L, trouble->text);
    return 3;
}

static int push_bytes(lua_State *L) {
    const dsl_parcel *parcel = lua_touserdata(L, 1);
    lua_pushlstring(L, (const char *)parcel->bytes, parcel->size);
    return 1;
}

/* The parcel's bytes as a string. The parcel is released, whatever happens. [-0, +1] */
static void parcel_bytes_push(lua_State *L, dsl_parcel *parcel) {
    lua_pushcfunction(L, push_bytes);
    lua_pushlightuserdata(L, parcel);
    int status = lua_pcall(L, 1, 1, 0);
    dsl_parcel_release(parcel);
    if (status != LUA_OK)
        lua_error(L);
}

/* pack(...) -> bytes; nil, "cannot_travel", what and where */
static int pack(lua_State *L) {
    dsl_packing packing = {0};
    dsl_parcel *parcel;
    dsl_codec_trouble trouble;
    packing.alloc = lua_getallocf(L, &packing.alloc_ud);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    switch (dsl_codec_pack_calling(L, 1, lua_gettop(L), packing, &parcel, &trouble)) {
    case DSL_CODEC_OK:
        parcel_bytes_push(L, parcel);
        return 1;
    case DSL_CODEC_NOMEM:
        return luaL_error(L, "not enough memory");
    default:
        return fail(L, "cannot_travel", &trouble);
    }
}

/* unpack(bytes) -> values; nil, "cannot_unpack", what and where */
static int unpack(lua_State *L) {
    size_t size;
    int count;
    dsl_codec_trouble trouble;
    dsl_check_count(L, 1, 1);
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *bytes = lua_tolstring(L, 1, &size);
    if (dsl_codec_unpack(L, bytes, size, &count, &trouble) == DSL_CODEC_OK)
        return count;
    return fail(L, "cannot_unpack", &trouble);
}

/* register(name, metatable or function or nil) */
static int register_type(lua_State *L) {
    size_t size;
    dsl_check_count(L, 2, 2);
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *name = lua_tolstring(L, 1, &size);
    luaL_argcheck(L, size > 0, 1, "a name of a type is not empty");
    luaL_argcheck(L, strncmp(name, "dynsup.", 7) != 0, 1,
                  "names that begin with dynsup. are taken");
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TNIL, 2,
                     "metatable, function or nil");
    dsl_type_set(L, dsl_runtime_of(L));
    return 0;
}

const luaL_Reg dsl_codec_functions[] = {
    {"pack", pack},
    {"unpack", unpack},
    {"register", register_type},
    {NULL, NULL},
};
