/*
 * Supervisors: processes that start, restart and stop children.
 *
 * Design notes.
 * A supervisor is a process without code of its own between turns: what it is asked is done at
 * once, in the caller's slice, unless it has a guest or earlier requests wait. A guest is a start
 * function (or an init function) that runs as the supervisor's process: its ops and body stand in
 * the process record in place of the supervisor's. Meanwhile requests, exits of children and the
 * parent's exit signal wait in `parked`, in order. Restarts that failed wait in `retries`, one
 * attempt a slice. Parts: supervisor.c the process and its queues; request.c what callers ask and
 * are told; guest.c the start function; dynamic.c the policy for children; shutdown.c the end.
 * Invariants: specs == length of children == supervisors + workers; active counts children with a
 * process that has not been handled as ended; when there is no guest, no drain is under way and
 * parked is not empty, the supervisor is ready to run. A supervisor that is doomed does nothing
 * for its children any more.
 */
#ifndef DSI_SUPERVISOR_H
#define DSI_SUPERVISOR_H

#include "child.h"
#include "intensity.h"

enum dsi_supervisor_state { DSI_SUPERVISOR_INIT, DSI_SUPERVISOR_RUNNING, DSI_SUPERVISOR_STOPPING };

/* A process that ended while a guest ran, which might be the one that the guest has started. */
typedef struct dsi_stray {
    dsi_node node;
    dynsup_pid pid;
    dynsup_reason reason;
} dsi_stray;

struct dsi_supervisor {
    dynsup_host *host;
    dsi_process *process;
    dsi_node node; /* in host->supervisors */
    enum dsi_supervisor_state state;

    dsi_list children; /* of dsi_child, in the order of their start */
    dsi_list cursors;  /* of dynsup_cursor */
    size_t specs, active, supervisors, workers;

    dsi_list parked;  /* of dsi_parked */
    dsi_list retries; /* of dsi_child.parked.node */
    dsi_list strays;  /* of dsi_stray, while there is a guest */
    bool has_guest;
    bool draining;
    const dynsup_body_ops *resident_ops; /* the process's own, while it has a guest */
    dsi_child *guest_child;     /* whom the guest starts; NULL: the supervisor itself (init) */
    dsi_request *guest_request; /* who asked for it; NULL: a restart */

    uint64_t max_children;
    dsi_intensity intensity;
    uint64_t arguments; /* an object, or 0 */
    uint64_t belonging; /* an object of its guests, or 0 */

    dsi_parked parent_exit; /* the parent's exit signal, parked */
    dynsup_reason parent_reason;

    dynsup_reason reason;  /* STOPPING: what it will exit with */
    dsi_list stop_waiters; /* of dsi_request */
};

/* The supervisor that runs as this process, or NULL (also when the process has closed). */
static inline dsi_supervisor *dsi_supervisor_of(const dsi_process *process) {
    bool is_one = (process->flags & DSI_FLAG_SUPERVISOR) && process->extra;
    return is_one ? process->extra->supervisor : NULL;
}

static inline dsi_child *dsi_child_of_node(dsi_node *node) {
    return dsi_item(node, dsi_child, node);
}

/* A new supervisor process in state INIT, current's child and partner, named; 0,
 * DYNSUP_EALREADY_STARTED with *pid_out, or DYNSUP_ENOMEM. */
int dsi_supervisor_new(dynsup_host *host, const char *name, size_t name_length,
                       dsi_supervisor **supervisor_out, dynsup_pid *pid_out);

/* Sets the options and makes it RUNNING. */
void dsi_supervisor_configure(dsi_supervisor *supervisor, const dynsup_supervisor_options *options);

/* Must a request wait for its turn? */
static inline bool dsi_supervisor_busy(const dsi_supervisor *supervisor) {
    return supervisor->has_guest || supervisor->draining || !dsi_list_empty(&supervisor->parked);
}

/* Lets something wait for its turn: between slices it may come at once, else the supervisor's own
 * slice brings it. */
void dsi_supervisor_park(dsi_supervisor *supervisor, dsi_parked *parked);

/* Lets the supervisor have a slice for what waits; with a guest that comes when it has left. */
void dsi_supervisor_wake(dsi_supervisor *supervisor);

/* Handles what is parked until a guest begins or nothing is left. */
void dsi_supervisor_drain(dsi_supervisor *supervisor);

/* Lets a failed restart wait for its next attempt: behind what is parked, and behind all processes
 * that are ready. */
void dsi_supervisor_retry_later(dsi_supervisor *supervisor, dsi_child *child);

/* Exit signal to a supervisor's process: the parent's ends it, others' are nothing to it. */
void dsi_supervisor_signal(dynsup_host *host, dsi_process *process, dynsup_pid from,
                           const dynsup_reason *reason);

/* The supervisor's process has closed: lets go of its children (they are signalled along their
 * links) and tells everybody who waits. Called before others are told of its end. */
void dsi_supervisor_ended(dsi_supervisor *supervisor);

/* ---- request.c ---- */

struct dsi_request {
    dsi_parked parked; /* in parked, in a child's waiters or in stop_waiters */
    dynsup_pid caller; /* 0: nobody waits, so it is done now or not at all */
    uint64_t key;
    /* START */
    bool ensure;
    dsi_child *child; /* not accepted yet; NULL once it is (or is not needed any more) */
    const dynsup_body_ops *body_ops;
    void *body;
    /* TERMINATE: pid, or the name; START: the child's name */
    dynsup_pid pid;
    dynsup_reason reason; /* STOP */
    size_t name_length;
    char name[];
};

/* A request of the current process, with a copy of the name; NULL without memory. */
dsi_request *dsi_request_new(dynsup_host *host, enum dsi_parked_kind kind, const char *name,
                             size_t name_length);

/* Tells the caller, if it still waits, and frees the request with what it still owns. The reply's
 * objects change hands. */
void dsi_request_reply(dynsup_host *host, dsi_request *request, dynsup_reply *reply);
void dsi_request_status(dynsup_host *host, dsi_request *request, int status);

/* The same for all requests of a list. */
void dsi_requests_status(dynsup_host *host, dsi_list *requests, int status);

void dsi_request_free(dynsup_host *host, dsi_request *request);

/* ---- guest.c ---- */

/* Lets the body run as the supervisor's guest, to start the child (NULL: the supervisor). */
void dsi_guest_begin(dsi_supervisor *supervisor, const dynsup_body_ops *ops, void *body,
                     dsi_child *child, dsi_request *request);

/* The guest has come to its end; its outcome is handled, and what is parked goes on. */
void dsi_guest_done(dsi_supervisor *supervisor, dynsup_outcome *outcome);

/* Ends the guest as if it had failed with this reason. What is parked stays so: the caller sees to
 * it, or the next guest would begin here. */
void dsi_guest_abort(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Ends the guest with its process: nothing is handled. */
void dsi_guest_drop(dsi_supervisor *supervisor);

/* ---- start.c ---- */

/* Would a child with this name be started now? As dynsup_admits; never DYNSUP_PENDING but for
 * ensure when the named child is not running. */
int dsi_dynamic_admits(dsi_supervisor *supervisor, const char *name, size_t length, bool ensure,
                       dynsup_reply *reply);

/* Handles a start whose turn has come. request, when not NULL, holds the child and the body, and is
 * kept if the answer is DYNSUP_PENDING; otherwise the caller must tell. DYNSUP_EWOULD_WAIT in place
 * of DYNSUP_PENDING for a request without caller. */
int dsi_dynamic_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);

/* A plain body's start whose turn it is and that need not wait; child and body change hands. */
int dsi_dynamic_start_body(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                           size_t name_length, const dynsup_body_ops *ops, void *body,
                           dynsup_reply *reply);

/* A start function's first outcome: the child is accepted, or not; the caller is told. */
void dsi_dynamic_first_start_done(dsi_supervisor *supervisor, dsi_child *child,
                                  dsi_request *request, dynsup_outcome *outcome);

/* ---- dynamic.c ---- */

/* The child's share in the counts; change is 1 or -1. */
void dsi_dynamic_count(dsi_supervisor *supervisor, const dsi_child *child, size_t change);

/* The body of the child's next incarnation; as dynsup_program_ops.make. */
int dsi_dynamic_make_body(dsi_supervisor *supervisor, const dsi_child *child,
                          const dynsup_body_ops **ops, void **body, dynsup_reason *reason);

/* Gives the child a process that runs the body. 0 or DYNSUP_ENOMEM, with nothing changed. */
int dsi_dynamic_incarnate(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body);

/* The process that a start function named becomes the child's. One that was another child of the
 * same supervisor takes that record's place, as a map of children by pid would have it; one that
 * is gone already has its exit handled now. */
void dsi_dynamic_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid,
                       enum dynsup_event_kind how);

/* The outcome of a guest that was to start the child. */
void dsi_dynamic_guest_done(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                            dynsup_outcome *outcome);

/* The child's process has ended with this reason, and it is the supervisor's turn. */
void dsi_dynamic_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason);

/* The child said that it is ready. info changes hands. */
void dsi_dynamic_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

/* The child's timer has expired. */
void dsi_dynamic_timer(dsi_supervisor *supervisor, dsi_child *child);

/* The child's turn for another attempt has come. */
void dsi_dynamic_retry(dsi_supervisor *supervisor, dsi_child *child);

/* terminate_child whose turn has come; the request is kept with DYNSUP_PENDING.
 * DYNSUP_EWOULD_WAIT for a request without caller. */
int dsi_dynamic_terminate(dsi_supervisor *supervisor, dsi_request *request);

/* Takes the child out of the supervisor and frees it; who waits for it is told. */
void dsi_dynamic_remove(dsi_supervisor *supervisor, dsi_child *child);

/* ---- shutdown.c ---- */

/* Begins the supervisor's end: every child is told to stop; when the last one is gone, the process
 * exits with the reason (copied). */
void dsi_shutdown_begin(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Ends the supervisor's process if it is STOPPING and no child is left. */
void dsi_shutdown_check(dsi_supervisor *supervisor);

/* Tells one child to stop, by its shutdown mode. */
void dsi_shutdown_child(dsi_supervisor *supervisor, dsi_child *child);

#endif
