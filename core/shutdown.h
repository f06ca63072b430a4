/* Shutdown: how a supervisor stops its children and ends. */
#ifndef DSI_SHUTDOWN_H
#define DSI_SHUTDOWN_H

#include "supervisor.h"

/* Begins the supervisor's end: its children are asked to stop; when the last one is gone, the
 * process exits with the reason (copied). */
void dsi_shutdown_begin(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Ends the supervisor's process if it is STOPPING and no child is left. */
void dsi_shutdown_finish(dsi_supervisor *supervisor);

/* Asks one child to stop, by its shutdown mode. */
void dsi_shutdown_child(dsi_supervisor *supervisor, dsi_child *child);

#endif
