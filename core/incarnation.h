/* Incarnations: the processes that a child has one after the other. */
#ifndef DSI_INCARNATION_H
#define DSI_INCARNATION_H

#include "supervisor.h"

/* The body of the child's next incarnation; as dynsup_program_ops.make. */
int dsi_incarnation_body(dsi_supervisor *supervisor, const dsi_child *child,
                         const dynsup_body_ops **ops, void **body, dynsup_reason *reason);

/* Gives the child a name that is not taken; NULL: none. 0 or DYNSUP_ENOMEM. */
int dsi_incarnation_name(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                         size_t length);

/* Gives the child a process that runs the body. 0 or DYNSUP_ENOMEM, with nothing changed. */
int dsi_incarnation_begin(dsi_supervisor *supervisor, dsi_child *child, const dynsup_body_ops *ops,
                          void *body);

/* The reason with which a process ended that the guest named although it was gone; the caller's. */
dynsup_reason dsi_incarnation_stray(dsi_supervisor *supervisor, dynsup_pid pid);

#endif
