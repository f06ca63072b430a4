/*
 * What dynsup_host_step costs a program that calls it itself, for example a game in every frame.
 * Prints of the kinds
 *   still   ns of a step with nothing to do, with SIZE waiting processes, each with a timer
 *   slice   ns of one slice, with SIZE ready processes
 * Usage: bench_step [--smoke] [KIND...] [SIZE...]
 */
#include "core/dynsup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SIZES = 8 };

static const uint64_t HOUR_NS = 3600ull * 1000 * 1000 * 1000;

static bool smoke;
static const char *wanted; /* a kind, or NULL: all */

static uint64_t now_ns(void *ud) {
    struct timespec t;
    (void)ud;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- bodies ---- */

static enum dynsup_slice wait_step(void *body, dynsup_host *host, dynsup_pid self,
                                   enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)body, (void)self, (void)wake, (void)outcome;
    dynsup_wait_message(host, 0, dynsup_host_now(host) + HOUR_NS);
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice again_step(void *body, dynsup_host *host, dynsup_pid self,
                                    enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)body, (void)host, (void)self, (void)wake, (void)outcome;
    return DYNSUP_SLICE_AGAIN;
}

static void no_reply(void *body, const dynsup_reply *reply) {
    (void)body, (void)reply;
}

static void no_fini(void *body) {
    (void)body;
}

static const dynsup_body_ops waits = {
    .name = "waits", .step = wait_step, .reply = no_reply, .fini = no_fini};
static const dynsup_body_ops goes_on = {
    .name = "goes on", .step = again_step, .reply = no_reply, .fini = no_fini};

/* ---- measuring ---- */

static dynsup_host *new_host(const dynsup_port *port, const dynsup_body_ops *ops, int count) {
    dynsup_host *host = dynsup_host_new(&(dynsup_host_config){.port = port});
    dynsup_pid pid;
    for (int i = 0; host && i < count; i++)
        if (dynsup_spawn(host, ops, NULL, NULL, &pid) != 0)
            abort();
    if (!host)
        abort();
    return host;
}

static double timed(dynsup_host *host, uint64_t budget_ns, int count) {
    uint64_t deadline, begun = now_ns(NULL);
    for (int i = 0; i < count; i++)
        dynsup_host_step(host, budget_ns, &deadline);
    return (double)(now_ns(NULL) - begun);
}

static void figure(const char *kind, int size, double ns) {
    printf("question=step kind=%s size=%d value=%.6g unit=ns\n", kind, size, ns);
}

static void measure_still(const dynsup_port *port, int size) {
    dynsup_host *host = new_host(port, &waits, size);
    int count = smoke ? 100 : 1000000;
    timed(host, 10 * HOUR_NS, 1); /* all begin to wait */
    figure("still", size, timed(host, 1000000, count) / count);
    dynsup_host_free(host);
}

static void measure_slice(const dynsup_port *port, int size) {
    dynsup_host *host = new_host(port, &goes_on, size);
    uint64_t ms = smoke ? 1 : 500, before;
    timed(host, ms * 100000, 1);
    before = *dynsup_host_slices(host);
    double ns = timed(host, ms * 1000000, 1);
    figure("slice", size, ns / (double)(*dynsup_host_slices(host) - before));
    dynsup_host_free(host);
}

static void measure(int size) {
    const dynsup_port port = {.now = now_ns};
    if (!wanted || strcmp(wanted, "still") == 0)
        measure_still(&port, size);
    if (!wanted || strcmp(wanted, "slice") == 0)
        measure_slice(&port, size);
}

int main(int argc, char **argv) {
    int sizes[MAX_SIZES], count = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc && count < MAX_SIZES; i++) {
        if (strcmp(argv[i], "--smoke") == 0)
            smoke = true;
        else if (atoi(argv[i]) > 0)
            sizes[count++] = atoi(argv[i]);
        else
            wanted = argv[i];
    }
    if (smoke || count == 0) {
        sizes[0] = smoke ? 10 : 1000;
        sizes[1] = 1000000;
        count = smoke ? 1 : 2;
    }
    for (int i = 0; i < count; i++)
        measure(sizes[i]);
    return 0;
}
