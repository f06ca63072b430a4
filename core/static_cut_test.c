/* Tests of a static supervisor that ends between a request and its completion, and of children and
 * callers that it cannot have. */
#include "test_static.h"

static void the_body_of_a_child_that_is_not_started_any_more_is_freed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 2);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.id = test_integer(7);
    test_body_into(test, &spec);
    const test_body *body = spec.body;
    assert_int_equal(test_start(test, a, order.pid, &spec), DYNSUP_PENDING);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
    assert_int_equal(body->pid, 0);
    assert_true(body->gone);
}

static void a_child_that_was_dead_when_it_was_named_needs_no_stop(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *dead = test_spawn(test, NULL);
    test_order order = {.count = 0};
    test_plan names_dead = {.pid = dead->pid}, waits = {.waits = true};
    test_signal(test, NULL, dead->pid, DYNSUP_KILL);
    test_run(test);
    test_order_add_guest(test, &order, &names_dead);
    test_order_add_guest(test, &order, &waits);
    assert_int_equal(test_order_ask(test, a, &order), DYNSUP_PENDING);
    test_run(test);
    test_signal(test, NULL, a->pid, DYNSUP_KILL); /* the start is cut short after the second one */
    test_run(test);
    test_say_go(test, dynsup_supervisor_next(test->host, 0));
    assert_int_equal(dynsup_host_process_count(test->host), 0);
}

static void a_dead_process_that_waits_elsewhere_is_no_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_pid busy = test_supervisor(test, NULL);
    test_plan plan = {.waits = true};
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.restart = DYNSUP_TEMPORARY;
    dynsup_pid child = test_started(test, a, busy, &spec);
    test_start_guest(test, b, busy, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test); /* its exit waits until the start function has returned */
    test_order order = {.count = 0};
    test_plan names_it = {.pid = child};
    test_order_add_guest(test, &order, &names_it)->restart = DYNSUP_TEMPORARY;
    assert_int_equal(test_order_ask(test, a, &order), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    test_children(test, a->reply.pid, "");
    test_say_go(test, busy);
}

/* The first sibling, once the start function waits. */
static const test_body *ask_beside(test_host *test, test_body *a, test_order *order,
                                   test_plan *plan) {
    test_order_add(test, order);
    test_order_add_guest(test, order, plan);
    test_order_ask(test, a, order);
    test_run(test);
    plan->pid = order->programs[0]->last->pid;
    return order->programs[0]->last;
}

static void who_names_another_child_with_an_info_leaves_nothing_of_it(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    test_plan plan = {.waits = true, .info = test_object(test)};
    dynsup_value info = plan.info;
    const test_body *sibling = ask_beside(test, a, &order, &plan);
    test_say_go(test, dynsup_supervisor_next(test->host, 0));
    assert_int_equal(a->reply.status, DYNSUP_EFAILED_TO_START);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_ALREADY_STARTED);
    assert_int_equal(a->reply.values[1].as.id, sibling->pid);
    assert_int_equal(test_owners(test, info), 0);
    order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    plan = (test_plan){.pid = test_child(test, order.pid, 1, NULL), .info = test_object(test)};
    info = plan.info;
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    spec.id = test_integer(2);
    test_start(test, a, order.pid, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EALREADY_STARTED);
    assert_int_equal(a->reply.pid, plan.pid);
    assert_int_equal(a->reply.values[0].kind, DYNSUP_NIL);
    assert_int_equal(test_owners(test, info), 0);
}

static void a_restart_may_not_name_another_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    test_plan plan = {.waits = false};
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    spec.id = test_integer(2);
    test_start(test, a, order.pid, &spec);
    test_run(test);
    plan.pid = test_child(test, order.pid, 1, NULL);
    test_kill_child(test, order.pid, 2);
    assert_true(test_events(test, DYNSUP_EVENT_START_ERROR) > 0);
    assert_false(dynsup_is_alive(test->host, order.pid)); /* it was so again and again */
}

static void what_would_wait_is_refused_to_who_may_not(void **state) {
    test_host *test = *state;
    dynsup_reply reply;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    dynsup_pid child = test_child(test, order.pid, 1, NULL), busy = test_supervisor(test, NULL);
    assert_int_equal(dynsup_terminate_child(test->host, order.pid, child, NULL, 0, false, &reply),
                     DYNSUP_EWOULD_WAIT);
    assert_int_equal(dynsup_restart_child(test->host, order.pid, child, NULL, 0, false, &reply),
                     DYNSUP_EWOULD_WAIT);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    child = test_started(test, b, busy, &spec);
    assert_int_equal(dynsup_terminate_child(test->host, busy, child, NULL, 0, false, &reply),
                     DYNSUP_EWOULD_WAIT);
    test_plan plan = {.waits = true};
    test_start_guest(test, b, busy, &plan, DYNSUP_TEMPORARY);
    assert_int_equal(dynsup_supervisor_turn(test->host, busy, false, &reply), DYNSUP_EWOULD_WAIT);
    test_say_go(test, busy);
}

static void a_significant_child_of_who_never_shuts_down_ends_alone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.count = 0};
    dynsup_child_spec *spec = test_order_add(test, &order);
    spec->significant = true;
    spec->restart = DYNSUP_TRANSIENT;
    test_order_ask(test, a, &order);
    test_run(test);
    test_exit_atom(order.programs[0]->last, DYNSUP_NORMAL);
    test_run(test);
    test_children(test, a->reply.pid, "1-");
}

/* An init function that makes its supervisor a static one, a number of times. */
static enum dynsup_slice act_configure(test_body *self, dynsup_outcome *outcome) {
    dynsup_host *host = self->test->host;
    const dynsup_supervisor_options options = {.period_ms = 5000};
    for (const int *times = self->more; self->slices <= (size_t)*times; self->slices++)
        dynsup_static_configure(host, &options, dynsup_draft_new(host));
    outcome->pid = self->pid;
    return DYNSUP_SLICE_EXIT;
}

static void init(test_host *test, int times) {
    test_body *a = test_spawn(test, NULL), *body = test_body_new(test);
    const dynsup_supervisor_options named = {0};
    body->act = act_configure;
    body->more = &times;
    test_enter(a);
    test_asked(a, dynsup_supervisor_init(test->host, &named, &test_body_ops, body, &a->reply));
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    test_children(test, a->reply.pid, "");
}

static void init_twice(test_host *test) {
    init(test, 2);
}

static void configure_outside(test_host *test) {
    int times = 1;
    test_body *a = test_spawn(test, NULL);
    a->act = act_configure;
    a->more = &times;
    test_run(test);
}

static void an_init_function_configures_its_supervisor_once(void **state) {
    test_host *test = *state;
    init(test, 1);
#ifndef NDEBUG
    assert_true(test_asserts(test, init_twice));
    assert_true(test_asserts(test, configure_outside));
#else
    (void)init_twice, (void)configure_outside;
#endif
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_body_of_a_child_that_is_not_started_any_more_is_freed),
        TEST(a_child_that_was_dead_when_it_was_named_needs_no_stop),
        TEST(a_dead_process_that_waits_elsewhere_is_no_child),
        TEST(who_names_another_child_with_an_info_leaves_nothing_of_it),
        TEST(a_restart_may_not_name_another_child),
        TEST(what_would_wait_is_refused_to_who_may_not),
        TEST(an_init_function_configures_its_supervisor_once),
        TEST(a_significant_child_of_who_never_shuts_down_ends_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
