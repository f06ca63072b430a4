/*
 * Lua values that end with a process: handles of luv, files, whatever can be closed.
 *
 * Design notes.
 * Each process that owns something has one holding: a userdata with a possession of the core's,
 * which has a table as its user value. There handle -> place and place -> handle are kept, places
 * count up. One table of the host's, host->holdings, leads from pids to holdings (and so keeps
 * them), and, weakly, from handles to the holding that they are in.
 * A handle that was closed by the script is only noticed when places run out: then the closed ones
 * are left out. So a process keeps no more of them than half of what it holds.
 */
#include "bindings/process/close.h"
#include "bindings/log/log.h"
#include "bindings/lua/metatable.h"
#include "bindings/module.h"
#include "bindings/protect.h"

#include <string.h>

#define PLACES_MIN 16

typedef struct holding {
    dynsup_possession possession;
    dsl_host *host;
    dynsup_pid pid;
    lua_Integer top;   /* the last place in use */
    lua_Integer limit; /* of top: then closed handles are looked for */
} holding;

/* ---- closing ---- */

static bool is_closed_file(lua_State *L, int index) {
    const luaL_Stream *stream = luaL_testudata(L, index, LUA_FILEHANDLE);
    return stream && !stream->closef;
}

/* Pushes a field of the handle, nil of a userdata that has no fields. May raise. [-0, +1] */
static int field_push(lua_State *L, int index, const char *name) {
    bool has_fields = lua_type(L, index) == LUA_TTABLE;
    if (!has_fields && luaL_getmetafield(L, index, "__index") != LUA_TNIL) {
        lua_pop(L, 1);
        has_fields = true;
    }
    if (has_fields)
        return lua_getfield(L, index, name);
    lua_pushnil(L);
    return LUA_TNIL;
}

static int is_closing(lua_State *L) {
    if (field_push(L, 1, "is_closing") != LUA_TFUNCTION)
        return 0;
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* Does the handle say that it is closed? If asking fails, it is to be closed. */
static bool is_closed(lua_State *L, int index) {
    if (is_closed_file(L, index))
        return true;
    lua_pushvalue(L, index);
    lua_pushcfunction(L, is_closing);
    lua_insert(L, -2);
    bool closed = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return closed;
}

/* Pushes what closes the handle, or nil. May raise. [-0, +1] */
static void closer_push(lua_State *L, int index) {
    if (field_push(L, index, "close") == LUA_TFUNCTION)
        return;
    lua_pop(L, 1);
    if (luaL_getmetafield(L, index, "__close") == LUA_TNIL)
        lua_pushnil(L);
}

/* Closes the handle at index 1, unless it is closed. */
static int handle_close(lua_State *L) {
    lua_settop(L, 1);
    if (is_closed(L, 1))
        return 0;
    closer_push(L, 1);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* ---- holdings ---- */

static void holding_set(lua_State *L, int table, int handle, lua_Integer place) {
    lua_pushvalue(L, handle);
    lua_rawseti(L, table, place);
    lua_pushvalue(L, handle);
    lua_pushinteger(L, place);
    lua_rawset(L, table);
}

/* Makes each handle that says that it is closed a key of the table at `closed`. Code that runs
 * meanwhile may use the holding, too. */
static void closed_find(lua_State *L, const holding *h, int places, int closed) {
    for (lua_Integer i = 1; i <= h->top; i++) {
        if (lua_rawgeti(L, places, i) != LUA_TNIL && is_closed(L, lua_gettop(L))) {
            lua_pushboolean(L, 1);
            lua_rawset(L, closed);
        } else {
            lua_pop(L, 1);
        }
    }
}

static bool is_key(lua_State *L, int table, int index) {
    lua_pushvalue(L, index);
    bool is_there = lua_rawget(L, table) != LUA_TNIL;
    lua_pop(L, 1);
    return is_there;
}

/* Removes handles that are keys of `closed`, and moves the others up. Allocates nothing. */
static void places_compact(lua_State *L, holding *h, int places, int closed) {
    lua_Integer count = 0;
    for (lua_Integer i = 1; i <= h->top; i++) {
        lua_rawgeti(L, places, i);
        int handle = lua_gettop(L);
        lua_pushnil(L);
        lua_rawseti(L, places, i);
        if (!lua_isnil(L, handle) && !is_key(L, closed, handle)) {
            holding_set(L, places, handle, ++count);
        } else if (!lua_isnil(L, handle)) {
            lua_pushvalue(L, handle);
            lua_pushnil(L);
            lua_rawset(L, places);
        }
        lua_pop(L, 1);
    }
    h->top = count;
}

/* Makes room for one more in the holding whose places are at the index. May run the handles' code.
 */
static void places_reserve(lua_State *L, holding *h, int places) {
    if (h->top < h->limit)
        return;
    lua_newtable(L);
    int closed = lua_gettop(L);
    closed_find(L, h, places, closed);
    places_compact(L, h, places, closed);
    lua_pop(L, 1);
    h->limit = 2 * h->top > PLACES_MIN ? 2 * h->top : PLACES_MIN;
}

static void holding_forget(lua_State *L, dsl_host *host, dynsup_pid pid) {
    dsl_vault_push(L, &host->vault, host->holdings);
    dsl_id_push(L, pid);
    lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Closes what the holding, a light userdata, still has, the newest first. */
static int holding_close(lua_State *L) {
    holding *h = lua_touserdata(L, 1);
    dsl_host *host = h->host;
    dsl_vault_push(L, &host->vault, host->holdings);
    dsl_id_push(L, h->pid);
    lua_rawget(L, 2); /* it stays on the stack, and so alive */
    holding_forget(L, host, h->pid);
    lua_getiuservalue(L, 3, 1);
    dsl_close_begin(host);
    for (lua_Integer i = h->top; i > 0; i--) {
        lua_pushcfunction(L, handle_close);
        if (lua_rawgeti(L, 4, i) == LUA_TNIL)
            lua_pop(L, 2);
        else
            dsl_close_call(host, 1);
    }
    return 0;
}

static void holding_release(dynsup_possession *possession) {
    holding *h = (holding *)possession; /* its first member */
    dsl_host *host = h->host;
    if (dsl_protect(host->L, holding_close, h) != LUA_OK)
        dsl_log(host, DYNSUP_LEVEL_ERROR, "what a process owned could not be closed");
}

static int holding_gc(lua_State *L) {
    holding *h = lua_touserdata(L, 1);
    dynsup_disown(&h->possession);
    return 0;
}

/* Pushes the host's table of holdings, which is made when first needed. [-0, +1] */
static void holdings_push(lua_State *L, dsl_host *host) {
    dsl_vault_table_push(L, &host->vault, &host->holdings, "k");
}

static const luaL_Reg holding_meta[] = {{"__gc", holding_gc}, {NULL, NULL}};

/* Pushes a new holding for the process, in no table yet. [-0, +1] */
static holding *holding_new(lua_State *L, dsl_host *host, dynsup_pid pid) {
    holding *h = lua_newuserdatauv(L, sizeof *h, 1);
    memset(h, 0, sizeof *h);
    h->possession.release = holding_release;
    h->host = host;
    h->pid = pid;
    dsl_metatable_set(L, "dynsup.holding", holding_meta);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    return h;
}

/* Pushes the process's holding, if it has one; else NULL. [-0, +0|1] */
static holding *holding_find(lua_State *L, int holdings, dynsup_pid pid) {
    dsl_id_push(L, pid);
    if (lua_rawget(L, holdings) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    return NULL;
}

/* Pushes the holding of the calling process; holdings: the index of their table. [-0, +1] */
static holding *holding_push(lua_State *L, dsl_host *host, int holdings) {
    dynsup_pid pid = dynsup_self(host->core);
    holding *h = holding_find(L, holdings, pid);
    if (h)
        return h;
    holding *new = holding_new(L, host, pid);
    h = holding_find(L, holdings, pid);
    if (h) { /* a finalizer has owned something meanwhile */
        lua_remove(L, -2);
        return h;
    }
    dsl_id_push(L, pid);
    lua_pushvalue(L, -2);
    lua_rawset(L, holdings);
    int status = dynsup_own(host->core, pid, &new->possession);
    if (status)
        holding_forget(L, host, pid);
    dsl_check_status(L, status);
    return new;
}

/* ---- own ---- */

enum { OWN_HANDLE = 1, OWN_KEEP, OWN_HOLDINGS, OWN_HOLDING, OWN_PLACES, OWN_KEEPER };

static void check_handle(lua_State *L) {
    int type = lua_type(L, OWN_HANDLE);
    bool ok = type == LUA_TUSERDATA || type == LUA_TTABLE;
    if (ok) {
        closer_push(L, OWN_HANDLE);
        ok = !lua_isnil(L, -1);
        lua_pop(L, 1);
    }
    luaL_argexpected(L, ok, OWN_HANDLE, "handle with a close method or metamethod");
}

/* Pushes the holding that has the handle, or nil; true if that is the caller's. [-0, +1] */
static bool keeper_push(lua_State *L) {
    lua_pushvalue(L, OWN_HANDLE);
    lua_rawget(L, OWN_HOLDINGS);
    return lua_rawequal(L, -1, OWN_HOLDING);
}

/* Takes the handle out of the table of places on top. Allocates nothing. [-1, +0] */
static void place_clear(lua_State *L) {
    lua_pushvalue(L, OWN_HANDLE);
    if (lua_rawget(L, -2) == LUA_TNUMBER) {
        lua_pushnil(L);
        lua_rawseti(L, -3, lua_tointeger(L, -2));
        lua_pushvalue(L, OWN_HANDLE);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }
    lua_pop(L, 2);
}

/* holdings[handle] = the value on top. [-1, +0] */
static void keeper_set(lua_State *L) {
    lua_pushvalue(L, OWN_HANDLE);
    lua_insert(L, -2);
    lua_rawset(L, OWN_HOLDINGS);
}

/* Everything that needs memory comes first; OWN_KEEPER is the present owner. */
static void handle_take(lua_State *L, holding *h) {
    lua_pushboolean(L, 1);
    lua_rawseti(L, OWN_PLACES, h->top + 1);
    lua_pushvalue(L, OWN_HANDLE);
    lua_pushinteger(L, h->top + 1);
    lua_rawset(L, OWN_PLACES);
    lua_pushvalue(L, OWN_HOLDING);
    keeper_set(L);
    lua_pushvalue(L, OWN_HANDLE);
    lua_rawseti(L, OWN_PLACES, ++h->top);
    if (lua_isnil(L, OWN_KEEPER))
        return;
    lua_getiuservalue(L, OWN_KEEPER, 1);
    place_clear(L);
}

static void handle_drop(lua_State *L) {
    lua_pushvalue(L, OWN_PLACES);
    place_clear(L);
    lua_pushnil(L);
    keeper_set(L);
}

static int own(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 1, 2);
    check_handle(L);
    if (!lua_isnoneornil(L, OWN_KEEP))
        luaL_checktype(L, OWN_KEEP, LUA_TBOOLEAN);
    bool keep = lua_isnoneornil(L, OWN_KEEP) || lua_toboolean(L, OWN_KEEP);
    lua_settop(L, OWN_KEEP);
    holdings_push(L, host);
    holding *h = holding_push(L, host, OWN_HOLDINGS);
    lua_getiuservalue(L, OWN_HOLDING, 1);
    if (keep)
        places_reserve(L, h, OWN_PLACES);
    bool mine = keeper_push(L); /* last: before, others may have had their turn */
    if (keep && !mine)
        handle_take(L, h);
    else if (!keep && mine)
        handle_drop(L);
    lua_settop(L, OWN_HANDLE);
    return 1;
}

const luaL_Reg dsl_own_functions[] = {{"own", own}, {NULL, NULL}};
