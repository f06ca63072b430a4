/* Limits of what a supervisor's children may use, given by the program that starts it. */
#include "bindings/test_embed.h"

#include "core/dynsup_limits.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static const dynsup_limits a_megabyte = {.memory = 1 << 20};
static const dynsup_supervisor_options limited = {
    .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT, .limits = &a_megabyte};

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    dynsup_lua_reason_text(host, event->reason, ud, 40);
}

static void a_supervisor_s_limit_of_memory_ends_its_children(void **state) {
    (void)state;
    dynsup_lua_host *host;
    dynsup_pid supervisor;
    char reason[40] = "";
    dynsup_lua_config config = {.virtual_clock = true,
                                .events = 1u << DYNSUP_EVENT_CHILD_TERMINATED,
                                .on_event = on_event,
                                .event_ud = reason};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    assert_int_equal(dynsup_lua_supervisor_start(host, NULL, &limited, &supervisor), 0);
    static const char code[] = "return { restart = 'temporary', body = function()\n"
                               "  local t = {} for i = 1, 100000 do t[i] = ('x'):rep(100) .. i end "
                               "end }";
    assert_int_equal(luaL_dostring(L, code), LUA_OK);
    assert_int_equal(dynsup_lua_child_start(host, L, supervisor, NULL), 0);
    assert_true(dynsup_lua_host_run(host) >= 0);
    assert_string_equal(reason, "memory_exceeded");
    dynsup_lua_host_free(host);
}

static void start_limited(void *ud) {
    dsl_test_embed *t = ud;
    dynsup_lua_supervisor_start(t->host, NULL, &limited, NULL);
}

/* The state's allocator is the test's. */
static void it_is_misuse_where_the_allocator_is_the_program_s(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    assert_true(dsl_test_asserts(start_limited, &t));
    dynsup_limits none = {.memory = DYNSUP_NO_LIMIT, .deadline_ms = 1000};
    dynsup_supervisor_options options = limited;
    options.limits = &none;
    assert_int_equal(dynsup_lua_supervisor_start(t.host, NULL, &options, NULL), 0);
    dsl_test_embed_close(&t);
}

/* ---- without memory ---- */

static long left; /* allocations until one fails; < 0: none does */

static void *alloc(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud, (void)old_size;
    if (size == 0) {
        free(block);
        return NULL;
    }
    bool grows = !block || size > old_size;
    return grows && left >= 0 && left-- == 0 ? NULL : realloc(block, size);
}

static void it_is_told_when_there_is_no_memory_for_accounts(void **state) {
    (void)state;
    int status = DYNSUP_ENOMEM;
    for (long n = 0; status == DYNSUP_ENOMEM; n++) {
        dynsup_lua_host *host;
        dynsup_pid supervisor = 0;
        dynsup_lua_config config = {.virtual_clock = true, .alloc = alloc};
        left = -1;
        assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
        left = n;
        status = dynsup_lua_supervisor_start(host, NULL, &limited, &supervisor);
        left = -1;
        assert_true(status == 0 || status == DYNSUP_ENOMEM);
        assert_true((status == 0) == (supervisor != 0));
        dynsup_lua_host_free(host);
        assert_true(n < 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_supervisor_s_limit_of_memory_ends_its_children),
        cmocka_unit_test(it_is_misuse_where_the_allocator_is_the_program_s),
        cmocka_unit_test(it_is_told_when_there_is_no_memory_for_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
