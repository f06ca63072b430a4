/* Waiting: sleep, yield, await, ready and halt; and the table that each process has. */
#include "bindings/process/wait.h"

#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/module.h"
#include "bindings/native.h"
#include "bindings/server/server.h"
#include "bindings/service.h"

#include <math.h>

#define DRY_YIELD_MS 10 /* that giving way takes in a dry run */

static int wait_for(lua_State *L, dsl_host *host, double ms) {
    dynsup_wait_time(host->core, dsl_time_in(host, ms));
    return dsl_suspend(L, host->current, DSL_WAIT_TIME, 0, NULL);
}

static int give_way(lua_State *L, dsl_host *host) {
    if (host->config->dry)
        return wait_for(L, host, DRY_YIELD_MS);
    return dsl_suspend(L, host->current, DSL_WAIT_NOTHING, 0, NULL);
}

static int sleep_ms(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 0, 1);
    double ms = dsl_check_ms(L, 1);
    dsl_waiter_of(L, &host);
    return ms == 0 ? give_way(L, host) : wait_for(L, host, ms);
}

static int yield(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 0, 0);
    dsl_waiter_of(L, &host);
    return give_way(L, host);
}

/* ---- await ---- */

/*
 * resume is a closure with the runtime, the number of its run, the process, the key it waits with,
 * and a box. When resume is called before the process waits, the values stay in the box:
 * { n = count, ... }. In another run of the state the pid and the key mean something else.
 */
enum { RESUME_RUNTIME = 1, RESUME_RUN, RESUME_PID, RESUME_KEY, RESUME_BOX };

static int resume_box(lua_State *L, int count) {
    lua_pushvalue(L, lua_upvalueindex(RESUME_BOX));
    if (lua_getfield(L, -1, "n") != LUA_TNIL) /* it was resumed before */
        return 0;
    lua_pop(L, 1);
    lua_insert(L, 1);
    for (int i = count; i > 0; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 0;
}

static int await_resume(lua_State *L) {
    dsl_host *host = dsl_host_or_null(L);
    int count = lua_gettop(L);
    uint64_t run = (uint64_t)lua_tointeger(L, lua_upvalueindex(RESUME_RUN));
    if (!host || host->number != run)
        return 0;
    dynsup_pid pid = (uintptr_t)lua_touserdata(L, lua_upvalueindex(RESUME_PID));
    uint64_t key = (uint64_t)lua_tointeger(L, lua_upvalueindex(RESUME_KEY));
    dsl_body *body = dynsup_waiter(host->core, pid, key);
    if (!body)
        return resume_box(L, count);
    if (!lua_checkstack(body->inner, count))
        return luaL_error(L, "too many values to resume with");
    lua_xmove(L, body->inner, count);
    body->nargs = count;
    dynsup_wake(host->core, pid, key);
    return 0;
}

/* Stack of await: 1 function, 2 ms, 3 deadline, 4 key, 5 box. */
enum { AWAIT_FUNCTION = 1, AWAIT_MS, AWAIT_DEADLINE, AWAIT_KEY, AWAIT_BOX };

static void push_resume(lua_State *L, dsl_host *host, uint64_t key) {
    lua_pushlightuserdata(L, host->runtime);
    lua_pushinteger(L, (lua_Integer)host->number);
    dsl_id_push(L, dynsup_self(host->core));
    lua_pushinteger(L, (lua_Integer)key);
    lua_pushvalue(L, AWAIT_BOX);
    lua_pushcclosure(L, await_resume, RESUME_BOX);
}

static int unpack_box(lua_State *L, int count) {
    luaL_checkstack(L, count, "too many values to resume with");
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, AWAIT_BOX, i);
    return count;
}

static int await_called_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host;
    dsl_body *body = dsl_waiter_of(L, &host);
    if (lua_getfield(L, AWAIT_BOX, "n") != LUA_TNIL)
        return unpack_box(L, (int)lua_tointeger(L, -1));
    lua_Integer deadline = lua_tointeger(L, AWAIT_DEADLINE);
    dynsup_wait_key(host->core, (uint64_t)lua_tointeger(L, AWAIT_KEY),
                    deadline < 0 ? DYNSUP_NEVER : (uint64_t)deadline);
    return dsl_suspend(L, body, DSL_WAIT_VALUES, 0, NULL);
}

static int await(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 1, 2);
    luaL_checktype(L, AWAIT_FUNCTION, LUA_TFUNCTION);
    uint64_t deadline = dsl_check_deadline(L, host, AWAIT_MS);
    dsl_waiter_of(L, &host);
    uint64_t key = dynsup_key_new(host->core);
    lua_settop(L, AWAIT_MS);
    lua_pushinteger(L, deadline == DYNSUP_NEVER ? -1 : (lua_Integer)deadline);
    lua_pushinteger(L, (lua_Integer)key);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, AWAIT_FUNCTION);
    push_resume(L, host, key);
    lua_callk(L, 1, 0, 0, await_called_k);
    return await_called_k(L, LUA_OK, 0);
}

int dsl_check_wait(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_waiter_of(L, &host);
    return 0;
}

/* ---- ready, halt, dict, now ---- */

static int ready(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 0, 1);
    lua_settop(L, 1);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_value info = dsl_value_get(L, host, 1);
    dynsup_ready(host->core, &info);
    if (host->current->is_main)
        dsl_service_ready(host);
    lua_pushboolean(L, 1);
    return 1;
}

int dsl_halt(lua_State *L, dsl_host *host, int code) {
    bool old;
    if (host->config->dry)
        dsl_dry_halt(L, host, code);
    dynsup_host_halt(host->core, code);
    if (!dsl_can_wait(L, host)) {
        lua_pushlightuserdata(L, (void *)&dsl_halt_sentinel);
        return lua_error(L);
    }
    if (dynsup_is_asked_to_end(host->core)) /* the process traps exits: it is not asked again */
        return dsl_body_exit(L, host->current, dynsup_reason_atom(DYNSUP_SHUTDOWN));
    dynsup_trap_exit(host->core, false, &old); /* the process waits only for its end */
    dynsup_wait_time(host->core, DYNSUP_NEVER);
    return dsl_suspend(L, host->current, DSL_WAIT_FOREVER, 0, NULL);
}

static int halt(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 0, 1);
    lua_Integer code = luaL_optinteger(L, 1, 0);
    luaL_argcheck(L, code >= 0 && code <= 255, 1, "an exit code is a number from 0 to 255");
    return dsl_halt(L, host, (int)code);
}

/* The slot of the table that the guests of a supervisor share, in the heap of the first guest that
 * asked; 0: there is none in this heap. */
static uint32_t shared_dict(const dsl_host *host) {
    uint64_t object = dynsup_guest_belonging(host->core);
    return object && dsl_object_is_own(host, object) ? (uint32_t)object : 0;
}

/* The slot of the process's table; 0: it has none yet. */
static uint32_t dict_find(dsl_body *body) {
    uint32_t slot = *dsl_body_dict(body);
    return slot == 0 && body->is_guest ? shared_dict(body->host) : slot;
}

/* Keeps the table on top for the process: a guest comes and goes, its supervisor stays. [-1, +0] */
static uint32_t dict_keep(lua_State *L, dsl_body *body) {
    dsl_host *host = body->host;
    uint32_t slot = dsl_vault_put(L, &host->vault);
    if (body->is_guest && !dynsup_guest_belonging(host->core))
        dynsup_guest_belonging_set(host->core, host->heap_base | slot);
    else
        *dsl_body_dict(body) = slot;
    return slot;
}

static int dict(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    dsl_check_count(L, 0, 0);
    uint32_t slot = dict_find(body);
    if (slot == 0) {
        lua_newtable(L);
        dsl_vault_reserve(L, &host->vault, 1);
        slot = dict_find(body); /* a finalizer may have asked meanwhile */
        slot = slot ? slot : dict_keep(L, body);
    }
    dsl_vault_push(L, &host->vault, slot);
    return 1;
}

static int now(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 0, 0);
    lua_pushnumber(L, (double)dynsup_now(host->core) / 1e6);
    return 1;
}

const char dsl_halt_sentinel;

const luaL_Reg dsl_wait_functions[] = {
    {"sleep", sleep_ms}, {"yield", yield}, {"await", await}, {"ready", ready},
    {"halt", halt},      {"dict", dict},   {"now", now},     {NULL, NULL},
};
