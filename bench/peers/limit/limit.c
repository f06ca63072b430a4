/*
 * What the questions to the limit share.
 */
#include "limit.h"

#include "bindings/dynsup_lua.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void limit_figure(const limit_ask *ask, const char *kind, int size, double value,
                  const char *unit) {
    printf("question=%s kind=%s size=%d value=%.6g unit=%s\n", ask->question, kind, size, value,
           unit);
}

bool limit_wants(const limit_ask *ask, const char *kind) {
    for (int i = 0; i < ask->kind_count; i++)
        if (strcmp(ask->kinds[i], kind) == 0)
            return true;
    return ask->kind_count == 0;
}

int limit_count(const limit_ask *ask, int usual, int small) {
    return ask->smoke ? small : usual;
}

static int value_compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void limit_spread(const limit_ask *ask, const char *kind, int size, double *values, int count,
                  const char *unit) {
    const char *const names[] = {"p50", "p99", "max"};
    const int places[] = {count / 2, count - 1 - count / 100, count - 1};
    qsort(values, (size_t)count, sizeof *values, value_compare);
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_%s", kind, names[i]);
        limit_figure(ask, name, size, values[places[i]], unit);
    }
}

double limit_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

double limit_resident(void) {
    char line[256];
    double kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && kilobytes == 0 && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = atof(line + 6);
    if (file)
        fclose(file);
    return kilobytes * 1024;
}

void *limit_alloc(int count, size_t size) {
    void *memory = calloc((size_t)count, size);
    if (!memory)
        abort();
    return memory;
}

/* Lua's receive: gives way. */
static int receive(lua_State *L) {
    return lua_yield(L, lua_gettop(L));
}

lua_State *limit_open(const limit_ask *ask) {
    lua_State *L = ask->arena ? dynsup_lua_newstate() : luaL_newstate();
    if (!L)
        abort();
    luaL_openlibs(L);
    lua_register(L, "receive", receive);
    return L;
}

void limit_close(const limit_ask *ask, lua_State *L) {
    if (ask->arena)
        dynsup_lua_close(L);
    else
        lua_close(L);
}

void limit_load(lua_State *L, const char *text) {
    if (luaL_dostring(L, text) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
}

int limit_resume(lua_State *co, lua_State *from, int nargs) {
    int count;
    int status = lua_resume(co, from, nargs, &count);
    if (status == LUA_YIELD)
        lua_pop(co, count);
    return status;
}

void limit_reset(lua_State *co, lua_State *from) {
#if LUA_VERSION_RELEASE_NUM >= 50406
    lua_closethread(co, from);
#else
    (void)from;
    lua_resetthread(co);
#endif
    lua_settop(co, 0);
}

void limit_start_all(lua_State *L, int count) {
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_State *co = lua_newthread(L);
        lua_rawseti(L, 2, i);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        limit_resume(co, L, 0);
    }
}

lua_State *limit_coroutine(lua_State *L, int i) {
    lua_rawgeti(L, 2, i);
    lua_State *co = lua_tothread(L, -1);
    lua_pop(L, 1);
    return co;
}

void limit_load_child(lua_State *L) {
    limit_load(L, "local ran = 0; return function() ran = ran + 1; receive() end");
}
