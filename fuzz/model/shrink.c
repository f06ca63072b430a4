/*
 * Shrinking (delta debugging): parts of a scenario are left out, large ones first, as long as it
 * still differs. What an operation does depends on those before it as little as possible, so most
 * of them can go.
 */
#include "campaign.h"

static bool differs(const scenario *s) {
    static verdict v;
    trial_run(s, TRIAL_QUIET, &v);
    return v.differs;
}

/* Leaves out `count` operations from `at` on, if the rest still differs. */
static bool leave_out(scenario *s, int at, int count) {
    static scenario less;
    int behind = s->count - at - count;
    memcpy(less.ops, s->ops, (size_t)at * sizeof *s->ops);
    memcpy(less.ops + at, s->ops + at + count, (size_t)behind * sizeof *s->ops);
    less.count = at + behind;
    less.game = s->game;
    if (!differs(&less))
        return false;
    *s = less;
    return true;
}

/* One pass from the end to the beginning; true: something was left out. */
static bool pass(scenario *s, int size) {
    bool less = false;
    for (int at = s->count - size; at > -size; at -= size) {
        int from = at < 0 ? 0 : at;
        int count = from + size > s->count ? s->count - from : size;
        less |= leave_out(s, from, count);
    }
    return less;
}

void scenario_shrink(scenario *s) {
    for (int size = s->count / 2; size > 1; size /= 2)
        pass(s, size);
    while (s->count > 0 && pass(s, 1)) {
    }
}
