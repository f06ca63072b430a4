/* Tests of misuse: what the header forbids ends in an assertion, and not somewhere else. */
#include "test_host.h"

static void spawn_awaited_by_nobody(test_host *test) {
    dynsup_ref start;
    dynsup_pid pid;
    dynsup_spawn_options options = {.start_out = &start};
    dynsup_spawn(test->host, &test_body_ops, test_body_new(test), &options, &pid);
}

static void a_start_is_waited_for_by_a_process(void **state) {
    assert_true(test_asserts(*state, spawn_awaited_by_nobody));
}

static int start_named(test_host *test, const char *name, size_t length) {
    dynsup_pid pid;
    dynsup_supervisor_options options = {
        .name = name, .name_length = length, .period_ms = 1000, .max_children = DYNSUP_NO_LIMIT};
    return dynsup_supervisor_start(test->host, &options, &pid);
}

static void start_with_half_a_pid(test_host *test) {
    start_named(test, "\0\1pid", 5);
}

static void start_with_half_a_length(test_host *test) {
    start_named(test, "\0\2le", 4);
}

static void start_with_half_a_name(test_host *test) {
    char name[9] = {0, DYNSUP_NAME_OF_NAME, [6] = 'r', 'e', 'g'};
    uint32_t size = 4;
    memcpy(name + 2, &size, sizeof size);
    start_named(test, name, sizeof name);
}

static void a_name_has_all_that_its_head_tells_of(void **state) {
    assert_true(test_asserts(*state, start_with_half_a_pid));
    assert_true(test_asserts(*state, start_with_half_a_length));
    assert_true(test_asserts(*state, start_with_half_a_name));
}

/* A registry without a pid is not the host's own table of names, either. */
static void a_key_of_no_registry_is_no_name(void **state) {
    test_host *test = *state;
    char key[2 + sizeof(dynsup_pid) + 1] = {0, DYNSUP_NAME_OF_PID, [2 + sizeof(dynsup_pid)] = 'x'};
    dynsup_pid pid;
    assert_int_equal(start_named(test, key, sizeof key), DYNSUP_EUNKNOWN_REGISTRY);
    assert_int_equal(dynsup_registry_start(test->host, true, key, sizeof key, &pid),
                     DYNSUP_EUNKNOWN_REGISTRY);
    assert_int_equal(test_whereis(test, "x"), 0);
    char whole[] = "\0\0x"; /* a plain name, spelled out */
    assert_int_equal(start_named(test, whole, 3), 0);
    assert_int_not_equal(test_whereis(test, "x"), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_start_is_waited_for_by_a_process),
        TEST(a_name_has_all_that_its_head_tells_of),
        TEST(a_key_of_no_registry_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
