/*
 * Further heaps: further lua_States of a host, in which some of its workers live.
 *
 * Design notes.
 * A heap is its record, which holds its face. The record outlives the lua_State: it stays as long
 * as it has owners. These are each process that lives in the heap, each program with a function of
 * it, and the place of the group that it belongs to (heap_group.c). A heap without owners is
 * closed; so is a lost one, once its processes have ended. Heaps are closed only between the steps
 * of the host (dsl_heaps_tend), as closing a lua_State runs finalizers. What is still held of a
 * closed heap's vault, by the core or elsewhere, its record keeps as parcels, until the last of
 * them is released.
 */
#ifndef DSL_HEAP_H
#define DSL_HEAP_H

#include "bindings/heap/heap_memory.h"
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
    uint32_t processes;    /* whose code is in it */
    uint8_t state;         /* enum dsl_heap_state */
    bool is_ending;        /* in heaps->ending */
    uint8_t cycles;        /* full cycles of the collector since the heap was over: see heap.c */
    uint8_t luv_looks;     /* luv has left the loop since the heap was over */
    bool is_swept;         /* of a lost one: its processes have been ended */
    bool is_told;          /* observers have been notified that it is open, */
    bool is_loss_told;     /* and that it is lost */
    uint64_t loss;         /* the number of its loss */
    size_t max_bytes;      /* its limit, 0: none */
    struct dsl_heap *next; /* in heaps->ending */
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
    bool has_over; /* some have gone beyond their limit, and were not checked since */
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

/* Notifies observers, if the host's core still exists. */
void dsl_heap_tell(const dsl_heap *heap, enum dynsup_event_kind kind);

/* A heap may be ready to be closed: makes the host take a step soon. */
void dsl_heap_wake(const dsl_host *face);

/* Frees the record of a closed heap, once it is no longer needed. */
void dsl_heap_forget(dsl_heap *heap);

/* A process begins to live in the heap, and has left it. */
void dsl_heap_enter(dsl_heap *heap);
void dsl_heap_leave(dsl_heap *heap);

/* Closes heaps that are to be closed and ends the processes of lost ones; between steps. True: the
 * core may have work again. */
bool dsl_heaps_tend(dsl_host *whole);

/* At the host's end, in this order: when processes and core are gone; before the loop is left; and
 * to close and free all heaps. */
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

/* Has the heap's luv, if it was loaded, left the loop? The first call makes it begin to leave; from
 * then on nothing is called back. */
bool dsl_heap_luv_left(dsl_heap *heap);

/* ---- heap_loss.c ---- */

/* In a slice of a body in the heap, before and after its code: is the heap lost? Then the process
 * is doomed (of a guest: the outcome is a failure), and the slice is to return. */
bool dsl_heap_ends(dsl_heap *heap, bool is_guest, dynsup_outcome *outcome);

/* Note that the heap has gone beyond its limit, or is out of memory; for its allocator. */
void dsl_heap_over(void *heap);
void dsl_heap_lose(void *heap);

/* For its allocator: is there a protected call in which a refusal would raise its error? */
bool dsl_heap_may_refuse(void *heap);

/* Collects heaps that have gone beyond their limit; those still beyond it are lost. */
void dsl_heaps_weigh(dsl_host *whole);

/* Ends the processes of lost heaps. */
void dsl_heaps_sweep(dsl_host *whole);

#endif
