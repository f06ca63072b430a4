/* Starts: how a dynamic supervisor gets its children. */
#ifndef DSI_START_H
#define DSI_START_H

#include "supervisor.h"

/* Would a child with this name be started now? As dynsup_admits; DYNSUP_PENDING only for ensure
 * when the named child is not running. */
int dsi_dynamic_admits(dsi_supervisor *supervisor, const char *name, size_t length, bool ensure,
                       dynsup_reply *reply);

/* The policy's start. */
int dsi_dynamic_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);

/* Starts a plain body, at its turn and without waiting; child and body change hands. */
int dsi_dynamic_start_body(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                           size_t name_length, const dynsup_body_ops *ops, void *body,
                           dynsup_reply *reply);

/* Gives a child a process that calls dynsup_started itself; if it ends before that, the start is
 * undone. child and body change hands. */
int dsi_dynamic_start_starting(dsi_supervisor *supervisor, dsi_child *child,
                               const dynsup_body_ops *ops, void *body);

/* To be called when the start is not over yet: the request will be answered. It may be NULL (no
 * memory), then the process ends. Returns DYNSUP_PENDING or DYNSUP_ENOMEM. */
int dsi_dynamic_await_start(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request);

/* Handles a start function's first outcome: accepts the child or not, and answers the caller. */
void dsi_dynamic_first_start_done(dsi_supervisor *supervisor, dsi_child *child,
                                  dsi_request *request, dynsup_outcome *outcome);

#endif
