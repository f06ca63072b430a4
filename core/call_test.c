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

static enum dynsup_slice act_started(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    dynsup_started(self->test->host, p->ref);
    return DYNSUP_SLICE_WAIT;
}

/* Starts two, one after the other, inside its slice. */
static enum dynsup_slice act_start_inside(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_host *host = self->test->host;
    plan *p = self->more;
    uint64_t slices = *dynsup_host_slices(host);
    for (int i = 0; i < 2; i++) {
        test_body *child = test_body_new(self->test);
        dynsup_spawn_options options = {.start_out = &p->ref};
        child->act = act_started;
        child->more = p;
        assert_int_equal(dynsup_spawn(host, &test_body_ops, child, &options, &p->callee), 0);
        assert_true(dynsup_start_now(host, p->callee));
        assert_int_equal(child->slices, 1);
        assert_int_equal(dynsup_self(host), self->pid);
    }
    assert_int_equal(*dynsup_host_slices(host), slices);
    self->act = NULL;
    return DYNSUP_SLICE_WAIT;
}

/* Who waits for the end of a slice waits for what runs inside it: a watchdog sees one slice. */
static void starts_inside_a_slice_are_no_slices_of_the_host(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = test_spawn(test, NULL);
    starter->act = act_start_inside;
    starter->more = &p;
    test_run(test);
    assert_null(starter->act);
    assert_true(dynsup_is_alive(test->host, p.callee));
    assert_int_equal(*dynsup_host_slices(test->host), 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_a_message_and_its_reply_wakes_the_caller),
        TEST(a_call_ends_with_the_callee),
        TEST(a_call_ends_with_the_caller),
        TEST(a_reply_after_the_time_finds_nobody),
        TEST(a_call_of_the_dead_fails_at_once),
        TEST(a_failed_start_sends_its_parent_no_signal),
        TEST(starts_inside_a_slice_are_no_slices_of_the_host),
        TEST(what_is_starting_ends_with_its_parent),
        cmocka_unit_test(each_allocation_of_a_call_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
