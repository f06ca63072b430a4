/*
 * Calling __pack functions, before values are packed.
 *
 * Everything that the values reach is visited by means of a list. A function is called when its
 * value's turn comes, so no table is being traversed then; its results are visited, too.
 */
#include "bindings/binding.h"
#include "bindings/codec/codec.h"
#include "bindings/codec/codec_type.h"

/* Stack places of a walk. */
typedef struct walk {
    lua_State *L;
    int prepared;
    int met;  /* a set of what is in the list, or was */
    int list; /* tables, and values with a __pack function */
    lua_Integer count;
} walk;

/* Pushes the __pack function of the value on top. False: it has none, and nothing is pushed.
 * [-0, +0|1] */
static bool function_push(lua_State *L) {
    if (!lua_getmetatable(L, -1))
        return false;
    if (dsl_type_pack_push(L) == LUA_TFUNCTION)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Puts the value on top into the list, if it may contain something to call. [-1, +0] */
static void meet(walk *w) {
    lua_State *L = w->L;
    int type = lua_type(L, -1);
    if (type != LUA_TTABLE && type != LUA_TUSERDATA) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, -1);
    if (lua_rawget(L, w->met) != LUA_TNIL) {
        lua_pop(L, 2);
        return;
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, w->met);
    lua_rawseti(L, w->list, ++w->count);
}

/* The table on top. [-1, +0] */
static void entries_meet(walk *w) {
    lua_State *L = w->L;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        meet(w);
        lua_pushvalue(L, -1);
        meet(w);
    }
    lua_pop(L, 1);
}

/* What a __pack gave is on top. */
static void check_result(lua_State *L) {
    if (lua_type(L, -2) != LUA_TSTRING)
        luaL_error(L, "a __pack must return a name and a value, and its first result is a %s",
                   luaL_typename(L, -2));
    if (function_push(L))
        luaL_error(L, "a __pack gave a value that has a __pack itself: put it into a table");
}

/* Calls the __pack function on top with the value below it, and keeps its results. [-2, +0] */
static void call(walk *w) {
    lua_State *L = w->L;
    lua_pushvalue(L, -2);
    lua_call(L, 1, 2);
    check_result(L);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, DSL_PREPARED_VALUE);
    lua_pushvalue(L, -3);
    lua_rawseti(L, -2, DSL_PREPARED_NAME);
    lua_insert(L, -3);
    meet(w);
    lua_pop(L, 1);
    lua_rawset(L, w->prepared);
}

void dsl_codec_prepare(lua_State *L, int first, int count) {
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int top = lua_gettop(L);
    walk w = {L, top + 1, top + 2, top + 3, 0};
    for (int i = 0; i < 3; i++)
        lua_newtable(L);
    for (int i = first; i < first + count; i++) {
        lua_pushvalue(L, i);
        meet(&w);
    }
    for (lua_Integer n = 1; n <= w.count; n++) {
        lua_rawgeti(L, w.list, n);
        if (function_push(L))
            call(&w);
        else if (lua_istable(L, -1))
            entries_meet(&w);
        else
            lua_pop(L, 1);
    }
    lua_settop(L, w.prepared);
}
