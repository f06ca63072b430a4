/*
 * Preemption: how a running coroutine is made to give way, and close handlers to come to an end.
 *
 * Design notes.
 * With a watchdog the hook is set by a signal handler, in the host's own thread, on the innermost
 * running coroutine, and only when a slice has overrun: code that behaves pays nothing. What was
 * that coroutine's hook is put back when the hook fires, or when the coroutine is left before that.
 * A coroutine that is made in between inherits the hook; there it finds that it is not the armed
 * one and takes itself away. The signal may come while Lua counts down to the user's own hook (a
 * read, then a write), which would undo the count that the handler sets: where the user has a hook,
 * the host's waits for a line, not for an instruction. Lua may then still call it for the event of
 * the user's. Where the running code cannot yield (a sort comparator, a gsub callback), the hook
 * looks again every RETRY_COUNT instructions. With a count hook (virtual clock, embedders) the hook
 * is there from the beginning.
 */
#include "bindings/binding.h"

#include "bindings/account.h"
#include "bindings/callback.h"
#include "bindings/signal.h"
#include "bindings/slice.h"

#define RETRY_COUNT 1000
#define CLOSE_COUNT 1000 /* instructions between two looks at the time of close handlers */
#define CLOSE_MS    10
#define CLOSE_LOOKS 1000 /* the same on a virtual clock: a million instructions */

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
        return; /* of the user's hook, from before the signal */
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

/* ---- debug.sethook and debug.gethook ---- */

bool dsl_is_closing(const dsl_host *host) {
    return host->current ? host->current->closing : host->releasing;
}

/* Takes the host's hook away from co. */
static void hook_hide(dsl_host *host, lua_State *co) {
    host->hold = true;
    host->runtime->hooked = true;
    if (host->armed == co)
        disarm(co, host); /* the watchdog asks again */
    else if (lua_gethook(co) == count_hook)
        lua_sethook(co, NULL, 0, 0);
}

static void hook_show(dsl_host *host, lua_State *co) {
    if (host->count_hook && !lua_gethook(co))
        dsl_hook_begin(host, co);
    host->hold = false;
}

/* Lua's own function (second upvalue), while no hook but the user's is in place. */
static int with_user_hook(lua_State *L) {
    dsl_host *host = dsl_runtime_of(L)->host;
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    if (host && dsl_is_closing(host))
        return luaL_error(L, "not possible here: the process is ending");
    if (dsl_in_callback(dsl_runtime_of(L)))
        return luaL_error(L, "not possible here: the hook is the callback's, which has a second");
    if (dsl_is_marked(co))
        return luaL_error(L, "the coroutine is not suspended: its process waits in it");
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    if (host)
        hook_hide(host, co);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (host)
        hook_show(host, co);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static void debug_wrap(lua_State *L, dsl_runtime *runtime, const char *name) {
    if (lua_getfield(L, -1, name) != LUA_TFUNCTION || lua_tocfunction(L, -1) == with_user_hook) {
        lua_pop(L, 1);
        return;
    }
    lua_pushlightuserdata(L, runtime);
    lua_insert(L, -2);
    lua_pushcclosure(L, with_user_hook, 2);
    lua_setfield(L, -2, name);
}

void dsl_debug_open(lua_State *L, dsl_runtime *runtime) {
    if (lua_getglobal(L, LUA_DBLIBNAME) == LUA_TTABLE) {
        debug_wrap(L, runtime, "sethook");
        debug_wrap(L, runtime, "gethook");
    }
    lua_pop(L, 1);
}

/* ---- close handlers ---- */

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
        dsl_hook_begin(host, L); /* a coroutine that a close handler has run goes on elsewhere */
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

/* A copy of the error on top of co, on the stack of who called run. */
static void error_keep(dsl_host *host, lua_State *co) {
    lua_pushvalue(co, -1);
    lua_xmove(co, host->L, 1);
}

/* Is the error on top of co another one than the kept one? [host->L: -1] */
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
