/* Memory: counts all that is allocated and freed; callers give the sizes. */
#include "memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    (void)ud;
    (void)osize;
    if (nsize > 0)
        return realloc(ptr, nsize);
    free(ptr);
    return NULL;
}

void dsi_memory_init(dsi_memory *memory, dynsup_alloc_fn alloc, void *ud) {
    *memory = (dsi_memory){.alloc = alloc ? alloc : libc_alloc, .ud = ud};
}

void *dsi_memory_new(dsi_memory *memory, size_t size) {
    void *ptr = dsi_memory_resize(memory, NULL, 0, size);
    return ptr ? memset(ptr, 0, size) : NULL;
}

void *dsi_memory_resize(dsi_memory *memory, void *ptr, size_t old_size, size_t new_size) {
    assert(new_size > 0 && "a block of no bytes is freed, not resized");
    assert((ptr != NULL || old_size == 0) && "what is not there has no size");
    void *moved = memory->alloc(memory->ud, ptr, old_size, new_size);
    if (moved)
        memory->in_use = memory->in_use - old_size + new_size;
    return moved;
}

void dsi_memory_free(dsi_memory *memory, void *ptr, size_t size) {
    if (ptr == NULL)
        return;
    assert(memory->in_use >= size && "more is returned than was handed out");
    memory->alloc(memory->ud, ptr, size, 0);
    memory->in_use -= size;
}
