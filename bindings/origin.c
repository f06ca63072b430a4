/*
 * Origins: what reports tell of a function that is never called again, without keeping it.
 *
 * Design notes.
 * A host keeps the origin of the child started last, since the next one is mostly of the same
 * place. To ask Lua for a function's place costs more than all else here, so the function itself
 * is kept as well, weakly: in a table whose one place is there from the beginning, so that writing
 * it allocates nothing. A bare comparison tells then that the origin is the same.
 */
#include "bindings/program.h"

#include <string.h>

typedef struct dsl_origin {
    dsl_host *host;
    size_t owners;
    size_t size; /* of all of it */
    int line;
    char source[];
} dsl_origin;

static bool is_from(const dsl_origin *origin, const dsl_place *place) {
    return origin && origin->line == place->line && strcmp(origin->source, place->source) == 0;
}

static void origin_release(void *p) {
    dsl_origin *origin = p;
    const dsl_host *host = origin->host;
    if (--origin->owners == 0)
        host->alloc(host->alloc_ud, origin, origin->size, 0);
}

void dsl_origin_forget(dsl_host *host) {
    if (host->origin)
        origin_release(host->origin);
    host->origin = NULL;
}

/* The host's own, too: the next child's function is most likely from the same place. */
static dsl_origin *origin_make(dsl_host *host, const dsl_place *place) {
    size_t length = strlen(place->source) + 1;
    size_t size = sizeof(dsl_origin) + length;
    dsl_origin *origin = host->alloc(host->alloc_ud, NULL, 0, size);
    if (!origin)
        return NULL;
    *origin = (dsl_origin){.host = host->whole, .owners = 1, .size = size, .line = place->line};
    memcpy(origin->source, place->source, length);
    dsl_origin_forget(host);
    host->origin = origin;
    return origin;
}

void dsl_origin_init(lua_State *L, dsl_host *host) {
    lua_createtable(L, 1, 0);
    lua_pushboolean(L, false);
    lua_rawseti(L, -2, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    dsl_vault_reserve(L, &host->vault, 1);
    host->origin_function = dsl_vault_put(L, &host->vault);
}

static bool is_last_function(lua_State *L, const dsl_host *host, int function) {
    dsl_vault_push(L, &host->vault, host->origin_function);
    lua_rawgeti(L, -1, 1);
    bool same = lua_rawequal(L, -1, function);
    lua_pop(L, 2);
    return same;
}

static void last_function_set(lua_State *L, const dsl_host *host, int function) {
    dsl_vault_push(L, &host->vault, host->origin_function);
    lua_pushvalue(L, function);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
}

static dsl_origin *origin_find(lua_State *L, dsl_host *host, int function) {
    dsl_place place;
    if (is_last_function(L, host, function))
        return host->origin;
    dsl_place_find(L, function, &place);
    dsl_origin *origin = is_from(host->origin, &place) ? host->origin : origin_make(host, &place);
    if (origin)
        last_function_set(L, host, function);
    return origin;
}

void *dsl_origin_new(lua_State *L, dsl_host *host, int function) {
    dsl_origin *origin = origin_find(L, host, function);
    if (origin)
        origin->owners++;
    return origin;
}

static void origin_describe(void *p, char *text, size_t size) {
    const dsl_origin *origin = p;
    dsl_place_format(origin->source, origin->line, text, size);
}

const dynsup_program_ops dsl_origin_ops = {.release = origin_release, .describe = origin_describe};
