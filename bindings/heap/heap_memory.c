/* The memory of a further heap: an allocator with a limit. */
#include "bindings/heap/heap_memory.h"

#define MARGIN_MIN 262144u /* bytes */

/* AddressSanitizer sees each block only when it is malloc's. */
static bool arena_open(dsl_heap_memory *memory) {
#ifndef __SANITIZE_ADDRESS__
    memory->arena = dsl_arena_new();
    memory->alloc = dsl_arena_alloc;
    memory->ud = memory->arena;
#endif
    return memory->arena != NULL;
}

static size_t margin_of(size_t bytes) {
    return bytes / 4 > MARGIN_MIN ? bytes / 4 : MARGIN_MIN;
}

bool dsl_heap_memory_init(dsl_heap_memory *memory, dynsup_alloc_fn alloc, void *ud, size_t limit) {
    *memory =
        (dsl_heap_memory){.alloc = alloc, .ud = ud, .limit = limit, .margin = margin_of(limit)};
    return alloc != dsl_arena_alloc || arena_open(memory);
}

void dsl_heap_memory_fini(dsl_heap_memory *memory) {
    if (memory->arena)
        dsl_arena_free(memory->arena);
    memory->arena = NULL;
}

void dsl_heap_memory_relent(dsl_heap_memory *memory) {
    memory->limit = memory->in_use + margin_of(memory->limit);
    memory->on_over = memory->on_exhausted = NULL;
}

/* Notes a refusal; the second of the same in a row is the end. */
static void refuse(dsl_heap_memory *memory, const void *block, size_t size) {
    bool again = memory->refused == block && memory->refused_size == size;
    memory->refused = block;
    memory->refused_size = size;
    if (again && memory->on_exhausted)
        memory->on_exhausted(memory->told_ud);
}

/* False: what the state then has in use is too much. */
static bool admits(dsl_heap_memory *memory, size_t in_use) {
    if (!memory->limit || in_use <= memory->limit)
        return true;
    if (!memory->is_over && memory->on_over) {
        memory->is_over = true;
        memory->on_over(memory->told_ud);
    }
    return in_use <= memory->limit + memory->margin ||
           (memory->may_refuse && !memory->may_refuse(memory->told_ud));
}

void *dsl_heap_memory_alloc(void *ud, void *block, size_t old_size, size_t size) {
    dsl_heap_memory *memory = ud;
    size_t old = block ? old_size : 0; /* otherwise it is a type */
    if (size > old && !admits(memory, memory->in_use - old + size)) {
        refuse(memory, block, size);
        return NULL;
    }
    void *result = memory->alloc(memory->ud, block, old, size);
    if (!result && size > 0)
        return NULL;
    memory->in_use += size - old;
    if (size > old)
        memory->refused_size = 0;
    return result;
}
