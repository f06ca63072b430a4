/* The runtime of a Lua state, and how functions find their host and check their arguments. */
#include "bindings/codec/codec.h"
#include "bindings/process/crash.h"
#include "bindings/memory/lua_state.h"
#include "bindings/process/name.h"
#include "bindings/process/process.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char runtime_key; /* its address is the runtime's key in the registry */

dsl_runtime *dsl_runtime_of_thread(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key);
    dsl_runtime *runtime = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return runtime;
}

dsl_host *dsl_host_of_thread(lua_State *L) {
    const dsl_runtime *runtime = dsl_runtime_of_thread(L);
    return runtime ? runtime->host : NULL;
}

/* ---- opening ---- */

static void atoms_open(lua_State *L, dsl_runtime *runtime) {
    lua_createtable(L, DYNSUP_ATOM_COUNT, 0);
    for (int atom = 1; atom < DYNSUP_ATOM_COUNT; atom++) {
        runtime->atom_texts[atom] = lua_pushstring(L, dynsup_atom_text((enum dynsup_atom)atom));
        lua_rawseti(L, -2, atom);
    }
    runtime->atoms = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int id_tostring(lua_State *L) {
    char text[64];
    uint64_t id = (uintptr_t)lua_touserdata(L, 1);
    if (id >> 62)
        dynsup_id_format(id, text, sizeof text);
    else
        snprintf(text, sizeof text, "userdata: %p", lua_touserdata(L, 1));
    lua_pushstring(L, text);
    return 1;
}

/* Light userdata share one metatable: the one set here falls back to what tostring did before. */
static void ids_open(lua_State *L) {
    lua_pushlightuserdata(L, NULL);
    if (!lua_getmetatable(L, -1))
        lua_createtable(L, 0, 2);
    lua_pushcfunction(L, id_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "pid");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static int runtime_gc(lua_State *L) {
    dsl_luv_close(lua_touserdata(L, 1));
    return 0;
}

dsl_runtime *dsl_runtime_open(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    dsl_runtime *runtime = lua_newuserdatauv(L, sizeof *runtime, 0);
    memset(runtime, 0, sizeof *runtime);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    runtime->L = lua_tothread(L, -1);
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, runtime_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    atoms_open(L, runtime);
    dsl_words_open(L, &runtime->words);
    dsl_codec_open(L, runtime);
    dsl_named_open(L, runtime);
    dsl_crash_open(L, runtime);
    ids_open(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key); /* last: it is complete */
    return runtime;
}

static bool is_script(const lua_Debug *ar) {
    return strncmp(ar->source, "=dynsup", 7) == 0 && (ar->source[7] == '.' || !ar->source[7]);
}

/* Is the function at that level a script of dynsup's, or called by one from C? [-0, +0] */
static bool is_own(lua_State *L, int level) {
    lua_Debug ar;
    if (!lua_getstack(L, level, &ar) || !lua_getinfo(L, "S", &ar))
        return false;
    if (*ar.what == 'C')
        return lua_getstack(L, level + 1, &ar) && lua_getinfo(L, "S", &ar) && is_script(&ar);
    return is_script(&ar);
}

/* Pushes the place to blame: the innermost code that is not dynsup's own, in Lua or C. */
static void place_push(lua_State *L) {
    int level = 1;
    while (is_own(L, level))
        level++;
    luaL_where(L, level);
}

_Noreturn void dsl_error(lua_State *L, const char *format, ...) {
    va_list arguments;
    place_push(L);
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lua_concat(L, 2);
    lua_error(L);
    __builtin_unreachable();
}

/* ---- host and process of the running code ---- */

bool dsl_apart_begin(lua_State *L, dsl_runtime *runtime) {
    bool runs = lua_gc(L, LUA_GCISRUNNING);
    lua_gc(L, LUA_GCSTOP);
    runtime->apart++;
    return runs;
}

void dsl_apart_end(lua_State *L, dsl_runtime *runtime, bool runs) {
    runtime->apart--;
    if (runs)
        lua_gc(L, LUA_GCRESTART);
}

void dsl_check_apart(lua_State *L, const dsl_runtime *runtime) {
    if (runtime->apart)
        dsl_error(L, "this needs a host, and the code runs in the middle of its work, to make a "
                     "value of a type");
}

dsl_host *dsl_host_or_null(lua_State *L) {
    const dsl_runtime *runtime = dsl_runtime_of(L);
    dsl_check_apart(L, runtime);
    return runtime->host;
}

dsl_host *dsl_host_of(lua_State *L) {
    dsl_host *host = dsl_host_or_null(L);
    if (!host)
        dsl_error(L, "no host is running: use dynsup.run(f), or the program dynsup");
    return host;
}

void dsl_no_process(lua_State *L) {
    dsl_error(L, "this needs a process, and the code runs in a callback or outside of one");
}

bool dsl_can_wait(lua_State *L, const dsl_host *host) {
    const dsl_body *body = host->current;
    return body && !body->closing && host->innermost == L && host->chain_ok && lua_isyieldable(L);
}

static const char *why_no_wait(lua_State *L, const dsl_host *host) {
    if (!host->current)
        return "cannot wait here: the code runs in a callback, not in a process";
    if (host->current->closing)
        return "cannot wait here: the process is ending";
    if (lua_gc(L, LUA_GCCOUNT, 0) < 0)
        return "cannot wait in a finalizer";
    if (host->innermost != L)
        return "cannot wait in a coroutine that was not resumed by coroutine.resume";
    return "cannot wait across a C-call boundary (a sort comparator, a gsub callback or the like)";
}

int dsl_cannot_wait(lua_State *L, const dsl_host *host) {
    dsl_error(L, "%s", why_no_wait(L, host));
}

dsl_body *dsl_waiter_of(lua_State *L, dsl_host **host_out) {
    dsl_host *host = *host_out = dsl_host_of(L);
    if (!dsl_can_wait(L, host))
        dsl_cannot_wait(L, host);
    return host->current;
}

/* ---- arguments ---- */

int dsl_check_count(lua_State *L, int min, int max) {
    int count = lua_gettop(L);
    if (count < min)
        luaL_argerror(L, count + 1, "value expected");
    if (count > max)
        luaL_argerror(L, max + 1, "no further argument expected");
    return count;
}

double dsl_check_ms(lua_State *L, int index) {
    if (lua_isnoneornil(L, index))
        return HUGE_VAL;
    if (lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "infinity") == 0)
        return HUGE_VAL;
    luaL_argexpected(L, lua_type(L, index) == LUA_TNUMBER, index,
                     "milliseconds, \"infinity\" or nil");
    double ms = lua_tonumber(L, index);
    luaL_argcheck(L, ms >= 0, index, "milliseconds must be a number >= 0");
    return ms;
}

uint64_t dsl_deadline_from(uint64_t now_ns, double ms) {
    if (ms >= DSL_FOREVER_MS)
        return DYNSUP_NEVER;
    return now_ns + (uint64_t)ceil(ms * 1e6);
}

/* A wait without end does not read the clock, which takes as long as half of a receive. */
uint64_t dsl_time_in(dsl_host *host, double ms) {
    return ms >= DSL_FOREVER_MS ? DYNSUP_NEVER : dsl_deadline_from(dynsup_now(host->core), ms);
}

uint64_t dsl_deadline_of(dsl_host *host, double ms) {
    return host->config->dry && ms > 0 ? DYNSUP_NEVER : dsl_time_in(host, ms);
}

uint64_t dsl_check_deadline(lua_State *L, dsl_host *host, int index) {
    return dsl_deadline_of(host, dsl_check_ms(L, index));
}

void dsl_check_function(lua_State *L, int index) {
    int type = lua_type(L, index);
    bool named = type == LUA_TSTRING && strchr(lua_tostring(L, index), ':');
    luaL_argexpected(L, type == LUA_TFUNCTION || named, index, "function or \"module:function\"");
}

dynsup_pid dsl_check_pid(lua_State *L, int index) {
    luaL_argexpected(L, dsl_is_pid(L, index), index, "pid");
    return (uintptr_t)lua_touserdata(L, index);
}

dynsup_pid dsl_check_name(lua_State *L, dsl_host *host, int index) {
    if (lua_istable(L, index))
        return dsl_check_entry(L, host, index);
    luaL_argexpected(L, lua_type(L, index) == LUA_TSTRING, index, "pid or registered name");
    size_t length;
    const char *name = lua_tolstring(L, index, &length);
    return dynsup_whereis(host->core, name, length);
}

/* ---- failures ---- */

int dsl_fail_text(lua_State *L, const char *reason) {
    lua_pushnil(L);
    lua_pushstring(L, reason);
    return 2;
}

int dsl_fail(lua_State *L, enum dynsup_atom atom) {
    return dsl_fail_text(L, dynsup_atom_text(atom));
}

int dsl_check_status(lua_State *L, int status) {
    switch (status) {
    case DYNSUP_ENOMEM:
        dsl_error(L, "not enough memory");
    case DYNSUP_ECALLS_ITSELF:
        dsl_error(L,
                  "a start function, init or body that is not ready calls itself: the supervisor "
                  "that it asks waits for it");
    case DYNSUP_ECLOSING:
        dsl_error(L, "not possible here: the process is ending");
    default:
        return status;
    }
}
