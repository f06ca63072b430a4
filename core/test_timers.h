/*
 * A model of timers, a sorted array, and what the tests of timers do to both. To be included first:
 * it brings cmocka with it.
 */
#ifndef DSI_TEST_TIMERS_H
#define DSI_TEST_TIMERS_H

#include "test_support.h"

#include "timers.h"

#define TIMERS 1500 /* enough for more runs than a slot may have */
#define MS     UINT64_C(1000000)
#define TICK   (UINT64_C(1) << 18)
#define YEAR   (UINT64_C(365) * 86400 * 1000 * MS)

/* The model: started timers in the order in which they have to expire. */
typedef struct model {
    dsi_timer *sorted[TIMERS];
    size_t count;
} model;

static inline void model_insert(model *m, dsi_timer *timer) {
    size_t at = m->count++;
    for (; at > 0 && m->sorted[at - 1]->deadline_ns > timer->deadline_ns; at--)
        m->sorted[at] = m->sorted[at - 1];
    m->sorted[at] = timer;
}

static inline void model_remove(model *m, const dsi_timer *timer) {
    size_t at = 0;
    while (m->sorted[at] != timer)
        at++;
    m->count--;
    memmove(&m->sorted[at], &m->sorted[at + 1], (m->count - at) * sizeof m->sorted[0]);
}

static inline uint64_t model_next(const model *m) {
    return m->count ? m->sorted[0]->deadline_ns : DYNSUP_NEVER;
}

static inline dsi_timer *model_expired(model *m, uint64_t now_ns) {
    dsi_timer *first = m->count && model_next(m) <= now_ns ? m->sorted[0] : NULL;
    if (first)
        model_remove(m, first);
    return first;
}

/* A time span of any order of magnitude, up to that many bits. */
static inline uint64_t random_span(uint64_t *random, uint32_t bits) {
    return dsi_test_random(random) >> (64 - bits) >> dsi_test_random_below(random, bits);
}

static inline uint64_t time_sum(uint64_t a, uint64_t b) {
    return b < DYNSUP_NEVER - 1 - a ? a + b : DYNSUP_NEVER - 1;
}

static inline void expire_both(dsi_timers *timers, model *m, uint64_t now_ns) {
    dsi_timer *expected;
    do {
        expected = model_expired(m, now_ns);
        assert_ptr_equal(dsi_timers_expired(timers, now_ns), expected);
    } while (expected);
}

static inline void toggle_both(dsi_timers *timers, model *m, dsi_timer *timer,
                               uint64_t deadline_ns) {
    if (dsi_timer_started(timer)) {
        model_remove(m, timer);
        dsi_timers_stop(timers, timer);
    } else {
        dsi_timers_start(timers, timer, deadline_ns);
        model_insert(m, timer);
    }
}

/* Deadlines are rounded at times, so that many are equal; some have passed when they are set. */
static inline uint64_t random_deadline(uint64_t *random, uint64_t now_ns, uint32_t bits) {
    uint64_t deadline = time_sum(now_ns, random_span(random, bits));
    switch (dsi_test_random_below(random, 8)) {
    case 0:
        return DYNSUP_NEVER - 1 - dsi_test_random_below(random, 2);
    case 1:
        return deadline - deadline % MS;
    case 2:
        return deadline - deadline % TICK;
    default:
        return deadline;
    }
}

#endif
