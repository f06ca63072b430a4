/* Exits: what is done with processes that are doomed, one after the other. */
#include "host.h"

#include "ahead.h"
#include "link.h"
#include "monitor.h"
#include "registry.h"

#define EXITS_A_ROUND 64 /* between two looks at the run queue */

/* Hands the exit to this supervisor. A doomed supervisor's policy is not called; it releases its
 * children when it ends. */
static void tell_supervisor(dsi_process *process, dsi_child *child) {
    dsi_supervisor *supervisor = child->supervisor;
    dsi_child_lived(child);
    bool waits = dsi_supervisor_busy(supervisor) && supervisor->awaited != child;
    if (dsi_process_alive(supervisor->process) && waits) {
        process->parked_exits++;
        dsi_supervisor_park(supervisor, &child->parked);
        return;
    }
    dsi_child_detach(child, process);
    if (dsi_process_alive(supervisor->process))
        supervisor->policy->child_exited(supervisor, child, &process->reason);
}

/* Hands the exit to every supervisor that has the process as a child, at its turn. */
static void tell_supervisors(dsi_process *process) {
    dsi_child *child = process->child;
    while (child) {
        dsi_child *next = child->extra ? child->extra->next_same : NULL;
        tell_supervisor(process, child);
        child = next;
    }
}

/* A failed start sends its parent no signal. */
static void start_failed(dynsup_host *host, dsi_process *process) {
    dsi_process *parent = dsi_process_find(host, process->parent);
    if (parent && !process->child)
        dsi_unlink(host, parent, process);
}

void dsi_host_reap(dynsup_host *host, dsi_process *process) {
    dsi_supervisor *supervisor = dsi_supervisor_of(process);
    dsi_registry *registry = dsi_registry_of(process);
    dsi_process_close(host, process);
    if (process->flags & DSI_FLAG_STARTING)
        start_failed(host, process);
    if (supervisor)
        dsi_supervisor_ended(supervisor);
    if (registry)
        dsi_registry_ended(registry);
    dsi_links_notify(host, process);
    dsi_monitors_notify(host, process);
    process->parked_exits = 1; /* this call's own: a parked exit may have its turn at once */
    tell_supervisors(process);
    dsi_process_unref(host, process);
}

/* Reads the clock, if the port has no tick. */
static bool budget_is_spent(dynsup_host *host) {
    if (host->config.port->tick)
        return false;
    dsi_host_read_times(host);
    return host->worked_ns >= host->step_end_ns;
}

void dsi_host_pump_exits(dynsup_host *host) {
    bool looks_ahead = dsi_ahead_helps(host);
    for (int i = 0; i < EXITS_A_ROUND; i++) {
        dsi_node *node = dsi_list_first(&host->doomed);
        if (!node)
            return;
        if (looks_ahead)
            dsi_ahead_fetch(host, &host->doomed, dsi_list_next(&host->doomed, node));
        dsi_host_reap(host, dsi_item(node, dsi_process, queue));
        if (budget_is_spent(host))
            return;
    }
}
