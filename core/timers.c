/*
 * Timers: a hierarchical wheel, each of whose slots holds a heap and a few timers still loose.
 *
 * Design notes.
 * A level's slots are a ring that begins at the slot of now_tick. A timer is in the lowest level
 * whose ring reaches its tick; a deadline that has passed is in the slot of now_tick. now_tick
 * follows the clock but never passes a timer, and may thus be behind while timers are due; since
 * it only comes nearer, a ring never has to hold two turns at once.
 * A slot whose time has begun (it is that of now_tick) has no loose timers after a call of expired
 * and gets none: wake then tells the earliest deadline, or a slot's beginning that is yet to come.
 * The heaps are leftist: a timer's rank is the length of its path to the right down to where a
 * child is missing, the left child's is not less, so that paths to the right are at most
 * log2(n + 1) long. All work is done on these: n timers, of whatever deadlines, never make one
 * call slow. A path to the left may be as long as it likes: of timers with rising deadlines it is
 * a queue, with insertion at its end (last) and removal in O(1).
 */
#include "timers.h"

#include <assert.h>
#include <string.h>

#define TICK_BITS  18
#define LEVEL_BITS 6 /* a slot is as long as 64 of the level below */
#define AHEAD      2 /* timers of a next slot that a call sorts */

enum timer_state { STOPPED, LOOSE, SORTED };

typedef struct wheel_slot {
    uint64_t tick; /* at which it begins */
    unsigned slot;
} wheel_slot;

/* ---- the heap of a slot ---- */

static bool timer_before(const dsi_timer *a, const dsi_timer *b) {
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->order < b->order;
}

static unsigned rank_of(const dsi_timer *timer) {
    return timer ? timer->rank : 0;
}

/* Makes rank and sides right when those of the children are; true: the rank has changed. */
static bool rank_settle(dsi_timer *timer) {
    dsi_timer *left = timer->left;
    if (rank_of(left) < rank_of(timer->right)) {
        timer->left = timer->right;
        timer->right = left;
    }
    unsigned before = timer->rank;
    timer->rank = (uint8_t)(rank_of(timer->right) + 1);
    return timer->rank != before;
}

/* Makes one path of the two paths to the right, then settles it from its end upwards. */
static dsi_timer *heap_merge(dsi_timer *a, dsi_timer *b) {
    dsi_timer *root = NULL, *parent = NULL;
    dsi_timer **link = &root;
    while (a && b) {
        dsi_timer *first = timer_before(b, a) ? b : a;
        b = first == a ? b : a;
        a = first->right;
        *link = first;
        first->parent = parent;
        parent = first;
        link = &first->right;
    }
    *link = a ? a : b;
    if (*link)
        (*link)->parent = parent;
    for (; parent; parent = parent->parent)
        rank_settle(parent);
    return root;
}

static bool goes_after(const dsi_timer *last, const dsi_timer *timer) {
    return last && last->slot == timer->slot && last->left == NULL && timer_before(last, timer);
}

static void heap_insert(dsi_timers *timers, dsi_timer *timer) {
    dsi_timer *last = timers->last;
    dsi_timer_slot *slot = &timers->slots[timer->slot];
    timers->last = timer;
    timer->state = SORTED;
    timer->rank = 1;
    timer->left = timer->right = timer->parent = NULL;
    if (goes_after(last, timer)) {
        last->left = timer;
        timer->parent = last;
    } else {
        slot->first = heap_merge(slot->first, timer);
    }
}

static dsi_timer **heap_link(dsi_timers *timers, const dsi_timer *timer) {
    dsi_timer *parent = timer->parent;
    if (parent == NULL)
        return &timers->slots[timer->slot].first;
    return parent->left == timer ? &parent->left : &parent->right;
}

static void heap_remove(dsi_timers *timers, dsi_timer *timer) {
    dsi_timer *parent = timer->parent;
    dsi_timer **link = heap_link(timers, timer);
    *link = heap_merge(timer->left, timer->right);
    if (*link)
        (*link)->parent = parent;
    if (timers->last == timer)
        timers->last = parent;
    while (parent && rank_settle(parent))
        parent = parent->parent;
}

/* ---- the loose timers of a slot ---- */

static bool loose_full(const dsi_timer_slot *slot) {
    return slot->loose && slot->loose->number == DSI_TIMER_LOOSE - 1;
}

static void loose_insert(dsi_timer_slot *slot, dsi_timer *timer) {
    timer->state = LOOSE;
    timer->number = slot->loose ? slot->loose->number + 1 : 0;
    timer->next = slot->loose;
    timer->prev = NULL;
    if (timer->next)
        timer->next->prev = timer;
    slot->loose = timer;
}

static void loose_remove(dsi_timer_slot *slot, dsi_timer *timer) {
    if (timer->prev)
        timer->prev->next = timer->next;
    else
        slot->loose = timer->next;
    if (timer->next)
        timer->next->prev = timer->prev;
}

static void loose_sort(dsi_timers *timers, dsi_timer_slot *slot, unsigned limit) {
    for (; limit > 0 && slot->loose; limit--) {
        dsi_timer *timer = slot->loose;
        loose_remove(slot, timer);
        heap_insert(timers, timer);
    }
}

static uint64_t slot_earliest(const dsi_timer_slot *slot) {
    uint64_t earliest = slot->first ? slot->first->deadline_ns : DSI_TIME_NEVER;
    for (const dsi_timer *timer = slot->loose; timer; timer = timer->next)
        if (timer->deadline_ns < earliest)
            earliest = timer->deadline_ns;
    return earliest;
}

/* ---- the wheel ---- */

static unsigned level_size(unsigned level) {
    return level == 0 ? DSI_TIMER_NEAR : DSI_TIMER_FAR;
}

static unsigned level_base(unsigned level) {
    return level == 0 ? 0 : DSI_TIMER_NEAR + (level - 1) * DSI_TIMER_FAR;
}

static unsigned level_of(unsigned slot) {
    return slot < DSI_TIMER_NEAR ? 0 : 1 + (slot - DSI_TIMER_NEAR) / DSI_TIMER_FAR;
}

/* The level's slot for a time, given as that level counts it: tick >> level * LEVEL_BITS. */
static unsigned level_slot(unsigned level, uint64_t time) {
    return level_base(level) + ((unsigned)time & (level_size(level) - 1));
}

static void slot_mark(dsi_timers *timers, unsigned slot) {
    unsigned level = level_of(slot);
    timers->occupied[slot / 64] |= (uint64_t)1 << slot % 64;
    timers->words[level] |= (uint64_t)1 << (slot - level_base(level)) / 64;
}

static void slot_unmark(dsi_timers *timers, unsigned slot) {
    unsigned level = level_of(slot);
    timers->occupied[slot / 64] &= ~((uint64_t)1 << slot % 64);
    if (timers->occupied[slot / 64] == 0)
        timers->words[level] &= ~((uint64_t)1 << (slot - level_base(level)) / 64);
}

/* The first occupied slot of a level from this one on, around the ring; there has to be one. */
static unsigned ring_find(const dsi_timers *timers, unsigned level, unsigned from) {
    unsigned base = level_base(level) / 64;
    unsigned word = from / 64;
    uint64_t bits = timers->occupied[word] >> from % 64 << from % 64;
    if (bits == 0) {
        uint64_t words = timers->words[level];
        uint64_t later = words & ~(uint64_t)1 << (word - base);
        word = base + (unsigned)__builtin_ctzll(later ? later : words);
        bits = timers->occupied[word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* Finds the slot whose timers are due before all others of the level; false: the level is empty. */
static bool level_find(const dsi_timers *timers, unsigned level, wheel_slot *slot_out) {
    if (timers->words[level] == 0)
        return false;
    uint64_t now = timers->now_tick >> level * LEVEL_BITS;
    unsigned from = level_slot(level, now);
    unsigned slot = ring_find(timers, level, from);
    uint64_t time = now + ((slot - from) & (level_size(level) - 1));
    *slot_out = (wheel_slot){.tick = time << level * LEVEL_BITS, .slot = slot};
    return true;
}

/* The first timer of all the slots that begin by the tick, sorting those that may hold it. */
static dsi_timer *wheel_first(dsi_timers *timers, uint64_t tick) {
    dsi_timer *first = NULL;
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        wheel_slot found;
        if (!level_find(timers, level, &found) || found.tick > tick)
            continue;
        dsi_timer_slot *slot = &timers->slots[found.slot];
        loose_sort(timers, slot, DSI_TIMER_LOOSE);
        if (first == NULL || timer_before(slot->first, first))
            first = slot->first;
        if (first->deadline_ns >> TICK_BITS < tick)
            tick = first->deadline_ns >> TICK_BITS;
    }
    return first;
}

static void wheel_prepare(dsi_timers *timers) {
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        uint64_t next = (timers->now_tick >> level * LEVEL_BITS) + 1;
        if (timers->words[level])
            loose_sort(timers, &timers->slots[level_slot(level, next)], AHEAD);
    }
}

/* Sets the timer's slot; true: the slot's time has begun. */
static bool wheel_place(const dsi_timers *timers, dsi_timer *timer) {
    uint64_t now = timers->now_tick;
    uint64_t tick = timer->deadline_ns >> TICK_BITS;
    unsigned level = 0;
    if (tick < now)
        tick = now;
    for (; tick - now >= level_size(level); level++) {
        tick >>= LEVEL_BITS;
        now >>= LEVEL_BITS;
    }
    timer->slot = (uint16_t)level_slot(level, tick);
    return tick == now;
}

void dsi_timers_init(dsi_timers *timers, uint64_t now_ns) {
    memset(timers, 0, sizeof *timers);
    timers->now_tick = now_ns >> TICK_BITS;
}

void dsi_timers_start(dsi_timers *timers, dsi_timer *timer, uint64_t deadline_ns) {
    assert(timer->state == STOPPED && "a started timer is stopped first");
    timer->deadline_ns = deadline_ns;
    timer->order = timers->order++;
    bool begun = wheel_place(timers, timer);
    dsi_timer_slot *slot = &timers->slots[timer->slot];
    if (begun || loose_full(slot))
        heap_insert(timers, timer);
    else
        loose_insert(slot, timer);
    slot_mark(timers, timer->slot);
    timers->count++;
}

void dsi_timers_stop(dsi_timers *timers, dsi_timer *timer) {
    if (timer->state == STOPPED)
        return;
    dsi_timer_slot *slot = &timers->slots[timer->slot];
    if (timer->state == LOOSE)
        loose_remove(slot, timer);
    else
        heap_remove(timers, timer);
    if (slot->first == NULL && slot->loose == NULL)
        slot_unmark(timers, timer->slot);
    timer->state = STOPPED;
    timers->count--;
}

dsi_timer *dsi_timers_expired(dsi_timers *timers, uint64_t now_ns) {
    dsi_timer *first = wheel_first(timers, now_ns >> TICK_BITS);
    if (first && first->deadline_ns > now_ns)
        first = NULL;
    uint64_t tick = (first ? first->deadline_ns : now_ns) >> TICK_BITS;
    if (timers->now_tick < tick)
        timers->now_tick = tick;
    wheel_prepare(timers);
    if (first)
        dsi_timers_stop(timers, first);
    return first;
}

uint64_t dsi_timers_next(const dsi_timers *timers) {
    uint64_t next = DSI_TIME_NEVER;
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        wheel_slot found;
        if (!level_find(timers, level, &found))
            continue;
        uint64_t earliest = slot_earliest(&timers->slots[found.slot]);
        next = earliest < next ? earliest : next;
    }
    return next;
}

uint64_t dsi_timers_wake(const dsi_timers *timers) {
    uint64_t wake = DSI_TIME_NEVER;
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        wheel_slot found;
        if (!level_find(timers, level, &found))
            continue;
        const dsi_timer_slot *slot = &timers->slots[found.slot];
        uint64_t at = slot->loose ? found.tick << TICK_BITS : slot->first->deadline_ns;
        wake = at < wake ? at : wake;
    }
    return wake;
}
