/* Events of children: every step in their life, emitted to observers. */
#ifndef DSI_CHILD_EVENT_H
#define DSI_CHILD_EVENT_H

#include "child.h"

/* Each costs one test of a bit when nobody wants the event. */

void dsi_event_child(dynsup_host *host, enum dynsup_event_kind kind, const dsi_child *child,
                     const dynsup_reason *reason);

/* A child's restart is delayed. */
void dsi_event_delayed(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t delay_ns);

/* A start was refused with this status. */
void dsi_event_refused(dynsup_host *host, const dsi_child *child, int status);

/* The reason for which a start has failed. */
dynsup_reason dsi_reply_reason(const dynsup_reply *why);

/* A restart has failed, and is tried again. */
void dsi_event_start_error(dynsup_host *host, const dsi_child *child, const dynsup_reply *why);

/* A start has failed, and is not tried again: a refusal if its caller gets the reason (is_told),
 * else an error. */
void dsi_event_not_started(dynsup_host *host, const dsi_child *child, const dynsup_reply *why,
                           bool is_told);

/* The child's saved state was dropped after this many failed restores. */
void dsi_event_dropped(dynsup_host *host, const dsi_child *child, const dynsup_reason *reason,
                       uint64_t restores);

/* The child's full mailbox has lost its n-th message; emitted for the 1st, 2nd, 4th, 8th and so on.
 */
void dsi_event_messages_dropped(dynsup_host *host, const dsi_child *child, uint64_t dropped);

/* A start was refused with this status before there was a record of the child. */
void dsi_event_not_admitted(dsi_supervisor *supervisor, const char *name, size_t length,
                            int status);

#endif
