/*
 * The lifecycle of a child as a table: state x event -> state and action. Pure policy.
 *
 * docs/semantics.md shows this table, and a check compares the two.
 */
#ifndef DSI_LIFECYCLE_H
#define DSI_LIFECYCLE_H

#include "dynsup.h"

/*  state        the child ...                                                              */
#define DSI_CHILD_STATES(X)                                                                        \
    X(STARTING, "starting")     /* runs, and its start waits until it says that it is ready */     \
    X(RUNNING, "running")       /* runs */                                                         \
    X(RESTARTING, "restarting") /* does not run, and is to run again */                            \
    X(STOPPING, "stopping")     /* has been asked to stop, and still runs */                       \
    X(RENEWING, "renewing")     /* the same, and is to run again */                                \
    X(FAILED, "failed")         /* does not run: it was restarted too often by its own limit */    \
    X(GONE, "gone")             /* has left its supervisor */

#define DSI_CHILD_EVENTS(X)                                                                        \
    X(READY, "says ready")                                                                         \
    X(TIMEOUT, "start_timeout is over")                                                            \
    X(EXIT, "exits for good")     /* by its restart type, its reason ends it */                    \
    X(FAIL, "exits, restart due") /* by its restart type, it is to be restarted */                 \
    X(RETRY, "restart is tried")  /* its turn, or its delay, has come */                           \
    X(STARTED, "restart succeeds")                                                                 \
    X(FAILED, "restart fails")                                                                     \
    X(IGNORED, "restart is ignored")                                                               \
    X(EXHAUST, "restarts too often")  /* by its own limit */                                       \
    X(REVIVE, "is restarted by hand") /* by restart_child */                                       \
    X(RENEW, "is renewed")            /* by reload */                                              \
    X(TERMINATE, "is terminated")     /* by terminate_child or its supervisor's end */

#define DSI_CHILD_ACTIONS(X)                                                                       \
    X(NOTHING, "-")                                                                                \
    X(TELL, "tell who waits for it")      /* with its pid */                                       \
    X(REFUSE, "refuse the start, remove") /* with the reason of its exit */                        \
    X(KILL, "kill")                                                                                \
    X(STOP, "send shutdown") /* by its own shutdown mode */                                        \
    X(RESTART, "restart")    /* at once, delayed, or give up */                                    \
    X(AGAIN, "try again later")                                                                    \
    X(GIVE_UP, "give it up")                                                                       \
    X(DENY, "tell who has asked")                                                                  \
    X(RENEW, "restart at once, uncounted")                                                         \
    X(REMOVE, "remove")

#define DSI_STATE_ENUM(id, text)  DSI_CHILD_##id,
#define DSI_EVENT_ENUM(id, text)  DSI_ON_##id,
#define DSI_ACTION_ENUM(id, text) DSI_DO_##id,
enum dsi_child_state { DSI_CHILD_STATES(DSI_STATE_ENUM) DSI_CHILD_STATE_COUNT };
enum dsi_child_event { DSI_CHILD_EVENTS(DSI_EVENT_ENUM) DSI_CHILD_EVENT_COUNT };
enum dsi_child_action { DSI_CHILD_ACTIONS(DSI_ACTION_ENUM) DSI_CHILD_ACTION_COUNT };
#undef DSI_STATE_ENUM
#undef DSI_EVENT_ENUM
#undef DSI_ACTION_ENUM

typedef struct dsi_transition {
    enum dsi_child_state state;
    enum dsi_child_action action;
} dsi_transition;

/* What the event does to a child in this state. A pair that cannot happen changes nothing. */
dsi_transition dsi_lifecycle(enum dsi_child_state state, enum dsi_child_event event);

/* EXIT or FAIL: what an exit with this reason means for a child of this restart type. */
enum dsi_child_event dsi_lifecycle_exit(enum dynsup_restart restart,
                                        enum dynsup_reason_class reason);

/* Is such an end reported: of a running child, and of one that was asked to stop? */
bool dsi_lifecycle_reported(enum dynsup_restart restart, enum dynsup_reason_class reason);
bool dsi_lifecycle_stop_reported(enum dynsup_restart restart, double shutdown_ms,
                                 const dynsup_reason *reason);

const char *dsi_child_state_text(enum dsi_child_state state);
const char *dsi_child_event_text(enum dsi_child_event event);
const char *dsi_child_action_text(enum dsi_child_action action);

#endif
