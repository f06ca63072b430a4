/* Events: every step in the life of processes and children, told to who wants to know. */
#include "event.h"

#include "supervisor.h"

static const char *name_of(const dsi_process *process) {
    return process->extra && process->extra->name ? process->extra->name->text : NULL;
}

static void emit(dynsup_host *host, const dynsup_event *event) {
    host->config.on_event(host->config.event_ud, event);
}

void dsi_event_process(dynsup_host *host, enum dynsup_event_kind kind, const dsi_process *process,
                       const dynsup_reason *reason) {
    if (!dsi_wants(host, kind))
        return;
    emit(host, &(dynsup_event){.kind = kind,
                               .at_ns = host->now_ns,
                               .pid = process->slot.id,
                               .name = name_of(process),
                               .reason = reason,
                               .is_supervisor = process->flags & DSI_FLAG_SUPERVISOR});
}

static dynsup_event child_event(dynsup_host *host, enum dynsup_event_kind kind,
                                const dsi_child *child, const dynsup_reason *reason) {
    const dsi_supervisor *supervisor = child->supervisor;
    const dsi_intensity *intensity = &supervisor->intensity;
    return (dynsup_event){
        .kind = kind,
        .at_ns = host->now_ns,
        .pid = child->pid,
        .name = child->name ? child->name->text : NULL,
        .supervisor = supervisor->process->slot.id,
        .supervisor_name = name_of(supervisor->process),
        .reason = reason,
        .id = &child->id,
        .program_ops = child->program_ops,
        .program = child->program,
        .restart = child->restart,
        .shutdown_ms = child->shutdown_ms,
        .is_supervisor = child->is_supervisor,
        .incarnation = child->incarnation,
        .restarts = dsi_intensity_count(intensity, host->now_ns / 1000000),
        .max_restarts = intensity->max_restarts,
        .period_ms = intensity->period_ms,
    };
}

void dsi_event_child(dynsup_host *host, enum dynsup_event_kind kind, const dsi_child *child,
                     const dynsup_reason *reason) {
    if (!dsi_wants(host, kind))
        return;
    dynsup_event event = child_event(host, kind, child, reason);
    emit(host, &event);
}

void dsi_event_delayed(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t delay_ns) {
    if (!dsi_wants(host, DYNSUP_EVENT_CHILD_DELAYED))
        return;
    dynsup_event event = child_event(host, DYNSUP_EVENT_CHILD_DELAYED, child, reason);
    event.delay_ns = delay_ns;
    emit(host, &event);
}

void dsi_event_refused(dynsup_host *host, const dsi_child *child, int status,
                       const dynsup_reason *reason) {
    if (!dsi_wants(host, DYNSUP_EVENT_START_REFUSED))
        return;
    dynsup_event event = child_event(host, DYNSUP_EVENT_START_REFUSED, child, reason);
    event.status = status;
    emit(host, &event);
}
