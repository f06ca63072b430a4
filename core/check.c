/*
 * The invariants of a host, walked one by one: for tests, between two operations.
 *
 * The walk changes nothing; the assertion that fails names what is wrong. In a build without
 * assertions nothing is checked.
 */
#include "check.h"

#include "delayed.h"
#include "host.h"
#include "link.h"
#include "monitor.h"
#include "registry.h"
#include "request.h"

void dsi_check_timer(dsi_check_tally *met, uint32_t tag, const dsi_timer *timer) {
    if (tag)
        met->clock_timers += dsi_timer_started(timer);
    else
        met->timers += dsi_timer_started(timer);
}

size_t dsi_check_list(const dsi_list *list) {
    size_t length = 0;
    dsi_list_each (node, list) {
        MUST(node->next->prev == node && node->prev->next == node, "a list is linked both ways");
        length++;
    }
    return length;
}

/* ---- processes ---- */

static void check_mailbox(const dsi_process *process) {
    size_t count = 0;
    const dynsup_message *last = NULL;
    for (const dynsup_message *m = process->mailbox.head; m; m = m->next) {
        last = m;
        count++;
    }
    MUST(!last || process->mailbox.tail == last, "a mailbox's tail is its last message");
    if (process->state != DSI_PROCESS_ENDED)
        MUST(process->message_count == count, "messages are counted");
    if (process->flags & DSI_FLAG_DROPS)
        MUST(count == 0, "who drops messages has none");
}

static void check_state(const dynsup_host *host, const dsi_process *process, dsi_check_tally *met) {
    bool queued = process->state == DSI_PROCESS_RUNNABLE || process->state == DSI_PROCESS_DOOMED;
    MUST(!process->has_end || !queued, "who waits for a time is in no queue");
    if (!process->has_end)
        MUST(dsi_node_linked(&process->queue) == queued, "the runnable and the doomed are queued");
    bool paused = process->flags & DSI_FLAG_PAUSED;
    met->runnable += process->state == DSI_PROCESS_RUNNABLE && !paused;
    met->paused += process->state == DSI_PROCESS_RUNNABLE && paused;
    met->doomed += process->state == DSI_PROCESS_DOOMED;
    if (process->state == DSI_PROCESS_RUNNING)
        MUST(host->current == process, "who runs is current");
    if (process->state == DSI_PROCESS_WAITING)
        MUST(process->wait != DSI_WAIT_NONE, "who waits waits for something");
    if (!dsi_process_alive(process))
        return;
    if (!dsi_process_is_timed(process))
        return;
    dsi_check_timer(met, process->slot.tag, &process->timer);
    MUST(process->state == DSI_PROCESS_WAITING || process->state == DSI_PROCESS_RUNNING,
         "only who waits has a timer for it");
}

static void check_name(const dynsup_host *host, const dsi_process *process, dsi_check_tally *met) {
    const dsi_name *name = process->extra->name;
    if (!name)
        return;
    MUST(name->process == process, "a name's process has the name");
    MUST(dsi_names_find(&host->names, name->text, name->length) == name, "a name is in the table");
    met->names += name->child == NULL;
}

static void check_entries(const dsi_process *process) {
    dsi_bag_each (node, &process->extra->entries) {
        const dynsup_entry *entry = dsi_item(node, dynsup_entry, owned);
        MUST(entry->process == process, "an entry is its process's");
        MUST(dsi_node_linked(&entry->node), "an entry is under its key");
    }
}

static void check_extra(const dynsup_host *host, const dsi_process *process, dsi_check_tally *met) {
    const dsi_process_extra *extra = process->extra;
    MUST(extra->process == process, "an extra part knows its process");
    check_name(host, process, met);
    check_entries(process);
    dsi_check_timer(met, 0, &extra->kill_timer);
    dsi_bag_each (node, &extra->monitors) {
        const dsi_monitor *monitor = dsi_item(node, dsi_monitor, held);
        MUST(dsi_slots_find(&host->monitors, monitor->slot.id) == monitor, "monitors are live");
        MUST(monitor->watcher == process, "a monitor is its watcher's");
        met->monitors_held++;
    }
    dsi_bag_each (node, &extra->delayed) {
        const dsi_delayed *delayed = dsi_item(node, dsi_delayed, owned);
        MUST(delayed->destination == process, "a delayed message is its destination's");
        MUST(dsi_timer_started(&delayed->timer) == (delayed->timer.deadline_ns != DYNSUP_NEVER),
             "a delayed message has a timer, unless it never comes");
        dsi_check_timer(met, process->slot.tag, &delayed->timer);
        met->delayed++;
    }
}

/* ---- registries ---- */

static void check_key(const dynsup_host *host, const dsi_registry *registry, const dsi_key *key,
                      dsi_check_tally *met) {
    const dsi_name *name = key->name;
    MUST(name->key == key && key->registry == registry, "a key is its registry's");
    MUST(dsi_names_find_in(&host->names, registry->process->slot.id, name->text, name->length) ==
             name,
         "a key is in the table");
    MUST(dsi_check_list(&key->entries) == key->entry_count, "a key's entries are counted");
    MUST(key->entry_count > 0 || name->child, "a key is there for somebody");
    MUST(!registry->unique || key->entry_count < 2, "a unique key has one entry");
    dsi_list_each (node, &key->entries) {
        const dynsup_entry *entry = dsi_entry_of_node(node);
        MUST(entry->key == key && entry->owned.link, "an entry hangs on its process");
        MUST(!registry->unique || name->process == entry->process, "a key finds its owner");
    }
    met->names += !name->child;
}

static void check_registry(const dynsup_host *host, const dsi_process *process,
                           dsi_check_tally *met) {
    const dsi_registry *registry = dsi_registry_of(process);
    size_t count = 0;
    if (!registry)
        return;
    MUST(process->flags & DSI_FLAG_REGISTRY, "a registry's process is marked");
    dsi_list_each (node, &registry->keys) {
        const dsi_key *key = dsi_item(node, dsi_key, node);
        check_key(host, registry, key, met);
        count += key->entry_count;
    }
    MUST(count == registry->entry_count, "a registry's entries are counted");
}

static void check_watchers(const dynsup_host *host, const dsi_process *process,
                           dsi_check_tally *met) {
    dsi_bag_each (node, &process->watchers) {
        const dsi_monitor *monitor = dsi_item(node, dsi_monitor, watched);
        MUST(dsi_slots_find(&host->monitors, monitor->slot.id) == monitor, "monitors are live");
        MUST(monitor->target == process, "a monitor is its target's");
        met->monitors_watched++;
    }
}

/* The records of a process: one at each supervisor whose child it is. */
static size_t check_records(const dynsup_host *host, const dsi_process *process) {
    size_t parked = 0;
    bool limited = false;
    for (const dsi_child *child = process->child; child;
         child = child->extra ? child->extra->next_same : NULL) {
        MUST(dsi_slots_find(&host->children, child->slot.id) == child, "a record is live");
        MUST(child->pid == process->slot.id, "a process's record has its pid");
        MUST(dsi_child_of(process, child->supervisor) == child, "a supervisor has one record");
        MUST(!dsi_child_is_down(child), "a child with a process runs");
        parked += dsi_node_linked(&child->parked.node);
        limited |= child->extra && child->extra->limited;
    }
    MUST(!(process->flags & DSI_FLAG_LIMITED) || limited, "limits are of a record");
    return parked;
}

static void check_ended(const dsi_process *process, size_t parked) {
    MUST(!process->extra && !process->body, "the ended own nothing");
    MUST(!process->links.first && !process->watchers.first, "the ended are nobody's partner");
    MUST(process->parked_exits == parked && parked > 0, "the ended wait for a supervisor's turn");
}

static void check_process(const dynsup_host *host, const dsi_process *process,
                          dsi_check_tally *met) {
    check_state(host, process, met);
    check_mailbox(process);
    check_watchers(host, process, met);
    MUST(dsi_links_are_sound(process), "links have two ends, and are one for each pair");
    check_registry(host, process, met);
    if (process->extra)
        check_extra(host, process, met);
    size_t parked = check_records(host, process);
    if (process->state == DSI_PROCESS_ENDED)
        check_ended(process, parked);
    else
        MUST(parked == 0, "only an exit that has happened is parked");
    met->supervisors += (process->flags & DSI_FLAG_SUPERVISOR) && process->extra;
}

/* ---- the host ---- */

/* The host's list has all requests that wait; one that a guest serves is in no other list. */
static void check_requests(const dynsup_host *host) {
    dsi_list_each (node, &host->requests) {
        MUST(dsi_item(node, dsi_request, pending)->target, "a request waits for somebody");
    }
}

static void check_queue(const dynsup_host *host, const dsi_list *queue,
                        enum dsi_process_state state) {
    dsi_list_each (node, queue) {
        if (node != &host->lap)
            MUST(dsi_item(node, dsi_process, queue)->state == state,
                 "a queue holds what it is for");
    }
}

static void check_free_messages(const dynsup_host *host) {
    for (int class = 0; class < DSI_MESSAGE_CLASSES; class ++) {
        size_t count = 0;
        for (const dynsup_message *m = host->free_messages[class]; m; m = m->next)
            count++;
        MUST(count == host->free_message_count[class], "free messages are counted");
    }
}

static void check_tally(const dynsup_host *host, const dsi_check_tally *met) {
    MUST(dsi_check_list(&host->ready) == met->runnable + dsi_node_linked(&host->lap),
         "all that are ready are runnable");
    MUST(dsi_check_list(&host->paused) == met->paused, "the paused are runnable");
    MUST(dsi_check_list(&host->doomed) == met->doomed, "all that will end are doomed");
    MUST(dsi_check_list(&host->supervisors) == met->supervisors, "supervisors are listed");
    MUST(host->monitors.live_count == met->monitors_held, "monitors are held by their watchers");
    MUST(host->monitors.live_count == met->monitors_watched, "monitors are at their targets");
    MUST(host->delayed.live_count == met->delayed, "delayed messages are at their destinations");
    MUST(host->children.live_count == met->children, "children are somewhere");
    size_t wakes;
    MUST(dsi_check_clocks(host, &wakes) == met->clock_timers, "a clock's timers are somebody's");
    MUST(host->timers.count == met->timers + wakes, "timers are somebody's");
    MUST(host->names.count == met->names, "names are somebody's");
}

void dynsup_host_check(const dynsup_host *host) {
    dsi_check_tally met = {0};
    uint32_t cursor = 0;
    const dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor)))
        check_process(host, process, &met);
    dsi_list_each (node, &host->supervisors) {
        dsi_check_supervisor(dsi_item(node, dsi_supervisor, node), &met);
    }
    dsi_check_timer(&met, 0, &host->halt_timer);
    check_queue(host, &host->ready, DSI_PROCESS_RUNNABLE);
    check_queue(host, &host->paused, DSI_PROCESS_RUNNABLE);
    check_queue(host, &host->doomed, DSI_PROCESS_DOOMED);
    check_free_messages(host);
    check_requests(host);
    check_tally(host, &met);
}
