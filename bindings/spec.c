/*
 * Child specs: one pass over the table, raw, that checks every field and copies what is kept.
 *
 * A wrong field is an expected failure: nil, what is wrong, and the offending value.
 */
#include "bindings/account.h"
#include "bindings/name.h"
#include "bindings/program.h"
#include "bindings/spec_limits.h"
#include "bindings/worker.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    lua_State *L;
    int base; /* of the places */
    dsl_spec *spec;
    bool has_body, has_start, has_shutdown;
    const char *body_only; /* a field of body that was given */
} reading;

/* A field's reader: the value is on top. NULL, or what is wrong with it. */
typedef const char *(*field_fn)(reading *r);

static void keep(reading *r, int place) {
    lua_copy(r->L, -1, r->base + place);
}

static bool is_function(lua_State *L) {
    if (lua_isfunction(L, -1))
        return true;
    if (lua_type(L, -1) != LUA_TSTRING)
        return false;
    const char *name = lua_tostring(L, -1);
    const char *colon = strchr(name, ':');
    return colon && colon > name && colon[1] != '\0';
}

static const char *read_body(reading *r) {
    r->has_body = true;
    r->spec->is_worker = dsl_worker_name(r->L, -1);
    keep(r, DSL_SPEC_FUNCTION);
    return r->spec->is_worker || is_function(r->L) ? NULL : "invalid_mfa";
}

static const char *read_start(reading *r) {
    r->has_start = true;
    r->spec->core.guest = true;
    keep(r, DSL_SPEC_FUNCTION);
    return is_function(r->L) ? NULL : "invalid_mfa";
}

static const char *read_args(reading *r) {
    keep(r, DSL_SPEC_ARGS);
    return dsl_is_list(r->L, -1) ? NULL : "invalid_mfa";
}

static const char *read_id(reading *r) {
    keep(r, DSL_SPEC_ID);
    return NULL;
}

/* A text that a spec may hold, and its length: the list of them ends with no text. */
typedef struct word {
    const char *text;
    size_t length;
} word;

#define WORD(text)                                                                                 \
    { text, sizeof(text) - 1 }

static bool word_is(const word *w, const char *text, size_t length) {
    return w->length == length && *w->text == *text && memcmp(w->text, text, length) == 0;
}

/* Which of the options the value on top is; -1: none. */
static int option_of(lua_State *L, const word *options) {
    size_t length;
    if (lua_type(L, -1) != LUA_TSTRING)
        return -1;
    const char *text = lua_tolstring(L, -1, &length);
    for (int i = 0; options[i].text; i++)
        if (word_is(&options[i], text, length))
            return i;
    return -1;
}

static const char *read_restart(reading *r) {
    static const word restarts[] = {
        WORD("permanent"), WORD("transient"), WORD("temporary"), {NULL, 0}};
    int restart = option_of(r->L, restarts);
    r->spec->core.restart = (enum dynsup_restart)restart;
    return restart >= 0 ? NULL : "invalid_restart_type";
}

/* A number >= 0 of ms, or negative for "infinity". */
static bool read_ms(lua_State *L, double *ms_out) {
    static const word infinity[] = {WORD("infinity"), {NULL, 0}};
    *ms_out = DYNSUP_SHUTDOWN_INFINITY;
    if (lua_type(L, -1) != LUA_TNUMBER)
        return option_of(L, infinity) == 0;
    double ms = lua_tonumber(L, -1);
    if (ms != HUGE_VAL)
        *ms_out = ms;
    return ms >= 0;
}

static const char *read_shutdown(reading *r) {
    static const word brutal[] = {WORD("brutal_kill"), {NULL, 0}};
    r->has_shutdown = true;
    if (option_of(r->L, brutal) == 0) {
        r->spec->core.shutdown_ms = DYNSUP_SHUTDOWN_BRUTAL_KILL;
        return NULL;
    }
    return read_ms(r->L, &r->spec->core.shutdown_ms) ? NULL : "invalid_shutdown";
}

static const char *read_type(reading *r) {
    static const word types[] = {WORD("worker"), WORD("supervisor"), {NULL, 0}};
    int type = option_of(r->L, types);
    r->spec->core.is_supervisor = type == 1;
    return type >= 0 ? NULL : "invalid_child_type";
}

static const char *read_name(reading *r) {
    r->body_only = "name";
    dynsup_child_spec *core = &r->spec->core;
    bool is_name = dsl_name_read(r->L, -1, &core->name, &core->name_length);
    lua_replace(r->L, r->base + DSL_SPEC_NAME);
    dsl_name_values(r->L, -1);
    lua_replace(r->L, r->base + DSL_SPEC_NAME_VALUE);
    lua_replace(r->L, r->base + DSL_SPEC_NAME_KEY);
    return is_name ? NULL : "invalid_name";
}

static const char *read_ready(reading *r) {
    r->body_only = "ready";
    r->spec->core.ready = lua_toboolean(r->L, -1);
    return lua_isboolean(r->L, -1) ? NULL : "invalid_ready";
}

static const char *read_start_timeout(reading *r) {
    r->body_only = "start_timeout";
    return read_ms(r->L, &r->spec->core.start_timeout_ms) ? NULL : "invalid_start_timeout";
}

static const char *read_max_restores(reading *r) {
    static const word infinity[] = {WORD("infinity"), {NULL, 0}};
    int whole = 0;
    lua_Integer count = lua_type(r->L, -1) == LUA_TNUMBER ? lua_tointegerx(r->L, -1, &whole) : 0;
    bool is_infinite = option_of(r->L, infinity) == 0;
    r->spec->core.max_restores = is_infinite ? DYNSUP_NO_LIMIT : (uint64_t)count;
    return is_infinite || (whole && count > 0) ? NULL : "invalid_max_restores";
}

/* One of them is enough for a limit of its own: the other is as in a supervisor's options. */
static const char *read_restart_limit(reading *r) {
    dynsup_restart_limit *limit = &r->spec->restart_limit;
    r->spec->core.restart_limit = limit;
    return dsl_restart_limit_read(r->L, lua_tostring(r->L, -2), limit);
}

static const char *read_max_memory(reading *r) {
    static const word infinity[] = {WORD("infinity"), {NULL, 0}};
    int whole = 0;
    lua_Integer bytes = lua_type(r->L, -1) == LUA_TNUMBER ? lua_tointegerx(r->L, -1, &whole) : 0;
    bool is_infinite = option_of(r->L, infinity) == 0;
    r->spec->max_memory = is_infinite ? 0 : (size_t)bytes;
    return is_infinite || (whole && bytes > 0) ? NULL : "invalid_max_memory";
}

static const char *read_modules(reading *r) {
    static const word dynamic[] = {WORD("dynamic"), {NULL, 0}};
    keep(r, DSL_SPEC_MODULES);
    return lua_istable(r->L, -1) || option_of(r->L, dynamic) == 0 ? NULL : "invalid_modules";
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
    static const word own[] = {WORD("own"), {NULL, 0}};
    r->spec->own_heap = option_of(r->L, own) == 0;
    return r->spec->own_heap ? NULL : "invalid_heap";
}

/* ---- the table ---- */

static const struct field {
    word name;
    field_fn read;
} fields[] = {
    {WORD("body"), read_body},
    {WORD("restart"), read_restart},
    {WORD("args"), read_args},
    {WORD("start"), read_start},
    {WORD("id"), read_id},
    {WORD("name"), read_name},
    {WORD("shutdown"), read_shutdown},
    {WORD("type"), read_type},
    {WORD("ready"), read_ready},
    {WORD("start_timeout"), read_start_timeout},
    {WORD("backoff"), read_backoff},
    {WORD("max_restores"), read_max_restores},
    {WORD("max_restarts"), read_restart_limit},
    {WORD("max_seconds"), read_restart_limit},
    {WORD("max_memory"), read_max_memory},
    {WORD("modules"), read_modules},
    {WORD("significant"), read_significant},
    {WORD("heap"), read_heap},
    {{NULL, 0}, NULL},
};

const char *dsl_spec_field(size_t number) {
    return number < sizeof fields / sizeof *fields ? fields[number].name.text : NULL;
}

static const struct field *field_find(lua_State *L, int index) {
    size_t length;
    if (lua_type(L, index) != LUA_TSTRING)
        return NULL;
    const char *text = lua_tolstring(L, index, &length);
    for (const struct field *f = fields; f->name.text; f++)
        if (word_is(&f->name, text, length))
            return f;
    return NULL;
}

int dsl_spec_fail(lua_State *L, const char *what) {
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, what);
    lua_insert(L, -2);
    return 3;
}

/* The pairs of the table. 0, or nil, what is wrong and with which value are pushed. */
static int read_fields(reading *r, int index) {
    lua_State *L = r->L;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const struct field *field = field_find(L, -2);
        if (!field) {
            lua_pop(L, 1);
            return dsl_spec_fail(L, "invalid_child_spec");
        }
        const char *wrong = field->read(r);
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
    else if (r->spec->is_worker && !lua_isnil(r->L, r->base + DSL_SPEC_ARGS))
        odd = "args";
    else if (r->spec->is_worker && r->spec->own_heap)
        odd = "heap";
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

/* A limit needs accounts. 0, or the number of values pushed. */
static int check_memory(lua_State *L, const dsl_spec *spec) {
    if (!spec->max_memory || spec->own_heap) /* the limit of a heap needs none */
        return 0;
    if (spec->is_worker) {
        lua_pushliteral(L, "a worker in C has no memory of Lua's that could be limited");
        return dsl_spec_fail(L, "invalid_max_memory");
    }
    int status = dsl_accounts_open(L, dsl_host_of_thread(L));
    if (status == 0)
        return 0;
    dsl_check_status(L, status);
    lua_pushliteral(L, "the allocator of this lua_State is the program's own, and does not tell "
                       "whose memory is whose: docs/embedding.md, \"Memory\"");
    return dsl_spec_fail(L, "invalid_max_memory");
}

int dsl_spec_read(lua_State *L, int index, dsl_spec *spec) {
    reading r = {.L = L, .spec = spec};
    index = lua_absindex(L, index);
    luaL_checkstack(L, DSL_SPEC_PLACES + 8, NULL);
    memset(spec, 0, sizeof *spec);
    spec->core.restart = DYNSUP_PERMANENT;
    spec->core.start_timeout_ms = -1;
    spec->restart_limit = (dynsup_restart_limit){.max_restarts = 3, .period_ms = 5000};
    if (!lua_istable(L, index)) {
        lua_pushvalue(L, index);
        return dsl_spec_fail(L, "invalid_child_spec");
    }
    for (int i = 0; i < DSL_SPEC_PLACES; i++)
        lua_pushnil(L);
    r.base = lua_gettop(L) - DSL_SPEC_PLACES + 1;
    int failed = read_fields(&r, index);
    if (failed == 0)
        failed = check_whole(&r, index);
    if (failed == 0)
        failed = check_heap(&r);
    if (failed)
        return failed;
    spec->by_start = r.has_start;
    if (!r.has_shutdown)
        spec->core.shutdown_ms = spec->core.is_supervisor ? DYNSUP_SHUTDOWN_INFINITY : 5000;
    return check_memory(L, spec);
}
