/* The field env of child specs: which globals a worker finds. */
#ifndef DSL_SPEC_ENV_H
#define DSL_SPEC_ENV_H

#include "bindings/binding.h"

/* Is the value on top "private", or { allow = list of names }? A table is replaced by a copy of its
 * list. If not, the value, or the name that is wrong, is on top. [-1, +1] */
bool dsl_env_read(lua_State *L);

/* The name of the function that runs a named function in an environment: called with the function's
 * name, the environment and the arguments. */
#define DSL_ENV_CALL "dynsup.environment:call"

#endif
