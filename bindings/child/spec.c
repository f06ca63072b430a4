/*
 * Child specs: one pass over the table, raw, that checks every field and copies what is kept.
 *
 * A wrong field is an expected failure: nil, what is wrong, and the offending value.
 */
#include "bindings/child/spec.h"

#include "bindings/process/name.h"
#include "bindings/child/program.h"
#include "bindings/child/spec_env.h"
#include "bindings/child/spec_limits.h"
#include "bindings/embed/worker.h"

#include <math.h>
#include <string.h>

#define SHUTDOWN_MS 5000
#define PAIR        "{ module, arg }" /* how sentences about one begin: `dynsup check` looks for it */

typedef struct reading {
    lua_State *L;
    const dsl_words *words;
    int base; /* of the places */
    dsl_spec *spec;
    bool has_body, has_start, has_shutdown;
    const char *body_only; /* a field of body that was given */
    const char *limit;     /* a limit that was given */
} reading;

/* A field's reader: the value is on top. NULL, or what is wrong with it. */
typedef const char *(*field_fn)(reading *r);

static void keep(reading *r, int place) {
    lua_copy(r->L, -1, r->base + place);
    r->spec->given |= 1u << place;
}

static bool is_function(lua_State *L, int index) {
    if (lua_isfunction(L, index))
        return true;
    if (lua_type(L, index) != LUA_TSTRING)
        return false;
    const char *name = lua_tostring(L, index);
    const char *colon = strchr(name, ':');
    return colon && colon > name && colon[1] != '\0';
}

static const char *read_body(reading *r) {
    r->has_body = true;
    keep(r, DSL_SPEC_FUNCTION);
    if (lua_isfunction(r->L, -1))
        return NULL;
    r->spec->is_worker = dsl_worker_name(r->L, -1);
    return r->spec->is_worker || is_function(r->L, -1) ? NULL : "invalid_mfa";
}

static const char *read_start(reading *r) {
    r->has_start = true;
    r->spec->core.guest = true;
    keep(r, DSL_SPEC_FUNCTION);
    return is_function(r->L, -1) ? NULL : "invalid_mfa";
}

static const char *read_args(reading *r) {
    keep(r, DSL_SPEC_ARGS);
    r->spec->arg_count = dsl_list_length(r->L, -1);
    return r->spec->arg_count >= 0 ? NULL : "invalid_mfa";
}

static const char *read_id(reading *r) {
    keep(r, DSL_SPEC_ID);
    return NULL;
}

/* The position of the value on top among the words from first to last, from 0 on; -1: none. */
static int option_of(const reading *r, enum dsl_word first, enum dsl_word last) {
    return dsl_word_among(r->L, -1, r->words, first, last);
}

static bool is_word(const reading *r, enum dsl_word word) {
    return option_of(r, word, word) == 0;
}

/* An environment needs code that can be loaded with it, which is checked when all fields are read.
 */
static const char *read_env(reading *r) {
    r->body_only = "env";
    bool is_env = dsl_env_read(r->L);
    keep(r, DSL_SPEC_ENV);
    lua_pushliteral(r->L, DSL_ENV_CALL);
    lua_replace(r->L, r->base + DSL_SPEC_ENV_CALL);
    return is_env ? NULL : "invalid_env";
}

static const char *read_restart(reading *r) {
    int restart = option_of(r, DSL_WORD_PERMANENT, DSL_WORD_TEMPORARY);
    r->spec->core.restart = (enum dynsup_restart)restart;
    return restart >= 0 ? NULL : "invalid_restart_type";
}

/* A number >= 0 of ms, or negative for "infinity". */
static bool read_ms(const reading *r, double *ms_out) {
    *ms_out = DYNSUP_SHUTDOWN_INFINITY;
    if (lua_type(r->L, -1) != LUA_TNUMBER)
        return is_word(r, DSL_WORD_FOREVER);
    double ms = lua_tonumber(r->L, -1);
    if (ms != HUGE_VAL)
        *ms_out = ms;
    return ms >= 0;
}

static const char *read_shutdown(reading *r) {
    r->has_shutdown = true;
    if (is_word(r, DSL_WORD_BRUTAL_KILL)) {
        r->spec->core.shutdown_ms = DYNSUP_SHUTDOWN_BRUTAL_KILL;
        return NULL;
    }
    return read_ms(r, &r->spec->core.shutdown_ms) ? NULL : "invalid_shutdown";
}

static const char *read_type(reading *r) {
    int type = option_of(r, DSL_WORD_WORKER, DSL_WORD_SUPERVISOR);
    r->spec->core.is_supervisor = type == 1;
    return type >= 0 ? NULL : "invalid_child_type";
}

static const char *read_name(reading *r) {
    r->body_only = "name";
    dynsup_child_spec *core = &r->spec->core;
    if (dsl_name_is_plain(r->L, -1, &core->name, &core->name_length)) {
        keep(r, DSL_SPEC_NAME);
        return NULL;
    }
    bool is_name = dsl_name_read(r->L, -1, &core->name, &core->name_length);
    lua_replace(r->L, r->base + DSL_SPEC_NAME);
    dsl_name_values(r->L, -1);
    lua_replace(r->L, r->base + DSL_SPEC_NAME_VALUE);
    lua_replace(r->L, r->base + DSL_SPEC_NAME_KEY);
    r->spec->given |= 1u << DSL_SPEC_NAME_KEY | 1u << DSL_SPEC_NAME_VALUE;
    return is_name ? NULL : "invalid_name";
}

static const char *read_ready(reading *r) {
    r->body_only = "ready";
    r->spec->core.ready = lua_toboolean(r->L, -1);
    return lua_isboolean(r->L, -1) ? NULL : "invalid_ready";
}

static const char *read_start_timeout(reading *r) {
    r->body_only = "start_timeout";
    return read_ms(r, &r->spec->core.start_timeout_ms) ? NULL : "invalid_start_timeout";
}

static const char *read_max_restores(reading *r) {
    int whole = 0;
    lua_Integer count = lua_type(r->L, -1) == LUA_TNUMBER ? lua_tointegerx(r->L, -1, &whole) : 0;
    bool is_infinite = is_word(r, DSL_WORD_FOREVER);
    r->spec->core.max_restores = is_infinite ? DYNSUP_NO_LIMIT : (uint64_t)count;
    return is_infinite || (whole && count > 0) ? NULL : "invalid_max_restores";
}

/* One of the two is enough for a limit of the child's own: the other then has a supervisor's
 * default. */
static const char *read_restart_limit(reading *r) {
    dynsup_restart_limit *limit = &r->spec->restart_limit;
    r->spec->core.restart_limit = limit;
    return dsl_restart_limit_read(r->L, lua_tostring(r->L, -2), limit);
}

static const char *read_limit(reading *r) {
    dynsup_limits *limits = &r->spec->limits;
    const char *field = lua_tostring(r->L, -2);
    r->spec->core.limits = limits;
    r->limit = field; /* the key, which is in the table */
    return dsl_limit_read(r->L, field, limits);
}

static const char *read_modules(reading *r) {
    keep(r, DSL_SPEC_MODULES);
    return lua_istable(r->L, -1) || is_word(r, DSL_WORD_DYNAMIC) ? NULL : "invalid_modules";
}

static const char *read_significant(reading *r) {
    r->spec->core.significant = lua_toboolean(r->L, -1);
    return lua_isboolean(r->L, -1) ? NULL : "invalid_significant";
}

/* ---- backoff ---- */

static bool backoff_field(lua_State *L, dynsup_backoff *backoff, const char *key) {
    if (lua_type(L, -1) != LUA_TNUMBER)
        return false;
    double value = lua_tonumber(L, -1);
    if (strcmp(key, "min") == 0)
        backoff->min_ms = value;
    else if (strcmp(key, "max") == 0)
        backoff->max_ms = value;
    else if (strcmp(key, "factor") == 0)
        backoff->factor = value;
    else if (strcmp(key, "jitter") == 0)
        backoff->jitter = value;
    else if (strcmp(key, "reset_after") == 0)
        backoff->reset_after_ms = isnan(value) ? -1 : value;
    else
        return false;
    return true;
}

/* The table on top; its pairs replace the defaults. */
static bool backoff_fields(lua_State *L, dynsup_backoff *backoff) {
    backoff->reset_after_ms = NAN; /* not given */
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        bool known =
            lua_type(L, -2) == LUA_TSTRING && backoff_field(L, backoff, lua_tostring(L, -2));
        if (!known) {
            lua_pop(L, 2);
            return false;
        }
        lua_pop(L, 1);
    }
    if (isnan(backoff->reset_after_ms))
        backoff->reset_after_ms = backoff->max_ms;
    return true;
}

static const char *read_backoff(reading *r) {
    dynsup_backoff *backoff = &r->spec->backoff;
    *backoff = dynsup_backoff_defaults();
    if (lua_isboolean(r->L, -1)) {
        r->spec->core.backoff = lua_toboolean(r->L, -1) ? backoff : NULL;
        return NULL;
    }
    r->spec->core.backoff = backoff;
    if (!lua_istable(r->L, -1) || !backoff_fields(r->L, backoff))
        return "invalid_backoff";
    return dynsup_backoff_valid(backoff) ? NULL : "invalid_backoff";
}

static const char *read_heap(reading *r) {
    r->spec->own_heap = is_word(r, DSL_WORD_OWN);
    return r->spec->own_heap ? NULL : "invalid_heap";
}

/* ---- the table ---- */

static const field_fn readers[] = {
    [DSL_WORD_BODY] = read_body,
    [DSL_WORD_RESTART] = read_restart,
    [DSL_WORD_ARGS] = read_args,
    [DSL_WORD_START] = read_start,
    [DSL_WORD_ID] = read_id,
    [DSL_WORD_NAME] = read_name,
    [DSL_WORD_SHUTDOWN] = read_shutdown,
    [DSL_WORD_TYPE] = read_type,
    [DSL_WORD_READY] = read_ready,
    [DSL_WORD_START_TIMEOUT] = read_start_timeout,
    [DSL_WORD_BACKOFF] = read_backoff,
    [DSL_WORD_MAX_RESTORES] = read_max_restores,
    [DSL_WORD_MAX_RESTARTS] = read_restart_limit,
    [DSL_WORD_MAX_SECONDS] = read_restart_limit,
    [DSL_WORD_MAX_SLICE] = read_limit,
    [DSL_WORD_MAX_CPU] = read_limit,
    [DSL_WORD_DEADLINE] = read_limit,
    [DSL_WORD_MAX_MEMORY] = read_limit,
    [DSL_WORD_MAX_MAILBOX] = read_limit,
    [DSL_WORD_MAX_MESSAGE] = read_limit,
    [DSL_WORD_ENV] = read_env,
    [DSL_WORD_MODULES] = read_modules,
    [DSL_WORD_SIGNIFICANT] = read_significant,
    [DSL_WORD_HEAP] = read_heap,
};

enum { FIELD_COUNT = sizeof readers / sizeof *readers };

const char *dsl_spec_field(size_t number) {
    return number < FIELD_COUNT ? dsl_word_text((enum dsl_word)number) : NULL;
}

int dsl_spec_fail(lua_State *L, const char *what) {
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, what);
    lua_insert(L, -2);
    return 3;
}

/* Of what goes by items, not by fields: { module, arg }. */
static bool is_pair_key(lua_State *L, int index) {
    lua_Integer item = lua_isinteger(L, index) ? lua_tointeger(L, index) : 0;
    return item == 1 || item == 2;
}

/* Pushes a key beside module and arg (and n, which table.pack adds), if there is one. */
static bool push_odd_key(lua_State *L, int index) {
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        bool is_n = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "n") == 0;
        if (!is_n && !is_pair_key(L, -1))
            return true;
    }
    return false;
}

static bool has_raw(lua_State *L, int index, const char *field) {
    lua_pushstring(L, field);
    bool has = lua_rawget(L, index) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* Why { module, arg } did not become a spec, as a sentence. */
static int fail_pair(lua_State *L, int index) {
    int type = lua_rawgeti(L, index, 1);
    if (type != LUA_TTABLE)
        lua_pushfstring(L, PAIR ": the module is %s%s, not a table with a function child_spec",
                        type == LUA_TNIL ? "" : "a ", lua_typename(L, type));
    else if (!push_odd_key(L, index))
        lua_pushliteral(L, PAIR ": the module has no function child_spec");
    else if (lua_type(L, -1) == LUA_TSTRING)
        lua_pushfstring(L,
                        PAIR " has the field %s too: what is to be replaced in the "
                             "module's child spec is a second argument of "
                             "dynsup.supervisor.child_spec",
                        lua_tostring(L, -1));
    else
        lua_pushliteral(L, PAIR " has another key: the module's child_spec has one argument");
    return dsl_spec_fail(L, "invalid_child_spec");
}

/* The pairs of the table. 0, or nil, what is wrong and with which value are pushed. */
static int read_fields(reading *r, int index) {
    lua_State *L = r->L;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int field = dsl_word_among(L, -2, r->words, 0, FIELD_COUNT - 1);
        if (field < 0) {
            lua_pop(L, 1);
            if (is_pair_key(L, -1) && !has_raw(L, index, "body") && !has_raw(L, index, "start"))
                return fail_pair(L, index);
            return dsl_spec_fail(L, "invalid_child_spec");
        }
        const char *wrong = readers[field](r);
        if (wrong)
            return dsl_spec_fail(L, wrong);
        lua_pop(L, 1);
    }
    return 0;
}

/* What must hold between the fields. */
static int check_whole(reading *r, int index) {
    const char *odd = NULL;
    if (r->has_body && r->has_start)
        odd = "start";
    else if (r->has_start && r->body_only)
        odd = r->body_only;
    else if (r->spec->is_worker && dsl_spec_has(r->spec, DSL_SPEC_ARGS))
        odd = "args";
    else if (r->spec->is_worker && r->spec->own_heap)
        odd = "heap";
    else if (r->spec->core.is_supervisor && r->limit)
        odd = r->limit;
    else if (r->has_body || r->has_start)
        return 0;
    if (odd)
        lua_pushstring(r->L, odd);
    else
        lua_pushvalue(r->L, index);
    return dsl_spec_fail(r->L, "invalid_child_spec");
}

/* A function value belongs to the heap that it was made in. */
static int check_heap(reading *r) {
    if (!r->spec->own_heap || lua_type(r->L, r->base + DSL_SPEC_FUNCTION) == LUA_TSTRING)
        return 0;
    lua_pushliteral(r->L, DSL_SPEC_NEEDS_NAME);
    return dsl_spec_fail(r->L, "invalid_mfa");
}

/* "bad_combination" with the two fields that do not go together. */
static int fail_combination(lua_State *L, const char *field, const char *value) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "significant");
    return dsl_spec_fail(L, "bad_combination");
}

int dsl_spec_check_significant(lua_State *L, const dsl_spec *spec, bool is_static,
                               enum dynsup_auto_shutdown auto_shutdown) {
    if (!spec->core.significant)
        return 0;
    if (!is_static) { /* a dynamic supervisor has no use for it */
        lua_pushboolean(L, 1);
        return dsl_spec_fail(L, "invalid_significant");
    }
    if (auto_shutdown == DYNSUP_NEVER_SHUTDOWN)
        return fail_combination(L, "auto_shutdown", "never");
    if (spec->core.restart == DYNSUP_PERMANENT)
        return fail_combination(L, "restart", "permanent");
    return 0;
}

/* 0, or the number of values pushed. */
static int check_memory(lua_State *L, dsl_spec *spec) {
    if (!spec->core.limits) /* none is given */
        return 0;
    spec->max_memory = dsl_limits_memory(&spec->limits);
    if (spec->own_heap) /* the limit of a heap needs no accounts */
        return 0;
    const char *why = dsl_limits_account(L, &spec->limits);
    if (spec->max_memory && spec->is_worker)
        why = "a worker in C has no memory of Lua's that could be limited";
    if (!why)
        return 0;
    lua_pushstring(L, why);
    return dsl_spec_fail(L, "invalid_max_memory");
}

/* Refuses env for a function, which keeps its own globals. 0, or the number of values pushed. */
static int check_env(const reading *r) {
    lua_State *L = r->L;
    if (!dsl_spec_has(r->spec, DSL_SPEC_ENV) ||
        lua_type(L, r->base + DSL_SPEC_FUNCTION) == LUA_TSTRING)
        return 0;
    lua_pushliteral(L, "env needs a body by \"module:function\": a function keeps the globals that "
                       "it was written with");
    return dsl_spec_fail(L, "invalid_env");
}

static void begin(lua_State *L, dsl_spec *spec, enum dynsup_restart restart) {
    memset(spec, 0, sizeof *spec);
    spec->core.restart = restart;
    spec->core.start_timeout_ms = -1;
    spec->core.shutdown_ms = SHUTDOWN_MS;
    spec->restart_limit = (dynsup_restart_limit){.max_restarts = 3, .period_ms = 5000};
    lua_settop(L, lua_gettop(L) + DSL_SPEC_PLACES);
}

int dsl_spec_bare(lua_State *L, int index, dsl_spec *spec) {
    index = lua_absindex(L, index);
    if (!is_function(L, index)) {
        lua_pushvalue(L, index);
        return dsl_spec_fail(L, "invalid_mfa");
    }
    begin(L, spec, DYNSUP_TEMPORARY);
    lua_copy(L, index, -DSL_SPEC_PLACES + DSL_SPEC_FUNCTION);
    spec->given = 1u << DSL_SPEC_FUNCTION;
    return 0;
}

int dsl_spec_read(lua_State *L, const dsl_runtime *runtime, int index, dsl_spec *spec) {
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) {
        lua_pushvalue(L, index);
        return dsl_spec_fail(L, "invalid_child_spec");
    }
    reading r = {.L = L, .words = &runtime->words, .spec = spec, .base = lua_gettop(L) + 1};
    begin(L, spec, DYNSUP_PERMANENT);
    int failed = read_fields(&r, index);
    if (failed == 0)
        failed = check_whole(&r, index);
    if (failed == 0)
        failed = check_heap(&r);
    if (failed == 0)
        failed = check_env(&r);
    if (failed)
        return failed;
    spec->by_start = r.has_start;
    if (spec->core.is_supervisor && !r.has_shutdown)
        spec->core.shutdown_ms = DYNSUP_SHUTDOWN_INFINITY;
    return check_memory(L, spec);
}
