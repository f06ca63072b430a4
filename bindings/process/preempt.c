/*
 * Preemption: how a running coroutine is made to give way.
 *
 * Design notes.
 * With a watchdog the hook is set by a signal handler, in the host's own thread, on the innermost
 * running coroutine, and only when a slice has overrun: code that behaves pays nothing. That
 * coroutine's own hook is put back when the hook fires, or earlier if the coroutine is left. A
 * coroutine that is made in between inherits the hook, which removes itself there: that coroutine
 * is not the armed one. The signal may come while Lua counts down to the user's own hook (a read,
 * then a write), which would undo the count that the handler sets: where the user has a hook, the
 * host's waits for a line, not for an instruction. Lua may still call it for an event of the user's
 * hook. Where the running code cannot yield (a sort comparator, a gsub callback), the hook looks
 * again every RETRY_COUNT instructions. With a count hook (virtual clock, embedders) the hook is
 * there from the beginning.
 */
#include "bindings/process/preempt.h"

#include "bindings/memory/account.h"
#include "bindings/signal.h"
#include "bindings/process/slice.h"

#define RETRY_COUNT 1000

static void yield_now(lua_State *L, dsl_host *host) {
    dsl_body *body = host->current;
    body->inner = L;
    body->wait = DSL_WAIT_NOTHING;
    body->nargs = 0;
    host->switching = true;
    lua_yield(L, 0);
}

static void disarm(lua_State *L, dsl_host *host) {
    bool hold = host->hold;
    host->hold = true; /* a half-set hook is not the user's */
    host->armed = NULL;
    lua_sethook(L, host->saved.hook, host->saved.hook_mask, host->saved.hook_count);
    host->hold = hold;
}

void dsl_preempt_over(dsl_host *host, lua_State *co) {
    if (host->armed == co)
        disarm(co, host);
    if (host->exceeded && dsl_slice_unwinds(host))
        dsl_preempt(host); /* the error of one coroutine may be caught by another */
}

static void armed_hook(lua_State *L, lua_Debug *ar) {
    dsl_host *host = dsl_host_of_thread(L);
    if (!host || host->armed != L) {
        lua_sethook(L, NULL, 0, 0); /* inherited */
        return;
    }
    if (!(lua_gethookmask(L) & 1 << ar->event))
        return; /* an event for the user's hook, from before the signal */
    bool exceeds = dsl_slice_exceeds(host);
    if (!dsl_can_wait(L, host)) {
        if (exceeds)
            dsl_slice_unwind(L, host, armed_hook);
        lua_sethook(L, armed_hook, LUA_MASKCOUNT, RETRY_COUNT);
        return;
    }
    disarm(L, host);
    yield_now(L, host);
}

/* On a virtual clock instructions are the time of work. */
static bool slice_is_over(dsl_host *host) {
    if (!host->config->virtual_clock)
        return dynsup_host_slice_over(host->core, host->slice_ns);
    host->whole->counted_ns += (uint64_t)host->slice_count * DSL_INSTRUCTION_NS;
    return true;
}

static void count_hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    dsl_host *host = dsl_host_of_thread(L);
    if (!host)
        return;
    dsl_signals_look(host->whole);
    bool hurries = lua_gethookcount(L) != host->slice_count;
    if (hurries)
        lua_sethook(L, count_hook, LUA_MASKCOUNT, host->slice_count);
    if (!host->current || !(hurries || dsl_account_exceeded(host->current) ||
                            dsl_slice_unwinds(host) || slice_is_over(host)))
        return;
    bool exceeds = dsl_slice_exceeds(host);
    if (dsl_can_wait(L, host))
        yield_now(L, host);
    else if (exceeds)
        dsl_slice_unwind(L, host, count_hook);
}

void dsl_preempt(dsl_host *host) {
    lua_State *L = host->innermost;
    if (!host->current || host->current->closing || !L || host->count_hook)
        return;
    dsl_slice_asked(host);
    if (host->hold || lua_gethook(L) == armed_hook)
        return;
    host->saved.hook = lua_gethook(L);
    host->saved.hook_mask = lua_gethookmask(L);
    host->saved.hook_count = lua_gethookcount(L);
    host->armed = L;
    lua_sethook(L, armed_hook, host->saved.hook ? LUA_MASKLINE : LUA_MASKCOUNT, 1);
}

void dsl_preempt_now(dsl_host *host) {
    lua_State *L = host->innermost;
    if (!host->count_hook)
        dsl_preempt(host);
    else if (host->current && !host->current->closing && L && lua_gethook(L) == count_hook)
        lua_sethook(L, count_hook, LUA_MASKCOUNT, 1);
}

void dsl_hook_begin(dsl_host *host, lua_State *co) {
    if (host->count_hook)
        lua_sethook(co, count_hook, LUA_MASKCOUNT, host->slice_count);
    else if (lua_gethook(co))
        lua_sethook(co, NULL, 0, 0);
}

void dsl_hook_hide(dsl_host *host, lua_State *co) {
    host->hold = true;
    host->runtime->hooked = true;
    if (host->armed == co)
        disarm(co, host); /* the watchdog asks again */
    else if (lua_gethook(co) == count_hook)
        lua_sethook(co, NULL, 0, 0);
}

void dsl_hook_show(dsl_host *host, lua_State *co) {
    if (host->count_hook && !lua_gethook(co))
        dsl_hook_begin(host, co);
    host->hold = false;
}
