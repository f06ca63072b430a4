/* Tests of the memory of a heap: its limit, its margin, and when it is exhausted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bindings/heap/heap_memory.h"

#include <stdlib.h>

#define KIB ((size_t)1024)

typedef struct told {
    int over, exhausted;
} told;

static void *plain(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud, (void)old_size;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

static void on_over(void *ud) {
    ((told *)ud)->over++;
}

static void on_exhausted(void *ud) {
    ((told *)ud)->exhausted++;
}

static void open(dsl_heap_memory *memory, told *t, size_t limit) {
    *t = (told){0};
    assert_true(dsl_heap_memory_init(memory, plain, NULL, limit));
    memory->on_over = on_over;
    memory->on_exhausted = on_exhausted;
    memory->told_ud = t;
}

static void *get(dsl_heap_memory *memory, size_t size) {
    return dsl_heap_memory_alloc(memory, NULL, 5, size); /* Lua passes a type in place of a size */
}

static void put(dsl_heap_memory *memory, void *block, size_t size) {
    assert_null(dsl_heap_memory_alloc(memory, block, size, 0));
}

static void what_is_in_use_is_counted(void **state) {
    (void)state;
    dsl_heap_memory memory;
    told t;
    open(&memory, &t, 0);
    void *block = get(&memory, 100);
    assert_int_equal(memory.in_use, 100);
    block = dsl_heap_memory_alloc(&memory, block, 100, 40);
    assert_int_equal(memory.in_use, 40);
    put(&memory, block, 40);
    assert_int_equal(memory.in_use, 0);
    assert_int_equal(t.over + t.exhausted, 0);
    dsl_heap_memory_fini(&memory);
}

static void beyond_the_limit_a_margin_is_granted_and_told_once(void **state) {
    (void)state;
    dsl_heap_memory memory;
    told t;
    open(&memory, &t, 100 * KIB);
    void *a = get(&memory, 99 * KIB), *b = get(&memory, 2 * KIB), *c = get(&memory, 2 * KIB);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_int_equal(t.over, 1);
    assert_true(memory.is_over);
    put(&memory, a, 99 * KIB);
    put(&memory, b, 2 * KIB);
    put(&memory, c, 2 * KIB);
    dsl_heap_memory_fini(&memory);
}

static void the_same_refused_twice_in_a_row_is_the_end(void **state) {
    (void)state;
    dsl_heap_memory memory;
    told t;
    open(&memory, &t, 100 * KIB);
    assert_null(get(&memory, 500 * KIB));
    void *a = get(&memory, KIB); /* something else is granted in between */
    assert_null(get(&memory, 500 * KIB));
    assert_int_equal(t.exhausted, 0);
    assert_null(get(&memory, 500 * KIB));
    assert_int_equal(t.exhausted, 1);
    put(&memory, a, KIB);
    dsl_heap_memory_fini(&memory);
}

static bool never(void *ud) {
    (void)ud;
    return false;
}

static void nothing_is_refused_where_nobody_could_be_told(void **state) {
    (void)state;
    dsl_heap_memory memory;
    told t;
    open(&memory, &t, 100 * KIB);
    memory.may_refuse = never;
    void *a = get(&memory, 900 * KIB);
    assert_non_null(a);
    assert_int_equal(t.over, 1);
    memory.may_refuse = NULL;
    assert_null(get(&memory, KIB));
    put(&memory, a, 900 * KIB);
    dsl_heap_memory_fini(&memory);
}

static void a_lost_heap_gets_some_more(void **state) {
    (void)state;
    dsl_heap_memory memory;
    told t;
    open(&memory, &t, 100 * KIB);
    void *a = get(&memory, 300 * KIB);
    assert_null(get(&memory, 200 * KIB));
    dsl_heap_memory_relent(&memory);
    void *b = get(&memory, 200 * KIB);
    assert_non_null(b);
    assert_null(get(&memory, 1000 * KIB));
    assert_null(get(&memory, 1000 * KIB));
    assert_int_equal(t.exhausted, 0); /* it is lost already */
    put(&memory, a, 300 * KIB);
    put(&memory, b, 200 * KIB);
    dsl_heap_memory_fini(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_use_is_counted),
        cmocka_unit_test(beyond_the_limit_a_margin_is_granted_and_told_once),
        cmocka_unit_test(the_same_refused_twice_in_a_row_is_the_end),
        cmocka_unit_test(nothing_is_refused_where_nobody_could_be_told),
        cmocka_unit_test(a_lost_heap_gets_some_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
