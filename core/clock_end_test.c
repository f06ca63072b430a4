/* Tests of clocks and steps at their limits: invalid rates, the end of time, and callers that are
 * no processes or wait for something else. */
#include "test_clock.h"
#include "test_guest.h"

#include <math.h>

/* ---- clocks ---- */

static void a_rate_that_is_no_rate_is_refused(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    assert_false(dynsup_clock_set_rate(test->host, 0, 1));
    const double wrong[] = {0, -1, DYNSUP_RATE_MIN / 2, DYNSUP_RATE_MAX * 2, (double)NAN};
    for (int i = 0; i < 5; i++)
        assert_false(dynsup_clock_set_rate(test->host, clock, wrong[i]));
    assert_true(test_clock_look(test, clock).rate == 1);
}

static void who_is_no_process_has_the_hosts_time(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn_on(test, NULL, clock);
    assert_true(dynsup_now(test->host) == test->now_ns);
    test_enter(body);
    assert_int_equal(dynsup_now(test->host), 0);
    test_leave(test);
    assert_int_equal(dynsup_process_clock(test->host, 0), 0);
}

static void timers_of_clocks_that_go_on_are_not_stopped(void **state) {
    test_host *test = *state;
    uint64_t key;
    dynsup_clock runs = test_clock(test, false), steps = test_clock(test, true);
    test_sleeper(test, runs, 1000);
    test_sleeper(test, steps, 1000);
    assert_int_equal(dynsup_clock_stopped_timers(test->host), 1);
    assert_int_equal(dynsup_clock_step(test->host, steps, MS, false, &key), 0);
    assert_int_equal(dynsup_clock_stopped_timers(test->host), 0);
    test_run(test);
}

static void a_fast_clock_stands_at_the_end_of_time(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    assert_true(dynsup_clock_set_rate(test->host, clock, 1000));
    test->now_ns += UINT64_MAX / 100;
    assert_true(test_clock_look(test, clock).now_ns == DYNSUP_NEVER);
    assert_true(dynsup_clock_set_rate(test->host, clock, 1)); /* from the end on */
    test->now_ns += UINT64_MAX / 100;
    assert_true(test_clock_look(test, clock).now_ns == DYNSUP_NEVER);
}

/* ---- steps ---- */

static void nobody_waits_for_a_step_outside_a_process(void **state) {
    test_host *test = *state;
    uint64_t key;
    dynsup_clock clock = test_clock(test, true);
    assert_int_equal(dynsup_clock_step(test->host, clock, MS, true, &key), 0);
    assert_int_equal(dynsup_clock_step(test->host, 0, MS, true, &key), DYNSUP_ENOPROC);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, MS);
}

static void a_step_ends_at_the_end_of_time(void **state) {
    test_host *test = *state;
    uint64_t key;
    dynsup_clock clock = test_clock(test, true);
    for (int i = 0; i < 2; i++)
        dynsup_clock_step(test->host, clock, UINT64_MAX - 5, false, &key);
    test_run(test);
    assert_true(test_clock_look(test, clock).now_ns == DYNSUP_NEVER - 1);
}

/* Asks for a step and waits for something else, or ends. */
static void step_unheeded(test_host *test, dynsup_clock clock, uint64_t other_key) {
    uint64_t key;
    test_body *body = test_spawn(test, NULL);
    test_enter(body);
    assert_int_equal(dynsup_clock_step(test->host, clock, MS, true, &key), DYNSUP_PENDING);
    body->key = other_key;
    test_leave(test);
    test_run(test);
    assert_int_equal(body->slices, other_key ? 0 : 1);
}

static void who_waits_for_something_else_is_not_woken(void **state) {
    test_host *test = *state;
    uint64_t key;
    dynsup_clock clock = test_clock(test, true);
    step_unheeded(test, clock, 0);
    step_unheeded(test, clock, 99999);
    test_body *gone = test_spawn(test, NULL);
    test_enter(gone);
    assert_int_equal(dynsup_clock_step(test->host, clock, MS, true, &key), DYNSUP_PENDING);
    gone->key = key;
    test_leave(test);
    test_signal(test, NULL, gone->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, 3 * MS);
}

static void who_will_never_run_again_is_not_woken(void **state) {
    test_host *test = *state;
    uint64_t key;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn(test, NULL);
    body->idles = true;
    test_enter(body);
    assert_int_equal(dynsup_clock_step(test->host, clock, MS, true, &key), DYNSUP_PENDING);
    test_leave(test);
    test_run(test);
    assert_int_equal(body->slices, 1);
}

/* ---- start functions that wait on a stopped clock ---- */

/* A supervisor on the clock (0: the host's) whose start function waits for a message, or for 10 ms.
 */
static dynsup_pid with_waiting_guest(test_host *test, test_body *a, dynsup_clock clock) {
    static test_plan plan = {.waits = true};
    dynsup_pid supervisor = test_supervisor_on(test, a, clock ? clock : DYNSUP_HOST_CLOCK);
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_body *guest = test->programs->last;
    guest->until = clock ? dynsup_process_now(test->host, supervisor) + 10 * MS : DYNSUP_NEVER;
    test_enter(guest);
    test_leave(test);
    test_run(test);
    return supervisor;
}

static void a_stop_does_not_wait_for_a_time_that_does_not_come(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *stopper = test_spawn_trapping(test);
    dynsup_pid other = with_waiting_guest(test, b, 0);
    dynsup_pid supervisor = with_waiting_guest(test, a, test_clock(test, true));
    assert_int_equal(test_stop(test, stopper, supervisor, DYNSUP_NORMAL), DYNSUP_PENDING);
    test_run(test);
    assert_true(stopper->replied && a->replied);
    assert_int_equal(stopper->reply.status, 0);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_true(dynsup_is_alive(test->host, other));
    assert_false(b->replied);
}

static void a_stop_waits_while_the_clock_is_stepped(void **state) {
    test_host *test = *state;
    uint64_t key;
    test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
    dynsup_clock clock = test_clock(test, true);
    dynsup_pid supervisor = with_waiting_guest(test, a, clock);
    assert_int_equal(dynsup_clock_step(test->host, clock, 20 * MS, false, &key), 0);
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    test_run(test); /* the start function's time has come: it waits for its message alone now */
    assert_false(stopper->replied || a->replied);
    test_say_go(test, supervisor);
    assert_true(stopper->replied && a->replied);
    assert_int_equal(a->reply.status, 0);
}

/* More slices than one round of the pump has. */
enum { SLICES = 200 };

static enum dynsup_slice act_busy(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    return self->slices < SLICES ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

/* While a process of the clock is busy, no step ends. */
static void a_stop_goes_on_when_a_step_has_ended_before_the_guests_time(void **state) {
    test_host *test = *state;
    uint64_t key;
    test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
    dynsup_clock clock = test_clock(test, true);
    dynsup_pid supervisor = with_waiting_guest(test, a, clock);
    test_spawn_on(test, NULL, clock)->act = act_busy;
    assert_int_equal(dynsup_clock_step(test->host, clock, 5 * MS, false, &key), 0);
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    assert_false(stopper->replied);
    test_run(test);
    assert_true(stopper->replied && a->replied);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_SHUTDOWN);
    assert_true(test_clock_look(test, clock).now_ns == 5 * MS);
}

/* ---- and those that wait for a process that does ---- */

typedef struct chain {
    test_body *last; /* the process that it starts, which sleeps */
    dynsup_ref ref;
    uint64_t after;   /* the number of the slice in which it falls asleep */
    dynsup_pid calls; /* the process that it calls in place of a start */
    dynsup_pid turns; /* or the supervisor for whose turn it waits */
} chain;

static enum dynsup_slice act_sleep(test_body *self, dynsup_outcome *outcome) {
    const chain *c = self->more;
    (void)outcome;
    if (self->slices >= c->after)
        self->until = dynsup_process_now(self->test->host, self->pid) + 10 * MS;
    return self->slices >= c->after ? DYNSUP_SLICE_WAIT : DYNSUP_SLICE_AGAIN;
}

/* A start function that starts a process and waits until that has started. */
static enum dynsup_slice act_chain(test_body *self, dynsup_outcome *outcome) {
    chain *c = self->more;
    dynsup_host *host = self->test->host;
    dynsup_spawn_options options = {.link = true, .start_out = &c->ref};
    dynsup_value nothing = {0};
    (void)outcome;
    if (c->turns) {
        assert_int_equal(dynsup_supervisor_turn(host, c->turns, true, &self->reply),
                         DYNSUP_PENDING);
        c->ref = self->reply.key;
    } else if (c->calls) {
        assert_int_equal(dynsup_call(host, c->calls, DYNSUP_CALL, &nothing, &c->ref), 0);
    } else {
        c->last = test_body_new(self->test);
        c->last->act = act_sleep;
        c->last->more = c;
        assert_int_equal(dynsup_spawn(host, &test_body_ops, c->last, &options, &c->last->pid), 0);
    }
    self->key = c->ref;
    self->act = NULL;
    return DYNSUP_SLICE_WAIT;
}

static dynsup_pid with_chain(test_host *test, test_body *a, chain *c, dynsup_clock clock) {
    dynsup_pid supervisor = test_supervisor_on(test, a, clock);
    test_program *program = test_program_new(test);
    program->act = act_chain;
    program->more = c;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_PENDING);
    return supervisor;
}

/* The process may fall asleep before or after the supervisor is asked to end. */
static void a_stop_does_not_wait_for_a_start_that_stands(void **state) {
    test_host *test = *state;
    const uint64_t after[] = {1, 2, SLICES};
    for (int i = 0; i < 3; i++) {
        test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
        chain c = {.after = after[i]};
        dynsup_pid supervisor = with_chain(test, a, &c, test_clock(test, true));
        if (i == 0)
            test_run(test);
        test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
        test_run(test);
        assert_true(stopper->replied && a->replied);
        assert_int_equal(stopper->reply.status, 0);
        assert_int_equal(a->reply.status, DYNSUP_EREASON);
        assert_int_equal(a->reply.values[0].as.atom, DYNSUP_SHUTDOWN);
        assert_true(c.last->gone);
    }
}

/* Neither the stop nor the start that it waits for is answered before the supervisor is killed. */
static void stop_waits_for_a_kill(test_host *test, test_body *a, test_body *stopper,
                                  dynsup_pid supervisor) {
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_false(stopper->replied || a->replied);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_true(stopper->replied && a->replied);
}

static void a_stop_waits_for_who_calls_somebody_on_another_clock(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
    test_body *callee = test_spawn(test, NULL);
    chain c = {.calls = callee->pid};
    dynsup_pid supervisor = with_chain(test, a, &c, test_clock(test, true));
    stop_waits_for_a_kill(test, a, stopper, supervisor);
}

static void a_stop_does_not_wait_for_somebody_called_who_stands(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
    dynsup_clock clock = test_clock(test, true);
    test_body *callee = test_sleeper(test, clock, 1000);
    callee->message_key = UINT64_MAX; /* a call does not wake it */
    chain c = {.calls = callee->pid};
    dynsup_pid supervisor = with_chain(test, a, &c, clock);
    test_run(test);
    callee->until = dynsup_process_now(test->host, callee->pid) + 10 * MS;
    test_enter(callee);
    test_leave(test);
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_true(stopper->replied && a->replied);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_true(test_alive(callee)); /* it was there before */
}

/* Two supervisors whose start functions wait for each other's turn: that is no wait on a stopped
 * clock. */
static void who_waits_in_a_circle_does_not_stand(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *stopper = test_spawn_trapping(test);
    dynsup_clock clock = test_clock(test, true);
    dynsup_pid second = test_supervisor_on(test, b, clock);
    chain there = {.turns = second}, back = {0};
    dynsup_pid first = with_chain(test, a, &there, clock);
    back.turns = first;
    test_program *program = test_program_new(test);
    program->act = act_chain;
    program->more = &back;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    assert_int_equal(test_start(test, b, second, &spec), DYNSUP_PENDING);
    test_run(test);
    test_stop(test, stopper, first, DYNSUP_NORMAL);
    test_run(test);
    assert_false(stopper->replied || a->replied || b->replied);
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    assert_true(stopper->replied && a->replied);
    test_signal(test, NULL, second, DYNSUP_KILL);
    test_run(test);
}

/* It waits for what no process will answer: a call that it gave up, a monitor's message, the answer
 * to another process's call. */
enum unknown { GIVEN_UP, MONITOR, NOT_ITS };

typedef struct waiting {
    enum unknown what;
    dynsup_pid whom;
    dynsup_ref ref;
} waiting;

static enum dynsup_slice act_await_unknown(test_body *self, dynsup_outcome *outcome) {
    waiting *w = self->more;
    dynsup_host *host = self->test->host;
    (void)outcome;
    if (w->what == GIVEN_UP) {
        assert_int_equal(dynsup_supervisor_turn(host, w->whom, true, &self->reply), DYNSUP_PENDING);
        w->ref = self->reply.key + 1000;
    } else if (w->what == MONITOR) {
        assert_int_equal(dynsup_monitor(host, w->whom, NULL, &w->ref), 0);
    }
    self->key = w->ref;
    self->act = NULL;
    return DYNSUP_SLICE_WAIT;
}

static void waits_for_unknown(test_host *test, waiting *w, dynsup_clock clock) {
    test_body *a = test_spawn_trapping(test), *stopper = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, a, clock);
    test_program *program = test_program_new(test);
    program->act = act_await_unknown;
    program->more = w;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    stop_waits_for_a_kill(test, a, stopper, supervisor);
}

static void who_waits_for_something_unknown_does_not_stand(void **state) {
    test_host *test = *state;
    test_body *b = test_spawn_trapping(test), *caller = test_spawn(test, NULL);
    test_body *callee = test_spawn(test, NULL);
    dynsup_clock clock = test_clock(test, true);
    dynsup_value nothing = {0};
    waiting w = {.what = GIVEN_UP, .whom = with_waiting_guest(test, b, clock)};
    waits_for_unknown(test, &w, clock);
    w.what = MONITOR;
    waits_for_unknown(test, &w, clock);
    w.what = NOT_ITS;
    test_enter(caller);
    assert_int_equal(dynsup_call(test->host, callee->pid, DYNSUP_CALL, &nothing, &w.ref), 0);
    caller->key = w.ref;
    test_leave(test);
    waits_for_unknown(test, &w, clock);
}

static void a_stop_does_not_wait_for_a_supervisor_that_stands(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *stopper = test_spawn_trapping(test);
    dynsup_clock clock = test_clock(test, true);
    chain c = {.turns = with_waiting_guest(test, b, clock)};
    dynsup_pid supervisor = with_chain(test, a, &c, clock);
    test_run(test);
    assert_false(a->replied);
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_true(stopper->replied && a->replied);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_SHUTDOWN);
    assert_true(dynsup_is_alive(test->host, c.turns));
    assert_false(b->replied);
}

static void a_stop_waits_for_a_supervisor_that_waits_for_a_message(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *stopper = test_spawn_trapping(test);
    chain c = {.turns = with_waiting_guest(test, b, 0)};
    dynsup_pid supervisor = with_chain(test, a, &c, test_clock(test, true));
    test_run(test);
    stop_waits_for_a_kill(test, a, stopper, supervisor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_rate_that_is_no_rate_is_refused),
        TEST(who_is_no_process_has_the_hosts_time),
        TEST(timers_of_clocks_that_go_on_are_not_stopped),
        TEST(a_fast_clock_stands_at_the_end_of_time),
        TEST(nobody_waits_for_a_step_outside_a_process),
        TEST(a_step_ends_at_the_end_of_time),
        TEST(who_waits_for_something_else_is_not_woken),
        TEST(who_will_never_run_again_is_not_woken),
        TEST(a_stop_does_not_wait_for_a_time_that_does_not_come),
        TEST(a_stop_waits_while_the_clock_is_stepped),
        TEST(a_stop_goes_on_when_a_step_has_ended_before_the_guests_time),
        TEST(a_stop_does_not_wait_for_a_start_that_stands),
        TEST(a_stop_waits_for_who_calls_somebody_on_another_clock),
        TEST(a_stop_does_not_wait_for_a_supervisor_that_stands),
        TEST(a_stop_does_not_wait_for_somebody_called_who_stands),
        TEST(who_waits_in_a_circle_does_not_stand),
        TEST(who_waits_for_something_unknown_does_not_stand),
        TEST(a_stop_waits_for_a_supervisor_that_waits_for_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
