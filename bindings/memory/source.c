/* An allocator of a lua_State. */
#include "bindings/memory/source.h"

#include <stdlib.h>
#include <string.h>

void *dsl_source_new(const dsl_source *memory, size_t size) {
    void *block = memory->alloc(memory->ud, NULL, 0, size);
    return block ? memset(block, 0, size) : NULL;
}

void *dsl_source_resize(const dsl_source *memory, void *block, size_t old_size, size_t size) {
    return memory->alloc(memory->ud, block, old_size, size);
}

void dsl_source_free(const dsl_source *memory, void *block, size_t size) {
    if (block)
        memory->alloc(memory->ud, block, size, 0);
}

void *dsl_malloc_alloc(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud, (void)old_size;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}
