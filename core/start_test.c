/* Tests of starts: plain, named, ready, refused, without memory. */
#include "test_host.h"

static void a_child_with_its_body_starts_at_once(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_body_into(test, &spec);
    test_body *body = spec.body;
    assert_int_equal(test_start(test, NULL, supervisor, &spec), 0); /* outside any process */
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_run(test);
    assert_int_equal(body->slices, 1);
    assert_int_equal(((test_program *)spec.program)->made, 0);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, body->pid, &info));
    assert_int_equal(info.parent, supervisor);
    assert_int_equal(info.link_count, 1);
    dynsup_pid pids[2] = {0};
    assert_int_equal(dynsup_process_links(test->host, body->pid, pids, 2), 1);
    assert_int_equal(pids[0], supervisor);
    assert_true(dynsup_process_inspect(test->host, supervisor, &info));
    assert_int_equal(info.link_count, 1);
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 2), 1);
    assert_int_equal(pids[0], body->pid);
}

static void a_temporary_child_needs_no_program(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(NULL);
    spec.program_ops = NULL;
    spec.restart = DYNSUP_TEMPORARY;
    test_body_into(test, &spec);
    assert_int_equal(test_start(test, a, supervisor, &spec), 0);
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void no_more_than_max_children_are_started(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 3, 1);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EMAX_CHILDREN);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_START_REFUSED)->status,
                     DYNSUP_EMAX_CHILDREN);
    assert_int_equal(test_terminate(test, a, supervisor, child), DYNSUP_PENDING);
    test_run(test);
    spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), 0);
    test_run(test);
}

static void a_name_is_there_before_start_child_returns(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "worker");
    assert_int_equal(test_start(test, a, supervisor, &spec), 0);
    dynsup_pid child = a->reply.pid;
    assert_int_equal(test_whereis(test, "worker"), child);
    assert_int_equal(dynsup_unregister(test->host, "worker", 6), DYNSUP_ETAKEN);
    test_program *second = test_program_new(test);
    spec = test_spec_named(second, "worker");
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EALREADY_STARTED);
    assert_int_equal(a->reply.pid, child);
    assert_int_equal(second->made, 0);
    test_run(test);
}

static void a_name_stays_with_the_child_while_it_restarts(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "worker");
    dynsup_backoff backoff = dynsup_backoff_defaults();
    spec.backoff = &backoff;
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(test_whereis(test, "worker"), 0);
    assert_int_equal(dynsup_register(test->host, "worker", 6, a->pid), DYNSUP_ETAKEN);
    dynsup_child_spec other = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(test_start(test, a, supervisor, &other), DYNSUP_EALREADY_STARTED);
    assert_int_equal(a->reply.pid, 0);
    test_counts(test, supervisor, 1, 0, 0, 1);
    test_pass(test, 200);
    assert_int_equal(test_whereis(test, "worker"), program->last->pid);
    assert_int_not_equal(program->last->pid, child);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void a_name_is_free_when_its_child_is_gone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    test_started(test, a, supervisor, &spec);
    test_enter(a);
    assert_int_equal(
        dynsup_terminate_child(test->host, supervisor, 0, "worker", 6, true, &a->reply),
        DYNSUP_PENDING);
    a->key = a->reply.key;
    test_leave(test);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(dynsup_register(test->host, "worker", 6, a->pid), 0);
}

/* ---- ready ---- */

static test_program *starting(test_host *test, test_body *caller, dynsup_pid supervisor,
                              double timeout_ms) {
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.ready = true;
    spec.start_timeout_ms = timeout_ms;
    assert_int_equal(test_start(test, caller, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    assert_false(caller->replied);
    return program;
}

static void say_ready(test_host *test, test_program *program, dynsup_value info) {
    test_enter(program->last);
    dynsup_ready(test->host, &info);
    test_leave(test);
    test_run(test);
}

static void a_ready_child_is_told_when_it_is_up(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = starting(test, a, supervisor, 100);
    test_counts(test, supervisor, 1, 1, 0, 1);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_body *b = test_spawn_trapping(test);
    test_started(test, b, supervisor, &spec); /* others start meanwhile */
    dynsup_value info = test_object(test);
    say_ready(test, program, info);
    assert_true(a->replied);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(a->reply.pid, program->last->pid);
    assert_int_equal(a->reply.values[0].as.object, info.as.object);
    say_ready(test, program, test_object(test)); /* the second call does nothing */
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    assert_true(test_alive(program->last));
}

static void a_child_that_exits_before_it_is_ready_was_not_started(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = starting(test, a, supervisor, 100);
    dynsup_value reason = test_object(test);
    test_exit(program->last, DYNSUP_REASON_OTHER, reason);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->reply.values[0].as.object, reason.as.object);
    assert_int_equal(program->made, 1);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void a_child_that_is_not_ready_in_time_is_killed(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = starting(test, a, supervisor, 100);
    test_pass(test, 99);
    assert_true(test_alive(program->last));
    test_pass(test, 1);
    assert_false(test_alive(program->last));
    assert_int_equal(a->reply.status, DYNSUP_ETIMEOUT);
    test_counts(test, supervisor, 0, 0, 0, 0);
}

static void stopping_while_a_child_starts_tells_both(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = starting(test, a, supervisor, -1);
    test_terminate(test, b, supervisor, program->last->pid);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(b->reply.status, 0);
    starting(test, a, supervisor, -1);
    test_stop(test, b, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(b->reply.status, 0);
}

static void a_killed_supervisor_tells_who_waits_for_a_start(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    starting(test, a, supervisor, 100);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_settle(test);
    assert_int_equal(a->reply.status, DYNSUP_ENOPROC);
}

static void a_caller_that_died_is_not_told(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = starting(test, a, supervisor, 100);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    say_ready(test, program, test_object(test));
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void what_would_wait_is_refused_to_who_may_not(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, NULL, supervisor, &spec), 0);
    spec = test_spec(test_program_new(test));
    spec.ready = true;
    assert_int_equal(test_start(test, NULL, supervisor, &spec), DYNSUP_EWOULD_WAIT);
    spec = test_spec(test_program_new(test));
    spec.guest = true;
    test_body_into(test, &spec);
    assert_int_equal(test_start(test, NULL, supervisor, &spec), DYNSUP_EWOULD_WAIT);
    dynsup_reply reply;
    dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    assert_int_equal(dynsup_terminate_child(test->host, supervisor, 99, NULL, 0, false, &reply),
                     DYNSUP_ENOT_FOUND);
    assert_int_equal(dynsup_supervisor_stop(test->host, supervisor, &normal, false, &reply),
                     DYNSUP_EWOULD_WAIT);
    assert_int_equal(dynsup_supervisor_turn(test->host, supervisor, false, &reply), 0);
    test_counts(test, supervisor, 1, 1, 0, 1);
    test_run(test);
}

static void a_program_that_cannot_make_a_body_refuses_the_start(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->fails = DYNSUP_EREASON;
    dynsup_child_spec spec = test_spec(program);
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EREASON);
    assert_true(program->released);
    program = test_program_new(test);
    program->fails = DYNSUP_ENOMEM;
    spec = test_spec(program);
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_ENOMEM);
    test_counts(test, supervisor, 0, 0, 0, 0);
    test_run(test);
}

/* ---- without memory ---- */

/* Starts a child; true: it exists, and is counted. */
static bool swept_start(test_host *test, const dynsup_child_spec *spec, bool ensure) {
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    if (!supervisor) {
        spec->program_ops->release(spec->program);
        return false;
    }
    int status =
        ensure ? test_ensure(test, a, supervisor, spec) : test_start(test, a, supervisor, spec);
    test_run(test);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    test_counts(test, supervisor, status == 0, status == 0, 0, status == 0);
    return status == 0;
}

static void scenario_plain(test_host *test) {
    dynsup_child_spec spec = test_spec(test_program_new(test));
    swept_start(test, &spec, false);
}

static void scenario_named(test_host *test) {
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    bool there = swept_start(test, &spec, false);
    assert_int_equal(test_whereis(test, "worker") != 0, there);
}

static void scenario_backoff(test_host *test) {
    dynsup_backoff series = dynsup_backoff_defaults();
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.backoff = &series;
    swept_start(test, &spec, false);
}

static void scenario_ensure(test_host *test) {
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    bool there = swept_start(test, &spec, true);
    assert_int_equal(test_whereis(test, "worker") != 0, there);
}

static void scenario_body(test_host *test) {
    dynsup_pid supervisor = test_supervisor(test, NULL);
    if (!supervisor)
        return;
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    test_body_into(test, &spec);
    int status = test_start(test, NULL, supervisor, &spec);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    test_counts(test, supervisor, status == 0, status == 0, 0, status == 0);
    test_run(test);
}

static void scenario_ready(test_host *test) {
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = a ? test_supervisor(test, NULL) : 0;
    if (!supervisor)
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "worker");
    spec.ready = true;
    spec.start_timeout_ms = 50;
    int status = test_start(test, a, supervisor, &spec);
    assert_true(status == DYNSUP_PENDING || status == DYNSUP_ENOMEM);
    test_run(test);
    if (status == DYNSUP_PENDING)
        say_ready(test, program, test_object(test));
    assert_true(a->replied);
    test_counts(test, supervisor, status != DYNSUP_ENOMEM, status != DYNSUP_ENOMEM, 0,
                status != DYNSUP_ENOMEM);
}

static void starting_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_plain);
    test_host_sweep(scenario_named);
    test_host_sweep(scenario_backoff);
    test_host_sweep(scenario_ensure);
    test_host_sweep(scenario_body);
    test_host_sweep(scenario_ready);
}

static void a_start_may_take_as_long_as_time_itself(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.ready = true;
    spec.start_timeout_ms = 1e300;
    assert_int_equal(test_start(test, a, test_supervisor(test, NULL), &spec), DYNSUP_PENDING);
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    assert_false(a->replied);
}

static void a_child_without_a_program_may_be_refused(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_child_spec spec = {.restart = DYNSUP_TEMPORARY};
    test_body_into(test, &spec);
    assert_int_equal(test_start(test, a, 0, &spec), DYNSUP_ENOPROC);
    assert_true(((test_body *)spec.body)->gone);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_child_with_its_body_starts_at_once),
        TEST(a_temporary_child_needs_no_program),
        TEST(no_more_than_max_children_are_started),
        TEST(a_name_is_there_before_start_child_returns),
        TEST(a_name_stays_with_the_child_while_it_restarts),
        TEST(a_name_is_free_when_its_child_is_gone),
        TEST(a_ready_child_is_told_when_it_is_up),
        TEST(a_child_that_exits_before_it_is_ready_was_not_started),
        TEST(a_child_that_is_not_ready_in_time_is_killed),
        TEST(stopping_while_a_child_starts_tells_both),
        TEST(a_killed_supervisor_tells_who_waits_for_a_start),
        TEST(a_caller_that_died_is_not_told),
        TEST(what_would_wait_is_refused_to_who_may_not),
        TEST(a_program_that_cannot_make_a_body_refuses_the_start),
        cmocka_unit_test(starting_without_memory_changes_nothing),
        TEST(a_start_may_take_as_long_as_time_itself),
        TEST(a_child_without_a_program_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
