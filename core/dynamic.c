/*
 * The policy of dynamic supervisors: children are independent of one another.
 *
 * What all policies share is in life.c; how a child is started for the first time is in start.c.
 */
#include "dynamic.h"

#include "child_event.h"
#include "incarnation.h"
#include "life.h"
#include "request.h"
#include "start.h"

#include <assert.h>

/* Answers the request for the child's start, which has waited for it to be ready. */
static void start_told(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    dsi_request *request = child->extra->starting;
    child->extra->starting = NULL;
    dsi_request_reply(supervisor->host, request, reply);
}

/* Removes the earlier record, if any, of the process at this supervisor. */
static void replace(dsi_supervisor *supervisor, dsi_child *older, dsi_process *process) {
    if (!older)
        return;
    dsi_child_detach(older, process);
    supervisor->active--;
    if (older->extra && older->extra->starting)
        start_told(supervisor, older,
                   &(dynsup_reply){.status = DYNSUP_EALREADY_STARTED, .pid = older->pid});
    dsi_life_remove(supervisor, older);
}

static bool is_awaited(const dsi_child *child) {
    return child->extra && child->extra->starting;
}

/* A child that is stopped before it is ready, after its caller has ended, ends like any other. */
static void forget_start(dsi_supervisor *supervisor, dsi_child *child) {
    bool is_stopped =
        is_awaited(child) && child->state == DSI_CHILD_STOPPING && !child->extra->timed_out;
    if (is_stopped && dsi_request_is_left(supervisor->host, child->extra->starting))
        start_told(supervisor, child, &(dynsup_reply){.status = DYNSUP_ENOPROC});
}

static void dynamic_exited(dsi_supervisor *supervisor, dsi_child *child,
                           const dynsup_reason *reason) {
    forget_start(supervisor, child);
    dsi_life_exited(supervisor, child, reason, is_awaited(child));
}

void dsi_dynamic_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid,
                       enum dynsup_event_kind how) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_process_find(host, pid);
    child->pid = pid;
    child->state = DSI_CHILD_RUNNING;
    child->incarnation++;
    supervisor->active++;
    dsi_event_child(host, how, child, NULL);
    if (process && process->state != DSI_PROCESS_ENDED) {
        replace(supervisor, dsi_child_of(process, supervisor), process);
        dsi_child_attach(child, process);
        dsi_life_tell_running(supervisor, child);
        return;
    }
    dynsup_reason reason =
        process ? dsi_reason_copy(host, &process->reason) : dsi_incarnation_stray(supervisor, pid);
    dynamic_exited(supervisor, child, &reason);
    dsi_reason_release(host, &reason);
}

/* Is the end of a child before it is ready no failure, or told to whoever waits for it? */
static bool is_no_error(const dsi_supervisor *supervisor, const dsi_child *child,
                        const dynsup_reason *reason) {
    bool failed = child->extra->timed_out || dsi_lifecycle_reported(child->restart, reason->kind);
    return !failed || !dsi_request_is_left(supervisor->host, child->extra->starting);
}

static void refuse_start(dsi_supervisor *supervisor, dsi_child *child,
                         const dynsup_reason *reason) {
    assert(reason && "only an exit refuses a start");
    dynsup_reply reply = {.status = DYNSUP_EREASON};
    reply.values[0] = dsi_value_copy(supervisor->host, reason->value);
    if (child->extra->timed_out) {
        dsi_value_release(supervisor->host, &reply.values[0]);
        reply.status = DYNSUP_ETIMEOUT;
    }
    dsi_event_not_started(supervisor->host, child, &reply, is_no_error(supervisor, child, reason));
    start_told(supervisor, child, &reply);
    dsi_life_remove(supervisor, child);
}

static void dynamic_end(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    if (is_awaited(child))
        refuse_start(supervisor, child, reason);
    else
        dsi_life_remove(supervisor, child);
}

static void dynamic_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    dynsup_reply reply = {.pid = child->pid, .values[0] = *info};
    start_told(supervisor, child, &reply);
    dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_STARTED, child, NULL);
    dsi_life_event(supervisor, child, DSI_ON_READY, NULL);
}

static void restart_done(dsi_supervisor *supervisor, dsi_child *child, dynsup_outcome *outcome) {
    if (outcome->status == 0)
        dsi_dynamic_adopt(supervisor, child, outcome->pid, DYNSUP_EVENT_CHILD_RESTARTED);
    else
        dsi_life_attempt_failed(supervisor, child, outcome);
    dsi_value_release(supervisor->host, &outcome->values[0]);
    dsi_value_release(supervisor->host, &outcome->values[1]);
}

static void dynamic_guest_done(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                               dynsup_outcome *outcome) {
    if (request)
        dsi_dynamic_first_start_done(supervisor, child, request, outcome);
    else
        restart_done(supervisor, child, outcome);
}

/* Asks all children to stop at once; each then has its own shutdown time. */
static void dynamic_stop(dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_first(&supervisor->children);
    while (node) {
        dsi_node *next = dsi_list_next(&supervisor->children, node);
        dsi_life_event(supervisor, dsi_child_of_node(node), DSI_ON_TERMINATE, NULL);
        node = next;
    }
}

/* ---- terminate_child ---- */

static int dynamic_terminate(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = dsi_life_find(supervisor, request->pid, request->name, request->name_length);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    if (dsi_child_is_down(child)) {
        dsi_life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
        return 0;
    }
    if (!request->caller)
        return DYNSUP_EWOULD_WAIT;
    dsi_child_extra *extra = dsi_child_extra_get(supervisor->host, child);
    if (!extra)
        return DYNSUP_ENOMEM;
    request->target = child->pid;
    dsi_list_append(&extra->waiters, &request->parked.node);
    dsi_life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
    return DYNSUP_PENDING;
}

/* ---- restart_child ---- */

/* The answer comes when the attempt has succeeded or failed: at once, except with a start function.
 */
static int dynamic_change(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = dsi_life_find(supervisor, request->pid, request->name, request->name_length);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    if (child->state != DSI_CHILD_FAILED)
        return child->state == DSI_CHILD_RESTARTING ? DYNSUP_ERESTARTING : DYNSUP_ERUNNING;
    request->target = supervisor->process->slot.id;
    dsi_list_append(&child->extra->waiters, &request->parked.node);
    dsi_life_forgive(child);
    dsi_life_event(supervisor, child, DSI_ON_REVIVE, NULL);
    return DYNSUP_PENDING;
}

const dsi_policy dsi_dynamic_policy = {
    .attempt = dsi_life_attempt,
    .child_removed = dynamic_end,
    .child_exited = dynamic_exited,
    .child_ready = dynamic_ready,
    .guest_done = dynamic_guest_done,
    .supervisor_stop = dynamic_stop,
    .start = dsi_dynamic_start,
    .terminate = dynamic_terminate,
    .change = dynamic_change,
};
