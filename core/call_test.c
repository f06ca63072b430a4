/* Tests of calls, and of starts that are waited for. */
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

/* Spawns a process, linked, and waits for its start. */
static enum dynsup_slice act_start(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    test_body *child = test_body_new(self->test);
    dynsup_spawn_options options = {.link = true, .name = "it", .name_length = 2};
    options.start_out = &p->ref;
    self->act = NULL;
    p->status = dynsup_spawn(self->test->host, &test_body_ops, child, &options, &p->callee);
    assert_int_equal(p->status, 0);
    self->key = p->ref;
    return DYNSUP_SLICE_WAIT;
}

static test_body *starter_new(test_host *test, plan *p) {
    test_body *starter = test_spawn(test, NULL);
    starter->act = act_start;
    starter->more = p;
    test_run(test);
    return starter;
}

static void a_failed_start_sends_its_parent_no_signal(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = starter_new(test, &p);
    assert_int_equal(test_whereis(test, "it"), p.callee);
    test_signal(test, NULL, p.callee, DYNSUP_NOCONNECTION);
    test_run(test);
    assert_true(test_alive(starter));
    assert_int_equal(starter->reply.status, DYNSUP_EREASON);
    assert_int_equal(starter->reply.values[0].as.atom, DYNSUP_NOCONNECTION);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CRASHED), 0);
    assert_int_equal(test_whereis(test, "it"), 0);
}

static void what_is_starting_ends_with_its_parent(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = starter_new(test, &p);
    test_signal(test, NULL, starter->pid, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, p.callee));
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

/* Calls, and waits for something else. */
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

/* ---- who says that it has started ---- */

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

/* Waits for 4 ms, and says then that it has started. */
static enum dynsup_slice act_start_late(test_body *self, dynsup_outcome *outcome) {
    if (self->wake == DYNSUP_WAKE_TIMEOUT)
        return act_say_started(self, outcome);
    self->until = self->test->now_ns + 4000000;
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice act_abort(test_body *self, dynsup_outcome *outcome) {
    const plan *p = self->more;
    if (self->wake != DYNSUP_WAKE_TIMEOUT) {
        act_start(self, outcome);
        self->test->bodies->act = act_start_late;
        self->test->bodies->more = self->more;
        self->act = act_abort;
        self->until = self->test->now_ns + 5000000;
        return DYNSUP_SLICE_WAIT;
    }
    self->act = NULL;
    self->key = 0;
    assert_true(dynsup_start_abort(self->test->host, p->ref));
    return DYNSUP_SLICE_WAIT;
}

static void a_start_that_is_given_up_in_the_same_moment_has_failed(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = test_spawn(test, NULL);
    starter->act = act_abort;
    starter->more = &p;
    test_run(test);
    test->now_ns += 5000000; /* both are due; whom it starts comes first */
    test_run(test);
    assert_null(starter->act);
    assert_false(starter->replied && starter->reply.status == 0);
    assert_false(dynsup_is_alive(test->host, p.callee));
    assert_true(test_alive(starter));
}

/* Spawns with all that can be told of a process, and gives up when something cannot be made. */
static enum dynsup_slice act_spawn_all(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    dynsup_ref down;
    test_body *child = test_body_new(self->test);
    dynsup_spawn_options options = {.link = true, .name = "it", .name_length = 2, .label = "it"};
    options.start_out = &p->ref;
    options.monitor_out = &down;
    self->act = NULL;
    p->status = dynsup_spawn(self->test->host, &test_body_ops, child, &options, &p->callee);
    child->gone = p->status != 0;
    return DYNSUP_SLICE_WAIT;
}

static void spawn_scenario(test_host *test) {
    plan p = {0};
    test_body *parent = test_spawn(test, NULL);
    if (!parent)
        return;
    parent->act = act_spawn_all;
    parent->more = &p;
    test_run(test);
    assert_true(p.status == 0 || p.status == DYNSUP_ENOMEM);
    assert_int_equal(test_whereis(test, "it") != 0, p.status == 0);
}

static void a_spawn_that_fails_leaves_nothing_behind(void **state) {
    (void)state;
    test_host_sweep(spawn_scenario);
}

static void who_was_killed_before_its_first_slice_does_not_start(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL), *body = test_body_new(test);
    dynsup_ref ref = 0;
    dynsup_spawn_options options = {.start_out = &ref};
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    test_enter(a);
    assert_int_equal(dynsup_spawn(test->host, &test_body_ops, body, &options, &body->pid), 0);
    dynsup_exit(test->host, body->pid, &kill);
    assert_false(dynsup_start_now(test->host, body->pid));
    assert_int_equal(dynsup_self(test->host), a->pid);
    assert_true(dynsup_call_end(test->host, ref));
    test_leave(test);
    test_run(test);
    assert_int_equal(body->slices, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_a_message_and_its_reply_wakes_the_caller),
        TEST(a_call_ends_with_the_callee),
        TEST(a_call_ends_with_the_caller),
        TEST(a_reply_after_the_time_finds_nobody),
        TEST(a_call_of_the_dead_fails_at_once),
        TEST(a_failed_start_sends_its_parent_no_signal),
        TEST(what_is_starting_ends_with_its_parent),
        TEST(only_who_has_called_can_end_the_call),
        TEST(a_caller_is_found_as_the_kind_of_body_that_it_is),
        TEST(a_monitor_is_no_call),
        TEST(who_waits_for_something_else_is_not_replied_to),
        TEST(who_is_ending_calls_nobody),
        TEST(a_caller_without_a_reply_op_is_not_told),
        TEST(a_start_that_is_not_waited_for_tells_nobody),
        TEST(a_start_that_is_given_up_in_the_same_moment_has_failed),
        cmocka_unit_test(each_allocation_of_a_call_may_fail),
        cmocka_unit_test(a_spawn_that_fails_leaves_nothing_behind),
        TEST(who_was_killed_before_its_first_slice_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
