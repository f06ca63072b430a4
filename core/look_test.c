/* Tests of looking in: pages of processes, what they wait for, supervisors and children. */
#include "test_guest.h"

#include "dynsup_look.h"

static test_body *idle(test_host *test) {
    return test_spawn(test, NULL);
}

/* ---- rounds ---- */

#define TENTH_NS UINT64_C(100000) /* of a ms */

/* Each slice takes a tenth of a ms. */
static enum dynsup_slice take_a_while(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    self->test->now_ns += TENTH_NS;
    if (self->more)
        dynsup_round_end(self->test->host);
    return self->slices < 50 ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice note_the_time(test_body *self, dynsup_outcome *outcome) {
    (void)outcome;
    if (self->slices == 2)
        *(uint64_t *)self->more = self->test->now_ns;
    return DYNSUP_SLICE_WAIT;
}

/* When a process that waits for 1.5 ms goes on, in tenths of a ms, beside one that is always ready.
 */
static uint64_t waited_beside(test_host *test, bool gives_way) {
    uint64_t begun = test->now_ns, woken = 0;
    test_body *waiter = idle(test);
    test_body *busy = idle(test);
    waiter->until = begun + 15 * TENTH_NS;
    waiter->act = note_the_time;
    waiter->more = &woken;
    busy->act = take_a_while;
    busy->more = gives_way ? busy : NULL;
    test_settle(test);
    return (woken - begun) / TENTH_NS;
}

static void who_ends_the_round_makes_nobody_late(void **state) {
    assert_int_equal(waited_beside(*state, true), 16);  /* behind the other's next slice */
    assert_int_equal(waited_beside(*state, false), 20); /* when a ms is over again */
}

/* ---- pages ---- */

/* Walks in pages of that size, over at most that many slots a page; asserts that each live process
 * is met once. Returns the number of pages. */
static size_t walk(test_host *test, uint32_t places, size_t capacity, size_t expected) {
    dynsup_pid pids[64], last = 0;
    uint32_t cursor = 0;
    size_t count = 0, pages = 0;
    do {
        size_t got = dynsup_process_page(test->host, &cursor, places, pids, capacity);
        assert_true(got <= capacity && got <= places);
        for (size_t i = 0; i < got; i++) {
            assert_true(pids[i] > last);
            assert_true(dynsup_is_alive(test->host, last = pids[i]));
        }
        count += got;
        pages++;
    } while (cursor);
    assert_int_equal(count, expected);
    return pages;
}

static void pages_show_each_live_process_once(void **state) {
    test_host *test = *state;
    assert_int_equal(walk(test, 100, 64, 0), 1);
    test_body *bodies[100];
    for (int i = 0; i < 100; i++)
        bodies[i] = idle(test);
    for (int i = 0; i < 100; i += 2)
        test_signal(test, NULL, bodies[i]->pid, DYNSUP_KILL); /* doomed: not shown, though there */
    walk(test, UINT32_MAX, 7, 50);
    test_run(test);
    walk(test, UINT32_MAX, 7, 50);
    walk(test, UINT32_MAX, 64, 50);
    walk(test, 1, 64, 50);
}

static void a_page_looks_at_a_bounded_number_of_places(void **state) {
    test_host *test = *state;
    test->unchecked = true;
    test_body *first = idle(test), *others[1000];
    for (int i = 0; i < 1000; i++)
        others[i] = idle(test);
    for (int i = 0; i < 1000; i++)
        test_signal(test, NULL, others[i]->pid, DYNSUP_KILL);
    test_run(test);
    assert_true(test_alive(first));
    size_t pages = walk(test, 100, 64, 1);
    assert_in_range(pages, 10, 13);
}

/* ---- waits ---- */

static dynsup_wait wait_of(test_host *test, dynsup_pid pid) {
    dynsup_wait wait;
    assert_true(dynsup_process_wait(test->host, pid, &wait));
    assert_int_equal(wait.pid, pid);
    return wait;
}

static void what_a_process_waits_for_is_told(void **state) {
    test_host *test = *state;
    test_body *body = idle(test);
    assert_int_equal(wait_of(test, body->pid).what, DYNSUP_WAITS_NOT);
    test_run(test);
    dynsup_wait wait = wait_of(test, body->pid);
    assert_int_equal(wait.what, DYNSUP_WAITS_MESSAGE);
    assert_int_equal(wait.deadline_ns, DYNSUP_NEVER);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    assert_false(dynsup_process_wait(test->host, body->pid, &wait));
    test_body *timed = idle(test);
    timed->until = test->now_ns + 5;
    test_run(test);
    assert_int_equal(wait_of(test, timed->pid).deadline_ns, test->now_ns + 5);
}

static void who_waits_for_an_answer_waits_for_whom_it_monitors(void **state) {
    test_host *test = *state;
    dynsup_ref ref;
    test_body *server = idle(test), *client = idle(test), *stranger = idle(test);
    test_run(test);
    test_enter(client);
    assert_int_equal(dynsup_monitor(test->host, server->pid, NULL, &ref), 0);
    client->message_key = ref;
    stranger->message_key = ref; /* that is no monitor of its own */
    test_leave(test);
    test_enter(stranger);
    test_leave(test);
    test_run(test);
    dynsup_wait wait = wait_of(test, client->pid);
    assert_int_equal(wait.what, DYNSUP_WAITS_ANSWER);
    assert_int_equal(wait.target, server->pid);
    assert_int_equal(wait_of(test, stranger->pid).what, DYNSUP_WAITS_MESSAGE);
}

typedef struct waits {
    dynsup_wait list[8];
    size_t count, max;
} waits;

static bool visit(void *ud, const dynsup_wait *wait) {
    waits *w = ud;
    w->list[w->count++] = *wait;
    return w->count < w->max;
}

static waits requests(test_host *test) {
    waits w = {.max = 8};
    dynsup_requests_each(test->host, visit, &w);
    return w;
}

static void who_asks_a_busy_supervisor_waits_for_it(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *starter = idle(test), *second = idle(test), *gone = idle(test);
    test_plan plan = {.waits = true};
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(requests(test).count, 0);
    test_start_guest(test, starter, supervisor, &plan, DYNSUP_TEMPORARY);
    test_start(test, gone, supervisor, &spec);
    spec = test_spec(test_program_new(test));
    test_start(test, second, supervisor, &spec);
    test_signal(test, NULL, gone->pid, DYNSUP_KILL);
    test_run(test);
    waits w = requests(test);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.list[0].pid, starter->pid);
    assert_int_equal(w.list[1].pid, second->pid);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w.list[i].what, DYNSUP_WAITS_REQUEST);
        assert_int_equal(w.list[i].target, supervisor);
        assert_int_equal(w.list[i].deadline_ns, DYNSUP_NEVER);
    }
    w = (waits){.max = 1};
    dynsup_requests_each(test->host, visit, &w);
    assert_int_equal(w.count, 1);
    test_say_go(test, supervisor);
    assert_int_equal(requests(test).count, 0);
}

static void who_starts_a_child_that_is_not_ready_waits_for_the_child(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *starter = idle(test), *ensurer = idle(test);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "it");
    spec.ready = true;
    spec.start_timeout_ms = -1;
    assert_int_equal(test_start(test, starter, supervisor, &spec), DYNSUP_PENDING);
    dynsup_child_spec again = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, ensurer, supervisor, &again), DYNSUP_PENDING);
    test_run(test);
    waits w = requests(test);
    assert_int_equal(w.count, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(w.list[i].target, program->last->pid);
}

static void who_stops_waits_for_what_it_stops(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *caller = idle(test), *terminator = idle(test), *stopper = idle(test);
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, caller, supervisor, &spec);
    test_run(test);
    assert_int_equal(test_terminate(test, terminator, supervisor, child), DYNSUP_PENDING);
    assert_int_equal(test_stop(test, stopper, supervisor, DYNSUP_SHUTDOWN), DYNSUP_PENDING);
    test_run(test);
    waits w = requests(test);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.list[0].target, child);
    assert_int_equal(w.list[1].target, supervisor);
}

/* ---- supervisors and children ---- */

static void a_supervisor_shows_its_limits_and_what_it_does(void **state) {
    test_host *test = *state;
    dynsup_supervisor_info info;
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 7, 9);
    test_body *caller = idle(test);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    test_signal(test, NULL, test_started(test, caller, supervisor, &spec), DYNSUP_KILL);
    test_run(test);
    assert_true(dynsup_supervisor_inspect(test->host, supervisor, &info));
    assert_int_equal(info.counts.workers, 1);
    assert_int_equal(info.restarts, 1);
    assert_int_equal(info.max_restarts, 7);
    assert_int_equal(info.period_ms, 5000);
    assert_int_equal(info.max_children, 9);
    assert_false(info.is_stopping || info.has_guest);
    test_plan plan = {.waits = true};
    test_start_guest(test, caller, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    dynsup_supervisor_inspect(test->host, supervisor, &info);
    assert_true(info.has_guest);
    assert_false(dynsup_supervisor_inspect(test->host, caller->pid, &info));
}

static void a_child_is_found_over_its_incarnations(void **state) {
    test_host *test = *state;
    dynsup_child_info info, later;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *caller = idle(test);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec_named(program, "it");
    dynsup_pid pid = test_started(test, caller, supervisor, &spec);
    assert_true(dynsup_child_of(test->host, pid, &info));
    assert_int_equal(info.pid, pid);
    assert_int_equal(info.incarnation, 1);
    assert_int_equal(info.state, DYNSUP_CHILD_RUNNING);
    assert_ptr_equal(info.program, program);
    assert_int_equal(info.shutdown_ms, 5000);
    test_signal(test, NULL, pid, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_child_of(test->host, pid, &later));
    assert_true(dynsup_child_find(test->host, info.ref, &later));
    assert_int_equal(later.incarnation, 2);
    assert_int_equal(later.pid, program->last->pid);
    assert_false(dynsup_child_of(test->host, caller->pid, &later));
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_child_find(test->host, info.ref, &later));
}

static void a_process_shows_whose_child_it_is(void **state) {
    test_host *test = *state;
    dynsup_process_info info;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_body *caller = idle(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid pid = test_started(test, caller, supervisor, &spec);
    assert_true(dynsup_process_glance(test->host, pid, &info));
    assert_int_equal(info.supervisor, supervisor);
    assert_true(dynsup_process_glance(test->host, supervisor, &info));
    assert_int_equal(info.supervisor, 0);
}

/* ---- processes that are gone, or do not wait ---- */

/* Asks a busy supervisor for a start. */
static test_body *asker(test_host *test, dynsup_pid supervisor, const dynsup_body_ops *ops) {
    test_body *body = test_body_new(test);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(dynsup_spawn(test->host, ops, body, NULL, &body->pid), 0);
    assert_int_equal(test_start(test, body, supervisor, &spec), DYNSUP_PENDING);
    return body;
}

/* Does not wait for its request: goes on, or waits for another key. */
static void give_up(test_host *test, test_body *body, uint64_t key) {
    body->key = key;
    test_enter(body);
    test_leave(test);
}

static void who_has_given_up_is_not_told(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_body_ops mute = test_body_ops;
    dynsup_value go = test_integer(1);
    test_plan plan = {.waits = true};
    mute.reply = NULL;
    test_start_guest(test, idle(test), supervisor, &plan, DYNSUP_TEMPORARY);
    test_body *lazy = asker(test, supervisor, &test_body_ops);
    test_body *other = asker(test, supervisor, &test_body_ops);
    test_body *late = asker(test, supervisor, &test_body_ops);
    test_body *deaf = asker(test, supervisor, &mute);
    give_up(test, lazy, 0);
    test_run(test);
    give_up(test, other, 99999);
    assert_int_equal(requests(test).count, 3); /* the starter's, late's and deaf's */
    assert_int_equal(dynsup_send(test->host, supervisor, &go, 1), 0);
    give_up(test, late, 0); /* it is behind the supervisor */
    test_run(test);
    assert_false(lazy->replied || other->replied || late->replied || deaf->replied);
    test_counts(test, supervisor, 5, 5, 0, 5);
    test_signal(test, NULL, deaf->pid, DYNSUP_KILL); /* its ops end with this test */
    test_run(test);
}

static void nothing_is_found_of_who_is_not_there(void **state) {
    test_host *test = *state;
    dynsup_supervisor_info info;
    dynsup_child_info child;
    enum dynsup_auto_shutdown when;
    dynsup_pid pids[4], worker = idle(test)->pid;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    const dynsup_pid wrong[] = {0, worker};
    for (int i = 0; i < 2; i++) {
        assert_false(dynsup_supervisor_inspect(test->host, wrong[i], &info));
        assert_int_equal(dynsup_supervisor_arguments(test->host, wrong[i]), 0);
        assert_false(dynsup_child_to_be(test->host, wrong[i], &child));
        assert_false(dynsup_static_is(test->host, wrong[i], &when));
        assert_int_equal(dynsup_process_links(test->host, wrong[i], pids, 4), 0);
        assert_int_equal(dynsup_process_monitors(test->host, wrong[i], pids, 4), 0);
    }
    assert_false(dynsup_static_is(test->host, supervisor, &when));
    assert_false(dynsup_child_to_be(test->host, supervisor, &child));
    assert_int_equal(dynsup_supervisor_next(test->host, 0), supervisor);
    assert_int_equal(dynsup_supervisor_next(test->host, supervisor), 0);
    assert_int_equal(dynsup_supervisor_next(test->host, worker), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(who_ends_the_round_makes_nobody_late),
        TEST(pages_show_each_live_process_once),
        TEST(a_page_looks_at_a_bounded_number_of_places),
        TEST(what_a_process_waits_for_is_told),
        TEST(who_waits_for_an_answer_waits_for_whom_it_monitors),
        TEST(who_asks_a_busy_supervisor_waits_for_it),
        TEST(who_starts_a_child_that_is_not_ready_waits_for_the_child),
        TEST(who_stops_waits_for_what_it_stops),
        TEST(a_supervisor_shows_its_limits_and_what_it_does),
        TEST(a_child_is_found_over_its_incarnations),
        TEST(a_process_shows_whose_child_it_is),
        TEST(who_has_given_up_is_not_told),
        TEST(nothing_is_found_of_who_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
