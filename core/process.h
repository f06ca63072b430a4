/*
 * Processes: what runs, waits and exits once.
 *
 * Design notes.
 * States: RUNNABLE (in host->ready or, paused, in host->paused) -> RUNNING (host->current) ->
 * RUNNABLE, WAITING or IDLE; from any of them -> DOOMED (in host->doomed, reason set) -> CLOSING
 * (stop runs) -> ENDED. Nothing leads back from DOOMED. An ENDED process still has its slot while
 * its exit waits for its supervisor's turn; find_alive no longer finds it. What few processes have
 * is in dsi_process_extra, made on demand: a name, monitors held, delayed messages, and the kill
 * timer, which is made as soon as the process could survive a shutdown (it traps exits, or is a
 * supervisor or a registry), so that shutting down never allocates.
 * The timer of a wait shares its memory with the queue node and the reason: a process in a queue,
 * or doomed, does not wait. A stopped timer is the same as a node in no queue.
 * A clock counts those of its processes that are busy: runnable and not paused, running, or on
 * their way from DOOMED to ENDED.
 * With many processes, none is in the cache. So the fields are ordered by use: first those for a
 * message to a waiting process, the queues and a slice, then those for waits with a limit or a key,
 * then all others. The first part is 80 bytes, and records begin at multiples of 16: so it always
 * lies on two cache lines of 64 bytes.
 */
#ifndef DSI_PROCESS_H
#define DSI_PROCESS_H

#include "clock.h"
#include "mailbox.h"

enum dsi_process_state {
    DSI_PROCESS_RUNNABLE,
    DSI_PROCESS_RUNNING,
    DSI_PROCESS_WAITING,
    DSI_PROCESS_IDLE,
    DSI_PROCESS_DOOMED,
    DSI_PROCESS_CLOSING,
    DSI_PROCESS_ENDED
};

enum dsi_wait { DSI_WAIT_NONE, DSI_WAIT_MESSAGE, DSI_WAIT_TIME, DSI_WAIT_KEY };

enum {
    DSI_FLAG_TRAP_EXIT = 1,
    DSI_FLAG_SUPERVISOR = 2,  /* extra->supervisor is set */
    DSI_FLAG_PARENT_LINK = 4, /* with CHILD: it is linked to its parent */
    DSI_FLAG_DROPS = 8,       /* messages are dropped, since they would not be read */
    DSI_FLAG_CHILD = 16,      /* its parent is the supervisor that spawned it as a child */
    DSI_FLAG_PAUSED = 32,     /* it gets no slices: when it is runnable, it is in host->paused */
    DSI_FLAG_STARTING = 64,   /* not started yet: its parent gets no signal along their link */
    DSI_FLAG_REGISTRY = 128,  /* its body is a registry: any signal from its parent ends it */
    DSI_FLAG_LIMITED = 256,   /* a supervisor's record of it has limits: see limits.h */
    DSI_FLAG_OFFSPRING = 512, /* its parent is a guest that spawned it and is still there */
    DSI_FLAG_QUIET = 1024     /* its end is no crash: its starter gets the reason */
};

typedef struct dsi_process_extra {
    dsi_name *name;
    const char *label;
    dsi_bag monitors; /* of dsi_monitor.held: those it holds */
    dsi_bag delayed;  /* of dsi_delayed: messages to it */
    dsi_bag entries;  /* of dynsup_entry: its entries in registries */
    dynsup_pid told;  /* the last registry whose end was signalled to it */
    dsi_timer kill_timer;
    dsi_process *process;
    dynsup_possession *possessions; /* the newest first */
    dsi_supervisor *supervisor;     /* with DSI_FLAG_SUPERVISOR; a guest's ops replace its own */
} dsi_process_extra;

struct dsi_process {
    dsi_slot slot; /* the tag is that of its clock */
    const dynsup_body_ops *ops;
    void *body;
    uint8_t state;       /* enum dsi_process_state */
    uint8_t wait : 2;    /* enum dsi_wait: what it waits for, when WAITING (or about to) */
    uint8_t has_key : 1; /* it waits for wait_key; else wait_key is meaningless */
    uint8_t has_end : 1; /* the timer may be started; else it is not valid */
    uint8_t wake : 4;    /* enum dynsup_wake: why the next slice begins */
    uint16_t flags;
    union {
        uint32_t message_count;
        uint32_t parked_exits; /* once ENDED: exits that wait for a supervisor's turn */
    };
    uint64_t slices;
    dsi_mailbox mailbox;
    union {
        struct {
            dsi_node queue;       /* in host->ready, host->paused or host->doomed */
            dynsup_reason reason; /* from DOOMED on */
        };
        dsi_timer timer; /* with has_end: when its wait ends */
    };

    uint64_t wait_key;
    dsi_bag links;    /* of dsi_link_end */
    dsi_bag watchers; /* of dsi_monitor.watched: monitors of it */

    dsi_child *child; /* its record at the supervisor it is a child of, or NULL */
    dsi_process_extra *extra;
    dynsup_pid parent;
    uint64_t started_ns;
    uint64_t cpu_ns;
};

_Static_assert(offsetof(dsi_process, reason) == 80, "what all messages look at is two lines");
_Static_assert(sizeof(dsi_process) == 176, "a million have one each");

static inline bool dsi_process_alive(const dsi_process *process) {
    return process->state < DSI_PROCESS_DOOMED;
}

/* The process with this pid if it is there at all, in any state; else NULL. */
static inline dsi_process *dsi_process_find(const dynsup_host *host, dynsup_pid pid) {
    return dsi_slots_find(&host->processes, pid);
}

/* The process with this pid, if it is not DOOMED or later; else NULL. */
static inline dsi_process *dsi_process_find_alive(const dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_slots_find(&host->processes, pid);
    return process && dsi_process_alive(process) ? process : NULL;
}

/* A new process in no queue, or NULL without memory; undone by discard. */
dsi_process *dsi_process_new(dynsup_host *host, const dynsup_body_ops *ops, void *body);

/* Gives a new process another clock than its parent's; 0: the host's. */
void dsi_process_set_clock(dynsup_host *host, dsi_process *process, uint32_t tag);

/* The time of its clock. */
static inline uint64_t dsi_process_time(const dynsup_host *host, const dsi_process *process) {
    return dsi_time(host, process->slot.tag);
}

/* Count the process as busy for its clock, and stop doing so. */
static inline void dsi_process_occupy(dynsup_host *host, const dsi_process *process) {
    if (process->slot.tag)
        dsi_clock_occupy(dsi_clock_at(host, process->slot.tag), 1);
}

static inline void dsi_process_vacate(dynsup_host *host, const dsi_process *process) {
    if (process->slot.tag)
        dsi_clock_occupy(dsi_clock_at(host, process->slot.tag), (size_t)-1);
}

/* To be called when the process is about to wait: on a stopped clock that may block a supervisor's
 * end. */
static inline void dsi_process_recheck_ends(dynsup_host *host, const dsi_process *process) {
    if (process->slot.tag && dsi_clock_stands(dsi_clock_at(host, process->slot.tag)))
        dsi_host_recheck_ends(host);
}

static inline void dsi_process_unflag(dsi_process *process, unsigned flag) {
    process->flags &= (uint16_t)~flag;
}

static inline bool dsi_process_is_timed(const dsi_process *process) {
    return process->has_end && dsi_timer_started(&process->timer);
}

/* Ends a wait's time limit, which most waits do not have. To be called before the process joins a
 * queue. */
void dsi_process_end_time(dynsup_host *host, dsi_process *process);
static inline void dsi_process_stop_timer(dynsup_host *host, dsi_process *process) {
    if (process->has_end)
        dsi_process_end_time(host, process);
}

/* Undoes a new process that has not been made ready. Keeps the body. */
void dsi_process_discard(dynsup_host *host, dsi_process *process);

/* The process's extra part, made if needed; NULL without memory. */
dsi_process_extra *dsi_process_extra_get(dynsup_host *host, dsi_process *process);

/* Puts it at the end of the run queue, to begin its slice for this reason. A process that is in
 * the queue already, runs, or ends, stays as it is. */
void dsi_process_ready(dynsup_host *host, dsi_process *process, enum dynsup_wake wake);

/* pause gives the process no slices until resume. The reason for its next slice is kept. */
void dsi_process_pause(dynsup_host *host, dsi_process *process);
void dsi_process_resume(dynsup_host *host, dsi_process *process);

/* Makes the process IDLE: in no queue, without a timer. */
void dsi_process_rest(dynsup_host *host, dsi_process *process);

/* Begins its end, unless it has begun. The reason is copied. */
void dsi_process_doom(dynsup_host *host, dsi_process *process, const dynsup_reason *reason);

/* Takes over the message: puts it into the mailbox and wakes the process if it waits for it, or
 * drops it. */
void dsi_process_deliver(dynsup_host *host, dsi_process *process, dynsup_message *message);

/* Starts the timer that ends its wait, in place of the one before; DYNSUP_NEVER: none. */
void dsi_process_limit_wait(dynsup_host *host, dsi_process *process, uint64_t deadline_ns);

/* Registers what the running process waits for from now on. */
static inline void dsi_process_wait(dynsup_host *host, dsi_process *process, enum dsi_wait wait,
                                    uint64_t key, uint64_t deadline_ns) {
    if (!dsi_process_alive(process) || host->closing)
        return;
    process->wait = wait & 3;
    process->has_key = key != 0;
    if (key)
        process->wait_key = key;
    if (process->has_end || deadline_ns != DYNSUP_NEVER) /* rare: last, and a call */
        dsi_process_limit_wait(host, process, deadline_ns);
}

/* Runs the body's stop op as the current process. */
void dsi_process_stop_body(dynsup_host *host, dsi_process *process);

/* Ends a doomed process up to the point where others are notified: its body stops, then what it
 * owned is released. */
void dsi_process_close(dynsup_host *host, dsi_process *process);

/* Releases what the process owns outside of the core. */
void dsi_possessions_release(dynsup_host *host, dsi_process *process);

/* One exit fewer waits for a supervisor's turn; after the last one the slot is freed. */
void dsi_process_unref(dynsup_host *host, dsi_process *process);

/* Removes all messages. */
void dsi_process_flush(dynsup_host *host, dsi_process *process);

#endif
