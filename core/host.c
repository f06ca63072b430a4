/* Hosts: how they are made and freed, and what they can be asked. */
#include "host.h"

#include "delayed.h"
#include "monitor.h"
#include "clock_step.h"

#include <assert.h>

dynsup_host *dynsup_host_new(const dynsup_host_config *config) {
    dsi_memory memory;
    dsi_memory_init(&memory, config->alloc, config->alloc_ud);
    dynsup_host *host = dsi_memory_new(&memory, sizeof *host);
    if (!host)
        return NULL;
    host->config = *config;
    host->memory = memory;
    host->random = config->seed;
    host->next_key = 1;
    host->signal_supervisor = dsi_supervisor_signal;
    host->halt_timer.purpose = DSI_PURPOSE_HALT;
    dsi_slots_init(&host->processes, &host->memory, DSI_ID_PROCESS, sizeof(dsi_process));
    dsi_slots_init(&host->monitors, &host->memory, DSI_ID_REF, sizeof(dsi_monitor));
    dsi_slots_init(&host->delayed, &host->memory, DSI_ID_TIMER, sizeof(dsi_delayed));
    dsi_slots_init(&host->children, &host->memory, DSI_ID_CHILD_REF, sizeof(dsi_child));
    dsi_slots_init(&host->clocks, &host->memory, DSI_ID_CLOCK_REF, sizeof(dsi_clock));
    dsi_names_init(&host->names, &host->memory, dsi_random(host));
    dsi_timers_init(&host->timers, dsi_host_refresh(host));
    dsi_list_init(&host->ready);
    dsi_list_init(&host->paused);
    dsi_list_init(&host->requests);
    dsi_list_init(&host->doomed);
    dsi_list_init(&host->steppers);
    dsi_list_init(&host->supervisors);
    dsi_list_init(&host->ending);
    return host;
}

/* ---- the end of a host ---- */

static void kill_all(dynsup_host *host) {
    dynsup_reason killed = dynsup_reason_atom(DYNSUP_KILLED);
    uint32_t cursor = 0;
    dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor)))
        dsi_process_doom(host, process, &killed);
}

/* Reaps all doomed processes and those that their ends doom, without recursion. */
static void reap_all(dynsup_host *host) {
    dsi_node *node;
    while ((node = dsi_list_first(&host->doomed)))
        dsi_host_reap(host, dsi_item(node, dsi_process, queue));
}

static void clocks_free(dynsup_host *host) {
    uint32_t cursor = 0;
    dsi_clock *clock;
    while ((clock = dsi_slots_next(&host->clocks, &cursor))) {
        dsi_clock_steps_free(clock);
        dsi_node_remove(&clock->stepping);
        clock->handle_count = 0;
        dsi_clock_free_if_unused(clock);
    }
    dsi_slots_fini(&host->clocks);
}

void dynsup_host_free(dynsup_host *host) {
    if (!host)
        return;
    assert(!host->stepping && "a host freed inside its step");
    host->stepping = true;
    while (host->processes.live_count > 0) {
        kill_all(host);
        reap_all(host);
    }
    dsi_reason_release(host, &host->main_reason);
    dsi_names_fini(&host->names);
    clocks_free(host);
    dsi_slots_fini(&host->processes);
    dsi_slots_fini(&host->monitors);
    dsi_slots_fini(&host->delayed);
    dsi_slots_fini(&host->children);
    dsi_messages_fini(host);
    dsi_memory memory = host->memory;
    dsi_memory_free(&memory, host, sizeof *host);
}

/* ---- small things ---- */

const dynsup_reason *dynsup_host_main_reason(const dynsup_host *host) {
    return host->main_pid && !host->main ? &host->main_reason : NULL;
}

uint64_t dynsup_host_now(dynsup_host *host) {
    return dsi_host_refresh(host);
}

uint64_t dynsup_host_random(dynsup_host *host) {
    return dsi_random(host);
}

void dynsup_host_want(dynsup_host *host, uint32_t events) {
    host->config.events = events;
}

const volatile uint64_t *dynsup_host_slices(const dynsup_host *host) {
    return &host->slices;
}

bool dynsup_host_preempt(dynsup_host *host) {
    dsi_process *process = host->current;
    if (!host->in_slice || !process || !process->ops->preempt)
        return false;
    process->ops->preempt(process->body);
    return true;
}

size_t dynsup_host_memory(const dynsup_host *host) {
    return host->memory.in_use;
}

size_t dynsup_host_process_count(const dynsup_host *host) {
    return host->processes.live_count;
}

uint64_t dynsup_key_new(dynsup_host *host) {
    return dsi_wait_key_new(host);
}
