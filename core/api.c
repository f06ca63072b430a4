/* The public functions for processes: ids become objects, and the work is done below. */
#include "delayed.h"
#include "event.h"
#include "guest.h"
#include "limits.h"
#include "link.h"
#include "monitor.h"
#include "registry.h"
#include "tiny.h"

#include <assert.h>

#define NEAR_PROCESSES DSI_TINY(4096, 2) /* with more, a message's receiver is not in the cache */

/* ---- spawning ---- */

static int spawn_start(dynsup_host *host, dsi_process *process, dynsup_ref *start_out) {
    dsi_monitor *call = dsi_call_new(host, host->current, process);
    if (!call)
        return DYNSUP_ENOMEM;
    process->flags |= DSI_FLAG_STARTING;
    *start_out = call->slot.id;
    return 0;
}

static int spawn_relations(dynsup_host *host, dsi_process *process,
                           const dynsup_spawn_options *options) {
    if (options->link && dsi_link(host, host->current, process))
        return DYNSUP_ENOMEM;
    int status = options->name ? dsi_name_give(host, process, options->name, options->name_length,
                                               &options->name_key, &options->name_value)
                               : 0;
    if (status)
        return status;
    if (options->clock)
        dsi_process_set_clock(host, process, dsi_clock_tag(host, options->clock));
    if (options->label) {
        dsi_process_extra *extra = dsi_process_extra_get(host, process);
        if (!extra)
            return DYNSUP_ENOMEM;
        extra->label = options->label;
    }
    if (options->start_out && spawn_start(host, process, options->start_out))
        return DYNSUP_ENOMEM;
    if (!options->monitor_out)
        return 0;
    return dsi_monitor_new(host, host->current, process, dsi_value_id(process->slot.id),
                           options->monitor_out);
}

static void spawn_undo(dynsup_host *host, dsi_process *process,
                       const dynsup_spawn_options *options) {
    if (options->link)
        dsi_unlink(host, host->current, process);
    while (process->watchers.first)
        dsi_monitor_free(host, dsi_item(process->watchers.first, dsi_monitor, watched));
    if (process->extra && process->extra->name)
        dsi_names_remove(&host->names, process->extra->name);
    if (process->extra)
        dsi_entries_release(host, process->extra);
    dsi_process_discard(host, process);
}

/* Is the name taken already? */
static bool spawn_taken(const dynsup_host *host, const dynsup_spawn_options *options,
                        dynsup_pid *pid_out) {
    if (!options || !options->name)
        return false;
    const dsi_name *taken = dsi_name_find(host, options->name, options->name_length);
    if (taken)
        *pid_out = taken->process ? taken->process->slot.id : 0;
    return taken;
}

int dynsup_spawn(dynsup_host *host, const dynsup_body_ops *ops, void *body,
                 const dynsup_spawn_options *options, dynsup_pid *pid_out) {
    assert(!options || host->current ||
           (!options->link && !options->monitor_out && !options->start_out));
    if (spawn_taken(host, options, pid_out))
        return DYNSUP_EALREADY_STARTED;
    dsi_process *process = dsi_process_new(host, ops, body);
    if (!process)
        return DYNSUP_ENOMEM;
    if (!dsi_guest_spawns(host, process)) {
        dsi_process_discard(host, process);
        return DYNSUP_ENOMEM;
    }
    int status = options ? spawn_relations(host, process, options) : 0;
    if (status) {
        spawn_undo(host, process, options);
        return status;
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
    dsi_message_fill(message, values);
    int status = dsi_limits_deliver(host, process, message, false);
    if (status)
        dsi_message_free(host, message);
    return status;
}

/* Is its memory better fetched by the pump, while others run, than now? Not if the process has
 * limits: those of its mailbox count messages that wait. */
static bool is_far(const dynsup_host *host, const dsi_process *process) {
    return host->processes.live_count > NEAR_PROCESSES && !(process->flags & DSI_FLAG_LIMITED);
}

void *dynsup_receiver(dynsup_host *host, dynsup_pid pid, const dynsup_body_ops *ops) {
    dsi_process *process = dsi_process_find(host, pid);
    if (!process || process->state != DSI_PROCESS_WAITING || process->wait != DSI_WAIT_MESSAGE)
        return NULL;
    bool any = !process->has_key && !process->mailbox.head;
    return any && process->ops == ops && !is_far(host, process) ? process->body : NULL;
}

void dynsup_receiver_delivered(dynsup_host *host, dynsup_pid pid) {
    dsi_slot *slot = dsi_slots_at(&host->processes, dsi_id_slot(pid)); /* receiver has found it */
    assert(slot->id == pid && slot->next_free == DSI_SLOT_LIVE);
    dsi_process_ready(host, (dsi_process *)slot, DYNSUP_WAKE_DELIVERED);
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
    assert(key != 0 && "a key that is one");
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

void dynsup_wait_end(dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_process_find(host, pid);
    if (process && process->state == DSI_PROCESS_WAITING)
        dsi_process_ready(host, process, DYNSUP_WAKE_AGAIN);
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
    dsi_signal(host, self, pid, &noproc, DSI_SIGNAL_SENT); /* in place of the dead process */
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
    if (!monitor || monitor->watcher != host->current)
        return dsi_monitor_flush(host, host->current, ref);
    dsi_monitor_free(host, monitor); /* no DOWN yet, so no search of the mailbox */
    return false;
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
        dsi_process_unflag(self, DSI_FLAG_TRAP_EXIT);
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
    uint64_t now_ns = dynsup_process_now(host, delayed->destination->slot.id);
    uint64_t deadline_ns = delayed->timer.deadline_ns;
    *left_ns_out = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    if (deadline_ns == DYNSUP_NEVER)
        *left_ns_out = DYNSUP_NEVER;
    dsi_delayed_free(host, delayed);
    return true;
}
