/* Tests of limits: what a child may use, where that is said, and how it ends. */
#include "test_static.h"

#include "dynsup_limits.h"

typedef struct family {
    test_body *a;
    dynsup_pid supervisor;
    test_program *program;
} family;

static family family_with(test_host *test, const dynsup_limits *defaults) {
    family f = {.a = test_spawn_trapping(test), .program = test_program_new(test)};
    dynsup_supervisor_options options = {
        .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT, .limits = defaults};
    assert_int_equal(dynsup_supervisor_start(test->host, &options, &f.supervisor), 0);
    return f;
}

static dynsup_pid child_with(test_host *test, family *f, const dynsup_limits *limits,
                             enum dynsup_restart restart) {
    dynsup_child_spec spec = test_spec(f->program);
    spec.limits = limits;
    spec.restart = restart;
    return test_started(test, f->a, f->supervisor, &spec);
}

static enum dynsup_atom end_of(const test_host *test) {
    return test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->reason.value.as.atom;
}

/* ---- deadline ---- */

static void a_deadline_ends_each_incarnation_with_its_reason(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    dynsup_pid first = child_with(test, &f, &limits, DYNSUP_TRANSIENT);
    test_pass(test, 99);
    assert_true(dynsup_is_alive(test->host, first));
    test_pass(test, 1);
    assert_false(dynsup_is_alive(test->host, first));
    assert_int_equal(end_of(test), DYNSUP_DEADLINE);
    assert_int_equal(f.program->made, 2);
    test_pass(test, 99);
    assert_true(test_alive(f.program->last));
    test_pass(test, 1);
    assert_int_equal(f.program->made, 3);
}

static void who_traps_exits_does_not_trap_a_limit(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->traps = true;
    child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_pass(test, 100);
    assert_true(f.program->last->stopped);
    assert_int_equal(f.program->last->received, 0);
    test_counts(test, f.supervisor, 0, 0, 0, 0);
}

static void a_child_that_ends_before_leaves_no_timer(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_exit_atom(f.program->last, DYNSUP_NORMAL);
    assert_int_equal(test_run(test), DYNSUP_STILL);
}

/* ---- where limits are said ---- */

static const dynsup_limits *limits_of(test_host *test, dynsup_pid pid) {
    return dynsup_process_limits(test->host, pid);
}

static void what_a_child_does_not_say_is_as_its_supervisor_says(void **state) {
    test_host *test = *state;
    dynsup_limits defaults = {.deadline_ms = 100,
                              .cpu_ms = 50,
                              .memory = 1000,
                              .mailbox = 7,
                              .message = 500,
                              .overflow = DYNSUP_OVERFLOW_REFUSE};
    family f = family_with(test, &defaults);
    dynsup_limits own = {.deadline_ms = DYNSUP_NO_TIME_LIMIT, .mailbox = 3, .slice_ms = 10};
    dynsup_pid pid = child_with(test, &f, &own, DYNSUP_TEMPORARY);
    const dynsup_limits *limits = limits_of(test, pid);
    assert_non_null(limits);
    assert_true(limits->cpu_ms == 50 && limits->slice_ms == 10);
    assert_int_equal(limits->memory, 1000);
    assert_int_equal(limits->mailbox, 3);
    assert_int_equal(limits->message, 500);
    assert_int_equal(limits->overflow, DYNSUP_OVERFLOW_EXIT);
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
    f.program = test_program_new(test);
    pid = child_with(test, &f, NULL, DYNSUP_TEMPORARY);
    assert_int_equal(limits_of(test, pid)->overflow, DYNSUP_OVERFLOW_REFUSE);
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, pid));
}

static void supervisors_have_no_limits(void **state) {
    test_host *test = *state;
    dynsup_limits defaults = {.deadline_ms = 100};
    family f = family_with(test, &defaults);
    dynsup_child_spec spec = test_spec(f.program);
    spec.is_supervisor = true;
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    assert_null(limits_of(test, pid));
    assert_null(limits_of(test, f.supervisor));
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
}

static void the_children_of_a_static_supervisor_have_its_defaults(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits defaults = {.deadline_ms = 100}, own = {.deadline_ms = 200};
    test_order order = {.options = {.limits = &defaults}};
    test_order_add(test, &order)->restart = DYNSUP_TRANSIENT;
    test_order_add(test, &order)->limits = &own;
    test_order_ask(test, a, &order);
    test_run(test);
    test_pass(test, 100);
    test_made(&order, "2 1");
    test_pass(test, 100);
    test_made(&order, "3 2");
}

static void a_process_that_a_start_function_names_is_limited_from_then_on(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    test_plan plan = {0};
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->released = true; /* it is nobody's */
    f.program = test_guest_program(test, &plan);
    dynsup_child_spec spec = test_spec(f.program);
    spec.guest = true;
    spec.limits = &limits;
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    assert_non_null(limits_of(test, pid));
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, pid));
    assert_int_equal(end_of(test), DYNSUP_DEADLINE);
}

static void who_is_no_child_any_more_has_no_limits(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.deadline_ms = 100};
    f.program->traps = true;
    dynsup_pid pid = child_with(test, &f, &limits, DYNSUP_TEMPORARY);
    test_signal(test, NULL, f.supervisor, DYNSUP_KILL);
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, pid));
    assert_null(limits_of(test, pid));
}

/* ---- work ---- */

/* Works for so many ms in each slice, by the test's clock. */
static enum dynsup_slice act_work(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->test->now_ns += *(uint64_t *)self->more * 1000000;
    return DYNSUP_SLICE_WAIT;
}

static void say(test_host *test, dynsup_pid pid) {
    dynsup_value hello = test_integer(1);
    assert_int_equal(dynsup_send(test->host, pid, &hello, 1), 0);
    test_run(test);
}

static void more_work_in_a_second_than_it_may_ends_it(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.cpu_ms = 100};
    uint64_t ms = 40;
    f.program->act = act_work;
    f.program->more = &ms;
    dynsup_pid pid = child_with(test, &f, &limits, DYNSUP_PERMANENT); /* its first slice */
    for (int i = 0; i < 10; i++) {
        test_pass(test, 900);
        say(test, pid);
    }
    assert_true(dynsup_is_alive(test->host, pid));
    test_pass(test, 1000);
    for (int i = 0; i < 3; i++)
        say(test, pid);
    assert_false(dynsup_is_alive(test->host, pid));
    assert_int_equal(end_of(test), DYNSUP_CPU_EXCEEDED);
    assert_int_equal(f.program->made, 2);
}

static void the_limit_of_slices_is_the_running_childs(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_limits limits = {.slice_ms = 2.5};
    child_with(test, &f, &limits, DYNSUP_PERMANENT);
    assert_true(dynsup_slice_limit(test->host) == DYNSUP_NEVER);
    test_enter(f.a);
    assert_true(dynsup_slice_limit(test->host) == DYNSUP_NEVER);
    test_leave(test);
    test_enter(f.program->last);
    assert_int_equal(dynsup_slice_limit(test->host), 2500000);
    dynsup_exceeded(test->host, dynsup_self(test->host), DYNSUP_MEMORY_EXCEEDED);
    assert_true(dynsup_doomed(test->host));
    test_leave(test);
    test_run(test);
    assert_int_equal(end_of(test), DYNSUP_MEMORY_EXCEEDED);
}

/* ---- mailboxes ---- */

/* A child that reads nothing but what begins with a key, and lets no more than 3 messages wait. */
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

/* ---- what it costs ---- */

static void a_child_without_limits_has_no_record_of_them(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_pid pid = child_with(test, &f, NULL, DYNSUP_PERMANENT);
    size_t before = dynsup_host_memory(test->host);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_started(test, f.a, f.supervisor, &spec);
    assert_int_equal(dynsup_host_memory(test->host), before); /* it is on pages that are there */
    assert_null(limits_of(test, pid));
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

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_ends_each_incarnation_with_its_reason),
        TEST(who_traps_exits_does_not_trap_a_limit),
        TEST(a_child_that_ends_before_leaves_no_timer),
        TEST(what_a_child_does_not_say_is_as_its_supervisor_says),
        TEST(supervisors_have_no_limits),
        TEST(the_children_of_a_static_supervisor_have_its_defaults),
        TEST(a_process_that_a_start_function_names_is_limited_from_then_on),
        TEST(who_is_no_child_any_more_has_no_limits),
        TEST(more_work_in_a_second_than_it_may_ends_it),
        TEST(the_limit_of_slices_is_the_running_childs),
        TEST(one_message_too_many_ends_it),
        TEST(one_that_it_sends_itself_stays_its),
        TEST(or_is_refused),
        TEST(or_drops_itself_or_the_one_before_all),
        TEST(signals_and_answers_come_in_and_stay),
        TEST(a_call_is_refused_where_others_are_dropped),
        TEST(what_a_timer_sends_is_dropped_where_others_are_refused),
        TEST(a_message_may_have_as_many_bytes_unless_it_is_an_answer),
        TEST(a_child_without_limits_has_no_record_of_them),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
