/* Metatables of userdata. */
#ifndef DSL_METATABLE_H
#define DSL_METATABLE_H

#include <lauxlib.h>

/* Gives the userdata on top the metatable of that name with these functions (the list ends with
 * NULL). Functions that an earlier call had no memory for are added: a metatable without its __gc
 * would let objects leak for the state's life. Raises without memory.
 * [-0, +0] */
void dsl_metatable_set(lua_State *L, const char *name, const luaL_Reg *functions);

#endif
