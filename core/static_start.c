/* Starts: how a static supervisor starts one child, and what becomes of the job if it fails. */
#include "static.h"

#include "child_event.h"
#include "guest.h"
#include "incarnation.h"
#include "life.h"
#include "limits.h"
#include "registry.h"
#include "request.h"
#include "saved.h"

#include <assert.h>

/* ---- outcomes ---- */

static void started(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    bool again = child->incarnation > 1;
    child->state = DSI_CHILD_RUNNING;
    dsi_static_weigh(supervisor, child, true);
    dsi_event_child(supervisor->host,
                    again ? DYNSUP_EVENT_CHILD_RESTARTED : DYNSUP_EVENT_CHILD_STARTED, child, NULL);
    dsi_life_tell_running(supervisor, child);
    dynsup_reply reply = {.pid = child->pid, .values[0] = *info};
    if (supervisor->order->job == DSI_JOB_START)
        dsi_static_tell(supervisor, &reply);
    else
        dsi_reply_release(supervisor->host, &reply);
}

/* Handles a start function that asked to be ignored: only the spec stays. */
static void ignored(dsi_supervisor *supervisor, dsi_child *child) {
    if (supervisor->order->job == DSI_JOB_START)
        dsi_static_tell(supervisor, &(dynsup_reply){.status = DYNSUP_EIGNORE});
    dsi_static_put_down(supervisor, child);
}

/* Handles a failed start of the whole supervisor: the children that run already are stopped. The
 * reply changes hands. */
static void init_failed(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    dynsup_draft *order = supervisor->order;
    dynsup_reason reason = dsi_reply_reason(reply);
    dsi_event_not_started(supervisor->host, child, reply, supervisor->aborts);
    order->failure = (dynsup_reply){.status = DYNSUP_EFAILED_TO_START};
    order->failure.values[0] = reason.value;
    order->failure.values[1] = reply->values[1];
    if (reply->status == DYNSUP_EALREADY_STARTED && reply->pid)
        order->failure.values[1] = dsi_value_id(reply->pid);
    order->failure.values[2] = dsi_value_copy(supervisor->host, dsi_child_id(child));
    order->at = child;
    order->starts = false;
}

/* Handles a restart of a group that has failed at this child: it is tried again from here. */
static void group_failed(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    supervisor->order->at = NULL;
    supervisor->order->blocked_at = child;
    child->state = DSI_CHILD_RESTARTING;
    dsi_static_weigh(supervisor, child, true);
    dsi_life_not_started(supervisor, child, reply);
    dsi_reply_release(supervisor->host, reply);
}

static void start_failed(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    bool is_failure = !supervisor->aborts && !supervisor->order->ended_well;
    bool is_told =
        !is_failure || !dsi_request_is_left(supervisor->host, supervisor->order->request);
    dsi_static_drop_body(supervisor->order);
    dsi_event_not_started(supervisor->host, child, reply, is_told);
    dsi_static_tell(supervisor, reply);
    if (supervisor->order->is_new) {
        dsi_static_forget(supervisor, child);
        return;
    }
    bool stays_failed = supervisor->order->revives;
    dsi_static_put_down(supervisor, child);
    if (stays_failed) {
        child->state = DSI_CHILD_FAILED;
        dsi_static_weigh(supervisor, child, true); /* requests that wait for it still do */
    }
}

/* Handles a failed start. The reply, which changes hands, says why. */
static void failed(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    child->state = DSI_CHILD_GONE;
    if (supervisor->order->job == DSI_JOB_INIT)
        init_failed(supervisor, child, reply);
    else if (supervisor->order->job == DSI_JOB_GROUP)
        group_failed(supervisor, child, reply);
    else
        start_failed(supervisor, child, reply);
}

/* The same; reason is used only with DYNSUP_EREASON, and required then. */
static void failed_with(dsi_supervisor *supervisor, dsi_child *child, int status,
                        const dynsup_value *reason) {
    dynsup_reply reply = {.status = status};
    assert(status != DYNSUP_EREASON || reason);
    if (status == DYNSUP_EREASON)
        reply.values[0] = *reason;
    failed(supervisor, child, &reply);
}

/* ---- the start ---- */

/* Takes the name that the child wants, once. 0, DYNSUP_ENOMEM, DYNSUP_EUNKNOWN_REGISTRY, or
 * DYNSUP_EALREADY_STARTED. */
static int take_name(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid *holder_out) {
    const dsi_child_extra *extra = child->extra;
    if (!extra || !extra->wanted || child->name)
        return 0;
    const dsi_name *taken = dsi_name_find(supervisor->host, extra->wanted, extra->wanted_length);
    if (!taken)
        return dsi_incarnation_name(supervisor, child, extra->wanted, extra->wanted_length);
    *holder_out = taken->process ? taken->process->slot.id : 0;
    return DYNSUP_EALREADY_STARTED;
}

static int take_body(dsi_supervisor *supervisor, const dsi_child *child,
                     const dynsup_body_ops **ops, void **body, dynsup_reason *reason) {
    dynsup_draft *order = supervisor->order;
    *ops = order->body_ops;
    *body = order->body;
    order->body = NULL;
    return *body ? 0 : dsi_incarnation_body(supervisor, child, ops, body, reason);
}

static void begin(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                  void *body) {
    if (child->guest) {
        dsi_guest_begin(supervisor, ops, body, child, NULL);
        return;
    }
    int status = dsi_incarnation_begin(supervisor, child, ops, body);
    if (status) {
        ops->fini(body);
        failed_with(supervisor, child, status, NULL);
        return;
    }
    if (child->extra && child->extra->ready) {
        child->state = DSI_CHILD_STARTING;
        child->extra->timed_out = false;
        supervisor->awaited = child;
        return;
    }
    dynsup_value none = dsi_value_nil();
    started(supervisor, child, &none);
}

void dsi_static_start_one(dsi_supervisor *supervisor, dsi_child *child) {
    const dynsup_body_ops *ops;
    void *body;
    dynsup_reason reason = {0};
    dynsup_reply reply = {0};
    reply.status = dsi_limits_inherit(supervisor, child) ? take_name(supervisor, child, &reply.pid)
                                                         : DYNSUP_ENOMEM;
    if (reply.status) {
        failed(supervisor, child, &reply);
        return;
    }
    int status = take_body(supervisor, child, &ops, &body, &reason);
    if (status)
        failed_with(supervisor, child, status, &reason.value);
    else
        begin(supervisor, child, ops, body);
}

/* ---- how a start ends ---- */

int dsi_static_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_process_find(host, pid);
    bool is_there = process && process->state != DSI_PROCESS_ENDED;
    if (is_there && dsi_child_of(process, supervisor))
        return DYNSUP_EALREADY_STARTED;
    child->pid = pid;
    child->incarnation++;
    supervisor->active++;
    if (is_there) {
        dsi_child_attach(child, process);
        return 0;
    }
    child->extra->late =
        process ? dsi_reason_copy(host, &process->reason) : dsi_incarnation_stray(supervisor, pid);
    child->parked.kind = DSI_PARKED_LATE;
    dsi_list_append(&supervisor->parked, &child->parked.node);
    return 0;
}

/* The reply for what the start function has returned. If the process is another child's, the info
 * is dropped. */
static dynsup_reply reply_of(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_outcome *outcome) {
    dynsup_reply reply = {.status = outcome->status, .pid = outcome->pid};
    reply.values[0] = outcome->values[0];
    reply.values[1] = outcome->values[1];
    if (reply.status == 0 && dsi_static_adopt(supervisor, child, outcome->pid)) {
        dsi_reply_release(supervisor->host, &reply);
        reply = (dynsup_reply){.status = DYNSUP_EALREADY_STARTED, .pid = outcome->pid};
    }
    return reply;
}

void dsi_static_start_done(dsi_supervisor *supervisor, dsi_child *child, dynsup_outcome *outcome) {
    dynsup_reply reply = reply_of(supervisor, child, outcome);
    if (reply.status == 0) {
        dsi_value_release(supervisor->host, &reply.values[1]);
        started(supervisor, child, &reply.values[0]);
    } else if (reply.status == DYNSUP_EIGNORE) {
        ignored(supervisor, child);
    } else {
        dynsup_reason reason = dsi_reply_reason(&reply);
        dsi_saved_ended(supervisor->host, child, &reason, true);
        failed(supervisor, child, &reply);
    }
}

void dsi_static_start_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    dsi_life_event(supervisor, child, DSI_ON_READY, NULL);
    started(supervisor, child, info);
}

void dsi_static_start_ended(dsi_supervisor *supervisor, dsi_child *child,
                            const dynsup_reason *reason) {
    assert(reason && "only an exit ends a start");
    dynsup_value value = dsi_value_nil();
    bool timed_out = child->extra->timed_out;
    if (!timed_out)
        value = dsi_value_copy(supervisor->host, reason->value);
    supervisor->order->ended_well =
        !timed_out && !dsi_lifecycle_reported(child->restart, reason->kind);
    failed_with(supervisor, child, timed_out ? DYNSUP_ETIMEOUT : DYNSUP_EREASON, &value);
}
