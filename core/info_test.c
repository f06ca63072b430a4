/* Tests of what a process shows: its status, its links and its monitors. */
#include "test_guest.h"

static enum dynsup_status status_of(test_host *test, dynsup_pid pid) {
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, pid, &info));
    return info.status;
}

static void a_process_shows_what_it_is_at(void **state) {
    test_host *test = *state;
    test_body *body = test_spawn(test, NULL), *idler = test_spawn(test, NULL);
    assert_int_equal(status_of(test, body->pid), DYNSUP_STATUS_RUNNABLE);
    idler->idles = true;
    test_run(test);
    assert_int_equal(status_of(test, body->pid), DYNSUP_STATUS_WAITING);
    assert_int_equal(status_of(test, idler->pid), DYNSUP_STATUS_IDLE);
    test_enter(body);
    assert_int_equal(status_of(test, body->pid), DYNSUP_STATUS_RUNNING);
    test_leave(test);
    test_signal(test, NULL, body->pid, DYNSUP_KILL);
    dynsup_process_info info;
    assert_false(dynsup_process_inspect(test->host, body->pid, &info));
}

static void what_is_listed_is_cut_to_its_room(void **state) {
    test_host *test = *state;
    dynsup_ref ref;
    dynsup_pid pids[8];
    test_body *parent = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, parent);
    for (int i = 0; i < 3; i++) {
        dynsup_child_spec spec = test_spec(test_program_new(test));
        test_started(test, parent, supervisor, &spec);
    }
    for (size_t room = 0; room <= 4; room++)
        assert_int_equal(dynsup_process_links(test->host, supervisor, pids, room), room);
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 8), 4);
    dynsup_pid child = test->bodies->pid;
    assert_int_equal(dynsup_process_links(test->host, child, pids, 0), 0);
    assert_int_equal(dynsup_process_links(test->host, child, pids, 1), 1);
    assert_int_equal(pids[0], supervisor);
    test_enter(parent);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_monitor(test->host, child, NULL, &ref), 0);
    test_leave(test);
    for (size_t room = 0; room <= 3; room++)
        assert_int_equal(dynsup_process_monitors(test->host, parent->pid, pids, room), room);
}

static void a_supervisor_lists_the_children_that_are_linked_to_it(void **state) {
    test_host *test = *state;
    dynsup_pid pids[8];
    test_body *caller = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    test_program *program = test_program_new(test);
    dynsup_child_spec spec = test_spec(program);
    dynsup_pid child = test_started(test, caller, supervisor, &spec);
    test_plan foreign = {.pid = test_spawn(test, NULL)->pid}, plan = {.waits = true};
    test_start_guest(test, caller, supervisor, &foreign, DYNSUP_TEMPORARY);
    test_run(test);
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 8), 1);
    test_enter(program->last);
    dynsup_unlink(test->host, supervisor);
    test_leave(test);
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 8), 0);
    test_enter(program->last);
    assert_int_equal(dynsup_link(test->host, supervisor), 0);
    test_leave(test);
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 8), 1);
    test_start_guest(test, caller, supervisor, &plan, DYNSUP_TEMPORARY);
    test_run(test);
    test_signal(test, NULL, child, DYNSUP_KILL);
    test_run(test); /* its exit waits until the start function has returned */
    assert_int_equal(dynsup_process_links(test->host, supervisor, pids, 8), 0);
    test_say_go(test, supervisor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_process_shows_what_it_is_at),
        TEST(what_is_listed_is_cut_to_its_room),
        TEST(a_supervisor_lists_the_children_that_are_linked_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
