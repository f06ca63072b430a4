/* Tests of guests: which processes a start function may name as its child. */
#include "test_guest.h"

static void the_exit_of_a_child_that_is_not_linked_is_noticed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.unlinked = true};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
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
    test_plan plan = {.pid = dead->pid};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    test_counts(test, supervisor, 0, 0, 0, 0);
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT); /* over and over */
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
    test_plan plan = {.pid = child};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
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
    test_plan plan = {.pid = program->last->pid};
    test_start_guest(test, b, supervisor, &plan, DYNSUP_PERMANENT);
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
    test_plan plan = {.pid = child};
    test_start_guest(test, a, second, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, second, DYNSUP_KILL); /* the link is the first one's */
    test_run(test);
    assert_true(dynsup_is_alive(test->host, child));
    test_counts(test, first, 1, 1, 0, 1);
    second = test_supervisor(test, NULL);
    plan.pid = child;
    test_start_guest(test, a, second, &plan, DYNSUP_TEMPORARY);
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
    test_plan adopts = {.pid = child};
    test_start_guest(test, a, second, &adopts, DYNSUP_TEMPORARY);
    test_run(test);
    test_plan waits = {.waits = true};
    test_start_guest(test, b, second, &waits, DYNSUP_TEMPORARY);
    test_run(test);
    program->fails = DYNSUP_EREASON;
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test); /* restarting at the first, parked at the second */
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    test_say_go(test, second);
    test_counts(test, second, 1, 1, 0, 1);
}

static void say_ready(test_host *test, test_body *body) {
    dynsup_value info = test_object(test);
    test_enter(body);
    dynsup_ready(test->host, &info);
    test_leave(test);
    test_run(test);
}

/* The second supervisor's child has more options, so that its record comes first and has an extra
 * part. */
static void the_child_of_two_supervisors_is_ready_for_the_one_that_waits(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_pid first = test_supervisor(test, NULL), second = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    spec.ready = true;
    assert_int_equal(test_start(test, a, first, &spec), DYNSUP_PENDING);
    test_run(test);
    test_plan adopts = {.pid = program->last->pid};
    spec = test_spec(test_guest_program(test, &adopts));
    spec.guest = true;
    spec.backoff = &backoff;
    spec.restart = DYNSUP_TEMPORARY;
    test_start(test, b, second, &spec);
    test_run(test);
    assert_int_equal(b->reply.status, 0);
    assert_false(a->replied);
    say_ready(test, program->last);
    assert_true(a->replied);
    assert_int_equal(a->reply.status, 0);
    say_ready(test, program->last); /* no request waits: its info is released */
}

static void who_is_not_waited_for_may_say_that_it_is_ready(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    spec.backoff = &backoff;
    test_started(test, a, test_supervisor(test, NULL), &spec);
    say_ready(test, program->last);
    say_ready(test, a); /* no child at all */
}

/* Two linked processes end while the start function runs; the second one is named as the child. */
static void the_child_has_ended_with(test_host *test, dynsup_pid named, enum dynsup_atom reason) {
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 0, DYNSUP_NO_LIMIT);
    test_plan plan = {.waits = true};
    test_program *program = test_guest_program(test, &plan);
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    spec.restart = DYNSUP_TEMPORARY;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    test_body *first = test_spawn_link(test, program->last);
    test_body *second = test_spawn_link(test, program->last);
    test_exit_atom(first, DYNSUP_NOCONNECTION);
    test_exit_atom(second, DYNSUP_NOMEM);
    test_run(test);
    plan.pid = named ? named : second->pid;
    test_say_go(test, supervisor);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED)->reason.value.as.atom,
                     reason);
}

static void a_child_that_ended_while_it_was_started_has_its_own_reason(void **state) {
    test_host *test = *state;
    the_child_has_ended_with(test, 0, DYNSUP_NOMEM);
    test_body *dead = test_spawn(test, NULL);
    test_signal(test, NULL, dead->pid, DYNSUP_KILL);
    test_run(test);
    the_child_has_ended_with(test, dead->pid, DYNSUP_NOPROC); /* it was not linked */
}

static enum dynsup_slice act_link_child(test_body *self, dynsup_outcome *outcome) {
    assert_int_equal(dynsup_link(self->test->host, *(dynsup_pid *)self->more), 0);
    outcome->status = DYNSUP_EIGNORE;
    return DYNSUP_SLICE_EXIT;
}

/* The start function acts as the supervisor, which is linked to the process already. */
static void a_start_function_may_link_to_a_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_program *program = test_program_new(test);
    program->act = act_link_child;
    program->more = &child;
    spec = test_spec(program);
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EIGNORE);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, child));
}

static void a_supervisor_cannot_be_its_own_child(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_plan plan = {.pid = supervisor};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_PERMANENT);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_BAD_RETURN);
    assert_true(a->reply.values[1].as.id == supervisor);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

/* Kills the child of a supervisor that is busy with a start function: its exit waits there. */
static dynsup_pid ended_and_parked(test_host *test, test_plan *busy, dynsup_pid *supervisor_out) {
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.restart = DYNSUP_TEMPORARY;
    *supervisor_out = test_supervisor(test, NULL);
    dynsup_pid child = test_started(test, a, *supervisor_out, &spec);
    *busy = (test_plan){.waits = true};
    test_start_guest(test, b, *supervisor_out, busy, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    return child;
}

static void who_has_ended_and_waits_for_its_turn_elsewhere_is_handled_at_once(void **state) {
    test_host *test = *state;
    test_plan busy;
    dynsup_pid first, second = test_supervisor(test, NULL);
    test_plan plan = {.pid = ended_and_parked(test, &busy, &first)};
    test_body *a = test_spawn_trapping(test);
    test_start_guest(test, a, second, &plan, DYNSUP_TRANSIENT); /* killed, so it is tried again */
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    const test_event *event = test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED);
    assert_int_equal(event->reason.value.as.atom, DYNSUP_KILLED);
    assert_false(dynsup_is_alive(test->host, second));
    test_say_go(test, first);
    test_counts(test, first, 1, 1, 0, 1);
}

static void a_record_with_more_gives_its_place_as_well(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.backoff = &backoff;
    test_plan plan = {.pid = test_started(test, a, supervisor, &spec)};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(a->reply.pid, plan.pid);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void a_supervisor_that_has_ended_has_no_arguments(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    dynsup_pid outer = test_supervisor(test, NULL), inner = test_supervisor(test, NULL);
    test_plan adopts = {.pid = inner}, busy = {.waits = true};
    test_start_guest(test, a, outer, &adopts, DYNSUP_TEMPORARY);
    test_run(test);
    test_start_guest(test, b, outer, &busy, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, inner, DYNSUP_KILL);
    test_run(test); /* its exit waits for the outer one's turn */
    assert_int_equal(dynsup_supervisor_arguments(test->host, inner), 0);
    test_say_go(test, outer);
}

static void a_start_function_that_cannot_be_made_refuses_the_start(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_program *program = test_program_new(test);
    program->fails = DYNSUP_EREASON;
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    assert_int_equal(test_start(test, a, test_supervisor(test, NULL), &spec), DYNSUP_EREASON);
    assert_true(program->released);
}

/* A "shutdown" that is not its parent's is ignored. */
static void somebody_else_s_registry_as_child_is_killed_after_its_time(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL), registry;
    assert_int_equal(dynsup_registry_start(test->host, true, NULL, 0, &registry), 0);
    test_plan plan = {.pid = registry};
    test_start_guest(test, a, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(test_terminate(test, a, supervisor, registry), DYNSUP_PENDING);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, registry));
    assert_false(a->replied);
    test_pass(test, 5000);
    assert_int_equal(a->reply.status, 0);
    assert_false(dynsup_is_alive(test->host, registry));
    test_counts(test, supervisor, 0, 0, 0, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_exit_of_a_child_that_is_not_linked_is_noticed),
        TEST(a_dead_process_as_child_has_its_exit_handled),
        TEST(a_process_that_is_a_child_already_takes_its_record_s_place),
        TEST(a_child_that_is_still_starting_may_be_taken_over),
        TEST(one_process_may_be_the_child_of_two_supervisors),
        TEST(an_exit_parked_at_one_supervisor_outlives_the_other),
        TEST(the_child_of_two_supervisors_is_ready_for_the_one_that_waits),
        TEST(who_is_not_waited_for_may_say_that_it_is_ready),
        TEST(a_child_that_ended_while_it_was_started_has_its_own_reason),
        TEST(a_start_function_may_link_to_a_child),
        TEST(a_supervisor_cannot_be_its_own_child),
        TEST(who_has_ended_and_waits_for_its_turn_elsewhere_is_handled_at_once),
        TEST(a_record_with_more_gives_its_place_as_well),
        TEST(a_supervisor_that_has_ended_has_no_arguments),
        TEST(a_start_function_that_cannot_be_made_refuses_the_start),
        TEST(somebody_else_s_registry_as_child_is_killed_after_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
