/* Events of children: every step in their life, emitted to observers. */
#include "child_event.h"

#include "event.h"
#include "registry.h"
#include "supervisor.h"

/* The name as text, or NULL: a registry's key that is no string begins with a zero byte. */
static const char *name_text(const dsi_name *name) {
    return name->registry && !name->text[0] ? NULL : name->text;
}

/* An event to be emitted, with the child's id, which it points to. */
typedef struct telling {
    dynsup_event event;
    dynsup_value id;
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

void dsi_event_refused(dynsup_host *host, const dsi_child *child, int status,
                       const dynsup_reason *reason) {
    telling t;
    if (!telling_begin(&t, host, DYNSUP_EVENT_START_REFUSED, child, reason))
        return;
    t.event.status = status;
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
