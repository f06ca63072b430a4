/*
 * Copies of messages, for hosts that look for senders that change what they have sent.
 *
 * Tables are copied with their keys and values, shared and cyclic references kept, raw. A copy has
 * the original's metatable; all other values stay what they are. Copying works through a list of
 * tables, without recursion, so no depth is too much for the C stack.
 */
#include "bindings/process/message.h"

/* Stack of a copy: a memo from tables to their copies, and the list of those still to be filled. */
typedef struct copying {
    lua_State *L;
    int memo;
    int list;
    lua_Integer count;
} copying;

/* Replaces the value on top, if it is a table, by its copy, which may still have to be filled. */
static void copy_top(copying *c) {
    lua_State *L = c->L;
    if (!lua_istable(L, -1))
        return;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, c->memo) != LUA_TNIL) {
        lua_replace(L, -2);
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, c->memo);
    lua_pushvalue(L, -2);
    lua_rawseti(L, c->list, ++c->count);
    if (lua_getmetatable(L, -2))
        lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

/* Fills the copy of the n-th table of the list. */
static void fill(copying *c, lua_Integer n) {
    lua_State *L = c->L;
    lua_rawgeti(L, c->list, n);
    int source = lua_gettop(L);
    lua_pushvalue(L, source);
    lua_rawget(L, c->memo);
    lua_pushnil(L);
    while (lua_next(L, source)) {
        copy_top(c);
        lua_pushvalue(L, -2);
        copy_top(c);
        lua_insert(L, -2);
        lua_rawset(L, source + 1);
    }
    lua_settop(L, source - 1);
}

void dsl_copy_values(lua_State *L, int first, int count) {
    int top = lua_gettop(L);
    luaL_checkstack(L, 16, NULL);
    lua_newtable(L);
    lua_newtable(L);
    copying c = {L, top + 1, top + 2, 0};
    for (int i = first; i < first + count; i++) {
        lua_pushvalue(L, i);
        copy_top(&c);
        lua_replace(L, i);
    }
    for (lua_Integer n = 1; n <= c.count; n++)
        fill(&c, n);
    lua_settop(L, top);
}
