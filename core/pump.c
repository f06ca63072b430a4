/*
 * The pump: what a host does in a step, and in which order.
 *
 * Design notes.
 * A step repeats rounds: expired timers, clocks that have steps, a batch of exits, slices, then
 * observers of events; until nothing is ready or the budget is spent. Between slices no body's code
 * is on the stack, so ends and policy are handled here, one after the other, never nested: a chain
 * of a million links is a queue of a million exits.
 */
#include "host.h"

#include "guest.h"

#include <assert.h>

static bool has_work(const dynsup_host *host) {
    return !dsi_list_empty(&host->ready) || !dsi_list_empty(&host->doomed) || host->told ||
           host->recheck_ends || !dsi_list_empty(&host->steppers) || dsi_halt_is_due(host);
}

static enum dynsup_state state_after(dynsup_host *host, uint64_t *deadline_ns_out) {
    if (has_work(host))
        return DYNSUP_READY;
    if (host->halt != DSI_HALT_NONE && host->processes.live_count == 0)
        return DYNSUP_ENDED;
    *deadline_ns_out = dsi_timers_wake(&host->timers);
    return *deadline_ns_out == DYNSUP_NEVER ? DYNSUP_STILL : DYNSUP_WAITING;
}

static void pump_events(dynsup_host *host) {
    if (!host->told)
        return;
    host->told = false;
    host->config.after_events(host->config.event_ud);
}

/* Moves the process that had a long slice, and is ready again, behind those that became due in it;
 * not during a lap, which has counted it in its place. */
static void let_pass(dynsup_host *host) {
    dsi_process *process = dsi_process_find(host, host->overran);
    host->overran = 0;
    if (!process || process->state != DSI_PROCESS_RUNNABLE || process->wake != DYNSUP_WAKE_AGAIN ||
        (process->flags & DSI_FLAG_PAUSED) || dsi_node_linked(&host->lap))
        return;
    dsi_node_remove(&process->queue);
    dsi_list_append(&host->ready, &process->queue);
}

/* True when more expired timers may be left. */
static bool pump_round(dynsup_host *host) {
    bool more = dsi_host_fire_timers(host);
    let_pass(host);
    dsi_host_step_clocks(host);
    if (host->recheck_ends)
        dsi_supervisors_free_guests(host);
    dsi_host_pump_exits(host);
    dsi_halt_advance(host);
    dsi_host_pump_slices(host);
    pump_events(host);
    return more;
}

enum dynsup_state dynsup_host_step(dynsup_host *host, uint64_t budget_ns,
                                   uint64_t *deadline_ns_out) {
    assert(!host->stepping && "a step inside a step");
    bool more;
    host->stepping = true;
    dsi_host_read_times(host);
    uint64_t start = host->worked_ns;
    bool is_bounded = budget_ns > 0 && budget_ns < DYNSUP_NEVER - start;
    host->step_end_ns = is_bounded ? start + budget_ns : DYNSUP_NEVER;
    do
        more = pump_round(host);
    while ((more || has_work(host)) && budget_ns > 0 && host->worked_ns < host->step_end_ns);
    host->stepping = false;
    *deadline_ns_out = DYNSUP_NEVER;
    return state_after(host, deadline_ns_out);
}
