/* The memory of a lua_State: totals, limits, and which account is debited. */
#include "bindings/memory/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bindings/memory/arena.h"
#include "bindings/dynsup_lua.h"
#include "bindings/heap/heap_memory.h"
#include "bindings/test_allocator.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#define HEADER 8u

/* ---- blocks ---- */

static int memory_setup(void **state) {
    static dsl_test_allocator source;
    source = (dsl_test_allocator){0};
    *state = dsl_memory_new(dsl_test_allocate, &source, 0);
    return *state ? 0 : -1;
}

static int memory_teardown(void **state) {
    const dsl_test_allocator *source = ((dsl_memory *)*state)->ud;
    dsl_memory_free(*state);
    return source->in_use == 0 ? 0 : -1;
}

static void *resize(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    return dsl_memory_alloc(memory, block, block ? old_size : LUA_TTABLE, size);
}

static void nobody_is_debited_while_nobody_runs(void **state) {
    dsl_memory *memory = *state;
    void *block = resize(memory, NULL, 0, 100);
    assert_int_equal((uintptr_t)block % 16, 0);
    assert_int_equal(memory->in_use, 100);
    block = resize(memory, block, 100, 300);
    assert_int_equal(memory->in_use, 300);
    resize(memory, block, 300, 0);
    assert_int_equal(memory->in_use, 0);
}

static void who_runs_is_debited_and_the_owner_is_credited(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 0), *b = dsl_account_new(memory, 0);
    size_t before = memory->in_use;
    assert_null(dsl_memory_enter(memory, a));
    void *block = resize(memory, NULL, 0, 100);
    assert_int_equal((uintptr_t)block % 16, HEADER);
    assert_int_equal(a->in_use, 100 + HEADER);
    assert_int_equal(memory->in_use, before + 100 + HEADER);
    assert_ptr_equal(dsl_memory_enter(memory, b), a);
    resize(memory, block, 100, 0);
    assert_int_equal(a->in_use, 0);
    assert_int_equal(b->in_use, 0);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a);
    dsl_account_close(memory, b);
    assert_int_equal(memory->in_use, 0);
}

static void growth_is_debited_to_the_grower_and_shrinking_to_nobody(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 0), *b = dsl_account_new(memory, 0);
    dsl_memory_enter(memory, a);
    char *block = resize(memory, NULL, 0, 100);
    memset(block, 7, 100);
    dsl_memory_enter(memory, b);
    block = resize(memory, block, 100, 50);
    assert_int_equal(a->in_use, 50 + HEADER);
    block = resize(memory, block, 50, 200);
    assert_int_equal(a->in_use, 0);
    assert_int_equal(b->in_use, 200 + HEADER);
    for (int i = 0; i < 50; i++)
        assert_int_equal(block[i], 7);
    dsl_memory_enter(memory, NULL);
    block = resize(memory, block, 200, 300);
    assert_int_equal(b->in_use, 300 + HEADER); /* with no account running it stays */
    resize(memory, block, 300, 0);
    dsl_account_close(memory, a);
    dsl_account_close(memory, b);
}

static void a_block_of_nobody_s_stays_nobody_s(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 64);
    void *block = resize(memory, NULL, 0, 100);
    dsl_memory_enter(memory, a);
    block = resize(memory, block, 100, 1000);
    assert_non_null(block);
    assert_int_equal(a->in_use, 0);
    resize(memory, block, 1000, 0);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a);
}

static void an_account_lives_as_long_as_its_blocks(void **state) {
    dsl_memory *memory = *state;
    size_t before = memory->in_use;
    dsl_account *a = dsl_account_new(memory, 0);
    dsl_memory_enter(memory, a);
    void *block = resize(memory, NULL, 0, 100);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a);
    assert_int_equal(a->in_use, 100 + HEADER);
    resize(memory, block, 100, 0);
    assert_int_equal(memory->in_use, before);
    dsl_account_close(memory, NULL);
}

static void count_exceeded(void *ud) {
    ++*(int *)ud;
}

static void what_is_refused_twice_in_a_row_counts_once(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 100);
    int exceeded = 0;
    memory->on_exceeded = count_exceeded;
    memory->exceeded_ud = &exceeded;
    dsl_memory_enter(memory, a);
    void *held = resize(memory, NULL, 0, 10);
    for (unsigned i = 0; i < 2 * DSL_REFUSALS_MAX; i++) {
        assert_int_equal(a->refusals, i / 2);
        assert_int_equal(exceeded, 0);
        assert_null(resize(memory, NULL, 0, 93)); /* with its header 101 bytes */
    }
    assert_int_equal(exceeded, 1);
    assert_null(resize(memory, NULL, 0, 80));
    resize(memory, held, 10, 0); /* the collection has helped */
    void *block = resize(memory, NULL, 0, 80);
    assert_non_null(block);
    assert_int_equal(dsl_account_refusals(memory, a), DSL_REFUSALS_MAX);
    assert_null(resize(memory, block, 80, 93));
    assert_null(resize(memory, block, 80, 93));
    assert_int_equal(a->refusals, DSL_REFUSALS_MAX + 1);
    resize(memory, block, 80, 0);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a);
    assert_int_equal(exceeded, 1);
}

static void what_is_not_asked_for_again_counts_too(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 100);
    dsl_memory_enter(memory, a);
    assert_null(resize(memory, NULL, 0, 200));
    assert_int_equal(a->refusals, 0);
    void *block = resize(memory, NULL, 0, 10);
    assert_int_equal(a->refusals, 1);
    assert_null(resize(memory, NULL, 0, 200));
    assert_int_equal(dsl_account_refusals(memory, a), 2);
    assert_int_equal(dsl_account_refusals(memory, a), 2);
    assert_null(resize(memory, NULL, 0, 200));
    resize(memory, block, 10, 0);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a); /* what was open goes with it */
}

static void the_state_has_a_limit_of_its_own(void **state) {
    dsl_memory *memory = *state;
    memory->limit = 1000;
    void *block = resize(memory, NULL, 0, 1000);
    assert_non_null(block);
    assert_null(resize(memory, NULL, 0, 1));
    assert_null(resize(memory, NULL, 0, 1));
    assert_null(dsl_memory_plain(memory, NULL, 0, 1));
    block = resize(memory, block, 1000, 999);
    void *other = dsl_memory_plain(memory, NULL, 0, 1);
    assert_non_null(other);
    dsl_memory_plain(memory, other, 1, 0);
    resize(memory, block, 999, 0);
}

static void the_state_s_limit_holds_for_accounts_too(void **state) {
    dsl_memory *memory = *state;
    dsl_account *a = dsl_account_new(memory, 0);
    memory->limit = memory->in_use + 100;
    dsl_memory_enter(memory, a);
    for (int i = 0; i < 2; i++)
        assert_null(resize(memory, NULL, 0, 93));
    assert_int_equal(a->refusals, 0);
    resize(memory, resize(memory, NULL, 0, 92), 92, 0);
    dsl_memory_enter(memory, NULL);
    dsl_account_close(memory, a);
}

static void what_is_refused_further_down_leaves_everything_as_it_was(void **state) {
    dsl_memory *memory = *state;
    dsl_test_allocator *source = memory->ud;
    dsl_account *a = dsl_account_new(memory, 0), *b = dsl_account_new(memory, 0);
    dsl_memory_enter(memory, a);
    void *block = resize(memory, NULL, 0, 100);
    dsl_memory_enter(memory, b);
    source->fail_at = source->requests + 1;
    source->failures = 3;
    assert_null(resize(memory, block, 100, 200));
    assert_null(resize(memory, NULL, 0, 10));
    assert_null(dsl_account_new(memory, 0));
    assert_int_equal(a->in_use, 100 + HEADER);
    assert_int_equal(b->in_use, 0);
    dsl_memory_enter(memory, NULL);
    resize(memory, block, 100, 0);
    dsl_account_close(memory, a);
    dsl_account_close(memory, b);
}

/* ---- states ---- */

static const char churn[] = "local t = {}\n"
                            "for i = 1, 20000 do\n"
                            "  t[i % 997] = { i, tostring(i), function() return i, t end }\n"
                            "  if i % 5000 == 0 then collectgarbage() end\n"
                            "end\n";

/* Accounts come and go while Lua makes and drops objects of all kinds. */
static void churn_among_accounts(lua_State *L) {
    dsl_memory *memory;
    luaL_openlibs(L);
    assert_int_equal(dsl_memory_open(L, &memory), 0);
    assert_ptr_equal(dsl_memory_of(L), memory);
    for (int i = 0; i < 5; i++) {
        dsl_account *account = dsl_account_new(memory, 0);
        dsl_memory_enter(memory, account);
        assert_int_equal(luaL_dostring(L, churn), LUA_OK);
        assert_true(account->in_use > 50000);
        dsl_memory_enter(memory, NULL);
        dsl_account_close(memory, account);
    }
}

static void accounts_begin_in_a_state_that_is_there(void **state) {
    (void)state;
    lua_State *L = luaL_newstate();
    churn_among_accounts(L);
    lua_close(L); /* AddressSanitizer sees what is left */
    L = dynsup_lua_newstate();
    churn_among_accounts(L);
    dynsup_lua_close(L);
}

static void a_state_that_was_made_with_a_memory_leaves_none(void **state) {
    dsl_memory *memory = *state;
    lua_State *L = lua_newstate(dsl_memory_alloc, memory);
    churn_among_accounts(L);
    lua_close(L);
    assert_int_equal(memory->in_use, 0);
}

static void the_program_s_own_allocator_is_left_alone(void **state) {
    (void)state;
    dsl_memory *memory;
    dsl_test_allocator source = {0};
    lua_State *L = lua_newstate(dsl_test_allocate, &source);
    assert_int_equal(dsl_memory_open(L, &memory), DYNSUP_EMISUSE);
    assert_null(memory);
    assert_null(dsl_memory_of(L));
    lua_close(L);
}

static void a_heap_with_blocks_from_the_program_s_allocator_has_no_accounts(void **state) {
    (void)state;
    dsl_memory *memory;
    dsl_test_allocator source = {0};
    dsl_heap_memory heap;
    assert_true(dsl_heap_memory_init(&heap, dsl_test_allocate, &source, 0));
    lua_State *L = lua_newstate(dsl_heap_memory_alloc, &heap);
    assert_int_equal(dsl_memory_open(L, &memory), DYNSUP_EMISUSE);
    assert_null(memory);
    heap.is_aligned = true;
    assert_int_equal(dsl_memory_open(L, &memory), 0);
    lua_close(L);
    dsl_heap_memory_fini(&heap);
}

static void a_limit_is_felt_by_the_culprit_only(void **state) {
    dsl_memory *memory = *state;
    lua_State *L = lua_newstate(dsl_memory_alloc, memory);
    luaL_openlibs(L);
    dsl_account *account = dsl_account_new(memory, 100000);
    dsl_memory_enter(memory, account);
    /* garbage is not refused: it is collected */
    assert_int_equal(luaL_dostring(L, "for i = 1, 1e5 do local t = { i } end"), LUA_OK);
    assert_int_equal(account->refusals, 0);
    assert_int_equal(luaL_loadstring(L, "t = {} for i = 1, 1e5 do t[i] = { i } end"), LUA_OK);
    assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRMEM);
    assert_int_equal(account->refusals, 1);
    dsl_memory_enter(memory, NULL);
    assert_int_equal(luaL_dostring(L, "for i = 1, 1e5 do t[i] = { i } end"), LUA_OK);
    dsl_account_close(memory, account);
    lua_close(L);
    assert_int_equal(memory->in_use, 0);
}

int main(void) {
#define BLOCKS(test) cmocka_unit_test_setup_teardown(test, memory_setup, memory_teardown)
    const struct CMUnitTest tests[] = {
        BLOCKS(nobody_is_debited_while_nobody_runs),
        BLOCKS(who_runs_is_debited_and_the_owner_is_credited),
        BLOCKS(growth_is_debited_to_the_grower_and_shrinking_to_nobody),
        BLOCKS(a_block_of_nobody_s_stays_nobody_s),
        BLOCKS(an_account_lives_as_long_as_its_blocks),
        BLOCKS(what_is_refused_twice_in_a_row_counts_once),
        BLOCKS(what_is_not_asked_for_again_counts_too),
        BLOCKS(the_state_has_a_limit_of_its_own),
        BLOCKS(the_state_s_limit_holds_for_accounts_too),
        BLOCKS(what_is_refused_further_down_leaves_everything_as_it_was),
        cmocka_unit_test(accounts_begin_in_a_state_that_is_there),
        BLOCKS(a_state_that_was_made_with_a_memory_leaves_none),
        cmocka_unit_test(the_program_s_own_allocator_is_left_alone),
        cmocka_unit_test(a_heap_with_blocks_from_the_program_s_allocator_has_no_accounts),
        BLOCKS(a_limit_is_felt_by_the_culprit_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
