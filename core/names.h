/*
 * Names: a table from strings to owners that never pauses to rehash.
 *
 * Design notes.
 * Linear hashing: each insertion splits at most one bucket, so growing to a million names costs no
 * pause. Buckets live in segments of 256 that never move. The hash is seeded by the host, so that
 * names chosen by others cannot be made to collide. Entries belong to the table; what they mean
 * (a process's name, a child's name, a registry's key) is the owner's affair. Each registry has its
 * own name space: its pid is part of what is hashed and compared.
 */
#ifndef DSI_NAMES_H
#define DSI_NAMES_H

#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

struct dsi_process;
struct dsi_child;
struct dsi_key;

typedef struct dsi_name {
    struct dsi_name *next;
    struct dsi_process *process; /* the process found by the name; NULL while its child restarts */
    struct dsi_child *child;     /* the child whose name it is, until that is removed; or NULL */
    struct dsi_key *key;         /* what a registry keeps under the name; NULL: a plain name */
    uint64_t registry;           /* the pid of the registry whose name it is; 0: a plain name */
    uint64_t hash;
    size_t length;
    char text[]; /* length bytes and a final 0; may contain zeros */
} dsi_name;

typedef struct dsi_names {
    dsi_memory *memory;
    dsi_name ***segments;
    size_t segment_capacity;
    size_t bucket_count;
    size_t count;
    uint64_t seed;
} dsi_names;

/* Allocates nothing. */
void dsi_names_init(dsi_names *names, dsi_memory *memory, uint64_t seed);

/* Frees every entry and the table. */
void dsi_names_fini(dsi_names *names);

/* The entry among those of the registry (0: the plain names), or NULL. */
dsi_name *dsi_names_find_in(const dsi_names *names, uint64_t registry, const char *text,
                            size_t length);

/* A new entry without owner for a name that is not there yet, or NULL without memory. */
dsi_name *dsi_names_add_in(dsi_names *names, uint64_t registry, const char *text, size_t length);

/* The same two for plain names. */
static inline dsi_name *dsi_names_find(const dsi_names *names, const char *text, size_t length) {
    return dsi_names_find_in(names, 0, text, length);
}

static inline dsi_name *dsi_names_add(dsi_names *names, const char *text, size_t length) {
    return dsi_names_add_in(names, 0, text, length);
}

/* Takes the entry out and frees it. */
void dsi_names_remove(dsi_names *names, dsi_name *name);

#endif
