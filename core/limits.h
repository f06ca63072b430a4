/*
 * Limits: what a child may use, and what happens when that is too much.
 *
 * Design notes.
 * Limits and their state are in dsi_limited, which belongs to the child's extra part and is made
 * with the child, so that nothing can fail when a process begins. A process whose child has limits
 * has DSI_FLAG_LIMITED, and finds them by its child; others pay one test of that flag when a
 * message comes, and when the clock was read. They are in force from attach to detach.
 */
#ifndef DSI_LIMITS_H
#define DSI_LIMITS_H

#include "child.h"
#include "dynsup_limits.h"

typedef struct dsi_limited {
    dynsup_limits limits;
    dsi_child *child;
    dsi_timer deadline; /* by the supervisor's clock, while it has a process */
    uint64_t since_ns;  /* when the second of cpu_ms began: by the host's clock, */
    uint64_t worked_ns; /* and in the time of work */
    uint64_t used_ns;   /* in that second */
    uint64_t dropped;   /* messages, of this incarnation */
    uint64_t removed;   /* those of them that had been in the mailbox */
} dsi_limited;

/* Sets the child's own limits, to be completed by inherit; false without memory. */
bool dsi_limits_own(dynsup_host *host, dsi_child *child, const dynsup_limits *limits);

/* Completes the limits with the supervisor's defaults; does nothing the second time. False without
 * memory. */
bool dsi_limits_inherit(dsi_supervisor *supervisor, dsi_child *child);

void dsi_limits_free(dynsup_host *host, dsi_child_extra *extra);

/* Begins and ends the limits of the child, which may have some, when it gets this process and when
 * it has it no longer. */
void dsi_limits_begin(dsi_child *child, dsi_process *process);
void dsi_limits_end(dsi_child *child, dsi_process *process);

/* Handles the deadline, which has come. */
void dsi_limits_deadline(dsi_limited *limited);

/* Charges worked_ns, up to now, to the process, which is limited. */
void dsi_limits_sample(dynsup_host *host, dsi_process *process, uint64_t worked_ns);

/* dsi_limits_deliver for a process that is limited. */
int dsi_limits_admit(dynsup_host *host, dsi_process *process, dynsup_message *message,
                     bool is_call);

/* Puts a plain message, or a call, into the mailbox if limits allow. 0: the message is taken over,
 * even if it was dropped; DYNSUP_EMAILBOX_FULL: it is still the caller's. */
static inline int dsi_limits_deliver(dynsup_host *host, dsi_process *process,
                                     dynsup_message *message, bool is_call) {
    if (process->flags & DSI_FLAG_LIMITED)
        return dsi_limits_admit(host, process, message, is_call);
    dsi_process_deliver(host, process, message);
    return 0;
}

/* The same for a message without a sender to notify: when refused, it is dropped. */
void dsi_limits_post(dynsup_host *host, dsi_process *process, dynsup_message *message);

#endif
