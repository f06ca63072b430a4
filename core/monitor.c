/* Monitors: one process gets a message when another ends. */
#include "monitor.h"

static dynsup_message *down_new(dynsup_host *host, dynsup_value who) {
    dynsup_message *down = dsi_message_new(host, 4);
    if (!down)
        return NULL;
    down->values[0] = dsi_value_atom(DYNSUP_DOWN);
    down->values[2] = who;
    return down;
}

/* Detaches the monitor and returns its message, whose reason is still to be filled in. */
static dynsup_message *monitor_end(dynsup_host *host, dsi_monitor *monitor) {
    dynsup_message *down = monitor->down;
    dsi_bag_remove(&monitor->held);
    dsi_bag_remove(&monitor->watched);
    dsi_slots_free(&host->monitors, monitor);
    return down;
}

dsi_process *dsi_call_waiter(const dsi_monitor *call) {
    dsi_process *caller = call->watcher;
    bool waits = caller->state == DSI_PROCESS_WAITING && caller->wait == DSI_WAIT_KEY &&
                 caller->wait_key == call->slot.id;
    return waits ? caller : NULL;
}

void dsi_call_reply(dynsup_host *host, dsi_monitor *call, dynsup_reply *reply) {
    dsi_process *caller = dsi_call_waiter(call);
    monitor_end(host, call);
    if (caller && caller->ops->reply) {
        caller->ops->reply(caller->body, reply);
        dsi_process_ready(host, caller, DYNSUP_WAKE_DELIVERED);
    } else {
        dsi_value_release(host, &reply->values[0]);
        dsi_value_release(host, &reply->values[1]);
    }
}

/* Ends a call whose target has ended. Of calls to a starting process, only its parent's waits for
 * the start. */
static void call_fire(dynsup_host *host, dsi_monitor *call, const dynsup_reason *reason) {
    bool starts = call->watcher->slot.id == call->target->parent;
    dynsup_reply reply = {.status = DYNSUP_EREASON};
    reply.values[0] = dsi_value_copy(host, starts ? reason->value : dsi_reason_told(reason).value);
    dsi_call_reply(host, call, &reply);
}

static void monitor_fire(dynsup_host *host, dsi_monitor *monitor, const dynsup_reason *reason) {
    if (!monitor->down) {
        call_fire(host, monitor, reason);
        return;
    }
    dsi_process *watcher = monitor->watcher;
    dynsup_message *down = monitor_end(host, monitor);
    down->values[3] = dsi_value_copy(host, dsi_reason_told(reason).value);
    dsi_process_deliver(host, watcher, down);
}

int dsi_monitor_new(dynsup_host *host, dsi_process *watcher, dsi_process *target, dynsup_value who,
                    dynsup_ref *ref_out) {
    dsi_process_extra *extra = dsi_process_extra_get(host, watcher);
    dynsup_message *down = extra ? down_new(host, who) : NULL;
    dsi_monitor *monitor = down ? dsi_slots_new(&host->monitors) : NULL;
    if (!monitor) {
        if (down)
            dsi_message_free(host, down);
        return DYNSUP_ENOMEM;
    }
    monitor->watcher = watcher;
    monitor->target = target;
    monitor->down = down;
    down->values[1] = dsi_value_id(monitor->slot.id);
    *ref_out = monitor->slot.id;
    dsi_bag_add(&extra->monitors, &monitor->held);
    if (target) {
        dsi_bag_add(&target->watchers, &monitor->watched);
    } else {
        dynsup_reason noproc = dynsup_reason_atom(DYNSUP_NOPROC);
        monitor_fire(host, monitor, &noproc);
    }
    return 0;
}

dsi_monitor *dsi_call_new(dynsup_host *host, dsi_process *watcher, dsi_process *target) {
    dsi_process_extra *extra = dsi_process_extra_get(host, watcher);
    dsi_monitor *call = extra ? dsi_slots_new(&host->monitors) : NULL;
    if (!call)
        return NULL;
    call->watcher = watcher;
    call->target = target;
    dsi_process_recheck_ends(host, watcher);
    dsi_bag_add(&extra->monitors, &call->held);
    dsi_bag_add(&target->watchers, &call->watched);
    return call;
}

dsi_process *dsi_call_awaited(const dynsup_host *host, const dsi_process *process) {
    bool waits = process->state == DSI_PROCESS_WAITING && process->wait == DSI_WAIT_KEY;
    const dsi_monitor *call = waits ? dsi_slots_find(&host->monitors, process->wait_key) : NULL;
    return call && call->watcher == process && !call->down ? call->target : NULL;
}

void dsi_monitor_free(dynsup_host *host, dsi_monitor *monitor) {
    dynsup_message *down = monitor_end(host, monitor);
    if (down)
        dsi_message_drop(host, down);
}

static bool is_down_of(const dynsup_message *message, dynsup_ref ref) {
    return message->count == 4 && message->values[0].kind == DYNSUP_ATOM &&
           message->values[0].as.atom == DYNSUP_DOWN && message->values[1].kind == DYNSUP_ID &&
           message->values[1].as.id == ref;
}

bool dsi_monitor_flush(dynsup_host *host, dsi_process *watcher, dynsup_ref ref) {
    dynsup_message *prev = NULL;
    dynsup_message *message = watcher->mailbox.head;
    while (message && !is_down_of(message, ref)) {
        prev = message;
        message = message->next;
    }
    if (!message)
        return false;
    watcher->message_count--;
    dsi_message_drop(host, dsi_mailbox_take(&watcher->mailbox, prev));
    return true;
}

void dsi_monitors_release_held(dynsup_host *host, dsi_process_extra *extra) {
    while (extra->monitors.first)
        dsi_monitor_free(host, dsi_item(extra->monitors.first, dsi_monitor, held));
}

void dsi_monitors_notify(dynsup_host *host, dsi_process *ended) {
    while (ended->watchers.first)
        monitor_fire(host, dsi_item(ended->watchers.first, dsi_monitor, watched), &ended->reason);
}
