/* Groups: the heaps of one supervisor, and which of them a child starts in. */
#include "bindings/heap/heap_group.h"

#include <string.h>

static size_t group_size(uint32_t count) {
    return sizeof(dsl_heap_group) + count * sizeof(uint32_t);
}

static void group_free(dsl_heap_group *group) {
    dsl_host *whole = group->whole;
    if (group->heaps)
        whole->alloc(whole->alloc_ud, group->heaps, group->count * sizeof(dsl_heap *), 0);
    whole->alloc(whole->alloc_ud, group, group_size(group->count), 0);
}

dsl_heap_group *dsl_heap_group_new(dsl_host *whole, uint32_t count, size_t max_bytes,
                                   dsl_parcel *extra) {
    dsl_heap_group *group = whole->alloc(whole->alloc_ud, NULL, 0, group_size(count));
    if (!group)
        return NULL;
    memset(group, 0, group_size(count));
    *group = (dsl_heap_group){.whole = whole, .owners = 1, .count = count, .max_bytes = max_bytes};
    group->heaps = whole->alloc(whole->alloc_ud, NULL, 0, count * sizeof(dsl_heap *));
    if (!group->heaps) {
        group_free(group);
        return NULL;
    }
    memset(group->heaps, 0, count * sizeof(dsl_heap *));
    group->extra = extra;
    return group;
}

void dsl_heap_group_retain(dsl_heap_group *group) {
    group->owners++;
}

void dsl_heap_group_release(dsl_heap_group *group) {
    if (--group->owners > 0)
        return;
    for (uint32_t i = 0; i < group->count; i++)
        if (group->heaps[i])
            dsl_heap_group_part(group->heaps[i]);
    dsl_parcel_release(group->extra);
    group_free(group);
}

uint64_t dsl_heap_group_object(dsl_heap_group *group) {
    return DSL_OBJECT_GROUP | (uint64_t)(uintptr_t)group;
}

dsl_heap_group *dsl_heap_group_of(uint64_t object) {
    if ((object & DSL_OBJECT_GROUP) != DSL_OBJECT_GROUP)
        return NULL;
    /* the object is the group's address, marked by the highest bits */
    uint64_t address = object & ~DSL_OBJECT_GROUP;
    return (dsl_heap_group *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
}

uint32_t dsl_heap_group_choose(const dsl_heap_group *group) {
    uint32_t fewest = group->processes[0];
    uint32_t place = 0;
    for (uint32_t i = 1; i < group->count; i++)
        fewest = group->processes[i] < fewest ? group->processes[i] : fewest;
    while (group->processes[place] != fewest)
        place++;
    return place;
}

dsl_heap *dsl_heap_group_heap(dsl_heap_group *group, uint32_t place) {
    if (group->heaps[place] && group->heaps[place]->state == DSL_HEAP_LOST)
        dsl_heap_group_part(group->heaps[place]);
    if (group->heaps[place])
        return group->heaps[place];
    dsl_heap *heap = dsl_heap_open(group->whole, group->max_bytes);
    if (!heap)
        return NULL;
    if (group->heaps[place]) { /* a finalizer has started a child there meanwhile */
        dsl_heap_release(heap);
        return group->heaps[place];
    }
    heap->group = group;
    heap->place = place;
    return group->heaps[place] = heap;
}

void dsl_heap_group_part(dsl_heap *heap) {
    dsl_heap_group *group = heap->group;
    if (!group)
        return;
    group->heaps[heap->place] = NULL;
    group->processes[heap->place] = 0;
    heap->group = NULL;
    dsl_heap_release(heap);
}
