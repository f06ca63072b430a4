/*
 * The pool of coroutines: finished ones are kept for the next processes.
 *
 * Design notes.
 * Lua begins a collection when a certain amount has been allocated since the last one. A collection
 * visits every coroutine, and finds no garbage while many workers start. So a new coroutine does
 * not count towards that amount: its size is credited. But as many coroutines as were left to the
 * collector do count first, or a program that uses up coroutines would never collect them. The
 * number of those left is reset when a collection has passed, which a weak table shows: it has lost
 * its token.
 */
#include "bindings/process/body.h"

#include "bindings/memory/memory.h"
#include "bindings/protect.h"
#include "core/tiny.h"

#define POOL_FILL    DSI_TINY(8, 1) /* coroutines that are made at once, in a protected call */
#define COROUTINE_KB 1              /* the size of one: its record, its stack, and a call or two */

static void pool_put(dsl_host *host, lua_State *co, uint32_t anchor) {
    host->pool[host->pool_count] = co;
    host->pool_anchors[host->pool_count] = anchor;
    host->pool_count++;
}

lua_State *dsl_pool_take(dsl_host *host, uint32_t *anchor_out) {
    host->pool_count--;
    *anchor_out = host->pool_anchors[host->pool_count];
    return host->pool[host->pool_count];
}

/* Coroutines left before the last collection are no longer garbage. [-0, +0] */
static void left_forget(lua_State *L, dsl_host *host) {
    luaL_checkstack(L, 4, NULL);
    dsl_vault_table_push(L, &host->vault, &host->cycle, "v");
    if (lua_rawgeti(L, -1, 1) == LUA_TNIL) {
        lua_createtable(L, 0, 0);
        lua_rawseti(L, -3, 1);
        host->pool_left = 0;
    }
    lua_pop(L, 2);
}

/* Before `count` coroutines are made, which are not to hasten the collector: in all versions of Lua
 * 5.4 a step of a negative size delays the next collection by that much. [-0, +0] */
static void collector_credit(lua_State *L, dsl_host *host, uint32_t count) {
    left_forget(L, host);
    uint32_t counted = host->pool_left < count ? host->pool_left : count;
    host->pool_left -= counted;
    if (counted < count && lua_gc(L, LUA_GCISRUNNING) == 1)
        lua_gc(L, LUA_GCSTEP, -COROUTINE_KB * (int)(count - counted));
}

/* Makes coroutines, charged to the common account. After an error the rest of the slice is charged
 * to no process. [-0, +0] */
static void pool_make(lua_State *L, dsl_host *host, int count) {
    dsl_memory *memory = host->memory;
    dsl_account *before = dsl_memory_enter(memory, memory ? &memory->common : NULL);
    collector_credit(L, host, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        lua_State *co = lua_newthread(L);
        dsl_vault_reserve(L, &host->vault, 1);
        pool_put(host, co, dsl_vault_put(L, &host->vault));
    }
    dsl_memory_enter(memory, before);
}

void dsl_pool_add(lua_State *L, dsl_host *host) {
    pool_make(L, host, 1);
}

static int pool_fill(lua_State *L) {
    pool_make(L, lua_touserdata(L, 1), POOL_FILL);
    return 0;
}

bool dsl_pool_fill(dsl_host *host) {
    dsl_protect(host->L, pool_fill, host); /* it may have made a few before it failed */
    return host->pool_count > 0;
}

/* An error out of a hook leaves the coroutine with its hooks switched off, for ever. */
static bool is_reusable(const dsl_host *host, const dsl_body *body) {
    if (body->failed && host->runtime->hooked)
        return false;
    return !dsl_body_is_seen(body) && host->pool_count < DSL_POOL_MAX &&
           lua_status(body->co) == LUA_OK && lua_gettop(body->co) == 0;
}

void dsl_pool_return(dsl_host *host, const dsl_body *body) {
    if (is_reusable(host, body)) {
        pool_put(host, body->co, body->anchor);
        return;
    }
    dsl_vault_release(&host->vault, body->anchor);
    host->pool_left++;
}
