/* The pump: what a host does between slices. */
#ifndef DSI_HOST_H
#define DSI_HOST_H

#include "supervisor.h"

/* One step of the orderly end, when its last one is done. */
void dsi_halt_advance(dynsup_host *host);

/* The halt's patience is over: what is left is killed. */
void dsi_halt_timeout(dynsup_host *host);

#endif
