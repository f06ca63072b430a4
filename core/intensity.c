/* Intensity: a ring of runs of restarts, the oldest first. */
#include "intensity.h"

#include <assert.h>

/* Until the first growth the ring is the spare run alone. */
static uint32_t ring_capacity(const dsi_intensity *intensity) {
    return intensity->runs ? intensity->capacity : 1;
}

static dsi_intensity_run *run_at(dsi_intensity *intensity, uint32_t index) {
    dsi_intensity_run *ring = intensity->runs ? intensity->runs : &intensity->spare;
    return &ring[((uint64_t)intensity->first + index) % ring_capacity(intensity)];
}

static bool run_expired(const dsi_intensity *intensity, const dsi_intensity_run *run,
                        uint64_t now_ms) {
    assert(now_ms >= run->at_ms && "time does not run backwards");
    return now_ms - run->at_ms > intensity->period_ms;
}

static void runs_forget(dsi_intensity *intensity, uint64_t now_ms) {
    while (intensity->count > 0 && run_expired(intensity, run_at(intensity, 0), now_ms)) {
        intensity->total -= run_at(intensity, 0)->count;
        intensity->first = (intensity->first + 1) % ring_capacity(intensity);
        intensity->count--;
    }
}

static bool ring_grow(dsi_intensity *intensity) {
    if (intensity->capacity > UINT32_MAX / 2)
        return false;
    uint32_t capacity = intensity->capacity ? intensity->capacity * 2 : 4;
    dsi_intensity_run *runs = dsi_memory_new(intensity->memory, capacity * sizeof *runs);
    if (runs == NULL)
        return false;
    for (uint32_t i = 0; i < intensity->count; i++)
        runs[i] = *run_at(intensity, i);
    dsi_memory_free(intensity->memory, intensity->runs, intensity->capacity * sizeof *runs);
    intensity->runs = runs;
    intensity->capacity = capacity;
    intensity->first = 0;
    return true;
}

/* The run that a restart at now_ms is added to; a new one if needed and if there is memory. */
static dsi_intensity_run *run_for(dsi_intensity *intensity, uint64_t now_ms) {
    if (intensity->count > 0) {
        dsi_intensity_run *newest = run_at(intensity, intensity->count - 1);
        if (newest->at_ms == now_ms)
            return newest;
        if (intensity->count == ring_capacity(intensity) && !ring_grow(intensity))
            return newest;
    }
    dsi_intensity_run *run = run_at(intensity, intensity->count++);
    run->count = 0;
    return run;
}

void dsi_intensity_init(dsi_intensity *intensity, dsi_memory *memory, uint64_t max_restarts,
                        uint64_t period_ms) {
    *intensity =
        (dsi_intensity){.memory = memory, .max_restarts = max_restarts, .period_ms = period_ms};
}

void dsi_intensity_fini(dsi_intensity *intensity) {
    dsi_memory_free(intensity->memory, intensity->runs,
                    intensity->capacity * sizeof *intensity->runs);
    dsi_intensity_init(intensity, intensity->memory, intensity->max_restarts, intensity->period_ms);
}

bool dsi_intensity_add(dsi_intensity *intensity, uint64_t now_ms) {
    runs_forget(intensity, now_ms);
    dsi_intensity_run *run = run_for(intensity, now_ms);
    run->at_ms = now_ms;
    run->count++;
    intensity->total++;
    return intensity->total <= intensity->max_restarts;
}

uint64_t dsi_intensity_count(dsi_intensity *intensity, uint64_t now_ms) {
    runs_forget(intensity, now_ms);
    return intensity->total;
}
