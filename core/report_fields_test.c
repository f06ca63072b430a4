/* Tests of events as fields of records. */
#include "test_report.h"

static void object_trace(void *ud, uint64_t object, char *out, size_t size) {
    assert_ptr_equal(ud, objects);
    snprintf(out, size, "%s", object == 0 ? "stack traceback:\n\tmain" : "");
}

static const dynsup_object_ops traced_ops = {.describe = object_describe, .trace = object_trace};
static const dynsup_reason boom = {DYNSUP_REASON_OTHER, {DYNSUP_OBJECT, {.object = 0}}};

static void assert_fields(const dynsup_event *event, const char *expected) {
    dynsup_record record;
    dynsup_record_begin(&record, DYNSUP_FORMAT_LOGFMT, text, sizeof text);
    dynsup_report_fields(event, &traced_ops, (void *)objects, &record);
    dynsup_record_end(&record);
    if (!strstr(text, expected))
        fail_msg("no <%s> in: %s", expected, text);
}

static void a_childs_end_has_all_that_is_known(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &boom);
    event.restarts = 1;
    assert_fields(
        &event, "event=child_terminated message=\"worker <0.7.0> \\\"it\\\" of supervisor <0.2.0> "
                "\\\"pool\\\" ended abnormally (child_terminated)\" pid=<0.7.0> name=it "
                "type=worker supervisor=<0.2.0> supervisor_name=pool id=\"the id\" "
                "incarnation=2 function=app.lua:12 restart=permanent shutdown=5000 restarts=1 "
                "max_restarts=3 max_seconds=5 next=restart reason=boom "
                "traceback=\"stack traceback:\\n\\tmain\"");
}

static void what_follows_is_told_apart(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_START_ERROR, &boom);
    event.restarts = 3;
    assert_fields(&event, " next=give_up ");
    event.delay_ns = 1500000;
    assert_fields(&event, " next=delayed_restart delay_ms=1.5 ");
    event.delay_ns = 0;
    event.backs_off = true;
    assert_fields(&event, " next=delayed_restart reason");
    event = child_event(DYNSUP_EVENT_START_ERROR, &boom);
    event.restarts = 3;
    event.own_limit = true;
    assert_fields(&event, " next=fail ");
    event.once = true;
    event.detail = &(dynsup_value){.kind = DYNSUP_INTEGER, .as.integer = 7};
    assert_fields(&event, " next=none detail=7 reason=");
    event = child_event(DYNSUP_EVENT_STATE_DROPPED, &boom);
    event.restores = 2;
    assert_fields(&event, " restores=2 reason");
    event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &boom);
    event.restart = DYNSUP_TEMPORARY;
    assert_fields(&event, " next=none ");
}

static void a_process_without_supervisor_has_no_fields_of_a_child(void **state) {
    (void)state;
    dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    dynsup_event event = {.kind = DYNSUP_EVENT_EXITED, .pid = PID(7), .reason = &normal};
    assert_fields(&event, "\" pid=<0.7.0> type=process reason=normal");
    assert_null(strstr(text, "restart"));
    assert_null(strstr(text, "next"));
    assert_null(strstr(text, "traceback"));
}

static void a_refused_start_says_why(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_START_REFUSED, NULL);
    event.status = DYNSUP_EMAX_CHILDREN;
    event.shutdown_ms = DYNSUP_SHUTDOWN_INFINITY;
    assert_fields(&event, " shutdown=infinity ");
    assert_fields(&event, " error=max_children");
}

static void each_kind_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int a = 0; a < DYNSUP_EVENT_COUNT; a++) {
        assert_non_null(dynsup_event_name((enum dynsup_event_kind)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(dynsup_event_name((enum dynsup_event_kind)a),
                                    dynsup_event_name((enum dynsup_event_kind)b));
    }
}

static void values_that_are_no_objects_keep_their_kind(void **state) {
    (void)state;
    static const dynsup_value ids[] = {{DYNSUP_BOOLEAN, {.boolean = true}},
                                       {DYNSUP_INTEGER, {.integer = 5}},
                                       {DYNSUP_NUMBER, {.number = 0.5}},
                                       {DYNSUP_ID, {.id = PID(9)}}};
    static const char *const expected[] = {" id=true ", " id=5 ", " id=0.5 ", " id=<0.9.0> "};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        dynsup_event event = child_event(DYNSUP_EVENT_CHILD_STARTED, NULL);
        event.id = &ids[i];
        assert_fields(&event, expected[i]);
    }
}

static void what_nobody_can_describe_is_a_question(void **state) {
    (void)state;
    dynsup_record record;
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &boom);
    event.program_ops = NULL;
    dynsup_record_begin(&record, DYNSUP_FORMAT_LOGFMT, text, sizeof text);
    dynsup_report_fields(&event, NULL, NULL, &record);
    dynsup_record_end(&record);
    assert_non_null(strstr(text, " id=? "));
    assert_non_null(strstr(text, " reason=?"));
    assert_null(strstr(text, "function="));
    assert_null(strstr(text, "traceback="));
}

static void objects_without_a_trace_have_none(void **state) {
    (void)state;
    dynsup_record record;
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &boom);
    event.id = NULL;
    dynsup_record_begin(&record, DYNSUP_FORMAT_LOGFMT, text, sizeof text);
    dynsup_report_fields(&event, &object_ops, (void *)objects, &record);
    dynsup_record_end(&record);
    assert_non_null(strstr(text, " reason=boom"));
    assert_null(strstr(text, "traceback="));
    assert_null(strstr(text, " id="));
}

static void a_signal_to_the_program_is_no_process(void **state) {
    (void)state;
    dynsup_event event = {.kind = DYNSUP_EVENT_HUP};
    assert_fields(&event, "event=");
    assert_null(strstr(text, "pid="));
}

static void a_heap_is_told_with_its_limit_and_what_was_in_it(void **state) {
    (void)state;
    dynsup_event event = {
        .kind = DYNSUP_EVENT_HEAP_LOST, .heap = 3, .heap_limit = 4096, .heap_processes = 2};
    assert_fields(&event, " heap=3 limit=4096 processes=2");
    assert_null(strstr(text, "pid="));
    event = (dynsup_event){.kind = DYNSUP_EVENT_HEAP_CLOSED, .heap = 3};
    assert_fields(&event, " heap=3");
    assert_null(strstr(text, "limit="));
    assert_null(strstr(text, "processes="));
}

static void what_is_empty_is_left_out(void **state) {
    (void)state;
    static const dynsup_value nothing = {.kind = DYNSUP_NIL};
    dynsup_reason untraced = because(1);
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &untraced);
    event.id = &nothing;
    event.is_supervisor = true;
    assert_fields(&event, " type=supervisor ");
    assert_non_null(strstr(text, " reason=\"the id\""));
    assert_null(strstr(text, " id="));
    assert_null(strstr(text, "traceback="));
}

static void lost_messages_are_counted(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_MESSAGES_DROPPED, NULL);
    event.dropped = 8;
    event.shutdown_ms = DYNSUP_SHUTDOWN_BRUTAL_KILL;
    assert_fields(&event, " dropped=8");
    assert_fields(&event, " shutdown=brutal_kill ");
}

static void a_child_with_its_own_limit_that_waits_is_delayed(void **state) {
    (void)state;
    dynsup_event event = child_event(DYNSUP_EVENT_CHILD_TERMINATED, &boom);
    event.restarts = 3;
    event.own_limit = true;
    event.delay_ns = 1500000;
    assert_fields(&event, " next=delayed_restart delay_ms=1.5 ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_childs_end_has_all_that_is_known),
        cmocka_unit_test(what_follows_is_told_apart),
        cmocka_unit_test(a_process_without_supervisor_has_no_fields_of_a_child),
        cmocka_unit_test(a_refused_start_says_why),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(values_that_are_no_objects_keep_their_kind),
        cmocka_unit_test(what_nobody_can_describe_is_a_question),
        cmocka_unit_test(objects_without_a_trace_have_none),
        cmocka_unit_test(a_signal_to_the_program_is_no_process),
        cmocka_unit_test(a_heap_is_told_with_its_limit_and_what_was_in_it),
        cmocka_unit_test(what_is_empty_is_left_out),
        cmocka_unit_test(lost_messages_are_counted),
        cmocka_unit_test(a_child_with_its_own_limit_that_waits_is_delayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
