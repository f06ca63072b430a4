/* Where the functions of children are: their places in the source, and what is kept of them. */
#include "bindings/child/origin.h"

#include "bindings/child/kept.h"
#include "bindings/embed/worker.h"

#include <string.h>

/* What reports say of a temporary child's function, which is not kept itself. Asking Lua for a
 * function's place costs more than everything else here, so the last origin is kept as well. */
typedef struct dsl_origin {
    dsl_host *host;
    size_t owners;
    size_t size; /* of all of it */
    int line;
    char source[];
} dsl_origin;

/* ---- where a function is ---- */

void dsl_place_find(lua_State *L, int index, dsl_place *place) {
    place->line = 0;
    place->source = dsl_worker_name(L, index);
    if (lua_type(L, index) == LUA_TSTRING)
        place->source = lua_tostring(L, index);
    if (place->source)
        return;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &place->debug);
    place->source = place->debug.short_src;
    place->line = place->debug.linedefined;
}

void dsl_place_format(const char *source, int line, char *text, size_t size) {
    if (line > 0)
        snprintf(text, size, "%s:%d", source, line);
    else
        snprintf(text, size, "%s", source);
}

/* ---- origins ---- */

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

/* Makes an origin, and keeps it for the host: the next child's function is most likely from there,
 * too. */
static dsl_origin *origin_make(dsl_host *host, const dsl_place *place) {
    size_t length = strlen(place->source) + 1;
    size_t size = sizeof(dsl_origin) + length;
    dsl_origin *origin = host->whole->alloc(host->whole->alloc_ud, NULL, 0, size);
    if (!origin)
        return NULL;
    *origin = (dsl_origin){.host = host->whole, .owners = 1, .size = size, .line = place->line};
    memcpy(origin->source, place->source, length);
    dsl_origin_forget(host);
    host->origin = origin;
    return origin;
}

static dsl_origin *origin_find(lua_State *L, dsl_host *host, int function) {
    dsl_place place;
    if (host->function.has_origin)
        return host->origin;
    dsl_place_find(L, function, &place);
    dsl_origin *origin = is_from(host->origin, &place) ? host->origin : origin_make(host, &place);
    host->function.has_origin = origin;
    return origin;
}

void *dsl_origin_new(lua_State *L, dsl_host *host, int function) {
    dsl_function_keep(L, host, function);
    dsl_origin *origin = origin_find(L, host, function);
    if (origin)
        origin->owners++;
    return origin;
}

void *dsl_origin_again(const dsl_host *host) {
    host->origin->owners++;
    return host->origin;
}

static void origin_describe(void *p, char *text, size_t size) {
    const dsl_origin *origin = p;
    dsl_place_format(origin->source, origin->line, text, size);
}

const dynsup_program_ops dsl_origin_ops = {.release = origin_release, .describe = origin_describe};
