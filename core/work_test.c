/* Tests of the time that work takes: it is charged to the process that has worked, and the pump's
 * time to none, if processes have limits. */
#include "test_host.h"

#include "dynsup_limits.h"

#define MS_NS UINT64_C(1000000)

/* A worker that may work for 100 ms in a second, and a process that ends beside it in half a second
 * of close handlers. */
typedef struct scene {
    test_host *test;
    test_body *slow, *worker;
    int kills; /* slices in which it ends the slow one */
} scene;

static void stop_slowly(test_body *self) {
    self->test->now_ns += 500 * MS_NS;
}

static enum dynsup_slice act_work(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    scene *s = self->more;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_KILL);
    self->test->now_ns += MS_NS;
    self->test->tick++;
    if (s->kills-- > 0)
        dynsup_exit(self->test->host, s->slow->pid, &reason);
    return DYNSUP_SLICE_WAIT;
}

static test_body *slow_new(test_host *test) {
    test_body *body = test_spawn(test, NULL);
    body->on_stop = stop_slowly;
    return body;
}

static void scene_open(scene *s, test_host *test) {
    dynsup_limits limits = {.cpu_ms = 100};
    test_body *a = test_spawn_trapping(test);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    program->act = act_work;
    program->more = s;
    spec.limits = &limits;
    *s = (scene){.test = test, .slow = slow_new(test)};
    test_started(test, a, test_supervisor(test, NULL), &spec);
    s->worker = program->last;
}

static uint64_t worked_ns(const scene *s) {
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(s->test->host, s->worker->pid, &info));
    return info.cpu_ns;
}

static void say(const scene *s) {
    dynsup_value hello = test_integer(1);
    assert_int_equal(dynsup_send(s->test->host, s->worker->pid, &hello, 1), 0);
}

/* Asserts that it has worked for that many ms in total. */
static void check_worked(const scene *s, uint64_t ms) {
    assert_true(test_alive(s->worker));
    assert_int_equal(worked_ns(s), ms * MS_NS);
}

static enum dynsup_slice act_begin_slowly(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->act = NULL;
    self->test->now_ns += 500 * MS_NS;
    return DYNSUP_SLICE_WAIT;
}

/* Works for 1 ms before and 1 ms after what it starts. */
static enum dynsup_slice act_start(test_body *self, dynsup_outcome *outcome) {
    scene *s = self->more;
    test_body *inner = s->slow = test_body_new(s->test);
    dynsup_ref ref = 0;
    dynsup_spawn_options options = {.start_out = &ref};
    inner->act = act_begin_slowly;
    s->test->now_ns += MS_NS;
    assert_int_equal(dynsup_spawn(s->test->host, &test_body_ops, inner, &options, &inner->pid), 0);
    dynsup_start_now(s->test->host, inner->pid);
    dynsup_call_end(s->test->host, ref);
    self->act = NULL;
    return act_work(self, outcome);
}

static void what_begins_inside_a_slice_works_for_itself(test_host *test) {
    scene s;
    dynsup_process_info info;
    scene_open(&s, test);
    s.worker->act = act_start;
    say(&s);
    test_run(test);
    check_worked(&s, 3);
    assert_true(dynsup_process_inspect(test->host, s.slow->pid, &info));
    assert_int_equal(info.cpu_ns, 500 * MS_NS);
}

static void what_ends_before_a_slice_is_not_its_work(test_host *test) {
    scene s;
    scene_open(&s, test);
    check_worked(&s, 1);
    test_signal(test, NULL, s.slow->pid, DYNSUP_KILL);
    say(&s);
    test_run(test);
    assert_true(s.slow->stopped);
    check_worked(&s, 2);
}

static void what_a_slice_ends_is_not_its_work(test_host *test) {
    scene s;
    scene_open(&s, test);
    s.kills = 1;
    say(&s);
    test_run(test);
    assert_true(s.slow->stopped);
    check_worked(&s, 2);
    say(&s);
    test_run(test);
    check_worked(&s, 3);
}

/* No tick while it does. */
static enum dynsup_slice act_toil(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->test->now_ns += 150 * MS_NS;
    return DYNSUP_SLICE_WAIT;
}

static void what_others_do_in_the_same_round_is_not_its_work(test_host *test) {
    scene s;
    scene_open(&s, test);
    for (int i = 0; i < 2; i++) {
        test_spawn(test, NULL)->act = act_toil;
        say(&s);
        test_spawn(test, NULL)->act = act_toil;
        test_run(test);
    }
    check_worked(&s, 3);
}

static void without_a_tick(void **state) {
    what_ends_before_a_slice_is_not_its_work(*state);
    what_a_slice_ends_is_not_its_work(*state);
    what_others_do_in_the_same_round_is_not_its_work(*state);
    what_begins_inside_a_slice_works_for_itself(*state);
}

static void with_a_tick(void **state) {
    test_host *test = *state;
    test->port.tick = &test->tick;
    what_ends_before_a_slice_is_not_its_work(test);
    what_a_slice_ends_is_not_its_work(test);
    what_others_do_in_the_same_round_is_not_its_work(test);
    what_begins_inside_a_slice_works_for_itself(test);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {TEST(without_a_tick), TEST(with_a_tick)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
