/* Tests of limits: what a child may use, where that is set, and how it ends. */
#include "test_limits.h"

/* ---- deadline ---- */

static void a_deadline_ends_each_incarnation_with_its_reason(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    dynsup_pid first = child_with(test, &f, &limits, DYNSUP_TRANSIENT);
    test_pass(test, 99);
    assert_true(dynsup_is_alive(test->host, first));
    test_pass(test, 1);
    assert_false(dynsup_is_alive(test->host, first));
    assert_int_equal(end_of(test), DYNSUP_DEADLINE);
    assert_int_equal(f.program->made, 2);
    test_pass(test, 99);
    assert_true(test_alive(f.program->last));
    test_pass(test, 1);
    assert_int_equal(f.program->made, 3);
}

static void who_traps_exits_does_not_trap_a_limit(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->traps = true;
    child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_pass(test, 100);
    assert_true(f.program->last->stopped);
    assert_int_equal(f.program->last->received, 0);
    test_counts(test, f.supervisor, 0, 0, 0, 0);
}

static void a_child_that_ends_before_leaves_no_timer(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_exit_atom(f.program->last, DYNSUP_NORMAL);
    assert_int_equal(test_run(test), DYNSUP_STILL);
}

/* ---- where limits are said ---- */

static const dynsup_limits *limits_of(test_host *test, dynsup_pid pid) {
    return dynsup_process_limits(test->host, pid);
}

static void what_a_child_does_not_say_is_as_its_supervisor_says(void **state) {
    test_host *test = *state;
    dynsup_limits defaults = {.deadline_ms = 100,
                              .cpu_ms = 50,
                              .memory = 1000,
                              .mailbox = 7,
                              .message = 500,
                              .overflow = DYNSUP_OVERFLOW_REFUSE};
    family f = family_with(test, &defaults);
    dynsup_limits own = {.deadline_ms = DYNSUP_NO_TIME_LIMIT, .mailbox = 3, .slice_ms = 10};
    dynsup_pid pid = child_with(test, &f, &own, DYNSUP_TEMPORARY);
    const dynsup_limits *limits = limits_of(test, pid);
    assert_non_null(limits);
    assert_true(limits->cpu_ms == 50 && limits->slice_ms == 10);
    assert_int_equal(limits->memory, 1000);
    assert_int_equal(limits->mailbox, 3);
    assert_int_equal(limits->message, 500);
    assert_int_equal(limits->overflow, DYNSUP_OVERFLOW_EXIT);
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
    f.program = test_program_new(test);
    pid = child_with(test, &f, NULL, DYNSUP_TEMPORARY);
    assert_int_equal(limits_of(test, pid)->overflow, DYNSUP_OVERFLOW_REFUSE);
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, pid));
}

static void supervisors_have_no_limits(void **state) {
    test_host *test = *state;
    dynsup_limits defaults = {.deadline_ms = 100};
    family f = family_with(test, &defaults);
    dynsup_child_spec spec = test_spec(f.program);
    spec.is_supervisor = true;
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    assert_null(limits_of(test, pid));
    assert_null(limits_of(test, f.supervisor));
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
}

static void the_children_of_a_static_supervisor_have_its_defaults(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits defaults = {.deadline_ms = 100}, own = {.deadline_ms = 200};
    test_order order = {.options = {.limits = &defaults}};
    test_order_add(test, &order)->restart = DYNSUP_TRANSIENT;
    test_order_add(test, &order)->limits = &own;
    test_order_ask(test, a, &order);
    test_run(test);
    test_pass(test, 100);
    test_made(&order, "2 1");
    test_pass(test, 100);
    test_made(&order, "3 2");
}

static void a_process_that_a_start_function_names_is_limited_from_then_on(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    test_plan plan = {0};
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->released = true; /* no child has it */
    f.program = test_guest_program(test, &plan);
    dynsup_child_spec spec = test_spec(f.program);
    spec.guest = true;
    spec.limits = &limits;
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    assert_non_null(limits_of(test, pid));
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, pid));
    assert_int_equal(end_of(test), DYNSUP_DEADLINE);
}

static void who_is_no_child_any_more_has_no_limits(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->traps = true;
    dynsup_pid pid = child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_signal(test, NULL, f.supervisor, DYNSUP_KILL);
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
    assert_null(limits_of(test, pid));
}

/* ---- work ---- */

/* Works for a number of ms in each slice, by the test's clock. */
static enum dynsup_slice act_work(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->test->now_ns += *(uint64_t *)self->more * 1000000;
    return DYNSUP_SLICE_WAIT;
}

static void say(test_host *test, dynsup_pid pid) {
    dynsup_value hello = test_integer(1);
    assert_int_equal(dynsup_send(test->host, pid, &hello, 1), 0);
    test_run(test);
}

static void more_work_in_a_second_than_it_may_ends_it(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.cpu_ms = 100};
    uint64_t ms = 40;
    f.program->act = act_work;
    f.program->more = &ms;
    dynsup_pid pid = child_with(test, &f, &limits, DYNSUP_PERMANENT); /* its first slice */
    for (int i = 0; i < 10; i++) {
        test_pass(test, 900);
        say(test, pid);
    }
    assert_true(dynsup_is_alive(test->host, pid));
    test_pass(test, 1000);
    for (int i = 0; i < 3; i++)
        say(test, pid);
    assert_false(dynsup_is_alive(test->host, pid));
    assert_int_equal(end_of(test), DYNSUP_CPU_EXCEEDED);
    assert_int_equal(f.program->made, 2);
}

static void the_limit_of_slices_is_the_running_childs(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.slice_ms = 2.5};
    child_with(test, &f, &limits, DYNSUP_PERMANENT);
    assert_true(dynsup_slice_limit(test->host) == DYNSUP_NEVER);
    test_enter(f.a);
    assert_true(dynsup_slice_limit(test->host) == DYNSUP_NEVER);
    test_leave(test);
    test_enter(f.program->last);
    assert_int_equal(dynsup_slice_limit(test->host), 2500000);
    dynsup_exceeded(test->host, dynsup_self(test->host), DYNSUP_MEMORY_EXCEEDED);
    assert_true(dynsup_doomed(test->host));
    test_leave(test);
    test_run(test);
    assert_int_equal(end_of(test), DYNSUP_MEMORY_EXCEEDED);
}

/* ---- what it costs ---- */

static void a_child_without_limits_has_no_record_of_them(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = child_with(test, &f, NULL, DYNSUP_PERMANENT);
    size_t before = dynsup_host_memory(test->host);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_started(test, f.a, f.supervisor, &spec);
    assert_int_equal(dynsup_host_memory(test->host), before); /* it is on pages that are there */
    assert_null(limits_of(test, pid));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_ends_each_incarnation_with_its_reason),
        TEST(who_traps_exits_does_not_trap_a_limit),
        TEST(a_child_that_ends_before_leaves_no_timer),
        TEST(what_a_child_does_not_say_is_as_its_supervisor_says),
        TEST(supervisors_have_no_limits),
        TEST(the_children_of_a_static_supervisor_have_its_defaults),
        TEST(a_process_that_a_start_function_names_is_limited_from_then_on),
        TEST(who_is_no_child_any_more_has_no_limits),
        TEST(more_work_in_a_second_than_it_may_ends_it),
        TEST(the_limit_of_slices_is_the_running_childs),
        TEST(a_child_without_limits_has_no_record_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
