/*
 * Runs inside one another. The runs of one lua_State are a chain by `outer`, the innermost first.
 * The chain of a further heap ends with the heap's face, and is inside the run that the heap
 * belongs to.
 */
#ifndef DSL_NESTED_H
#define DSL_NESTED_H

#include "bindings/host.h"

/* The host that this one runs inside of, or NULL; if that runs in a further heap, the heap's face.
 */
static inline dsl_host *dsl_host_around(const dsl_host *host) {
    return host->whole->outer;
}

/* Calls visit for each run inside the host's, the innermost first, but not for the host's own.
 * visit may neither begin nor end runs and heaps. */
void dsl_runs_inside(const dsl_host *host, void (*visit)(dsl_host *run, void *ud), void *ud);

#endif
