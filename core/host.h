/* The pump: what a host does between slices. */
#ifndef DSI_HOST_H
#define DSI_HOST_H

#include "supervisor.h"

/* Fires timers that have expired, a bounded number; true when there may be more of them. */
bool dsi_host_fire_timers(dynsup_host *host);

/* Moves the clocks that are stepped on, each by a bounded number of timers. */
void dsi_host_step_clocks(dynsup_host *host);

/* Has the orderly end's last step been done, so that the next one can be? */
bool dsi_halt_is_due(const dynsup_host *host);

/* The next step of the orderly end, if it is due. */
void dsi_halt_advance(dynsup_host *host);

/* The halt's patience is over: what is left is killed. */
void dsi_halt_timeout(dynsup_host *host);

#endif
