/* What functions that use the loop share. */
#include "bindings/loop.h"

#include "bindings/process/dry.h"

#include <ctype.h>

#define LOOK_NS 2000000u /* the shortest wait: within it the loop polls once */

void dsl_check_loop(lua_State *L, const dsl_host *host, const char *who) {
    if (host->uv)
        return;
    if (host->config->virtual_clock)
        dsl_error(L, "%s need the real clock: this run has a virtual one", who);
    dsl_error(L, "%s need an event loop: this host has none", who);
}

uv_loop_t *dsl_loop_of(lua_State *L, dsl_host *host) {
    dsl_dry_wait(L, host);
    dsl_check_loop(L, host, "sockets");
    return host->runtime->loop;
}

uint64_t dsl_check_io_deadline(lua_State *L, dsl_host *host, int index) {
    uint64_t deadline_ns = dsl_check_deadline(L, host, index);
    uint64_t soonest_ns = dynsup_now(host->core) + LOOK_NS;
    return deadline_ns > soonest_ns ? deadline_ns : soonest_ns;
}

void dsl_deadline_push(lua_State *L, uint64_t deadline_ns) {
    lua_pushinteger(L, deadline_ns == DYNSUP_NEVER ? -1 : (lua_Integer)deadline_ns);
}

uint64_t dsl_deadline_to(lua_State *L, int index) {
    lua_Integer deadline = lua_tointeger(L, index);
    return deadline < 0 ? DYNSUP_NEVER : (uint64_t)deadline;
}

int dsl_fail_uv(lua_State *L, int error) {
    char name[64];
    uv_err_name_r(error, name, sizeof name);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    lua_pushnil(L);
    lua_pushstring(L, name);
    return 2;
}
