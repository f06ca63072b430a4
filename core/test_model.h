/*
 * A reference model of the host's processes, supervisors, registries, timers and calls: sets and
 * maps as plain arrays, the policy written down from the design, nothing shared with the core. What
 * it predicts holds when nothing is ready any more: exits are handled first come first served,
 * before any slice, and slices in the order in which they became ready.
 */
#ifndef DSI_TEST_MODEL_H
#define DSI_TEST_MODEL_H

#include "test_host.h"

enum {
    MODEL_PROCESSES = 2048,
    MODEL_CHILDREN = 1024,
    MODEL_REQUESTS = 2048,
    MODEL_RELATIONS = 1024,
    MODEL_QUEUE = 4096,
    MODEL_INBOX = 64,
    MODEL_NAMES = 6,
    MODEL_TIMERS = 512,
    MODEL_ENTRIES = 256,
    MODEL_KEYS = 4
};

typedef struct model_reason {
    enum dynsup_reason_class kind;
    enum dynsup_atom atom;
} model_reason;

typedef struct model_message {
    enum dynsup_atom tag;
    int from; /* EXIT: process; DOWN: number of the monitor; else what was sent */
    enum dynsup_atom atom;
} model_message;

/* The job of a static supervisor: it stops children, the last one first, then starts some, the
 * first one first; either part may be missing. */
enum model_job {
    MODEL_IDLE,
    MODEL_INIT,
    MODEL_GROUP,
    MODEL_START_ONE,
    MODEL_TERMINATE_ONE,
    MODEL_STOP_ALL
};

typedef struct model_order {
    enum dynsup_strategy strategy;
    enum model_job job;
    bool starts;     /* the job is in its second part */
    bool advances;   /* model_static_advance is under way */
    bool is_new;     /* the child that is started was added for that */
    int first, at;   /* the child to begin with, -1: all; the next child, -1: none */
    int blocked_at;  /* the child whose failed start has stopped a group; -1: none */
    bool revives;    /* the child to be started has failed, and has again if that fails */
    bool ended_well; /* START_ONE: before it was ready, which is no error */
    int awaited;     /* the child whose end or readiness is awaited; -1: none */
    int request;     /* to be answered; -1: none */
    int failure;     /* of the first start, 0: none */
} model_order;

typedef struct model_process {
    bool is_registry, is_unique;
    bool alive, doomed;
    bool fresh, will_trap, traps; /* it traps from its first slice on */
    bool queued;
    int parent, child, name;
    bool parent_link;
    model_reason reason;
    uint64_t started_ns, kill_ns; /* 0: no timer */
    uint64_t kill_order;
    int request; /* the request that it waits for; -1: none */
    model_message inbox[MODEL_INBOX];
    int received;
    dynsup_pid pid;
    test_body *body;
    bool seen_dead;
    int compared, asked; /* messages; the last request, -1: none */
    /* A supervisor. */
    bool is_supervisor, stopping, parent_parked;
    model_reason stop_reason, parent_reason;
    uint64_t max_restarts, max_children;
    uint64_t restarts_ms[64];
    int restart_count;
    int children[256], child_count;
    int parked[512], parked_count; /* >= 0: a request; -1: the parent; <= -2: a child */
    int retries[256], retry_count;
    int stoppers[256], stopper_count;
    int guest_child, guest_request; /* -1: none */
    bool has_guest, guest_go;
    bool is_static;
    model_order order;
} model_process;

enum model_state {
    MODEL_STARTING,
    MODEL_RUNNING,
    MODEL_RESTARTING,
    MODEL_STOPPING,
    MODEL_FAILED, /* its own limit of restarts was exceeded */
    MODEL_DOWN,   /* of a static supervisor: only its spec is there */
    MODEL_GONE
};

typedef struct model_child {
    int supervisor, process, name;
    int id; /* of a static supervisor: no other has it */
    int incarnations;
    enum model_state state;
    bool accepted;
    enum dynsup_restart restart;
    double shutdown_ms;
    bool guest, slow, is_supervisor, traps, ready, backoff;
    double timeout_ms;
    bool fails;   /* making a body fails, or the start function does */
    bool ignores; /* the start function does */
    bool delayed, timed_out;
    double next_delay_ms;
    int limit; /* its own limit of restarts in 5 s; -1: the supervisor's */
    uint64_t restarts_ms[64];
    int restart_count;
    uint64_t lived_ns;
    uint64_t timer_ns, timer_order;
    size_t made;
    int starting; /* the request; -1: none */
    int waiters[64], waiter_count;
    uint64_t nested_restarts; /* of the supervisor that it starts */
    test_program *program;
} model_child;

enum model_kind {
    MODEL_START,
    MODEL_ENSURE,
    MODEL_TERMINATE,
    MODEL_STOP,
    MODEL_TURN,
    MODEL_RESTART, /* of a failed child; by its last process */
    MODEL_TERMINATE_ID,
    MODEL_RESTART_ID,
    MODEL_DELETE_ID,
    MODEL_FIRST_START, /* of a static supervisor */
    MODEL_CALL
};

typedef struct model_request {
    enum model_kind kind;
    int caller, supervisor;
    int child;   /* START, ENSURE; by id: the id */
    int process; /* TERMINATE, RESTART */
    model_reason reason;
    bool done;
    int status, pid; /* of the reply: the process or -1 */
} model_request;

typedef struct model_relation {
    int from, to; /* a monitor: the watcher and the watched */
    int number;
    int call; /* if it is a call: its request; -1: a monitor */
    bool monitor, ended;
} model_relation;

typedef struct model_timer {
    bool is_set;
    int to;
    uint64_t at_ns, order;
} model_timer;

typedef struct model_entry {
    int registry, process, key;
    uint64_t key_order; /* when the key came into being */
    bool ended;
} model_entry;

typedef struct model {
    uint64_t now_ns, order;
    model_process processes[MODEL_PROCESSES];
    int process_count;
    model_child children[MODEL_CHILDREN];
    int child_count;
    model_request requests[MODEL_REQUESTS];
    int request_count;
    model_relation relations[MODEL_RELATIONS];
    int relation_count, monitor_count;
    model_timer timers[MODEL_TIMERS];
    int timer_count;
    model_entry entries[MODEL_ENTRIES];
    int entry_count;
    uint64_t events[DYNSUP_EVENT_COUNT];                    /* how many were emitted */
    int name_process[MODEL_NAMES], name_child[MODEL_NAMES]; /* -1: none */
    int doomed[MODEL_QUEUE], doomed_head, doomed_tail;
    int ready[MODEL_QUEUE], ready_head, ready_tail;
    bool asks; /* a process has a slice for an operation */
} model;

void model_init(model *m, uint64_t now_ns);

/* True while there is room for further operations. */
bool model_has_room(const model *m);

model_reason model_reason_atom(enum dynsup_atom atom);

/* Not for doomed ones, nor for -1. */
bool model_lives(const model *m, int p);

/* Ends the process with this reason, unless it is ending already. */
void model_doom(model *m, int p, model_reason reason);

/* A new process, child of a process or of -1. */
int model_spawn(model *m, int parent, bool traps);
int model_supervisor(model *m, int parent, uint64_t max_restarts, uint64_t max_children);
int model_registry(model *m, int parent, bool is_unique);
void model_link(model *m, int a, int b);
void model_unlink(model *m, int a, int b);
int model_monitor(model *m, int watcher, int target);

/* Ends the monitor with this number, if it is there. */
void model_demonitor(model *m, int number);
void model_signal(model *m, int from, int to, model_reason reason);
void model_exit(model *m, int process, model_reason reason);
void model_send(model *m, int process, int what);

/* Sends the process the timer's number later; the number is timer_count - 1. */
void model_send_at(model *m, int process, uint64_t at_ns);

/* Stops a timer; false: it is not there. */
bool model_cancel(model *m, int timer);

/* An entry under a key. 0 or why not; *holder_out: the owner of the key, or -1. */
int model_enter(model *m, int process, int registry, int key, int *holder_out);

/* Ends the process's oldest entry of this key; false: it has none. */
bool model_withdraw(model *m, int process, int registry, int key);

/* Calls a process; the request's number is request_count - 1. The status at once, or
 * DYNSUP_PENDING. reply: ends the call with success; false: its caller does not wait any more. */
int model_call(model *m, int caller, int process);
bool model_reply(model *m, int request);

/* A static supervisor with the children from number `first` on, that many of them, which the caller
 * waits for. The request's number is request_count - 1. */
int model_static(model *m, int caller, enum dynsup_strategy strategy, uint64_t max_restarts,
                 int first, int count);

/* The answer, or DYNSUP_PENDING; the request's number is request_count - 1. */
int model_ask(model *m, int caller, int supervisor, enum model_kind kind, int child, int process,
              model_reason reason);
void model_ready(model *m, int process);

/* Run the model until nothing is ready; until the time has come, with all timers on the way. */
void model_run(model *m);
void model_pass(model *m, uint64_t until_ns);

#endif
