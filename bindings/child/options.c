/* Options of supervisors: one pass over the table that checks every field. */
#include "bindings/child/options.h"

#include "bindings/memory/account.h"
#include "bindings/clock.h"
#include "bindings/process/dry.h"
#include "bindings/heap/heap_group.h"
#include "bindings/process/name.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"
#include "bindings/child/spec_limits.h"

#include <string.h>

typedef struct reading {
    lua_State *L;
    dsl_options *options;
} reading;

/* The value is on top. NULL, or what is wrong with it. */
typedef const char *(*option_fn)(reading *r);

static const char *read_name(reading *r) {
    dynsup_supervisor_options *core = &r->options->core;
    bool is_name = dsl_name_read(r->L, -1, &core->name, &core->name_length);
    lua_replace(r->L, r->options->name_place);
    dsl_name_values(r->L, -1);
    lua_replace(r->L, r->options->name_place + 2);
    lua_replace(r->L, r->options->name_place + 1);
    return is_name ? NULL : "invalid_name";
}

/* The number of the text on top among the texts, or -1. */
static int choice(lua_State *L, const char *const *texts) {
    if (lua_type(L, -1) != LUA_TSTRING)
        return -1;
    for (int i = 0; texts[i]; i++)
        if (strcmp(lua_tostring(L, -1), texts[i]) == 0)
            return i;
    return -1;
}

static const char *read_strategy(reading *r) {
    static const char *const strategies[] = {"one_for_one", "one_for_all", "rest_for_one", NULL};
    int strategy = choice(r->L, strategies);
    bool is_allowed = strategy == DYNSUP_ONE_FOR_ONE || (r->options->kinds & DSL_OPTION_STATIC);
    r->options->has_strategy = true;
    r->options->core.strategy = (enum dynsup_strategy)strategy;
    return strategy >= 0 && is_allowed ? NULL : "invalid_strategy";
}

static const char *read_auto_shutdown(reading *r) {
    static const char *const when[] = {"never", "any_significant", "all_significant", NULL};
    int auto_shutdown = choice(r->L, when);
    r->options->core.auto_shutdown = (enum dynsup_auto_shutdown)auto_shutdown;
    return auto_shutdown >= 0 ? NULL : "invalid_auto_shutdown";
}

static const char *read_max_restarts(reading *r) {
    return dsl_count_read(r->L, &r->options->core.max_restarts) ? NULL : "invalid_intensity";
}

static const char *read_max_seconds(reading *r) {
    return dsl_period_read(r->L, &r->options->core.period_ms) ? NULL : "invalid_period";
}

static const char *read_max_children(reading *r) {
    bool infinite =
        lua_type(r->L, -1) == LUA_TSTRING && strcmp(lua_tostring(r->L, -1), "infinity") == 0;
    r->options->core.max_children = DYNSUP_NO_LIMIT;
    return infinite || dsl_count_read(r->L, &r->options->core.max_children)
               ? NULL
               : "invalid_max_children";
}

static const char *read_extra_arguments(reading *r) {
    r->options->has_extra = true;
    r->options->extra_count = dsl_list_length(r->L, -1);
    if (r->options->extra_count < 0)
        return "invalid_extra_arguments";
    dsl_list_copy(r->L, -1);
    lua_replace(r->L, r->options->extra_place);
    return NULL;
}

static const char *read_limits(reading *r) {
    r->options->core.limits = &r->options->limits;
    const char *wrong = dsl_limits_read(r->L, &r->options->limits);
    const char *why = wrong ? NULL : dsl_limits_account(r->L, &r->options->limits);
    if (!why && !wrong && dsl_limits_memory(&r->options->limits))
        dsl_accounts_open_everywhere(dsl_host_of_thread(r->L));
    if (!why)
        return wrong;
    lua_pushstring(r->L, why);
    lua_replace(r->L, -2);
    return "invalid_max_memory";
}

static const char *read_clock(reading *r) {
    dynsup_supervisor_options *core = &r->options->core;
    bool is_hosts =
        lua_type(r->L, -1) == LUA_TSTRING && strcmp(lua_tostring(r->L, -1), "host") == 0;
    core->clock = DYNSUP_HOST_CLOCK;
    if (is_hosts)
        return NULL;
    const dsl_host *host = dsl_host_of_thread(r->L);
    return dsl_clock_read(r->L, host, -1, &core->clock) ? NULL : "invalid_clock";
}

/* A whole number from 1 to max. */
static bool read_size(lua_State *L, uint64_t max, uint64_t *size_out) {
    return dsl_count_read(L, size_out) && *size_out >= 1 && *size_out <= max;
}

static const char *read_heaps(reading *r) {
    uint64_t heaps;
    bool is_one = read_size(r->L, DSL_HEAPS_MAX, &heaps);
    r->options->heaps = is_one ? (uint32_t)heaps : 0;
    return is_one ? NULL : "invalid_heaps";
}

static const char *read_heap_memory(reading *r) {
    uint64_t bytes;
    bool is_one = read_size(r->L, SIZE_MAX / 2, &bytes);
    r->options->heap_memory = is_one ? (size_t)bytes : 0;
    return is_one ? NULL : "invalid_heap_memory";
}

static const struct option {
    const char *name;
    option_fn read;
    unsigned kinds; /* that have it */
} options[] = {
    {"name", read_name, DSL_OPTION_NAME},
    {"clock", read_clock, DSL_OPTION_NAME},
    {"strategy", read_strategy, DSL_OPTION_DYNAMIC | DSL_OPTION_STATIC},
    {"max_restarts", read_max_restarts, DSL_OPTION_DYNAMIC | DSL_OPTION_STATIC},
    {"max_seconds", read_max_seconds, DSL_OPTION_DYNAMIC | DSL_OPTION_STATIC},
    {"limits", read_limits, DSL_OPTION_DYNAMIC | DSL_OPTION_STATIC},
    {"max_children", read_max_children, DSL_OPTION_DYNAMIC},
    {"extra_arguments", read_extra_arguments, DSL_OPTION_DYNAMIC},
    {"heaps", read_heaps, DSL_OPTION_DYNAMIC},
    {"heap_memory", read_heap_memory, DSL_OPTION_DYNAMIC},
    {"auto_shutdown", read_auto_shutdown, DSL_OPTION_STATIC},
    {NULL, NULL, 0},
};

static const struct option *option_find(lua_State *L, int index, unsigned kinds) {
    if (lua_type(L, index) != LUA_TSTRING)
        return NULL;
    for (const struct option *o = options; o->name; o++)
        if (strcmp(o->name, lua_tostring(L, index)) == 0)
            return o->kinds & kinds ? o : NULL;
    return NULL;
}

static int fail(lua_State *L, const char *what) {
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, what);
    lua_insert(L, -2);
    return 3;
}

/* Pushes the extra arguments' values and packs them; the parcel is NULL when there are none. Raises
 * what a __pack raises. [-0, +n] */
static enum dsl_codec_status extra_pack(lua_State *L, const dsl_host *host, const dsl_options *out,
                                        dsl_parcel **parcel_out, dsl_codec_trouble *trouble_out) {
    dsl_packing packing = {.root = "extra_arguments"};
    int first = lua_gettop(L) + 1;
    *parcel_out = NULL;
    packing.alloc = host->whole->alloc;
    packing.alloc_ud = host->whole->alloc_ud;
    if (out->extra_count == 0)
        return DSL_CODEC_OK;
    int count = dsl_list_unpack(L, out->extra_place);
    return dsl_codec_pack_calling(L, first, count, packing, parcel_out, trouble_out);
}

/* What must hold between the options. */
static int check_heaps(lua_State *L, const dsl_options *out) {
    dsl_codec_trouble trouble;
    dsl_parcel *parcel;
    int top = lua_gettop(L);
    if (out->heap_memory && !out->heaps) {
        lua_pushliteral(L, "heap_memory needs heaps");
        return fail(L, "invalid_heap_memory");
    }
    if (!out->heaps)
        return 0;
    enum dsl_codec_status status = extra_pack(L, dsl_host_of_thread(L), out, &parcel, &trouble);
    dsl_parcel_release(parcel);
    lua_settop(L, top);
    if (status == DSL_CODEC_NOMEM)
        dsl_error(L, "not enough memory");
    if (status == DSL_CODEC_OK)
        return 0;
    lua_pushfstring(L, "%s to another heap", trouble.text);
    return fail(L, "invalid_extra_arguments");
}

int dsl_options_read(lua_State *L, int index, unsigned kinds, dsl_options *out) {
    reading r = {L, out};
    index = lua_absindex(L, index);
    memset(out, 0, sizeof *out);
    out->core = (dynsup_supervisor_options){
        .max_restarts = 3, .period_ms = 5000, .max_children = DYNSUP_NO_LIMIT};
    out->kinds = kinds;
    luaL_checkstack(L, 12, NULL);
    out->name_place = lua_gettop(L) + 1;
    out->extra_place = out->name_place + 3;
    lua_settop(L, out->extra_place);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const struct option *option = option_find(L, -2, kinds);
        const char *wrong = option ? option->read(&r) : "invalid_option";
        if (wrong && strcmp(wrong, "invalid_option") == 0)
            lua_pop(L, 1); /* the detail is the name */
        if (wrong)
            return fail(L, wrong);
        lua_pop(L, 1);
    }
    return check_heaps(L, out);
}

static void group_keep(lua_State *L, dsl_host *host, dsl_options *out) {
    dsl_codec_trouble trouble;
    dsl_parcel *extra;
    int top = lua_gettop(L);
    enum dsl_codec_status status = extra_pack(L, host, out, &extra, &trouble);
    lua_settop(L, top);
    dsl_heap_group *group = NULL;
    if (status == DSL_CODEC_OK && dsl_reserve(host, DSL_NAME_SLOTS))
        group = dsl_heap_group_new(host->whole, out->heaps, out->heap_memory, extra);
    if (!group) {
        dsl_parcel_release(extra);
        dsl_error(L, "not enough memory");
    }
    out->core.arguments = dsl_heap_group_object(group);
}

void dsl_options_keep(lua_State *L, dsl_host *host, dsl_options *out) {
    if (out->heaps && !host->config->dry) {
        group_keep(L, host, out);
        return;
    }
    if (out->heaps)
        dsl_dry_spread_mark(L, out->extra_place);
    dsl_vault_reserve(L, &host->vault, 1 + DSL_NAME_SLOTS);
    if (out->extra_count == 0 && !out->heaps)
        return;
    lua_pushvalue(L, out->extra_place);
    out->core.arguments = host->heap_base | dsl_vault_put(L, &host->vault);
}

void dsl_options_name_keep(lua_State *L, dsl_host *host, dsl_options *out) {
    if (!out->core.name)
        return;
    out->core.name_key = dsl_value_get(L, host, out->name_place + 1);
    out->core.name_value = dsl_value_get(L, host, out->name_place + 2);
}

static void value_release(dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)value->as.object);
}

void dsl_options_name_release(dsl_host *host, const dsl_options *given) {
    value_release(host, &given->core.name_key);
    value_release(host, &given->core.name_value);
}

void dsl_options_taken(const dsl_host *host, const dsl_options *given, dynsup_reply *reply) {
    const dynsup_supervisor_options *core = &given->core;
    if (reply->status == DYNSUP_EALREADY_STARTED &&
        dynsup_name_failed(host->core, core->name, core->name_length))
        reply->values[0] = (dynsup_value){DYNSUP_ATOM, {.atom = DYNSUP_FAILED}};
}
