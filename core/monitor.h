/*
 * Monitors: one process gets a message when another ends.
 *
 * The DOWN message is made together with the monitor, so that notifying cannot fail. A monitor
 * without one is a call: its watcher waits for a reply with the monitor's ref as the key.
 */
#ifndef DSI_MONITOR_H
#define DSI_MONITOR_H

#include "process.h"

typedef struct dsi_monitor {
    dsi_slot slot;
    dsi_bag_node held;    /* in the watcher's extra->monitors */
    dsi_bag_node watched; /* in the watched process's watchers */
    dsi_process *watcher;
    dsi_process *target;
    dynsup_message *down; /* "DOWN", ref, who, reason to come; NULL: a call */
} dsi_monitor;

/* Makes a monitor of target. NULL: target is dead, so DOWN is in the mailbox at once, and only the
 * ref is given. The value who stands in DOWN. DYNSUP_ENOMEM or 0. */
int dsi_monitor_new(dynsup_host *host, dsi_process *watcher, dsi_process *target, dynsup_value who,
                    dynsup_ref *ref_out);

/* A call of target by watcher. NULL without memory. */
dsi_monitor *dsi_call_new(dynsup_host *host, dsi_process *watcher, dsi_process *target);

/* The process that this one calls and waits for, or NULL. */
dsi_process *dsi_call_awaited(const dynsup_host *host, const dsi_process *process);

/* The call's caller, if it waits for the reply now; else NULL. */
dsi_process *dsi_call_waiter(const dsi_monitor *call);

/* Ends the call with this reply, whose objects change hands; a reply that is not waited for is
 * dropped. */
void dsi_call_reply(dynsup_host *host, dsi_monitor *call, dynsup_reply *reply);

/* Ends a monitor without a message. */
void dsi_monitor_free(dynsup_host *host, dsi_monitor *monitor);

/* Removes the DOWN of an ended monitor from the watcher's mailbox: true when it was there. */
bool dsi_monitor_flush(dynsup_host *host, dsi_process *watcher, dynsup_ref ref);

void dsi_monitors_release_held(dynsup_host *host, dsi_process_extra *extra);

/* Sends DOWN to every process that monitors the ended one. */
void dsi_monitors_notify(dynsup_host *host, dsi_process *ended);

#endif
