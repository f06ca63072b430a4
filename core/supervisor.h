/*
 * Supervisors: processes that start, restart and stop children.
 *
 * Design notes.
 * A supervisor runs no code between turns: requests are handled at once, in the caller's slice,
 * unless it has a guest or earlier requests wait. A guest is a start function (or an init function)
 * that runs as the supervisor's process: its ops and body stand in the process record in place of
 * the supervisor's. Meanwhile requests, exits of children and the parent's exit signal wait in
 * `parked`, in order. Restarts that failed wait in `retries`, one attempt a slice. The kinds of
 * supervisors differ by their policy. A static supervisor, which does one thing after the other, is
 * occupied until its job is done; everything waits meanwhile, except the end of the child that is
 * awaited.
 * Parts: supervisor.c the process and its queues; request.c requests and replies; guest.c the start
 * function; life.c and incarnation.c what every policy does with a child; dynamic.c, start.c and
 * static*.c the policies; renew.c restarts for new code; saved.c what an incarnation leaves to the
 * next; shutdown.c the end. Invariants: specs == length of children == supervisors + workers;
 * active counts children with a process that has not been handled as ended; when there is no guest,
 * no drain is under way and parked is not empty, the supervisor is ready to run. A doomed
 * supervisor does nothing for its children any more.
 */
#ifndef DSI_SUPERVISOR_H
#define DSI_SUPERVISOR_H

#include "child.h"
#include "dynsup_limits.h"
#include "intensity.h"

enum dsi_supervisor_state { DSI_SUPERVISOR_INIT, DSI_SUPERVISOR_RUNNING, DSI_SUPERVISOR_STOPPING };

/* What differs between the kinds of supervisors. */
typedef struct dsi_policy {
    bool newest_first; /* the order in which children are shown */

    /* The restart of a RESTARTING child is due, and allowed. */
    void (*attempt)(dsi_supervisor *supervisor, dsi_child *child);

    /* The child, GONE now, has ended for good or did not start; reason: of its process's end, or
     * NULL. */
    void (*child_removed)(dsi_supervisor *supervisor, dsi_child *child,
                          const dynsup_reason *reason);

    /* The child has FAILED: too many restarts by its own limit. NULL: nothing to do. */
    void (*child_failed)(dsi_supervisor *supervisor, dsi_child *child);

    /* The child's process has ended with this reason; called at the supervisor's turn. */
    void (*child_exited)(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason);

    /* A STARTING child says that it is ready. info changes hands. */
    void (*child_ready)(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

    /* The guest that was to start the child (for the request; NULL: a restart) is done. */
    void (*guest_done)(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                       dynsup_outcome *outcome);

    /* The supervisor has become STOPPING: all children must go. */
    void (*supervisor_stop)(dsi_supervisor *supervisor);

    /* Handle a request whose turn has come. DYNSUP_PENDING: the request is kept; any other result:
     * the caller of the function answers it. DYNSUP_EWOULD_WAIT in place of DYNSUP_PENDING for a
     * request without a caller. start: the request holds the child and the body. change: restart
     * and delete. */
    int (*start)(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);
    int (*terminate)(dsi_supervisor *supervisor, dsi_request *request);
    int (*change)(dsi_supervisor *supervisor, dsi_request *request);

    /* The init function is done: does the rest of the supervisor's start and answers the request.
     * NULL: there is no more to do. */
    void (*supervisor_begin)(dsi_supervisor *supervisor, dsi_request *request);

    /* The supervisor's slice, while it is occupied. */
    void (*resume)(dsi_supervisor *supervisor);

    /* The supervisor's process has closed. NULL: nothing to do. */
    void (*supervisor_closed)(dsi_supervisor *supervisor);
} dsi_policy;

extern const dsi_policy dsi_dynamic_policy;
extern const dsi_policy dsi_static_policy;

struct dsi_supervisor {
    dynsup_host *host;
    dsi_process *process;
    dsi_node node;   /* in host->supervisors */
    dsi_node ending; /* in host->ending, once its end is parked */
    enum dsi_supervisor_state state;
    const dsi_policy *policy;
    dynsup_draft *order; /* of a static supervisor: see static.h */

    dsi_list children; /* of dsi_child, in the order of their start */
    dsi_list cursors;  /* of dynsup_cursor */
    size_t specs, active, supervisors, workers;

    dsi_list parked;  /* of dsi_parked */
    dsi_list retries; /* of dsi_child.parked.node */
    dsi_list down;    /* the same, of a dynamic supervisor: children that are delayed or FAILED */
    dsi_list strays;  /* of dsi_stray, while there is a guest */
    bool has_guest;
    bool draining;
    bool occupied;
    bool aborts; /* its guest ends because the supervisor is to end: no failure to be reported */
    bool stops_in_order; /* it is one of main's supervisors, which stop one by one in a halt */
    uint32_t stray_count;
    dsi_child *awaited; /* while occupied: the child whose end or readiness is awaited; or NULL */
    const dynsup_body_ops *resident_ops; /* the process's own, while it has a guest */
    dsi_child *guest_child;              /* that the guest starts; NULL: the supervisor itself */
    dsi_request *guest_request;          /* the request for that start; NULL: a restart */
    dsi_list offspring;                  /* of dsi_offspring: what the guest has spawned */
    uint32_t offspring_count;
    uint32_t offspring_room; /* when so many are listed, those that have ended are removed */

    uint64_t max_children;
    dynsup_limits limits; /* defaults for its workers */
    dsi_intensity intensity;
    uint64_t loss;      /* the last loss that was counted */
    uint64_t arguments; /* an object, or 0 */
    uint64_t belonging; /* an object of its guests, or 0 */

    dsi_parked parent_exit; /* the parent's exit signal, parked */
    dynsup_reason parent_reason;

    dynsup_reason reason;  /* STOPPING: the reason to exit with */
    dsi_list stop_waiters; /* of dsi_request */
};

/* The supervisor that runs as this process, or NULL (also when the process has closed). */
static inline dsi_supervisor *dsi_supervisor_of(const dsi_process *process) {
    bool is_one = (process->flags & DSI_FLAG_SUPERVISOR) && process->extra;
    return is_one ? process->extra->supervisor : NULL;
}

/* Is the supervisor static? It is from when it was configured until it has ended. */
static inline bool dsi_supervisor_is_static(const dsi_supervisor *supervisor) {
    return supervisor->order != NULL;
}

/* The time of the supervisor's clock, which measures restarts, delays and limits of starts, but not
 * shutdown times. The clock is read anew, since the running slice may have lasted long. */
static inline uint64_t dsi_supervisor_time(const dsi_supervisor *supervisor) {
    dsi_host_refresh(supervisor->host);
    return dsi_process_time(supervisor->host, supervisor->process);
}

/* Start and stop the timer of a child that has an extra part. A timer to be started must be
 * stopped. */
static inline void dsi_child_timer_start(dsi_child *child, uint64_t deadline_ns) {
    const dsi_supervisor *supervisor = child->supervisor;
    dsi_timer_start(supervisor->host, supervisor->process->slot.tag, &child->extra->timer,
                    deadline_ns);
}

static inline void dsi_child_timer_stop(dsi_child *child) {
    const dsi_supervisor *supervisor = child->supervisor;
    if (dsi_timer_started(&child->extra->timer))
        dsi_timer_stop(supervisor->host, supervisor->process->slot.tag, &child->extra->timer);
}

static inline dsi_child *dsi_child_of_node(dsi_node *node) {
    return dsi_item(node, dsi_child, node);
}

/* A new supervisor process in state INIT, current's child and partner, named; 0,
 * DYNSUP_EALREADY_STARTED with *pid_out, DYNSUP_EUNKNOWN_REGISTRY or DYNSUP_ENOMEM. */
int dsi_supervisor_new(dynsup_host *host, const dynsup_supervisor_options *named,
                       dsi_supervisor **supervisor_out, dynsup_pid *pid_out);

/* Sets the options and makes it RUNNING. */
void dsi_supervisor_configure(dsi_supervisor *supervisor, const dynsup_supervisor_options *options);

/* Must a request wait for its turn? */
static inline bool dsi_supervisor_busy(const dsi_supervisor *supervisor) {
    return supervisor->has_guest || supervisor->draining || supervisor->occupied ||
           !dsi_list_empty(&supervisor->parked);
}

/* Lets something wait for its turn: between slices the turn may come at once, else it comes in the
 * supervisor's own slice. */
void dsi_supervisor_park(dsi_supervisor *supervisor, dsi_parked *parked);

/* Makes the supervisor ready, to handle what waits; does nothing while it has a guest. */
void dsi_supervisor_wake(dsi_supervisor *supervisor);

/* Handles a parked exit of a child. */
void dsi_supervisor_take_exit(dsi_supervisor *supervisor, dsi_child *child);

/* Handles the parent's exit signal, if it is parked, before everything else. */
void dsi_supervisor_heed_parent(dsi_supervisor *supervisor);

/* Handles the first parked request to stop, if there is one, before its turn. */
void dsi_supervisor_heed_stop(dsi_supervisor *supervisor);

/* Ends the link to its parent: a start that fails sends no signal. */
void dsi_supervisor_leave_parent(dsi_supervisor *supervisor);

/* Handles what is parked until a guest begins or nothing is left; after a number of turns the rest
 * is left to a slice of the supervisor's. */
void dsi_supervisor_drain(dsi_supervisor *supervisor);

/* Lets a failed restart wait for its next attempt: behind what is parked, and behind all processes
 * that are ready. */
void dsi_supervisor_retry_later(dsi_supervisor *supervisor, dsi_child *child);

/* Handles an exit signal to a supervisor's process. The parent's ends it; a linked process's end is
 * noted, for it may be the guest's child; the rest is ignored. */
void dsi_supervisor_signal(dynsup_host *host, dsi_process *process, dynsup_pid from,
                           const dynsup_reason *reason, enum dsi_signal how);

/* Handles the end of the supervisor's process, which has closed: releases its children (they are
 * signalled along their links) and answers all waiting requests. Called before other processes
 * learn of that end, and never split: else the first children would have ended before the others
 * are signalled. */
void dsi_supervisor_ended(dsi_supervisor *supervisor);

/* Aborts the guest and handles the parent's exit signal next; for a halt, or a guest on a stopped
 * clock. */
void dsi_supervisor_hurry(dsi_supervisor *supervisor);

#endif
