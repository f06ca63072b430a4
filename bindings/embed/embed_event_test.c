/* Events that reach a program when the processes that they are about are gone. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_SIZE 300

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

/* Each reason as one line behind the ones before; there is room. */
static void on_refused(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char *lines = ud;
    char text[20];
    size_t length = strlen(lines);
    dynsup_lua_reason_text(host, event->reason, text, sizeof text);
    snprintf(lines + length, LINES_SIZE - length, "%s\n", text);
}

static void a_reason_of_any_kind_has_its_text(void **state) {
    (void)state;
    dynsup_lua_host *host;
    char lines[LINES_SIZE] = "", small[4];
    dynsup_lua_config config = {.virtual_clock = true,
                                .events = 1u << DYNSUP_EVENT_START_REFUSED,
                                .on_event = on_refused,
                                .event_ud = lines};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    static const char code[] = "local d = require 'dynsup' local sup = d.start_link()\n"
                               "for _, reason in ipairs { 3, 404, 2.5, true, 'kill', 'mine' } do\n"
                               "  d.start_child(sup, { start = function() return nil, reason end })"
                               " end";
    assert_int_equal(luaL_loadstring(dynsup_lua_host_state(host), code), LUA_OK);
    assert_int_equal(dynsup_lua_spawn(host, dynsup_lua_host_state(host), 0, NULL), 0);
    assert_true(dynsup_lua_host_run(host) >= 0);
    assert_string_equal(lines, "3\n404\n2.5\ntrue\nkill\nmine\n");
    dynsup_reason reason = {DYNSUP_REASON_OTHER, {DYNSUP_INTEGER, {.integer = 12345}}};
    dynsup_lua_reason_text(host, &reason, small, sizeof small);
    assert_string_equal(small, "...");
    dynsup_lua_reason_text(host, &reason, NULL, 0);
    dynsup_lua_host_free(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_names_the_function_of_a_child_that_is_gone),
        cmocka_unit_test(a_reason_of_any_kind_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
