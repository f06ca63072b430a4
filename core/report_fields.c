/* Reports as fields of records: events for programs that read the log. */
#include "dynsup_report.h"

#include <string.h>

#define FIELD_MAX    160 /* bytes of a description, except the reason */
#define DETAIL_MAX   600
#define REASON_MAX   1500 /* so that a long reason leaves space for its traceback */
#define TRACE_MAX    5000
#define SENTENCE_MAX 600

typedef struct source {
    const dynsup_event *event;
    const dynsup_object_ops *objects;
    void *objects_ud;
    dynsup_record *record;
} source;

static const char *const names[DYNSUP_EVENT_COUNT] = {
    [DYNSUP_EVENT_SPAWNED] = "spawned",
    [DYNSUP_EVENT_EXITED] = "exited",
    [DYNSUP_EVENT_CRASHED] = "crashed",
    [DYNSUP_EVENT_CHILD_STARTED] = "started",
    [DYNSUP_EVENT_CHILD_RESTARTED] = "restarted",
    [DYNSUP_EVENT_CHILD_DELAYED] = "delayed",
    [DYNSUP_EVENT_CHILD_REMOVED] = "removed",
    [DYNSUP_EVENT_CHILD_TERMINATED] = "child_terminated",
    [DYNSUP_EVENT_START_ERROR] = "start_error",
    [DYNSUP_EVENT_SHUTDOWN_ERROR] = "shutdown_error",
    [DYNSUP_EVENT_GAVE_UP] = "gave_up",
    [DYNSUP_EVENT_START_REFUSED] = "refused",
    [DYNSUP_EVENT_UNEXPECTED] = "unexpected",
    [DYNSUP_EVENT_STUCK] = "stuck",
    [DYNSUP_EVENT_HUP] = "hup",
    [DYNSUP_EVENT_STATE_DROPPED] = "state_dropped",
    [DYNSUP_EVENT_CHILD_FAILED] = "child_failed",
    [DYNSUP_EVENT_MESSAGES_DROPPED] = "messages_dropped",
    [DYNSUP_EVENT_HEAP_OPENED] = "heap_opened",
    [DYNSUP_EVENT_HEAP_LOST] = "heap_lost",
    [DYNSUP_EVENT_HEAP_CLOSED] = "heap_closed",
};

const char *dynsup_event_name(enum dynsup_event_kind kind) {
    return names[kind];
}

/* ---- values ---- */

static void add_object(const source *s, const char *key, uint64_t object, size_t max) {
    char text[REASON_MAX + 1] = "?";
    if (s->objects)
        s->objects->describe(s->objects_ud, object, text, max + 1);
    dynsup_record_string(s->record, key, text);
}

static void add_value(const source *s, const char *key, const dynsup_value *value, size_t max) {
    switch (value->kind) {
    case DYNSUP_NIL:
        break;
    case DYNSUP_BOOLEAN:
        dynsup_record_boolean(s->record, key, value->as.boolean);
        break;
    case DYNSUP_INTEGER:
        dynsup_record_integer(s->record, key, value->as.integer);
        break;
    case DYNSUP_NUMBER:
        dynsup_record_number(s->record, key, value->as.number);
        break;
    case DYNSUP_ID:
        dynsup_record_id(s->record, key, value->as.id);
        break;
    case DYNSUP_ATOM:
        dynsup_record_string(s->record, key, dynsup_atom_text(value->as.atom));
        break;
    case DYNSUP_OBJECT:
        add_object(s, key, value->as.object, max);
        break;
    }
}

static void add_trace(const source *s, const dynsup_value *value) {
    char text[TRACE_MAX + 1] = "";
    if (value->kind != DYNSUP_OBJECT || !s->objects || !s->objects->trace)
        return;
    s->objects->trace(s->objects_ud, value->as.object, text, sizeof text);
    if (*text)
        dynsup_record_string(s->record, "traceback", text);
}

static void add_name(const source *s, const char *key, const char *name) {
    if (name)
        dynsup_record_text(s->record, key, name, strnlen(name, FIELD_MAX));
}

static void add_pid(const source *s, const char *key, dynsup_pid pid) {
    if (pid)
        dynsup_record_id(s->record, key, pid);
}

/* ---- groups of fields ---- */

static void add_message(const source *s) {
    char text[SENTENCE_MAX];
    dynsup_report_write(s->event, s->objects, s->objects_ud, text, sizeof text);
    dynsup_record_message(s->record, text, strcspn(text, "\n"));
}

static void add_heap(const source *s) {
    const dynsup_event *event = s->event;
    dynsup_record_integer(s->record, "heap", event->heap);
    if (event->heap_limit)
        dynsup_record_integer(s->record, "limit", (int64_t)event->heap_limit);
    if (event->kind == DYNSUP_EVENT_HEAP_LOST)
        dynsup_record_integer(s->record, "processes", (int64_t)event->heap_processes);
}

static void add_process(const source *s) {
    const dynsup_event *event = s->event;
    const char *other = event->supervisor ? "worker" : "process";
    if (event->heap)
        add_heap(s);
    if (event->heap || event->kind == DYNSUP_EVENT_HUP) /* it is about no process */
        return;
    add_pid(s, "pid", event->pid);
    add_name(s, "name", event->name);
    dynsup_record_string(s->record, "type", event->is_supervisor ? "supervisor" : other);
}

static void add_function(const source *s) {
    char text[FIELD_MAX + 1] = "";
    if (!s->event->program_ops)
        return;
    s->event->program_ops->describe(s->event->program, text, sizeof text);
    dynsup_record_string(s->record, "function", text);
}

static void add_shutdown(const source *s) {
    double ms = s->event->shutdown_ms;
    if (ms >= 0)
        dynsup_record_number(s->record, "shutdown", ms);
    else
        dynsup_record_string(s->record, "shutdown",
                             ms == DYNSUP_SHUTDOWN_INFINITY ? "infinity" : "brutal_kill");
}

static void add_child(const source *s) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    const dynsup_event *event = s->event;
    add_pid(s, "supervisor", event->supervisor);
    add_name(s, "supervisor_name", event->supervisor_name);
    if (event->period_ms == 0) /* it is about the process alone */
        return;
    if (event->id)
        add_value(s, "id", event->id, FIELD_MAX);
    dynsup_record_integer(s->record, "incarnation", event->incarnation);
    add_function(s);
    dynsup_record_string(s->record, "restart", restarts[event->restart]);
    add_shutdown(s);
    dynsup_record_integer(s->record, "restarts", (int64_t)event->restarts);
    dynsup_record_integer(s->record, "max_restarts", (int64_t)event->max_restarts);
    dynsup_record_number(s->record, "max_seconds", (double)event->period_ms / 1000);
}

static void add_next(const source *s) {
    static const char *const nexts[] = {"none", "restart", "delayed_restart", "give_up", "fail"};
    const dynsup_event *event = s->event;
    if (event->kind == DYNSUP_EVENT_CHILD_TERMINATED || event->kind == DYNSUP_EVENT_START_ERROR)
        dynsup_record_string(s->record, "next", nexts[dynsup_report_next(event)]);
    if (event->delay_ns)
        dynsup_record_number(s->record, "delay_ms", (double)event->delay_ns / 1e6);
    if (event->restores)
        dynsup_record_integer(s->record, "restores", (int64_t)event->restores);
    if (event->dropped)
        dynsup_record_integer(s->record, "dropped", (int64_t)event->dropped);
    if (event->kind == DYNSUP_EVENT_START_REFUSED)
        dynsup_record_string(s->record, "error",
                             dynsup_atom_text((enum dynsup_atom) - event->status));
}

/* Last, for they may be long. */
static void add_reason(const source *s) {
    if (s->event->detail)
        add_value(s, "detail", s->event->detail, DETAIL_MAX);
    if (!s->event->reason)
        return;
    add_value(s, "reason", &s->event->reason->value, REASON_MAX);
    add_trace(s, &s->event->reason->value);
}

void dynsup_report_fields(const dynsup_event *event, const dynsup_object_ops *objects,
                          void *objects_ud, dynsup_record *record) {
    source s = {event, objects, objects_ud, record};
    dynsup_record_string(record, "event", names[event->kind]);
    add_message(&s);
    add_process(&s);
    add_child(&s);
    add_next(&s);
    add_reason(&s);
}
