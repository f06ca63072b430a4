/* Tests of paused processes: no slices until they are resumed, and everything else as it was. */
#include "test_guest.h"

#include "dynsup_look.h"

#define SECOND 1000.0

static void say(test_host *test, const test_body *body, int64_t n) {
    dynsup_value value = test_integer(n);
    assert_int_equal(dynsup_send(test->host, body->pid, &value, 1), 0);
    test_run(test);
}

static bool is_paused(test_host *test, dynsup_pid pid) {
    dynsup_process_info info;
    return dynsup_process_inspect(test->host, pid, &info) && info.is_paused;
}

static void a_paused_process_gets_no_slices_and_keeps_its_messages(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    size_t slices = body->slices;
    assert_true(dynsup_pause(test->host, body->pid));
    assert_true(is_paused(test, body->pid));
    for (int i = 0; i < 3; i++)
        say(test, body, i);
    assert_int_equal(body->slices, slices);
    assert_int_equal(body->received, 0);
    assert_true(dynsup_resume(test->host, body->pid));
    assert_false(is_paused(test, body->pid));
    test_run(test);
    assert_int_equal(body->received, 3);
}

static void a_process_may_be_paused_before_its_first_slice(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    dynsup_pause(test->host, body->pid);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(body->slices, 0);
    dynsup_resume(test->host, body->pid);
    test_run(test);
    assert_int_equal(body->slices, 1);
}

static void pausing_or_resuming_twice_is_once(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    for (int i = 0; i < 2; i++)
        assert_true(dynsup_pause(test->host, body->pid));
    for (int i = 0; i < 2; i++)
        assert_true(dynsup_resume(test->host, body->pid));
    test_run(test);
    assert_int_equal(body->slices, 1);
}

static enum dynsup_slice pause_itself(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->slices == 1)
        dynsup_pause(self->test->host, self->pid);
    return self->slices < 3 ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

static void a_process_that_pauses_itself_ends_its_slice_first(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->act = pause_itself;
    test_run(test);
    assert_int_equal(body->slices, 1);
    dynsup_resume(test->host, body->pid);
    test_run(test);
    assert_int_equal(body->slices, 3);
}

static void a_time_that_is_over_meanwhile_shows_when_it_is_resumed(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->until = test->now_ns + 1000000000;
    test_run(test);
    dynsup_pause(test->host, body->pid);
    test_pass(test, 2 * SECOND);
    assert_int_equal(body->slices, 1);
    body->until = DYNSUP_NEVER;
    dynsup_resume(test->host, body->pid);
    test_run(test);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->wake, DYNSUP_WAKE_TIMEOUT);
}

static void a_paused_process_can_be_killed(void **state) {
    test_host *test = *state;
    static const enum dynsup_atom reasons[] = {DYNSUP_KILL, DYNSUP_SHUTDOWN};
    for (int queued = 0; queued < 2; queued++) {
        for (int i = 0; i < 2; i++) {
            test_body *body = test_spawn(test, NULL);
            if (!queued)
                test_run(test);
            dynsup_pause(test->host, body->pid);
            test_signal(test, NULL, body->pid, reasons[i]);
            test_run(test);
            assert_true(body->gone);
        }
    }
}

static void a_trapped_signal_waits_with_the_other_messages(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn_trapping(test);
    dynsup_pause(test->host, body->pid);
    test_signal(test, NULL, body->pid, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_int_equal(body->received, 0);
    assert_true(test_alive(body));
    dynsup_resume(test->host, body->pid);
    test_run(test);
    assert_int_equal(body->received, 1);
}

/* A child that runs the program and traps exits, paused. */
static test_body *paused_child(test_host *test, dynsup_pid supervisor, test_program *program) {
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    test_body *caller = test_spawn(test, NULL);
    test_started(test, caller, supervisor, &spec);
    test_run(test);
    assert_true(dynsup_pause(test->host, program->last->pid));
    return program->last;
}

static void a_child_that_is_told_to_stop_goes_on(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *caller = test_spawn(test, NULL);
    test_body *child = paused_child(test, supervisor, test_program_new(test));
    assert_int_equal(test_terminate(test, caller, supervisor, child->pid), DYNSUP_PENDING);
    test_run(test);
    assert_false(is_paused(test, child->pid));
    test_got_exit(child, supervisor, DYNSUP_SHUTDOWN);
    test_exit_atom(child, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_true(caller->replied);
}

static void a_halt_resumes_everybody(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn_trapping(test);
    dynsup_pause(test->host, body->pid);
    dynsup_host_halt(test->host, 0);
    test_run(test);
    assert_int_equal(body->received, 1);
    assert_false(is_paused(test, body->pid));
}

static void the_next_incarnation_is_not_paused(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    test_body *child = paused_child(test, supervisor, program);
    test_signal(test, NULL, child->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(program->made, 2);
    assert_false(is_paused(test, program->last->pid));
    assert_int_equal(program->last->slices, 1);
}

static void supervisors_and_the_dead_are_not_paused(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    assert_false(dynsup_pause(test->host, supervisor));
    test_body *body = test_spawn(test, NULL);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    assert_false(dynsup_pause(test->host, body->pid));
    assert_false(dynsup_resume(test->host, body->pid));
    test_run(test);
    assert_false(dynsup_pause(test->host, body->pid));
}

static void an_answer_waits_for_a_paused_caller(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *caller = test_spawn(test, NULL);
    test_plan plan = {.waits = true};
    assert_int_equal(test_start_guest(test, caller, supervisor, &plan, DYNSUP_TEMPORARY),
                     DYNSUP_PENDING);
    test_run(test);
    dynsup_pause(test->host, caller->pid);
    size_t slices = caller->slices;
    test_say_go(test, supervisor);
    assert_true(caller->replied);
    assert_int_equal(caller->slices, slices);
    dynsup_resume(test->host, caller->pid);
    test_run(test);
    assert_int_equal(caller->slices, slices + 1);
}

#define CROWD 8
#define STEPS 20000

typedef struct crowd {
    test_host *test;
    test_body *bodies[CROWD];
    bool paused[CROWD];
    size_t slices[CROWD]; /* when it was paused */
} crowd;

static void crowd_fill(crowd *c, int i) {
    c->bodies[i] = i % 2 ? test_spawn_trapping(c->test) : test_spawn(c->test, NULL);
    c->paused[i] = false;
}

/* One random thing that happens to a process. */
static void crowd_act(crowd *c, int i, uint64_t random) {
    test_host *test = c->test;
    test_body *body = c->bodies[i];
    dynsup_value value = test_integer(1);
    switch (random % 8) {
    case 0:
    case 1:
        c->paused[i] = dynsup_pause(test->host, body->pid);
        break;
    case 2:
        dynsup_resume(test->host, body->pid);
        c->paused[i] = false;
        break;
    case 3:
        body->until = test->now_ns + 1000000 * (random >> 8 & 3);
        break;
    case 4:
        test_signal(test, NULL, body->pid, random & 256 ? DYNSUP_KILL : DYNSUP_SHUTDOWN);
        break;
    case 5:
        test_pass(test, 1);
        break;
    default:
        assert_int_equal(dynsup_send(test->host, body->pid, &value, 1), 0);
    }
    c->slices[i] = body->slices;
}

static void nothing_that_happens_gives_a_paused_process_a_slice(void **state) {
    crowd c = {.test = *state};
    for (int i = 0; i < CROWD; i++)
        crowd_fill(&c, i);
    for (int step = 0; step < STEPS; step++) {
        uint64_t random = dynsup_host_random(c.test->host);
        crowd_act(&c, (int)((random >> 32) % CROWD), random >> 16);
        test_run(c.test); /* walks the invariants */
        for (int i = 0; i < CROWD; i++) {
            if (!test_alive(c.bodies[i]))
                crowd_fill(&c, i);
            assert_int_equal(is_paused(c.test, c.bodies[i]->pid), c.paused[i]);
            if (c.paused[i])
                assert_int_equal(c.bodies[i]->slices, c.slices[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_paused_process_gets_no_slices_and_keeps_its_messages,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_process_may_be_paused_before_its_first_slice, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(pausing_or_resuming_twice_is_once, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(a_process_that_pauses_itself_ends_its_slice_first,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_time_that_is_over_meanwhile_shows_when_it_is_resumed,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_paused_process_can_be_killed, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_trapped_signal_waits_with_the_other_messages, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(a_child_that_is_told_to_stop_goes_on, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(a_halt_resumes_everybody, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(the_next_incarnation_is_not_paused, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(supervisors_and_the_dead_are_not_paused, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(an_answer_waits_for_a_paused_caller, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(nothing_that_happens_gives_a_paused_process_a_slice,
                                        test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
