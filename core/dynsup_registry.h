/*
 * Registries: keys by which processes are known, besides their names.
 *
 * A registry is a process that runs no code. It has entries of processes under keys, each with a
 * value. Here a key is a text of any bytes; what others see as the key, and the values, are opaque.
 * Functions on a registry that does not exist return DYNSUP_ENOPROC or DYNSUP_ENOT_A_REGISTRY. A
 * part of dynsup.h, which includes it.
 */
#ifndef DYNSUP_REGISTRY_H
#define DYNSUP_REGISTRY_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* What a process has under a key. */
typedef struct dynsup_entry dynsup_entry;

/* A new registry, child and linked partner of the current process, if any; with a name unless that
 * is NULL. unique: a key has one entry at most. 0; DYNSUP_EALREADY_STARTED with the owner of the
 * name in *pid_out (0: a child that restarts); DYNSUP_EUNKNOWN_REGISTRY: the name is a key of a
 * registry that does not exist; DYNSUP_ENOMEM. */
int dynsup_registry_start(dynsup_host *host, bool unique, const char *name, size_t length,
                          dynsup_pid *pid_out);

typedef struct dynsup_registry_info {
    bool unique;
    size_t entry_count; /* including those of processes that are about to end */
} dynsup_registry_info;

/* A look at a registry. */
int dynsup_registry_inspect(const dynsup_host *host, dynsup_pid registry,
                            dynsup_registry_info *info_out);

/* Ends the registry with this reason, whose objects stay the caller's. Processes with entries get
 * it as along a link, and "shutdown" in place of "normal". false: it does not exist. */
bool dynsup_registry_stop(dynsup_host *host, dynsup_pid registry, const dynsup_reason *reason);

/* An entry of the current process; it ends with the process, before anyone is notified of that, or
 * with the registry. 0: the objects of key and value are the core's. DYNSUP_ETAKEN with the owner
 * of a unique registry's key in *pid_out (0: a child that restarts); DYNSUP_ENOPROC;
 * DYNSUP_ENOT_A_REGISTRY; DYNSUP_ECLOSING; DYNSUP_ENOMEM. */
int dynsup_entry_add(dynsup_host *host, dynsup_pid registry, const char *text, size_t length,
                     dynsup_value key, dynsup_value value, dynsup_pid *pid_out);

/* Ends an entry. DYNSUP_ETAKEN: the entry is a child's name, which the child keeps. */
int dynsup_entry_remove(dynsup_host *host, dynsup_entry *entry);

/* Replaces the entry's value; its object changes hands. */
void dynsup_entry_set(dynsup_host *host, dynsup_entry *entry, dynsup_value value);

/* The owner of a unique registry's key; 0: nobody, or there is no such registry. */
dynsup_pid dynsup_registry_whereis(const dynsup_host *host, dynsup_pid registry, const char *text,
                                   size_t length);

/* Walks over entries, from the first to the next: those of a key, in the order they were made; all
 * of a registry, key by key; those of a process in a registry, the latest first. The result is
 * borrowed until the core is called for anything else; NULL: no more. Entries of ending processes
 * are left out. */
dynsup_entry *dynsup_entry_first(const dynsup_host *host, dynsup_pid registry, const char *text,
                                 size_t length);
dynsup_entry *dynsup_entry_next(const dynsup_entry *entry);
dynsup_entry *dynsup_registry_first(const dynsup_host *host, dynsup_pid registry);
dynsup_entry *dynsup_registry_next(const dynsup_entry *entry);
dynsup_entry *dynsup_owned_first(const dynsup_host *host, dynsup_pid registry, dynsup_pid pid);
dynsup_entry *dynsup_owned_next(const dynsup_entry *entry);

typedef struct dynsup_entry_info {
    dynsup_pid pid;
    uint64_t number;         /* unique in the host for ever; later entries have higher numbers */
    dynsup_value key, value; /* borrowed */
} dynsup_entry_info;

/* What is in an entry. */
dynsup_entry_info dynsup_entry_inspect(const dynsup_entry *entry);

DYNSUP_DECLARATIONS_END

#endif
