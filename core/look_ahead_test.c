/* Tests of prefetching: with many processes, near is called three times before each slice and each
 * stop, with few processes never. */
#include "test_host.h"

enum {
    FEW = 100,
    MANY = 1500,
    LEAD = 10,        /* with too few running before them */
    FEW_ENOUGH = 1100 /* left: from then on, or a batch of ends later, near is not called */
};

/* Here each body notes its calls of near. */
typedef struct stage {
    unsigned told; /* a bit for each time */
    bool has_run, has_stopped;
} stage;

enum { ALL_TIMES = 1U << 3 | 1U << 2 | 1U << 1 };

static stage stages[MANY];
static dynsup_pid pids[MANY];
static size_t told;

static enum dynsup_slice stage_step(void *body, dynsup_host *host, dynsup_pid self,
                                    enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)host, (void)self, (void)wake, (void)outcome;
    ((stage *)body)->has_run = true;
    return DYNSUP_SLICE_IDLE;
}

static void stage_stop(void *body, dynsup_host *host, dynsup_pid self) {
    (void)host, (void)self;
    ((stage *)body)->has_stopped = true;
}

static void stage_near(void *body, unsigned away, bool ends) {
    stage *s = body;
    told++;
    assert_int_equal(ends, s->has_run);
    assert_false(s->has_stopped);
    assert_true(away >= 1 && away <= 3);
    s->told |= 1U << away;
}

static void stage_reply(void *body, const dynsup_reply *reply) {
    (void)body, (void)reply;
}

static void stage_fini(void *body) {
    (void)body;
}

static const dynsup_body_ops stage_ops = {.name = "stage",
                                          .step = stage_step,
                                          .reply = stage_reply,
                                          .stop = stage_stop,
                                          .fini = stage_fini,
                                          .near = stage_near};

static void run_all(test_host *test, size_t count) {
    memset(stages, 0, sizeof stages);
    told = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dynsup_spawn(test->host, &stage_ops, &stages[i], NULL, &pids[i]), 0);
    test_run(test);
    for (size_t i = 0; i < count; i++)
        assert_true(stages[i].has_run);
}

/* Ends them in the order in which they began. */
static void end_all(test_host *test, size_t count) {
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    told = 0;
    for (size_t i = 0; i < count; i++) {
        stages[i].told = 0;
        dynsup_exit(test->host, pids[i], &shutdown);
    }
    test_run(test);
    for (size_t i = 0; i < count; i++)
        assert_true(stages[i].has_stopped);
}

/* The first ones have too few before them, and at the last ones the processes are few. */
static void check_told(size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        assert_int_equal(stages[i].told, ALL_TIMES);
    assert_true(told <= (size_t)3 * MANY);
}

static void of_many_each_is_told_three_times_before_its_slice(void **state) {
    run_all(*state, MANY);
    check_told(LEAD, MANY);
}

static void of_many_each_is_told_three_times_before_its_stop(void **state) {
    run_all(*state, MANY);
    end_all(*state, MANY);
    check_told(LEAD, MANY - FEW_ENOUGH);
}

static void of_few_nobody_is_told(void **state) {
    run_all(*state, FEW);
    end_all(*state, FEW);
    assert_int_equal(told, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_many_each_is_told_three_times_before_its_slice,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(of_many_each_is_told_three_times_before_its_stop,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(of_few_nobody_is_told, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
