/* A Lua function as the log: lines are kept until it is safe to call it. */
#include "bindings/log.h"

#include <stdlib.h>
#include <string.h>

typedef struct line {
    struct line *next;
    enum dynsup_level level;
    size_t size;
    char text[];
} line;

typedef struct queue {
    bool with_level;
    line *first;
    line **last;
} queue;

static int queue_gc(lua_State *L) {
    queue *q = lua_touserdata(L, 1);
    while (q->first) {
        line *next = q->first->next;
        free(q->first);
        q->first = next;
    }
    q->last = &q->first;
    return 0;
}

/* Pushes the table from queues to their userdata, which keeps none of them alive. [-0, +1] */
static void queues_push(lua_State *L) {
    if (luaL_getsubtable(L, LUA_REGISTRYINDEX, "dynsup.logs"))
        return;
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

void *dsl_log_queue_new(lua_State *L, bool with_level) {
    queue *q = lua_newuserdatauv(L, sizeof *q, 1);
    memset(q, 0, sizeof *q);
    q->with_level = with_level;
    q->last = &q->first;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, queue_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    queues_push(L);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, q);
    lua_pop(L, 1);
    return q;
}

void dsl_log_queue(void *ud, enum dynsup_level level, const char *text, size_t size) {
    queue *q = ud;
    line *l = malloc(sizeof *l + size);
    if (!l)
        return; /* without memory there is no log */
    *l = (line){.level = level, .size = size};
    memcpy(l->text, text, size);
    *q->last = l;
    q->last = &l->next;
}

static int queue_call(lua_State *L) {
    queue *q = lua_touserdata(L, 1);
    line *l = q->first;
    queues_push(L);
    if (lua_rawgetp(L, -1, q) != LUA_TUSERDATA)
        return 0; /* the collector takes it, with a host that has not begun for want of memory */
    lua_getiuservalue(L, -1, 1);
    if (q->with_level)
        lua_pushstring(L, dsl_level_names[l->level]);
    lua_pushlstring(L, l->text, l->size);
    lua_call(L, q->with_level ? 2 : 1, 0);
    return 0;
}

static void queue_flush(dsl_host *host, queue *q) {
    while (q->first) {
        dsl_protect(host->L, queue_call, q); /* an error in a log function has nowhere to go */
        line *next = q->first->next;
        free(q->first);
        q->first = next;
    }
    q->last = &q->first;
}

void dsl_log_flush(dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    if (config->log == dsl_log_queue)
        queue_flush(host, config->log_ud);
    if (config->event_log == dsl_log_queue)
        queue_flush(host, config->event_log_ud);
}
