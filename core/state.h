/*
 * The state of a host: the data that every part of the core works on.
 *
 * Design notes.
 * A host owns everything that lives in it. Processes, monitors, delayed messages and children are
 * items of slots; they refer to each other by pointer inside the core (an item never moves), and
 * each end of such a relation is undone when either item ends.
 * A process is in one queue at most: ready (it will run), paused (it would) or doomed (it will
 * end). Only the pump (pump.c) takes processes out of these queues, and never while a body's step
 * is running, so an exit never happens on a body's stack.
 */
#ifndef DSI_STATE_H
#define DSI_STATE_H

#include "dynsup.h"
#include "list.h"
#include "names.h"
#include "slots.h"
#include "timers.h"
#include "value.h"

typedef struct dsi_process dsi_process;
typedef struct dsi_child dsi_child;
typedef struct dsi_supervisor dsi_supervisor;

/* What an expired dsi_timer means (its purpose). */
enum dsi_purpose {
    DSI_PURPOSE_WAIT,     /* a process's wait ends: in dsi_process */
    DSI_PURPOSE_KILL,     /* its shutdown time is over: in dsi_process_extra */
    DSI_PURPOSE_SEND,     /* a message is due: in dsi_delayed */
    DSI_PURPOSE_CHILD,    /* a delayed restart or the limit of a start: in dsi_child_extra */
    DSI_PURPOSE_DEADLINE, /* an incarnation has lived as long as it may: in dsi_limited */
    DSI_PURPOSE_CLOCK,    /* a clock's next timer is due: in dsi_clock */
    DSI_PURPOSE_HALT      /* the patience of a halt is over: in the host */
};

/* The origin of an exit signal. Only a sent "kill" cannot be trapped; along a link the reason is
 * just a reason. */
enum dsi_signal { DSI_SIGNAL_SENT, DSI_SIGNAL_LINK };

enum dsi_halt {
    DSI_HALT_NONE,
    DSI_HALT_BEGUN,       /* start functions are not waited for any more */
    DSI_HALT_SUPERVISORS, /* main's supervisors stop one by one */
    DSI_HALT_SHUTDOWN,    /* all others have been asked to end */
    DSI_HALT_KILL         /* all others are killed */
};

#define DSI_MESSAGE_CLASSES 2

struct dynsup_host {
    dynsup_host_config config;
    dsi_memory memory;

    dsi_slots processes; /* of dsi_process */
    dsi_slots monitors;  /* of dsi_monitor */
    dsi_slots delayed;   /* of dsi_delayed */
    dsi_slots children;  /* of dsi_child */
    dsi_slots clocks;    /* of dsi_clock */
    dsi_names names;
    dsi_timers timers;

    dsi_list ready;       /* of dsi_process: will run, first come first served */
    dsi_list paused;      /* of dsi_process: would run */
    dsi_list doomed;      /* of dsi_process: will end */
    dsi_list supervisors; /* of dsi_supervisor, in the order of their start */
    dsi_list ending;      /* of dsi_supervisor: whose end waits, or waited, for its turn */
    dsi_list requests;    /* of dsi_request.pending: those that have not been answered */
    dsi_list steppers;    /* of dsi_clock.stepping: those that have steps */

    dsi_node lap;  /* a mark in ready: the processes before it had their turn when it comes out */
    uint64_t laps; /* how many have ended */

    dsi_process *current; /* the process whose step or stop is running */
    dsi_process *main;
    dynsup_pid main_pid;       /* stays when it has ended */
    dynsup_reason main_reason; /* when it has ended */
    volatile bool in_slice;    /* read by a signal handler */
    bool stepping;
    bool closing;      /* a stop op is running */
    bool told;         /* there were events since after_events was called */
    bool recheck_ends; /* look again whether a wait on a stopped clock blocks a supervisor's end */
    uint8_t nesting;   /* depth of slices inside slices (dynsup_start_now) */
    volatile uint64_t slices;
    uint64_t now_ns;      /* as last read */
    uint64_t sampled_ns;  /* up to when time has been charged to processes */
    uint64_t worked_ns;   /* the port's time of work, at sampled_ns */
    uint64_t step_end_ns; /* when the budget is spent: in time of work */
    uint32_t tick;        /* the port's tick when it was read */
    bool round_over;      /* the slice that runs is the last of its round */
    bool has_limits;      /* a process has, or had, limits */
    dynsup_pid overran;   /* the process that had a long slice since timers last fired; or 0 */
    uint64_t next_key;
    uint64_t next_entry; /* the number of the next entry of a registry */
    uint64_t random;

    dynsup_message *free_messages[DSI_MESSAGE_CLASSES];
    uint32_t free_message_count[DSI_MESSAGE_CLASSES];

    enum dsi_halt halt;
    int halt_code;
    dsi_timer halt_timer;
    dsi_supervisor *halt_waits_for; /* the supervisor that is stopping now */

    /* Where exit signals to supervisor processes go; set to a function of supervisor.c, which is a
     * layer above. */
    void (*signal_supervisor)(dynsup_host *host, dsi_process *process, dynsup_pid from,
                              const dynsup_reason *reason, enum dsi_signal how);
};

/* Wakes the program when there is something to do and no step is running that would see it. */
static inline void dsi_host_wake(dynsup_host *host) {
    if (!host->stepping && host->config.port->wake)
        host->config.port->wake(host->config.port_ud);
}

static inline uint64_t dsi_host_refresh(dynsup_host *host) {
    return host->now_ns = host->config.port->now(host->config.port_ud);
}

/* To be called when a process is about to wait on a stopped clock, or a clock stops. */
static inline void dsi_host_recheck_ends(dynsup_host *host) {
    host->recheck_ends = !dsi_list_empty(&host->ending);
}

static inline bool dsi_wants(const dynsup_host *host, enum dynsup_event_kind kind) {
    return (host->config.events >> kind) & 1;
}

/* now + ms, saturating at DYNSUP_NEVER; rounded up to a whole nanosecond. */
uint64_t dsi_deadline_after(uint64_t now_ns, double ms);

/* As dynsup_host_random. */
uint64_t dsi_random(dynsup_host *host);

/* As dynsup_key_new. */
static inline uint64_t dsi_wait_key_new(dynsup_host *host) {
    return host->next_key++;
}

#endif
