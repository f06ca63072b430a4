/* What a service manager is notified of: that a run is up, and that it ends. */
#include "bindings/service.h"

#include "bindings/binding.h"

void dsl_service_ready(dsl_host *host) {
    const dynsup_lua_service *service = host->config->service;
    if (!service || host->service_ready)
        return;
    host->service_ready = true;
    service->on_ready(service->ud);
}

void dsl_service_look(dsl_host *host) {
    const dynsup_lua_service *service = host->config->service;
    if (!service || host->service_stopping || !dynsup_host_halting(host->core))
        return;
    host->service_stopping = true;
    service->on_stopping(service->ud);
}
