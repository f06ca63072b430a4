/* Tests of supervisors: how they begin, answer and end. */
#include "test_host.h"

#include "supervisor.h"

static int named(test_host *test, test_body *parent, const char *name, dynsup_pid *pid) {
    dynsup_supervisor_options options = {.name = name,
                                         .name_length = strlen(name),
                                         .max_restarts = 3,
                                         .period_ms = 5000,
                                         .max_children = DYNSUP_NO_LIMIT};
    test_enter(parent);
    int status = dynsup_supervisor_start(test->host, &options, pid);
    test_leave(test);
    return status;
}

static void a_supervisor_is_linked_to_who_started_it(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, parent);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, supervisor, &info));
    assert_true(info.is_supervisor);
    assert_int_equal(info.parent, parent->pid);
    assert_int_equal(info.link_count, 1);
    test_counts(test, supervisor, 0, 0, 0, 0);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    test_got_exit(parent, supervisor, DYNSUP_KILLED);
}

static void a_name_that_is_taken_refuses_the_second_supervisor(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    dynsup_pid first, second;
    assert_int_equal(named(test, parent, "sup", &first), 0);
    assert_int_equal(named(test, parent, "sup", &second), DYNSUP_EALREADY_STARTED);
    assert_int_equal(second, first);
    assert_int_equal(dynsup_whereis(test->host, "sup", 3), first);
    test_stop(test, parent, first, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(dynsup_whereis(test->host, "sup", 3), 0);
    assert_int_equal(named(test, parent, "sup", &second), 0);
    test_run(test);
}

static void stop_answers_when_the_supervisor_is_down(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, parent);
    assert_int_equal(test_stop(test, parent, supervisor, DYNSUP_NORMAL), DYNSUP_PENDING);
    test_run(test);
    assert_true(parent->replied);
    assert_int_equal(parent->reply.status, 0);
    test_got_exit(parent, supervisor, DYNSUP_NORMAL);
    assert_int_equal(test_stop(test, parent, supervisor, DYNSUP_NORMAL), DYNSUP_ENOPROC);
}

static void stop_with_another_reason_is_told_the_first(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    test_started(test, a, supervisor, &spec);
    test_stop(test, a, supervisor, DYNSUP_SHUTDOWN);
    test_stop(test, b, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_false(a->replied || b->replied);
    test_pass(test, 5000);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(b->reply.status, DYNSUP_EREASON);
    assert_int_equal(b->reply.values[0].as.atom, DYNSUP_SHUTDOWN);
}

static void a_signal_of_the_parent_ends_a_supervisor_also_normal(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    test_body *other = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, parent);
    test_signal(test, other, supervisor, DYNSUP_SHUTDOWN);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, supervisor));
    test_signal(test, parent, supervisor, DYNSUP_NORMAL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
    test_got_exit(parent, supervisor, DYNSUP_NORMAL);
}

static void a_supervisor_ends_with_its_parent_whatever_the_reason(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, parent);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    test_started(test, parent, supervisor, &spec);
    test_exit_atom(parent, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
    assert_true(program->last->gone && program->released);
}

static void a_killed_supervisor_takes_its_children_along(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *plain = test_program_new(test), *trapping = test_program_new(test);
    trapping->traps = true;
    dynsup_child_spec one = test_spec(plain), two = test_spec(trapping);
    dynsup_pid first = test_started(test, a, supervisor, &one);
    dynsup_pid second = test_started(test, a, supervisor, &two);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, first));
    assert_true(dynsup_is_alive(test->host, second)); /* it traps what comes along the link */
    test_got_exit(trapping->last, supervisor, DYNSUP_KILLED);
    assert_int_equal(plain->made, 1);
    assert_int_equal(trapping->made, 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 0);
}

static void a_child_that_outlives_its_supervisor_is_not_linked_to_it_any_more(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, parent, supervisor, &spec);
    dynsup_process_info info;
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    test_got_exit(program->last, supervisor, DYNSUP_KILLED);
    assert_true(dynsup_process_inspect(test->host, child, &info));
    assert_int_equal(info.link_count, 0);
}

static void a_supervisor_killed_with_its_child_restarts_nothing(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    test_signal(test, NULL, child, DYNSUP_KILL); /* its exit comes first */
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(program->made, 1);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static void a_plain_message_to_a_supervisor_is_dropped_with_an_event(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_value object = test_object(test);
    assert_int_equal(dynsup_send(test->host, supervisor, &object, 1), 0);
    assert_int_equal(test_owners(test, object), 0);
    assert_int_equal(test_events(test, DYNSUP_EVENT_UNEXPECTED), 1);
    test_run(test);
}

static void wrong_supervisors_are_refused(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_counts counts;
    spec.id = test_object(test);
    assert_int_equal(test_start(test, a, 1234, &spec), DYNSUP_ENOPROC);
    assert_int_equal(test_owners(test, spec.id), 0);
    assert_true(((test_program *)spec.program)->released);
    spec = test_spec(test_program_new(test));
    spec.body_ops = &test_body_ops;
    spec.body = test_body_new(test);
    assert_int_equal(test_start(test, a, a->pid, &spec), DYNSUP_ENOT_A_SUPERVISOR);
    assert_int_equal(test_terminate(test, a, a->pid, a->pid), DYNSUP_ENOT_A_SUPERVISOR);
    assert_int_equal(test_stop(test, a, 1, DYNSUP_NORMAL), DYNSUP_ENOPROC);
    assert_int_equal(dynsup_count_children(test->host, 1, &counts), DYNSUP_ENOPROC);
    assert_int_equal(dynsup_count_children(test->host, a->pid, &counts), DYNSUP_ENOT_A_SUPERVISOR);
    assert_int_equal(dynsup_supervisor_arguments(test->host, a->pid), 0);
    assert_false(dynsup_supervisor_in_init(test->host, a->pid));
    assert_false(dynsup_supervisor_in_init(test->host, 1234));
}

/* ---- init functions ---- */

static test_body *init_body;
static bool init_configures;
static int init_status;

static enum dynsup_slice act_init(test_body *self, dynsup_outcome *outcome) {
    dynsup_supervisor_options options = {
        .max_restarts = 1, .period_ms = 10, .max_children = 1, .arguments = 0};
    if (self->received == 0)
        return DYNSUP_SLICE_WAIT; /* for a message: it may take its time */
    if (init_configures)
        dynsup_supervisor_configure(self->test->host, &options);
    outcome->status = init_status;
    if (init_status == DYNSUP_EREASON)
        outcome->values[0] = test_object(self->test);
    return DYNSUP_SLICE_EXIT;
}

static dynsup_pid init(test_host *test, test_body *caller, bool configures, int status) {
    init_body = test_body_new(test);
    init_body->act = act_init;
    init_configures = configures;
    init_status = status;
    test_enter(caller);
    int pending = dynsup_supervisor_init(
        test->host, &(dynsup_supervisor_options){.name = "sup", .name_length = 3}, &test_body_ops,
        init_body, &caller->reply);
    assert_true(pending == DYNSUP_PENDING || pending == DYNSUP_ENOMEM);
    caller->key = pending == DYNSUP_PENDING ? caller->reply.key : 0;
    caller->replied = pending != DYNSUP_PENDING;
    test_leave(test);
    test_run(test);
    return dynsup_whereis(test->host, "sup", 3);
}

static void say_go(test_host *test, dynsup_pid supervisor) {
    dynsup_value go = test_integer(1);
    if (dynsup_send(test->host, supervisor, &go, 1)) /* then the other way out */
        test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
}

static void an_init_function_configures_its_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *b = test_spawn_trapping(test);
    dynsup_pid supervisor = init(test, a, true, 0);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, b, supervisor, &spec), DYNSUP_PENDING);
    test_run(test);
    assert_false(a->replied || b->replied);
    assert_true(dynsup_supervisor_in_init(test->host, supervisor));
    say_go(test, supervisor);
    assert_false(dynsup_supervisor_in_init(test->host, supervisor));
    assert_true(a->replied && b->replied);
    assert_int_equal(a->reply.status, 0);
    assert_int_equal(a->reply.pid, supervisor);
    assert_int_equal(b->reply.status, 0);
    assert_true(init_body->gone);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void a_failed_init_sends_no_signal_and_refuses_who_waits(void **state) {
    test_host *test = *state;
    static const int statuses[] = {DYNSUP_EIGNORE, DYNSUP_EREASON, 0};
    for (int i = 0; i < 3; i++) {
        test_body *a = test_spawn(test, NULL); /* does not trap */
        test_body *b = test_spawn_trapping(test);
        dynsup_pid supervisor = init(test, a, false, statuses[i]);
        dynsup_child_spec spec = test_spec(test_program_new(test));
        assert_int_equal(test_start(test, b, supervisor, &spec), DYNSUP_PENDING);
        say_go(test, supervisor);
        assert_int_equal(a->reply.status, statuses[i] ? statuses[i] : DYNSUP_EBAD_RETURN);
        assert_int_equal(b->reply.status, DYNSUP_ENOPROC);
        assert_false(dynsup_is_alive(test->host, supervisor));
        assert_true(test_alive(a));
    }
}

static void who_is_linked_to_a_failed_init_is_told_why(void **state) {
    test_host *test = *state;
    static const int statuses[] = {DYNSUP_EIGNORE, DYNSUP_EREASON, 0};
    static const enum dynsup_atom atoms[] = {DYNSUP_NORMAL, DYNSUP_NO_ATOM, DYNSUP_BAD_RETURN};
    for (int i = 0; i < 3; i++) {
        test_body *a = test_spawn(test, NULL);
        test_body *linked = test_spawn_trapping(test);
        dynsup_pid supervisor = init(test, a, false, statuses[i]);
        test_enter(linked);
        assert_int_equal(dynsup_link(test->host, supervisor), 0);
        test_leave(test);
        say_go(test, supervisor);
        if (atoms[i])
            test_got_exit(linked, supervisor, atoms[i]);
        else
            assert_int_equal(test_last(linked)->value.as.object, a->reply.values[0].as.object);
        assert_true(test_alive(a));
    }
    assert_int_equal(test_events(test, DYNSUP_EVENT_CRASHED), 0);
}

static void a_supervisor_killed_in_its_init_tells_the_caller(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = init(test, a, true, 0);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_true(test_alive(a) && a->replied);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_KILLED);
    assert_true(init_body->stopped && init_body->gone);
}

static void a_caller_that_dies_ends_the_init_after_its_turn(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = init(test, a, true, 0);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_true(dynsup_is_alive(test->host, supervisor)); /* the init function still runs */
    say_go(test, supervisor);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

static void scenario_supervisor(test_host *test) {
    test_body *parent = test_spawn(test, NULL);
    dynsup_pid pid = 0;
    if (!parent)
        return;
    test_run(test);
    if (named(test, parent, "first", &pid) == 0) {
        assert_int_equal(dynsup_whereis(test->host, "first", 5), pid);
        if (test_stop(test, parent, pid, DYNSUP_NORMAL) == DYNSUP_PENDING) {
            test_run(test);
            assert_true(parent->replied);
        }
    } else {
        assert_int_equal(dynsup_whereis(test->host, "first", 5), 0);
    }
    dynsup_pid supervisor = init(test, parent, true, 0);
    if (supervisor)
        say_go(test, supervisor);
    assert_true(parent->replied);
}

static void supervisors_without_memory_change_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_supervisor);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_supervisor_is_linked_to_who_started_it),
        TEST(a_name_that_is_taken_refuses_the_second_supervisor),
        TEST(stop_answers_when_the_supervisor_is_down),
        TEST(stop_with_another_reason_is_told_the_first),
        TEST(a_signal_of_the_parent_ends_a_supervisor_also_normal),
        TEST(a_supervisor_ends_with_its_parent_whatever_the_reason),
        TEST(a_killed_supervisor_takes_its_children_along),
        TEST(a_child_that_outlives_its_supervisor_is_not_linked_to_it_any_more),
        TEST(a_supervisor_killed_with_its_child_restarts_nothing),
        TEST(a_plain_message_to_a_supervisor_is_dropped_with_an_event),
        TEST(wrong_supervisors_are_refused),
        TEST(an_init_function_configures_its_supervisor),
        TEST(a_failed_init_sends_no_signal_and_refuses_who_waits),
        TEST(who_is_linked_to_a_failed_init_is_told_why),
        TEST(a_supervisor_killed_in_its_init_tells_the_caller),
        TEST(a_caller_that_dies_ends_the_init_after_its_turn),
        cmocka_unit_test(supervisors_without_memory_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
