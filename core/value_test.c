/* Tests of values: which are equal as ids, and the texts of atoms. */
#include "test_host.h"

#include "state.h"

static bool parity_equal(void *ud, uint64_t a, uint64_t b) {
    (void)ud;
    return a % 2 == b % 2;
}

static uint64_t parity_hash(void *ud, uint64_t object) {
    (void)ud;
    return object % 2;
}

static bool same(const dynsup_host *host, dynsup_value a, dynsup_value b) {
    bool equal = dsi_value_equal(host, &a, &b);
    assert_int_equal(dsi_value_equal(host, &b, &a), equal);
    if (equal)
        assert_true(dsi_value_hash(host, &a) == dsi_value_hash(host, &b));
    return equal;
}

static dynsup_value number(double n) {
    return (dynsup_value){.kind = DYNSUP_NUMBER, .as.number = n};
}

static dynsup_value boolean(bool is_true) {
    return (dynsup_value){.kind = DYNSUP_BOOLEAN, .as.boolean = is_true};
}

static dynsup_value object(uint64_t n) {
    return (dynsup_value){.kind = DYNSUP_OBJECT, .as.object = n};
}

static void values_of_a_kind_are_the_same_by_what_they_are(void **state) {
    const dynsup_host *host = ((test_host *)*state)->host;
    const dynsup_value values[] = {dsi_value_nil(),
                                   boolean(false),
                                   boolean(true),
                                   test_integer(1),
                                   test_integer(2),
                                   number(1.5),
                                   number(2.5),
                                   dsi_value_id(7),
                                   dsi_value_id(8),
                                   test_atom(DYNSUP_NORMAL),
                                   test_atom(DYNSUP_KILL),
                                   object(1),
                                   object(2)};
    const size_t count = sizeof values / sizeof *values;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            assert_int_equal(same(host, values[i], values[j]), i == j);
}

static void numbers_are_the_same_whatever_their_kind(void **state) {
    const dynsup_host *host = ((test_host *)*state)->host;
    assert_true(same(host, test_integer(3), number(3.0)));
    assert_true(same(host, number(-0.0), number(0.0)));
    assert_false(same(host, test_integer(3), number(3.5)));
    assert_false(same(host, test_integer(INT64_MAX), number(9223372036854775808.0)));
    assert_true(same(host, test_integer(INT64_MIN), number(-9223372036854775808.0)));
    assert_false(same(host, number(1e300), test_integer(1)));
}

static void objects_are_the_same_as_their_binding_says(void **state) {
    test_host *test = *state;
    dynsup_object_ops ops = *test->host->config.objects;
    const dynsup_object_ops *own = test->host->config.objects;
    ops.equal = parity_equal;
    ops.hash = parity_hash;
    test->host->config.objects = &ops;
    assert_true(same(test->host, object(1), object(3)));
    assert_false(same(test->host, object(1), object(2)));
    assert_true(same(test->host, object(2), object(2)));
    test->host->config.objects = own;
}

static void an_atom_that_is_none_has_no_text(void **state) {
    (void)state;
    assert_string_equal(dynsup_atom_text(DYNSUP_NOPROC), "noproc");
    const int wrong[] = {-1, DYNSUP_NO_ATOM, DYNSUP_ATOM_COUNT, DYNSUP_ATOM_COUNT + 1};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(dynsup_atom_text((enum dynsup_atom)wrong[i]), "?");
        assert_string_equal(dynsup_atom_meaning((enum dynsup_atom)wrong[i]), "?");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_of_a_kind_are_the_same_by_what_they_are),
        TEST(numbers_are_the_same_whatever_their_kind),
        TEST(objects_are_the_same_as_their_binding_says),
        cmocka_unit_test(an_atom_that_is_none_has_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
