/* The public functions for registries: ids and texts become objects, and the work is done below. */
#include "event.h"
#include "registry.h"

#include <assert.h>

int dynsup_registry_start(dynsup_host *host, bool unique, const char *name, size_t length,
                          dynsup_pid *pid_out) {
    const dsi_name *taken = name ? dsi_name_find(host, name, length) : NULL;
    if (taken) {
        *pid_out = taken->process ? taken->process->slot.id : 0;
        return DYNSUP_EALREADY_STARTED;
    }
    dsi_process *process;
    int status = dsi_registry_new(host, unique, &process);
    if (status)
        return status;
    const dynsup_value none = dsi_value_nil();
    status = name ? dsi_name_give(host, process, name, length, &none, &none) : 0;
    if (status) {
        dsi_registry_discard(host, process);
        return status;
    }
    *pid_out = process->slot.id;
    dsi_event_process(host, DYNSUP_EVENT_SPAWNED, process, NULL);
    return 0;
}

/* The registry, or why there is none. */
static int registry_find(const dynsup_host *host, dynsup_pid pid, dsi_registry **registry_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return DYNSUP_ENOPROC;
    *registry_out = dsi_registry_of(process);
    return *registry_out ? 0 : DYNSUP_ENOT_A_REGISTRY;
}

int dynsup_registry_inspect(const dynsup_host *host, dynsup_pid pid, dynsup_registry_info *info) {
    dsi_registry *registry;
    int status = registry_find(host, pid, &registry);
    if (status == 0)
        *info = (dynsup_registry_info){registry->unique, registry->entry_count};
    return status;
}

bool dynsup_registry_stop(dynsup_host *host, dynsup_pid pid, const dynsup_reason *reason) {
    dsi_registry *registry;
    if (registry_find(host, pid, &registry))
        return false;
    dsi_process_doom(host, registry->process, reason);
    return true;
}

/* The key, if it exists; it is not made. */
static dsi_key *key_find(const dynsup_host *host, dynsup_pid pid, const char *key, size_t length) {
    const dsi_name *name = dsi_names_find_in(&host->names, pid, key, length);
    return name ? name->key : NULL;
}

/* The owner of a unique registry's key, 0: it is free. An owner that is about to end no longer has
 * it. */
static dynsup_pid key_owner(dsi_key *key) {
    if (key->name->child)
        return key->name->process ? key->name->process->slot.id : 0;
    dynsup_entry *entry = dsi_entry_of_node(dsi_list_first(&key->entries));
    if (dsi_process_alive(entry->process))
        return entry->process->slot.id;
    dsi_entry_free(entry);
    return 0;
}

/* DYNSUP_ETAKEN with the owner in *pid_out, or 0. */
static int key_take(dsi_registry *registry, const char *text, size_t length, dynsup_pid *pid_out) {
    dsi_key *key = registry->unique ? dsi_key_find(registry, text, length) : NULL;
    if (!key)
        return 0;
    bool childs = key->name->child;
    *pid_out = key_owner(key);
    return childs || *pid_out ? DYNSUP_ETAKEN : 0;
}

/* An entry under the key, which is made if needed. */
static int entry_make(dsi_registry *registry, const char *text, size_t length,
                      dynsup_value key_value, dynsup_value value) {
    dynsup_host *host = registry->host;
    dsi_key *key = dsi_key_find(registry, text, length);
    if (key) {
        if (!dsi_entry_new(key, host->current, value))
            return DYNSUP_ENOMEM;
        dsi_value_release(host, &key_value);
        return 0;
    }
    key = dsi_key_new(registry, text, length, dsi_value_nil());
    if (!key)
        return DYNSUP_ENOMEM;
    if (!dsi_entry_new(key, host->current, value)) {
        dsi_key_free_if_unused(key);
        return DYNSUP_ENOMEM;
    }
    key->value = key_value;
    return 0;
}

int dynsup_entry_add(dynsup_host *host, dynsup_pid pid, const char *text, size_t length,
                     dynsup_value key, dynsup_value value, dynsup_pid *pid_out) {
    dsi_registry *registry;
    assert(host->current);
    *pid_out = 0;
    if (host->closing)
        return DYNSUP_ECLOSING;
    int status = registry_find(host, pid, &registry);
    if (status == 0)
        status = key_take(registry, text, length, pid_out);
    if (status == 0)
        status = entry_make(registry, text, length, key, value);
    return status;
}

int dynsup_entry_remove(dynsup_host *host, dynsup_entry *entry) {
    (void)host;
    if (entry->key->name->child)
        return DYNSUP_ETAKEN;
    dsi_entry_free(entry);
    return 0;
}

void dynsup_entry_set(dynsup_host *host, dynsup_entry *entry, dynsup_value value) {
    dynsup_value old = entry->value;
    entry->value = value;
    dsi_value_release(host, &old);
}

dynsup_pid dynsup_registry_whereis(const dynsup_host *host, dynsup_pid registry, const char *key,
                                   size_t length) {
    const dsi_name *name = dsi_names_find_in(&host->names, registry, key, length);
    bool found = name && name->process && dsi_process_alive(name->process) &&
                 dsi_process_alive(name->key->registry->process);
    return found ? name->process->slot.id : 0;
}

/* ---- looking at entries ---- */

static dynsup_entry *entry_at(const dsi_list *list, const dsi_node *node) {
    while (node && !dsi_process_alive(dsi_entry_of_node(node)->process))
        node = dsi_list_next(list, node);
    return node ? dsi_entry_of_node(node) : NULL;
}

dynsup_entry *dynsup_entry_first(const dynsup_host *host, dynsup_pid registry, const char *key,
                                 size_t length) {
    const dsi_key *found = key_find(host, registry, key, length);
    return found ? entry_at(&found->entries, dsi_list_first(&found->entries)) : NULL;
}

dynsup_entry *dynsup_entry_next(const dynsup_entry *entry) {
    const dsi_list *list = &entry->key->entries;
    return entry_at(list, dsi_list_next(list, &entry->node));
}

/* The first entry of this key or a later one. */
static dynsup_entry *key_entry(const dsi_registry *registry, const dsi_node *node) {
    dynsup_entry *entry = NULL;
    for (; node && !entry; node = dsi_list_next(&registry->keys, node)) {
        const dsi_list *entries = &dsi_item(node, dsi_key, node)->entries;
        entry = entry_at(entries, dsi_list_first(entries));
    }
    return entry;
}

dynsup_entry *dynsup_registry_first(const dynsup_host *host, dynsup_pid pid) {
    dsi_registry *registry;
    if (registry_find(host, pid, &registry))
        return NULL;
    return key_entry(registry, dsi_list_first(&registry->keys));
}

dynsup_entry *dynsup_registry_next(const dynsup_entry *entry) {
    dynsup_entry *next = dynsup_entry_next(entry);
    const dsi_registry *registry = entry->key->registry;
    return next ? next : key_entry(registry, dsi_list_next(&registry->keys, &entry->key->node));
}

/* The first of the process's entries from this node on that is in the registry. */
static dynsup_entry *owned_entry(const dsi_bag_node *node, dynsup_pid registry) {
    while (node && dsi_item(node, dynsup_entry, owned)->key->name->registry != registry)
        node = node->next;
    return node ? dsi_item(node, dynsup_entry, owned) : NULL;
}

dynsup_entry *dynsup_owned_first(const dynsup_host *host, dynsup_pid registry, dynsup_pid pid) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    const dsi_process_extra *extra = process ? process->extra : NULL;
    return extra ? owned_entry(extra->entries.first, registry) : NULL;
}

dynsup_entry *dynsup_owned_next(const dynsup_entry *entry) {
    return owned_entry(entry->owned.next, entry->key->name->registry);
}

dynsup_entry_info dynsup_entry_inspect(const dynsup_entry *entry) {
    return (dynsup_entry_info){entry->process->slot.id, entry->number, entry->key->value,
                               entry->value};
}
