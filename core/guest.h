/* Guests: start functions and init functions that run as a supervisor's process. */
#ifndef DSI_GUEST_H
#define DSI_GUEST_H

#include "supervisor.h"

/* A process, linked to the supervisor, that ended while a guest ran: it might be the one that the
 * guest has started. Only the last DSI_STRAYS_MAX are remembered. */
#define DSI_STRAYS_MAX 1024

typedef struct dsi_stray {
    dsi_node node;
    dynsup_pid pid;
    dynsup_reason reason;
} dsi_stray;

/* A process that a guest has spawned: it has DSI_FLAG_OFFSPRING until the guest has left. Some
 * records are of processes that are gone: at most about as many as of living ones. */
typedef struct dsi_offspring {
    dsi_node node;
    dynsup_pid pid;
} dsi_offspring;

/* Lets the body run as the supervisor's guest, to start the child (NULL: to initialise the
 * supervisor). */
void dsi_guest_begin(dsi_supervisor *supervisor, const dynsup_body_ops *ops, void *body,
                     dsi_child *child, dsi_request *request);

/* To be called for each process that the current one spawns. If the current one is a guest that
 * starts a child, the new process belongs to that child while the guest is there. False without
 * memory. */
bool dsi_guest_spawns(dynsup_host *host, dsi_process *process);

/* Remembers the end of a process that the guest may be about to name as the child. A forgotten one
 * (no memory, or too many later ones) counts as ended by "noproc". */
void dsi_guest_stray(dsi_supervisor *supervisor, dynsup_pid pid, const dynsup_reason *reason);

/* Ends the guest: its outcome is handled, and what is parked goes on. */
void dsi_guest_done(dsi_supervisor *supervisor, dynsup_outcome *outcome);

/* Lets supervisors end that are to end but have a guest that waits on a stopped clock, itself or
 * for a process that does: the guest fails as in a halt, and what it starts is killed. */
void dsi_supervisors_free_guests(dynsup_host *host);

/* Ends the guest as if it had failed with this reason. Parked things stay parked, or the next guest
 * would begin here: the caller handles them. */
void dsi_guest_abort(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Forgets the guest, whose process has ended: its outcome is not handled. */
void dsi_guest_drop(dsi_supervisor *supervisor);

#endif
