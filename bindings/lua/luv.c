/*
 * luv on the host's own loop, and os.exit as halt.
 *
 * luv keeps one loop for the life of a Lua state, so the loop belongs to the runtime. Its callbacks
 * run on the state's main thread: an error there is reported and never fatal, and one that runs for
 * too long is ended by an error.
 */
#include "bindings/process/callback.h"
#include "bindings/heap/heap.h"
#include "bindings/log/log.h"
#include "bindings/memory/lua_state.h"
#include "bindings/module.h"
#include "bindings/process/wait.h"

#include <luv/luv.h>
#include <stdlib.h>
#include <string.h>

static int with_traceback(lua_State *L) {
    if (lua_touserdata(L, 1) == (const void *)&dsl_halt_sentinel)
        return 1;
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static void callback_failed(lua_State *L, dsl_host *host) {
    if (lua_type(L, -1) != LUA_TSTRING)
        return; /* halt */
    if (host)
        dsl_log(host, DYNSUP_LEVEL_ERROR, "error in a callback: %s", lua_tostring(L, -1));
}

/* What a process calls back itself (a hook, a sorting of luv's) is its own. */
static int limited_call(lua_State *L, dsl_runtime *runtime, dsl_host *host, int nargs, int nresults,
                        int handler) {
    dsl_callback_frame frame;
    bool is_limited = host && !host->current;
    if (is_limited) {
        host->innermost = L;
        dsl_callback_begin(L, runtime, false, &frame);
    }
    int status = lua_pcall(L, nargs, nresults, handler);
    if (is_limited)
        dsl_callback_end(runtime, &frame);
    return status;
}

/* How luv makes a callback: the function and its arguments are on top. */
static int callback(lua_State *L, int nargs, int nresults, int flags) {
    (void)flags;
    dsl_host *host = dsl_host_of_thread(L);
    dsl_runtime *runtime = dsl_runtime_of_thread(L);
    int function = lua_gettop(L) - nargs;
    if (runtime->finishing) {
        lua_settop(L, function - 1);
        if (host && host->heap)
            dsl_heap_wake(host); /* it may have waited for this alone */
        return -LUA_ERRRUN;
    }
    lua_pushcfunction(L, with_traceback);
    lua_insert(L, function);
    int status = limited_call(L, runtime, host, nargs, nresults, function);
    lua_remove(L, function);
    if (status == LUA_OK)
        return nresults == LUA_MULTRET ? lua_gettop(L) - function + 1 : nresults;
    callback_failed(L, host);
    lua_pop(L, 1);
    return -status;
}

static void withhold(lua_State *L, const char *name) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

static int not_here(lua_State *L) {
    return luaL_error(L, "luv's threads are for the first heap: a further one may be closed before "
                         "they end");
}

/* Functions whose threads could not be waited for when the heap is closed. */
static void threads_withhold(lua_State *L) {
    static const char *const names[] = {"new_thread", "new_work", "queue_work"};
    for (int i = 0; i < 3; i++) {
        lua_pushcfunction(L, not_here);
        lua_setfield(L, -2, names[i]);
    }
}

/* [-1, +1] Opens luv for a runtime, a light userdata; each step may fail for want of memory. */
static int luv_load(lua_State *L) {
    const dsl_runtime *runtime = lua_touserdata(L, 1);
    luv_set_loop(L, runtime->loop);
    luv_set_callback(L, callback);
    luaopen_luv(L);
    withhold(L, "run");
    withhold(L, "stop");
    withhold(L, "loop_close");
    withhold(L, "walk"); /* luv knows its own handles only, and aborts at others */
    if (runtime->is_further)
        threads_withhold(L);
    return 1;
}

/* The face of the further heap, which is behind the runs inside; NULL: the heap is being closed. */
static const dsl_host *face_behind(const dsl_host *host) {
    while (host && host->outer)
        host = host->outer;
    return host && host->heap ? host : NULL;
}

/* A further heap's state must be able to wait until the loop has released what it has there. */
static void check_heap(lua_State *L, const dsl_host *host) {
    const dsl_host *face = face_behind(host);
    bool is_lent = face && (face->whole->outer || face->whole->runtime->loop_is_lent);
    if (!face)
        dsl_error(L, "luv is not there in a heap that is being closed");
    if (is_lent)
        dsl_error(L, "luv is for the first heap where the loop is the program's, or another run's: "
                     "use dynsup.net, dynsup.fs and dynsup.http");
}

/* luv calls back on the thread that it was opened on: that must be the main one, whichever code
 * opens it. */
static int luv_loader(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of(L);
    lua_State *main = runtime->L;
    if (runtime->host && runtime->host->owner != DSL_OWNER_RUN && !runtime->host->uv)
        return luaL_error(L, "luv needs an event loop: this host has none");
    if (runtime->is_further)
        check_heap(L, runtime->host);
    if (!runtime->loop)
        runtime->loop = dynsup_uv_loop_new();
    if (!runtime->loop || !lua_checkstack(main, 2))
        return luaL_error(L, "the event loop could not be made");
    lua_pushcfunction(main, luv_load);
    lua_pushlightuserdata(main, runtime);
    int status = lua_pcall(main, 1, 1, 0);
    runtime->has_luv = status == LUA_OK;
    if (main != L)
        lua_xmove(main, L, 1);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* Between the steps of the program's host the program's own code runs; with a loop, it may be the
 * host's code, called back by the loop. */
static bool is_running(const dsl_host *host) {
    return host->owner == DSL_OWNER_RUN || host->whole->busy || host->uv || host->current;
}

static int os_exit(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of(L);
    if (!runtime->host || !is_running(runtime->host)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, 0);
        return 0;
    }
    dsl_check_apart(L, runtime);
    int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
    return dsl_halt(L, runtime->host, code & 0xff);
}

static void os_exit_open(lua_State *L, dsl_runtime *runtime) {
    lua_getglobal(L, "os");
    if (!lua_istable(L, -1) || runtime->os_exit_open) {
        lua_pop(L, 1);
        return;
    }
    runtime->os_exit_open = true;
    lua_pushlightuserdata(L, runtime);
    lua_getfield(L, -2, "exit");
    lua_pushcclosure(L, os_exit, 2);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}

void dsl_luv_open(lua_State *L, dsl_runtime *runtime) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushlightuserdata(L, runtime);
    lua_pushcclosure(L, luv_loader, 1);
    lua_setfield(L, -2, "luv");
    lua_pop(L, 1);
    os_exit_open(L, runtime);
}

void dsl_luv_finish(lua_State *L) {
    dsl_runtime *runtime = dsl_runtime_of_thread(L);
    if (!runtime || !runtime->loop)
        return;
    runtime->finishing = true;
    if (!runtime->loop_is_lent)
        dynsup_uv_loop_finish(runtime->loop);
}

void dsl_luv_close(dsl_runtime *runtime) {
    if (!runtime->loop_is_lent)
        dynsup_uv_loop_free(runtime->loop);
    runtime->loop = NULL;
}
