/*
 * Restart intensity: were there more than max restarts within the period?
 *
 * Design notes.
 * Pure policy: times come from the caller. Restarts are kept as runs (millisecond, count) in a
 * ring, so that a limit of 1e9 needs no more memory than the period has milliseconds with
 * restarts in it. Without memory for a further run the restart is added to the newest run with
 * the newer time: the count is then never too low.
 */
#ifndef DSI_INTENSITY_H
#define DSI_INTENSITY_H

#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dsi_intensity_run {
    uint64_t at_ms;
    uint64_t count;
} dsi_intensity_run;

typedef struct dsi_intensity {
    dsi_memory *memory;
    uint64_t max_restarts;
    uint64_t period_ms;
    uint64_t total; /* restarts in all runs */
    dsi_intensity_run *runs;
    uint32_t first, count, capacity;
    dsi_intensity_run spare; /* the run that is always there, also without memory */
} dsi_intensity;

/* Allocates nothing. */
void dsi_intensity_init(dsi_intensity *intensity, dsi_memory *memory, uint64_t max_restarts,
                        uint64_t period_ms);
void dsi_intensity_fini(dsi_intensity *intensity);

/* Counts a restart at now_ms (not before an earlier one) and forgets those older than the period
 * (one exactly period_ms old still counts). True when no more than max_restarts remain. */
bool dsi_intensity_add(dsi_intensity *intensity, uint64_t now_ms);

/* Restarts within the period ending at now_ms, without counting one; older ones are forgotten. */
uint64_t dsi_intensity_count(dsi_intensity *intensity, uint64_t now_ms);

#endif
