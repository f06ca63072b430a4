/*
 * Supervisors: processes that start, stop and restart others, their children.
 *
 * A dynamic supervisor starts its children one by one, at any time; a static one begins with a list
 * of them, and differs in what its section says. A child's spec says how it is started, stopped and
 * restarted. A part of dynsup.h, which includes it.
 */
#ifndef DYNSUP_SUPERVISOR_H
#define DYNSUP_SUPERVISOR_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* ---- starting a supervisor ------------------------------------------------------------------- */

#define DYNSUP_NO_LIMIT UINT64_MAX

/* Which children are restarted when one child of a static supervisor must be. */
enum dynsup_strategy { DYNSUP_ONE_FOR_ONE, DYNSUP_ONE_FOR_ALL, DYNSUP_REST_FOR_ONE };

/* Which significant children end their supervisor when they end for good and by themselves. */
enum dynsup_auto_shutdown { DYNSUP_NEVER_SHUTDOWN, DYNSUP_ANY_SIGNIFICANT, DYNSUP_ALL_SIGNIFICANT };

typedef struct dynsup_supervisor_options {
    const char *name; /* copied; NULL: none */
    size_t name_length;
    dynsup_value name_key, name_value; /* of a registry's key; copied */
    uint64_t max_restarts;
    uint64_t period_ms;            /* > 0 */
    uint64_t max_children;         /* DYNSUP_NO_LIMIT: any number */
    uint64_t arguments;            /* an object handed to every program, 0: none; taken over */
    dynsup_clock clock;            /* 0: the parent's; or DYNSUP_HOST_CLOCK */
    const dynsup_limits *limits;   /* defaults of its workers; NULL: none; copied */
    enum dynsup_strategy strategy; /* from here on: of a static supervisor only */
    enum dynsup_auto_shutdown auto_shutdown;
} dynsup_supervisor_options;

/* A new dynamic supervisor, child and linked partner of the current process, if any. 0;
 * DYNSUP_EALREADY_STARTED with the owner of the name in *pid_out (0: a child that restarts);
 * DYNSUP_EUNKNOWN_REGISTRY: the name is a key of a registry that does not exist; DYNSUP_ENOMEM. */
int dynsup_supervisor_start(dynsup_host *host, const dynsup_supervisor_options *options,
                            dynsup_pid *pid_out);

/* The same, but the options come from an init function that runs as the new supervisor's guest. The
 * guest's outcome decides: with status 0, when it has called dynsup_supervisor_configure, the start
 * has succeeded. Otherwise the new supervisor ends with the reason in the reply (DYNSUP_NORMAL for
 * DYNSUP_EIGNORE), and processes linked to it get that, except the caller. Always DYNSUP_PENDING
 * (reply->key) unless it fails at once; reply as of start_child.
 * Takes the guest body over in every case. */
int dynsup_supervisor_init(dynsup_host *host, const dynsup_supervisor_options *named,
                           const dynsup_body_ops *ops, void *body, dynsup_reply *reply);

/* Sets the options (the name is ignored); called by the init function of the current process, a
 * supervisor that is being initialised. */
void dynsup_supervisor_configure(dynsup_host *host, const dynsup_supervisor_options *options);

/* The arguments object that the supervisor was given, available while it ends, too; 0: none, or no
 * such supervisor. */
uint64_t dynsup_supervisor_arguments(const dynsup_host *host, dynsup_pid pid);

/* Is its init function running? Until that is done, it is not known whether the supervisor is
 * static, nor what its arguments are: dynsup_supervisor_turn waits for it. */
bool dynsup_supervisor_in_init(const dynsup_host *host, dynsup_pid pid);

/* An object that successive guests of one supervisor share: what belongs to the process that all of
 * them are. The current process must be a guest. 0: none yet. */
uint64_t dynsup_guest_belonging(const dynsup_host *host);

/* Sets it, once; the supervisor takes the object over. */
void dynsup_guest_belonging_set(dynsup_host *host, uint64_t object);

/* ---- what a child is ------------------------------------------------------------------------- */

/* How often a saved state is tried again by default: fewer times than most supervisors restart
 * within their period, so that a start without it is tried before they give up. */
enum { DYNSUP_MAX_RESTORES = 2 };

/* More than max_restarts restarts within a period are too many. */
typedef struct dynsup_restart_limit {
    uint64_t max_restarts;
    uint64_t period_ms; /* > 0 */
} dynsup_restart_limit;

typedef struct dynsup_child_spec {
    dynsup_value id;
    const dynsup_program_ops *program_ops; /* NULL: unknown; only a temporary child's */
    void *program;
    bool guest;    /* the program's body is a start function */
    bool starting; /* with guest: the first body is an ordinary process's, and the start waits for
                      its dynsup_started. Needs dynsup_admits == 0 and may_wait, else
                      DYNSUP_EWOULD_WAIT */
    const dynsup_body_ops *body_ops; /* the first body, already made; NULL: the program makes it */
    void *body;
    enum dynsup_restart restart;
    double shutdown_ms; /* >= 0, DYNSUP_SHUTDOWN_INFINITY, DYNSUP_SHUTDOWN_BRUTAL_KILL */
    bool is_supervisor;
    const char *name; /* NULL: none; copied */
    size_t name_length;
    bool ready;
    double start_timeout_ms;       /* with ready; < 0: no limit */
    const dynsup_backoff *backoff; /* NULL: none; copied */
    dynsup_value modules;
    dynsup_value name_key, name_value; /* of a name that is a registry's key */
    bool significant;                  /* of a static supervisor, which must allow it */
    uint64_t max_restores; /* of a saved state; 0: DYNSUP_MAX_RESTORES; DYNSUP_NO_LIMIT */
    /* The child's own limit, copied: its restarts, including delayed ones, count towards this limit
     * alone; with one too many the child fails, and nothing happens to its supervisor. NULL: its
     * supervisor's limit applies. */
    const dynsup_restart_limit *restart_limit;
    const dynsup_limits *limits; /* what it may use; NULL: its supervisor's defaults; copied */
} dynsup_child_spec;

/* ---- requests -------------------------------------------------------------------------------- */

/* Each returns reply->status, or DYNSUP_PENDING: then the current process must wait for reply->key
 * (dynsup_wait_key), and its body's reply op is called when the request is decided. With may_wait
 * false, DYNSUP_EWOULD_WAIT is returned in place of DYNSUP_PENDING. A caller that is gone by then
 * gets no reply. DYNSUP_ENOPROC and DYNSUP_ENOT_A_SUPERVISOR for a wrong supervisor;
 * DYNSUP_ECALLS_ITSELF for the supervisor's own guest, and for a process that has not started yet
 * while the supervisor waits for it: a process of start_out, an init function, a static
 * supervisor's child before dynsup_ready. */

/* Would a start be accepted now? 0 (one by a start function may still have to wait for restarts
 * that are due); DYNSUP_PENDING when it would have to wait; or what start_child would return, and a
 * refusal is emitted as an event. Costs one look-up: worth calling before a body is made. */
int dynsup_admits(dynsup_host *host, dynsup_pid supervisor, const char *name, size_t length,
                  bool ensure, dynsup_reply *reply);

/* Starts a child. The spec's program, body and values change hands in every case. With ensure,
 * the process that has the name, if any, is the answer. A child with `starting` set has its first
 * slice inside the current one (dynsup_start_now).
 * 0: reply->pid is the child's, values[0] the info of its start function or dynsup_ready.
 * DYNSUP_EALREADY_STARTED: pid has the name, or (of a static supervisor) the id (0: a child that
 * restarts, or has failed: then values[0] is "failed"). DYNSUP_EFAILED: with ensure, the child with
 * the name has failed. DYNSUP_EMAX_CHILDREN. DYNSUP_EALREADY_PRESENT, DYNSUP_EMISSING_ID: of a
 * static supervisor. DYNSUP_EUNKNOWN_REGISTRY: the name is a key of a registry that does not exist.
 * DYNSUP_ENOMEM. Depending on the child: DYNSUP_EREASON with the reason in values[0] (and a detail
 * in values[1]), DYNSUP_EIGNORE and DYNSUP_EBAD_RETURN of its start function, DYNSUP_ETIMEOUT if it
 * was not ready in time, or what its program's make has returned. */
int dynsup_start_child(dynsup_host *host, dynsup_pid supervisor, const dynsup_child_spec *spec,
                       bool ensure, bool may_wait, dynsup_reply *reply);

/* Stops a child, given by its pid (or last pid while it restarts, or has failed), or by its name if
 * pid is 0. 0: it is down; DYNSUP_ENOT_FOUND, DYNSUP_ENOMEM. */
int dynsup_terminate_child(dynsup_host *host, dynsup_pid supervisor, dynsup_pid pid,
                           const char *name, size_t length, bool may_wait, dynsup_reply *reply);

/* Starts a failed child again, or (of a static supervisor) one that is down; found as by
 * terminate_child. One attempt is made, which does not count as a restart; the child's own limit
 * begins anew. The reply is as of start_child, except that a dynamic supervisor's child is not
 * waited for to be ready; a failed child that could not be started stays failed. DYNSUP_ERUNNING,
 * DYNSUP_ERESTARTING: it is neither failed nor down; DYNSUP_ENOT_FOUND; DYNSUP_EFAILED: it has
 * failed again at once. Always waits. */
int dynsup_restart_child(dynsup_host *host, dynsup_pid supervisor, dynsup_pid pid, const char *name,
                         size_t length, bool may_wait, dynsup_reply *reply);

/* Is it the name of a child that has failed? Such a name finds no process, and cannot be taken. */
bool dynsup_name_failed(const dynsup_host *host, const char *name, size_t length);

/* Stops the supervisor; the reason's objects change hands. */
int dynsup_supervisor_stop(dynsup_host *host, dynsup_pid supervisor, const dynsup_reason *reason,
                           bool may_wait, dynsup_reply *reply);

/* Waits until the supervisor has handled everything that it was asked before; then counts and
 * children are as a request would find them. */
int dynsup_supervisor_turn(dynsup_host *host, dynsup_pid supervisor, bool may_wait,
                           dynsup_reply *reply);

/* ---- state over a restart -------------------------------------------------------------------- */

/* Keeps a state for the next incarnation of a child, in place of the one kept before; nil forgets
 * that. The child is the one that the current process is, or whose start function the current
 * process is or was spawned by. The state is released with the child. 0: the state's object is the
 * core's. DYNSUP_ENOMEM, DYNSUP_ENOT_A_CHILD, DYNSUP_ETEMPORARY_CHILD: nothing has changed. */
int dynsup_save_state(dynsup_host *host, const dynsup_value *state);

typedef struct dynsup_previous {
    dynsup_value state;   /* borrowed */
    dynsup_reason reason; /* borrowed: why the last incarnation ended */
    uint32_t attempt;     /* 1, or one more than restores of this state have failed in a row */
} dynsup_previous;

/* The state that an earlier incarnation of the child has saved. Once it was asked for, an abnormal
 * end counts as a failed restore, unless a state was saved before that. False: there is none, or
 * the current incarnation has replaced it. */
bool dynsup_previous_state(dynsup_host *host, dynsup_previous *previous_out);

/* ---- looking at children --------------------------------------------------------------------- */

typedef struct dynsup_counts {
    size_t specs, active, supervisors, workers;
} dynsup_counts;

/* O(1). 0, DYNSUP_ENOPROC, DYNSUP_ENOT_A_SUPERVISOR. */
int dynsup_count_children(const dynsup_host *host, dynsup_pid supervisor, dynsup_counts *counts);

enum dynsup_child_state {
    DYNSUP_CHILD_STARTING, /* its supervisor waits for it to be ready */
    DYNSUP_CHILD_RUNNING,
    DYNSUP_CHILD_RESTARTING,
    DYNSUP_CHILD_STOPPING,
    DYNSUP_CHILD_DOWN,  /* of a static supervisor: its spec is there, and no process */
    DYNSUP_CHILD_FAILED /* its own limit of restarts was exceeded */
};

typedef struct dynsup_child_info {
    dynsup_ref ref; /* of the child, over all its incarnations */
    enum dynsup_child_state state;
    dynsup_pid pid;      /* 0 while it does not run */
    dynsup_pid last_pid; /* the pid, or that of the last incarnation; 0: it has never run */
    dynsup_value id;     /* borrowed */
    dynsup_value modules;
    bool is_supervisor;
    const char *name; /* borrowed; or NULL */
    size_t name_length;
    dynsup_pid name_registry;              /* the registry whose key the name is; 0: a plain name */
    dynsup_value name_key;                 /* borrowed */
    const dynsup_program_ops *program_ops; /* borrowed; or NULL */
    void *program;
    enum dynsup_restart restart;
    double shutdown_ms;
    uint32_t incarnation;
    bool has_guest; /* a start function is running for its next incarnation */
} dynsup_child_info;

/* A walk over the children one by one, in the order they were started (of a static supervisor: in
 * reverse), that stays valid while children come and go. open: NULL without memory or for a wrong
 * supervisor. open_by_start: in the order of their start for a static supervisor, too. next: false
 * at the end, also when the supervisor has ended. close must be called before the host is freed. */
typedef struct dynsup_cursor dynsup_cursor;
dynsup_cursor *dynsup_cursor_open(dynsup_host *host, dynsup_pid supervisor);
dynsup_cursor *dynsup_cursor_open_by_start(dynsup_host *host, dynsup_pid supervisor);
bool dynsup_cursor_next(dynsup_cursor *cursor, dynsup_child_info *info_out);
void dynsup_cursor_close(dynsup_host *host, dynsup_cursor *cursor);

/* The child whose start function is running for its first start: cursors do not show it yet. False:
 * there is none. */
bool dynsup_child_to_be(const dynsup_host *host, dynsup_pid supervisor,
                        dynsup_child_info *info_out);

/* ---- new code -------------------------------------------------------------------------------- */

/* Restarts a child in place of its incarnation with this number or an earlier one: it is stopped by
 * its shutdown mode and started again at once. That does not count towards max_restarts and has no
 * delay; siblings are left alone, and the saved state is kept. A child that waits for its backoff
 * is started now, a starting one is renewed when it runs; one that has ended by itself meanwhile is
 * restarted or not as after any end.
 * 0: a later incarnation has begun; or, without may_wait, it will: the caller is not notified,
 * although the request may wait. DYNSUP_ENOT_FOUND: there is no such child, or it does not run and
 * is not to; DYNSUP_ERESTARTING: it could not be started, and is tried again as usual;
 * DYNSUP_ENOMEM; DYNSUP_ECALLS_ITSELF; DYNSUP_PENDING. */
int dynsup_renew_child(dynsup_host *host, dynsup_ref child, uint32_t incarnation, bool may_wait,
                       dynsup_reply *reply);

/* The supervisor that was started next after this one; given 0, the first. 0: there is none, or
 * this one is gone. O(1). */
dynsup_pid dynsup_supervisor_next(const dynsup_host *host, dynsup_pid supervisor);

/* ---- static supervisors ---------------------------------------------------------------------- */

/*
 * A static supervisor begins with a list of children, each with an id of its own, starts them in
 * order and stops them in reverse, one after the other. It does one thing at a time: meanwhile
 * requests and exits wait, in order. The functions above work with it as well; what differs:
 * start_child needs an id (DYNSUP_EMISSING_ID, DYNSUP_EALREADY_PRESENT) and always waits; a child
 * that is terminated, or ends for good, stays as a spec without a process unless it is temporary.
 */

/* The children of a future supervisor. new: NULL without memory. add: the spec's parts change hands
 * in every case, its body must be NULL; 0, DYNSUP_EDUPLICATE_ID, DYNSUP_EMISSING_ID,
 * DYNSUP_ENOMEM. free: for a draft that is not used; it may be NULL. */
typedef struct dynsup_draft dynsup_draft;
dynsup_draft *dynsup_draft_new(dynsup_host *host);
int dynsup_draft_add(dynsup_draft *draft, const dynsup_child_spec *spec);
void dynsup_draft_free(dynsup_draft *draft);

/* A new static supervisor, child and linked partner of the current process, with the draft, which
 * changes hands in every case. DYNSUP_PENDING, or as of dynsup_supervisor_start. The reply comes
 * when all children have started (pid), or one has not and the others have been stopped
 * (DYNSUP_EFAILED_TO_START). */
int dynsup_static_start(dynsup_host *host, const dynsup_supervisor_options *options,
                        dynsup_draft *draft, dynsup_reply *reply);

/* As dynsup_supervisor_configure, for the init function of a static supervisor; the draft changes
 * hands. Called once. */
void dynsup_static_configure(dynsup_host *host, const dynsup_supervisor_options *options,
                             dynsup_draft *draft);

/* Is it a static supervisor? Then *auto_shutdown_out is set. */
bool dynsup_static_is(const dynsup_host *host, dynsup_pid pid,
                      enum dynsup_auto_shutdown *auto_shutdown_out);

/* Requests about the child with this id, whose object changes hands. terminate: stops its process,
 * if it has one. restart: starts it when it has none and is not about to be restarted
 * (DYNSUP_ERUNNING, DYNSUP_ERESTARTING); the reply is as of start_child. delete: forgets its spec,
 * under the same conditions. DYNSUP_ENOT_FOUND; DYNSUP_ENOT_STATIC. */
enum dynsup_static_request { DYNSUP_TERMINATE_BY_ID, DYNSUP_RESTART_BY_ID, DYNSUP_DELETE_BY_ID };
int dynsup_static_request(dynsup_host *host, dynsup_pid supervisor,
                          enum dynsup_static_request request, dynsup_value id, bool may_wait,
                          dynsup_reply *reply);

DYNSUP_DECLARATIONS_END

#endif
