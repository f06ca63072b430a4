/* The lua_State that a host makes for itself. */
#ifndef DSL_OWN_STATE_H
#define DSL_OWN_STATE_H

#include "bindings/binding.h"

/* A new state with the config's allocator and limit, and Lua's libraries; NULL without memory. */
lua_State *dsl_own_state_new(const dynsup_lua_config *config);

/* The host goes, and the state stays until it is closed: from now on only the state itself is asked
 * what runs in it. */
void dsl_own_state_leave(lua_State *L);

/* Closes it. Nothing of the config is used but its allocator. */
void dsl_own_state_close(lua_State *L);

#endif
