/*
 * A Lua function as the log: lines are kept until it is safe to call it.
 *
 * Design notes.
 * Lines that the function itself logs, or causes, wait for the next flush: otherwise a function
 * that logs for each line would hold up the host for ever. It runs like a callback, within a
 * second. Its first error becomes a warning of Lua's, since the log, where errors belong, does not
 * work.
 */
#include "bindings/process/callback.h"
#include "bindings/log/log.h"
#include "bindings/protect.h"
#include "bindings/process/wait.h"

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
    bool failed; /* that has been reported */
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

/* Pushes the table from queues to their userdata, which it does not keep alive. [-0, +1] */
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

typedef struct calling {
    dsl_host *host;
    queue *queue;
    const line *line;
} calling;

/* The error is on top. */
static void call_failed(lua_State *L, queue *q) {
    if (q->failed || lua_touserdata(L, -1) == (const void *)&dsl_halt_sentinel)
        return;
    q->failed = true;
    char text[DSL_DESCRIPTION_SIZE];
    dsl_description_write(L, -1, text, sizeof text);
    lua_warning(L, "dynsup: error in a log function: ", 1);
    lua_warning(L, text, 0);
}

static int queue_call(lua_State *L) {
    const calling *c = lua_touserdata(L, 1);
    dsl_runtime *runtime = c->host->runtime;
    dsl_callback_frame frame;
    queues_push(L);
    if (lua_rawgetp(L, -1, c->queue) != LUA_TUSERDATA)
        return 0; /* the collector frees it, with a host that could not begin for want of memory */
    lua_getiuservalue(L, -1, 1);
    if (c->queue->with_level)
        lua_pushstring(L, dsl_level_names[c->line->level]);
    lua_pushlstring(L, c->line->text, c->line->size);
    dsl_callback_begin(L, runtime, c->host->config->virtual_clock, &frame);
    int status = lua_pcall(L, c->queue->with_level ? 2 : 1, 0, 0);
    dsl_callback_end(runtime, &frame);
    if (status != LUA_OK)
        call_failed(L, c->queue);
    return 0;
}

/* Takes all that is kept out of the queue. */
static line *lines_take(queue *q) {
    line *first = q->first;
    q->first = NULL;
    q->last = &q->first;
    return first;
}

static void queue_flush(dsl_host *host, queue *q) {
    line *left = lines_take(q);
    while (left) {
        line *l = left;
        left = l->next;
        dsl_protect(host->L, queue_call, &(calling){host, q, l});
        free(l);
    }
}

void dsl_log_flush(dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    if (config->log == dsl_log_queue)
        queue_flush(host, config->log_ud);
    if (config->event_log == dsl_log_queue)
        queue_flush(host, config->event_log_ud);
}
