/* Coroutines in stock: those that have come to their end wait for the next process. */
#include "bindings/binding.h"

#include "bindings/memory.h"
#include "core/tiny.h"

#define POOL_FILL DSI_TINY(8, 1) /* coroutines that are made at once, in a protected call */

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

/* A new coroutine on top, for whoever will run in it. After an error the rest of the slice is
 * debited to nobody. [-0, +1] */
static lua_State *thread_make(lua_State *L, const dsl_host *host) {
    dsl_memory *memory = host->memory;
    dsl_account *before = dsl_memory_enter(memory, memory ? &memory->common : NULL);
    lua_State *co = lua_newthread(L);
    dsl_memory_enter(memory, before);
    return co;
}

void dsl_pool_add(lua_State *L, dsl_host *host) {
    lua_State *co = thread_make(L, host);
    dsl_vault_reserve(L, &host->vault, 1);
    pool_put(host, co, dsl_vault_put(L, &host->vault));
}

static int pool_fill(lua_State *L) {
    dsl_host *host = lua_touserdata(L, 1);
    for (int i = 0; i < POOL_FILL; i++)
        dsl_pool_add(L, host);
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
    return !body->base && host->pool_count < DSL_POOL_MAX && lua_status(body->co) == LUA_OK &&
           lua_gettop(body->co) == 0;
}

void dsl_pool_return(dsl_host *host, const dsl_body *body) {
    if (is_reusable(host, body))
        pool_put(host, body->co, body->anchor);
    else
        dsl_vault_release(&host->vault, body->anchor);
}
