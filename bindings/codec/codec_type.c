/* Types that travel by a name: what a state knows of them. */
#include "bindings/codec/codec_type.h"

#include "bindings/binding.h"
#include "bindings/codec/codec.h"

enum { WORD_PACK = 1, WORD_NAME };

/* The metatable on top by its field. [-1, +1] */
static int field_push(lua_State *L, int word) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, dsl_runtime_of_thread(L)->codec_words);
    lua_rawgeti(L, -1, word);
    int type = lua_rawget(L, -3);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return type;
}

int dsl_type_pack_push(lua_State *L) {
    return field_push(L, WORD_PACK);
}

int dsl_type_name_push(lua_State *L) {
    return field_push(L, WORD_NAME);
}

int dsl_type_find(lua_State *L, int name) {
    name = lua_absindex(L, name);
    lua_rawgeti(L, LUA_REGISTRYINDEX, dsl_runtime_of_thread(L)->codec_types);
    lua_pushvalue(L, name);
    int type = lua_rawget(L, -2);
    lua_remove(L, -2);
    return type;
}

void dsl_type_set(lua_State *L, const dsl_runtime *runtime) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->codec_types);
    lua_insert(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void dsl_codec_open(lua_State *L, dsl_runtime *runtime) {
    lua_createtable(L, 2, 0);
    lua_pushliteral(L, "__pack");
    lua_rawseti(L, -2, WORD_PACK);
    lua_pushliteral(L, "__name");
    lua_rawseti(L, -2, WORD_NAME);
    runtime->codec_words = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    runtime->codec_types = luaL_ref(L, LUA_REGISTRYINDEX);
}
