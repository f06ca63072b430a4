/*
 * Timers: a hierarchical wheel for later ticks and a heap for the tick under way.
 *
 * Design notes.
 * A timer's level is the highest group of 6 bits in which its tick differs from now_tick. So the
 * timers of a lower level are due before those of a higher one, those of a lower slot before those
 * of a higher one, and the heap's before all. The wheel turns from one occupied slot to the next;
 * it stays while the heap holds a timer, and may thus be behind the clock.
 */
#include "timers.h"

#include <assert.h>

#define TICK_BITS 18
#define SLOT_BITS 6
#define SLOT_MASK 63u

enum timer_state { STOPPED, WHEEL, DUE };

typedef struct wheel_slot {
    uint64_t tick; /* at which it begins */
    unsigned level;
    unsigned slot;
} wheel_slot;

static const dsi_timer *timer_of_heap(const dsi_heap_node *node) {
    return dsi_item(node, dsi_timer, at.heap);
}

static bool timer_before(const dsi_heap_node *a, const dsi_heap_node *b) {
    const dsi_timer *x = timer_of_heap(a);
    const dsi_timer *y = timer_of_heap(b);
    if (x->deadline_ns != y->deadline_ns)
        return x->deadline_ns < y->deadline_ns;
    return x->order < y->order;
}

static void wheel_insert(dsi_timers *timers, dsi_timer *timer, uint64_t tick) {
    unsigned highest_bit = 63u - (unsigned)__builtin_clzll(tick ^ timers->now_tick);
    unsigned level = highest_bit / SLOT_BITS;
    unsigned slot = (unsigned)(tick >> (level * SLOT_BITS)) & SLOT_MASK;
    timer->state = WHEEL;
    timer->level = (uint8_t)level;
    timer->slot = (uint8_t)slot;
    dsi_list_append(&timers->slots[level][slot], &timer->at.wheel);
    timers->occupied[level] |= (uint64_t)1 << slot;
}

static void wheel_remove(dsi_timers *timers, dsi_timer *timer) {
    dsi_node_remove(&timer->at.wheel);
    if (dsi_list_empty(&timers->slots[timer->level][timer->slot]))
        timers->occupied[timer->level] &= ~((uint64_t)1 << timer->slot);
}

static void timer_place(dsi_timers *timers, dsi_timer *timer) {
    uint64_t tick = timer->deadline_ns >> TICK_BITS;
    if (tick > timers->now_tick) {
        wheel_insert(timers, timer, tick);
        return;
    }
    timer->state = DUE;
    dsi_heap_insert(&timers->due, &timer->at.heap);
}

/* Finds the slot whose timers are due before all others of the wheel; false: the wheel is empty. */
static bool slot_find(const dsi_timers *timers, wheel_slot *slot_out) {
    unsigned level = 0;
    while (level < DSI_TIMER_LEVELS && timers->occupied[level] == 0)
        level++;
    if (level == DSI_TIMER_LEVELS)
        return false;
    unsigned slot = (unsigned)__builtin_ctzll(timers->occupied[level]);
    unsigned shift = level * SLOT_BITS;
    uint64_t turn = timers->now_tick >> shift >> SLOT_BITS << SLOT_BITS;
    *slot_out = (wheel_slot){.tick = (turn | slot) << shift, .level = level, .slot = slot};
    return true;
}

/* Moves the slot's timers down; none comes back to it, since now_tick is the slot's beginning. */
static void slot_spread(dsi_timers *timers, const wheel_slot *where) {
    dsi_list *list = &timers->slots[where->level][where->slot];
    timers->occupied[where->level] &= ~((uint64_t)1 << where->slot);
    for (dsi_node *node = dsi_list_pop(list); node; node = dsi_list_pop(list))
        timer_place(timers, dsi_item(node, dsi_timer, at.wheel));
}

/* Turns the wheel until a timer is in the heap or the tick is reached. */
static void wheel_turn(dsi_timers *timers, uint64_t tick) {
    while (timers->now_tick < tick && dsi_heap_first(&timers->due) == NULL) {
        wheel_slot earliest;
        if (!slot_find(timers, &earliest) || earliest.tick > tick) {
            timers->now_tick = tick;
            return;
        }
        timers->now_tick = earliest.tick;
        slot_spread(timers, &earliest);
    }
}

static uint64_t list_earliest(const dsi_list *list) {
    uint64_t earliest = DSI_TIME_NEVER;
    dsi_list_each (node, list) {
        const dsi_timer *timer = dsi_item(node, dsi_timer, at.wheel);
        if (timer->deadline_ns < earliest)
            earliest = timer->deadline_ns;
    }
    return earliest;
}

void dsi_timers_init(dsi_timers *timers, uint64_t now_ns) {
    *timers = (dsi_timers){.now_tick = now_ns >> TICK_BITS};
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++)
        for (unsigned slot = 0; slot <= SLOT_MASK; slot++)
            dsi_list_init(&timers->slots[level][slot]);
    dsi_heap_init(&timers->due, timer_before);
}

void dsi_timers_start(dsi_timers *timers, dsi_timer *timer, uint64_t deadline_ns) {
    assert(timer->state == STOPPED && "a started timer is stopped first");
    timer->deadline_ns = deadline_ns;
    timer->order = timers->order++;
    timers->count++;
    timer_place(timers, timer);
}

void dsi_timers_stop(dsi_timers *timers, dsi_timer *timer) {
    if (timer->state == STOPPED)
        return;
    if (timer->state == WHEEL)
        wheel_remove(timers, timer);
    else
        dsi_heap_remove(&timers->due, &timer->at.heap);
    timer->state = STOPPED;
    timers->count--;
}

dsi_timer *dsi_timers_expired(dsi_timers *timers, uint64_t now_ns) {
    wheel_turn(timers, now_ns >> TICK_BITS);
    dsi_heap_node *first = dsi_heap_first(&timers->due);
    if (first == NULL || timer_of_heap(first)->deadline_ns > now_ns)
        return NULL;
    dsi_timer *timer = dsi_item(first, dsi_timer, at.heap);
    dsi_timers_stop(timers, timer);
    return timer;
}

uint64_t dsi_timers_next(const dsi_timers *timers) {
    wheel_slot earliest;
    if (dsi_heap_first(&timers->due))
        return timer_of_heap(dsi_heap_first(&timers->due))->deadline_ns;
    if (!slot_find(timers, &earliest))
        return DSI_TIME_NEVER;
    return list_earliest(&timers->slots[earliest.level][earliest.slot]);
}

uint64_t dsi_timers_wake(const dsi_timers *timers) {
    wheel_slot earliest;
    if (dsi_heap_first(&timers->due))
        return timer_of_heap(dsi_heap_first(&timers->due))->deadline_ns;
    if (!slot_find(timers, &earliest))
        return DSI_TIME_NEVER;
    return earliest.tick << TICK_BITS;
}
