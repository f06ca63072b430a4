/* Memory: everything that the core allocates and frees goes through these functions. */
#ifndef DSI_MEMORY_H
#define DSI_MEMORY_H

#include "dynsup_base.h"

#include <stddef.h>

typedef struct dsi_memory {
    dynsup_alloc_fn alloc;
    void *ud;
    size_t in_use; /* bytes handed out and not yet returned */
} dsi_memory;

/* Initialises *memory; alloc NULL means realloc and free of the C library. */
void dsi_memory_init(dsi_memory *memory, dynsup_alloc_fn alloc, void *ud);

/* A zeroed block of size bytes (size > 0), or NULL. The caller owns it. */
void *dsi_memory_new(dsi_memory *memory, size_t size);

/* Resizes ptr (NULL: a new block); what is beyond old_size is not initialised. NULL: ptr is as it
 * was. */
void *dsi_memory_resize(dsi_memory *memory, void *ptr, size_t old_size, size_t new_size);

/* Returns a block with the size it was obtained with. ptr may be NULL. */
void dsi_memory_free(dsi_memory *memory, void *ptr, size_t size);

#endif
