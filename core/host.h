/* The parts of the pump, which is what a host does between slices (pump.c). */
#ifndef DSI_HOST_H
#define DSI_HOST_H

#include "supervisor.h"

/* The time of work, having read the host's clock as well. */
static inline uint64_t dsi_host_work_now(dynsup_host *host) {
    const dynsup_port *port = host->config.port;
    uint64_t now_ns = dsi_host_refresh(host);
    return port->work_now ? port->work_now(host->config.port_ud) : now_ns;
}

/* Reads both; the time up to now is nobody's, or has been put down to somebody. */
static inline void dsi_host_read_times(dynsup_host *host) {
    host->worked_ns = dsi_host_work_now(host);
    host->sampled_ns = host->now_ns;
}

/* Fires timers that have expired, a bounded number; true when there may be more of them. */
bool dsi_host_fire_timers(dynsup_host *host);

/* Moves the clocks that are stepped on, each by a bounded number of timers. */
void dsi_host_step_clocks(dynsup_host *host);

/* Ends a doomed process: its body stops, what it had is released, then all are told whom it
 * concerns. */
void dsi_host_reap(dynsup_host *host, dsi_process *process);

/* Reaps processes that are doomed, a bounded number. */
void dsi_host_pump_exits(dynsup_host *host);

/* Runs slices, and what they end, until it is time for a look at the clock, or more has to end than
 * one round does. */
void dsi_host_pump_slices(dynsup_host *host);

/* Has the orderly end's last step been done, so that the next one can be? */
bool dsi_halt_is_due(const dynsup_host *host);

/* The next step of the orderly end, if it is due. */
void dsi_halt_advance(dynsup_host *host);

/* The halt's patience is over: what is left is killed. */
void dsi_halt_timeout(dynsup_host *host);

#endif
