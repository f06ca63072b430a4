/*
 * Hosts: how they are made, stepped and freed.
 *
 * Design notes.
 * A step repeats: expired timers, those of clocks that are stepped, up to a batch of exits, then
 * slices, then who observes events, until nothing is ready or the budget is spent. What a slice has
 * ended is handled before the next one. Between slices nobody's code is on the stack, so ends and
 * policy are handled here, one after the other, never nested: a chain of a million links is a queue
 * of a million exits. With a tick the clock is read
 * when that has moved. Without one it is read after each slice: then nothing else tells that the
 * budget is spent. Either way timers are looked at after a long slice, and who became due in it
 * runs before it goes on: who sleeps for 1 ms beside a process that never gives way is late by what
 * is left of one slice, not by another one as well.
 */
#include "host.h"

#include "delayed.h"
#include "limits.h"
#include "link.h"
#include "monitor.h"
#include "step.h"
#include "registry.h"

#include <assert.h>

#define EXITS_A_ROUND      64      /* between two looks at the run queue */
#define SLICES_A_ROUND     16      /* between two looks at timers and exits, without a tick */
#define SLICES_A_TICKROUND 64      /* the same when a tick says that time has passed */
#define NESTING_MAX        8       /* starts inside starts */
#define LONG_NS            1000000 /* of a slice or several, without a tick */
#define CACHED_PROCESSES   1000    /* so many and their bodies are about what a cache holds */

dynsup_host *dynsup_host_new(const dynsup_host_config *config) {
    dsi_memory memory;
    dsi_memory_init(&memory, config->alloc, config->alloc_ud);
    dynsup_host *host = dsi_memory_new(&memory, sizeof *host);
    if (!host)
        return NULL;
    host->config = *config;
    host->memory = memory;
    host->random = config->seed;
    host->next_key = 1;
    host->signal_supervisor = dsi_supervisor_signal;
    host->halt_timer.purpose = DSI_PURPOSE_HALT;
    dsi_slots_init(&host->processes, &host->memory, DSI_ID_PROCESS, sizeof(dsi_process));
    dsi_slots_init(&host->monitors, &host->memory, DSI_ID_REF, sizeof(dsi_monitor));
    dsi_slots_init(&host->delayed, &host->memory, DSI_ID_TIMER, sizeof(dsi_delayed));
    dsi_slots_init(&host->children, &host->memory, DSI_ID_REF, sizeof(dsi_child));
    dsi_slots_init(&host->clocks, &host->memory, DSI_ID_REF, sizeof(dsi_clock));
    dsi_names_init(&host->names, &host->memory, dynsup_host_random(host));
    dsi_timers_init(&host->timers, dsi_host_refresh(host));
    dsi_list_init(&host->ready);
    dsi_list_init(&host->paused);
    dsi_list_init(&host->requests);
    dsi_list_init(&host->doomed);
    dsi_list_init(&host->steppers);
    dsi_list_init(&host->supervisors);
    return host;
}

/* ---- exits ---- */

/* A doomed supervisor has no policy any more; it lets go of its children when it ends. */
static void tell_supervisor(dsi_process *process, dsi_child *child) {
    dsi_supervisor *supervisor = child->supervisor;
    bool waits = dsi_supervisor_busy(supervisor) && supervisor->awaited != child;
    if (dsi_process_alive(supervisor->process) && waits) {
        process->message_count++;
        dsi_supervisor_park(supervisor, &child->parked);
        return;
    }
    dsi_child_detach(child, process);
    if (dsi_process_alive(supervisor->process))
        supervisor->policy->exited(supervisor, child, &process->at.reason);
}

/* Hands the exit to every supervisor that has the process as a child, at its turn. */
static void tell_supervisors(dsi_process *process) {
    dsi_child *child = process->child;
    while (child) {
        dsi_child *next = child->extra ? child->extra->next_same : NULL;
        tell_supervisor(process, child);
        child = next;
    }
}

/* A failed start sends its parent no signal. */
static void start_failed(dynsup_host *host, dsi_process *process) {
    dsi_process *parent = dsi_process_find(host, process->parent);
    if (parent && parent != process && !process->child)
        dsi_unlink(host, parent, process);
}

static void reap(dynsup_host *host, dsi_process *process) {
    dsi_supervisor *supervisor = dsi_supervisor_of(process);
    dsi_registry *registry = dsi_registry_of(process);
    dsi_process_close(host, process);
    if (process->flags & DSI_FLAG_STARTING)
        start_failed(host, process);
    if (supervisor)
        dsi_supervisor_ended(supervisor);
    if (registry)
        dsi_registry_ended(registry);
    dsi_links_notify(host, process);
    dsi_monitors_notify(host, process);
    process->message_count = 1; /* an exit that is parked may have its turn at once */
    tell_supervisors(process);
    dsi_process_let_go(host, process);
}

/* Reads the clock, and the time of work where that is another one. */
static uint64_t work_now(dynsup_host *host) {
    const dynsup_port *port = host->config.port;
    uint64_t now_ns = dsi_host_refresh(host);
    return port->work_now ? port->work_now(host->config.port_ud) : now_ns;
}

static void times_read(dynsup_host *host) {
    host->worked_ns = work_now(host);
    host->sampled_ns = host->now_ns;
}

/* Without a tick: reads the clock. */
static bool budget_is_spent(dynsup_host *host) {
    if (host->config.port->tick)
        return false;
    times_read(host);
    return host->worked_ns >= host->step_end_ns;
}

static void pump_exits(dynsup_host *host) {
    for (int i = 0; i < EXITS_A_ROUND; i++) {
        dsi_node *node = dsi_list_first(&host->doomed);
        if (!node)
            return;
        reap(host, dsi_item(node, dsi_process, queue));
        if (budget_is_spent(host))
            return;
    }
}

/* ---- slices ---- */

static void outcome_release(dynsup_host *host, dynsup_outcome *outcome) {
    dsi_reason_release(host, &outcome->reason);
    dsi_value_release(host, &outcome->values[0]);
    dsi_value_release(host, &outcome->values[1]);
}

/* The body's own end: of the process, or of a guest, whose process goes on. */
static void slice_exit(dynsup_host *host, dsi_process *process, dynsup_outcome *outcome) {
    dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (supervisor && supervisor->has_guest) {
        dsi_process_rest(host, process);
        dsi_guest_done(supervisor, outcome);
        dsi_reason_release(host, &outcome->reason);
        return;
    }
    dsi_process_doom(host, process, &outcome->reason);
    outcome_release(host, outcome);
}

static void slice_idle(dynsup_host *host, dsi_process *process) {
    assert(!(process->flags & DSI_FLAG_SUPERVISOR) && "a guest comes to its end");
    dsi_process_rest(host, process);
    process->flags |= DSI_FLAG_DROPS;
    process->flags &= (uint16_t)~DSI_FLAG_TRAP_EXIT;
    dsi_process_flush(host, process);
}

static void slice_end(dynsup_host *host, dsi_process *process, enum dynsup_slice end,
                      dynsup_outcome *outcome) {
    if (process->state != DSI_PROCESS_RUNNING) { /* it was doomed meanwhile */
        outcome_release(host, outcome);
        return;
    }
    switch (end) {
    case DYNSUP_SLICE_AGAIN:
        dsi_process_vacate(host, process);
        process->state = DSI_PROCESS_IDLE;
        dsi_process_ready(host, process, (enum dynsup_wake)process->wake);
        break;
    case DYNSUP_SLICE_WAIT:
        dsi_process_vacate(host, process);
        process->state = process->wait == DSI_WAIT_NONE ? DSI_PROCESS_IDLE : DSI_PROCESS_WAITING;
        break;
    case DYNSUP_SLICE_IDLE:
        slice_idle(host, process);
        break;
    case DYNSUP_SLICE_EXIT:
        slice_exit(host, process, outcome);
        break;
    }
}

/* Inline: after a body's longjmp a processor predicts the return of each function wrongly. */
static inline __attribute__((always_inline)) void run_slice(dynsup_host *host,
                                                            dsi_process *process) {
    dynsup_outcome outcome = {0};
    enum dynsup_wake wake = (enum dynsup_wake)process->wake;
    process->state = DSI_PROCESS_RUNNING;
    process->wake = DYNSUP_WAKE_AGAIN;
    process->slices++;
    host->current = process;
    host->in_slice = true;
    enum dynsup_slice end =
        process->ops->step(process->body, host, process->slot.id, wake, &outcome);
    host->in_slice = false;
    host->current = NULL;
    slice_end(host, process, end, &outcome);
}

bool dynsup_start_now(dynsup_host *host, dynsup_pid pid) {
    dsi_process *outer = host->current;
    dsi_process *process = dsi_process_find(host, pid);
    assert(outer && process);
    if (process->state == DSI_PROCESS_RUNNABLE && host->nesting < NESTING_MAX) {
        dsi_node_remove(&process->queue);
        host->nesting++;
        run_slice(host, process);
        host->nesting--;
        host->current = outer;
        host->in_slice = true;
    }
    return !(process->flags & DSI_FLAG_STARTING); /* it may have ended since: others are told */
}

/* Reads the clock; the time that has passed is put down to the process that ran last. */
static void sample_clock(dynsup_host *host, dynsup_pid ran) {
    uint64_t before = host->sampled_ns;
    uint64_t worked_before = host->worked_ns;
    dsi_process *process = dsi_process_find(host, ran);
    times_read(host);
    if (!process)
        return;
    process->cpu_ns += host->sampled_ns - before;
    if (process->flags & DSI_FLAG_LIMITED)
        dsi_limits_sample(host, process, host->worked_ns - worked_before);
}

/* What a slice has ended ends behind it, and where processes have limits in nobody's time. */
static void pump_exits_of(dynsup_host *host, dynsup_pid ran) {
    bool counts = host->has_limits && !dsi_list_empty(&host->doomed);
    if (counts)
        sample_clock(host, ran);
    pump_exits(host);
    if (counts)
        times_read(host);
}

/* Where the clock is read at ticks only, a child with limits has its slices to itself: else it
 * would be charged with what others have done since. */
static inline __attribute__((always_inline)) void
run_counted(dynsup_host *host, dsi_process *process, dynsup_pid before, bool has_tick) {
    if (has_tick && !(process->flags & DSI_FLAG_LIMITED)) {
        run_slice(host, process);
        return;
    }
    dynsup_pid pid = process->slot.id;
    if (has_tick)
        sample_clock(host, before);
    run_slice(host, process);
    sample_clock(host, pid);
}

static bool tick_moved(dynsup_host *host) {
    const volatile uint32_t *tick = host->config.port->tick;
    uint32_t now = tick ? __atomic_load_n(tick, __ATOMIC_RELAXED) : host->tick;
    bool moved = now != host->tick;
    host->tick = now;
    return moved;
}

/* The process of this place in the run queue, if one has it. */
static const dsi_process *process_at(const dynsup_host *host, const dsi_node *node) {
    return node && node != &host->lap ? dsi_item(node, dsi_process, queue) : NULL;
}

static const dsi_process *process_after(const dynsup_host *host, const dsi_process *process) {
    return process ? process_at(host, dsi_list_next(&host->ready, &process->queue)) : NULL;
}

static void approach(const dsi_process *process, bool is_next) {
    if (process && process->ops->near)
        process->ops->near(process->body, is_next);
}

/* Of many processes nothing of the next ones is in a cache: so what they touch is fetched
 * while others run, step by step, since each step finds the way to the next: the record of the
 * third, the body of the second, what the body of the first leads to. */
static void look_ahead(const dynsup_host *host) {
    const dsi_process *first = process_at(host, dsi_list_first(&host->ready));
    const dsi_process *second = process_after(host, first);
    const dsi_process *third = process_after(host, second);
    approach(first, true);
    approach(second, false);
    if (third) {
        __builtin_prefetch(third);
        __builtin_prefetch(&third->state);
        __builtin_prefetch(&third->slices);
    }
}

/* Has it run so long that others may have become due? */
static bool has_overrun(dynsup_host *host, dynsup_pid ran, uint64_t begun_ns) {
    if (!tick_moved(host) && host->now_ns - begun_ns < LONG_NS)
        return false;
    host->overran = ran;
    return true;
}

static bool is_round_over(const dynsup_host *host) {
    return host->round_over || !dsi_list_empty(&host->doomed) || host->halt != DSI_HALT_NONE ||
           host->worked_ns >= host->step_end_ns;
}

/* Runs slices, and what they end, until it is time for a look at the clock, or more has to end than
 * one round does. */
static void pump_slices(dynsup_host *host) {
    bool has_tick = host->config.port->tick;
    int left = has_tick ? SLICES_A_TICKROUND : SLICES_A_ROUND;
    if (host->has_limits) /* what the pump did until here is nobody's time */
        times_read(host);
    uint64_t begun_ns = host->now_ns;
    host->round_over = false;
    dynsup_pid ran = 0;
    dsi_node *node;
    bool many = host->processes.live_count > CACHED_PROCESSES;
    while (left-- > 0 && (node = dsi_list_pop(&host->ready))) {
        if (node == &host->lap) {
            host->laps++;
            continue;
        }
        dsi_process *process = dsi_item(node, dsi_process, queue);
        if (many)
            look_ahead(host);
        dynsup_pid before = ran;
        ran = process->slot.id;
        __atomic_store_n(&host->slices, host->slices + 1, __ATOMIC_RELAXED);
        run_counted(host, process, before, has_tick);
        pump_exits_of(host, ran);
        if (has_overrun(host, ran, begun_ns) || is_round_over(host))
            break;
    }
    if (has_tick || ran == 0)
        sample_clock(host, ran);
}

bool dynsup_host_slice_over(dynsup_host *host, uint64_t slice_ns) {
    uint64_t now_ns = work_now(host);
    return now_ns - host->worked_ns >= slice_ns || now_ns >= host->step_end_ns;
}

/* ---- steps ---- */

static bool has_work(const dynsup_host *host) {
    return !dsi_list_empty(&host->ready) || !dsi_list_empty(&host->doomed) || host->told ||
           host->held_up || !dsi_list_empty(&host->steppers) || dsi_halt_is_due(host);
}

static enum dynsup_state state_after(dynsup_host *host, uint64_t *deadline_ns_out) {
    if (has_work(host))
        return DYNSUP_READY;
    if (host->halt != DSI_HALT_NONE && host->processes.live_count == 0)
        return DYNSUP_ENDED;
    *deadline_ns_out = dsi_timers_wake(&host->timers);
    return *deadline_ns_out == DYNSUP_NEVER ? DYNSUP_STILL : DYNSUP_WAITING;
}

static void pump_events(dynsup_host *host) {
    if (!host->told)
        return;
    host->told = false;
    host->config.after_events(host->config.event_ud);
}

/* Who became due in a long slice is before its process, which has given way since. A lap has
 * counted it in its place. */
static void let_pass(dynsup_host *host) {
    dsi_process *process = dsi_process_find(host, host->overran);
    host->overran = 0;
    if (!process || process->state != DSI_PROCESS_RUNNABLE || process->wake != DYNSUP_WAKE_AGAIN ||
        (process->flags & DSI_FLAG_PAUSED) || dsi_node_linked(&host->lap))
        return;
    dsi_node_remove(&process->queue);
    dsi_list_append(&host->ready, &process->queue);
}

/* True when timers may be left that have expired. */
static bool pump_round(dynsup_host *host) {
    bool more = dsi_host_fire_timers(host);
    let_pass(host);
    dsi_host_step_clocks(host);
    if (host->held_up)
        dsi_supervisors_free_guests(host);
    pump_exits(host);
    dsi_halt_advance(host);
    pump_slices(host);
    pump_events(host);
    return more;
}

enum dynsup_state dynsup_host_step(dynsup_host *host, uint64_t budget_ns,
                                   uint64_t *deadline_ns_out) {
    assert(!host->stepping && "a step inside a step");
    bool more;
    host->stepping = true;
    times_read(host);
    uint64_t start = host->worked_ns;
    bool is_bounded = budget_ns > 0 && budget_ns < DYNSUP_NEVER - start;
    host->step_end_ns = is_bounded ? start + budget_ns : DYNSUP_NEVER;
    do
        more = pump_round(host);
    while ((more || has_work(host)) && budget_ns > 0 && host->worked_ns < host->step_end_ns);
    host->stepping = false;
    *deadline_ns_out = DYNSUP_NEVER;
    return state_after(host, deadline_ns_out);
}

/* ---- the end of a host ---- */

static void kill_all(dynsup_host *host) {
    dynsup_reason killed = dynsup_reason_atom(DYNSUP_KILLED);
    uint32_t cursor = 0;
    dsi_process *process;
    while ((process = dsi_slots_next(&host->processes, &cursor)))
        dsi_process_doom(host, process, &killed);
}

/* All that are doomed, and who ends by that: each once, however many there are. */
static void reap_all(dynsup_host *host) {
    dsi_node *node;
    while ((node = dsi_list_first(&host->doomed)))
        reap(host, dsi_item(node, dsi_process, queue));
}

static void clocks_free(dynsup_host *host) {
    uint32_t cursor = 0;
    dsi_clock *clock;
    while ((clock = dsi_slots_next(&host->clocks, &cursor))) {
        dsi_steps_free(clock);
        dsi_node_remove(&clock->stepping);
        clock->handle_count = 0;
        dsi_clock_check(clock);
    }
    dsi_slots_fini(&host->clocks);
}

void dynsup_host_free(dynsup_host *host) {
    if (!host)
        return;
    assert(!host->stepping && "a host freed inside its step");
    host->stepping = true;
    while (host->processes.live_count > 0) {
        kill_all(host);
        reap_all(host);
    }
    dsi_reason_release(host, &host->main_reason);
    dsi_names_fini(&host->names);
    clocks_free(host);
    dsi_slots_fini(&host->processes);
    dsi_slots_fini(&host->monitors);
    dsi_slots_fini(&host->delayed);
    dsi_slots_fini(&host->children);
    dsi_messages_fini(host);
    dsi_memory memory = host->memory;
    dsi_memory_free(&memory, host, sizeof *host);
}

/* ---- small things ---- */

const dynsup_reason *dynsup_host_main_reason(const dynsup_host *host) {
    return host->main_pid && !host->main ? &host->main_reason : NULL;
}

uint64_t dynsup_host_now(dynsup_host *host) {
    return dsi_host_refresh(host);
}

/* splitmix64: every seed gives a full period. */
uint64_t dynsup_host_random(dynsup_host *host) {
    uint64_t z = host->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void dynsup_host_want(dynsup_host *host, uint32_t events) {
    host->config.events = events;
}

const volatile uint64_t *dynsup_host_slices(const dynsup_host *host) {
    return &host->slices;
}

bool dynsup_host_preempt(dynsup_host *host) {
    dsi_process *process = host->current;
    if (!host->in_slice || !process || !process->ops->preempt)
        return false;
    process->ops->preempt(process->body);
    return true;
}

size_t dynsup_host_memory(const dynsup_host *host) {
    return host->memory.in_use;
}

size_t dynsup_host_process_count(const dynsup_host *host) {
    return host->processes.live_count;
}

uint64_t dynsup_key_new(dynsup_host *host) {
    return host->next_key++;
}
