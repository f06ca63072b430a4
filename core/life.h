/* The life of a supervisor's children, whatever its policy: counts, exits, restarts, giving up. */
#ifndef DSI_LIFE_H
#define DSI_LIFE_H

#include "supervisor.h"

/* The child's share in the counts; change is 1 or -1. */
void dsi_life_count(dsi_supervisor *supervisor, const dsi_child *child, size_t change);

/* The child with this pid (or last pid while it restarts, or has failed), or with the name if pid
 * is 0; or NULL. */
dsi_child *dsi_life_find(dsi_supervisor *supervisor, dynsup_pid pid, const char *name,
                         size_t name_length);

/* Does a restart of the child count in its supervisor's intensity? */
bool dsi_life_counts(const dsi_child *child);

/* Tells who waits for the child to run. */
void dsi_life_tell_running(dsi_supervisor *supervisor, dsi_child *child);

/* What the lifecycle table says. The child may be gone afterwards. */
void dsi_life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                    const dynsup_reason *reason);

/* The child's process has ended, and it is the supervisor's turn; is_told: who waits for its start
 * hears of it, so that it needs no report. */
void dsi_life_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason,
                     bool is_told);

/* One attempt to start a RESTARTING child again, by itself; by a guest it goes on in guest_done. */
void dsi_life_attempt(dsi_supervisor *supervisor, dsi_child *child);

/* The attempt's guest has this outcome, which is no pid. */
void dsi_life_attempt_failed(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_outcome *outcome);

/* The child said that it is ready. info changes hands. */
void dsi_life_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

/* The child's timer has expired. */
void dsi_life_timer(dsi_supervisor *supervisor, dsi_child *child);

/* What counts against a child with a limit of its own begins anew. */
void dsi_life_forgive(dsi_child *child);

/* Takes the child out of the supervisor and frees it; who waits for it is told. */
void dsi_life_remove(dsi_supervisor *supervisor, dsi_child *child);

#endif
