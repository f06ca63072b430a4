/* Tests of messages and mailboxes. */
#include "test_host.h"

#include "dynsup_limits.h"

#include "mailbox.h"

static void send(test_host *test, const test_body *to, int64_t integer) {
    dynsup_value value = test_integer(integer);
    assert_int_equal(dynsup_send(test->host, to->pid, &value, 1), 0);
}

static void messages_arrive_in_order_and_wake_the_reader(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    for (int i = 0; i < 100; i++)
        send(test, body, i);
    test_run(test);
    assert_int_equal(body->wake, DYNSUP_WAKE_MESSAGE);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->received, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(body->inbox[i].value.as.integer, i);
}

static void a_message_to_the_dead_is_dropped(void **state) {
    test_host *test = *state;
    dynsup_value values[2] = {test_object(test), test_object(test)};
    assert_int_equal(dynsup_send(test->host, 4711, values, 2), 0);
    assert_int_equal(test_owners(test, values[0]), 0);
    assert_int_equal(test_owners(test, values[1]), 0);
}

static void unread_messages_are_released_at_the_end(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    for (uint32_t count = 1; count < 10; count++) {
        dynsup_value values[10];
        for (uint32_t i = 0; i < count; i++)
            values[i] = test_object(test);
        assert_int_equal(dynsup_send(test->host, body->pid, values, count), 0);
    }
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(body->received, 0);
}

static void a_message_is_taken_from_the_middle(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    for (int i = 0; i < 4; i++)
        send(test, body, i);
    test_enter(body);
    dynsup_message *first = dynsup_mailbox_first(test->host);
    dynsup_message *second = dynsup_mailbox_take(test->host, first);
    assert_int_equal(second->values[0].as.integer, 1);
    dynsup_message_free(test->host, second);
    dynsup_message *last = dynsup_mailbox_take(test->host, first->next);
    assert_int_equal(last->values[0].as.integer, 3);
    dynsup_message_free(test->host, last);
    send(test, body, 4);
    test_leave(test);
    test_run(test);
    assert_int_equal(body->received, 3);
    assert_int_equal(body->inbox[1].value.as.integer, 2);
    assert_int_equal(body->inbox[2].value.as.integer, 4);
}

static void send_id(test_host *test, const test_body *to, uint64_t id) {
    dynsup_value value = {.kind = DYNSUP_ID, .as.id = id};
    assert_int_equal(dynsup_send(test->host, to->pid, &value, 1), 0);
}

static void only_the_message_with_the_key_wakes(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->message_key = 42;
    test_run(test);
    send(test, body, 42);
    send_id(test, body, 41);
    test_run(test);
    assert_int_equal(body->slices, 1);
    assert_null(dynsup_receiver(test->host, body->pid, &test_body_ops));
    send_id(test, body, 42);
    test_run(test);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->received, 3);
}

/* Its block has held a message with the key before. */
static void a_message_of_no_values_has_no_key(void **state) {
    test_host *test = *state;
    test_body *other = test_spawn(test, NULL), *body = test_spawn(test, NULL);
    body->message_key = 42;
    test_run(test);
    send_id(test, other, 42);
    test_run(test);
    assert_int_equal(dynsup_send(test->host, body->pid, NULL, 0), 0);
    test_run(test);
    assert_int_equal(body->slices, 1);
    dynsup_timer timer;
    assert_int_equal(dynsup_send_at(test->host, test->now_ns, other->pid, NULL, 0, &timer), 0);
    test_run(test);
    assert_int_equal(other->received, 2);
    assert_int_equal(test_last(other)->count, 0);
}

static void the_short_way_is_open_while_the_mailbox_is_empty(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    static const dynsup_body_ops other_ops;
    assert_null(dynsup_receiver(test->host, body->pid, &test_body_ops)); /* not yet waiting */
    test_run(test);
    assert_null(dynsup_receiver(test->host, body->pid, &other_ops));
    assert_null(dynsup_receiver(test->host, 1, &test_body_ops));
    assert_ptr_equal(dynsup_receiver(test->host, body->pid, &test_body_ops), body);
    dynsup_receiver_delivered(test->host, body->pid);
    assert_null(dynsup_receiver(test->host, body->pid, &test_body_ops));
    test_run(test);
    assert_int_equal(body->wake, DYNSUP_WAKE_DELIVERED);
}

/* What is spawned here ends with the host. */
static void the_short_way_is_closed_beside_thousands_of_others(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    assert_ptr_equal(dynsup_receiver(test->host, body->pid, &test_body_ops), body);
    for (int i = 0; i < 4096; i++)
        test_spawn(test, NULL);
    test_run(test);
    assert_null(dynsup_receiver(test->host, body->pid, &test_body_ops));
    send(test, body, 1);
    test_run(test);
    assert_int_equal(body->received, 1);
    assert_int_equal(body->wake, DYNSUP_WAKE_MESSAGE);
    dynsup_limits limits = {.mailbox = 1}; /* for messages that wait */
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.limits = &limits;
    test_started(test, body, test_supervisor(test, body), &spec);
    test_run(test);
    assert_non_null(dynsup_receiver(test->host, program->last->pid, &test_body_ops));
}

static void a_message_in_flight_costs_no_allocation(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    send(test, body, 0);
    test_run(test);
    size_t requests = test->alloc.requests;
    for (int i = 0; i < 1000; i++) {
        send(test, body, i);
        test_run(test);
    }
    assert_int_equal(test->alloc.requests, requests);
}

static void what_a_burst_leaves_behind_is_bounded(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    for (int i = 0; i < 100000; i++)
        send(test, body, i);
    test_run(test);
    assert_in_range(dynsup_host_memory(test->host), 1, 4096 * 128 + 1000000);
    dynsup_process_info info;
    dynsup_process_inspect(test->host, body->pid, &info);
    assert_int_equal(info.message_count, 0);
}

static void scenario_send(test_host *test) {
    test_body *body = test_spawn(test, NULL);
    if (!body)
        return;
    size_t sent = 0;
    for (uint32_t count = 1; count < 8; count++) {
        dynsup_value values[8];
        for (uint32_t i = 0; i < count; i++)
            values[i] = test_object(test);
        if (dynsup_send(test->host, body->pid, values, count) == 0) {
            sent++;
            continue;
        }
        for (uint32_t i = 0; i < count; i++) { /* still ours */
            assert_int_equal(test_owners(test, values[i]), 1);
            assert_int_equal(dynsup_send(test->host, 0, &values[i], 1), 0);
        }
    }
    test_run(test);
    assert_int_equal(body->received, sent);
}

static void sending_without_memory_leaves_the_values_to_the_sender(void **state) {
    (void)state;
    test_host_sweep(scenario_send);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(messages_arrive_in_order_and_wake_the_reader),
        TEST(a_message_to_the_dead_is_dropped),
        TEST(unread_messages_are_released_at_the_end),
        TEST(a_message_is_taken_from_the_middle),
        TEST(only_the_message_with_the_key_wakes),
        TEST(a_message_of_no_values_has_no_key),
        TEST(the_short_way_is_open_while_the_mailbox_is_empty),
        TEST(the_short_way_is_closed_beside_thousands_of_others),
        TEST(a_message_in_flight_costs_no_allocation),
        TEST(what_a_burst_leaves_behind_is_bounded),
        cmocka_unit_test(sending_without_memory_leaves_the_values_to_the_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
