/* Prefetching: loads into the cache what the next of many processes will touch. */
#ifndef DSI_AHEAD_H
#define DSI_AHEAD_H

#include "host.h"

/* Are there so many processes that what they touch is no longer in any cache? */
bool dsi_ahead_helps(const dynsup_host *host);

/* Prefetches for the processes of this list (ready or doomed) from this node on; to be called
 * before each process has its slice or its end. NULL: none is left. */
void dsi_ahead_fetch(const dynsup_host *host, const dsi_list *list, const dsi_node *from);

#endif
