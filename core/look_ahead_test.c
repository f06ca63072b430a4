/* Tests of the look ahead: with many processes each body is told before its slice, three times, and
 * with few nobody is. */
#include "test_host.h"

enum { FEW = 100, MANY = 1500, LEAD = 10 /* before whom too few run */ };

/* Bodies are numbers; each says here how far it is. */
typedef struct stage {
    unsigned told; /* a bit for each time */
    bool has_run;
} stage;

static stage stages[MANY];
static size_t told;

static enum dynsup_slice stage_step(void *body, dynsup_host *host, dynsup_pid self,
                                    enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)host, (void)self, (void)wake, (void)outcome;
    ((stage *)body)->has_run = true;
    return DYNSUP_SLICE_IDLE;
}

static void stage_near(void *body, unsigned away) {
    stage *s = body;
    told++;
    assert_false(s->has_run);
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
                                          .fini = stage_fini,
                                          .near = stage_near};

static void run_all(test_host *test, size_t count) {
    dynsup_pid pid;
    memset(stages, 0, sizeof stages);
    told = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dynsup_spawn(test->host, &stage_ops, &stages[i], NULL, &pid), 0);
    test_run(test);
    for (size_t i = 0; i < count; i++)
        assert_true(stages[i].has_run);
}

static void of_many_each_is_told_three_times_before_its_slice(void **state) {
    run_all(*state, MANY);
    for (size_t i = LEAD; i < MANY; i++)
        assert_int_equal(stages[i].told, 1U << 3 | 1U << 2 | 1U << 1);
    assert_true(told <= (size_t)3 * MANY);
}

static void of_few_nobody_is_told(void **state) {
    run_all(*state, FEW);
    assert_int_equal(told, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_many_each_is_told_three_times_before_its_slice,
                                        test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(of_few_nobody_is_told, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
