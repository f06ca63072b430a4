/*
 * Workers in C and in Lua under one supervisor. The engine is a worker in C: it counts what hits
 * it, and fails at the third hit. Its supervisor starts it again, and events notify the program.
 */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static int engine_start(lua_State *L, dynsup_lua_worker *worker) {
    (void)L;
    printf("%s starts\n", (const char *)dynsup_lua_worker_arg(worker));
    return DYNSUP_LUA_WAIT;
}

static int engine_message(lua_State *L, dynsup_lua_worker *worker) {
    int *hits = dynsup_lua_worker_data(worker);
    printf("%s is hit by %s\n", (const char *)dynsup_lua_worker_arg(worker), lua_tostring(L, 1));
    if (++*hits == 3)
        return luaL_error(L, "broken by %d hits", *hits);
    return DYNSUP_LUA_WAIT;
}

static const dynsup_lua_worker_ops engine = {
    .name = "engine",
    .data_size = sizeof(int),
    .start = engine_start,
    .message = engine_message,
};

static const char archer[] = "local dynsup = require 'dynsup'\n"
                             "for arrow = 1, 4 do\n"
                             "  dynsup.send('engine', 'arrow ' .. arrow)\n"
                             "  dynsup.sleep(10)\n"
                             "end\n";

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char reason[80] = "";
    (void)ud;
    if (event->reason)
        dynsup_lua_reason_text(host, event->reason, reason, sizeof reason);
    if (event->kind == DYNSUP_EVENT_CHILD_TERMINATED)
        printf("event: %s has ended: %.*s\n", event->name, (int)strcspn(reason, "\n"), reason);
    if (event->kind == DYNSUP_EVENT_CHILD_RESTARTED)
        printf("event: %s runs again\n", event->name);
}

int main(void) {
    static char name[] = "the engine";
    dynsup_pid supervisor;
    dynsup_counts counts;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.virtual_clock = true, .events = UINT32_MAX, .on_event = on_event};
    dynsup_lua_child child = {.name = "engine"};
    if (dynsup_lua_host_new(NULL, &config, &host) ||
        dynsup_lua_supervisor_start(host, "castle", NULL, &supervisor) ||
        dynsup_lua_worker_start(host, supervisor, &engine, name, &child, NULL))
        return 1;
    lua_State *L = dynsup_lua_host_state(host);
    if (luaL_loadstring(L, archer) || dynsup_lua_child_start(host, L, supervisor, NULL))
        return 1;
    dynsup_lua_children_count(host, supervisor, &counts);
    printf("%zu workers\n", counts.workers);
    dynsup_lua_host_run(host); /* until nothing can happen any more */
    return dynsup_lua_host_close(host, 1000000000) ? 1 : 0;
}
