/* Limits in child specs and options of supervisors: what their fields may be. */
#include "bindings/child/spec_limits.h"

#include "bindings/memory/account.h"
#include "bindings/child/field.h"

#include <math.h>
#include <string.h>

#define SECONDS_MAX   1e12
#define MS_PER_SECOND 1000

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

/* ---- what a child may use ---- */

static bool is_word(lua_State *L, const char *word) {
    return lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), word) == 0;
}

/* Milliseconds > 0, or none by "infinity". */
static bool ms_read(lua_State *L, double *ms_out) {
    *ms_out = DYNSUP_NO_TIME_LIMIT;
    if (lua_type(L, -1) != LUA_TNUMBER)
        return is_word(L, "infinity");
    double ms = lua_tonumber(L, -1);
    if (ms < DYNSUP_NO_TIME_LIMIT)
        *ms_out = ms;
    return ms > 0;
}

/* A whole number > 0, or none by "infinity". */
static bool size_read(lua_State *L, uint64_t *size_out) {
    bool is_count = dsl_count_read(L, size_out) && *size_out > 0;
    if (!is_count)
        *size_out = DYNSUP_NO_LIMIT;
    return is_count || is_word(L, "infinity");
}

static const char *read_max_slice(lua_State *L, dynsup_limits *limits) {
    return ms_read(L, &limits->slice_ms) ? NULL : "invalid_max_slice";
}

static const char *read_max_cpu(lua_State *L, dynsup_limits *limits) {
    bool is_time = ms_read(L, &limits->cpu_ms);
    bool is_part = limits->cpu_ms <= MS_PER_SECOND || is_word(L, "infinity");
    return is_time && is_part ? NULL : "invalid_max_cpu";
}

static const char *read_deadline(lua_State *L, dynsup_limits *limits) {
    return ms_read(L, &limits->deadline_ms) ? NULL : "invalid_deadline";
}

static const char *read_max_memory(lua_State *L, dynsup_limits *limits) {
    return size_read(L, &limits->memory) ? NULL : "invalid_max_memory";
}

static const char *const policies[] = {[DYNSUP_OVERFLOW_EXIT] = "exit",
                                       [DYNSUP_OVERFLOW_REFUSE] = "refuse",
                                       [DYNSUP_OVERFLOW_DROP_OLDEST] = "drop_oldest",
                                       [DYNSUP_OVERFLOW_DROP_NEWEST] = "drop_newest"};

static bool policy_read(lua_State *L, enum dynsup_overflow *policy_out) {
    for (int i = 0; i <= DYNSUP_OVERFLOW_DROP_NEWEST; i++) {
        *policy_out = (enum dynsup_overflow)i;
        if (is_word(L, policies[i]))
            return true;
    }
    return false;
}

/* The pairs of the table on top: max, which must be there, and policy. */
static bool mailbox_read(lua_State *L, dynsup_limits *limits) {
    bool is_right = true;
    limits->mailbox = 0;
    lua_pushnil(L);
    while (is_right && lua_next(L, -2)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(key, "max") == 0)
            is_right = size_read(L, &limits->mailbox);
        else
            is_right = strcmp(key, "policy") == 0 && policy_read(L, &limits->overflow);
        lua_pop(L, is_right ? 1 : 2);
    }
    return is_right && limits->mailbox > 0;
}

static const char *read_max_mailbox(lua_State *L, dynsup_limits *limits) {
    limits->overflow = DYNSUP_OVERFLOW_EXIT;
    bool is_right = lua_istable(L, -1) ? mailbox_read(L, limits) : size_read(L, &limits->mailbox);
    return is_right ? NULL : "invalid_max_mailbox";
}

static const char *read_max_message(lua_State *L, dynsup_limits *limits) {
    return size_read(L, &limits->message) ? NULL : "invalid_max_message";
}

static const struct limit_field {
    const char *name;
    const char *(*read)(lua_State *L, dynsup_limits *limits);
} limit_fields[] = {
    {"max_slice", read_max_slice},
    {"max_cpu", read_max_cpu},
    {"deadline", read_deadline},
    {"max_memory", read_max_memory},
    {"max_mailbox", read_max_mailbox},
    {"max_message", read_max_message},
    {NULL, NULL},
};

const char *dsl_limit_read(lua_State *L, const char *field, dynsup_limits *limits) {
    for (const struct limit_field *f = limit_fields; f->name; f++)
        if (strcmp(f->name, field) == 0)
            return f->read(L, limits);
    return "invalid_limits";
}

/* Checks a pair: NULL, or what is wrong, with the offending value on top in place of the value.
 * [-0, +0] */
static const char *pair_read(lua_State *L, dynsup_limits *limits) {
    const char *wrong = "invalid_limits";
    if (lua_type(L, -2) == LUA_TSTRING)
        wrong = dsl_limit_read(L, lua_tostring(L, -2), limits);
    if (wrong && strcmp(wrong, "invalid_limits") == 0)
        lua_copy(L, -2, -1); /* the detail is the name */
    return wrong;
}

const char *dsl_limits_read(lua_State *L, dynsup_limits *limits) {
    const char *wrong = NULL;
    *limits = (dynsup_limits){0};
    if (!lua_istable(L, -1))
        return "invalid_limits";
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        wrong = pair_read(L, limits);
        if (wrong) {
            lua_replace(L, -3);
            lua_pop(L, 1);
            return wrong;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

/* ---- memory ---- */

size_t dsl_limits_memory(const dynsup_limits *limits) {
    return limits->memory == DYNSUP_NO_LIMIT ? 0 : (size_t)limits->memory;
}

const char *dsl_limits_account(lua_State *L, const dynsup_limits *limits) {
    if (!dsl_limits_memory(limits))
        return NULL;
    if (dsl_check_status(L, dsl_accounts_open(L, dsl_host_of_thread(L))) == 0)
        return NULL;
    return "the allocator of this lua_State is the program's own, and does not tell whose memory "
           "is whose: docs/embedding.md, \"Memory\"";
}

/* ---- what is shown of them ---- */

static void set_ms(lua_State *L, const char *field, double ms) {
    if (ms > 0 && ms < DYNSUP_NO_TIME_LIMIT)
        dsl_field_number(L, field, ms);
}

static bool is_size(uint64_t size) {
    return size > 0 && size <= INT64_MAX;
}

static void set_size(lua_State *L, const char *field, uint64_t size) {
    if (is_size(size))
        dsl_field_integer(L, field, size);
}

static void set_mailbox(lua_State *L, const dynsup_limits *limits) {
    if (!is_size(limits->mailbox))
        return;
    lua_createtable(L, 0, 2);
    set_size(L, "max", limits->mailbox);
    lua_pushstring(L, policies[limits->overflow]);
    lua_setfield(L, -2, "policy");
    lua_setfield(L, -2, "max_mailbox");
}

void dsl_limits_push(lua_State *L, const dynsup_limits *limits) {
    lua_createtable(L, 0, 6);
    set_ms(L, "max_slice", limits->slice_ms);
    set_ms(L, "max_cpu", limits->cpu_ms);
    set_ms(L, "deadline", limits->deadline_ms);
    set_size(L, "max_memory", limits->memory);
    set_mailbox(L, limits);
    set_size(L, "max_message", limits->message);
}
