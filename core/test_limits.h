/* Limits for tests: a supervisor with defaults, and children with their own. To be included first.
 */
#ifndef DSI_TEST_LIMITS_H
#define DSI_TEST_LIMITS_H

#include "test_static.h"

#include "dynsup_limits.h"

/* A caller, a supervisor, and the program of its children. */
typedef struct family {
    test_body *a;
    dynsup_pid supervisor;
    test_program *program;
} family;

/* With these defaults of the children; NULL: none. */
static inline family family_with(test_host *test, const dynsup_limits *defaults) {
    family f = {.a = test_spawn_trapping(test), .program = test_program_new(test)};
    dynsup_supervisor_options options = {
        .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT, .limits = defaults};
    assert_int_equal(dynsup_supervisor_start(test->host, &options, &f.supervisor), 0);
    return f;
}

/* Its child, with limits of its own; NULL: none. */
static inline dynsup_pid child_with(test_host *test, family *f, const dynsup_limits *limits,
                                    enum dynsup_restart restart) {
    dynsup_child_spec spec = test_spec(f->program);
    spec.limits = limits;
    spec.restart = restart;
    return test_started(test, f->a, f->supervisor, &spec);
}

/* The reason with which the last child to end has ended. */
static inline enum dynsup_atom end_of(const test_host *test) {
    return test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->reason.value.as.atom;
}

#endif
