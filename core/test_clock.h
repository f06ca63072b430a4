/* What tests of clocks do with a host for tests. To be included first: it brings cmocka with it. */
#ifndef DSI_TEST_CLOCK_H
#define DSI_TEST_CLOCK_H

#include "test_host.h"

#include "dynsup_clock.h"

#define MS UINT64_C(1000000)

/* A clock that is held to the end of the host. */
static inline dynsup_clock test_clock(test_host *test, bool paused) {
    dynsup_clock clock = dynsup_clock_new(test->host, paused);
    assert_int_not_equal(clock, 0);
    return clock;
}

static inline dynsup_clock_info test_clock_look(test_host *test, dynsup_clock clock) {
    dynsup_clock_info info;
    assert_true(dynsup_clock_inspect(test->host, clock, &info));
    return info;
}

/* As test_spawn, with a clock; NULL without memory. */
static inline test_body *test_spawn_on(test_host *test, test_body *parent, dynsup_clock clock) {
    test_body *body = test_body_new(test);
    dynsup_spawn_options options = {.clock = clock};
    if (parent)
        test_enter(parent);
    int status = dynsup_spawn(test->host, &test_body_ops, body, &options, &body->pid);
    if (parent)
        test_leave(test);
    body->gone = status != 0;
    return status ? NULL : body;
}

/* A process that waits, from its first slice on, for a number of ms of its clock (0: the host's),
 * which is at its beginning. */
static inline test_body *test_sleeper(test_host *test, dynsup_clock clock, uint64_t ms) {
    test_body *body = test_spawn_on(test, NULL, clock ? clock : DYNSUP_HOST_CLOCK);
    assert_non_null(body);
    body->until = dynsup_process_now(test->host, body->pid) + ms * MS;
    test_run(test);
    body->until = DYNSUP_NEVER;
    return body;
}

/* A message, a number, in the destination's time. */
static inline dynsup_timer test_send_at(test_host *test, const test_body *to, uint64_t deadline_ns,
                                        int64_t number) {
    dynsup_value value = test_integer(number);
    dynsup_timer timer;
    assert_int_equal(dynsup_send_at(test->host, deadline_ns, to->pid, &value, 1, &timer), 0);
    return timer;
}

/* As test_supervisor, with a clock. */
static inline dynsup_pid test_supervisor_on(test_host *test, test_body *parent,
                                            dynsup_clock clock) {
    dynsup_supervisor_options options = {
        .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT, .clock = clock};
    dynsup_pid pid = 0;
    if (parent)
        test_enter(parent);
    int status = dynsup_supervisor_start(test->host, &options, &pid);
    if (parent)
        test_leave(test);
    return status ? 0 : pid;
}

#endif
