/*
 * An index of children by their ids: the children of a static supervisor.
 *
 * An open-addressing table with at least twice as many places as children; the ids stay the
 * children's. Finding, adding and removing take constant time.
 */
#ifndef DSI_CHILD_INDEX_H
#define DSI_CHILD_INDEX_H

#include "child.h"

typedef struct dsi_child_place {
    uint64_t hash;
    dsi_child *child; /* NULL: free */
} dsi_child_place;

typedef struct dsi_child_index {
    dynsup_host *host;
    dsi_child_place *places;
    size_t capacity; /* 0, or a power of two */
    size_t count;
} dsi_child_index;

void dsi_child_index_init(dsi_child_index *index, dynsup_host *host);
void dsi_child_index_fini(dsi_child_index *index);

/* The child with this id, or NULL. */
dsi_child *dsi_child_index_find(const dsi_child_index *index, const dynsup_value *id);

/* Makes sure that one more child can be added; false without memory. */
bool dsi_child_index_reserve(dsi_child_index *index);

/* Adds a child whose id no other has; there must be room. */
void dsi_child_index_add(dsi_child_index *index, dsi_child *child);

/* Takes the child out. */
void dsi_child_index_remove(dsi_child_index *index, const dsi_child *child);

#endif
