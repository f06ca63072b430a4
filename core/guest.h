/* Guests: start functions and init functions that run as a supervisor's process. */
#ifndef DSI_GUEST_H
#define DSI_GUEST_H

#include "supervisor.h"

/* A process, linked to the supervisor, that ended while a guest ran: it might be the one that the
 * guest has started. So many of the last are remembered. */
#define DSI_STRAYS_MAX 1024

typedef struct dsi_stray {
    dsi_node node;
    dynsup_pid pid;
    dynsup_reason reason;
} dsi_stray;

/* A process that a guest has spawned: it is marked by DSI_FLAG_OFFSPRING until the guest has left.
 * Some of the records are of processes that are gone: at most as many as of others, and a few. */
typedef struct dsi_offspring {
    dsi_node node;
    dynsup_pid pid;
} dsi_offspring;

/* Lets the body run as the supervisor's guest, to start the child (NULL: the supervisor). */
void dsi_guest_begin(dsi_supervisor *supervisor, const dynsup_body_ops *ops, void *body,
                     dsi_child *child, dsi_request *request);

/* The new process is the current one's. If that is a guest which starts a child, this one has to do
 * with the same child as long as the guest is there. False without memory. */
bool dsi_guest_spawns(dynsup_host *host, dsi_process *process);

/* Remembers the end of a process that the guest may be about to name as the child. What is
 * forgotten, without memory or for the sake of later ones, counts as ended by "noproc". */
void dsi_guest_stray(dsi_supervisor *supervisor, dynsup_pid pid, const dynsup_reason *reason);

/* The guest has come to its end; its outcome is handled, and what is parked goes on. */
void dsi_guest_done(dsi_supervisor *supervisor, dynsup_outcome *outcome);

/* Lets supervisors that are to end do so although they have a guest that waits on a clock that
 * stands, itself or for somebody who does: it fails as in a halt, and what it starts is killed. */
void dsi_supervisors_free_guests(dynsup_host *host);

/* Ends the guest as if it had failed with this reason. What is parked stays so: the caller sees to
 * it, or the next guest would begin here. */
void dsi_guest_abort(dsi_supervisor *supervisor, const dynsup_reason *reason);

/* Ends the guest with its process: nothing is handled. */
void dsi_guest_drop(dsi_supervisor *supervisor);

#endif
