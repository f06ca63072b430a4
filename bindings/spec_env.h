/* The field env of child specs: which globals a worker finds. */
#ifndef DSL_SPEC_ENV_H
#define DSL_SPEC_ENV_H

#include "bindings/binding.h"

/* Is the value on top "private", or { allow = list of names }? Of a table a copy of the list takes
 * its place. Otherwise it, or the name that is wrong, stays. [-1, +1] */
bool dsl_env_read(lua_State *L);

/* Pushes what runs the function named at one index in the environment at the other, and the
 * values that come before its arguments. Returns the number of these. Raises without memory.
 * [-0, +n+1] */
int dsl_env_push(lua_State *L, dsl_host *host, int function, int env);

#endif
