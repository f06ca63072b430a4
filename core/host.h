/* The parts of the pump, which is what a host does between slices (pump.c). */
#ifndef DSI_HOST_H
#define DSI_HOST_H

#include "supervisor.h"

/* The time of work (dynsup_port.work_now); reads the host's clock as well. */
static inline uint64_t dsi_host_work_now(dynsup_host *host) {
    const dynsup_port *port = host->config.port;
    uint64_t now_ns = dsi_host_refresh(host);
    return port->work_now ? port->work_now(host->config.port_ud) : now_ns;
}

/* Reads both times. The time up to now has been charged to a process, or is charged to none. */
static inline void dsi_host_read_times(dynsup_host *host) {
    host->worked_ns = dsi_host_work_now(host);
    host->sampled_ns = host->now_ns;
}

/* Fires timers that have expired, a bounded number; true when there may be more of them. */
bool dsi_host_fire_timers(dynsup_host *host);

/* Moves on the clocks that have steps, each by a bounded number of timers. */
void dsi_host_step_clocks(dynsup_host *host);

/* Ends a doomed process: its body stops, what it had is released, then its links, monitors and
 * supervisors are notified. */
void dsi_host_reap(dynsup_host *host, dsi_process *process);

/* Reaps processes that are doomed, a bounded number. */
void dsi_host_pump_exits(dynsup_host *host);

/* Runs slices, and reaps what they end, until it is time to read the clock, or more processes have
 * to end than one round reaps. */
void dsi_host_pump_slices(dynsup_host *host);

/* Has the last stage of the orderly end been done, so that the next one can begin? */
bool dsi_halt_is_due(const dynsup_host *host);

/* Does the next stage of the orderly end, if it is due. */
void dsi_halt_advance(dynsup_host *host);

/* Kills what is left: the halt has waited long enough. */
void dsi_halt_timeout(dynsup_host *host);

#endif
