/*
 * Reports: events as text for people, and a limit on how many lines there are.
 *
 * Nothing here allocates, blocks or fails; objects and programs are described by their ops.
 */
#ifndef DYNSUP_REPORT_H
#define DYNSUP_REPORT_H

#include "dynsup.h"
#include "dynsup_record.h"

DYNSUP_DECLARATIONS_BEGIN

/* The kind's name in records and for observers: "exited", "child_terminated". Static. */
const char *dynsup_event_name(enum dynsup_event_kind kind);

/* Something abnormal is an error (CRASHED, CHILD_TERMINATED, START_ERROR, SHUTDOWN_ERROR, GAVE_UP,
 * CHILD_FAILED) or a warning (UNEXPECTED, STUCK, STATE_DROPPED, MESSAGES_DROPPED, START_REFUSED for
 * want of memory). The rest are details: the life of children is info, that of processes debug. */
enum dynsup_report_level {
    DYNSUP_REPORT_ERROR = 1,
    DYNSUP_REPORT_WARNING,
    DYNSUP_REPORT_INFO,
    DYNSUP_REPORT_DEBUG
};
enum dynsup_report_level dynsup_report_level(const dynsup_event *event);

/*
 * Writes the event as text without a final newline, cut to size (> 0) and always 0-terminated;
 * returns the length written. objects may be NULL. A cut text ends in three dots.
 *
 * The first line is a sentence. An error has more lines, indented: the reason with all its lines (a
 * long one is cut at its end), the detail of a start that failed, the child, its function and spec,
 * what happens next. The sentence of a child's error ends in its context: (child_terminated),
 * (start_error), (shutdown_error), (child_failed) or, when the supervisor gives up, (shutdown).
 * Control characters in descriptions are spelled as in Lua ("\027"); a description within a line is
 * cut at its first newline and to 160 bytes.
 *
 * The reason's lines are its description, then its trace.
 *
 * CHILD_TERMINATED and START_ERROR say which restart is next: number event->restarts + 1, or, with
 * backs_off, one that waits (for delay_ns, when that is known) and does not count (unless with
 * own_limit). For STUCK, delay_ns is for how long the process has not given way; 0: unknown.
 */
size_t dynsup_report_write(const dynsup_event *event, const dynsup_object_ops *objects,
                           void *objects_ud, char *text, size_t size);

/*
 * Adds the event to a record that has begun: its name as "event", its sentence as "message", and
 * what else is known. For all: "pid", "name", "type". For children: "supervisor",
 * "supervisor_name", "id", "incarnation", "function", "restart", "shutdown", "restarts",
 * "max_restarts", "max_seconds". By kind: "next" (what follows: "restart", "delayed_restart",
 * "give_up", "fail", "none"), "delay_ms", "restores" (of a state that was dropped), "dropped"
 * (messages), "error" (why a start was refused), "detail" (of a start that failed), "reason",
 * "traceback". Unknown things have no field.
 */
void dynsup_report_fields(const dynsup_event *event, const dynsup_object_ops *objects,
                          void *objects_ud, dynsup_record *record);

/* Writes a value as in reports; an object as its ops describe it. Cut to size (> 0), with three
 * dots then, and 0-terminated. Returns the length. objects may be NULL. */
size_t dynsup_value_write(const dynsup_value *value, const dynsup_object_ops *objects,
                          void *objects_ud, char *text, size_t size);

/* What becomes of the child of a CHILD_TERMINATED or START_ERROR. */
enum dynsup_next {
    DYNSUP_NEXT_NONE,
    DYNSUP_NEXT_RESTART,
    DYNSUP_NEXT_DELAYED,
    DYNSUP_NEXT_GIVE_UP,
    DYNSUP_NEXT_FAIL /* by its own limit */
};
enum dynsup_next dynsup_report_next(const dynsup_event *event);

/* Lets at most burst (>= 1) lines through at once and per_second in the long run; the others are
 * counted. Zeroed memory is a limit in its initial state. */
typedef struct dynsup_limit {
    double tokens;
    uint64_t refilled_ns;
    uint64_t held_back; /* since the last line that went through */
    uint64_t total_held_back;
    bool begun;
} dynsup_limit;

/* True when a line may go through at now_ns, which never decreases; *held_back_out is then how many
 * lines were held back since the last one that went through. Else it is 0. */
bool dynsup_limit_pass(dynsup_limit *limit, uint64_t now_ns, double burst, double per_second,
                       uint64_t *held_back_out);

DYNSUP_DECLARATIONS_END

#endif
