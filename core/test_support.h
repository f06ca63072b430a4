/*
 * What the tests share: a failing, counting allocator, the sweep over all failures, and random
 * numbers that are the same in each run. To be included first: it brings cmocka with it.
 */
#ifndef DSI_TEST_SUPPORT_H
#define DSI_TEST_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/*
 * An allocator with the contract of dynsup_alloc_fn that checks its callers: a block moves whenever
 * it is resized, a new one is full of rubbish, and a size that is not the one the block was
 * obtained with fails the test. Zeroed, it never fails; fail_at n refuses the n-th request for more
 * memory, for_ever all from there on. Shrinking is never refused and not counted.
 */
typedef struct dsi_test_alloc {
    size_t fail_at; /* 1: the first request; 0: none */
    bool for_ever;
    size_t requests; /* for more memory, so far */
    size_t refused;
    size_t blocks; /* handed out and not yet returned */
    size_t bytes;  /* in these blocks */
} dsi_test_alloc;

/* Stands before each block and keeps the alignment of malloc. */
typedef union dsi_test_block {
    struct {
        size_t size;
        const dsi_test_alloc *owner;
    } of;
    max_align_t align;
} dsi_test_block;

static inline bool dsi_test_alloc_refuses(dsi_test_alloc *alloc) {
    size_t n = ++alloc->requests;
    bool refuses =
        alloc->fail_at != 0 && (alloc->for_ever ? n >= alloc->fail_at : n == alloc->fail_at);
    alloc->refused += refuses;
    return refuses;
}

/* Returns NULL when the C library has no memory: the tested code has to handle that
 * (tools/check-memory). */
static inline void *dsi_test_block_new(dsi_test_alloc *alloc, size_t size) {
    dsi_test_block *block = malloc(sizeof *block + size);
    if (!block) {
        alloc->refused++;
        return NULL;
    }
    block->of.size = size;
    block->of.owner = alloc;
    alloc->blocks++;
    alloc->bytes += size;
    return memset(block + 1, 0xa5, size);
}

static inline void dsi_test_block_check(const dsi_test_alloc *alloc, const void *ptr, size_t size) {
    const dsi_test_block *block = (const dsi_test_block *)ptr - 1;
    assert_ptr_equal(block->of.owner, alloc);
    assert_int_equal(block->of.size, size);
}

static inline void dsi_test_block_free(dsi_test_alloc *alloc, void *ptr) {
    dsi_test_block *block = (dsi_test_block *)ptr - 1;
    alloc->blocks--;
    alloc->bytes -= block->of.size;
    memset(block, 0x5a, sizeof *block + block->of.size);
    free(block);
}

/* Shrinks a block in place. */
static inline void *dsi_test_block_shrink(dsi_test_alloc *alloc, void *ptr, size_t size) {
    dsi_test_block *block = (dsi_test_block *)ptr - 1;
    alloc->bytes -= block->of.size - size;
    block->of.size = size;
    return ptr;
}

/* A dynsup_alloc_fn; ud is the dsi_test_alloc. */
static inline void *dsi_test_alloc_call(void *ud, void *ptr, size_t osize, size_t nsize) {
    dsi_test_alloc *alloc = ud;
    if (ptr)
        dsi_test_block_check(alloc, ptr, osize);
    bool more = nsize > 0 && (ptr == NULL || nsize > osize);
    if (more && dsi_test_alloc_refuses(alloc))
        return NULL;
    void *moved = nsize > 0 ? dsi_test_block_new(alloc, nsize) : NULL;
    if (ptr == NULL)
        return moved;
    if (!moved && nsize > 0)
        return more ? NULL : dsi_test_block_shrink(alloc, ptr, nsize);
    if (moved)
        memcpy(moved, ptr, osize < nsize ? osize : nsize);
    dsi_test_block_free(alloc, ptr);
    return moved;
}

/* Fails the test when anything that came from the allocator has not been returned. */
static inline void dsi_test_alloc_check_empty(const dsi_test_alloc *alloc) {
    assert_int_equal(alloc->blocks, 0);
    assert_int_equal(alloc->bytes, 0);
}

/* Uses memory and returns all of it, whatever is refused; true: everything was done. Must be true
 * when nothing was refused, and may be when a refusal does no harm. */
typedef bool (*dsi_test_scenario_fn)(dsi_memory *memory);

static inline bool dsi_test_sweep_round(dsi_test_scenario_fn scenario, size_t n, bool for_ever) {
    dsi_test_alloc alloc = {.fail_at = n, .for_ever = for_ever};
    dsi_memory memory;
    dsi_memory_init(&memory, dsi_test_alloc_call, &alloc);
    bool done = scenario(&memory);
    assert_int_equal(memory.in_use, 0);
    dsi_test_alloc_check_empty(&alloc);
    assert_true(done || alloc.refused > 0);
    return alloc.refused > 0;
}

/* Runs the scenario with the first request for memory refused, then the second, and so on until
 * none is; after that again, with all requests refused from the n-th on. */
static inline void dsi_test_sweep(dsi_test_scenario_fn scenario) {
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        size_t n = 1;
        while (dsi_test_sweep_round(scenario, n, for_ever))
            n++;
        assert_true(n > 1);
    }
}

/* The next number of a series that begins with any *state (splitmix64). */
static inline uint64_t dsi_test_random(uint64_t *state) {
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* One of 0 .. limit - 1. */
static inline uint32_t dsi_test_random_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)(dsi_test_random(state) % limit);
}

#endif
