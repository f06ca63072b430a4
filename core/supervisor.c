/* Supervisors: the process, its queue of turns, and its end. */
#include "supervisor.h"

#include "cursor.h"
#include "event.h"
#include "guest.h"
#include "life.h"
#include "link.h"
#include "registry.h"
#include "renew.h"
#include "request.h"
#include "shutdown.h"
#include "tiny.h"

/* Bounds the turns in a slice, so that what has waited for a long start function blocks no other
 * process. */
#define TURNS_A_SLICE DSI_TINY(64, 2)

static void turn(dsi_supervisor *supervisor) {
    dsi_node *node = dsi_list_pop(&supervisor->retries);
    if (node)
        dsi_life_event(supervisor, dsi_item(node, dsi_child, parked.node), DSI_ON_RETRY, NULL);
    dsi_supervisor_drain(supervisor);
}

static bool has_turns(const dsi_supervisor *supervisor) {
    return !dsi_list_empty(&supervisor->retries) || !dsi_list_empty(&supervisor->parked);
}

static bool goes_on(const dsi_supervisor *supervisor) {
    if (supervisor->has_guest)
        return true;
    return supervisor->occupied ? !supervisor->awaited : has_turns(supervisor);
}

/* One turn: a failed restart is tried again; then what is parked has its turn. */
static enum dynsup_slice supervisor_step(void *body, dynsup_host *host, dynsup_pid self,
                                         enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)host, (void)self, (void)wake, (void)outcome;
    dsi_supervisor *supervisor = body;
    if (supervisor->occupied)
        supervisor->policy->resume(supervisor);
    if (!supervisor->occupied)
        turn(supervisor);
    return goes_on(supervisor) ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

/* The supervisor outlives its body for a moment: dsi_supervisor_ended frees it. */
static void supervisor_fini(void *body) {
    (void)body;
}

static const dynsup_body_ops supervisor_ops = {
    .name = "supervisor", .step = supervisor_step, .fini = supervisor_fini};

static dsi_supervisor *supervisor_alloc(dynsup_host *host) {
    dsi_supervisor *supervisor = dsi_memory_new(&host->memory, sizeof *supervisor);
    if (!supervisor)
        return NULL;
    supervisor->host = host;
    supervisor->policy = &dsi_dynamic_policy;
    supervisor->parent_exit.kind = DSI_PARKED_PARENT;
    dsi_list_init(&supervisor->children);
    dsi_list_init(&supervisor->cursors);
    dsi_list_init(&supervisor->parked);
    dsi_list_init(&supervisor->retries);
    dsi_list_init(&supervisor->down);
    dsi_list_init(&supervisor->strays);
    dsi_list_init(&supervisor->offspring);
    dsi_list_init(&supervisor->stop_waiters);
    return supervisor;
}

/* Makes the process with its extra part and its link to the parent; undone by process_undo. */
static dsi_process *process_make(dynsup_host *host, dsi_supervisor *supervisor) {
    dsi_process *process = dsi_process_new(host, &supervisor_ops, supervisor);
    if (!process)
        return NULL;
    dsi_process *parent = host->current;
    if (!dsi_process_extra_get(host, process) || !dsi_guest_spawns(host, process) ||
        (parent && dsi_link(host, parent, process))) {
        dsi_process_discard(host, process);
        return NULL;
    }
    return process;
}

static void process_undo(dynsup_host *host, dsi_process *process) {
    if (host->current)
        dsi_unlink(host, host->current, process);
    dsi_process_discard(host, process);
}

/* Makes the process with its name; 0, or why there is none. */
static int named_make(dynsup_host *host, dsi_supervisor *supervisor,
                      const dynsup_supervisor_options *named, dsi_process **process_out) {
    *process_out = supervisor ? process_make(host, supervisor) : NULL;
    if (!*process_out)
        return DYNSUP_ENOMEM;
    if (named->clock)
        dsi_process_set_clock(host, *process_out, dsi_clock_tag(host, named->clock));
    int status = named->name ? dsi_name_give(host, *process_out, named->name, named->name_length,
                                             &named->name_key, &named->name_value)
                             : 0;
    if (status)
        process_undo(host, *process_out);
    return status;
}

int dsi_supervisor_new(dynsup_host *host, const dynsup_supervisor_options *named,
                       dsi_supervisor **supervisor_out, dynsup_pid *pid_out) {
    dsi_process *process;
    const dsi_name *taken =
        named->name ? dsi_name_find(host, named->name, named->name_length) : NULL;
    if (taken) {
        *pid_out = taken->process ? taken->process->slot.id : 0;
        return DYNSUP_EALREADY_STARTED;
    }
    dsi_supervisor *supervisor = supervisor_alloc(host);
    int status = named_make(host, supervisor, named, &process);
    if (status) {
        dsi_memory_free(&host->memory, supervisor, sizeof *supervisor);
        return status;
    }
    supervisor->process = process;
    process->extra->supervisor = supervisor;
    process->flags |= DSI_FLAG_SUPERVISOR | DSI_FLAG_TRAP_EXIT | DSI_FLAG_DROPS;
    dsi_intensity_init(&supervisor->intensity, &host->memory, 0, 1);
    dsi_list_append(&host->supervisors, &supervisor->node);
    dsi_event_process(host, DYNSUP_EVENT_SPAWNED, process, NULL);
    *supervisor_out = supervisor;
    *pid_out = process->slot.id;
    return 0;
}

void dsi_supervisor_configure(dsi_supervisor *supervisor,
                              const dynsup_supervisor_options *options) {
    supervisor->max_children = options->max_children;
    if (options->limits)
        supervisor->limits = *options->limits;
    supervisor->arguments = options->arguments;
    supervisor->state = DSI_SUPERVISOR_RUNNING;
    dsi_intensity_init(&supervisor->intensity, &supervisor->host->memory, options->max_restarts,
                       options->period_ms);
}

/* To be called when the supervisor's end is parked: a guest, or a child that is to be ready, must
 * not block it by waiting on a stopped clock. */
static void end_parked(dsi_supervisor *supervisor) {
    dynsup_host *host = supervisor->host;
    if (!dsi_node_linked(&supervisor->ending))
        dsi_list_append(&host->ending, &supervisor->ending);
    host->recheck_ends |= supervisor->has_guest || supervisor->occupied;
}

void dsi_supervisor_park(dsi_supervisor *supervisor, dsi_parked *parked) {
    dsi_list_append(&supervisor->parked, &parked->node);
    if (parked->kind == DSI_PARKED_STOP)
        end_parked(supervisor);
    if (supervisor->host->current) /* the caller does not wait yet: no answer now */
        dsi_supervisor_wake(supervisor);
    else
        dsi_supervisor_drain(supervisor);
}

void dsi_supervisor_wake(dsi_supervisor *supervisor) {
    if (!supervisor->has_guest)
        dsi_process_ready(supervisor->host, supervisor->process, DYNSUP_WAKE_AGAIN);
}

static void parked_late(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_reason reason = child->extra->late;
    child->extra->late = (dynsup_reason){0};
    child->parked.kind = DSI_PARKED_CHILD;
    supervisor->policy->child_exited(supervisor, child, &reason);
    dsi_reason_release(supervisor->host, &reason);
}

void dsi_supervisor_take_exit(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_node_remove(&child->parked.node);
    if (child->parked.kind == DSI_PARKED_LATE) {
        parked_late(supervisor, child);
        return;
    }
    dsi_process *process = dsi_child_process(supervisor->host, child);
    dsi_child_detach(child, process);
    supervisor->policy->child_exited(supervisor, child, &process->reason);
    dsi_process_unref(supervisor->host, process);
}

static void parked_start(dsi_supervisor *supervisor, dsi_request *request) {
    dynsup_reply reply = {0};
    reply.status = supervisor->policy->start(supervisor, request, &reply);
    if (reply.status != DYNSUP_PENDING)
        dsi_request_reply(supervisor->host, request, &reply);
}

static void parked_terminate(dsi_supervisor *supervisor, dsi_request *request) {
    int status = supervisor->policy->terminate(supervisor, request);
    if (status != DYNSUP_PENDING)
        dsi_request_status(supervisor->host, request, status);
}

static void parked_change(dsi_supervisor *supervisor, dsi_request *request) {
    int status = supervisor->policy->change(supervisor, request);
    if (status != DYNSUP_PENDING)
        dsi_request_status(supervisor->host, request, status);
}

static void parked_renew(dsi_supervisor *supervisor, dsi_request *request) {
    int status = dsi_renew(supervisor, request);
    if (status != DYNSUP_PENDING)
        dsi_request_status(supervisor->host, request, status);
}

static void parked_stop(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_list_append(&supervisor->stop_waiters, &request->parked.node);
    dsi_shutdown_begin(supervisor, &request->reason);
}

static void parked_request(dsi_supervisor *supervisor, dsi_request *request) {
    if (supervisor->state == DSI_SUPERVISOR_STOPPING && request->parked.kind != DSI_PARKED_STOP) {
        dsi_request_status(supervisor->host, request, DYNSUP_ENOPROC);
        return;
    }
    if (request->by_id && !dsi_supervisor_is_static(supervisor)) {
        dsi_request_status(supervisor->host, request, DYNSUP_ENOT_STATIC);
        return;
    }
    switch (request->parked.kind) {
    case DSI_PARKED_START:
        parked_start(supervisor, request);
        break;
    case DSI_PARKED_TERMINATE:
        parked_terminate(supervisor, request);
        break;
    case DSI_PARKED_RESTART:
    case DSI_PARKED_DELETE:
        parked_change(supervisor, request);
        break;
    case DSI_PARKED_RENEW:
        parked_renew(supervisor, request);
        break;
    case DSI_PARKED_STOP:
        parked_stop(supervisor, request);
        break;
    default:
        dsi_request_status(supervisor->host, request, 0);
        break;
    }
}

/* Queues the next attempt, in a slice of its own, after what was parked before the restart failed.
 */
static void parked_retry(dsi_supervisor *supervisor, dsi_child *child) {
    child->parked.kind = DSI_PARKED_CHILD;
    dsi_list_append(&supervisor->retries, &child->parked.node);
    dsi_supervisor_wake(supervisor);
}

static void parked_handle(dsi_supervisor *supervisor, dsi_parked *parked) {
    if (parked->kind == DSI_PARKED_CHILD || parked->kind == DSI_PARKED_LATE)
        dsi_supervisor_take_exit(supervisor, dsi_item(parked, dsi_child, parked));
    else if (parked->kind == DSI_PARKED_RETRY)
        parked_retry(supervisor, dsi_item(parked, dsi_child, parked));
    else if (parked->kind == DSI_PARKED_PARENT)
        dsi_shutdown_begin(supervisor, &supervisor->parent_reason);
    else
        parked_request(supervisor, dsi_item(parked, dsi_request, parked));
}

static bool takes_turns(const dsi_supervisor *supervisor) {
    return !supervisor->has_guest && !supervisor->occupied &&
           dsi_process_alive(supervisor->process);
}

void dsi_supervisor_drain(dsi_supervisor *supervisor) {
    if (supervisor->draining)
        return;
    supervisor->draining = true;
    for (int i = 0; i < TURNS_A_SLICE && takes_turns(supervisor); i++) {
        dsi_node *node = dsi_list_pop(&supervisor->parked);
        if (!node)
            break;
        parked_handle(supervisor, dsi_item(node, dsi_parked, node));
    }
    supervisor->draining = false;
    if (takes_turns(supervisor) && !dsi_list_empty(&supervisor->parked))
        dsi_supervisor_wake(supervisor);
}

void dsi_supervisor_heed_parent(dsi_supervisor *supervisor) {
    if (!dsi_node_linked(&supervisor->parent_exit.node))
        return;
    dsi_node_remove(&supervisor->parent_exit.node);
    dsi_shutdown_begin(supervisor, &supervisor->parent_reason);
}

void dsi_supervisor_heed_stop(dsi_supervisor *supervisor) {
    dsi_list_each (node, &supervisor->parked) {
        dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind == DSI_PARKED_STOP) {
            dsi_node_remove(node);
            parked_stop(supervisor, dsi_item(parked, dsi_request, parked));
            return;
        }
    }
}

void dsi_supervisor_retry_later(dsi_supervisor *supervisor, dsi_child *child) {
    bool waits = !dsi_list_empty(&supervisor->parked);
    child->parked.kind = waits ? DSI_PARKED_RETRY : DSI_PARKED_CHILD;
    dsi_node_remove(&child->parked.node);
    dsi_list_append(waits ? &supervisor->parked : &supervisor->retries, &child->parked.node);
    dsi_supervisor_wake(supervisor);
}

void dsi_supervisor_hurry(dsi_supervisor *supervisor) {
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    if (supervisor->has_guest)
        dsi_guest_abort(supervisor, &shutdown);
    if (dsi_node_linked(&supervisor->parent_exit.node)) {
        dsi_node_remove(&supervisor->parent_exit.node);
        dsi_list_prepend(&supervisor->parked, &supervisor->parent_exit.node);
    }
    dsi_supervisor_wake(supervisor);
}

void dsi_supervisor_signal(dynsup_host *host, dsi_process *process, dynsup_pid from,
                           const dynsup_reason *reason, enum dsi_signal how) {
    dsi_supervisor *supervisor = process->extra->supervisor;
    if (!dsi_is_from_parent(host, process, from)) {
        if (how == DSI_SIGNAL_LINK)
            dsi_guest_stray(supervisor, from, reason);
        return;
    }
    if (supervisor->state == DSI_SUPERVISOR_STOPPING ||
        dsi_node_linked(&supervisor->parent_exit.node))
        return;
    dsi_reason_release(host, &supervisor->parent_reason);
    supervisor->parent_reason = dsi_reason_copy(host, reason);
    dsi_list_append(&supervisor->parked, &supervisor->parent_exit.node);
    end_parked(supervisor);
    if (host->halt != DSI_HALT_NONE)
        dsi_supervisor_hurry(supervisor);
    /* Handled in its own slice, so that a long row of nested supervisors does not recurse. */
    dsi_supervisor_wake(supervisor);
}

/* Releases a process whose supervisor has ended without cleaning up: it is nobody's child now, and
 * its shutdown time is no longer limited; if linked by a flag, it gets the supervisor's reason as a
 * signal. */
static void process_orphan(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_child_process(host, child);
    const dsi_process *self = supervisor->process;
    if (!process || !dsi_child_detach(child, process))
        return;
    if (process->extra)
        dsi_timers_stop(&host->timers, &process->extra->kill_timer);
    bool linked = (process->flags & DSI_FLAG_PARENT_LINK) && process->parent == self->slot.id;
    if (dsi_node_linked(&child->parked.node)) { /* its exit waits for a turn that never comes */
        dsi_process_unref(host, process);
    } else if (linked) {
        dsi_process_unflag(process, DSI_FLAG_PARENT_LINK);
        dsi_signal(host, process, self->slot.id, &self->reason, DSI_SIGNAL_LINK);
    }
}

static void orphan(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    process_orphan(supervisor, child);
    if (child->extra)
        dsi_requests_status(host, &child->extra->waiters, DYNSUP_ENOPROC);
    if (child->extra && child->extra->starting)
        dsi_request_status(host, child->extra->starting, DYNSUP_ENOPROC);
    dsi_node_remove(&child->node);
    dsi_child_free(host, child);
}

void dsi_supervisor_leave_parent(dsi_supervisor *supervisor) {
    dsi_process *parent = dsi_process_find(supervisor->host, supervisor->process->parent);
    if (parent)
        dsi_unlink(supervisor->host, parent, supervisor->process);
}

static void guest_lost(dsi_supervisor *supervisor) {
    dsi_guest_drop(supervisor);
    if (supervisor->state == DSI_SUPERVISOR_INIT)
        dsi_supervisor_leave_parent(supervisor);
    if (supervisor->guest_child && !dsi_node_linked(&supervisor->guest_child->node))
        dsi_child_free(supervisor->host, supervisor->guest_child);
    if (supervisor->guest_request) {
        dynsup_reply reply = {.status = DYNSUP_ENOPROC};
        if (!supervisor->guest_child) { /* it is the supervisor's own start that has failed */
            reply.status = DYNSUP_EREASON;
            reply.values[0] = dsi_value_copy(supervisor->host, supervisor->process->reason.value);
        }
        dsi_request_reply(supervisor->host, supervisor->guest_request, &reply);
    }
}

static bool same(const dynsup_value *a, const dynsup_value *b) {
    if (a->kind != b->kind)
        return false;
    return a->kind == DYNSUP_ATOM ? a->as.atom == b->as.atom : a->as.object == b->as.object;
}

/* Answers a stop: has the supervisor ended with the requested reason? */
static void stop_tell(dsi_supervisor *supervisor, dsi_request *request) {
    dynsup_reply reply = {0};
    const dynsup_value *reason = &supervisor->process->reason.value;
    if (!same(reason, &request->reason.value)) {
        reply.status = DYNSUP_EREASON;
        reply.values[0] = dsi_value_copy(supervisor->host, *reason);
    }
    dsi_request_reply(supervisor->host, request, &reply);
}

static void waiters_tell(dsi_supervisor *supervisor) {
    dynsup_host *host = supervisor->host;
    dsi_node *node;
    while ((node = dsi_list_pop(&supervisor->parked))) {
        dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind >= DSI_PARKED_START)
            dsi_request_status(host, dsi_item(parked, dsi_request, parked), DYNSUP_ENOPROC);
    }
    while ((node = dsi_list_pop(&supervisor->stop_waiters)))
        stop_tell(supervisor, dsi_item(node, dsi_request, parked.node));
}

static void object_release(const dynsup_host *host, uint64_t object) {
    if (object)
        host->config.objects->release(host->config.objects_ud, object);
}

void dsi_supervisor_ended(dsi_supervisor *supervisor) {
    dynsup_host *host = supervisor->host;
    if (supervisor->has_guest)
        guest_lost(supervisor);
    if (supervisor->policy->supervisor_closed)
        supervisor->policy->supervisor_closed(supervisor);
    while (!dsi_list_empty(&supervisor->children))
        orphan(supervisor, dsi_child_of_node(dsi_list_first(&supervisor->children)));
    waiters_tell(supervisor);
    dsi_cursors_detach(supervisor);
    dsi_node_remove(&supervisor->node);
    dsi_node_remove(&supervisor->ending);
    if (host->halt_waits_for == supervisor)
        host->halt_waits_for = NULL;
    object_release(host, supervisor->arguments);
    object_release(host, supervisor->belonging);
    dsi_reason_release(host, &supervisor->parent_reason);
    dsi_reason_release(host, &supervisor->reason);
    dsi_intensity_fini(&supervisor->intensity);
    dsi_memory_free(&host->memory, supervisor, sizeof *supervisor);
}
