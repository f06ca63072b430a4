/* What the host's side of attach needs of the runtime: the C half of dynsup.attach.outbox. */
#include "bindings/native.h"

#include "bindings/log.h"
#include "bindings/observe.h"

/* undivided(f, ...): calls f in one piece, while no other process has a slice: it may not wait, and
 * behind a C function that cannot be yielded across nothing is preempted. For a few instructions
 * that change what several processes share. */
static int undivided(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

const luaL_Reg dsl_attach_functions[] = {
    {"here", dsl_here}, {"undivided", undivided}, {"tap", dsl_tap}, {NULL, NULL}};
