/*
 * Shutdown: how children are asked to stop, and how a supervisor ends.
 *
 * A process that does not trap exits is doomed by the signal itself. Only a process that survives
 * it (a trapping process, a supervisor, or a registry that is another process's child) needs the
 * shutdown time; its kill timer was made with it, or when it began to trap: nothing here allocates,
 * so nothing can fail, and a million children cost one pass.
 */
#include "shutdown.h"

#include "link.h"

static void send(dsi_supervisor *supervisor, dsi_process *process, enum dynsup_atom atom) {
    dynsup_reason reason = dynsup_reason_atom(atom);
    dsi_signal(supervisor->host, process, supervisor->process->slot.id, &reason, DSI_SIGNAL_SENT);
}

void dsi_shutdown_child(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_child_process(host, child);
    child->ended_before = !process || !dsi_process_alive(process);
    if (child->ended_before)
        return;
    if (child->shutdown_ms == DYNSUP_SHUTDOWN_BRUTAL_KILL) {
        send(supervisor, process, DYNSUP_KILL);
        return;
    }
    dsi_process_resume(host, process); /* if paused: it may have things to do before its end */
    send(supervisor, process, DYNSUP_SHUTDOWN);
    if (!dsi_process_alive(process) || child->shutdown_ms == DYNSUP_SHUTDOWN_INFINITY)
        return;
    uint64_t deadline = dsi_deadline_after(dsi_host_refresh(host), child->shutdown_ms);
    dsi_timers_stop(&host->timers, &process->extra->kill_timer);
    if (deadline != DYNSUP_NEVER)
        dsi_timers_start(&host->timers, &process->extra->kill_timer, deadline);
}

void dsi_shutdown_begin(dsi_supervisor *supervisor, const dynsup_reason *reason) {
    if (supervisor->state == DSI_SUPERVISOR_STOPPING)
        return;
    supervisor->state = DSI_SUPERVISOR_STOPPING;
    supervisor->reason = dsi_reason_copy(supervisor->host, reason);
    supervisor->policy->supervisor_stop(supervisor);
    dsi_shutdown_finish(supervisor);
}

void dsi_shutdown_finish(dsi_supervisor *supervisor) {
    if (supervisor->state == DSI_SUPERVISOR_STOPPING && dsi_list_empty(&supervisor->children))
        dsi_process_doom(supervisor->host, supervisor->process, &supervisor->reason);
}
