/*
 * Halt: the orderly end of a whole host.
 *
 * Start functions end first, for one that waits for ever would block all supervisors above it. The
 * supervisors that the main process started before the halt stop one by one, the last one first.
 * Then all other processes are asked to shut down, and killed 5 s later, as is every process that
 * is started when all are gone. Each stage begins when the pump finds that the one before is done.
 */
#include "host.h"

#include "guest.h"
#include "link.h"
#include "shutdown.h"

#define PATIENCE_MS 5000.0

/* The next supervisor to stop: see gather_of_main. */
static dsi_supervisor *last_of_main(const dynsup_host *host) {
    const dsi_node *node = dsi_list_first(&host->supervisors);
    dsi_supervisor *supervisor = node ? dsi_item(node, dsi_supervisor, node) : NULL;
    return supervisor && supervisor->stops_in_order ? supervisor : NULL;
}

static void list_move(dsi_list *to, dsi_list *from) {
    dsi_node *node;
    while ((node = dsi_list_pop(from)))
        dsi_list_append(to, node);
}

/* Moves the supervisors that the main process has started to the front of the list, the last one
 * first, and marks them. So the next one is found at once, however many are nested in it, and
 * supervisors started later are not among them. */
static void gather_of_main(dynsup_host *host) {
    dsi_list of_main, others;
    dsi_node *node;
    dsi_list_init(&of_main);
    dsi_list_init(&others);
    while ((node = dsi_list_pop(&host->supervisors))) {
        dsi_supervisor *supervisor = dsi_item(node, dsi_supervisor, node);
        supervisor->stops_in_order = supervisor->process->parent == host->main_pid;
        if (supervisor->stops_in_order)
            dsi_list_prepend(&of_main, node);
        else
            dsi_list_append(&others, node);
    }
    list_move(&host->supervisors, &of_main);
    list_move(&host->supervisors, &others);
}

static void supervisor_stop(dsi_supervisor *supervisor) {
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    if (!dsi_process_alive(supervisor->process))
        return;
    while (supervisor->has_guest) /* the next guest may begin with what waited for this one */
        dsi_guest_abort(supervisor, &shutdown);
    dsi_shutdown_begin(supervisor, &shutdown);
    dsi_supervisor_drain(supervisor); /* what waited for the guest; nothing starts any more */
}

/* A paused process may have to do something before its end. */
static void ask_to_end(dynsup_host *host, dsi_process *process) {
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    dsi_process_resume(host, process);
    dsi_signal(host, process, 0, &shutdown, DSI_SIGNAL_SENT);
}

static void shutdown_all(dynsup_host *host) {
    uint32_t cursor = 0;
    dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor))) {
        dsi_supervisor *supervisor = dsi_supervisor_of(process);
        if (process->child)
            continue;
        if (supervisor)
            supervisor_stop(supervisor);
        else
            ask_to_end(host, process);
    }
    dsi_timers_start(&host->timers, &host->halt_timer,
                     dsi_deadline_after(dsi_host_refresh(host), PATIENCE_MS));
}

static void kill_all(dynsup_host *host) {
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    uint32_t cursor = 0;
    dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor)))
        dsi_signal(host, process, 0, &kill, DSI_SIGNAL_SENT);
}

/* A start function may wait for ever, and with it all supervisors above its own. */
static void guests_end(dynsup_host *host) {
    dsi_list_each (node, &host->supervisors)
        dsi_supervisor_hurry(dsi_item(node, dsi_supervisor, node));
}

bool dsi_halt_is_due(const dynsup_host *host) {
    return host->halt == DSI_HALT_BEGUN ||
           (host->halt == DSI_HALT_SUPERVISORS && !host->halt_waits_for);
}

static void stage_begin(dynsup_host *host) {
    if (host->halt == DSI_HALT_BEGUN) {
        host->halt = DSI_HALT_SUPERVISORS;
        guests_end(host);
        gather_of_main(host);
    }
    dsi_supervisor *supervisor = last_of_main(host);
    if (supervisor) {
        host->halt_waits_for = supervisor;
        if (host->main) /* its end must not end main, and by that all the others */
            dsi_unlink(host, host->main, supervisor->process);
        supervisor_stop(supervisor);
        return;
    }
    host->halt = DSI_HALT_SHUTDOWN;
    shutdown_all(host);
}

void dsi_halt_advance(dynsup_host *host) {
    if (dsi_halt_is_due(host))
        stage_begin(host);
    if (host->processes.live_count == 0) {
        if (host->halt == DSI_HALT_SHUTDOWN) /* no process is left to wait for */
            dsi_timers_stop(&host->timers, &host->halt_timer);
        if (host->halt >= DSI_HALT_SHUTDOWN)
            host->halt = DSI_HALT_KILL;
    } else if (host->halt == DSI_HALT_KILL && dsi_list_empty(&host->doomed)) {
        kill_all(host); /* what was spawned since, by a close handler or when all were gone */
    }
}

void dsi_halt_timeout(dynsup_host *host) {
    host->halt = DSI_HALT_KILL;
    kill_all(host);
}

void dynsup_host_halt(dynsup_host *host, int code) {
    if (host->halt != DSI_HALT_NONE)
        return;
    host->halt = DSI_HALT_BEGUN;
    host->halt_code = code;
    dsi_host_wake(host);
}

bool dynsup_host_halting(const dynsup_host *host) {
    return host->halt != DSI_HALT_NONE;
}

bool dynsup_is_asked_to_end(const dynsup_host *host) {
    const dsi_process *process = host->current;
    if (!process)
        return false;
    const dsi_child *child = process->child;
    if (child)
        return child->state == DSI_CHILD_STOPPING || child->state == DSI_CHILD_RENEWING;
    return host->halt >= DSI_HALT_SHUTDOWN;
}

int dynsup_host_code(const dynsup_host *host) {
    return host->halt_code;
}
