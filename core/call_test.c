/* Tests of calls. */
#include "test_host.h"

typedef struct plan {
    dynsup_pid callee;
    dynsup_ref ref;
    int status;
} plan;

/* Calls in its next slice, and waits. */
static enum dynsup_slice act_call(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    dynsup_value what = test_object(self->test);
    self->act = NULL;
    p->status = dynsup_call(self->test->host, p->callee, DYNSUP_CALL, &what, &p->ref);
    if (p->status)
        test_release(self->test, what);
    else
        self->key = p->ref;
    return DYNSUP_SLICE_WAIT;
}

static test_body *caller_new(test_host *test, plan *p, dynsup_pid callee) {
    test_body *caller = test_spawn(test, NULL);
    p->callee = callee;
    caller->act = act_call;
    caller->more = p;
    test_run(test);
    return caller;
}

static void a_call_is_a_message_and_its_reply_wakes_the_caller(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = caller_new(test, &p, callee->pid);
    assert_int_equal(p.status, 0);
    assert_int_equal(callee->received, 1);
    assert_int_equal(callee->inbox[0].count, 3);
    assert_int_equal(callee->inbox[0].value.as.atom, DYNSUP_CALL);
    assert_ptr_equal(dynsup_caller(test->host, p.ref, &test_body_ops), caller);
    caller->key = 0;
    dynsup_call_replied(test->host, p.ref);
    assert_null(dynsup_caller(test->host, p.ref, &test_body_ops));
    test_run(test);
    assert_int_equal(caller->wake, DYNSUP_WAKE_DELIVERED);
}

static void a_call_ends_with_the_callee(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = caller_new(test, &p, callee->pid);
    test_exit_atom(callee, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_true(caller->replied);
    assert_int_equal(caller->reply.status, DYNSUP_EREASON);
    assert_int_equal(caller->reply.values[0].as.atom, DYNSUP_SHUTDOWN);
}

static void a_call_ends_with_the_caller(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = caller_new(test, &p, callee->pid);
    test_signal(test, NULL, caller->pid, DYNSUP_KILL);
    test_run(test);
    assert_null(dynsup_caller(test->host, p.ref, &test_body_ops));
    test_exit_atom(callee, DYNSUP_NORMAL);
    test_run(test);
    assert_false(caller->replied);
}

/* Gives up its call in the slice in which it wakes. */
static enum dynsup_slice act_give_up(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    const plan *p = self->more;
    self->key = 0;
    self->act = NULL;
    assert_int_equal(self->wake, DYNSUP_WAKE_TIMEOUT);
    assert_null(dynsup_caller(self->test->host, p->ref, &test_body_ops));
    assert_true(dynsup_call_end(self->test->host, p->ref));
    assert_false(dynsup_call_end(self->test->host, p->ref));
    return DYNSUP_SLICE_WAIT;
}

static void a_reply_after_the_time_finds_nobody(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = test_spawn(test, NULL);
    p.callee = callee->pid;
    caller->more = &p;
    caller->act = act_call;
    caller->until = 5000000;
    test_run(test);
    caller->act = act_give_up;
    test_pass(test, 5);
    assert_null(caller->act);
    assert_null(dynsup_caller(test->host, p.ref, &test_body_ops));
    test_exit_atom(callee, DYNSUP_NORMAL);
    test_run(test);
    assert_false(caller->replied);
}

static void a_call_of_the_dead_fails_at_once(void **state) {
    test_host *test = *state;
    plan p = {0};
    caller_new(test, &p, 0);
    assert_int_equal(p.status, DYNSUP_ENOPROC);
    caller_new(test, &p, test_supervisor(test, NULL));
    assert_int_equal(p.status, DYNSUP_ENOT_A_SERVER);
}

static void call_scenario(test_host *test) {
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = callee ? test_spawn(test, NULL) : NULL;
    if (!caller)
        return;
    p.callee = callee->pid;
    caller->act = act_call;
    caller->more = &p;
    test_run(test);
    assert_true(p.status == 0 || p.status == DYNSUP_ENOMEM);
}

static void each_allocation_of_a_call_may_fail(void **state) {
    (void)state;
    test_host_sweep(call_scenario);
}

/* ---- whose call it is ---- */

static void only_who_has_called_can_end_the_call(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *callee = test_spawn(test, NULL);
    test_body *other = test_spawn(test, NULL);
    test_body *caller = caller_new(test, &p, callee->pid);
    test_enter(other);
    assert_false(dynsup_call_end(test->host, p.ref));
    assert_false(dynsup_start_abort(test->host, p.ref));
    assert_false(dynsup_start_abort(test->host, 0));
    test_leave(test);
    test_run(test);
    assert_ptr_equal(dynsup_caller(test->host, p.ref, &test_body_ops), caller);
    assert_true(test_alive(callee));
}

static void a_caller_is_found_as_the_kind_of_body_that_it_is(void **state) {
    test_host *test = *state;
    plan p = {0};
    dynsup_body_ops others = test_body_ops;
    caller_new(test, &p, test_spawn(test, NULL)->pid);
    assert_null(dynsup_caller(test->host, p.ref, &others));
}

static void a_monitor_is_no_call(void **state) {
    test_host *test = *state;
    dynsup_ref ref;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    test_enter(a);
    assert_int_equal(dynsup_monitor(test->host, b->pid, NULL, &ref), 0);
    assert_false(dynsup_call_end(test->host, ref));
    test_leave(test);
    test_signal(test, NULL, b->pid, DYNSUP_KILL);
    test_run(test);
    test_got_down(a, ref, DYNSUP_KILLED);
}

/* Calls, and then waits for something else. */
static enum dynsup_slice act_call_and_go_on(test_body *self, dynsup_outcome *outcome) {
    uint64_t key = self->until == DYNSUP_NEVER ? 0 : 1;
    act_call(self, outcome);
    self->key = key;
    return DYNSUP_SLICE_WAIT;
}

static void who_waits_for_something_else_is_not_replied_to(void **state) {
    test_host *test = *state;
    test_body *callee = test_spawn(test, NULL);
    for (int with_key = 0; with_key <= 1; with_key++) {
        plan p = {.callee = callee->pid};
        test_body *caller = test_spawn(test, NULL);
        caller->act = act_call_and_go_on;
        caller->more = &p;
        caller->until = with_key ? test->now_ns + 1000000 : DYNSUP_NEVER;
        test_run(test);
        assert_int_equal(p.status, 0);
        assert_null(dynsup_caller(test->host, p.ref, &test_body_ops));
    }
    test_exit(callee, DYNSUP_REASON_OTHER, test_object(test)); /* its owners are counted */
    test_run(test);
}

static void stop_and_call(test_body *self) {
    plan *p = self->more;
    dynsup_value what = test_integer(1);
    p->status = dynsup_call(self->test->host, p->callee, DYNSUP_CALL, &what, &p->ref);
}

static void who_is_ending_calls_nobody(void **state) {
    test_host *test = *state;
    plan p = {.callee = test_spawn(test, NULL)->pid};
    test_body *caller = test_spawn(test, NULL);
    caller->more = &p;
    caller->on_stop = stop_and_call;
    test_exit_atom(caller, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(p.status, DYNSUP_ECLOSING);
}

static void a_caller_without_a_reply_op_is_not_told(void **state) {
    test_host *test = *state;
    plan p = {0};
    dynsup_body_ops mute = test_body_ops;
    mute.reply = NULL;
    test_body *callee = test_spawn(test, NULL);
    test_body *caller = test_body_new(test);
    p.callee = callee->pid;
    caller->act = act_call;
    caller->more = &p;
    assert_int_equal(dynsup_spawn(test->host, &mute, caller, NULL, &caller->pid), 0);
    test_run(test);
    test_exit(callee, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(caller->replied);
    test_signal(test, NULL, caller->pid, DYNSUP_KILL);
    test_run(test);
}

static enum dynsup_slice act_say_started(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    const plan *p = self->more;
    self->act = NULL;
    dynsup_started(self->test->host, p->ref);
    return DYNSUP_SLICE_WAIT;
}

static void a_start_that_is_not_waited_for_tells_nobody(void **state) {
    test_host *test = *state;
    plan p = {0}, none = {0};
    test_body *caller = caller_new(test, &p, test_spawn(test, NULL)->pid);
    for (int i = 0; i <= 1; i++) {
        test_body *other = test_spawn(test, NULL);
        other->act = act_say_started;
        other->more = i ? &none : &p;
        test_run(test);
        assert_true(test_alive(other));
    }
    assert_false(caller->replied);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_a_message_and_its_reply_wakes_the_caller),
        TEST(a_call_ends_with_the_callee),
        TEST(a_call_ends_with_the_caller),
        TEST(a_reply_after_the_time_finds_nobody),
        TEST(a_call_of_the_dead_fails_at_once),
        TEST(only_who_has_called_can_end_the_call),
        TEST(a_caller_is_found_as_the_kind_of_body_that_it_is),
        TEST(a_monitor_is_no_call),
        TEST(who_waits_for_something_else_is_not_replied_to),
        TEST(who_is_ending_calls_nobody),
        TEST(a_caller_without_a_reply_op_is_not_told),
        TEST(a_start_that_is_not_waited_for_tells_nobody),
        cmocka_unit_test(each_allocation_of_a_call_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
