/*
 * luv leaves a loop that goes on without its lua_State: when a further heap is closed, and when a
 * host in the program's loop ends.
 *
 * Design notes.
 * luv's handles and requests point to their lua_State until the loop has called back for the last
 * time. So the state stays until then: its handles are closed, its requests cancelled, and whatever
 * calls back is dropped. What is left is found in the state's registry, where luv keeps each handle
 * and request that the loop has.
 * Where the lua_State is closed before its host, luv's finalizers have run, which close nothing:
 * the registry tells of handles for ever then. One turn of the loop is enough for them.
 */
#include "bindings/heap.h"

#include "bindings/binding.h"

#include <uv.h>

typedef struct leaving {
    int left;     /* handles and requests that the loop has */
    int requests; /* of them */
    bool begins;  /* they are to be closed and cancelled */
} leaving;

/* Stack: 1 the leaving, 2 luv's table of handles' metatables, 3 the metatable of requests, 4 a list
 * of what is left. */
enum { LEAVING = 1, HANDLES, REQUESTS, LIST };

/* Is the value on top one of luv's? Then it is counted. */
static bool is_luvs(lua_State *L, leaving *l) {
    if (lua_type(L, -1) != LUA_TUSERDATA || !lua_getmetatable(L, -1))
        return false;
    bool is_request = lua_rawequal(L, -1, REQUESTS);
    bool is_handle = lua_rawget(L, HANDLES) != LUA_TNIL;
    lua_pop(L, 1);
    l->requests += is_request;
    l->left += is_request || is_handle;
    return is_request || is_handle;
}

static void list_fill(lua_State *L, leaving *l) {
    l->left = l->requests = 0;
    lua_pushnil(L);
    while (lua_next(L, LUA_REGISTRYINDEX)) {
        if (is_luvs(L, l))
            lua_rawseti(L, LIST, l->left);
        else
            lua_pop(L, 1);
    }
}

/* Closes the handle or cancels the request on top; one that is past that raises. [-1, +0] */
static void let_go(lua_State *L) {
    int top = lua_gettop(L);
    lua_getmetatable(L, top);
    const char *method = lua_rawequal(L, -1, REQUESTS) ? "cancel" : "close";
    lua_getfield(L, -1, "__index");
    lua_getfield(L, -1, method);
    lua_pushvalue(L, top);
    lua_pcall(L, 1, 0, 0);
    lua_settop(L, top - 1);
}

static int leave_protected(lua_State *L) {
    leaving *l = lua_touserdata(L, LEAVING);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, "uv_handle");
    luaL_getmetatable(L, "uv_req");
    lua_newtable(L);
    list_fill(L, l);
    for (int i = 1; l->begins && i <= l->left; i++) {
        lua_rawgeti(L, LIST, i);
        let_go(L);
    }
    return 0;
}

bool dsl_heap_luv_left(dsl_heap *heap) {
    dsl_runtime *runtime = heap->face.runtime;
    leaving l = {.begins = !runtime->finishing};
    if (!runtime->has_luv || !runtime->loop_is_lent) /* its own loop ends with it */
        return true;
    runtime->finishing = true;
    return dsl_protect(heap->face.L, leave_protected, &l) == LUA_OK && l.left == 0;
}

/* The first turn brings the ends of the handles; the next ones wait for what threads work on. */
void dsl_luv_leave(dsl_host *host) {
    dsl_runtime *runtime = host->runtime;
    leaving l = {.begins = true};
    if (!runtime->has_luv || !runtime->loop_is_lent || host->outer)
        return;
    runtime->finishing = true;
    while (dsl_protect(host->L, leave_protected, &l) == LUA_OK && (l.begins || l.requests)) {
        uv_run(runtime->loop, l.begins ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        l.begins = false;
    }
    runtime->finishing = false;
}
