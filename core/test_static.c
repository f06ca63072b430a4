/* Static supervisors for tests: see test_static.h. */
#include "test_static.h"

#include <stdio.h>

dynsup_child_spec *test_order_add(test_host *test, test_order *order) {
    assert_true(order->count < TEST_CHILDREN_MAX);
    int i = order->count++;
    order->programs[i] = test_program_new(test);
    order->specs[i] = test_spec(order->programs[i]);
    order->specs[i].id = test_integer(i + 1);
    return &order->specs[i];
}

dynsup_child_spec *test_order_add_guest(test_host *test, test_order *order, test_plan *plan) {
    int i = order->count;
    dynsup_child_spec *spec = test_order_add(test, order);
    order->programs[i]->released = true;
    order->programs[i] = test_guest_program(test, plan);
    spec->program = order->programs[i];
    spec->guest = true;
    return spec;
}

/* A draft of all specs; NULL without memory: then the programs that are left count as released. */
static dynsup_draft *draft_of(test_host *test, const test_order *order) {
    dynsup_draft *draft = dynsup_draft_new(test->host);
    int status = draft ? 0 : DYNSUP_ENOMEM;
    int i = 0;
    while (status == 0 && i < order->count)
        status = dynsup_draft_add(draft, &order->specs[i++]);
    if (status == 0)
        return draft;
    assert_int_equal(status, DYNSUP_ENOMEM);
    dynsup_draft_free(draft);
    for (; i < order->count; i++)
        order->programs[i]->released = true;
    return NULL;
}

int test_order_ask(test_host *test, test_body *caller, test_order *order) {
    dynsup_supervisor_options options = order->options;
    if (options.period_ms == 0) {
        options.period_ms = 5000;
        options.max_restarts = 3;
    }
    dynsup_draft *draft = draft_of(test, order);
    if (!draft) {
        caller->replied = true;
        return DYNSUP_ENOMEM;
    }
    test_enter(caller);
    return test_asked(caller, dynsup_static_start(test->host, &options, draft, &caller->reply));
}

void test_order_start(test_host *test, test_body *caller, test_order *order) {
    assert_int_equal(test_order_ask(test, caller, order), DYNSUP_PENDING);
    test_run(test);
    assert_true(caller->replied && caller->reply.status == 0);
    order->pid = caller->reply.pid;
}

test_order test_ordered(test_host *test, test_body *caller, enum dynsup_strategy strategy,
                        int count) {
    test_order order = {.options.strategy = strategy};
    for (int i = 0; i < count; i++)
        test_order_add(test, &order);
    test_order_start(test, caller, &order);
    return order;
}

int test_by_id(test_host *test, test_body *caller, dynsup_pid supervisor,
               enum dynsup_static_request request, int id) {
    test_enter(caller);
    return test_asked(caller, dynsup_static_request(test->host, supervisor, request,
                                                    test_integer(id), true, &caller->reply));
}

int test_done_by_id(test_host *test, test_body *caller, dynsup_pid supervisor,
                    enum dynsup_static_request request, int id) {
    int status = test_by_id(test, caller, supervisor, request, id);
    test_run(test);
    assert_true(caller->replied);
    return status == DYNSUP_PENDING ? caller->reply.status : status;
}

dynsup_pid test_child(test_host *test, dynsup_pid supervisor, int id, bool *restarting_out) {
    dynsup_child_info info = {0};
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    assert_non_null(cursor);
    bool found = false;
    while (!found && dynsup_cursor_next(cursor, &info))
        found = info.id.as.integer == id;
    dynsup_cursor_close(test->host, cursor);
    assert_true(found);
    if (restarting_out)
        *restarting_out = info.state == DYNSUP_CHILD_RESTARTING;
    return info.pid;
}

void test_children(test_host *test, dynsup_pid supervisor, const char *expected) {
    char text[128] = "";
    size_t at = sizeof text - 1;
    dynsup_child_info info;
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    assert_non_null(cursor);
    while (dynsup_cursor_next(cursor, &info)) { /* the last one comes first */
        assert_true(at > 3 && info.id.as.integer < 10);
        if (text[at])
            text[--at] = ' ';
        if (!info.pid)
            text[--at] = info.state == DYNSUP_CHILD_RESTARTING ? '?' : '-';
        text[--at] = (char)('0' + info.id.as.integer);
    }
    dynsup_cursor_close(test->host, cursor);
    assert_string_equal(text + at, expected);
}

void test_kill_child(test_host *test, dynsup_pid supervisor, int id) {
    test_signal(test, NULL, test_child(test, supervisor, id, NULL), DYNSUP_KILL);
    test_run(test);
}

void test_made(const test_order *order, const char *expected) {
    char text[128] = "";
    size_t length = 0;
    for (int i = 0; i < order->count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu", i ? " " : "",
                                   order->programs[i]->made);
    assert_string_equal(text, expected);
}
