/* Registries: processes that record which process has registered under which key. */
#include "registry.h"

#include "link.h"

#include <assert.h>
#include <string.h>

/* ---- the process ---- */

static enum dynsup_slice registry_step(void *body, dynsup_host *host, dynsup_pid self,
                                       enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)body, (void)host, (void)self, (void)wake, (void)outcome;
    assert(false && "a registry is never ready");
    return DYNSUP_SLICE_WAIT;
}

/* The registry outlives its body for a moment: dsi_registry_ended frees it. */
static void registry_fini(void *body) {
    (void)body;
}

static const dynsup_body_ops registry_ops = {
    .name = "registry", .step = registry_step, .fini = registry_fini};

dsi_registry *dsi_registry_of(const dsi_process *process) {
    return process->ops == &registry_ops ? process->body : NULL;
}

/* The process with its link to the parent. It has an extra part, like all processes that survive a
 * "shutdown": a start function may return the pid of another process's registry, and the supervisor
 * then gives it its shutdown time and kills it. */
static dsi_process *process_make(dynsup_host *host, dsi_registry *registry) {
    dsi_process *process = dsi_process_new(host, &registry_ops, registry);
    if (!process)
        return NULL;
    if (!dsi_process_extra_get(host, process) ||
        (host->current && dsi_link(host, host->current, process))) {
        dsi_process_discard(host, process);
        return NULL;
    }
    return process;
}

int dsi_registry_new(dynsup_host *host, bool unique, dsi_process **process_out) {
    dsi_registry *registry = dsi_memory_new(&host->memory, sizeof *registry);
    dsi_process *process = registry ? process_make(host, registry) : NULL;
    if (!process) {
        dsi_memory_free(&host->memory, registry, sizeof *registry);
        return DYNSUP_ENOMEM;
    }
    registry->host = host;
    registry->process = process;
    registry->unique = unique;
    dsi_list_init(&registry->keys);
    process->flags = DSI_FLAG_REGISTRY | DSI_FLAG_DROPS;
    *process_out = process;
    return 0;
}

void dsi_registry_discard(dynsup_host *host, dsi_process *process) {
    dsi_registry *registry = dsi_registry_of(process);
    if (host->current)
        dsi_unlink(host, host->current, process);
    dsi_process_discard(host, process);
    dsi_memory_free(&host->memory, registry, sizeof *registry);
}

/* ---- keys ---- */

dsi_key *dsi_key_find(const dsi_registry *registry, const char *text, size_t length) {
    const dsi_name *name =
        dsi_names_find_in(&registry->host->names, registry->process->slot.id, text, length);
    return name ? name->key : NULL;
}

dsi_key *dsi_key_new(dsi_registry *registry, const char *text, size_t length, dynsup_value value) {
    dynsup_host *host = registry->host;
    dsi_key *key = dsi_memory_new(&host->memory, sizeof *key);
    if (!key)
        return NULL;
    key->name = dsi_names_add_in(&host->names, registry->process->slot.id, text, length);
    if (!key->name) {
        dsi_memory_free(&host->memory, key, sizeof *key);
        return NULL;
    }
    key->name->key = key;
    key->registry = registry;
    key->value = value;
    dsi_list_init(&key->entries);
    dsi_list_append(&registry->keys, &key->node);
    return key;
}

static void key_free(dsi_key *key) {
    dynsup_host *host = key->registry->host;
    dsi_node_remove(&key->node);
    if (key->name)
        dsi_names_remove(&host->names, key->name);
    dynsup_value value = key->value;
    dsi_memory_free(&host->memory, key, sizeof *key);
    dsi_value_release(host, &value);
}

void dsi_key_free_if_unused(dsi_key *key) {
    if (key->entry_count == 0 && !key->name->child)
        key_free(key);
}

/* ---- entries ---- */

dynsup_entry *dsi_entry_new(dsi_key *key, dsi_process *process, dynsup_value value) {
    dsi_registry *registry = key->registry;
    assert(!registry->unique || key->entry_count == 0);
    dsi_process_extra *extra = dsi_process_extra_get(registry->host, process);
    dynsup_entry *entry = extra ? dsi_memory_new(&registry->host->memory, sizeof *entry) : NULL;
    if (!entry)
        return NULL;
    entry->key = key;
    entry->process = process;
    entry->number = registry->host->next_entry++;
    entry->value = value;
    dsi_bag_add(&extra->entries, &entry->owned);
    dsi_list_append(&key->entries, &entry->node);
    key->entry_count++;
    registry->entry_count++;
    if (registry->unique)
        key->name->process = process;
    return entry;
}

/* Ends the entry, but leaves its key, even if that has no entry now. */
static void entry_end(dynsup_entry *entry) {
    dsi_key *key = entry->key;
    dynsup_host *host = key->registry->host;
    dsi_bag_remove(&entry->owned);
    dsi_node_remove(&entry->node);
    key->entry_count--;
    key->registry->entry_count--;
    key->name->process = NULL;
    dynsup_value value = entry->value;
    dsi_memory_free(&host->memory, entry, sizeof *entry);
    dsi_value_release(host, &value);
}

void dsi_entry_free(dynsup_entry *entry) {
    dsi_key *key = entry->key;
    entry_end(entry);
    dsi_key_free_if_unused(key);
}

void dsi_entries_release(dynsup_host *host, dsi_process_extra *extra) {
    (void)host;
    while (extra->entries.first)
        dsi_entry_free(dsi_item(extra->entries.first, dynsup_entry, owned));
}

/* ---- names as texts ---- */

#define NOBODY UINT64_MAX /* no registry has this pid */

typedef struct parsed_name {
    dynsup_pid registry; /* 0: a plain name */
    const char *text;
    size_t length;
} parsed_name;

static dynsup_pid registry_named(const dynsup_host *host, const char *text, size_t length) {
    const dsi_name *name = dsi_names_find(&host->names, text, length);
    return name && name->process && dsi_process_alive(name->process) ? name->process->slot.id
                                                                     : NOBODY;
}

/* The name after a head of that many bytes. */
static parsed_name name_behind(dynsup_pid registry, const char *text, size_t length, size_t head) {
    return (parsed_name){registry, text + head, length - head};
}

static parsed_name name_parse(const dynsup_host *host, const char *text, size_t length) {
    dynsup_pid registry;
    uint32_t size;
    if (length < 2 || text[0] != '\0')
        return name_behind(0, text, length, 0);
    switch (text[1]) {
    case DYNSUP_NAME_OF_PID:
        assert(length >= 2 + sizeof registry && "a whole pid");
        memcpy(&registry, text + 2, sizeof registry);
        return name_behind(registry ? registry : NOBODY, text, length, 2 + sizeof registry);
    case DYNSUP_NAME_OF_NAME:
        assert(length >= 2 + sizeof size && "a whole length");
        memcpy(&size, text + 2, sizeof size);
        assert(length - 2 - sizeof size >= size && "a whole name of a registry");
        registry = registry_named(host, text + 2 + sizeof size, size);
        return name_behind(registry, text, length, 2 + sizeof size + size);
    default:
        return name_behind(0, text, length, 2);
    }
}

dsi_name *dsi_name_find(const dynsup_host *host, const char *text, size_t length) {
    parsed_name name = name_parse(host, text, length);
    return dsi_names_find_in(&host->names, name.registry, name.text, name.length);
}

static int key_make(dynsup_host *host, const parsed_name *name, const dynsup_value *value,
                    dsi_name **name_out) {
    const dsi_process *process = dsi_process_find_alive(host, name->registry);
    dsi_registry *registry = process ? dsi_registry_of(process) : NULL;
    if (!registry || !registry->unique)
        return DYNSUP_EUNKNOWN_REGISTRY;
    const dsi_key *key = dsi_key_new(registry, name->text, name->length, *value);
    if (!key)
        return DYNSUP_ENOMEM;
    dsi_value_copy(host, *value);
    *name_out = key->name;
    return 0;
}

int dsi_name_make(dynsup_host *host, const char *text, size_t length, const dynsup_value *key,
                  dsi_name **name_out) {
    parsed_name name = name_parse(host, text, length);
    if (name.registry)
        return key_make(host, &name, key, name_out);
    *name_out = dsi_names_add(&host->names, name.text, name.length);
    return *name_out ? 0 : DYNSUP_ENOMEM;
}

int dsi_name_give(dynsup_host *host, dsi_process *process, const char *text, size_t length,
                  const dynsup_value *key, const dynsup_value *value) {
    dsi_name *name;
    dsi_process_extra *extra = dsi_process_extra_get(host, process);
    int status = extra ? dsi_name_make(host, text, length, key, &name) : DYNSUP_ENOMEM;
    if (status)
        return status;
    if (!name->key) {
        name->process = process;
        extra->name = name;
        return 0;
    }
    if (!dsi_entry_new(name->key, process, *value)) {
        dsi_key_free_if_unused(name->key);
        return DYNSUP_ENOMEM;
    }
    dsi_value_copy(host, *value);
    return 0;
}

/* ---- the end of a registry ---- */

/* Signals the owner of an entry, as along a link; once, however many entries it has. A normal end,
 * which a link ignores, is signalled as shutdown: the next registry may give the key to another
 * process. */
static void owner_tell(dsi_registry *registry, dsi_process *owner) {
    dsi_process *self = registry->process;
    bool normal = self->reason.kind == DYNSUP_REASON_NORMAL;
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    if (owner->extra->told == self->slot.id || (!normal && dsi_linked(owner, self)))
        return;
    owner->extra->told = self->slot.id;
    dsi_signal(registry->host, owner, self->slot.id, normal ? &shutdown : &self->reason,
               DSI_SIGNAL_LINK);
}

static void key_lost(dsi_key *key) {
    dsi_node *node;
    while ((node = dsi_list_first(&key->entries))) {
        dsi_process *owner = dsi_entry_of_node(node)->process;
        entry_end(dsi_entry_of_node(node));
        owner_tell(key->registry, owner);
    }
    if (key->name->child) { /* the child keeps the name, and will take it again */
        key->name->key = NULL;
        key->name = NULL;
    }
    key_free(key);
}

void dsi_registry_ended(dsi_registry *registry) {
    dsi_node *node;
    while ((node = dsi_list_first(&registry->keys)))
        key_lost(dsi_item(node, dsi_key, node));
    dsi_memory_free(&registry->host->memory, registry, sizeof *registry);
}
