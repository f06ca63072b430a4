/* Tests of timers in crowds: order where many share a slot, the structure, work per call. */
#include "test_timers.h"

#define CROWD 20000

/* ---- structure ---- */

/* Goes down to the left in a loop and to the right by recursion, which is log2(n) deep at most. */
static size_t heap_check(const dsi_timer *timer, const dsi_timer *parent) {
    size_t count = 0;
    for (; timer; parent = timer, timer = timer->left, count++) {
        unsigned left = timer->left ? timer->left->rank : 0;
        unsigned right = timer->right ? timer->right->rank : 0;
        assert_true(left >= right && timer->rank == right + 1);
        assert_int_equal(timer->left_rank, left);
        assert_ptr_equal(timer->parent, parent);
        if (parent) {
            assert_true(parent->deadline_ns <= timer->deadline_ns);
            assert_true(parent->deadline_ns < timer->deadline_ns || parent->order < timer->order);
            assert_int_equal(parent->slot, timer->slot);
        }
        count += heap_check(timer->right, timer);
    }
    return count;
}

static size_t run_check(const dsi_timer *head) {
    size_t count = 1;
    for (const dsi_timer *timer = head; timer->left; timer = timer->left, count++) {
        assert_ptr_equal(timer->left->parent, timer);
        assert_null(timer->left->right);
        assert_int_equal(timer->left_rank, 1);
        assert_true(timer->deadline_ns <= timer->left->deadline_ns);
        assert_true(timer->order < timer->left->order);
    }
    return count;
}

static size_t runs_check(const dsi_timer_slot *slot) {
    size_t count = 0, run_count = 0;
    for (const dsi_timer *head = slot->run; head; head = head->older_run, run_count++) {
        assert_ptr_equal(head->newer_run ? head->newer_run->older_run : slot->run, head);
        count += run_check(head);
    }
    assert_int_equal(slot->run_count, run_count);
    assert_true(run_count <= DSI_TIMER_RUNS);
    return count;
}

/* Checks what a start uses in place of reading the last timer. */
static void last_check(const dsi_timer_slot *slot) {
    if (slot->last == NULL)
        return;
    assert_true(slot->first || slot->run);
    assert_int_equal(slot->last->deadline_ns, slot->last_ns);
    assert_true(slot->first || slot->last->left == NULL);
}

static void timers_check(const dsi_timers *timers) {
    size_t count = 0;
    for (size_t i = 0; i < DSI_TIMER_SLOTS; i++) {
        const dsi_timer_slot *slot = &timers->slots[i];
        bool occupied = timers->occupied[i / 64] >> i % 64 & 1;
        assert_true(occupied == (slot->first || slot->run));
        count += heap_check(slot->first, NULL) + runs_check(slot);
        last_check(slot);
    }
    assert_int_equal(timers->count, count);
}

/* ---- crowds ---- */

/* The beginning of a slot of some level, near or where a level's ring ends. */
static uint64_t random_boundary(uint64_t *random, uint64_t now_ns) {
    static const uint8_t shifts[] = {0, 1, 6, 12, 18};
    uint64_t level = dsi_test_random_below(random, 5);
    uint64_t length = TICK << shifts[level];
    uint64_t slots = dsi_test_random_below(random, 4);
    if (dsi_test_random_below(random, 4) == 0)
        slots += level < DSI_TIMER_NEAR_LEVELS ? DSI_TIMER_NEAR - 2 : DSI_TIMER_FAR - 2;
    return (now_ns / length + slots) * length;
}

/* Most are in one slot, many of them equal, some at either side of a slot's beginning. */
static uint64_t crowded_deadline(uint64_t *random, uint64_t now_ns, uint64_t crowd) {
    switch (dsi_test_random_below(random, 8)) {
    case 0:
        return random_boundary(random, now_ns) + 1 - dsi_test_random_below(random, 3);
    case 1:
    case 2:
        return crowd;
    case 3:
        return crowd - 1;
    default:
        return crowd + dsi_test_random_below(random, TICK);
    }
}

static uint64_t crowded_step(uint64_t *random, const dsi_timers *timers, uint64_t now_ns) {
    switch (dsi_test_random_below(random, 4)) {
    case 0:
        return random_boundary(random, now_ns) + 1 - dsi_test_random_below(random, 3);
    case 1:
        return dsi_timers_wake(timers);
    case 2:
        return dsi_timers_next(timers);
    default:
        return now_ns + random_span(random, 40);
    }
}

static bool expire_some(dsi_timers *timers, model *m, uint64_t now_ns, uint32_t limit) {
    for (; limit > 0; limit--) {
        dsi_timer *expected = model_expired(m, now_ns);
        assert_ptr_equal(dsi_timers_expired(timers, now_ns), expected);
        if (expected == NULL)
            return true;
    }
    return false;
}

static void toggle_crowd(dsi_timers *timers, model *m, dsi_timer *all, uint64_t *random,
                         uint64_t now_ns) {
    uint64_t crowd = random_boundary(random, now_ns);
    for (uint32_t n = dsi_test_random_below(random, 3 * TIMERS); n > 0; n--) {
        dsi_timer *timer = &all[dsi_test_random_below(random, TIMERS)];
        toggle_both(timers, m, timer, crowded_deadline(random, now_ns, crowd));
    }
}

/* With more runs than a slot may have; some timers are stopped while the others are merged. */
static void crowded_slots_match_a_sorted_array(void **state) {
    (void)state;
    static dsi_timer all[TIMERS];
    uint64_t random = 8;
    model m = {.count = 0};
    dsi_timers timers;
    uint64_t now = 5 * TICK;
    dsi_timers_init(&timers, now);
    for (int round = 0; round < 300; round++) {
        toggle_crowd(&timers, &m, all, &random, now);
        for (uint32_t n = dsi_test_random_below(&random, 12); n > 0 && m.count > 0; n--) {
            uint64_t next = crowded_step(&random, &timers, now);
            now = next > now ? next : now;
            if (expire_some(&timers, &m, now, 1 + dsi_test_random_below(&random, TIMERS)))
                assert_true(dsi_timers_wake(&timers) > now);
            toggle_both(&timers, &m, &all[dsi_test_random_below(&random, TIMERS)], now + TICK);
            assert_true(dsi_timers_next(&timers) == model_next(&m));
            assert_true(dsi_timers_wake(&timers) <= model_next(&m));
        }
        timers_check(&timers);
    }
    expire_both(&timers, &m, DYNSUP_NEVER - 1);
}

/* As a virtual clock does, which goes where wake says. */
static void waking_as_told_expires_all_at_their_very_deadlines(void **state) {
    (void)state;
    static dsi_timer all[TIMERS];
    uint64_t random = 9;
    model m = {.count = 0};
    dsi_timers timers;
    dsi_timers_init(&timers, YEAR);
    for (int i = 0; i < TIMERS; i++)
        toggle_both(&timers, &m, &all[i], random_deadline(&random, YEAR, 50));
    expire_both(&timers, &m, YEAR);
    int idle = 0;
    while (m.count > 0) {
        uint64_t now = dsi_timers_wake(&timers);
        bool due = model_next(&m) == now;
        assert_true(now <= model_next(&m));
        expire_both(&timers, &m, now);
        idle += !due;
    }
    assert_true(idle <= TIMERS);
}

/* ---- work per call ---- */

static dsi_timer crowd[CROWD], crowd_before[CROWD];

static bool timer_differs(const dsi_timer *a, const dsi_timer *b) {
    return a->left != b->left || a->right != b->right || a->parent != b->parent ||
           a->deadline_ns != b->deadline_ns || a->order != b->order || a->slot != b->slot ||
           a->state != b->state || a->rank != b->rank;
}

/* How many timers have changed since the last call: an operation's writes measure its work. */
static size_t crowd_changes(void) {
    size_t changes = 0;
    for (size_t i = 0; i < CROWD; i++)
        changes += timer_differs(&crowd[i], &crowd_before[i]);
    memcpy(crowd_before, crowd, sizeof crowd);
    return changes;
}

#define PATH_MAX ((size_t)15) /* log2(CROWD + 1) */
#define CALL_MAX                                                                                   \
    ((size_t)2 * DSI_TIMER_RUNS) /* heads of runs, and the top of the heap they get into */

/* Starts the crowd; a start writes to itself, to a path of its slot's heap and the children of
 * that path. */
static void crowd_start(dsi_timers *timers, uint64_t *random, uint64_t from_ns, uint32_t span_us) {
    memset(crowd, 0, sizeof crowd);
    memset(crowd_before, 0, sizeof crowd);
    for (size_t i = 0; i < CROWD; i++) {
        uint64_t after = (uint64_t)dsi_test_random_below(random, span_us) * 1000;
        if (i % 500 == 0)
            crowd_changes();
        dsi_timers_start(timers, &crowd[i], from_ns + after);
        if (i % 500 == 0)
            assert_true(crowd_changes() <= 2 * PATH_MAX + 1);
    }
    crowd_changes();
}

static void crowd_stop_some(dsi_timers *timers) {
    for (size_t i = 0; i < CROWD; i += 500) {
        dsi_timers_stop(timers, &crowd[i]);
        assert_true(crowd_changes() <= 6 * PATH_MAX);
    }
}

/* Expires some of the crowd, by the clock or, without a step, at the times that wake returns. */
static void crowd_expire(dsi_timers *timers, uint64_t now, uint64_t step_ns) {
    for (int calls = 0; calls < 200; calls++) {
        if (dsi_timers_expired(timers, now) == NULL)
            now = step_ns ? now + step_ns : dsi_timers_wake(timers);
        assert_true(crowd_changes() <= CALL_MAX);
    }
}

static void no_call_works_on_more_than_a_few_timers(void **state) {
    (void)state;
    static const uint32_t spans_us[] = {1, 200, 1000000, 20000000, 600000000};
    static const uint64_t steps_ns[] = {0, MS, 100 * MS, 3600000 * MS};
    uint64_t random = 10;
    for (size_t i = 0; i < sizeof spans_us / sizeof spans_us[0]; i++)
        for (size_t j = 0; j < sizeof steps_ns / sizeof steps_ns[0]; j++) {
            dsi_timers timers;
            dsi_timers_init(&timers, YEAR);
            crowd_start(&timers, &random, YEAR + 4000 * MS, spans_us[i]);
            crowd_stop_some(&timers);
            crowd_expire(&timers, YEAR, steps_ns[j]);
            timers_check(&timers);
        }
}

/* Starts timers whose deadlines fall, so that each is a run of its own. */
static void runs_start(dsi_timers *timers, dsi_timer *all, size_t count, uint64_t first_ns) {
    for (size_t i = 0; i < count; i++)
        dsi_timers_start(timers, &all[i], first_ns + count - 1 - i);
}

static void the_runs_of_the_next_slot_are_merged_a_few_a_call(void **state) {
    (void)state;
    dsi_timers timers;
    memset(crowd, 0, sizeof crowd);
    dsi_timers_init(&timers, 0);
    runs_start(&timers, crowd, DSI_TIMER_RUNS, 2 * TICK + 1);
    crowd_changes();
    assert_null(dsi_timers_expired(&timers, 0));
    assert_int_equal(crowd_changes(), 0);
    for (int calls = 0; calls < DSI_TIMER_RUNS; calls++) {
        assert_null(dsi_timers_expired(&timers, TICK));
        assert_true(crowd_changes() <= 2 * PATH_MAX);
    }
    assert_int_equal(dsi_timers_wake(&timers), 2 * TICK + 1);
    assert_ptr_equal(dsi_timers_expired(&timers, 2 * TICK + 1), &crowd[DSI_TIMER_RUNS - 1]);
}

static void a_jump_merges_only_the_runs_that_are_due_first(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timer soon = {0};
    memset(crowd, 0, sizeof crowd);
    dsi_timers_init(&timers, 0);
    dsi_timers_start(&timers, &soon, MS);
    runs_start(&timers, crowd, DSI_TIMER_RUNS, 5000 * MS);
    crowd_changes();
    assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &soon);
    assert_int_equal(crowd_changes(), 0);
    assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &crowd[DSI_TIMER_RUNS - 1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowded_slots_match_a_sorted_array),
        cmocka_unit_test(waking_as_told_expires_all_at_their_very_deadlines),
        cmocka_unit_test(no_call_works_on_more_than_a_few_timers),
        cmocka_unit_test(the_runs_of_the_next_slot_are_merged_a_few_a_call),
        cmocka_unit_test(a_jump_merges_only_the_runs_that_are_due_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
