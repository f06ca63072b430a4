/* Links and the exit signals that travel along them. */
#include "link.h"

typedef struct dsi_link_end {
    dsi_bag_node node; /* in the links of the process that has this end */
    dsi_process *peer;
    uint8_t index; /* of this end in its record */
} dsi_link_end;

typedef struct dsi_link_record {
    dsi_link_end ends[2];
} dsi_link_record;

static dsi_link_end *end_of(dsi_bag_node *node) {
    return dsi_item(node, dsi_link_end, node);
}

/* The sender to be shown. A signal that no process has sent (by the orderly end, a callback) shows
 * the main process, so that its handler gets a pid. */
static dynsup_value sender(const dynsup_host *host, const dsi_process *target, dynsup_pid from) {
    if (from == 0)
        from = host->main_pid ? host->main_pid : target->slot.id;
    return dsi_value_id(from);
}

bool dsi_is_from_parent(const dynsup_host *host, const dsi_process *target, dynsup_pid from) {
    return from == target->parent || (from == 0 && target->parent == host->main_pid);
}

static void exit_message(dynsup_host *host, dsi_process *target, dynsup_pid from,
                         const dynsup_reason *reason) {
    dynsup_message *message = dsi_message_new(host, 3);
    if (!message) { /* a signal may not be lost: if there is no memory to trap it, it kills */
        dynsup_reason nomem = dynsup_reason_atom(DYNSUP_NOMEM);
        dsi_process_doom(host, target, &nomem);
        return;
    }
    message->values[0] = dsi_value_atom(DYNSUP_EXIT);
    message->values[1] = sender(host, target, from);
    message->values[2] = dsi_value_copy(host, reason->value);
    dsi_process_deliver(host, target, message);
}

void dsi_signal(dynsup_host *host, dsi_process *target, dynsup_pid from,
                const dynsup_reason *reason, enum dsi_signal how) {
    if (!dsi_process_alive(target))
        return;
    if (how == DSI_SIGNAL_SENT && reason->kind == DYNSUP_REASON_KILL) {
        dynsup_reason killed = dynsup_reason_atom(DYNSUP_KILLED);
        dsi_process_doom(host, target, &killed);
    } else if (target->flags & DSI_FLAG_SUPERVISOR) {
        host->signal_supervisor(host, target, from, reason, how);
    } else if (target->flags & DSI_FLAG_REGISTRY) {
        if (dsi_is_from_parent(host, target, from))
            dsi_process_doom(host, target, reason);
    } else if (target->flags & DSI_FLAG_TRAP_EXIT) {
        exit_message(host, target, from, reason);
    } else if (reason->kind != DYNSUP_REASON_NORMAL || from == target->slot.id) {
        dsi_process_doom(host, target, reason);
    }
}

/* Walks both processes' links in step: costs no more than the shorter of the two. */
static dsi_link_end *link_find(const dsi_process *a, const dsi_process *b) {
    dsi_bag_node *at_a = a->links.first;
    dsi_bag_node *at_b = b->links.first;
    for (; at_a && at_b; at_a = at_a->next, at_b = at_b->next) {
        if (end_of(at_a)->peer == b)
            return end_of(at_a);
        if (end_of(at_b)->peer == a)
            return end_of(at_b);
    }
    return NULL;
}

/* Is it a child whose link to this supervisor is a flag? */
static bool is_spawned_child(const dsi_process *process, const dsi_process *supervisor) {
    return (process->flags & DSI_FLAG_CHILD) && process->parent == supervisor->slot.id;
}

/* Of the two, the one that is the other's child, or NULL. */
static dsi_process *child_among(dsi_process *a, dsi_process *b) {
    if (is_spawned_child(a, b))
        return a;
    return is_spawned_child(b, a) ? b : NULL;
}

bool dsi_linked(dsi_process *a, dsi_process *b) {
    const dsi_process *child = child_among(a, b);
    if (child && (child->flags & DSI_FLAG_PARENT_LINK))
        return true;
    return link_find(a, b) != NULL;
}

int dsi_link(dynsup_host *host, dsi_process *a, dsi_process *b) {
    if (dsi_linked(a, b))
        return 0;
    dsi_process *child = child_among(a, b);
    if (child) {
        child->flags |= DSI_FLAG_PARENT_LINK;
        return 0;
    }
    dsi_link_record *record = dsi_memory_new(&host->memory, sizeof *record);
    if (!record)
        return DYNSUP_ENOMEM;
    record->ends[0].peer = b;
    record->ends[1].peer = a;
    record->ends[1].index = 1;
    dsi_bag_add(&a->links, &record->ends[0].node);
    dsi_bag_add(&b->links, &record->ends[1].node);
    return 0;
}

static void end_free(dynsup_host *host, dsi_link_end *end) {
    dsi_link_record *record = (dsi_link_record *)(void *)(end - end->index);
    dsi_bag_remove(&record->ends[0].node);
    dsi_bag_remove(&record->ends[1].node);
    dsi_memory_free(&host->memory, record, sizeof *record);
}

void dsi_unlink(dynsup_host *host, dsi_process *a, dsi_process *b) {
    dsi_process *child = child_among(a, b);
    if (child)
        dsi_process_unflag(child, DSI_FLAG_PARENT_LINK);
    dsi_link_end *end = link_find(a, b);
    if (end)
        end_free(host, end);
}

void dsi_links_notify(dynsup_host *host, dsi_process *ended) {
    dynsup_reason reason = dsi_reason_told(&ended->reason);
    while (ended->links.first) {
        dsi_link_end *end = end_of(ended->links.first);
        dsi_process *peer = end->peer;
        end_free(host, end);
        dsi_signal(host, peer, ended->slot.id, &reason, DSI_SIGNAL_LINK);
    }
}

/* Is the end sound? The pair is linked only once if the first end found for the peer belongs to
 * this link. */
static bool end_is_sound(const dsi_process *process, dsi_link_end *end) {
    dsi_link_record *record = (dsi_link_record *)(void *)(end - end->index);
    const dsi_link_end *other = &record->ends[1 - end->index];
    const dsi_link_end *found = link_find(process, end->peer);
    return other->peer == process && other->index == 1 - end->index && other->node.link &&
           *other->node.link == &other->node && end->peer->state != DSI_PROCESS_ENDED &&
           (found == end || found == other);
}

bool dsi_links_are_sound(const dsi_process *process) {
    dsi_bag_each (node, &process->links) {
        if (!end_is_sound(process, end_of(node)))
            return false;
    }
    return true;
}

size_t dsi_links_list(const dsi_process *process, dynsup_pid *pids_out, size_t capacity) {
    size_t count = 0;
    dsi_bag_each (node, &process->links) {
        if (count == capacity)
            break;
        pids_out[count++] = end_of(node)->peer->slot.id;
    }
    return count;
}
