/* Tests of reports with a trace behind, in any room. */
#include "test_support.h"

#include "dynsup_report.h"

#include <stdio.h>

static void object_describe(void *ud, uint64_t object, char *text, size_t size) {
    (void)ud, (void)object;
    snprintf(text, size, "app.lua:3: boom");
}

static void object_trace(void *ud, uint64_t object, char *text, size_t size) {
    (void)ud, (void)object;
    snprintf(text, size, "stack traceback:\n\tapp.lua:3: in main");
}

static void a_report_is_cut_to_any_room_whatever_follows(void **state) {
    (void)state;
    static const dynsup_object_ops ops = {.describe = object_describe, .trace = object_trace};
    static const dynsup_reason boom = {DYNSUP_REASON_OTHER, {DYNSUP_OBJECT, {.object = 1}}};
    const dynsup_event event = {.kind = DYNSUP_EVENT_CRASHED, .pid = 7, .reason = &boom};
    char text[2048];
    size_t whole = dynsup_report_write(&event, &ops, NULL, text, sizeof text);
    assert_non_null(strstr(text, "in main"));
    for (size_t room = 1; room <= whole; room++) {
        memset(text, 0x5a, sizeof text);
        size_t length = dynsup_report_write(&event, &ops, NULL, text, room);
        assert_true(length < room);
        assert_int_equal(strlen(text), length);
        assert_int_equal(text[room], 0x5a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_cut_to_any_room_whatever_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
