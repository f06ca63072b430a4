/* Guests: what start functions and init functions return. */
#include "bindings/process/body.h"

#include "bindings/memory/account.h"
#include "bindings/process/crash.h"
#include "bindings/child/options.h"
#include "bindings/protect.h"
#include "bindings/child/static.h"

#include <string.h>

static dynsup_value value_at(lua_State *L, dsl_host *host, int index, int top) {
    return index <= top ? dsl_value_get(L, host, index) : (dynsup_value){DYNSUP_NIL, {0}};
}

static dynsup_value atom_value(enum dynsup_atom atom) {
    return dynsup_reason_atom(atom).value;
}

static bool is_ignore(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "ignore") == 0;
}

/* The values of a start function, from index 1 of its stack on. */
static void start_outcome(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    if (top > 0 && dsl_is_pid(co, 1)) {
        outcome->pid = (uintptr_t)lua_touserdata(co, 1);
        outcome->values[0] = value_at(co, host, 2, top);
    } else if (top > 0 && (is_ignore(co, 1) || (lua_isnil(co, 1) && top > 1 && is_ignore(co, 2)))) {
        outcome->status = DYNSUP_EIGNORE;
    } else if (top > 1 && lua_isnil(co, 1) && !lua_isnil(co, 2)) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = value_at(co, host, 2, top);
        outcome->values[1] = value_at(co, host, 3, top);
    } else if (top > 0 && lua_toboolean(co, 1)) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = value_at(co, host, 1, top);
    } else {
        outcome->status = DYNSUP_EBAD_RETURN;
    }
}

static bool has_flags(const dsl_options *options) {
    return options->has_strategy && options->has_extra;
}

static void init_bad(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    dsl_vault_reserve(co, &host->vault, 1); /* to read it may have taken slots */
    outcome->status = DYNSUP_EREASON;
    outcome->values[0] = atom_value(DYNSUP_BAD_RETURN);
    outcome->values[1] = value_at(co, host, 1, top);
}

/* Makes a failed outcome of the nil, reason, detail on top, which say what is wrong. */
static void init_wrong(lua_State *co, dsl_host *host, dynsup_outcome *outcome) {
    dsl_vault_reserve(co, &host->vault, 2);
    outcome->status = DYNSUP_EREASON;
    outcome->values[0] = dsl_value_get(co, host, -2);
    outcome->values[1] = dsl_value_get(co, host, -1);
}

/* Is it what supervisor.init makes, for a static one? */
static bool is_static_init(lua_State *co) {
    int top = lua_gettop(co);
    bool is_static = dsl_static_parts(co, 1);
    lua_settop(co, top);
    return is_static;
}

/* What init returned: flags as dynsup.init makes them, "ignore", or something else. */
static void init_outcome(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    dsl_options options;
    if (top > 0 && is_ignore(co, 1)) {
        outcome->status = DYNSUP_EIGNORE;
        return;
    }
    if (top == 0 || !lua_istable(co, 1) || is_static_init(co)) {
        init_bad(co, host, top, outcome);
        return;
    }
    if (dsl_options_read(co, 1, DSL_OPTION_DYNAMIC, &options)) {
        init_wrong(co, host, outcome);
    } else if (!has_flags(&options)) {
        init_bad(co, host, top, outcome);
    } else {
        dsl_options_keep(co, host, &options);
        dynsup_supervisor_configure(host->core, &options.core);
    }
}

/* The same for a static supervisor: children and options, as dynsup.supervisor.init returns them.
 */
static void init_static_outcome(lua_State *co, dsl_host *host, int top, dynsup_outcome *outcome) {
    dsl_static parts;
    if (top > 0 && is_ignore(co, 1)) {
        outcome->status = DYNSUP_EIGNORE;
        return;
    }
    if (top == 0 || !dsl_static_parts(co, 1)) {
        init_bad(co, host, top, outcome);
        return;
    }
    if (dsl_static_read(co, host, -2, -1, DSL_OPTION_STATIC, &parts))
        init_wrong(co, host, outcome);
    else
        dynsup_static_configure(host->core, &parts.options.core, parts.draft);
}

typedef struct guest {
    dsl_body *body;
    int count;
    dynsup_outcome *outcome;
} guest;

/* Runs on the host's thread, but works on the coroutine, whose stack holds the values. */
static int guest_outcome(lua_State *L) {
    guest *g = lua_touserdata(L, 1);
    dsl_host *host = g->body->host;
    luaL_checkstack(L, g->count + 8, NULL);
    dsl_vault_reserve(L, &host->vault, 3);
    lua_xmove(g->body->co, L, g->count);
    lua_remove(L, 1);
    if (g->body->init == DSL_INIT_STATIC)
        init_static_outcome(L, host, g->count, g->outcome);
    else if (g->body->init == DSL_INIT_DYNAMIC)
        init_outcome(L, host, g->count, g->outcome);
    else
        start_outcome(L, host, g->count, g->outcome);
    if (g->outcome->pid)
        dsl_account_hand_on(g->body, g->outcome->pid);
    return 0;
}

/* Treats the error on top of L, from a __pack of the function's results, as an error of the
 * function. [-1, +0] */
static void outcome_failed(lua_State *L, dsl_body *body, int status, dynsup_outcome *outcome) {
    *outcome = (dynsup_outcome){.status = DYNSUP_ENOMEM};
    if (dsl_is_memory_error(L, status) || !lua_checkstack(body->co, 1)) {
        lua_pop(L, 1);
        return;
    }
    lua_xmove(L, body->co, 1);
    outcome->status = DYNSUP_EREASON;
    outcome->values[0] = dsl_crash_reason(body->host, body->co, body, status).value;
}

void dsl_guest_outcome(dsl_body *body, int count, dynsup_outcome *outcome) {
    guest g = {body, count, outcome};
    lua_State *L = body->host->L;
    if (!lua_checkstack(L, 4)) {
        outcome->status = DYNSUP_ENOMEM;
        return;
    }
    lua_pushcfunction(L, guest_outcome);
    lua_pushlightuserdata(L, &g);
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK)
        outcome_failed(L, body, status, outcome);
}
