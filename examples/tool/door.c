/* The door: a worker in C by which the scripts see the program. */
#include "door.h"

#include <lauxlib.h>
#include <stdio.h>

static int message(lua_State *L, dynsup_lua_worker *worker) {
    static const char *const names[] = {"order", "print", "finish", NULL};
    door *d = dynsup_lua_worker_arg(worker);
    switch (luaL_checkoption(L, 1, NULL, names)) {
    case 0:
        d->ordered = (uint64_t)luaL_checkinteger(L, 2);
        d->is_ended = false; /* a desk that was restarted does not know it */
        break;
    case 1:
        puts(luaL_checkstring(L, 2));
        fflush(stdout);
        break;
    default:
        d->is_finished = true;
    }
    return DYNSUP_LUA_WAIT;
}

const dynsup_lua_worker_ops door_ops = {.name = "door", .message = message};

static bool tell_desk(dynsup_lua_host *host, const dynsup_lua_value *values, int count) {
    dynsup_pid desk = dynsup_whereis(dynsup_lua_host_core(host), "desk", 4);
    return desk && !dynsup_lua_send(host, desk, values, count);
}

bool door_bring(door *d, dynsup_lua_host *host, const char *line, size_t size) {
    const dynsup_lua_value values[] = {dynsup_lua_text("line", 4), dynsup_lua_text(line, size)};
    bool is_told = tell_desk(host, values, 2);
    d->ordered -= is_told;
    return is_told;
}

bool door_end(door *d, dynsup_lua_host *host) {
    const dynsup_lua_value value = dynsup_lua_text("end", 3);
    d->is_ended = tell_desk(host, &value, 1);
    return d->is_ended;
}
