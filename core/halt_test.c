/* Tests of the orderly end of a host. */
#include "test_host.h"

#include "dynsup_look.h"

static test_body *spawn_main(test_host *test) {
    test_body *body = test_body_new(test);
    dynsup_spawn_options options = {.main = true};
    body->traps = true;
    assert_int_equal(dynsup_spawn(test->host, &test_body_ops, body, &options, &body->pid), 0);
    test_run(test);
    return body;
}

static test_program *slow_child(test_host *test, test_body *caller, dynsup_pid supervisor,
                                double shutdown_ms) {
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    program->traps = true;
    spec.shutdown_ms = shutdown_ms;
    test_started(test, caller, supervisor, &spec);
    return program;
}

static void halt_of_an_empty_host_ends_it(void **state) {
    test_host *test = *state;
    assert_false(dynsup_host_halting(test->host));
    size_t wakes = test->wakes;
    dynsup_host_halt(test->host, 3);
    assert_int_equal(test->wakes, wakes + 1);
    assert_true(dynsup_host_halting(test->host));
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    dynsup_host_halt(test->host, 4);
    assert_int_equal(dynsup_host_code(test->host), 3);
}

static enum dynsup_slice act_halt(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_host_halt(self->test->host, 7);
    self->act = NULL;
    return DYNSUP_SLICE_WAIT;
}

static void halt_from_a_slice_needs_nobody_to_step_again(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->act = act_halt;
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    assert_int_equal(dynsup_host_code(test->host), 7);
    assert_true(body->gone);
}

static void main_s_supervisors_stop_one_by_one_the_last_one_first(void **state) {
    test_host *test = *state;
    test_body *main = spawn_main(test);
    dynsup_pid first = test_supervisor(test, main), second = test_supervisor(test, main);
    test_program *one = slow_child(test, main, first, 100);
    test_program *two = slow_child(test, main, second, 100);
    dynsup_host_halt(test->host, 0);
    test_run(test);
    assert_int_equal(two->last->received, 1);
    assert_int_equal(one->last->received, 0);
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, second));
    assert_int_equal(one->last->received, 1);
    assert_true(test_alive(main));
    test_pass(test, 100);
    assert_false(dynsup_is_alive(test->host, first));
    test_got_exit(main, main->pid, DYNSUP_SHUTDOWN);
    assert_int_equal(test_pass(test, 5000), DYNSUP_ENDED);
}

static void after_five_seconds_the_rest_is_killed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, a);
    test_program *program = slow_child(test, a, supervisor, DYNSUP_SHUTDOWN_INFINITY);
    dynsup_host_halt(test->host, 0);
    test_run(test);
    assert_false(test_alive(b));
    test_got_exit(program->last, supervisor, DYNSUP_SHUTDOWN);
    test_pass(test, 4999.9);
    assert_true(test_alive(a));
    assert_int_equal(test_pass(test, 0.1), DYNSUP_ENDED);
    assert_true(program->last->gone);
}

static void stop_and_spawn(test_body *self) {
    dynsup_pid pid;
    test_body *body = test_body_new(self->test);
    assert_int_equal(dynsup_spawn(self->test->host, &test_body_ops, body, NULL, &pid), 0);
}

static void what_close_handlers_spawn_is_killed_too(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    a->on_stop = stop_and_spawn;
    dynsup_host_halt(test->host, 0);
    assert_int_equal(test_pass(test, 5000), DYNSUP_ENDED);
}

/* It has not been asked to end, so the halt does not wait for it. */
static void what_is_started_after_the_end_ends_at_once(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor;
    dynsup_supervisor_options options = {.period_ms = 5000, .max_children = DYNSUP_NO_LIMIT};
    test_spawn(test, NULL);
    dynsup_host_halt(test->host, 0);
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    test_body *late = test_spawn_trapping(test);
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    assert_true(late->gone);
    assert_int_equal(late->received, 0);
    assert_int_equal(dynsup_supervisor_start(test->host, &options, &supervisor), 0);
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

static void a_guest_is_cut_off_by_halt(void **state) {
    test_host *test = *state;
    test_body *main = spawn_main(test), *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, main);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    dynsup_host_halt(test->host, 0);
    test_run(test);
    assert_true(a->replied);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_true(program->last->stopped && program->last->gone);
    assert_int_equal(test_pass(test, 5000), DYNSUP_ENDED);
}

static void halt_passes_over_a_supervisor_that_is_being_killed(void **state) {
    test_host *test = *state;
    test_body *main = spawn_main(test), *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, main);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.guest = true;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    /* More than one round of exits comes before it. */
    for (int i = 0; i < 200; i++)
        test_signal(test, NULL, test_spawn(test, NULL)->pid, DYNSUP_KILL);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    dynsup_host_halt(test->host, 0);
    test_run(test);
    assert_true(a->replied);
    assert_int_equal(test_pass(test, 5000), DYNSUP_ENDED);
}

static void halt_needs_no_memory(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, a);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_started(test, a, supervisor, &spec);
    test->alloc.fail_at = test->alloc.requests + 1;
    test->alloc.for_ever = true;
    dynsup_host_halt(test->host, 0);
    assert_int_equal(test_run(test), DYNSUP_ENDED);
    assert_int_equal(test->alloc.refused, 0);
}

static bool is_asked(test_host *test, test_body *body) {
    test_enter(body);
    bool asked = dynsup_is_asked_to_end(test->host);
    test_leave(test);
    return asked;
}

static void who_is_renewed_is_asked_to_end(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_program *child = slow_child(test, a, test_supervisor(test, a), 100);
    dynsup_child_info info;
    dynsup_reply reply;
    assert_true(dynsup_child_of(test->host, child->last->pid, &info));
    assert_int_equal(dynsup_renew_child(test->host, info.ref, 1, false, &reply), 0);
    assert_true(is_asked(test, child->last));
}

static void each_is_asked_to_end_in_its_turn(void **state) {
    test_host *test = *state;
    test_body *main = spawn_main(test), *other = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, main);
    test_program *child = slow_child(test, main, supervisor, 100);
    assert_false(is_asked(test, child->last));
    dynsup_host_halt(test->host, 0);
    assert_false(is_asked(test, child->last));
    test_run(test);
    assert_true(is_asked(test, child->last));
    assert_false(is_asked(test, other));
    test_pass(test, 100);
    assert_true(is_asked(test, other));
    assert_false(dynsup_is_asked_to_end(test->host)); /* nobody runs */
    assert_int_equal(test_pass(test, 5000), DYNSUP_ENDED);
}

static void more_than_one_round_of_ends_is_killed(void **state) {
    test_host *test = *state;
    for (int i = 0; i < 300; i++)
        test_spawn(test, NULL)->traps = true;
    test_run(test);
    dynsup_host_halt(test->host, 0);
    assert_int_equal(test_settle(test), DYNSUP_ENDED);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
}

static void main_has_no_reason_before_its_end(void **state) {
    test_host *test = *state;
    assert_null(dynsup_host_main_reason(test->host));
    test_body *main = spawn_main(test);
    assert_null(dynsup_host_main_reason(test->host));
    test_exit_atom(main, DYNSUP_NOCONNECTION);
    test_run(test);
    assert_int_equal(dynsup_host_main_reason(test->host)->value.as.atom, DYNSUP_NOCONNECTION);
}

static void a_body_without_a_preempt_op_is_not_asked(void **state) {
    test_host *test = *state;
    dynsup_body_ops deaf = test_body_ops;
    deaf.preempt = NULL;
    test_body *body = test_body_new(test);
    assert_int_equal(dynsup_spawn(test->host, &deaf, body, NULL, &body->pid), 0);
    assert_false(dynsup_host_preempt(test->host));
    test_enter(body);
    assert_false(dynsup_host_preempt(test->host));
    assert_false(dynsup_doomed(test->host));
    test_leave(test);
    assert_false(dynsup_doomed(test->host));
    test_signal(test, NULL, body->pid, DYNSUP_KILL); /* its ops end with this test */
    test_run(test);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(halt_of_an_empty_host_ends_it),
        TEST(halt_from_a_slice_needs_nobody_to_step_again),
        TEST(main_s_supervisors_stop_one_by_one_the_last_one_first),
        TEST(after_five_seconds_the_rest_is_killed),
        TEST(what_close_handlers_spawn_is_killed_too),
        TEST(what_is_started_after_the_end_ends_at_once),
        TEST(a_guest_is_cut_off_by_halt),
        TEST(halt_passes_over_a_supervisor_that_is_being_killed),
        TEST(halt_needs_no_memory),
        TEST(each_is_asked_to_end_in_its_turn),
        TEST(who_is_renewed_is_asked_to_end),
        TEST(more_than_one_round_of_ends_is_killed),
        TEST(main_has_no_reason_before_its_end),
        TEST(a_body_without_a_preempt_op_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
