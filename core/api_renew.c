/* The public functions for new code: which children there are, and their renewal. */
#include "request.h"

/* Finds the supervisor of the child; 0, or why there is none to ask. */
static int supervisor_of(const dynsup_host *host, dynsup_ref ref, bool may_wait,
                         dsi_supervisor **supervisor_out) {
    const dsi_child *child = dsi_slots_find(&host->children, ref);
    dsi_supervisor *supervisor = child ? child->supervisor : NULL;
    if (!supervisor || !dsi_process_alive(supervisor->process) ||
        supervisor->state == DSI_SUPERVISOR_STOPPING || child->restart == DYNSUP_TEMPORARY)
        return DYNSUP_ENOT_FOUND;
    *supervisor_out = supervisor;
    bool asks_itself = may_wait ? dsi_request_asks_itself(host, supervisor->process)
                                : supervisor->process == host->current;
    return asks_itself ? DYNSUP_ECALLS_ITSELF : 0;
}

int dynsup_renew_child(dynsup_host *host, dynsup_ref child, uint32_t incarnation, bool may_wait,
                       dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    *reply = (dynsup_reply){0};
    int status = supervisor_of(host, child, may_wait, &supervisor);
    if (status)
        return reply->status = status;
    dsi_request *request =
        dsi_request_new(host, DSI_PARKED_RENEW, supervisor->process->slot.id, NULL, 0);
    if (!request)
        return reply->status = DYNSUP_ENOMEM;
    request->ref = child;
    request->incarnation = incarnation;
    request->caller = may_wait ? request->caller : 0;
    reply->key = request->key;
    dsi_supervisor_park(supervisor, &request->parked);
    return reply->status = may_wait ? DYNSUP_PENDING : 0;
}

bool dynsup_child_to_be(const dynsup_host *host, dynsup_pid pid, dynsup_child_info *info_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    const dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    const dsi_child *child = supervisor ? supervisor->guest_child : NULL;
    if (!child || dsi_node_linked(&child->node))
        return false;
    dsi_child_inspect(child, info_out);
    return true;
}

dynsup_pid dynsup_supervisor_next(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find(host, pid);
    const dsi_supervisor *before = process ? dsi_supervisor_of(process) : NULL;
    dsi_node *node = before ? dsi_list_next(&host->supervisors, &before->node)
                            : dsi_list_first(&host->supervisors);
    if (!node || (pid && !before))
        return 0;
    return dsi_item(node, dsi_supervisor, node)->process->slot.id;
}
