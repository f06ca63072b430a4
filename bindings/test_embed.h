/*
 * What the tests of the C interface share: a host in a lua_State of the test's, whose clock the
 * test moves. To be included first: it brings cmocka with it.
 */
#ifndef DSL_TEST_EMBED_H
#define DSL_TEST_EMBED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bindings/dynsup_lua.h"
#include "bindings/test_allocator.h"

typedef struct dsl_test_embed {
    dsl_test_allocator allocator;
    lua_State *L;
    dynsup_lua_host *host;
    uint64_t now_ns;
} dsl_test_embed;

/* A lua_State with all libraries and a host in it; now is the clock. config may be NULL. */
void dsl_test_embed_open(dsl_test_embed *t, const dynsup_lua_config *config);

/* Frees host and lua_State, those that are there still, and checks that no memory is left. */
void dsl_test_embed_close(dsl_test_embed *t);

/* Opens it, with a worker in C as the global of its kind's name. */
void dsl_test_embed_worker(dsl_test_embed *t, const dynsup_lua_worker_ops *ops, void *arg);

/* Runs the code outside of processes; an error fails the test. */
void dsl_test_do(dsl_test_embed *t, const char *code);

/* Spawns the code as a process and steps until nothing is ready. */
dynsup_pid dsl_test_spawn(dsl_test_embed *t, const char *code);

/* Steps until nothing is ready; returns the state, and the deadline in *deadline_ns_out (or NULL).
 */
int dsl_test_step(dsl_test_embed *t, uint64_t *deadline_ns_out);

/* The integer that the global variable is. */
lua_Integer dsl_test_global(dsl_test_embed *t, const char *name);

/* Calls misuse(ud) in a process of its own: true when an assertion ended that. */
_Bool dsl_test_asserts(void (*misuse)(void *ud), void *ud);

#endif
