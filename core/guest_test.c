/* Tests of guests: start functions that run as their supervisor. */
#include "test_guest.h"

static void a_start_function_starts_a_linked_worker(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.again = true, .info = test_object(test), .stops = false};
    dynsup_value info = plan.info;
    assert_int_equal(test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT),
                     DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(a->reply.pid, plan.made->pid);
    assert_int_equal(a->reply.values[0].as.object, info.as.object);
    test_counts(test, supervisor, 1, 1, 0, 1);
    assert_true(test->programs->last->stopped && test->programs->last->gone);
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
    assert_int_equal(test->programs->made, 2);
}

/* That it is released in the end is checked by the fixture. */
static void what_a_guest_keeps_is_there_for_the_next(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.keeps = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(test->programs->made, 2);
    assert_int_not_equal(plan.kept, 0);
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

static void what_a_start_function_returns_is_told(void **state) {
    test_host *test = *state;
    static const int statuses[] = {DYNSUP_EIGNORE, DYNSUP_EBAD_RETURN, DYNSUP_EREASON};
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    for (int i = 0; i < 3; i++) {
        test_plan plan = {.status = statuses[i]};
        if (plan.status == DYNSUP_EREASON)
            plan.info = test_object(test);
        test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
        test_run(test);
        assert_int_equal(a->reply.status, statuses[i]);
        test_counts(test, supervisor, 0, 0, 0, 0);
        assert_true(test->programs->released);
    }
}

static void requests_wait_in_order_while_a_guest_runs(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    test_body *c = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    dynsup_value object = test_object(test);
    dynsup_send(test->host, a->pid, &object, 1); /* a still waits for its reply */
    dynsup_child_spec spec = test_spec(NULL);
    spec.program_ops = NULL;
    spec.restart = DYNSUP_TEMPORARY;
    spec.body_ops = &test_body_ops;
    spec.body = test_body_new(test);
    test_body *worker = spec.body;
    assert_int_equal(test_start(test, b, supervisor, &spec), DYNSUP_PENDING);
    test_enter(c);
    assert_int_equal(dynsup_supervisor_turn(test->host, supervisor, true, &c->reply),
                     DYNSUP_PENDING);
    c->key = c->reply.key;
    test_leave(test);
    test_run(test);
    assert_false(a->replied || b->replied || c->replied);
    assert_int_equal(worker->slices, 0);
    test_say_go(test, supervisor);
    assert_true(a->replied && b->replied && c->replied);
    assert_int_equal(b->reply.pid, worker->pid);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

/* Its start function would find the call as a message, if at all. */
static void a_supervisor_with_a_guest_is_no_server_either(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.waits = true};
    dynsup_value what = test_integer(1);
    dynsup_ref ref;
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_enter(b);
    assert_int_equal(dynsup_call(test->host, supervisor, DYNSUP_CALL, &what, &ref),
                     DYNSUP_ENOT_A_SERVER);
    test_leave(test);
    test_say_go(test, supervisor);
    assert_int_equal(a->reply.status, 0);
}

static void exits_of_children_wait_while_a_guest_runs(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(program->made, 1);
    assert_false(dynsup_is_alive(test->host, child));
    test_say_go(test, supervisor);
    assert_int_equal(program->made, 2);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

static enum dynsup_slice act_again(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_counts counts;
    assert_int_equal(dynsup_count_children(self->test->host, *(dynsup_pid *)self->more, &counts),
                     0);
    return counts.specs > 1 ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_IDLE;
}

static void others_run_while_many_exits_that_waited_are_handled(void **state) {
    enum { CHILDREN = 200 };
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_pid children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        dynsup_child_spec spec = test_spec(test_program_new(test));
        spec.restart = DYNSUP_TEMPORARY;
        children[i] = test_started(test, a, supervisor, &spec);
    }
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    for (int i = 0; i < CHILDREN; i++)
        test_signal(test, NULL, children[i], DYNSUP_KILL);
    test_run(test);
    test_body *other = test_spawn(test, NULL);
    other->act = act_again;
    other->more = &supervisor;
    test_say_go(test, supervisor);
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
    assert_in_range(other->slices, 3, CHILDREN);
}

static void a_guest_killed_with_its_supervisor_tells_the_caller(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL); /* its exit is parked, too */
    test_run(test);
    test_stop(test, b, supervisor, DYNSUP_NORMAL);
    test_run(test);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_ENOPROC);
    assert_true(b->replied);
    assert_int_equal(dynsup_host_process_count(test->host), 2);
}

static void the_parent_s_signal_waits_for_the_guest(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, parent);
    test_plan plan = {.waits = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_signal(test, parent, supervisor, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, supervisor));
    test_say_go(test, supervisor);
    assert_int_equal(a->reply.status, 0);
    assert_false(dynsup_is_alive(test->host, supervisor));
    assert_false(test_alive(plan.made));
}

static enum dynsup_slice act_leave_letter(test_body *self, dynsup_outcome *outcome) {
    dynsup_value letter = test_object(self->test);
    assert_int_equal(dynsup_send(self->test->host, self->pid, &letter, 1), 0);
    outcome->status = DYNSUP_EIGNORE;
    return DYNSUP_SLICE_EXIT;
}

/* That it is released is checked by the fixture. */
static void a_message_that_a_guest_leaves_behind_is_told_and_dropped(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->act = act_leave_letter;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
    assert_int_equal(test_events(test, DYNSUP_EVENT_UNEXPECTED), 1);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_UNEXPECTED)->pid, supervisor);
}

static void a_guest_may_not_ask_its_own_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.status = DYNSUP_EIGNORE, .stops = true};
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
}

/* ---- restarts by a start function ---- */

static void a_restart_is_ignored_or_tried_again(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {0};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    plan.status = DYNSUP_EBAD_RETURN;
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor)); /* each attempt counts */
    assert_int_equal(test->programs->made, 4);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 3);
    supervisor = test_supervisor(test, NULL);
    plan = (test_plan){0};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    plan.status = DYNSUP_EIGNORE;
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

/* A process linked to a child hears of its end before the supervisor's own slice comes. */
static enum dynsup_slice act_start_at_once(test_body *self, dynsup_outcome *outcome) {
    test_family *f = self->more;
    (void)outcome;
    if (self->received == 0)
        return DYNSUP_SLICE_WAIT;
    dynsup_child_spec spec = test_spec(f->program);
    spec.guest = true;
    self->act = NULL;
    assert_int_equal(
        dynsup_start_child(self->test->host, f->supervisor, &spec, false, true, &self->reply),
        DYNSUP_PENDING);
    self->key = self->reply.key;
    return DYNSUP_SLICE_WAIT;
}

static void a_start_function_may_come_between_a_restart_that_failed_and_the_next(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 3);
    test_program *program = f.program;
    test_plan plan = {0};
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, f.a, f.supervisor, &spec);
    f.program = test_guest_program(test, &plan);
    f.a->act = act_start_at_once;
    f.a->more = &f;
    test_enter(f.a);
    assert_int_equal(dynsup_link(test->host, child), 0);
    test_leave(test);
    program->fails = DYNSUP_EREASON;
    f.a->received = 0;
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(f.a->reply.status, 0);
    assert_int_equal(program->made, 4); /* and three restarts, which fail */
    assert_false(dynsup_is_alive(test->host, f.supervisor));
}

static void a_guest_that_restarts_a_child_dies_with_its_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {0};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    plan.waits = true;
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    test_counts(test, supervisor, 1, 0, 0, 1);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static void stop_kills_own(test_body *self) {
    test_signal(self->test, NULL, self->pid, DYNSUP_KILL);
}

static enum dynsup_slice act_doomed_stop(test_body *self, dynsup_outcome *outcome) {
    self->on_stop = stop_kills_own;
    outcome->status = DYNSUP_EIGNORE;
    return DYNSUP_SLICE_EXIT;
}

static void a_guest_s_close_handler_may_end_the_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    for (int i = 0; i < 2; i++) { /* the second waits for its turn */
        test_program *program = test_program_new(test);
        program->act = act_doomed_stop;
        dynsup_child_spec spec = test_spec(program);
        spec.guest = true;
        test_start(test, i ? b : a, supervisor, &spec);
    }
    test_run(test);
    assert_true(a->replied && b->replied);
    assert_int_equal(b->reply.status, DYNSUP_ENOPROC);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

static void scenario_guest(test_host *test) {
    test_plan plan = {0};
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    if (!supervisor)
        return;
    int status = test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    if (status == DYNSUP_PENDING)
        status = a->reply.status;
    assert_true(a->replied);
    assert_true(status == 0 || status == DYNSUP_ENOMEM || status == DYNSUP_EBAD_RETURN);
    test_counts(test, supervisor, status == 0, status == 0, 0, status == 0);
    if (status == 0)
        test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
}

static void guests_without_memory_change_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_guest);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_start_function_starts_a_linked_worker),
        TEST(what_a_guest_keeps_is_there_for_the_next),
        TEST(what_a_start_function_returns_is_told),
        TEST(requests_wait_in_order_while_a_guest_runs),
        TEST(a_supervisor_with_a_guest_is_no_server_either),
        TEST(exits_of_children_wait_while_a_guest_runs),
        TEST(others_run_while_many_exits_that_waited_are_handled),
        TEST(a_guest_killed_with_its_supervisor_tells_the_caller),
        TEST(the_parent_s_signal_waits_for_the_guest),
        TEST(a_message_that_a_guest_leaves_behind_is_told_and_dropped),
        TEST(a_guest_may_not_ask_its_own_supervisor),
        TEST(a_restart_is_ignored_or_tried_again),
        TEST(a_start_function_may_come_between_a_restart_that_failed_and_the_next),
        TEST(a_guest_that_restarts_a_child_dies_with_its_supervisor),
        TEST(a_guest_s_close_handler_may_end_the_supervisor),
        cmocka_unit_test(guests_without_memory_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
