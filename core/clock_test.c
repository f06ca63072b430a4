/* Tests of clocks: which process has which time, pause, rate and life. Steps: clock_step_test.c. */
#include "test_clock.h"

#include "supervisor.h"

static enum dynsup_slice tell_first(test_body *self, dynsup_outcome *outcome) {
    const test_body *receiver = self->more;
    dynsup_value who = dsi_value_id(self->pid);
    (void)outcome;
    dynsup_send(self->test->host, receiver->pid, &who, 1);
    return DYNSUP_SLICE_WAIT;
}

/* ---- whose clock ---- */

static void a_process_has_the_clock_of_its_parent(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *first = test_spawn_on(test, NULL, clock);
    test_body *child = test_spawn(test, first);
    test_body *grandchild = test_spawn(test, child);
    test_body *other = test_spawn(test, NULL);
    assert_int_equal(dynsup_process_clock(test->host, grandchild->pid), clock);
    assert_int_equal(dynsup_process_clock(test->host, other->pid), 0);
    assert_int_equal(test_clock_look(test, clock).process_count, 3);
}

static void a_process_may_be_given_the_hosts_clock(void **state) {
    test_host *test = *state;
    test_body *first = test_spawn_on(test, NULL, test_clock(test, true));
    test_body *child = test_spawn_on(test, first, DYNSUP_HOST_CLOCK);
    assert_int_equal(dynsup_process_clock(test->host, child->pid), 0);
}

static void children_have_their_supervisors_clock_whoever_starts_them(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid child = test_started(test, caller, supervisor, &spec);
    assert_int_equal(dynsup_process_clock(test->host, supervisor), clock);
    assert_int_equal(dynsup_process_clock(test->host, child), clock);
    test_signal(test, NULL, child, DYNSUP_TIMEOUT);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).process_count, 2); /* the next incarnation */
}

/* ---- pause ---- */

static void a_paused_clock_stands_still_and_its_timers_with_it(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_sleeper(test, clock, 10);
    test_pass(test, 4);
    assert_true(dynsup_clock_pause(test->host, clock));
    assert_int_equal(test_pass(test, 5000), DYNSUP_STILL);
    assert_int_equal(body->slices, 1);
    assert_int_equal(test_clock_look(test, clock).now_ns, 4 * MS);
    assert_int_equal(dynsup_clock_stopped_timers(test->host), 1);
    assert_true(dynsup_clock_resume(test->host, clock));
    test_pass(test, 5.9);
    assert_int_equal(body->slices, 1);
    test_pass(test, 0.1);
    assert_int_equal(body->slices, 2);
    assert_int_equal(body->wake, DYNSUP_WAKE_TIMEOUT);
}

static void others_go_on_while_a_clock_is_paused(void **state) {
    test_host *test = *state;
    test_body *paused = test_sleeper(test, test_clock(test, true), 10);
    test_body *other = test_sleeper(test, test_clock(test, false), 10);
    test_body *hosts = test_sleeper(test, 0, 10);
    assert_int_equal(test_pass(test, 100), DYNSUP_STILL);
    assert_int_equal(paused->slices, 1);
    assert_int_equal(other->slices, 2);
    assert_int_equal(hosts->slices, 2);
}

static void what_is_due_at_once_comes_on_a_paused_clock_too(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn_on(test, NULL, clock);
    test_send_at(test, body, 0, 1);
    test_send_at(test, body, 1, 2);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(body->received, 1);
}

static void a_timer_can_be_cancelled_on_a_paused_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_spawn_on(test, NULL, clock);
    dynsup_timer timer = test_send_at(test, body, 20 * MS, 1);
    uint64_t left_ns = 0;
    test_pass(test, 5);
    dynsup_clock_pause(test->host, clock);
    test_pass(test, 50);
    assert_true(dynsup_cancel_timer(test->host, timer, &left_ns));
    assert_int_equal(left_ns, 15 * MS);
    assert_int_equal(test_clock_look(test, clock).timer_count, 0);
}

static void pausing_and_resuming_twice_is_once(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_sleeper(test, clock, 10);
    for (int i = 0; i < 2; i++)
        dynsup_clock_pause(test->host, clock);
    test_pass(test, 100);
    assert_true(test_clock_look(test, clock).is_paused);
    for (int i = 0; i < 2; i++)
        dynsup_clock_resume(test->host, clock);
    test_pass(test, 9.9);
    assert_int_equal(body->slices, 1);
    test_pass(test, 0.1);
    assert_int_equal(body->slices, 2);
}

/* ---- rate ---- */

static void a_rate_stretches_the_time(void **state) {
    test_host *test = *state;
    dynsup_clock slow = test_clock(test, false), fast = test_clock(test, false);
    assert_true(dynsup_clock_set_rate(test->host, slow, 0.5));
    assert_true(dynsup_clock_set_rate(test->host, fast, 4));
    test_body *late = test_sleeper(test, slow, 10);
    test_body *soon = test_sleeper(test, fast, 10);
    test_pass(test, 2.5);
    assert_int_equal(soon->slices, 2);
    test_pass(test, 17.4);
    assert_int_equal(late->slices, 1);
    test_pass(test, 0.1);
    assert_int_equal(late->slices, 2);
    assert_int_equal(test_clock_look(test, slow).now_ns, 10 * MS);
    assert_int_equal(test_clock_look(test, fast).now_ns, 80 * MS);
}

static void a_rate_may_change_on_the_way(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_sleeper(test, clock, 10);
    test_pass(test, 4);
    dynsup_clock_set_rate(test->host, clock, 0.25);
    test_pass(test, 23.9);
    assert_int_equal(body->slices, 1);
    test_pass(test, 0.1);
    assert_int_equal(body->slices, 2);
    assert_false(dynsup_clock_set_rate(test->host, clock, 0));
    assert_false(dynsup_clock_set_rate(test->host, clock, 1001));
    assert_true(test_clock_look(test, clock).rate == 0.25);
}

/* No nanosecond is lost or gained, at any rate: a timer never fires early, and is at most 1 ns
 * late. */
static void no_rate_fires_early(void **state) {
    test_host *test = *state;
    uint64_t random = 7;
    for (int i = 0; i < 300; i++) {
        dynsup_clock clock = dynsup_clock_new(test->host, false);
        double rate = 0.001 + (double)dsi_test_random_below(&random, 100000) / 997;
        dynsup_clock_set_rate(test->host, clock, rate);
        test_body *body = test_spawn_on(test, NULL, clock);
        uint64_t deadline_ns = (dsi_test_random(&random) >> 24) + 1000;
        test_send_at(test, body, deadline_ns, 1);
        while (body->received == 0) {
            uint64_t due_ns;
            while (dynsup_host_step(test->host, 0, &due_ns) == DYNSUP_READY) {
            }
            test->now_ns = due_ns - 1;
            test_run(test);
            assert_int_equal(body->received, 0);
            assert_true(test_clock_look(test, clock).now_ns < deadline_ns);
            test->now_ns = due_ns;
            test_run(test);
        }
        assert_true(test_clock_look(test, clock).now_ns >= deadline_ns);
        test_signal(test, NULL, body->pid, DYNSUP_KILL);
        dynsup_clock_release(test->host, clock);
        test_run(test);
    }
}

/* ---- order ---- */

/* A host that is late, with deadlines of all kinds behind it, takes them in their order. */
static void deadlines_of_all_clocks_come_in_one_order(void **state) {
    test_host *test = *state;
    dynsup_clock a = test_clock(test, false), b = test_clock(test, false);
    dynsup_clock_set_rate(test->host, b, 2);
    test_body *receiver = test_spawn(test, NULL);
    test_body *sleepers[] = {
        test_sleeper(test, a, 10), test_sleeper(test, 0, 12), test_sleeper(test, b, 30), /* at 15 */
        test_sleeper(test, a, 20), test_sleeper(test, 0, 22), test_sleeper(test, b, 50), /* at 25 */
    };
    for (int i = 0; i < 6; i++) {
        sleepers[i]->act = tell_first;
        sleepers[i]->more = receiver;
    }
    test->now_ns += 100 * MS;
    test_run(test);
    assert_int_equal(receiver->received, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(receiver->inbox[i].value.as.id, sleepers[i]->pid);
}

static void a_deadline_in_the_past_comes_at_once_behind_many(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn_on(test, NULL, test_clock(test, false));
    for (int i = 0; i < 300; i++)
        test_send_at(test, body, 5000 * MS + (uint64_t)i, i);
    test_send_at(test, body, 1900 * MS, 300);
    test_pass(test, 2000);
    test_send_at(test, body, 1500 * MS, 301);
    test_send_at(test, body, 500 * MS, 302);
    test_run(test);
    assert_int_equal(body->received, 3);
    assert_int_equal(body->inbox[1].value.as.integer, 302);
}

/* ---- what goes by which clock ---- */

static void shutdown_times_go_by_the_hosts_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, caller, supervisor, &spec);
    test_run(test);
    test_stop(test, caller, supervisor, DYNSUP_NORMAL);
    test_pass(test, 4999);
    assert_true(dynsup_is_alive(test->host, child));
    test_pass(test, 1);
    assert_false(dynsup_is_alive(test->host, child));
    assert_true(caller->replied);
}

static void delayed_restarts_go_by_the_supervisors_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    backoff.jitter = 0;
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.backoff = &backoff;
    dynsup_pid child = test_started(test, caller, supervisor, &spec);
    test_signal(test, NULL, child, DYNSUP_TIMEOUT);
    assert_int_equal(test_pass(test, 60000), DYNSUP_STILL);
    test_counts(test, supervisor, 1, 0, 0, 1);
    dynsup_clock_resume(test->host, clock);
    test_pass(test, 100);
    test_counts(test, supervisor, 1, 1, 0, 1);
}

static void the_series_of_delays_ends_by_a_life_in_the_supervisors_time(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    dynsup_backoff backoff = {.min_ms = 100, .max_ms = 30000, .factor = 2, .reset_after_ms = 30000};
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.backoff = &backoff;
    test_signal(test, NULL, test_started(test, caller, supervisor, &spec), DYNSUP_TIMEOUT);
    test_pass(test, 100);
    dynsup_clock_pause(test->host, clock);
    test_pass(test, 60000); /* it lives long, but not in its supervisor's time */
    test_signal(test, NULL, program->last->pid, DYNSUP_TIMEOUT);
    test_run(test);
    assert_int_equal(test_last_event(test, DYNSUP_EVENT_CHILD_DELAYED)->delay_ns, 200 * MS);
}

static void the_period_of_max_restarts_goes_by_the_supervisors_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock); /* 3 in 5 s */
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    test_started(test, caller, supervisor, &spec);
    for (int i = 0; i < 3; i++)
        test_signal(test, NULL, program->last->pid, DYNSUP_TIMEOUT), test_run(test);
    dynsup_clock_pause(test->host, clock);
    test_pass(test, 60000);
    assert_true(dynsup_is_alive(test->host, supervisor));
    test_signal(test, NULL, program->last->pid, DYNSUP_TIMEOUT);
    test_run(test);
    assert_false(dynsup_is_alive(test->host, supervisor));
}

static void a_start_timeout_goes_by_the_supervisors_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.ready = true;
    spec.start_timeout_ms = 50;
    assert_int_equal(test_start(test, caller, supervisor, &spec), DYNSUP_PENDING);
    test_pass(test, 1000);
    assert_false(caller->replied);
    dynsup_clock_resume(test->host, clock);
    test_pass(test, 50);
    assert_true(caller->replied);
    assert_int_equal(caller->reply.status, DYNSUP_ETIMEOUT);
}

static void a_host_with_a_paused_clock_comes_to_its_end(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *main_body = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, main_body, clock);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    test_started(test, main_body, supervisor, &spec);
    test_body *sleeper = test_sleeper(test, clock, 10);
    sleeper->traps = true;
    dynsup_host_halt(test->host, 0);
    assert_int_equal(test_settle(test), DYNSUP_ENDED);
}

/* ---- life ---- */

static void a_clock_lives_as_long_as_somebody_owns_it(void **state) {
    test_host *test = *state;
    dynsup_clock clock = dynsup_clock_new(test->host, false);
    test_body *body = test_sleeper(test, clock, 1000);
    test_run(test);
    assert_true(dynsup_clock_hold(test->host, clock));
    dynsup_clock_release(test->host, clock);
    dynsup_clock_release(test->host, clock);
    assert_int_equal(test_clock_look(test, clock).timer_count, 1);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    test_run(test);
    dynsup_clock_info info;
    assert_false(dynsup_clock_inspect(test->host, clock, &info));
    assert_false(dynsup_clock_hold(test->host, clock));
    assert_false(dynsup_clock_pause(test->host, clock));
    dynsup_clock_release(test->host, clock);
    assert_int_equal(test_settle(test), DYNSUP_STILL);
}

static void a_clock_that_is_gone_gives_the_hosts(void **state) {
    test_host *test = *state;
    dynsup_clock clock = dynsup_clock_new(test->host, true);
    dynsup_clock_release(test->host, clock);
    test_body *body = test_spawn_on(test, NULL, clock);
    assert_int_equal(dynsup_process_clock(test->host, body->pid), 0);
}

/* More timers than the heap holds: they move to the wheel, in the same order. */
static void many_timers_expire_as_few_do(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn_on(test, NULL, clock);
    uint64_t random = 3;
    test->unchecked = true;
    for (int i = 0; i < 3000; i++)
        test_send_at(test, body, dsi_test_random_below(&random, 5000) * MS / 10, i);
    assert_int_equal(test_clock_look(test, clock).timer_count, 3000);
    dynsup_clock_resume(test->host, clock);
    assert_int_equal(test_settle(test), DYNSUP_STILL);
    test->unchecked = false;
    assert_int_equal(body->received, 3000);
    random = 3;
    uint64_t deadlines[3000];
    for (int i = 0; i < 3000; i++)
        deadlines[i] = dsi_test_random_below(&random, 5000);
    for (int i = 1; i < 3000; i++) {
        int64_t a = body->inbox[i - 1].value.as.integer, b = body->inbox[i].value.as.integer;
        bool is_later = deadlines[a] < deadlines[b];
        assert_true(is_later || (a < b && deadlines[a] == deadlines[b]));
    }
}

static void scenario(test_host *test) {
    dynsup_clock clock = dynsup_clock_new(test->host, true);
    test_body *caller = test_spawn_trapping(test);
    if (!clock || !caller)
        return;
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    test_body *body = test_spawn_on(test, NULL, clock);
    for (int i = 0; body && i < 300; i++) { /* without memory for a wheel, all works */
        dynsup_value value = test_integer(i);
        dynsup_timer timer;
        dynsup_send_at(test->host, (uint64_t)i * MS, body->pid, &value, 1, &timer);
    }
    uint64_t key;
    dynsup_clock_step(test->host, clock, 100 * MS, false, &key);
    test_run(test);
    dynsup_clock_resume(test->host, clock);
    dynsup_clock_release(test->host, clock);
    test_pass(test, 1000);
    if (body)
        test_signal(test, NULL, body->pid, DYNSUP_KILL);
    if (supervisor)
        test_stop(test, caller, supervisor, DYNSUP_NORMAL);
    test_run(test);
}

static void clocks_survive_a_lack_of_memory(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

/* A process is as big as it would be without clocks. */
static void a_process_pays_nothing_for_clocks(void **state) {
    (void)state;
    assert_int_equal(sizeof(dsi_process), 176);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
        TEST(a_process_has_the_clock_of_its_parent),
        TEST(a_process_may_be_given_the_hosts_clock),
        TEST(children_have_their_supervisors_clock_whoever_starts_them),
        TEST(a_paused_clock_stands_still_and_its_timers_with_it),
        TEST(others_go_on_while_a_clock_is_paused),
        TEST(what_is_due_at_once_comes_on_a_paused_clock_too),
        TEST(a_timer_can_be_cancelled_on_a_paused_clock),
        TEST(pausing_and_resuming_twice_is_once),
        TEST(a_rate_stretches_the_time),
        TEST(a_rate_may_change_on_the_way),
        TEST(no_rate_fires_early),
        TEST(deadlines_of_all_clocks_come_in_one_order),
        TEST(a_deadline_in_the_past_comes_at_once_behind_many),
        TEST(shutdown_times_go_by_the_hosts_clock),
        TEST(delayed_restarts_go_by_the_supervisors_clock),
        TEST(the_series_of_delays_ends_by_a_life_in_the_supervisors_time),
        TEST(the_period_of_max_restarts_goes_by_the_supervisors_clock),
        TEST(a_start_timeout_goes_by_the_supervisors_clock),
        TEST(a_host_with_a_paused_clock_comes_to_its_end),
        TEST(a_clock_lives_as_long_as_somebody_owns_it),
        TEST(a_clock_that_is_gone_gives_the_hosts),
        TEST(many_timers_expire_as_few_do),
        cmocka_unit_test(clocks_survive_a_lack_of_memory),
        cmocka_unit_test(a_process_pays_nothing_for_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
