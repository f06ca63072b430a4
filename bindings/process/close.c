/* The close handlers of an ending process, and the time limit that brings them to an end. */
#include "bindings/process/close.h"

#include "bindings/log/log.h"
#include "bindings/process/preempt.h"
#include "bindings/process/wait.h"

#define CLOSE_COUNT 1000 /* instructions between two looks at the time */
#define CLOSE_MS    10
#define CLOSE_LOOKS 1000 /* the limit on a virtual clock: a million instructions */

bool dsl_is_closing(const dsl_host *host) {
    return host->current ? host->current->closing : host->releasing;
}

static bool close_time_is_over(dsl_host *host) {
    if (host->config->virtual_clock)
        return host->close_left == 0 || --host->close_left == 0;
    uint64_t now_ns = dsl_real_now();
    if (host->close_deadline_ns == 0)
        host->close_deadline_ns = now_ns + CLOSE_MS * UINT64_C(1000000);
    return now_ns > host->close_deadline_ns;
}

static void close_hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    dsl_host *host = dsl_host_of_thread(L);
    if (!host)
        return;
    if (!dsl_is_closing(host)) {
        dsl_hook_begin(host, L); /* a coroutine that a close handler ran goes on elsewhere */
        return;
    }
    if (!host->close_over && !close_time_is_over(host))
        return;
    host->close_over = true;
    lua_sethook(L, close_hook, LUA_MASKCOUNT, 1);
    dsl_error(L, "the close handlers of an ending process took longer than %d ms", CLOSE_MS);
}

static void close_watch(dsl_host *host, lua_State *co) {
    lua_sethook(co, close_hook, LUA_MASKCOUNT, host->close_over ? 1 : CLOSE_COUNT);
}

void dsl_close_watch(dsl_host *host, lua_State *co) {
    if (host && dsl_is_closing(host))
        close_watch(host, co);
}

void dsl_close_begin(dsl_host *host) {
    host->close_over = false;
    host->close_left = CLOSE_LOOKS;
    host->close_deadline_ns = 0; /* the first look sets it: most have no handlers */
}

/* Pushes a copy of the error on top of co on host->L. */
static void error_keep(dsl_host *host, lua_State *co) {
    lua_pushvalue(co, -1);
    lua_xmove(co, host->L, 1);
}

/* Is the error on top of co a different one from the kept one? [host->L: -1] */
static bool error_is_new(dsl_host *host, lua_State *co) {
    lua_State *L = host->L;
    error_keep(host, co);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return !same;
}

static void close_failed(dsl_host *host, lua_State *co) {
    if (lua_touserdata(co, -1) == (const void *)&dsl_halt_sentinel)
        return;
    char text[DSL_DESCRIPTION_SIZE];
    dsl_description_write(co, -1, text, sizeof text);
    dsl_log(host, DYNSUP_LEVEL_ERROR, "error in a close handler of an ending process: %s", text);
}

void dsl_close_thread(dsl_host *host, lua_State *co) {
    bool failed_before =
        lua_status(co) > LUA_YIELD && lua_checkstack(co, 1) && lua_checkstack(host->L, 2);
    if (failed_before)
        error_keep(host, co);
    close_watch(host, co);
    host->innermost = co;
    host->chain_ok = false;
    int status = dsl_thread_close(co, host->L);
    if (failed_before ? error_is_new(host, co) : status != LUA_OK)
        close_failed(host, co);
    lua_sethook(co, NULL, 0, 0);
    lua_settop(co, 0);
}

bool dsl_close_call(dsl_host *host, int nargs) {
    lua_State *L = host->L;
    dsl_level user = {.co = L,
                      .hook = lua_gethook(L),
                      .hook_mask = lua_gethookmask(L),
                      .hook_count = lua_gethookcount(L)};
    host->releasing = true;
    close_watch(host, L);
    int status = lua_pcall(L, nargs, 0, 0);
    host->releasing = false;
    lua_sethook(L, user.hook, user.hook_mask, user.hook_count);
    if (status != LUA_OK) {
        close_failed(host, L);
        lua_pop(L, 1);
    }
    return status == LUA_OK;
}
