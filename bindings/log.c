/* The log of a host: events as reports, limited in number, kept until it is safe to hand them on.
 */
#include "bindings/log.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_SIZE        8192
#define REPORT_BURST       50.0
#define REPORTS_PER_SECOND 10.0

static const uint32_t error_events =
    1u << DYNSUP_EVENT_CRASHED | 1u << DYNSUP_EVENT_CHILD_TERMINATED |
    1u << DYNSUP_EVENT_START_ERROR | 1u << DYNSUP_EVENT_SHUTDOWN_ERROR | 1u << DYNSUP_EVENT_GAVE_UP;

uint32_t dsl_log_events(const dynsup_lua_config *config) {
    if (!config->log || config->level == DYNSUP_LEVEL_OFF)
        return 0;
    switch (config->level) {
    case DYNSUP_LEVEL_ERROR:
        return error_events;
    case DYNSUP_LEVEL_WARNING:
        return error_events | 1u << DYNSUP_EVENT_UNEXPECTED | 1u << DYNSUP_EVENT_STUCK;
    default:
        return (1u << DYNSUP_EVENT_COUNT) - 1;
    }
}

static void say_held_back(dsl_host *host, uint64_t count) {
    if (count)
        dsl_log(host, DYNSUP_LEVEL_WARNING, "%llu reports were held back: there were too many",
                (unsigned long long)count);
}

void dsl_log_event(void *ud, const dynsup_event *event) {
    dsl_host *host = ud;
    char text[REPORT_SIZE];
    uint64_t held_back;
    enum dynsup_level level = (enum dynsup_level)dynsup_report_level(event);
    if (level > host->config->level || event->pid == host->main)
        return; /* the main process's end is told by who runs it */
    if (!dynsup_limit_pass(&host->limit, event->at_ns, REPORT_BURST, REPORTS_PER_SECOND,
                           &held_back))
        return;
    say_held_back(host, held_back);
    size_t size = dynsup_report_write(event, &dsl_object_ops, host, text, sizeof text);
    host->config->log(host->config->log_ud, level, text, size);
}

void dsl_log_finish(dsl_host *host) {
    say_held_back(host, host->limit.held_back);
    host->limit.held_back = 0;
}

/* ---- a Lua function as the log ---- */

typedef struct line {
    struct line *next;
    enum dynsup_level level;
    size_t size;
    char text[];
} line;

typedef struct queue {
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

void *dsl_log_queue_new(lua_State *L) {
    queue *q = lua_newuserdatauv(L, sizeof *q, 1);
    memset(q, 0, sizeof *q);
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
    static const char *const levels[] = {"off", "error", "warning", "info", "debug"};
    queue *q = lua_touserdata(L, 1);
    line *l = q->first;
    queues_push(L);
    lua_rawgetp(L, -1, q);
    lua_getiuservalue(L, -1, 1);
    lua_pushstring(L, levels[l->level]);
    lua_pushlstring(L, l->text, l->size);
    lua_call(L, 2, 0);
    return 0;
}

void dsl_log_flush(dsl_host *host) {
    queue *q = host->config->log_ud;
    if (host->config->log != dsl_log_queue)
        return;
    while (q->first) {
        dsl_protect(host->L, queue_call, q); /* an error in a log function has nowhere to go */
        line *next = q->first->next;
        free(q->first);
        q->first = next;
    }
    q->last = &q->first;
}
