/* The C half of dynsup.observer: which process waits for which. */
#include "bindings/observe/look.h"
#include "core/tiny.h"

#define PAGE_PLACES DSI_TINY(1024, 3) /* of the process table that one call looks at */

static const char *const whats[] = {
    [DYNSUP_WAITS_NOT] = "nothing",   [DYNSUP_WAITS_MESSAGE] = "message",
    [DYNSUP_WAITS_ANSWER] = "answer", [DYNSUP_WAITS_TIME] = "time",
    [DYNSUP_WAITS_KEY] = "callback",  [DYNSUP_WAITS_REQUEST] = "request",
};

/* Pushes a wait as a table. [-0, +1] */
static void push_wait(lua_State *L, dsl_host *host, const dynsup_wait *wait) {
    lua_createtable(L, 0, 4);
    dsl_id_push(L, wait->pid);
    lua_setfield(L, -2, "pid");
    if (wait->target) {
        dsl_id_push(L, wait->target);
        lua_setfield(L, -2, "target");
    }
    lua_pushstring(L, whats[wait->what]);
    lua_setfield(L, -2, "what");
    if (wait->deadline_ns == DYNSUP_NEVER)
        return;
    uint64_t now_ns = dynsup_process_now(host->core, wait->pid);
    uint64_t left_ns = wait->deadline_ns > now_ns ? wait->deadline_ns - now_ns : 0;
    lua_pushnumber(L, (double)left_ns / 1e6);
    lua_setfield(L, -2, "left");
}

/* A look-up of one process's request. */
static bool is_not_it(void *ud, const dynsup_wait *wait) {
    dynsup_wait *wanted = ud;
    if (wait->pid != wanted->pid)
        return true;
    *wanted = *wait;
    return false;
}

/* wait(pid) -> for what it waits; nil when it does not */
int dsl_look_wait(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_wait wait;
    if (!dynsup_process_wait(host->core, (uintptr_t)lua_touserdata(L, 1), &wait) ||
        wait.what == DYNSUP_WAITS_NOT)
        return 0;
    if (wait.what == DYNSUP_WAITS_KEY)
        dynsup_requests_each(host->core, is_not_it, &wait);
    push_wait(L, host, &wait);
    return 1;
}

/* waits(cursor, list) -> the next cursor (0 at the end). Adds the processes of a page that wait for
 * an answer of a process that they monitor. */
int dsl_look_waits(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    uint32_t cursor = (uint32_t)lua_tointeger(L, 1);
    dynsup_pid pids[PAGE_PLACES];
    dynsup_wait wait;
    lua_settop(L, 2);
    lua_Integer rows = (lua_Integer)lua_rawlen(L, 2);
    size_t count = dynsup_process_page(host->core, &cursor, PAGE_PLACES, pids, PAGE_PLACES);
    for (size_t i = 0; i < count; i++) {
        if (!dynsup_process_wait(host->core, pids[i], &wait) || wait.what != DYNSUP_WAITS_ANSWER)
            continue;
        push_wait(L, host, &wait);
        lua_rawseti(L, 2, ++rows);
    }
    lua_pushinteger(L, cursor);
    return 1;
}

typedef struct collected {
    dynsup_wait *list; /* NULL: they are counted only */
    size_t count, limit;
} collected;

static bool collect(void *ud, const dynsup_wait *wait) {
    collected *c = ud;
    if (c->count == c->limit)
        return false;
    if (c->list)
        c->list[c->count] = *wait;
    c->count++;
    return true;
}

/* requests(list, limit): adds processes that wait for a request, at most limit. */
int dsl_look_requests(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    collected c = {.limit = (size_t)lua_tointeger(L, 2)};
    lua_settop(L, 1);
    lua_Integer rows = (lua_Integer)lua_rawlen(L, 1);
    dynsup_requests_each(host->core, collect, &c);
    c = (collected){.limit = c.count};
    c.list = lua_newuserdatauv(L, c.limit * sizeof *c.list, 0);
    dynsup_requests_each(host->core, collect, &c);
    for (size_t i = 0; i < c.count; i++) {
        push_wait(L, host, &c.list[i]);
        lua_rawseti(L, 1, ++rows);
    }
    return 0;
}
