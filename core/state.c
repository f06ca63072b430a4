/* What all parts of the core need of a host: deadlines and random numbers. */
#include "state.h"

#include <math.h>

uint64_t dsi_deadline_after(uint64_t now_ns, double ms) {
    if (ms >= (double)(UINT64_MAX / 2) / 1e6)
        return DYNSUP_NEVER;
    uint64_t delay = (uint64_t)ceil(ms * 1e6);
    return now_ns > DYNSUP_NEVER - delay ? DYNSUP_NEVER : now_ns + delay;
}

/* splitmix64: every seed gives a full period. */
uint64_t dsi_random(dynsup_host *host) {
    uint64_t z = host->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
