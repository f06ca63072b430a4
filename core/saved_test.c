/* Tests of saved states: which processes may save, what the next incarnation gets, when it is
 * dropped. */
#include "test_static.h"

static dynsup_pid child_of(test_host *test, test_body *a, dynsup_pid supervisor,
                           test_program *program) {
    dynsup_child_spec spec = test_spec(program);
    return test_started(test, a, supervisor, &spec);
}

/* Saves in the body's name; if that fails, the object is released here. */
static int save(test_host *test, test_body *body, dynsup_value state) {
    test_enter(body);
    int status = dynsup_save_state(test->host, &state);
    test_leave(test);
    if (status)
        test_release(test, state);
    return status;
}

/* The attempt with the state that the body finds; 0: none. */
static uint32_t previous(test_host *test, test_body *body, dynsup_previous *previous_out) {
    *previous_out = (dynsup_previous){.attempt = 0};
    test_enter(body);
    bool there = dynsup_previous_state(test->host, previous_out);
    test_leave(test);
    assert_int_equal(there, previous_out->attempt > 0);
    return previous_out->attempt;
}

static uint32_t attempt(test_host *test, test_body *body) {
    dynsup_previous before;
    return previous(test, body, &before);
}

static void the_next_incarnation_gets_the_state_and_the_reason(void **state) {
    test_host *test = *state;
    dynsup_previous before;
    test_family f = test_family_begin(test, 1000);
    dynsup_value saved = test_object(test);
    child_of(test, f.a, f.supervisor, f.program);
    assert_int_equal(save(test, f.program->last, saved), 0);
    assert_int_equal(attempt(test, f.program->last), 0);
    test_exit_atom(f.program->last, DYNSUP_NOCONNECTION);
    test_run(test);
    assert_int_equal(previous(test, f.program->last, &before), 1);
    assert_int_equal(before.state.as.object, saved.as.object);
    assert_int_equal(before.reason.value.as.atom, DYNSUP_NOCONNECTION);
    assert_int_equal(test_owners(test, saved), 1);
}

static void a_state_goes_with_its_child(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    dynsup_value saved = test_object(test);
    dynsup_pid child = child_of(test, f.a, f.supervisor, f.program);
    assert_int_equal(save(test, f.program->last, saved), 0);
    test_terminate(test, f.a, f.supervisor, child);
    test_run(test);
    assert_int_equal(test_owners(test, saved), 0);
}

static void a_state_that_is_replaced_or_forgotten_is_released(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    dynsup_value first = test_object(test), second = test_object(test);
    child_of(test, f.a, f.supervisor, f.program);
    assert_int_equal(save(test, f.program->last, (dynsup_value){.kind = DYNSUP_NIL}), 0);
    assert_int_equal(save(test, f.program->last, first), 0);
    assert_int_equal(save(test, f.program->last, second), 0);
    assert_int_equal(test_owners(test, first), 0);
    assert_int_equal(save(test, f.program->last, (dynsup_value){.kind = DYNSUP_NIL}), 0);
    assert_int_equal(test_owners(test, second), 0);
    test_crash(test, f.program);
    assert_int_equal(attempt(test, f.program->last), 0);
}

static void only_children_that_are_restarted_may_save(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    dynsup_child_spec spec = test_spec(f.program);
    spec.restart = DYNSUP_TEMPORARY;
    test_started(test, f.a, f.supervisor, &spec);
    assert_int_equal(save(test, f.a, test_object(test)), DYNSUP_ENOT_A_CHILD);
    assert_int_equal(attempt(test, f.a), 0);
    assert_int_equal(save(test, f.program->last, test_object(test)), DYNSUP_ETEMPORARY_CHILD);
}

/* The attempts up to the one that starts without a state. */
static size_t attempts(test_host *test, uint64_t max_restores) {
    test_family f = test_family_begin(test, 1000);
    dynsup_child_spec spec = test_spec(f.program);
    dynsup_value saved = test_object(test);
    size_t count = 0;
    spec.max_restores = max_restores;
    test_started(test, f.a, f.supervisor, &spec);
    assert_int_equal(save(test, f.program->last, saved), 0);
    test_crash(test, f.program);
    while (count < 20 && attempt(test, f.program->last) == count + 1) {
        count++;
        test_crash(test, f.program);
    }
    assert_int_equal(test_owners(test, saved), count == 20);
    return count;
}

static void a_state_that_fails_again_and_again_is_dropped(void **state) {
    test_host *test = *state;
    assert_int_equal(attempts(test, 0), DYNSUP_MAX_RESTORES);
    assert_int_equal(attempts(test, 5), 5);
    assert_int_equal(test_events(test, DYNSUP_EVENT_STATE_DROPPED), 2);
    assert_int_equal(attempts(test, DYNSUP_NO_LIMIT), 20);
    assert_int_equal(test_events(test, DYNSUP_EVENT_STATE_DROPPED), 2);
}

static void who_has_not_asked_for_the_state_has_not_failed(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    child_of(test, f.a, f.supervisor, f.program);
    assert_int_equal(save(test, f.program->last, test_object(test)), 0);
    for (int i = 0; i < 10; i++)
        test_crash(test, f.program);
    assert_int_equal(attempt(test, f.program->last), 1);
}

static void a_good_end_and_a_wish_of_the_supervisor_are_no_failures(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.options.strategy = DYNSUP_ONE_FOR_ALL};
    test_order_add(test, &order);
    test_order_add(test, &order);
    test_order_ask(test, a, &order);
    test_run(test);
    test_program *first = order.programs[0];
    assert_int_equal(save(test, first->last, test_object(test)), 0);
    test_crash(test, first);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(attempt(test, first->last), 1);
        test_crash(test, order.programs[1]);
        test_pass(test, 6000);
    }
    assert_int_equal(attempt(test, first->last), 1);
    test_crash(test, first);
    assert_int_equal(attempt(test, first->last), 2);
    test_exit_atom(first->last, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(attempt(test, first->last), 1);
}

static void scenario(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = a ? test_supervisor(test, a) : 0;
    if (!supervisor)
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.max_restores = 1;
    test_start(test, a, supervisor, &spec);
    test_run(test);
    if (!program->last)
        return;
    dynsup_value saved = test_object(test);
    bool kept = save(test, program->last, saved) == 0;
    assert_int_equal(test_owners(test, saved), kept);
    save(test, program->last, test_object(test));
    for (int i = 0; i < 2 && program->last && test_alive(program->last); i++) {
        attempt(test, program->last);
        test_crash(test, program);
    }
    test_settle(test);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

static void who_is_no_process_has_no_state(void **state) {
    test_host *test = *state;
    dynsup_previous before;
    dynsup_value one = test_integer(1);
    assert_int_equal(dynsup_save_state(test->host, &one), DYNSUP_ENOT_A_CHILD);
    assert_false(dynsup_previous_state(test->host, &before));
}

static void who_is_spawned_by_no_start_function_has_no_state(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    assert_int_equal(save(test, test_spawn(test, a), test_integer(1)), DYNSUP_ENOT_A_CHILD);
    test_body *left = test_spawn(test, a);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(save(test, left, test_integer(1)), DYNSUP_ENOT_A_CHILD);
}

/* Lets a start function begin as the family's program; returns what it has spawned. */
static test_body *helper_of_guest(test_host *test, test_family *f, test_plan *plan) {
    f->program->released = true; /* no child has it */
    f->program = test_guest_program(test, plan);
    dynsup_child_spec spec = test_spec(f->program);
    spec.guest = true;
    test_start(test, f->a, f->supervisor, &spec);
    test_run(test);
    return test_spawn(test, f->program->last);
}

static void whom_a_start_function_spawns_saves_for_the_child_to_be(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    test_plan plan = {.waits = true}, later = {.waits = true};
    test_body *helper = helper_of_guest(test, &f, &plan);
    assert_int_equal(save(test, f.program->last, test_object(test)), 0);
    assert_int_equal(save(test, helper, test_object(test)), 0);
    test_say_go(test, f.supervisor);
    assert_int_equal(save(test, helper, test_object(test)), DYNSUP_ENOT_A_CHILD);
    test_start_guest(test, f.a, f.supervisor, &later, DYNSUP_PERMANENT);
    test_run(test);
    assert_int_equal(save(test, helper, test_object(test)), DYNSUP_ENOT_A_CHILD);
    test_say_go(test, f.supervisor);
}

/* The supervisor is about to end, and so is its start function. */
static void whom_a_start_function_spawned_saves_nothing_at_its_end(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    test_plan plan = {.waits = true};
    test_body *helper = helper_of_guest(test, &f, &plan);
    test_signal(test, NULL, f.supervisor, DYNSUP_KILL);
    assert_int_equal(save(test, helper, test_object(test)), DYNSUP_ENOT_A_CHILD);
    test_run(test);
}

static void a_start_function_saves_for_its_child_and_not_for_its_supervisor(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 1000);
    f.program->released = true; /* no child has it */
    dynsup_pid inner = test_supervisor_with(test, NULL, 1000, DYNSUP_NO_LIMIT);
    test_plan adopts = {.pid = inner}, plan = {.waits = true};
    test_start_guest(test, f.a, f.supervisor, &adopts, DYNSUP_PERMANENT);
    test_run(test);
    f.program = test_guest_program(test, &plan);
    dynsup_child_spec spec = test_spec(f.program);
    spec.guest = true;
    test_start(test, f.a, inner, &spec);
    test_run(test);
    assert_int_equal(save(test, f.program->last, test_object(test)), 0);
    test_say_go(test, inner);
    test_signal(test, NULL, plan.made->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(attempt(test, f.program->last), 1); /* the start function, again */
    test_say_go(test, inner);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_next_incarnation_gets_the_state_and_the_reason),
        TEST(a_state_goes_with_its_child),
        TEST(a_state_that_is_replaced_or_forgotten_is_released),
        TEST(only_children_that_are_restarted_may_save),
        TEST(a_state_that_fails_again_and_again_is_dropped),
        TEST(who_has_not_asked_for_the_state_has_not_failed),
        TEST(a_good_end_and_a_wish_of_the_supervisor_are_no_failures),
        cmocka_unit_test(memory_may_run_out_anywhere),
        TEST(who_is_no_process_has_no_state),
        TEST(who_is_spawned_by_no_start_function_has_no_state),
        TEST(whom_a_start_function_spawns_saves_for_the_child_to_be),
        TEST(whom_a_start_function_spawned_saves_nothing_at_its_end),
        TEST(a_start_function_saves_for_its_child_and_not_for_its_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
