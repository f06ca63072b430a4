/* Values and reasons between Lua's stack and the core. */
#include "bindings/value.h"

#include "bindings/binding.h"

#include <math.h>

#define ID_BITS 62 /* above them is the kind of an id, never 0 */

bool dsl_is_id(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer >> ID_BITS != 0;
}

bool dsl_is_pid(lua_State *L, int index) {
    /* no full userdata has such an address: see dsl_is_id */
    return (uint64_t)(uintptr_t)lua_touserdata(L, index) >> ID_BITS == 1;
}

void dsl_id_push(lua_State *L, uint64_t id) {
    /* an id is no pointer: Lua keeps it in one, as the cheapest value that compares and hashes */
    lua_pushlightuserdata(L, (void *)(uintptr_t)id); // NOLINT(performance-no-int-to-ptr)
}

static dynsup_value object_get(lua_State *L, dsl_host *host, int index) {
    lua_pushvalue(L, index);
    return (dynsup_value){DYNSUP_OBJECT,
                          {.object = host->heap_base | dsl_vault_put(L, &host->vault)}};
}

dynsup_value dsl_value_plain(lua_State *L, int index) {
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return (dynsup_value){DYNSUP_NIL, {.integer = 0}};
    case LUA_TBOOLEAN:
        return (dynsup_value){DYNSUP_BOOLEAN, {.integer = lua_toboolean(L, index)}};
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return (dynsup_value){DYNSUP_INTEGER, {.integer = lua_tointeger(L, index)}};
        return (dynsup_value){DYNSUP_NUMBER, {.number = lua_tonumber(L, index)}};
    case LUA_TLIGHTUSERDATA:
        if (dsl_is_id(lua_touserdata(L, index)))
            return (dynsup_value){DYNSUP_ID, {.id = (uintptr_t)lua_touserdata(L, index)}};
        return (dynsup_value){DYNSUP_OBJECT, {.object = 0}};
    default:
        return (dynsup_value){DYNSUP_OBJECT, {.object = 0}};
    }
}

dynsup_value dsl_value_get(lua_State *L, dsl_host *host, int index) {
    dynsup_value value = dsl_value_plain(L, index);
    return value.kind == DYNSUP_OBJECT ? object_get(L, host, index) : value;
}

void dsl_atom_push(lua_State *L, dsl_runtime *runtime, enum dynsup_atom atom) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->atoms);
    lua_rawgeti(L, -1, atom);
    lua_replace(L, -2);
}

void dsl_value_push(lua_State *L, dsl_host *host, const dynsup_value *value) {
    switch (value->kind) {
    case DYNSUP_NIL:
        lua_pushnil(L);
        break;
    case DYNSUP_BOOLEAN:
        lua_pushboolean(L, value->as.boolean);
        break;
    case DYNSUP_INTEGER:
        lua_pushinteger(L, value->as.integer);
        break;
    case DYNSUP_NUMBER:
        lua_pushnumber(L, value->as.number);
        break;
    case DYNSUP_ID:
        dsl_id_push(L, value->as.id);
        break;
    case DYNSUP_ATOM:
        dsl_atom_push(L, host->runtime, value->as.atom);
        break;
    case DYNSUP_OBJECT:
        dsl_object_push(L, host, value->as.object);
        break;
    }
}

void dsl_value_push_in_slice(lua_State *L, dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_object_push_in_slice(L, host, value->as.object);
    else
        dsl_value_push(L, host, value);
}

void dsl_check_reason(lua_State *L, int index) {
    int type = lua_type(L, index);
    luaL_argexpected(L, type == LUA_TSTRING || type == LUA_TTABLE, index, "string or table");
}

/* Short strings are interned. */
enum dynsup_atom dsl_atom_of(lua_State *L, const dsl_runtime *runtime, int index) {
    const char *text = lua_tostring(L, index);
    for (int atom = 1; atom < DYNSUP_ATOM_COUNT; atom++)
        if (runtime->atom_texts[atom] == text)
            return (enum dynsup_atom)atom;
    return DYNSUP_NO_ATOM;
}

static bool is_shutdown_table(lua_State *L, const dsl_runtime *runtime, int index) {
    bool shutdown = lua_rawgeti(L, index, 1) == LUA_TSTRING &&
                    lua_tostring(L, -1) == runtime->atom_texts[DYNSUP_SHUTDOWN];
    lua_pop(L, 1);
    return shutdown;
}

dynsup_reason dsl_reason_get(lua_State *L, dsl_host *host, int index) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TSTRING) {
        enum dynsup_atom atom = dsl_atom_of(L, host->runtime, index);
        if (atom)
            return dynsup_reason_atom(atom);
    }
    enum dynsup_reason_class class = DYNSUP_REASON_OTHER;
    if (lua_type(L, index) == LUA_TTABLE && is_shutdown_table(L, host->runtime, index))
        class = DYNSUP_REASON_SHUTDOWN;
    return (dynsup_reason){class, dsl_value_get(L, host, index)};
}
