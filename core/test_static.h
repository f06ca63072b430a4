/* Static supervisors for tests: children with the ids 1, 2, ... in the order of their start. */
#ifndef DSI_TEST_STATIC_H
#define DSI_TEST_STATIC_H

#include "test_guest.h"

#define TEST_CHILDREN_MAX 8

/* A static supervisor to be started; zeroed: no children, one_for_one, 3 restarts in 5 s. */
typedef struct test_order {
    dynsup_supervisor_options options;
    dynsup_child_spec specs[TEST_CHILDREN_MAX];
    test_program *programs[TEST_CHILDREN_MAX]; /* of the specs, at the same places */
    int count;
    dynsup_pid pid; /* once it has started */
} test_order;

/* Adds a permanent worker with shutdown 5000; returns its spec, to be changed. */
dynsup_child_spec *test_order_add(test_host *test, test_order *order);

/* The same, with a start function. */
dynsup_child_spec *test_order_add_guest(test_host *test, test_order *order, test_plan *plan);

/* Asks for the start in the caller's name: DYNSUP_PENDING, or an error. */
int test_order_ask(test_host *test, test_body *caller, test_order *order);

/* Starts it in the caller's name, and runs to the end of the start. */
void test_order_start(test_host *test, test_body *caller, test_order *order);

/* The same with that many plain children. */
test_order test_ordered(test_host *test, test_body *caller, enum dynsup_strategy strategy,
                        int count);

int test_by_id(test_host *test, test_body *caller, dynsup_pid supervisor,
               enum dynsup_static_request request, int id);

/* The same, to its end: the status of the reply. */
int test_done_by_id(test_host *test, test_body *caller, dynsup_pid supervisor,
                    enum dynsup_static_request request, int id);

/* The child's pid, 0: it does not run (with *restarting_out). Fails if it is not there. */
dynsup_pid test_child(test_host *test, dynsup_pid supervisor, int id, bool *restarting_out);

/* Its children, first to last, as text: "1 2? 3-" runs, restarting, down. */
void test_children(test_host *test, dynsup_pid supervisor, const char *expected);

/* Kills a child and runs what follows. */
void test_kill_child(test_host *test, dynsup_pid supervisor, int id);

/* How often each child has been made, as text: "1 2 2". */
void test_made(const test_order *order, const char *expected);

#endif
