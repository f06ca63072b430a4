/*
 * The C half of dynsup.reloading and its parts: which children run a module's code, their renewal,
 * the new fields of its table, and agents in other heaps.
 */
#include "bindings/heap/heap.h"
#include "bindings/log/log.h"
#include "bindings/observe/look.h"
#include "bindings/native.h"
#include "bindings/process/process.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"
#include "bindings/child/request.h"

/* check(): raises where the caller cannot wait for children that are restarted. */
static int check(lua_State *L) {
    dsl_host *host;
    if (dsl_waiter_of(L, &host)->is_guest)
        dsl_error(L, "a start function cannot reload: its supervisor waits for it");
    return 0;
}

/* is_lua(f): is there code that could have changed? */
static int is_lua(lua_State *L) {
    lua_pushboolean(L, !lua_iscfunction(L, 1));
    return 1;
}

/* ---- children ---- */

/* supervisors() -> a list of their pids, in the order of their start */
static int supervisors(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid pid = 0;
    lua_newtable(L);
    for (lua_Integer i = 1; (pid = dynsup_supervisor_next(host->core, pid)); i++) {
        dsl_id_push(L, pid);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* Pushes name or false, ref, the incarnation that has (or may have) the old code, and pid or nil.
 * [-0, +4] */
static int push_child(lua_State *L, const dynsup_child_info *child) {
    luaL_checkstack(L, 4, NULL);
    if (!dsl_program_name_push(L, dsl_host_of(L), child))
        lua_pushboolean(L, false);
    dsl_id_push(L, child->ref);
    lua_pushinteger(L, (lua_Integer)child->incarnation + child->has_guest);
    if (child->pid)
        dsl_id_push(L, child->pid);
    else
        lua_pushnil(L);
    return 4;
}

/* children(supervisor) -> a cursor, or nil: it has ended */
static int children(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_counts counts;
    dynsup_pid pid = dsl_check_pid(L, 1);
    if (dynsup_count_children(host->core, pid, &counts))
        return 0;
    dsl_cursor_push(L, host, pid);
    return 1;
}

/* next_child(cursor) -> as push_child; nothing at the end */
static int next_child(lua_State *L) {
    dynsup_child_info child;
    return dsl_cursor_next(L, 1, &child) ? push_child(L, &child) : 0;
}

/* child_to_be(supervisor) -> the same for the child whose start function runs, if there is one */
static int child_to_be(lua_State *L) {
    dynsup_child_info child;
    bool there = dynsup_child_to_be(dsl_host_of(L)->core, dsl_check_pid(L, 1), &child);
    return there ? push_child(L, &child) : 0;
}

/* A process that is being started by the child's supervisor does not wait for the renewal, which
 * comes once that start is done. */
static int renew(lua_State *L, bool may_wait, lua_KFunction k) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dynsup_ref ref = (uintptr_t)lua_touserdata(L, 1);
    dynsup_renew_child(host->core, ref, (uint32_t)lua_tointeger(L, 2), may_wait, &reply);
    if (may_wait && reply.status == DYNSUP_ECALLS_ITSELF)
        reply.status = 0;
    return dsl_reply_to(L, host, &reply, 0, k);
}

/* tell(ref, incarnation): requests its renewal; true, or nil, reason */
static int tell(lua_State *L) {
    return renew(L, false, dsl_done_k);
}

/* await(ref, incarnation) -> true once it is renewed, or if that cannot be waited for; nil, reason
 */
static int await(lua_State *L) {
    return renew(L, true, dsl_done_k);
}

/* log(module, restarted, failed): what was done, for the log */
static int log_done(lua_State *L) {
    dsl_log(dsl_host_of(L), DYNSUP_LEVEL_INFO,
            "module '%s' has new code; children restarted: %d, not yet: %d", luaL_checkstring(L, 1),
            (int)lua_tointeger(L, 2), (int)lua_tointeger(L, 3));
    return 0;
}

/* ---- the module's table ---- */

/* The stack of replace. */
enum { OLD = 1, NEW, ADDED, KEY, VALUE };

/* Adds the new table's keys to the old one; after that nothing needs memory. Additions are noted
 * first, so that they can be undone. */
static int keys_add(lua_State *L) {
    lua_settop(L, ADDED);
    lua_pushnil(L);
    while (lua_next(L, NEW)) {
        lua_pushvalue(L, KEY);
        bool is_new = lua_rawget(L, OLD) == LUA_TNIL;
        lua_settop(L, VALUE);
        if (is_new) {
            lua_pushvalue(L, KEY);
            lua_rawseti(L, ADDED, (lua_Integer)lua_rawlen(L, ADDED) + 1);
            lua_pushvalue(L, KEY);
            lua_pushvalue(L, VALUE);
            lua_rawset(L, OLD);
        }
        lua_settop(L, KEY);
    }
    return 0;
}

static int keys_remove(lua_State *L) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, ADDED);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, ADDED, i);
        lua_pushnil(L);
        lua_rawset(L, OLD);
    }
    return 0;
}

/* Sets each field of the old table to that of the new one, or to nil. */
static void fields_set(lua_State *L) {
    lua_settop(L, ADDED);
    lua_pushnil(L);
    while (lua_next(L, OLD)) {
        lua_settop(L, KEY);
        lua_pushvalue(L, KEY);
        lua_pushvalue(L, KEY);
        lua_rawget(L, NEW);
        lua_rawset(L, OLD);
    }
}

/* replace(old, new): gives the old table exactly the new one's fields and metatable; at once or,
 * without memory, not at all. */
static int replace(lua_State *L) {
    lua_settop(L, NEW);
    luaL_checkstack(L, 10, NULL);
    lua_newtable(L);
    lua_pushcfunction(L, keys_remove);
    lua_pushcfunction(L, keys_add);
    for (int i = OLD; i <= ADDED; i++)
        lua_pushvalue(L, i);
    if (lua_pcall(L, ADDED, 0, 0) != LUA_OK) {
        lua_insert(L, KEY);
        for (int i = OLD; i <= ADDED; i++)
            lua_pushvalue(L, i);
        lua_call(L, ADDED, 0);
        lua_settop(L, KEY);
        return lua_error(L);
    }
    fields_set(L);
    if (!lua_getmetatable(L, NEW))
        lua_pushnil(L);
    if (lua_rawequal(L, -1, NEW))
        lua_pushvalue(L, OLD);
    lua_setmetatable(L, OLD);
    return 0;
}

/* ---- other heaps ---- */

#define AGENT "dynsup.reloading_heaps:serve"

typedef struct spawning {
    dsl_host *face;
    const char *module;
    size_t length;
    dynsup_pid to, pid;
} spawning;

/* In the other heap. */
static int spawn_protected(lua_State *L) {
    spawning *s = lua_touserdata(L, 1);
    lua_pushliteral(L, AGENT);
    lua_pushlstring(L, s->module, s->length);
    dsl_id_push(L, s->to);
    s->pid = dsl_process_spawn(L, s->face, 2, 2, false);
    return 0;
}

/* The face of the open heap with this number, or NULL. */
static dsl_host *face_at(dsl_host *whole, lua_Integer number) {
    if (number == 0)
        return whole;
    dsl_heap *heap = dsl_heap_at(whole, (uint32_t)number);
    return heap && heap->state == DSL_HEAP_OPEN ? &heap->face : NULL;
}

/* spawn_agent(heap, module) -> the pid of a process in that heap that reloads the module for the
 * calling one; or nil: the heap is lost or closed */
static int spawn_agent(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    spawning s = {.face = face_at(host->whole, luaL_checkinteger(L, 1))};
    s.module = luaL_checklstring(L, 2, &s.length);
    s.to = dynsup_self(host->core);
    if (!s.face)
        return 0;
    if (dsl_protect(s.face->L, spawn_protected, &s) != LUA_OK)
        return luaL_error(L, "not enough memory");
    dsl_id_push(L, s.pid);
    return 1;
}

const luaL_Reg dsl_reload_functions[] = {
    {"check", check},
    {"is_lua", is_lua},
    {"supervisors", supervisors},
    {"children", children},
    {"next_child", next_child},
    {"child_to_be", child_to_be},
    {"tell", tell},
    {"await", await},
    {"log", log_done},
    {"replace", replace},
    {"spawn_agent", spawn_agent},
    {NULL, NULL},
};
