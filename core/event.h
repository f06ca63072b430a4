/* Events: every step in the life of processes and children, told to who wants to know. */
#ifndef DSI_EVENT_H
#define DSI_EVENT_H

#include "child.h"
#include "process.h"

/* Each costs one test of a bit when nobody wants the event. */

void dsi_event_process(dynsup_host *host, enum dynsup_event_kind kind, const dsi_process *process,
                       const dynsup_reason *reason);

void dsi_event_child(dynsup_host *host, enum dynsup_event_kind kind, const dsi_child *child,
                     const dynsup_reason *reason);

/* A child's restart is put off. */
void dsi_event_delayed(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t delay_ns);

/* A start was refused with this status. */
void dsi_event_refused(dynsup_host *host, const dsi_child *child, int status,
                       const dynsup_reason *reason);

#endif
