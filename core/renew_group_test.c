/* Tests of a renewal whose child ends first, in a group that restarts together. */
#include "test_static.h"

#include "dynsup_look.h"

static void trap(test_host *test, test_body *body) {
    bool old;
    test_enter(body);
    assert_int_equal(dynsup_trap_exit(test->host, true, &old), 0);
    test_leave(test);
}

/* one_for_all: child 1, which takes its time to stop; child 2; perhaps another child like 1; and a
 * start function, which waits for a message when it runs again. */
static test_order group(test_host *test, test_body *a, test_plan *plan, bool is_last) {
    test_order order = {.options = {.strategy = DYNSUP_ONE_FOR_ALL,
                                    .max_restarts = 100,
                                    .period_ms = 5000,
                                    .max_children = DYNSUP_NO_LIMIT}};
    for (int i = 0; i < (is_last ? 2 : 3); i++)
        test_order_add(test, &order);
    test_order_add_guest(test, &order, plan);
    test_order_start(test, a, &order);
    trap(test, order.programs[0]->last);
    if (!is_last)
        trap(test, order.programs[2]->last);
    plan->waits = true;
    return order;
}

static int renew(test_host *test, test_body *caller, dynsup_pid child) {
    dynsup_child_info info;
    assert_true(dynsup_child_of(test->host, child, &info));
    test_enter(caller);
    return test_asked(caller, dynsup_renew_child(test->host, info.ref, 1, true, &caller->reply));
}

/* While the supervisor is busy with the start function the renewal waits for its turn, and the
 * child ends. */
static void renew_and_end(test_host *test, test_body *a, test_order *order, int guest_id) {
    test_body *b = test_spawn_trapping(test);
    dynsup_pid child = test_child(test, order->pid, 2, NULL);
    const dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    assert_int_equal(test_by_id(test, b, order->pid, DYNSUP_RESTART_BY_ID, guest_id),
                     DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(renew(test, a, child), DYNSUP_PENDING);
    test_run(test);
    dynsup_exit(test->host, child, &kill);
    test_run(test);
    test_say_go(test, order->pid);
    test_run(test);
}

static void the_renewal_waits_for_the_group_wherever_the_child_is_in_it(void **state) {
    test_host *test = *state;
    for (int is_last = 0; is_last < 2; is_last++) {
        test_body *a = test_spawn_trapping(test);
        test_plan plan = {.status = DYNSUP_EIGNORE};
        test_order order = group(test, a, &plan, is_last);
        renew_and_end(test, a, &order, order.count);
        assert_false(a->replied); /* others take their time to stop */
        plan.waits = false;
        test_pass(test, 5000);
        test_pass(test, 5000);
        assert_true(a->replied);
        assert_int_equal(a->reply.status, 0);
        assert_int_equal(order.programs[1]->made, 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_renewal_waits_for_the_group_wherever_the_child_is_in_it,
                                        test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
