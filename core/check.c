/*
 * The invariants of a host, walked one by one: for tests, between two operations.
 *
 * Nothing is changed; what is wrong is named by the assertion that fails. In a build without
 * assertions nothing is checked.
 */
#include "check.h"

#include "cursor.h"
#include "delayed.h"
#include "host.h"
#include "limits.h"
#include "link.h"
#include "monitor.h"
#include "registry.h"
#include "saved.h"
#include "static.h"

/* What has been met on the walk, to be compared with what the host counts. */
typedef struct tally {
    size_t runnable, paused, doomed, supervisors, monitors_held, monitors_watched, delayed, timers,
        clock_timers, names;
    size_t children;
} tally;

/* Of the host's timers, or of those of the clock with this tag. */
static void timer_count(tally *met, uint32_t tag, const dsi_timer *timer) {
    if (tag)
        met->clock_timers += dsi_timer_started(timer);
    else
        met->timers += dsi_timer_started(timer);
}

static size_t list_length(const dsi_list *list) {
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

static void check_state(const dynsup_host *host, const dsi_process *process, tally *met) {
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
    timer_count(met, process->slot.tag, &process->timer);
    MUST(process->state == DSI_PROCESS_WAITING || process->state == DSI_PROCESS_RUNNING,
         "only who waits has a timer for it");
}

static void check_name(const dynsup_host *host, const dsi_process *process, tally *met) {
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

static void check_extra(const dynsup_host *host, const dsi_process *process, tally *met) {
    const dsi_process_extra *extra = process->extra;
    MUST(extra->process == process, "an extra part knows its process");
    check_name(host, process, met);
    check_entries(process);
    timer_count(met, 0, &extra->kill_timer);
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
        timer_count(met, process->slot.tag, &delayed->timer);
        met->delayed++;
    }
}

/* ---- registries ---- */

static void check_key(const dynsup_host *host, const dsi_registry *registry, const dsi_key *key,
                      tally *met) {
    const dsi_name *name = key->name;
    MUST(name->key == key && key->registry == registry, "a key is its registry's");
    MUST(dsi_names_find_in(&host->names, registry->process->slot.id, name->text, name->length) ==
             name,
         "a key is in the table");
    MUST(list_length(&key->entries) == key->entry_count, "a key's entries are counted");
    MUST(key->entry_count > 0 || name->child, "a key is there for somebody");
    MUST(!registry->unique || key->entry_count < 2, "a unique key has one entry");
    dsi_list_each (node, &key->entries) {
        const dynsup_entry *entry = dsi_entry_of_node(node);
        MUST(entry->key == key && entry->owned.link, "an entry hangs on its process");
        MUST(!registry->unique || name->process == entry->process, "a key finds its owner");
    }
    met->names += !name->child;
}

static void check_registry(const dynsup_host *host, const dsi_process *process, tally *met) {
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

static void check_watchers(const dynsup_host *host, const dsi_process *process, tally *met) {
    dsi_bag_each (node, &process->watchers) {
        const dsi_monitor *monitor = dsi_item(node, dsi_monitor, watched);
        MUST(dsi_slots_find(&host->monitors, monitor->slot.id) == monitor, "monitors are live");
        MUST(monitor->target == process, "a monitor is its target's");
        met->monitors_watched++;
    }
}

/* Its records at the supervisors whose child it is: one each. */
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
    MUST(process->message_count == parked && parked > 0, "the ended wait for a supervisor's turn");
}

static void check_process(const dynsup_host *host, const dsi_process *process, tally *met) {
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

/* ---- children ---- */

static void check_waiters(const dsi_child *child, tally *met) {
    dsi_list_each (node, &child->extra->waiters) {
        const dsi_request *request = dsi_item(node, dsi_request, parked.node);
        MUST(request->parked.kind == DSI_PARKED_START ||
                 request->parked.kind == DSI_PARKED_TERMINATE ||
                 request->parked.kind == DSI_PARKED_RESTART ||
                 request->parked.kind == DSI_PARKED_RENEW,
             "a child is waited for to start, to end or to be renewed");
        met->children += request->child != NULL;
    }
}

static void check_restarting(const dsi_supervisor *supervisor, const dsi_child *child) {
    bool comes = dsi_node_linked(&child->parked.node) || supervisor->guest_child == child ||
                 (child->extra && dsi_timer_started(&child->extra->timer));
    bool is_in_job = supervisor->order && supervisor->occupied; /* one after the other */
    MUST(comes || is_in_job, "a restart has a turn, a delay or a guest");
    MUST(supervisor->state == DSI_SUPERVISOR_RUNNING || is_in_job, "only a running one restarts");
}

static void check_running(const dsi_supervisor *supervisor, const dsi_child *child) {
    const dsi_process *process = dsi_child_process(supervisor->host, child);
    bool late = child->parked.kind == DSI_PARKED_LATE && dsi_node_linked(&child->parked.node);
    MUST(late || (process && dsi_child_of(process, supervisor) == child),
         "a running child has a process");
    bool awaited = (child->extra && child->extra->starting) || supervisor->awaited == child;
    if (child->state == DSI_CHILD_STARTING)
        MUST(awaited && child->extra && child->extra->ready, "a child that starts is waited for");
    if (child->state == DSI_CHILD_RUNNING)
        MUST(!awaited, "a child that runs has been told of");
    if (supervisor->state == DSI_SUPERVISOR_STOPPING && !supervisor->order)
        MUST(child->state == DSI_CHILD_STOPPING, "all children stop with their supervisor");
}

static void check_gone(const dsi_supervisor *supervisor, const dsi_child *child) {
    MUST(supervisor->order, "only a static supervisor keeps who is gone");
    MUST(!dsi_node_linked(&child->parked.node), "who is gone waits for no turn");
    MUST(!child->extra || !dsi_timer_started(&child->extra->timer), "nor for a time");
    MUST(child->restart != DYNSUP_TEMPORARY || supervisor->occupied, "the temporary do not stay");
}

static void check_failed(const dsi_child *child) {
    MUST(child->extra && child->extra->own, "who has failed has a limit of its own");
    MUST(!dsi_node_linked(&child->parked.node), "who has failed waits for no turn");
    MUST(!dsi_timer_started(&child->extra->timer), "nor for a time");
}

static void check_saved(const dsi_child *child) {
    const dsi_saved *saved = child->extra->saved;
    if (!saved)
        return;
    MUST(child->restart != DYNSUP_TEMPORARY, "a temporary child has nobody to leave a state to");
    MUST(saved->state.kind != DYNSUP_NIL, "a saved state is one");
    MUST(saved->attempt <= child->extra->max_restores, "a state that has failed is dropped");
}

static void check_child(const dsi_supervisor *supervisor, const dsi_child *child, tally *met) {
    const dynsup_host *host = supervisor->host;
    met->children++;
    met->names += child->name != NULL;
    MUST(child->supervisor == supervisor, "a child is its supervisor's");
    if (child->name) {
        MUST(child->name->child == child, "a child's name is its");
        MUST(dsi_names_find_in(&host->names, child->name->registry, child->name->text,
                               child->name->length) == child->name,
             "a name is in the table");
    }
    if (child->extra) {
        timer_count(met, supervisor->process->slot.tag, &child->extra->timer);
        if (child->extra->limited)
            timer_count(met, supervisor->process->slot.tag, &child->extra->limited->deadline);
        check_waiters(child, met);
        check_saved(child);
    }
    if (!dsi_process_alive(supervisor->process))
        return;
    if (child->state == DSI_CHILD_RESTARTING)
        check_restarting(supervisor, child);
    else if (child->state == DSI_CHILD_GONE)
        check_gone(supervisor, child);
    else if (child->state == DSI_CHILD_FAILED)
        check_failed(child);
    else
        check_running(supervisor, child);
}

/* ---- supervisors ---- */

static void check_counts(const dsi_supervisor *supervisor, tally *met) {
    size_t specs = 0, active = 0, supervisors = 0;
    MUST(list_length(&supervisor->children) == supervisor->specs, "specs are counted");
    dsi_list_each (node, &supervisor->children) {
        const dsi_child *child = dsi_child_of_node(node);
        check_child(supervisor, child, met);
        specs++;
        active += !dsi_child_is_down(child);
        supervisors += child->is_supervisor;
    }
    MUST(supervisor->supervisors == supervisors, "supervisors are counted");
    MUST(supervisor->workers == specs - supervisors, "workers are counted");
    if (dsi_process_alive(supervisor->process))
        MUST(supervisor->active == active, "active children are counted");
}

static void check_turns(const dsi_supervisor *supervisor, tally *met) {
    const dsi_process *process = supervisor->process;
    dsi_list_each (node, &supervisor->parked) {
        const dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind == DSI_PARKED_START)
            met->children += dsi_item(parked, dsi_request, parked)->child != NULL;
        if (parked->kind == DSI_PARKED_RETRY)
            MUST(dsi_item(parked, dsi_child, parked)->state == DSI_CHILD_RESTARTING,
                 "only restarts are tried again");
        if (parked->kind == DSI_PARKED_STOP || parked->kind == DSI_PARKED_PARENT)
            MUST(dsi_node_linked(&supervisor->ending), "whose end waits is listed");
    }
    dsi_list_each (node, &supervisor->retries) {
        MUST(dsi_item(node, dsi_child, parked.node)->state == DSI_CHILD_RESTARTING,
             "only restarts are tried again");
    }
    bool idle = dsi_list_empty(&supervisor->parked) && dsi_list_empty(&supervisor->retries);
    if (!idle && !supervisor->has_guest && !supervisor->occupied)
        MUST(process->state != DSI_PROCESS_IDLE && process->state != DSI_PROCESS_WAITING,
             "a supervisor with something to do is ready");
}

static void check_guest(const dsi_supervisor *supervisor, tally *met) {
    const dsi_process *process = supervisor->process;
    bool drops = process->flags & DSI_FLAG_DROPS;
    MUST(supervisor->guest_child || dsi_list_empty(&supervisor->offspring),
         "offspring is of a guest that starts a child");
    MUST(drops == !supervisor->has_guest, "a supervisor reads messages while it has a guest");
    if (supervisor->has_guest) {
        const dsi_child *child = supervisor->guest_child;
        met->children += child && !dsi_node_linked(&child->node);
        return;
    }
    MUST(process->body == supervisor, "without a guest a supervisor runs itself");
    MUST(dsi_list_empty(&supervisor->strays), "strays are remembered for a guest only");
    MUST(supervisor->state != DSI_SUPERVISOR_INIT, "an init function is a guest");
}

/* A static supervisor: its index, its weight, and that its job waits for something. */
static void check_order(const dsi_supervisor *supervisor) {
    const dynsup_draft *order = supervisor->order;
    size_t weight = 0;
    MUST(supervisor->occupied == (order->job != DSI_JOB_NONE), "who is occupied has a job");
    MUST(order->ids.count == supervisor->specs, "all children are in the index");
    dsi_list_each (node, &supervisor->children) {
        dsi_child *child = dsi_child_of_node(node);
        dynsup_value id = dsi_child_id(child);
        weight += child->weighs;
        MUST(child->significant || !child->weighs, "the significant weigh");
        MUST(id.kind == DYNSUP_NUMBER || dsi_child_index_find(&order->ids, &id) == child,
             "a child is found by its id");
    }
    MUST(order->weight == weight, "weights are counted");
    if (supervisor->occupied && dsi_process_alive(supervisor->process))
        MUST(supervisor->awaited || supervisor->has_guest ||
                 supervisor->process->state == DSI_PROCESS_RUNNABLE,
             "a job waits for somebody");
}

static void check_cursors(const dsi_supervisor *supervisor) {
    dsi_list_each (node, &supervisor->cursors) {
        const dynsup_cursor *cursor = dsi_item(node, dynsup_cursor, node);
        MUST(cursor->supervisor == supervisor, "a cursor is its supervisor's");
        MUST(cursor->next == &supervisor->children.head ||
                 dsi_child_of_node(cursor->next)->supervisor == supervisor,
             "a cursor stands on a child or at the end");
    }
}

static void check_supervisor(const dsi_supervisor *supervisor, tally *met) {
    const dsi_process *process = supervisor->process;
    MUST(dsi_process_find(supervisor->host, process->slot.id) == process, "its process is there");
    MUST(dsi_supervisor_of(process) == supervisor, "a supervisor's process is its own");
    MUST(!supervisor->draining, "turns come to an end");
    check_counts(supervisor, met);
    check_turns(supervisor, met);
    check_guest(supervisor, met);
    check_cursors(supervisor);
    if (supervisor->order)
        check_order(supervisor);
    if (supervisor->state == DSI_SUPERVISOR_STOPPING)
        MUST(supervisor->specs > 0 || !dsi_process_alive(process),
             "a supervisor ends with its last child");
    if (supervisor->state == DSI_SUPERVISOR_RUNNING)
        MUST(supervisor->specs <= supervisor->max_children, "max_children is kept");
}

/* ---- the host ---- */

/* Requests that wait are those in the list; one that a guest serves is in no other. */
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

static void check_tally(const dynsup_host *host, const tally *met) {
    MUST(list_length(&host->ready) == met->runnable + dsi_node_linked(&host->lap),
         "all that are ready are runnable");
    MUST(list_length(&host->paused) == met->paused, "the paused are runnable");
    MUST(list_length(&host->doomed) == met->doomed, "all that will end are doomed");
    MUST(list_length(&host->supervisors) == met->supervisors, "supervisors are listed");
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
    tally met = {0};
    uint32_t cursor = 0;
    const dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor)))
        check_process(host, process, &met);
    dsi_list_each (node, &host->supervisors) {
        check_supervisor(dsi_item(node, dsi_supervisor, node), &met);
    }
    timer_count(&met, 0, &host->halt_timer);
    check_queue(host, &host->ready, DSI_PROCESS_RUNNABLE);
    check_queue(host, &host->paused, DSI_PROCESS_RUNNABLE);
    check_queue(host, &host->doomed, DSI_PROCESS_DOOMED);
    check_free_messages(host);
    check_requests(host);
    check_tally(host, &met);
}
