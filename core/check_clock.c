/* The invariants of clocks: see check.h. */
#include "check.h"

#include "process.h"
#include "clock_step.h"

/* A clock's counts of its processes are right. */
static void check_processes(const dynsup_host *host, const dsi_clock *clock) {
    size_t count = 0, busy = 0;
    uint32_t cursor = 0;
    const dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor))) {
        if (process->slot.tag != dsi_id_slot(clock->slot.id))
            continue;
        bool may_run =
            process->state == DSI_PROCESS_RUNNABLE && !(process->flags & DSI_FLAG_PAUSED);
        count++;
        busy += may_run || process->state == DSI_PROCESS_RUNNING ||
                process->state == DSI_PROCESS_DOOMED || process->state == DSI_PROCESS_CLOSING;
    }
    MUST(clock->process_count == count, "a clock's processes are counted");
    MUST(clock->busy == busy, "a clock's busy processes are counted");
}

static void check_steps(const dsi_clock *clock) {
    uint64_t last_ns = clock->base_ns;
    dsi_list_each (node, &clock->steps) {
        const dsi_clock_step *step = dsi_item(node, dsi_clock_step, node);
        MUST(step->until_ns >= last_ns, "steps follow each other");
        last_ns = step->until_ns;
    }
    MUST(dsi_node_linked(&clock->stepping) == !dsi_list_empty(&clock->steps),
         "a clock with steps is stepping");
}

static void check_timers(const dsi_clock *clock) {
    bool is_armed = dsi_timer_started(&clock->wake);
    bool is_held = !clock->runs || dsi_node_linked(&clock->stepping);
    uint64_t next_ns = clock->many ? dsi_timers_next(clock->many) : dsi_clock_wake(clock);
    MUST(is_armed == (clock->armed_ns != DYNSUP_NEVER), "what a clock waits for is noted");
    MUST((next_ns != DYNSUP_NEVER) == (clock->timer_count > 0), "a clock's timers are counted");
    MUST(!clock->many || (!clock->few.first && clock->many->count == clock->timer_count),
         "all timers are in the wheel, or none");
    if (next_ns == DYNSUP_NEVER || (is_held && next_ns > clock->base_ns))
        MUST(!is_armed || clock->timer_count > 0, "without timers a clock waits for nothing");
    else
        MUST(is_armed && clock->armed_ns <= next_ns, "the host knows of a clock's next timer");
    if (is_armed && is_held)
        MUST(clock->armed_ns <= clock->base_ns, "a clock that stands waits for what is due only");
}

size_t dsi_check_clocks(const dynsup_host *host, size_t *wakes_out) {
    size_t timers = 0;
    uint32_t cursor = 0;
    const dsi_clock *clock;
    *wakes_out = 0;
    while ((clock = dsi_slots_next(&host->clocks, &cursor))) {
        MUST(clock->host == host, "a clock is its host's");
        MUST(clock->process_count || clock->handle_count || !dsi_list_empty(&clock->steps),
             "a clock that nobody owns is gone");
        check_processes(host, clock);
        check_steps(clock);
        check_timers(clock);
        timers += clock->timer_count;
        *wakes_out += dsi_timer_started(&clock->wake);
    }
    return timers;
}
