/* Tests of registries: keys and entries, how they end, and that nothing is lost without memory. */
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
    assert_non_null(entry);
    assert_int_equal(dynsup_entry_inspect(entry).pid, a->pid);
    uint64_t number = dynsup_entry_inspect(entry).number;
    entry = dynsup_entry_next(entry);
    assert_non_null(entry);
    assert_int_equal(dynsup_entry_inspect(entry).pid, b->pid);
    assert_true(dynsup_entry_inspect(entry).number > number);
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

/* A child's name that is a key of the registry R, in the form described in dynsup.h. */
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

/* ---- what is not there, or not any more ---- */

static void what_is_no_registry_has_no_entries(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    dynsup_pid registry = start(test, true);
    assert_false(dynsup_registry_stop(test->host, a->pid, &normal));
    assert_true(test_alive(a));
    assert_null(dynsup_registry_first(test->host, a->pid));
    assert_null(dynsup_owned_first(test->host, registry, a->pid));
    assert_null(dynsup_owned_first(test->host, registry, 0));
}

static void entries_of_the_doomed_are_passed_over(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, false);
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    add(test, a, registry, "x");
    add(test, b, registry, "x");
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    const dynsup_entry *entry = dynsup_entry_first(test->host, registry, "x", 1);
    assert_non_null(entry);
    assert_int_equal(dynsup_entry_inspect(entry).pid, b->pid);
    assert_null(dynsup_entry_next(entry));
}

static void a_doomed_registry_finds_nobody(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, true);
    test_body *a = test_spawn(test, NULL);
    add(test, a, registry, "x");
    test_signal(test, NULL, registry, DYNSUP_KILL);
    assert_true(test_alive(a));
    assert_int_equal(whereis(test, registry, "x"), 0);
}

static void stop_and_add(test_body *self) {
    dynsup_pid owner;
    dynsup_pid registry = *(dynsup_pid *)self->more;
    assert_int_equal(dynsup_entry_add(self->test->host, registry, "x", 1, test_integer(1),
                                      test_integer(2), &owner),
                     DYNSUP_ECLOSING);
}

static void who_is_ending_registers_nothing(void **state) {
    test_host *test = *state;
    dynsup_pid registry = start(test, true);
    test_body *a = test_spawn(test, NULL);
    a->more = &registry;
    a->on_stop = stop_and_add;
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    assert_true(a->gone);
    assert_int_equal(count(test, registry), 0);
}

static void a_childs_entry_cannot_be_removed(void **state) {
    test_host *test = *state;
    dynsup_pid registry;
    test_body *a = test_spawn(test, NULL);
    assert_int_equal(dynsup_registry_start(test->host, true, "R", 1, &registry), 0);
    dynsup_child_spec spec = keyed_spec(test, test_program_new(test));
    dynsup_pid pid = test_started(test, a, test_supervisor(test, NULL), &spec);
    dynsup_entry *entry = dynsup_owned_first(test->host, registry, pid);
    assert_int_equal(dynsup_entry_remove(test->host, entry), DYNSUP_ETAKEN);
    assert_int_equal(whereis(test, registry, "key"), pid);
}

static void a_restarting_childs_key_is_taken_and_finds_nobody(void **state) {
    test_host *test = *state;
    dynsup_pid registry;
    dynsup_backoff backoff = {.min_ms = 100, .max_ms = 100, .factor = 1};
    test_body *a = test_spawn(test, NULL);
    assert_int_equal(dynsup_registry_start(test->host, true, "R", 1, &registry), 0);
    dynsup_child_spec spec = keyed_spec(test, test_program_new(test));
    spec.backoff = &backoff;
    dynsup_pid pid = test_started(test, a, test_supervisor(test, NULL), &spec);
    test_signal(test, NULL, pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(whereis(test, registry, "key"), 0);
    assert_int_equal(add(test, a, registry, "key"), DYNSUP_ETAKEN);
    test_pass(test, 100);
    assert_int_not_equal(whereis(test, registry, "key"), 0);
}

static void a_key_of_a_name_that_is_no_registrys_is_refused(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = keyed_spec(test, test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EUNKNOWN_REGISTRY);
    assert_int_equal(dynsup_register(test->host, "R", 1, a->pid), 0);
    spec = keyed_spec(test, test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EUNKNOWN_REGISTRY);
    test_signal(test, NULL, a->pid, DYNSUP_KILL); /* the name is there up to its end */
    test_body *b = test_spawn(test, NULL);
    spec = keyed_spec(test, test_program_new(test));
    assert_int_equal(test_start(test, b, supervisor, &spec), DYNSUP_EUNKNOWN_REGISTRY);
}

static void duplicates_scenario(test_host *test) {
    dynsup_pid registry;
    test_body *a = test_spawn(test, NULL);
    if (!a || dynsup_registry_start(test->host, false, NULL, 0, &registry))
        return;
    size_t added = 0;
    for (int i = 0; i < 3; i++)
        added += add(test, a, registry, "x") == 0;
    dynsup_host_check(test->host);
    assert_int_equal(count(test, registry), added);
}

static void no_duplicate_is_lost_without_memory(void **state) {
    (void)state;
    test_host_sweep(duplicates_scenario);
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
        TEST(what_is_no_registry_has_no_entries),
        TEST(entries_of_the_doomed_are_passed_over),
        TEST(a_doomed_registry_finds_nobody),
        TEST(who_is_ending_registers_nothing),
        TEST(a_childs_entry_cannot_be_removed),
        TEST(a_restarting_childs_key_is_taken_and_finds_nobody),
        TEST(a_key_of_a_name_that_is_no_registrys_is_refused),
        cmocka_unit_test(no_duplicate_is_lost_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
