/* Tests of guests: start functions that run as their supervisor. */
#include "test_host.h"

/* A start function that spawns a linked worker and returns it; what it does besides is set here. */
struct plan {
    bool waits;     /* for a message first */
    bool again;     /* in slices */
    int status;     /* what it returns */
    dynsup_pid pid; /* whom it returns; 0: a new linked process */
    bool unlinked;  /* the new process is not linked */
    bool traps;     /* the new process traps exits */
    bool stops;     /* asks its own supervisor */
    bool keeps;     /* finds what the guest before it has kept, or keeps something */
    uint64_t kept;
    test_body *made; /* the process it spawned last */
    dynsup_value info;
};

static void worker_make(test_body *self, struct plan *plan) {
    test_host *test = self->test;
    dynsup_pid pid = 0;
    test_body *body = test_body_new(test);
    body->traps = plan->traps;
    dynsup_spawn_options options = {.link = !plan->unlinked};
    body->gone = dynsup_spawn(test->host, &test_body_ops, body, &options, &pid) != 0;
    body->pid = pid;
    plan->made = body->gone ? NULL : body;
}

static void self_call(test_body *self) {
    dynsup_host *host = self->test->host;
    dynsup_reply reply;
    bool old;
    dynsup_child_spec spec = test_spec(test_program_new(self->test));
    assert_int_equal(dynsup_start_child(host, self->pid, &spec, false, true, &reply),
                     DYNSUP_ECALLS_ITSELF);
    assert_int_equal(dynsup_supervisor_turn(host, self->pid, true, &reply), DYNSUP_ECALLS_ITSELF);
    assert_int_equal(dynsup_trap_exit(host, false, &old), DYNSUP_ECALLS_ITSELF);
}

static void belonging_keep(test_body *self, struct plan *plan) {
    dynsup_host *host = self->test->host;
    assert_int_equal(dynsup_guest_belonging(host), plan->kept);
    if (plan->kept)
        return;
    plan->kept = test_object(self->test).as.object;
    dynsup_guest_belonging_set(host, plan->kept);
}

static enum dynsup_slice act_start(test_body *self, dynsup_outcome *outcome) {
    struct plan *plan = self->more;
    if (plan->waits && self->received == 0)
        return DYNSUP_SLICE_WAIT;
    if (plan->again && self->slices < 3)
        return DYNSUP_SLICE_AGAIN;
    if (plan->stops)
        self_call(self);
    if (plan->keeps)
        belonging_keep(self, plan);
    outcome->status = plan->status;
    outcome->values[0] = plan->info;
    plan->info = (dynsup_value){0};
    if (plan->status)
        return DYNSUP_SLICE_EXIT;
    if (!plan->pid)
        worker_make(self, plan);
    outcome->pid = plan->pid ? plan->pid : plan->made ? plan->made->pid : 0;
    if (outcome->pid == 0)
        outcome->status = DYNSUP_EBAD_RETURN;
    return DYNSUP_SLICE_EXIT;
}

static test_program *guest_program(test_host *test, struct plan *plan) {
    test_program *program = test_program_new(test);
    program->act = act_start;
    program->more = plan;
    return program;
}

static int start_guest(test_host *test, test_body *caller, dynsup_pid supervisor, struct plan *plan,
                       enum dynsup_restart restart) {
    dynsup_child_spec spec = test_spec(guest_program(test, plan));
    spec.guest = true;
    spec.restart = restart;
    return test_start(test, caller, supervisor, &spec);
}

static void say_go(test_host *test, dynsup_pid pid) {
    dynsup_value go = test_integer(1);
    assert_int_equal(dynsup_send(test->host, pid, &go, 1), 0);
    test_run(test);
}

static void a_start_function_starts_a_linked_worker(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {.again = true, .info = test_object(test), .stops = false};
    dynsup_value info = plan.info;
    assert_int_equal(start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT), DYNSUP_PENDING);
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
    struct plan plan = {.keeps = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(test->programs->made, 2);
    assert_int_not_equal(plan.kept, 0);
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

static void what_a_start_function_returns_is_told(void **state) {
    test_host *test = *state;
    static const int statuses[] = {DYNSUP_EIGNORE, DYNSUP_EBAD_RETURN, DYNSUP_EREASON};
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    for (int i = 0; i < 3; i++) {
        struct plan plan = {.status = statuses[i]};
        if (plan.status == DYNSUP_EREASON)
            plan.info = test_object(test);
        start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
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
    struct plan plan = {.waits = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
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
    say_go(test, supervisor);
    assert_true(a->replied && b->replied && c->replied);
    assert_int_equal(b->reply.pid, worker->pid);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

static void exits_of_children_wait_while_a_guest_runs(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    struct plan plan = {.waits = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(program->made, 1);
    assert_false(dynsup_is_alive(test->host, child));
    say_go(test, supervisor);
    assert_int_equal(program->made, 2);
    test_counts(test, supervisor, 2, 2, 0, 2);
}

static void a_guest_killed_with_its_supervisor_tells_the_caller(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    struct plan plan = {.waits = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
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
    struct plan plan = {.waits = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_signal(test, parent, supervisor, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, supervisor));
    say_go(test, supervisor);
    assert_int_equal(a->reply.status, 0);
    assert_false(dynsup_is_alive(test->host, supervisor));
    assert_false(test_alive(plan.made));
}

static void a_guest_may_not_ask_its_own_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {.status = DYNSUP_EIGNORE, .stops = true};
    dynsup_child_spec spec = test_spec(guest_program(test, &plan));
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
}

/* ---- whom a start function may name ---- */

static void the_exit_of_a_child_that_is_not_linked_is_noticed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {.unlinked = true};
    start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_exit_atom(plan.made, DYNSUP_NORMAL);
    test_run(test);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void a_dead_process_as_child_has_its_exit_handled(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 2, DYNSUP_NO_LIMIT);
    test_body *dead = test_spawn(test, NULL);
    test_signal(test, NULL, dead->pid, DYNSUP_KILL);
    test_run(test);
    struct plan plan = {.pid = dead->pid};
    start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    test_counts(test, supervisor, 0, 0, 0, 0);
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT); /* over and over */
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
    assert_int_equal(test->programs->made, 3);
}

static void a_process_that_is_a_child_already_takes_its_record_s_place(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    struct plan plan = {.pid = child};
    start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(a->reply.pid, child);
    assert_true(program->released);
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void a_child_that_is_still_starting_may_be_taken_over(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.ready = true;
    spec.start_timeout_ms = 100;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    struct plan plan = {.pid = program->last->pid};
    start_guest(test, b, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EALREADY_STARTED);
    assert_int_equal(b->reply.status, 0);
    test_settle(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void one_process_may_be_the_child_of_two_supervisors(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid first = test_supervisor(test, NULL), second = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, first, &spec);
    struct plan plan = {.pid = child};
    start_guest(test, a, second, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, second, DYNSUP_KILL); /* the link is the first one's */
    test_run(test);
    assert_true(dynsup_is_alive(test->host, child));
    test_counts(test, first, 1, 1, 0, 1);
    second = test_supervisor(test, NULL);
    plan.pid = child;
    start_guest(test, a, second, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, child));
    test_counts(test, second, 0, 0, 0, 0);
}

static void an_exit_parked_at_one_supervisor_outlives_the_other(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid first = test_supervisor(test, NULL), second = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    spec.backoff = &backoff;
    dynsup_pid child = test_started(test, a, first, &spec);
    struct plan adopts = {.pid = child};
    start_guest(test, a, second, &adopts, DYNSUP_TEMPORARY);
    test_run(test);
    struct plan waits = {.waits = true};
    start_guest(test, b, second, &waits, DYNSUP_TEMPORARY);
    test_run(test);
    program->fails = DYNSUP_EREASON;
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test); /* restarting at the first, parked at the second */
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    say_go(test, second);
    test_counts(test, second, 1, 1, 0, 1);
}

static void a_supervisor_may_be_named_as_its_own_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {.pid = supervisor};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_stop(test, a, supervisor, DYNSUP_NORMAL);
    test_pass(test, 6000);
    assert_false(dynsup_is_alive(test->host, supervisor));
    assert_true(a->replied);
}

/* ---- restarts by a start function ---- */

static void a_restart_is_ignored_or_tried_again(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {0};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    plan.status = DYNSUP_EBAD_RETURN;
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor)); /* each attempt counts */
    assert_int_equal(test->programs->made, 4);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 3);
    supervisor = test_supervisor(test, NULL);
    plan = (struct plan){0};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    plan.status = DYNSUP_EIGNORE;
    test_exit(plan.made, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void a_guest_that_restarts_a_child_dies_with_its_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    struct plan plan = {0};
    start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
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
    struct plan plan = {0};
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    if (!supervisor)
        return;
    int status = start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
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
        TEST(exits_of_children_wait_while_a_guest_runs),
        TEST(a_guest_killed_with_its_supervisor_tells_the_caller),
        TEST(the_parent_s_signal_waits_for_the_guest),
        TEST(a_guest_may_not_ask_its_own_supervisor),
        TEST(the_exit_of_a_child_that_is_not_linked_is_noticed),
        TEST(a_dead_process_as_child_has_its_exit_handled),
        TEST(a_process_that_is_a_child_already_takes_its_record_s_place),
        TEST(a_child_that_is_still_starting_may_be_taken_over),
        TEST(one_process_may_be_the_child_of_two_supervisors),
        TEST(an_exit_parked_at_one_supervisor_outlives_the_other),
        TEST(a_supervisor_may_be_named_as_its_own_child),
        TEST(a_restart_is_ignored_or_tried_again),
        TEST(a_guest_that_restarts_a_child_dies_with_its_supervisor),
        TEST(a_guest_s_close_handler_may_end_the_supervisor),
        cmocka_unit_test(guests_without_memory_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
