/* The public functions for clocks. */
#include "dynsup_clock.h"
#include "process.h"
#include "clock_step.h"

uint64_t dynsup_now(dynsup_host *host) {
    dsi_host_refresh(host);
    return host->current ? dsi_process_time(host, host->current) : host->now_ns;
}

uint64_t dynsup_process_now(dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find(host, pid);
    dsi_host_refresh(host);
    return process ? dsi_process_time(host, process) : host->now_ns;
}

dynsup_clock dynsup_clock_new(dynsup_host *host, bool paused) {
    dsi_host_refresh(host);
    const dsi_clock *clock = dsi_clock_new(host, !paused);
    return clock ? clock->slot.id : 0;
}

bool dynsup_clock_hold(dynsup_host *host, dynsup_clock id) {
    dsi_clock *clock = dsi_clock_find(host, id);
    if (clock)
        clock->handle_count++;
    return clock;
}

void dynsup_clock_release(dynsup_host *host, dynsup_clock id) {
    dsi_clock *clock = dsi_clock_find(host, id);
    if (!clock)
        return;
    clock->handle_count--;
    dsi_clock_free_if_unused(clock);
}

static bool run(dynsup_host *host, dynsup_clock id, bool runs) {
    dsi_clock *clock = dsi_clock_find(host, id);
    if (!clock)
        return false;
    dsi_host_refresh(host);
    dsi_clock_run(clock, runs);
    return true;
}

bool dynsup_clock_pause(dynsup_host *host, dynsup_clock clock) {
    return run(host, clock, false);
}

bool dynsup_clock_resume(dynsup_host *host, dynsup_clock clock) {
    return run(host, clock, true);
}

bool dynsup_clock_set_rate(dynsup_host *host, dynsup_clock id, double rate) {
    dsi_clock *clock = dsi_clock_find(host, id);
    if (!clock || !(rate >= DYNSUP_RATE_MIN && rate <= DYNSUP_RATE_MAX))
        return false;
    dsi_host_refresh(host);
    dsi_clock_set_rate(clock, (uint64_t)(rate * (double)DSI_RATE_ONE));
    return true;
}

int dynsup_clock_step(dynsup_host *host, dynsup_clock id, uint64_t ns, bool may_wait,
                      uint64_t *key_out) {
    dsi_clock *clock = dsi_clock_find(host, id);
    bool waits = may_wait && host->current;
    if (!clock)
        return DYNSUP_ENOPROC;
    dsi_host_refresh(host);
    if (!dsi_clock_step_begin(clock, ns, waits ? host->current->slot.id : 0, key_out))
        return DYNSUP_ENOMEM;
    return waits ? DYNSUP_PENDING : 0;
}

bool dynsup_clock_inspect(dynsup_host *host, dynsup_clock id, dynsup_clock_info *info_out) {
    const dsi_clock *clock = dsi_clock_find(host, id);
    if (!clock)
        return false;
    *info_out = (dynsup_clock_info){
        .now_ns = dsi_clock_time(clock, dsi_host_refresh(host)),
        .rate = (double)clock->rate / (double)DSI_RATE_ONE,
        .is_paused = !clock->runs,
        .is_stepping = dsi_node_linked(&clock->stepping),
        .process_count = clock->process_count,
        .timer_count = clock->timer_count,
    };
    return true;
}

size_t dynsup_clock_stopped_timers(const dynsup_host *host) {
    size_t count = 0;
    uint32_t cursor = 0;
    const dsi_clock *clock;
    while ((clock = dsi_slots_next(&host->clocks, &cursor)))
        if (!clock->runs && !dsi_node_linked(&clock->stepping))
            count += clock->timer_count;
    return count;
}

dynsup_clock dynsup_process_clock(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    return process && process->slot.tag ? dsi_clock_at(host, process->slot.tag)->slot.id : 0;
}
