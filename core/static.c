/* Static supervisors: their jobs, one at a time, and their policy. */
#include "static.h"

#include "child_event.h"
#include "life.h"
#include "renew.h"
#include "request.h"
#include "shutdown.h"
#include "tiny.h"

#include <assert.h>

/* How many children are started or stopped in one slice; then other processes have their turn. */
#define STEPS_A_GO DSI_TINY(64, 2)

/* ---- small things ---- */

void dsi_static_weigh(dsi_supervisor *supervisor, dsi_child *child, bool weighs) {
    if (!child->significant || child->weighs == weighs)
        return;
    child->weighs = weighs;
    supervisor->order->weight += weighs ? 1 : (size_t)-1;
}

/* Answers requests that wait for the child to run (ensure): it will not. */
static void tell_down(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_renew_reconsider(supervisor, child);
    if (child->extra)
        dsi_requests_status(supervisor->host, &child->extra->waiters, DYNSUP_EALREADY_PRESENT);
}

void dsi_static_put_down(dsi_supervisor *supervisor, dsi_child *child) {
    child->state = DSI_CHILD_GONE;
    if (supervisor->order->blocked_at == child)
        supervisor->order->blocked_at = NULL;
    dsi_static_weigh(supervisor, child, false);
    dsi_node_remove(&child->parked.node);
    child->parked.kind = DSI_PARKED_CHILD;
    if (child->extra)
        dsi_child_timer_stop(child);
    if (child->restart != DYNSUP_TEMPORARY && supervisor->state != DSI_SUPERVISOR_STOPPING) {
        tell_down(supervisor, child);
        return;
    }
    dsi_child_index_remove(&supervisor->order->ids, child);
    dsi_life_remove(supervisor, child);
}

void dsi_static_tell(dsi_supervisor *supervisor, dynsup_reply *reply) {
    dsi_request *request = supervisor->order->request;
    supervisor->order->request = NULL;
    if (request)
        dsi_request_reply(supervisor->host, request, reply);
    else
        dsi_reply_release(supervisor->host, reply);
}

/* ---- jobs ---- */

static dsi_child *child_first(const dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_first(&supervisor->children);
    return node ? dsi_child_of_node(node) : NULL;
}

static dsi_child *child_last(const dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_last(&supervisor->children);
    return node ? dsi_child_of_node(node) : NULL;
}

static dsi_child *child_before(const dsi_supervisor *supervisor, const dsi_child *child) {
    bool is_first = child->node.prev == &supervisor->children.head;
    return is_first || child == supervisor->order->first ? NULL
                                                         : dsi_child_of_node(child->node.prev);
}

static dsi_child *child_after(const dsi_supervisor *supervisor, dsi_child *child) {
    dsi_node *node = dsi_list_next(&supervisor->children, &child->node);
    return node ? dsi_child_of_node(node) : NULL;
}

void dsi_static_job(dsi_supervisor *supervisor, enum dsi_job job, bool starts, dsi_child *at) {
    supervisor->occupied = true;
    supervisor->awaited = NULL;
    supervisor->order->job = job;
    supervisor->order->starts = starts;
    supervisor->order->revives = false;
    supervisor->order->ended_well = false;
    if (job == DSI_JOB_GROUP || job == DSI_JOB_STOP)
        supervisor->order->blocked_at = NULL;
    supervisor->order->first = job == DSI_JOB_TERMINATE || job == DSI_JOB_START ? at : NULL;
    supervisor->order->at = at;
}

void dsi_static_drop_body(dynsup_draft *order) {
    if (order->body)
        order->body_ops->fini(order->body);
    order->body = NULL;
}

/* Ends the job: what is parked may go on. */
static void job_done(dsi_supervisor *supervisor) {
    supervisor->order->job = DSI_JOB_NONE;
    supervisor->order->first = supervisor->order->at = NULL;
    supervisor->occupied = false;
    bool idle = dsi_list_empty(&supervisor->parked) && dsi_list_empty(&supervisor->retries);
    if (!idle)
        dsi_supervisor_wake(supervisor);
}

/* Stops a child whose process has already ended by itself: handles its exit, which was parked. */
static void stop_ended(dsi_supervisor *supervisor, dsi_child *child) {
    child->state = DSI_CHILD_STOPPING;
    child->ended_before = false;
    dsi_supervisor_take_exit(supervisor, child);
}

/* Stops a running child. Its end is judged as that of a child that was asked to stop. */
static void stop_running(dsi_supervisor *supervisor, dsi_child *child) {
    supervisor->awaited = child;
    dsi_life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
    child->ended_before = false;
}

/* Does the job skip the child? A FAILED child is not part of a group. */
static bool is_left_alone(const dsi_supervisor *supervisor, const dsi_child *child) {
    return child->state == DSI_CHILD_FAILED && supervisor->order->job == DSI_JOB_GROUP;
}

static void stop_one(dsi_supervisor *supervisor, dsi_child *child) {
    supervisor->order->at = child_before(supervisor, child);
    if (is_left_alone(supervisor, child))
        return;
    if (child->state == DSI_CHILD_RESTARTING || child->state == DSI_CHILD_FAILED) {
        dsi_life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
    } else if (child->state == DSI_CHILD_GONE) {
        if (supervisor->state == DSI_SUPERVISOR_STOPPING)
            dsi_static_put_down(supervisor, child);
    } else if (dsi_node_linked(&child->parked.node)) {
        stop_ended(supervisor, child);
    } else {
        stop_running(supervisor, child);
    }
}

static void start_one(dsi_supervisor *supervisor, dsi_child *child) {
    bool alone = supervisor->order->job == DSI_JOB_START;
    supervisor->order->at = alone ? NULL : child_after(supervisor, child);
    if (alone || child->state == DSI_CHILD_GONE)
        dsi_static_start_one(supervisor, child);
}

/* Ends the supervisor when all children that had been started are stopped again; its starter gets
 * no signal. */
static void init_failed(dsi_supervisor *supervisor) {
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    supervisor->state = DSI_SUPERVISOR_STOPPING;
    dsi_supervisor_leave_parent(supervisor);
    dsi_process_doom(supervisor->host, supervisor->process, &shutdown);
    dsi_static_tell(supervisor, &supervisor->order->failure);
    job_done(supervisor);
}

static void stops_done(dsi_supervisor *supervisor) {
    dynsup_draft *order = supervisor->order;
    if (order->job == DSI_JOB_GROUP) {
        order->starts = true;
        order->at = order->first ? order->first : child_first(supervisor);
    } else if (order->job == DSI_JOB_INIT) {
        init_failed(supervisor);
    } else {
        dsi_static_tell(supervisor, &(dynsup_reply){0});
        job_done(supervisor);
    }
}

static void starts_done(dsi_supervisor *supervisor) {
    if (supervisor->order->job == DSI_JOB_INIT)
        dsi_static_tell(supervisor, &(dynsup_reply){.pid = supervisor->process->slot.id});
    job_done(supervisor);
}

static void part_done(dsi_supervisor *supervisor) {
    if (supervisor->order->starts)
        starts_done(supervisor);
    else
        stops_done(supervisor);
}

static void go_on(dsi_supervisor *supervisor) {
    dynsup_draft *order = supervisor->order;
    if (!order->at)
        part_done(supervisor);
    else if (order->starts)
        start_one(supervisor, order->at);
    else
        stop_one(supervisor, order->at);
}

static bool can_go_on(const dsi_supervisor *supervisor) {
    return supervisor->occupied && !supervisor->awaited && !supervisor->has_guest &&
           dsi_process_alive(supervisor->process);
}

/* Is it another process's slice? A child that says that it is ready must not spend its time on
 * siblings. */
static bool is_in_foreign_slice(const dsi_supervisor *supervisor) {
    const dsi_process *current = supervisor->host->current;
    return current && current != supervisor->process;
}

void dsi_static_advance(dsi_supervisor *supervisor) {
    if (supervisor->order->advances)
        return;
    if (is_in_foreign_slice(supervisor)) {
        dsi_supervisor_wake(supervisor);
        return;
    }
    supervisor->order->advances = true;
    int left = STEPS_A_GO;
    do {
        if (supervisor->occupied && !supervisor->has_guest)
            dsi_supervisor_heed_parent(supervisor);
        if (can_go_on(supervisor))
            go_on(supervisor);
    } while (can_go_on(supervisor) && --left > 0);
    supervisor->order->advances = false;
    if (can_go_on(supervisor))
        dsi_supervisor_wake(supervisor);
}

/* ---- the policy ---- */

void dsi_static_init(dsi_supervisor *supervisor, dsi_request *request) {
    supervisor->order->request = request;
    dsi_static_job(supervisor, DSI_JOB_INIT, true, child_first(supervisor));
}

static void static_begin(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_static_init(supervisor, request);
    dsi_static_advance(supervisor);
}

static void static_attempt(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_draft *order = supervisor->order;
    if (order->strategy == DYNSUP_ONE_FOR_ONE) {
        dsi_life_attempt(supervisor, child);
        return;
    }
    dsi_static_job(supervisor, DSI_JOB_GROUP, false, child_last(supervisor));
    order->first = order->strategy == DYNSUP_REST_FOR_ONE ? child : NULL;
    dsi_static_advance(supervisor);
}

/* When a child has FAILED whose start blocked the restart of its group: starts those behind it. */
static void static_failed(dsi_supervisor *supervisor, dsi_child *child) {
    if (supervisor->order->blocked_at != child)
        return;
    dsi_static_job(supervisor, DSI_JOB_GROUP, true, child_after(supervisor, child));
    dsi_static_advance(supervisor);
}

static bool is_starting(const dsi_supervisor *supervisor, const dsi_child *child) {
    return supervisor->awaited == child && supervisor->order->starts;
}

static void static_end(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    bool starting = is_starting(supervisor, child);
    if (supervisor->awaited == child)
        supervisor->awaited = NULL;
    if (starting)
        dsi_static_start_ended(supervisor, child, reason);
    else
        dsi_static_put_down(supervisor, child);
}

/* Handles a significant child that has ended for good and by itself. */
static void significant_ended(dsi_supervisor *supervisor) {
    const dynsup_draft *order = supervisor->order;
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    if (order->auto_shutdown == DYNSUP_ANY_SIGNIFICANT ||
        (order->auto_shutdown == DYNSUP_ALL_SIGNIFICANT && order->weight == 0))
        dsi_shutdown_begin(supervisor, &shutdown);
}

static void static_exited(dsi_supervisor *supervisor, dsi_child *child,
                          const dynsup_reason *reason) {
    bool starting = is_starting(supervisor, child);
    bool for_good = child->state == DSI_CHILD_RUNNING &&
                    dsi_lifecycle_exit(child->restart, reason->kind) == DSI_ON_EXIT;
    bool significant = child->significant;
    dsi_life_exited(supervisor, child, reason, starting);
    if (for_good && significant)
        significant_ended(supervisor);
    dsi_static_advance(supervisor);
}

static void static_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    assert(is_starting(supervisor, child));
    supervisor->awaited = NULL;
    dsi_static_start_ready(supervisor, child, info);
    dsi_static_advance(supervisor);
}

/* Handles the outcome of a restart by one_for_one, which has no job. */
static void restart_done(dsi_supervisor *supervisor, dsi_child *child, dynsup_outcome *outcome) {
    if (outcome->status == 0 && dsi_static_adopt(supervisor, child, outcome->pid)) {
        outcome->status = DYNSUP_EALREADY_STARTED;
    } else if (outcome->status == 0) {
        dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_RESTARTED, child, NULL);
        dsi_life_event(supervisor, child, DSI_ON_STARTED, NULL);
    }
    if (outcome->status)
        dsi_life_attempt_failed(supervisor, child, outcome);
    dsi_value_release(supervisor->host, &outcome->values[0]);
    dsi_value_release(supervisor->host, &outcome->values[1]);
}

static void static_guest_done(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                              dynsup_outcome *outcome) {
    (void)request;
    assert(!request && "its requests are with the job");
    if (supervisor->occupied)
        dsi_static_start_done(supervisor, child, outcome);
    else
        restart_done(supervisor, child, outcome);
    dsi_static_advance(supervisor);
}

/* Refuses the requests that waited for the job, since the supervisor ends. */
static void requests_refuse(dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_first(&supervisor->parked);
    while (node) {
        dsi_node *next = dsi_list_next(&supervisor->parked, node);
        dsi_parked *parked = dsi_item(node, dsi_parked, node);
        dsi_request *request = dsi_item(parked, dsi_request, parked);
        if (parked->kind == DSI_PARKED_STOP) {
            dsi_node_remove(node);
            dsi_list_append(&supervisor->stop_waiters, node);
        } else if (parked->kind >= DSI_PARKED_START) {
            dsi_request_status(supervisor->host, request, DYNSUP_ENOPROC);
        }
        node = next;
    }
}

/* Cuts the job short, since the supervisor ends with this reason. */
static void job_cut(dsi_supervisor *supervisor, const dynsup_reason *reason) {
    dynsup_draft *order = supervisor->order;
    dynsup_reply reply = {.status = DYNSUP_ENOPROC};
    dsi_static_drop_body(order);
    if (order->job == DSI_JOB_INIT) {
        dsi_supervisor_leave_parent(supervisor);
        reply = order->failure;
        order->failure = (dynsup_reply){0};
    }
    if (order->job == DSI_JOB_INIT && reply.status == 0) {
        reply.status = DYNSUP_EREASON;
        reply.values[0] = dsi_value_copy(supervisor->host, reason->value);
    }
    dsi_static_tell(supervisor, &reply);
}

/* Cuts a child's start short: the child runs on until its turn to stop, and may still say that it
 * is ready. */
static void start_cut(dsi_supervisor *supervisor) {
    dsi_child *child = supervisor->awaited;
    if (child && child->state == DSI_CHILD_STARTING)
        child->state = DSI_CHILD_RUNNING;
}

static void static_stop(dsi_supervisor *supervisor) {
    start_cut(supervisor);
    job_cut(supervisor, &supervisor->reason);
    requests_refuse(supervisor);
    dsi_static_job(supervisor, DSI_JOB_STOP, false, child_last(supervisor));
    dsi_static_advance(supervisor);
}

static void static_ended(dsi_supervisor *supervisor) {
    job_cut(supervisor, &supervisor->process->reason);
    dynsup_draft_free(supervisor->order);
    supervisor->order = NULL;
}

const dsi_policy dsi_static_policy = {
    .newest_first = true,
    .attempt = static_attempt,
    .child_removed = static_end,
    .child_failed = static_failed,
    .child_exited = static_exited,
    .child_ready = static_ready,
    .guest_done = static_guest_done,
    .supervisor_stop = static_stop,
    .start = dsi_static_start,
    .terminate = dsi_static_terminate,
    .change = dsi_static_change,
    .supervisor_begin = static_begin,
    .resume = dsi_static_advance,
    .supervisor_closed = static_ended,
};
