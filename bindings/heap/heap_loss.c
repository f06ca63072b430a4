/*
 * The loss of a heap: its limit has refused memory, so all that live in it end.
 *
 * Design notes.
 * The allocator only notes that the heap goes beyond its limit, or is exhausted. The code that runs
 * in it then is interrupted as soon as possible. At the end of that slice the heap is collected,
 * and lost if that does not help. The process of that slice ends then; those that wait are ended
 * between two steps. All of them end with DYNSUP_MEMORY_EXCEEDED, and count as one with their
 * supervisor.
 */
#include "bindings/heap/heap.h"

#include "bindings/binding.h"
#include "bindings/heap/heap_group.h"
#include "bindings/process/preempt.h"

void dsl_heap_over(void *p) {
    dsl_heap *heap = p;
    heap->face.whole->heaps->has_over = true;
    dsl_preempt_now(&heap->face);
}

void dsl_heap_lose(void *p) {
    dsl_heap *heap = p;
    dsl_heaps *heaps = heap->face.whole->heaps;
    if (heap->state != DSL_HEAP_OPEN)
        return;
    heap->state = DSL_HEAP_LOST;
    heap->loss = ++heaps->losses;
    heaps->has_lost = true;
    dsl_heap_memory_relent(&heap->memory);
    dsl_preempt_now(&heap->face);
}

/* The loop calls luv back on the main thread, when no slice is under way in the heap, and luv calls
 * Lua's functions there with nothing below them; all others run in a slice or a protected call. */
bool dsl_heap_may_refuse(void *p) {
    const dsl_host *face = &((dsl_heap *)p)->face;
    lua_Debug ar;
    return face->current || lua_getstack(face->L, 0, &ar);
}

/* Notifies observers of the loss, before it ends any process: as soon as no code is running. */
static void tell_once(dsl_heap *heap) {
    if (!heap->is_loss_told)
        dsl_heap_tell(heap, DYNSUP_EVENT_HEAP_LOST);
    heap->is_loss_told = true;
}

static void end(dsl_heap *heap, dynsup_pid pid) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
    dynsup_lose(heap->face.whole->core, pid, &reason, heap->loss);
}

/* The second collection frees what only finalizers held. */
static void weigh(dsl_heap *heap) {
    dsl_heap_memory *memory = &heap->memory;
    for (int i = 0; i < 2 && memory->in_use > memory->limit; i++)
        lua_gc(heap->face.L, LUA_GCCOLLECT);
    memory->is_over = false;
    if (memory->in_use > memory->limit)
        dsl_heap_lose(heap);
}

void dsl_heaps_weigh(dsl_host *whole) {
    dsl_heaps *heaps = whole->heaps;
    heaps->has_over = false;
    for (uint32_t i = 1; i < heaps->capacity; i++) {
        dsl_heap *heap = heaps->table[i];
        if (heap && heap->state == DSL_HEAP_OPEN && heap->memory.is_over)
            weigh(heap);
    }
}

bool dsl_heap_ends(dsl_heap *heap, bool is_guest, dynsup_outcome *outcome) {
    if (heap->state == DSL_HEAP_OPEN && heap->memory.is_over)
        weigh(heap);
    if (heap->state == DSL_HEAP_OPEN)
        return false; /* a start that waited may find a lost one closed already */
    tell_once(heap);
    if (is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED).value;
    } else {
        end(heap, dynsup_self(heap->face.whole->core));
    }
    return true;
}

/* The supervisor of a guest goes on; the guest finds out in its next slice. */
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
    tell_once(heap);
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
