/* The C half of dynsup.log: lines of scripts, and the level at run time. */
#include "bindings/log/log.h"
#include "bindings/native.h"

#include <string.h>

/* The running host of the function's state, or NULL. */
static dsl_host *host_here(lua_State *L) {
    dsl_host *host = dsl_runtime_of(L)->host;
    return host ? host->whole : NULL;
}

static bool is_wanted(const dsl_host *host, lua_Integer level) {
    return host && host->config->log && level <= (lua_Integer)host->config->level;
}

/* wanted(level) -> boolean */
static int wanted(lua_State *L) {
    lua_pushboolean(L, is_wanted(host_here(L), lua_tointeger(L, 1)));
    return 1;
}

/* text(value) -> string: may raise what its __tostring raises */
static int text(lua_State *L) {
    dynsup_lua_text_push(L, 1);
    return 1;
}

/* The speaker, in the structured formats. */
static void add_self(const dsl_host *host, dynsup_record *record) {
    dynsup_process_info info;
    dynsup_pid self = dynsup_self(host->core);
    if (record->format == DYNSUP_FORMAT_TEXT || !dynsup_process_glance(host->core, self, &info))
        return;
    dynsup_record_id(record, "pid", self);
    if (info.name)
        dynsup_record_text(record, "name", info.name, info.name_length);
}

/* The field with this key and the value on top. */
static void add_field(lua_State *L, dynsup_record *record, const char *key) {
    size_t size;
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        dynsup_record_boolean(record, key, lua_toboolean(L, -1));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            dynsup_record_integer(record, key, lua_tointeger(L, -1));
        else
            dynsup_record_number(record, key, lua_tonumber(L, -1));
        break;
    case LUA_TSTRING: {
        const char *string = lua_tolstring(L, -1, &size);
        dynsup_record_text(record, key, string, size);
        break;
    }
    default: /* dynsup/log.lua makes strings of all others */
        break;
    }
}

/* A flat list at the index: key, value, key, value. */
static void add_fields(lua_State *L, dynsup_record *record, int index) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);
    for (lua_Integer i = 1; i < count; i += 2) {
        lua_rawgeti(L, index, i);
        lua_rawgeti(L, index, i + 1);
        add_field(L, record, lua_tostring(L, -2));
        lua_pop(L, 2);
    }
}

/* Fills a line that was begun with the arguments of `write`, and ends it. */
static void write_line(lua_State *L, const dsl_host *host, dsl_line *line) {
    size_t size;
    const char *event = lua_tostring(L, 2);
    const char *message = lua_tolstring(L, 3, &size);
    if (line->record.format != DYNSUP_FORMAT_TEXT)
        dynsup_record_string(&line->record, "event", event);
    else if (!message)
        dynsup_record_message(&line->record, event, strlen(event));
    if (message)
        dynsup_record_message(&line->record, message, size);
    add_self(host, &line->record);
    add_fields(L, &line->record, 4);
    dsl_line_end(line);
}

/* write(level, event, message or nil, fields) */
static int write(lua_State *L) {
    dsl_host *host = host_here(L);
    dsl_line line;
    enum dynsup_level level = (enum dynsup_level)lua_tointeger(L, 1);
    if (!is_wanted(host, level))
        return 0;
    dsl_line_begin(&line, host, level);
    write_line(L, host, &line);
    if (dsl_is_tapped(host, level)) {
        dsl_line_begin_text(&line, host, level);
        write_line(L, host, &line);
    }
    return 0;
}

/* level([name]) -> the name of the level before; nil if the name is no level */
static int level(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    const char *old = dsl_level_names[host->config->level];
    if (!lua_isnoneornil(L, 1)) {
        int i = 0;
        while (dsl_level_names[i] && strcmp(dsl_level_names[i], lua_tostring(L, 1)) != 0)
            i++;
        if (!dsl_level_names[i])
            return 0;
        host->whole->own_config.level = (enum dynsup_level)i;
        dsl_events_want(host->whole);
    }
    lua_pushstring(L, old);
    return 1;
}

const luaL_Reg dsl_log_functions[] = {
    {"wanted", wanted}, {"text", text}, {"write", write}, {"level", level}, {NULL, NULL},
};
