/* Events of processes: every step in their life, emitted to observers. */
#include "event.h"

#include "process.h"

const char *dsi_event_name(const dsi_process *process) {
    return process->extra && process->extra->name ? process->extra->name->text : NULL;
}

void dsi_event_emit(dynsup_host *host, const dynsup_event *event) {
    host->config.on_event(host->config.event_ud, event);
    if (!host->config.after_events)
        return;
    host->told = true;
    dsi_host_wake(host);
}

void dynsup_host_tell(dynsup_host *host, const dynsup_event *event) {
    if (dsi_wants(host, event->kind))
        dsi_event_emit(host, event);
}

/* The supervisor that has spawned the process as its child, or NULL. */
static const dsi_process *supervisor_of(const dynsup_host *host, const dsi_process *process) {
    return process->flags & DSI_FLAG_CHILD ? dsi_process_find(host, process->parent) : NULL;
}

void dsi_event_process(dynsup_host *host, enum dynsup_event_kind kind, const dsi_process *process,
                       const dynsup_reason *reason) {
    if (!dsi_wants(host, kind))
        return;
    const dsi_process *supervisor = supervisor_of(host, process);
    dsi_event_emit(
        host, &(dynsup_event){.kind = kind,
                              .at_ns = host->now_ns,
                              .pid = process->slot.id,
                              .name = dsi_event_name(process),
                              .supervisor = supervisor ? supervisor->slot.id : 0,
                              .supervisor_name = supervisor ? dsi_event_name(supervisor) : NULL,
                              .reason = reason,
                              .is_supervisor = process->flags & DSI_FLAG_SUPERVISOR,
                              .is_registry = process->flags & DSI_FLAG_REGISTRY});
}
