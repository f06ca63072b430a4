/* Slots: pages of equal-sized items, a list of the free ones threaded through their headers. */
#include "slots.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#define PAGE_LIMIT (1u << (DSI_ID_SLOT_BITS - DSI_SLOT_PAGE_BITS))

static size_t page_bytes(const dsi_slots *slots) {
    return (size_t)DSI_SLOT_PAGE_SIZE * slots->item_size;
}

static bool directory_reserve(dsi_slots *slots) {
    if (slots->page_count < slots->page_capacity)
        return true;
    uint32_t capacity = slots->page_capacity ? slots->page_capacity * 2 : 4;
    char **pages =
        dsi_memory_resize(slots->memory, slots->pages, slots->page_capacity * sizeof *pages,
                          capacity * sizeof *pages);
    if (pages == NULL)
        return false;
    slots->pages = pages;
    slots->page_capacity = capacity;
    return true;
}

static bool page_add(dsi_slots *slots) {
    if (slots->page_count == PAGE_LIMIT || !directory_reserve(slots))
        return false;
    char *page = dsi_memory_resize(slots->memory, NULL, 0, page_bytes(slots));
    if (page == NULL)
        return false;
    slots->pages[slots->page_count++] = page;
    return true;
}

/* The next slot that was never used, on a page that exists. */
static dsi_slot *slot_begin(dsi_slots *slots) {
    dsi_slot *slot = dsi_slots_at(slots, slots->begun);
    slot->id = dsi_id_of_kind(slots->kind) | slots->begun++;
    slot->next_free = 0;
    return slot;
}

/* Slot 0 ends the free list: it looks retired from the start. */
static dsi_slot *slot_make(dsi_slots *slots) {
    if (slots->begun == slots->page_count * DSI_SLOT_PAGE_SIZE && !page_add(slots))
        return NULL;
    if (slots->begun == 0)
        slot_begin(slots);
    return slot_begin(slots);
}

static dsi_slot *slot_take(dsi_slots *slots) {
    if (slots->free_head == 0)
        return slot_make(slots);
    dsi_slot *slot = dsi_slots_at(slots, slots->free_head);
    slots->free_head = slot->next_free;
    return slot;
}

void dsi_slots_init(dsi_slots *slots, dsi_memory *memory, enum dsi_id_kind kind, size_t item_size) {
    assert(item_size >= sizeof(dsi_slot) && item_size <= UINT32_MAX);
    assert(item_size % alignof(dsi_slot) == 0);
    *slots = (dsi_slots){.memory = memory, .kind = kind, .item_size = (uint32_t)item_size};
}

void dsi_slots_fini(dsi_slots *slots) {
    for (uint32_t i = 0; i < slots->page_count; i++)
        dsi_memory_free(slots->memory, slots->pages[i], page_bytes(slots));
    dsi_memory_free(slots->memory, slots->pages, slots->page_capacity * sizeof *slots->pages);
    dsi_slots_init(slots, slots->memory, slots->kind, slots->item_size);
}

void *dsi_slots_new(dsi_slots *slots) {
    dsi_slot *slot = slot_take(slots);
    if (!slot)
        return NULL;
    slots->live_count++;
    slot->next_free = DSI_SLOT_LIVE;
    slot->tag = 0;
    memset(slot + 1, 0, slots->item_size - sizeof *slot);
    return slot;
}

void dsi_slots_free(dsi_slots *slots, void *item) {
    dsi_slot *slot = item;
    assert(slot->next_free == DSI_SLOT_LIVE && "the item is live");
    slots->live_count--;
    if (dsi_id_generation(slot->id) == DSI_ID_MAX_GENERATION) {
        slot->next_free = 0;
        return;
    }
    slot->next_free = slots->free_head;
    slots->free_head = dsi_id_slot(slot->id);
    slot->id += (dynsup_id)1 << DSI_ID_SLOT_BITS;
}

void *dsi_slots_next_within(const dsi_slots *slots, uint32_t *cursor, uint32_t *left) {
    while (*cursor < slots->begun) {
        if ((*left)-- == 0) {
            *left = 0;
            return NULL;
        }
        dsi_slot *slot = dsi_slots_at(slots, (*cursor)++);
        if (slot->next_free == DSI_SLOT_LIVE)
            return slot;
    }
    return NULL;
}

void *dsi_slots_next(const dsi_slots *slots, uint32_t *cursor) {
    uint32_t left = UINT32_MAX;
    return dsi_slots_next_within(slots, cursor, &left);
}
