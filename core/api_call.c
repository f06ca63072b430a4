/* The public functions for calls, and for starts that are waited for. */
#include "event.h"
#include "limits.h"
#include "link.h"
#include "monitor.h"
#include "supervisor.h"

#include <assert.h>

/* ---- calls ---- */

static int callee_find(const dynsup_host *host, dynsup_pid pid, dsi_process **process_out) {
    dsi_process *process = *process_out = dsi_process_find_alive(host, pid);
    assert(host->current);
    if (!process)
        return DYNSUP_ENOPROC;
    if (process == host->current)
        return DYNSUP_ECALLS_ITSELF;
    if (process->flags & (DSI_FLAG_DROPS | DSI_FLAG_SUPERVISOR)) /* even with a guest */
        return DYNSUP_ENOT_A_SERVER;
    return host->closing ? DYNSUP_ECLOSING : 0;
}

int dynsup_call(dynsup_host *host, dynsup_pid pid, enum dynsup_atom tag, const dynsup_value *what,
                dynsup_ref *ref_out) {
    dsi_process *callee;
    int status = callee_find(host, pid, &callee);
    if (status)
        return status;
    dynsup_message *message = dsi_message_new(host, 3);
    dsi_monitor *call = message ? dsi_call_new(host, host->current, callee) : NULL;
    if (!call) {
        if (message)
            dsi_message_free(host, message);
        return DYNSUP_ENOMEM;
    }
    message->values[0] = dsi_value_atom(tag);
    message->values[1] = dsi_value_id(call->slot.id);
    message->values[2] = *what;
    *ref_out = call->slot.id;
    status = dsi_limits_deliver(host, callee, message, true);
    if (status) {
        dsi_monitor_free(host, call);
        dsi_message_free(host, message);
    }
    return status;
}

/* The call with this ref: never a plain monitor. */
static dsi_monitor *call_find(const dynsup_host *host, dynsup_ref ref) {
    dsi_monitor *call = dsi_slots_find(&host->monitors, ref);
    return call && !call->down ? call : NULL;
}

void *dynsup_caller(dynsup_host *host, dynsup_ref ref, const dynsup_body_ops *ops) {
    const dsi_monitor *call = call_find(host, ref);
    const dsi_process *caller = call ? dsi_call_waiter(call) : NULL;
    return caller && caller->ops == ops ? caller->body : NULL;
}

void dynsup_call_replied(dynsup_host *host, dynsup_ref ref) {
    dsi_monitor *call = call_find(host, ref);
    dsi_process *caller = dsi_call_waiter(call);
    assert(caller);
    dsi_monitor_free(host, call);
    dsi_process_ready(host, caller, DYNSUP_WAKE_DELIVERED);
}

bool dynsup_call_end(dynsup_host *host, dynsup_ref ref) {
    dsi_monitor *call = call_find(host, ref);
    if (!call || call->watcher != host->current)
        return false;
    dsi_monitor_free(host, call);
    return true;
}

/* ---- starts ---- */

void dynsup_started(dynsup_host *host, dynsup_ref ref) {
    dsi_process *self = host->current;
    dsi_monitor *call = call_find(host, ref);
    dynsup_reply reply = {.pid = self->slot.id};
    if (call && call->target == self) {
        bool undecided = call->watcher->state == DSI_PROCESS_RUNNABLE;
        if (undecided)
            return;
        dsi_call_reply(host, call, &reply);
    }
    dsi_process_unflag(self, DSI_FLAG_STARTING);
    if (self->child)
        dynsup_ready(host, &reply.values[0]);
}

bool dynsup_start_abort(dynsup_host *host, dynsup_ref ref) {
    dsi_monitor *call = call_find(host, ref);
    dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    if (!call || call->watcher != host->current)
        return false;
    dsi_signal(host, call->target, host->current->slot.id, &kill, DSI_SIGNAL_SENT);
    return true;
}

void dynsup_body_set(dynsup_host *host, const dynsup_body_ops *ops, void *body) {
    host->current->ops = ops;
    host->current->body = body;
}

dynsup_pid dynsup_parent(const dynsup_host *host) {
    return host->current->parent;
}

void dynsup_unexpected(dynsup_host *host) {
    dsi_event_process(host, DYNSUP_EVENT_UNEXPECTED, host->current, NULL);
}
