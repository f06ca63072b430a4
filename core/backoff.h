/* Backoff: how long to wait before the next restart. Pure policy: no clock, no randomness. */
#ifndef DSI_BACKOFF_H
#define DSI_BACKOFF_H

#include "dynsup_base.h"

#include <stdint.h>

typedef struct dsi_backoff {
    dynsup_backoff config;
    double next_ms; /* the delay of the next restart, before jitter; 0: the series begins */
} dsi_backoff;

/* The delay in ns before the next restart of a child that lived for lived_ns, and one step up the
 * series. random is any 64-bit number. The jittered delay exceeds neither max_ms nor 2^63 ns. */
uint64_t dsi_backoff_next(dsi_backoff *backoff, uint64_t lived_ns, uint64_t random);

#endif
