/*
 * Children: a supervisor's records of what it has started and may have to start again.
 *
 * Design notes.
 * A record lives from the request for a start until the child is removed; it joins its supervisor's
 * list when the start is accepted, and only then counts. Its process is found by pid, so a record
 * and a process may outlive each other. What few children have (backoff, ready, modules, waiting
 * requests, a start function, a saved state, limits of restarts or of what they use) is in
 * dsi_child_extra.
 * A record owns its program, id, modules and name.
 * While its exit waits for the supervisor's turn, or a restart for its next attempt, the record's
 * parked node is in one of the supervisor's queues.
 */
#ifndef DSI_CHILD_H
#define DSI_CHILD_H

#include "backoff.h"
#include "intensity.h"
#include "lifecycle.h"
#include "process.h"
#include "state.h"

#include <assert.h>

/* Something that waits for a supervisor's turn. */
enum dsi_parked_kind {
    DSI_PARKED_CHILD,  /* in a dsi_child: its process has ended */
    DSI_PARKED_LATE,   /* in a dsi_child: its process had ended before its start did */
    DSI_PARKED_RETRY,  /* in a dsi_child: its restart has failed */
    DSI_PARKED_PARENT, /* in a dsi_supervisor: its parent wants it to end */
    DSI_PARKED_START,  /* the rest: in a dsi_request */
    DSI_PARKED_TERMINATE,
    DSI_PARKED_RESTART,
    DSI_PARKED_DELETE,
    DSI_PARKED_RENEW,
    DSI_PARKED_STOP,
    DSI_PARKED_TURN
};

typedef struct dsi_parked {
    dsi_node node;
    enum dsi_parked_kind kind;
} dsi_parked;

typedef struct dsi_request dsi_request;
typedef struct dsi_saved dsi_saved;
typedef struct dsi_limited dsi_limited;

typedef struct dsi_child_extra {
    dsi_timer timer; /* RESTARTING: the delay; STARTING and RUNNING: start_timeout */
    dsi_child *child;
    dsi_list waiters;      /* of dsi_request: answered when it runs or is gone */
    dsi_request *starting; /* its start_child, while STARTING */
    dsi_child *next_same;  /* the next record of the same process */
    dynsup_value modules;
    bool ready;
    bool timed_out;
    double start_timeout_ms;
    bool has_backoff;
    bool delayed;       /* the restart has been delayed already: now it is tried */
    uint64_t began_ns;  /* when it got its process, in the supervisor's time */
    uint64_t lived_ns;  /* how long the last incarnation lived; used when its restart is delayed */
    dynsup_reason late; /* of LATE: the reason with which it had ended */
    char *wanted;       /* the name that it takes at its first start, or takes again; owned */
    size_t wanted_length;
    dynsup_value name_key, name_value; /* of a name that is a registry's key */
    dsi_backoff backoff;
    dsi_saved *saved;      /* or NULL: see saved.h */
    uint64_t max_restores; /* of a saved state */
    dsi_intensity *own;    /* its own limit of restarts, or NULL */
    dsi_limited *limited;  /* what it may use, or NULL: see limits.h */
} dsi_child_extra;

struct dsi_child {
    dsi_slot slot;
    dsi_supervisor *supervisor;
    dsi_node node; /* in supervisor->children, once accepted */
    dsi_parked parked;
    dynsup_pid pid; /* of its process; while RESTARTING, or FAILED, of the last one */
    const dynsup_program_ops *program_ops;
    void *program;
    uint64_t id; /* stored apart from its kind, to avoid padding */
    dsi_name *name;
    dsi_child_extra *extra;
    double shutdown_ms;
    uint32_t incarnation;
    uint8_t state;   /* enum dsi_child_state */
    uint8_t restart; /* enum dynsup_restart */
    uint8_t id_kind; /* enum dynsup_kind */
    bool is_supervisor : 1;
    bool guest : 1;
    bool ended_before : 1; /* STOPPING: its process had already ended when it was asked to stop */
    bool significant : 1;
    /* Its next restart belongs to a loss that has been counted: see dynsup_lose. */
    bool is_counted_elsewhere : 1;
    bool weighs : 1; /* significant and counted: it has a process or is to have one again */
};

static_assert(sizeof(void *) != 8 || sizeof(dsi_child) == 128, "two lines of a cache, whole units");

/* The child's id; borrowed. */
static inline dynsup_value dsi_child_id(const dsi_child *child) {
    return (dynsup_value){(enum dynsup_kind)child->id_kind, {.object = child->id}};
}

/* Keeps the name that the child will take; false without memory. */
bool dsi_child_want(dynsup_host *host, dsi_child *child, const char *name, size_t length);

/* A record with the spec's program, id and modules, which change hands in every case; not accepted
 * yet, and without its name. NULL without memory. */
dsi_child *dsi_child_new(dynsup_host *host, dsi_supervisor *supervisor,
                         const dynsup_child_spec *spec);

/* Releases what the spec was to hand over, except the body. */
void dsi_child_spec_release(dynsup_host *host, const dynsup_child_spec *spec);

/* Frees the record, which is in no list, with all that it owns; not its process. */
void dsi_child_free(dynsup_host *host, dsi_child *child);

/* The extra part, made if needed; NULL without memory. */
dsi_child_extra *dsi_child_extra_get(dynsup_host *host, dsi_child *child);

/* Has it no process: it restarts, has failed, or is gone? */
static inline bool dsi_child_is_down(const dsi_child *child) {
    return child->state == DSI_CHILD_RESTARTING || child->state == DSI_CHILD_FAILED ||
           child->state == DSI_CHILD_GONE;
}

/* Fills in what observers see of the child. */
void dsi_child_inspect(const dsi_child *child, dynsup_child_info *info_out);

/* Its process, in any state, or NULL. */
dsi_process *dsi_child_process(dynsup_host *host, const dsi_child *child);

/* Adds the record to those of the process, which becomes a child of its supervisor. */
void dsi_child_attach(dsi_child *child, dsi_process *process);

/* Notes how long the process lived; called when it ends, before its supervisor's turn. */
void dsi_child_lived(dsi_child *child);

/* Takes the record from those of the process; false: it was none of them. */
bool dsi_child_detach(dsi_child *child, dsi_process *process);

/* The process's record at this supervisor, or NULL. */
dsi_child *dsi_child_of(const dsi_process *process, const dsi_supervisor *supervisor);

#endif
