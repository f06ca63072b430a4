/* Further heaps: their records, from the making to the closing. */
#include "bindings/heap/heap.h"

#include "bindings/process/body.h"
#include "bindings/heap/heap_group.h"
#include "bindings/http/http.h"
#include "bindings/child/kept.h"
#include "bindings/observe/look.h"
#include "bindings/observe/observe.h"
#include "bindings/pending.h"
#include "bindings/child/program.h"
#include "bindings/server/server.h"
#include "bindings/embed/worker.h"

#include <string.h>

#define TABLE_MIN 16u
#define TEND_NS   500000u  /* for closing heaps, after a step */
#define SMALL     1000000u /* bytes that are closed at once */

#define LUV_LOOKS 8 /* at once, one after the other */

/* Full cycles: what was already marked when the first began is freed by the second. */
#define CYCLES 2

/* ---- the table ---- */

static bool table_grow(dsl_host *whole, dsl_heaps *heaps) {
    uint32_t old = heaps->capacity;
    uint32_t capacity = old ? old * 2 : TABLE_MIN;
    if (capacity > DSL_OBJECT_NUMBER)
        return false;
    dsl_heap **table =
        whole->alloc(whole->alloc_ud, heaps->table, old * sizeof *table, capacity * sizeof *table);
    if (!table)
        return false;
    memset(table + old, 0, (capacity - old) * sizeof *table);
    heaps->table = table;
    heaps->capacity = capacity;
    return true;
}

static dsl_heaps *heaps_of(dsl_host *whole) {
    if (whole->heaps)
        return whole->heaps;
    dsl_heaps *heaps = whole->alloc(whole->alloc_ud, NULL, 0, sizeof *heaps);
    if (!heaps)
        return NULL;
    *heaps = (dsl_heaps){.free_hint = 1};
    return whole->heaps = heaps;
}

/* A free number; 0 without memory. */
static uint32_t number_take(dsl_host *whole) {
    dsl_heaps *heaps = heaps_of(whole);
    if (!heaps)
        return 0;
    uint32_t number = heaps->free_hint;
    while (number < heaps->capacity && heaps->table[number])
        number++;
    heaps->free_hint = number;
    return number < heaps->capacity || table_grow(whole, heaps) ? number : 0;
}

static void record_free(dsl_heap *heap) {
    dsl_host *whole = heap->face.whole;
    whole->heaps->table[heap->number] = NULL;
    if (heap->number < whole->heaps->free_hint)
        whole->heaps->free_hint = heap->number;
    whole->alloc(whole->alloc_ud, heap, sizeof *heap, 0);
}

void dsl_heap_forget(dsl_heap *heap) {
    if (heap->state != DSL_HEAP_CLOSED || heap->owners > 0 || heap->kept.used > 0)
        return;
    dsl_remains_fini(&heap->kept);
    record_free(heap);
}

void dsl_heap_tell(const dsl_heap *heap, enum dynsup_event_kind kind) {
    dynsup_host *core = heap->face.whole->core;
    if (!core)
        return;
    dynsup_event event = {.kind = kind,
                          .at_ns = dynsup_host_now(core),
                          .heap = heap->number,
                          .heap_limit = heap->max_bytes,
                          .heap_processes = heap->processes};
    dynsup_host_tell(core, &event);
}

/* ---- making ---- */

static void face_init(dsl_host *whole, dsl_heap *heap) {
    dsl_host *face = &heap->face;
    face->whole = whole;
    face->heap = heap;
    face->heap_base = (uint64_t)heap->number << DSL_OBJECT_HEAP;
    face->core = whole->core;
    face->uv = whole->uv;
    face->alloc = whole->alloc;
    face->alloc_ud = whole->alloc_ud;
    face->config = whole->config;
    face->owner = whole->owner;
    face->thread = whole->thread;
    face->count_hook = whole->count_hook;
    face->slice_count = whole->slice_count;
    face->slice_ns = whole->slice_ns;
    face->seed = whole->seed;
}

static dsl_heap *record_new(dsl_host *whole) {
    uint32_t number = number_take(whole);
    if (number == 0)
        return NULL;
    dsl_heap *heap = whole->alloc(whole->alloc_ud, NULL, 0, sizeof *heap);
    if (!heap)
        return NULL;
    memset(heap, 0, sizeof *heap);
    heap->number = number;
    heap->owners = 1;
    whole->heaps->table[number] = heap;
    face_init(whole, heap);
    return heap;
}

/* A limit must leave room for more than an empty state. */
static bool fits(const dsl_heap *heap) {
    const dsl_heap_memory *memory = &heap->memory;
    if (!memory->limit || memory->in_use <= memory->limit)
        return true;
    lua_gc(heap->face.L, LUA_GCCOLLECT);
    return memory->in_use <= memory->limit;
}

dsl_heap *dsl_heap_open(dsl_host *whole, size_t max_bytes) {
    dsl_heap *heap = record_new(whole);
    if (!heap)
        return NULL;
    if (!dsl_heap_memory_init(&heap->memory, whole->alloc, whole->alloc_ud, max_bytes)) {
        record_free(heap);
        return NULL;
    }
    heap->memory.is_aligned = whole->alloc == whole->config->alloc;
    if (!dsl_heap_state_open(whole, heap)) {
        dsl_heap_memory_fini(&heap->memory);
        record_free(heap);
        return NULL;
    }
    whole->heaps->count++;
    if (!fits(heap)) {
        dsl_heap_release(heap);
        return NULL;
    }
    heap->max_bytes = max_bytes;
    heap->memory.on_over = dsl_heap_over;
    heap->memory.on_exhausted = dsl_heap_lose;
    heap->memory.may_refuse = dsl_heap_may_refuse;
    heap->memory.told_ud = heap;
    heap->is_told = true;
    dsl_heap_tell(heap, DYNSUP_EVENT_HEAP_OPENED);
    return heap;
}

/* ---- owners ---- */

static bool is_over(const dsl_heap *heap) {
    return heap->state == DSL_HEAP_LOST ? heap->processes == 0 && heap->is_swept
                                        : heap->owners == 0;
}

/* The heap may be over: then it waits to be closed. */
static void consider(dsl_heap *heap) {
    dsl_heaps *heaps = heap->face.whole->heaps;
    if (heap->state == DSL_HEAP_CLOSED) {
        dsl_heap_forget(heap);
    } else if (is_over(heap) && !heap->is_ending) {
        heap->is_ending = true;
        heap->next = heaps->ending;
        heaps->ending = heap;
    }
}

void dsl_heap_retain(dsl_heap *heap) {
    heap->owners++;
}

void dsl_heap_release(dsl_heap *heap) {
    heap->owners--;
    consider(heap);
}

void dsl_heap_enter(dsl_heap *heap) {
    heap->owners++;
    heap->processes++;
    if (heap->group)
        heap->group->processes[heap->place]++;
}

void dsl_heap_leave(dsl_heap *heap) {
    heap->processes--;
    if (heap->group)
        heap->group->processes[heap->place]--;
    dsl_heap_release(heap);
}

/* ---- closing ---- */

/* Releases what the face itself keeps in the vault: then only objects are left. */
static void face_empty(dsl_host *face) {
    while (face->pool_count > 0)
        dsl_vault_release(&face->vault, face->pool_anchors[--face->pool_count]);
    dsl_vault_release(&face->vault, face->holdings);
    dsl_vault_release(&face->vault, face->last_messages);
    dsl_vault_release(&face->vault, face->cycle);
    face->holdings = face->last_messages = face->cycle = 0;
}

/* Closes a heap, whose finalizers no longer find a host. */
static void heap_close(dsl_heap *heap) {
    dsl_host *face = &heap->face;
    dsl_host *whole = face->whole;
    heap->is_ending = true; /* an owner that lets go of it meanwhile does not end it again */
    dsl_pendings_abandon(face);
    dsl_observe_part(face);
    dsl_http_close(face);
    dsl_cursors_close(face);
    dsl_kept_close(face);
    face_empty(face);
    dsl_bodies_free(face);
    face->runtime->host = NULL;
    face->core = NULL;
    dsl_remains_init(face, &heap->kept);
    lua_close(face->runtime->L);
    dsl_heap_memory_fini(&heap->memory);
    face->runtime = NULL;
    heap->state = DSL_HEAP_CLOSED;
    heap->is_ending = false;
    whole->heaps->count--;
    if (heap->is_told)
        dsl_heap_tell(heap, DYNSUP_EVENT_HEAP_CLOSED);
    dsl_heap_forget(heap);
}

/* Closing a state frees all that is in it in one go, which may take seconds. So garbage is
 * collected before, a bit after each step. True: little is left. */
static bool is_empty(dsl_heap *heap, uint64_t end_ns) {
    lua_State *L = heap->face.L;
    if (heap->memory.in_use < SMALL || end_ns == DYNSUP_NEVER)
        return true;
    if (heap->cycles == 0)
        lua_gc(L, LUA_GCINC, 0, 0, 0);
    while (heap->cycles < CYCLES && dsl_real_now() < end_ns)
        heap->cycles += lua_gc(L, LUA_GCSTEP, 0) != 0;
    return heap->cycles == CYCLES;
}

/* The heap has its turn again after the next step. */
static void put_off(dsl_heap *heap) {
    dsl_host *whole = heap->face.whole;
    heap->is_ending = true;
    heap->next = whole->heaps->ending;
    whole->heaps->ending = heap;
}

void dsl_heap_wake(const dsl_host *face) {
    const dsl_host *whole = face->whole;
    if (whole->uv)
        dynsup_uv_port(whole->uv)->wake(whole->uv);
}

/* The loop needs a turn or two to close luv's handles. A request that cannot be cancelled takes its
 * time, and wakes the host when it calls back. */
static bool luv_left(dsl_heap *heap) {
    if (dsl_heap_luv_left(heap))
        return true;
    if (heap->luv_looks < LUV_LOOKS) {
        heap->luv_looks++;
        dsl_heap_wake(&heap->face);
    }
    return false;
}

/* Closes the heap's memory, too, if that is possible now; else there is more to do after the next
 * step. */
static bool may_close(dsl_heap *heap, uint64_t end_ns) {
    if (!luv_left(heap))
        return false;
    bool is_done = is_empty(heap, end_ns);
    if (!is_done)
        dsl_heap_wake(&heap->face);
    return is_done;
}

/* The heap goes on: from now on its luv calls back for its new users. */
static void keep(dsl_heap *heap) {
    heap->cycles = heap->luv_looks = 0;
    heap->face.runtime->finishing = false;
}

/* A heap that waits may have got a process meanwhile. */
static void end_or_put_off(dsl_heap *heap, uint64_t end_ns) {
    heap->is_ending = false;
    bool is_wanted = !is_over(heap);
    bool closes = !is_wanted && may_close(heap, end_ns);
    if (is_wanted || !is_over(heap)) /* a finalizer may have begun something in it */
        keep(heap);
    else if (closes)
        heap_close(heap);
    else
        put_off(heap);
}

/* The first waiting heap has its turn; the others too, as long as there is time. */
static void end_some(dsl_host *whole) {
    dsl_heap *ending = whole->heaps->ending;
    bool is_virtual = whole->config->virtual_clock;
    uint64_t end_ns = is_virtual ? DYNSUP_NEVER : dsl_real_now() + TEND_NS;
    whole->heaps->ending = NULL;
    while (ending) {
        dsl_heap *heap = ending;
        ending = heap->next;
        end_or_put_off(heap, end_ns);
        if (is_virtual || dsl_real_now() < end_ns)
            continue;
        while ((heap = ending)) {
            ending = heap->next;
            put_off(heap);
            dsl_heap_wake(&heap->face);
        }
    }
}

bool dsl_heaps_tend(dsl_host *whole) {
    dsl_heaps *heaps = whole->heaps;
    bool acts = heaps->has_over || heaps->has_lost || heaps->ending;
    if (heaps->has_over)
        dsl_heaps_weigh(whole);
    if (heaps->has_lost)
        dsl_heaps_sweep(whole);
    if (heaps->ending)
        end_some(whole);
    return acts;
}

static void each_open(dsl_host *whole, void (*fn)(dsl_host *face)) {
    const dsl_heaps *heaps = whole->heaps;
    for (uint32_t i = 1; heaps && i < heaps->capacity; i++)
        if (heaps->table[i] && heaps->table[i]->state != DSL_HEAP_CLOSED)
            fn(&heaps->table[i]->face);
}

static void orphan(dsl_host *face) {
    face->core = NULL;
    dsl_cursors_close(face);
}

void dsl_heaps_orphan(dsl_host *whole) {
    each_open(whole, dsl_cursors_close);
    each_open(whole, orphan);
}

static void leave_loop(dsl_host *face) {
    dsl_http_close(face);
    dsl_heap_luv_left(face->heap);
}

void dsl_heaps_leave_loop(dsl_host *whole) {
    each_open(whole, leave_loop);
}

/* What threads do for luv's requests is waited for. */
static void await_loop(dsl_host *face) {
    if (!dsl_heap_luv_left(face->heap))
        dynsup_uv_loop_finish(face->runtime->loop);
}

void dsl_heaps_fini(dsl_host *whole) {
    dsl_heaps *heaps = whole->heaps;
    if (!heaps)
        return;
    each_open(whole, await_loop);
    for (uint32_t i = 1; i < heaps->capacity; i++)
        if (heaps->table[i] && heaps->table[i]->state != DSL_HEAP_CLOSED)
            heap_close(heaps->table[i]);
    for (uint32_t i = 1; i < heaps->capacity; i++)
        if (heaps->table[i]) {
            dsl_remains_fini(&heaps->table[i]->kept);
            record_free(heaps->table[i]);
        }
    whole->alloc(whole->alloc_ud, heaps->table, heaps->capacity * sizeof(dsl_heap *), 0);
    whole->alloc(whole->alloc_ud, heaps, sizeof *heaps, 0);
    whole->heaps = NULL;
}

/* ---- whose process it is ---- */

dsl_host *dsl_face_in(const dynsup_process_info *info) {
    if (info->ops == &dsl_body_ops)
        return ((dsl_body *)info->body)->host;
    if (info->ops == &dsl_server_ops)
        return ((dsl_server *)info->body)->host;
    if (info->ops == &dsl_begin_ops)
        return ((dsl_program *)info->body)->host;
    return info->ops == &dsl_worker_body_ops ? dynsup_lua_worker_host(info->body) : NULL;
}

dsl_host *dsl_face_of(const dsl_host *host, dynsup_pid pid) {
    dynsup_process_info info;
    return dynsup_process_glance(host->core, pid, &info) ? dsl_face_in(&info) : NULL;
}
