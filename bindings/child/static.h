/* Static supervisors: their children and options, from tables. */
#ifndef DSL_STATIC_H
#define DSL_STATIC_H

#include "bindings/child/options.h"

/* The C half of scripts/dynsup/supervisor.lua. */
extern const luaL_Reg dsl_static_functions[];

typedef struct dsl_static {
    dsl_options options;
    dynsup_draft *draft; /* to be given to the core */
} dsl_static;

/* Reads the list of child specs and the options at the two indices. 0: a value is pushed that holds
 * what options.core borrows. Else nil, reason, detail are pushed and their number returned. Raises
 * without memory, and what a __pack of a child's arguments raises. */
int dsl_static_read(lua_State *L, dsl_host *host, int children, int options, unsigned kinds,
                    dsl_static *out);

/* Pushes the parts of what dynsup.supervisor.init returns, children and options. False, with values
 * left on the stack, if the value at the index is no such result. */
bool dsl_static_parts(lua_State *L, int index);

#endif
