/* The arena: slabs of equal blocks in chunks of the system's memory. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "bindings/memory/arena.h"
#include "core/tiny.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_BYTES  ((size_t)2 << 20)
#define UNIT_BYTES   ((size_t)16 << 10)
#define UNIT_COUNT   (CHUNK_BYTES / UNIT_BYTES)
#define GRAIN        16u
#define BLOCK_MAX    1024u
#define CLASS_COUNT  (BLOCK_MAX / GRAIN)
#define CACHE_LINE   64u
#define FETCH_MIN    257u /* blocks of this size, such as the stacks of reset coroutines, are */
#define FETCH_MAX    448u /* fetched before they are asked for */
#define SLAB_UNITS   4u   /* at most, where fewer would leave much unused at the end */
#define RUN_UNITS    16u  /* the longest single block */
#define CHUNKS_TRIED DSI_TINY(8, 1)  /* when a run is looked for: then a new chunk is made */
#define KEPT_CHUNKS  DSI_TINY(64, 1) /* empty ones, 128 MiB: for the next burst */

/* A run of units; at its first unit's place in the chunk's list. */
typedef struct slab {
    void *free;               /* blocks that came back, each holding the address of the next */
    char *fresh, *end;        /* memory that was never handed out */
    struct slab *next, *prev; /* in the arena's list of its class, while there is room in it */
    uint16_t used;            /* blocks handed out */
    uint8_t class;
    uint8_t units;
    uint8_t offset; /* in a unit that is not the first: how many units behind it */
} slab;

/* At the beginning of its own memory, in the first unit. */
typedef struct chunk {
    struct chunk *next, *prev; /* in the arena's list of chunks with free units, or without */
    uint32_t free_count;       /* units, without the first */
    bool taken[UNIT_COUNT];
    slab slabs[UNIT_COUNT];
} chunk;

#define HEADER_BYTES ((sizeof(chunk) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)
#define UNITS_FREE   (UNIT_COUNT - 1) /* of an empty chunk: not that of its header */

_Static_assert(HEADER_BYTES < UNIT_BYTES, "the rest of the first unit is a slab");

struct dsl_arena {
    slab *open[CLASS_COUNT]; /* slabs with room; the first is taken from */
    chunk *roomy, *full;
    uint32_t chunk_count, empty_count;
};

/* ---- chunks ---- */

/* The lists are circles: the last one is before the first one. */
static void chunk_link(chunk **list, chunk *c) {
    chunk *first = *list ? *list : c;
    c->next = first;
    c->prev = *list ? first->prev : c;
    c->prev->next = c;
    first->prev = c;
    *list = c;
}

static void chunk_unlink(chunk **list, chunk *c) {
    c->prev->next = c->next;
    c->next->prev = c->prev;
    if (*list == c)
        *list = c->next == c ? NULL : c->next;
}

/* The address is a multiple of the size: a block's chunk is found by its address. */
static chunk *chunk_map(void) {
    size_t size = 2 * CHUNK_BYTES;
    char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)start & (CHUNK_BYTES - 1);
    if (before > 0)
        munmap(start, before);
    munmap(start + before + CHUNK_BYTES, CHUNK_BYTES - before);
    return (chunk *)(void *)(start + before);
}

static bool chunk_is_empty(const chunk *c) {
    return c->free_count == UNITS_FREE && c->slabs[0].units == 0;
}

static chunk *chunk_add(dsl_arena *arena) {
    chunk *c = chunk_map();
    if (!c)
        return NULL;
    if (arena->chunk_count > 0)
        madvise(c, CHUNK_BYTES, MADV_HUGEPAGE); /* a wish: without it nothing but time is lost */
    c->free_count = UNITS_FREE;
    arena->chunk_count++;
    arena->empty_count++;
    chunk_link(&arena->roomy, c);
    return c;
}

static void chunk_drop(dsl_arena *arena, chunk *c) {
    chunk_unlink(&arena->roomy, c);
    arena->chunk_count--;
    arena->empty_count--;
    munmap(c, CHUNK_BYTES);
}

static chunk *chunk_of(void *block) {
    return (chunk *)(void *)((char *)block - ((uintptr_t)block & (CHUNK_BYTES - 1)));
}

/* ---- runs of units ---- */

/* The first of so many free units in a row, or 0. */
static size_t run_find(const chunk *c, size_t units) {
    size_t found = 0;
    for (size_t i = 1; i < UNIT_COUNT; i++) {
        found = c->taken[i] ? 0 : found + 1;
        if (found == units)
            return i + 1 - units;
    }
    return 0;
}

/* Adds so many free units to the end of the run that begins at `first`. */
static void run_join(dsl_arena *arena, chunk *c, size_t first, size_t units) {
    slab *s = &c->slabs[first];
    if (chunk_is_empty(c))
        arena->empty_count--;
    c->free_count -= (uint32_t)(units - s->units);
    if (c->free_count == 0) {
        chunk_unlink(&arena->roomy, c);
        chunk_link(&arena->full, c);
    }
    for (size_t i = s->units; i < units; i++) {
        c->taken[first + i] = true;
        c->slabs[first + i].offset = (uint8_t)i;
    }
    s->units = (uint8_t)units;
}

static slab *run_take(dsl_arena *arena, chunk *c, size_t first, size_t units) {
    slab *s = &c->slabs[first];
    *s = (slab){.fresh = (char *)c + first * UNIT_BYTES};
    run_join(arena, c, first, units);
    return s;
}

/* Grows where it is, if the units behind it are free. */
static bool run_grow(dsl_arena *arena, slab *s, size_t units) {
    chunk *c = chunk_of(s);
    size_t first = (size_t)(s - c->slabs);
    if (first + units > UNIT_COUNT)
        return false;
    for (size_t i = s->units; i < units; i++)
        if (c->taken[first + i])
            return false;
    run_join(arena, c, first, units);
    return true;
}

/* Such a run of the chunk, or NULL. */
static slab *run_try(dsl_arena *arena, chunk *c, size_t units) {
    size_t first = c->free_count < units ? 0 : run_find(c, units);
    return first > 0 ? run_take(arena, c, first, units) : NULL;
}

/* A chunk without such a run becomes the last one to be tried again: otherwise a few that are
 * nearly full would hide all those behind them. Slabs fill that last one up: otherwise what long
 * runs leave of each chunk would stay unused. */
static slab *run_new(dsl_arena *arena, size_t units) {
    slab *s =
        arena->roomy && units <= SLAB_UNITS ? run_try(arena, arena->roomy->prev, units) : NULL;
    for (int i = 0; !s && arena->roomy && i < CHUNKS_TRIED; i++) {
        s = run_try(arena, arena->roomy, units);
        if (!s)
            arena->roomy = arena->roomy->next;
    }
    if (s)
        return s;
    chunk *c = chunk_add(arena);
    return c ? run_take(arena, c, 1, units) : NULL;
}

/* The rest of the first unit behind the header, in the chunk that slabs fill up; or NULL. */
static slab *rest_take(dsl_arena *arena) {
    chunk *c = arena->roomy ? arena->roomy->prev : NULL;
    if (!c || c->slabs[0].units > 0)
        return NULL;
    if (chunk_is_empty(c))
        arena->empty_count--;
    c->slabs[0] = (slab){.fresh = (char *)c + HEADER_BYTES, .units = 1};
    return c->slabs;
}

static void units_free(dsl_arena *arena, chunk *c, size_t first) {
    uint8_t units = c->slabs[first].units;
    if (c->free_count == 0) {
        chunk_unlink(&arena->full, c);
        chunk_link(&arena->roomy, c);
    }
    memset(&c->taken[first], false, units);
    c->free_count += units;
}

static void run_free(dsl_arena *arena, slab *s) {
    chunk *c = chunk_of(s);
    size_t first = (size_t)(s - c->slabs);
    if (first > 0)
        units_free(arena, c, first);
    else
        s->units = 0;
    if (!chunk_is_empty(c))
        return;
    if (++arena->empty_count > KEPT_CHUNKS)
        chunk_drop(arena, c);
}

static slab *slab_of(void *block) {
    chunk *c = chunk_of(block);
    slab *s = &c->slabs[(size_t)((char *)block - (char *)c) / UNIT_BYTES];
    return s - s->offset;
}

/* ---- blocks of a class ---- */

static size_t class_size(size_t class) {
    return (class + 1) * GRAIN;
}

static size_t class_of(size_t size) {
    return (size - 1) / GRAIN;
}

/* The fewest units that leave no more than a 512th of them unused. */
static size_t class_units(size_t class) {
    size_t units = 1;
    while (units < SLAB_UNITS && units * UNIT_BYTES % class_size(class) > units * UNIT_BYTES / 512)
        units++;
    return units;
}

static void slab_open(dsl_arena *arena, slab *s) {
    slab **list = &arena->open[s->class];
    s->prev = NULL;
    s->next = *list;
    if (s->next)
        s->next->prev = s;
    *list = s;
}

static void slab_close(dsl_arena *arena, const slab *s) {
    if (s->prev)
        s->prev->next = s->next;
    else
        arena->open[s->class] = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

static slab *slab_new(dsl_arena *arena, size_t class) {
    size_t units = class_units(class);
    slab *s = units == 1 ? rest_take(arena) : NULL;
    size_t bytes = units * UNIT_BYTES - (s ? HEADER_BYTES : 0);
    if (!s && !(s = run_new(arena, units)))
        return NULL;
    s->class = (uint8_t) class;
    s->end = s->fresh + bytes / class_size(class) * class_size(class);
    slab_open(arena, s);
    return s;
}

static bool slab_has_room(const slab *s) {
    return s->free || s->fresh < s->end;
}

/* When many coroutines are reset, each gets a stack that is in no cache. */
static void fetch_next(const slab *s) {
    const char *next = s->free ? s->free : s->fresh;
    for (size_t i = 0; i < FETCH_MAX; i += CACHE_LINE)
        __builtin_prefetch(next + i, 1);
}

static void *block_new(dsl_arena *arena, size_t class) {
    slab *s = arena->open[class];
    if (!s && !(s = slab_new(arena, class)))
        return NULL;
    void *block = s->free;
    if (block) {
        memcpy(&s->free, block, sizeof s->free);
    } else {
        block = s->fresh;
        s->fresh += class_size(class);
    }
    s->used++;
    if (!slab_has_room(s))
        slab_close(arena, s);
    else if (class >= class_of(FETCH_MIN) && class <= class_of(FETCH_MAX))
        fetch_next(s);
    return block;
}

/* An empty slab gives its units back, unless it is the only one with room. */
static void block_free(dsl_arena *arena, void *block) {
    slab *s = slab_of(block);
    if (!slab_has_room(s))
        slab_open(arena, s);
    memcpy(block, &s->free, sizeof s->free);
    s->free = block;
    if (--s->used > 0 || (!s->next && !s->prev))
        return;
    slab_close(arena, s);
    run_free(arena, s);
}

/* ---- blocks of any size ---- */

static bool is_small(size_t size) {
    return size <= BLOCK_MAX;
}

static bool is_run(size_t size) {
    return size % UNIT_BYTES == 0 && size <= RUN_UNITS * UNIT_BYTES;
}

static void *any_new(dsl_arena *arena, size_t size) {
    if (is_small(size))
        return block_new(arena, class_of(size));
    if (!is_run(size))
        return malloc(size);
    slab *s = run_new(arena, size / UNIT_BYTES);
    return s ? s->fresh : NULL;
}

static void any_free(dsl_arena *arena, void *ptr, size_t size) {
    if (is_small(size))
        block_free(arena, ptr);
    else if (is_run(size))
        run_free(arena, slab_of(ptr));
    else
        free(ptr);
}

static void *any_resize(dsl_arena *arena, void *ptr, size_t osize, size_t nsize) {
    if (is_small(osize) && is_small(nsize) && slab_of(ptr)->class == class_of(nsize))
        return ptr;
    if (!is_small(osize) && !is_small(nsize) && !is_run(osize) && !is_run(nsize))
        return realloc(ptr, nsize);
    bool grows = nsize > osize && !is_small(osize) && is_run(osize) && is_run(nsize);
    if (grows && run_grow(arena, slab_of(ptr), nsize / UNIT_BYTES))
        return ptr;
    void *moved = any_new(arena, nsize);
    if (!moved)
        return is_small(osize) && nsize <= osize ? ptr : NULL;
    memcpy(moved, ptr, osize < nsize ? osize : nsize);
    any_free(arena, ptr, osize);
    return moved;
}

void *dsl_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    dsl_arena *arena = ud;
    if (!ptr)
        return nsize > 0 ? any_new(arena, nsize) : NULL;
    if (nsize > 0)
        return any_resize(arena, ptr, osize, nsize);
    any_free(arena, ptr, osize);
    return NULL;
}

/* ---- life ---- */

dsl_arena *dsl_arena_new(void) {
    return calloc(1, sizeof(dsl_arena));
}

static void chunks_unmap(chunk *list) {
    while (list) {
        chunk *c = list;
        chunk_unlink(&list, c);
        munmap(c, CHUNK_BYTES);
    }
}

void dsl_arena_free(dsl_arena *arena) {
    chunks_unmap(arena->roomy);
    chunks_unmap(arena->full);
    free(arena);
}
