/*
 * luv leaves a loop that goes on without its lua_State: when a further heap is closed, and when a
 * host in the program's loop ends.
 *
 * Design notes.
 * luv's handles and requests point to their lua_State until the loop has called back for the last
 * time. So the state stays until then: its handles are closed, its requests cancelled, and
 * callbacks are dropped. Those still left are found in the state's registry, where luv keeps each
 * handle and request that the loop has.
 * A request whose function has failed stays there for ever without being in the loop: so requests
 * are not waited for when the loop has none at all. A poll of a file ends some turns after it was
 * closed, so the loop turns as long as anything changes.
 */
#include "bindings/heap/heap.h"

#include "bindings/binding.h"
#include "bindings/memory/lua_state.h"
#include "bindings/protect.h"

#include <uv.h>

#define TURNS_IDLE 4 /* in which nothing ends: what is left never does */

typedef struct leaving {
    int handles, requests; /* that the loop has */
    bool begins;           /* they are to be closed and cancelled */
} leaving;

/* Stack: 1 the leaving, 2 luv's table of handles' metatables, 3 a table of those of requests, 4 a
 * list of what is to be closed or cancelled. */
enum { LEAVING = 1, HANDLES, REQUESTS, LIST };

/* Scans of folders, by their names in luv's versions: not cancelled, as they may be over. */
static const char *const kept_requests[] = {"uv_fs", "uv_fs_scandir"};

static void requests_push(lua_State *L) {
    lua_newtable(L);
    luaL_getmetatable(L, "uv_req");
    lua_pushboolean(L, 1); /* to be cancelled */
    lua_rawset(L, -3);
    for (size_t i = 0; i < sizeof kept_requests / sizeof kept_requests[0]; i++) {
        if (luaL_getmetatable(L, kept_requests[i]) == LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushboolean(L, 0);
        lua_rawset(L, -3);
    }
}

/* Counts the value on top if it is one of luv's. True: it is to be closed or cancelled. */
static bool is_to_go(lua_State *L, leaving *l) {
    if (lua_type(L, -1) != LUA_TUSERDATA || !lua_getmetatable(L, -1))
        return false;
    lua_pushvalue(L, -1);
    bool is_request = lua_rawget(L, REQUESTS) == LUA_TBOOLEAN;
    bool is_cancelled = is_request && lua_toboolean(L, -1);
    lua_pop(L, 1);
    bool is_handle = lua_rawget(L, HANDLES) != LUA_TNIL;
    lua_pop(L, 1);
    l->requests += is_request;
    l->handles += is_handle;
    return is_handle || is_cancelled;
}

static int list_fill(lua_State *L, leaving *l) {
    int count = 0;
    l->handles = l->requests = 0;
    lua_pushnil(L);
    while (lua_next(L, LUA_REGISTRYINDEX)) {
        if (is_to_go(L, l))
            lua_rawseti(L, LIST, ++count);
        else
            lua_pop(L, 1);
    }
    return count;
}

/* Closes the handle or cancels the request on top. Raises if it is too late for that. [-1, +0] */
static void let_go(lua_State *L) {
    int top = lua_gettop(L);
    lua_getmetatable(L, top);
    lua_pushvalue(L, -1);
    const char *method = lua_rawget(L, REQUESTS) == LUA_TBOOLEAN ? "cancel" : "close";
    lua_pop(L, 1);
    lua_getfield(L, -1, "__index");
    lua_getfield(L, -1, method);
    lua_pushvalue(L, top);
    lua_pcall(L, 1, 0, 0);
    lua_settop(L, top - 1);
}

static int leave_protected(lua_State *L) {
    leaving *l = lua_touserdata(L, LEAVING);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, "uv_handle");
    requests_push(L);
    lua_newtable(L);
    int count = list_fill(L, l);
    for (int i = 1; l->begins && i <= count; i++) {
        lua_rawgeti(L, LIST, i);
        let_go(L);
    }
    return 0;
}

static bool has_requests(const dsl_runtime *runtime, const leaving *l) {
    return l->requests > 0 && runtime->loop->active_reqs.count > 0;
}

bool dsl_heap_luv_left(dsl_heap *heap) {
    dsl_runtime *runtime = heap->face.runtime;
    leaving l = {.begins = !runtime->finishing};
    if (!runtime->has_luv || !runtime->loop_is_lent) /* the host's own loop ends with it */
        return true;
    runtime->finishing = true;
    return dsl_protect(heap->face.L, leave_protected, &l) == LUA_OK && l.handles == 0 &&
           !has_requests(runtime, &l);
}

void dsl_luv_leave(dsl_host *host) {
    dsl_runtime *runtime = host->runtime;
    leaving l = {.begins = true};
    if (!runtime->has_luv || !runtime->loop_is_lent || host->outer)
        return;
    runtime->finishing = true;
    for (int idle = 0, left = -1; idle < TURNS_IDLE; idle++) {
        if (dsl_protect(host->L, leave_protected, &l) != LUA_OK)
            break; /* without memory */
        bool waits = has_requests(runtime, &l);
        if (waits || l.handles != left)
            idle = 0;
        if (!l.begins && !waits && l.handles == 0)
            break;
        left = l.handles;
        l.begins = false;
        uv_run(runtime->loop, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
    runtime->finishing = false;
}
