/*
 * The life of a supervisor's children, whatever its policy: counts, exits, restarts, giving up.
 *
 * What an event does to a child is looked up in the lifecycle table (dsi_life_event); the functions
 * here carry the actions out. Those that differ are the policy's: how a child is started again, and
 * what becomes of one that has ended.
 */
#include "life.h"

#include "child_event.h"
#include "cursor.h"
#include "guest.h"
#include "incarnation.h"
#include "link.h"
#include "registry.h"
#include "renew.h"
#include "request.h"
#include "saved.h"
#include "shutdown.h"

#include <assert.h>

/* ---- bookkeeping ---- */

void dsi_life_count(dsi_supervisor *supervisor, const dsi_child *child, size_t change) {
    supervisor->specs += change;
    if (child->is_supervisor)
        supervisor->supervisors += change;
    else
        supervisor->workers += change;
}

/* Answers the requests of this kind that wait for the child; the reply's values are copied. */
static void tell_each(dsi_supervisor *supervisor, dsi_child *child, enum dsi_parked_kind kind,
                      const dynsup_reply *reply) {
    dynsup_host *host = supervisor->host;
    dsi_node *node = dsi_list_first(&child->extra->waiters);
    while (node) {
        dsi_node *next = dsi_list_next(&child->extra->waiters, node);
        dsi_request *request = dsi_item(node, dsi_request, parked.node);
        if (request->parked.kind == kind) {
            dynsup_reply copy = *reply;
            for (int i = 0; i < DYNSUP_REPLY_VALUES; i++)
                copy.values[i] = dsi_value_copy(host, reply->values[i]);
            dsi_request_reply(host, request, &copy);
        }
        node = next;
    }
}

/* Answers all requests that wait for the child: for its end, or (ensure, restart_child) for it to
 * run. */
static void tell_gone(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_node *node;
    dsi_renew_reconsider(supervisor, child);
    while (child->extra && (node = dsi_list_pop(&child->extra->waiters))) {
        dsi_request *request = dsi_item(node, dsi_request, parked.node);
        if (request->parked.kind == DSI_PARKED_TERMINATE) {
            dsi_request_status(supervisor->host, request, 0);
        } else if (request->parked.kind == DSI_PARKED_RESTART) {
            dsi_request_status(supervisor->host, request, DYNSUP_ENOT_FOUND);
        } else { /* ensure_child: now the child must be started */
            request->target = supervisor->process->slot.id;
            dsi_list_append(&supervisor->parked, &request->parked.node);
            dsi_supervisor_wake(supervisor);
        }
    }
}

void dsi_life_tell_running(dsi_supervisor *supervisor, dsi_child *child) {
    if (!child->extra)
        return;
    dsi_renew_reconsider(supervisor, child);
    tell_each(supervisor, child, DSI_PARKED_START,
              &(dynsup_reply){.pid = child->pid, .existing = true});
    tell_each(supervisor, child, DSI_PARKED_RESTART, &(dynsup_reply){.pid = child->pid});
}

void dsi_life_remove(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    child->state = DSI_CHILD_GONE;
    dsi_cursors_skip(supervisor, child);
    dsi_node_remove(&child->node);
    dsi_node_remove(&child->parked.node);
    dsi_life_count(supervisor, child, (size_t)-1);
    dsi_event_child(host, DYNSUP_EVENT_CHILD_REMOVED, child, NULL);
    tell_gone(supervisor, child);
    dsi_child_free(host, child);
    dsi_shutdown_finish(supervisor);
}

/* A child that restarts, or has failed, has no process by which it could be found. It is searched
 * for, if there are any, among the children that are down; in a static supervisor, which has few,
 * among all. */
static bool is_down_as(const dsi_child *child, dynsup_pid pid) {
    return dsi_child_is_down(child) && child->state != DSI_CHILD_GONE && child->pid == pid;
}

static dsi_child *find_in_order(const dsi_supervisor *supervisor, dynsup_pid pid) {
    dsi_list_each (node, &supervisor->children) {
        dsi_child *child = dsi_child_of_node(node);
        if (is_down_as(child, pid))
            return child;
    }
    return NULL;
}

static dsi_child *find_waiting(const dsi_list *waiting, dynsup_pid pid) {
    dsi_list_each (node, waiting) {
        dsi_child *child = dsi_item(node, dsi_child, parked.node);
        if (is_down_as(child, pid))
            return child;
    }
    return NULL;
}

static dsi_child *find_parked(const dsi_supervisor *supervisor, dynsup_pid pid) {
    dsi_list_each (node, &supervisor->parked) {
        dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind == DSI_PARKED_RETRY && dsi_item(parked, dsi_child, parked)->pid == pid)
            return dsi_item(parked, dsi_child, parked);
    }
    return NULL;
}

static dsi_child *find_down(const dsi_supervisor *supervisor, dynsup_pid pid) {
    if (supervisor->active == supervisor->specs)
        return NULL;
    if (dsi_supervisor_is_static(supervisor))
        return find_in_order(supervisor, pid);
    dsi_child *guest = supervisor->guest_child;
    if (guest && dsi_node_linked(&guest->node) && is_down_as(guest, pid))
        return guest;
    dsi_child *child = find_waiting(&supervisor->down, pid);
    if (!child)
        child = find_waiting(&supervisor->retries, pid);
    return child ? child : find_parked(supervisor, pid);
}

/* Lists a child that is in no queue of turns, to be found by its last pid. */
static void note_down(dsi_supervisor *supervisor, dsi_child *child) {
    if (dsi_supervisor_is_static(supervisor))
        return;
    dsi_node_remove(&child->parked.node);
    dsi_list_append(&supervisor->down, &child->parked.node);
}

dsi_child *dsi_life_find(dsi_supervisor *supervisor, dynsup_pid pid, const char *name,
                         size_t name_length) {
    if (pid) {
        dsi_process *process = dsi_process_find(supervisor->host, pid);
        dsi_child *child = process ? dsi_child_of(process, supervisor) : NULL;
        return child ? child : find_down(supervisor, pid);
    }
    dsi_name *entry = dsi_name_find(supervisor->host, name, name_length);
    if (!entry)
        return NULL;
    if (entry->child)
        return entry->child->supervisor == supervisor ? entry->child : NULL;
    return entry->process ? dsi_child_of(entry->process, supervisor) : NULL;
}

/* ---- restarts ---- */

static bool backs_off(const dsi_child *child) {
    return child->extra && child->extra->has_backoff;
}

static dsi_intensity *own_limit(const dsi_child *child) {
    return child->extra ? child->extra->own : NULL;
}

/* Counts a restart: by the child's own limit, if it has one; else by its supervisor's, unless the
 * child has a backoff. False: it is one too many. */
static bool restart_count(dsi_supervisor *supervisor, dsi_child *child) {
    uint64_t now_ms = dsi_supervisor_time(supervisor) / 1000000;
    bool skips = child->is_counted_elsewhere;
    child->is_counted_elsewhere = false;
    if (own_limit(child))
        return dsi_intensity_add(own_limit(child), now_ms);
    return skips || backs_off(child) || dsi_intensity_add(&supervisor->intensity, now_ms);
}

bool dsi_life_counts(const dsi_child *child) {
    return child->restart != DYNSUP_TEMPORARY && !own_limit(child) && !backs_off(child);
}

/* Handles an exceeded intensity of the supervisor: the child is dropped, and the supervisor ends.
 */
static void supervisor_give_up(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_reason reached = dynsup_reason_atom(DYNSUP_REACHED_MAX_RESTART_INTENSITY);
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    dsi_event_child(supervisor->host, DYNSUP_EVENT_GAVE_UP, child, &reached);
    supervisor->policy->child_removed(supervisor, child, NULL);
    dsi_shutdown_begin(supervisor, &shutdown);
}

/* Handles one restart too many; reason: of the end, or the failed attempt, before it. */
static void give_up(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    if (own_limit(child))
        dsi_life_event(supervisor, child, DSI_ON_EXHAUST, reason);
    else
        supervisor_give_up(supervisor, child);
}

/* Delays the restart, by the child's backoff. */
static void delay(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dynsup_host *host = supervisor->host;
    dsi_child_extra *extra = child->extra;
    uint64_t random = dsi_random(host);
    uint64_t delay_ns = dsi_backoff_next(&extra->backoff, extra->lived_ns, random);
    extra->lived_ns = 0;
    extra->delayed = true;
    dsi_child_timer_stop(child);
    dsi_child_timer_start(child, dsi_supervisor_time(supervisor) + delay_ns);
    note_down(supervisor, child);
    dsi_event_delayed(host, child, reason, delay_ns);
    dsi_renew_reconsider(supervisor, child);
}

/* Restarts the child. A restart that was delayed has been counted already. */
static void restart(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    bool was_delayed = backs_off(child) && child->extra->delayed;
    if (!was_delayed && !restart_count(supervisor, child))
        give_up(supervisor, child, reason);
    else if (!was_delayed && backs_off(child))
        delay(supervisor, child, reason);
    else
        supervisor->policy->attempt(supervisor, child);
}

/* An attempt that was cut short by the supervisor's end does not count as one more. */
static void try_again(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    dsi_renew_reconsider(supervisor, child);
    if (supervisor->aborts || !backs_off(child))
        dsi_supervisor_retry_later(supervisor, child);
    else if (restart_count(supervisor, child))
        delay(supervisor, child, reason);
    else
        give_up(supervisor, child, reason);
}

/* Handles too many restarts by the child's own limit: the child stays down, and requests that wait
 * for it are answered. */
static void child_give_up(dsi_supervisor *supervisor, dsi_child *child,
                          const dynsup_reason *reason) {
    const dynsup_reply failed = {.status = DYNSUP_EFAILED};
    assert(child->extra && "it has a limit of its own");
    dsi_child_timer_stop(child);
    note_down(supervisor, child);
    dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_FAILED, child, reason);
    dsi_renew_reconsider(supervisor, child);
    tell_each(supervisor, child, DSI_PARKED_START, &failed);
    tell_each(supervisor, child, DSI_PARKED_RESTART, &failed);
    if (supervisor->policy->child_failed)
        supervisor->policy->child_failed(supervisor, child);
}

void dsi_life_forgive(dsi_child *child) {
    dsi_child_extra *extra = child->extra;
    dsi_intensity_fini(extra->own);
    extra->backoff.next_ms = 0;
    extra->delayed = false;
}

/* Does anyone wait for a restart of the child by hand? */
static bool is_asked_for(const dsi_supervisor *supervisor, const dsi_child *child) {
    dsi_list_each (node, &child->extra->waiters) {
        const dsi_request *request = dsi_item(node, dsi_request, parked.node);
        if (request->parked.kind == DSI_PARKED_RESTART &&
            !dsi_request_is_left(supervisor->host, request))
            return true;
    }
    return false;
}

/* Handles a failed attempt to start a FAILED child by hand. */
static void deny(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reply *why) {
    bool is_told = supervisor->aborts || is_asked_for(supervisor, child);
    dsi_event_not_started(supervisor->host, child, why, is_told);
    note_down(supervisor, child);
    tell_each(supervisor, child, DSI_PARKED_RESTART, why);
}

void dsi_life_not_started(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reply *why) {
    dynsup_reason reason = dsi_reply_reason(why);
    if (child->state == DSI_CHILD_FAILED)
        deny(supervisor, child, why);
    else if (!supervisor->aborts)
        dsi_event_start_error(supervisor->host, child, why);
    dsi_life_event(supervisor, child, DSI_ON_FAILED, &reason);
}

void dsi_life_attempt(dsi_supervisor *supervisor, dsi_child *child) {
    if (!dsi_supervisor_is_static(supervisor))
        dsi_node_remove(&child->parked.node); /* from those that are down */
    const dynsup_body_ops *ops;
    void *body;
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NOMEM);
    int status = DYNSUP_ENOMEM;
    if (!child->guest || dsi_child_extra_get(supervisor->host, child)) /* for the pid to be named */
        status = dsi_incarnation_body(supervisor, child, &ops, &body, &reason);
    if (status == 0 && child->guest) {
        dsi_guest_begin(supervisor, ops, body, child, NULL);
        return;
    }
    if (status == 0) {
        status = dsi_incarnation_begin(supervisor, child, ops, body);
        if (status)
            ops->fini(body);
    }
    if (status == 0) {
        dsi_event_child(supervisor->host, DYNSUP_EVENT_CHILD_RESTARTED, child, NULL);
        dsi_life_event(supervisor, child, DSI_ON_STARTED, NULL);
        return;
    }
    dynsup_reply why = {.status = status};
    if (status == DYNSUP_EREASON)
        why.values[0] = reason.value;
    dsi_life_not_started(supervisor, child, &why);
    dsi_reply_release(supervisor->host, &why);
}

void dsi_life_attempt_failed(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_outcome *outcome) {
    if (outcome->status == DYNSUP_EIGNORE) {
        tell_each(supervisor, child, DSI_PARKED_RESTART, &(dynsup_reply){.status = DYNSUP_EIGNORE});
        dsi_life_event(supervisor, child, DSI_ON_IGNORED, NULL);
        return;
    }
    dynsup_reply why = {.status = outcome->status, .pid = outcome->pid};
    why.values[0] = outcome->values[0];
    why.values[1] = outcome->values[1];
    dynsup_reason reason = dsi_reply_reason(&why);
    dsi_saved_ended(supervisor->host, child, &reason, true);
    dsi_life_not_started(supervisor, child, &why);
}

/* ---- the table's actions ---- */

static void kill_child(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dsi_process *process = dsi_child_process(supervisor->host, child);
    assert(process && "what takes too long has a process");
    dsi_signal(supervisor->host, process, supervisor->process->slot.id, &kill, DSI_SIGNAL_SENT);
}

void dsi_life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                    const dynsup_reason *reason) {
    dsi_transition to = dsi_lifecycle((enum dsi_child_state)child->state, event);
    child->state = (uint8_t)to.state;
    switch (to.action) {
    case DSI_DO_NOTHING:
        break;
    case DSI_DO_TELL:
        dsi_life_tell_running(supervisor, child);
        break;
    case DSI_DO_REFUSE:
    case DSI_DO_REMOVE:
        supervisor->policy->child_removed(supervisor, child, reason);
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
    case DSI_DO_GIVE_UP:
        child_give_up(supervisor, child, reason);
        break;
    case DSI_DO_DENY: /* dsi_life_not_started has told them, with the detail */
        break;
    case DSI_DO_RENEW:
        child->is_counted_elsewhere = false; /* this is the restart of what was lost */
        dsi_life_attempt(supervisor, child);
        break;
    case DSI_CHILD_ACTION_COUNT:
        break;
    }
}

/* ---- what happens to children ---- */

static bool is_stopping(const dsi_child *child) {
    return child->state == DSI_CHILD_STOPPING || child->state == DSI_CHILD_RENEWING;
}

static void report_exit(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason) {
    bool stopping = is_stopping(child);
    bool stopped = stopping && !child->ended_before; /* not by itself */
    bool reported = stopped
                        ? dsi_lifecycle_stop_reported(child->restart, child->shutdown_ms, reason)
                        : dsi_lifecycle_reported(child->restart, reason->kind);
    if (reported)
        dsi_event_child(supervisor->host,
                        stopping ? DYNSUP_EVENT_SHUTDOWN_ERROR : DYNSUP_EVENT_CHILD_TERMINATED,
                        child, reason);
}

/* Did the supervisor ask for this end? */
static bool was_told(const dsi_child *child) {
    return is_stopping(child) && !(child->extra && child->extra->timed_out);
}

static bool is_abnormal(const dynsup_reason *reason) {
    return reason->kind != DYNSUP_REASON_NORMAL && reason->kind != DYNSUP_REASON_SHUTDOWN;
}

void dsi_life_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason,
                     bool is_told) {
    supervisor->active--;
    if (child->extra) {
        dsi_child_timer_stop(child);
        child->extra->delayed = false;
    }
    if (!is_told)
        report_exit(supervisor, child, reason);
    dsi_saved_ended(supervisor->host, child, reason, is_abnormal(reason) && !was_told(child));
    dsi_life_event(supervisor, child, dsi_lifecycle_exit(child->restart, reason->kind), reason);
}

void dsi_life_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info) {
    dsi_child_timer_stop(child);
    if (child->state == DSI_CHILD_STARTING)
        supervisor->policy->child_ready(supervisor, child, info);
    else
        dsi_value_release(supervisor->host, info);
}

void dsi_life_timer(dsi_supervisor *supervisor, dsi_child *child) {
    if (child->state == DSI_CHILD_RESTARTING) { /* delayed: gets its turn like one that failed */
        dsi_supervisor_retry_later(supervisor, child);
    } else if (dsi_process_find_alive(supervisor->host, child->pid)) { /* else its end is parked */
        child->extra->timed_out = child->state == DSI_CHILD_STARTING;
        dsi_life_event(supervisor, child, DSI_ON_TIMEOUT, NULL);
    }
}
