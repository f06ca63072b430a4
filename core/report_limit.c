/* The limit of reports: a bucket of tokens. */
#include "dynsup_report.h"

static void limit_refill(dynsup_limit *limit, uint64_t now_ns, double burst, double per_second) {
    double seconds = (double)(now_ns - limit->refilled_ns) / 1e9;
    double tokens = limit->begun ? limit->tokens + seconds * per_second : burst;
    limit->tokens = tokens < burst ? tokens : burst;
    limit->refilled_ns = now_ns;
    limit->begun = true;
}

bool dynsup_limit_pass(dynsup_limit *limit, uint64_t now_ns, double burst, double per_second,
                       uint64_t *held_back_out) {
    limit_refill(limit, now_ns, burst, per_second);
    *held_back_out = 0;
    if (limit->tokens < 1) {
        limit->held_back++;
        limit->total_held_back++;
        return false;
    }
    limit->tokens--;
    *held_back_out = limit->held_back;
    limit->held_back = 0;
    return true;
}
