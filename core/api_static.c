/* The public functions for static supervisors. */
#include "static.h"

#include "request.h"

#include <assert.h>

static int start_refuse(dynsup_host *host, dsi_request *request, dynsup_draft *draft, int status) {
    if (request)
        dsi_request_free(host, request);
    dynsup_draft_free(draft);
    return status;
}

int dynsup_static_start(dynsup_host *host, const dynsup_supervisor_options *options,
                        dynsup_draft *draft, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    *reply = (dynsup_reply){0};
    dsi_request *request = dsi_request_new(host, DSI_PARKED_START, 0, NULL, 0);
    int status =
        request ? dsi_supervisor_new(host, options, &supervisor, &reply->pid) : DYNSUP_ENOMEM;
    if (status)
        return reply->status = start_refuse(host, request, draft, status);
    request->target = reply->pid;
    reply->key = request->key;
    dsi_static_configure(supervisor, options, draft);
    dsi_static_init(supervisor, request);
    dsi_supervisor_wake(supervisor); /* begins in its own slice: the caller does not wait yet */
    return reply->status = DYNSUP_PENDING;
}

static dsi_supervisor *supervisor_of(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    return process ? dsi_supervisor_of(process) : NULL;
}

void dynsup_static_configure(dynsup_host *host, const dynsup_supervisor_options *options,
                             dynsup_draft *draft) {
    dsi_supervisor *supervisor = dsi_supervisor_of(host->current);
    assert(supervisor && supervisor->state == DSI_SUPERVISOR_INIT);
    dsi_static_configure(supervisor, options, draft);
}

bool dynsup_static_is(const dynsup_host *host, dynsup_pid pid,
                      enum dynsup_auto_shutdown *auto_shutdown_out) {
    const dsi_supervisor *supervisor = supervisor_of(host, pid);
    if (!supervisor || !dsi_supervisor_is_static(supervisor))
        return false;
    *auto_shutdown_out = supervisor->order->auto_shutdown;
    return true;
}
