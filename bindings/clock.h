/* Clocks in Lua: dynsup.clock's handles, for options. */
#ifndef DSL_CLOCK_H
#define DSL_CLOCK_H

#include "bindings/native.h"

/* The clock that the handle at the index holds; false for what is none of this host's. [-0, +0] */
bool dsl_clock_read(lua_State *L, const dsl_host *host, int index, dynsup_clock *clock_out);

#endif
