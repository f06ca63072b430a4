/* The memo of packing: which tables, long strings and typed values were met, by their addresses. */
#include "bindings/codec/codec_pack.h"

#include <string.h>

static uint32_t slot_of(const dsl_memo *memo, const void *pointer) {
    uint64_t mixed = (uint64_t)(uintptr_t)pointer * 0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> 32) & (memo->slot_count - 1);
}

uint32_t dsl_memo_find(const dsl_memo *memo, const void *pointer) {
    if (memo->count == 0)
        return DSL_MEMO_NONE;
    for (uint32_t at = slot_of(memo, pointer);; at = (at + 1) & (memo->slot_count - 1)) {
        uint32_t found = memo->slots[at];
        if (found == 0)
            return DSL_MEMO_NONE;
        if (memo->seen[found - 1].pointer == pointer)
            return found - 1;
    }
}

static void slot_put(dsl_memo *memo, uint32_t number) {
    uint32_t at = slot_of(memo, memo->seen[number].pointer);
    while (memo->slots[at] != 0)
        at = (at + 1) & (memo->slot_count - 1);
    memo->slots[at] = number + 1;
}

static void slots_fill(dsl_memo *memo) {
    memset(memo->slots, 0, memo->slot_count * sizeof *memo->slots);
    for (uint32_t number = 0; number < memo->count; number++)
        if (memo->seen[number].pointer)
            slot_put(memo, number);
}

static void memo_begin(dsl_memo *memo) {
    memo->seen = memo->first_seen;
    memo->slots = memo->first_slots;
    memo->slot_count = sizeof memo->first_slots / sizeof *memo->first_slots;
    slots_fill(memo);
}

static void memo_free(dsl_packer *p, dsl_seen *seen, uint32_t *slots, uint32_t slot_count) {
    if (seen && seen != p->memo.first_seen)
        p->alloc(p->alloc_ud, seen, slot_count / 2 * sizeof *seen, 0);
    if (slots && slots != p->memo.first_slots)
        p->alloc(p->alloc_ud, slots, slot_count * sizeof *slots, 0);
}

/* Twice as many slots, and room for half as many numbers. */
static bool memo_grow(dsl_packer *p) {
    dsl_memo *memo = &p->memo;
    if (memo->slot_count > UINT32_MAX / 2)
        return false;
    uint32_t slot_count = memo->slot_count * 2;
    dsl_seen *seen = p->alloc(p->alloc_ud, NULL, 0, slot_count / 2 * sizeof *seen);
    uint32_t *slots = p->alloc(p->alloc_ud, NULL, 0, slot_count * sizeof *slots);
    if (!seen || !slots) {
        memo_free(p, seen, slots, slot_count);
        return false;
    }
    memcpy(seen, memo->seen, memo->count * sizeof *seen);
    memo_free(p, memo->seen, memo->slots, memo->slot_count);
    memo->seen = seen;
    memo->slots = slots;
    memo->slot_count = slot_count;
    slots_fill(memo);
    return true;
}

bool dsl_memo_add(dsl_packer *p, const void *pointer, size_t tag_at) {
    dsl_memo *memo = &p->memo;
    if (memo->slot_count == 0)
        memo_begin(memo);
    if (memo->count == memo->slot_count / 2 && !memo_grow(p))
        return false;
    memo->seen[memo->count] = (dsl_seen){pointer, tag_at, false};
    if (pointer)
        slot_put(memo, memo->count);
    memo->count++;
    return true;
}

/* Its slot stays taken, and others are looked for past it. */
void dsl_memo_hide(dsl_memo *memo, uint32_t number) {
    memo->seen[number].pointer = NULL;
}

/* The slot is there still, unless the slots have been filled anew. */
void dsl_memo_give_back(dsl_memo *memo, uint32_t number, const void *pointer) {
    memo->seen[number].pointer = pointer;
    if (dsl_memo_find(memo, pointer) == DSL_MEMO_NONE)
        slot_put(memo, number);
}

void dsl_memo_fini(dsl_packer *p) {
    memo_free(p, p->memo.seen, p->memo.slots, p->memo.slot_count);
}
