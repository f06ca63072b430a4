/* The public functions for supervisors: they check requests, then handle them at once or park them.
 */
#include "child_event.h"
#include "guest.h"
#include "life.h"
#include "request.h"
#include "shutdown.h"
#include "start.h"
#include "static.h"

#include <assert.h>

int dynsup_supervisor_start(dynsup_host *host, const dynsup_supervisor_options *options,
                            dynsup_pid *pid_out) {
    dsi_supervisor *supervisor;
    int status = dsi_supervisor_new(host, options, &supervisor, pid_out);
    if (status)
        return status;
    dsi_supervisor_configure(supervisor, options);
    return 0;
}

uint64_t dynsup_supervisor_arguments(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find(host, pid);
    const dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    return supervisor ? supervisor->arguments : 0;
}

bool dynsup_supervisor_in_init(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find(host, pid);
    const dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    return supervisor && supervisor->state == DSI_SUPERVISOR_INIT;
}

/* The supervisor whose guest runs. */
static dsi_supervisor *guests_supervisor(const dynsup_host *host) {
    assert(host->current && (host->current->flags & DSI_FLAG_SUPERVISOR));
    return host->current->extra->supervisor;
}

uint64_t dynsup_guest_belonging(const dynsup_host *host) {
    return guests_supervisor(host)->belonging;
}

void dynsup_guest_belonging_set(dynsup_host *host, uint64_t object) {
    guests_supervisor(host)->belonging = object;
}

int dynsup_supervisor_init(dynsup_host *host, const dynsup_supervisor_options *named,
                           const dynsup_body_ops *ops, void *body, dynsup_reply *reply) {
    assert(host->current);
    dsi_supervisor *supervisor;
    dsi_request *request = dsi_request_new(host, DSI_PARKED_START, 0, NULL, 0);
    int status =
        request ? dsi_supervisor_new(host, named, &supervisor, &reply->pid) : DYNSUP_ENOMEM;
    if (status) {
        if (request)
            dsi_request_free(host, request);
        ops->fini(body);
        return reply->status = status;
    }
    reply->key = request->key;
    request->target = reply->pid;
    dsi_guest_begin(supervisor, ops, body, NULL, request);
    return reply->status = DYNSUP_PENDING;
}

void dynsup_supervisor_configure(dynsup_host *host, const dynsup_supervisor_options *options) {
    dsi_supervisor *supervisor = dsi_supervisor_of(host->current);
    assert(supervisor && supervisor->state == DSI_SUPERVISOR_INIT);
    dsi_supervisor_configure(supervisor, options);
}

/* ---- requests ---- */

/* The supervisor of a request, or why there is none for it. */
static int supervisor_find(const dynsup_host *host, dynsup_pid pid,
                           dsi_supervisor **supervisor_out) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return DYNSUP_ENOPROC;
    *supervisor_out = dsi_supervisor_of(process);
    if (!*supervisor_out)
        return DYNSUP_ENOT_A_SUPERVISOR;
    return dsi_request_asks_itself(host, process) ? DYNSUP_ECALLS_ITSELF : 0;
}

/* The same, for requests that a stopping supervisor refuses. */
static int supervisor_find_running(const dynsup_host *host, dynsup_pid pid,
                                   dsi_supervisor **supervisor_out) {
    int status = supervisor_find(host, pid, supervisor_out);
    if (status == 0 && (*supervisor_out)->state == DSI_SUPERVISOR_STOPPING)
        return DYNSUP_ENOPROC;
    return status;
}

/* Must a request wait? A static supervisor always answers in its own slices. */
static bool must_park(const dsi_supervisor *supervisor) {
    return dsi_supervisor_is_static(supervisor) || dsi_supervisor_busy(supervisor);
}

/* Makes a request of the current process; 0, or why there can be none now. */
static int request_make(dsi_supervisor *supervisor, enum dsi_parked_kind kind, const char *name,
                        size_t length, bool may_wait, dsi_request **request_out) {
    if (!may_wait && must_park(supervisor))
        return DYNSUP_EWOULD_WAIT;
    *request_out =
        dsi_request_new(supervisor->host, kind, supervisor->process->slot.id, name, length);
    if (!*request_out)
        return DYNSUP_ENOMEM;
    if (!may_wait)
        (*request_out)->caller = 0;
    return 0;
}

static int pending(dsi_request *request, dynsup_reply *reply) {
    reply->key = request->key;
    return DYNSUP_PENDING;
}

int dynsup_admits(dynsup_host *host, dynsup_pid supervisor_pid, const char *name, size_t length,
                  bool ensure, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status == 0 && must_park(supervisor))
        status = DYNSUP_PENDING;
    else if (status == 0 &&
             (status = dsi_dynamic_admits(supervisor, name, length, ensure, reply)) < 0)
        dsi_event_not_admitted(supervisor, name, length, status);
    return reply->status = status;
}

/* Refuses a start before the child was made: frees the parts of the spec. */
static int spec_refuse(dynsup_host *host, const dynsup_child_spec *spec, int status) {
    dsi_child_spec_release(host, spec);
    if (spec->body)
        spec->body_ops->fini(spec->body);
    return status;
}

/* The same, once the child was made from the spec; child NULL: there was no memory for it. */
static int child_refuse(dynsup_host *host, const dynsup_child_spec *spec, dsi_child *child,
                        int status) {
    if (child)
        dsi_child_free(host, child);
    if (spec->body)
        spec->body_ops->fini(spec->body);
    return status;
}

/* Must a start wait for its turn? A start function, which needs the supervisor's process, comes
 * after restarts that are due: else a caller that starts child after child would delay them for
 * ever. */
static bool start_must_park(const dsi_supervisor *supervisor, const dynsup_child_spec *spec) {
    return must_park(supervisor) || (spec->guest && !dsi_list_empty(&supervisor->retries));
}

static int start_waiting(dsi_supervisor *supervisor, const dynsup_child_spec *spec,
                         dsi_child *child, bool ensure, bool may_wait, dynsup_reply *reply) {
    dsi_request *request;
    int status = request_make(supervisor, DSI_PARKED_START, spec->name, spec->name_length, may_wait,
                              &request);
    if (status)
        return child_refuse(supervisor->host, spec, child, status);
    request->ensure = ensure;
    request->child = child;
    request->body_ops = spec->body_ops;
    request->body = spec->body;
    reply->key = request->key;
    if (may_wait && start_must_park(supervisor, spec)) {
        dsi_supervisor_park(supervisor, &request->parked);
        return DYNSUP_PENDING;
    }
    status = supervisor->policy->start(supervisor, request, reply);
    if (status != DYNSUP_PENDING)
        dsi_request_free(supervisor->host, request);
    return status;
}

/* Starts a child whose process has its first slice here and now; the start is complete if that does
 * not wait. */
static int start_nested(dsi_supervisor *supervisor, const dynsup_child_spec *spec, dsi_child *child,
                        dynsup_reply *reply) {
    dynsup_host *host = supervisor->host;
    int status = dsi_dynamic_admits(supervisor, NULL, 0, false, reply);
    if (status)
        return child_refuse(host, spec, child, status);
    status = dsi_dynamic_start_starting(supervisor, child, spec->body_ops, spec->body);
    if (status)
        return status;
    reply->pid = child->pid;
    if (dynsup_start_now(host, child->pid)) {
        if (child->state == DSI_CHILD_STARTING)
            child->state = DSI_CHILD_RUNNING;
        dsi_event_child(host, DYNSUP_EVENT_CHILD_STARTED, child, NULL);
        return 0;
    }
    dsi_request *request =
        dsi_request_new(host, DSI_PARKED_START, supervisor->process->slot.id, NULL, 0);
    reply->key = request ? request->key : 0;
    status = dsi_dynamic_await_start(supervisor, child, request);
    if (status == DYNSUP_ENOMEM && request)
        dsi_request_free(host, request);
    return status;
}

int dynsup_start_child(dynsup_host *host, dynsup_pid supervisor_pid, const dynsup_child_spec *spec,
                       bool ensure, bool may_wait, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status)
        return reply->status = spec_refuse(host, spec, status);
    if (spec->starting && (!may_wait || must_park(supervisor)))
        return reply->status = spec_refuse(host, spec, DYNSUP_EWOULD_WAIT);
    dsi_child *child = dsi_child_new(host, supervisor, spec);
    if (!child)
        return reply->status = child_refuse(host, spec, NULL, DYNSUP_ENOMEM);
    bool at_once = spec->body && !spec->guest && !spec->ready && !ensure;
    if (at_once && !must_park(supervisor))
        status = dsi_dynamic_start_body(supervisor, child, spec->name, spec->name_length,
                                        spec->body_ops, spec->body, reply);
    else if (spec->starting)
        status = start_nested(supervisor, spec, child, reply);
    else
        status = start_waiting(supervisor, spec, child, ensure, may_wait, reply);
    return reply->status = status;
}

int dynsup_terminate_child(dynsup_host *host, dynsup_pid supervisor_pid, dynsup_pid pid,
                           const char *name, size_t length, bool may_wait, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    dsi_request *request;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status == 0)
        status = request_make(supervisor, DSI_PARKED_TERMINATE, name, length, may_wait, &request);
    if (status)
        return reply->status = status;
    request->pid = pid;
    reply->key = request->key;
    if (must_park(supervisor)) {
        dsi_supervisor_park(supervisor, &request->parked);
        return reply->status = DYNSUP_PENDING;
    }
    status = supervisor->policy->terminate(supervisor, request);
    if (status != DYNSUP_PENDING)
        dsi_request_free(host, request);
    return reply->status = status;
}

int dynsup_restart_child(dynsup_host *host, dynsup_pid supervisor_pid, dynsup_pid pid,
                         const char *name, size_t length, bool may_wait, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    dsi_request *request;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status == 0)
        status = may_wait ? request_make(supervisor, DSI_PARKED_RESTART, name, length, may_wait,
                                         &request)
                          : DYNSUP_EWOULD_WAIT;
    if (status)
        return reply->status = status;
    request->pid = pid;
    dsi_supervisor_park(supervisor, &request->parked);
    return reply->status = pending(request, reply);
}

static int request_by_id(dsi_supervisor *supervisor, enum dsi_parked_kind kind, dynsup_value *id,
                         bool may_wait, dynsup_reply *reply) {
    dsi_request *request;
    if (!dsi_supervisor_is_static(supervisor) &&
        !dsi_supervisor_busy(supervisor)) /* a busy one may be static by its turn */
        return DYNSUP_ENOT_STATIC;
    int status = request_make(supervisor, kind, NULL, 0, may_wait, &request);
    if (status)
        return status;
    request->by_id = true;
    request->id = *id;
    *id = dsi_value_nil();
    dsi_supervisor_park(supervisor, &request->parked);
    return pending(request, reply);
}

int dynsup_static_request(dynsup_host *host, dynsup_pid supervisor_pid,
                          enum dynsup_static_request request, dynsup_value id, bool may_wait,
                          dynsup_reply *reply) {
    static const enum dsi_parked_kind kinds[] = {DSI_PARKED_TERMINATE, DSI_PARKED_RESTART,
                                                 DSI_PARKED_DELETE};
    dsi_supervisor *supervisor;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status == 0)
        status = request_by_id(supervisor, kinds[request], &id, may_wait, reply);
    dsi_value_release(host, &id);
    return reply->status = status;
}

int dynsup_supervisor_stop(dynsup_host *host, dynsup_pid supervisor_pid,
                           const dynsup_reason *reason, bool may_wait, dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    dsi_request *request;
    dynsup_reason own = *reason;
    *reply = (dynsup_reply){0};
    int status = supervisor_find(host, supervisor_pid, &supervisor);
    if (status == 0)
        status = may_wait ? request_make(supervisor, DSI_PARKED_STOP, NULL, 0, may_wait, &request)
                          : DYNSUP_EWOULD_WAIT;
    if (status) {
        dsi_reason_release(host, &own);
        return reply->status = status;
    }
    request->reason = own;
    if (dsi_supervisor_busy(supervisor) && supervisor->state != DSI_SUPERVISOR_STOPPING) {
        dsi_supervisor_park(supervisor, &request->parked);
    } else {
        dsi_list_append(&supervisor->stop_waiters, &request->parked.node);
        dsi_shutdown_begin(supervisor, &request->reason);
    }
    return reply->status = pending(request, reply);
}

int dynsup_supervisor_turn(dynsup_host *host, dynsup_pid supervisor_pid, bool may_wait,
                           dynsup_reply *reply) {
    dsi_supervisor *supervisor;
    dsi_request *request;
    *reply = (dynsup_reply){0};
    int status = supervisor_find_running(host, supervisor_pid, &supervisor);
    if (status || !dsi_supervisor_busy(supervisor))
        return reply->status = status;
    status = request_make(supervisor, DSI_PARKED_TURN, NULL, 0, may_wait, &request);
    if (status)
        return reply->status = status;
    dsi_supervisor_park(supervisor, &request->parked);
    return reply->status = pending(request, reply);
}

int dynsup_count_children(const dynsup_host *host, dynsup_pid supervisor_pid,
                          dynsup_counts *counts) {
    const dsi_process *process = dsi_process_find_alive(host, supervisor_pid);
    if (!process)
        return DYNSUP_ENOPROC;
    const dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (!supervisor)
        return DYNSUP_ENOT_A_SUPERVISOR;
    *counts = (dynsup_counts){supervisor->specs, supervisor->active, supervisor->supervisors,
                              supervisor->workers};
    return 0;
}

void dynsup_ready(dynsup_host *host, const dynsup_value *info) {
    dsi_child *child = host->current->child;
    dynsup_value own = *info;
    while (child && child->extra && !child->extra->ready)
        child = child->extra->next_same;
    if (child && child->extra)
        dsi_life_ready(child->supervisor, child, &own);
    else
        dsi_value_release(host, &own);
}
