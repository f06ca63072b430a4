/* Tests of guests: what is remembered of processes that they spawn or that end meanwhile. */
#include "test_guest.h"

/* The program of a guest that waits for a message, then names the process that the plan says. */
static test_program *guest_begin(test_host *test, test_body *caller, dynsup_pid supervisor,
                                 test_plan *plan, enum dynsup_restart restart) {
    test_program *program = test_guest_program(test, plan);
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    spec.restart = restart;
    plan->waits = true;
    assert_int_equal(test_start(test, caller, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    return program;
}

static enum dynsup_slice act_signal_many(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_reason reason = {DYNSUP_REASON_OTHER, test_integer(7)};
    for (int i = 0; i < 1000; i++)
        dynsup_exit(self->test->host, *(dynsup_pid *)self->more, &reason);
    return DYNSUP_SLICE_WAIT;
}

static void signals_of_strangers_are_nothing_to_a_guest_either(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {0};
    guest_begin(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_body *stranger = test_spawn(test, NULL);
    test_run(test);
    size_t before = dynsup_host_memory(test->host);
    stranger->act = act_signal_many;
    stranger->more = &supervisor;
    dynsup_value go = test_integer(1);
    dynsup_send(test->host, stranger->pid, &go, 1);
    test_run(test);
    assert_in_range(dynsup_host_memory(test->host), before, before + 100); /* the message */
    test_say_go(test, supervisor);
    assert_int_equal(a->reply.status, 0);
}

static void a_child_to_be_that_signals_its_supervisor_ends_with_its_own_reason(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {0};
    test_program *program = guest_begin(test, a, supervisor, &plan, DYNSUP_TRANSIENT);
    test_body *first = test_spawn_link(test, program->last);
    plan.pid = first->pid;
    test_signal(test, first, supervisor, DYNSUP_SHUTDOWN);
    test_exit_atom(first, DYNSUP_TIMEOUT);
    test_run(test);
    test_say_go(test, supervisor);
    const test_event *report = test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED);
    assert_non_null(report);
    assert_int_equal(report->reason.value.as.atom, DYNSUP_TIMEOUT);
    assert_true(program->made > 1);
}

static enum dynsup_slice act_link_the_dead(test_body *self, dynsup_outcome *outcome) {
    test_program *program = self->test->programs;
    size_t before = dynsup_host_memory(self->test->host);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(dynsup_link(self->test->host, *(dynsup_pid *)program->more), 0);
    assert_int_equal(dynsup_host_memory(self->test->host), before);
    outcome->status = DYNSUP_EIGNORE;
    return DYNSUP_SLICE_EXIT;
}

static void a_guest_may_link_to_the_dead_for_ever(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *dead = test_spawn(test, NULL);
    test_signal(test, NULL, dead->pid, DYNSUP_KILL);
    test_run(test);
    test_program *program = test_program_new(test);
    program->act = act_link_the_dead;
    program->more = &dead->pid;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
}

/* ---- a guest that spawns in a loop ---- */

typedef struct spawner {
    bool link;
    int count;
    dynsup_pid first, last;
} spawner;

static void worker_spawn(test_body *self, spawner *plan) {
    test_body *body = test_body_new(self->test);
    dynsup_spawn_options options = {.link = plan->link};
    body->exits = true;
    body->outcome.reason = dynsup_reason_atom(DYNSUP_NORMAL);
    assert_int_equal(dynsup_spawn(self->test->host, &test_body_ops, body, &options, &plan->last),
                     0);
    if (plan->first == 0)
        plan->first = plan->last;
}

/* Spawns one process in each slice, so that the one before is gone; waits after the last one. */
static enum dynsup_slice act_spawner(test_body *self, dynsup_outcome *outcome) {
    test_program *program = self->test->programs;
    spawner *plan = program->more;
    if (self->received > 0) {
        outcome->pid = plan->first;
        return DYNSUP_SLICE_EXIT;
    }
    if (plan->count == 0)
        return DYNSUP_SLICE_WAIT;
    plan->count--;
    worker_spawn(self, plan);
    return DYNSUP_SLICE_AGAIN;
}

/* By how many bytes the host grows while a guest spawns that many. */
static size_t spawner_growth(test_host *test, spawner *plan, test_body *caller,
                             dynsup_pid supervisor) {
    test_program *program = test_program_new(test);
    program->act = act_spawner;
    program->more = plan;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    spec.restart = DYNSUP_TEMPORARY;
    size_t before = dynsup_host_memory(test->host);
    test_start(test, caller, supervisor, &spec);
    test_run(test);
    assert_int_equal(plan->count, 0);
    return dynsup_host_memory(test->host) - before;
}

static void whom_a_guest_has_spawned_is_forgotten_when_it_is_gone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    spawner few = {.count = 10}, many = {.count = 5000};
    spawner_growth(test, &few, a, supervisor); /* the host has its first pages */
    test_say_go(test, supervisor);
    assert_in_range(spawner_growth(test, &many, a, supervisor), 0, 4000);
    test_say_go(test, supervisor);
}

static void of_those_that_end_meanwhile_the_last_thousand_are_remembered(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    spawner some = {.link = true, .count = 1000}, many = {.link = true, .count = 5000};
    spawner_growth(test, &some, a, supervisor);
    test_say_go(test, supervisor);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 0); /* it ended "normal" */
    assert_in_range(spawner_growth(test, &many, a, supervisor), 0, 60000);
    test_say_go(test, supervisor);
    const test_event *report = test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED);
    assert_non_null(report);
    assert_int_equal(report->reason.value.as.atom, DYNSUP_NOPROC);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(signals_of_strangers_are_nothing_to_a_guest_either),
        TEST(a_child_to_be_that_signals_its_supervisor_ends_with_its_own_reason),
        TEST(a_guest_may_link_to_the_dead_for_ever),
        TEST(whom_a_guest_has_spawned_is_forgotten_when_it_is_gone),
        TEST(of_those_that_end_meanwhile_the_last_thousand_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
