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

/* Answers the requests that wait for the child to run. */
void dsi_life_tell_running(dsi_supervisor *supervisor, dsi_child *child);

/* Does what the lifecycle table says about this event. The child may be gone afterwards. */
void dsi_life_event(dsi_supervisor *supervisor, dsi_child *child, enum dsi_child_event event,
                    const dynsup_reason *reason);

/* Handles the end of the child's process, at the supervisor's turn. is_told: it was the
 * end of a start, of which the caller, or a report, has been given the reason. */
void dsi_life_exited(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reason *reason,
                     bool is_told);

/* Tries once to start a RESTARTING child again. With a start function the attempt goes on in
 * guest_done. */
void dsi_life_attempt(dsi_supervisor *supervisor, dsi_child *child);

/* Handles a failed attempt to start a child that is down. */
void dsi_life_not_started(dsi_supervisor *supervisor, dsi_child *child, const dynsup_reply *why);

/* The guest of the attempt has ended with this outcome, which is not a pid. */
void dsi_life_attempt_failed(dsi_supervisor *supervisor, dsi_child *child,
                             const dynsup_outcome *outcome);

/* Handles the child's message that it is ready. info changes hands. */
void dsi_life_ready(dsi_supervisor *supervisor, dsi_child *child, dynsup_value *info);

/* Handles the child's timer, which has expired. */
void dsi_life_timer(dsi_supervisor *supervisor, dsi_child *child);

/* Resets the restart count and the backoff of a child with a limit of its own. */
void dsi_life_forgive(dsi_child *child);

/* Takes the child out of the supervisor and frees it; requests that wait for it are answered. */
void dsi_life_remove(dsi_supervisor *supervisor, dsi_child *child);

#endif
