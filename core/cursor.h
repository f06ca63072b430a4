/* Cursors: walks over a supervisor's children that stay valid while children come and go. */
#ifndef DSI_CURSOR_H
#define DSI_CURSOR_H

#include "supervisor.h"

struct dynsup_cursor {
    dsi_node node;              /* in supervisor->cursors until that ends */
    dsi_supervisor *supervisor; /* NULL when it has ended */
    bool backwards;             /* the newest child first */
    dsi_node *next;             /* of the child to be shown next; the list's head at the end */
};

/* The child is about to leave its supervisor: cursors at it move on. */
void dsi_cursors_skip(dsi_supervisor *supervisor, const dsi_child *child);

/* The supervisor has ended: its cursors are at their end. */
void dsi_cursors_detach(dsi_supervisor *supervisor);

#endif
