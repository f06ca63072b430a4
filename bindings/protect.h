/* Protected calls, for code that may not raise since the core has called it. */
#ifndef DSL_PROTECT_H
#define DSL_PROTECT_H

#include "bindings/host.h"

/* Calls fn(L) in protected mode with ud as its only argument (a light userdata). Returns Lua's
 * status; an error's value is dropped. Allocates nothing by itself. */
int dsl_protect(lua_State *L, lua_CFunction fn, void *ud);

/* Did the call that ended with this status, with its error on top, fail for want of memory?
 * [-0, +0] */
bool dsl_is_memory_error(lua_State *L, int status);

/* dsl_vault_reserve for the host's vault, protected: false without memory. */
bool dsl_reserve(dsl_host *host, uint32_t count);

#endif
