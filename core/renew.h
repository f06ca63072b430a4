/* Renewals: children that are restarted for new code. */
#ifndef DSI_RENEW_H
#define DSI_RENEW_H

#include "supervisor.h"

/* Handles a request to renew a child, at its turn. 0: a later incarnation than the one named has
 * begun, or (the caller does not wait) is on its way; DYNSUP_ENOT_FOUND; DYNSUP_ERESTARTING: it
 * could not be started, and is tried again as usual. With DYNSUP_PENDING the request is kept. */
int dsi_renew(dsi_supervisor *supervisor, dsi_request *request);

/* To be called when something has happened to the child: requests that wait to renew it get another
 * turn. */
void dsi_renew_reconsider(dsi_supervisor *supervisor, dsi_child *child);

#endif
