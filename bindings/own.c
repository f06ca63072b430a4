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
#include "bindings/binding.h"

#include "bindings/metatable.h"

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

/* Says the handle that it is closed? May raise. */
static bool is_closed(lua_State *L, int index) {
    if (is_closed_file(L, index))
        return true;
    bool closed = false;
    if (lua_getfield(L, index, "is_closing") == LUA_TFUNCTION) {
        lua_pushvalue(L, index);
        lua_call(L, 1, 1);
        closed = lua_toboolean(L, -1);
    }
    lua_pop(L, 1);
    return closed;
}

/* Pushes what closes the handle, or nil. May raise. [-0, +1] */
static void closer_push(lua_State *L, int index) {
    if (lua_getfield(L, index, "close") == LUA_TFUNCTION)
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

/* The user value `old` of the holding without those that are closed, as a new table on top. */
static lua_Integer places_compact(lua_State *L, const holding *h, int old) {
    lua_Integer count = 0;
    lua_newtable(L);
    int new = lua_gettop(L);
    for (lua_Integer i = 1; i <= h->top; i++) {
        if (lua_rawgeti(L, old, i) != LUA_TNIL && !is_closed(L, lua_gettop(L)))
            holding_set(L, new, lua_gettop(L), ++count);
        lua_pop(L, 1);
    }
    return count;
}

/* Makes place for one more in the holding at index, whose user value is on top. [-1, +1] */
static void places_reserve(lua_State *L, holding *h, int index) {
    if (h->top < h->limit)
        return;
    int old = lua_gettop(L);
    lua_Integer top = h->top;
    lua_Integer count = places_compact(L, h, old);
    lua_replace(L, old);
    if (top != h->top)
        dsl_error(L, "is_closing of a handle has changed what the process owns");
    lua_pushvalue(L, old);
    lua_setiuservalue(L, index, 1);
    h->top = count;
    h->limit = 2 * count > PLACES_MIN ? 2 * count : PLACES_MIN;
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

/* Pushes the host's table of holdings, made when it is needed first. [-0, +1] */
static void holdings_push(lua_State *L, dsl_host *host) {
    if (host->holdings) {
        dsl_vault_push(L, &host->vault, host->holdings);
        return;
    }
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    dsl_vault_reserve(L, &host->vault, 1);
    host->holdings = dsl_vault_put(L, &host->vault);
}

static const luaL_Reg holding_meta[] = {{"__gc", holding_gc}, {NULL, NULL}};

/* A new holding of the process, known to nobody. [-0, +1] */
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

/* Pushes the holding of the calling process; holdings: the index of their table. [-0, +1] */
static holding *holding_push(lua_State *L, dsl_host *host, int holdings) {
    dynsup_pid pid = dynsup_self(host->core);
    dsl_id_push(L, pid);
    if (lua_rawget(L, holdings) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    holding *h = holding_new(L, host, pid);
    dsl_id_push(L, pid);
    lua_pushvalue(L, -2);
    lua_rawset(L, holdings);
    int status = dynsup_own(host->core, pid, &h->possession);
    if (status)
        holding_forget(L, host, pid);
    dsl_check_status(L, status);
    return h;
}

/* ---- own ---- */

enum { OWN_HANDLE = 1, OWN_KEEP, OWN_HOLDINGS, OWN_HOLDING, OWN_KEEPER, OWN_PLACES };

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

/* Pushes the holding that the handle is in, or nil; true if that is the caller's. [-0, +1] */
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

/* Everything that needs memory comes first; OWN_KEEPER is who has it now. */
static void handle_take(lua_State *L, holding *h) {
    lua_getiuservalue(L, OWN_HOLDING, 1);
    places_reserve(L, h, OWN_HOLDING);
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
    lua_getiuservalue(L, OWN_HOLDING, 1);
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
    bool mine = keeper_push(L);
    if (keep && !mine)
        handle_take(L, h);
    else if (!keep && mine)
        handle_drop(L);
    lua_settop(L, OWN_HANDLE);
    return 1;
}

const luaL_Reg dsl_own_functions[] = {{"own", own}, {NULL, NULL}};
