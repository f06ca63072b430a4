/* Tests of what can interrupt or delay a static supervisor's job. */
#include "test_static.h"

/* Three children, of which the second takes its time: to be ready, or as a start function. */
static void slow(test_host *test, test_order *order, test_plan *plan) {
    test_order_add(test, order);
    if (plan)
        test_order_add_guest(test, order, plan);
    else
        test_order_add(test, order)->ready = true;
    test_order_add(test, order);
}

static void a_kill_in_the_middle_of_the_start_leaves_nothing(void **state) {
    test_host *test = *state;
    for (int by_guest = 0; by_guest < 2; by_guest++) {
        test_body *a = test_spawn_trapping(test);
        test_plan plan = {.waits = true};
        test_order order = {.options.name = "sup", .options.name_length = 3};
        slow(test, &order, by_guest ? &plan : NULL);
        test_order_ask(test, a, &order);
        test_run(test);
        assert_false(a->replied);
        test_signal(test, NULL, test_whereis(test, "sup"), DYNSUP_KILL);
        test_run(test);
        assert_int_equal(a->reply.status, DYNSUP_EREASON);
        assert_int_equal(a->reply.values[0].as.atom, DYNSUP_KILLED);
        assert_int_equal(a->received, 0); /* a failed start sends no signal */
        test_made(&order, "1 1 0");
        assert_int_equal(dynsup_host_process_count(test->host), 1 + (size_t)by_guest);
    }
}

static void a_kill_before_the_start_has_begun_leaves_nothing(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.name = "sup", .options.name_length = 3};
    slow(test, &order, NULL);
    test_order_ask(test, a, &order);
    test_signal(test, NULL, test_whereis(test, "sup"), DYNSUP_KILL);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->received, 0);
    test_made(&order, "0 0 0");
}

static void the_end_of_its_caller_ends_the_start(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_order order = {0};
    slow(test, &order, NULL);
    test_order_ask(test, a, &order);
    test_run(test);
    test_signal(test, NULL, a->pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
    test_made(&order, "1 1 0");
}

static void an_exit_during_the_start_is_handled_after_it(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    test_plan plan = {.waits = true};
    order.options.name = "sup";
    order.options.name_length = 3;
    slow(test, &order, &plan);
    test_order_ask(test, a, &order);
    test_run(test);
    test_signal(test, NULL, order.programs[0]->last->pid, DYNSUP_KILL);
    test_run(test);
    test_made(&order, "1 1 0");
    test_say_go(test, test_whereis(test, "sup"));
    assert_int_equal(a->reply.status, 0);
    test_made(&order, "2 1 1");
    test_children(test, a->reply.pid, "1 2 3");
}

static void say_ready(test_host *test, test_body *body) {
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    test_enter(body);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    test_run(test);
}

/* Those behind it are stopped first. */
static void a_child_whose_start_is_cut_short_may_still_say_ready(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
    test_order order = {0};
    test_order_add(test, &order)->ready = true;
    test_order_add(test, &order);
    order.programs[1]->traps = true;
    test_order_ask(test, a, &order);
    test_run(test);
    say_ready(test, order.programs[0]->last);
    assert_int_equal(a->reply.status, 0);
    order.pid = a->reply.pid;
    assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1), 0);
    assert_int_equal(test_by_id(test, b, order.pid, DYNSUP_RESTART_BY_ID, 1), DYNSUP_PENDING);
    test_run(test);
    test_signal(test, a, order.pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(b->reply.status, DYNSUP_ENOPROC);
    say_ready(test, order.programs[0]->last);
    assert_true(test_alive(order.programs[0]->last)); /* the second child is not down yet */
    assert_true(test_alive(order.programs[1]->last));
    test_pass(test, 5000);
    test_got_exit(a, order.pid, DYNSUP_SHUTDOWN);
}

static void a_sibling_that_crashes_while_a_group_is_stopped_is_reported_only(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.programs[2]->traps = true;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 2);
    test_made(&order, "1 1 1");          /* the third child takes its time */
    test_kill_child(test, order.pid, 1); /* and the first ends before it is asked to */
    test_exit_atom(order.programs[2]->last, DYNSUP_SHUTDOWN);
    test_run(test);
    test_made(&order, "2 2 2");
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 1);
}

static void a_sibling_that_shuts_down_by_itself_meanwhile_is_no_error(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.programs[2]->traps = true;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 2);
    test_exit_atom(order.programs[0]->last, DYNSUP_SHUTDOWN);
    test_run(test);
    test_exit_atom(order.programs[2]->last, DYNSUP_SHUTDOWN);
    test_run(test);
    test_made(&order, "2 2 2");
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 0);
}

static void a_terminated_restart_leaves_no_turn_behind(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = {0};
    test_plan plan = {0};
    test_order_add_guest(test, &order, &plan);
    test_order_start(test, a, &order);
    plan.waits = true;
    plan.status = DYNSUP_EBAD_RETURN;
    test_kill_child(test, order.pid, 1); /* the restart waits, and will fail */
    test_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    test_by_id(test, b, order.pid, DYNSUP_RESTART_BY_ID, 1);
    test_say_go(test, order.pid); /* it is to be tried again behind these two */
    assert_true(a->replied && a->reply.status == 0);
    plan.status = 0;
    test_say_go(test, order.pid);
    assert_true(b->replied && b->reply.status == 0);
    test_program *slow = test_program_new(test);
    dynsup_child_spec spec = test_spec(slow);
    spec.id = test_integer(2);
    spec.ready = true;
    test_start(test, a, order.pid, &spec);
    test_run(test);
    test_kill_child(test, order.pid, 1); /* waits for its turn */
    dynsup_value info = {0};
    test_enter(slow->last);
    dynsup_ready(test->host, &info);
    test_leave(test);
    test_run(test);
    test_say_go(test, order.pid);
    test_children(test, order.pid, "1 2");
}

static void requests_wait_until_a_restart_is_done(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *c = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    for (int i = 0; i < 2; i++)
        test_order_add(test, &order);
    order.programs[1]->traps = true;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 1);
    test_by_id(test, b, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    test_by_id(test, c, order.pid, DYNSUP_DELETE_BY_ID, 1);
    test_run(test);
    assert_false(b->replied || c->replied);
    test_pass(test, 5000);
    assert_true(b->replied && b->reply.status == 0);
    assert_true(c->replied && c->reply.status == 0);
    test_made(&order, "2 2");
    test_children(test, order.pid, "2");
}

static void the_parent_s_signal_cuts_a_restart_short(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.programs[1]->traps = true;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 1); /* the third is down, the second takes its time */
    test_by_id(test, b, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    test_signal(test, a, order.pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(b->reply.status, DYNSUP_ENOPROC);
    assert_true(dynsup_is_alive(test->host, order.pid));
    test_pass(test, 5000);
    assert_false(dynsup_is_alive(test->host, order.pid));
    test_got_exit(a, order.pid, DYNSUP_SHUTDOWN);
    test_made(&order, "1 1 1");
}

static void a_kill_in_the_middle_of_a_restart_tells_who_waits(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_REST_FOR_ONE};
    for (int i = 0; i < 2; i++)
        test_order_add(test, &order);
    order.programs[1]->traps = true;
    test_order_start(test, a, &order);
    test_kill_child(test, order.pid, 1);
    test_by_id(test, b, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    test_signal(test, NULL, order.pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(b->reply.status, DYNSUP_ENOPROC);
    test_got_exit(a, order.pid, DYNSUP_KILLED);
}

static void a_stop_waits_its_turn_and_a_second_one_for_the_same_end(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = {0};
    for (int i = 0; i < 2; i++)
        test_order_add(test, &order);
    order.programs[1]->traps = true;
    test_order_start(test, a, &order);
    test_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 2);
    test_run(test);
    test_stop(test, b, order.pid, DYNSUP_NORMAL);
    test_run(test);
    assert_false(a->replied || b->replied);
    test_pass(test, 5000);
    assert_true(a->replied && a->reply.status == 0);
    assert_true(b->replied && b->reply.status == 0);
}

static void stopping_a_stopping_supervisor_waits_for_its_end(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = {0};
    test_order_add(test, &order);
    order.programs[0]->traps = true;
    test_order_start(test, a, &order);
    test_stop(test, a, order.pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(test_stop(test, b, order.pid, DYNSUP_NORMAL), DYNSUP_PENDING);
    test_pass(test, 5000);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(b->reply.status, DYNSUP_EREASON);
}

static void a_start_function_may_return_who_is_dead_already(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *dead = test_spawn(test, NULL);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    test_plan plan = {.pid = dead->pid};
    test_exit_atom(dead, DYNSUP_NORMAL);
    test_order_add_guest(test, &order, &plan)->restart = DYNSUP_TRANSIENT;
    test_order_add(test, &order);
    test_run(test);
    test_order_ask(test, a, &order);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    assert_false(dynsup_is_alive(test->host, a->reply.pid)); /* noproc, again and again */
    assert_int_equal(test_events(test, DYNSUP_EVENT_GAVE_UP), 1);
    test_made(&order, "4 4");
}

static void a_start_function_may_not_return_another_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    test_plan plan = {.pid = test_child(test, order.pid, 1, NULL)};
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    spec.id = test_integer(2);
    test_start(test, a, order.pid, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EALREADY_STARTED);
    test_children(test, order.pid, "1");
}

static void a_halt_ends_a_start_that_waits(void **state) {
    test_host *test = *state;
    for (int by_guest = 0; by_guest < 2; by_guest++) {
        test_host own;
        (void)test;
        assert_true(test_host_init(&own, 0, false));
        test_body *main = test_body_new(&own);
        dynsup_spawn_options options = {.main = true};
        assert_int_equal(dynsup_spawn(own.host, &test_body_ops, main, &options, &main->pid), 0);
        test_run(&own);
        test_plan plan = {.waits = true};
        test_order order = {0};
        slow(&own, &order, by_guest ? &plan : NULL);
        test_order_ask(&own, main, &order);
        test_run(&own);
        dynsup_host_halt(own.host, 0);
        assert_int_equal(test_settle(&own), DYNSUP_ENDED);
        test_host_fini(&own);
    }
}

static void ensure_waits_for_a_named_child_or_is_told_that_it_is_down(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    test_order order = {0};
    dynsup_child_spec *spec = test_order_add(test, &order);
    spec->name = "worker";
    spec->name_length = 6;
    spec->backoff = &backoff;
    test_order_start(test, a, &order);
    for (int round = 0; round < 2; round++) {
        test_kill_child(test, order.pid, 1);
        dynsup_child_spec again = test_spec_named(test_program_new(test), "worker");
        assert_int_equal(test_ensure(test, b, order.pid, &again), DYNSUP_PENDING);
        test_run(test);
        assert_false(b->replied);
        if (round == 1)
            test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
        test_pass(test, 300);
        assert_true(b->replied);
        assert_int_equal(b->reply.status, round ? DYNSUP_EALREADY_PRESENT : 0);
        assert_int_equal(b->reply.existing, round == 0);
    }
    dynsup_child_spec again = test_spec_named(test_program_new(test), "worker");
    test_ensure(test, b, order.pid, &again);
    test_run(test);
    assert_int_equal(b->reply.status, DYNSUP_EALREADY_PRESENT);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_kill_in_the_middle_of_the_start_leaves_nothing),
        TEST(a_kill_before_the_start_has_begun_leaves_nothing),
        TEST(the_end_of_its_caller_ends_the_start),
        TEST(an_exit_during_the_start_is_handled_after_it),
        TEST(a_child_whose_start_is_cut_short_may_still_say_ready),
        TEST(a_sibling_that_crashes_while_a_group_is_stopped_is_reported_only),
        TEST(a_sibling_that_shuts_down_by_itself_meanwhile_is_no_error),
        TEST(a_terminated_restart_leaves_no_turn_behind),
        TEST(requests_wait_until_a_restart_is_done),
        TEST(the_parent_s_signal_cuts_a_restart_short),
        TEST(a_kill_in_the_middle_of_a_restart_tells_who_waits),
        TEST(a_stop_waits_its_turn_and_a_second_one_for_the_same_end),
        TEST(stopping_a_stopping_supervisor_waits_for_its_end),
        TEST(a_start_function_may_return_who_is_dead_already),
        TEST(a_start_function_may_not_return_another_child),
        TEST(a_halt_ends_a_start_that_waits),
        TEST(ensure_waits_for_a_named_child_or_is_told_that_it_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
