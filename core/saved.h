/*
 * Saved states: what an incarnation of a child leaves to the next one.
 *
 * Design notes.
 * A saved state belongs to the child, not to its process: it exists until the child is removed,
 * replaced or forgotten. A restore has failed when an incarnation has asked for the state, has not
 * saved another, and has ended abnormally by itself, or could not be started. After max_restores
 * of them in a row the state is dropped, for it may be what the child fails of.
 * Invariants: state is never nil; a temporary child has none; attempt <= max_restores.
 */
#ifndef DSI_SAVED_H
#define DSI_SAVED_H

#include "child.h"

struct dsi_saved {
    dynsup_value state;
    dynsup_reason reason; /* why the last incarnation ended; once attempt > 0 */
    uint32_t attempt;     /* 1 + failed restores in a row; 0: its saver still runs */
    bool taken;           /* the incarnation that runs has asked for it */
};

/* Replaces the child's saved state; the state's object changes hands. 0, or DYNSUP_ENOMEM with
 * nothing changed. */
int dsi_saved_put(dynsup_host *host, dsi_child *child, const dynsup_value *state);

/* Forgets it, if there is one. */
void dsi_saved_free(dynsup_host *host, dsi_child_extra *extra);

/* dsi_saved_ended for a child that has one. */
void dsi_saved_count(dynsup_host *host, dsi_child *child, const dynsup_reason *reason, bool failed);

/* The child's incarnation has ended with this reason, or could not be started. failed: the end was
 * abnormal and not requested. May drop the state, with an event. */
static inline void dsi_saved_ended(dynsup_host *host, dsi_child *child, const dynsup_reason *reason,
                                   bool failed) {
    if (child->extra && child->extra->saved)
        dsi_saved_count(host, child, reason, failed);
}

#endif
