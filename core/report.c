/*
 * Reports: events as sentences; abnormal ends have details in lines below.
 *
 * Design notes.
 * The reason comes first, since it matters most; as it may be long, it leaves space for the details
 * after it.
 */
#include "dynsup_report.h"

#include "report_value.h"

#include <inttypes.h>

#define DETAIL     "\n    " /* begins a line of details */
#define FIELD_MAX  160      /* bytes of a description within a line */
#define MORE_MAX   600      /* bytes of the detail of a start */
#define BEHIND_MAX 700      /* bytes of room behind a reason and its detail */

typedef struct writer {
    dsi_text text;
    const dynsup_event *event;
    dsi_describer describer;
} writer;

#define put(w, ...) dsi_text_put(&(w)->text, __VA_ARGS__)

/* ---- values ---- */

static void put_field(writer *w, const dynsup_value *value) {
    dsi_text field = dsi_text_part(&w->text, FIELD_MAX);
    dsi_describe_value(&w->describer, &field, value);
    dsi_text_join_line(&w->text, &field);
}

static void put_name(writer *w, const char *name) {
    dsi_text field = dsi_text_part(&w->text, FIELD_MAX);
    dsi_text_put(&field, "%s", name);
    dsi_text_join_line(&w->text, &field);
}

static void put_function(writer *w) {
    const dynsup_event *event = w->event;
    dsi_text field = dsi_text_part(&w->text, FIELD_MAX);
    char *end = field.chars + field.length;
    event->program_ops->describe(event->program, end, dsi_text_room(&field) + 1);
    dsi_text_take(&field);
    dsi_text_join_line(&w->text, &field);
}

/* ---- parts of sentences ---- */

static void put_process(writer *w, const char *noun, dynsup_pid pid, const char *name) {
    put(w, "%s", noun);
    if (pid) {
        put(w, " ");
        dsi_describe_id(&w->text, pid);
    }
    if (name) {
        put(w, " \"");
        put_name(w, name);
        put(w, "\"");
    }
}

static const char *child_noun(const dynsup_event *event) {
    return event->is_supervisor ? "supervisor" : "worker";
}

static void put_supervisor(writer *w) {
    put_process(w, "supervisor", w->event->supervisor, w->event->supervisor_name);
}

static void put_child(writer *w) {
    put_process(w, child_noun(w->event), w->event->pid, w->event->name);
    put(w, " of ");
    put_supervisor(w);
}

/* A process that may be a child, of an unknown supervisor. */
static void put_any(writer *w) {
    const dynsup_event *event = w->event;
    const char *other = event->is_registry ? "registry" : "process";
    put_process(w, event->is_supervisor ? "supervisor" : other, event->pid, event->name);
}

static void put_why(writer *w) {
    if (w->event->reason) {
        put(w, ": ");
        put_field(w, &w->event->reason->value);
    }
}

static bool is_abnormal(const dynsup_event *event) {
    return event->reason && event->reason->kind != DYNSUP_REASON_NORMAL &&
           event->reason->kind != DYNSUP_REASON_SHUTDOWN;
}

static void put_end(writer *w) {
    put(w, is_abnormal(w->event) ? " ended abnormally" : " ended");
}

/* "3rd restart of 3 in 5 s" */
static void put_restart(writer *w, uint64_t n) {
    dsi_text_put_ordinal(&w->text, n);
    put(w, " restart of %" PRIu64 " in ", w->event->max_restarts);
    dsi_text_put_thousandths(&w->text, w->event->period_ms);
    put(w, " s");
}

/* ---- details ---- */

static void put_reason(writer *w) {
    if (w->event->reason == NULL)
        return;
    put(w, DETAIL "reason: ");
    size_t room = dsi_text_room(&w->text);
    size_t behind = w->event->detail ? BEHIND_MAX + MORE_MAX : BEHIND_MAX;
    behind = room / 4 < behind ? room / 4 : behind;
    dsi_text block = dsi_text_part(&w->text, room - behind);
    dsi_describe_value(&w->describer, &block, &w->event->reason->value);
    dsi_describe_trace(&w->describer, &block, &w->event->reason->value);
    dsi_text_join_block(&w->text, &block);
}

static void put_more(writer *w) {
    if (w->event->detail == NULL)
        return;
    put(w, DETAIL "detail: ");
    dsi_text block = dsi_text_part(&w->text, MORE_MAX);
    dsi_describe_value(&w->describer, &block, w->event->detail);
    dsi_text_join_block(&w->text, &block);
}

static void put_offender(writer *w) {
    const dynsup_event *event = w->event;
    put_process(w, DETAIL "offender:", event->pid, event->name);
    const char *comma = event->pid || event->name ? "," : ""; /* else it has never run */
    if (event->id && event->id->kind != DYNSUP_NIL) {
        put(w, "%s id ", comma);
        put_field(w, event->id);
        comma = ",";
    }
    put(w, "%s incarnation %" PRIu32, comma, event->incarnation);
    if (event->program_ops) {
        put(w, DETAIL "function: ");
        put_function(w);
    }
}

static void put_shutdown(writer *w) {
    double ms = w->event->shutdown_ms;
    if (ms == DYNSUP_SHUTDOWN_BRUTAL_KILL) {
        put(w, "brutal_kill");
    } else if (ms < 0) {
        put(w, "infinity");
    } else if (ms >= 1e15) {
        put(w, "%.0f ms", ms);
    } else {
        dsi_text_put_thousandths(&w->text, (uint64_t)(ms * 1000 + 0.5));
        put(w, " ms");
    }
}

static void put_spec(writer *w) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    put(w, DETAIL "spec: restart %s, shutdown ", restarts[w->event->restart]);
    put_shutdown(w);
    put(w, ", type %s", child_noun(w->event));
}

static void put_details(writer *w) {
    put_reason(w);
    put_more(w);
    put_offender(w);
    put_spec(w);
}

static bool may_restart(const dynsup_event *event) {
    if (event->kind == DYNSUP_EVENT_START_ERROR)
        return !event->once;
    return event->restart == DYNSUP_PERMANENT ||
           (event->restart == DYNSUP_TRANSIENT && is_abnormal(event));
}

enum dynsup_next dynsup_report_next(const dynsup_event *event) {
    if (!may_restart(event))
        return DYNSUP_NEXT_NONE;
    bool exhausted = event->restarts >= event->max_restarts;
    if (event->own_limit && exhausted && !event->delay_ns)
        return DYNSUP_NEXT_FAIL;
    if (event->delay_ns || event->backs_off)
        return DYNSUP_NEXT_DELAYED;
    return exhausted ? DYNSUP_NEXT_GIVE_UP : DYNSUP_NEXT_RESTART;
}

static void put_delayed(writer *w) {
    if (w->event->delay_ns == 0) {
        put(w, "it is restarted after its backoff");
        return;
    }
    put(w, "it is restarted in ");
    dsi_text_put_time(&w->text, w->event->delay_ns);
}

static void put_next(writer *w) {
    put(w, DETAIL "next: ");
    switch (dynsup_report_next(w->event)) {
    case DYNSUP_NEXT_NONE:
        put(w, w->event->once ? "it is not started again" : "it is not restarted");
        break;
    case DYNSUP_NEXT_DELAYED:
        put_delayed(w);
        break;
    case DYNSUP_NEXT_RESTART:
        put(w, "it is restarted now, the ");
        put_restart(w, w->event->restarts + 1);
        break;
    case DYNSUP_NEXT_GIVE_UP:
        put(w, "its supervisor gives up, it would be the ");
        put_restart(w, w->event->restarts + 1);
        break;
    case DYNSUP_NEXT_FAIL:
        put(w, "it has failed and stays down, it would be the ");
        put_restart(w, w->event->restarts + 1);
        break;
    }
}

/* ---- events ---- */

static void write_spawned(writer *w) {
    put_any(w);
    put(w, " began");
}

static void write_exited(writer *w) {
    put_any(w);
    put(w, " ended");
    put_why(w);
}

static void write_crashed(writer *w) {
    put_any(w);
    put_end(w);
    put(w, "; it has no supervisor (crashed)");
    put_reason(w);
}

static void write_started(writer *w) {
    put_child(w);
    put(w, " started");
}

static void write_restarted(writer *w) {
    put_child(w);
    put(w, " runs again, incarnation %" PRIu32, w->event->incarnation);
}

static void write_delayed(writer *w) {
    put_child(w);
    put(w, " is restarted in ");
    dsi_text_put_time(&w->text, w->event->delay_ns);
    put_why(w);
}

static void write_removed(writer *w) {
    put_child(w);
    put(w, " is its child no more");
}

static void write_terminated(writer *w) {
    put_child(w);
    put_end(w);
    put(w, " (child_terminated)");
    put_details(w);
    put_next(w);
}

static void write_start_error(writer *w) {
    put_child(w);
    put(w, w->event->once ? " could not be started (start_error)"
                          : " could not be restarted (start_error)");
    put_details(w);
    put_next(w);
}

static void write_shutdown_error(writer *w) {
    put_child(w);
    put_end(w);
    put(w, " while it was stopped (shutdown_error)");
    put_details(w);
}

static void write_gave_up(writer *w) {
    put_supervisor(w);
    put(w, " gives up: ");
    put_restart(w, w->event->restarts);
    put(w, " (shutdown)");
    put_details(w);
    put(w, DETAIL "next: it stops its children and ends with the reason shutdown");
}

static void write_failed(writer *w) {
    put_child(w);
    put(w, " has failed: ");
    put_restart(w, w->event->restarts);
    put(w, " (child_failed)");
    put_details(w);
    put(w, DETAIL "next: it stays down until restart_child; its siblings go on");
}

static void write_refused(writer *w) {
    const dynsup_event *event = w->event;
    enum dynsup_atom why = (enum dynsup_atom) - event->status;
    put_supervisor(w);
    put(w, " did not start ");
    put_process(w, child_noun(event), event->pid, event->name);
    if (why == DYNSUP_REASON)
        put_why(w);
    else
        put(w, ": %s (%s)", dynsup_atom_text(why), dynsup_atom_meaning(why));
}

static void write_unexpected(writer *w) {
    put_any(w);
    put(w, w->event->is_supervisor || w->event->is_registry
               ? " dropped a plain message: it takes requests only"
               : " dropped a plain message: its module has no handle_info");
}

static void write_stuck(writer *w) {
    put_any(w);
    put(w, " cannot be interrupted");
    if (w->event->delay_ns) {
        put(w, " for ");
        dsi_text_put_time(&w->text, w->event->delay_ns);
    }
    put(w, ": it is stuck in a C function");
}

static void write_hup(writer *w) {
    put(w, "the program got SIGHUP");
}

static void write_dropped(writer *w) {
    put_child(w);
    put(w, " starts without its saved state, which has failed %" PRIu64 " times (state_dropped)",
        w->event->restores);
    put_details(w);
}

static void write_messages_dropped(writer *w) {
    put_child(w);
    put(w, " has lost %" PRIu64 " message%s: its mailbox is full (messages_dropped)",
        w->event->dropped, w->event->dropped == 1 ? "" : "s");
}

static void put_heap(writer *w) {
    put(w, "heap %u", (unsigned)w->event->heap);
}

static void write_heap_opened(writer *w) {
    put_heap(w);
    put(w, " is open");
    if (w->event->heap_limit)
        put(w, ", and may have %" PRIu64 " bytes", w->event->heap_limit);
}

static void write_heap_lost(writer *w) {
    uint64_t count = w->event->heap_processes;
    put_heap(w);
    put(w, " is lost: it may have %" PRIu64 " bytes and needed more", w->event->heap_limit);
    put(w, "; %" PRIu64 " process%s with it", count, count == 1 ? " ends" : "es end");
}

static void write_heap_closed(writer *w) {
    put_heap(w);
    put(w, " is closed");
}

static const struct report_kind {
    enum dynsup_report_level level;
    void (*write)(writer *w);
} kinds[DYNSUP_EVENT_COUNT] = {
    [DYNSUP_EVENT_SPAWNED] = {DYNSUP_REPORT_DEBUG, write_spawned},
    [DYNSUP_EVENT_EXITED] = {DYNSUP_REPORT_DEBUG, write_exited},
    [DYNSUP_EVENT_CRASHED] = {DYNSUP_REPORT_ERROR, write_crashed},
    [DYNSUP_EVENT_CHILD_STARTED] = {DYNSUP_REPORT_INFO, write_started},
    [DYNSUP_EVENT_CHILD_RESTARTED] = {DYNSUP_REPORT_INFO, write_restarted},
    [DYNSUP_EVENT_CHILD_DELAYED] = {DYNSUP_REPORT_INFO, write_delayed},
    [DYNSUP_EVENT_CHILD_REMOVED] = {DYNSUP_REPORT_INFO, write_removed},
    [DYNSUP_EVENT_CHILD_TERMINATED] = {DYNSUP_REPORT_ERROR, write_terminated},
    [DYNSUP_EVENT_START_ERROR] = {DYNSUP_REPORT_ERROR, write_start_error},
    [DYNSUP_EVENT_SHUTDOWN_ERROR] = {DYNSUP_REPORT_ERROR, write_shutdown_error},
    [DYNSUP_EVENT_GAVE_UP] = {DYNSUP_REPORT_ERROR, write_gave_up},
    [DYNSUP_EVENT_START_REFUSED] = {DYNSUP_REPORT_INFO, write_refused},
    [DYNSUP_EVENT_UNEXPECTED] = {DYNSUP_REPORT_WARNING, write_unexpected},
    [DYNSUP_EVENT_STUCK] = {DYNSUP_REPORT_WARNING, write_stuck},
    [DYNSUP_EVENT_HUP] = {DYNSUP_REPORT_INFO, write_hup},
    [DYNSUP_EVENT_STATE_DROPPED] = {DYNSUP_REPORT_WARNING, write_dropped},
    [DYNSUP_EVENT_CHILD_FAILED] = {DYNSUP_REPORT_ERROR, write_failed},
    [DYNSUP_EVENT_MESSAGES_DROPPED] = {DYNSUP_REPORT_WARNING, write_messages_dropped},
    [DYNSUP_EVENT_HEAP_OPENED] = {DYNSUP_REPORT_INFO, write_heap_opened},
    [DYNSUP_EVENT_HEAP_LOST] = {DYNSUP_REPORT_ERROR, write_heap_lost},
    [DYNSUP_EVENT_HEAP_CLOSED] = {DYNSUP_REPORT_INFO, write_heap_closed},
};

enum dynsup_report_level dynsup_report_level(const dynsup_event *event) {
    if (event->kind == DYNSUP_EVENT_START_REFUSED && event->status == DYNSUP_ENOMEM)
        return DYNSUP_REPORT_WARNING;
    return kinds[event->kind].level;
}

size_t dynsup_report_write(const dynsup_event *event, const dynsup_object_ops *objects,
                           void *objects_ud, char *text, size_t size) {
    writer w = {dsi_text_empty(text, size), event, {objects, objects_ud}};
    kinds[event->kind].write(&w);
    dsi_text_finish(&w.text);
    return w.text.length;
}
