/* Tests of starts that are waited for: processes that say that they have started, and callers that
 * give up waiting. */
#include "test_host.h"

/* What is started, and what its starter waits for. */
typedef struct plan {
    dynsup_pid started;
    dynsup_ref ref;
    int status;
} plan;

/* Spawns a linked process and waits for its start. */
static enum dynsup_slice act_start(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    test_body *child = test_body_new(self->test);
    dynsup_spawn_options options = {.link = true, .name = "it", .name_length = 2};
    options.start_out = &p->ref;
    self->act = NULL;
    p->status = dynsup_spawn(self->test->host, &test_body_ops, child, &options, &p->started);
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
    assert_int_equal(test_whereis(test, "it"), p.started);
    test_signal(test, NULL, p.started, DYNSUP_NOCONNECTION);
    test_run(test);
    assert_true(test_alive(starter));
    assert_int_equal(starter->reply.status, DYNSUP_EREASON);
    assert_int_equal(starter->reply.values[0].as.atom, DYNSUP_NOCONNECTION);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CRASHED), 0);
    assert_int_equal(test_whereis(test, "it"), 0);
}

static void a_start_that_fails_when_its_starter_has_ended_is_a_crash(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = starter_new(test, &p);
    test_signal(test, NULL, starter->pid, DYNSUP_NOCONNECTION); /* and along the link */
    test_run(test);
    assert_false(dynsup_is_alive(test->host, p.started));
    assert_int_equal(test_events(test, DYNSUP_EVENT_CRASHED), 2);
}

static void a_start_that_is_to_be_ignored_is_a_good_end_for_all_others(void **state) {
    test_host *test = *state;
    plan p = {0};
    dynsup_ref down;
    test_body *linked = test_spawn_trapping(test);
    test_body *watcher = test_spawn(test, NULL);
    test_body *starter = starter_new(test, &p);
    test_body *started = test->bodies;
    test_enter(linked);
    assert_int_equal(dynsup_link(test->host, p.started), 0);
    test_leave(test);
    test_enter(watcher);
    assert_int_equal(dynsup_monitor(test->host, p.started, NULL, &down), 0);
    test_leave(test);
    test_exit(started, DYNSUP_REASON_NORMAL, test_atom(DYNSUP_IGNORE));
    test_run(test);
    assert_int_equal(starter->reply.values[0].as.atom, DYNSUP_IGNORE);
    test_got_exit(linked, p.started, DYNSUP_NORMAL);
    test_got_down(watcher, down, DYNSUP_NORMAL);
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
        assert_int_equal(dynsup_spawn(host, &test_body_ops, child, &options, &p->started), 0);
        assert_true(dynsup_start_now(host, p->started));
        assert_int_equal(child->slices, 1);
        assert_int_equal(dynsup_self(host), self->pid);
    }
    assert_int_equal(*dynsup_host_slices(host), slices);
    self->act = NULL;
    return DYNSUP_SLICE_WAIT;
}

/* A slice lasts as long as what runs inside it: a watchdog sees one slice. */
static void starts_inside_a_slice_are_no_slices_of_the_host(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = test_spawn(test, NULL);
    starter->act = act_start_inside;
    starter->more = &p;
    test_run(test);
    assert_null(starter->act);
    assert_true(dynsup_is_alive(test->host, p.started));
    assert_int_equal(*dynsup_host_slices(test->host), 1);
}

static void what_is_starting_ends_with_its_parent(void **state) {
    test_host *test = *state;
    plan p = {0};
    test_body *starter = starter_new(test, &p);
    test_signal(test, NULL, starter->pid, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, p.started));
}

/* Waits for 4 ms, and says then that it has started. */
static enum dynsup_slice act_start_late(test_body *self, dynsup_outcome *outcome) {
    if (self->wake == DYNSUP_WAKE_TIMEOUT)
        return act_started(self, outcome);
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
    test->now_ns += 5000000; /* both are due; the process that it starts comes first */
    test_run(test);
    assert_null(starter->act);
    assert_false(starter->replied && starter->reply.status == 0);
    assert_false(dynsup_is_alive(test->host, p.started));
    assert_true(test_alive(starter));
}

/* Spawns with all options, and gives up when something cannot be made. */
static enum dynsup_slice act_spawn_all(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    plan *p = self->more;
    dynsup_ref down;
    test_body *child = test_body_new(self->test);
    dynsup_spawn_options options = {.link = true, .name = "it", .name_length = 2, .label = "it"};
    options.start_out = &p->ref;
    options.monitor_out = &down;
    self->act = NULL;
    p->status = dynsup_spawn(self->test->host, &test_body_ops, child, &options, &p->started);
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
        TEST(a_failed_start_sends_its_parent_no_signal),
        TEST(a_start_that_fails_when_its_starter_has_ended_is_a_crash),
        TEST(a_start_that_is_to_be_ignored_is_a_good_end_for_all_others),
        TEST(starts_inside_a_slice_are_no_slices_of_the_host),
        TEST(what_is_starting_ends_with_its_parent),
        TEST(a_start_that_is_given_up_in_the_same_moment_has_failed),
        cmocka_unit_test(a_spawn_that_fails_leaves_nothing_behind),
        TEST(who_was_killed_before_its_first_slice_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
