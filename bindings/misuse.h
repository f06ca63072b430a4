/* How misuse of the C interface is met. */
#ifndef DSL_MISUSE_H
#define DSL_MISUSE_H

#include "bindings/binding.h"

/* ok itself; what is expected there is asserted in debug builds. */
bool dsl_expect(bool ok, const char *what);

/* What any function but a host's free may need: 0, DYNSUP_EMISUSE or DYNSUP_ECLOSED. */
int dsl_check_host(const dsl_host *host);

/* The same for functions that make what is to be told of its end by a finalizer: DYNSUP_ECLOSED
 * while the lua_State is being closed, too. */
int dsl_check_open(const dsl_host *host);

/* The same as dsl_check_host for functions that a callback of the host's may not call. */
int dsl_check_outside(const dsl_host *host);

/* Are the blocks of this allocator aligned as dynsup needs them? Several are asked for at once, of
 * sizes that lie beside each other otherwise where it aligns to less; where there is no memory
 * nothing is wrong with them. */
bool dsl_check_alloc(dynsup_alloc_fn alloc, void *ud);

#endif
