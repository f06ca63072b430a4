/*
 * Timers: a hierarchical wheel, each of whose slots holds a heap and runs that are not in it yet.
 *
 * Design notes.
 * A level's slots are a ring that begins at the slot of now_tick. A timer is in the lowest level
 * whose ring reaches its tick; a deadline that has passed is in the slot of now_tick. now_tick
 * follows the clock but never passes a timer, and may thus be behind while timers are due; since
 * it only comes nearer, a ring never has to hold two turns at once.
 * A slot whose time has begun (it is that of now_tick) has no runs after a call of expired and gets
 * none: wake then returns the earliest deadline, or the beginning of a later slot.
 * The heaps are leftist: a timer's rank is the length of its path to the right, and the left
 * child's is not less than the right one's, so that a path to the right is log2(n + 1) long at
 * most. All work is done on such paths: n timers, of whatever deadlines, make no call slow. A path
 * to the left may have any length: a run is one, which grows at its end in O(1), enters the heap as
 * a whole, and leaves it from its beginning in O(1).
 */
#include "timers.h"

#include <assert.h>
#include <string.h>

#define TICK_BITS  18
#define CACHE_LINE 64
#define AHEAD      1 /* how many runs of a next slot a call merges; it prefetches the next ones */

enum timer_state { STOPPED, HEAD, INSIDE };

typedef struct wheel_slot {
    uint64_t tick; /* at which it begins */
    unsigned slot;
} wheel_slot;

/* A level's slot is 2^shift ticks: 0.26 ms, 0.52 ms, 17 ms, 1.07 s, 69 s, 208 days. */
static const uint8_t level_shift[DSI_TIMER_LEVELS] = {0, 1, 6, 12, 18, 36};

/* Also fetches the cache line before it, in which the record of the waiting process begins. */
static void timer_fetch(const dsi_timer *timer) {
    __builtin_prefetch(timer);
    if (timer)
        __builtin_prefetch((const char *)timer - CACHE_LINE);
}

/* ---- the heap of a slot ---- */

static bool timer_before(const dsi_timer *a, const dsi_timer *b) {
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->order < b->order;
}

/* Corrects rank and sides when one child was replaced or has another rank; true: the timer's own
 * rank has changed. Reads neither child. */
static bool right_settle(dsi_timer *timer, dsi_timer *right, unsigned rank) {
    unsigned before = timer->rank, left_rank = timer->left_rank;
    if (left_rank < rank) {
        timer->right = timer->left;
        timer->left = right;
        timer->left_rank = (uint8_t)rank;
    }
    timer->rank = (uint8_t)((left_rank < rank ? left_rank : rank) + 1);
    return timer->rank != before;
}

static bool left_settle(dsi_timer *timer, dsi_timer *left, unsigned rank) {
    unsigned before = timer->rank, right_rank = before - 1;
    timer->left_rank = (uint8_t)rank;
    if (rank >= right_rank)
        return false;
    timer->left = timer->right;
    timer->right = left;
    timer->left_rank = (uint8_t)right_rank;
    timer->rank = (uint8_t)(rank + 1);
    return true;
}

/* Merges the two paths to the right into one, then settles it from its end upwards. */
static dsi_timer *heap_merge(dsi_timer *a, dsi_timer *b) {
    dsi_timer *root = NULL, *parent = NULL;
    dsi_timer **link = &root;
    if (!a || !b)
        return a ? a : b;
    while (a) { /* b is the one that was later */
        dsi_timer *first = timer_before(b, a) ? b : a;
        b = first == a ? b : a;
        a = first->right;
        *link = first;
        first->parent = parent;
        parent = first;
        link = &first->right;
    }
    dsi_timer *child = *link = b;
    child->parent = parent;
    for (; parent; child = parent, parent = parent->parent)
        right_settle(parent, child, child->rank);
    return root;
}

/* The pointer that points to the timer: its parent's or the slot's. */
static dsi_timer **heap_link(dsi_timer_slot *slot, const dsi_timer *timer) {
    dsi_timer *parent = timer->parent;
    if (parent == NULL)
        return &slot->first;
    return parent->left == timer ? &parent->left : &parent->right;
}

/* Corrects ranks upwards from parent, one of whose children is new or has a new rank. */
static void heap_settle(dsi_timer *parent, dsi_timer *child, bool is_left, unsigned rank) {
    while (parent &&
           (is_left ? left_settle(parent, child, rank) : right_settle(parent, child, rank))) {
        child = parent;
        rank = child->rank;
        parent = child->parent;
        is_left = parent && parent->left == child;
    }
}

static void heap_remove(dsi_timer_slot *slot, dsi_timer *timer) {
    dsi_timer *parent = timer->parent;
    dsi_timer **link = heap_link(slot, timer);
    bool is_left = parent && link == &parent->left;
    if (timer->left)
        timer_fetch(timer->left->left); /* of a run: merged when timer->left expires */
    dsi_timer *heir = heap_merge(timer->left, timer->right);
    assert((heir || !timer->right) && "who has children leaves one of them");
    *link = heir;
    if (heir)
        heir->parent = parent;
    heap_settle(parent, heir, is_left, timer->right ? heir->rank : timer->left_rank);
}

/* ---- the runs of a slot ---- */

static void run_link(dsi_timer_slot *slot, dsi_timer *newer, dsi_timer *older) {
    if (newer)
        newer->older_run = older;
    else
        slot->run = older;
    if (older)
        older->newer_run = newer;
}

static void run_push(dsi_timer_slot *slot, dsi_timer *timer) {
    timer->state = HEAD;
    slot->run_count++;
    run_link(slot, timer, slot->run);
    run_link(slot, NULL, timer);
}

/* Takes out the head of a run; the next one of the run takes its place, if there is one. */
static void run_behead(dsi_timer_slot *slot, dsi_timer *timer) {
    dsi_timer *heir = timer->left;
    if (heir == NULL) {
        slot->run_count--;
        run_link(slot, timer->newer_run, timer->older_run);
        return;
    }
    heir->state = HEAD;
    run_link(slot, heir, timer->older_run);
    run_link(slot, timer->newer_run, heir);
}

static void runs_merge(dsi_timer_slot *slot, unsigned limit) {
    for (; limit > 0 && slot->run; limit--) {
        dsi_timer *head = slot->run;
        slot->run_count--;
        run_link(slot, NULL, head->older_run);
        timer_fetch(slot->run);
        timer_fetch(head->left);
        head->state = INSIDE;
        head->right = NULL;
        slot->first = heap_merge(slot->first, head);
    }
}

/* ---- slots ---- */

static bool slot_empty(const dsi_timer_slot *slot) {
    return slot->first == NULL && slot->run == NULL;
}

/* Is the slot's last timer due before this one, with nothing to its left? In a run nothing is; in
 * the heap something may be. */
static bool follows_last(const dsi_timer_slot *slot, const dsi_timer *timer) {
    return slot->last && slot->last_ns <= timer->deadline_ns &&
           (slot->first == NULL || slot->last->left == NULL);
}

/* begun: the slot's time has begun, so it gets no more runs. */
static void slot_insert(dsi_timer_slot *slot, dsi_timer *timer, bool begun) {
    dsi_timer *last = follows_last(slot, timer) ? slot->last : NULL;
    slot->last = timer;
    slot->last_ns = timer->deadline_ns;
    timer->left = timer->right = NULL;
    timer->parent = last;
    timer->state = INSIDE;
    timer->rank = 1;
    timer->left_rank = 0;
    if (last) {
        last->left = timer;
        last->left_rank = 1;
    } else if (begun || slot->run_count == DSI_TIMER_RUNS) {
        slot->first = heap_merge(slot->first, timer);
    } else {
        run_push(slot, timer);
    }
}

static void last_step_back(dsi_timer_slot *slot, dsi_timer *before) {
    slot->last = before;
    if (before)
        slot->last_ns = before->deadline_ns;
}

static void slot_remove(dsi_timer_slot *slot, dsi_timer *timer) {
    if (slot->last == timer)
        last_step_back(slot, timer->state == HEAD ? timer->newer_run : timer->parent);
    if (timer->state == HEAD)
        run_behead(slot, timer);
    else
        heap_remove(slot, timer);
}

static uint64_t slot_earliest(const dsi_timer_slot *slot) {
    uint64_t earliest = slot->first ? slot->first->deadline_ns : DYNSUP_NEVER;
    for (const dsi_timer *head = slot->run; head; head = head->older_run)
        earliest = head->deadline_ns < earliest ? head->deadline_ns : earliest;
    return earliest;
}

/* ---- the wheel ---- */

static unsigned level_size(unsigned level) {
    return level < DSI_TIMER_NEAR_LEVELS ? DSI_TIMER_NEAR : DSI_TIMER_FAR;
}

static unsigned level_base(unsigned level) {
    if (level <= DSI_TIMER_NEAR_LEVELS)
        return level * DSI_TIMER_NEAR;
    return DSI_TIMER_NEAR_SLOTS + (level - DSI_TIMER_NEAR_LEVELS) * DSI_TIMER_FAR;
}

static unsigned level_of(unsigned slot) {
    if (slot < DSI_TIMER_NEAR_SLOTS)
        return slot / DSI_TIMER_NEAR;
    return DSI_TIMER_NEAR_LEVELS + (slot - DSI_TIMER_NEAR_SLOTS) / DSI_TIMER_FAR;
}

/* The level's slot for a time, given as that level counts it: tick >> level_shift[level]. */
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
    uint64_t now = timers->now_tick >> level_shift[level];
    unsigned from = level_slot(level, now);
    unsigned slot = ring_find(timers, level, from);
    uint64_t time = now + ((slot - from) & (level_size(level) - 1));
    *slot_out = (wheel_slot){.tick = time << level_shift[level], .slot = slot};
    return true;
}

/* The first timer of all the slots that begin by the tick, merging the runs of those that may hold
 * it. */
static dsi_timer *wheel_first(dsi_timers *timers, uint64_t tick) {
    dsi_timer *first = NULL;
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        wheel_slot found;
        if (!level_find(timers, level, &found) || found.tick > tick)
            continue;
        dsi_timer_slot *slot = &timers->slots[found.slot];
        runs_merge(slot, DSI_TIMER_RUNS);
        if (first == NULL || timer_before(slot->first, first))
            first = slot->first;
        if (first->deadline_ns >> TICK_BITS < tick)
            tick = first->deadline_ns >> TICK_BITS;
    }
    return first;
}

static void wheel_prepare(dsi_timers *timers) {
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        uint64_t next = (timers->now_tick >> level_shift[level]) + 1;
        if (timers->words[level])
            runs_merge(&timers->slots[level_slot(level, next)], AHEAD);
    }
}

static unsigned level_reaching(uint64_t now_tick, uint64_t tick) {
    unsigned level = 0;
    while ((tick >> level_shift[level]) - (now_tick >> level_shift[level]) >= level_size(level))
        level++;
    return level;
}

void dsi_timers_init(dsi_timers *timers, uint64_t now_ns) {
    memset(timers, 0, sizeof *timers);
    timers->now_tick = now_ns >> TICK_BITS;
}

void dsi_timers_start(dsi_timers *timers, dsi_timer *timer, uint64_t deadline_ns) {
    assert(timer->state == STOPPED && "a started timer is stopped first");
    uint64_t now = timers->now_tick;
    uint64_t tick = deadline_ns >> TICK_BITS > now ? deadline_ns >> TICK_BITS : now;
    unsigned level = level_reaching(now, tick);
    timer->deadline_ns = deadline_ns;
    timer->order = timers->order++;
    timer->slot = (uint16_t)level_slot(level, tick >> level_shift[level]);
    dsi_timer_slot *slot = &timers->slots[timer->slot];
    if (slot_empty(slot))
        slot_mark(timers, timer->slot);
    slot_insert(slot, timer, tick >> level_shift[level] == now >> level_shift[level]);
    timers->count++;
}

void dsi_timers_stop(dsi_timers *timers, dsi_timer *timer) {
    if (timer->state == STOPPED)
        return;
    dsi_timer_slot *slot = &timers->slots[timer->slot];
    slot_remove(slot, timer);
    if (slot_empty(slot))
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
    uint64_t next = DYNSUP_NEVER;
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
    uint64_t wake = DYNSUP_NEVER;
    for (unsigned level = 0; level < DSI_TIMER_LEVELS; level++) {
        wheel_slot found;
        if (!level_find(timers, level, &found))
            continue;
        const dsi_timer_slot *slot = &timers->slots[found.slot];
        uint64_t at = slot->run ? found.tick << TICK_BITS : slot->first->deadline_ns;
        wake = at < wake ? at : wake;
    }
    return wake;
}

/* ---- a heap alone ---- */

void dsi_timer_heap_start(dsi_timer_slot *heap, dsi_timer *timer, uint64_t deadline_ns,
                          uint64_t order) {
    assert(timer->state == STOPPED && "a started timer is stopped first");
    timer->deadline_ns = deadline_ns;
    timer->order = order;
    slot_insert(heap, timer, true);
}

void dsi_timer_heap_stop(dsi_timer_slot *heap, dsi_timer *timer) {
    slot_remove(heap, timer);
    timer->state = STOPPED;
}
