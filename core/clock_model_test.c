/*
 * Random operations on clocks and on a naive model of them: each clock of the model is a time and
 * an array of timers that is searched. Each process notes its messages and when they came; both
 * must agree.
 */
#include "test_clock.h"

#include <stdio.h>

enum { CLOCKS = 4, TIMERS = 400, NOTES = 40000, SEEDS = 300, OPERATIONS = 250 };

/* A message that a process of the clock sends to itself again, a number of times, after a delay. */
typedef struct timer {
    bool is_set;
    int clock;
    int left, host_left;
    uint64_t deadline_ns, order, interval_ns;
    dynsup_timer id;
} timer;

typedef struct clock {
    bool runs;
    uint64_t quarters; /* the rate, times 4 */
    uint64_t base_ns, base_host_ns;
    dynsup_clock id;
    test_body *receiver;
    size_t read; /* how many messages it has read */
} clock;

typedef struct note {
    int timer;
    uint64_t at_ns, host_ns;
} note;

typedef struct notes {
    note items[NOTES];
    size_t count, compared;
} notes;

static test_host host;
static clock clocks[CLOCKS];
static timer timers[TIMERS];
static notes modelled[CLOCKS], noted[CLOCKS];
static int timer_count;
static uint64_t seed, random_state, order;

static uint32_t below(uint32_t limit) {
    return dsi_test_random_below(&random_state, limit);
}

static void add(notes *to, int number, uint64_t at_ns, uint64_t host_ns) {
    assert_true(to->count < NOTES);
    to->items[to->count++] = (note){number, at_ns, host_ns};
}

/* ---- the model ---- */

static uint64_t time_at(const clock *c, uint64_t host_ns) {
    return c->runs ? c->base_ns + (host_ns - c->base_host_ns) * c->quarters / 4 : c->base_ns;
}

static void rebase(clock *c) {
    c->base_ns = time_at(c, host.now_ns);
    c->base_host_ns = host.now_ns;
}

static timer *first_timer(const clock *c) {
    timer *first = NULL;
    for (int i = 0; i < timer_count; i++) {
        timer *t = &timers[i];
        if (!t->is_set || &clocks[t->clock] != c)
            continue;
        if (!first || t->deadline_ns < first->deadline_ns ||
            (t->deadline_ns == first->deadline_ns && t->order < first->order))
            first = t;
    }
    return first;
}

static void fire(const clock *c, timer *t, uint64_t at_ns, uint64_t host_ns) {
    add(&modelled[c - clocks], (int)(t - timers), at_ns, host_ns);
    t->is_set = t->left-- > 0;
    t->deadline_ns = at_ns + t->interval_ns;
    t->order = order++;
}

/* The first ns of the host's time at which a running clock has reached that time. */
static uint64_t host_time(const clock *c, uint64_t time_ns) {
    uint64_t quarters = (time_ns - c->base_ns) * 4;
    return c->base_host_ns + (quarters + c->quarters - 1) / c->quarters;
}

/* The host's time has passed since `from`, with a stop at each deadline, or (late) without any. */
static void model_pass(clock *c, uint64_t from_ns, bool is_late) {
    timer *t;
    uint64_t host_ns = is_late ? host.now_ns : from_ns;
    while ((t = first_timer(c)) && t->deadline_ns <= time_at(c, host.now_ns)) {
        if (t->deadline_ns > time_at(c, host_ns))
            host_ns = host_time(c, t->deadline_ns);
        fire(c, t, time_at(c, host_ns), host_ns);
    }
}

static void model_step(clock *c, uint64_t ns) {
    timer *t;
    rebase(c);
    uint64_t until_ns = c->base_ns + ns;
    while ((t = first_timer(c)) && t->deadline_ns <= until_ns) {
        if (c->base_ns < t->deadline_ns)
            c->base_ns = t->deadline_ns;
        fire(c, t, c->base_ns, host.now_ns);
    }
    c->base_ns = until_ns;
}

/* ---- the host ---- */

static enum dynsup_slice receive(test_body *self, dynsup_outcome *outcome) {
    clock *c = self->more;
    uint64_t now_ns = dynsup_now(host.host);
    (void)outcome;
    for (; c->read < self->received; c->read++) {
        int number = (int)self->inbox[c->read].value.as.integer;
        timer *t = &timers[number];
        add(&noted[c - clocks], number, now_ns, host.now_ns);
        t->id = t->host_left-- > 0 ? test_send_at(&host, self, now_ns + t->interval_ns, number) : 0;
    }
    return DYNSUP_SLICE_WAIT;
}

static void differ(const char *what, int c, unsigned long long model, unsigned long long real) {
    fprintf(stderr, "seed %llu: %s of clock %d: the model says %llu, the host %llu\n",
            (unsigned long long)seed, what, c, model, real);
    fail();
}

static void same(const char *what, int c, uint64_t model, uint64_t real) {
    if (model != real)
        differ(what, c, model, real);
}

static void compare_notes(int c) {
    notes *model = &modelled[c], *real = &noted[c];
    for (; model->compared < model->count && model->compared < real->count; model->compared++) {
        const note *m = &model->items[model->compared], *r = &real->items[model->compared];
        same("a message", c, (uint64_t)m->timer, (uint64_t)r->timer);
        same("a message's time", c, m->at_ns, r->at_ns);
        same("a message's time by the host", c, m->host_ns, r->host_ns);
    }
    same("the number of messages", c, model->count, real->count);
}

static void compare(void) {
    for (int i = 0; i < CLOCKS; i++) {
        dynsup_clock_info info = test_clock_look(&host, clocks[i].id);
        size_t count = 0;
        for (int t = 0; t < timer_count; t++)
            count += timers[t].is_set && timers[t].clock == i;
        compare_notes(i);
        same("the time", i, time_at(&clocks[i], host.now_ns), info.now_ns);
        same("the number of timers", i, count, info.timer_count);
    }
}

/* ---- operations ---- */

static clock *any_clock(void) {
    return &clocks[below(CLOCKS)];
}

static void start_timer(void) {
    clock *c = any_clock();
    if (timer_count == TIMERS)
        return;
    uint64_t span_ns = below(4) ? below(50000) * UINT64_C(1000) : below(5) * MS;
    uint64_t deadline_ns = time_at(c, host.now_ns) + span_ns;
    bool repeats = below(3) == 0;
    timer *t = &timers[timer_count];
    *t = (timer){.is_set = true,
                 .clock = (int)(c - clocks),
                 .deadline_ns = below(20) ? deadline_ns : deadline_ns / 2,
                 .interval_ns = 1 + below(8) * UINT64_C(500000)};
    t->order = order++;
    t->left = t->host_left = repeats ? (int)below(40) : 0;
    t->id = test_send_at(&host, c->receiver, t->deadline_ns, timer_count++);
}

static void cancel_timer(void) {
    if (timer_count == 0)
        return;
    timer *t = &timers[below((uint32_t)timer_count)];
    uint64_t left_ns, now_ns = time_at(&clocks[t->clock], host.now_ns);
    bool was_set = dynsup_cancel_timer(host.host, t->id, &left_ns);
    same("whether there is a timer", t->clock, t->is_set, was_set);
    if (was_set)
        same("what is left", t->clock, t->deadline_ns > now_ns ? t->deadline_ns - now_ns : 0,
             left_ns);
    t->is_set = false;
}

static void pause_or_resume(void) {
    clock *c = any_clock();
    rebase(c);
    c->runs = below(2);
    if (c->runs)
        dynsup_clock_resume(host.host, c->id);
    else
        dynsup_clock_pause(host.host, c->id);
}

static void change_rate(void) {
    clock *c = any_clock();
    rebase(c);
    c->quarters = UINT64_C(1) << below(6);
    assert_true(dynsup_clock_set_rate(host.host, c->id, (double)c->quarters / 4));
}

static void step(void) {
    clock *c = any_clock();
    uint64_t key, ns = below(20000) * UINT64_C(1000);
    assert_int_equal(dynsup_clock_step(host.host, c->id, ns, false, &key), 0);
    model_step(c, ns);
}

static void pass(void) {
    uint64_t from_ns = host.now_ns;
    test_pass(&host, below(30));
    for (int i = 0; i < CLOCKS; i++)
        model_pass(&clocks[i], from_ns, false);
}

/* The host is late. */
static void jump(void) {
    uint64_t from_ns = host.now_ns;
    host.now_ns += below(30) * MS + below(1000);
    test_run(&host);
    for (int i = 0; i < CLOCKS; i++)
        model_pass(&clocks[i], from_ns, true);
}

static void (*const operations[])(void) = {
    start_timer, start_timer, start_timer, start_timer, start_timer, cancel_timer, pause_or_resume,
    change_rate, step,        step,        pass,        pass,        jump,
};

static void settle_at_once(void) {
    test_run(&host);
    for (int i = 0; i < CLOCKS; i++)
        model_pass(&clocks[i], host.now_ns, true);
    compare();
}

static void begin(void) {
    timer_count = 0;
    random_state = seed;
    assert_true(test_host_init(&host, 0, false));
    for (int i = 0; i < CLOCKS; i++) {
        modelled[i].count = modelled[i].compared = noted[i].count = 0;
        clocks[i] = (clock){.runs = true, .quarters = 4, .base_host_ns = host.now_ns};
        clocks[i].id = test_clock(&host, false);
        clocks[i].receiver = test_spawn_on(&host, NULL, clocks[i].id);
        clocks[i].receiver->act = receive;
        clocks[i].receiver->more = &clocks[i];
    }
    test_run(&host);
}

static void random_operations_agree_with_the_model(void **state) {
    (void)state;
    for (seed = 1; seed <= SEEDS; seed++) {
        begin();
        for (int i = 0; i < OPERATIONS; i++) {
            operations[below(sizeof operations / sizeof *operations)]();
            settle_at_once();
        }
        test_host_fini(&host);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations_agree_with_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
