/*
 * Links and the exit signals that travel along them.
 *
 * A link is one record with an end in each of the two processes. A child spawned by its supervisor
 * needs no record: a flag in the child stands for the link.
 */
#ifndef DSI_LINK_H
#define DSI_LINK_H

#include "process.h"

/* Delivers an exit signal: the target ends, receives a message, or does nothing, as in Erlang. */
void dsi_signal(dynsup_host *host, dsi_process *target, dynsup_pid from,
                const dynsup_reason *reason, enum dsi_signal how);

/* Is the sender its parent? A signal that no process has sent is one of the main process. */
bool dsi_is_from_parent(const dynsup_host *host, const dsi_process *target, dynsup_pid from);

bool dsi_linked(dsi_process *a, dsi_process *b);

/* Links two different living processes, once. 0 or DYNSUP_ENOMEM. */
int dsi_link(dynsup_host *host, dsi_process *a, dsi_process *b);
void dsi_unlink(dynsup_host *host, dsi_process *a, dsi_process *b);

/* Signals the ended process's reason to every process linked to it by a record, and ends the links.
 */
void dsi_links_notify(dynsup_host *host, dsi_process *ended);

/* Writes the pids of the processes linked by a record, at most capacity; returns how many. */
size_t dsi_links_list(const dsi_process *process, dynsup_pid *pids_out, size_t capacity);

/* Checks its links: each has its other end at the peer, and no pair has two. */
bool dsi_links_are_sound(const dsi_process *process);

#endif
