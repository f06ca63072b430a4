/* Checks for misuse of the C interface. */
#ifndef DSL_MISUSE_H
#define DSL_MISUSE_H

#include "bindings/binding.h"

/* Returns ok. In debug builds it is asserted; `what` says what was expected. */
bool dsl_expect(bool ok, const char *what);

/* For any function except a host's free: 0, DYNSUP_EMISUSE or DYNSUP_ECLOSED. */
int dsl_check_host(const dsl_host *host);

/* The same for functions that make something whose end a finalizer reports: DYNSUP_ECLOSED also
 * while the lua_State is being closed. */
int dsl_check_open(const dsl_host *host);

/* The same as dsl_check_host for functions that a callback of the host's may not call. */
int dsl_check_outside(const dsl_host *host);

/* Are the blocks of this allocator aligned as dynsup needs them? Several are requested at once, of
 * sizes that would show a smaller alignment. A request that fails for want of memory passes. */
bool dsl_check_alloc(dynsup_alloc_fn alloc, void *ud);

#endif
