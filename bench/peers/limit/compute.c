/*
 * The work of bench/compute.lua in a bare state of the same liblua. To be run in the project's
 * folder.
 */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>

#define WORK "bench/suite/work.lua"

/* The number work[field][kind]; work is at index 1. */
static int work_number(lua_State *L, const char *field, const char *kind) {
    lua_getfield(L, 1, field);
    lua_getfield(L, -1, kind);
    int number = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return number;
}

static double run(lua_State *L, const char *kind, int size, int count) {
    double begun = limit_now_ms();
    for (int i = 0; i < count; i++) {
        lua_getfield(L, 1, kind);
        lua_pushinteger(L, size);
        lua_call(L, 1, 0);
    }
    return limit_now_ms() - begun;
}

static void measure(const limit_ask *ask, lua_State *L, const char *kind) {
    int size = ask->smoke ? 10 : work_number(L, "sizes", kind);
    int count = limit_count(ask, work_number(L, "counts", kind), 1);
    run(L, kind, size, 1 + count / 10);
    limit_figure(ask, kind, size, count / run(L, kind, size, count) * 1e3, "runs/s");
}

void limit_compute(const limit_ask *ask, int size) {
    (void)size;
    lua_State *L = limit_open(ask);
    if (luaL_dofile(L, WORK) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
    measure(ask, L, "fib");
    measure(ask, L, "loop");
    limit_close(ask, L);
}
