/* Fetches into the cache what the next of many processes will touch. */
#ifndef DSI_AHEAD_H
#define DSI_AHEAD_H

#include "host.h"

/* Are there so many that what they touch is in no cache any more? */
bool dsi_ahead_helps(const dynsup_host *host);

/* For processes of this list, ready or doomed, from this place on, which are next: to be called
 * before each of them has its slice or its end. NULL: none is left. */
void dsi_ahead_fetch(const dynsup_host *host, const dsi_list *list, const dsi_node *from);

#endif
