/* Tests of whose slices a static supervisor does its work in. */
#include "test_static.h"

static size_t active(test_host *test, dynsup_pid supervisor) {
    dynsup_counts counts = {0};
    dynsup_count_children(test->host, supervisor, &counts);
    return counts.active;
}

static void say_ready(test_host *test) {
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    dynsup_ready(test->host, &nothing);
}

/* Says ready in its first slice; how many children run then goes to the number it is given. */
static enum dynsup_slice says_ready(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->slices > 1)
        return DYNSUP_SLICE_WAIT;
    say_ready(self->test);
    *(size_t *)self->more = active(self->test, dynsup_parent(self->test->host));
    return DYNSUP_SLICE_WAIT;
}

static void a_child_that_says_ready_starts_no_sibling_in_its_own_slice(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    size_t seen = 0;
    test_order order = {0};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.specs[0].ready = true;
    order.programs[0]->act = says_ready;
    order.programs[0]->more = &seen;
    test_order_start(test, a, &order);
    assert_int_equal(seen, 1);
    test_children(test, order.pid, "1 2 3");
}

static enum dynsup_slice kills_and_says_ready(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    const dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    if (self->slices > 1)
        return DYNSUP_SLICE_WAIT;
    dynsup_exit(self->test->host, dynsup_parent(self->test->host), &kill);
    say_ready(self->test);
    return DYNSUP_SLICE_WAIT;
}

static void who_has_killed_its_supervisor_and_says_ready_starts_nobody(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {0};
    for (int i = 0; i < 3; i++)
        test_order_add(test, &order);
    order.specs[0].ready = true;
    order.programs[0]->act = kills_and_says_ready;
    test_order_ask(test, a, &order);
    test_run(test);
    assert_int_equal(a->reply.status, DYNSUP_EREASON);
    assert_int_equal(a->reply.values[0].as.atom, DYNSUP_KILLED);
    test_made(&order, "1 0 0");
    assert_int_equal(dynsup_host_process_count(test->host), 1);
}

/* Its caller's slice does not pay for the stops, either. */
static enum dynsup_slice stops_it(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    const dynsup_pid *supervisor = self->more;
    const dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    dynsup_counts counts;
    if (!supervisor)
        return DYNSUP_SLICE_WAIT;
    self->more = NULL;
    int status = dynsup_supervisor_stop(self->test->host, *supervisor, &normal, true, &self->reply);
    assert_int_equal(status, DYNSUP_PENDING);
    self->key = self->reply.key;
    assert_int_equal(dynsup_count_children(self->test->host, *supervisor, &counts), 0);
    assert_int_equal(counts.specs, 3);
    return DYNSUP_SLICE_WAIT;
}

static void a_stop_removes_nobody_in_its_caller_s_slice(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
    test_order order = test_ordered(test, a, DYNSUP_ONE_FOR_ONE, 3);
    for (int id = 1; id <= 3; id++)
        assert_int_equal(test_done_by_id(test, a, order.pid, DYNSUP_TERMINATE_BY_ID, id), 0);
    b->act = stops_it;
    b->more = &order.pid;
    dynsup_value go = test_integer(1);
    dynsup_send(test->host, b->pid, &go, 1);
    test_run(test);
    assert_true(b->replied && b->reply.status == 0);
    assert_false(dynsup_is_alive(test->host, order.pid));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_child_that_says_ready_starts_no_sibling_in_its_own_slice),
        TEST(who_has_killed_its_supervisor_and_says_ready_starts_nobody),
        TEST(a_stop_removes_nobody_in_its_caller_s_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
