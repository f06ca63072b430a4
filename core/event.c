/* Events of processes: every step in their life, told to who wants to know. */
#include "event.h"

#include "process.h"

const char *dsi_event_name(const dsi_process *process) {
    return process->extra && process->extra->name ? process->extra->name->text : NULL;
}

void dsi_event_emit(dynsup_host *host, const dynsup_event *event) {
    host->config.on_event(host->config.event_ud, event);
}

void dsi_event_process(dynsup_host *host, enum dynsup_event_kind kind, const dsi_process *process,
                       const dynsup_reason *reason) {
    if (!dsi_wants(host, kind))
        return;
    dsi_event_emit(host, &(dynsup_event){.kind = kind,
                                         .at_ns = host->now_ns,
                                         .pid = process->slot.id,
                                         .name = dsi_event_name(process),
                                         .reason = reason,
                                         .is_supervisor = process->flags & DSI_FLAG_SUPERVISOR});
}
