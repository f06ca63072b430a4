/* Cursors: walks over a supervisor's children that stay valid while children come and go. */
#include "cursor.h"

static dsi_node *node_after(const dynsup_cursor *cursor, const dsi_node *node) {
    return cursor->backwards ? node->prev : node->next;
}

static dynsup_cursor *cursor_new(dynsup_host *host, dynsup_pid pid, bool by_start) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    dynsup_cursor *cursor = supervisor ? dsi_memory_new(&host->memory, sizeof *cursor) : NULL;
    if (!cursor)
        return NULL;
    cursor->supervisor = supervisor;
    cursor->backwards = supervisor->policy->newest_first && !by_start;
    cursor->next = node_after(cursor, &supervisor->children.head);
    dsi_list_append(&supervisor->cursors, &cursor->node);
    return cursor;
}

dynsup_cursor *dynsup_cursor_open(dynsup_host *host, dynsup_pid pid) {
    return cursor_new(host, pid, false);
}

dynsup_cursor *dynsup_cursor_open_by_start(dynsup_host *host, dynsup_pid pid) {
    return cursor_new(host, pid, true);
}

bool dynsup_cursor_next(dynsup_cursor *cursor, dynsup_child_info *info_out) {
    if (!cursor->supervisor || cursor->next == &cursor->supervisor->children.head)
        return false;
    const dsi_child *child = dsi_child_of_node(cursor->next);
    cursor->next = node_after(cursor, cursor->next);
    dsi_child_inspect(child, info_out);
    return true;
}

void dynsup_cursor_close(dynsup_host *host, dynsup_cursor *cursor) {
    dsi_node_remove(&cursor->node);
    dsi_memory_free(&host->memory, cursor, sizeof *cursor);
}

void dsi_cursors_skip(dsi_supervisor *supervisor, const dsi_child *child) {
    dsi_list_each (node, &supervisor->cursors) {
        dynsup_cursor *cursor = dsi_item(node, dynsup_cursor, node);
        if (cursor->next == &child->node)
            cursor->next = node_after(cursor, &child->node);
    }
}

void dsi_cursors_detach(dsi_supervisor *supervisor) {
    dsi_node *node;
    while ((node = dsi_list_pop(&supervisor->cursors)))
        dsi_item(node, dynsup_cursor, node)->supervisor = NULL;
}
