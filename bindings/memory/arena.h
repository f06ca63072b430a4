/*
 * An allocator for a Lua state and the hosts in it: blocks without headers.
 *
 * Design notes.
 * Memory comes from the system in chunks of 2 MiB, each of 128 units. A run of units is a slab of
 * equal blocks (up to 1 KiB, in steps of 16 bytes) or one block of a whole number of units; all
 * others are malloc's. A block's slab is found by its address and its size is passed by the caller,
 * so a block costs no more than its size. A slab has as many units, up to four, as leave no more
 * than a 512th of them unused; what a chunk's own record leaves of its first unit is a slab, too.
 * Memory of a slab is not touched before it is handed out. A long block grows in place while the
 * units behind it are free. An empty slab gives its units back, an empty chunk its memory, except
 * for 64 chunks. All chunks except the first ask for huge pages, from which long-lived states gain.
 */
#ifndef DSL_ARENA_H
#define DSL_ARENA_H

#include <stddef.h>

typedef struct dsl_arena dsl_arena;

/* NULL without memory. */
dsl_arena *dsl_arena_new(void);

/* Frees everything that was allocated from chunks. */
void dsl_arena_free(dsl_arena *arena);

/* An allocator with the contract of lua_Alloc, and of dynsup_alloc_fn; ud is the arena. */
void *dsl_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize);

#endif
