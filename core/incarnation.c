/*
 * Incarnations: a process for a child.
 *
 * "Acquire, then commit": everything is allocated before the process becomes visible.
 */
#include "incarnation.h"

#include "event.h"
#include "guest.h"
#include "registry.h"

int dsi_incarnation_body(dsi_supervisor *supervisor, const dsi_child *child,
                         const dynsup_body_ops **ops, void **body, dynsup_reason *reason) {
    bool draining = supervisor->draining;
    supervisor->draining = true; /* code that make may run (finalizers) cannot reach the child */
    *reason = dynsup_reason_atom(DYNSUP_NOMEM);
    int status = child->program_ops->make(child->program, supervisor->arguments, ops, body, reason);
    supervisor->draining = draining;
    return status;
}

static void start_limit(dsi_supervisor *supervisor, dsi_child *child) {
    dsi_child_extra *extra = child->extra;
    if (!extra || !extra->ready || extra->start_timeout_ms < 0)
        return;
    uint64_t deadline =
        dsi_deadline_after(dsi_supervisor_time(supervisor), extra->start_timeout_ms);
    if (deadline != DYNSUP_NEVER)
        dsi_child_timer_start(child, deadline);
}

int dsi_incarnation_name(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                         size_t length) {
    const dynsup_value none = dsi_value_nil();
    dsi_name *made;
    if (!length)
        return 0;
    int status = dsi_name_make(supervisor->host, name, length,
                               child->extra ? &child->extra->name_key : &none, &made);
    if (status == 0) {
        child->name = made;
        made->child = child;
    }
    return status;
}

/* Takes the child's name again, in the current registry: the one that it was a key of has ended. */
static int name_again(dsi_supervisor *supervisor, dsi_child *child) {
    dynsup_host *host = supervisor->host;
    const dsi_child_extra *extra = child->extra;
    dsi_name *lost = child->name;
    if (!lost || !lost->registry || lost->key)
        return 0;
    if (dsi_name_find(host, extra->wanted, extra->wanted_length))
        return DYNSUP_EALREADY_STARTED;
    int status = dsi_incarnation_name(supervisor, child, extra->wanted, extra->wanted_length);
    if (status == 0)
        dsi_names_remove(&host->names, lost);
    return status;
}

/* Gives the new process the child's name. 0 or DYNSUP_ENOMEM. */
static int name_hand_on(dynsup_host *host, const dsi_child *child, dsi_process *process) {
    dsi_name *name = child->name;
    if (!name)
        return 0;
    if (!dsi_process_extra_get(host, process))
        return DYNSUP_ENOMEM;
    if (!name->key) {
        name->process = process;
        process->extra->name = name;
        return 0;
    }
    if (!dsi_entry_new(name->key, process, child->extra->name_value))
        return DYNSUP_ENOMEM;
    dsi_value_copy(host, child->extra->name_value);
    return 0;
}

/* Makes a process that runs the body and has the name; 0, or why there is none. */
static int named_process(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                         void *body, dsi_process **process_out) {
    dynsup_host *host = supervisor->host;
    int status = name_again(supervisor, child);
    if (status)
        return status;
    *process_out = dsi_process_new(host, ops, body);
    if (!*process_out)
        return DYNSUP_ENOMEM;
    status = name_hand_on(host, child, *process_out);
    if (status)
        dsi_process_discard(host, *process_out);
    return status;
}

int dsi_incarnation_begin(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body) {
    dynsup_host *host = supervisor->host;
    dsi_process *process;
    int status = named_process(supervisor, child, ops, body, &process);
    if (status)
        return status;
    process->parent = supervisor->process->slot.id;
    process->flags = DSI_FLAG_CHILD | DSI_FLAG_PARENT_LINK;
    dsi_process_set_clock(host, process, supervisor->process->slot.tag);
    dsi_child_attach(child, process);
    child->incarnation++;
    supervisor->active++;
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
