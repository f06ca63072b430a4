/* Tests of shutdown: how children are asked to stop, and when they are killed. */
#include "test_host.h"

#define MANY 100000

static dynsup_pid child_with(test_host *test, test_body *caller, dynsup_pid supervisor,
                             test_program *program, double shutdown_ms) {
    dynsup_child_spec spec = test_spec(program);
    spec.shutdown_ms = shutdown_ms;
    return test_started(test, caller, supervisor, &spec);
}

static const dynsup_reason *exit_reason(const test_host *test) {
    return &test_last_event(test, DYNSUP_EVENT_EXITED)->reason;
}

static void a_child_is_asked_with_shutdown(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_pid child = child_with(test, a, supervisor, program, 5000);
    assert_int_equal(test_terminate(test, a, supervisor, child), DYNSUP_PENDING);
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    assert_int_equal(exit_reason(test)->value.as.atom, DYNSUP_SHUTDOWN);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 0);
    assert_int_equal(program->made, 1);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void a_child_that_traps_may_take_its_time_and_then_is_killed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_pid child = child_with(test, a, supervisor, program, 100);
    test_terminate(test, a, supervisor, child);
    test_pass(test, 50);
    test_terminate(test, b, supervisor, child); /* a later caller waits, too */
    test_pass(test, 49);
    assert_false(a->replied || b->replied);
    test_got_exit(program->last, supervisor, DYNSUP_SHUTDOWN);
    test_pass(test, 1);
    assert_true(a->replied && b->replied);
    assert_int_equal(exit_reason(test)->value.as.atom, DYNSUP_KILLED);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 1);
}

static void brutal_kill_kills_at_once(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_pid child = child_with(test, a, supervisor, program, DYNSUP_SHUTDOWN_BRUTAL_KILL);
    test_terminate(test, a, supervisor, child);
    test_run(test);
    assert_true(a->replied);
    assert_int_equal(exit_reason(test)->value.as.atom, DYNSUP_KILLED);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 0);
}

static void infinity_waits_for_ever(void **state) {
    test_host *test = *state;
    static const double infinities[] = {DYNSUP_SHUTDOWN_INFINITY, 1e300};
    for (int i = 0; i < 2; i++) {
        test_body *a = test_spawn_trapping(test);
        dynsup_pid supervisor = test_supervisor(test, NULL);
        test_program *program = test_program_new(test);
        program->traps = true;
        dynsup_pid child = child_with(test, a, supervisor, program, infinities[i]);
        test_terminate(test, a, supervisor, child);
        assert_int_equal(test_settle(test), DYNSUP_STILL);
        assert_false(a->replied);
        test_exit_atom(program->last, DYNSUP_NORMAL);
        test_run(test);
        assert_true(a->replied);
    }
}

static void what_is_no_child_is_not_found(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL), other = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_pid child = child_with(test, a, other, program, 100);
    assert_int_equal(test_terminate(test, a, supervisor, child), DYNSUP_ENOT_FOUND);
    assert_int_equal(test_terminate(test, a, supervisor, a->pid), DYNSUP_ENOT_FOUND);
    assert_int_equal(test_terminate(test, a, supervisor, 0), DYNSUP_ENOT_FOUND);
    assert_true(dynsup_is_alive(test->host, child));
    test_run(test);
}

static void all_children_stop_at_once_and_each_has_its_time(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, a);
    test_program *programs[3];
    static const double times[3] = {300, 100, 200};
    for (int i = 0; i < 3; i++) {
        programs[i] = test_program_new(test);
        programs[i]->traps = true;
        child_with(test, a, supervisor, programs[i], times[i]);
    }
    test_stop(test, a, supervisor, DYNSUP_NORMAL);
    test_run(test);
    for (int i = 0; i < 3; i++)
        test_got_exit(programs[i]->last, supervisor, DYNSUP_SHUTDOWN);
    for (int ms = 100; ms <= 300; ms += 100) {
        assert_false(a->replied);
        test_pass(test, 100);
        for (int i = 0; i < 3; i++)
            assert_int_equal(test_alive(programs[i]->last), times[i] > ms);
    }
    assert_true(a->replied);
}

static void a_supervisor_that_stops_refuses_and_restarts_nothing(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_pid child = child_with(test, a, supervisor, program, 100);
    test_stop(test, a, supervisor, DYNSUP_SHUTDOWN);
    test_run(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, b, supervisor, &spec), DYNSUP_ENOPROC);
    assert_int_equal(test_terminate(test, b, supervisor, child), DYNSUP_ENOPROC);
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(program->made, 1);
    assert_true(a->replied && a->reply.status == 0);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 1);
}

/* Each is the parent of the next one. */
static void a_long_row_of_nested_supervisors_stops_without_recursion(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    dynsup_pid first = test_supervisor(test, NULL), last = first;
    for (int i = 1; i < MANY; i++) {
        test_body parent = {.test = test, .pid = last}; /* as a guest would */
        test_enter(&parent);
        last = test_supervisor(test, NULL);
        test_leave(test);
    }
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), MANY);
    test_signal(test, NULL, first, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
}

static void many_children_stop_in_one_go(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    for (int i = 0; i < MANY; i++) {
        dynsup_child_spec spec = {.restart = DYNSUP_TEMPORARY, .shutdown_ms = 5000};
        spec.body_ops = &test_body_ops;
        spec.body = test_body_new(test);
        ((test_body *)spec.body)->traps = i % 2;
        assert_int_equal(test_start(test, NULL, supervisor, &spec), 0);
    }
    test_run(test);
    test_counts(test, supervisor, MANY, MANY, 0, MANY);
    test_stop(test, a, supervisor, DYNSUP_NORMAL);
    test->alloc.fail_at = test->alloc.requests + MANY; /* except messages to trapping processes */
    test->alloc.for_ever = true;
    test_pass(test, 5000);
    test->alloc.fail_at = 0;
    assert_true(a->replied);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

/* ---- without memory ---- */

static void scenario_stop(test_host *test) {
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    test_program *program = test_program_new(test);
    if (!supervisor) {
        program->released = true;
        return;
    }
    dynsup_child_spec spec = test_spec(program);
    program->traps = true;
    bool started = test_start(test, a, supervisor, &spec) == 0;
    test_run(test);
    if (started) {
        int status = test_terminate(test, a, supervisor, program->last->pid);
        assert_true(status == DYNSUP_PENDING || status == DYNSUP_ENOMEM);
    }
    test_pass(test, 5000);
    int status = test_stop(test, a, supervisor, DYNSUP_NORMAL);
    assert_true(status == DYNSUP_PENDING || status == DYNSUP_ENOMEM);
    test_pass(test, 5000);
    assert_true(a->replied);
    assert_int_equal(dynsup_is_alive(test->host, supervisor), status == DYNSUP_ENOMEM);
}

static void stopping_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_stop);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_child_is_asked_with_shutdown),
        TEST(a_child_that_traps_may_take_its_time_and_then_is_killed),
        TEST(brutal_kill_kills_at_once),
        TEST(infinity_waits_for_ever),
        TEST(what_is_no_child_is_not_found),
        TEST(all_children_stop_at_once_and_each_has_its_time),
        TEST(a_supervisor_that_stops_refuses_and_restarts_nothing),
        TEST(a_long_row_of_nested_supervisors_stops_without_recursion),
        TEST(many_children_stop_in_one_go),
        cmocka_unit_test(stopping_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
