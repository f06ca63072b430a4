/* Events of children: every step in their life, emitted to observers. */
#include "child_event.h"

#include "event.h"
#include "registry.h"
#include "supervisor.h"

/* The name as text, or NULL: a registry's key that is no string begins with a zero byte. */
static const char *name_text(const dsi_name *name) {
    return name->registry && !name->text[0] ? NULL : name->text;
}

/* An event to be emitted, and what it points to. */
typedef struct telling {
    dynsup_event event;
    dynsup_value id, detail;
    dynsup_reason reason;
} telling;

static void telling_fill(telling *t, const dynsup_host *host, enum dynsup_event_kind kind,
                         const dsi_child *child, const dynsup_reason *reason) {
    dsi_supervisor *supervisor = child->supervisor;
    dsi_intensity *own = child->extra ? child->extra->own : NULL;
    dsi_intensity *intensity = own ? own : &supervisor->intensity;
    t->id = dsi_child_id(child);
    t->event = (dynsup_event){
        .kind = kind,
        .at_ns = host->now_ns,
        .pid = child->pid,
        .name = child->name ? name_text(child->name) : NULL,
        .supervisor = supervisor->process->slot.id,
        .supervisor_name = dsi_event_name(supervisor->process),
        .reason = reason,
        .id = &t->id,
        .program_ops = child->program_ops,
        .program = child->program,
        .restart = child->restart,
        .shutdown_ms = child->shutdown_ms,
        .is_supervisor = child->is_supervisor,
        .incarnation = child->incarnation,
        .backs_off = child->extra && child->extra->has_backoff,
        .restarts = dsi_intensity_count(intensity, dsi_supervisor_time(supervisor) / 1000000),
        .max_restarts = intensity->max_restarts,
        .period_ms = intensity->period_ms,
        .own_limit = own,
    };
}

/* False: nobody wants events of this kind, which is the usual case. */
static inline bool telling_begin(telling *t, const dynsup_host *host, enum dynsup_event_kind kind,
                                 const dsi_child *child, const dynsup_reason *reason) {
    if (!dsi_wants(host, kind))
        return false;
    telling_fill(t, host, kind, child, reason);
    return true;
}

void dsi_event_child(dynsup_host *host, enum dynsup_event_kind kind, const dsi_child *child,
                     const dynsup_reason *reason) {
    telling t;
    if (telling_begin(&t, host, kind, child, reason))
        dsi_event_emit(host, &t.event);
}

void dsi_event_delayed(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t delay_ns) {
    telling t;
    if (!telling_begin(&t, host, DYNSUP_EVENT_CHILD_DELAYED, child, reason))
        return;
    t.event.delay_ns = delay_ns;
    dsi_event_emit(host, &t.event);
}

void dsi_event_refused(dynsup_host *host, const dsi_child *child, int status) {
    telling t;
    if (!telling_begin(&t, host, DYNSUP_EVENT_START_REFUSED, child, NULL))
        return;
    t.event.status = status;
    dsi_event_emit(host, &t.event);
}

dynsup_reason dsi_reply_reason(const dynsup_reply *why) {
    if (why->status == DYNSUP_EREASON)
        return (dynsup_reason){.value = why->values[0]};
    return dynsup_reason_atom((enum dynsup_atom) - why->status);
}

/* Adds why a start has failed: no reason where that is the status, which a refusal has. */
static void telling_why(telling *t, const dynsup_reply *why, bool has_status) {
    bool has_holder = why->status == DYNSUP_EALREADY_STARTED && why->pid;
    t->reason = dsi_reply_reason(why);
    if (!has_status || why->status == DYNSUP_EREASON)
        t->event.reason = &t->reason;
    t->detail = has_holder ? dsi_value_id(why->pid) : why->values[1];
    if (t->detail.kind != DYNSUP_NIL)
        t->event.detail = &t->detail;
}

void dsi_event_start_error(dynsup_host *host, const dsi_child *child, const dynsup_reply *why) {
    telling t;
    if (!telling_begin(&t, host, DYNSUP_EVENT_START_ERROR, child, NULL))
        return;
    telling_why(&t, why, false);
    dsi_event_emit(host, &t.event);
}

void dsi_event_not_started(dynsup_host *host, const dsi_child *child, const dynsup_reply *why,
                           bool is_told) {
    telling t;
    if (!telling_begin(&t, host, is_told ? DYNSUP_EVENT_START_REFUSED : DYNSUP_EVENT_START_ERROR,
                       child, NULL))
        return;
    telling_why(&t, why, is_told);
    t.event.status = is_told ? why->status : 0;
    t.event.once = !is_told;
    dsi_event_emit(host, &t.event);
}

void dsi_event_dropped(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t restores) {
    telling t;
    if (!telling_begin(&t, host, DYNSUP_EVENT_STATE_DROPPED, child, reason))
        return;
    t.event.restores = restores;
    dsi_event_emit(host, &t.event);
}

void dsi_event_messages_dropped(dynsup_host *host, const dsi_child *child, uint64_t dropped) {
    telling t;
    bool is_power_of_two = (dropped & (dropped - 1)) == 0;
    if (!is_power_of_two || !telling_begin(&t, host, DYNSUP_EVENT_MESSAGES_DROPPED, child, NULL))
        return;
    t.event.dropped = dropped;
    dsi_event_emit(host, &t.event);
}

void dsi_event_not_admitted(dsi_supervisor *supervisor, const char *name, size_t length,
                            int status) {
    dynsup_host *host = supervisor->host;
    if (!dsi_wants(host, DYNSUP_EVENT_START_REFUSED))
        return;
    const dsi_name *taken = name ? dsi_name_find(host, name, length) : NULL;
    dsi_event_emit(host, &(dynsup_event){.kind = DYNSUP_EVENT_START_REFUSED,
                                         .at_ns = host->now_ns,
                                         .name = taken ? name_text(taken) : NULL,
                                         .supervisor = supervisor->process->slot.id,
                                         .supervisor_name = dsi_event_name(supervisor->process),
                                         .status = status});
}
