/* Invariants of a host that are checked in files of their own. */
#ifndef DSI_CHECK_H
#define DSI_CHECK_H

#include "dynsup.h"

#include <assert.h>

#ifdef NDEBUG
#define MUST(condition, what) ((void)(condition))
#else
#define MUST(condition, what) assert((condition) && what)
#endif

/* Checks all clocks; how many timers they have, and how many of the host's are for them. */
size_t dsi_check_clocks(const dynsup_host *host, size_t *wakes_out);

#endif
