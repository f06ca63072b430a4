/* Halting from Lua. */
#ifndef DSL_WAIT_H
#define DSL_WAIT_H

#include "bindings/host.h"

/* Halts the host; does not return to the caller's code. Code that cannot wait is unwound by an
 * error whose value is the sentinel's address, as a light userdata; it is never reported. */
int dsl_halt(lua_State *L, dsl_host *host, int code);

extern const char dsl_halt_sentinel;

#endif
