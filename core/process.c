/* Processes: what runs, waits and exits once. */
#include "process.h"

#include "delayed.h"
#include "event.h"
#include "monitor.h"
#include "registry.h"

#include <assert.h>

static bool is_full(const dynsup_host *host) {
    size_t limit = host->config.max_processes;
    return limit > 0 && host->processes.live_count >= limit;
}

dsi_process *dsi_process_new(dynsup_host *host, const dynsup_body_ops *ops, void *body) {
    dsi_process *process = is_full(host) ? NULL : dsi_slots_new(&host->processes);
    if (!process)
        return NULL;
    process->ops = ops;
    process->body = body;
    process->state = DSI_PROCESS_IDLE;
    process->started_ns = host->now_ns;
    process->parent = host->current ? host->current->slot.id : 0;
    if (host->current && host->current->slot.tag)
        dsi_process_set_clock(host, process, host->current->slot.tag);
    return process;
}

static void clock_leave(dynsup_host *host, const dsi_process *process) {
    if (!process->slot.tag)
        return;
    dsi_clock *clock = dsi_clock_at(host, process->slot.tag);
    clock->process_count--;
    dsi_clock_free_if_unused(clock);
}

void dsi_process_set_clock(dynsup_host *host, dsi_process *process, uint32_t tag) {
    if (tag)
        dsi_clock_at(host, tag)->process_count++; /* first, since it may be the same clock */
    clock_leave(host, process);
    process->slot.tag = tag;
}

static void extra_free(dynsup_host *host, dsi_process *process) {
    dsi_memory_free(&host->memory, process->extra, sizeof *process->extra);
    process->extra = NULL;
}

void dsi_process_discard(dynsup_host *host, dsi_process *process) {
    extra_free(host, process);
    clock_leave(host, process);
    dsi_slots_free(&host->processes, process);
}

dsi_process_extra *dsi_process_extra_get(dynsup_host *host, dsi_process *process) {
    if (process->extra)
        return process->extra;
    dsi_process_extra *extra = dsi_memory_new(&host->memory, sizeof *extra);
    if (!extra)
        return NULL;
    extra->process = process;
    extra->kill_timer.purpose = DSI_PURPOSE_KILL;
    return process->extra = extra;
}

/* Not inline: the registers that it needs would be saved even for processes without a timer. */
__attribute__((noinline)) void dsi_process_end_time(dynsup_host *host, dsi_process *process) {
    dsi_timer_stop(host, process->slot.tag, &process->timer);
    process->has_end = false;
    process->queue = (dsi_node){0};
}

void dsi_process_ready(dynsup_host *host, dsi_process *process, enum dynsup_wake wake) {
    if (process->state != DSI_PROCESS_WAITING && process->state != DSI_PROCESS_IDLE)
        return;
    dsi_process_stop_timer(host, process);
    process->state = DSI_PROCESS_RUNNABLE;
    process->wait = DSI_WAIT_NONE;
    process->wake = wake & 0xf;
    if (process->flags & DSI_FLAG_PAUSED) {
        dsi_list_append(&host->paused, &process->queue);
        return;
    }
    dsi_process_occupy(host, process);
    dsi_list_append(&host->ready, &process->queue);
    dsi_host_wake(host);
}

/* A running process is put into host->paused when its slice ends. */
void dsi_process_pause(dynsup_host *host, dsi_process *process) {
    bool was_paused = process->flags & DSI_FLAG_PAUSED;
    process->flags |= DSI_FLAG_PAUSED;
    if (process->state != DSI_PROCESS_RUNNABLE || was_paused)
        return;
    dsi_process_vacate(host, process);
    dsi_node_remove(&process->queue);
    dsi_list_append(&host->paused, &process->queue);
}

void dsi_process_resume(dynsup_host *host, dsi_process *process) {
    if (!(process->flags & DSI_FLAG_PAUSED))
        return;
    dsi_process_unflag(process, DSI_FLAG_PAUSED);
    if (process->state != DSI_PROCESS_RUNNABLE)
        return;
    dsi_process_occupy(host, process);
    dsi_node_remove(&process->queue);
    dsi_list_append(&host->ready, &process->queue);
    dsi_host_wake(host);
}

static bool is_busy(const dsi_process *process) {
    bool may_run = process->state == DSI_PROCESS_RUNNABLE && !(process->flags & DSI_FLAG_PAUSED);
    return may_run || process->state == DSI_PROCESS_RUNNING;
}

void dsi_process_rest(dynsup_host *host, dsi_process *process) {
    if (is_busy(process))
        dsi_process_vacate(host, process);
    dsi_process_stop_timer(host, process);
    dsi_node_remove(&process->queue);
    process->state = DSI_PROCESS_IDLE;
}

void dsi_process_doom(dynsup_host *host, dsi_process *process, const dynsup_reason *reason) {
    if (!dsi_process_alive(process))
        return;
    if (!is_busy(process))
        dsi_process_occupy(host, process);
    dsi_process_stop_timer(host, process);
    dsi_node_remove(&process->queue);
    process->state = DSI_PROCESS_DOOMED;
    process->reason = dsi_reason_copy(host, reason);
    dsi_list_append(&host->doomed, &process->queue);
    dsi_host_wake(host);
}

static bool wakes(const dsi_process *process, const dynsup_message *message) {
    if (process->state != DSI_PROCESS_WAITING || process->wait != DSI_WAIT_MESSAGE)
        return false;
    if (!process->has_key)
        return true;
    return message->values[0].kind == DYNSUP_ID && message->values[0].as.id == process->wait_key;
}

void dsi_process_deliver(dynsup_host *host, dsi_process *process, dynsup_message *message) {
    if (!dsi_process_alive(process) || (process->flags & DSI_FLAG_DROPS)) {
        if (process->flags & (DSI_FLAG_SUPERVISOR | DSI_FLAG_REGISTRY))
            dsi_event_process(host, DYNSUP_EVENT_UNEXPECTED, process, NULL);
        dsi_message_drop(host, message);
        return;
    }
    dsi_mailbox_put(&process->mailbox, message);
    process->message_count++;
    if (wakes(process, message))
        dsi_process_ready(host, process, DYNSUP_WAKE_MESSAGE);
}

void dsi_process_limit_wait(dynsup_host *host, dsi_process *process, uint64_t deadline_ns) {
    dsi_process_stop_timer(host, process);
    if (deadline_ns == DYNSUP_NEVER)
        return;
    assert(!dsi_node_linked(&process->queue));
    process->timer = (dsi_timer){.purpose = DSI_PURPOSE_WAIT};
    process->has_end = true;
    dsi_timer_start(host, process->slot.tag, &process->timer, deadline_ns);
    dsi_process_recheck_ends(host, process);
}

void dsi_process_flush(dynsup_host *host, dsi_process *process) {
    while (process->mailbox.head)
        dsi_message_drop(host, dsi_mailbox_take(&process->mailbox, NULL));
    process->message_count = 0;
}

static void name_release(dynsup_host *host, dsi_name *name) {
    if (!name)
        return;
    if (name->child)
        name->process = NULL; /* it stays the child's until the child is removed */
    else
        dsi_names_remove(&host->names, name);
}

static void extra_release(dynsup_host *host, dsi_process *process) {
    dsi_process_extra *extra = process->extra;
    if (!extra)
        return;
    dsi_timers_stop(&host->timers, &extra->kill_timer);
    name_release(host, extra->name);
    dsi_entries_release(host, extra);
    dsi_monitors_release_held(host, extra);
    dsi_delayed_release_all(host, extra);
    extra_free(host, process);
}

void dsi_process_stop_body(dynsup_host *host, dsi_process *process) {
    if (!process->ops->stop)
        return;
    dsi_process *outer = host->current;
    bool outer_closing = host->closing;
    host->current = process;
    host->closing = true;
    host->in_slice = true;
    process->ops->stop(process->body, host, process->slot.id);
    host->in_slice = outer != NULL;
    host->closing = outer_closing;
    host->current = outer;
}

/* Does a waiting starter get the reason, because the process ended before it had started? */
static bool is_start_told(const dynsup_host *host, const dsi_process *process) {
    if (process->flags & DSI_FLAG_QUIET)
        return true;
    if (!(process->flags & DSI_FLAG_STARTING))
        return false;
    const dsi_process *starter = dsi_process_find(host, process->parent);
    return starter && dsi_call_awaited(host, starter) == process;
}

static void announce(dynsup_host *host, dsi_process *process) {
    dynsup_reason reason = dsi_reason_told(&process->reason);
    dsi_event_process(host, DYNSUP_EVENT_EXITED, process, &reason);
    bool killed = reason.value.kind == DYNSUP_ATOM && reason.value.as.atom == DYNSUP_KILLED;
    bool told = process->child || is_start_told(host, process);
    if (reason.kind == DYNSUP_REASON_OTHER && !killed && !told)
        dsi_event_process(host, DYNSUP_EVENT_CRASHED, process, &reason);
}

void dsi_process_close(dynsup_host *host, dsi_process *process) {
    assert(process->state == DSI_PROCESS_DOOMED);
    dsi_node_remove(&process->queue);
    process->state = DSI_PROCESS_CLOSING;
    dsi_process_stop_body(host, process);
    dsi_possessions_release(host, process);
    process->state = DSI_PROCESS_ENDED;
    dsi_process_vacate(host, process);
    announce(host, process);
    dsi_process_flush(host, process);
    extra_release(host, process);
    process->ops->fini(process->body);
    process->body = NULL;
}

void dsi_process_unref(dynsup_host *host, dsi_process *process) {
    assert(process->state == DSI_PROCESS_ENDED && process->parked_exits > 0);
    if (--process->parked_exits > 0)
        return;
    if (host->main == process) {
        host->main = NULL;
        host->main_reason = process->reason;
    } else {
        dsi_reason_release(host, &process->reason);
    }
    clock_leave(host, process);
    dsi_slots_free(&host->processes, process);
}
