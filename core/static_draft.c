/* Drafts: the children of a static supervisor before it exists. */
#include "static.h"

#include "life.h"

dynsup_draft *dynsup_draft_new(dynsup_host *host) {
    dynsup_draft *draft = dsi_memory_new(&host->memory, sizeof *draft);
    if (!draft)
        return NULL;
    draft->host = host;
    dsi_list_init(&draft->children);
    dsi_child_index_init(&draft->ids, host);
    return draft;
}

static int child_refuse(dynsup_host *host, dsi_child *child, int status) {
    dsi_child_free(host, child);
    return status;
}

int dynsup_draft_add(dynsup_draft *draft, const dynsup_child_spec *spec) {
    dynsup_host *host = draft->host;
    dsi_child *child = dsi_child_new(host, NULL, spec);
    if (!child)
        return DYNSUP_ENOMEM;
    dynsup_value id = dsi_child_id(child);
    if (id.kind == DYNSUP_NIL)
        return child_refuse(host, child, DYNSUP_EMISSING_ID);
    if (dsi_child_index_find(&draft->ids, &id))
        return child_refuse(host, child, DYNSUP_EDUPLICATE_ID);
    bool is_named = spec->name && spec->name_length;
    if ((is_named && !dsi_child_want(host, child, spec->name, spec->name_length)) ||
        !dsi_child_index_reserve(&draft->ids))
        return child_refuse(host, child, DYNSUP_ENOMEM);
    child->state = DSI_CHILD_GONE;
    dsi_child_index_add(&draft->ids, child);
    dsi_list_append(&draft->children, &child->node);
    return 0;
}

void dynsup_draft_free(dynsup_draft *draft) {
    if (!draft)
        return;
    dsi_node *node;
    while ((node = dsi_list_pop(&draft->children)))
        dsi_child_free(draft->host, dsi_child_of_node(node));
    dsi_child_index_fini(&draft->ids);
    dsi_memory_free(&draft->host->memory, draft, sizeof *draft);
}

void dsi_static_configure(dsi_supervisor *supervisor, const dynsup_supervisor_options *options,
                          dynsup_draft *draft) {
    dsi_supervisor_configure(supervisor, options);
    supervisor->max_children = DYNSUP_NO_LIMIT;
    supervisor->policy = &dsi_static_policy;
    supervisor->order = draft;
    draft->strategy = options->strategy;
    draft->auto_shutdown = options->auto_shutdown;
    dsi_node *node;
    while ((node = dsi_list_pop(&draft->children))) {
        dsi_child *child = dsi_child_of_node(node);
        child->supervisor = supervisor;
        dsi_list_append(&supervisor->children, node);
        dsi_life_count(supervisor, child, 1);
    }
}
