/*
 * Incarnations: a process for a child.
 *
 * "Acquire, then commit": everything is allocated before anyone can see the process.
 */
#include "event.h"
#include "supervisor.h"

int dsi_incarnation_body(dsi_supervisor *supervisor, const dsi_child *child,
                         const dynsup_body_ops **ops, void **body, dynsup_reason *reason) {
    bool draining = supervisor->draining;
    supervisor->draining = true; /* what make may run (finalizers) does not get at the child */
    *reason = dynsup_reason_atom(DYNSUP_NOMEM);
    int status = child->program_ops->make(child->program, supervisor->arguments, ops, body, reason);
    supervisor->draining = draining;
    return status;
}

static void start_limit(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_child_extra *extra = child->extra;
    if (!extra || !extra->ready || extra->start_timeout_ms < 0)
        return;
    uint64_t deadline = dsi_deadline_after(supervisor->host->now_ns, extra->start_timeout_ms);
    if (deadline != DYNSUP_NEVER)
        dsi_timers_start(&supervisor->host->timers, &extra->timer, deadline);
}

int dsi_incarnation_name(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                         size_t length) {
    if (!name || !length)
        return 0;
    child->name = dsi_names_add(&supervisor->host->names, name, length);
    if (!child->name)
        return DYNSUP_ENOMEM;
    child->name->child = child;
    return 0;
}

int dsi_incarnation_begin(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body) {
    dynsup_host *host = supervisor->host;
    dsi_process *process = dsi_process_new(host, ops, body);
    if (!process)
        return DYNSUP_ENOMEM;
    if (child->name && !dsi_process_extra_get(host, process)) {
        dsi_process_discard(host, process);
        return DYNSUP_ENOMEM;
    }
    process->parent = supervisor->process->slot.id;
    process->flags = DSI_FLAG_CHILD | DSI_FLAG_PARENT_LINK;
    dsi_child_attach(child, process);
    child->incarnation++;
    supervisor->active++;
    if (child->name) {
        child->name->process = process;
        process->extra->name = child->name;
    }
    dsi_event_process(host, DYNSUP_EVENT_SPAWNED, process, NULL);
    start_limit(supervisor, child);
    dsi_process_ready(host, process, DYNSUP_WAKE_FIRST);
    return 0;
}

dynsup_reason dsi_incarnation_stray(dsi_supervisor *supervisor, dynsup_pid pid) {
    dsi_list_each (node, &supervisor->strays) {
        dsi_stray *stray = dsi_item(node, dsi_stray, node);
        if (stray->pid == pid)
            return dsi_reason_copy(supervisor->host, &stray->reason);
    }
    return dynsup_reason_atom(DYNSUP_NOPROC);
}
