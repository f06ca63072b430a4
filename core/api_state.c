/* The public functions for state over a restart. */
#include "saved.h"
#include "supervisor.h"

#include <assert.h>

/* The child that a start function is about to start: the current process is that function, or was
 * spawned by it. NULL: there is none. */
static dsi_child *child_to_be(const dynsup_host *host) {
    const dsi_process *process = host->current;
    const dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (supervisor && supervisor->guest_child)
        return supervisor->guest_child;
    if (!(process->flags & DSI_FLAG_OFFSPRING))
        return NULL;
    const dsi_process *parent = dsi_process_find_alive(host, process->parent);
    if (!parent)
        return NULL;
    supervisor = dsi_supervisor_of(parent);
    assert(supervisor && "the mark is its guest's");
    return supervisor->guest_child;
}

/* The child that the current process is or starts, or NULL. A start function runs as its
 * supervisor's process, which may itself be a child: that child is not meant. */
static dsi_child *child_here(const dynsup_host *host) {
    const dsi_process *process = host->current;
    if (!process)
        return NULL;
    const dsi_supervisor *supervisor = dsi_supervisor_of(process);
    bool starts = supervisor && supervisor->guest_child;
    return process->child && !starts ? process->child : child_to_be(host);
}

int dynsup_save_state(dynsup_host *host, const dynsup_value *state) {
    dsi_child *child = child_here(host);
    if (!child)
        return DYNSUP_ENOT_A_CHILD;
    if (child->restart == DYNSUP_TEMPORARY)
        return DYNSUP_ETEMPORARY_CHILD;
    if (state->kind != DYNSUP_NIL)
        return dsi_saved_put(host, child, state);
    if (child->extra)
        dsi_saved_free(host, child->extra);
    return 0;
}

bool dynsup_previous_state(dynsup_host *host, dynsup_previous *previous_out) {
    const dsi_child *child = child_here(host);
    dsi_saved *saved = child && child->extra ? child->extra->saved : NULL;
    if (!saved || saved->attempt == 0)
        return false;
    saved->taken = true;
    *previous_out = (dynsup_previous){saved->state, saved->reason, saved->attempt};
    return true;
}
