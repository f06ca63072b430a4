/*
 * Supervisors: processes that start, restart and stop children.
 *
 * Design notes.
 * A supervisor is a process without code of its own between turns: what it is asked is done at
 * once, in the caller's slice, unless it has a guest or earlier requests wait. A guest is a start
 * function (or an init function) that runs as the supervisor's process: its ops and body stand in
 * the process record in place of the supervisor's. Meanwhile requests, exits of children and the
 * parent's exit signal wait in `parked`, in order. Restarts that failed wait in `retries`, one
 * attempt a slice. What kinds of supervisors do differently is their policy. One that does things
 * one after the other (a static one) is occupied until it is through, and all else waits meanwhile,
 * but for the end of the child that is awaited.
 * Parts: supervisor.c the process and its queues; request.c what callers ask and are told; guest.c
 * the start function; life.c and incarnation.c what every policy does with a child; dynamic.c,
 * start.c and static*.c the policies; renew.c restarts for new code; saved.c what an incarnation
 * leaves to the next; shutdown.c the end. Invariants: specs == length of children == supervisors +
 * workers; active counts children with a process that has not been handled as ended; when there is
 * no guest, no drain is under way and parked is not empty, the supervisor is ready to run. A
 * supervisor that is doomed does nothing for its children any more.
 */
#ifndef DSI_SUPERVISOR_H
#define DSI_SUPERVISOR_H

#include "child.h"
#include "dynsup_limits.h"
#include "intensity.h"

enum dsi_supervisor_state { DSI_SUPERVISOR_INIT, DSI_SUPERVISOR_RUNNING, DSI_SUPERVISOR_STOPPING };

/* A process, linked to the supervisor, that ended while a guest ran: it might be the one that the
 * guest has started. So many of the last are remembered. */
#define DSI_STRAYS_MAX 1024

typedef struct dsi_stray {
    dsi_node node;
    dynsup_pid pid;
    dynsup_reason reason;
} dsi_stray;

/* A process that a guest has spawned: it is marked by DSI_FLAG_OFFSPRING until the guest has left.
 * Some of the records are of processes that are gone: at most as many as of others, and a few. */
typedef struct dsi_offspring {
    dsi_node node;
    dynsup_pid pid;
} dsi_offspring;

/* What differs between the kinds of supervisors. */
typedef struct dsi_policy {
    bool newest_first; /* the order in which children are shown */

    /* The restart of a RESTARTING child is due, and allowed. */
    void (*attempt)(dsi_supervisor *supervisor, dsi_child *child);

    /* The child, GONE now, has ended for good or did not start; reason: of its process, if it had
     * one. */
    void (*end)(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason);

    /* The child has failed: it was restarted too often by its own limit. NULL: nothing to do. */
    void (*failed)(dsi_supervisor *supervisor, dsi_child *child);

    /* The child's process has ended with this reason, and it is the supervisor's turn. */
    void (*exited)(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason);

    /* A STARTING child says that it is ready. info changes hands. */
    void (*ready)(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

    /* The guest that was to start the child (for the request, or again) is done. */
    void (*guest_done)(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request,
                       dynsup_outcome *outcome);

    /* It has become STOPPING: all children must go. */
    void (*stop)(dsi_supervisor *supervisor);

    /* A request whose turn has come; it is kept if the answer is DYNSUP_PENDING, otherwise the
     * caller must tell. DYNSUP_EWOULD_WAIT in place of DYNSUP_PENDING for a request without caller.
     * start: the request holds the child and the body. change: restart and delete. */
    int (*start)(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);
    int (*terminate)(dsi_supervisor *supervisor, dsi_request *request);
    int (*change)(dsi_supervisor *supervisor, dsi_request *request);

    /* The init function has given it what it needs: the rest of its start, which tells the request.
     * NULL: there is no more. */
    void (*begin)(dsi_supervisor *supervisor, dsi_request *request);

    /* Its slice, while it is occupied. */
    void (*resume)(dsi_supervisor *supervisor);

    /* Its process has closed. NULL: nothing to do. */
    void (*ended)(dsi_supervisor *supervisor);
} dsi_policy;

extern const dsi_policy dsi_dynamic_policy;
extern const dsi_policy dsi_static_policy;

struct dsi_supervisor {
    dynsup_host *host;
    dsi_process *process;
    dsi_node node;   /* in host->supervisors */
    dsi_node ending; /* in host->ending, from when its end is parked */
    enum dsi_supervisor_state state;
    const dsi_policy *policy;
    dynsup_draft *order; /* of a static supervisor: see static.h */

    dsi_list children; /* of dsi_child, in the order of their start */
    dsi_list cursors;  /* of dynsup_cursor */
    size_t specs, active, supervisors, workers;

    dsi_list parked;  /* of dsi_parked */
    dsi_list retries; /* of dsi_child.parked.node */
    dsi_list down;    /* the same, of a dynamic one: who is put off, or has failed */
    dsi_list strays;  /* of dsi_stray, while there is a guest */
    bool has_guest;
    bool draining;
    bool occupied;
    bool aborts; /* its guest ends because it is to end: that is no failure to be reported */
    bool stops_in_order; /* of the main process's, when the host halts */
    uint32_t stray_count;
    dsi_child *awaited; /* while occupied: whose end, or readiness, comes next; or NULL */
    const dynsup_body_ops *resident_ops; /* the process's own, while it has a guest */
    dsi_child *guest_child;     /* whom the guest starts; NULL: the supervisor itself (init) */
    dsi_request *guest_request; /* who asked for it; NULL: a restart */
    dsi_list offspring;         /* of dsi_offspring: what it has spawned, if it starts a child */
    uint32_t offspring_count, offspring_room; /* with so many, those that are gone are looked for */

    uint64_t max_children;
    dynsup_limits limits; /* of its workers, for what their specs do not say */
    dsi_intensity intensity;
    uint64_t loss;      /* the last one that was counted */
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

/* The time of its clock: what restarts, delays and limits of starts go by. Shutdown times do not.
 * It is read anew: a slice may have lasted long before it came to this. */
static inline uint64_t dsi_supervisor_time(const dsi_supervisor *supervisor) {
    dsi_host_refresh(supervisor->host);
    return dsi_process_time(supervisor->host, supervisor->process);
}

/* The timer of a child that has an extra part, which is stopped when it is started. */
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

/* Lets something wait for its turn: between slices it may come at once, else the supervisor's own
 * slice brings it. */
void dsi_supervisor_park(dsi_supervisor *supervisor, dsi_parked *parked);

/* Lets the supervisor have a slice for what waits; with a guest that comes when it has left. */
void dsi_supervisor_wake(dsi_supervisor *supervisor);

/* Handles a child's exit that is parked. */
void dsi_supervisor_take_exit(dsi_supervisor *supervisor, dsi_child *child);

/* Handles the parent's exit signal, if it is parked, before all else. */
void dsi_supervisor_heed_parent(dsi_supervisor *supervisor);

/* Takes the first stop that is parked before its turn, if one is. */
void dsi_supervisor_heed_stop(dsi_supervisor *supervisor);

/* Ends the link to its parent: a start that fails sends no signal. */
void dsi_supervisor_leave_parent(dsi_supervisor *supervisor);

/* Handles what is parked until a guest begins or nothing is left; after so many turns the rest is
 * left to a slice of the supervisor's. */
void dsi_supervisor_drain(dsi_supervisor *supervisor);

/* Lets a failed restart wait for its next attempt: behind what is parked, and behind all processes
 * that are ready. */
void dsi_supervisor_retry_later(dsi_supervisor *supervisor, dsi_child *child);

/* Exit signal to a supervisor's process: the parent's ends it; of others the end of who is linked
 * may be that of a guest's child, and all else is nothing to it. */
void dsi_supervisor_signal(dynsup_host *host, dsi_process *process, dynsup_pid from,
                           const dynsup_reason *reason, enum dsi_signal how);

/* The supervisor's process has closed: lets go of its children (they are signalled along their
 * links) and tells everybody who waits. Called before others are told of its end, which is why it
 * cannot be done in parts: the first children would have ended before the others are told. */
void dsi_supervisor_ended(dsi_supervisor *supervisor);

/* ---- api_supervisor.c ---- */

/* Is the current process the supervisor with this process itself, as its guest, or being started by
 * it, or by somebody who is? The supervisor would wait for who waits for it. */
bool dsi_supervisor_asks_itself(const dynsup_host *host, const dsi_process *process);

/* ---- request.c ---- */

struct dsi_request {
    dsi_parked parked; /* in parked, in a child's waiters or in stop_waiters */
    dsi_node pending;  /* in host->requests */
    dynsup_pid target; /* for whom it waits now: the supervisor or the child */
    dynsup_pid caller; /* 0: nobody waits, so it is done now or not at all */
    uint64_t key;
    /* START */
    bool ensure;
    dsi_child *child; /* not accepted yet; NULL once it is (or is not needed any more) */
    const dynsup_body_ops *body_ops;
    void *body;
    /* TERMINATE: pid, the name, or (by_id; always of RESTART and DELETE) id; START: the name */
    dynsup_pid pid;
    bool by_id;
    dynsup_value id;
    dynsup_reason reason; /* STOP */
    dynsup_ref ref;       /* RENEW: the child, */
    uint32_t incarnation; /* the one that is to be replaced, */
    bool has_waited;      /* and whether it has waited for the next one */
    size_t name_length;
    char name[];
};

/* A request of the current process to this one, with a copy of the name; NULL without memory. */
dsi_request *dsi_request_new(dynsup_host *host, enum dsi_parked_kind kind, dynsup_pid target,
                             const char *name, size_t name_length);

/* Tells the caller, if it still waits, and frees the request with what it still owns. The reply's
 * objects change hands. */
void dsi_request_reply(dynsup_host *host, dsi_request *request, dynsup_reply *reply);
void dsi_request_status(dynsup_host *host, dsi_request *request, int status);

/* Is there nobody any more whom a reply would reach? */
bool dsi_request_is_left(dynsup_host *host, const dsi_request *request);

/* Ends the ownership of the reply's values. */
void dsi_reply_release(dynsup_host *host, dynsup_reply *reply);

/* The same for all requests of a list. */
void dsi_requests_status(dynsup_host *host, dsi_list *requests, int status);

void dsi_request_free(dynsup_host *host, dsi_request *request);

/* ---- guest.c ---- */

/* Lets the body run as the supervisor's guest, to start the child (NULL: the supervisor). */
void dsi_guest_begin(dsi_supervisor *supervisor, const dynsup_body_ops *ops, void *body,
                     dsi_child *child, dsi_request *request);

/* The new process is the current one's. If that is a guest which starts a child, this one has to do
 * with the same child as long as the guest is there. False without memory. */
bool dsi_guest_spawns(dynsup_host *host, dsi_process *process);

/* Remembers the end of a process that the guest may be about to name as the child. What is
 * forgotten, without memory or for the sake of later ones, counts as ended by "noproc". */
void dsi_guest_stray(dsi_supervisor *supervisor, dynsup_pid pid, const dynsup_reason *reason);

/* The guest has come to its end; its outcome is handled, and what is parked goes on. */
void dsi_guest_done(dsi_supervisor *supervisor, dynsup_outcome *outcome);

/* The host halts: the guest is waited for no longer, and what the parent wants is next. */
void dsi_supervisor_hurry(dsi_supervisor *supervisor);

/* Lets supervisors that are to end do so although they have a guest that waits on a clock that
 * stands, itself or for somebody who does: it fails as in a halt, and what it starts is killed. */
void dsi_supervisors_free_guests(dynsup_host *host);

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

/* The policy's start. */
int dsi_dynamic_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);

/* A plain body's start whose turn it is and that need not wait; child and body change hands. */
int dsi_dynamic_start_body(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                           size_t name_length, const dynsup_body_ops *ops, void *body,
                           dynsup_reply *reply);

/* Gives a child a process that says itself that it has started; what was begun is undone by its
 * end. child and body change hands. */
int dsi_dynamic_start_starting(dsi_supervisor *supervisor, dsi_child *child,
                               const dynsup_body_ops *ops, void *body);

/* The start is not over yet: the request, which may be NULL (no memory: then the process ends),
 * will be told. Returns DYNSUP_PENDING or DYNSUP_ENOMEM. */
int dsi_dynamic_await_start(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request);

/* A start function's first outcome: the child is accepted, or not; the caller is told. */
void dsi_dynamic_first_start_done(dsi_supervisor *supervisor, dsi_child *child,
                                  dsi_request *request, dynsup_outcome *outcome);

/* ---- dynamic.c ---- */

/* The process that a start function named becomes the child's. One that was another child of the
 * same supervisor takes that record's place, as a map of children by pid would have it; one that
 * is gone already has its exit handled now. */
void dsi_dynamic_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid,
                       enum dynsup_event_kind how);

/* ---- incarnation.c ---- */

/* The body of the child's next incarnation; as dynsup_program_ops.make. */
int dsi_incarnation_body(dsi_supervisor *supervisor, const dsi_child *child,
                         const dynsup_body_ops **ops, void **body, dynsup_reason *reason);

/* Gives the child a name that nobody has; NULL: none. 0 or DYNSUP_ENOMEM. */
int dsi_incarnation_name(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                         size_t length);

/* Gives the child a process that runs the body. 0 or DYNSUP_ENOMEM, with nothing changed. */
int dsi_incarnation_begin(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body);

/* The reason (the caller's) with which a process ended that the guest named although it was gone.
 */
dynsup_reason dsi_incarnation_stray(dsi_supervisor *supervisor, dynsup_pid pid);

/* ---- life.c ---- */

/* The child's share in the counts; change is 1 or -1. */
void dsi_life_count(dsi_supervisor *supervisor, const dsi_child *child, size_t change);

/* The child with this pid (or last pid while it restarts, or has failed), or with the name if pid
 * is 0; or NULL. */
dsi_child *dsi_life_find(dsi_supervisor *supervisor, dynsup_pid pid, const char *name,
                         size_t name_length);

/* Does a restart of the child count in its supervisor's intensity? */
bool dsi_life_counts(const dsi_child *child);

/* Tells who waits for the child to run. */
void dsi_life_tell_running(dsi_supervisor *supervisor, dsi_child *child);

/* What the lifecycle table says. The child may be gone afterwards. */
void dsi_life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                    const dynsup_reason *reason);

/* The child's process has ended, and it is the supervisor's turn; is_told: who waits for its start
 * hears of it, so that it needs no report. */
void dsi_life_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason,
                     bool is_told);

/* One attempt to start a RESTARTING child again, by itself; by a guest it goes on in guest_done. */
void dsi_life_attempt(dsi_supervisor *supervisor, dsi_child *child);

/* An attempt to start a child that is down has failed. */
void dsi_life_not_started(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reply *why);

/* The attempt's guest has this outcome, which is no pid. */
void dsi_life_attempt_failed(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_outcome *outcome);

/* The child said that it is ready. info changes hands. */
void dsi_life_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

/* The child's timer has expired. */
void dsi_life_timer(dsi_supervisor *supervisor, dsi_child *child);

/* What counts against a child with a limit of its own begins anew. */
void dsi_life_forgive(dsi_child *child);

/* Takes the child out of the supervisor and frees it; who waits for it is told. */
void dsi_life_remove(dsi_supervisor *supervisor, dsi_child *child);

/* ---- renew.c ---- */

/* A request to renew a child has its turn. 0: a later incarnation than the one named has begun, or
 * (nobody waits) is on its way; DYNSUP_ENOT_FOUND; DYNSUP_ERESTARTING: it could not be started, and
 * is tried again as usual. Kept with DYNSUP_PENDING. */
int dsi_renew(dsi_supervisor *supervisor, dsi_request *request);

/* Something has happened to the child: requests to renew it that wait for it get another turn. */
void dsi_renew_reconsider(dsi_supervisor *supervisor, dsi_child *child);

/* ---- shutdown.c ---- */

/* Begins the supervisor's end: every child is told to stop; when the last one is gone, the process
 * exits with the reason (copied). */
void dsi_shutdown_begin(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Ends the supervisor's process if it is STOPPING and no child is left. */
void dsi_shutdown_check(dsi_supervisor *supervisor);

/* Tells one child to stop, by its shutdown mode. */
void dsi_shutdown_child(dsi_supervisor *supervisor, dsi_child *child);

#endif
