/* Invariants of a host that are checked in files of their own. */
#ifndef DSI_CHECK_H
#define DSI_CHECK_H

#include "dynsup.h"
#include "list.h"
#include "supervisor.h"
#include "timers.h"

#include <assert.h>

#ifdef NDEBUG
#define MUST(condition, what) ((void)(condition))
#else
#define MUST(condition, what) assert((condition) && what)
#endif

/* What the walk has found, to be compared with the host's own counts. */
typedef struct dsi_check_tally {
    size_t runnable, paused, doomed, supervisors, monitors_held, monitors_watched, delayed, timers,
        clock_timers, names;
    size_t children;
} dsi_check_tally;

/* Counts a started timer, for the host or for the clock with this tag. */
void dsi_check_timer(dsi_check_tally *met, uint32_t tag, const dsi_timer *timer);

/* The length of a list; checks that the list is sound. */
size_t dsi_check_list(const dsi_list *list);

/* Checks a supervisor and its children. */
void dsi_check_supervisor(const dsi_supervisor *supervisor, dsi_check_tally *met);

/* Checks all clocks. Returns how many timers they have; *wakes_out: how many of the host's timers
 * are theirs. */
size_t dsi_check_clocks(const dynsup_host *host, size_t *wakes_out);

#endif
