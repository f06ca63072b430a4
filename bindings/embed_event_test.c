/* What a program is told of events when those that they tell of are gone. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* Nothing in a block outlives its end. */
static void *alloc(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud;
    void *moved = size ? malloc(size) : NULL;
    if (block && moved)
        memcpy(moved, block, old_size < size ? old_size : size);
    if (block && (moved || size == 0)) {
        memset(block, 0x5a, old_size);
        free(block);
    }
    return moved;
}

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char text[512];
    dynsup_lua_event_text(host, event, text, sizeof text);
    if (event->kind == DYNSUP_EVENT_SHUTDOWN_ERROR)
        *(int *)ud += strstr(text, "function: gone.lua:1") != NULL;
}

static void an_event_names_the_function_of_a_child_that_is_gone(void **state) {
    (void)state;
    dynsup_lua_host *host;
    int told = 0;
    dynsup_lua_config config = {.alloc = alloc,
                                .virtual_clock = true,
                                .events = 1u << DYNSUP_EVENT_SHUTDOWN_ERROR,
                                .on_event = on_event,
                                .event_ud = &told};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    static const char code[] =
        "local d = require 'dynsup' local sup = d.start_link()\n"
        "local f = load('local d = ... return function() d.flag(\"trap_exit\", true) d.receive() "
        "'\n"
        "  .. 'error {} end', '@gone.lua')(d)\n"
        "for i = 1, 3 do d.start_child(sup, { body = f }) end d.sleep(1) d.stop(sup)";
    assert_int_equal(luaL_loadstring(L, code), LUA_OK);
    assert_int_equal(dynsup_lua_spawn(host, L, 0, NULL), 0);
    assert_true(dynsup_lua_host_run(host) >= 0);
    dynsup_lua_host_free(host);
    assert_int_equal(told, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_names_the_function_of_a_child_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
