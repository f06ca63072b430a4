/* Dynamic supervisors: children without an order, each handled by itself. */
#ifndef DSI_DYNAMIC_H
#define DSI_DYNAMIC_H

#include "supervisor.h"

/* The process that a start function named becomes the child's. If it was another child of the same
 * supervisor, this record replaces that one, as in a map of children by pid; a process that
 * is gone already has its exit handled now. */
void dsi_dynamic_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid,
                       enum dynsup_event_kind how);

#endif
