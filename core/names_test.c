/* Tests of names: strings of all kinds, growth, removal, and growth without memory. */
#include "test_support.h"

#include "names.h"

#include <stdio.h>

#define NAMES 5000

typedef struct fixture {
    dsi_test_alloc alloc;
    dsi_memory memory;
    dsi_names names;
} fixture;

static int fixture_init(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    dsi_memory_init(&f->memory, dsi_test_alloc_call, &f->alloc);
    dsi_names_init(&f->names, &f->memory, 42);
    *state = f;
    return 0;
}

static int fixture_fini(void **state) {
    fixture *f = *state;
    dsi_names_fini(&f->names);
    assert_int_equal(f->memory.in_use, 0);
    dsi_test_alloc_check_empty(&f->alloc);
    free(f);
    return 0;
}

static size_t name_spell(char *text, uint32_t i) {
    return (size_t)sprintf(text, "worker %u of the %s", i, i % 3 ? "test" : "table");
}

static dsi_name *numbered_find(const dsi_names *names, uint32_t i) {
    char text[64];
    return dsi_names_find(names, text, name_spell(text, i));
}

static dsi_name *numbered_add(dsi_names *names, uint32_t i) {
    char text[64];
    return dsi_names_add(names, text, name_spell(text, i));
}

static size_t longest_chain(const dsi_names *names) {
    size_t longest = 0;
    for (size_t i = 0; i < names->bucket_count; i++) {
        size_t length = 0;
        for (const dsi_name *name = names->segments[i / 256][i % 256]; name; name = name->next)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

static void an_empty_table_finds_nothing_and_holds_no_memory(void **state) {
    fixture *f = *state;
    assert_null(dsi_names_find(&f->names, "x", 1));
    assert_null(dsi_names_find(&f->names, "", 0));
    assert_int_equal(f->memory.in_use, 0);
}

static void a_new_name_is_found_and_has_no_owner(void **state) {
    fixture *f = *state;
    dsi_name *name = dsi_names_add(&f->names, "logger", 6);
    assert_null(name->process);
    assert_null(name->child);
    assert_int_equal(name->length, 6);
    assert_string_equal(name->text, "logger");
    assert_ptr_equal(dsi_names_find(&f->names, "logger", 6), name);
    assert_int_equal(f->names.count, 1);
}

static void a_removed_name_is_not_found_and_can_be_added_again(void **state) {
    fixture *f = *state;
    dsi_names_remove(&f->names, dsi_names_add(&f->names, "logger", 6));
    assert_null(dsi_names_find(&f->names, "logger", 6));
    assert_int_equal(f->names.count, 0);
    dsi_name *again = dsi_names_add(&f->names, "logger", 6);
    assert_ptr_equal(dsi_names_find(&f->names, "logger", 6), again);
}

static void names_of_all_lengths_and_bytes_differ(void **state) {
    fixture *f = *state;
    char zeros[40] = {0};
    dsi_name *added[sizeof zeros];
    for (size_t length = 0; length < sizeof zeros; length++)
        added[length] = dsi_names_add(&f->names, zeros, length);
    for (size_t length = 0; length < sizeof zeros; length++)
        assert_ptr_equal(dsi_names_find(&f->names, zeros, length), added[length]);
    for (size_t at = 0; at < 39; at++) {
        zeros[at] = 1;
        assert_null(dsi_names_find(&f->names, zeros, 39));
        zeros[at] = 0;
    }
}

static void names_with_equal_hashes_are_told_apart(void **state) {
    fixture *f = *state;
    dsi_name *a = dsi_names_add(&f->names, "aaaa", 4);
    memcpy(a->text, "bbbb", 4);
    assert_null(dsi_names_find(&f->names, "aaaa", 4));
    memcpy(a->text, "aaaa", 4);
    a->length = 3;
    assert_null(dsi_names_find(&f->names, "aaaa", 4));
    a->length = 4;
    assert_ptr_equal(dsi_names_find(&f->names, "aaaa", 4), a);
}

static void entries_do_not_move_when_the_table_grows(void **state) {
    fixture *f = *state;
    static dsi_name *added[NAMES];
    for (uint32_t i = 0; i < NAMES; i++)
        added[i] = numbered_add(&f->names, i);
    for (uint32_t i = 0; i < NAMES; i++)
        assert_ptr_equal(numbered_find(&f->names, i), added[i]);
    assert_null(numbered_find(&f->names, NAMES));
}

static void each_addition_splits_one_bucket_at_most(void **state) {
    fixture *f = *state;
    numbered_add(&f->names, 0);
    for (uint32_t i = 1; i < NAMES; i++) {
        size_t before = f->names.bucket_count;
        numbered_add(&f->names, i);
        assert_true(f->names.bucket_count - before <= 1);
    }
    assert_int_equal(f->names.bucket_count, NAMES);
    assert_true(longest_chain(&f->names) <= 10);
}

static void another_seed_gives_other_hashes(void **state) {
    fixture *f = *state;
    dsi_names other;
    dsi_names_init(&other, &f->memory, 43);
    uint32_t equal = 0;
    for (uint32_t i = 0; i < 100; i++)
        equal += numbered_add(&f->names, i)->hash == numbered_add(&other, i)->hash;
    assert_int_equal(equal, 0);
    dsi_names_fini(&other);
}

static void names_match_an_array(void **state) {
    fixture *f = *state;
    static dsi_name *model[NAMES];
    uint64_t random = 8;
    size_t count = 0;
    for (int step = 0; step < 60000; step++) {
        uint32_t i = dsi_test_random_below(&random, NAMES);
        assert_ptr_equal(numbered_find(&f->names, i), model[i]);
        bool add = dsi_test_random_below(&random, 100) < (step / 20000 % 2 ? 20u : 80u);
        if (model[i] && !add) {
            dsi_names_remove(&f->names, model[i]);
            model[i] = NULL;
            count--;
        } else if (!model[i] && add) {
            model[i] = numbered_add(&f->names, i);
            count++;
        }
        assert_int_equal(f->names.count, count);
    }
    for (uint32_t i = 0; i < NAMES; i++)
        assert_ptr_equal(numbered_find(&f->names, i), model[i]);
}

static bool thousands_of_names(dsi_memory *memory) {
    dsi_names names;
    dsi_names_init(&names, memory, 9);
    size_t count = 0;
    for (uint32_t i = 0; i < 1500; i++) {
        bool added = numbered_add(&names, i) != NULL;
        assert_true((numbered_find(&names, i) != NULL) == added);
        count += added;
    }
    assert_int_equal(names.count, count);
    dsi_names_fini(&names);
    return count == 1500;
}

static void lack_of_memory_loses_no_name(void **state) {
    (void)state;
    dsi_test_sweep(thousands_of_names);
}

static void a_table_that_could_not_grow_grows_later(void **state) {
    fixture *f = *state;
    for (uint32_t i = 0; i < 256; i++)
        numbered_add(&f->names, i);
    /* The next requests for memory: an entry, a segment; then an entry, the segment again. */
    f->alloc.fail_at = f->alloc.requests + 2;
    assert_non_null(numbered_add(&f->names, 256));
    assert_int_equal(f->alloc.refused, 1);
    assert_int_equal(f->names.bucket_count, 256);
    assert_non_null(numbered_add(&f->names, 257));
    assert_int_equal(f->names.bucket_count, 257);
    for (uint32_t i = 0; i < 258; i++)
        assert_non_null(numbered_find(&f->names, i));
}

#define names_test(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_fini)

int main(void) {
    const struct CMUnitTest tests[] = {
        names_test(an_empty_table_finds_nothing_and_holds_no_memory),
        names_test(a_new_name_is_found_and_has_no_owner),
        names_test(a_removed_name_is_not_found_and_can_be_added_again),
        names_test(names_of_all_lengths_and_bytes_differ),
        names_test(names_with_equal_hashes_are_told_apart),
        names_test(entries_do_not_move_when_the_table_grows),
        names_test(each_addition_splits_one_bucket_at_most),
        names_test(another_seed_gives_other_hashes),
        names_test(names_match_an_array),
        cmocka_unit_test(lack_of_memory_loses_no_name),
        names_test(a_table_that_could_not_grow_grows_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
