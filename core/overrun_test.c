/* Tests of long slices: processes that became due meanwhile run before the process that took the
 * time. */
#include "test_host.h"

#include "dynsup_clock.h"
#include "dynsup_look.h"

#define MS_NS UINT64_C(1000000)

static char order[32];
static size_t order_length;

static void note(const test_body *self) {
    assert_true(order_length + 1 < sizeof order);
    order[order_length++] = *(const char *)self->more;
    order[order_length] = '\0';
}

/* Five slices of 2 ms each. */
static enum dynsup_slice hog(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    note(self);
    self->test->now_ns += 2 * MS_NS;
    return self->slices < 5 ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_IDLE;
}

/* Sleeps for 1 ms, twice. */
static enum dynsup_slice sleeper(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    note(self);
    self->until = self->slices < 3 ? self->test->now_ns + MS_NS : DYNSUP_NEVER;
    return DYNSUP_SLICE_WAIT;
}

static void spawn(test_host *test, const char *name,
                  enum dynsup_slice (*act)(test_body *self, dynsup_outcome *outcome)) {
    test_body *body = test_spawn(test, NULL);
    body->act = act;
    body->more = (void *)name;
}

static void who_became_due_in_a_long_slice_is_before_the_next_one(void **state) {
    order_length = 0;
    spawn(*state, "s", sleeper);
    spawn(*state, "h", hog);
    test_run(*state);
    assert_string_equal(order, "shshshhh");
}

static void others_that_are_ready_keep_their_order(void **state) {
    order_length = 0;
    spawn(*state, "a", hog);
    spawn(*state, "b", hog);
    spawn(*state, "s", sleeper);
    test_run(*state);
    assert_string_equal(order, "absabsabsabab");
}

static enum dynsup_slice pause_itself(test_body *self, dynsup_outcome *outcome) {
    hog(self, outcome);
    assert_true(dynsup_pause(self->test->host, self->pid));
    return DYNSUP_SLICE_AGAIN;
}

static void who_pauses_itself_in_a_long_slice_is_passed_over(void **state) {
    test_host *test = *state;
    order_length = 0;
    spawn(test, "s", sleeper);
    spawn(test, "p", pause_itself);
    dynsup_pid pauses = test->bodies->pid;
    test_settle(test);
    assert_string_equal(order, "spss");
    test_signal(test, NULL, pauses, DYNSUP_KILL);
    test_run(test);
}

static void a_step_counts_a_long_slice_as_a_turn(void **state) {
    test_host *test = *state;
    uint64_t key;
    order_length = 0;
    dynsup_clock clock = dynsup_clock_new(test->host, true);
    spawn(test, "a", hog);
    spawn(test, "b", hog);
    assert_int_equal(dynsup_clock_step(test->host, clock, MS_NS, false, &key), 0);
    test_run(test);
    assert_string_equal(order, "ababababab");
    dynsup_clock_info info;
    assert_true(dynsup_clock_inspect(test->host, clock, &info));
    assert_int_equal(info.now_ns, MS_NS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(who_became_due_in_a_long_slice_is_before_the_next_one),
        TEST(others_that_are_ready_keep_their_order),
        TEST(who_pauses_itself_in_a_long_slice_is_passed_over),
        TEST(a_step_counts_a_long_slice_as_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
