/* Registries in the core: keys and entries, how they end, and that nothing is lost without memory.
 */
#include "test_host.h"

#include "registry.h"

static dynsup_pid start(test_host *test, bool unique) {
    dynsup_pid pid = 0;
    assert_int_equal(dynsup_registry_start(test->host, unique, NULL, 0, &pid), 0);
    return pid;
}

/* Registers the body under the key, with objects as key and value. */
static int add(test_host *test, test_body *body, dynsup_pid registry, const char *key) {
    dynsup_pid owner;
    dynsup_value key_value = test_object(test);
    dynsup_value value = test_object(test);
    test_enter(body);
    int status = dynsup_entry_add(test->host, registry, key, strlen(key), key_value, value, &owner);
    test_leave(test);
    if (status) {
        test_release(test, key_value);
        test_release(test, value);
    }
    return status;
}

static dynsup_pid whereis(test_host *test, dynsup_pid registry, const char *key) {
    return dynsup_registry_whereis(test->host, registry, key, strlen(key));
}

static size_t count(test_host *test, dynsup_pid registry) {
    dynsup_registry_info info;
    assert_int_equal(dynsup_registry_inspect(test->host, registry, &info), 0);
    return info.entry_count;
}

static void entries_end_with_their_process(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, true);
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    assert_int_equal(add(test, a, registry, "x"), 0);
    assert_int_equal(add(test, a, registry, "y"), 0);
    assert_int_equal(add(test, b, registry, "x"), DYNSUP_ETAKEN);
    assert_int_equal(whereis(test, registry, "x"), a->pid);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    assert_int_equal(whereis(test, registry, "x"), 0);
    assert_int_equal(add(test, b, registry, "x"), 0); /* its owner is about to end */
    test_run(test);
    assert_int_equal(whereis(test, registry, "x"), b->pid);
    assert_int_equal(count(test, registry), 1);
    assert_int_equal(test->host->names.count, 1);
}

static void a_registry_ends_with_its_entries_and_tells_their_owners(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, false);
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn_trapping(test);
    assert_int_equal(add(test, a, registry, "x"), 0);
    assert_int_equal(add(test, b, registry, "x"), 0);
    assert_int_equal(add(test, b, registry, "x"), 0);
    test_signal(test, NULL, registry, DYNSUP_KILL);
    assert_int_equal(add(test, a, registry, "y"), DYNSUP_ENOPROC);
    test_run(test);
    assert_false(test_alive(a));
    test_got_exit(b, registry, DYNSUP_KILLED);
    assert_int_equal(b->received, 1);
    assert_int_equal(test->host->names.count, 0);
}

static void entries_are_walked_in_their_order(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, false);
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    add(test, a, registry, "x");
    add(test, b, registry, "x");
    add(test, b, registry, "y");
    const dynsup_entry *entry = dynsup_entry_first(test->host, registry, "x", 1);
    assert_int_equal(dynsup_entry_inspect(entry).pid, a->pid);
    entry = dynsup_entry_next(entry);
    assert_int_equal(dynsup_entry_inspect(entry).pid, b->pid);
    assert_null(dynsup_entry_next(entry));
    size_t all = 0;
    for (entry = dynsup_registry_first(test->host, registry); entry;
         entry = dynsup_registry_next(entry))
        all++;
    assert_int_equal(all, 3);
    size_t owned = 0;
    for (entry = dynsup_owned_first(test->host, registry, b->pid); entry;
         entry = dynsup_owned_next(entry))
        owned++;
    assert_int_equal(owned, 2);
}

static void registries_do_not_share_their_keys(void **state) {
    test_host *test = *state;
    dynsup_pid first = start(test, true);
    dynsup_pid second = start(test, true);
    test_body *a = test_spawn(test, NULL);
    assert_int_equal(add(test, a, first, "x"), 0);
    assert_int_equal(whereis(test, second, "x"), 0);
    assert_int_equal(test_whereis(test, "x"), 0);
    assert_int_equal(add(test, a, second, "x"), 0);
    assert_int_equal(dynsup_register(test->host, "x", 1, a->pid), 0);
}

/* A child's name that is the key of the registry R, in the form that dynsup.h tells. */
static const char name_text[] = "\0\2\1\0\0\0Rkey";

static dynsup_child_spec keyed_spec(test_host *test, test_program *program) {
    dynsup_child_spec spec = test_spec(program);
    spec.name = name_text;
    spec.name_length = sizeof name_text - 1;
    spec.name_key = test_object(test);
    spec.name_value = test_object(test);
    return spec;
}

static void a_childs_key_stays_its_own_until_it_is_removed(void **state) {
    test_host *test = *state;
    dynsup_pid registry;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    assert_int_equal(dynsup_registry_start(test->host, true, "R", 1, &registry), 0);
    dynsup_child_spec spec = keyed_spec(test, test_program_new(test));
    dynsup_pid pid = test_started(test, a, supervisor, &spec);
    assert_int_equal(whereis(test, registry, "key"), pid);
    assert_int_equal(add(test, a, registry, "key"), DYNSUP_ETAKEN);
    test_signal(test, NULL, pid, DYNSUP_KILL);
    test_run(test);
    dynsup_pid again = whereis(test, registry, "key");
    assert_true(again != 0 && again != pid);
    assert_int_equal(test_terminate(test, a, supervisor, again), DYNSUP_PENDING);
    test_run(test);
    assert_int_equal(add(test, a, registry, "key"), 0);
}

static void sweep_scenario(test_host *test) {
    dynsup_pid registry;
    test_body *a = test_spawn(test, NULL);
    if (!a || dynsup_registry_start(test->host, true, "R", 1, &registry))
        return;
    for (int i = 0; i < 4; i++) {
        int status = add(test, a, registry, (const char *[]){"x", "y", "z", "x"}[i]);
        assert_true(status == 0 || status == DYNSUP_ENOMEM || (i == 3 && status == DYNSUP_ETAKEN));
        dynsup_host_check(test->host);
    }
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = supervisor ? test_program_new(test) : NULL;
    if (program) {
        dynsup_child_spec spec = keyed_spec(test, program);
        test_start(test, a, supervisor, &spec);
    }
    dynsup_host_check(test->host);
    test_signal(test, NULL, registry, DYNSUP_KILL);
}

static void nothing_is_lost_without_memory(void **state) {
    (void)state;
    test_host_sweep(sweep_scenario);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(entries_end_with_their_process),
        TEST(a_registry_ends_with_its_entries_and_tells_their_owners),
        TEST(entries_are_walked_in_their_order),
        TEST(registries_do_not_share_their_keys),
        TEST(a_childs_key_stays_its_own_until_it_is_removed),
        cmocka_unit_test(nothing_is_lost_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
