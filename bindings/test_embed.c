/* A host in a lua_State of the test's. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t now(void *ud) {
    return ((dsl_test_embed *)ud)->now_ns;
}

void dsl_test_embed_open(dsl_test_embed *t, const dynsup_lua_config *config) {
    dynsup_lua_config own = config ? *config : (dynsup_lua_config){0};
    memset(t, 0, sizeof *t);
    if (!own.own_loop && !own.loop && !own.virtual_clock) {
        own.now = now;
        own.now_ud = t;
    }
    t->now_ns = 1000000000;
    t->L = lua_newstate(dsl_test_allocate, &t->allocator);
    assert_non_null(t->L);
    luaL_openlibs(t->L);
    assert_int_equal(dynsup_lua_host_new(t->L, &own, &t->host), 0);
}

void dsl_test_embed_close(dsl_test_embed *t) {
    dynsup_lua_host_free(t->host);
    if (t->L)
        lua_close(t->L);
    assert_int_equal(t->allocator.in_use, 0);
}

void dsl_test_embed_worker(dsl_test_embed *t, const dynsup_lua_worker_ops *ops, void *arg) {
    dsl_test_embed_open(t, NULL);
    assert_int_equal(dynsup_lua_worker_push(t->host, t->L, ops, arg), 0);
    lua_setglobal(t->L, ops->name);
}

void dsl_test_do(dsl_test_embed *t, const char *code) {
    if (luaL_dostring(t->L, code) != LUA_OK)
        fail_msg("%s", lua_tostring(t->L, -1));
    lua_settop(t->L, 0);
}

dynsup_pid dsl_test_spawn(dsl_test_embed *t, const char *code) {
    dynsup_pid pid;
    assert_int_equal(luaL_loadstring(t->L, code), LUA_OK);
    assert_int_equal(dynsup_lua_spawn(t->host, t->L, 0, &pid), 0);
    assert_int_equal(lua_gettop(t->L), 0);
    dsl_test_step(t, NULL);
    return pid;
}

int dsl_test_step(dsl_test_embed *t, uint64_t *deadline_ns_out) {
    int state;
    do
        state = dynsup_lua_host_step(t->host, 1000000000, deadline_ns_out);
    while (state == DYNSUP_READY);
    return state;
}

lua_Integer dsl_test_global(dsl_test_embed *t, const char *name) {
    lua_getglobal(t->L, name);
    lua_Integer value = lua_tointeger(t->L, -1);
    lua_pop(t->L, 1);
    return value;
}

_Bool dsl_test_asserts(void (*misuse)(void *ud), void *ud) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        signal(SIGABRT, SIG_DFL);
        misuse(ud);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
