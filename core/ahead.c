/*
 * Prefetching: with many processes, nothing of the next ones is in the cache.
 *
 * So what they will touch is fetched while others run, in steps, since each step finds the address
 * for the next one: the record, the body, then what the body points to.
 */
#include "ahead.h"

#include "tiny.h"

#define CACHE_LINE       64
#define CACHED_PROCESSES DSI_TINY(1000, 2) /* so many, with their bodies, fit a cache */

/* How many slices ahead each step is done. Two slices lie between two steps, since one slice is
 * shorter than an access to memory. */
enum { STEP_SLICES = 2, BODY_AWAY = 4 * STEP_SLICES, RECORD_AWAY = 5 * STEP_SLICES };

/* The process at this node of a queue, or NULL. */
static const dsi_process *process_at(const dynsup_host *host, const dsi_node *node) {
    return node && node != &host->lap ? dsi_item(node, dsi_process, queue) : NULL;
}

static void approach(const dsi_process *process, unsigned away) {
    if (away == RECORD_AWAY) {
        __builtin_prefetch(process);
        __builtin_prefetch(&process->queue);
        __builtin_prefetch(&process->slices);
    } else if (away == BODY_AWAY) {
        __builtin_prefetch(process->body);
        __builtin_prefetch((const char *)process->body + CACHE_LINE);
    } else if (away < BODY_AWAY && away % STEP_SLICES == 0 && process->ops->near) {
        process->ops->near(process->body, away / STEP_SLICES, process->state == DSI_PROCESS_DOOMED);
    }
}

bool dsi_ahead_helps(const dynsup_host *host) {
    return host->processes.live_count > CACHED_PROCESSES;
}

void dsi_ahead_fetch(const dynsup_host *host, const dsi_list *list, const dsi_node *from) {
    const dsi_process *process = process_at(host, from);
    for (unsigned away = 1; process && away <= RECORD_AWAY; away++) {
        approach(process, away);
        if (away < RECORD_AWAY)
            process = process_at(host, dsi_list_next(list, &process->queue));
    }
}
