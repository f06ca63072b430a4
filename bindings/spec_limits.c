/* Limits in child specs and options of supervisors: what their fields may be. */
#include "bindings/spec_limits.h"

#include <math.h>
#include <string.h>

#define SECONDS_MAX 1e12

bool dsl_count_read(lua_State *L, uint64_t *count_out) {
    int whole;
    if (lua_type(L, -1) != LUA_TNUMBER)
        return false;
    lua_Integer count = lua_tointegerx(L, -1, &whole);
    *count_out = (uint64_t)count;
    return whole && count >= 0;
}

bool dsl_period_read(lua_State *L, uint64_t *period_ms_out) {
    if (lua_type(L, -1) != LUA_TNUMBER)
        return false;
    double seconds = lua_tonumber(L, -1);
    if (!(seconds > 0 && seconds < SECONDS_MAX))
        return false;
    *period_ms_out = (uint64_t)ceil(seconds * 1000);
    return true;
}

const char *dsl_restart_limit_read(lua_State *L, const char *field, dynsup_restart_limit *limit) {
    if (strcmp(field, "max_restarts") == 0)
        return dsl_count_read(L, &limit->max_restarts) ? NULL : "invalid_intensity";
    return dsl_period_read(L, &limit->period_ms) ? NULL : "invalid_period";
}
