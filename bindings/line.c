/*
 * Lines of a session: code that runs in a coroutine under a process and can be unwound alone. The C
 * half of dynsup.repl.session.
 *
 * Design notes.
 * A line is the first level of its process's chain of coroutines; whatever it resumes lies above
 * it. To unwind it is not to raise an error in it, which a pcall could catch: its wait is ended,
 * the process gets a slice, and the base, which stands in attempt, closes the levels from the top
 * in place of resuming them. That is what happens at the end of a process, up to the base, and the
 * same holds for the close handlers. What the line waited for belongs to the process, which goes
 * on: so it is given up before.
 * A session traps exits, so that what lines start does not end it: a line that waits for a message
 * would take a halt's for its own. It is unwound.
 */
#include "bindings/process/body.h"
#include "bindings/process/close.h"
#include "bindings/interrupt.h"
#include "bindings/native.h"
#include "bindings/nested.h"
#include "bindings/pending.h"
#include "bindings/process/wait.h"
#include "core/dynsup_look.h"
#include "core/tiny.h"

#include <string.h>

#define PAGE_PLACES DSI_TINY(2048, 3) /* of the process table that one call looks at */

static int attempt_k(lua_State *L, int status, lua_KContext context);

/* Closes the levels, within the time that the handlers of an ending process have. */
static void levels_close(dsl_host *host, dsl_body *body) {
    lua_State *L = host->innermost;
    bool chain_ok = host->chain_ok;
    body->closing = true;
    dsl_close_begin(host);
    dsl_nest_close(host, body);
    body->closing = body->has_line = body->unwinding = false;
    host->innermost = L;
    host->chain_ok = chain_ok;
}

static int traceback(lua_State *L) {
    luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
    return 1;
}

/* Pushes where the coroutine is, or nil without memory. Never raises. [-0, +1] */
static void traceback_push(lua_State *L, lua_State *co) {
    lua_pushcfunction(L, traceback);
    lua_pushlightuserdata(L, co);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        return;
    lua_pop(L, 1);
    lua_pushnil(L);
}

/* The outcome's name is pushed last: that may raise, and the line is over all the same. [-0, +3]
 * "failed", the error, its traceback */
static int line_failed(lua_State *L, dsl_host *host, dsl_body *body) {
    lua_State *co = body->nest->levels[0].co;
    bool halts = lua_touserdata(co, -1) == (const void *)&dsl_halt_sentinel;
    if (lua_checkstack(co, 1)) {
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
    } else {
        lua_pushnil(L);
    }
    int value = lua_gettop(L);
    traceback_push(L, co);
    levels_close(host, body);
    lua_pushstring(L, halts ? "halted" : "failed");
    lua_insert(L, value);
    return 3;
}

/* [-0, +n] "returned", the values */
static int line_returned(lua_State *L, dsl_body *body, int count) {
    lua_State *co = body->nest->levels[0].co;
    body->nest->depth = 0;
    body->has_line = body->unwinding = false;
    if (!lua_checkstack(L, count + 1))
        dsl_error(L, "too many results");
    lua_pushliteral(L, "returned");
    lua_xmove(co, L, count);
    return count + 1;
}

/* Gives up what the line waited for. */
static void wait_give_up(dsl_host *host, const dsl_body *body) {
    if (body->wait == DSL_WAIT_PENDING)
        dsl_pending_abandon(body->nest->levels[0].pending);
    else if (body->wait == DSL_WAIT_CALL)
        dynsup_call_end(host->core, body->nest->levels[0].call);
}

static void exit_reason_push(lua_State *L, dsl_host *host) {
    const dynsup_value *value = &host->exit_reason.value;
    dsl_value_push(L, host, value);
    if (value->kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)value->as.object);
}

/* [-0, +2] "exited" and the reason, or "interrupted" and where */
static int line_unwound(lua_State *L, dsl_host *host, dsl_body *body) {
    bool exits = body->exiting;
    if (exits)
        exit_reason_push(L, host);
    else
        traceback_push(L, body->nest->levels[body->nest->depth - 1].co);
    body->exiting = false;
    wait_give_up(host, body);
    levels_close(host, body);
    lua_pushstring(L, exits ? "exited" : "interrupted");
    lua_insert(L, -2);
    return 2;
}

static int line_run(lua_State *L, dsl_host *host, dsl_body *body, int nargs) {
    int status, count;
    if (dsl_level_run(L, host, body, 0, nargs, &status, &count))
        return lua_yieldk(L, 0, 0, attempt_k);
    if (status == LUA_OK)
        return line_returned(L, body, count);
    if (status != LUA_YIELD)
        return line_failed(L, host, body);
    lua_pop(body->nest->levels[0].co,
            count); /* a yield without a resume gives way, as in a process */
    return dsl_suspend(L, body, DSL_WAIT_NOTHING, 0, attempt_k);
}

static int attempt_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host = dsl_host_or_null(L);
    dsl_body *body = host->current;
    if (body->unwinding || dynsup_is_asked_to_end(host->core))
        return line_unwound(L, host, body);
    return line_run(L, host, body, body->inner == body->nest->levels[0].co ? body->nargs : 0);
}

/* Calls a function as the calling process's line, in a coroutine of its own. Stack: the function,
 * its arguments. */
static int attempt(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_waiter_of(L, &host);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (L != body->co || dsl_body_depth(body) > 0)
        return luaL_error(L, "a line runs already, or this is no process of its own");
    int count = lua_gettop(L);
    lua_State *co = lua_newthread(L);
    lua_insert(L, 1);
    if (!lua_checkstack(co, count))
        return luaL_error(L, "too many arguments");
    dsl_level_push(L, body, co);
    lua_xmove(L, co, count);
    body->has_line = true;
    return line_run(L, host, body, count - 1);
}

/* ---- from the loop ---- */

/* The program's host, which has the session: runs inside a line have hosts of their own, and the
 * loop calls back in those. */
static dsl_host *outermost(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    while (dsl_host_around(host))
        host = dsl_host_around(host);
    return host;
}

static void run_halt(dsl_host *inner, void *ud) {
    (void)ud;
    dynsup_host_halt(inner->core, 0);
}

static void inner_halt(const dsl_host *host) {
    dsl_runs_inside(host, run_halt, NULL);
}

/* Unwinds the line that the process runs; true if there is one. Does nothing for the calling
 * process, which would be the line itself, unless the call is from a run inside it. */
static int interrupt(lua_State *L) {
    dsl_host *host = outermost(L);
    dynsup_process_info info;
    dynsup_pid pid = dsl_check_pid(L, 1);
    bool found = dynsup_process_glance(host->core, pid, &info) && info.ops == &dsl_body_ops;
    dsl_body *body = found ? info.body : NULL;
    bool calls = body == host->current && host == host->runtime->host;
    bool runs = body && body->has_line && !calls;
    if (runs && body->wait != DSL_WAIT_FOREVER) { /* else it has halted the host, or ends */
        body->unwinding = true;
        inner_halt(host);
        dynsup_wait_end(host->core, pid);
    }
    lua_pushboolean(L, runs);
    return 1;
}

/* Is the program's host halted, and with which code? */
static int halting(lua_State *L) {
    const dynsup_host *core = outermost(L)->core;
    lua_pushboolean(L, dynsup_host_halting(core));
    lua_pushinteger(L, dynsup_host_code(core));
    return 2;
}

/* Is the process of the program's host there? */
static int alive(lua_State *L) {
    lua_pushboolean(L, dynsup_is_alive(outermost(L)->core, dsl_check_pid(L, 1)));
    return 1;
}

/* Halts the program's host with this code, and the runs inside it. */
static int halt(lua_State *L) {
    dsl_host *host = outermost(L);
    int code = (int)luaL_checkinteger(L, 1);
    inner_halt(host);
    dynsup_host_halt(host->core, code);
    return 0;
}

/* watch_hangup(): libuv's handler for SIGHUP is in place. From now on SIGHUP ends the program if
 * the loop does not handle it, as when a C function that a line has called does not return. */
static int watch_hangup(lua_State *L) {
    (void)L;
    dsl_interrupt_watch_hangup();
    return 0;
}

/* heard_hangup(): the loop has come to it. */
static int heard_hangup(lua_State *L) {
    (void)L;
    dsl_interrupt_heard_hup();
    return 0;
}

/* ---- names ---- */

static bool begins_with(const dynsup_process_info *info, const char *prefix, size_t length) {
    return info->name && info->name_length >= length && memcmp(info->name, prefix, length) == 0;
}

/* names_page(prefix, cursor, list, limit) -> the next cursor, 0 at the end. Adds the names of
 * processes that begin with the prefix, in no order, to the list, up to its limit; looks at a
 * bounded number of processes. */
static int names_page(lua_State *L) {
    const dsl_host *host = dsl_host_of(L);
    dynsup_process_info info;
    dynsup_pid pids[PAGE_PLACES];
    size_t length;
    const char *prefix = luaL_checklstring(L, 1, &length);
    uint32_t cursor = (uint32_t)luaL_checkinteger(L, 2);
    lua_Integer last = (lua_Integer)lua_rawlen(L, 3), limit = luaL_checkinteger(L, 4);
    size_t count = dynsup_process_page(host->core, &cursor, PAGE_PLACES, pids, PAGE_PLACES);
    for (size_t i = 0; i < count && last < limit; i++) {
        if (!dynsup_process_glance(host->core, pids[i], &info) ||
            !begins_with(&info, prefix, length))
            continue;
        lua_pushlstring(L, info.name, info.name_length);
        lua_rawseti(L, 3, ++last);
    }
    lua_pushinteger(L, cursor);
    return 1;
}

const luaL_Reg dsl_line_functions[] = {{"attempt", attempt},
                                       {"interrupt", interrupt},
                                       {"halting", halting},
                                       {"alive", alive},
                                       {"halt", halt},
                                       {"names_page", names_page},
                                       {"watch_hangup", watch_hangup},
                                       {"heard_hangup", heard_hangup},
                                       {NULL, NULL}};
