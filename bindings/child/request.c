/* Requests to supervisors: how their replies come back, at once or later. */
#include "bindings/child/request.h"

#include "bindings/process/body.h"

static void push_moved(lua_State *L, dsl_host *host, const dynsup_value *value) {
    dsl_value_push(L, host, value);
    dsl_value_release(host, value);
}

void dsl_reply_push(lua_State *L, dsl_host *host, const dynsup_reply *reply) {
    lua_checkstack(L, DSL_REPLY_VALUES + 3);
    lua_pushinteger(L, reply->status);
    if (reply->pid)
        dsl_id_push(L, reply->pid);
    else
        lua_pushnil(L);
    lua_pushboolean(L, reply->existing);
    for (int i = 0; i < DYNSUP_REPLY_VALUES; i++)
        push_moved(L, host, &reply->values[i]);
}

dsl_raw_reply dsl_raw_get(lua_State *L) {
    int base = lua_gettop(L) - DSL_REPLY_VALUES + 1;
    return (dsl_raw_reply){base, (int)lua_tointeger(L, base + DSL_RAW_STATUS)};
}

int dsl_refuse(lua_State *L, dsl_host *host, const dynsup_reply *reply) {
    dsl_check_status(L, reply->status);
    lua_pushnil(L);
    lua_pushstring(L, dynsup_atom_text((enum dynsup_atom) - reply->status));
    if (reply->status != DYNSUP_EALREADY_STARTED)
        return 2;
    if (reply->values[0].kind != DYNSUP_NIL)
        dsl_value_push(L, host, &reply->values[0]);
    else if (reply->pid)
        dsl_id_push(L, reply->pid);
    else
        lua_pushliteral(L, "restarting");
    return 3;
}

int dsl_push_failure(lua_State *L, dsl_raw_reply raw) {
    dsl_check_status(L, raw.status);
    lua_pushnil(L);
    if (raw.status == DYNSUP_EREASON) {
        lua_pushvalue(L, raw.base + DSL_RAW_VALUE);
        lua_pushvalue(L, raw.base + DSL_RAW_DETAIL);
        return lua_isnil(L, -1) ? (lua_pop(L, 1), 2) : 3;
    }
    lua_pushstring(L, dynsup_atom_text((enum dynsup_atom) - raw.status));
    if (raw.status != DYNSUP_EALREADY_STARTED)
        return 2;
    bool has_failed = !lua_isnil(L, raw.base + DSL_RAW_VALUE);
    lua_pushvalue(L, raw.base + (has_failed ? DSL_RAW_VALUE : DSL_RAW_PID));
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushliteral(L, "restarting");
    }
    return 3;
}

void dsl_holder_push(lua_State *L, const dsl_host *host, dynsup_pid pid, const char *name,
                     size_t length) {
    if (pid)
        dsl_id_push(L, pid);
    else
        lua_pushstring(L, dynsup_name_failed(host->core, name, length) ? "failed" : "restarting");
}

int dsl_done_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_pushboolean(L, 1);
    return 1;
}

int dsl_restarted_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_pushvalue(L, raw.base + DSL_RAW_PID);
    lua_pushvalue(L, raw.base + DSL_RAW_VALUE);
    return lua_isnil(L, -1) ? (lua_pop(L, 1), 1) : 2;
}

int dsl_wait_reply(lua_State *L, dsl_host *host, const dynsup_reply *reply, uint64_t deadline,
                   lua_KContext context, lua_KFunction k) {
    dynsup_wait_key(host->core, reply->key, deadline);
    return dsl_suspend(L, host->current, DSL_WAIT_VALUES, context, k);
}

int dsl_reply_to(lua_State *L, dsl_host *host, const dynsup_reply *reply, lua_KContext context,
                 lua_KFunction k) {
    if (reply->status == DYNSUP_PENDING)
        return dsl_wait_reply(L, host, reply, DYNSUP_NEVER, context, k);
    if (reply->status == DYNSUP_EWOULD_WAIT)
        return host->never_waits ? dsl_fail(L, DYNSUP_WOULD_WAIT) : dsl_cannot_wait(L, host);
    dsl_reply_push(L, host, reply);
    return k(L, LUA_OK, context);
}
