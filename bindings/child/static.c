/*
 * Static supervisors: what dynsup/supervisor.lua calls.
 *
 * Their children are read in two passes. The first checks every spec, and keeps its parts where no
 * code can change them; it may raise. The second makes the core's records and allocates nothing in
 * Lua.
 */
#include "bindings/child/static.h"

#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/heap/heap_program.h"
#include "bindings/child/program.h"
#include "bindings/child/request.h"
#include "bindings/child/spec.h"

/* ---- children ---- */

/* The specs that have been read: a userdata, whose user value is a list of their places. */
typedef struct specs {
    int count;
    int places; /* the list, on the stack */
    dsl_spec *items;
} specs;

static lua_Integer place_of(int i, int place) {
    return (lua_Integer)i * DSL_SPEC_PLACES + place + 1;
}

/* Puts the places of spec i, on top of the stack, into the list, with a copy of its arguments. */
static void places_keep(lua_State *L, const specs *s, int i) {
    int base = lua_gettop(L) - DSL_SPEC_PLACES + 1;
    if (!lua_isnil(L, base + DSL_SPEC_ARGS)) {
        dsl_list_copy(L, base + DSL_SPEC_ARGS);
        lua_replace(L, base + DSL_SPEC_ARGS);
    }
    for (int place = DSL_SPEC_PLACES - 1; place >= 0; place--)
        lua_rawseti(L, s->places, place_of(i, place));
}

/* For a child with a heap of its own, its program, in a box, replaces the function that it starts.
 * 0, or the number of values pushed. */
static int own_heap_keep(lua_State *L, dsl_spec *spec) {
    dsl_host *host = dsl_host_of_thread(L);
    dsl_codec_trouble trouble;
    dsl_heap_plan plan = {.max_bytes = spec->max_memory, .guest = spec->by_start};
    int base = lua_gettop(L) - DSL_SPEC_PLACES + 1;
    if (dsl_spec_has(spec, DSL_SPEC_ENV))
        plan.env = base + DSL_SPEC_ENV;
    if (!spec->own_heap)
        return 0;
    if (!dsl_heap_program_box_push(L, host, base + DSL_SPEC_FUNCTION, base + DSL_SPEC_ARGS, &plan,
                                   &trouble))
        return dsl_heap_program_refused(L, &trouble);
    if (host->config->dry) { /* which opens no heaps */
        dsl_heap_program_ops.release(dsl_heap_program_box_take(L, -1));
        lua_pop(L, 1);
        spec->own_heap = false;
        spec->max_memory = 0;
        return 0;
    }
    lua_replace(L, base + DSL_SPEC_FUNCTION);
    return 0;
}

static int spec_read(lua_State *L, const dsl_host *host, const specs *s, int i, int children,
                     enum dynsup_auto_shutdown when) {
    dsl_spec *spec = &s->items[i];
    lua_rawgeti(L, children, i + 1);
    int child = lua_gettop(L);
    luaL_checkstack(L, DSL_SPEC_STACK, NULL);
    int failed = dsl_spec_read(L, host->runtime, child, spec);
    if (failed == 0)
        failed = dsl_spec_check_significant(L, spec, true, when);
    if (failed)
        return failed;
    if (lua_isnil(L, child + 1 + DSL_SPEC_ID)) {
        lua_pushvalue(L, child);
        return dsl_spec_fail(L, "missing_id");
    }
    failed = own_heap_keep(L, spec);
    if (failed)
        return failed;
    places_keep(L, s, i);
    lua_pop(L, 1);
    return 0;
}

static int specs_read(lua_State *L, const dsl_host *host, int children,
                      enum dynsup_auto_shutdown when, specs *s) {
    s->count = (int)lua_rawlen(L, children);
    s->items = lua_newuserdatauv(L, (size_t)s->count * sizeof *s->items + 1, 1);
    lua_createtable(L, s->count * DSL_SPEC_PLACES, 0);
    s->places = lua_gettop(L);
    for (int i = 0; i < s->count; i++) {
        int failed = spec_read(L, host, s, i, children, when);
        if (failed)
            return failed;
    }
    lua_pushvalue(L, s->places);
    lua_setiuservalue(L, -3, 1);
    lua_pop(L, 1);
    return 0;
}

/* Adds one child. 0, or a code of the core. The vault has room. */
static int draft_add(lua_State *L, dsl_host *host, dynsup_draft *draft, const specs *s, int i) {
    dynsup_child_spec core = s->items[i].core;
    int base = lua_gettop(L) + 1;
    for (int place = 0; place < DSL_SPEC_PLACES; place++)
        lua_rawgeti(L, -1 - place, place_of(i, place));
    bool own_heap = s->items[i].own_heap;
    core.program_ops = own_heap ? &dsl_heap_program_ops : &dsl_program_ops;
    core.program = own_heap ? (void *)dsl_heap_program_box_take(L, base + DSL_SPEC_FUNCTION)
                            : dsl_program_new(L, host, base, &s->items[i], NULL);
    int status = DYNSUP_ENOMEM;
    if (core.program) {
        core.id = dsl_value_get(L, host, base + DSL_SPEC_ID);
        core.modules = dsl_value_get(L, host, base + DSL_SPEC_MODULES);
        core.name_key = dsl_value_get(L, host, base + DSL_SPEC_NAME_KEY);
        core.name_value = dsl_value_get(L, host, base + DSL_SPEC_NAME_VALUE);
        status = dynsup_draft_add(draft, &core);
    }
    lua_settop(L, base - 1);
    return status;
}

static uint32_t slots_of(const specs *s) {
    uint32_t slots = DSL_NAME_SLOTS;
    for (int i = 0; i < s->count; i++)
        slots += dsl_spec_slots(&s->items[i]);
    return slots;
}

/* Makes the draft of the list of places on top. NULL: nil, reason, detail are pushed. */
static dynsup_draft *draft_make(lua_State *L, dsl_host *host, const specs *s) {
    luaL_checkstack(L, DSL_SPEC_PLACES + 4, NULL);
    dsl_vault_reserve(L, &host->vault, slots_of(s));
    dynsup_draft *draft = dynsup_draft_new(host->core);
    int status = draft ? 0 : DYNSUP_ENOMEM;
    int i = 0;
    while (status == 0 && i < s->count)
        status = draft_add(L, host, draft, s, i++);
    if (status == 0)
        return draft;
    dynsup_draft_free(draft);
    if (status == DYNSUP_ENOMEM)
        dsl_error(L, "not enough memory");
    lua_rawgeti(L, -1, place_of(i - 1, DSL_SPEC_ID));
    dsl_spec_fail(L, dynsup_atom_text(DYNSUP_DUPLICATE_ID));
    return NULL;
}

int dsl_static_read(lua_State *L, dsl_host *host, int children, int options, unsigned kinds,
                    dsl_static *out) {
    specs s;
    children = lua_absindex(L, children);
    host->runtime->specs += lua_rawlen(L, children);
    int failed = dsl_options_read(L, options, kinds, &out->options);
    dynsup_supervisor_options *core = &out->options.core;
    if (failed == 0)
        failed = specs_read(L, host, children, core->auto_shutdown, &s);
    if (failed)
        return failed;
    lua_getiuservalue(L, -1, 1);
    out->draft = draft_make(L, host, &s);
    return out->draft ? 0 : 3;
}

bool dsl_static_parts(lua_State *L, int index) {
    if (!lua_istable(L, index))
        return false;
    lua_pushliteral(L, "children");
    bool has_children = lua_rawget(L, index) == LUA_TTABLE;
    lua_pushliteral(L, "options");
    return lua_rawget(L, index) == LUA_TTABLE && has_children;
}

/* ---- start_link ---- */

static int start_replied(lua_State *L) {
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status != DYNSUP_EFAILED_TO_START) {
        if (raw.status)
            return dsl_push_failure(L, raw);
        lua_pushvalue(L, raw.base + DSL_RAW_PID);
        return 1;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "shutdown");
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, raw.base + DSL_RAW_ID);
    lua_setfield(L, -2, "id");
    lua_pushvalue(L, raw.base + DSL_RAW_VALUE);
    lua_setfield(L, -2, "reason");
    lua_pushvalue(L, raw.base + DSL_RAW_DETAIL);
    lua_setfield(L, -2, "detail");
    return 3;
}

static int start_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    int count = start_replied(L);
    return dsl_told(L, dsl_host_of(L), "start_link", count);
}

/* start(specs, options): with a list of child specs. */
static int start(lua_State *L) {
    dsl_host *host;
    dsl_static parts;
    dynsup_reply reply;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    int failed = dsl_static_read(L, host, 1, 2, DSL_OPTION_NAME | DSL_OPTION_STATIC, &parts);
    if (failed)
        return dsl_told(L, host, "start_link", failed);
    dsl_options_name_keep(L, host, &parts.options);
    dynsup_static_start(host->core, &parts.options.core, parts.draft, &reply);
    dsl_options_taken(host, &parts.options, &reply);
    dsl_options_name_release(host, &parts.options);
    return dsl_reply_to(L, host, &reply, 0, start_k);
}

/* start_module(module, arg, options) */
static int start_module(lua_State *L) {
    dsl_host *host;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    lua_settop(L, 3);
    return dsl_start_module(L, host, DSL_INIT_STATIC, start_k);
}

/* ---- requests by id ---- */

/* Makes a request whose only arguments are the supervisor at 1 and the id at 2. */
static int ask(lua_State *L, enum dynsup_static_request what, lua_KFunction k) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dsl_check_count(L, 2, 2);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    bool may_wait = dsl_can_wait(L, host);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_value id = dsl_value_get(L, host, 2);
    dynsup_static_request(host->core, pid, what, id, may_wait, &reply);
    return dsl_reply_to(L, host, &reply, 0, k);
}

static int terminate_child(lua_State *L) {
    return ask(L, DYNSUP_TERMINATE_BY_ID, dsl_done_k);
}

static int restart_child(lua_State *L) {
    return ask(L, DYNSUP_RESTART_BY_ID, dsl_restarted_k);
}

static int delete_child(lua_State *L) {
    return ask(L, DYNSUP_DELETE_BY_ID, dsl_done_k);
}

/* normalizer(): the function that turns a module or { module, arg } into a spec. */
static int normalizer(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, dsl_runtime_of(L)->normalize);
    return 1;
}

const luaL_Reg dsl_static_functions[] = {
    {"start", start},
    {"start_module", start_module},
    {"terminate_child", terminate_child},
    {"restart_child", restart_child},
    {"delete_child", delete_child},
    {"normalizer", normalizer},
    {NULL, NULL},
};
