/* Renewals: children that are restarted for new code. */
#ifndef DSI_RENEW_H
#define DSI_RENEW_H

#include "supervisor.h"

/* A request to renew a child has its turn. 0: a later incarnation than the one named has begun, or
 * (nobody waits) is on its way; DYNSUP_ENOT_FOUND; DYNSUP_ERESTARTING: it could not be started, and
 * is tried again as usual. Kept with DYNSUP_PENDING. */
int dsi_renew(dsi_supervisor *supervisor, dsi_request *request);

/* Something has happened to the child: requests to renew it that wait for it get another turn. */
void dsi_renew_reconsider(dsi_supervisor *supervisor, dsi_child *child);

#endif
