/* An allocator of a lua_State, for what C keeps there beyond a run. */
#ifndef DSL_SOURCE_H
#define DSL_SOURCE_H

#include "bindings/host.h"

/* Memory that may outlive the run it was obtained in: the state's. */
typedef struct dsl_source {
    lua_Alloc alloc;
    void *ud;
} dsl_source;

static inline dsl_source dsl_source_of(const dsl_host *host) {
    return (dsl_source){host->alloc, host->alloc_ud};
}

/* Zeroed; NULL without memory. */
void *dsl_source_new(const dsl_source *memory, size_t size);
void *dsl_source_resize(const dsl_source *memory, void *block, size_t old_size, size_t size);
void dsl_source_free(const dsl_source *memory, void *block, size_t size);

/* An allocator on the C library's, for Lua and the core. */
void *dsl_malloc_alloc(void *ud, void *block, size_t old_size, size_t size);

#endif
