/*
 * From C into the host: processes, messages, and calls whose results come back later.
 *
 * Design notes.
 * A Lua error must not unwind the program's functions: values are moved to the host's thread and
 * used there, protected. What has to wait is done by a process of its own, the asker, whose box is
 * a to-be-closed variable: so the program gets its result even if that process is killed.
 */
#include "bindings/embed/embed.h"
#include "bindings/process/message.h"
#include "bindings/process/process.h"
#include "bindings/protect.h"

#include <string.h>

/* ---- protected work ---- */

static bool is_of_host(const dsl_host *host, lua_State *L) {
    return lua_topointer(L, LUA_REGISTRYINDEX) == lua_topointer(host->L, LUA_REGISTRYINDEX);
}

/* LUA_OK; another status of Lua's, with the error on top of the host's own thread; or a code. */
static int call(dsl_host *host, lua_State *L, int count, int results, lua_CFunction fn, void *ud) {
    lua_State *thread = host->L;
    if (!dsl_expect(L && is_of_host(host, L), "a thread of the host's lua_State"))
        return DYNSUP_EMISUSE;
    if (!lua_checkstack(L, 2 + results) || !lua_checkstack(thread, count + 4)) {
        lua_pop(L, count);
        return DYNSUP_ENOMEM;
    }
    lua_pushcfunction(L, fn);
    lua_insert(L, -count - 1);
    lua_pushlightuserdata(L, ud);
    lua_insert(L, -count - 1);
    if (L != thread)
        lua_xmove(L, thread, count + 2);
    int status = lua_pcall(thread, count + 1, results, 0);
    if (status == LUA_OK && L != thread)
        lua_xmove(thread, L, results);
    return status;
}

int dsl_embed_call(dsl_host *host, lua_State *L, int count, lua_CFunction fn, void *ud) {
    int status = call(host, L, count, 0, fn, ud);
    if (status <= LUA_OK)
        return status;
    bool memory = dsl_is_memory_error(host->L, status);
    if (!memory)
        dsl_embed_note(host, host->L, -1);
    lua_pop(host->L, 1);
    return memory ? DYNSUP_ENOMEM : DYNSUP_EREASON;
}

int dsl_embed_make(dsl_host *host, lua_State *L, int count, int results, lua_CFunction fn,
                   void *ud) {
    int status = call(host, L, count, results, fn, ud);
    if (status <= LUA_OK)
        return status;
    lua_pop(host->L, 1);
    return DYNSUP_ENOMEM;
}

static int note_protected(lua_State *L) {
    dsl_host *host = lua_touserdata(L, 1);
    dynsup_lua_text_push(L, 2);
    snprintf(host->error_text, sizeof host->error_text, "%s", lua_tostring(L, -1));
    return 0;
}

void dsl_embed_note(dsl_host *host, lua_State *L, int index) {
    host->error_text[0] = '\0';
    if (!lua_checkstack(L, 4))
        return;
    lua_pushvalue(L, index);
    lua_pushcfunction(L, note_protected);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, host);
    lua_insert(L, -2);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}

const char *dynsup_lua_host_error(const dynsup_lua_host *host) {
    return dsl_expect(host, "a host") ? host->error_text : "";
}

int dsl_embed_code(lua_State *L, int index) {
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
    for (int atom = 1; atom < DYNSUP_ATOM_COUNT; atom++)
        if (strcmp(text, dynsup_atom_text((enum dynsup_atom)atom)) == 0)
            return -atom;
    return DYNSUP_EREASON;
}

void dsl_embed_function(lua_State *L, dsl_host *host, const luaL_Reg *functions, const char *name) {
    while (strcmp(functions->name, name) != 0)
        functions++;
    lua_pushlightuserdata(L, host->runtime);
    lua_pushcclosure(L, functions->func, 1);
}

/* ---- processes ---- */

typedef struct spawning {
    dsl_host *host;
    bool main;
    dynsup_pid pid;
} spawning;

/* The function at index 2 with its arguments. */
static int spawn_protected(lua_State *L) {
    spawning *s = lua_touserdata(L, 1);
    s->pid = dsl_process_spawn(L, s->host, 2, lua_gettop(L) - 2, s->main);
    return 0;
}

static int spawn(dsl_host *host, lua_State *L, int nargs, bool main, dynsup_pid *pid_out) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    if (!dsl_expect(L && lua_isfunction(L, -nargs - 1), "a function below its arguments"))
        return DYNSUP_EMISUSE;
    spawning s = {host, main, 0};
    status = dsl_embed_make(host, L, nargs + 1, 0, spawn_protected, &s);
    if (pid_out)
        *pid_out = s.pid;
    return status;
}

int dynsup_lua_spawn(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_pid *pid_out) {
    return spawn(host, L, nargs, false, pid_out);
}

int dynsup_lua_spawn_main(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_pid *pid_out) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    if (!dsl_expect(!host->whole->main, "a host without a main process"))
        return DYNSUP_EMISUSE;
    return spawn(host, L, nargs, true, pid_out);
}

/* ---- messages ---- */

typedef struct sending {
    dsl_host *host;
    dynsup_pid pid;
    const dynsup_lua_value *values;
    int count;
    int status;
} sending;

/* Sends the values from index 2 on. */
static int send_protected(lua_State *L) {
    sending *s = lua_touserdata(L, 1);
    s->status = dsl_message_send(L, s->host, s->pid, 2, lua_gettop(L) - 1);
    return 0;
}

static int send_values_protected(lua_State *L) {
    const sending *s = lua_touserdata(L, 1);
    luaL_checkstack(L, s->count + 8, NULL);
    for (int i = 0; i < s->count; i++) {
        if (s->values[i].text)
            lua_pushlstring(L, s->values[i].text, s->values[i].size);
        else
            dsl_value_push(L, s->host, &s->values[i].value);
    }
    return send_protected(L);
}

int dynsup_lua_send(dynsup_lua_host *host, dynsup_pid pid, const dynsup_lua_value *values,
                    int count) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    if (!dsl_expect(values && count > 0 && (values[0].text || values[0].value.kind != DYNSUP_NIL),
                    "a message whose first value is not nil"))
        return DYNSUP_EMISUSE;
    sending s = {host, pid, values, count, 0};
    status = dsl_embed_make(host, host->L, 0, 0, send_values_protected, &s);
    return status ? status : s.status;
}

int dynsup_lua_send_stack(dynsup_lua_host *host, lua_State *L, dynsup_pid pid, int count) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    if (!dsl_expect(L && count > 0 && !lua_isnil(L, -count),
                    "a message whose first value is not nil"))
        return DYNSUP_EMISUSE;
    sending s = {host, pid, NULL, 0, 0};
    status = dsl_embed_call(host, L, count, send_protected, &s);
    return status ? status : s.status;
}

void dynsup_lua_pid_push(lua_State *L, dynsup_pid pid) {
    if (pid)
        dsl_id_push(L, pid);
    else
        lua_pushnil(L);
}

dynsup_pid dynsup_lua_pid_at(lua_State *L, int index) {
    return dsl_is_pid(L, index) ? (uintptr_t)lua_touserdata(L, index) : 0;
}
