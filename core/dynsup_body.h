/*
 * What a process runs: the ops of bodies, and of the programs that make bodies for children again
 * and again. A part of dynsup.h, which includes it.
 */
#ifndef DYNSUP_BODY_H
#define DYNSUP_BODY_H

#include "dynsup_value.h"

DYNSUP_DECLARATIONS_BEGIN

typedef struct dynsup_host dynsup_host;

/* Why a slice begins. */
enum dynsup_wake {
    DYNSUP_WAKE_FIRST, /* the first slice */
    /* The last slice returned DYNSUP_SLICE_AGAIN, or dynsup_wait_end has ended the wait. */
    DYNSUP_WAKE_AGAIN,
    DYNSUP_WAKE_MESSAGE, /* the mailbox has something new */
    /* What the body waits for has come: by dynsup_receiver_delivered, dynsup_wake or
     * dynsup_call_replied; by the reply op, for a request or the end of a call; or a step of a
     * clock (dynsup_clock_step) is over. */
    DYNSUP_WAKE_DELIVERED,
    DYNSUP_WAKE_TIMEOUT /* the deadline of the wait has passed */
};

/* How a slice ends. */
enum dynsup_slice {
    DYNSUP_SLICE_AGAIN, /* it could go on: after all others that are ready */
    DYNSUP_SLICE_WAIT,  /* a wait function has been called: go on when that is fulfilled */
    DYNSUP_SLICE_IDLE,  /* it never runs again and reads no messages, but stays until it exits */
    DYNSUP_SLICE_EXIT   /* it has come to its end: the outcome is filled */
};

/* How a body came to its end. Objects in it change hands to the core. */
typedef struct dynsup_outcome {
    dynsup_reason reason; /* of a process; of a guest only the kind, for an object in values[0] */
    /* What a start function, which runs as a guest, has returned. */
    int status; /* 0: pid is set; DYNSUP_EIGNORE; DYNSUP_EBAD_RETURN; DYNSUP_EREASON */
    dynsup_pid pid;
    dynsup_value values[2]; /* status 0: info and nil; DYNSUP_EREASON: reason and detail */
} dynsup_outcome;

/* The reply to a request, at once or after DYNSUP_PENDING. */
enum { DYNSUP_REPLY_VALUES = 3 };
typedef struct dynsup_reply {
    int status;     /* 0, a code, or DYNSUP_EREASON: values are reason and detail */
    bool existing;  /* ensure_child found it running */
    dynsup_pid pid; /* the child; of DYNSUP_EALREADY_STARTED: the name's owner, 0: restarting */
    /* Of success: info, nil, nil; of DYNSUP_EFAILED_TO_START: the child's reason, detail and id; of
     * DYNSUP_EALREADY_STARTED the atom FAILED when it is the name of a child that has failed. */
    dynsup_value values[DYNSUP_REPLY_VALUES];
    uint64_t key; /* of DYNSUP_PENDING: what to wait for */
} dynsup_reply;

typedef struct dynsup_body_ops {
    const char *name; /* of the kind of body, for humans */

    /* Runs one slice: self is the current process meanwhile. Must return in bounded time (when
     * asked by preempt, soon). May call any function of the core but step and free. */
    enum dynsup_slice (*step)(void *body, dynsup_host *host, dynsup_pid self, enum dynsup_wake wake,
                              dynsup_outcome *outcome);

    /* The reply to a request for which the body waits; it is moved to the body: objects in it are
     * the body's. Called outside the body's slices. May not fail and may not call the core. NULL:
     * the body makes no requests, or wants no reply. */
    void (*reply)(void *body, const dynsup_reply *reply);

    /* The process ends, for whatever reason: runs what must still run (close handlers), in bounded
     * time. Called once, before fini, never inside step; the process is current, may send and
     * spawn, and may neither wait nor link. NULL: nothing to do. */
    void (*stop)(void *body, dynsup_host *host, dynsup_pid self);

    /* Frees the body. Called once; also for a body whose process was never made. May not call the
     * core. */
    void (*fini)(void *body);

    /* Asks the step that is running to return soon. Called from a signal handler in the host's
     * thread: may only do what is safe there. NULL: the body does not need it. */
    void (*preempt)(void *body);

    /* The body's step, or (ends) its stop, comes soon: called three times, with away 3, 2 and 1,
     * while a few other bodies have theirs. The body prefetches what that op will touch
     * (__builtin_prefetch), may read what it fetched in an earlier call, and does nothing else.
     * Called when there are many processes, mostly in this order; a step or a stop may come without
     * it. NULL: not called. */
    void (*near)(void *body, unsigned away, bool ends);
} dynsup_body_ops;

/* How each incarnation of a child is started. Owned by the child once its start was requested. */
typedef struct dynsup_program_ops {
    /* Makes the body of the next incarnation, owned by the caller. arguments: the supervisor's. 0,
     * DYNSUP_ENOMEM, or DYNSUP_EREASON with *reason set. May not raise. Not called for a temporary
     * child whose first body was given. */
    int (*make)(void *program, uint64_t arguments, const dynsup_body_ops **ops_out, void **body_out,
                dynsup_reason *reason);
    void (*release)(void *program);
    /* What it starts, for reports ("worker.lua:12"); cut to size, 0-terminated. */
    void (*describe)(void *program, char *text, size_t size);
} dynsup_program_ops;

/* When its next body is made after an end: always, after an abnormal one, never. */
enum dynsup_restart { DYNSUP_PERMANENT, DYNSUP_TRANSIENT, DYNSUP_TEMPORARY };

/* In place of the milliseconds that a child has for its end. */
enum { DYNSUP_SHUTDOWN_INFINITY = -1, DYNSUP_SHUTDOWN_BRUTAL_KILL = -2 };

DYNSUP_DECLARATIONS_END

#endif
