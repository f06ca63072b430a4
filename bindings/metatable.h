/* Metatables of userdata. */
#ifndef DSL_METATABLE_H
#define DSL_METATABLE_H

#include <lauxlib.h>

/* Gives the userdata on top the metatable of that name with these functions (the list ends with
 * NULL). It has all of them also when there was no memory for some at an earlier call: a metatable
 * that has lost its __gc would let objects leak for the state's life. Raises without memory.
 * [-0, +0] */
void dsl_metatable_set(lua_State *L, const char *name, const luaL_Reg *functions);

#endif
