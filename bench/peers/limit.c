/*
 * The limit: a bare loop over Lua coroutines, without processes, supervisors or anything else. What
 * dynsup adds to coroutines can be told from the ratio to these figures.
 *
 * Usage: limit [--arena] start_child|ping_pong|terminate|memory SIZE... Prints lines as the
 * benchmarks do. With --arena the memory comes from dynsup's allocator, else from malloc.
 */
#include "bindings/dynsup_lua.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES 2000000

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Lua's receive: gives way. */
static int receive(lua_State *L) {
    return lua_yield(L, 0);
}

static bool with_arena;

static lua_State *open_state(void) {
    lua_State *L = with_arena ? dynsup_lua_newstate() : luaL_newstate();
    if (!L)
        abort();
    luaL_openlibs(L);
    lua_register(L, "receive", receive);
    return L;
}

static void load(lua_State *L, const char *text) {
    if (luaL_dostring(L, text) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
}

static int resume(lua_State *co, lua_State *from, int nargs) {
    int count;
    int status = lua_resume(co, from, nargs, &count);
    if (status == LUA_YIELD)
        lua_pop(co, count);
    return status;
}

/* The function at index 1 in count new coroutines, which a table (index 2) holds. */
static void start_all(lua_State *L, int count) {
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_State *co = lua_newthread(L);
        lua_rawseti(L, 2, i);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        resume(co, L, 0);
    }
}

static void load_child(lua_State *L) {
    load(L, "local ran = 0; return function() ran = ran + 1; receive() end");
}

static void close_state(lua_State *L) {
    if (with_arena)
        dynsup_lua_close(L);
    else
        lua_close(L);
}

/* ---- the questions ---- */

static void start_child(int count) {
    lua_State *L = open_state();
    load_child(L);
    start_all(L, count); /* the first time pays for memory that stays */
    lua_settop(L, 1);
    lua_gc(L, LUA_GCCOLLECT);
    double begun = now_ms();
    start_all(L, count);
    printf("start_child_%d %.0f starts/s\n", count, count / (now_ms() - begun) * 1e3);
    close_state(L);
}

static void terminate(int count) {
    lua_State *L = open_state();
    load_child(L);
    start_all(L, count);
    double begun = now_ms();
    close_state(L);
    printf("terminate_%d %.2f ms\n", count, now_ms() - begun);
}

static double resident(void) {
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

static void memory(int count) {
    lua_State *L = open_state();
    load_child(L);
    double before = resident();
    start_all(L, count);
    printf("memory_%d %.0f bytes/child\n", count, (resident() - before) / count);
    close_state(L);
}

/* Each of a pair's messages is two values that go from one stack to the other. */
static void ping_pong(int pairs) {
    lua_State *L = open_state();
    load(L, "return function() while true do assert(receive()) end end");
    start_all(L, 2 * pairs);
    lua_State **co = calloc((size_t)(2 * pairs), sizeof(lua_State *));
    if (!co)
        abort();
    for (int i = 0; i < 2 * pairs; i++) {
        lua_rawgeti(L, 2, i + 1);
        co[i] = lua_tothread(L, -1);
        lua_pop(L, 1);
    }
    double begun = now_ms();
    for (int sent = 0; sent < MESSAGES; sent += 2 * pairs)
        for (int i = 0; i < 2 * pairs; i++) {
            lua_State *to = co[i ^ 1];
            lua_pushlightuserdata(co[i], to);
            lua_pushinteger(co[i], sent);
            lua_xmove(co[i], to, 2);
            resume(to, L, 2);
        }
    printf("ping_pong_%d %.0f messages/s\n", pairs, MESSAGES / (now_ms() - begun) * 1e3);
    free(co);
    close_state(L);
}

static const struct question {
    const char *name;
    void (*answer)(int size);
} questions[] = {
    {"start_child", start_child},
    {"ping_pong", ping_pong},
    {"terminate", terminate},
    {"memory", memory},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    with_arena = argc > 1 && strcmp(argv[1], "--arena") == 0;
    const char *name = argc > 1 + with_arena ? argv[1 + with_arena] : "";
    for (const struct question *q = questions; q->name; q++) {
        if (strcmp(q->name, name) != 0)
            continue;
        for (int i = 2 + with_arena; i < argc; i++)
            q->answer(atoi(argv[i]));
        return 0;
    }
    fprintf(stderr, "usage: limit [--arena] start_child|ping_pong|terminate|memory SIZE...\n");
    return 2;
}
