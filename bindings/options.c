/* Options of supervisors: one pass over the table that checks every field. */
#include "bindings/options.h"

#include "bindings/program.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    lua_State *L;
    dsl_options *options;
} reading;

/* The value is on top. NULL, or what is wrong with it. */
typedef const char *(*option_fn)(reading *r);

static const char *read_name(reading *r) {
    dynsup_supervisor_options *core = &r->options->core;
    if (!r->options->may_have_name)
        return "invalid_option";
    if (lua_type(r->L, -1) != LUA_TSTRING)
        return "invalid_name";
    core->name = lua_tolstring(r->L, -1, &core->name_length);
    return core->name_length > 0 ? NULL : "invalid_name";
}

static const char *read_strategy(reading *r) {
    r->options->has_strategy = true;
    bool ok =
        lua_type(r->L, -1) == LUA_TSTRING && strcmp(lua_tostring(r->L, -1), "one_for_one") == 0;
    return ok ? NULL : "invalid_strategy";
}

/* A whole number >= 0. */
static bool read_count(lua_State *L, uint64_t *count_out) {
    int whole;
    if (lua_type(L, -1) != LUA_TNUMBER)
        return false;
    lua_Integer count = lua_tointegerx(L, -1, &whole);
    *count_out = (uint64_t)count;
    return whole && count >= 0;
}

static const char *read_max_restarts(reading *r) {
    return read_count(r->L, &r->options->core.max_restarts) ? NULL : "invalid_intensity";
}

static const char *read_max_seconds(reading *r) {
    if (lua_type(r->L, -1) != LUA_TNUMBER)
        return "invalid_period";
    double seconds = lua_tonumber(r->L, -1);
    if (!(seconds > 0 && seconds < 1e12))
        return "invalid_period";
    r->options->core.period_ms = (uint64_t)ceil(seconds * 1000);
    return NULL;
}

static const char *read_max_children(reading *r) {
    bool infinite =
        lua_type(r->L, -1) == LUA_TSTRING && strcmp(lua_tostring(r->L, -1), "infinity") == 0;
    r->options->core.max_children = DYNSUP_NO_LIMIT;
    return infinite || read_count(r->L, &r->options->core.max_children) ? NULL
                                                                        : "invalid_max_children";
}

static const char *read_extra_arguments(reading *r) {
    r->options->has_extra = true;
    if (!dsl_is_list(r->L, -1))
        return "invalid_extra_arguments";
    r->options->extra_count = dsl_list_length(r->L, -1);
    dsl_list_copy(r->L, -1);
    lua_replace(r->L, r->options->extra_place);
    return NULL;
}

static const struct option {
    const char *name;
    option_fn read;
} options[] = {
    {"name", read_name},
    {"strategy", read_strategy},
    {"max_restarts", read_max_restarts},
    {"max_seconds", read_max_seconds},
    {"max_children", read_max_children},
    {"extra_arguments", read_extra_arguments},
    {NULL, NULL},
};

static const struct option *option_find(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TSTRING)
        return NULL;
    for (const struct option *o = options; o->name; o++)
        if (strcmp(o->name, lua_tostring(L, index)) == 0)
            return o;
    return NULL;
}

static int fail(lua_State *L, const char *what) {
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, what);
    lua_insert(L, -2);
    return 3;
}

int dsl_options_read(lua_State *L, int index, bool may_have_name, dsl_options *out) {
    reading r = {L, out};
    index = lua_absindex(L, index);
    memset(out, 0, sizeof *out);
    out->core = (dynsup_supervisor_options){
        .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT};
    out->may_have_name = may_have_name;
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    out->extra_place = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const struct option *option = option_find(L, -2);
        const char *wrong = option ? option->read(&r) : "invalid_option";
        if (wrong && strcmp(wrong, "invalid_option") == 0)
            lua_pop(L, 1); /* the detail is the name */
        if (wrong)
            return fail(L, wrong);
        lua_pop(L, 1);
    }
    return 0;
}

void dsl_options_keep(lua_State *L, dsl_host *host, dsl_options *out) {
    if (out->extra_count == 0)
        return;
    dsl_vault_reserve(L, &host->vault, 1);
    lua_pushvalue(L, out->extra_place);
    out->core.arguments = dsl_vault_put(L, &host->vault);
}
