/* Notes: events that are kept until they can be delivered, and as tables. */
#include "bindings/child/field.h"
#include "bindings/log/log.h"
#include "bindings/observe/observe.h"

#include <stdio.h>
#include <string.h>

#define FUNCTION_MAX 160

static size_t text_size(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

/* Copies a text behind the others; NULL stays NULL. */
static const char *keep_text(char **at, const char *text) {
    char *copy = *at;
    size_t size = text_size(text);
    if (size == 0)
        return NULL;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static void retain(dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_object_retain(host, value->as.object);
}

static void keep_values(dsl_host *host, dsl_note *note) {
    dynsup_event *event = &note->event;
    if (event->reason) {
        note->reason = *event->reason;
        event->reason = &note->reason;
        retain(host, &note->reason.value);
    }
    if (event->detail) {
        note->detail = *event->detail;
        event->detail = &note->detail;
        retain(host, &note->detail);
    }
    if (event->id) {
        note->id = *event->id;
        event->id = &note->id;
        retain(host, &note->id);
    }
}

/* The child, and its program, may be gone when the event is delivered: the note has a copy. */
static void program_describe(void *p, char *text, size_t size) {
    const dsl_note *note = p;
    snprintf(text, size, "%s", note->function ? note->function : "");
}

static const dynsup_program_ops note_program_ops = {.describe = program_describe};

dsl_note *dsl_note_new(dsl_host *host, const dynsup_event *event) {
    char function[FUNCTION_MAX + 1] = "";
    if (event->program_ops)
        event->program_ops->describe(event->program, function, sizeof function);
    size_t size = sizeof(dsl_note) + text_size(event->name) + text_size(event->supervisor_name) +
                  text_size(function);
    dsl_note *note = host->alloc(host->alloc_ud, NULL, 0, size);
    if (!note)
        return NULL;
    char *at = note->texts;
    *note = (dsl_note){
        .size = size,
        .wall_ns = dsl_wall_clock(host),
        .level = dynsup_report_level(event),
        .next_step = dynsup_report_next(event),
        .event = *event,
    };
    note->event.name = keep_text(&at, event->name);
    note->event.supervisor_name = keep_text(&at, event->supervisor_name);
    note->function = *function ? keep_text(&at, function) : NULL;
    if (event->program_ops) {
        note->event.program_ops = &note_program_ops;
        note->event.program = note;
    }
    keep_values(host, note);
    return note;
}

void dsl_note_free(dsl_host *host, dsl_note *note) {
    dsl_value_release(host, &note->reason.value);
    dsl_value_release(host, &note->detail);
    dsl_value_release(host, &note->id);
    host->alloc(host->alloc_ud, note, note->size, 0);
}

/* ---- as a table ---- */

static void set_heap(lua_State *L, const dynsup_event *event) {
    dsl_field_integer(L, "heap", event->heap);
    if (event->heap_limit)
        dsl_field_integer(L, "limit", event->heap_limit);
    if (event->kind == DYNSUP_EVENT_HEAP_LOST)
        dsl_field_integer(L, "processes", event->heap_processes);
}

static void set_process(lua_State *L, const dynsup_event *event) {
    const char *other = event->supervisor ? "worker" : "process";
    if (event->heap)
        set_heap(L, event);
    if (event->heap || event->kind == DYNSUP_EVENT_HUP) /* the event is about no process */
        return;
    dsl_field_pid(L, "pid", event->pid);
    dsl_field_text(L, "name", event->name);
    dsl_field_text(L, "type", event->is_supervisor ? "supervisor" : other);
    dsl_field_pid(L, "supervisor", event->supervisor);
    dsl_field_text(L, "supervisor_name", event->supervisor_name);
}

static void set_child(lua_State *L, dsl_host *host, const dsl_note *note) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    const dynsup_event *event = &note->event;
    if (event->period_ms == 0) /* the event is about the process alone */
        return;
    dsl_field_value(L, host, "id", &note->id);
    dsl_field_text(L, "func", note->function);
    dsl_field_integer(L, "incarnation", event->incarnation);
    dsl_field_text(L, "restart", restarts[event->restart]);
    dsl_field_shutdown(L, event->shutdown_ms);
    dsl_field_integer(L, "restarts", event->restarts);
    dsl_field_integer(L, "max_restarts", event->max_restarts);
    dsl_field_number(L, "max_seconds", (double)event->period_ms / 1000);
}

static void set_outcome(lua_State *L, dsl_host *host, const dsl_note *note) {
    static const char *const nexts[] = {"none", "restart", "delayed_restart", "give_up", "fail"};
    const dynsup_event *event = &note->event;
    if (event->kind == DYNSUP_EVENT_CHILD_TERMINATED || event->kind == DYNSUP_EVENT_START_ERROR)
        dsl_field_text(L, "next", nexts[note->next_step]);
    if (event->delay_ns)
        dsl_field_number(L, "delay", (double)event->delay_ns / 1e6);
    if (event->restores)
        dsl_field_integer(L, "restores", event->restores);
    if (event->dropped)
        dsl_field_integer(L, "dropped", event->dropped);
    if (event->kind == DYNSUP_EVENT_START_REFUSED)
        dsl_field_text(L, "error", dynsup_atom_text((enum dynsup_atom) - event->status));
    if (event->reason)
        dsl_field_value(L, host, "reason", &note->reason.value);
    dsl_field_value(L, host, "detail", &note->detail);
}

void dsl_note_push(lua_State *L, dsl_host *host, const dsl_note *note) {
    lua_createtable(L, 0, 16);
    dsl_field_text(L, "event", dynsup_event_name(note->event.kind));
    dsl_field_text(L, "level", dsl_level_names[note->level]);
    dsl_field_number(L, "time", (double)note->wall_ns / 1e9);
    dsl_field_number(L, "at", (double)note->event.at_ns / 1e6);
    set_process(L, &note->event);
    set_child(L, host, note);
    set_outcome(L, host, note);
}
