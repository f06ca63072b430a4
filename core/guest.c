/* Guests: start functions and init functions that run as a supervisor's process. */
#include "guest.h"

#include "event.h"
#include "link.h"
#include "monitor.h"
#include "request.h"
#include "tiny.h"

#include <assert.h>

#define OFFSPRING_ROOM DSI_TINY(64, 2) /* least count for a sweep */

void dsi_guest_begin(dsi_supervisor *supervisor, const dynsup_body_ops *ops, void *body,
                     dsi_child *child, dsi_request *request) {
    dsi_process *process = supervisor->process;
    supervisor->has_guest = true;
    supervisor->guest_child = child;
    supervisor->guest_request = request;
    supervisor->resident_ops = process->ops;
    process->ops = ops;
    process->body = body;
    dsi_process_unflag(process, DSI_FLAG_DROPS);
    process->wake = DYNSUP_WAKE_FIRST;
    dsi_process_ready(supervisor->host, process, DYNSUP_WAKE_FIRST);
}

/* ---- what it spawns ---- */

static void offspring_free(dsi_supervisor *supervisor, dsi_offspring *offspring) {
    dsi_node_remove(&offspring->node);
    supervisor->offspring_count--;
    dsi_memory_free(&supervisor->host->memory, offspring, sizeof *offspring);
}

/* Frees the records of processes that are gone. The next sweep comes when the count has doubled, so
 * that a guest may spawn without limit. */
static void offspring_sweep(dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_first(&supervisor->offspring);
    while (node) {
        dsi_offspring *offspring = dsi_item(node, dsi_offspring, node);
        node = dsi_list_next(&supervisor->offspring, node);
        if (!dsi_process_find(supervisor->host, offspring->pid))
            offspring_free(supervisor, offspring);
    }
    uint32_t room = 2 * supervisor->offspring_count;
    supervisor->offspring_room = room > OFFSPRING_ROOM ? room : OFFSPRING_ROOM;
}

bool dsi_guest_spawns(dynsup_host *host, dsi_process *process) {
    dsi_supervisor *supervisor = host->current ? dsi_supervisor_of(host->current) : NULL;
    if (!supervisor || !supervisor->guest_child)
        return true;
    if (supervisor->offspring_count >= supervisor->offspring_room)
        offspring_sweep(supervisor);
    dsi_offspring *offspring = dsi_memory_new(&host->memory, sizeof *offspring);
    if (!offspring)
        return false;
    offspring->pid = process->slot.id;
    process->flags |= DSI_FLAG_OFFSPRING;
    dsi_list_append(&supervisor->offspring, &offspring->node);
    supervisor->offspring_count++;
    return true;
}

/* Forgets all offspring: those still alive are ordinary processes from now on. */
static void offspring_forget(dsi_supervisor *supervisor) {
    dsi_node *node;
    while ((node = dsi_list_first(&supervisor->offspring))) {
        dsi_offspring *offspring = dsi_item(node, dsi_offspring, node);
        dsi_process *process = dsi_process_find(supervisor->host, offspring->pid);
        if (process)
            dsi_process_unflag(process, DSI_FLAG_OFFSPRING);
        offspring_free(supervisor, offspring);
    }
    supervisor->offspring_room = 0;
}

/* ---- processes that end meanwhile ---- */

static void stray_free(dsi_supervisor *supervisor, dsi_stray *stray) {
    dsi_node_remove(&stray->node);
    supervisor->stray_count--;
    dsi_reason_release(supervisor->host, &stray->reason);
    dsi_memory_free(&supervisor->host->memory, stray, sizeof *stray);
}

static dsi_stray *stray_first(const dsi_supervisor *supervisor) {
    return dsi_item(dsi_list_first(&supervisor->strays), dsi_stray, node);
}

void dsi_guest_stray(dsi_supervisor *supervisor, dynsup_pid pid, const dynsup_reason *reason) {
    dsi_stray *stray =
        supervisor->guest_child ? dsi_memory_new(&supervisor->host->memory, sizeof *stray) : NULL;
    if (!stray)
        return;
    stray->pid = pid;
    stray->reason = dsi_reason_copy(supervisor->host, reason);
    dsi_list_append(&supervisor->strays, &stray->node);
    if (supervisor->stray_count++ == DSI_STRAYS_MAX)
        stray_free(supervisor, stray_first(supervisor));
}

static void strays_forget(dsi_supervisor *supervisor) {
    while (!dsi_list_empty(&supervisor->strays))
        stray_free(supervisor, stray_first(supervisor));
}

/* ---- its end ---- */

static void mailbox_drop(dsi_supervisor *supervisor) {
    dsi_process *process = supervisor->process;
    if (process->message_count)
        dsi_event_process(supervisor->host, DYNSUP_EVENT_UNEXPECTED, process, NULL);
    dsi_process_flush(supervisor->host, process);
}

/* The process is the supervisor's own again; what the guest held as a process is released. */
static void guest_leave(dsi_supervisor *supervisor) {
    dsi_process *process = supervisor->process;
    dsi_process_stop_body(supervisor->host, process);
    process->ops->fini(process->body);
    process->ops = supervisor->resident_ops;
    process->body = supervisor;
    process->flags |= DSI_FLAG_DROPS;
    supervisor->has_guest = false;
    offspring_forget(supervisor);
    dsi_monitors_release_held(supervisor->host, process->extra);
    mailbox_drop(supervisor);
}

/* The reason with which the supervisor ends, from the reply to its starter; kind: the class when
 * the reason is an object. */
static dynsup_reason init_reason(const dynsup_reply *reply, enum dynsup_reason_class kind) {
    const dynsup_value *value = &reply->values[0];
    if (reply->status == DYNSUP_EIGNORE)
        return dynsup_reason_atom(DYNSUP_NORMAL);
    if (reply->status != DYNSUP_EREASON)
        return dynsup_reason_atom((enum dynsup_atom) - reply->status);
    if (value->kind == DYNSUP_ATOM)
        return dynsup_reason_atom(value->as.atom);
    return (dynsup_reason){kind, *value};
}

/* Ends a supervisor that could not be initialised, with a signal to all processes linked to it
 * except its starter. */
static void init_failed(dsi_supervisor *supervisor, const dynsup_reply *reply,
                        enum dynsup_reason_class kind, bool is_told) {
    dynsup_reason reason = init_reason(reply, kind);
    supervisor->state = DSI_SUPERVISOR_STOPPING;
    if (is_told)
        supervisor->process->flags |= DSI_FLAG_QUIET;
    dsi_supervisor_leave_parent(supervisor);
    dsi_process_doom(supervisor->host, supervisor->process, &reason);
}

static void init_done(dsi_supervisor *supervisor, dsi_request *request, dynsup_outcome *outcome) {
    dynsup_host *host = supervisor->host;
    dynsup_reply reply = {.status = outcome->status, .pid = supervisor->process->slot.id};
    reply.values[0] = outcome->values[0];
    reply.values[1] = outcome->values[1];
    assert(request && "who starts a supervisor waits for its init function");
    if (outcome->status == 0 && supervisor->state == DSI_SUPERVISOR_INIT)
        reply.status = DYNSUP_EBAD_RETURN;
    if (reply.status == 0 && supervisor->policy->supervisor_begin) {
        /* The start goes on with the children. */
        supervisor->policy->supervisor_begin(supervisor, request);
        return;
    }
    if (reply.status)
        init_failed(supervisor, &reply, outcome->reason.kind, !dsi_request_is_left(host, request));
    dsi_request_reply(host, request, &reply);
}

/* In a start function, self() is the supervisor: if it returns that by mistake, it is not a child.
 */
static void refuse_itself(dsi_supervisor *supervisor, dynsup_outcome *outcome) {
    if (outcome->status || outcome->pid != supervisor->process->slot.id)
        return;
    outcome->status = DYNSUP_EREASON;
    dsi_value_release(supervisor->host, &outcome->values[0]);
    outcome->values[0] = dsi_value_atom(DYNSUP_BAD_RETURN);
    outcome->values[1] = dsi_value_id(outcome->pid);
}

/* Removes the guest and handles its outcome. True if it was a restart. */
static bool guest_end(dsi_supervisor *supervisor, dynsup_outcome *outcome) {
    dsi_child *child = supervisor->guest_child;
    dsi_request *request = supervisor->guest_request;
    supervisor->guest_child = NULL;
    supervisor->guest_request = NULL;
    guest_leave(supervisor);
    supervisor->draining = true; /* it is still this start's turn */
    if (child) {
        refuse_itself(supervisor, outcome);
        supervisor->policy->guest_done(supervisor, child, request, outcome);
    } else {
        init_done(supervisor, request, outcome);
    }
    supervisor->draining = false;
    strays_forget(supervisor);
    return child && !request;
}

void dsi_guest_done(dsi_supervisor *supervisor, dynsup_outcome *outcome) {
    bool was_restart = guest_end(supervisor, outcome); /* restarts and requests take turns */
    if (was_restart || dsi_list_empty(&supervisor->retries))
        dsi_supervisor_drain(supervisor);
    if (!dsi_list_empty(&supervisor->retries))
        dsi_supervisor_wake(supervisor);
}

/* Kills the process whose start the guest waits for. */
static void start_abort(dynsup_host *host, const dsi_process *process) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dsi_process *started = dsi_call_awaited(host, process);
    if (started && (started->flags & DSI_FLAG_STARTING))
        dsi_signal(host, started, process->slot.id, &kill, DSI_SIGNAL_SENT);
}

void dsi_guest_abort(dsi_supervisor *supervisor, const dynsup_reason *reason) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = supervisor->process;
    start_abort(host, process);
    dynsup_outcome outcome = {.reason.kind = reason->kind, .status = DYNSUP_EREASON};
    outcome.values[0] = dsi_value_copy(host, reason->value);
    dsi_process_rest(host, process);
    supervisor->aborts = true;
    guest_end(supervisor, &outcome);
    supervisor->aborts = false;
}

void dsi_guest_drop(dsi_supervisor *supervisor) {
    supervisor->has_guest = false;
    offspring_forget(supervisor);
    strays_forget(supervisor);
}

/* ---- guests that wait on a stopped clock ---- */

/* Is the end of the supervisor parked? */
static bool end_is_parked(const dsi_supervisor *supervisor) {
    dsi_list_each (node, &supervisor->parked) {
        const dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind == DSI_PARKED_STOP || parked->kind == DSI_PARKED_PARENT)
            return true;
    }
    return false;
}

/* The process whose answer to a request this one waits for, or NULL. */
static const dsi_process *request_awaited(const dynsup_host *host, const dsi_process *process) {
    dsi_list_each (node, &host->requests) {
        const dsi_request *request = dsi_item(node, dsi_request, pending);
        if (request->caller == process->slot.id && request->key == process->wait_key)
            return dsi_process_find_alive(host, request->target);
    }
    return NULL;
}

static const dsi_process *awaited(const dynsup_host *host, const dsi_process *process) {
    if (!process->has_key)
        return NULL;
    const dsi_process *callee = dsi_call_awaited(host, process);
    return callee ? callee : request_awaited(host, process);
}

/* Does the process wait only for the time of a stopped clock, itself or because the process that is
 * to answer it does? The loop is bounded, since processes may wait in a circle. */
static bool stands(dynsup_host *host, const dsi_process *process) {
    for (size_t left = host->processes.live_count; process && left > 0; left--) {
        if (process->state != DSI_PROCESS_WAITING)
            return false;
        if (dsi_process_is_timed(process))
            return process->slot.tag && dsi_clock_stands(dsi_clock_at(host, process->slot.tag));
        process = awaited(host, process);
    }
    return false;
}

/* Does the supervisor wait for the readiness of a child that waits on a stopped clock? */
static bool awaits_standing(const dsi_supervisor *supervisor) {
    const dsi_child *child = supervisor->occupied ? supervisor->awaited : NULL;
    return child && child->state == DSI_CHILD_STARTING &&
           stands(supervisor->host, dsi_child_process(supervisor->host, child));
}

void dsi_supervisors_free_guests(dynsup_host *host) {
    host->recheck_ends = false;
    dsi_node *node = dsi_list_first(&host->ending);
    while (node) {
        dsi_supervisor *supervisor = dsi_item(node, dsi_supervisor, ending);
        node = dsi_list_next(&host->ending, node);
        if (!end_is_parked(supervisor))
            dsi_node_remove(&supervisor->ending);
        else if (supervisor->has_guest && stands(host, supervisor->process))
            dsi_supervisor_hurry(supervisor);
        else if (awaits_standing(supervisor)) /* the parent's signal does not wait for it */
            dsi_supervisor_heed_stop(supervisor);
    }
}
