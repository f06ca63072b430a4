/*
 * Further heaps: lua_States beside the first one in which workers of the same host live.
 *
 * Design notes.
 * A heap is its record, which holds its face. The record outlives the lua_State: it stays as long
 * as somebody may still ask it for something, which its owners are: each process that lives in it,
 * each program with a function of it, the place of the group that it belongs to (heap_group.c).
 * Without owners it is closed; so is one that is lost, once its processes have ended. Both only
 * between the steps of the host (dsl_heaps_tend), for closing a lua_State runs finalizers. What the
 * core or others still hold of a closed heap's vault is kept by its record as parcels, until the
 * last of it is released.
 */
#ifndef DSL_HEAP_H
#define DSL_HEAP_H

#include "bindings/heap_memory.h"
#include "bindings/host.h"
#include "bindings/object.h"

struct dsl_heap_group;

enum dsl_heap_state {
    DSL_HEAP_OPEN,
    DSL_HEAP_LOST,  /* out of memory: nothing new begins in it, and its processes end */
    DSL_HEAP_CLOSED /* there is no lua_State any more */
};

typedef struct dsl_heap {
    dsl_host face;
    uint32_t number; /* from 1 on */
    uint32_t owners;
    uint32_t processes;           /* whose code is in it */
    uint8_t state;                /* enum dsl_heap_state */
    bool is_ending;               /* in heaps->ending */
    uint8_t cycles;               /* of its collector since it was over: see heap.c */
    uint8_t luv_looks;            /* whether luv has left the loop, since it was over */
    bool is_swept;                /* of a lost one: its processes have been told */
    bool is_told;                 /* who observes has been told that it is open, */
    bool is_loss_told;            /* and that it is lost */
    uint64_t loss;                /* the number of its loss */
    size_t max_bytes;             /* its limit, 0: none */
    struct dsl_heap *next;        /* in heaps->ending */
    struct dsl_heap_group *group; /* or NULL */
    uint32_t place;               /* in the group */
    dsl_heap_memory memory;
    dsl_remains kept; /* CLOSED: what was in the vault */
} dsl_heap;

/* Of a whole host. */
typedef struct dsl_heaps {
    dsl_heap **table; /* by number; those that are free are NULL */
    uint32_t capacity;
    uint32_t count;     /* that are not closed */
    uint32_t free_hint; /* no free number is below */
    uint64_t losses;
    bool has_over; /* some have gone beyond their limit, and nobody has looked since */
    bool has_lost; /* some of the lost ones have not been swept */
    dsl_heap *ending;
} dsl_heaps;

/* The heap with this number, or NULL. */
static inline dsl_heap *dsl_heap_at(const dsl_host *whole, uint32_t number) {
    const dsl_heaps *heaps = whole->heaps;
    return heaps && number < heaps->capacity ? heaps->table[number] : NULL;
}

/* A new heap with one owner, the caller; max_bytes is its limit, 0: none. NULL without memory, or
 * where the program's open_heap refuses. Runs the module's Lua code in the new state; in the others
 * it may run finalizers. Also in the middle of the core's work. */
dsl_heap *dsl_heap_open(dsl_host *whole, size_t max_bytes);

void dsl_heap_retain(dsl_heap *heap);
void dsl_heap_release(dsl_heap *heap);

/* Tells who observes events, if the host's core is still there. */
void dsl_heap_tell(const dsl_heap *heap, enum dynsup_event_kind kind);

/* A heap that waits for its closing is to be looked at: the host makes a step soon. */
void dsl_heap_wake(const dsl_host *face);

/* Frees the record of a closed heap that nobody needs any more. */
void dsl_heap_forget(dsl_heap *heap);

/* A process lives in it from now on, and no more. */
void dsl_heap_enter(dsl_heap *heap);
void dsl_heap_leave(dsl_heap *heap);

/* Closes what is to be closed and ends the processes of what is lost; between steps. True: then
 * there may be something to do for the core again. */
bool dsl_heaps_tend(dsl_host *whole);

/* At the host's end, in this order: there are no processes any more, and no core; the loop is about
 * to be left; all are closed and freed. */
void dsl_heaps_orphan(dsl_host *whole);
void dsl_heaps_leave_loop(dsl_host *whole);
void dsl_heaps_fini(dsl_host *whole);

/* The face of the heap in which the process's code is; NULL: it has none in Lua, or is dead. */
dsl_host *dsl_face_in(const dynsup_process_info *info);
dsl_host *dsl_face_of(const dsl_host *host, dynsup_pid pid);

/* ---- heap_state.c ---- */

/* Makes the heap's lua_State: with the libraries that the first one has, its search paths, and the
 * module; false without memory, or where open_heap refuses. */
bool dsl_heap_state_open(dsl_host *whole, dsl_heap *heap);

/* ---- luv_leave.c ---- */

/* Has luv in that heap, if it is there, left the loop? The first call has it leave; from then on
 * nothing is called back. */
bool dsl_heap_luv_left(dsl_heap *heap);

/* ---- heap_loss.c ---- */

/* In a slice of a body in it, before and after its code: is the heap lost? Then the process is
 * doomed (of a guest: the outcome is a failure), and the slice is to return. */
bool dsl_heap_ends(dsl_heap *heap, bool is_guest, dynsup_outcome *outcome);

/* Note that it has gone beyond its limit, or is out of memory; for its allocator. */
void dsl_heap_over(void *heap);
void dsl_heap_lose(void *heap);

/* For its allocator: is there a protected call that a refusal would be an error in? */
bool dsl_heap_may_refuse(void *heap);

/* Collects what has gone beyond its limit; what still is beyond it then is lost. */
void dsl_heaps_weigh(dsl_host *whole);

/* Ends the processes of lost heaps. */
void dsl_heaps_sweep(dsl_host *whole);

#endif
