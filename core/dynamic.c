/*
 * The life of a dynamic supervisor's children: exits, restarts, giving up, termination.
 *
 * What an event does to a child is looked up in the lifecycle table (life_event); the functions
 * here carry the actions out. How a child is started for the first time is in start.c.
 */
#include "child_event.h"
#include "cursor.h"
#include "event.h"
#include "link.h"
#include "supervisor.h"

#include <assert.h>

/* ---- bookkeeping ---- */

void dsi_dynamic_count(dsi_supervisor *supervisor, const dsi_child *child, size_t change) {
    supervisor->specs += change;
    if (child->is_supervisor)
        supervisor->supervisors += change;
    else
        supervisor->workers += change;
}

/* Everybody who waits for the child: for its end, or (ensure) for it to run. */
static void tell_gone(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_node *node;
    while (child->extra && (node = dsi_list_pop(&child->extra->waiters))) {
        dsi_request *request = dsi_item(node, dsi_request, parked.node);
        if (request->parked.kind == DSI_PARKED_TERMINATE) {
            dsi_request_status(supervisor->host, request, 0);
        } else { /* it was to be ensured: now it must be started */
            dsi_list_append(&supervisor->parked, &request->parked.node);
            dsi_supervisor_wake(supervisor);
        }
    }
}

static void tell_running(dsi_supervisor *supervisor, dsi_child *child) {
    if (!child->extra)
        return;
    dsi_node *node = dsi_list_first(&child->extra->waiters);
    while (node) {
        dsi_node *next = dsi_list_next(&child->extra->waiters, node);
        dsi_request *request = dsi_item(node, dsi_request, parked.node);
        dynsup_reply reply = {.pid = child->pid, .existing = true};
        if (request->parked.kind == DSI_PARKED_START)
            dsi_request_reply(supervisor->host, request, &reply);
        node = next;
    }
}

void dsi_dynamic_remove(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    child->state = DSI_CHILD_GONE;
    dsi_cursors_skip(supervisor, child);
    dsi_node_remove(&child->node);
    dsi_node_remove(&child->parked.node);
    dsi_dynamic_count(supervisor, child, (size_t)-1);
    dsi_event_child(host, DYNSUP_EVENT_CHILD_REMOVED, child, NULL);
    tell_gone(supervisor, child);
    dsi_child_free(host, child);
    dsi_shutdown_check(supervisor);
}

/* ---- a process for a child ---- */

int dsi_dynamic_make_body(dsi_supervisor *supervisor, const dsi_child *child,
                          const dynsup_body_ops **ops, void **body, dynsup_reason *reason) {
    bool draining = supervisor->draining;
    supervisor->draining = true; /* what make may run (finalizers) does not get at the child */
    *reason = dynsup_reason_atom(DYNSUP_NOMEM);
    int status = child->program_ops->make(child->program, supervisor->arguments, ops, body, reason);
    supervisor->draining = draining;
    return status;
}

static void start_limit(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_child_extra *extra = child->extra;
    if (!extra || !extra->ready || extra->start_timeout_ms < 0)
        return;
    uint64_t deadline = dsi_deadline_after(supervisor->host->now_ns, extra->start_timeout_ms);
    if (deadline != DYNSUP_NEVER)
        dsi_timers_start(&supervisor->host->timers, &extra->timer, deadline);
}

int dsi_dynamic_incarnate(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_process_new(host, ops, body);
    if (!process)
        return DYNSUP_ENOMEM;
    if (child->name && !dsi_process_extra_get(host, process)) {
        dsi_process_discard(host, process);
        return DYNSUP_ENOMEM;
    }
    process->parent = supervisor->process->slot.id;
    process->flags = DSI_FLAG_CHILD | DSI_FLAG_PARENT_LINK;
    dsi_child_attach(child, process);
    child->incarnation++;
    supervisor->active++;
    if (child->name) {
        child->name->process = process;
        process->extra->name = child->name;
    }
    dsi_event_process(host, DYNSUP_EVENT_SPAWNED, process, NULL);
    start_limit(supervisor, child);
    dsi_process_ready(host, process, DYNSUP_WAKE_FIRST);
    return 0;
}

/* Tells who asked for the child's start and waited for it to be ready. */
static void start_told(dsi_supervisor *supervisor, dsi_child *child, dynsup_reply *reply) {
    dsi_request *request = child->extra->starting;
    child->extra->starting = NULL;
    dsi_request_reply(supervisor->host, request, reply);
}

/* The reason with which a process ended that the guest named although it was gone. */
static dynsup_reason stray_reason(dsi_supervisor *supervisor, dynsup_pid pid) {
    dsi_list_each (node, &supervisor->strays) {
        dsi_stray *stray = dsi_item(node, dsi_stray, node);
        if (stray->pid == pid)
            return dsi_reason_copy(supervisor->host, &stray->reason);
    }
    return dynsup_reason_atom(DYNSUP_NOPROC);
}

/* Removes the record, if any, that the process had at the supervisor before. */
static void replace(dsi_supervisor *supervisor, dsi_child *older, dsi_process *process) {
    if (!older)
        return;
    dsi_child_detach(older, process);
    supervisor->active--;
    if (older->extra && older->extra->starting)
        start_told(supervisor, older,
                   &(dynsup_reply){.status = DYNSUP_EALREADY_STARTED, .pid = older->pid});
    dsi_dynamic_remove(supervisor, older);
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
        tell_running(supervisor, child);
        return;
    }
    dynsup_reason reason =
        process ? dsi_reason_copy(host, &process->at.reason) : stray_reason(supervisor, pid);
    dsi_dynamic_exited(supervisor, child, &reason);
    dsi_reason_release(host, &reason);
}

/* ---- restarts ---- */

static void life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                       const dynsup_reason *reason);

/* The intensity is exceeded: the child is dropped, and the supervisor ends. */
static void give_up(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_reason reached = dynsup_reason_atom(DYNSUP_REACHED_MAX_RESTART_INTENSITY);
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    dsi_event_child(supervisor->host, DYNSUP_EVENT_GAVE_UP, child, &reached);
    dsi_dynamic_remove(supervisor, child);
    dsi_shutdown_begin(supervisor, &shutdown);
}

static void attempt(dsi_supervisor *supervisor, dsi_child *child) {
    const dynsup_body_ops *ops;
    void *body;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NOMEM);
    int status = DYNSUP_ENOMEM;
    if (!child->guest ||
        dsi_child_extra_get(supervisor->host, child)) /* whom it names may be a child */
        status = dsi_dynamic_make_body(supervisor, child, &ops, &body, &reason);
    if (status == 0 && child->guest) {
        dsi_guest_begin(supervisor, ops, body, child, NULL);
        return;
    }
    if (status == 0) {
        status = dsi_dynamic_incarnate(supervisor, child, ops, body);
        if (status)
            ops->fini(body);
    }
    if (status == 0) {
        dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_RESTARTED, child, NULL);
        life_event(supervisor, child, DSI_ON_STARTED, NULL);
        return;
    }
    life_event(supervisor, child, DSI_ON_FAILED, &reason);
    dsi_reason_release(supervisor->host, &reason);
}

static bool backs_off(const dsi_child *child) {
    return child->extra && child->extra->has_backoff;
}

/* Puts the restart off, as the child's backoff says. */
static void delay(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dynsup_host *host = supervisor->host;
    dsi_child_extra *extra = child->extra;
    uint64_t random = dynsup_host_random(host);
    uint64_t delay_ns = dsi_backoff_next(&extra->backoff, extra->lived_ns, random);
    extra->lived_ns = 0;
    extra->delayed = true;
    dsi_timers_stop(&host->timers, &extra->timer);
    dsi_timers_start(&host->timers, &extra->timer, host->now_ns + delay_ns);
    dsi_event_delayed(host, child, reason, delay_ns);
}

/* A restart counts, unless backoff spaces it. */
static void restart(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    if (backs_off(child)) {
        if (child->extra->delayed)
            attempt(supervisor, child);
        else
            delay(supervisor, child, reason);
    } else if (dsi_intensity_add(&supervisor->intensity, supervisor->host->now_ns / 1000000)) {
        attempt(supervisor, child);
    } else {
        give_up(supervisor, child);
    }
}

static void try_again(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dsi_event_child(supervisor->host, DYNSUP_EVENT_START_ERROR, child, reason);
    if (backs_off(child))
        delay(supervisor, child, reason);
    else
        dsi_supervisor_retry_later(supervisor, child);
}

/* ---- the table's actions ---- */

static void refuse_start(dsi_supervisor *supervisor, dsi_child *child,
                         const dynsup_reason *reason) {
    assert(reason && "only an exit refuses a start");
    dynsup_reply reply = {.status = DYNSUP_EREASON};
    reply.values[0] = dsi_value_copy(supervisor->host, reason->value);
    if (child->extra->timed_out) {
        dsi_value_release(supervisor->host, &reply.values[0]);
        reply.status = DYNSUP_ETIMEOUT;
    }
    dsi_event_refused(supervisor->host, child, reply.status, reason);
    start_told(supervisor, child, &reply);
    dsi_dynamic_remove(supervisor, child);
}

static void kill_child(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dsi_process *process = dsi_child_process(supervisor->host, child);
    if (process)
        dsi_signal(supervisor->host, process, supervisor->process->slot.id, &kill, DSI_SIGNAL_SENT);
}

static void remove_or_refuse(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_reason *reason) {
    if (child->extra && child->extra->starting)
        refuse_start(supervisor, child, reason);
    else
        dsi_dynamic_remove(supervisor, child);
}

static void life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                       const dynsup_reason *reason) {
    dsi_transition to = dsi_lifecycle((enum dsi_child_state)child->state, event);
    child->state = (uint8_t)to.state;
    switch (to.action) {
    case DSI_DO_NOTHING:
        break;
    case DSI_DO_TELL:
        tell_running(supervisor, child);
        break;
    case DSI_DO_REFUSE:
    case DSI_DO_REMOVE:
        remove_or_refuse(supervisor, child, reason);
        break;
    case DSI_DO_KILL:
        kill_child(supervisor, child);
        break;
    case DSI_DO_STOP:
        dsi_shutdown_child(supervisor, child);
        break;
    case DSI_DO_RESTART:
        restart(supervisor, child, reason);
        break;
    case DSI_DO_AGAIN:
        try_again(supervisor, child, reason);
        break;
    default:
        break;
    }
}

/* ---- what happens to children ---- */

static void report_exit(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dynsup_host *host = supervisor->host;
    if (child->extra && child->extra->starting)
        return; /* who starts it is told */
    bool stopping = child->state == DSI_CHILD_STOPPING;
    bool stopped = stopping && !child->ended_before; /* not by itself */
    bool reported = stopped
                        ? dsi_lifecycle_stop_reported(child->restart, child->shutdown_ms, reason)
                        : dsi_lifecycle_reported(child->restart, reason->class);
    if (reported)
        dsi_event_child(host,
                        stopping ? DYNSUP_EVENT_SHUTDOWN_ERROR : DYNSUP_EVENT_CHILD_TERMINATED,
                        child, reason);
}

void dsi_dynamic_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dsi_process *process = dsi_child_process(supervisor->host, child);
    supervisor->active--;
    if (child->extra) {
        dsi_timers_stop(&supervisor->host->timers, &child->extra->timer);
        child->extra->lived_ns = process ? supervisor->host->now_ns - process->started_ns : 0;
        child->extra->delayed = false;
    }
    report_exit(supervisor, child, reason);
    life_event(supervisor, child, dsi_lifecycle_exit(child->restart, reason->class), reason);
}

void dsi_dynamic_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    dsi_timers_stop(&supervisor->host->timers, &child->extra->timer);
    if (child->state != DSI_CHILD_STARTING) {
        dsi_value_release(supervisor->host, info);
        return;
    }
    dynsup_reply reply = {.pid = child->pid, .values[0] = *info};
    start_told(supervisor, child, &reply);
    dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_STARTED, child, NULL);
    life_event(supervisor, child, DSI_ON_READY, NULL);
}

void dsi_dynamic_timer(dsi_supervisor *supervisor, dsi_child *child) {
    if (child->state != DSI_CHILD_RESTARTING) {
        child->extra->timed_out = child->state == DSI_CHILD_STARTING;
        life_event(supervisor, child, DSI_ON_TIMEOUT, NULL);
    } else { /* a delayed restart has its turn like one that failed */
        dsi_supervisor_retry_later(supervisor, child);
    }
}

void dsi_dynamic_retry(dsi_supervisor *supervisor, dsi_child *child) {
    life_event(supervisor, child, DSI_ON_RETRY, NULL);
}

static void restart_done(dsi_supervisor *supervisor, dsi_child *child, dynsup_outcome *outcome) {
    dynsup_host *host = supervisor->host;
    if (outcome->status == 0) {
        dsi_dynamic_adopt(supervisor, child, outcome->pid, DYNSUP_EVENT_CHILD_RESTARTED);
    } else if (outcome->status == DYNSUP_EIGNORE) {
        life_event(supervisor, child, DSI_ON_IGNORED, NULL);
    } else {
        dynsup_reason reason = {.value = outcome->values[0]};
        if (outcome->status != DYNSUP_EREASON)
            reason = dynsup_reason_atom((enum dynsup_atom) - outcome->status);
        life_event(supervisor, child, DSI_ON_FAILED, &reason);
    }
    dsi_value_release(host, &outcome->values[0]);
    dsi_value_release(host, &outcome->values[1]);
}

void dsi_dynamic_guest_done(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                            dynsup_outcome *outcome) {
    if (request)
        dsi_dynamic_first_start_done(supervisor, child, request, outcome);
    else
        restart_done(supervisor, child, outcome);
}

/* ---- terminate_child ---- */

/* A child that restarts has no process to be found by: it is looked for, when there is any. */
static dsi_child *find_restarting(dsi_supervisor *supervisor, dynsup_pid pid) {
    if (supervisor->active == supervisor->specs)
        return NULL;
    dsi_list_each (node, &supervisor->children) {
        dsi_child *child = dsi_child_of_node(node);
        if (child->state == DSI_CHILD_RESTARTING && child->pid == pid)
            return child;
    }
    return NULL;
}

static dsi_child *find_child(dsi_supervisor *supervisor, const dsi_request *request) {
    if (request->pid) {
        dsi_process *process = dsi_process_find(supervisor->host, request->pid);
        dsi_child *child = process ? dsi_child_of(process, supervisor) : NULL;
        return child ? child : find_restarting(supervisor, request->pid);
    }
    dsi_name *name = dsi_names_find(&supervisor->host->names, request->name, request->name_length);
    if (!name)
        return NULL;
    if (name->child)
        return name->child->supervisor == supervisor ? name->child : NULL;
    return name->process ? dsi_child_of(name->process, supervisor) : NULL;
}

int dsi_dynamic_terminate(dsi_supervisor *supervisor, dsi_request *request) {
    dsi_child *child = find_child(supervisor, request);
    if (!child)
        return DYNSUP_ENOT_FOUND;
    if (child->state == DSI_CHILD_RESTARTING) {
        life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
        return 0;
    }
    if (!request->caller)
        return DYNSUP_EWOULD_WAIT;
    dsi_child_extra *extra = dsi_child_extra_get(supervisor->host, child);
    if (!extra)
        return DYNSUP_ENOMEM;
    dsi_list_append(&extra->waiters, &request->parked.node);
    life_event(supervisor, child, DSI_ON_TERMINATE, NULL);
    return DYNSUP_PENDING;
}
