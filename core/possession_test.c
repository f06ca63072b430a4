/* Tests of what processes own outside of the core. */
#include "test_host.h"

#include "process.h"

typedef struct thing {
    dynsup_possession possession;
    test_host *test;
    test_body *watcher;
    size_t *count; /* releases so far, of all things */
    size_t place;  /* the number of its own release, from 1 on */
    size_t told;   /* messages of the watcher's at that moment */
    dynsup_pid self;
    bool closing;
} thing;

static void thing_release(dynsup_possession *possession) {
    thing *t = dsi_item(possession, thing, possession);
    t->place = ++*t->count;
    t->told = t->watcher ? t->watcher->received : 0;
    t->self = dynsup_self(t->test->host);
    t->closing = dynsup_closing(t->test->host);
}

static thing thing_of(test_host *test, size_t *count) {
    return (thing){.possession = {.release = thing_release}, .test = test, .count = count};
}

static void the_end_of_the_owner_releases_the_newest_first(void **state) {
    test_host *test = *state;
    size_t count = 0;
    test_body *a = test_spawn(test, NULL);
    thing one = thing_of(test, &count), two = thing_of(test, &count);
    assert_int_equal(dynsup_own(test->host, a->pid, &one.possession), 0);
    assert_int_equal(dynsup_own(test->host, a->pid, &two.possession), 0);
    test_run(test);
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(two.place, 1);
    assert_int_equal(one.place, 2);
    assert_int_equal(one.self, a->pid);
    assert_true(one.closing);
}

static void the_release_comes_before_the_down(void **state) {
    test_host *test = *state;
    size_t count = 0;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    dynsup_ref ref;
    thing one = thing_of(test, &count);
    one.watcher = b;
    test_enter(b);
    assert_int_equal(dynsup_monitor(test->host, a->pid, NULL, &ref), 0);
    test_leave(test);
    assert_int_equal(dynsup_own(test->host, a->pid, &one.possession), 0);
    test_run(test);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    test_got_down(b, ref, DYNSUP_KILLED);
    assert_int_equal(one.place, 1);
    assert_int_equal(one.told, 0);
}

static void what_is_given_up_is_not_released(void **state) {
    test_host *test = *state;
    size_t count = 0;
    test_body *a = test_spawn(test, NULL);
    thing one = thing_of(test, &count), two = one, three = one;
    dynsup_own(test->host, a->pid, &one.possession);
    dynsup_own(test->host, a->pid, &two.possession);
    dynsup_own(test->host, a->pid, &three.possession);
    dynsup_disown(&two.possession);
    dynsup_disown(&two.possession);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(count, 2);
    assert_int_equal(two.place, 0);
}

static void a_new_owner_takes_the_place_of_the_old_one(void **state) {
    test_host *test = *state;
    size_t count = 0;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    thing one = thing_of(test, &count);
    dynsup_own(test->host, a->pid, &one.possession);
    dynsup_own(test->host, b->pid, &one.possession);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(count, 0);
    test_signal(test, NULL, b->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(count, 1);
    assert_int_equal(one.self, b->pid);
}

static void the_dead_own_nothing(void **state) {
    test_host *test = *state;
    size_t count = 0;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    thing one = thing_of(test, &count);
    dynsup_own(test->host, b->pid, &one.possession);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    assert_int_equal(dynsup_own(test->host, a->pid, &one.possession), DYNSUP_ENOPROC);
    test_run(test);
    assert_int_equal(dynsup_own(test->host, a->pid, &one.possession), DYNSUP_ENOPROC);
    assert_int_equal(dynsup_own(test->host, 0, &one.possession), DYNSUP_ENOPROC);
    test_signal(test, NULL, b->pid, DYNSUP_KILL); /* it stayed b's */
    test_run(test);
    assert_int_equal(count, 1);
}

static void a_supervisor_owns_too(void **state) {
    test_host *test = *state;
    size_t count = 0;
    thing one = thing_of(test, &count);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    assert_int_equal(dynsup_own(test->host, supervisor, &one.possession), 0);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(count, 1);
}

static void the_end_of_the_host_releases_all(void **state) {
    (void)state;
    test_host test;
    size_t count = 0;
    assert_true(test_host_init(&test, 0, false));
    thing one = thing_of(&test, &count);
    test_body *a = test_spawn(&test, NULL);
    dynsup_own(test.host, a->pid, &one.possession);
    test_host_fini(&test);
    assert_int_equal(count, 1);
}

static void own_and_end(test_host *test) {
    size_t count = 0;
    thing one = thing_of(test, &count);
    test_body *a = test_spawn(test, NULL);
    if (!a)
        return;
    int status = dynsup_own(test->host, a->pid, &one.possession);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    test_run(test);
    assert_int_equal(count, status == 0);
}

static void every_failure_of_memory_is_survived(void **state) {
    (void)state;
    test_host_sweep(own_and_end);
}

static void the_doomed_own_nothing_more(void **state) {
    test_host *test = *state;
    size_t count = 0;
    thing one = thing_of(test, &count);
    test_body *a = test_spawn(test, NULL);
    test_signal(test, NULL, a->pid, DYNSUP_KILL);
    assert_int_equal(dynsup_own(test->host, a->pid, &one.possession), DYNSUP_ENOPROC);
    test_run(test);
    assert_int_equal(count, 0);
}

static thing late;

static void own_at_the_end(test_body *self) {
    assert_int_equal(dynsup_own(self->test->host, self->pid, &late.possession), 0);
}

static void what_is_owned_while_it_ends_is_released_as_well(void **state) {
    test_host *test = *state;
    size_t count = 0;
    late = thing_of(test, &count);
    test_body *a = test_spawn(test, NULL);
    a->on_stop = own_at_the_end;
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(count, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_end_of_the_owner_releases_the_newest_first),
        TEST(the_release_comes_before_the_down),
        TEST(what_is_given_up_is_not_released),
        TEST(a_new_owner_takes_the_place_of_the_old_one),
        TEST(the_dead_own_nothing),
        TEST(a_supervisor_owns_too),
        cmocka_unit_test(the_end_of_the_host_releases_all),
        cmocka_unit_test(every_failure_of_memory_is_survived),
        TEST(the_doomed_own_nothing_more),
        TEST(what_is_owned_while_it_ends_is_released_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
