/* Waits that libuv fulfils. */
#include "bindings/pending.h"

#include "bindings/dry.h"

#include <ctype.h>
#include <string.h>

#define LOOK_NS 2000000u /* so long at least a wait lasts: the loop has looked once by then */

void *dsl_source_new(const dsl_source *memory, size_t size) {
    void *block = memory->alloc(memory->ud, NULL, 0, size);
    return block ? memset(block, 0, size) : NULL;
}

void *dsl_source_resize(const dsl_source *memory, void *block, size_t old_size, size_t size) {
    return memory->alloc(memory->ud, block, old_size, size);
}

void dsl_source_free(const dsl_source *memory, void *block, size_t size) {
    if (block)
        memory->alloc(memory->ud, block, size, 0);
}

/* A guest may be gone while its supervisor, whose possession the pending is, lives on. So a further
 * heap knows its pendings by itself. */
static void list_enter(dsl_pending *pending) {
    dsl_host *face = pending->host;
    pending->link = face->heap ? &face->pendings : NULL;
    if (!pending->link)
        return;
    pending->next = face->pendings;
    if (pending->next)
        pending->next->link = &pending->next;
    face->pendings = pending;
}

static void list_leave(dsl_pending *pending) {
    if (!pending->link)
        return;
    *pending->link = pending->next;
    if (pending->next)
        pending->next->link = pending->link;
    pending->link = NULL;
}

static void on_release(dynsup_possession *possession) {
    dsl_pending *pending = (dsl_pending *)possession; /* its first member */
    pending->key = 0;
    list_leave(pending);
    pending->abandon(pending);
}

void dsl_pending_abandon(dsl_pending *pending) {
    pending->unwound = true;
    dynsup_disown(&pending->possession);
    on_release(&pending->possession);
}

int dsl_pending_begin(dsl_host *host, dsl_pending *pending, void (*abandon)(dsl_pending *pending)) {
    dynsup_pid pid = dynsup_self(host->core);
    pending->possession.release = on_release;
    int status = dynsup_own(host->core, pid, &pending->possession);
    if (status)
        return status;
    pending->host = host;
    pending->pid = pid;
    pending->abandon = abandon;
    pending->unwound = false;
    pending->key = dynsup_key_new(host->core);
    list_enter(pending);
    return 0;
}

void dsl_pendings_abandon(dsl_host *face) {
    while (face->pendings) {
        dsl_pending *pending = face->pendings;
        dynsup_disown(&pending->possession);
        on_release(&pending->possession);
    }
}

int dsl_pending_wait(lua_State *L, dsl_pending *pending, uint64_t deadline_ns, lua_KFunction k) {
    dsl_host *host = pending->host;
    dynsup_wait_key(host->core, pending->key, deadline_ns);
    if (host->current->has_line)
        host->current->nest->levels[0].pending = pending;
    return dsl_suspend(L, host->current, DSL_WAIT_PENDING, (lua_KContext)pending, k);
}

bool dsl_pending_timed_out(lua_State *L) {
    dsl_host *host;
    return dsl_body_of(L, &host)->timed_out;
}

void dsl_pending_wake(dsl_pending *pending) {
    if (pending->key == 0)
        return;
    dynsup_host *core = pending->host->core;
    if (dynsup_waiter(core, pending->pid, pending->key))
        dynsup_wake(core, pending->pid, pending->key);
}

void dsl_pending_end(dsl_pending *pending) {
    dynsup_disown(&pending->possession);
    pending->key = 0;
    list_leave(pending);
}

void dsl_check_loop(lua_State *L, const dsl_host *host, const char *who) {
    if (host->uv)
        return;
    if (host->config->virtual_clock)
        dsl_error(L, "%s need the real clock: this run has a virtual one", who);
    dsl_error(L, "%s need an event loop: this host has none", who);
}

uv_loop_t *dsl_loop_of(lua_State *L, dsl_host *host) {
    dsl_dry_wait(L, host);
    dsl_check_loop(L, host, "sockets");
    return host->runtime->loop;
}

uint64_t dsl_check_io_deadline(lua_State *L, dsl_host *host, int index) {
    uint64_t deadline_ns = dsl_check_deadline(L, host, index);
    uint64_t soonest_ns = dynsup_now(host->core) + LOOK_NS;
    return deadline_ns > soonest_ns ? deadline_ns : soonest_ns;
}

void dsl_deadline_push(lua_State *L, uint64_t deadline_ns) {
    lua_pushinteger(L, deadline_ns == DYNSUP_NEVER ? -1 : (lua_Integer)deadline_ns);
}

uint64_t dsl_deadline_to(lua_State *L, int index) {
    lua_Integer deadline = lua_tointeger(L, index);
    return deadline < 0 ? DYNSUP_NEVER : (uint64_t)deadline;
}

int dsl_fail_uv(lua_State *L, int error) {
    char name[64];
    uv_err_name_r(error, name, sizeof name);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    lua_pushnil(L);
    lua_pushstring(L, name);
    return 2;
}
