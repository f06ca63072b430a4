/*
 * Registries: processes that record which process has registered under which key.
 *
 * Design notes.
 * A key is a name in host->names that belongs to the registry (dsi_name.registry), so that finding
 * one costs what finding a plain name costs, and a child can have it as its name. dsi_key is what
 * the registry keeps under it: its entries, in the order in which they were made; a unique
 * registry's key has at most one entry, and then name->process is that entry's. A key exists as
 * long as it has an entry or is a child's name. Entries are also listed in their process, which
 * releases them before its end is notified: no message is needed for that.
 * The process of a registry runs no code. A process with entries is linked to the registry in one
 * direction: it is signalled when the registry ends; the registry is not signalled when the process
 * ends.
 */
#ifndef DSI_REGISTRY_H
#define DSI_REGISTRY_H

#include "process.h"

typedef struct dsi_registry {
    dynsup_host *host;
    dsi_process *process;
    bool unique;
    size_t entry_count;
    dsi_list keys; /* of dsi_key */
} dsi_registry;

typedef struct dsi_key {
    dsi_node node; /* in registry->keys */
    dsi_registry *registry;
    dsi_name *name;
    dsi_list entries; /* of dynsup_entry */
    size_t entry_count;
    dynsup_value value; /* the key, as it was given */
} dsi_key;

struct dynsup_entry {
    dsi_bag_node owned; /* in the process's extra->entries */
    dsi_node node;      /* in key->entries */
    dsi_key *key;
    dsi_process *process;
    uint64_t number; /* distinguishes it from later entries at the same address */
    dynsup_value value;
};

static inline dynsup_entry *dsi_entry_of_node(const dsi_node *node) {
    return dsi_item(node, dynsup_entry, node);
}

/* The registry that runs as this process until it has closed, or NULL. */
dsi_registry *dsi_registry_of(const dsi_process *process);

/* A new registry, linked to the current process, if any. DYNSUP_ENOMEM or 0. */
int dsi_registry_new(dynsup_host *host, bool unique, dsi_process **process_out);

/* Undoes new. */
void dsi_registry_discard(dynsup_host *host, dsi_process *process);

/* The key with this text, or NULL. */
dsi_key *dsi_key_find(const dsi_registry *registry, const char *text, size_t length);

/* A key that is not there yet, without entries; NULL without memory. value changes hands when it is
 * made. */
dsi_key *dsi_key_new(dsi_registry *registry, const char *text, size_t length, dynsup_value value);

/* Removes the key if it has no entry and is no child's name. */
void dsi_key_free_if_unused(dsi_key *key);

/* A new entry of the process, which is alive; of a unique registry the only one. value changes
 * hands. NULL without memory. */
dynsup_entry *dsi_entry_new(dsi_key *key, dsi_process *process, dynsup_value value);

/* Ends the entry, and its key if that was the last. */
void dsi_entry_free(dynsup_entry *entry);

/* Ends all entries of a process. */
void dsi_entries_release(dynsup_host *host, dsi_process_extra *extra);

/* ---- names as texts: plain ones, and keys of registries (the form: dynsup.h) ---- */

/* The entry of the name, or NULL. */
dsi_name *dsi_name_find(const dynsup_host *host, const char *text, size_t length);

/* A new entry without owner for a name that is not there yet: 0, DYNSUP_ENOMEM, or
 * DYNSUP_EUNKNOWN_REGISTRY. A registry's key is shown to others as value (copied); if it gets no
 * entry and no child, it must be freed (dsi_key_free_if_unused). */
int dsi_name_make(dynsup_host *host, const char *text, size_t length, const dynsup_value *key,
                  dsi_name **name_out);

/* Makes the process, which is new, the owner of a name that is not there yet. Returns what make
 * does; key and value are copied. */
int dsi_name_give(dynsup_host *host, dsi_process *process, const char *text, size_t length,
                  const dynsup_value *key, const dynsup_value *value);

/* The registry's process has closed: its entries end, and the processes that had some are
 * signalled. */
void dsi_registry_ended(dsi_registry *registry);

#endif
