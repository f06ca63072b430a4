/* Backoff: a geometric series of delays with a ceiling and jitter. */
#include "backoff.h"

#include <math.h>

#define NS_PER_MS 1e6
#define DELAY_MAX (UINT64_C(1) << 63) /* added to a host's clock it does not overflow */

static double lesser(double a, double b) {
    return a < b ? a : b;
}

/* A number in [-1, 1) from the upper 53 bits. */
static double random_signed(uint64_t random) {
    return (double)(random >> 11) * 0x1p-52 - 1;
}

static uint64_t ns_from_ms(double ms) {
    double ns = ms * NS_PER_MS;
    return ns < (double)DELAY_MAX ? (uint64_t)ns : DELAY_MAX;
}

dynsup_backoff dynsup_backoff_defaults(void) {
    return (dynsup_backoff){
        .min_ms = 100, .max_ms = 30000, .factor = 2, .jitter = 0.1, .reset_after_ms = 30000};
}

bool dynsup_backoff_valid(const dynsup_backoff *config) {
    return config->min_ms > 0 && config->max_ms >= config->min_ms && isfinite(config->max_ms) &&
           config->factor >= 1 && isfinite(config->factor) && config->jitter >= 0 &&
           config->jitter <= 1 && config->reset_after_ms >= 0;
}

uint64_t dsi_backoff_next(dsi_backoff *backoff, uint64_t lived_ns, uint64_t random) {
    const dynsup_backoff *config = &backoff->config;
    bool series_ended = (double)lived_ns / NS_PER_MS >= config->reset_after_ms;
    double delay = series_ended || backoff->next_ms == 0 ? config->min_ms : backoff->next_ms;
    backoff->next_ms = lesser(delay * config->factor, config->max_ms);
    double jittered = delay + delay * config->jitter * random_signed(random);
    return ns_from_ms(lesser(jittered, config->max_ms));
}
