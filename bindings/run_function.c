/* dynsup.run: its options, and what it returns. */
#include "bindings/process/dry.h"
#include "bindings/log/log.h"
#include "bindings/module.h"

#include <string.h>

/* Reads an option; false leaves the default. [-0, +1] */
static bool option(lua_State *L, const char *name, int type) {
    if (lua_getfield(L, 1, name) == LUA_TNIL)
        return false;
    if (lua_type(L, -1) != type)
        dsl_error(L, "bad option '%s' of 'run' (%s expected, got %s)", name, lua_typename(L, type),
                  luaL_typename(L, -1));
    return true;
}

static void check_option_names(lua_State *L) {
    static const char *const names[] = {
        "clock",      "seed",          "preempt",    "slice",     "log_level",       "log",
        "count_hook", "copy_messages", "log_format", "event_log", "memory_accounts", NULL};
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "option names are strings");
        int i = 0;
        while (names[i] && strcmp(names[i], lua_tostring(L, -1)) != 0)
            i++;
        if (!names[i])
            dsl_error(L, "bad argument #1 to 'run' (unknown option '%s')", lua_tostring(L, -1));
    }
}

static void read_clock(lua_State *L, dynsup_lua_config *config) {
    if (!option(L, "clock", LUA_TSTRING))
        return;
    const char *clock = lua_tostring(L, -1);
    config->virtual_clock = strcmp(clock, "virtual") == 0;
    if (!config->virtual_clock && strcmp(clock, "real") != 0)
        dsl_error(L, "bad option 'clock' of 'run' (\"virtual\" or \"real\" expected, got \"%s\")",
                  clock);
}

/* The position of the option's word among the names, or the default. */
static int read_word(lua_State *L, const char *name, const char *const *words, int otherwise) {
    if (!option(L, name, LUA_TSTRING))
        return otherwise;
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], lua_tostring(L, -1)) == 0)
            return i;
    dsl_error(L, "bad option '%s' of 'run' (unknown value '%s')", name, lua_tostring(L, -1));
}

static void read_log(lua_State *L, dynsup_lua_config *config) {
    config->level =
        (enum dynsup_level)read_word(L, "log_level", dsl_level_names, DYNSUP_LEVEL_WARNING);
    config->format =
        (enum dynsup_log_format)read_word(L, "log_format", dsl_format_names, DYNSUP_LOG_TEXT);
}

static void read_preempt(lua_State *L, dynsup_lua_config *config) {
    bool none = false, count = false;
    if (option(L, "preempt", LUA_TBOOLEAN))
        none = !lua_toboolean(L, -1);
    if (option(L, "count_hook", LUA_TBOOLEAN))
        count = lua_toboolean(L, -1);
    if (count)
        config->preempt = DYNSUP_LUA_PREEMPT_COUNT;
    if (none)
        config->preempt = DYNSUP_LUA_PREEMPT_NONE;
}

/* The table at index 1; pushes the log function, or nil. [-0, +1] */
static void read_options(lua_State *L, dynsup_lua_config *config) {
    check_option_names(L);
    read_clock(L, config);
    read_log(L, config);
    read_preempt(L, config);
    if (option(L, "seed", LUA_TNUMBER)) {
        int whole;
        config->seed = (uint64_t)lua_tointegerx(L, -1, &whole);
        if (!whole)
            dsl_error(L, "bad option 'seed' of 'run' (integer expected)");
    }
    if (option(L, "copy_messages", LUA_TBOOLEAN))
        config->copy_messages = lua_toboolean(L, -1);
    if (option(L, "memory_accounts", LUA_TBOOLEAN))
        config->memory_accounts = lua_toboolean(L, -1);
    if (option(L, "slice", LUA_TNUMBER)) {
        config->slice_ms = lua_tonumber(L, -1);
        if (!(config->slice_ms > 0))
            dsl_error(L, "bad option 'slice' of 'run' (milliseconds > 0 expected)");
    }
    if (option(L, "event_log", LUA_TFUNCTION))
        config->event_log = dsl_log_queue;
    if (option(L, "log", LUA_TFUNCTION))
        config->log = dsl_log_queue;
}

/* With the options at index 1 and the log function on top: replaces the options by the queues,
 * which hold the functions that are called. [-1, +0] */
static void keep_logs(lua_State *L, dynsup_lua_config *config) {
    config->log_ud = dsl_log_queue_new(L, true);
    lua_getfield(L, 1, "event_log");
    config->event_log_ud = dsl_log_queue_new(L, false);
    lua_createtable(L, 2, 0);
    lua_replace(L, 1);
    lua_rawseti(L, 1, 2);
    lua_rawseti(L, 1, 1);
}

static int push_halted(lua_State *L) {
    lua_Integer code = lua_tointeger(L, -1);
    if (code == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "halt");
    lua_pushinteger(L, code);
    return 3;
}

/* Reads the options, if there are any; afterwards index 1 has what must be kept, or nil, and 2 the
 * function. */
static void take_options(lua_State *L, dynsup_lua_config *config) {
    int top = lua_gettop(L);
    if (!lua_istable(L, 1)) {
        dsl_check_function(L, 1);
        lua_pushnil(L);
        lua_insert(L, 1);
        return;
    }
    luaL_checkstack(L, 16, NULL);
    dsl_check_function(L, 2);
    read_options(L, config);
    keep_logs(L, config);
    lua_settop(L, top);
}

static int run(lua_State *L) {
    dynsup_lua_config config = {0};
    dynsup_lua_config_program(&config);
    int count;
    take_options(L, &config);
    dsl_host *outer = dsl_host_or_null(L);
    if (outer)
        dsl_dry_wait(L, outer);
    switch (dynsup_lua_run(L, &config, lua_gettop(L) - 2, &count)) {
    case DYNSUP_LUA_DONE:
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return count + 1;
    case DYNSUP_LUA_FAILED:
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    case DYNSUP_LUA_DEADLOCK:
        lua_pushnil(L);
        lua_pushliteral(L, "deadlock");
        lua_pushvalue(L, -3);
        return 3;
    default:
        return push_halted(L);
    }
}

const luaL_Reg dsl_run_functions[] = {{"run", run}, {NULL, NULL}};
