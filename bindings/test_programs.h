/*
 * The programs of spec/faults for tests that inject faults: each module's in a lua_State of its
 * own. To be included first: it brings cmocka with it.
 */
#ifndef DSL_TEST_PROGRAMS_H
#define DSL_TEST_PROGRAMS_H

#include "bindings/test_embed.h"

#include <stdbool.h>

typedef struct dsl_test_programs {
    dsl_test_allocator allocator;
    lua_State *L; /* the list of programs is its first value */
    int count;
    dynsup_lua_config config; /* for hosts: by the clock that was asked for */
} dsl_test_programs;

/* Loads the module's programs, in a folder that goes with the test program. */
void dsl_test_programs_open(dsl_test_programs *programs, const char *module, bool virtual_clock);

/* Checks that no memory is left. */
void dsl_test_programs_close(dsl_test_programs *programs);

/* Pushes the function of the n-th program; returns its title. [-0, +1] */
const char *dsl_test_programs_push(const dsl_test_programs *programs, int n);

/* Calls test(module, virtual_clock) for each module that runs on the clock; with DYNSUP_FAULTS_IN
 * in the environment for those whose names are in it. */
void dsl_test_programs_each(bool virtual_clock, void (*test)(const char *module, bool is_virtual));

/* How far apart the faults are that are tried: 1 (all of them) with DYNSUP_FAULTS=all in the
 * environment, else `usual`. */
long dsl_test_programs_stride(long usual);

#endif
