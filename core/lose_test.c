/* Tests of losses: processes that end together. */
#include "test_host.h"

#include "dynsup_look.h"

enum { CHILDREN = 5 };

static void lose(test_host *test, dynsup_pid pid, uint64_t loss) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
    dynsup_lose(test->host, pid, &reason, loss);
}

/* A supervisor that restarts at most once, with children that trap exits. */
static dynsup_pid crowd(test_host *test, test_body *a, test_program **programs) {
    dynsup_pid supervisor = test_supervisor_with(test, a, 1, DYNSUP_NO_LIMIT);
    for (int i = 0; i < CHILDREN; i++) {
        programs[i] = test_program_new(test);
        programs[i]->traps = true;
        dynsup_child_spec spec = test_spec(programs[i]);
        test_started(test, a, supervisor, &spec);
    }
    test_run(test);
    return supervisor;
}

static void all_restarts_of_one_loss_count_as_one(void **state) {
    test_host *test = *state;
    test_program *programs[CHILDREN];
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = crowd(test, a, programs);
    for (int i = 0; i < CHILDREN; i++)
        lose(test, programs[i]->last->pid, 1);
    test_run(test);
    test_counts(test, supervisor, CHILDREN, CHILDREN, 0, CHILDREN);
    for (int i = 0; i < CHILDREN; i++)
        assert_int_equal(programs[i]->made, 2);
    const test_event *event = test_last_event(test, DYNSUP_EVENT_CHILD_TERMINATED);
    assert_int_equal(event->reason.value.as.atom, DYNSUP_MEMORY_EXCEEDED);
}

static void the_next_loss_and_other_ends_count_again(void **state) {
    test_host *test = *state;
    test_program *programs[CHILDREN];
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = crowd(test, a, programs);
    for (int i = 0; i < CHILDREN; i++)
        lose(test, programs[i]->last->pid, 1);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, supervisor));
    lose(test, programs[0]->last->pid, 2);
    test_settle(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

static void the_dead_are_not_lost(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_run(test);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    lose(test, a->pid, 1);
    test_run(test);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_EXITED)->reason.value.as.atom,
                     DYNSUP_KILLED);
}

/* The child is not restarted, so the next one's restart counts. */
static void one_that_is_told_to_stop_is_no_part_of_a_loss(void **state) {
    test_host *test = *state;
    test_program *programs[CHILDREN];
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = crowd(test, a, programs);
    dynsup_pid stopped = programs[0]->last->pid;
    assert_int_equal(test_terminate(test, a, supervisor, stopped), DYNSUP_PENDING);
    lose(test, stopped, 1);
    lose(test, programs[1]->last->pid, 1);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    test_counts(test, supervisor, CHILDREN - 1, CHILDREN - 1, 0, CHILDREN - 1);
    lose(test, programs[2]->last->pid, 2);
    test_settle(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

/* Restarts that do not count, or only for the child, are no part of a loss. */
static void a_loss_is_counted_for_those_alone_whose_restarts_count(void **state) {
    test_host *test = *state;
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_restart_limit own = {.max_restarts = 1, .period_ms = 5000};
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, a, 0, DYNSUP_NO_LIMIT);
    test_program *programs[3];
    for (int i = 0; i < 3; i++) {
        programs[i] = test_program_new(test);
        dynsup_child_spec spec = test_spec(programs[i]);
        spec.backoff = i == 0 ? &backoff : NULL;
        spec.restart_limit = i == 1 ? &own : NULL;
        spec.restart = i == 2 ? DYNSUP_TEMPORARY : DYNSUP_PERMANENT;
        test_started(test, a, supervisor, &spec);
    }
    for (int i = 0; i < 3; i++)
        lose(test, programs[i]->last->pid, 1);
    test_settle(test);
    assert_true(dynsup_is_alive(test->host, supervisor));
    assert_int_equal(programs[0]->made, 2);
    assert_int_equal(programs[1]->made, 2);
    test_counts(test, supervisor, 2, 2, 0, 2);
    test_program *plain = test_program_new(test);
    dynsup_child_spec spec = test_spec(plain);
    test_started(test, a, supervisor, &spec);
    lose(test, programs[0]->last->pid, 2);
    lose(test, plain->last->pid, 2); /* the first one that counts */
    test_settle(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

/* A child that is being renewed when it is lost, and one that is lost when it is to be renewed. */
static void the_next_end_of_a_child_that_was_lost_while_renewed_counts(void **state) {
    test_host *test = *state;
    for (int lost_first = 0; lost_first < 2; lost_first++) {
        test_program *programs[CHILDREN];
        test_body *a = test_spawn_trapping(test);
        dynsup_pid supervisor = crowd(test, a, programs);
        dynsup_child_info info;
        dynsup_reply reply;
        uint64_t loss = 1 + (uint64_t)lost_first;
        assert_true(dynsup_child_of(test->host, programs[1]->last->pid, &info));
        if (lost_first) {
            lose(test, programs[0]->last->pid, loss);
            lose(test, programs[1]->last->pid, loss);
        }
        assert_int_equal(dynsup_renew_child(test->host, info.ref, 1, false, &reply), 0);
        if (!lost_first) {
            test_run(test);
            lose(test, programs[1]->last->pid, loss); /* first, and not counted */
            lose(test, programs[0]->last->pid, loss);
        }
        test_run(test);
        assert_true(dynsup_is_alive(test->host, supervisor));
        assert_int_equal(programs[1]->made, 2);
        test_signal(test, NULL, programs[1]->last->pid, DYNSUP_KILL);
        test_settle(test);
        assert_false(dynsup_is_alive(test->host, supervisor));
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_restarts_of_one_loss_count_as_one),
        TEST(the_next_loss_and_other_ends_count_again),
        TEST(the_dead_are_not_lost),
        TEST(one_that_is_told_to_stop_is_no_part_of_a_loss),
        TEST(a_loss_is_counted_for_those_alone_whose_restarts_count),
        TEST(the_next_end_of_a_child_that_was_lost_while_renewed_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
