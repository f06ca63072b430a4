/* Tests of links and exit signals. */
#include "test_host.h"

#define CHAIN 100000

static int link_to(test_host *test, test_body *from, dynsup_pid to) {
    test_enter(from);
    int status = dynsup_link(test->host, to);
    test_leave(test);
    return status;
}

static void unlink_from(test_host *test, test_body *from, dynsup_pid to) {
    test_enter(from);
    dynsup_unlink(test->host, to);
    test_leave(test);
}

static void an_abnormal_end_takes_linked_processes_along(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn_link(test, a);
    test_body *c = test_spawn(test, NULL);
    link_to(test, c, b->pid);
    test_run(test);
    test_exit(a, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(test_alive(a) || test_alive(b) || test_alive(c));
}

static void a_normal_end_leaves_linked_processes_alone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn_link(test, a);
    test_run(test);
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    assert_false(test_alive(a));
    assert_true(test_alive(b));
}

static void who_traps_exits_receives_them(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_link(test, a);
    test_body *c = test_spawn_link(test, a);
    test_run(test);
    dynsup_value object = test_object(test);
    test_exit(b, DYNSUP_REASON_OTHER, object);
    test_run(test);
    assert_int_equal(test_last(a)->tag, DYNSUP_EXIT);
    assert_int_equal(test_last(a)->from, b->pid);
    assert_int_equal(test_last(a)->value.as.object, object.as.object);
    test_exit_atom(c, DYNSUP_NORMAL);
    test_run(test);
    test_got_exit(a, c->pid, DYNSUP_NORMAL);
}

static void kill_cannot_be_trapped_and_arrives_as_killed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    link_to(test, a, b->pid);
    test_signal(test, a, b->pid, DYNSUP_KILL);
    assert_false(test_alive(b));
    test_run(test);
    test_got_exit(a, b->pid, DYNSUP_KILLED);
}

static void kill_as_the_reason_of_a_linked_end_can_be_trapped(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_link(test, a);
    test_body *c = test_spawn_link(test, b);
    test_run(test);
    test_exit_atom(b, DYNSUP_KILL);
    test_run(test);
    test_got_exit(a, b->pid, DYNSUP_KILL);
    assert_false(test_alive(c));
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_EXITED)->reason.value.as.atom, DYNSUP_KILL);
}

static void a_normal_signal_does_nothing_unless_to_oneself(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    test_signal(test, a, b->pid, DYNSUP_NORMAL);
    test_run(test);
    assert_true(test_alive(b));
    test_signal(test, b, b->pid, DYNSUP_NORMAL);
    assert_false(test_alive(b));
    test_run(test);
}

static void a_link_to_the_dead_answers_noproc(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn(test, NULL);
    test_signal(test, NULL, b->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(link_to(test, a, b->pid), 0);
    test_run(test);
    test_got_exit(a, b->pid, DYNSUP_NOPROC);
    test_body *c = test_spawn(test, NULL);
    link_to(test, c, b->pid);
    test_run(test);
    assert_false(test_alive(c));
}

static void links_are_one_for_a_pair_and_go_with_unlink(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    dynsup_process_info info;
    link_to(test, a, b->pid);
    link_to(test, b, a->pid);
    link_to(test, a, a->pid);
    test_run(test);
    dynsup_process_inspect(test->host, a->pid, &info);
    assert_int_equal(info.link_count, 1);
    unlink_from(test, b, a->pid);
    unlink_from(test, b, a->pid);
    unlink_from(test, b, 77);
    test_run(test);
    dynsup_process_inspect(test->host, a->pid, &info);
    assert_int_equal(info.link_count, 0);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_true(test_alive(b));
}

static void signals_and_messages_of_one_sender_arrive_in_order(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn(test, NULL);
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    dynsup_value one = test_integer(1), two = test_integer(2);
    test_enter(b);
    dynsup_send(test->host, a->pid, &one, 1);
    dynsup_exit(test->host, a->pid, &reason);
    dynsup_send(test->host, a->pid, &two, 1);
    test_leave(test);
    test_run(test);
    assert_int_equal(a->received, 3);
    assert_int_equal(a->inbox[0].value.as.integer, 1);
    assert_int_equal(a->inbox[1].tag, DYNSUP_EXIT);
    assert_int_equal(a->inbox[2].value.as.integer, 2);
}

static void trap_exit_tells_what_it_was(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    bool old = true;
    test_enter(a);
    assert_int_equal(dynsup_trap_exit(test->host, true, &old), 0);
    assert_false(old);
    assert_int_equal(dynsup_trap_exit(test->host, false, &old), 0);
    assert_true(old);
    test_leave(test);
    test_signal(test, NULL, a->pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_false(test_alive(a));
}

static void a_long_chain_of_links_ends_without_recursion(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *first = test_spawn(test, NULL), *last = first;
    for (int i = 1; i < CHAIN; i++)
        last = test_spawn_link(test, last);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), CHAIN);
    test_signal(test, NULL, first->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
    assert_true(last->gone);
}

static void a_hub_of_many_links_ends_with_all_of_them(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *hub = test_spawn(test, NULL);
    for (int i = 1; i < CHAIN; i++)
        test_spawn_link(test, hub);
    test_run(test);
    test_signal(test, NULL, test->bodies->pid, DYNSUP_KILL); /* one of the leaves */
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
}

static void scenario_link(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn(test, NULL);
    if (!a || !b)
        return;
    int status = link_to(test, a, b->pid);
    test_run(test);
    test_exit(b, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(test_alive(b));
    if (status == 0 && test_alive(a))
        assert_true(a->received == 1 || a->traps);
}

static void linking_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_link);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_abnormal_end_takes_linked_processes_along),
        TEST(a_normal_end_leaves_linked_processes_alone),
        TEST(who_traps_exits_receives_them),
        TEST(kill_cannot_be_trapped_and_arrives_as_killed),
        TEST(kill_as_the_reason_of_a_linked_end_can_be_trapped),
        TEST(a_normal_signal_does_nothing_unless_to_oneself),
        TEST(a_link_to_the_dead_answers_noproc),
        TEST(links_are_one_for_a_pair_and_go_with_unlink),
        TEST(signals_and_messages_of_one_sender_arrive_in_order),
        TEST(trap_exit_tells_what_it_was),
        TEST(a_long_chain_of_links_ends_without_recursion),
        TEST(a_hub_of_many_links_ends_with_all_of_them),
        cmocka_unit_test(linking_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
