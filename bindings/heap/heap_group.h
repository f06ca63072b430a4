/*
 * Groups: the heaps of one supervisor, and which of them a child starts in.
 *
 * Design notes.
 * A group has places for as many heaps as the supervisor was given. A heap is opened when the first
 * child starts in its place, and again after it was lost. A child starts in the place with the
 * fewest processes (counting all that live in the heap, not only the supervisor's children), the
 * first one of several; later incarnations stay in their place. The group is the object that the
 * supervisor keeps as its arguments: it ends with the supervisor and the programs of its children.
 */
#ifndef DSL_HEAP_GROUP_H
#define DSL_HEAP_GROUP_H

#include "bindings/codec/codec.h"
#include "bindings/heap/heap.h"

#define DSL_HEAPS_MAX 4096 /* of one supervisor */

typedef struct dsl_heap_group {
    dsl_host *whole;
    uint32_t owners;
    uint32_t count;       /* of places */
    size_t max_bytes;     /* of each heap; 0: no limit */
    dsl_parcel *extra;    /* the supervisor's extra arguments, or NULL */
    dsl_heap **heaps;     /* by place; NULL: none is open */
    uint32_t processes[]; /* by place */
} dsl_heap_group;

/* With one owner, the caller; extra changes hands. NULL without memory: extra is the caller's. */
dsl_heap_group *dsl_heap_group_new(dsl_host *whole, uint32_t count, size_t max_bytes,
                                   dsl_parcel *extra);

void dsl_heap_group_retain(dsl_heap_group *group);
void dsl_heap_group_release(dsl_heap_group *group);

/* The group as an object for the core, whose owner then owns the group; and back: NULL if the
 * object is no group. */
uint64_t dsl_heap_group_object(dsl_heap_group *group);
dsl_heap_group *dsl_heap_group_of(uint64_t object);

/* The place for the next child. */
uint32_t dsl_heap_group_choose(const dsl_heap_group *group);

/* The place's heap, opened if need be; NULL as from dsl_heap_open. The group owns it. */
dsl_heap *dsl_heap_group_heap(dsl_heap_group *group, uint32_t place);

/* The heap no longer belongs to its group: it is lost, or the group ends. */
void dsl_heap_group_part(dsl_heap *heap);

#endif
