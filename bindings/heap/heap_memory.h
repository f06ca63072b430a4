/*
 * The memory of a further heap: an allocator with a limit, and with memory from an arena or from
 * the host's own allocator.
 *
 * Design notes.
 * What counts against the limit is what is left after a collection, which the allocator cannot
 * begin. So a request that goes beyond the limit is granted up to a margin, and the heap is
 * notified: as soon as possible it makes a collection, and checks again. (Lua itself collects when
 * a request is refused, and asks once more; but its string buffers do not: they fail.) What goes
 * beyond the margin is refused. Then the heap is exhausted when the same request is refused twice
 * with nothing granted in between; a single refusal means nothing, since Lua does without what it
 * only would have liked. Where a refusal cannot be reported, what goes beyond the margin is granted
 * as well: luv makes the arguments of a callback outside of any protected call, where an error
 * would end the program.
 */
#ifndef DSL_HEAP_MEMORY_H
#define DSL_HEAP_MEMORY_H

#include "bindings/memory/arena.h"
#include "core/dynsup_base.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dsl_heap_memory {
    dynsup_alloc_fn alloc;
    void *ud;
    dsl_arena *arena;    /* ud, if it is the heap's own */
    bool is_aligned;     /* alloc is the host's config's, which aligns to 16 bytes */
    size_t in_use;       /* bytes */
    size_t limit;        /* bytes; 0: none */
    size_t margin;       /* bytes beyond it */
    bool is_over;        /* it has gone beyond the limit, and was not checked since */
    const void *refused; /* the last refused request, of size bytes; size 0: none */
    size_t refused_size;
    /* The heap goes beyond the limit (is_over is set now), or is exhausted. Called in the middle of
     * a request: may do nothing but note it. */
    void (*on_over)(void *ud);
    void (*on_exhausted)(void *ud);
    bool (*may_refuse)(void *ud); /* NULL: always */
    void *told_ud;
} dsl_heap_memory;

/* With the arena's alloc, the memory comes from an arena of the heap's own. False without memory.
 */
bool dsl_heap_memory_init(dsl_heap_memory *memory, dynsup_alloc_fn alloc, void *ud, size_t limit);

/* After the state has been closed. */
void dsl_heap_memory_fini(dsl_heap_memory *memory);

/* Gives a lost heap a bit more, so that what ran in it can end in order. */
void dsl_heap_memory_relent(dsl_heap_memory *memory);

/* The state's lua_Alloc; ud is the dsl_heap_memory. */
void *dsl_heap_memory_alloc(void *ud, void *block, size_t old_size, size_t size);

#endif
