/*
 * Renewals: children that are restarted for new code, on request.
 *
 * Design notes.
 * A renewal is a harmless restart: it does not count, has no delay, and leaves siblings alone. The
 * request names the incarnation that is to be replaced, so repeating it does no harm, and a caller
 * that has asked for many renewals can then wait for one after the other.
 * A child that has ended by itself is not renewed: its restart type, its reason and its limits say
 * what becomes of it, as without a request.
 * A request that waits for the child (in its waiters) gets another turn whenever something has
 * happened to the child, and then looks at its state.
 */
#include "renew.h"

#include "child_event.h"
#include "life.h"
#include "request.h"

void dsi_renew_reconsider(dsi_supervisor *supervisor, dsi_child *child) {
    if (!child->extra)
        return;
    dsi_node *node = dsi_list_first(&child->extra->waiters);
    while (node) {
        dsi_node *next = dsi_list_next(&child->extra->waiters, node);
        dsi_request *request = dsi_item(node, dsi_request, parked.node);
        if (request->parked.kind == DSI_PARKED_RENEW) {
            request->target = supervisor->process->slot.id;
            dsi_node_remove(node);
            dsi_list_append(&supervisor->parked, node);
            dsi_supervisor_wake(supervisor);
        }
        node = next;
    }
}

/* Lets the request wait for the child's next change. */
static int await(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request) {
    dsi_child_extra *extra = dsi_child_extra_get(supervisor->host, child);
    if (!extra)
        return DYNSUP_ENOMEM;
    request->target = child->pid;
    dsi_list_append(&extra->waiters, &request->parked.node);
    return DYNSUP_PENDING;
}

/* The same, if the request has a caller that waits. */
static int await_for(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request) {
    return request->caller ? await(supervisor, child, request) : 0;
}

/* Is its process about to end? Then that decides what becomes of it. */
static bool is_ending(const dsi_supervisor *supervisor, const dsi_child *child) {
    const dsi_process *process = dsi_child_process(supervisor->host, child);
    return !process || !dsi_process_alive(process);
}

static int renew_running(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request) {
    int status = await_for(supervisor, child, request);
    request->has_waited = true;
    if (status >= 0 && !is_ending(supervisor, child))
        dsi_life_event(supervisor, child, DSI_ON_RENEW, NULL);
    return status;
}

/* Handles a request for a RESTARTING child. With a caller: DYNSUP_ERESTARTING when the next attempt
 * is delayed, or one has failed since the request waits. Without a caller: a delayed attempt begins
 * now. */
static int renew_restarting(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request) {
    dsi_child_extra *extra = child->extra;
    bool delayed = extra && dsi_timer_started(&extra->timer);
    if (request->caller && (delayed || request->has_waited))
        return DYNSUP_ERESTARTING;
    if (delayed) {
        dsi_child_timer_stop(child);
        dsi_life_timer(supervisor, child);
    }
    request->has_waited = true;
    return await_for(supervisor, child, request);
}

/* The child to be renewed, or NULL. If it has ended by itself and that waits for its turn, the end
 * is handled first. */
static dsi_child *child_of(dsi_supervisor *supervisor, const dsi_request *request) {
    dsi_slots *children = &supervisor->host->children;
    dsi_child *child = dsi_slots_find(children, request->ref);
    if (!child || child->state != DSI_CHILD_RUNNING || !dsi_node_linked(&child->parked.node))
        return child;
    dsi_supervisor_take_exit(supervisor, child);
    return dsi_slots_find(children, request->ref);
}

/* Parks the request again, if it has a caller: handling the child's end has begun something that
 * decides. */
static int put_off(dsi_supervisor *supervisor, dsi_request *request) {
    if (!request->caller)
        return 0;
    request->target = supervisor->process->slot.id;
    dsi_list_append(&supervisor->parked, &request->parked.node);
    return DYNSUP_PENDING;
}

int dsi_renew(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = child_of(supervisor, request);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    if (child->incarnation > request->incarnation)
        return 0;
    if (supervisor->occupied || supervisor->has_guest)
        return put_off(supervisor, request);
    switch ((enum dsi_child_state)child->state) {
    case DSI_CHILD_STARTING:
        return await(supervisor, child, request);
    case DSI_CHILD_RUNNING:
        return renew_running(supervisor, child, request);
    case DSI_CHILD_RENEWING:
        request->has_waited = true;
        return await_for(supervisor, child, request);
    case DSI_CHILD_RESTARTING:
        return renew_restarting(supervisor, child, request);
    default:
        return DYNSUP_ENOT_FOUND;
    }
}
