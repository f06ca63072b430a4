/*
 * A priority heap whose nodes live inside the items (a pairing heap), so that no operation
 * allocates or fails: insert is O(1), pop and remove are O(log n) amortised.
 */
#ifndef DSI_HEAP_H
#define DSI_HEAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dsi_heap_node {
    struct dsi_heap_node *child;
    struct dsi_heap_node *sibling;
    struct dsi_heap_node *prev; /* the sibling before it, or the parent of a first child */
} dsi_heap_node;

/* True when a must come out before b; a strict order. */
typedef bool (*dsi_heap_before_fn)(const dsi_heap_node *a, const dsi_heap_node *b);

typedef struct dsi_heap {
    dsi_heap_node *root;
    dsi_heap_before_fn before;
} dsi_heap;

void dsi_heap_init(dsi_heap *heap, dsi_heap_before_fn before);

/* The node that comes out next, or NULL. */
static inline dsi_heap_node *dsi_heap_first(const dsi_heap *heap) {
    return heap->root;
}

/* node is in no heap; what it holds is overwritten. */
void dsi_heap_insert(dsi_heap *heap, dsi_heap_node *node);

/* Takes out any node that is in the heap; iterative, whatever the heap's shape. */
void dsi_heap_remove(dsi_heap *heap, dsi_heap_node *node);

#endif
