/* Tests of static supervisors without memory: each request for it fails once, then all from it on.
 */
#include "test_static.h"

static test_body *caller(test_host *test) {
    return test_spawn_trapping(test);
}

/* Starts the order; false: it could not, and nothing of it is left. */
static bool begun(test_host *test, test_body *a, test_order *order) {
    test_order_ask(test, a, order);
    test_run(test);
    assert_true(a->replied);
    order->pid = a->reply.status ? 0 : a->reply.pid;
    return order->pid != 0;
}

static void scenario_start(test_host *test) {
    test_body *a = caller(test);
    test_order order = {.options.name = "sup", .options.name_length = 3};
    if (!a)
        return;
    for (int i = 0; i < 6; i++) {
        dynsup_child_spec *spec = test_order_add(test, &order);
        spec->name = i == 1 ? "one" : i == 2 ? "two" : NULL;
        spec->name_length = spec->name ? 3 : 0;
    }
    if (!begun(test, a, &order))
        assert_int_equal(test_whereis(test, "sup"), 0);
    else
        test_counts(test, order.pid, 6, 6, 0, 6);
}

static void scenario_guests(test_host *test) {
    test_body *a = caller(test);
    test_order order = {.options.strategy = DYNSUP_REST_FOR_ONE};
    test_plan plans[2] = {{.again = true}, {.again = true}};
    if (!a)
        return;
    test_order_add(test, &order);
    test_order_add_guest(test, &order, &plans[0]);
    test_order_add_guest(test, &order, &plans[1]);
    if (!begun(test, a, &order))
        return;
    test_signal(test, NULL, plans[0].made->pid, DYNSUP_KILL);
    test_settle(test);
}

static void scenario_group(test_host *test) {
    test_body *a = caller(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    if (!a)
        return;
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    if (!begun(test, a, &order))
        return;
    test_signal(test, NULL, order.programs[1]->last->pid, DYNSUP_KILL);
    test_settle(test); /* without memory it gives up in the end */
    test->alloc.fail_at = 0;
    if (dynsup_is_alive(test->host, order.pid))
        test_children(test, order.pid, "1 2 3");
}

static void scenario_requests(test_host *test) {
    test_body *a = caller(test);
    test_order order = {0};
    if (!a)
        return;
    test_order_add(test, &order);
    if (!begun(test, a, &order))
        return;
    for (int i = 0; i < 9; i++) { /* the index grows */
        dynsup_child_spec spec = test_spec_named(test_program_new(test), "n");
        spec.name_length = i == 0;
        spec.id = test_integer(i + 2);
        test_start(test, a, order.pid, &spec);
        test_run(test);
        assert_true(a->replied);
    }
    for (int what = DYNSUP_TERMINATE_BY_ID; what <= DYNSUP_DELETE_BY_ID; what++) {
        test_done_by_id(test, a, order.pid, (enum dynsup_static_request)what, 1);
        test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, 1);
    }
}

static void without_memory_nothing_is_lost(void **state) {
    (void)state;
    test_host_sweep(scenario_start);
    test_host_sweep(scenario_guests);
    test_host_sweep(scenario_group);
    test_host_sweep(scenario_requests);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
