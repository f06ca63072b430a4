/* Waits that libuv fulfils. */
#include "bindings/pending.h"

#include "bindings/process/body.h"

/* A guest may be gone while its supervisor, which owns the pending, lives on. So a further heap has
 * a list of its pendings. */
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
