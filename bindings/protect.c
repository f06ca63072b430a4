/* Protected calls, for code that may not raise since the core has called it. */
#include "bindings/protect.h"

#include "bindings/binding.h"

#include <string.h>

int dsl_protect(lua_State *L, lua_CFunction fn, void *ud) {
    if (!lua_checkstack(L, 4))
        return LUA_ERRMEM;
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, ud);
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK)
        lua_pop(L, 1);
    return status;
}

bool dsl_is_memory_error(lua_State *L, int status) {
    return status == LUA_ERRMEM ||
           (lua_type(L, -1) == LUA_TSTRING && strstr(lua_tostring(L, -1), "not enough memory"));
}

typedef struct reserving {
    dsl_vault *vault;
    uint32_t count;
} reserving;

static int reserve(lua_State *L) {
    const reserving *r = lua_touserdata(L, 1);
    dsl_vault_reserve(L, r->vault, r->count);
    return 0;
}

bool dsl_reserve(dsl_host *host, uint32_t count) {
    return host->vault.free_count >= count ||
           dsl_protect(host->L, reserve, &(reserving){&host->vault, count}) == LUA_OK;
}
