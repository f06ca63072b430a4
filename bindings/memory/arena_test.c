/* The arena: contents, sizes, and what is given back. */
#include "bindings/memory/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 4000
#define ROUNDS 200000

typedef struct block {
    unsigned char *at;
    size_t size;
    unsigned char mark;
} block;

static uint64_t random_state;

static uint64_t random_next(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

/* Of every kind: small blocks mostly, whole units, and what malloc gets. */
static size_t random_size(void) {
    switch (random_next() % 16) {
    case 0:
        return 1 + random_next() % 5000;
    case 1:
        return (1 + random_next() % 4) << 14;
    default:
        return 1 + random_next() % 1040;
    }
}

static void fill(block *b) {
    b->mark = (unsigned char)random_next();
    memset(b->at, b->mark, b->size);
}

static void check(const block *b, size_t size) {
    for (size_t i = 0; i < size; i++)
        assert_int_equal(b->at[i], b->mark);
}

static void resize(dsl_arena *arena, block *b, size_t size) {
    unsigned char *moved = dsl_arena_alloc(arena, b->at, b->at ? b->size : 5, size);
    size_t kept = b->size < size ? b->size : size;
    if (size > 0)
        assert_non_null(moved);
    else
        assert_null(moved);
    b->at = moved;
    b->size = size;
    check(b, kept);
    if (size > 0)
        fill(b);
}

static dsl_arena *opened(void) {
    dsl_arena *arena = dsl_arena_new();
    assert_non_null(arena);
    return arena;
}

static void blocks_keep_what_is_written_to_them(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    block *blocks = calloc(BLOCKS, sizeof *blocks);
    assert_non_null(blocks);
    random_state = 1;
    for (int i = 0; i < ROUNDS; i++) {
        block *b = &blocks[random_next() % BLOCKS];
        check(b, b->size);
        resize(arena, b, random_next() % 2 ? random_size() : 0);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].at)
            resize(arena, &blocks[i], 0);
    free(blocks);
    dsl_arena_free(arena);
}

static void a_block_is_aligned_for_any_type(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    for (size_t size = 1; size <= 1024; size++)
        assert_int_equal((uintptr_t)dsl_arena_alloc(arena, NULL, 0, size) % 16, 0);
    dsl_arena_free(arena);
}

static void a_block_stays_where_it_is_while_its_class_holds(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    void *at = dsl_arena_alloc(arena, NULL, 0, 17);
    assert_ptr_equal(dsl_arena_alloc(arena, at, 17, 32), at);
    assert_ptr_not_equal(dsl_arena_alloc(arena, at, 32, 33), at);
    dsl_arena_free(arena);
}

static void the_block_freed_last_is_used_first(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    void *a = dsl_arena_alloc(arena, NULL, 0, 100);
    void *b = dsl_arena_alloc(arena, NULL, 0, 100);
    dsl_arena_alloc(arena, a, 100, 0);
    assert_ptr_equal(dsl_arena_alloc(arena, NULL, 0, 97), a);
    assert_ptr_not_equal(a, b);
    dsl_arena_free(arena);
}

/* Freed in both orders, so that slabs and chunks come and go from either end of their lists. */
static void many_chunks_come_and_go(void **state) {
    (void)state;
    enum { COUNT = 300000 };
    dsl_arena *arena = opened();
    void **blocks = calloc(COUNT, sizeof *blocks);
    assert_non_null(blocks);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++)
            assert_non_null(blocks[i] = dsl_arena_alloc(arena, NULL, 0, 720));
        for (int i = 0; i < COUNT; i++)
            dsl_arena_alloc(arena, blocks[round ? COUNT - 1 - i : i], 720, 0);
    }
    free(blocks);
    dsl_arena_free(arena);
}

/* Runs of 64 KiB, which leave three units of each chunk. */
enum { CHUNK_BYTES = 2 << 20, RUN_BYTES = 64 << 10, RUNS_A_CHUNK = 31, CHUNKS = 40 };

static uintptr_t chunk_of(const void *run) {
    return (uintptr_t)run / CHUNK_BYTES;
}

static bool is_among(const uintptr_t *chunks, int count, uintptr_t wanted) {
    for (int i = 0; i < count; i++)
        if (chunks[i] == wanted)
            return true;
    return false;
}

/* What the record of a chunk leaves of the unit that it is in. */
static void the_rest_behind_a_chunks_record_is_handed_out(void **state) {
    (void)state;
    enum { CHUNK = 2 << 20, UNIT = 16 << 10, BLOCK = 64, COUNT = CHUNK / BLOCK };
    static void *blocks[COUNT];
    dsl_arena *arena = opened();
    for (int round = 0; round < 2; round++) { /* the second time it has come back */
        size_t in_first_unit = 0;
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = dsl_arena_alloc(arena, NULL, 0, BLOCK);
            assert_non_null(blocks[i]);
            memset(blocks[i], i, BLOCK);
            in_first_unit += ((uintptr_t)blocks[i] & (CHUNK - 1)) < UNIT;
        }
        assert_true(in_first_unit > UNIT / BLOCK / 2);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(*(unsigned char *)blocks[i], i & 0xff);
            dsl_arena_alloc(arena, blocks[i], BLOCK, 0);
        }
    }
    dsl_arena_free(arena);
}

/* Half of many full chunks get empty: except for a few, later blocks come from these, though they
 * are not the first ones to be tried. */
static void memory_that_came_back_is_found_behind_chunks_of_which_little_is_left(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    uintptr_t chunks[CHUNKS];
    void *runs[CHUNKS * RUNS_A_CHUNK];
    int fresh = 0;
    for (int i = 0; i < CHUNKS * RUNS_A_CHUNK; i++) {
        runs[i] = dsl_arena_alloc(arena, NULL, 0, RUN_BYTES);
        chunks[i / RUNS_A_CHUNK] = chunk_of(runs[i]);
    }
    for (int i = 0; i < CHUNKS / 2 * RUNS_A_CHUNK; i++)
        dsl_arena_alloc(arena, runs[i], RUN_BYTES, 0);
    for (int i = 0; i < CHUNKS / 2 * RUNS_A_CHUNK; i++)
        fresh += !is_among(chunks, CHUNKS, chunk_of(dsl_arena_alloc(arena, NULL, 0, RUN_BYTES)));
    assert_in_range(fresh, 0, 4 * RUNS_A_CHUNK);
    dsl_arena_free(arena);
}

/* Three units are left of each of the first chunks, and something of the first: the first slabs are
 * there, and not in the chunk that the next run has begun. */
static void slabs_fill_up_what_runs_have_left(void **state) {
    (void)state;
    dsl_arena *arena = opened();
    uintptr_t last = 0;
    for (int i = 0; i < 2 * RUNS_A_CHUNK + 1; i++)
        last = chunk_of(dsl_arena_alloc(arena, NULL, 0, RUN_BYTES));
    int count = 0;
    while (chunk_of(dsl_arena_alloc(arena, NULL, 0, 1024)) != last)
        count++;
    assert_in_range(count, 6 * 16, 8 * 16 - 1); /* six slabs of 16 KiB, and two rests */
    dsl_arena_free(arena);
}

/* As the array of a table does, to the end of its chunk; then it moves. */
static void a_run_grows_where_it_is_while_the_units_behind_it_are_free(void **state) {
    (void)state;
    const size_t unit = (size_t)16 << 10;
    dsl_arena *arena = opened();
    char *run = dsl_arena_alloc(arena, NULL, 0, unit);
    memset(run, 1, unit);
    assert_ptr_equal(dsl_arena_alloc(arena, run, unit, 4 * unit), run);
    char *behind = dsl_arena_alloc(arena, NULL, 0, unit);
    assert_ptr_equal(behind, run + 4 * unit);
    char *moved = dsl_arena_alloc(arena, run, 4 * unit, 8 * unit);
    assert_ptr_not_equal(moved, run);
    assert_int_equal(moved[unit - 1], 1);
    char *smaller = dsl_arena_alloc(arena, moved, 8 * unit, unit);
    assert_int_equal(smaller[unit - 1], 1);
    dsl_arena_alloc(arena, smaller, unit, 0);
    dsl_arena_alloc(arena, behind, unit, 0);
    assert_ptr_equal(dsl_arena_alloc(arena, NULL, 0, 16 * unit), run); /* all came back */
    dsl_arena_free(arena);
}

/* ---- huge pages ---- */

/* Does the kernel know that the memory at the address is to be on huge pages? By its list of
 * mappings: a line with the range, then others, then one with flags. */
static bool asks_for_huge_pages(const void *address) {
    char line[512];
    bool here = false, asks = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        uintptr_t begin, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2)
            here = (uintptr_t)address >= begin && (uintptr_t)address < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            asks = strstr(line, " hg") != NULL;
    }
    fclose(maps);
    return asks;
}

static void all_chunks_but_the_first_ask_for_huge_pages(void **state) {
    (void)state;
    enum { CHUNK = 2 << 20, BLOCK = 1024 };
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0)
        skip(); /* the kernel has none */
    dsl_arena *arena = opened();
    void *at = dsl_arena_alloc(arena, NULL, 0, BLOCK);
    assert_false(asks_for_huge_pages(at));
    for (int taken = 0; taken < CHUNK; taken += BLOCK)
        at = dsl_arena_alloc(arena, NULL, 0, BLOCK);
    assert_true(asks_for_huge_pages(at));
    dsl_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_is_written_to_them),
        cmocka_unit_test(a_block_is_aligned_for_any_type),
        cmocka_unit_test(a_block_stays_where_it_is_while_its_class_holds),
        cmocka_unit_test(the_block_freed_last_is_used_first),
        cmocka_unit_test(many_chunks_come_and_go),
        cmocka_unit_test(memory_that_came_back_is_found_behind_chunks_of_which_little_is_left),
        cmocka_unit_test(the_rest_behind_a_chunks_record_is_handed_out),
        cmocka_unit_test(slabs_fill_up_what_runs_have_left),
        cmocka_unit_test(a_run_grows_where_it_is_while_the_units_behind_it_are_free),
        cmocka_unit_test(all_chunks_but_the_first_ask_for_huge_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
