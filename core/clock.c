/* Clocks: their time, and their timers. */
#include "clock.h"

#define CLOCK_FEW 256 /* with fewer timers, a heap; from here on a wheel */

__extension__ typedef unsigned __int128 wide;

/* ---- time ---- */

static uint64_t sum(uint64_t a, uint64_t b) {
    return b < DYNSUP_NEVER - a ? a + b : DYNSUP_NEVER;
}

static uint64_t narrow(wide value) {
    return value < DYNSUP_NEVER ? (uint64_t)value : DYNSUP_NEVER;
}

static bool is_held(const dsi_clock *clock) {
    return !clock->runs || dsi_node_linked(&clock->stepping);
}

uint64_t dsi_clock_time(const dsi_clock *clock, uint64_t host_ns) {
    if (is_held(clock) || host_ns <= clock->base_host_ns)
        return clock->base_ns;
    wide passed = (wide)(host_ns - clock->base_host_ns) * clock->rate >> 32;
    return sum(clock->base_ns, narrow(passed));
}

/* The first ns of the host's time at which a running clock has reached this time, which is to come.
 */
static uint64_t host_time(const dsi_clock *clock, uint64_t time_ns) {
    wide left = (wide)(time_ns - clock->base_ns) << 32;
    return sum(clock->base_host_ns, narrow((left + clock->rate - 1) / clock->rate));
}

/* Lets the time go on from its current value. */
static void base_set(dsi_clock *clock) {
    uint64_t now_ns = clock->host->now_ns;
    clock->base_ns = dsi_clock_time(clock, now_ns);
    clock->base_host_ns = now_ns;
}

/* ---- the next timer ---- */

uint64_t dsi_clock_wake(const dsi_clock *clock) {
    if (clock->many)
        return dsi_timers_wake(clock->many);
    return clock->few.first ? clock->few.first->deadline_ns : DYNSUP_NEVER;
}

/* The host's time at which this clock reaches wake_ns; in the past when that is due. */
static uint64_t wake_at(const dsi_clock *clock, uint64_t wake_ns) {
    if (wake_ns <= clock->base_ns)
        return clock->base_host_ns;
    return is_held(clock) || wake_ns == DYNSUP_NEVER ? DYNSUP_NEVER : host_time(clock, wake_ns);
}

void dsi_clock_arm(dsi_clock *clock) {
    dsi_timers *timers = &clock->host->timers;
    uint64_t wake_ns = dsi_clock_wake(clock);
    uint64_t at_ns = wake_at(clock, wake_ns);
    clock->armed_ns = at_ns == DYNSUP_NEVER ? DYNSUP_NEVER : wake_ns;
    if (dsi_timer_started(&clock->wake) && clock->wake.deadline_ns == at_ns)
        return;
    dsi_timers_stop(timers, &clock->wake);
    if (at_ns == DYNSUP_NEVER)
        return;
    dsi_timers_start(timers, &clock->wake, at_ns);
    dsi_host_wake(clock->host);
}

/* ---- timers ---- */

/* Moves the timers from the heap into a wheel, when there is memory for one. */
static void grow(dsi_clock *clock) {
    dsi_timers *many = dsi_memory_new(&clock->host->memory, sizeof *many);
    if (!many)
        return;
    dsi_timers_init(many, dsi_clock_time(clock, clock->host->now_ns));
    dsi_timer *timer;
    while ((timer = clock->few.first)) {
        uint64_t deadline_ns = timer->deadline_ns;
        dsi_timer_heap_stop(&clock->few, timer);
        dsi_timers_start(many, timer, deadline_ns);
    }
    clock->many = many;
}

void dsi_clock_start(dsi_clock *clock, dsi_timer *timer, uint64_t deadline_ns) {
    if (++clock->timer_count > CLOCK_FEW && !clock->many)
        grow(clock);
    if (clock->many)
        dsi_timers_start(clock->many, timer, deadline_ns);
    else
        dsi_timer_heap_start(&clock->few, timer, deadline_ns, clock->order++);
    if (deadline_ns < clock->armed_ns && (!is_held(clock) || deadline_ns <= clock->base_ns))
        dsi_clock_arm(clock);
}

static void timer_remove(dsi_clock *clock, dsi_timer *timer) {
    clock->timer_count--;
    if (clock->many)
        dsi_timers_stop(clock->many, timer);
    else
        dsi_timer_heap_stop(&clock->few, timer);
}

void dsi_clock_stop(dsi_clock *clock, dsi_timer *timer) {
    timer_remove(clock, timer);
    bool was_next = timer->deadline_ns <= clock->armed_ns || clock->timer_count == 0;
    if (was_next && clock->armed_ns != DYNSUP_NEVER)
        dsi_clock_arm(clock);
}

static dsi_timer *few_expired(dsi_clock *clock, uint64_t now_ns) {
    dsi_timer *timer = clock->few.first;
    if (!timer || timer->deadline_ns > now_ns)
        return NULL;
    timer_remove(clock, timer);
    return timer;
}

static dsi_timer *many_expired(dsi_clock *clock, uint64_t now_ns) {
    dsi_timer *timer = dsi_timers_expired(clock->many, now_ns);
    if (timer)
        clock->timer_count--;
    return timer;
}

dsi_timer *dsi_clock_expired(dsi_clock *clock, uint64_t host_ns) {
    uint64_t now_ns = dsi_clock_time(clock, host_ns);
    if (now_ns < clock->seen_ns)
        now_ns = clock->seen_ns;
    clock->seen_ns = now_ns;
    dsi_timer *timer = clock->many ? many_expired(clock, now_ns) : few_expired(clock, now_ns);
    if (!timer)
        dsi_clock_arm(clock);
    return timer;
}

/* ---- running ---- */

void dsi_clock_run(dsi_clock *clock, bool runs) {
    base_set(clock);
    clock->runs = runs;
    if (!runs)
        dsi_host_recheck_ends(clock->host);
    dsi_host_wake(clock->host);
    dsi_clock_arm(clock);
}

void dsi_clock_set_rate(dsi_clock *clock, uint64_t rate) {
    base_set(clock);
    clock->rate = rate;
    dsi_clock_arm(clock);
}

void dsi_clock_hold(dsi_clock *clock) {
    base_set(clock);
    dsi_list_append(&clock->host->steppers, &clock->stepping);
    dsi_clock_arm(clock);
}

void dsi_clock_go_on(dsi_clock *clock) {
    dsi_node_remove(&clock->stepping);
    if (!clock->runs)
        dsi_host_recheck_ends(clock->host);
    clock->base_host_ns = clock->host->now_ns;
    dsi_clock_arm(clock);
}

void dsi_clock_move(dsi_clock *clock, uint64_t time_ns) {
    if (clock->base_ns < time_ns)
        clock->base_ns = time_ns;
}

/* ---- life ---- */

dsi_clock *dsi_clock_new(dynsup_host *host, bool runs) {
    dsi_clock *clock = dsi_slots_new(&host->clocks);
    if (!clock)
        return NULL;
    clock->host = host;
    clock->handle_count = 1;
    clock->runs = runs;
    clock->rate = DSI_RATE_ONE;
    clock->armed_ns = DYNSUP_NEVER;
    clock->base_host_ns = host->now_ns;
    clock->wake.purpose = DSI_PURPOSE_CLOCK;
    dsi_list_init(&clock->steps);
    return clock;
}

void dsi_clock_free_if_unused(dsi_clock *clock) {
    dynsup_host *host = clock->host;
    if (clock->process_count || clock->handle_count || dsi_node_linked(&clock->stepping))
        return;
    dsi_timers_stop(&host->timers, &clock->wake);
    dsi_memory_free(&host->memory, clock->many, sizeof *clock->many);
    dsi_slots_free(&host->clocks, clock);
}
