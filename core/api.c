/* The public functions for processes: ids become objects, and the work is done below. */
#include "delayed.h"
#include "event.h"
#include "link.h"
#include "monitor.h"
#include "supervisor.h"

#include <assert.h>
#include <string.h>

/* ---- spawning ---- */

static int spawn_relations(dynsup_host *host, dsi_process *process,
                           const dynsup_spawn_options *options) {
    if (options->link && dsi_link(host, host->current, process))
        return DYNSUP_ENOMEM;
    if (options->label) {
        dsi_process_extra *extra = dsi_process_extra_get(host, process);
        if (!extra)
            return DYNSUP_ENOMEM;
        extra->label = options->label;
    }
    if (!options->monitor_out)
        return 0;
    return dsi_monitor_new(host, host->current, process, dsi_value_id(process->slot.id),
                           options->monitor_out);
}

int dynsup_spawn(dynsup_host *host, const dynsup_body_ops *ops, void *body,
                 const dynsup_spawn_options *options, dynsup_pid *pid_out) {
    assert(!options || host->current || (!options->link && !options->monitor_out));
    dsi_process *process = dsi_process_new(host, ops, body);
    if (!process)
        return DYNSUP_ENOMEM;
    if (options && spawn_relations(host, process, options)) {
        if (options->link)
            dsi_unlink(host, host->current, process);
        dsi_process_discard(host, process);
        return DYNSUP_ENOMEM;
    }
    if (options && options->main) {
        host->main = process;
        host->main_pid = process->slot.id;
    }
    *pid_out = process->slot.id;
    dsi_event_process(host, DYNSUP_EVENT_SPAWNED, process, NULL);
    dsi_process_ready(host, process, DYNSUP_WAKE_FIRST);
    return 0;
}

dynsup_pid dynsup_self(const dynsup_host *host) {
    return host->current ? host->current->slot.id : 0;
}

bool dynsup_is_alive(const dynsup_host *host, dynsup_pid pid) {
    return dsi_process_find_alive(host, pid) != NULL;
}

/* ---- messages ---- */

int dynsup_send(dynsup_host *host, dynsup_pid pid, const dynsup_value *values, uint32_t count) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process) {
        for (uint32_t i = 0; i < count; i++)
            dsi_value_release(host, &(dynsup_value){values[i].kind, values[i].as});
        return 0;
    }
    dynsup_message *message = dsi_message_new(host, count);
    if (!message)
        return DYNSUP_ENOMEM;
    memcpy(message->values, values, count * sizeof *values);
    dsi_process_deliver(host, process, message);
    return 0;
}

void *dynsup_receiver(dynsup_host *host, dynsup_pid pid, const dynsup_body_ops *ops) {
    dsi_process *process = dsi_process_find(host, pid);
    if (!process || process->state != DSI_PROCESS_WAITING || process->wait != DSI_WAIT_MESSAGE)
        return NULL;
    bool any = process->wait_key == 0 && !process->mailbox.head;
    return any && process->ops == ops ? process->body : NULL;
}

void dynsup_receiver_delivered(dynsup_host *host, dynsup_pid pid) {
    dsi_process_ready(host, dsi_process_find(host, pid), DYNSUP_WAKE_DELIVERED);
}

dynsup_message *dynsup_mailbox_first(const dynsup_host *host) {
    return host->current->mailbox.head;
}

dynsup_message *dynsup_mailbox_take(dynsup_host *host, dynsup_message *prev) {
    host->current->message_count--;
    return dsi_mailbox_take(&host->current->mailbox, prev);
}

void dynsup_message_free(dynsup_host *host, dynsup_message *message) {
    dsi_message_free(host, message);
}

/* ---- waiting ---- */

void dynsup_wait_message(dynsup_host *host, uint64_t key, uint64_t deadline_ns) {
    dsi_process_wait(host, host->current, DSI_WAIT_MESSAGE, key, deadline_ns);
}

void dynsup_wait_time(dynsup_host *host, uint64_t deadline_ns) {
    dsi_process_wait(host, host->current, DSI_WAIT_TIME, 0, deadline_ns);
}

void dynsup_wait_key(dynsup_host *host, uint64_t key, uint64_t deadline_ns) {
    dsi_process_wait(host, host->current, DSI_WAIT_KEY, key, deadline_ns);
}

void *dynsup_waiter(dynsup_host *host, dynsup_pid pid, uint64_t key) {
    dsi_process *process = dsi_process_find(host, pid);
    if (!process || process->state != DSI_PROCESS_WAITING || process->wait != DSI_WAIT_KEY)
        return NULL;
    return process->wait_key == key ? process->body : NULL;
}

void dynsup_wake(dynsup_host *host, dynsup_pid pid, uint64_t key) {
    if (dynsup_waiter(host, pid, key))
        dsi_process_ready(host, dsi_process_find(host, pid), DYNSUP_WAKE_DELIVERED);
}

/* ---- exit signals ---- */

void dynsup_exit(dynsup_host *host, dynsup_pid pid, const dynsup_reason *reason) {
    dsi_process *process = dsi_process_find(host, pid);
    if (process)
        dsi_signal(host, process, dynsup_self(host), reason, DSI_SIGNAL_SENT);
}

bool dynsup_doomed(const dynsup_host *host) {
    return host->current && host->current->state == DSI_PROCESS_DOOMED;
}

bool dynsup_closing(const dynsup_host *host) {
    return host->closing;
}

int dynsup_link(dynsup_host *host, dynsup_pid pid) {
    dsi_process *self = host->current;
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (host->closing)
        return DYNSUP_ECLOSING;
    if (process == self)
        return 0;
    if (process)
        return dsi_link(host, self, process);
    dynsup_reason noproc = dynsup_reason_atom(DYNSUP_NOPROC);
    dsi_signal(host, self, pid, &noproc, DSI_SIGNAL_LINK);
    return 0;
}

void dynsup_unlink(dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_process_find(host, pid);
    if (process && process != host->current)
        dsi_unlink(host, host->current, process);
}

int dynsup_monitor(dynsup_host *host, dynsup_pid pid, const dynsup_value *who,
                   dynsup_ref *ref_out) {
    if (host->closing)
        return DYNSUP_ECLOSING;
    return dsi_monitor_new(host, host->current, dsi_process_find_alive(host, pid),
                           who ? *who : dsi_value_id(pid), ref_out);
}

bool dynsup_demonitor(dynsup_host *host, dynsup_ref ref) {
    dsi_monitor *monitor = dsi_slots_find(&host->monitors, ref);
    if (monitor && monitor->watcher == host->current)
        dsi_monitor_free(host, monitor);
    return dsi_monitor_flush(host, host->current, ref);
}

int dynsup_trap_exit(dynsup_host *host, bool trap, bool *old_out) {
    dsi_process *self = host->current;
    if (self->flags & DSI_FLAG_SUPERVISOR)
        return DYNSUP_ECALLS_ITSELF;
    if (trap && !dsi_process_extra_get(host, self)) /* its kill timer */
        return DYNSUP_ENOMEM;
    *old_out = self->flags & DSI_FLAG_TRAP_EXIT;
    if (trap)
        self->flags |= DSI_FLAG_TRAP_EXIT;
    else
        self->flags &= (uint8_t)~DSI_FLAG_TRAP_EXIT;
    return 0;
}

/* ---- names ---- */

int dynsup_register(dynsup_host *host, const char *name, size_t length, dynsup_pid pid) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return DYNSUP_ENOPROC;
    dsi_process_extra *extra = dsi_process_extra_get(host, process);
    if (!extra)
        return DYNSUP_ENOMEM;
    if (extra->name || dsi_names_find(&host->names, name, length))
        return DYNSUP_ETAKEN;
    extra->name = dsi_names_add(&host->names, name, length);
    if (!extra->name)
        return DYNSUP_ENOMEM;
    extra->name->process = process;
    return 0;
}

int dynsup_unregister(dynsup_host *host, const char *name, size_t length) {
    dsi_name *entry = dsi_names_find(&host->names, name, length);
    if (!entry)
        return DYNSUP_ENOPROC;
    if (entry->child)
        return DYNSUP_ETAKEN;
    entry->process->extra->name = NULL;
    dsi_names_remove(&host->names, entry);
    return 0;
}

dynsup_pid dynsup_whereis(const dynsup_host *host, const char *name, size_t length) {
    const dsi_name *entry = dsi_names_find(&host->names, name, length);
    if (!entry || !entry->process || !dsi_process_alive(entry->process))
        return 0;
    return entry->process->slot.id;
}

/* ---- timers ---- */

int dynsup_send_at(dynsup_host *host, uint64_t deadline_ns, dynsup_pid pid,
                   const dynsup_value *values, uint32_t count, dynsup_timer *timer_out) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    *timer_out = 0;
    if (!process)
        return dynsup_send(host, pid, values, count);
    dsi_delayed *delayed = dsi_delayed_new(host, process, values, count, deadline_ns);
    if (!delayed)
        return DYNSUP_ENOMEM;
    *timer_out = delayed->slot.id;
    return 0;
}

bool dynsup_cancel_timer(dynsup_host *host, dynsup_timer timer, uint64_t *left_ns_out) {
    dsi_delayed *delayed = dsi_slots_find(&host->delayed, timer);
    if (!delayed)
        return false;
    uint64_t now_ns = dsi_host_refresh(host);
    uint64_t deadline_ns = delayed->timer.deadline_ns;
    *left_ns_out = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    if (deadline_ns == DYNSUP_NEVER)
        *left_ns_out = DYNSUP_NEVER;
    dsi_delayed_free(host, delayed);
    return true;
}

/* ---- looking at processes ---- */

static enum dynsup_status status_of(const dsi_process *process) {
    switch ((enum dsi_process_state)process->state) {
    case DSI_PROCESS_RUNNABLE:
        return DYNSUP_STATUS_RUNNABLE;
    case DSI_PROCESS_RUNNING:
        return DYNSUP_STATUS_RUNNING;
    case DSI_PROCESS_WAITING:
        return DYNSUP_STATUS_WAITING;
    case DSI_PROCESS_IDLE:
        return DYNSUP_STATUS_IDLE;
    default:
        return DYNSUP_STATUS_EXITING;
    }
}

static size_t bag_count(const dsi_bag *bag) {
    size_t count = 0;
    dsi_bag_each (node, bag) {
        count++;
    }
    return count;
}

static size_t messages_size(const dsi_process *process) {
    size_t size = 0;
    for (const dynsup_message *m = process->mailbox.head; m; m = m->next)
        size += sizeof *m + m->capacity * sizeof m->values[0];
    return size;
}

/* Is this child's process linked to the supervisor by a flag alone? */
static dsi_process *flag_linked(const dsi_supervisor *supervisor, dsi_node *node) {
    dsi_process *process = dsi_child_process(supervisor->host, dsi_child_of_node(node));
    bool linked = process && process->parent == supervisor->process->slot.id &&
                  (process->flags & DSI_FLAG_PARENT_LINK) && process->state != DSI_PROCESS_ENDED;
    return linked ? process : NULL;
}

/* The pids of the children linked by a flag, at most capacity; returns how many. pids_out may be
 * NULL: then they are counted only. */
static size_t flag_linked_children(const dsi_process *process, dynsup_pid *pids_out,
                                   size_t capacity) {
    size_t count = 0;
    const dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (!supervisor)
        return 0;
    dsi_list_each (node, &supervisor->children) {
        if (count == capacity)
            break;
        const dsi_process *child = flag_linked(supervisor, node);
        if (child && pids_out)
            pids_out[count] = child->slot.id;
        count += child != NULL;
    }
    return count;
}

static size_t link_count(const dsi_process *process) {
    return bag_count(&process->links) + !!(process->flags & DSI_FLAG_PARENT_LINK) +
           flag_linked_children(process, NULL, SIZE_MAX);
}

bool dynsup_process_inspect(const dynsup_host *host, dynsup_pid pid,
                            dynsup_process_info *info_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return false;
    const dsi_process_extra *extra = process->extra;
    const dsi_name *name = extra ? extra->name : NULL;
    *info_out = (dynsup_process_info){
        .status = status_of(process),
        .name = name ? name->text : NULL,
        .name_length = name ? name->length : 0,
        .label = extra ? extra->label : NULL,
        .ops = process->ops,
        .body = process->body,
        .parent = process->parent,
        .trap_exit = process->flags & DSI_FLAG_TRAP_EXIT,
        .is_supervisor = process->flags & DSI_FLAG_SUPERVISOR,
        .link_count = link_count(process),
        .monitor_count = extra ? bag_count(&extra->monitors) : 0,
        .monitored_by_count = bag_count(&process->watchers),
        .message_count = process->message_count,
        .memory = sizeof *process + (extra ? sizeof *extra : 0) + messages_size(process),
        .slices = process->slices,
        .cpu_ns = process->cpu_ns,
        .started_ns = process->started_ns,
        .incarnation = process->child ? process->child->incarnation : 1,
    };
    return true;
}

size_t dynsup_process_links(const dynsup_host *host, dynsup_pid pid, dynsup_pid *pids_out,
                            size_t capacity) {
    const dsi_process *process = dsi_process_find(host, pid);
    size_t count = 0;
    if (!process)
        return 0;
    if ((process->flags & DSI_FLAG_PARENT_LINK) && capacity > 0)
        pids_out[count++] = process->parent;
    count += flag_linked_children(process, pids_out + count, capacity - count);
    return count + dsi_links_list(process, pids_out + count, capacity - count);
}

size_t dynsup_process_monitors(const dynsup_host *host, dynsup_pid pid, dynsup_pid *pids_out,
                               size_t capacity) {
    const dsi_process *process = dsi_process_find(host, pid);
    size_t count = 0;
    if (!process || !process->extra)
        return 0;
    dsi_bag_each (node, &process->extra->monitors) {
        if (count == capacity)
            break;
        pids_out[count++] = dsi_item(node, dsi_monitor, held)->target->slot.id;
    }
    return count;
}

dynsup_pid dynsup_process_next(const dynsup_host *host, uint32_t *cursor) {
    const dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, cursor)))
        if (dsi_process_alive(process))
            return process->slot.id;
    return 0;
}
