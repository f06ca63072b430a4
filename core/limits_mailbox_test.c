/* Tests of limits of mailboxes and messages: what becomes of a message too many. */
#include "test_limits.h"

/* A child that reads only messages that begin with a key, and lets at most 3 messages wait. */
static dynsup_pid deaf(test_host *test, family *f, enum dynsup_overflow policy) {
    dynsup_limits limits = {.mailbox = 3, .overflow = policy};
    dynsup_child_spec spec = test_spec(f->program);
    test_body_into(test, &spec);
    test_body *body = spec.body;
    body->message_key = UINT64_MAX;
    body->traps = true;
    spec.limits = &limits;
    spec.restart = DYNSUP_TEMPORARY;
    dynsup_pid pid = test_started(test, f->a, f->supervisor, &spec);
    f->program->last = body;
    return pid;
}

static int fill(test_host *test, dynsup_pid pid, int count) {
    int status = 0;
    for (int i = 1; i <= count; i++) {
        dynsup_value message[2] = {test_integer(i), test_object(test)};
        status = dynsup_send(test->host, pid, message, 2);
        if (status)
            test_release(test, message[1]);
    }
    return status;
}

static size_t waiting(test_host *test, dynsup_pid pid) {
    dynsup_process_info info;
    return dynsup_process_inspect(test->host, pid, &info) ? info.message_count : 0;
}

/* The first value of the message that waits longest. */
static int64_t oldest(test_host *test, test_body *body) {
    test_enter(body);
    int64_t first = dynsup_mailbox_first(test->host)->values[0].as.integer;
    test_leave(test);
    return first;
}

static void one_message_too_many_ends_it(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = deaf(test, &f, DYNSUP_OVERFLOW_EXIT);
    assert_int_equal(fill(test, pid, 3), 0);
    assert_true(dynsup_is_alive(test->host, pid));
    assert_int_equal(fill(test, pid, 1), 0);
    assert_false(dynsup_is_alive(test->host, pid));
    test_run(test);
    assert_int_equal(end_of(test), DYNSUP_MAILBOX_FULL);
}

static void one_that_it_sends_itself_stays_its(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = deaf(test, &f, DYNSUP_OVERFLOW_EXIT);
    test_enter(f.program->last);
    assert_int_equal(fill(test, pid, 4), DYNSUP_EMAILBOX_FULL);
    assert_true(dynsup_doomed(test->host));
    test_leave(test);
    test_run(test);
    assert_int_equal(end_of(test), DYNSUP_MAILBOX_FULL);
}

static void or_is_refused(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = deaf(test, &f, DYNSUP_OVERFLOW_REFUSE);
    assert_int_equal(fill(test, pid, 3), 0);
    assert_int_equal(fill(test, pid, 1), DYNSUP_EMAILBOX_FULL);
    assert_int_equal(waiting(test, pid), 3);
    assert_int_equal(dynsup_process_dropped(test->host, pid), 0);
}

static void or_drops_itself_or_the_one_before_all(void **state) {
    test_host *test = *state;
    for (int p = DYNSUP_OVERFLOW_DROP_OLDEST; p <= DYNSUP_OVERFLOW_DROP_NEWEST; p++) {
        family f = family_with(test, NULL);
        dynsup_pid pid = deaf(test, &f, (enum dynsup_overflow)p);
        assert_int_equal(fill(test, pid, 8), 0);
        assert_int_equal(waiting(test, pid), 3);
        assert_int_equal(oldest(test, f.program->last), p == DYNSUP_OVERFLOW_DROP_OLDEST ? 6 : 1);
        assert_int_equal(dynsup_process_dropped(test->host, pid), 5);
    }
    assert_int_equal(test_events(test, DYNSUP_EVENT_MESSAGES_DROPPED), 2 * 3); /* 1, 2, 4 */
}

static void signals_and_answers_come_in_and_stay(void **state) {
    test_host *test = *state;
    for (int p = DYNSUP_OVERFLOW_EXIT; p <= DYNSUP_OVERFLOW_DROP_NEWEST; p++) {
        family f = family_with(test, NULL);
        dynsup_pid pid = deaf(test, &f, (enum dynsup_overflow)p);
        dynsup_ref ref;
        test_enter(f.program->last);
        assert_int_equal(dynsup_monitor(test->host, f.a->pid, NULL, &ref), 0);
        test_leave(test);
        test_signal(test, f.a, pid, DYNSUP_NOPROC);
        dynsup_value answer = {DYNSUP_ID, {.id = ref}};
        for (int i = 0; i < 4; i++)
            assert_int_equal(dynsup_send(test->host, pid, &answer, 1), 0);
        assert_int_equal(waiting(test, pid), 5);
        if (p != DYNSUP_OVERFLOW_EXIT)
            fill(test, pid, 3);
        assert_int_equal(waiting(test, pid), 5);
    }
}

/* An answer's block is reused for a message without values. */
static void a_message_of_no_values_is_no_answer(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = deaf(test, &f, DYNSUP_OVERFLOW_REFUSE);
    dynsup_ref ref;
    test_enter(f.program->last);
    assert_int_equal(dynsup_monitor(test->host, f.a->pid, NULL, &ref), 0);
    test_leave(test);
    dynsup_value answer[2] = {{DYNSUP_ID, {.id = ref}}, test_integer(1)};
    test_run(test);
    fill(test, pid, 3);
    assert_int_equal(dynsup_send(test->host, f.a->pid, answer, 2), 0);
    test_run(test);
    assert_int_equal(dynsup_send(test->host, pid, NULL, 0), DYNSUP_EMAILBOX_FULL);
    assert_int_equal(waiting(test, pid), 3);
}

static void a_call_is_refused_where_others_are_dropped(void **state) {
    test_host *test = *state;
    for (int p = DYNSUP_OVERFLOW_REFUSE; p <= DYNSUP_OVERFLOW_DROP_NEWEST; p++) {
        family f = family_with(test, NULL);
        dynsup_pid pid = deaf(test, &f, (enum dynsup_overflow)p);
        dynsup_value what = test_integer(1);
        dynsup_ref ref;
        int status = 0;
        fill(test, pid, 3);
        test_enter(f.a);
        for (int i = 0; i < 4 && status == 0; i++)
            status = dynsup_call(test->host, pid, DYNSUP_CALL, &what, &ref);
        test_leave(test);
        assert_int_equal(status, DYNSUP_EMAILBOX_FULL);
        assert_int_equal(waiting(test, pid), 3);
        assert_int_equal(dynsup_process_dropped(test->host, pid),
                         p == DYNSUP_OVERFLOW_DROP_OLDEST ? 3 : 0);
    }
}

static void what_a_timer_sends_is_dropped_where_others_are_refused(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = deaf(test, &f, DYNSUP_OVERFLOW_REFUSE);
    dynsup_value message = test_object(test);
    dynsup_timer timer;
    fill(test, pid, 3);
    assert_int_equal(dynsup_send_at(test->host, test->now_ns + 1000, pid, &message, 1, &timer), 0);
    test_pass(test, 1);
    assert_int_equal(waiting(test, pid), 3);
    assert_int_equal(test_owners(test, message), 0);
    assert_int_equal(dynsup_process_dropped(test->host, pid), 1);
}

/* ---- sizes of messages ---- */

static uint64_t may_have(const test_host *test, dynsup_pid pid, dynsup_value first) {
    return dynsup_message_limit(test->host, pid, &first);
}

static void a_message_may_have_as_many_bytes_unless_it_is_an_answer(void **state) {
    test_host *test = *state;
    dynsup_limits defaults = {.message = 100}, own = {.message = 20};
    family f = family_with(test, &defaults);
    dynsup_pid pid = child_with(test, &f, &own, DYNSUP_TEMPORARY);
    dynsup_ref ref;
    test_enter(f.program->last);
    assert_int_equal(dynsup_monitor(test->host, f.a->pid, NULL, &ref), 0);
    test_leave(test);
    dynsup_value answer = {DYNSUP_ID, {.id = ref}};
    assert_int_equal(may_have(test, pid, test_integer(1)), 20);
    assert_true(may_have(test, pid, answer) == DYNSUP_NO_LIMIT);
    assert_true(may_have(test, f.a->pid, test_integer(1)) == DYNSUP_NO_LIMIT);
    assert_true(may_have(test, 0, test_integer(1)) == DYNSUP_NO_LIMIT); /* nobody */
    f.program = test_program_new(test);
    pid = child_with(test, &f, NULL, DYNSUP_TEMPORARY);
    assert_int_equal(may_have(test, pid, test_integer(1)), 100);
    assert_int_equal(may_have(test, pid, answer), 100);
    dynsup_limits none = {.message = DYNSUP_NO_LIMIT};
    f.program = test_program_new(test);
    pid = child_with(test, &f, &none, DYNSUP_TEMPORARY);
    assert_true(may_have(test, pid, test_integer(1)) == DYNSUP_NO_LIMIT);
}

/* ---- without memory ---- */

static void scenario(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    dynsup_limits limits = {.deadline_ms = 10, .mailbox = 1, .overflow = DYNSUP_OVERFLOW_REFUSE};
    dynsup_supervisor_options options = {
        .max_restarts = 3, .period_ms = 5000, .max_children = 9, .limits = &limits};
    dynsup_pid supervisor;
    if (!a || dynsup_supervisor_start(test->host, &options, &supervisor))
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    test_start(test, a, supervisor, &spec);
    test_run(test);
    program = test_program_new(test);
    spec = test_spec(program);
    spec.limits = &limits;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    if (program->last)
        fill(test, program->last->pid, 2);
    test_pass(test, 100);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_message_too_many_ends_it),
        TEST(one_that_it_sends_itself_stays_its),
        TEST(or_is_refused),
        TEST(or_drops_itself_or_the_one_before_all),
        TEST(signals_and_answers_come_in_and_stay),
        TEST(a_message_of_no_values_is_no_answer),
        TEST(a_call_is_refused_where_others_are_dropped),
        TEST(what_a_timer_sends_is_dropped_where_others_are_refused),
        TEST(a_message_may_have_as_many_bytes_unless_it_is_an_answer),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
