/*
 * Slots: a growing set of equal-sized items, each reached by a 64-bit id that goes stale when the
 * item is freed.
 *
 * Design notes.
 * An id holds, from the top: kind (2 bits), node (8), what a ref refers to (2), shard (4),
 * generation (20), slot (28). The kind is never 0, so no id is 0, and no id looks like a pointer
 * into user space. The slot is in the low bits because Lua hashes pointers by their low 32 bits. So
 * no id names two things of a host: an id of the wrong kind finds nothing.
 * Items live in pages of 1,024 that never move, so a pointer to a live item stays valid until it is
 * freed. With that number, a page of items that are a multiple of 16 bytes is a whole number of the
 * arena's units. Slots are begun one by one, so that no more of a page is touched than has been
 * needed. Freeing raises the generation of the slot; a slot whose generations are used up is
 * retired (never handed out again). The slot freed last is reused first, while it is in the cache.
 * Every operation is O(1); only new may allocate (a page, and the directory of pages).
 */
#ifndef DSI_SLOTS_H
#define DSI_SLOTS_H

#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t dynsup_id;

/* Low 2 bits: the kind; above: what a ref refers to. */
enum dsi_id_kind {
    DSI_ID_PROCESS = 1,
    DSI_ID_REF = 2, /* of a monitor or a call */
    DSI_ID_TIMER = 3,
    DSI_ID_CHILD_REF = DSI_ID_REF + 4,
    DSI_ID_CLOCK_REF = DSI_ID_REF + 8
};

#define DSI_ID_SLOT_BITS       28
#define DSI_ID_GENERATION_BITS 20
#define DSI_ID_MAX_GENERATION  ((1u << DSI_ID_GENERATION_BITS) - 1)

/* The id of this kind with nothing else in it. */
static inline dynsup_id dsi_id_of_kind(enum dsi_id_kind kind) {
    return (dynsup_id)(kind & 3) << 62 | (dynsup_id)(kind >> 2) << 52;
}

/* The kind alone: DSI_ID_REF for every ref, whatever it refers to. */
static inline enum dsi_id_kind dsi_id_kind_of(dynsup_id id) {
    return (enum dsi_id_kind)(id >> 62);
}

static inline uint32_t dsi_id_node(dynsup_id id) {
    return (uint32_t)(id >> 54) & 0xff;
}

static inline uint32_t dsi_id_slot(dynsup_id id) {
    return (uint32_t)id & ((1u << DSI_ID_SLOT_BITS) - 1);
}

static inline uint32_t dsi_id_generation(dynsup_id id) {
    return (uint32_t)(id >> DSI_ID_SLOT_BITS) & DSI_ID_MAX_GENERATION;
}

/* Every item begins with this; only slots.c writes it, except the tag. */
typedef struct dsi_slot {
    dynsup_id id;       /* the id of the live item; of a free slot: the id it will have next */
    uint32_t next_free; /* DSI_SLOT_LIVE while live; 0: the last free slot, or a retired one */
    uint32_t tag;       /* for the item's own use; fills padding; 0 in a new one */
} dsi_slot;

#define DSI_SLOT_LIVE      UINT32_MAX
#define DSI_SLOT_PAGE_BITS 10
#define DSI_SLOT_PAGE_SIZE (1u << DSI_SLOT_PAGE_BITS)

typedef struct dsi_slots {
    dsi_memory *memory;
    char **pages;
    uint32_t page_count;
    uint32_t page_capacity;
    uint32_t item_size;
    uint32_t free_head; /* slot number, or 0 when there is none */
    uint32_t begun;     /* slots below this number have been used, others were not even touched */
    uint32_t live_count;
    enum dsi_id_kind kind;
} dsi_slots;

/* Allocates nothing. item_size counts the dsi_slot at its beginning and is a multiple of its
 * alignment. The first slot is number 1. */
void dsi_slots_init(dsi_slots *slots, dsi_memory *memory, enum dsi_id_kind kind, size_t item_size);

/* Returns all pages; live items are forgotten without further ado. */
void dsi_slots_fini(dsi_slots *slots);

/* A zeroed item (except its slot header), or NULL when there is no memory or no slot left. */
void *dsi_slots_new(dsi_slots *slots);

/* Ends the item; its id is stale from now on. */
void dsi_slots_free(dsi_slots *slots, void *item);

/* The slot with this number, live or not, which must have been begun. */
static inline dsi_slot *dsi_slots_at(const dsi_slots *slots, uint32_t number) {
    char *page = slots->pages[number >> DSI_SLOT_PAGE_BITS];
    return (dsi_slot *)(void *)(page + (size_t)(number % DSI_SLOT_PAGE_SIZE) * slots->item_size);
}

/* The item with this id, or NULL for a stale, foreign or unknown one. */
static inline void *dsi_slots_find(const dsi_slots *slots, dynsup_id id) {
    uint32_t number = dsi_id_slot(id);
    if (number >= slots->begun)
        return NULL;
    dsi_slot *slot = dsi_slots_at(slots, number);
    return slot->id == id && slot->next_free == DSI_SLOT_LIVE ? slot : NULL;
}

/* The live item with the lowest slot number >= *cursor; *cursor is set behind it; NULL at the
 * end. Starts with *cursor 0; items may be freed and made between two calls. */
void *dsi_slots_next(const dsi_slots *slots, uint32_t *cursor);

/* The same, but looks at no more than *left slots, counting *left down; NULL also when that is used
 * up. */
void *dsi_slots_next_within(const dsi_slots *slots, uint32_t *cursor, uint32_t *left);

#endif
