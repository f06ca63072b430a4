/* Tests of children whose first process says itself that it has started (`starting`), as a server
 * does. */
#include "test_static.h"

#include "state.h"

/* Says that it has started, in its first slice or in the next one after a message. */
static enum dynsup_slice act_say_started(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    bool waits = self->more && self->received == 0;
    if (!waits)
        dynsup_started(self->test->host, 0);
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice act_fail(test_body *self, dynsup_outcome *outcome) {
    (void)self;
    outcome->reason = dynsup_reason_atom(DYNSUP_NOCONNECTION);
    return DYNSUP_SLICE_EXIT;
}

static dynsup_child_spec starting(test_host *test, test_body **body_out) {
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.guest = spec.starting = true;
    test_body_into(test, &spec);
    *body_out = spec.body;
    (*body_out)->act = act_say_started;
    return spec;
}

/* The starter of a child, the supervisor, and the child's first body. */
typedef struct scene {
    test_host *test;
    test_body *caller, *body;
    dynsup_pid supervisor;
    dynsup_child_spec spec;
} scene;

static scene scene_open(test_host *test) {
    scene s = {.test = test, .caller = test_spawn_trapping(test)};
    s.supervisor = test_supervisor(test, NULL);
    s.spec = starting(test, &s.body);
    return s;
}

static int scene_start(scene *s) {
    return test_start(s->test, s->caller, s->supervisor, &s->spec);
}

static void a_start_that_does_not_wait_is_done_in_its_callers_slice(void **state) {
    scene s = scene_open(*state);
    assert_int_equal(scene_start(&s), 0);
    assert_int_equal(s.caller->reply.pid, s.body->pid);
    assert_int_equal(s.body->slices, 1);
    test_counts(s.test, s.supervisor, 1, 1, 0, 1);
}

static void a_start_that_waits_is_waited_for(void **state) {
    scene s = scene_open(*state);
    s.body->more = s.body;
    assert_int_equal(scene_start(&s), DYNSUP_PENDING);
    test_run(s.test);
    assert_false(s.caller->replied);
    test_say_go(s.test, s.body->pid);
    assert_int_equal(s.caller->reply.status, 0);
    assert_int_equal(s.caller->reply.pid, s.body->pid);
}

static void a_start_that_fails_leaves_no_child(void **state) {
    scene s = scene_open(*state);
    s.body->act = act_fail;
    assert_int_equal(scene_start(&s), DYNSUP_PENDING);
    test_run(s.test);
    assert_int_equal(s.caller->reply.status, DYNSUP_EREASON);
    assert_int_equal(s.caller->reply.values[0].as.atom, DYNSUP_NOCONNECTION);
    test_counts(s.test, s.supervisor, 0, 0, 0, 0);
}

/* The start would have to wait: the first body is dropped, and no child is left behind. */
static void refused(test_host *test, test_body *caller, dynsup_pid supervisor) {
    test_body *body;
    dynsup_reply reply;
    test_enter(caller);
    assert_int_equal(dynsup_admits(test->host, supervisor, NULL, 0, false, &reply), DYNSUP_PENDING);
    test_leave(test);
    dynsup_child_spec spec = starting(test, &body);
    spec.id = test_integer(9);
    assert_int_equal(test_start(test, caller, supervisor, &spec), DYNSUP_EWOULD_WAIT);
    assert_true(body->gone);
    assert_int_equal(body->slices, 0);
    test_run(test);
}

static void a_busy_supervisor_starts_none(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    refused(test, b, supervisor);
    test_say_go(test, supervisor);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void a_static_supervisor_starts_none(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 2);
    refused(test, a, order.pid);
    test_children(test, order.pid, "1 2");
}

static void who_may_not_wait_starts_none(void **state) {
    test_host *test = *state;
    test_body *body;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = starting(test, &body);
    assert_int_equal(test_start(test, NULL, supervisor, &spec), DYNSUP_EWOULD_WAIT);
    assert_true(body->gone);
}

static void no_more_than_max_children_are_started(void **state) {
    test_host *test = *state;
    test_body *body, *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 3, 1);
    dynsup_child_spec spec = starting(test, &body);
    assert_int_equal(test_start(test, a, supervisor, &spec), 0);
    spec = starting(test, &body);
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EMAX_CHILDREN);
    assert_true(body->gone);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

/* So that the next process needs memory: a page is full. */
static void page_fill(test_host *test) {
    const dsi_slots *slots = &test->host->processes;
    test->unchecked = true;
    while (slots->free_head || slots->begun < slots->page_count * DSI_SLOT_PAGE_SIZE)
        if (!test_spawn(test, NULL))
            return;
}

static void scenario(test_host *test) {
    test_body *body, *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    if (!supervisor)
        return;
    test_run(test);
    page_fill(test);
    dynsup_child_spec spec = starting(test, &body);
    body->more = body; /* waits, so that a request is needed */
    int status = test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_true(status == DYNSUP_PENDING || status == DYNSUP_ENOMEM);
}

static void starting_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

/* Says that it has started, and wants to be stopped at once. */
static enum dynsup_slice act_start_and_stop(test_body *self, dynsup_outcome *outcome) {
    dynsup_pid supervisor = *(dynsup_pid *)self->more;
    (void)outcome;
    if (self->wake != DYNSUP_WAKE_FIRST)
        return DYNSUP_SLICE_WAIT;
    dynsup_started(self->test->host, 0);
    assert_int_equal(dynsup_terminate_child(self->test->host, supervisor, self->pid, NULL, 0, true,
                                            &self->reply),
                     DYNSUP_PENDING);
    self->key = self->reply.key;
    return DYNSUP_SLICE_WAIT;
}

static void a_start_that_asks_for_its_own_end_is_stopped(void **state) {
    scene s = scene_open(*state);
    s.body->act = act_start_and_stop;
    s.body->more = &s.supervisor;
    assert_int_equal(scene_start(&s), 0);
    test_run(s.test);
    test_counts(s.test, s.supervisor, 0, 0, 0, 0);
    assert_true(s.body->gone);
}

/* ---- processes that ask the supervisor that waits for them ---- */

/* A process that asks this supervisor in its first slice, and how that was answered. */
typedef struct asking {
    dynsup_pid whom;
    dynsup_ref ref;
    int statuses[4], count;
} asking;

static enum dynsup_slice act_ask(test_body *self, dynsup_outcome *outcome) {
    asking *ask = self->more;
    dynsup_host *host = self->test->host;
    dynsup_reply reply;
    dynsup_child_spec spec = test_spec(test_program_new(self->test));
    dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    (void)outcome;
    ask->statuses[0] = dynsup_start_child(host, ask->whom, &spec, false, true, &reply);
    ask->statuses[1] = dynsup_restart_child(host, ask->whom, self->pid, NULL, 0, true, &reply);
    ask->statuses[2] = dynsup_supervisor_turn(host, ask->whom, true, &reply);
    ask->statuses[3] = dynsup_supervisor_stop(host, ask->whom, &normal, true, &reply);
    ask->count++;
    self->act = NULL;
    dynsup_started(host, ask->ref);
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice act_ask_its_own(test_body *self, dynsup_outcome *outcome) {
    asking *ask = self->more;
    ask->whom = dynsup_parent(self->test->host);
    return act_ask(self, outcome);
}

static enum dynsup_slice act_begin(test_body *self, dynsup_outcome *outcome) {
    asking *ask = self->more;
    dynsup_spawn_options options = {.link = true, .start_out = &ask->ref};
    if (self->replied) {
        outcome->pid = self->reply.pid;
        return DYNSUP_SLICE_EXIT;
    }
    test_body *body = test_body_new(self->test);
    body->act = act_ask;
    body->more = ask;
    assert_int_equal(dynsup_spawn(self->test->host, &test_body_ops, body, &options, &body->pid), 0);
    self->key = ask->ref;
    return DYNSUP_SLICE_WAIT;
}

static void asked_in_vain(const asking *ask, int times) {
    assert_int_equal(ask->count, times);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask->statuses[i], DYNSUP_ECALLS_ITSELF);
}

static void who_starts_cannot_ask_who_waits_for_it(void **state) {
    test_host *test = *state;
    test_body *body, *a = test_spawn_trapping(test);
    asking ask = {.whom = test_supervisor(test, NULL)};
    dynsup_child_spec spec = starting(test, &body);
    test_program *program = spec.program;
    body->act = act_ask;
    body->more = program->more = &ask;
    program->act = act_begin; /* of the restart */
    assert_int_equal(test_start(test, a, ask.whom, &spec), 0);
    asked_in_vain(&ask, 1);
    test_signal(test, NULL, a->reply.pid, DYNSUP_KILL);
    test_run(test);
    asked_in_vain(&ask, 2);
    test_counts(test, ask.whom, 1, 1, 0, 1);
}

/* As act_ask, for a start or init function. */
static enum dynsup_slice act_ask_and_fail(test_body *self, dynsup_outcome *outcome) {
    asking *ask = self->more;
    ask->statuses[ask->count++] =
        dynsup_supervisor_turn(self->test->host, ask->whom, true, &self->reply);
    outcome->status = DYNSUP_EIGNORE;
    return DYNSUP_SLICE_EXIT;
}

/* Starts a supervisor with an init function that asks, then a static one whose first child does. */
static enum dynsup_slice act_start_supervisors(test_body *self, dynsup_outcome *outcome) {
    dynsup_host *host = self->test->host;
    asking *ask = self->more;
    dynsup_supervisor_options options = {.period_ms = 5000};
    if (ask->count == 2) {
        outcome->status = DYNSUP_EIGNORE;
        return DYNSUP_SLICE_EXIT;
    }
    if (ask->count == 0) {
        test_body *init = test_body_new(self->test);
        init->act = act_ask_and_fail;
        init->more = ask;
        dynsup_supervisor_init(host, &options, &test_body_ops, init, &self->reply);
    } else {
        dynsup_draft *draft = dynsup_draft_new(host);
        assert_non_null(draft);
        dynsup_child_spec spec = test_spec(test_program_new(self->test));
        test_program *program = spec.program;
        program->act = act_ask_and_fail;
        program->more = ask;
        spec.guest = true;
        spec.id = test_integer(1);
        assert_int_equal(dynsup_draft_add(draft, &spec), 0);
        dynsup_static_start(host, &options, draft, &self->reply);
    }
    assert_int_equal(self->reply.status, DYNSUP_PENDING);
    self->key = self->reply.key;
    return DYNSUP_SLICE_WAIT;
}

static void a_start_function_that_begins_a_supervisor_below_it_cannot_ask_it(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    asking ask = {.whom = test_supervisor(test, NULL)};
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_program *program = spec.program;
    program->act = act_start_supervisors;
    program->more = &ask;
    spec.guest = true;
    assert_int_equal(test_start(test, a, ask.whom, &spec), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
    assert_int_equal(ask.count, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask.statuses[i], DYNSUP_ECALLS_ITSELF);
}

/* A static supervisor waits for readiness, at the first start and at the restart of a group. */
static void a_body_that_is_not_ready_yet_cannot_ask_its_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    asking ask = {0};
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    test_order_add(test, &order)->ready = true;
    order.programs[0]->act = act_ask_its_own;
    order.programs[0]->more = &ask;
    test_order_start(test, a, &order);
    asked_in_vain(&ask, 1);
    test_kill_child(test, order.pid, 1);
    asked_in_vain(&ask, 2);
    test_children(test, order.pid, "1");
}

/* The supervisor was waited for while it started, and is not any more. */
static void a_start_function_of_a_supervisor_that_runs_may_ask_another_one(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    asking ask = {.whom = test_supervisor(test, NULL)};
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_program *program = spec.program;
    program->act = act_ask_and_fail;
    program->more = &ask;
    spec.guest = true;
    test_start(test, a, test_supervisor(test, NULL), &spec);
    test_run(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 1);
    spec = test_spec(program = test_program_new(test));
    program->act = act_ask_and_fail;
    program->more = &ask;
    spec.guest = true;
    spec.id = test_integer(9);
    test_start(test, a, order.pid, &spec);
    test_run(test);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.statuses[0], 0);
    assert_int_equal(ask.statuses[1], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_start_that_does_not_wait_is_done_in_its_callers_slice),
        TEST(a_start_that_waits_is_waited_for),
        TEST(a_start_that_fails_leaves_no_child),
        TEST(a_busy_supervisor_starts_none),
        TEST(a_static_supervisor_starts_none),
        TEST(who_may_not_wait_starts_none),
        TEST(no_more_than_max_children_are_started),
        cmocka_unit_test(starting_without_memory_changes_nothing),
        TEST(a_start_that_asks_for_its_own_end_is_stopped),
        TEST(who_starts_cannot_ask_who_waits_for_it),
        TEST(a_start_function_that_begins_a_supervisor_below_it_cannot_ask_it),
        TEST(a_body_that_is_not_ready_yet_cannot_ask_its_supervisor),
        TEST(a_start_function_of_a_supervisor_that_runs_may_ask_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
