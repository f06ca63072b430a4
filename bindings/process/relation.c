/* Relations between processes: links, monitors, registered names. */
#include "bindings/process/body.h"
#include "bindings/module.h"

/* ---- links and monitors ---- */

static int link(lua_State *L) {
    dsl_host *host;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    dsl_check_count(L, 1, 1);
    dsl_check_status(L, dynsup_link(host->core, dsl_check_pid(L, 1)));
    lua_pushboolean(L, 1);
    return dsl_go_on(L, host, 1);
}

static int unlink(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 1, 1);
    dynsup_unlink(host->core, dsl_check_pid(L, 1));
    lua_pushboolean(L, 1);
    return 1;
}

static int monitor(lua_State *L) {
    dsl_host *host;
    dynsup_ref ref;
    dsl_check_monitorable(L, dsl_body_of(L, &host));
    dsl_check_count(L, 1, 1);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_value who;
    if (pid == 0)
        who = dsl_value_get(L, host, 1);
    int status = dynsup_monitor(host->core, pid, pid ? NULL : &who, &ref);
    if (status && pid == 0)
        dsl_vault_release(&host->vault, (uint32_t)who.as.object);
    dsl_check_status(L, status);
    dsl_id_push(L, ref);
    return 1;
}

static int demonitor(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    dsl_check_count(L, 1, 1);
    uint64_t ref = (uintptr_t)lua_touserdata(L, 1);
    luaL_argexpected(L, lua_islightuserdata(L, 1) && ref >> 62 == 2, 1, "monitor reference");
    if (dynsup_demonitor(host->core, ref))
        body->takes++; /* a receive_match whose function runs sees that the mailbox has changed */
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- names ---- */

static const char *check_name(lua_State *L, int index, size_t *length) {
    luaL_argexpected(L, lua_type(L, index) == LUA_TSTRING, index, "string");
    const char *name = lua_tolstring(L, index, length);
    luaL_argcheck(L, *length > 0, index, "a name must not be empty");
    return name;
}

static int name_result(lua_State *L, int status) {
    dsl_check_status(L, status);
    if (status)
        return dsl_fail(L, (enum dynsup_atom) - status);
    lua_pushboolean(L, 1);
    return 1;
}

static int register_name(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    size_t length;
    dsl_check_count(L, 2, 2);
    const char *name = check_name(L, 1, &length);
    return name_result(L, dynsup_register(host->core, name, length, dsl_check_pid(L, 2)));
}

static int unregister_name(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    size_t length;
    dsl_check_count(L, 1, 1);
    const char *name = check_name(L, 1, &length);
    return name_result(L, dynsup_unregister(host->core, name, length));
}

static int whereis(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    size_t length;
    dsl_check_count(L, 1, 1);
    if (!lua_istable(L, 1))
        check_name(L, 1, &length);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    if (pid)
        dsl_id_push(L, pid);
    else
        lua_pushnil(L);
    return 1;
}

const luaL_Reg dsl_relation_functions[] = {
    {"link", link},
    {"unlink", unlink},
    {"monitor", monitor},
    {"demonitor", demonitor},
    {"register", register_name},
    {"unregister", unregister_name},
    {"whereis", whereis},
    {NULL, NULL},
};
