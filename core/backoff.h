/* Backoff: how long to wait before the next restart. Pure policy: no clock, no randomness. */
#ifndef DSI_BACKOFF_H
#define DSI_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* As in a child spec; times in milliseconds. Also part of the public header. */
typedef struct dynsup_backoff {
    double min_ms;         /* > 0, finite */
    double max_ms;         /* >= min_ms, finite */
    double factor;         /* >= 1, finite */
    double jitter;         /* 0..1: a delay d becomes one of [d - jitter*d, d + jitter*d] */
    double reset_after_ms; /* a life of this length ends the series; >= 0, may be infinite */
} dynsup_backoff;

typedef struct dsi_backoff {
    dynsup_backoff config;
    double next_ms; /* the delay of the next restart, before jitter; 0: the series begins */
} dsi_backoff;

/* The defaults of a child spec: 100 ms to 30 s, doubled, 10 % jitter, reset after max. */
dynsup_backoff dynsup_backoff_defaults(void);

/* True when every field is in its range. */
bool dynsup_backoff_valid(const dynsup_backoff *config);

/* The delay in ns before the next restart of a child that lived for lived_ns, and one step up the
 * series. random is any 64-bit number. The jittered delay exceeds neither max_ms nor 2^63 ns. */
uint64_t dsi_backoff_next(dsi_backoff *backoff, uint64_t lived_ns, uint64_t random);

#endif
