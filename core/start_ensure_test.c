/* Tests of starts that ensure: a named child is found, awaited, or started. */
#include "test_host.h"

static void ensure_starts_once_and_then_finds(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(test_ensure(test, a, supervisor, &spec), 0);
    assert_false(a->reply.existing);
    dynsup_pid child = a->reply.pid;
    test_program *second = test_program_new(test);
    spec = test_spec_named(second, "worker");
    test_body_into(test, &spec);
    assert_int_equal(test_ensure(test, a, supervisor, &spec), 0);
    assert_true(a->reply.existing);
    assert_int_equal(a->reply.pid, child);
    spec = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(test_ensure(test, NULL, supervisor, &spec), 0); /* nor does it wait */
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void ensure_waits_while_the_child_restarts(void **state) {
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
    dynsup_child_spec other = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(test_ensure(test, NULL, supervisor, &other), DYNSUP_EWOULD_WAIT);
    other = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(test_ensure(test, a, supervisor, &other), DYNSUP_PENDING);
    test_run(test);
    assert_false(a->replied);
    test_pass(test, 200);
    assert_true(a->replied && a->reply.existing);
    assert_int_equal(a->reply.pid, program->last->pid);
}

static void ensure_starts_anew_when_the_child_is_gone_instead(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test), *second = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec_named(program, "worker");
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_terminate(test, a, supervisor, child);
    test_run(test);
    spec = test_spec_named(second, "worker");
    assert_int_equal(test_ensure(test, b, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    assert_false(a->replied || b->replied);
    test_exit_atom(program->last, DYNSUP_SHUTDOWN);
    /* A request made before the ensured start had its turn comes after it, and is answered all the
     * same. */
    test_run(test);
    assert_true(a->replied && b->replied);
    assert_int_equal(b->reply.status, 0);
    assert_false(b->reply.existing);
    assert_int_equal(b->reply.pid, second->last->pid);
    assert_int_equal(test_whereis(test, "worker"), second->last->pid);
}

static void many_that_race_to_ensure_get_the_same_child(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    test_body *callers[200];
    for (int i = 0; i < 200; i++) {
        callers[i] = test_spawn_trapping(test);
        dynsup_child_spec spec = test_spec_named(i ? test_program_new(test) : program, "worker");
        spec.ready = true;
        assert_int_equal(test_ensure(test, callers[i], supervisor, &spec), DYNSUP_PENDING);
    }
    test_run(test);
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    test_enter(program->last);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    test_run(test);
    for (int i = 0; i < 200; i++) {
        assert_true(callers[i]->replied);
        assert_int_equal(callers[i]->reply.pid, program->last->pid);
        assert_int_equal(callers[i]->reply.existing, i > 0);
    }
    assert_int_equal(program->made, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ensure_starts_once_and_then_finds),
        TEST(ensure_waits_while_the_child_restarts),
        TEST(ensure_starts_anew_when_the_child_is_gone_instead),
        TEST(many_that_race_to_ensure_get_the_same_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
