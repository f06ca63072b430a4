/* Steps: see clock_step.h. */
#include "clock_step.h"

#include "process.h"

#include <assert.h>

static dsi_clock_step *step_first(const dsi_clock *clock) {
    return dsi_item(dsi_list_first(&clock->steps), dsi_clock_step, node);
}

static uint64_t step_end(const dsi_clock *clock, uint64_t ns) {
    uint64_t from_ns = clock->base_ns;
    if (!dsi_list_empty(&clock->steps))
        from_ns = dsi_item(dsi_list_last(&clock->steps), dsi_clock_step, node)->until_ns;
    return ns < DYNSUP_NEVER - 1 - from_ns ? from_ns + ns : DYNSUP_NEVER - 1;
}

bool dsi_clock_step_begin(dsi_clock *clock, uint64_t ns, dynsup_pid caller, uint64_t *key_out) {
    dynsup_host *host = clock->host;
    dsi_clock_step *step = dsi_memory_new(&host->memory, sizeof *step);
    if (!step)
        return false;
    if (!dsi_node_linked(&clock->stepping))
        dsi_clock_hold(clock);
    step->until_ns = step_end(clock, ns);
    step->caller = caller;
    step->key = *key_out = dsi_wait_key_new(host);
    dsi_list_append(&clock->steps, &step->node);
    clock->lap = 0;
    dsi_host_wake(host);
    return true;
}

/* ---- whose turn it is ---- */

/* Is nothing ready? The mark of a lap does not count. */
static bool is_quiet(const dynsup_host *host) {
    const dsi_node *first = dsi_list_first(&host->ready);
    if (first == &host->lap)
        first = dsi_list_next(&host->ready, first);
    return !first && dsi_list_empty(&host->doomed);
}

static void lap_begin(dsi_clock *clock) {
    dynsup_host *host = clock->host;
    bool is_under_way = dsi_node_linked(&host->lap);
    clock->lap = host->laps + 1 + is_under_way;
    if (!is_under_way)
        dsi_list_append(&host->ready, &host->lap);
}

static bool lap_over(dsi_clock *clock) {
    dynsup_host *host = clock->host;
    if (clock->lap == 0)
        lap_begin(clock);
    else if (host->laps < clock->lap && !dsi_node_linked(&host->lap))
        dsi_list_append(&host->ready, &host->lap);
    return host->laps >= clock->lap;
}

static bool may_go(dsi_clock *clock) {
    return clock->busy == 0 && (is_quiet(clock->host) || lap_over(clock));
}

/* ---- moving on ---- */

static void caller_tell(dynsup_host *host, const dsi_clock_step *step) {
    dsi_process *caller = dsi_process_find(host, step->caller);
    if (caller && caller->state == DSI_PROCESS_WAITING && caller->wait == DSI_WAIT_KEY &&
        caller->wait_key == step->key)
        dsi_process_ready(host, caller, DYNSUP_WAKE_DELIVERED);
}

static void step_done(dsi_clock *clock) {
    dynsup_host *host = clock->host;
    dsi_clock_step *step = step_first(clock);
    dsi_node_remove(&step->node);
    caller_tell(host, step);
    dsi_memory_free(&host->memory, step, sizeof *step);
    if (dsi_list_empty(&clock->steps)) {
        dsi_clock_go_on(clock);
        dsi_clock_free_if_unused(clock);
    }
}

bool dsi_clock_step_go(dsi_clock *clock) {
    assert(dsi_node_linked(&clock->stepping));
    if (!may_go(clock))
        return false;
    uint64_t wake_ns = dsi_clock_wake(clock);
    uint64_t until_ns = step_first(clock)->until_ns;
    clock->lap = 0;
    if (wake_ns <= until_ns) {
        dsi_clock_move(clock, wake_ns);
        return true;
    }
    dsi_clock_move(clock, until_ns);
    step_done(clock);
    return false;
}

void dsi_clock_steps_free(dsi_clock *clock) {
    dsi_node *node;
    while ((node = dsi_list_pop(&clock->steps)))
        dsi_memory_free(&clock->host->memory, dsi_item(node, dsi_clock_step, node),
                        sizeof(dsi_clock_step));
}
