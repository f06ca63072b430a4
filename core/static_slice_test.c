/* Tests of whose slices a static supervisor uses for its work. */
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

/* Says that it is ready in its first slice, and notes how many children run then. */
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

/* The caller's slice is not used for the stops, either. */
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

/* ---- many children ---- */

enum { MANY = 200, AT_ONCE = 64 };

/* Asks for the start of a supervisor named "many" in a's name. */
static void ask_many(test_host *test, test_body *a, bool they_end) {
    dynsup_supervisor_options options = {.name = "many", .name_length = 4, .period_ms = 5000};
    dynsup_draft *draft = dynsup_draft_new(test->host);
    for (int id = 1; id <= MANY; id++) {
        test_program *program = test_program_new(test);
        program->exits = they_end;
        program->atom = DYNSUP_NORMAL;
        dynsup_child_spec spec = test_spec(program);
        spec.id = test_integer(id);
        spec.restart = DYNSUP_TRANSIENT;
        assert_int_equal(dynsup_draft_add(draft, &spec), 0);
    }
    test_enter(a);
    test_asked(a, dynsup_static_start(test->host, &options, draft, &a->reply));
}

/* Beside them runs an observer that counts them in each lap, until the waiting caller is answered.
 */
typedef struct observer {
    const test_body *waits;
    size_t last;
    size_t most; /* that have come or gone between two counts */
} observer;

static size_t difference(size_t a, size_t b) {
    return a > b ? a - b : b - a;
}

static enum dynsup_slice observe(observer *all, size_t count) {
    size_t change = difference(count, all->last);
    all->last = count;
    all->most = change > all->most ? change : all->most;
    return all->waits->replied ? DYNSUP_SLICE_WAIT : DYNSUP_SLICE_AGAIN;
}

static enum dynsup_slice observe_processes(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    return observe(self->more, dynsup_host_process_count(self->test->host));
}

static enum dynsup_slice observe_specs(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_counts counts = {0};
    dynsup_count_children(self->test->host, dynsup_whereis(self->test->host, "many", 4), &counts);
    return observe(self->more, counts.specs);
}

static test_body *spawn_observer(test_host *test, observer *all,
                                 enum dynsup_slice (*act)(test_body *, dynsup_outcome *)) {
    test_body *body = test_spawn(test, NULL);
    body->more = all;
    body->act = act;
    dynsup_value go = test_integer(1);
    dynsup_send(test->host, body->pid, &go, 1);
    return body;
}

static void many_children_start_in_several_goes(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *a = test_spawn_trapping(test);
    observer all = {.waits = a, .last = 3};
    ask_many(test, a, false);
    spawn_observer(test, &all, observe_processes);
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    assert_true(all.most > 0 && all.most <= AT_ONCE);
    test_counts(test, a->reply.pid, MANY, MANY, 0, MANY);
}

static void many_specs_are_removed_in_several_goes(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *a = test_spawn_trapping(test);
    observer all = {.waits = a, .last = MANY};
    ask_many(test, a, true);
    test_run(test);
    test_counts(test, a->reply.pid, MANY, 0, 0, MANY);
    assert_int_equal(test_stop(test, a, a->reply.pid, DYNSUP_NORMAL), DYNSUP_PENDING);
    spawn_observer(test, &all, observe_specs);
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    assert_true(all.most > 0 && all.most <= AT_ONCE);
}

/* Kills a process, once, when some of the children exist, but not all. */
static enum dynsup_slice kills_midway(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    const dynsup_pid *victim = self->more;
    const dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    if (!victim)
        return DYNSUP_SLICE_WAIT;
    if (dynsup_host_process_count(self->test->host) < 5)
        return DYNSUP_SLICE_AGAIN;
    dynsup_exit(self->test->host, *victim, &kill);
    self->more = NULL;
    return DYNSUP_SLICE_WAIT;
}

/* The process to be killed: the supervisor, or its parent, so that the supervisor is asked to end.
 */
static void its_end_comes_between_two_goes(void **state) {
    test_host *test = *state;
    for (int itself = 0; itself < 2; itself++) {
        size_t before = test_events(test, DYNSUP_EVENT_CHILD_STARTED);
        size_t processes = dynsup_host_process_count(test->host);
        test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
        ask_many(test, a, false);
        dynsup_pid victim = itself ? test_whereis(test, "many") : a->pid;
        b->more = &victim;
        b->act = kills_midway;
        dynsup_value go = test_integer(1);
        dynsup_send(test->host, b->pid, &go, 1);
        test_run(test);
        size_t made = test_events(test, DYNSUP_EVENT_CHILD_STARTED) - before;
        assert_in_range(made, 1, 2 * AT_ONCE);
        assert_int_equal(dynsup_host_process_count(test->host), processes + 1 + (size_t)itself);
        assert_int_equal(a->replied, itself);
        assert_int_equal(a->reply.status, itself ? DYNSUP_EREASON : DYNSUP_PENDING);
    }
}

/* Asks for the end of the last child when some children exist. */
static enum dynsup_slice asks_midway(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    dynsup_host *host = self->test->host;
    if (!self->more)
        return DYNSUP_SLICE_WAIT;
    if (dynsup_host_process_count(host) < 5)
        return DYNSUP_SLICE_AGAIN;
    self->more = NULL;
    assert_int_equal(dynsup_static_request(host, dynsup_whereis(host, "many", 4),
                                           DYNSUP_TERMINATE_BY_ID, test_integer(MANY), true,
                                           &self->reply),
                     DYNSUP_PENDING);
    self->key = self->reply.key;
    return DYNSUP_SLICE_WAIT;
}

static void a_request_between_two_goes_waits_for_the_rest(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
    ask_many(test, a, false);
    b->act = asks_midway;
    b->more = b;
    dynsup_value go = test_integer(1);
    dynsup_send(test->host, b->pid, &go, 1);
    test_run(test);
    assert_true(a->replied && a->reply.status == 0);
    assert_true(b->replied && b->reply.status == 0);
    test_counts(test, a->reply.pid, MANY, MANY - 1, 0, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_child_that_says_ready_starts_no_sibling_in_its_own_slice),
        TEST(who_has_killed_its_supervisor_and_says_ready_starts_nobody),
        TEST(a_stop_removes_nobody_in_its_caller_s_slice),
        TEST(many_children_start_in_several_goes),
        TEST(many_specs_are_removed_in_several_goes),
        TEST(its_end_comes_between_two_goes),
        TEST(a_request_between_two_goes_waits_for_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
