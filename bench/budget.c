/*
 * How well dynsup_lua_host_step keeps to its budget, and whether anybody starves: endless loops in
 * Lua, which only the count hook ends, in steps of several budgets.
 *
 * budget [WORKERS [STEPS [allocating]]] prints for each budget the overrun's percentiles in us, and
 * how many slices the worker with the fewest and the most has had beside the mean. With
 * "allocating" the workers make tables, so that Lua's collector runs.
 */
#include "bindings/dynsup_lua.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_MS 0.1

static const char busy[] = "local x = 0 while true do x = x + 1 end";
static const char allocating[] = "local x while true do x = { x and 1 } end";

static clockid_t clock_id = CLOCK_MONOTONIC;

static uint64_t now_ns(void *ud) {
    struct timespec now;
    (void)ud;
    clock_gettime(clock_id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, int count, double p) {
    int at = (int)(p * count);
    return sorted[at < count ? at : count - 1];
}

/* Each process's slices so far. */
static void slices_read(dynsup_host *core, uint64_t *slices, int count) {
    uint32_t cursor = 0;
    dynsup_process_info info;
    for (int i = 0; i < count; i++) {
        dynsup_pid pid = dynsup_process_next(core, &cursor);
        slices[i] = dynsup_process_glance(core, pid, &info) ? info.slices : 0;
    }
}

static void tell_fairness(const uint64_t *before, const uint64_t *after, int count, double budget) {
    uint64_t least = UINT64_MAX, most = 0, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t had = after[i] - before[i];
        least = had < least ? had : least;
        most = had > most ? had : most;
        sum += had;
    }
    printf("slices_%.1fms_least %llu slices\n", budget, (unsigned long long)least);
    printf("slices_%.1fms_mean %.2f slices\n", budget, (double)sum / count);
    printf("slices_%.1fms_most %llu slices\n", budget, (unsigned long long)most);
}

static void tell_overruns(double *us, int count, double budget) {
    qsort(us, (size_t)count, sizeof *us, compare);
    printf("overrun_%.1fms_p50 %.1f us\n", budget, percentile(us, count, 0.5));
    printf("overrun_%.1fms_p99 %.1f us\n", budget, percentile(us, count, 0.99));
    printf("overrun_%.1fms_p99.9 %.1f us\n", budget, percentile(us, count, 0.999));
    printf("overrun_%.1fms_max %.1f us\n", budget, us[count - 1]);
}

static void measure(dynsup_lua_host *host, int workers, int steps, double budget) {
    dynsup_host *core = dynsup_lua_host_core(host);
    double *us = calloc((size_t)steps, sizeof *us);
    uint64_t *before = calloc((size_t)workers * 2, sizeof *before);
    if (!us || !before)
        exit(1);
    slices_read(core, before, workers);
    for (int i = 0; i < steps; i++) {
        uint64_t begun_ns = now_ns(NULL);
        dynsup_lua_host_step(host, (uint64_t)(budget * 1e6), NULL);
        us[i] = (double)(now_ns(NULL) - begun_ns) / 1e3 - budget * 1e3;
    }
    slices_read(core, before + workers, workers);
    tell_overruns(us, steps, budget);
    tell_fairness(before, before + workers, workers, budget);
    free(us);
    free(before);
}

static bool is_said(int argc, char **argv, const char *word) {
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

int main(int argc, char **argv) {
    static const double budgets[] = {0.5, 1, 2, 5};
    int workers = argc > 1 ? atoi(argv[1]) : 10000;
    int steps = argc > 2 ? atoi(argv[2]) : 2000;
    const char *code = is_said(argc, argv, "allocating") ? allocating : busy;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.slice_ms = SLICE_MS};
    if (is_said(argc, argv, "cpu")) {
        clock_id = CLOCK_THREAD_CPUTIME_ID;
        config.now = now_ns;
    }
    if (dynsup_lua_host_new(NULL, &config, &host))
        return 1;
    lua_State *L = dynsup_lua_host_state(host);
    if (luaL_loadstring(L, code))
        return 1;
    for (int i = 0; i < workers; i++) {
        lua_pushvalue(L, -1);
        if (dynsup_lua_spawn(host, L, 0, NULL))
            return 1;
    }
    lua_pop(L, 1);
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        measure(host, workers, steps, budgets[i]);
    dynsup_lua_host_free(host);
    return 0;
}
