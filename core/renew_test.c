/* Tests of renewals: children that are restarted for new code. */
#include "test_static.h"

#include "dynsup_look.h"

typedef struct family {
    test_body *a;
    dynsup_pid supervisor;
    test_program *program;
    dynsup_pid child;
} family;

/* A child of a supervisor that never restarts children by itself. */
static family family_with(test_host *test, const dynsup_child_spec *fields) {
    family f = {.a = test_spawn_trapping(test)};
    f.supervisor = test_supervisor_with(test, f.a, 0, DYNSUP_NO_LIMIT);
    f.program = test_program_new(test);
    dynsup_child_spec spec = test_spec(f.program);
    if (fields) {
        spec = *fields;
        spec.program_ops = &test_program_ops;
        spec.program = f.program;
    }
    f.child = test_started(test, f.a, f.supervisor, &spec);
    return f;
}

static dynsup_ref ref_of(test_host *test, dynsup_pid child) {
    dynsup_child_info info;
    assert_true(dynsup_child_of(test->host, child, &info));
    return info.ref;
}

static int renew(test_host *test, test_body *caller, dynsup_ref ref, uint32_t incarnation) {
    test_enter(caller);
    return test_asked(caller,
                      dynsup_renew_child(test->host, ref, incarnation, true, &caller->reply));
}

/* The same for a caller that does not wait. */
static int tell(test_host *test, dynsup_ref ref, uint32_t incarnation) {
    dynsup_reply reply;
    return dynsup_renew_child(test->host, ref, incarnation, false, &reply);
}

static int renewed(test_host *test, test_body *caller, dynsup_ref ref, uint32_t incarnation) {
    int status = renew(test, caller, ref, incarnation);
    test_run(test);
    assert_true(caller->replied);
    return status == DYNSUP_PENDING ? caller->reply.status : status;
}

static void a_renewed_child_is_the_next_incarnation_and_nothing_counts(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_ref ref = ref_of(test, f.child);
    for (uint32_t n = 1; n < 20; n++) {
        assert_int_equal(renewed(test, f.a, ref, n), 0);
        assert_int_equal(f.program->made, n + 1);
        assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_RESTARTED)->incarnation, n + 1);
    }
    assert_true(dynsup_is_alive(test->host, f.supervisor));
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 0);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 0);
    test_counts(test, f.supervisor, 1, 1, 0, 1);
}

static void a_later_incarnation_is_left_alone(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_ref ref = ref_of(test, f.child);
    assert_int_equal(renewed(test, f.a, ref, 1), 0);
    assert_int_equal(renewed(test, f.a, ref, 1), 0);
    assert_int_equal(f.program->made, 2);
}

static void who_is_told_has_its_shutdown_time(void **state) {
    test_host *test = *state;
    dynsup_child_spec spec = {.shutdown_ms = 200, .start_timeout_ms = -1};
    family f = family_with(test, &spec);
    test_enter(f.program->last);
    bool old;
    assert_int_equal(dynsup_trap_exit(test->host, true, &old), 0);
    test_leave(test);
    dynsup_ref ref = ref_of(test, f.child);
    assert_int_equal(tell(test, ref, 1), 0);
    test_pass(test, 199);
    assert_int_equal(renew(test, f.a, ref, 1), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(f.program->made, 1);
    assert_true(dynsup_is_alive(test->host, f.child));
    test_pass(test, 1);
    assert_true(f.a->replied);
    assert_int_equal(f.a->reply.status, 0);
    assert_int_equal(f.program->made, 2);
    assert_int_equal(test_events(test, DYNSUP_EVENT_SHUTDOWN_ERROR), 1);
}

static void a_transient_child_comes_again_whatever_it_ends_with(void **state) {
    test_host *test = *state;
    dynsup_child_spec spec = {.restart = DYNSUP_TRANSIENT,
                              .shutdown_ms = DYNSUP_SHUTDOWN_INFINITY,
                              .start_timeout_ms = -1};
    family f = family_with(test, &spec);
    test_enter(f.program->last);
    bool old;
    assert_int_equal(dynsup_trap_exit(test->host, true, &old), 0);
    test_leave(test);
    assert_int_equal(renew(test, f.a, ref_of(test, f.child), 1), DYNSUP_PENDING);
    test_run(test);
    test_exit_atom(f.program->last, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(f.a->reply.status, 0);
    assert_int_equal(f.program->made, 2);
}

static void a_child_that_is_gone_is_not_found(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_ref ref = ref_of(test, f.child);
    test_terminate(test, f.a, f.supervisor, f.child);
    test_run(test);
    assert_int_equal(renew(test, f.a, ref, 1), DYNSUP_ENOT_FOUND);
    assert_int_equal(tell(test, ref, 1), DYNSUP_ENOT_FOUND);
}

/* The child is restarted anyway. */
static void a_loss_while_it_is_renewed_is_none(void **state) {
    test_host *test = *state;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
    family f = family_with(test, NULL);
    test_body *body = f.program->last;
    dynsup_ref ref = ref_of(test, f.child);
    test_enter(body);
    bool old;
    assert_int_equal(dynsup_trap_exit(test->host, true, &old), 0);
    test_leave(test);
    assert_int_equal(renew(test, f.a, ref, 1), DYNSUP_PENDING);
    test_run(test);
    dynsup_lose(test->host, f.child, &reason, 1);
    test_run(test);
    assert_int_equal(f.a->reply.status, 0);
    assert_true(dynsup_is_alive(test->host, f.supervisor));
    assert_int_equal(f.program->made, 2);
}

static void temporary_children_are_not_renewed(void **state) {
    test_host *test = *state;
    dynsup_child_spec spec = {.restart = DYNSUP_TEMPORARY, .start_timeout_ms = -1};
    family f = family_with(test, &spec);
    assert_int_equal(renew(test, f.a, ref_of(test, f.child), 1), DYNSUP_ENOT_FOUND);
    assert_true(dynsup_is_alive(test->host, f.child));
}

static void a_delay_is_cut_short(void **state) {
    test_host *test = *state;
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = {.backoff = &backoff, .start_timeout_ms = -1};
    family f = family_with(test, &spec);
    dynsup_ref ref = ref_of(test, f.child);
    test_exit_atom(f.program->last, DYNSUP_NOCONNECTION);
    test_run(test);
    assert_int_equal(f.program->made, 1);
    assert_int_equal(renew(test, f.a, ref, 1), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(f.a->reply.status, DYNSUP_ERESTARTING);
    assert_int_equal(tell(test, ref, 1), 0);
    assert_int_equal(renewed(test, f.a, ref, 1), 0);
    assert_int_equal(f.program->made, 2);
}

static void a_renewal_that_fails_is_tried_again_and_counts(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_ref ref = ref_of(test, f.child);
    f.program->fails = DYNSUP_EREASON;
    assert_int_equal(renew(test, f.a, ref, 1), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(f.a->reply.status, DYNSUP_ERESTARTING);
    assert_false(dynsup_is_alive(test->host, f.supervisor));
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_ERROR), 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_GAVE_UP), 1);
}

static void a_static_supervisor_leaves_siblings_alone(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ALL, 3);
    dynsup_ref ref = ref_of(test, test_child(test, order.pid, 2, NULL));
    for (uint32_t n = 1; n < 10; n++)
        assert_int_equal(renewed(test, a, ref, n), 0);
    test_made(&order, "1 10 1");
    test_children(test, order.pid, "1 2 3");
}

static void scenario(test_host *test, test_body *a, dynsup_pid supervisor, test_program *program) {
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    dynsup_child_info info;
    if (!cursor)
        return;
    bool there = dynsup_cursor_next(cursor, &info);
    dynsup_cursor_close(test->host, cursor);
    if (!there)
        return;
    tell(test, info.ref, info.incarnation);
    renew(test, a, info.ref, info.incarnation);
    test_settle(test);
    assert_true(a->replied);
    test->alloc.fail_at = 0;
    test_run(test);
    assert_true(program->last && test_alive(program->last));
}

static void scenario_dynamic(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = a ? test_supervisor(test, a) : 0;
    if (!supervisor)
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    test_start(test, a, supervisor, &spec);
    test_run(test);
    if (program->last)
        scenario(test, a, supervisor, program);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    test_host_sweep(scenario_dynamic);
}

static void what_cannot_be_renewed_is_refused(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_reply reply;
    dynsup_pid child = f.program->last->pid;
    dynsup_ref ref = ref_of(test, child);
    assert_int_equal(dynsup_renew_child(test->host, 0, 1, false, &reply), DYNSUP_ENOT_FOUND);
    test_body *guest = test_body_new(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.guest = true;
    spec.body_ops = &test_body_ops;
    spec.body = guest;
    test_start(test, f.a, f.supervisor, &spec);
    test_run(test);
    test_enter(guest); /* a start function, which is its supervisor */
    assert_int_equal(dynsup_renew_child(test->host, ref, 1, true, &reply), DYNSUP_ECALLS_ITSELF);
    test_leave(test);
    test_signal(test, NULL, f.supervisor, DYNSUP_KILL);
    assert_int_equal(dynsup_renew_child(test->host, ref, 1, false, &reply), DYNSUP_ENOT_FOUND);
    test_run(test);
}

static void a_supervisor_that_stops_renews_nobody(void **state) {
    test_host *test = *state;
    family f = family_with(test, NULL);
    dynsup_reply reply;
    test_body *stopper = test_spawn_trapping(test);
    f.program->last->traps = true;
    test_enter(f.program->last);
    test_leave(test);
    test_run(test);
    dynsup_ref ref = ref_of(test, f.program->last->pid);
    test_stop(test, stopper, f.supervisor, DYNSUP_NORMAL);
    assert_int_equal(dynsup_renew_child(test->host, ref, 1, false, &reply), DYNSUP_ENOT_FOUND);
    test_settle(test);
    assert_true(stopper->replied);
}

/* The child has not been asked to stop before. */
static void scenario_waiting(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = a ? test_supervisor(test, a) : 0;
    if (!supervisor)
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_child_info info;
    if (test_start(test, a, supervisor, &spec) || !dynsup_child_of(test->host, a->reply.pid, &info))
        return;
    test_run(test);
    int status = renew(test, a, info.ref, info.incarnation);
    test_settle(test);
    assert_true(a->replied);
    if (status == DYNSUP_ENOMEM || a->reply.status == DYNSUP_ENOMEM)
        assert_int_equal(program->made, 1);
}

/* A named child that is asked to stop, and ensured meanwhile. */
static void ensure_renewing(test_host *test, test_body *a, test_body *b, dynsup_pid supervisor,
                            test_program *program) {
    dynsup_child_info info;
    test_run(test);
    if (!program->last || !dynsup_child_of(test->host, program->last->pid, &info))
        return;
    tell(test, info.ref, info.incarnation);
    test_run(test);
    dynsup_child_spec again = test_spec_named(test_program_new(test), "it");
    again.id = test_integer(7);
    int status = test_ensure(test, b, supervisor, &again);
    test_settle(test);
    assert_true(b->replied);
    assert_true(status != 0 || !b->reply.existing || test_alive(program->last));
    (void)a;
}

static void scenario_ensure(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    test_body *b = a ? test_spawn_trapping(test) : NULL;
    dynsup_pid supervisor = b ? test_supervisor(test, a) : 0;
    if (!supervisor)
        return;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "it");
    program->traps = true;
    test_start(test, a, supervisor, &spec);
    ensure_renewing(test, a, b, supervisor, program);
}

static void scenario_ensure_static(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    test_body *b = a ? test_spawn_trapping(test) : NULL;
    test_order order = {.count = 0};
    if (!b)
        return;
    dynsup_child_spec *spec = test_order_add(test, &order);
    spec->name = "it";
    spec->name_length = 2;
    order.programs[0]->traps = true;
    test_order_ask(test, a, &order);
    test_run(test);
    if (a->reply.status == 0 && a->reply.pid)
        ensure_renewing(test, a, b, a->reply.pid, order.programs[0]);
}

static void memory_may_run_out_for_who_waits(void **state) {
    (void)state;
    test_host_sweep(scenario_waiting);
    test_host_sweep(scenario_ensure);
    test_host_sweep(scenario_ensure_static);
}

static void a_child_that_is_about_to_be_tried_again_is_told(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, a, 1000, DYNSUP_NO_LIMIT);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    uint64_t deadline_ns;
    dynsup_ref ref = ref_of(test, test_started(test, a, supervisor, &spec));
    program->fails = DYNSUP_ENOMEM;
    test_signal(test, NULL, program->last->pid, DYNSUP_KILL);
    dynsup_host_step(test->host, 0, &deadline_ns); /* killed, and tried in vain */
    assert_int_equal(tell(test, ref, 1), 0);
    program->fails = 0;
    test_run(test);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

/* Ends the child and asks for its renewal, in one slice of a's. The supervisor has its turn when
 * the end waits for it or, with a crowd that ends before the child, has not come yet. */
static int end_and_renew(test_host *test, test_body *a, dynsup_pid child, enum dynsup_atom how,
                         int crowd) {
    dynsup_ref ref = ref_of(test, child);
    const dynsup_reason reason = dynsup_reason_atom(how), kill = dynsup_reason_atom(DYNSUP_KILL);
    dynsup_pid pids[100];
    for (int i = 0; i < crowd; i++)
        pids[i] = test_spawn(test, NULL)->pid;
    test_run(test);
    test_enter(a);
    for (int i = 0; i < crowd; i++)
        dynsup_exit(test->host, pids[i], &kill);
    dynsup_exit(test->host, child, &reason);
    test_asked(a, dynsup_renew_child(test->host, ref, 1, true, &a->reply));
    test_run(test);
    assert_true(a->replied);
    return a->reply.status;
}

static void who_has_ended_for_good_is_not_renewed(void **state) {
    test_host *test = *state;
    dynsup_child_spec spec = {.restart = DYNSUP_TRANSIENT, .start_timeout_ms = -1};
    for (int crowd = 0; crowd <= 100; crowd += 100) {
        family f = family_with(test, &spec);
        assert_int_equal(end_and_renew(test, f.a, f.child, DYNSUP_SHUTDOWN, crowd),
                         DYNSUP_ENOT_FOUND);
        assert_int_equal(f.program->made, 1);
        test_counts(test, f.supervisor, 0, 0, 0, 0);
        test_body *a = test_spawn_trapping(test);
        test_order order = {0};
        test_order_add(test, &order)->restart = DYNSUP_TRANSIENT;
        test_order_start(test, a, &order);
        dynsup_pid child = test_child(test, order.pid, 1, NULL);
        assert_int_equal(end_and_renew(test, a, child, DYNSUP_SHUTDOWN, crowd), DYNSUP_ENOT_FOUND);
        test_children(test, order.pid, "1-");
        test_made(&order, "1");
    }
}

static void who_has_crashed_is_restarted_as_after_any_crash(void **state) {
    test_host *test = *state;
    for (int crowd = 0; crowd <= 100; crowd += 100) {
        size_t reports = test_events(test, DYNSUP_EVENT_CHILD_TERMINATED);
        test_family f = test_family_begin(test, 1);
        dynsup_child_spec spec = test_spec(f.program);
        dynsup_pid child = test_started(test, f.a, f.supervisor, &spec);
        assert_int_equal(end_and_renew(test, f.a, child, DYNSUP_KILL, crowd), 0);
        assert_int_equal(f.program->made, 2);
        assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), reports + 1);
        test_crash(test, f.program); /* which counts */
        assert_false(dynsup_is_alive(test->host, f.supervisor));
    }
}

static void who_has_crashed_and_backs_off_is_restarting(void **state) {
    test_host *test = *state;
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = {.backoff = &backoff, .start_timeout_ms = -1};
    for (int crowd = 0; crowd <= 100; crowd += 100) {
        family f = family_with(test, &spec);
        assert_int_equal(end_and_renew(test, f.a, f.child, DYNSUP_KILL, crowd), DYNSUP_ERESTARTING);
        assert_int_equal(f.program->made, 1);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_renewed_child_is_the_next_incarnation_and_nothing_counts),
        TEST(a_later_incarnation_is_left_alone),
        TEST(who_is_told_has_its_shutdown_time),
        TEST(a_transient_child_comes_again_whatever_it_ends_with),
        TEST(a_child_that_is_gone_is_not_found),
        TEST(a_loss_while_it_is_renewed_is_none),
        TEST(temporary_children_are_not_renewed),
        TEST(a_delay_is_cut_short),
        TEST(a_renewal_that_fails_is_tried_again_and_counts),
        TEST(a_static_supervisor_leaves_siblings_alone),
        cmocka_unit_test(memory_may_run_out_anywhere),
        TEST(what_cannot_be_renewed_is_refused),
        TEST(a_supervisor_that_stops_renews_nobody),
        TEST(a_child_that_is_about_to_be_tried_again_is_told),
        cmocka_unit_test(memory_may_run_out_for_who_waits),
        TEST(who_has_ended_for_good_is_not_renewed),
        TEST(who_has_crashed_is_restarted_as_after_any_crash),
        TEST(who_has_crashed_and_backs_off_is_restarting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
