/*
 * Starts: how a dynamic supervisor gets its children.
 *
 * "Acquire, then commit": a start allocates everything before the child becomes visible; a refused
 * start leaves nothing behind.
 */
#include "start.h"

#include "child_event.h"
#include "dynamic.h"
#include "guest.h"
#include "incarnation.h"
#include "life.h"
#include "registry.h"
#include "request.h"

static void accept(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_list_append(&supervisor->children, &child->node);
    dsi_life_count(supervisor, child, 1);
}

/* ---- starts ---- */

static dsi_name *find_name(dsi_supervisor *supervisor, const char *name, size_t length) {
    return name && length ? dsi_name_find(supervisor->host, name, length) : NULL;
}

static bool child_is_up(const dsi_name *name) {
    return name->process && dsi_process_alive(name->process) &&
           (!name->child || name->child->state == DSI_CHILD_RUNNING);
}

static bool child_has_failed(const dsi_name *name) {
    return name->child && name->child->state == DSI_CHILD_FAILED;
}

bool dynsup_name_failed(const dynsup_host *host, const char *name, size_t length) {
    const dsi_name *entry = dsi_name_find(host, name, length);
    return entry && child_has_failed(entry);
}

/* The answer of ensure_child for a name that is there. */
static int ensure_existing(dsi_supervisor *supervisor, const dsi_name *name, dynsup_reply *reply) {
    if (child_has_failed(name))
        return DYNSUP_EFAILED;
    reply->pid = name->process ? name->process->slot.id : 0;
    reply->existing = child_is_up(name);
    if (reply->existing)
        return 0;
    bool mine = name->child && name->child->supervisor == supervisor;
    return mine ? DYNSUP_PENDING : DYNSUP_EALREADY_STARTED;
}

int dsi_dynamic_admits(dsi_supervisor *supervisor, const char *name, size_t length, bool ensure,
                       dynsup_reply *reply) {
    dsi_name *taken = find_name(supervisor, name, length);
    if (taken && ensure)
        return ensure_existing(supervisor, taken, reply);
    if (supervisor->specs >= supervisor->max_children)
        return DYNSUP_EMAX_CHILDREN;
    if (!taken)
        return 0;
    reply->pid = taken->process ? taken->process->slot.id : 0;
    if (child_has_failed(taken))
        reply->values[0] = dsi_value_atom(DYNSUP_FAILED);
    return DYNSUP_EALREADY_STARTED;
}

static int refuse(dsi_supervisor *supervisor, dsi_child *child, int status) {
    dsi_event_refused(supervisor->host, child, status);
    dsi_child_free(supervisor->host, child);
    return status;
}

int dsi_dynamic_start_body(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                           size_t name_length, const dynsup_body_ops *ops, void *body,
                           dynsup_reply *reply) {
    int status = dsi_dynamic_admits(supervisor, name, name_length, false, reply);
    if (status == 0 && name_length)
        status = dsi_incarnation_name(supervisor, child, name, name_length);
    if (status == 0)
        status = dsi_incarnation_begin(supervisor, child, ops, body);
    if (status) {
        ops->fini(body);
        return refuse(supervisor, child, status);
    }
    accept(supervisor, child);
    reply->pid = child->pid;
    if (child->extra && child->extra->ready)
        return DYNSUP_PENDING;
    child->state = DSI_CHILD_RUNNING;
    dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_STARTED, child, NULL);
    return 0;
}

/* Fails a start with the reason that its program gave. */
static int start_unmade(dsi_supervisor *supervisor, dsi_request *request, int status,
                        dynsup_reason *reason, dynsup_reply *reply) {
    dsi_child *child = request->child;
    dynsup_host *host = supervisor->host;
    request->child = NULL;
    reply->status = status;
    if (status == DYNSUP_EREASON)
        reply->values[0] = reason->value;
    dsi_event_not_started(host, child, reply, !dsi_request_is_left(host, request));
    dsi_child_free(host, child);
    return status;
}

/* Gets the first body, which may be in the request. 0, or the result of the start. */
static int start_body(dsi_supervisor *supervisor, dsi_request *request,
                      const dynsup_body_ops **ops_out, void **body_out, dynsup_reply *reply) {
    dynsup_reason reason;
    *ops_out = request->body_ops;
    *body_out = request->body;
    request->body = NULL;
    if (*body_out)
        return 0;
    int status = dsi_incarnation_body(supervisor, request->child, ops_out, body_out, &reason);
    return status ? start_unmade(supervisor, request, status, &reason, reply) : 0;
}

static int start_guest(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply) {
    dsi_child *child = request->child;
    const dynsup_body_ops *ops;
    void *body;
    int status = start_body(supervisor, request, &ops, &body, reply);
    if (status)
        return status;
    request->child = NULL;
    dsi_guest_begin(supervisor, ops, body, child, request);
    return DYNSUP_PENDING;
}

static int start_plain(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply) {
    dsi_child *child = request->child;
    const dynsup_body_ops *ops;
    void *body;
    int status = start_body(supervisor, request, &ops, &body, reply);
    if (status)
        return status;
    request->child = NULL;
    status = dsi_dynamic_start_body(supervisor, child, request->name, request->name_length, ops,
                                    body, reply);
    if (status == DYNSUP_PENDING) {
        request->target = child->pid;
        child->extra->starting = request;
    }
    return status;
}

int dsi_dynamic_start_starting(dsi_supervisor *supervisor, dsi_child *child,
                               const dynsup_body_ops *ops, void *body) {
    int status = dsi_incarnation_begin(supervisor, child, ops, body);
    if (status) {
        ops->fini(body);
        return refuse(supervisor, child, status);
    }
    dsi_child_process(supervisor->host, child)->flags |= DSI_FLAG_STARTING;
    accept(supervisor, child);
    return 0;
}

int dsi_dynamic_await_start(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request) {
    dynsup_reason nomem = dynsup_reason_atom(DYNSUP_NOMEM);
    if (!request || !dsi_child_extra_get(supervisor->host, child)) {
        dsi_process_doom(supervisor->host, dsi_child_process(supervisor->host, child), &nomem);
        return DYNSUP_ENOMEM;
    }
    child->extra->ready = true;
    child->extra->starting = request;
    return DYNSUP_PENDING;
}

/* ensure: waits until the child that has the name runs, or is gone. */
static int start_await(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_name *taken = find_name(supervisor, request->name, request->name_length);
    dsi_child_extra *extra = dsi_child_extra_get(supervisor->host, taken->child);
    if (!extra)
        return DYNSUP_ENOMEM;
    request->target = taken->child->pid;
    dsi_list_append(&extra->waiters, &request->parked.node);
    return DYNSUP_PENDING;
}

static int start_now(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply) {
    const dsi_child *child = request->child;
    bool waits = child->guest || (child->extra && child->extra->ready);
    if (waits && !request->caller)
        return DYNSUP_EWOULD_WAIT;
    return child->guest ? start_guest(supervisor, request, reply)
                        : start_plain(supervisor, request, reply);
}

int dsi_dynamic_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply) {
    int status =
        dsi_dynamic_admits(supervisor, request->name, request->name_length, request->ensure, reply);
    if (status == DYNSUP_PENDING)
        return request->caller ? start_await(supervisor, request) : DYNSUP_EWOULD_WAIT;
    if (status)
        dsi_event_refused(supervisor->host, request->child, status);
    if (status || reply->existing)
        return status;
    return start_now(supervisor, request, reply);
}

void dsi_dynamic_first_start_done(dsi_supervisor *supervisor, dsi_child *child,
                                  dsi_request *request, dynsup_outcome *outcome) {
    dynsup_host *host = supervisor->host;
    dynsup_reply reply = {.status = outcome->status, .pid = outcome->pid};
    reply.values[0] = outcome->values[0];
    reply.values[1] = outcome->values[1];
    if (outcome->status) {
        bool is_failure = outcome->status != DYNSUP_EIGNORE && !supervisor->aborts;
        bool is_told = !is_failure || !dsi_request_is_left(host, request);
        dsi_event_not_started(host, child, &reply, is_told);
        dsi_child_free(host, child);
        dsi_request_reply(host, request, &reply);
        return;
    }
    accept(supervisor, child);
    dsi_request_reply(host, request, &reply);
    dsi_dynamic_adopt(supervisor, child, outcome->pid, DYNSUP_EVENT_CHILD_STARTED);
}
