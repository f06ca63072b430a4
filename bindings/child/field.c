/* Fields of a table for Lua. */
#include "bindings/child/field.h"

#include "bindings/binding.h"

void dsl_field_text(lua_State *L, const char *field, const char *text) {
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

void dsl_field_bytes(lua_State *L, const char *field, const char *text, size_t length) {
    if (!text)
        return;
    lua_pushlstring(L, text, length);
    lua_setfield(L, -2, field);
}

void dsl_field_pid(lua_State *L, const char *field, dynsup_pid pid) {
    if (!pid)
        return;
    dsl_id_push(L, pid);
    lua_setfield(L, -2, field);
}

void dsl_field_value(lua_State *L, dsl_host *host, const char *field, const dynsup_value *value) {
    if (value->kind == DYNSUP_NIL)
        return;
    dsl_value_push(L, host, value);
    lua_setfield(L, -2, field);
}

void dsl_field_integer(lua_State *L, const char *field, uint64_t value) {
    lua_pushinteger(L, value > INT64_MAX ? INT64_MAX : (lua_Integer)value);
    lua_setfield(L, -2, field);
}

void dsl_field_limit(lua_State *L, const char *field, uint64_t value) {
    if (value <= INT64_MAX)
        dsl_field_integer(L, field, value);
}

void dsl_field_number(lua_State *L, const char *field, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, field);
}

void dsl_field_flag(lua_State *L, const char *field, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, field);
}

void dsl_field_shutdown(lua_State *L, double ms) {
    if (ms >= 0)
        dsl_field_number(L, "shutdown", ms);
    else
        dsl_field_text(L, "shutdown", ms == DYNSUP_SHUTDOWN_INFINITY ? "infinity" : "brutal_kill");
}
