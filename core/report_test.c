/* Tests of reports: the text of each kind of event. */
#include "test_report.h"

#define MS    UINT64_C(1000000)
#define POOL  "supervisor <0.2.0> \"pool\""
#define CHILD "worker <0.7.0> \"it\" of " POOL
#define DETAILS                                                                                    \
    "\n    offender: <0.7.0> \"it\", id the id, incarnation 2"                                     \
    "\n    function: app.lua:12"                                                                   \
    "\n    spec: restart permanent, shutdown 5000 ms, type worker"

static void assert_report(const dynsup_event *event, const char *expected) {
    assert_string_equal(report(event), expected);
}

static void assert_reports(const dynsup_event *event, const char *part) {
    if (!strstr(report(event), part))
        fail_msg("no \"%s\" in: %s", part, text);
}

static void assert_lacks(const dynsup_event *event, const char *part) {
    if (strstr(report(event), part))
        fail_msg("\"%s\" in: %s", part, text);
}

/* ---- errors ---- */

static void a_child_that_ended_has_a_report_with_all_details(void **state) {
    (void)state;
    dynsup_reason reason = because(2);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    assert_report(&event, CHILD " ended abnormally (child_terminated)"
                                "\n    reason: app.lua:3: boom"
                                "\n        stack traceback:"
                                "\n            main" DETAILS
                                "\n    next: it is restarted now, the 1st restart of 3 in 5 s");
}

static void boom_trace(void *ud, uint64_t object, char *chars, size_t size) {
    assert_ptr_equal(ud, objects);
    snprintf(chars, size, "%s", object == 0 ? "stack traceback:\n\tmain" : "");
}

static void a_reason_with_a_trace_has_it_in_the_lines_behind(void **state) {
    (void)state;
    static const dynsup_object_ops ops = {.describe = object_describe, .trace = boom_trace};
    static const char *const expected[] = {"crashed)\n    reason: boom\n        stack traceback:"
                                           "\n            main",
                                           "crashed)\n    reason: the id"};
    for (uint64_t n = 0; n < 2; n++) {
        dynsup_reason reason = because(n);
        dynsup_event event = {.kind = DYNSUP_EVENT_CRASHED, .pid = PID(7), .reason = &reason};
        dynsup_report_write(&event, &ops, (void *)objects, text, sizeof text);
        assert_string_equal(strstr(text, "crashed)"), expected[n]);
    }
}

static void what_is_not_known_is_left_out(void **state) {
    (void)state;
    dynsup_value id = {.kind = DYNSUP_NIL};
    dynsup_event event = {.kind = DYNSUP_EVENT_CHILD_TERMINATED,
                          .pid = PID(7),
                          .supervisor = PID(2),
                          .id = &id,
                          .restart = DYNSUP_TEMPORARY,
                          .incarnation = 1};
    const char *expected = "worker <0.7.0> of supervisor <0.2.0> ended (child_terminated)"
                           "\n    offender: <0.7.0>, incarnation 1"
                           "\n    spec: restart temporary, shutdown 0 ms, type worker"
                           "\n    next: it is not restarted";
    assert_report(&event, expected);
    event.id = NULL;
    assert_report(&event, expected);
}

static void the_next_restart_is_counted(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    event.restarts = 2;
    assert_reports(&event, "next: it is restarted now, the 3rd restart of 3 in 5 s");
    event.restarts = 3;
    assert_reports(&event,
                   "next: its supervisor gives up, it would be the 4th restart of 3 in 5 s");
    event.max_restarts = 1000;
    event.period_ms = 500;
    event.restarts = 110;
    assert_reports(&event, "next: it is restarted now, the 111th restart of 1000 in 0.5 s");
}

static void a_delayed_restart_is_not_counted(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    event.restarts = 3;
    event.backs_off = true;
    assert_reports(&event, "next: it is restarted after its backoff");
    assert_lacks(&event, "restart of");
    event.delay_ns = 200 * MS;
    assert_reports(&event, "next: it is restarted in 200 ms");
    assert_lacks(&event, "restart of");
}

static void a_child_is_restarted_as_its_type_says(void **state) {
    (void)state;
    static const bool restarted[3][3] = {[DYNSUP_PERMANENT] = {true, true, true},
                                         [DYNSUP_TRANSIENT] = {true, false, false},
                                         [DYNSUP_TEMPORARY] = {false, false, false}};
    dynsup_reason reasons[3] = {because(0), dynsup_reason_atom(DYNSUP_NORMAL),
                                dynsup_reason_atom(DYNSUP_SHUTDOWN)};
    for (int restart = 0; restart < 3; restart++) {
        for (int i = 0; i < 3; i++) {
            dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reasons[i]);
            event.restart = (enum dynsup_restart)restart;
            assert_reports(&event, restarted[restart][i] ? "restarted now" : "it is not restarted");
        }
    }
}

static void a_good_end_of_a_permanent_child_is_not_called_abnormal(void **state) {
    (void)state;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NORMAL);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    assert_reports(&event, CHILD " ended (child_terminated)\n    reason: normal\n");
}

static void a_failed_restart_is_reported_with_what_follows(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_START_ERROR, &reason);
    event.restarts = 1;
    assert_report(&event, CHILD " could not be restarted (start_error)"
                                "\n    reason: boom" DETAILS
                                "\n    next: it is restarted now, the 2nd restart of 3 in 5 s");
    event.restart = DYNSUP_TRANSIENT;
    event.delay_ns = 1500 * MS;
    assert_reports(&event, "next: it is restarted in 1.5 s");
}

static void a_start_that_failed_is_reported_with_its_detail(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_value detail = {.kind = DYNSUP_ID, .as.id = PID(9)};
    dynsup_event event = child_event(DYNSUP_EVENT_START_ERROR, &reason);
    event.detail = &detail;
    event.once = true;
    assert_report(&event, CHILD " could not be started (start_error)"
                                "\n    reason: boom\n    detail: <0.9.0>" DETAILS
                                "\n    next: it is not started again");
}

static void a_child_that_has_never_run_is_known_by_its_id(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_START_ERROR, &reason);
    event.pid = 0;
    event.name = NULL;
    event.incarnation = 0;
    event.once = true;
    assert_reports(&event, "\n    offender: id the id, incarnation 0\n");
    event.id = NULL;
    assert_reports(&event, "\n    offender: incarnation 0\n");
}

static void an_abnormal_end_of_a_child_being_stopped_is_reported(void **state) {
    (void)state;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_KILLED);
    dynsup_event event = child_event(DYNSUP_EVENT_SHUTDOWN_ERROR, &reason);
    assert_report(&event, CHILD " ended abnormally while it was stopped (shutdown_error)"
                                "\n    reason: killed" DETAILS);
}

static void a_supervisor_that_gives_up_says_why(void **state) {
    (void)state;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_REACHED_MAX_RESTART_INTENSITY);
    dynsup_event event = child_event(DYNSUP_EVENT_GAVE_UP, &reason);
    event.restarts = 4;
    assert_report(&event,
                  POOL " gives up: 4th restart of 3 in 5 s (shutdown)"
                       "\n    reason: reached_max_restart_intensity" DETAILS
                       "\n    next: it stops its children and ends with the reason shutdown");
}

static void the_crash_of_a_process_without_supervisor_is_reported(void **state) {
    (void)state;
    dynsup_reason reason = because(2);
    dynsup_event event = {.kind = DYNSUP_EVENT_CRASHED, .pid = PID(9), .reason = &reason};
    assert_report(&event, "process <0.9.0> ended abnormally; it has no supervisor (crashed)"
                          "\n    reason: app.lua:3: boom"
                          "\n        stack traceback:"
                          "\n            main");
}

static void the_shutdown_of_a_spec_is_written_as_in_lua(void **state) {
    (void)state;
    static const struct {
        double ms;
        const char *expected;
    } cases[] = {{0, "shutdown 0 ms,"},
                 {0.5, "shutdown 0.5 ms,"},
                 {1234, "shutdown 1234 ms,"},
                 {1e15, "shutdown 1000000000000000 ms,"},
                 {DYNSUP_SHUTDOWN_INFINITY, "shutdown infinity,"},
                 {DYNSUP_SHUTDOWN_BRUTAL_KILL, "shutdown brutal_kill,"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, NULL);
        event.shutdown_ms = cases[i].ms;
        assert_reports(&event, cases[i].expected);
    }
}

static void a_supervisor_as_a_child_is_called_one(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_SHUTDOWN_ERROR, NULL);
    event.is_supervisor = true;
    assert_reports(&event, "supervisor <0.7.0> \"it\" of " POOL " ended");
    assert_reports(&event, "type supervisor");
}

static void reasons_of_all_kinds_are_written(void **state) {
    (void)state;
    static const struct {
        dynsup_value value;
        const char *expected;
    } cases[] = {
        {{.kind = DYNSUP_NIL}, "reason: nil\n"},
        {{.kind = DYNSUP_BOOLEAN, .as.boolean = true}, "reason: true\n"},
        {{.kind = DYNSUP_BOOLEAN, .as.boolean = false}, "reason: false\n"},
        {{.kind = DYNSUP_INTEGER, .as.integer = INT64_MIN}, "reason: -9223372036854775808\n"},
        {{.kind = DYNSUP_NUMBER, .as.number = 0.25}, "reason: 0.25\n"},
        {{.kind = DYNSUP_ID, .as.id = PID(5)}, "reason: <0.5.0>\n"},
        {{.kind = DYNSUP_ATOM, .as.atom = DYNSUP_NOPROC}, "reason: noproc\n"},
        {{.kind = DYNSUP_OBJECT, .as.object = 3}, "reason: late\\027[0m\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dynsup_reason reason = {DYNSUP_REASON_OTHER, cases[i].value};
        dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
        assert_reports(&event, cases[i].expected);
    }
}

static void without_object_ops_an_object_is_a_question_mark(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = {.kind = DYNSUP_EVENT_CRASHED, .pid = PID(9), .reason = &reason};
    dynsup_report_write(&event, NULL, NULL, text, sizeof text);
    assert_non_null(strstr(text, "reason: ?"));
}

static void a_stale_pid_shows_its_generation(void **state) {
    (void)state;
    uint64_t pid = PID(7) | UINT64_C(3) << DSI_ID_SLOT_BITS;
    dynsup_event event = {.kind = DYNSUP_EVENT_SPAWNED, .pid = pid};
    assert_report(&event, "process <0.7.3> began");
}

/* ---- one line each ---- */

static void the_steps_of_processes_are_one_line_each(void **state) {
    (void)state;
    dynsup_reason reason = because(2);
    dynsup_event event = {.kind = DYNSUP_EVENT_SPAWNED, .pid = PID(9), .name = "it"};
    assert_report(&event, "process <0.9.0> \"it\" began");
    event.kind = DYNSUP_EVENT_EXITED;
    assert_report(&event, "process <0.9.0> \"it\" ended");
    event.reason = &reason;
    assert_report(&event, "process <0.9.0> \"it\" ended: app.lua:3: boom...");
    event.kind = DYNSUP_EVENT_UNEXPECTED;
    event.is_supervisor = true;
    assert_report(&event,
                  "supervisor <0.9.0> \"it\" dropped a plain message: it takes requests only");
    event.is_supervisor = false;
    event.is_registry = true;
    assert_report(&event,
                  "registry <0.9.0> \"it\" dropped a plain message: it takes requests only");
}

static void a_process_that_is_stuck_may_say_for_how_long(void **state) {
    (void)state;
    dynsup_event event = {.kind = DYNSUP_EVENT_STUCK, .pid = PID(9)};
    assert_report(&event, "process <0.9.0> cannot be interrupted: it is stuck in a C function");
    event.delay_ns = 3 * MS;
    assert_report(&event,
                  "process <0.9.0> cannot be interrupted for 3 ms: it is stuck in a C function");
}

static void a_hup_is_one_line(void **state) {
    (void)state;
    dynsup_event event = {.kind = DYNSUP_EVENT_HUP};
    assert_report(&event, "the program got SIGHUP");
}

static void a_heap_is_told_by_its_number_and_limit(void **state) {
    (void)state;
    dynsup_event event = {.kind = DYNSUP_EVENT_HEAP_OPENED, .heap = 3};
    assert_report(&event, "heap 3 is open");
    event.heap_limit = 5000;
    assert_report(&event, "heap 3 is open, and may have 5000 bytes");
    event.kind = DYNSUP_EVENT_HEAP_LOST;
    event.heap_processes = 2;
    assert_report(
        &event, "heap 3 is lost: it may have 5000 bytes and needed more; 2 processes end with it");
    event.heap_processes = 1;
    assert_report(&event,
                  "heap 3 is lost: it may have 5000 bytes and needed more; 1 process ends with it");
    event.kind = DYNSUP_EVENT_HEAP_CLOSED;
    assert_report(&event, "heap 3 is closed");
}

static void a_state_that_is_dropped_says_how_often_it_has_failed(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_STATE_DROPPED, &reason);
    event.restores = 2;
    assert_reports(&event, CHILD " starts without its saved state, which has failed 2 times "
                                 "(state_dropped)\n    reason: boom\n    offender: <0.7.0>");
}

static void a_child_that_has_failed_says_how_often_it_was_restarted(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_FAILED, &reason);
    event.own_limit = true;
    event.restarts = 4;
    assert_reports(&event, CHILD " has failed: 4th restart of 3 in 5 s (child_failed)\n    reason: "
                                 "boom\n    offender: <0.7.0>");
    assert_reports(&event, "next: it stays down until restart_child; its siblings go on");
}

static void its_own_limit_is_what_comes_before_the_failure(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    event.own_limit = true;
    event.restarts = 3;
    assert_reports(&event, "next: it has failed and stays down, it would be the 4th restart of 3");
    event.backs_off = true;
    assert_int_equal(dynsup_report_next(&event), DYNSUP_NEXT_FAIL);
    event.restarts = 2;
    assert_int_equal(dynsup_report_next(&event), DYNSUP_NEXT_DELAYED);
}

static void the_steps_of_children_are_one_line_each(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_STARTED, NULL);
    assert_report(&event, CHILD " started");
    event.kind = DYNSUP_EVENT_CHILD_RESTARTED;
    assert_report(&event, CHILD " runs again, incarnation 2");
    event.kind = DYNSUP_EVENT_CHILD_REMOVED;
    assert_report(&event, CHILD " is its child no more");
    event.kind = DYNSUP_EVENT_CHILD_DELAYED;
    event.delay_ns = 217345678;
    assert_report(&event, CHILD " is restarted in 217.345 ms");
    event.reason = &reason;
    assert_report(&event, CHILD " is restarted in 217.345 ms: boom");
}

static void a_refused_start_says_why(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = child_event(DYNSUP_EVENT_START_REFUSED, NULL);
    event.pid = 0;
    event.status = DYNSUP_EMAX_CHILDREN;
    assert_report(&event, POOL " did not start worker \"it\": max_children (the supervisor has as "
                               "many children as it may have)");
    event.status = DYNSUP_EREASON;
    assert_report(&event, POOL " did not start worker \"it\"");
    event.reason = &reason;
    assert_report(&event, POOL " did not start worker \"it\": boom");
    event.status = DYNSUP_EIGNORE; /* the reason is then none */
    assert_reports(&event, "ignore (the start function asked to be ignored)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_ended_has_a_report_with_all_details),
        cmocka_unit_test(a_reason_with_a_trace_has_it_in_the_lines_behind),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_next_restart_is_counted),
        cmocka_unit_test(a_delayed_restart_is_not_counted),
        cmocka_unit_test(a_child_is_restarted_as_its_type_says),
        cmocka_unit_test(a_good_end_of_a_permanent_child_is_not_called_abnormal),
        cmocka_unit_test(a_failed_restart_is_reported_with_what_follows),
        cmocka_unit_test(a_start_that_failed_is_reported_with_its_detail),
        cmocka_unit_test(a_child_that_has_never_run_is_known_by_its_id),
        cmocka_unit_test(an_abnormal_end_of_a_child_being_stopped_is_reported),
        cmocka_unit_test(a_supervisor_that_gives_up_says_why),
        cmocka_unit_test(the_crash_of_a_process_without_supervisor_is_reported),
        cmocka_unit_test(the_shutdown_of_a_spec_is_written_as_in_lua),
        cmocka_unit_test(a_supervisor_as_a_child_is_called_one),
        cmocka_unit_test(reasons_of_all_kinds_are_written),
        cmocka_unit_test(without_object_ops_an_object_is_a_question_mark),
        cmocka_unit_test(a_stale_pid_shows_its_generation),
        cmocka_unit_test(the_steps_of_processes_are_one_line_each),
        cmocka_unit_test(a_process_that_is_stuck_may_say_for_how_long),
        cmocka_unit_test(a_hup_is_one_line),
        cmocka_unit_test(a_heap_is_told_by_its_number_and_limit),
        cmocka_unit_test(a_state_that_is_dropped_says_how_often_it_has_failed),
        cmocka_unit_test(a_child_that_has_failed_says_how_often_it_was_restarted),
        cmocka_unit_test(its_own_limit_is_what_comes_before_the_failure),
        cmocka_unit_test(the_steps_of_children_are_one_line_each),
        cmocka_unit_test(a_refused_start_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
