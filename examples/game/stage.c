/* The stage: a worker in C to which the workers in Lua send what is to be shown. */
#include "stage.h"

#include <lauxlib.h>
#include <stdio.h>

/* The creature whose pid is at the index; NULL: it has ended since it sent the message. */
static creature *creature_at(lua_State *L, stage *s, dynsup_lua_host *host, int index) {
    dynsup_pid pid = dynsup_lua_pid_at(L, index);
    luaL_argcheck(L, pid, index, "no pid");
    if (!dynsup_is_alive(dynsup_lua_host_core(host), pid))
        return NULL;
    creature *c = world_creature(s->world, pid);
    if (!c)
        luaL_error(L, "the meadow is full");
    return c;
}

static int check_kind(lua_State *L, int index) {
    int kind = art_find(luaL_checkstring(L, index));
    luaL_argcheck(L, kind >= 0, index, "no such kind of creature");
    return kind;
}

static void show(lua_State *L, stage *s, dynsup_lua_host *host) {
    int kind = check_kind(L, 3);
    float x = (float)luaL_checknumber(L, 4), y = (float)luaL_checknumber(L, 5);
    const char *text = luaL_optstring(L, 7, "");
    creature *c = creature_at(L, s, host, 2);
    if (!c)
        return;
    c->kind = (enum art_kind)kind;
    c->looks_left = lua_toboolean(L, 6);
    world_move(c, x, y);
    snprintf(c->text, sizeof c->text, "%s", text);
}

static void watch(lua_State *L, stage *s, dynsup_lua_host *host) {
    creature *c = creature_at(L, s, host, 2);
    if (!c)
        return;
    c->sees_lamp = true;
    stage_tell_lamp(host, s->world, c);
}

static void news(lua_State *L, stage *s, dynsup_lua_host *host) {
    (void)host;
    world_tell(s->world, "%s", luaL_checkstring(L, 2));
}

static void reloaded(lua_State *L, stage *s, dynsup_lua_host *host) {
    (void)host;
    s->reloads++;
    world_tell(s->world, "%s: new code, %d restarted", luaL_checkstring(L, 2),
               (int)luaL_checkinteger(L, 3));
}

static void refused(lua_State *L, stage *s, dynsup_lua_host *host) {
    (void)host;
    s->refused++;
    world_tell(s->world, "%s: %s", luaL_checkstring(L, 2), luaL_checkstring(L, 3));
}

/* The worker, then the message. */
static int take(lua_State *L) {
    static const char *const names[] = {"show", "watch", "news", "reloaded", "refused", NULL};
    static void (*const takers[])(lua_State *, stage *, dynsup_lua_host *) = {show, watch, news,
                                                                              reloaded, refused};
    dynsup_lua_worker *worker = lua_touserdata(L, 1);
    lua_remove(L, 1);
    takers[luaL_checkoption(L, 1, NULL, names)](L, dynsup_lua_worker_arg(worker),
                                                dynsup_lua_worker_host(worker));
    return 0;
}

/* A wrong message is not this worker's mistake: it reports it and goes on. An error raised here
 * would be its crash, with a restart by its supervisor, as for a worker in Lua. */
static int message(lua_State *L, dynsup_lua_worker *worker) {
    stage *s = dynsup_lua_worker_arg(worker);
    int count = lua_gettop(L);
    lua_pushcfunction(L, take);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, worker);
    lua_insert(L, 2);
    if (lua_pcall(L, count + 1, 0, 0) != LUA_OK)
        world_tell(s->world, "stage: %s", luaL_tolstring(L, -1, NULL));
    return DYNSUP_LUA_WAIT;
}

const dynsup_lua_worker_ops stage_ops = {.name = "stage", .message = message};

void stage_tell_lamp(dynsup_lua_host *host, const world *w, const creature *c) {
    const dynsup_lua_value values[] = {dynsup_lua_text("lamp", 4), dynsup_lua_number(w->lamp.x),
                                       dynsup_lua_number(w->lamp.y)};
    dynsup_lua_send(host, c->pid, values, 3); /* without memory it misses one */
}
