/*
 * Memory that runs out in the programs of spec/faults, in hosts for C programs: the n-th request
 * fails alone, with the next one (Lua asks twice), or with all behind it. What a program makes of
 * that is an error value or an error; the run ends, and nothing is left behind.
 *
 * Lua collects only where it lacks memory: such a collection leaves finalizers for later. In others
 * it would call them without memory, in vain, and not again: what they free would be lost.
 */
#include "bindings/test_programs.h"

#include <limits.h>
#include <stdlib.h>

static void ignore(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)ud, (void)level, (void)text, (void)size;
}

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char text[512];
    (void)ud;
    dynsup_lua_event_text(host, event, text, sizeof text);
}

/* One run with a failure; false when it was not reached. */
static bool run_once(dsl_test_programs *programs, int n, long fail_at, long failures) {
    dsl_test_allocator *a = &programs->allocator;
    dynsup_lua_host *host;
    assert_int_equal(dynsup_lua_host_new(programs->L, &programs->config, &host), 0);
    dsl_test_programs_push(programs, n);
    assert_int_equal(dynsup_lua_spawn(host, programs->L, 0, NULL), 0);
    lua_gc(programs->L, LUA_GCSTOP);
    a->requests = a->refused = 0;
    a->fail_at = fail_at;
    a->failures = failures;
    int end = dynsup_lua_host_run(host);
    dynsup_lua_host_free(host);
    bool refused = a->refused > 0;
    a->fail_at = 0;
    lua_gc(programs->L, LUA_GCRESTART);
    assert_true(end == DYNSUP_STILL || end == DYNSUP_ENDED);
    return refused;
}

static void run_until_none_fails(dsl_test_programs *programs, int n, long failures) {
    long stride = dsl_test_programs_stride(failures == 2 ? 11 : 29);
    long fail_at = 1;
    while (run_once(programs, n, fail_at, failures))
        fail_at += stride;
    assert_true(fail_at > 1);
}

static void fail_in(const char *module, bool is_virtual) {
    static const long failures[] = {1, 2, LONG_MAX / 2};
    dsl_test_programs programs;
    dsl_test_programs_open(&programs, module, is_virtual);
    programs.config.level = DYNSUP_LEVEL_INFO;
    programs.config.log = programs.config.event_log = ignore;
    programs.config.format = DYNSUP_LOG_JSON;
    programs.config.events = UINT32_MAX;
    programs.config.on_event = on_event;
    for (int n = 1; n <= programs.count; n++)
        for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
            run_until_none_fails(&programs, n, failures[i]);
    dsl_test_programs_close(&programs);
}

static void a_request_of_a_program_may_fail(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    dsl_test_programs_each(true, fail_in);
}

static void a_request_of_a_program_with_sockets_and_files_may_fail(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    dsl_test_programs_each(false, fail_in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_of_a_program_may_fail),
        cmocka_unit_test(a_request_of_a_program_with_sockets_and_files_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
