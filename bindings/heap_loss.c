/*
 * The loss of a heap: its limit has refused memory, so all that live in it end.
 *
 * Design notes.
 * The allocator only notes the loss. What runs in the heap at that moment is interrupted as soon as
 * it can be, and its process ends with that slice; those that wait are ended between two steps. All
 * of them end with DYNSUP_MEMORY_EXCEEDED, and count once together with their supervisor.
 */
#include "bindings/heap.h"

#include "bindings/binding.h"
#include "bindings/heap_group.h"

void dsl_heap_lose(void *p) {
    dsl_heap *heap = p;
    dsl_heaps *heaps = heap->face.whole->heaps;
    if (heap->state != DSL_HEAP_OPEN)
        return;
    heap->state = DSL_HEAP_LOST;
    heap->loss = ++heaps->losses;
    heaps->has_lost = true;
    dsl_heap_memory_relent(&heap->memory);
    dsl_preempt(&heap->face);
}

static void end(dsl_heap *heap, dynsup_pid pid) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
    dynsup_lose(heap->face.core, pid, &reason, heap->loss);
}

bool dsl_heap_ends(dsl_heap *heap, bool is_guest, dynsup_outcome *outcome) {
    if (heap->state != DSL_HEAP_LOST)
        return false;
    if (is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED).value;
    } else {
        end(heap, dynsup_self(heap->face.core));
    }
    return true;
}

/* A supervisor goes on without its guest, which finds out in its next slice. */
static void end_if_lost(dsl_host *whole, dynsup_pid pid) {
    dynsup_process_info info;
    const dsl_host *face = dsl_face_of(whole, pid);
    if (!face || !face->heap || face->heap->state != DSL_HEAP_LOST)
        return;
    dynsup_process_glance(whole->core, pid, &info);
    if (info.is_supervisor)
        dynsup_wait_end(whole->core, pid);
    else
        end(face->heap, pid);
}

static void settle(dsl_heap *heap) {
    if (heap->state != DSL_HEAP_LOST || heap->is_swept)
        return;
    heap->is_swept = true;
    dsl_log(heap->face.whole, DYNSUP_LEVEL_ERROR,
            "heap %u is lost: it may have %zu bytes and needed more; its %u processes end",
            (unsigned)heap->number, heap->max_bytes, (unsigned)heap->processes);
    dsl_heap_retain(heap);
    dsl_heap_group_part(heap);
    dsl_heap_release(heap);
}

void dsl_heaps_sweep(dsl_host *whole) {
    dsl_heaps *heaps = whole->heaps;
    dynsup_pid pid;
    uint32_t cursor = 0;
    heaps->has_lost = false;
    while ((pid = dynsup_process_next(whole->core, &cursor)))
        end_if_lost(whole, pid);
    for (uint32_t i = 1; i < heaps->capacity; i++)
        if (heaps->table[i])
            settle(heaps->table[i]);
}
