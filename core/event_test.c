/* Tests of events: when their observer has its turn. */
#include "test_host.h"

typedef struct turns {
    dynsup_host *host;
    int count;
    size_t current;   /* turns that came while a process was current */
    dynsup_pid relay; /* the process that gets a message, 0: none */
    int left;         /* at how many turns */
} turns;

static void on_event(void *ud, const dynsup_event *event) {
    (void)ud, (void)event;
}

static void after_events(void *ud) {
    turns *t = ud;
    t->count++;
    t->current += dynsup_self(t->host) != 0;
    dynsup_value value = {.kind = DYNSUP_INTEGER, .as.integer = t->count};
    if (t->relay && t->left-- > 0)
        assert_int_equal(dynsup_send(t->host, t->relay, &value, 1), 0);
}

static uint64_t port_now(void *ud) {
    (void)ud;
    return 1;
}

static void port_wake(void *ud) {
    ++*(int *)ud;
}

static const dynsup_port port = {.now = port_now, .wake = port_wake};

static enum dynsup_slice ends(void *body, dynsup_host *host, dynsup_pid self, enum dynsup_wake wake,
                              dynsup_outcome *outcome) {
    (void)body, (void)host, (void)self, (void)wake;
    outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    return DYNSUP_SLICE_EXIT;
}

/* Counts its messages. */
static enum dynsup_slice counts(void *body, dynsup_host *host, dynsup_pid self,
                                enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)self, (void)wake, (void)outcome;
    while (dynsup_mailbox_first(host)) {
        dynsup_message_free(host, dynsup_mailbox_take(host, NULL));
        ++*(int *)body;
    }
    dynsup_wait_message(host, 0, DYNSUP_NEVER);
    return DYNSUP_SLICE_WAIT;
}

static void fini(void *body) {
    (void)body;
}

static const dynsup_body_ops ending = {.name = "ending", .step = ends, .fini = fini};
static const dynsup_body_ops counting = {.name = "counting", .step = counts, .fini = fini};

static dynsup_host *host_new(turns *t, int *wakes, uint32_t events) {
    dynsup_host_config config = {.port = &port,
                                 .port_ud = wakes,
                                 .events = events,
                                 .on_event = on_event,
                                 .after_events = after_events,
                                 .event_ud = t};
    t->host = dynsup_host_new(&config);
    assert_non_null(t->host);
    return t->host;
}

static enum dynsup_state run(dynsup_host *host) {
    uint64_t deadline_ns;
    return dynsup_host_step(host, UINT64_MAX, &deadline_ns);
}

static void observers_have_their_turn_between_slices(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0;
    dynsup_pid pid;
    dynsup_host *host = host_new(&t, &wakes, 1u << DYNSUP_EVENT_EXITED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_spawn(host, &ending, NULL, NULL, &pid), 0);
    assert_int_equal(t.count, 0);
    assert_int_equal(run(host), DYNSUP_STILL);
    assert_in_range(t.count, 1, 3);
    assert_int_equal(t.current, 0);
    dynsup_host_free(host);
}

static void nothing_is_called_without_events(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0;
    dynsup_pid pid;
    dynsup_host *host = host_new(&t, &wakes, 0);
    assert_int_equal(dynsup_spawn(host, &ending, NULL, NULL, &pid), 0);
    assert_int_equal(run(host), DYNSUP_STILL);
    assert_int_equal(t.count, 0);
    dynsup_host_free(host);
}

static void an_event_outside_a_step_wakes_the_host(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0;
    dynsup_pid sup;
    dynsup_reply reply;
    dynsup_supervisor_options options = {.period_ms = 1000};
    dynsup_host *host = host_new(&t, &wakes, 1u << DYNSUP_EVENT_START_REFUSED);
    assert_int_equal(dynsup_supervisor_start(host, &options, &sup), 0);
    wakes = 0;
    assert_int_equal(dynsup_admits(host, sup, NULL, 0, false, &reply), DYNSUP_EMAX_CHILDREN);
    assert_int_equal(wakes, 1);
    run(host);
    assert_int_equal(t.count, 1);
    dynsup_host_free(host);
}

static void what_a_turn_makes_ready_runs_in_the_same_step(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0, got = 0;
    dynsup_pid pid;
    dynsup_host *host = host_new(&t, &wakes, 1u << DYNSUP_EVENT_EXITED);
    assert_int_equal(dynsup_spawn(host, &counting, &got, NULL, &t.relay), 0);
    t.left = 1;
    assert_int_equal(dynsup_spawn(host, &ending, NULL, NULL, &pid), 0);
    assert_int_equal(run(host), DYNSUP_STILL);
    assert_int_equal(t.count, 1);
    assert_int_equal(got, 1);
    dynsup_host_free(host);
}

static void events_of_a_turn_have_a_turn_of_their_own(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0;
    dynsup_pid pid;
    dynsup_supervisor_options options = {.period_ms = 1000};
    dynsup_host *host =
        host_new(&t, &wakes, 1u << DYNSUP_EVENT_EXITED | 1u << DYNSUP_EVENT_UNEXPECTED);
    assert_int_equal(dynsup_supervisor_start(host, &options, &t.relay), 0);
    t.left = 2; /* a plain message to a supervisor is an event */
    assert_int_equal(dynsup_spawn(host, &ending, NULL, NULL, &pid), 0);
    assert_int_equal(run(host), DYNSUP_STILL);
    assert_int_equal(t.count, 3);
    dynsup_host_free(host);
}

static void what_the_program_tells_is_an_event_if_it_is_wanted(void **state) {
    (void)state;
    turns t = {0};
    int wakes = 0;
    dynsup_event hup = {.kind = DYNSUP_EVENT_HUP};
    dynsup_host *host = host_new(&t, &wakes, 0);
    dynsup_host_tell(host, &hup);
    assert_int_equal(wakes, 0);
    dynsup_host_want(host, 1u << DYNSUP_EVENT_HUP);
    dynsup_host_tell(host, &hup);
    assert_int_equal(wakes, 1);
    run(host);
    assert_int_equal(t.count, 1);
    dynsup_host_free(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observers_have_their_turn_between_slices),
        cmocka_unit_test(nothing_is_called_without_events),
        cmocka_unit_test(an_event_outside_a_step_wakes_the_host),
        cmocka_unit_test(what_a_turn_makes_ready_runs_in_the_same_step),
        cmocka_unit_test(events_of_a_turn_have_a_turn_of_their_own),
        cmocka_unit_test(what_the_program_tells_is_an_event_if_it_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
