/* Tests of steps: exact times, order, turns, and callers that are woken. */
#include "test_clock.h"

#include "dynsup_look.h"

/* ---- a diary of what happens when ---- */

typedef struct entry {
    uint64_t at_ns; /* of the process's clock */
    const test_body *who;
} entry;

static entry diary[256];
static size_t diary_length;

static int setup(void **state) {
    diary_length = 0;
    return test_setup(state);
}

static enum dynsup_slice note(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    assert_true(diary_length < 256);
    if (self->wake == DYNSUP_WAKE_TIMEOUT || self->wake == DYNSUP_WAKE_MESSAGE)
        diary[diary_length++] = (entry){dynsup_now(self->test->host), self};
    return DYNSUP_SLICE_WAIT;
}

/* Sleeps for a number of ms again and again, and notes when it wakes. */
static enum dynsup_slice tick(test_body *self, dynsup_outcome *outcome) {
    self->until = dynsup_now(self->test->host) + *(uint64_t *)self->more;
    return note(self, outcome);
}

static test_body *ticker(test_host *test, dynsup_clock clock, uint64_t *period_ns) {
    test_body *body = test_spawn_on(test, NULL, clock);
    body->act = tick;
    body->more = period_ns;
    test_run(test);
    return body;
}

static void step(test_host *test, dynsup_clock clock, double ms) {
    uint64_t key;
    assert_int_equal(dynsup_clock_step(test->host, clock, (uint64_t)(ms * 1e6), false, &key), 0);
}

static void expect(size_t at, const test_body *who, double ms) {
    assert_true(at < diary_length);
    assert_ptr_equal(diary[at].who, who);
    assert_int_equal(diary[at].at_ns, (uint64_t)(ms * 1e6));
}

/* ---- times and order ---- */

static void a_step_fires_what_is_due_each_at_its_own_time(void **state) {
    test_host *test = *state;
    static uint64_t five = 5 * MS, seven = 7 * MS;
    dynsup_clock clock = test_clock(test, true);
    const test_body *a = ticker(test, clock, &five), *b = ticker(test, clock, &seven);
    step(test, clock, 16);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(diary_length, 5);
    expect(0, a, 5);
    expect(1, b, 7);
    expect(2, a, 10);
    expect(3, b, 14);
    expect(4, a, 15);
    assert_int_equal(test_clock_look(test, clock).now_ns, 16 * MS);
    step(test, clock, 4);
    test_run(test);
    assert_int_equal(diary_length, 6); /* what is due at its end belongs to it */
    expect(5, a, 20);
}

static void what_is_due_at_one_time_comes_in_the_order_it_was_asked_for(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *bodies[20];
    for (int i = 0; i < 20; i++) {
        bodies[i] = test_sleeper(test, clock, 3);
        bodies[i]->act = note;
    }
    step(test, clock, 3);
    test_run(test);
    for (int i = 0; i < 20; i++)
        expect((size_t)i, bodies[i], 3);
}

static void a_step_does_nothing_before_the_host_steps(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    size_t wakes = test->wakes;
    step(test, clock, 3);
    assert_true(test->wakes > wakes);
    assert_int_equal(test_clock_look(test, clock).now_ns, 0);
    assert_true(test_clock_look(test, clock).is_stepping);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, 3 * MS);
    assert_false(test_clock_look(test, clock).is_stepping);
}

static void steps_follow_each_other(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    for (int i = 0; i < 10; i++)
        step(test, clock, 1.5);
    step(test, clock, 0);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, 15 * MS);
}

static void a_clock_that_runs_jumps_ahead_and_runs_on(void **state) {
    test_host *test = *state;
    static uint64_t five = 5 * MS;
    dynsup_clock clock = test_clock(test, false);
    const test_body *a = ticker(test, clock, &five);
    test_pass(test, 2);
    step(test, clock, 10);
    test_run(test);
    assert_int_equal(diary_length, 2);
    assert_int_equal(test_clock_look(test, clock).now_ns, 12 * MS);
    test_pass(test, 3);
    expect(2, a, 15);
}

static void pause_and_resume_during_a_step_are_for_later(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    step(test, clock, 10);
    dynsup_clock_resume(test->host, clock);
    test_pass(test, 5);
    assert_int_equal(test_clock_look(test, clock).now_ns, 15 * MS);
    step(test, clock, 10);
    dynsup_clock_pause(test->host, clock);
    test_pass(test, 5);
    assert_int_equal(test_clock_look(test, clock).now_ns, 25 * MS);
}

/* ---- whose turn it is ---- */

static enum dynsup_slice busy(test_body *self, dynsup_outcome *outcome) {
    (void)self, (void)outcome;
    return DYNSUP_SLICE_AGAIN;
}

/* Processes that never wait; CROWD is more than have a slice between two checks of the steps. */
enum { CROWD = 40 };

static void crowd(test_host *test, int count) {
    for (int i = 0; i < count; i++)
        test_spawn(test, NULL)->act = busy;
}

/* With the host never quiet: makes that many steps of the host, then ends the crowd. */
static void run_rounds(test_host *test, int count) {
    uint64_t deadline_ns;
    for (int i = 0; i < count; i++) {
        dynsup_host_step(test->host, 0, &deadline_ns);
        dynsup_host_check(test->host);
    }
    for (test_body *body = test->bodies; body; body = body->next)
        if (body->act == busy)
            test_signal(test, NULL, body->pid, DYNSUP_KILL);
    test_run(test);
}

static void others_that_never_wait_hold_up_no_step(void **state) {
    test_host *test = *state;
    static uint64_t one = MS;
    dynsup_clock clock = test_clock(test, true);
    ticker(test, clock, &one);
    crowd(test, CROWD);
    step(test, clock, 100);
    run_rounds(test, 1500);
    assert_int_equal(diary_length, 100);
    assert_int_equal(test_clock_look(test, clock).now_ns, 100 * MS);
}

/* A worker on the clock asks a server on the host's clock, again after each answer, three times. */
static test_body *server, *worker;

static void say(test_host *test, const test_body *to) {
    dynsup_value value = test_integer(1);
    dynsup_send(test->host, to->pid, &value, 1);
}

static enum dynsup_slice serve(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->wake == DYNSUP_WAKE_MESSAGE)
        say(self->test, worker);
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice ask(test_body *self, dynsup_outcome *outcome) {
    if (self->received < 3)
        say(self->test, server);
    return note(self, outcome);
}

static void a_server_elsewhere_answers_before_the_time_goes_on(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    server = test_spawn(test, NULL);
    server->act = serve;
    worker = test_sleeper(test, clock, 3);
    worker->act = ask;
    test_body *later = test_sleeper(test, clock, 4);
    later->act = note;
    crowd(test, CROWD);
    step(test, clock, 10);
    run_rounds(test, 100);
    assert_int_equal(diary_length, 5);
    for (size_t i = 0; i < 4; i++)
        expect(i, worker, 3);
    expect(4, later, 4);
}

/* Goes on for a hundred slices, and notes its time at the end. */
static enum dynsup_slice toil(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->slices < 100)
        return DYNSUP_SLICE_AGAIN;
    if (self->slices == 100)
        diary[diary_length++] = (entry){dynsup_now(self->test->host), self};
    return DYNSUP_SLICE_WAIT;
}

static void its_own_processes_are_waited_for(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *slow = test_sleeper(test, clock, 3);
    slow->act = toil;
    test_body *later = test_sleeper(test, clock, 4);
    later->act = note;
    crowd(test, CROWD);
    step(test, clock, 10);
    run_rounds(test, 1000);
    assert_int_equal(diary_length, 2);
    expect(0, slow, 3);
    expect(1, later, 4);
}

static void note_stop(test_body *self) {
    diary[diary_length++] = (entry){dynsup_now(self->test->host), self};
}

static enum dynsup_slice kill_all(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->wake != DYNSUP_WAKE_TIMEOUT)
        return DYNSUP_SLICE_WAIT;
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    for (test_body *body = self->test->bodies; body; body = body->next)
        if (body->on_stop)
            dynsup_exit(self->test->host, body->pid, &kill);
    return DYNSUP_SLICE_WAIT;
}

static void do_nothing(test_body *self) {
    (void)self;
}

/* They end after others, which are more than end between a few checks of the steps. */
static void ends_are_waited_for(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    for (int i = 0; i < 5; i++)
        test_sleeper(test, clock, 1000)->on_stop = note_stop;
    for (int i = 0; i < 300; i++)
        test_spawn(test, NULL)->on_stop = do_nothing;
    test_run(test);
    test_sleeper(test, clock, 3)->act = kill_all;
    test_body *later = test_sleeper(test, clock, 4);
    later->act = note;
    crowd(test, 1);
    step(test, clock, 10);
    run_rounds(test, 200);
    assert_int_equal(diary_length, 6);
    for (size_t i = 0; i < 5; i++)
        expect(i, diary[i].who, 3);
    expect(5, later, 4);
}

/* A crash at its time is followed by the restart at that time. */
static void what_ends_is_restarted_before_the_time_goes_on(void **state) {
    test_host *test = *state;
    static uint64_t one = MS;
    dynsup_clock clock = test_clock(test, true);
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, caller, clock);
    test_program *program = test_program_new(test);
    program->act = tick;
    program->more = &one;
    dynsup_child_spec spec = test_spec(program);
    test_started(test, caller, supervisor, &spec);
    ticker(test, clock, &one);
    step(test, clock, 2);
    test_run(test);
    diary_length = 0;
    test_signal(test, NULL, program->last->pid, DYNSUP_TIMEOUT);
    step(test, clock, 2);
    test_run(test);
    assert_int_equal(program->made, 2);
    assert_int_equal(diary_length, 4); /* the new one began at once */
}

static void a_process_paused_by_itself_is_not_waited_for(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_sleeper(test, clock, 3);
    dynsup_pause(test->host, body->pid);
    step(test, clock, 10);
    assert_int_equal(test_run(test), DYNSUP_STILL);
    assert_int_equal(test_clock_look(test, clock).now_ns, 10 * MS);
    dynsup_resume(test->host, body->pid);
    test_run(test);
    assert_int_equal(body->wake, DYNSUP_WAKE_TIMEOUT);
}

/* ---- which callers are woken ---- */

static enum dynsup_slice told(test_body *self, dynsup_outcome *outcome) {
    dynsup_clock clock = *(dynsup_clock *)self->more;
    if (self->wake == DYNSUP_WAKE_DELIVERED) {
        diary[diary_length++] = (entry){test_clock_look(self->test, clock).now_ns, self};
        self->key = 0;
    }
    (void)outcome;
    return DYNSUP_SLICE_WAIT;
}

static test_body *asker(test_host *test, dynsup_clock *clock, uint64_t ns) {
    test_body *body = test_spawn(test, NULL);
    test_run(test);
    body->act = told;
    body->more = clock;
    test_enter(body);
    assert_int_equal(dynsup_clock_step(test->host, *clock, ns, true, &body->key), DYNSUP_PENDING);
    test_leave(test);
    return body;
}

static void who_asked_is_told_at_the_end_of_its_step(void **state) {
    test_host *test = *state;
    static uint64_t one = MS;
    dynsup_clock clock = test_clock(test, true);
    const test_body *worker_body = ticker(test, clock, &one);
    const test_body *a = asker(test, &clock, 2 * MS);
    const test_body *b = asker(test, &clock, 1 * MS);
    test_run(test);
    assert_int_equal(diary_length, 5);
    expect(0, worker_body, 1);
    expect(1, worker_body, 2);
    expect(2, a, 2);
    expect(3, worker_body, 3);
    expect(4, b, 3);
}

static void who_asked_may_be_gone(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = asker(test, &clock, 2 * MS);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, 2 * MS);
}

static void a_step_keeps_its_clock(void **state) {
    test_host *test = *state;
    dynsup_clock clock = dynsup_clock_new(test->host, true);
    dynsup_clock_info info;
    step(test, clock, 5);
    dynsup_clock_release(test->host, clock);
    assert_true(dynsup_clock_inspect(test->host, clock, &info));
    test_run(test);
    assert_false(dynsup_clock_inspect(test->host, clock, &info));
    uint64_t key;
    assert_int_equal(dynsup_clock_step(test->host, clock, MS, false, &key), DYNSUP_ENOPROC);
}

static void a_host_may_end_within_a_step(void **state) {
    test_host *test = *state;
    step(test, test_clock(test, true), 5); /* the tear-down frees it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)
        TEST(a_step_fires_what_is_due_each_at_its_own_time),
        TEST(what_is_due_at_one_time_comes_in_the_order_it_was_asked_for),
        TEST(a_step_does_nothing_before_the_host_steps),
        TEST(steps_follow_each_other),
        TEST(a_clock_that_runs_jumps_ahead_and_runs_on),
        TEST(pause_and_resume_during_a_step_are_for_later),
        TEST(others_that_never_wait_hold_up_no_step),
        TEST(a_server_elsewhere_answers_before_the_time_goes_on),
        TEST(its_own_processes_are_waited_for),
        TEST(ends_are_waited_for),
        TEST(what_ends_is_restarted_before_the_time_goes_on),
        TEST(a_process_paused_by_itself_is_not_waited_for),
        TEST(who_asked_is_told_at_the_end_of_its_step),
        TEST(who_asked_may_be_gone),
        TEST(a_step_keeps_its_clock),
        TEST(a_host_may_end_within_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
