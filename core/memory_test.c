/* Tests of memory: what is counted, and what a refusal leaves alone. */
#include "test_support.h"

static void a_new_block_is_zeroed(void **state) {
    (void)state;
    dsi_test_alloc alloc = {0};
    dsi_memory memory;
    dsi_memory_init(&memory, dsi_test_alloc_call, &alloc);
    unsigned char zeros[100] = {0};
    void *block = dsi_memory_new(&memory, sizeof zeros);
    assert_memory_equal(block, zeros, sizeof zeros);
    dsi_memory_free(&memory, block, sizeof zeros);
    dsi_test_alloc_check_empty(&alloc);
}

static void bytes_in_use_follow_each_change(void **state) {
    (void)state;
    dsi_test_alloc alloc = {0};
    dsi_memory memory;
    dsi_memory_init(&memory, dsi_test_alloc_call, &alloc);
    char *a = dsi_memory_new(&memory, 10);
    char *b = dsi_memory_resize(&memory, NULL, 0, 5);
    assert_int_equal(memory.in_use, 15);
    a = dsi_memory_resize(&memory, a, 10, 100);
    assert_int_equal(memory.in_use, 105);
    a = dsi_memory_resize(&memory, a, 100, 1);
    assert_int_equal(memory.in_use, 6);
    dsi_memory_free(&memory, b, 5);
    dsi_memory_free(&memory, a, 1);
    assert_int_equal(memory.in_use, 0);
    dsi_test_alloc_check_empty(&alloc);
}

static void a_resized_block_keeps_its_content(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_memory_init(&memory, NULL, NULL);
    char *text = dsi_memory_new(&memory, 6);
    memcpy(text, "hello", 6);
    text = dsi_memory_resize(&memory, text, 6, 100000);
    assert_string_equal(text, "hello");
    text = dsi_memory_resize(&memory, text, 100000, 6);
    assert_string_equal(text, "hello");
    dsi_memory_free(&memory, text, 6);
    assert_int_equal(memory.in_use, 0);
}

static void a_refused_block_changes_nothing(void **state) {
    (void)state;
    dsi_test_alloc alloc = {.fail_at = 2, .for_ever = true};
    dsi_memory memory;
    dsi_memory_init(&memory, dsi_test_alloc_call, &alloc);
    char *block = dsi_memory_new(&memory, 8);
    assert_null(dsi_memory_new(&memory, 8));
    assert_null(dsi_memory_resize(&memory, block, 8, 16));
    assert_int_equal(memory.in_use, 8);
    dsi_memory_free(&memory, block, 8);
    dsi_test_alloc_check_empty(&alloc);
}

static void freeing_nothing_is_allowed(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_memory_init(&memory, NULL, NULL);
    dsi_memory_free(&memory, NULL, 0);
    dsi_memory_free(&memory, NULL, 7);
    assert_int_equal(memory.in_use, 0);
}

static bool three_blocks(dsi_memory *memory) {
    char *a = dsi_memory_new(memory, 3);
    char *b = dsi_memory_new(memory, 5);
    char *c = b ? dsi_memory_resize(memory, b, 5, 50) : NULL;
    dsi_memory_free(memory, a, 3);
    dsi_memory_free(memory, c ? c : b, c ? 50 : 5);
    return a && c;
}

static void the_sweep_meets_each_failure(void **state) {
    (void)state;
    dsi_test_sweep(three_blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_block_is_zeroed),
        cmocka_unit_test(bytes_in_use_follow_each_change),
        cmocka_unit_test(a_resized_block_keeps_its_content),
        cmocka_unit_test(a_refused_block_changes_nothing),
        cmocka_unit_test(freeing_nothing_is_allowed),
        cmocka_unit_test(the_sweep_meets_each_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
