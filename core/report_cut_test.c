/* Tests of reports in buffers that are too small, and of events with long texts. */
#include "test_report.h"

static void object_trace(void *ud, uint64_t object, char *chars, size_t size) {
    (void)ud, (void)object;
    snprintf(chars, size, "stack traceback:\n\tapp.lua:3: in main");
}

static void a_report_is_cut_to_any_room_whatever_follows(void **state) {
    (void)state;
    static const dynsup_object_ops ops = {.describe = object_describe, .trace = object_trace};
    const dynsup_reason boom = because(0);
    const dynsup_event event = {.kind = DYNSUP_EVENT_CRASHED, .pid = 7, .reason = &boom};
    size_t whole = dynsup_report_write(&event, &ops, (void *)objects, text, sizeof text);
    assert_non_null(strstr(text, "in main"));
    for (size_t room = 1; room <= whole; room++) {
        memset(text, 0x5a, sizeof text);
        size_t length = dynsup_report_write(&event, &ops, (void *)objects, text, room);
        assert_true(length < room);
        assert_int_equal(strlen(text), length);
        assert_int_equal(text[room], 0x5a);
    }
}

static char long_text[20001];

static void describe_at_length(void *ud, uint64_t number, char *chars, size_t size) {
    (void)ud;
    (void)number;
    snprintf(chars, size, "%s", long_text);
}

static void program_describe_at_length(void *program, char *chars, size_t size) {
    describe_at_length(program, 0, chars, size);
}

/* An event in which everything is too long: names, id, function and reason. */
static dynsup_event long_event(enum dynsup_event_kind kind, const dynsup_reason *reason) {
    static const dynsup_program_ops ops = {.describe = program_describe_at_length};
    dynsup_event event = child_event(kind, reason);
    for (size_t i = 0; i < sizeof long_text - 1; i++)
        long_text[i] = "x\n\ty\x1b\xe2\x82\xac"[i % 8];
    event.name = event.supervisor_name = long_text + 2; /* begins with a tab */
    event.program_ops = &ops;
    return event;
}

static size_t write_at_length(const dynsup_event *event, size_t size) {
    static const dynsup_object_ops ops = {.describe = describe_at_length};
    memset(text, 0x5a, sizeof text);
    size_t length = dynsup_report_write(event, &ops, NULL, text, size);
    assert_true(length < size);
    assert_int_equal(strlen(text), length);
    for (size_t i = size; i < sizeof text && i < size + 64; i++)
        assert_int_equal(text[i], 0x5a);
    return length;
}

static void every_kind_fits_into_a_buffer_of_every_size(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    for (int kind = 0; kind < DYNSUP_EVENT_COUNT; kind++) {
        dynsup_event event = long_event((enum dynsup_event_kind)kind, &reason);
        for (size_t size = 1; size <= 2500; size += size < 1200 ? 1 : 7)
            write_at_length(&event, size);
    }
}

static void a_cut_report_is_the_beginning_of_the_whole(void **state) {
    (void)state;
    char whole[1024], part[1024];
    for (int kind = 0; kind < DYNSUP_EVENT_COUNT; kind++) {
        dynsup_event event = child_event((enum dynsup_event_kind)kind, NULL);
        size_t length =
            dynsup_report_write(&event, &object_ops, (void *)objects, whole, sizeof whole);
        for (size_t size = 4; size <= length; size++) {
            dynsup_report_write(&event, &object_ops, (void *)objects, part, size);
            assert_string_equal(part + size - 4, "...");
            assert_memory_equal(part, whole, size - 4);
        }
    }
}

static void a_long_reason_leaves_room_for_what_follows(void **state) {
    (void)state;
    dynsup_reason reason = because(0);
    dynsup_event event = long_event(DYNSUP_EVENT_CHILD_TERMINATED, &reason);
    write_at_length(&event, sizeof text);
    assert_non_null(strstr(text, "...\n    offender: <0.7.0>"));
    assert_non_null(strstr(text, "type worker\n    next: it is restarted now"));
}

static void a_field_is_cut_to_its_first_line_and_160_bytes(void **state) {
    (void)state;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    dynsup_event event = {.kind = DYNSUP_EVENT_SPAWNED, .pid = PID(9), .name = name};
    size_t length = dynsup_report_write(&event, NULL, NULL, text, sizeof text);
    assert_int_equal(length, strlen("process <0.9.0> \"\" began") + 160);
    assert_non_null(strstr(text, "nnn...\" began"));
    name[3] = '\n';
    dynsup_report_write(&event, NULL, NULL, text, sizeof text);
    assert_string_equal(text, "process <0.9.0> \"nnn...\" began");
}

static void a_value_alone_is_written_and_cut_likewise(void **state) {
    (void)state;
    const dynsup_value number = {DYNSUP_INTEGER, {.integer = 12345}}, boom = object(0);
    assert_int_equal(dynsup_value_write(&number, NULL, NULL, text, sizeof text), 5);
    assert_string_equal(text, "12345");
    assert_int_equal(dynsup_value_write(&number, NULL, NULL, text, 5), 4);
    assert_string_equal(text, "1...");
    dynsup_value_write(&boom, &object_ops, (void *)objects, text, sizeof text);
    assert_string_equal(text, "boom");
    dynsup_value_write(&boom, NULL, NULL, text, sizeof text);
    assert_string_equal(text, "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_cut_to_any_room_whatever_follows),
        cmocka_unit_test(every_kind_fits_into_a_buffer_of_every_size),
        cmocka_unit_test(a_cut_report_is_the_beginning_of_the_whole),
        cmocka_unit_test(a_long_reason_leaves_room_for_what_follows),
        cmocka_unit_test(a_field_is_cut_to_its_first_line_and_160_bytes),
        cmocka_unit_test(a_value_alone_is_written_and_cut_likewise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
