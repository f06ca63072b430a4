/* Events of processes: every step in their life, emitted to observers. */
#ifndef DSI_EVENT_H
#define DSI_EVENT_H

#include "state.h"

/* Costs one test of a bit when nobody wants the event. */
void dsi_event_process(dynsup_host *host, enum dynsup_event_kind kind, const dsi_process *process,
                       const dynsup_reason *reason);

/* The process's name as events show it, or NULL. */
const char *dsi_event_name(const dsi_process *process);

/* Emits an event that is wanted. */
void dsi_event_emit(dynsup_host *host, const dynsup_event *event);

#endif
