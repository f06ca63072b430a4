/* What callers ask of a static supervisor: its children by their ids. */
#include "static.h"

#include "child_event.h"
#include "incarnation.h"
#include "life.h"
#include "registry.h"
#include "request.h"
#include "start.h"

/* ---- start_child ---- */

static int refuse(dsi_supervisor *supervisor, const dsi_request *request, int status) {
    dsi_event_refused(supervisor->host, request->child, status);
    return status;
}

/* ensure_child when the name is a child's: answers, or waits for that child. */
static int await_named(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_name *taken = dsi_name_find(supervisor->host, request->name, request->name_length);
    if (taken->child->state == DSI_CHILD_GONE)
        return DYNSUP_EALREADY_PRESENT;
    dsi_child_extra *extra = dsi_child_extra_get(supervisor->host, taken->child);
    if (!extra)
        return DYNSUP_ENOMEM;
    dsi_list_append(&extra->waiters, &request->parked.node);
    return DYNSUP_PENDING;
}

/* Are the id and the name free? 0, or the answer. */
static int admit(dsi_supervisor *supervisor, const dsi_request *request, dynsup_reply *reply) {
    const dsi_child *child = request->child;
    dynsup_value id = dsi_child_id(child);
    if (id.kind == DYNSUP_NIL)
        return DYNSUP_EMISSING_ID;
    const dsi_child *present = dsi_child_index_find(&supervisor->order->ids, &id);
    if (present && (present->state == DSI_CHILD_RUNNING || present->state == DSI_CHILD_RENEWING)) {
        reply->pid = present->pid;
        return DYNSUP_EALREADY_STARTED;
    }
    if (present)
        return DYNSUP_EALREADY_PRESENT;
    return dsi_dynamic_admits(supervisor, request->name, request->name_length, false, reply);
}

/* Accepts the child, which joins its supervisor; the job takes over request and body. */
static int accept(dsi_supervisor *supervisor, dsi_request *request) {
    dynsup_draft *order = supervisor->order;
    dsi_child *child = request->child;
    if (!dsi_child_index_reserve(&order->ids))
        return DYNSUP_ENOMEM;
    int status = dsi_incarnation_name(supervisor, child, request->name, request->name_length);
    if (status)
        return status;
    order->request = request;
    order->body_ops = request->body_ops;
    order->body = request->body;
    request->child = NULL;
    request->body = NULL;
    child->state = DSI_CHILD_GONE;
    dsi_child_index_add(&order->ids, child);
    dsi_list_append(&supervisor->children, &child->node);
    dsi_life_count(supervisor, child, 1);
    order->is_new = true;
    dsi_static_job(supervisor, DSI_JOB_START, true, child);
    dsi_static_advance(supervisor);
    return DYNSUP_PENDING;
}

int dsi_static_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply) {
    int status = 0;
    if (request->ensure)
        status = dsi_dynamic_admits(supervisor, request->name, request->name_length, true, reply);
    if (status == DYNSUP_PENDING)
        return await_named(supervisor, request);
    if (status == 0 && !reply->existing)
        status = admit(supervisor, request, reply);
    if (status)
        return refuse(supervisor, request, status);
    return reply->existing ? 0 : accept(supervisor, request);
}

/* ---- terminate, restart, delete ---- */

static dsi_child *find(dsi_supervisor *supervisor, const dsi_request *request) {
    if (request->by_id)
        return dsi_child_index_find(&supervisor->order->ids, &request->id);
    return dsi_life_find(supervisor, request->pid, request->name, request->name_length);
}

int dsi_static_terminate(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = find(supervisor, request);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    if (child->state == DSI_CHILD_GONE)
        return 0;
    supervisor->order->request = request;
    dsi_static_job(supervisor, DSI_JOB_TERMINATE, false, child);
    dsi_static_advance(supervisor);
    return DYNSUP_PENDING;
}

void dsi_static_forget(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_static_weigh(supervisor, child, false);
    dsi_child_index_remove(&supervisor->order->ids, child);
    dsi_life_remove(supervisor, child);
}

int dsi_static_change(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = find(supervisor, request);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    bool has_failed = child->state == DSI_CHILD_FAILED;
    if (child->state != DSI_CHILD_GONE && !has_failed)
        return child->state == DSI_CHILD_RESTARTING ? DYNSUP_ERESTARTING : DYNSUP_ERUNNING;
    if (request->parked.kind == DSI_PARKED_DELETE) {
        dsi_static_forget(supervisor, child);
        return 0;
    }
    supervisor->order->request = request;
    supervisor->order->is_new = false;
    dsi_static_job(supervisor, DSI_JOB_START, true, child);
    supervisor->order->revives = has_failed;
    if (has_failed)
        dsi_life_forgive(child);
    dsi_static_advance(supervisor);
    return DYNSUP_PENDING;
}
