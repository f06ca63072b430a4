/* Tests of delayed messages. */
#include "test_host.h"

static dynsup_timer send_after(test_host *test, const test_body *to, double ms,
                               dynsup_value value) {
    dynsup_timer timer = 99;
    uint64_t deadline_ns = test->now_ns + (uint64_t)(ms * 1e6);
    int status = dynsup_send_at(test->host, deadline_ns, to->pid, &value, 1, &timer);
    assert_true(status == 0 || (status == DYNSUP_ENOMEM && timer == 0));
    if (status) /* the value is still ours */
        dynsup_send(test->host, 0, &value, 1);
    return timer;
}

static void a_delayed_message_comes_at_its_time(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    send_after(test, body, 20, test_integer(2));
    send_after(test, body, 10, test_integer(1));
    send_after(test, body, 20, test_integer(3));
    test_pass(test, 9.9);
    assert_int_equal(body->received, 0);
    test_pass(test, 0.1);
    assert_int_equal(body->received, 1);
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    assert_int_equal(body->received, 3);
    assert_int_equal(body->inbox[1].value.as.integer, 2);
    assert_int_equal(body->inbox[2].value.as.integer, 3);
}

static void cancelling_tells_what_was_left(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    dynsup_timer timer = send_after(test, body, 20, test_object(test));
    uint64_t left_ns = 0;
    test_pass(test, 5);
    assert_true(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_int_equal(left_ns, 15000000);
    assert_false(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_false(dynsup_cancel_timer(test->host, 0, &left_ns));
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    assert_int_equal(body->received, 0);
    timer = send_after(test, body, 1, test_integer(1));
    test_pass(test, 1);
    assert_false(dynsup_cancel_timer(test->host, timer, &left_ns));
}

static void a_timer_ends_with_its_destination(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    dynsup_value object = test_object(test);
    dynsup_timer timer = send_after(test, body, 20, object);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    uint64_t left_ns;
    assert_false(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_int_equal(test_owners(test, object), 0);
    object = test_object(test);
    assert_int_equal(send_after(test, body, 20, object), 0);
    assert_int_equal(test_owners(test, object), 0);
}

static void many_timers_are_exact(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++)
        send_after(test, body, dsi_test_random_below(&seed, 100000), test_integer(i));
    test_settle(test);
    assert_int_equal(body->received, 1000);
}

static void scenario_delayed(test_host *test) {
    test_body *body = test_spawn(test, NULL);
    if (!body)
        return;
    bool one = send_after(test, body, 1, test_object(test)) != 0;
    bool two = send_after(test, body, 2, test_object(test)) != 0;
    test_pass(test, 5);
    assert_int_equal(body->received, one + two);
}

static void delaying_without_memory_leaves_the_values_to_the_sender(void **state) {
    (void)state;
    test_host_sweep(scenario_delayed);
}

static void cancelling_what_never_comes_or_is_due_tells_so(void **state) {
    test_host *test = *state;
    uint64_t left_ns = 1;
    dynsup_timer timer;
    dynsup_value one = test_integer(1);
    test_body *body = test_spawn(test, NULL);
    assert_int_equal(dynsup_send_at(test->host, DYNSUP_NEVER, body->pid, &one, 1, &timer), 0);
    assert_int_equal(test_settle(test), DYNSUP_STILL); /* no process waits for it */
    assert_true(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_true(left_ns == DYNSUP_NEVER);
    timer = send_after(test, body, 1, one);
    test->now_ns += 2000000; /* it is due, and no step has been made */
    assert_true(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_int_equal(left_ns, 0);
    test_run(test);
    assert_int_equal(body->received, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_delayed_message_comes_at_its_time),
        TEST(cancelling_tells_what_was_left),
        TEST(a_timer_ends_with_its_destination),
        TEST(many_timers_are_exact),
        cmocka_unit_test(delaying_without_memory_leaves_the_values_to_the_sender),
        TEST(cancelling_what_never_comes_or_is_due_tells_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
