/* The pump: what a host does between slices. */
#ifndef DSI_HOST_H
#define DSI_HOST_H

#include "supervisor.h"

/* Has the orderly end's last step been done, so that the next one can be? */
bool dsi_halt_is_due(const dynsup_host *host);

/* The next step of the orderly end, if it is due. */
void dsi_halt_advance(dynsup_host *host);

/* The halt's patience is over: what is left is killed. */
void dsi_halt_timeout(dynsup_host *host);

#endif
