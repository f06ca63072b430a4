/*
 * Inspection: what goes on in a host, in pages, so that a look never delays a big host; and pausing
 * a process. Nothing here allocates, fails or runs a body.
 */
#ifndef DYNSUP_LOOK_H
#define DYNSUP_LOOK_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* As dynsup_process_next for many processes, in bounded time: the live ones in the next `places`
 * slots of the table, at most capacity of them. Returns how many; *cursor is 0 again at the end. */
size_t dynsup_process_page(const dynsup_host *host, uint32_t *cursor, uint32_t places,
                           dynsup_pid *pids_out, size_t capacity);

/* Ends the round after the running slice, so that due timers fire before other ready processes run.
 */
void dynsup_round_end(dynsup_host *host);

/* Gives a process no slices until it is resumed; its wait, timers and messages are kept. A paused
 * process can be killed; when its supervisor or a halt asks it to end, it is resumed. False for
 * dead processes, and for supervisors, whose work is done in others' slices. The running process
 * goes on to the end of its slice. */
bool dynsup_pause(dynsup_host *host, dynsup_pid pid);

/* False for the dead. */
bool dynsup_resume(dynsup_host *host, dynsup_pid pid);

/* For what a process waits. */
enum dynsup_waits {
    DYNSUP_WAITS_NOT,     /* it is runnable, runs, or is idle */
    DYNSUP_WAITS_MESSAGE, /* for some message */
    DYNSUP_WAITS_ANSWER,  /* for the answer of target, which it monitors for that */
    DYNSUP_WAITS_TIME,
    DYNSUP_WAITS_KEY,    /* until dynsup_wake with its key */
    DYNSUP_WAITS_REQUEST /* for the answer of target, a supervisor, or (as it was asked to start or
                            stop one) for target, a child */
};

typedef struct dynsup_wait {
    dynsup_pid pid;
    enum dynsup_waits what;
    dynsup_pid target;    /* ANSWER and REQUEST, else 0 */
    uint64_t deadline_ns; /* DYNSUP_NEVER: for ever */
} dynsup_wait;

/* O(1), but that a process with a request shows as WAITS_KEY. False for the dead. */
bool dynsup_process_wait(const dynsup_host *host, dynsup_pid pid, dynsup_wait *wait_out);

/* Calls visit for each process that waits for a request, while it returns true. visit may not call
 * the core. O(n) in the requests that have not been answered. */
void dynsup_requests_each(const dynsup_host *host, bool (*visit)(void *ud, const dynsup_wait *wait),
                          void *ud);

typedef struct dynsup_supervisor_info {
    dynsup_counts counts;
    uint64_t restarts; /* within the period so far */
    uint64_t max_restarts;
    uint64_t period_ms;
    uint64_t max_children;
    bool is_stopping;
    bool has_guest; /* it runs a start function, and requests wait */
} dynsup_supervisor_info;

/* O(1), except for the restarts of the period. False for dead processes and for those that are no
 * supervisors. */
bool dynsup_supervisor_inspect(const dynsup_host *host, dynsup_pid pid,
                               dynsup_supervisor_info *info_out);

/* of: the child that the process is, at the supervisor in *info_out. find: the child with this ref.
 * False when there is none. */
bool dynsup_child_of(const dynsup_host *host, dynsup_pid pid, dynsup_child_info *info_out);
bool dynsup_child_find(const dynsup_host *host, dynsup_ref ref, dynsup_child_info *info_out);

DYNSUP_DECLARATIONS_END

#endif
