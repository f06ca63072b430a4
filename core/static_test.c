/* Tests of static supervisors: starts, strategies, requests by id. */
#include "test_static.h"

/* ---- starts ---- */

static void children_start_in_order_and_stop_in_reverse(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 3);
    test_counts(test, order.pid, 3, 3, 0, 3);
    test_children(test, order.pid, "1 2 3");
    for (int i = 0; i < 3; i++)
        order.programs[i]->last->traps = true;
    test_stop(test, a, order.pid, DYNSUP_NORMAL);
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    test_got_exit(a, order.pid, DYNSUP_NORMAL);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static void a_child_is_told_to_stop_when_the_one_behind_it_is_down(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    for (int i = 0; i < 3; i++) {
        test_order_add(test, &order)->shutdown_ms = 100;
        order.programs[i]->traps = true;
    }
    test_order_ask(test, a, &order);
    test_run(test);
    test_body *bodies[3];
    for (int i = 0; i < 3; i++)
        bodies[i] = order.programs[i]->last;
    test_stop(test, a, a->reply.pid, DYNSUP_NORMAL);
    test_run(test);
    for (int at = 2; at >= 0; at--) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(bodies[i]->received, i >= at);
        test_pass(test, 99);
        assert_true(test_alive(bodies[at]) && !a->replied);
        test_pass(test, 1);
        assert_false(test_alive(bodies[at]));
    }
    assert_true(a->replied);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 3);
}

static void a_failed_start_stops_what_has_started_and_says_why(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    for (int i = 0; i < 4; i++)
        test_order_add(test, &order);
    order.programs[2]->fails = DYNSUP_EREASON;
    assert_int_equal(test_order_ask(test, a, &order), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EFAILED_TO_START);
    assert_int_equal(a->reply.values[0].kind, DYNSUP_OBJECT);
    assert_int_equal(a->reply.values[2].as.integer, 3);
    test_made(&order, "1 1 1 0");
    assert_int_equal(dynsup_host_process_count(test->host), 1);
    assert_int_equal(a->received, 0);
}

static void ids_are_required_and_not_given_twice(void **state) {
    test_host *test = *state;
    dynsup_draft *draft = dynsup_draft_new(test->host);
    assert_non_null(draft);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(dynsup_draft_add(draft, &spec), DYNSUP_EMISSING_ID);
    for (int i = 0; i < 2; i++) {
        spec = test_spec(test_program_new(test));
        spec.id = test_integer(1);
        assert_int_equal(dynsup_draft_add(draft, &spec), i ? DYNSUP_EDUPLICATE_ID : 0);
    }
    dynsup_draft_free(draft);
}

static void a_ready_child_holds_up_the_next_one(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    test_order_add(test, &order)->ready = true;
    test_order_add(test, &order);
    test_order_ask(test, a, &order);
    test_run(test);
    assert_false(a->replied);
    test_made(&order, "1 0");
    dynsup_value info = test_object(test);
    test_enter(order.programs[0]->last);
    dynsup_ready(test->host, &info);
    test_leave(test);
    test_run(test);
    test_made(&order, "1 1");
    assert_true(a->replied && a->reply.status == 0);
}

static void a_child_that_is_never_ready_is_killed_in_time(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    test_order_add(test, &order);
    dynsup_child_spec *spec = test_order_add(test, &order);
    spec->ready = true;
    spec->start_timeout_ms = 50;
    test_order_ask(test, a, &order);
    test_pass(test, 49);
    assert_false(a->replied);
    test_pass(test, 1);
    assert_int_equal(a->reply.status, DYNSUP_EFAILED_TO_START);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_TIMEOUT);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static void the_ignored_stay_as_specs_unless_they_are_temporary(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    test_plan plan = {.status = DYNSUP_EIGNORE};
    test_order_add_guest(test, &order, &plan);
    test_order_add_guest(test, &order, &plan)->restart = DYNSUP_TEMPORARY;
    test_order_add(test, &order);
    test_order_ask(test, a, &order);
    test_run(test);
    test_children(test, a->reply.pid, "1- 3");
    test_counts(test, a->reply.pid, 2, 1, 0, 2);
}

/* ---- strategies ---- */

static void one_for_one_restarts_the_child_alone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 3);
    test_kill_child(test, order.pid, 2);
    test_made(&order, "1 2 1");
    test_children(test, order.pid, "1 2 3");
}

static void one_for_all_restarts_all(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ALL, 3);
    test_kill_child(test, order.pid, 2);
    test_made(&order, "2 2 2");
    test_children(test, order.pid, "1 2 3");
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->restarts, 0);
    test_kill_child(test, order.pid, 2);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->restarts, 1);
}

static void rest_for_one_restarts_the_child_and_those_behind_it(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_REST_FOR_ONE, 3);
    test_kill_child(test, order.pid, 2);
    test_made(&order, "1 2 2");
    test_kill_child(test, order.pid, 1);
    test_made(&order, "2 3 3");
    test_kill_child(test, order.pid, 3);
    test_made(&order, "2 3 4");
}

static void temporary_siblings_go_and_do_not_come_back(void **state) {
    test_host *test = *state;
    for (int strategy = DYNSUP_ONE_FOR_ALL; strategy <= DYNSUP_REST_FOR_ONE; strategy++) {
        test_body *a = test_spawn_trapping(test);
        test_order order = {.options.strategy = (enum dynsup_strategy)strategy};
        for (int i = 0; i < 4; i++)
            test_order_add(test, &order)->restart = i % 2 ? DYNSUP_PERMANENT : DYNSUP_TEMPORARY;
        test_order_ask(test, a, &order);
        test_run(test);
        order.pid = a->reply.pid;
        test_kill_child(test, order.pid, 2);
        test_children(test, order.pid, strategy == DYNSUP_ONE_FOR_ALL ? "2 4" : "1 2 4");
        test_made(&order, "1 2 1 2");
    }
}

static void who_was_down_is_started_with_the_rest(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ALL, 2);
    test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    test_children(test, order.pid, "1- 2");
    test_kill_child(test, order.pid, 2);
    test_children(test, order.pid, "1 2");
}

static void a_restart_that_fails_is_tried_again_from_there(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ALL, 3);
    order.programs[1]->fails = DYNSUP_EREASON;
    test_signal(test, NULL, test_child(test, order.pid, 3, NULL), DYNSUP_KILL);
    test_run(test); /* 1 + 3 attempts, and the supervisor gives up */
    assert_false(dynsup_is_alive(test->host, order.pid));
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 3);
    assert_int_equal(test_events(test, DYNSUP_EVENT_GAVE_UP), 1);
    test_made(&order, "4 4 1");
    test_got_exit(a, order.pid, DYNSUP_SHUTDOWN);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static void backoff_delays_the_restart_of_the_whole_group(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    dynsup_backoff backoff = dynsup_backoff_defaults();
    backoff.jitter = 0;
    test_order_add(test, &order);
    test_order_add(test, &order)->backoff = &backoff;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 2);
    test_children(test, order.pid, "1 2?");
    test_pass(test, 99);
    test_made(&order, "1 1");
    test_pass(test, 1);
    test_made(&order, "2 2");
    test_children(test, order.pid, "1 2");
}

/* ---- significant children ---- */

static void significant(test_host *test, test_body *a, test_order *order,
                        enum dynsup_auto_shutdown when) {
    order->options.auto_shutdown = when;
    for (int i = 0; i < 3; i++) {
        dynsup_child_spec *spec = test_order_add(test, order);
        spec->significant = i < 2;
        spec->restart = i == 0 ? DYNSUP_TRANSIENT : DYNSUP_TEMPORARY;
    }
    test_order_ask(test, a, order);
    test_run(test);
    order->pid = a->reply.pid;
}

static void any_significant_end_ends_the_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    significant(test, a, &order, DYNSUP_ANY_SIGNIFICANT);
    test_kill_child(test, order.pid, 3); /* not significant */
    test_kill_child(test, order.pid, 1); /* restarted */
    test_children(test, order.pid, "1 2");
    test_kill_child(test, order.pid, 2);
    assert_false(dynsup_is_alive(test->host, order.pid));
    test_got_exit(a, order.pid, DYNSUP_SHUTDOWN);
}

static void all_significant_ends_end_the_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    significant(test, a, &order, DYNSUP_ALL_SIGNIFICANT);
    test_kill_child(test, order.pid, 2);
    test_children(test, order.pid, "1 3");
    test_exit_atom(order.programs[0]->last, DYNSUP_NORMAL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, order.pid));
}

static void a_significant_child_that_is_terminated_ends_nothing(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    significant(test, a, &order, DYNSUP_ANY_SIGNIFICANT);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1), 0);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 2), 0);
    test_children(test, order.pid, "1- 3");
}

/* ---- requests ---- */

static void a_terminated_child_stays_and_can_be_restarted_or_deleted(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 2);
    dynsup_pid pid = order.pid;
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_RESTART_BY_ID, 1), DYNSUP_ERUNNING);
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_DELETE_BY_ID, 1), DYNSUP_ERUNNING);
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_TERMINATE_BY_ID, 1), 0);
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_TERMINATE_BY_ID, 1), 0);
    test_children(test, pid, "1- 2");
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_RESTART_BY_ID, 1), 0);
    assert_int_equal(a->reply.pid, test_child(test, pid, 1, NULL));
    test_done_by_id(test, a, pid, DYNSUP_TERMINATE_BY_ID, 1);
    assert_int_equal(test_done_by_id(test, a, pid, DYNSUP_DELETE_BY_ID, 1), 0);
    test_children(test, pid, "2");
    for (int what = DYNSUP_TERMINATE_BY_ID; what <= DYNSUP_DELETE_BY_ID; what++)
        assert_int_equal(test_done_by_id(test, a, pid, (enum dynsup_static_request)what, 1),
                         DYNSUP_ENOT_FOUND);
}

static void a_restarting_child_is_neither_restarted_nor_deleted(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    test_order order = {0};
    test_order_add(test, &order)->backoff = &backoff;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 1);
    test_children(test, order.pid, "1?");
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_RESTART_BY_ID, 1),
                     DYNSUP_ERESTARTING);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_DELETE_BY_ID, 1),
                     DYNSUP_ERESTARTING);
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1), 0);
    test_children(test, order.pid, "1-");
    test_settle(test);
    test_made(&order, "1");
}

static void a_new_child_needs_a_new_id(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    static const int expected[] = {DYNSUP_EALREADY_STARTED, DYNSUP_EALREADY_PRESENT, 0};
    for (int i = 0; i < 3; i++) {
        dynsup_child_spec spec = test_spec(test_program_new(test));
        spec.id = test_integer(i < 2 ? 1 : 2);
        assert_int_equal(test_start(test, a, order.pid, &spec), DYNSUP_PENDING);
        test_run(test);
        assert_int_equal(a->reply.status, expected[i]);
        test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    }
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_start(test, a, order.pid, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EMISSING_ID);
    test_children(test, order.pid, "1- 2");
}

static void a_dynamic_supervisor_has_no_ids(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    assert_int_equal(test_by_id(test, a, supervisor, DYNSUP_RESTART_BY_ID, 1), DYNSUP_ENOT_STATIC);
    assert_int_equal(test_by_id(test, a, a->pid, DYNSUP_RESTART_BY_ID, 1),
                     DYNSUP_ENOT_A_SUPERVISOR);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(children_start_in_order_and_stop_in_reverse),
        TEST(a_child_is_told_to_stop_when_the_one_behind_it_is_down),
        TEST(a_failed_start_stops_what_has_started_and_says_why),
        TEST(ids_are_required_and_not_given_twice),
        TEST(a_ready_child_holds_up_the_next_one),
        TEST(a_child_that_is_never_ready_is_killed_in_time),
        TEST(the_ignored_stay_as_specs_unless_they_are_temporary),
        TEST(one_for_one_restarts_the_child_alone),
        TEST(one_for_all_restarts_all),
        TEST(rest_for_one_restarts_the_child_and_those_behind_it),
        TEST(temporary_siblings_go_and_do_not_come_back),
        TEST(who_was_down_is_started_with_the_rest),
        TEST(a_restart_that_fails_is_tried_again_from_there),
        TEST(backoff_delays_the_restart_of_the_whole_group),
        TEST(any_significant_end_ends_the_supervisor),
        TEST(all_significant_ends_end_the_supervisor),
        TEST(a_significant_child_that_is_terminated_ends_nothing),
        TEST(a_terminated_child_stays_and_can_be_restarted_or_deleted),
        TEST(a_restarting_child_is_neither_restarted_nor_deleted),
        TEST(a_new_child_needs_a_new_id),
        TEST(a_dynamic_supervisor_has_no_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
