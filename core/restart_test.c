/* Tests of restarts: restart types, intensity, retries, backoff. */
#include "test_host.h"

static dynsup_pid child_with(test_host *test, test_body *caller, dynsup_pid supervisor,
                             test_program *program, enum dynsup_restart restart) {
    dynsup_child_spec spec = test_spec(program);
    spec.restart = restart;
    return test_started(test, caller, supervisor, &spec);
}

/* Ends a fresh child of this restart type with this reason; true: it was started again. */
static bool restarts(test_host *test, enum dynsup_restart restart, enum dynsup_reason_class class,
                     dynsup_value value) {
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, a);
    test_program *program = test_program_new(test);
    child_with(test, a, supervisor, program, restart);
    test_exit(program->last, class, value);
    test_run(test);
    bool again = program->made == 2;
    test_counts(test, supervisor, again, again, 0, again);
    return again;
}

static void a_temporary_child_is_never_restarted(void **state) {
    test_host *test = *state;
    assert_false(restarts(test, DYNSUP_TEMPORARY, DYNSUP_REASON_OTHER, test_object(test)));
    assert_false(restarts(test, DYNSUP_TEMPORARY, DYNSUP_REASON_NORMAL, test_atom(DYNSUP_NORMAL)));
}

static void a_transient_child_is_restarted_after_an_abnormal_exit_only(void **state) {
    test_host *test = *state;
    assert_true(restarts(test, DYNSUP_TRANSIENT, DYNSUP_REASON_OTHER, test_object(test)));
    assert_true(restarts(test, DYNSUP_TRANSIENT, DYNSUP_REASON_KILL, test_atom(DYNSUP_KILL)));
    assert_false(restarts(test, DYNSUP_TRANSIENT, DYNSUP_REASON_NORMAL, test_atom(DYNSUP_NORMAL)));
    assert_false(
        restarts(test, DYNSUP_TRANSIENT, DYNSUP_REASON_SHUTDOWN, test_atom(DYNSUP_SHUTDOWN)));
    assert_false(restarts(test, DYNSUP_TRANSIENT, DYNSUP_REASON_SHUTDOWN, test_object(test)));
}

static void a_permanent_child_is_always_restarted(void **state) {
    test_host *test = *state;
    assert_true(restarts(test, DYNSUP_PERMANENT, DYNSUP_REASON_OTHER, test_object(test)));
    assert_true(restarts(test, DYNSUP_PERMANENT, DYNSUP_REASON_NORMAL, test_atom(DYNSUP_NORMAL)));
    assert_true(
        restarts(test, DYNSUP_PERMANENT, DYNSUP_REASON_SHUTDOWN, test_atom(DYNSUP_SHUTDOWN)));
}

static void a_restarted_child_is_the_next_incarnation_of_the_same_record(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_pid first = child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, program->last->pid, &info));
    assert_int_equal(info.incarnation, 2);
    assert_int_not_equal(program->last->pid, first);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_RESTARTED)->incarnation, 2);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->pid, first);
}

static void whoever_has_the_down_finds_the_counts_settled(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_pid child = child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    dynsup_ref ref;
    test_enter(a);
    assert_int_equal(dynsup_monitor(test->host, child, NULL, &ref), 0);
    test_leave(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    uint64_t deadline_ns;
    while (a->received == 0)
        dynsup_host_step(test->host, 0, &deadline_ns);
    test_got_down(a, ref, DYNSUP_KILLED);
    assert_int_equal(program->made, 2);
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_run(test);
}

/* ---- intensity ---- */

static void too_many_restarts_end_the_supervisor_with_shutdown(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, a);
    test_program *program = test_program_new(test), *other = test_program_new(test);
    child_with(test, a, supervisor, other, DYNSUP_PERMANENT);
    child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    for (int i = 0; i < 4; i++) {
        test_pass(test, 1000);
        assert_true(dynsup_is_alive(test->host, supervisor));
        test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
        test_run(test);
    }
    test_got_exit(a, supervisor, DYNSUP_SHUTDOWN);
    assert_int_equal(program->made, 4);
    assert_true(other->last->gone);
    assert_int_equal(test_events(test, DYNSUP_EVENT_GAVE_UP), 1);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_GAVE_UP)->restarts, 4);
}

static void restarts_older_than_the_period_do_not_count(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    for (int i = 0; i < 20; i++) {
        test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
        test_pass(test, 1667); /* three within any 5 s */
    }
    assert_true(dynsup_is_alive(test->host, supervisor));
    assert_int_equal(program->made, 21);
}

static void failed_attempts_count_and_take_turns(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    program->fails = DYNSUP_EREASON;
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
    assert_int_equal(program->made, 4);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 3);
}

static enum dynsup_slice act_repair(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    test_program *program = self->more;
    if (program->made < 10)
        return DYNSUP_SLICE_AGAIN;
    program->fails = 0;
    return DYNSUP_SLICE_WAIT;
}

static void a_restart_that_fails_is_tried_again_while_others_run(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 1000, 1);
    test_program *program = test_program_new(test);
    dynsup_pid child = child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    program->fails = DYNSUP_EREASON;
    test_body *other = test_spawn(test, NULL);
    other->act = act_repair;
    other->more = program;
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    uint64_t deadline_ns;
    while (program->made < 3)
        dynsup_host_step(test->host, 0, &deadline_ns);
    test_counts(test, supervisor, 1, 0, 0, 1);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EMAX_CHILDREN);
    test_run(test);
    assert_true(other->slices > 3);
    assert_int_not_equal(program->last->pid, child);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void a_restarting_child_is_terminated_by_its_last_pid(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, UINT64_MAX, 10);
    test_program *program = test_program_new(test);
    dynsup_pid child = child_with(test, a, supervisor, program, DYNSUP_PERMANENT);
    program->fails = DYNSUP_ENOMEM;
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    uint64_t deadline_ns;
    while (program->made < 3)
        dynsup_host_step(test->host, 0, &deadline_ns);
    assert_int_equal(test_terminate(test, a, supervisor, child), 0);
    test_run(test);
    assert_true(program->released);
    test_counts(test, supervisor, 0, 0, 0, 0);
    assert_int_equal(test_terminate(test, a, supervisor, child), DYNSUP_ENOT_FOUND);
}

/* ---- backoff ---- */

static dynsup_pid backed_off(test_host *test, test_body *caller, dynsup_pid supervisor,
                             test_program *program) {
    dynsup_backoff backoff = {
        .min_ms = 100, .max_ms = 1000, .factor = 2, .jitter = 0, .reset_after_ms = 5000};
    dynsup_child_spec spec = test_spec(program);
    spec.backoff = &backoff;
    return test_started(test, caller, supervisor, &spec);
}

static void backoff_delays_and_doubles_without_counting(void **state) {
    test_host *test = *state;
    static const double delays[] = {100, 200, 400, 800, 1000, 1000};
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 0, 10);
    test_program *program = test_program_new(test);
    backed_off(test, a, supervisor, program);
    for (size_t i = 0; i < 6; i++) {
        test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
        test_pass(test, delays[i] - 0.001);
        test_counts(test, supervisor, 1, 0, 0, 1);
        test_pass(test, 0.001);
        test_counts(test, supervisor, 1, 1, 0, 1);
    }
    test_pass(test, 5000); /* a long life ends the series */
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_DELAYED)->delay_ns, 100000000);
    test_settle(test);
}

static void a_failed_delayed_restart_is_delayed_further(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 0, 10);
    test_program *program = test_program_new(test);
    backed_off(test, a, supervisor, program);
    program->fails = DYNSUP_EREASON;
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_pass(test, 100);
    assert_int_equal(program->made, 2);
    test_pass(test, 200);
    assert_int_equal(program->made, 3);
    program->fails = 0;
    test_pass(test, 400);
    test_counts(test, supervisor, 1, 1, 0, 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 2);
}

static void a_child_in_its_delay_is_terminated_at_once(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 0, 10);
    test_program *program = test_program_new(test);
    dynsup_pid child = backed_off(test, a, supervisor, program);
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(test_terminate(test, a, supervisor, child), 0);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    program = test_program_new(test);
    backed_off(test, a, supervisor, program);
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(test_stop(test, a, supervisor, DYNSUP_NORMAL), DYNSUP_PENDING);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_true(a->replied);
}

static void a_restarted_child_that_is_never_ready_is_killed_and_restarted(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    spec.ready = true;
    spec.start_timeout_ms = 50;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    test_enter(program->last);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    test_run(test);
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1); /* this one is not waited for to be ready */
    test_pass(test, 50);
    assert_int_equal(program->made, 3);
    test_enter(program->last);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    assert_int_equal(program->made, 3);
}

static void scenario_restart(test_host *test) {
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor_with(test, NULL, 1000000, 10) : 0;
    test_program *program = test_program_new(test);
    if (!supervisor) {
        program->released = true;
        return;
    }
    dynsup_child_spec spec = test_spec(program);
    spec.name = "worker";
    spec.name_length = 6;
    int status = test_start(test, a, supervisor, &spec);
    test_run(test);
    for (int i = 0; status == 0 && i < 300; i++) { /* the window grows */
        uint64_t deadline_ns;
        test_signal(test, NULL, dynsup_whereis(test->host, "worker", 6), DYNSUP_KILL);
        for (int step = 0; step < 10; step++)
            dynsup_host_step(test->host, 0, &deadline_ns);
        test->alloc.fail_at = i == 10 ? 0 : test->alloc.fail_at;
        test->now_ns += 1000000;
    }
    test->alloc.fail_at = 0;
    test_run(test);
    test_counts(test, supervisor, status == 0, status == 0, 0, status == 0);
}

static void a_restart_without_memory_is_tried_again(void **state) {
    (void)state;
    test_host_sweep(scenario_restart);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_temporary_child_is_never_restarted),
        TEST(a_transient_child_is_restarted_after_an_abnormal_exit_only),
        TEST(a_permanent_child_is_always_restarted),
        TEST(a_restarted_child_is_the_next_incarnation_of_the_same_record),
        TEST(whoever_has_the_down_finds_the_counts_settled),
        TEST(too_many_restarts_end_the_supervisor_with_shutdown),
        TEST(restarts_older_than_the_period_do_not_count),
        TEST(failed_attempts_count_and_take_turns),
        TEST(a_restart_that_fails_is_tried_again_while_others_run),
        TEST(a_restarting_child_is_terminated_by_its_last_pid),
        TEST(backoff_delays_and_doubles_without_counting),
        TEST(a_failed_delayed_restart_is_delayed_further),
        TEST(a_child_in_its_delay_is_terminated_at_once),
        TEST(a_restarted_child_that_is_never_ready_is_killed_and_restarted),
        cmocka_unit_test(a_restart_without_memory_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
