/* The lifecycle of a child as a table: state x event -> state and action. */
#include "lifecycle.h"

enum dsi_child_event dsi_lifecycle_exit(enum dynsup_restart restart,
                                        enum dynsup_reason_class reason) {
    if (restart == DYNSUP_PERMANENT)
        return DSI_ON_FAIL;
    if (restart == DYNSUP_TEMPORARY)
        return DSI_ON_EXIT;
    return reason == DYNSUP_REASON_NORMAL || reason == DYNSUP_REASON_SHUTDOWN ? DSI_ON_EXIT
                                                                              : DSI_ON_FAIL;
}

bool dsi_lifecycle_reported(enum dynsup_restart restart, enum dynsup_reason_class reason) {
    if (restart == DYNSUP_PERMANENT)
        return true;
    return reason != DYNSUP_REASON_NORMAL && reason != DYNSUP_REASON_SHUTDOWN;
}

static bool is_killed(const dynsup_reason *reason) {
    return reason->value.kind == DYNSUP_ATOM && reason->value.as.atom == DYNSUP_KILLED;
}

bool dsi_lifecycle_stop_reported(enum dynsup_restart restart, double shutdown_ms,
                                 const dynsup_reason *reason) {
    if (shutdown_ms == DYNSUP_SHUTDOWN_BRUTAL_KILL) /* any other end was the child's own */
        return !is_killed(reason) && dsi_lifecycle_reported(restart, reason->kind);
    if (reason->kind == DYNSUP_REASON_NORMAL)
        return restart == DYNSUP_PERMANENT;
    return reason->kind != DYNSUP_REASON_SHUTDOWN;
}

#define TEXT(id, text) text,
static const char *const state_texts[] = {DSI_CHILD_STATES(TEXT)};
static const char *const event_texts[] = {DSI_CHILD_EVENTS(TEXT)};
static const char *const action_texts[] = {DSI_CHILD_ACTIONS(TEXT)};

const char *dsi_child_state_text(enum dsi_child_state state) {
    return state_texts[state];
}

const char *dsi_child_event_text(enum dsi_child_event event) {
    return event_texts[event];
}

const char *dsi_child_action_text(enum dsi_child_action action) {
    return action_texts[action];
}

#define TO(state, action)                                                                          \
    { DSI_CHILD_##state, DSI_DO_##action, true }

static const struct transition_row {
    enum dsi_child_state state;
    enum dsi_child_action action;
    bool possible;
} table[DSI_CHILD_STATE_COUNT][DSI_CHILD_EVENT_COUNT] = {
    [DSI_CHILD_STARTING] =
        {
            [DSI_ON_READY] = TO(RUNNING, TELL),
            [DSI_ON_TIMEOUT] = TO(STOPPING, KILL),
            [DSI_ON_EXIT] = TO(GONE, REFUSE),
            [DSI_ON_FAIL] = TO(GONE, REFUSE),
            [DSI_ON_TERMINATE] = TO(STOPPING, STOP),
        },
    [DSI_CHILD_RUNNING] =
        {
            [DSI_ON_TIMEOUT] = TO(RUNNING, KILL),
            [DSI_ON_EXIT] = TO(GONE, REMOVE),
            [DSI_ON_FAIL] = TO(RESTARTING, RESTART),
            [DSI_ON_RENEW] = TO(RENEWING, STOP),
            [DSI_ON_TERMINATE] = TO(STOPPING, STOP),
        },
    [DSI_CHILD_RESTARTING] =
        {
            [DSI_ON_RETRY] = TO(RESTARTING, RESTART),
            [DSI_ON_STARTED] = TO(RUNNING, TELL),
            [DSI_ON_FAILED] = TO(RESTARTING, AGAIN),
            [DSI_ON_IGNORED] = TO(GONE, REMOVE),
            [DSI_ON_EXHAUST] = TO(FAILED, GIVE_UP),
            [DSI_ON_TERMINATE] = TO(GONE, REMOVE),
        },
    [DSI_CHILD_STOPPING] =
        {
            [DSI_ON_EXIT] = TO(GONE, REMOVE),
            [DSI_ON_FAIL] = TO(GONE, REMOVE),
        },
    [DSI_CHILD_RENEWING] =
        {
            [DSI_ON_TIMEOUT] = TO(RENEWING, KILL),
            [DSI_ON_EXIT] = TO(RESTARTING, RENEW),
            [DSI_ON_FAIL] = TO(RESTARTING, RENEW),
            [DSI_ON_TERMINATE] = TO(STOPPING, NOTHING),
        },
    [DSI_CHILD_FAILED] =
        {
            [DSI_ON_STARTED] = TO(RUNNING, TELL),
            [DSI_ON_FAILED] = TO(FAILED, DENY),
            [DSI_ON_IGNORED] = TO(GONE, REMOVE),
            [DSI_ON_REVIVE] = TO(FAILED, RENEW),
            [DSI_ON_TERMINATE] = TO(GONE, REMOVE),
        },
};

dsi_transition dsi_lifecycle(enum dsi_child_state state, enum dsi_child_event event) {
    const struct transition_row *row = &table[state][event];
    if (!row->possible)
        return (dsi_transition){state, DSI_DO_NOTHING};
    return (dsi_transition){row->state, row->action};
}
