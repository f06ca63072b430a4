/* Requests: what callers ask of a supervisor, and how they are answered. */
#include "request.h"

#include "static.h"

#include <string.h>

dsi_request *dsi_request_new(dynsup_host *host, enum dsi_parked_kind kind, dynsup_pid target,
                             const char *name, size_t name_length) {
    dsi_request *request = dsi_memory_new(&host->memory, sizeof *request + name_length + 1);
    if (!request)
        return NULL;
    request->parked.kind = kind;
    request->target = target;
    request->caller = host->current ? host->current->slot.id : 0;
    request->key = dsi_wait_key_new(host);
    request->name_length = name_length;
    if (name)
        memcpy(request->name, name, name_length);
    dsi_list_append(&host->requests, &request->pending);
    if (host->current)
        dsi_process_recheck_ends(host, host->current);
    return request;
}

void dsi_request_free(dynsup_host *host, dsi_request *request) {
    dsi_node_remove(&request->parked.node);
    dsi_node_remove(&request->pending);
    if (request->child)
        dsi_child_free(host, request->child);
    if (request->body)
        request->body_ops->fini(request->body);
    dsi_reason_release(host, &request->reason);
    dsi_value_release(host, &request->id);
    dsi_memory_free(&host->memory, request, sizeof *request + request->name_length + 1);
}

static dsi_process *waiting_caller(dynsup_host *host, const dsi_request *request) {
    dsi_process *caller = dsi_process_find_alive(host, request->caller);
    if (!caller || caller->state != DSI_PROCESS_WAITING || caller->wait != DSI_WAIT_KEY)
        return NULL;
    return caller->wait_key == request->key && caller->ops->reply ? caller : NULL;
}

/* The running caller still gets an answer that is given at once. */
bool dsi_request_is_left(dynsup_host *host, const dsi_request *request) {
    dynsup_pid running = host->current ? host->current->slot.id : 0;
    bool is_answered_at_once = request->caller == 0 || request->caller == running;
    return !is_answered_at_once && !waiting_caller(host, request);
}

void dsi_reply_release(dynsup_host *host, dynsup_reply *reply) {
    for (int i = 0; i < DYNSUP_REPLY_VALUES; i++)
        dsi_value_release(host, &reply->values[i]);
}

void dsi_request_reply(dynsup_host *host, dsi_request *request, dynsup_reply *reply) {
    dsi_process *caller = waiting_caller(host, request);
    if (caller) {
        caller->ops->reply(caller->body, reply);
        dsi_process_ready(host, caller, DYNSUP_WAKE_DELIVERED);
    } else {
        dsi_reply_release(host, reply);
    }
    dsi_request_free(host, request);
}

void dsi_request_status(dynsup_host *host, dsi_request *request, int status) {
    dsi_request_reply(host, request, &(dynsup_reply){.status = status});
}

void dsi_requests_status(dynsup_host *host, dsi_list *requests, int status) {
    dsi_node *node;
    while ((node = dsi_list_pop(requests)))
        dsi_request_status(host, dsi_item(node, dsi_request, parked.node), status);
}

/* Does a supervisor, which must be static, wait for this process to be ready? */
static bool is_awaited(const dsi_process *process) {
    const dsi_child *child = process->child;
    while (child && child->state != DSI_CHILD_STARTING)
        child = child->extra ? child->extra->next_same : NULL;
    return child && child->supervisor->awaited == child;
}

/* Does the starter of the process wait until it has started? */
static bool is_starting(const dsi_process *process) {
    const dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (!supervisor)
        return (process->flags & DSI_FLAG_STARTING) || is_awaited(process);
    return supervisor->state == DSI_SUPERVISOR_INIT ||
           (dsi_supervisor_is_static(supervisor) && supervisor->order->job == DSI_JOB_INIT);
}

bool dsi_request_asks_itself(const dynsup_host *host, const dsi_process *process) {
    const dsi_process *asks = host->current;
    while (asks && asks != process && is_starting(asks))
        asks = dsi_process_find_alive(host, asks->parent);
    return asks == process;
}
