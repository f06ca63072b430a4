/*
 * The coroutine library, so that user coroutines inside a process may wait and be preempted.
 *
 * Design notes.
 * When code in a nested coroutine waits, every level up to the process's base yields for the
 * scheduler: resume sees host->switching, and yields itself with resume_k as its continuation.
 * Later the base is resumed, each level's continuation resumes the level above it, and the
 * innermost one gets the values. Between these two moments the coroutines are marked: for other
 * code they are "normal" and cannot be resumed or closed. Outside of a host these functions do what
 * Lua's do.
 */
#include "bindings/process/body.h"

#include "bindings/process/callback.h"
#include "bindings/process/close.h"
#include "bindings/module.h"
#include "bindings/process/preempt.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MIN 4 /* the first room for levels */

static dsl_host *host_here(lua_State *L) {
    return dsl_runtime_of(L)->host;
}

static lua_State *check_co(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

/* ---- the chain ---- */

/* The body's nest, with room for so many levels. Raises without memory, and has changed nothing
 * then. */
static dsl_nest *nest_grow(lua_State *L, dsl_body *body, uint16_t capacity) {
    dsl_nest *nest = realloc(body->nest, sizeof *nest + capacity * sizeof *nest->levels);
    if (!nest)
        dsl_error(L, "not enough memory");
    if (!body->nest)
        memset(nest, 0, sizeof *nest);
    nest->capacity = capacity;
    body->nest = nest;
    return nest;
}

void dsl_level_push(lua_State *L, dsl_body *body, lua_State *co) {
    dsl_nest *nest = body->nest;
    if (!nest || nest->capacity == 0)
        nest = nest_grow(L, body, LEVELS_MIN);
    else if (nest->depth == nest->capacity)
        nest = nest_grow(L, body, (uint16_t)(nest->capacity * 2));
    nest->levels[nest->depth++].co = co;
}

void dsl_nest_close(dsl_host *host, dsl_body *body) {
    while (dsl_body_depth(body) > 0)
        dsl_close_thread(host, body->nest->levels[--body->nest->depth].co);
}

/* The body whose process runs L, or NULL. */
static dsl_body *body_here(lua_State *L, const dsl_host *host) {
    return host && host->current && host->innermost == L ? host->current : NULL;
}

/* ---- resume ---- */

/* Moves what co has yielded or returned to L: the number, or -1 with an error value. */
static int results_move(lua_State *L, lua_State *co, int status, int count) {
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, count + 1)) {
        lua_pop(co, count);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, count);
    return count;
}

static int wrap_results(lua_State *L, lua_State *co, int count);
static int plain_results(lua_State *L, int count);

/* A continuation's context: the level's number and whether it is wrap's. */
static lua_KContext context_of(const dsl_body *body, bool wrap) {
    return (lua_KContext)(body->nest->depth - 1) * 2 + wrap;
}

static int resume_k(lua_State *L, int status, lua_KContext context);

static int resume_done(lua_State *L, lua_State *co, bool wrap, int status, int count) {
    int moved = results_move(L, co, status, count);
    return wrap ? wrap_results(L, co, moved) : plain_results(L, moved);
}

bool dsl_level_run(lua_State *L, dsl_host *host, dsl_body *body, int level, int nargs,
                   int *status_out, int *count_out) {
    lua_State *co = body->nest->levels[level].co;
    bool chain_ok = host->chain_ok;
    host->chain_ok = chain_ok && lua_isyieldable(L);
    host->innermost = co;
    if (body->closing)
        dsl_close_watch(host, co);
    *status_out = lua_resume(co, L, nargs, count_out);
    host->innermost = L;
    host->chain_ok = chain_ok;
    dsl_preempt_left(host, co);
    return *status_out == LUA_YIELD && host->switching;
}

/* Runs a level of the process's chain, which is on top of it. */
static int level_run(lua_State *L, dsl_host *host, dsl_body *body, int nargs,
                     lua_KContext context) {
    int status, count;
    lua_State *co = body->nest->levels[context / 2].co;
    if (dsl_level_run(L, host, body, (int)(context / 2), nargs, &status, &count))
        return lua_yieldk(L, 0, context, resume_k);
    body->nest->depth--;
    return resume_done(L, co, context & 1, status, count);
}

/* The scheduler goes on with the process: this level resumes the one above it. */
static int resume_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    dsl_host *host = host_here(L);
    dsl_body *body = host->current;
    lua_State *co = body->nest->levels[context / 2].co;
    return level_run(L, host, body, body->inner == co ? body->nargs : 0, context);
}

static int resume_refuse(lua_State *L, lua_State *co, bool wrap, const char *why) {
    lua_pushstring(L, why);
    return wrap ? wrap_results(L, co, -1) : plain_results(L, -1);
}

static int outside_resume(lua_State *L, lua_State *co, int nargs, int *count_out) {
    dsl_level user;
    dsl_callback_enter(dsl_runtime_of(L), co, &user);
    int status = lua_resume(co, L, nargs, count_out);
    dsl_callback_leave(&user);
    return status;
}

/* Resumes co with the nargs values on top of L. */
static int resume(lua_State *L, lua_State *co, int nargs, bool wrap) {
    dsl_host *host = host_here(L);
    dsl_body *body = body_here(L, host);
    int count;
    if (dsl_is_marked(co))
        return resume_refuse(L, co, wrap, "cannot resume non-suspended coroutine");
    if (!lua_checkstack(co, nargs))
        return resume_refuse(L, co, wrap, "too many arguments to resume");
    if (!body) {
        dsl_close_watch(host, co);
        lua_xmove(L, co, nargs);
        int status = outside_resume(L, co, nargs, &count);
        return resume_done(L, co, wrap, status, count);
    }
    dsl_level_push(L, body, co);
    lua_xmove(L, co, nargs);
    return level_run(L, host, body, nargs, context_of(body, wrap));
}

/* [.., values] -> true, values; or [.., error] -> false, error */
static int plain_results(lua_State *L, int count) {
    bool ok = count >= 0;
    lua_pushboolean(L, ok);
    lua_insert(L, ok ? -(count + 1) : -2);
    return ok ? count + 1 : 2;
}

/* Closes co. Its handlers cannot be preempted, as a C function cannot, but they can be ended. */
static int outside_close(lua_State *L, lua_State *co) {
    dsl_level user;
    dsl_callback_enter(dsl_runtime_of(L), co, &user);
    int status = dsl_thread_close(co, L);
    dsl_callback_leave(&user);
    return status;
}

static int thread_close(lua_State *L, lua_State *co) {
    dsl_host *host = host_here(L);
    dsl_close_watch(host, co);
    if (!body_here(L, host))
        return outside_close(L, co);
    bool chain_ok = host->chain_ok;
    host->chain_ok = false;
    host->innermost = co;
    int status = dsl_thread_close(co, L);
    host->innermost = L;
    host->chain_ok = chain_ok;
    dsl_preempt_left(host, co);
    return status;
}

/* An error goes on in the caller, with the place it passed through, as Lua's own wrap does it. */
static int wrap_results(lua_State *L, lua_State *co, int count) {
    if (count >= 0)
        return count;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushvalue(L, -1);
        lua_xmove(L, co, 1);
        status = thread_close(L, co);
        if (status != LUA_OK) {
            lua_pop(L, 1);
            lua_xmove(co, L, 1);
        }
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int co_resume(lua_State *L) {
    lua_State *co = check_co(L);
    return resume(L, co, lua_gettop(L) - 1, false);
}

static int co_wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(2));
    luaL_argexpected(L, co, 1, "coroutine"); /* the debug library can take it away */
    return resume(L, co, lua_gettop(L), true);
}

/* ---- the other functions ---- */

static int co_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int co_wrap(lua_State *L) {
    co_create(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, -2);
    lua_pushcclosure(L, co_wrapped, 2);
    return 1;
}

static int co_yield (lua_State *L) {
    dsl_host *host = host_here(L);
    dsl_body *body = body_here(L, host);
    if (!body || body->co != L)
        return lua_yield(L, lua_gettop(L));
    if (!dsl_can_wait(L, host))
        return luaL_error(L, "attempt to yield across a C-call boundary");
    return dsl_suspend(L, body, DSL_WAIT_NOTHING, 0, NULL);
}

static const char *status_of(lua_State *L, lua_State *co) {
    lua_Debug ar;
    if (L == co)
        return "running";
    if (dsl_is_marked(co))
        return "normal";
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK:
        if (lua_getstack(co, 0, &ar))
            return "normal";
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    default:
        return "dead";
    }
}

static int co_status(lua_State *L) {
    lua_pushstring(L, status_of(L, check_co(L)));
    return 1;
}

static int co_isyieldable(lua_State *L) {
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co));
    return 1;
}

static int co_running(lua_State *L) {
    dsl_body *body = body_here(L, host_here(L));
    if (body && body->co == L && !dsl_body_is_seen(body)) {
        dsl_nest *nest = body->nest ? body->nest : nest_grow(L, body, 0);
        nest->base.co = L;
    }
    lua_pushboolean(L, lua_pushthread(L));
    return 2;
}

static int co_close(lua_State *L) {
    lua_State *co = check_co(L);
    const char *status = status_of(L, co);
    if (*status != 's' && *status != 'd')
        return luaL_error(L, "cannot close a %s coroutine", status);
    if (thread_close(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

static const luaL_Reg functions[] = {
    {"create", co_create},   {"resume", co_resume}, {"wrap", co_wrap},
    {"yield", co_yield },    {"status", co_status}, {"isyieldable", co_isyieldable},
    {"running", co_running}, {"close", co_close},   {NULL, NULL},
};

void dsl_coroutine_open(lua_State *L, dsl_runtime *runtime) {
    luaL_requiref(L, LUA_COLIBNAME, luaopen_coroutine, 1);
    lua_pushlightuserdata(L, runtime);
    luaL_setfuncs(L, functions, 1);
    lua_pop(L, 1);
}
