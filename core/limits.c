/* Limits: what a child may use, and what happens when that is too much. */
#include "limits.h"

#include "child_event.h"
#include "monitor.h"
#include "supervisor.h"

#include <assert.h>

#define SECOND_NS UINT64_C(1000000000)

/* ---- what the limits are ---- */

static dsi_limited *limited_get(dynsup_host *host, dsi_child *child) {
    dsi_child_extra *extra = dsi_child_extra_get(host, child);
    if (!extra || extra->limited)
        return extra ? extra->limited : NULL;
    extra->limited = dsi_memory_new(&host->memory, sizeof *extra->limited);
    if (!extra->limited)
        return NULL;
    extra->limited->child = child;
    extra->limited->deadline.purpose = DSI_PURPOSE_DEADLINE;
    return extra->limited;
}

bool dsi_limits_own(dynsup_host *host, dsi_child *child, const dynsup_limits *limits) {
    if (!limits)
        return true;
    dsi_limited *limited = limited_get(host, child);
    if (limited)
        limited->limits = *limits;
    return limited;
}

static bool is_given(const dynsup_limits *limits) {
    return limits->slice_ms > 0 || limits->cpu_ms > 0 || limits->deadline_ms > 0 ||
           limits->memory > 0 || limits->mailbox > 0 || limits->message > 0;
}

/* Sets what the child's own limits do not say. */
static void complete(dynsup_limits *own, const dynsup_limits *defaults) {
    if (own->slice_ms == 0)
        own->slice_ms = defaults->slice_ms;
    if (own->cpu_ms == 0)
        own->cpu_ms = defaults->cpu_ms;
    if (own->deadline_ms == 0)
        own->deadline_ms = defaults->deadline_ms;
    if (own->memory == 0)
        own->memory = defaults->memory;
    if (own->mailbox == 0) {
        own->mailbox = defaults->mailbox;
        own->overflow = defaults->overflow;
    }
    if (own->message == 0)
        own->message = defaults->message;
}

bool dsi_limits_inherit(dsi_supervisor *supervisor, dsi_child *child) {
    if (child->is_supervisor || !is_given(&supervisor->limits))
        return true;
    dsi_limited *limited = limited_get(supervisor->host, child);
    if (limited)
        complete(&limited->limits, &supervisor->limits);
    return limited;
}

void dsi_limits_free(dynsup_host *host, dsi_child_extra *extra) {
    dsi_memory_free(&host->memory, extra->limited, sizeof *extra->limited);
    extra->limited = NULL;
}

/* ---- the records of a process ---- */

static dsi_limited *limited_of(const dsi_child *child) {
    return child->extra ? child->extra->limited : NULL;
}

static dsi_child *next_record(const dsi_child *child) {
    return child->extra ? child->extra->next_same : NULL;
}

/* The first record with limits, from this one on. */
static dsi_limited *limited_from(const dsi_child *child) {
    while (child && !limited_of(child))
        child = next_record(child);
    return child ? limited_of(child) : NULL;
}

static dsi_limited *limited_next(const dsi_limited *limited) {
    return limited_from(next_record(limited->child));
}

/* ---- from attach to detach ---- */

static bool is_worker(const dsi_process *process) {
    return !(process->flags & (DSI_FLAG_SUPERVISOR | DSI_FLAG_REGISTRY));
}

static void deadline_start(dsi_limited *limited) {
    const dsi_supervisor *supervisor = limited->child->supervisor;
    if (limited->limits.deadline_ms <= 0)
        return;
    uint64_t now_ns = dsi_supervisor_time(supervisor);
    uint64_t deadline_ns = dsi_deadline_after(now_ns, limited->limits.deadline_ms);
    if (deadline_ns != DYNSUP_NEVER)
        dsi_timer_start(supervisor->host, supervisor->process->slot.tag, &limited->deadline,
                        deadline_ns);
}

void dsi_limits_begin(dsi_child *child, dsi_process *process) {
    dsi_limited *limited = limited_of(child);
    if (!limited || !is_worker(process))
        return;
    dynsup_host *host = child->supervisor->host;
    host->has_limits = true;
    process->flags |= DSI_FLAG_LIMITED;
    limited->since_ns = host->now_ns;
    limited->worked_ns = host->worked_ns;
    limited->used_ns = limited->dropped = limited->removed = 0;
    deadline_start(limited);
}

void dsi_limits_end(dsi_child *child, dsi_process *process) {
    dsi_limited *limited = limited_of(child);
    if (!limited)
        return;
    const dsi_supervisor *supervisor = child->supervisor;
    dsi_timer_stop(supervisor->host, supervisor->process->slot.tag, &limited->deadline);
    if (!limited_from(process->child))
        dsi_process_unflag(process, DSI_FLAG_LIMITED);
}

/* ---- what is exceeded ---- */

static void exceed(dynsup_host *host, dsi_process *process, enum dynsup_atom atom) {
    dynsup_reason reason = dynsup_reason_atom(atom);
    dsi_process_doom(host, process, &reason);
}

void dynsup_exceeded(dynsup_host *host, dynsup_pid pid, enum dynsup_atom reason) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (process)
        exceed(host, process, reason);
}

void dsi_limits_deadline(dsi_limited *limited) {
    dynsup_host *host = limited->child->supervisor->host;
    dsi_process *process = dsi_child_process(host, limited->child);
    assert(process && "a deadline is stopped when its process is let go");
    exceed(host, process, DYNSUP_DEADLINE);
}

/* Begins the next second if the current one is over. */
static void second_look(const dynsup_host *host, dsi_limited *limited) {
    if (host->now_ns - limited->since_ns < SECOND_NS &&
        host->worked_ns - limited->worked_ns < SECOND_NS)
        return;
    limited->since_ns = host->now_ns;
    limited->worked_ns = host->worked_ns;
    limited->used_ns = 0;
}

void dsi_limits_sample(dynsup_host *host, dsi_process *process, uint64_t worked_ns) {
    for (dsi_limited *l = limited_from(process->child); l; l = limited_next(l)) {
        if (l->limits.cpu_ms <= 0)
            continue;
        second_look(host, l);
        l->used_ns += worked_ns;
        if ((double)l->used_ns > l->limits.cpu_ms * 1e6)
            exceed(host, process, DYNSUP_CPU_EXCEEDED);
    }
}

uint64_t dynsup_slice_limit(const dynsup_host *host) {
    const dsi_process *process = host->current;
    double least_ms = DYNSUP_NO_TIME_LIMIT;
    if (!process || !(process->flags & DSI_FLAG_LIMITED))
        return DYNSUP_NEVER;
    for (const dsi_limited *l = limited_from(process->child); l; l = limited_next(l))
        if (l->limits.slice_ms > 0 && l->limits.slice_ms < least_ms)
            least_ms = l->limits.slice_ms;
    return dsi_deadline_after(0, least_ms);
}

/* ---- mailboxes ---- */

/* The record by whose limit the mailbox is full; NULL: there is room. */
static dsi_limited *full_by(const dsi_process *process) {
    for (dsi_limited *l = limited_from(process->child); l; l = limited_next(l))
        if (l->limits.mailbox > 0 && process->message_count >= l->limits.mailbox)
            return l;
    return NULL;
}

/* Does a message begin with the ref of a monitor that the receiver holds? */
static bool is_answer(const dynsup_host *host, const dsi_process *process,
                      const dynsup_value *first) {
    const dsi_monitor *monitor =
        first->kind == DYNSUP_ID ? dsi_slots_find(&host->monitors, first->as.id) : NULL;
    return monitor && monitor->watcher == process;
}

/* May the message be lost? Not one of the core's, nor one that a process waits for. */
static bool is_plain(const dynsup_host *host, const dsi_process *process,
                     const dynsup_message *message) {
    const dynsup_value *first = &message->values[0];
    bool is_tagged = first->kind == DYNSUP_ATOM && first->as.atom != DYNSUP_CAST;
    return !is_tagged && !is_answer(host, process, first);
}

static void drop(dynsup_host *host, dsi_limited *limited, dynsup_message *message) {
    dsi_message_drop(host, message);
    limited->dropped++;
    dsi_event_messages_dropped(host, limited->child, limited->dropped);
}

/* Removes the plain message that waits longest. False: there is none. */
static bool drop_oldest(dynsup_host *host, dsi_limited *limited, dsi_process *process) {
    dynsup_message *before = NULL;
    dynsup_message *message = process->mailbox.head;
    while (message && !is_plain(host, process, message)) {
        before = message;
        message = message->next;
    }
    if (!message)
        return false;
    process->message_count--;
    limited->removed++;
    drop(host, limited, dsi_mailbox_take(&process->mailbox, before));
    return true;
}

/* What a full mailbox does with the message; returns as admit. */
static int overflow(dynsup_host *host, dsi_limited *limited, dsi_process *process,
                    dynsup_message *message, bool is_call) {
    enum dynsup_overflow policy = limited->limits.overflow;
    if (policy == DYNSUP_OVERFLOW_EXIT) {
        exceed(host, process, DYNSUP_MAILBOX_FULL);
        if (process == host->current)
            return DYNSUP_EMAILBOX_FULL;
        dsi_message_drop(host, message);
        return 0;
    }
    if (policy == DYNSUP_OVERFLOW_REFUSE)
        return DYNSUP_EMAILBOX_FULL;
    if (policy == DYNSUP_OVERFLOW_DROP_OLDEST && drop_oldest(host, limited, process)) {
        dsi_process_deliver(host, process, message);
        return 0;
    }
    if (is_call)
        return DYNSUP_EMAILBOX_FULL;
    drop(host, limited, message);
    return 0;
}

int dsi_limits_admit(dynsup_host *host, dsi_process *process, dynsup_message *message,
                     bool is_call) {
    bool is_read = dsi_process_alive(process) && !(process->flags & DSI_FLAG_DROPS);
    dsi_limited *limited = is_read ? full_by(process) : NULL;
    if (limited && !is_answer(host, process, &message->values[0]))
        return overflow(host, limited, process, message, is_call);
    dsi_process_deliver(host, process, message);
    return 0;
}

void dsi_limits_post(dynsup_host *host, dsi_process *process, dynsup_message *message) {
    if (dsi_limits_deliver(host, process, message, false))
        drop(host, full_by(process), message);
}

/* ---- looks ---- */

const dynsup_limits *dynsup_process_limits(const dynsup_host *host, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    bool is_limited = process && (process->flags & DSI_FLAG_LIMITED);
    return is_limited ? &limited_from(process->child)->limits : NULL;
}

uint64_t dynsup_message_limit(const dynsup_host *host, dynsup_pid pid, const dynsup_value *first) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    uint64_t least = DYNSUP_NO_LIMIT;
    if (!process || !(process->flags & DSI_FLAG_LIMITED) || is_answer(host, process, first))
        return least;
    for (const dsi_limited *l = limited_from(process->child); l; l = limited_next(l))
        if (l->limits.message > 0 && l->limits.message < least)
            least = l->limits.message;
    return least;
}

static uint64_t dropped(const dsi_process *process) {
    uint64_t count = 0;
    if (process && (process->flags & DSI_FLAG_LIMITED))
        for (const dsi_limited *l = limited_from(process->child); l; l = limited_next(l))
            count += l->dropped;
    return count;
}

uint64_t dynsup_process_dropped(const dynsup_host *host, dynsup_pid pid) {
    return dropped(dsi_process_find_alive(host, pid));
}

uint64_t dynsup_mailbox_removed(const dynsup_host *host) {
    uint64_t count = 0;
    if (host->current && (host->current->flags & DSI_FLAG_LIMITED))
        for (const dsi_limited *l = limited_from(host->current->child); l; l = limited_next(l))
            count += l->removed;
    return count;
}
