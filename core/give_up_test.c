/* Tests of children with their own limit of restarts: how they fail, and are started again. */
#include "test_static.h"

static const dynsup_restart_limit two_in_5_s = {.max_restarts = 2, .period_ms = 5000};

static dynsup_child_spec limited(test_program *program) {
    dynsup_child_spec spec = test_spec(program);
    spec.restart_limit = &two_in_5_s;
    return spec;
}

/* Crashes it three times in a row. */
static void exhaust(test_host *test, test_program *program) {
    for (int i = 0; i < 3; i++)
        test_crash(test, program);
}

/* The last pid of the supervisor's first child, which has failed. */
static dynsup_pid failed_child(test_host *test, dynsup_pid supervisor) {
    dynsup_child_info info;
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    assert_non_null(cursor);
    assert_true(dynsup_cursor_next(cursor, &info));
    dynsup_cursor_close(test->host, cursor);
    assert_int_equal(info.state, DYNSUP_CHILD_FAILED);
    assert_int_equal(info.pid, 0);
    return info.last_pid;
}

static int restart(test_host *test, test_body *caller, dynsup_pid supervisor, dynsup_pid pid,
                   const char *name) {
    test_enter(caller);
    int status =
        test_asked(caller, dynsup_restart_child(test->host, supervisor, pid, name,
                                                name ? strlen(name) : 0, true, &caller->reply));
    test_run(test);
    assert_true(caller->replied);
    return status == DYNSUP_PENDING ? caller->reply.status : status;
}

static void who_waits_for_its_restart_is_not_restarted_besides(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 3);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = test_spec(f.program);
    spec.backoff = &backoff;
    dynsup_pid child = test_started(test, f.a, f.supervisor, &spec);
    test_crash(test, f.program);
    assert_int_equal(restart(test, f.a, f.supervisor, child, NULL), DYNSUP_ERESTARTING);
    test_settle(test);
    assert_int_equal(restart(test, f.a, f.supervisor, f.program->last->pid, NULL), DYNSUP_ERUNNING);
    assert_int_equal(f.program->made, 2);
}

static void one_restart_too_many_makes_it_failed(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    for (int i = 0; i < 2; i++)
        test_crash(test, f.program);
    assert_true(test_alive(f.program->last));
    test_crash(test, f.program);
    assert_int_equal(failed_child(test, f.supervisor), f.program->last->pid);
    assert_int_equal(f.program->made, 3);
    assert_true(dynsup_is_alive(test->host, f.supervisor));
    test_counts(test, f.supervisor, 1, 0, 0, 1);
    const test_event *event = test_last_event(test, DYNSUP_EVENT_CHILD_FAILED);
    assert_int_equal(event->restarts, 3);
    assert_int_equal(event->pid, f.program->last->pid);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_REMOVED), 0);
}

static void its_restarts_are_nothing_to_its_supervisor_and_its_siblings(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0); /* one restart ends the supervisor */
    test_program *other = test_program_new(test);
    dynsup_child_spec spec = test_spec(other);
    test_started(test, f.a, f.supervisor, &spec);
    spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    exhaust(test, f.program);
    assert_true(test_alive(other->last));
    test_crash(test, other);
    assert_false(dynsup_is_alive(test->host, f.supervisor));
    assert_int_equal(test_events(test, DYNSUP_EVENT_GAVE_UP), 1);
}

static void restarts_older_than_its_period_do_not_count(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    for (int i = 0; i < 20; i++) {
        test_crash(test, f.program);
        test_pass(test, 2501);
    }
    assert_true(test_alive(f.program->last));
    assert_int_equal(f.program->made, 21);
}

static void delayed_restarts_and_failing_ones_count(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_backoff backoff = {.min_ms = 100, .max_ms = 100, .factor = 1, .reset_after_ms = 1e9};
    dynsup_child_spec spec = limited(f.program);
    spec.backoff = &backoff;
    test_started(test, f.a, f.supervisor, &spec);
    test_crash(test, f.program);
    f.program->fails = DYNSUP_EREASON;
    test_settle(test);
    failed_child(test, f.supervisor);
    assert_int_equal(f.program->made, 3);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_DELAYED), 2);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 2);
}

static void a_failed_child_is_removed_by_terminate_child_and_by_the_end(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    exhaust(test, f.program);
    assert_int_equal(test_terminate(test, f.a, f.supervisor, failed_child(test, f.supervisor)), 0);
    test_counts(test, f.supervisor, 0, 0, 0, 0);
    f.program = test_program_new(test);
    spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    exhaust(test, f.program);
    test_stop(test, f.a, f.supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_true(f.a->replied && f.a->reply.status == 0);
    assert_true(f.program->released);
}

static void its_name_stays_its(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = test_spec_named(f.program, "it");
    spec.restart_limit = &two_in_5_s;
    test_started(test, f.a, f.supervisor, &spec);
    assert_false(dynsup_name_failed(test->host, "it", 2));
    exhaust(test, f.program);
    assert_int_equal(test_whereis(test, "it"), 0);
    assert_true(dynsup_name_failed(test->host, "it", 2));
    spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_start(test, f.a, f.supervisor, &spec), DYNSUP_EALREADY_STARTED);
    assert_int_equal(f.a->reply.pid, 0);
    spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, f.a, f.supervisor, &spec), DYNSUP_EFAILED);
    assert_int_equal(restart(test, f.a, f.supervisor, 0, "it"), 0);
    assert_int_equal(test_whereis(test, "it"), f.program->last->pid);
}

static void who_waits_for_it_is_told_that_it_has_failed(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_backoff backoff = {.min_ms = 100, .max_ms = 100, .factor = 1, .reset_after_ms = 1e9};
    dynsup_child_spec spec = test_spec_named(f.program, "it");
    spec.restart_limit = &two_in_5_s;
    spec.backoff = &backoff;
    test_started(test, f.a, f.supervisor, &spec);
    f.program->fails = DYNSUP_EREASON;
    test_crash(test, f.program);
    spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, f.a, f.supervisor, &spec), DYNSUP_PENDING);
    test_settle(test);
    assert_true(f.a->replied);
    assert_int_equal(f.a->reply.status, DYNSUP_EFAILED);
}

static void restart_child_starts_it_with_a_clean_record(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    exhaust(test, f.program);
    dynsup_pid last = failed_child(test, f.supervisor);
    assert_int_equal(restart(test, f.a, f.supervisor, last, NULL), 0);
    assert_int_equal(f.a->reply.pid, f.program->last->pid);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_RESTARTED)->incarnation, 4);
    assert_int_equal(restart(test, f.a, f.supervisor, f.a->reply.pid, NULL), DYNSUP_ERUNNING);
    assert_int_equal(restart(test, f.a, f.supervisor, last, NULL), DYNSUP_ENOT_FOUND);
    for (int i = 0; i < 2; i++)
        test_crash(test, f.program);
    assert_true(test_alive(f.program->last));
    test_crash(test, f.program);
    failed_child(test, f.supervisor);
}

static void a_restart_by_hand_that_fails_leaves_it_failed(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    dynsup_child_spec spec = limited(f.program);
    test_started(test, f.a, f.supervisor, &spec);
    exhaust(test, f.program);
    f.program->fails = DYNSUP_EREASON;
    dynsup_pid last = failed_child(test, f.supervisor);
    assert_int_equal(restart(test, f.a, f.supervisor, last, NULL), DYNSUP_EREASON);
    assert_int_equal(f.a->reply.values[0].kind, DYNSUP_OBJECT);
    assert_int_equal(failed_child(test, f.supervisor), last);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 0);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_REFUSED), 1);
}

/* A failed child with a start function. */
static dynsup_pid failed_guest(test_host *test, test_family *f, test_plan *plan) {
    f->program->released = true; /* no child has it */
    f->program = test_guest_program(test, plan);
    dynsup_child_spec spec = limited(f->program);
    spec.guest = true;
    test_started(test, f->a, f->supervisor, &spec);
    for (int i = 0; i < 3; i++) {
        test_signal(test, NULL, plan->made->pid, DYNSUP_KILL);
        test_run(test);
    }
    return failed_child(test, f->supervisor);
}

static void a_start_function_is_run_by_hand_as_well(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    test_plan plan = {0};
    dynsup_pid last = failed_guest(test, &f, &plan);
    assert_int_equal(restart(test, f.a, f.supervisor, last, NULL), 0);
    assert_int_equal(f.a->reply.pid, plan.made->pid);
    test_counts(test, f.supervisor, 1, 1, 0, 1);
}

static void a_start_function_that_asks_to_be_ignored_removes_it(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 0);
    test_plan plan = {0};
    dynsup_pid last = failed_guest(test, &f, &plan);
    plan.status = DYNSUP_EIGNORE;
    assert_int_equal(restart(test, f.a, f.supervisor, last, NULL), DYNSUP_EIGNORE);
    test_counts(test, f.supervisor, 0, 0, 0, 0);
}

/* ---- static supervisors ---- */

static test_order ordered(test_host *test, test_body *caller, enum dynsup_strategy strategy) {
    test_order order = {.options.strategy = strategy};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.specs[1].restart_limit = &two_in_5_s;
    test_order_ask(test, caller, &order);
    test_run(test);
    order.pid = caller->reply.pid;
    return order;
}

static void a_failed_child_leaves_its_group_alone_and_is_left_alone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = ordered(test, a, DYNSUP_ONE_FOR_ALL);
    for (int i = 0; i < 2; i++)
        test_kill_child(test, order.pid, 2);
    test_made(&order, "3 3 3");
    test_kill_child(test, order.pid, 2);
    test_made(&order, "3 3 3");
    test_children(test, order.pid, "1 2- 3");
    test_kill_child(test, order.pid, 3);
    test_made(&order, "4 3 4");
    test_children(test, order.pid, "1 2- 3");
}

static void those_behind_a_child_that_fails_to_start_are_started_without_it(void **state) {
    test_host *test = *state;
    for (int s = DYNSUP_ONE_FOR_ALL; s <= DYNSUP_REST_FOR_ONE; s++) {
        test_body *a = test_spawn_trapping(test);
        test_order order = ordered(test, a, (enum dynsup_strategy)s);
        order.programs[1]->fails = DYNSUP_EREASON;
        test_kill_child(test, order.pid, 2);
        test_children(test, order.pid, "1 2- 3");
        assert_true(dynsup_is_alive(test->host, order.pid));
        assert_int_equal(order.programs[1]->made, 3);
    }
}

static void it_is_restarted_deleted_and_terminated_by_its_id(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = ordered(test, a, DYNSUP_ONE_FOR_ONE);
    for (int i = 0; i < 3; i++)
        test_kill_child(test, order.pid, 2);
    order.programs[1]->fails = DYNSUP_EREASON;
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_RESTART_BY_ID, 2), DYNSUP_EREASON);
    order.programs[1]->fails = 0;
    assert_int_equal(restart(test, a, order.pid, order.programs[1]->last->pid, NULL), 0);
    test_children(test, order.pid, "1 2 3");
    for (int i = 0; i < 3; i++)
        test_kill_child(test, order.pid, 2);
    test_children(test, order.pid, "1 2- 3");
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 2), 0);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_RESTART_BY_ID, 2), 0);
    for (int i = 0; i < 3; i++)
        test_kill_child(test, order.pid, 2);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_DELETE_BY_ID, 2), 0);
    test_children(test, order.pid, "1 3");
    test_stop(test, a, order.pid, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
}

static void who_waits_for_all_significant_waits_no_longer_for_one_that_is_deleted(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.auto_shutdown = DYNSUP_ALL_SIGNIFICANT};
    for (int i = 0; i < 2; i++) {
        dynsup_child_spec *spec = test_order_add(test, &order);
        spec->restart = DYNSUP_TRANSIENT;
        spec->significant = true;
    }
    order.specs[0].restart_limit = &two_in_5_s;
    test_order_start(test, a, &order);
    for (int i = 0; i < 3; i++)
        test_kill_child(test, order.pid, 1);
    test_children(test, order.pid, "1- 2");
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_DELETE_BY_ID, 1), 0);
    assert_true(dynsup_is_alive(test->host, order.pid));
    test_exit_atom(order.programs[1]->last, DYNSUP_NORMAL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, order.pid));
}

/* ---- without memory ---- */

static void scenario(test_host *test) {
    test_family f = {.a = test_spawn_trapping(test)};
    f.supervisor = f.a ? test_supervisor(test, f.a) : 0;
    if (!f.supervisor)
        return;
    f.program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(f.program, "it");
    spec.restart_limit = &two_in_5_s;
    test_start(test, f.a, f.supervisor, &spec);
    test_run(test);
    for (int i = 0; i < 3 && f.program->last; i++) {
        if (test_alive(f.program->last))
            test_crash(test, f.program);
        test_pass(test, 1);
    }
    if (dynsup_name_failed(test->host, "it", 2))
        restart(test, f.a, f.supervisor, 0, "it");
    test_settle(test);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_waits_for_its_restart_is_not_restarted_besides),
        TEST(one_restart_too_many_makes_it_failed),
        TEST(its_restarts_are_nothing_to_its_supervisor_and_its_siblings),
        TEST(restarts_older_than_its_period_do_not_count),
        TEST(delayed_restarts_and_failing_ones_count),
        TEST(a_failed_child_is_removed_by_terminate_child_and_by_the_end),
        TEST(its_name_stays_its),
        TEST(who_waits_for_it_is_told_that_it_has_failed),
        TEST(restart_child_starts_it_with_a_clean_record),
        TEST(a_restart_by_hand_that_fails_leaves_it_failed),
        TEST(a_start_function_is_run_by_hand_as_well),
        TEST(a_start_function_that_asks_to_be_ignored_removes_it),
        TEST(a_failed_child_leaves_its_group_alone_and_is_left_alone),
        TEST(those_behind_a_child_that_fails_to_start_are_started_without_it),
        TEST(it_is_restarted_deleted_and_terminated_by_its_id),
        TEST(who_waits_for_all_significant_waits_no_longer_for_one_that_is_deleted),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
