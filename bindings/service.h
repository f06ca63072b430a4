/* What a service manager is notified of: that a run is up, and that it ends. */
#ifndef DSL_SERVICE_H
#define DSL_SERVICE_H

#include "bindings/host.h"

/* Main is ready: notifies the service manager, once. */
void dsl_service_ready(dsl_host *host);

/* After a step: notifies it, once, if the orderly end has begun. */
void dsl_service_look(dsl_host *host);

#endif
