/* Cursors: looks at a supervisor's children that survive their coming and going. */
#include "cursor.h"

static dsi_node *node_after(const dsi_supervisor *supervisor, const dsi_node *node) {
    return supervisor->policy->newest_first ? node->prev : node->next;
}

dynsup_cursor *dynsup_cursor_open(dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    dynsup_cursor *cursor = supervisor ? dsi_memory_new(&host->memory, sizeof *cursor) : NULL;
    if (!cursor)
        return NULL;
    cursor->supervisor = supervisor;
    cursor->next = node_after(supervisor, &supervisor->children.head);
    dsi_list_append(&supervisor->cursors, &cursor->node);
    return cursor;
}

static dynsup_pid running_pid(const dsi_child *child) {
    bool runs = child->state != DSI_CHILD_RESTARTING && child->state != DSI_CHILD_GONE;
    return runs ? child->pid : 0;
}

bool dynsup_cursor_next(dynsup_cursor *cursor, dynsup_child_info *info_out) {
    if (!cursor->supervisor || cursor->next == &cursor->supervisor->children.head)
        return false;
    const dsi_child *child = dsi_child_of_node(cursor->next);
    cursor->next = node_after(cursor->supervisor, cursor->next);
    *info_out = (dynsup_child_info){
        .pid = running_pid(child),
        .restarting = child->state == DSI_CHILD_RESTARTING,
        .last_pid = child->pid,
        .id = child->id,
        .modules = child->extra ? child->extra->modules : dsi_value_nil(),
        .is_supervisor = child->is_supervisor,
        .name = child->name ? child->name->text : NULL,
        .name_length = child->name ? child->name->length : 0,
    };
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
            cursor->next = node_after(supervisor, &child->node);
    }
}

void dsi_cursors_detach(dsi_supervisor *supervisor) {
    dsi_node *node;
    while ((node = dsi_list_pop(&supervisor->cursors)))
        dsi_item(node, dynsup_cursor, node)->supervisor = NULL;
}
