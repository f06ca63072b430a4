/* Tests of a static supervisor that ends between a request and what it asks for. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_body_of_a_child_that_is_not_started_any_more_is_freed,
                                        test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
