/* Starts: how a dynamic supervisor gets its children. */
#ifndef DSI_START_H
#define DSI_START_H

#include "supervisor.h"

/* Would a child with this name be started now? As dynsup_admits; never DYNSUP_PENDING but for
 * ensure when the named child is not running. */
int dsi_dynamic_admits(dsi_supervisor *supervisor, const char *name, size_t length, bool ensure,
                       dynsup_reply *reply);

/* The policy's start. */
int dsi_dynamic_start(dsi_supervisor *supervisor, dsi_request *request, dynsup_reply *reply);

/* A plain body's start whose turn it is and that need not wait; child and body change hands. */
int dsi_dynamic_start_body(dsi_supervisor *supervisor, dsi_child *child, const char *name,
                           size_t name_length, const dynsup_body_ops *ops, void *body,
                           dynsup_reply *reply);

/* Gives a child a process that says itself that it has started; what was begun is undone by its
 * end. child and body change hands. */
int dsi_dynamic_start_starting(dsi_supervisor *supervisor, dsi_child *child,
                               const dynsup_body_ops *ops, void *body);

/* The start is not over yet: the request, which may be NULL (no memory: then the process ends),
 * will be told. Returns DYNSUP_PENDING or DYNSUP_ENOMEM. */
int dsi_dynamic_await_start(dsi_supervisor *supervisor, dsi_child *child, dsi_request *request);

/* A start function's first outcome: the child is accepted, or not; the caller is told. */
void dsi_dynamic_first_start_done(dsi_supervisor *supervisor, dsi_child *child,
                                  dsi_request *request, dynsup_outcome *outcome);

#endif
