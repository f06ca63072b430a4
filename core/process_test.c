/* Tests of processes: slices, waits, exits, names. */
#include "test_host.h"

#include "state.h"

/* ---- slices ---- */

static void a_process_runs_its_first_slice_and_waits(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    assert_int_equal(body->slices, 0);
    assert_int_equal(test->wakes, 1);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(body->slices, 1);
    assert_int_equal(body->wake, DYNSUP_WAKE_FIRST);
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

static enum dynsup_slice act_change_mind(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->act = NULL;
    dynsup_wait_message(self->test->host, 0, self->test->now_ns + 1000000);
    return DYNSUP_SLICE_WAIT; /* and the body waits for ever */
}

static void the_last_wait_of_a_slice_is_what_counts(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->act = act_change_mind;
    assert_int_equal(test_run(test), DYNSUP_STILL);
    test_pass(test, 10);
    assert_int_equal(body->slices, 1);
}

static enum dynsup_slice act_again_twice(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    return self->slices < 3 ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

static void slices_of_the_ready_take_turns(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    a->act = b->act = act_again_twice;
    test_run(test);
    assert_int_equal(a->slices, 3);
    assert_int_equal(b->slices, 3);
    assert_int_equal(a->wake, DYNSUP_WAKE_AGAIN);
    assert_int_equal(*dynsup_host_slices(test->host), 6);
}

static enum dynsup_slice act_again_and_pass(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->test->now_ns += 1000000;
    return DYNSUP_SLICE_AGAIN;
}

static void a_step_ends_when_its_budget_is_spent(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    uint64_t deadline_ns, start_ns = test->now_ns;
    body->act = act_again_and_pass;
    assert_int_equal(dynsup_host_step(test->host, 50000000, &deadline_ns), DYNSUP_READY);
    assert_in_range(test->now_ns - start_ns, 50000000, 66000000);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, body->pid, &info));
    assert_int_equal(info.slices, body->slices);
    assert_int_equal(info.status, DYNSUP_STATUS_RUNNABLE);
    assert_in_range(info.cpu_ns, 50000000, 66000000);
    body->act = NULL;
}

static enum dynsup_slice act_preempt(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    assert_true(dynsup_host_preempt(self->test->host));
    return DYNSUP_SLICE_WAIT;
}

static void preemption_reaches_the_running_body_only(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    a->act = act_preempt;
    assert_false(dynsup_host_preempt(test->host));
    test_run(test);
    assert_int_equal(a->preempted, 1);
    assert_int_equal(b->preempted, 0);
    assert_false(dynsup_host_preempt(test->host));
}

static void the_time_of_a_wait_wakes_not_before(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->until = test->now_ns + 10000000;
    test_run(test);
    test_pass(test, 9.999);
    assert_int_equal(body->slices, 1);
    test_pass(test, 0.001);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->wake, DYNSUP_WAKE_TIMEOUT);
    assert_int_equal(test_run(test), DYNSUP_STILL);
}

static void who_runs_idle_keeps_living_but_reads_nothing(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->idles = body->traps = true;
    test_run(test);
    dynsup_value object = test_object(test);
    assert_int_equal(dynsup_send(test->host, body->pid, &object, 1), 0);
    assert_int_equal(test_owners(test, object), 0);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(body->slices, 1);
    assert_true(test_alive(body));
    test_signal(test, NULL, body->pid, DYNSUP_SHUTDOWN); /* trap_exit has gone with it */
    test_run(test);
    assert_false(test_alive(body));
}

/* ---- keys ---- */

static void a_key_wakes_who_waits_for_it_and_nobody_else(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    uint64_t key = dynsup_key_new(test->host);
    dynsup_wake(test->host, body->pid, key); /* too early */
    body->key = key;
    test_run(test);
    assert_null(dynsup_waiter(test->host, body->pid, key + 1));
    assert_ptr_equal(dynsup_waiter(test->host, body->pid, key), body);
    body->key = 0;
    dynsup_wake(test->host, body->pid, key);
    dynsup_wake(test->host, body->pid, key);
    test_run(test);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->wake, DYNSUP_WAKE_DELIVERED);
    test_exit_atom(body, DYNSUP_NORMAL);
    test_run(test);
    dynsup_wake(test->host, body->pid, key);
    assert_null(dynsup_waiter(test->host, body->pid, key));
}

static void a_wait_that_is_ended_is_over_whatever_comes_later(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    uint64_t key = dynsup_key_new(test->host);
    dynsup_wait_end(test->host, body->pid); /* it does not wait yet */
    body->key = key;
    test_run(test);
    assert_int_equal(body->slices, 1);
    body->key = 0;
    dynsup_wait_end(test->host, body->pid);
    assert_null(dynsup_waiter(test->host, body->pid, key));
    dynsup_wake(test->host, body->pid, key);
    test_run(test);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->wake, DYNSUP_WAKE_AGAIN);
    test_exit_atom(body, DYNSUP_NORMAL);
    test_run(test);
    dynsup_wait_end(test->host, body->pid);
}

/* ---- exits ---- */

static void an_exit_stops_then_frees_the_body_once(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    test_exit(body, DYNSUP_REASON_OTHER, test_object(test));
    assert_true(test_alive(body));
    test_run(test);
    assert_true(body->stopped && body->gone);
    assert_false(test_alive(body));
    assert_int_equal(test_events(test, DYNSUP_EVENT_EXITED), 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CRASHED), 1);
    assert_int_equal(dynsup_host_process_count(test->host), 0);
}

static void a_process_killed_before_its_first_slice_never_runs(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    assert_false(test_alive(body));
    test_run(test);
    assert_int_equal(body->slices, 0);
    assert_true(body->gone);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_EXITED)->reason.value.as.atom,
                     DYNSUP_KILLED);
}

static enum dynsup_slice act_kill_itself(test_body *self, dynsup_outcome *outcome) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dynsup_exit(self->test->host, self->pid, &kill);
    assert_true(dynsup_doomed(self->test->host));
    outcome->reason.value = test_object(self->test); /* not looked at, but released */
    return DYNSUP_SLICE_EXIT;
}

static void who_kills_itself_ends_as_killed(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL);
    body->act = act_kill_itself;
    test_run(test);
    assert_true(body->gone);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_EXITED)->reason.value.as.atom,
                     DYNSUP_KILLED);
}

static void stop_and_send(test_body *self) {
    test_host *test = self->test;
    dynsup_value value = test_integer(7);
    dynsup_pid pid;
    dynsup_ref ref;
    assert_false(dynsup_is_alive(test->host, self->pid));
    assert_int_equal(dynsup_send(test->host, test->bodies->next->pid, &value, 1), 0);
    assert_int_equal(dynsup_link(test->host, test->bodies->next->pid), DYNSUP_ECLOSING);
    assert_int_equal(dynsup_monitor(test->host, self->pid, NULL, &ref), DYNSUP_ECLOSING);
    dynsup_wait_time(test->host, 0);
    assert_int_equal(dynsup_spawn(test->host, &test_body_ops, test_body_new(test), NULL, &pid), 0);
}

static void a_closing_body_may_send_and_spawn_but_not_link(void **state) {
    test_host *test = *state;
    test_body *reader = test_spawn(test, NULL);
    test_body *body = test_spawn(test, NULL);
    body->on_stop = stop_and_send;
    test_run(test);
    test_exit_atom(body, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(reader->received, 1);
    assert_int_equal(dynsup_host_process_count(test->host), 2);
    assert_false(dynsup_closing(test->host));
}

static void a_host_that_is_freed_closes_what_is_left(void **state) {
    (void)state;
    test_host test;
    assert_true(test_host_init(&test, 0, false));
    test_body *a = test_spawn(&test, NULL);
    test_run(&test);
    test_body *b = test_spawn_link(&test, a);
    (void)b;
    test_host_fini(&test);
}

/* ---- names ---- */

static int reg(test_host *test, const char *name, dynsup_pid pid) {
    return dynsup_register(test->host, name, strlen(name), pid);
}

static dynsup_pid whereis(test_host *test, const char *name) {
    return dynsup_whereis(test->host, name, strlen(name));
}

static void a_process_has_one_name_until_it_ends(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    assert_int_equal(reg(test, "x", a->pid), 0);
    assert_int_equal(reg(test, "y", a->pid), DYNSUP_ETAKEN);
    assert_int_equal(reg(test, "x", b->pid), DYNSUP_ETAKEN);
    assert_int_equal(reg(test, "x", 12345), DYNSUP_ENOPROC);
    assert_int_equal(whereis(test, "x"), a->pid);
    assert_int_equal(whereis(test, "y"), 0);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    assert_int_equal(whereis(test, "x"), 0);
    test_run(test);
    assert_int_equal(reg(test, "x", b->pid), 0);
    assert_int_equal(dynsup_unregister(test->host, "x", 1), 0);
    assert_int_equal(dynsup_unregister(test->host, "x", 1), DYNSUP_ENOPROC);
    test_run(test);
}

/* ---- looking ---- */

static void a_look_at_a_process_tells_what_it_has(void **state) {
    test_host *test = *state;
    test_body *parent = test_spawn(test, NULL);
    test_body *body = test_body_new(test);
    dynsup_ref ref;
    dynsup_spawn_options options = {.link = true, .monitor_out = &ref, .label = "label"};
    test_run(test);
    test_enter(parent);
    assert_int_equal(dynsup_spawn(test->host, &test_body_ops, body, &options, &body->pid), 0);
    test_leave(test);
    test_run(test);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, body->pid, &info));
    assert_string_equal(info.label, "label");
    assert_int_equal(info.parent, parent->pid);
    assert_int_equal(info.link_count, 1);
    assert_int_equal(info.monitored_by_count, 1);
    assert_int_equal(info.status, DYNSUP_STATUS_WAITING);
    assert_int_equal(info.incarnation, 1);
    dynsup_pid pids[2] = {0};
    assert_int_equal(dynsup_process_links(test->host, body->pid, pids, 2), 1);
    assert_int_equal(pids[0], parent->pid);
    assert_int_equal(dynsup_process_links(test->host, body->pid, pids, 0), 0);
    assert_int_equal(dynsup_process_monitors(test->host, parent->pid, pids, 2), 1);
    assert_int_equal(pids[0], body->pid);
    assert_int_equal(dynsup_process_monitors(test->host, parent->pid, pids, 0), 0);
    assert_false(dynsup_process_inspect(test->host, 99, &info));
}

static void all_living_processes_are_found_one_by_one(void **state) {
    test_host *test = *state;
    for (int i = 0; i < 10; i++)
        test_spawn(test, NULL);
    test_signal(test, NULL, test->bodies->pid, DYNSUP_KILL);
    uint32_t cursor = 0;
    size_t count = 0;
    while (dynsup_process_next(test->host, &cursor))
        count++;
    assert_int_equal(count, 9);
}

/* ---- without memory ---- */

static void scenario_spawn(test_host *test) {
    test_body *parent = test_spawn(test, NULL);
    if (!parent)
        return;
    test_run(test);
    test_body *body = test_body_new(test);
    dynsup_ref ref;
    dynsup_spawn_options options = {.link = true, .monitor_out = &ref, .label = "label"};
    test_enter(parent);
    int status = dynsup_spawn(test->host, &test_body_ops, body, &options, &body->pid);
    body->gone = status != 0;
    test_leave(test);
    test_run(test);
    if (status == 0 && reg(test, "name", body->pid) == 0)
        assert_int_equal(whereis(test, "name"), body->pid);
    assert_true(test_alive(parent));
}

static void spawning_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_spawn);
}

static void a_deadline_behind_the_end_of_time_never_comes(void **state) {
    (void)state;
    assert_true(dsi_deadline_after(DYNSUP_NEVER - 5, 1) == DYNSUP_NEVER);
    assert_true(dsi_deadline_after(5, 1e300) == DYNSUP_NEVER);
    assert_int_equal(dsi_deadline_after(5, 0.000001), 6);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_process_runs_its_first_slice_and_waits),
        TEST(the_last_wait_of_a_slice_is_what_counts),
        TEST(slices_of_the_ready_take_turns),
        TEST(a_step_ends_when_its_budget_is_spent),
        TEST(preemption_reaches_the_running_body_only),
        TEST(the_time_of_a_wait_wakes_not_before),
        TEST(who_runs_idle_keeps_living_but_reads_nothing),
        TEST(a_key_wakes_who_waits_for_it_and_nobody_else),
        TEST(a_wait_that_is_ended_is_over_whatever_comes_later),
        TEST(an_exit_stops_then_frees_the_body_once),
        TEST(a_process_killed_before_its_first_slice_never_runs),
        TEST(who_kills_itself_ends_as_killed),
        TEST(a_closing_body_may_send_and_spawn_but_not_link),
        TEST(a_process_has_one_name_until_it_ends),
        TEST(a_look_at_a_process_tells_what_it_has),
        TEST(all_living_processes_are_found_one_by_one),
        cmocka_unit_test(a_host_that_is_freed_closes_what_is_left),
        cmocka_unit_test(spawning_without_memory_changes_nothing),
        cmocka_unit_test(a_deadline_behind_the_end_of_time_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
