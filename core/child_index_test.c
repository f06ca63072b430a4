/* Tests of the index of children by their ids. */
#include "test_host.h"

#include "child_index.h"
#include "test_support.h"

#include <math.h>

#define MANY 2000

static dynsup_value number(double value) {
    return (dynsup_value){.kind = DYNSUP_NUMBER, .as.number = value};
}

static dynsup_value boolean(bool value) {
    return (dynsup_value){.kind = DYNSUP_BOOLEAN, .as.boolean = value};
}

static dsi_child *child_of(test_host *test, dynsup_value id) {
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.id = id;
    return dsi_child_new(test->host, NULL, &spec);
}

static void ids_are_the_same_when_lua_says_so(void **state) {
    test_host *test = *state;
    dynsup_value object = test_object(test), other = test_object(test);
    const dynsup_value ids[] = {
        test_integer(1),
        number(1.5),
        number(1e300),
        number(-INFINITY),
        boolean(true),
        boolean(false),
        object,
        other,
        {.kind = DYNSUP_ID, .as.id = 1},
        {.kind = DYNSUP_NIL},
        test_atom(DYNSUP_NORMAL),
        test_integer(0),
    };
    int count = sizeof ids / sizeof *ids;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            assert_int_equal(dsi_value_equal(test->host, &ids[i], &ids[j]), i == j);
    dynsup_value one = number(1.0), minus_zero = number(-0.0), nan = number(NAN);
    assert_true(dsi_value_equal(test->host, &ids[0], &one));
    assert_true(dsi_value_hash(test->host, &ids[0]) == dsi_value_hash(test->host, &one));
    assert_true(dsi_value_equal(test->host, &ids[count - 1], &minus_zero));
    assert_true(dsi_value_hash(test->host, &ids[count - 1]) ==
                dsi_value_hash(test->host, &minus_zero));
    assert_false(dsi_value_equal(test->host, &nan, &nan));
    test_release(test, object);
    test_release(test, other);
}

/* Ids come and go at random; a plain table says which must be found. */
static void what_is_there_is_found_and_nothing_else(void **state) {
    test_host *test = *state;
    static dsi_child *there[MANY];
    uint64_t random = 1;
    dsi_child_index index;
    dsi_child_index_init(&index, test->host);
    for (int round = 0; round < 20 * MANY; round++) {
        uint32_t i = dsi_test_random_below(&random, MANY);
        dynsup_value id = test_integer((int64_t)i * 64);
        assert_ptr_equal(dsi_child_index_find(&index, &id), there[i]);
        if (there[i]) {
            dsi_child_index_remove(&index, there[i]);
            dsi_child_free(test->host, there[i]);
            there[i] = NULL;
        } else {
            there[i] = child_of(test, id);
            assert_non_null(there[i]);
            assert_true(dsi_child_index_reserve(&index));
            dsi_child_index_add(&index, there[i]);
        }
    }
    for (int i = 0; i < MANY; i++)
        if (there[i])
            dsi_child_free(test->host, there[i]);
    dsi_child_index_fini(&index);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ids_are_the_same_when_lua_says_so),
        TEST(what_is_there_is_found_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
