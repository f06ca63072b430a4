/* Reports for tests: events of a child, whose objects and program are texts. To be included first.
 */
#ifndef DSI_TEST_REPORT_H
#define DSI_TEST_REPORT_H

#include "test_support.h"

#include "dynsup_report.h"
#include "slots.h"

#include <stdio.h>

#define PID(n) ((uint64_t)DSI_ID_PROCESS << 62 | (n))

/* Objects are numbers of these texts. */
static const char *const objects[] = {"boom", "the id", "app.lua:3: boom\nstack traceback:\n\tmain",
                                      "late\x1b[0m"};

static inline void object_describe(void *ud, uint64_t object, char *text, size_t size) {
    assert_ptr_equal(ud, objects);
    snprintf(text, size, "%s", objects[object]);
}

static inline void program_describe(void *program, char *text, size_t size) {
    snprintf(text, size, "%s", (const char *)program);
}

static const dynsup_object_ops object_ops = {.describe = object_describe};
static const dynsup_program_ops program_ops = {.describe = program_describe};

static char program_text[] = "app.lua:12";
static char text[4096];

static inline const char *report(const dynsup_event *event) {
    size_t length = dynsup_report_write(event, &object_ops, (void *)objects, text, sizeof text);
    assert_int_equal(strlen(text), length);
    return text;
}

static inline dynsup_value object(uint64_t number) {
    return (dynsup_value){.kind = DYNSUP_OBJECT, .as.object = number};
}

static inline dynsup_reason because(uint64_t number) {
    return (dynsup_reason){DYNSUP_REASON_OTHER, object(number)};
}

/* A permanent worker's event, with all that there can be. */
static inline dynsup_event child_event(enum dynsup_event_kind kind, const dynsup_reason *reason) {
    static const dynsup_value id = {.kind = DYNSUP_OBJECT, .as.object = 1};
    return (dynsup_event){.kind = kind,
                          .pid = PID(7),
                          .name = "it",
                          .supervisor = PID(2),
                          .supervisor_name = "pool",
                          .reason = reason,
                          .id = &id,
                          .program_ops = &program_ops,
                          .program = program_text,
                          .shutdown_ms = 5000,
                          .incarnation = 2,
                          .max_restarts = 3,
                          .period_ms = 5000};
}

#endif
