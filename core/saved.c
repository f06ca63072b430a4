/* Saved states: what an incarnation of a child leaves to the next one. */
#include "saved.h"

#include "child_event.h"

int dsi_saved_put(dynsup_host *host, dsi_child *child, const dynsup_value *state) {
    dsi_child_extra *extra = dsi_child_extra_get(host, child);
    if (!extra)
        return DYNSUP_ENOMEM;
    dsi_saved *saved = extra->saved;
    if (!saved)
        saved = extra->saved = dsi_memory_new(&host->memory, sizeof *saved);
    if (!saved)
        return DYNSUP_ENOMEM;
    dsi_value_release(host, &saved->state);
    dsi_reason_release(host, &saved->reason);
    *saved = (dsi_saved){.state = *state};
    return 0;
}

void dsi_saved_free(dynsup_host *host, dsi_child_extra *extra) {
    dsi_saved *saved = extra->saved;
    if (!saved)
        return;
    dsi_value_release(host, &saved->state);
    dsi_reason_release(host, &saved->reason);
    dsi_memory_free(&host->memory, saved, sizeof *saved);
    extra->saved = NULL;
}

/* The number of the next attempt with this state. */
static uint32_t attempt_next(const dsi_saved *saved, bool failed) {
    if (saved->attempt == 0 || !failed)
        return 1;
    return saved->taken ? saved->attempt + 1 : saved->attempt;
}

void dsi_saved_count(dynsup_host *host, dsi_child *child, const dynsup_reason *reason,
                     bool failed) {
    dsi_saved *saved = child->extra->saved;
    dynsup_reason before = saved->reason;
    saved->reason = dsi_reason_copy(host, reason);
    dsi_reason_release(host, &before);
    uint32_t attempt = attempt_next(saved, failed);
    saved->taken = false;
    if (attempt > child->extra->max_restores) {
        dsi_event_dropped(host, child, reason, saved->attempt);
        dsi_saved_free(host, child->extra);
    } else {
        saved->attempt = attempt;
    }
}
