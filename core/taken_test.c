/* Tests of names that are taken by a restarting child, and that no process has meanwhile. */
#include "test_static.h"

typedef struct family {
    test_body *a;
    dynsup_pid supervisor;
    test_program *program;
} family;

/* A child "it" that waits 100 ms for its next start. */
static family restarting(test_host *test) {
    family f = {.a = test_spawn_trapping(test), .program = test_program_new(test)};
    dynsup_backoff backoff = {.min_ms = 100, .max_ms = 100, .factor = 1};
    dynsup_child_spec spec = test_spec_named(f.program, "it");
    spec.backoff = &backoff;
    f.supervisor = test_supervisor(test, NULL);
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    test_signal(test, NULL, pid, DYNSUP_KILL);
    test_run(test);
    return f;
}

static void the_name_of_a_restarting_child_is_taken_by_nobody(void **state) {
    test_host *test = *state;
    dynsup_pid pid = 99;
    restarting(test);
    test_body *body = test_body_new(test);
    dynsup_spawn_options process = {.name = "it", .name_length = 2};
    assert_int_equal(dynsup_spawn(test->host, &test_body_ops, body, &process, &pid),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(pid, 0);
    body->gone = true;
    pid = 99;
    dynsup_supervisor_options supervisor = {.name = "it", .name_length = 2, .period_ms = 1};
    assert_int_equal(dynsup_supervisor_start(test->host, &supervisor, &pid),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(pid, 0);
    pid = 99;
    assert_int_equal(dynsup_registry_start(test->host, true, "it", 2, &pid),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(pid, 0);
    test_pass(test, 100);
    assert_int_equal(dynsup_registry_start(test->host, true, "it", 2, &pid),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(pid, test_whereis(test, "it"));
}

static void the_name_of_a_restarting_child_is_no_registry(void **state) {
    test_host *test = *state;
    family f = restarting(test);
    static const char key[] = "\0\2\2\0\0\0itkey"; /* a key of the registry "it": see dynsup.h */
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.name = key;
    spec.name_length = sizeof key - 1;
    assert_int_equal(test_start(test, f.a, f.supervisor, &spec), DYNSUP_EUNKNOWN_REGISTRY);
}

static void another_supervisor_does_not_wait_for_it(void **state) {
    test_host *test = *state;
    family f = restarting(test);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, f.a, test_supervisor(test, NULL), &spec),
                     DYNSUP_EALREADY_STARTED);
    spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, f.a, f.supervisor, &spec), DYNSUP_PENDING);
    test_pass(test, 100);
    assert_int_equal(f.a->reply.status, 0);
    assert_true(f.a->reply.existing);
}

static void the_name_of_the_doomed_is_taken_and_not_up(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
    assert_int_equal(dynsup_register(test->host, "it", 2, b->pid), 0);
    test_signal(test, NULL, b->pid, DYNSUP_KILL);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "it");
    assert_int_equal(test_ensure(test, a, test_supervisor(test, NULL), &spec),
                     DYNSUP_EALREADY_STARTED);
    test_run(test);
}

static void a_key_with_many_entries_names_no_child(void **state) {
    test_host *test = *state;
    dynsup_pid registry, owner;
    char key[13] = "\0\1________x";
    test_body *a = test_spawn(test, NULL);
    assert_int_equal(dynsup_registry_start(test->host, false, NULL, 0, &registry), 0);
    memcpy(key + 2, &registry, sizeof registry);
    test_enter(a);
    assert_int_equal(
        dynsup_entry_add(test->host, registry, "x", 1, test_integer(1), test_integer(2), &owner),
        0);
    assert_int_equal(dynsup_terminate_child(test->host, test_supervisor(test, NULL), 0, key, 11,
                                            false, &a->reply),
                     DYNSUP_ENOT_FOUND);
    test_leave(test);
}

static void an_empty_name_is_none(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    test_order order = {.count = 0};
    for (int i = 0; i < 2; i++) {
        dynsup_child_spec *spec = test_order_add(test, &order);
        spec->name = "";
    }
    test_order_ask(test, a, &order);
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    test_children(test, a->reply.pid, "1 2");
}

static void a_child_is_found_by_the_name_that_it_was_given_later(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    assert_int_equal(dynsup_register(test->host, "it", 2, child), 0);
    test_enter(a);
    test_asked(a, dynsup_terminate_child(test->host, supervisor, 0, "it", 2, true, &a->reply));
    test_run(test);
    assert_int_equal(a->reply.status, 0);
    assert_false(dynsup_is_alive(test->host, child));
}

static void a_body_whose_name_is_taken_is_freed(void **state) {
    test_host *test = *state;
    family f = restarting(test);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "it");
    test_body_into(test, &spec);
    assert_int_equal(test_start(test, f.a, f.supervisor, &spec), DYNSUP_EALREADY_STARTED);
    assert_true(((test_body *)spec.body)->gone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_name_of_a_restarting_child_is_taken_by_nobody),
        TEST(the_name_of_a_restarting_child_is_no_registry),
        TEST(another_supervisor_does_not_wait_for_it),
        TEST(the_name_of_the_doomed_is_taken_and_not_up),
        TEST(a_key_with_many_entries_names_no_child),
        TEST(an_empty_name_is_none),
        TEST(a_child_is_found_by_the_name_that_it_was_given_later),
        TEST(a_body_whose_name_is_taken_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
