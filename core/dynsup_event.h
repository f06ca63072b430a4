/*
 * What a host reports: events, each one step in the life of a process, a child or a heap. A part of
 * dynsup.h, which includes it.
 */
#ifndef DYNSUP_EVENT_H
#define DYNSUP_EVENT_H

#include "dynsup_body.h"

DYNSUP_DECLARATIONS_BEGIN

enum dynsup_event_kind {
    DYNSUP_EVENT_SPAWNED,          /* a process was made */
    DYNSUP_EVENT_EXITED,           /* a process ended, with reason */
    DYNSUP_EVENT_CRASHED,          /* a process without supervisor ended abnormally */
    DYNSUP_EVENT_CHILD_STARTED,    /* a supervisor accepted a child */
    DYNSUP_EVENT_CHILD_RESTARTED,  /* a child runs again */
    DYNSUP_EVENT_CHILD_DELAYED,    /* a restart waits for its backoff (delay_ns) */
    DYNSUP_EVENT_CHILD_REMOVED,    /* a child left its supervisor */
    DYNSUP_EVENT_CHILD_TERMINATED, /* report: a child ended abnormally or must be restarted */
    DYNSUP_EVENT_START_ERROR,      /* report: a restart failed, or a start that ends there (once) */
    DYNSUP_EVENT_SHUTDOWN_ERROR,   /* report: a child ended abnormally while it was stopped */
    DYNSUP_EVENT_GAVE_UP,          /* report: the restart intensity is exceeded */
    DYNSUP_EVENT_START_REFUSED,    /* start_child was refused (status) */
    DYNSUP_EVENT_UNEXPECTED,       /* a plain message to a supervisor or registry was dropped */
    DYNSUP_EVENT_STUCK,            /* a body did not react to preemption */
    DYNSUP_EVENT_HUP,              /* the program got SIGHUP */
    DYNSUP_EVENT_STATE_DROPPED,    /* a child's saved state was given up (restores) */
    DYNSUP_EVENT_CHILD_FAILED,     /* report: a child's own limit of restarts is exceeded */
    DYNSUP_EVENT_MESSAGES_DROPPED, /* a child's full mailbox has lost messages (dropped) */
    DYNSUP_EVENT_HEAP_OPENED,      /* a heap of the binding's was made (heap, heap_limit) */
    DYNSUP_EVENT_HEAP_LOST,        /* a heap needed more than its limit (and heap_processes) */
    DYNSUP_EVENT_HEAP_CLOSED,      /* a heap is gone */
    DYNSUP_EVENT_COUNT
};

/* One step in the life of a process or child. All pointers are borrowed for the call. */
typedef struct dynsup_event {
    enum dynsup_event_kind kind;
    uint64_t at_ns;
    dynsup_pid pid;                        /* the process, or the child's (last) process */
    const char *name;                      /* of the process or child, or NULL */
    dynsup_pid supervisor;                 /* 0: the process is no child, or not known to be one */
    const char *supervisor_name;           /* or NULL */
    const dynsup_reason *reason;           /* or NULL */
    const dynsup_value *detail;            /* of a start that failed: more of why, or NULL */
    int status;                            /* START_REFUSED: why */
    const dynsup_value *id;                /* the child's, or NULL */
    const dynsup_program_ops *program_ops; /* what it runs, when that is known */
    void *program;
    enum dynsup_restart restart;
    double shutdown_ms;
    bool is_supervisor, is_registry;
    uint32_t incarnation; /* of the child: 1 for its first process */
    uint64_t restarts; /* within the period so far; GAVE_UP, CHILD_FAILED: with the one too many */
    uint64_t max_restarts; /* of the supervisor, or the child's own */
    uint64_t period_ms;
    bool own_limit;    /* these three are the child's own */
    bool once;         /* START_ERROR: of a start that is not tried again */
    bool backs_off;    /* the child's restarts wait for its backoff, and do not count */
    uint64_t delay_ns; /* CHILD_DELAYED */
    uint64_t restores; /* STATE_DROPPED: how many have failed in a row */
    uint64_t dropped;  /* MESSAGES_DROPPED: how many so far; emitted at 1, 2, 4, 8 and so on */
    uint32_t heap; /* the number of the heap, if the event is about one (and no process); else 0 */
    uint64_t heap_limit;     /* in bytes; 0: none */
    uint64_t heap_processes; /* HEAP_LOST: how many end with it */
} dynsup_event;

DYNSUP_DECLARATIONS_END

#endif
