/* The public functions that look at processes and change nothing. */
#include "link.h"
#include "monitor.h"
#include "supervisor.h"

/* The status of a living process. */
static enum dynsup_status status_of(const dsi_process *process) {
    switch ((enum dsi_process_state)process->state) {
    case DSI_PROCESS_RUNNABLE:
        return DYNSUP_STATUS_RUNNABLE;
    case DSI_PROCESS_RUNNING:
        return DYNSUP_STATUS_RUNNING;
    case DSI_PROCESS_WAITING:
        return DYNSUP_STATUS_WAITING;
    default:
        return DYNSUP_STATUS_IDLE;
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
        size += dsi_message_size(m->count);
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

/* The bytes that the core uses for it, supposing that messages are blocks of two or four values, as
 * most are. */
static size_t memory_of(const dsi_process *process) {
    size_t message = sizeof(dynsup_message) + 2 * sizeof(dynsup_value);
    return sizeof *process + (process->extra ? sizeof *process->extra : 0) +
           process->message_count * message;
}

bool dynsup_process_glance(const dynsup_host *host, dynsup_pid pid, dynsup_process_info *info_out) {
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
        .is_paused = process->flags & DSI_FLAG_PAUSED,
        .supervisor = process->child ? process->child->supervisor->process->slot.id : 0,
        .message_count = process->message_count,
        .memory = memory_of(process),
        .slices = process->slices,
        .cpu_ns = process->cpu_ns,
        .started_ns = process->started_ns,
        .incarnation = process->child ? process->child->incarnation : 1,
    };
    return true;
}

bool dynsup_process_inspect(const dynsup_host *host, dynsup_pid pid,
                            dynsup_process_info *info_out) {
    if (!dynsup_process_glance(host, pid, info_out))
        return false;
    const dsi_process *process = dsi_process_find(host, pid);
    const dsi_process_extra *extra = process->extra;
    info_out->link_count = link_count(process);
    info_out->monitor_count = extra ? bag_count(&extra->monitors) : 0;
    info_out->monitored_by_count = bag_count(&process->watchers);
    info_out->memory = sizeof *process + (extra ? sizeof *extra : 0) + messages_size(process);
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
