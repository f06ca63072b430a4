/* Tests of limits of a process that is a child of several supervisors, and of which limits apply.
 */
#include "test_static.h"

#include "dynsup_limits.h"
#include "state.h"

static dynsup_pid supervisor_with(test_host *test, const dynsup_limits *defaults) {
    dynsup_supervisor_options options = {
        .max_restarts = 9, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT, .limits = defaults};
    dynsup_pid pid = 0;
    int status = dynsup_supervisor_start(test->host, &options, &pid);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    return pid;
}

/* The body of a child of a supervisor with these limits; NULL: none. */
static test_body *child_of(test_host *test, test_body *a, const dynsup_limits *limits) {
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.limits = limits;
    spec.restart = DYNSUP_TEMPORARY;
    test_started(test, a, supervisor_with(test, NULL), &spec);
    return program->last;
}

/* Makes the process the child of one more supervisor, which is returned. */
static dynsup_pid adopt(test_host *test, test_body *a, const test_body *body,
                        const dynsup_limits *limits) {
    test_plan plan = {.pid = body->pid};
    dynsup_pid supervisor = supervisor_with(test, NULL);
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    spec.limits = limits;
    spec.restart = DYNSUP_TEMPORARY;
    assert_int_equal(test_started(test, a, supervisor, &spec), body->pid);
    return supervisor;
}

static const dynsup_limits *limits_of(test_host *test, const test_body *body) {
    return dynsup_process_limits(test->host, body->pid);
}

static uint64_t slice_limit(test_host *test, test_body *body) {
    test_enter(body);
    uint64_t limit_ns = dynsup_slice_limit(test->host);
    test_leave(test);
    test_run(test);
    return limit_ns;
}

static void the_least_of_all_its_limits_holds(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits five = {.slice_ms = 5}, three = {.slice_ms = 3}, none = {.memory = 1000};
    test_body *body = child_of(test, a, &five);
    adopt(test, a, body, &three);
    adopt(test, a, body, &none);
    assert_int_equal(slice_limit(test, body), 3000000);
    body = child_of(test, a, &three);
    adopt(test, a, body, &five);
    assert_int_equal(slice_limit(test, body), 3000000);
}

static void a_supervisor_without_limits_takes_none_away(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits limits = {.deadline_ms = 100};
    dynsup_backoff backoff = dynsup_backoff_defaults();
    test_body *body = child_of(test, a, NULL);
    assert_null(limits_of(test, body));
    dynsup_pid second = adopt(test, a, body, &limits);
    assert_non_null(limits_of(test, body));
    test_plan plan = {.pid = body->pid};
    dynsup_child_spec spec = test_spec(test_guest_program(test, &plan));
    spec.guest = true;
    spec.backoff = &backoff; /* a record with more, and without limits */
    test_started(test, a, supervisor_with(test, NULL), &spec);
    assert_non_null(limits_of(test, body));
    test_signal(test, NULL, second, DYNSUP_KILL);
    test_run(test);
    assert_null(limits_of(test, body));
}

static void the_limits_of_one_stay_when_the_other_ends(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits first = {.deadline_ms = 100}, second = {.deadline_ms = 200};
    test_body *body = child_of(test, a, &second);
    dynsup_pid other = adopt(test, a, body, &first);
    test_enter(body);
    dynsup_unlink(test->host, other);
    test_leave(test);
    test_signal(test, NULL, other, DYNSUP_KILL);
    test_run(test);
    assert_true(limits_of(test, body)->deadline_ms == 200);
    test_pass(test, 199);
    assert_true(test_alive(body));
    test_pass(test, 1);
    assert_false(test_alive(body));
}

static void the_limits_of_one_stay_when_the_other_lets_go_of_an_orphan(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits limits = {.deadline_ms = 100, .slice_ms = 3};
    test_program *program = test_program_new(test);
    program->traps = true;
    dynsup_child_spec spec = test_spec(program);
    spec.restart = DYNSUP_TEMPORARY;
    dynsup_pid first = supervisor_with(test, NULL);
    test_started(test, a, first, &spec);
    test_body *body = program->last;
    adopt(test, a, body, &limits);
    test_signal(test, NULL, first, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(slice_limit(test, body), 3000000);
}

static void a_supervisor_that_a_start_function_names_has_no_limits(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits limits = {.deadline_ms = 100};
    test_body named = {.pid = test_supervisor(test, NULL)};
    adopt(test, a, &named, &limits);
    assert_null(limits_of(test, &named));
    test_pass(test, 1000);
    assert_true(dynsup_is_alive(test->host, named.pid));
}

static void one_limit_alone_is_a_default(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    const dynsup_limits defaults[] = {{.slice_ms = 1}, {.cpu_ms = 2},  {.deadline_ms = 3000},
                                      {.memory = 4},   {.mailbox = 5}, {.memory = 0}};
    for (int i = 0; i < 6; i++) {
        test_program *program = test_program_new(test);
        dynsup_child_spec spec = test_spec(program);
        test_started(test, a, supervisor_with(test, &defaults[i]), &spec);
        const dynsup_limits *limits = limits_of(test, program->last);
        assert_int_equal(limits != NULL, i < 5);
        if (limits)
            assert_memory_equal(limits, &defaults[i], sizeof *limits);
    }
}

static void what_a_child_says_itself_is_no_default(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    const dynsup_limits defaults = {.slice_ms = 1, .cpu_ms = 2, .memory = 4, .mailbox = 5};
    const dynsup_limits own = {.slice_ms = 6, .cpu_ms = 7, .memory = 8, .mailbox = 9};
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    spec.limits = &own;
    test_started(test, a, supervisor_with(test, &defaults), &spec);
    assert_memory_equal(limits_of(test, program->last), &own, sizeof own);
}

static void the_dead_exceed_nothing(void **state) {
    test_host *test = *state;
    dynsup_exceeded(test->host, 0, DYNSUP_MEMORY_EXCEEDED);
    assert_int_equal(dynsup_process_dropped(test->host, 0), 0);
    assert_int_equal(dynsup_process_dropped(test->host, test_spawn(test, NULL)->pid), 0);
    assert_null(dynsup_process_limits(test->host, 0));
    assert_int_equal(dynsup_mailbox_removed(test->host), 0);
}

/* ---- what comes into a full mailbox ---- */

/* The child reads nothing, and lets one message wait, in place of older ones. */
static test_body *deaf(test_host *test, test_body *a) {
    static const dynsup_limits limits = {.mailbox = 1, .overflow = DYNSUP_OVERFLOW_DROP_OLDEST};
    test_body *body = child_of(test, a, &limits);
    test_enter(body);
    body->message_key = UINT64_MAX;
    test_leave(test);
    test_run(test);
    return body;
}

static void only_answers_to_itself_come_in(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_body *body = deaf(test, a);
    dynsup_ref ref;
    test_enter(a);
    assert_int_equal(dynsup_monitor(test->host, body->pid, NULL, &ref), 0);
    test_leave(test);
    dynsup_value foreign = {.kind = DYNSUP_ID, .as.id = ref};
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_send(test->host, body->pid, &foreign, 1), 0);
    assert_int_equal(dynsup_process_dropped(test->host, body->pid), 2);
}

static void casts_are_plain_messages(void **state) {
    test_host *test = *state;
    test_body *body = deaf(test, test_spawn_trapping(test));
    for (int i = 1; i <= 3; i++) {
        dynsup_value cast[] = {test_atom(DYNSUP_CAST), test_integer(i)};
        assert_int_equal(dynsup_send(test->host, body->pid, cast, 2), 0);
    }
    assert_int_equal(dynsup_process_dropped(test->host, body->pid), 2);
    test_enter(body);
    assert_int_equal(dynsup_mailbox_first(test->host)->values[1].as.integer, 3);
    test_leave(test);
}

static void who_reads_no_messages_has_no_full_mailbox(void **state) {
    test_host *test = *state;
    test_body *body = deaf(test, test_spawn_trapping(test));
    dynsup_value one = test_integer(1);
    body->idles = true;
    test_enter(body);
    test_leave(test);
    test_run(test);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_send(test->host, body->pid, &one, 1), 0);
    assert_int_equal(dynsup_process_dropped(test->host, body->pid), 0);
}

static void scenario(test_host *test) {
    test_body *a = test_spawn_trapping(test);
    const dynsup_limits limits = {.memory = 1000};
    test_order order = {.options = {.limits = &limits}};
    if (!a)
        return;
    test_order_add(test, &order);
    test_order_add(test, &order);
    test_order_ask(test, a, &order);
    test_run(test);
    assert_true(a->replied);
}

static void limits_need_memory_for_the_start(void **state) {
    (void)state;
    test_host_sweep(scenario);
}

static void what_comes_for_the_doomed_is_dropped(void **state) {
    test_host *test = *state;
    test_body *body = deaf(test, test_spawn_trapping(test));
    dynsup_value object = test_object(test);
    dynsup_timer timer;
    dynsup_send_at(test->host, test->now_ns + 1, body->pid, &object, 1, &timer);
    test->now_ns += 1;
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    test_run(test); /* the timer is first */
    assert_int_equal(test_owners(test, object), 0);
    assert_true(body->gone);
}

/* ---- work that the clock does not show ---- */

static uint64_t worked_ns, stands_ns;

static uint64_t port_now(void *ud) {
    (void)ud;
    return stands_ns;
}

static uint64_t port_work_now(void *ud) {
    (void)ud;
    return worked_ns;
}

static enum dynsup_slice act_work_unseen(test_body *self, dynsup_outcome *outcome) {
    (void)self, (void)outcome;
    worked_ns += 60000000;
    return DYNSUP_SLICE_WAIT;
}

static void a_second_is_over_when_it_was_worked_for(void **state) {
    test_host *test = *state;
    static const dynsup_port port = {.now = port_now, .work_now = port_work_now};
    const dynsup_port *before = test->host->config.port;
    test_body *a = test_spawn_trapping(test);
    dynsup_limits limits = {.cpu_ms = 100};
    test_body *body = child_of(test, a, &limits);
    worked_ns = stands_ns = test->now_ns;
    test->host->config.port = &port;
    body->act = act_work_unseen;
    for (int i = 0; i < 5; i++) {
        test_enter(body);
        test_leave(test);
        test_run(test);
        worked_ns += 1000000000; /* by others */
    }
    assert_true(test_alive(body));
    for (int i = 0; i < 2; i++) {
        test_enter(body);
        test_leave(test);
        test_run(test);
    }
    assert_false(test_alive(body));
    test->now_ns = stands_ns;
    test->host->config.port = before;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_least_of_all_its_limits_holds),
        TEST(a_supervisor_without_limits_takes_none_away),
        TEST(the_limits_of_one_stay_when_the_other_ends),
        TEST(the_limits_of_one_stay_when_the_other_lets_go_of_an_orphan),
        TEST(a_supervisor_that_a_start_function_names_has_no_limits),
        TEST(one_limit_alone_is_a_default),
        TEST(what_a_child_says_itself_is_no_default),
        TEST(the_dead_exceed_nothing),
        TEST(only_answers_to_itself_come_in),
        TEST(casts_are_plain_messages),
        TEST(who_reads_no_messages_has_no_full_mailbox),
        cmocka_unit_test(limits_need_memory_for_the_start),
        TEST(what_comes_for_the_doomed_is_dropped),
        TEST(a_second_is_over_when_it_was_worked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
