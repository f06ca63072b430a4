/*
 * Ports: the clocks of hosts that have no loop, and their wake-up.
 *
 * Design notes.
 * A host's clock is libuv's, the program's, the system's or, on a virtual clock, a number in its
 * struct. What work takes is real time in every case but the last: there it is counted, so that a
 * step ends at the same place in each run.
 */
#include "bindings/embed/post.h"

#include <time.h>

#define LOOK_NS 1000u /* of work: a slice that gives way, or an exit, on a virtual clock */

static uint64_t virtual_now(void *ud) {
    return ((dsl_host *)ud)->virtual_ns;
}

uint64_t dsl_real_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t system_now(void *ud) {
    (void)ud;
    return dsl_real_now();
}

static uint64_t given_now(void *ud) {
    const dynsup_lua_config *config = ((dsl_host *)ud)->config;
    return config->now(config->now_ud);
}

void dsl_virtual_reach(dsl_host *host, uint64_t time_ns) {
    if (host->virtual_ns < time_ns)
        host->virtual_ns = time_ns;
    if (host->config->virtual_ns)
        *host->config->virtual_ns = host->virtual_ns;
}

/* Each reading of the clock counts as work: so a loop that waits for the budget to be spent ends.
 */
static uint64_t counted_now(void *ud) {
    return ((dsl_host *)ud)->counted_ns += LOOK_NS;
}

static void port_wake(void *ud) {
    dsl_wake(ud);
}

void dsl_port_open(dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    host->port = (dynsup_port){.now = system_now, .wake = port_wake};
    if (config->virtual_clock) {
        host->port.now = virtual_now;
        host->port.work_now = counted_now;
    } else if (config->now) {
        host->port.now = given_now;
        host->port.work_now = system_now;
    }
}
