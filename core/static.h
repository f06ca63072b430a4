/*
 * Static supervisors: children in an order, each with an id, by a strategy.
 *
 * Design notes.
 * A static supervisor does one thing at a time, its job. A job stops children, the last one first,
 * and then starts children, the first one first; either part may be empty. A job goes on until it
 * has to wait: for the end of a child that is stopping or for one to be ready
 * (supervisor->awaited), or for a guest. Exits, the guest's outcome and readiness bring the job
 * back to dsi_static_advance. In another process's slice that leaves the work to the supervisor's
 * own slice; with many children it does a part of them in each slice. While there is a job the
 * supervisor is occupied, and everything else is parked; only the parent's exit signal cuts a job
 * short.
 * A child without a process is GONE, which for a static supervisor means that its spec is still
 * there. The lifecycle table is the same as for all children.
 * Parts: static.c jobs and the policy; static_start.c one child's start; static_request.c what
 * callers ask; static_draft.c the children before their supervisor.
 * Invariants: the index holds the children in the list; weight counts those that weigh; occupied
 * means that there is a job; awaited is a child of the job.
 */
#ifndef DSI_STATIC_H
#define DSI_STATIC_H

#include "child_index.h"
#include "supervisor.h"

enum dsi_job {
    DSI_JOB_NONE,
    DSI_JOB_INIT,      /* all are started; when one fails, those before it are stopped */
    DSI_JOB_GROUP,     /* a restart by one_for_all or rest_for_one */
    DSI_JOB_START,     /* of one child, for a request */
    DSI_JOB_TERMINATE, /* of one child, for a request */
    DSI_JOB_STOP       /* all are stopped: the supervisor ends */
};

/* What only a static supervisor has: the ids of its children, its strategy and its job. Before the
 * supervisor exists it is a draft: then the children are in its own list, and there is no job. */
struct dynsup_draft {
    dynsup_host *host;
    dsi_list children; /* of dsi_child, until a supervisor takes them over */
    dsi_child_index ids;
    enum dynsup_strategy strategy;
    enum dynsup_auto_shutdown auto_shutdown;
    size_t weight; /* significant children that run or are to run again */

    enum dsi_job job;
    bool advances;                   /* dsi_static_advance is on the stack */
    bool starts;                     /* the job is in its second part */
    dsi_child *first;                /* the first one of the job; NULL: of all */
    dsi_child *at;                   /* the child whose turn is next; NULL: the part is done */
    dsi_request *request;            /* to be answered: INIT, START, TERMINATE */
    const dynsup_body_ops *body_ops; /* START: the first body, if it is there already */
    void *body;
    bool is_new;     /* START: the child is removed when it fails */
    bool revives;    /* START: the child was FAILED, and is again if it fails */
    bool ended_well; /* START: before it was ready, which is no error */
    /* The child whose failed start has stopped a GROUP: those behind it are down; or NULL. */
    dsi_child *blocked_at;
    dynsup_reply failure; /* INIT: why it has failed, while the others are stopped */
};

/* Begins the start of a supervisor that has just been configured: the request will be answered.
 * advance must follow. */
void dsi_static_init(dsi_supervisor *supervisor, dsi_request *request);

/* Begins a job: its first part stops children from `at` back to `first`; with `starts` the job
 * begins with its second part, which starts children from `at` on. advance must follow. */
void dsi_static_job(dsi_supervisor *supervisor, enum dsi_job job, bool starts, dsi_child *at);

/* Goes on with the job until it has to wait, is done, or has done much; the rest is left to a slice
 * of the supervisor's. In another process's slice all of it is left to that. */
void dsi_static_advance(dsi_supervisor *supervisor);

/* To be called when the child has no process and is to have none: it stays as a spec, or is
 * removed. */
void dsi_static_put_down(dsi_supervisor *supervisor, dsi_child *child);

/* Frees the child's first body, if it is still there: the child will not be started. */
void dsi_static_drop_body(dynsup_draft *order);

/* Answers the job's request. */
void dsi_static_tell(dsi_supervisor *supervisor, dynsup_reply *reply);

/* Counts a significant child, or stops counting it. */
void dsi_static_weigh(dsi_supervisor *supervisor, dsi_child *child, bool weighs);

/* ---- static_start.c ---- */

/* Starts the child, which is GONE or FAILED, for the job. Afterwards it runs, has failed, or is
 * awaited. */
void dsi_static_start_one(dsi_supervisor *supervisor, dsi_child *child);

/* Handles the outcome of the guest that starts the child for a job. */
void dsi_static_start_done(dsi_supervisor *supervisor, dsi_child *child, dynsup_outcome *outcome);

/* Handles the starting child's message that it is ready. info changes hands. */
void dsi_static_start_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

/* Handles the end of a child, with this reason, before it was ready. */
void dsi_static_start_ended(dsi_supervisor *supervisor, dsi_child *child,
                            const dynsup_reason *reason);

/* The process that a start function named becomes the child's; one that has ended already has its
 * exit parked. 0, or DYNSUP_EALREADY_STARTED: it is another child's. */
int dsi_static_adopt(dsi_supervisor *supervisor, dsi_child *child, dynsup_pid pid);

/* ---- static_request.c: the policy's requests ---- */

/* Forgets the child's spec; it has no process. */
void dsi_static_forget(dsi_supervisor *supervisor, dsi_child *child);

int dsi_static_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);
int dsi_static_terminate(dsi_supervisor *supervisor, dsi_request *request);
int dsi_static_change(dsi_supervisor *supervisor, dsi_request *request);

/* ---- static_draft.c ---- */

/* Makes the supervisor a static one, RUNNING, with the draft's children, none of which runs. */
void dsi_static_configure(dsi_supervisor *supervisor, const dynsup_supervisor_options *options,
                          dynsup_draft *draft);

#endif
