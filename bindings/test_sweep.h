/*
 * Sweeps: a scenario in Lua runs again and again, and each time a later allocation fails, in Lua,
 * the bindings or the core. To be included first: it brings cmocka with it.
 */
#ifndef DSL_TEST_SWEEP_H
#define DSL_TEST_SWEEP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct lua_State;

typedef struct dsl_scenario {
    const char *prepare; /* runs first, with memory; or NULL */
    const char *run;     /* each step protected, so that a failure does not keep others from it */
    int (*native)(struct lua_State *L); /* the global function native; or NULL */
    bool opens; /* opening the libraries may fail as well: they are not opened before; no prepare */
    bool accounts; /* the state can keep accounts of memory (bindings/memory/memory.h) */
} dsl_scenario;

/* Fails the n-th request for memory and those behind it, `failures` in all, for all n; nothing may
 * be leaked, and no error may come through except one about memory. */
void dsl_test_sweep(const dsl_scenario *scenario, long failures);

/* The sweeps that show most: two failures, since Lua tries again after a collection; and, where no
 * sanitizer makes it slow, one and twenty. */
void dsl_test_sweep_all(const dsl_scenario *scenario);

/* The main function of a program that does no more than that. */
int dsl_test_sweep_main(const dsl_scenario *scenario);

#endif
