/*
 * Runs inside one another. Those of one lua_State are a chain by `outer`, the innermost first; the
 * chain of a further heap ends with its face, and is inside the run that the heap belongs to.
 */
#ifndef DSL_NESTED_H
#define DSL_NESTED_H

#include "bindings/host.h"

/* The host that this one runs inside of, in whatever heap; NULL: none. Of a further heap it is that
 * heap's face. */
static inline dsl_host *dsl_host_around(const dsl_host *host) {
    return host->whole->outer;
}

/* Calls visit for each run inside the host's, the innermost first, and not for that itself; it may
 * neither begin nor end runs and heaps. */
void dsl_runs_inside(const dsl_host *host, void (*visit)(dsl_host *run, void *ud), void *ud);

#endif
