/* Start functions for tests, which do as a plan says. */
#ifndef DSI_TEST_GUEST_H
#define DSI_TEST_GUEST_H

#include "test_host.h"

/* A start function that spawns a linked worker and returns it; what it does besides is set here. */
typedef struct test_plan {
    bool waits;     /* for a message first */
    bool again;     /* in slices */
    int status;     /* what it returns */
    dynsup_pid pid; /* the process that it returns; 0: a new linked one */
    bool unlinked;  /* the new process is not linked */
    bool traps;     /* the new process traps exits */
    bool stops;     /* asks its own supervisor */
    bool keeps;     /* finds what the earlier guest has kept, or keeps something */
    uint64_t kept;
    test_body *made; /* the process it spawned last */
    dynsup_value info;
} test_plan;

/* A program that runs such a start function. The test owns the plan. */
test_program *test_guest_program(test_host *test, test_plan *plan);

/* As test_start, for a child of such a start function. */
int test_start_guest(test_host *test, test_body *caller, dynsup_pid supervisor, test_plan *plan,
                     enum dynsup_restart restart);

/* A message for a guest that waits for one. */
void test_say_go(test_host *test, dynsup_pid pid);

#endif
