/* Heap: a pairing heap; a node's children are a list, each child beginning a heap of its own. */
#include "heap.h"

#include <assert.h>
#include <stddef.h>

/* The one that comes first takes the other as its first child; its own siblings are the caller's
 * affair. */
static dsi_heap_node *node_merge(dsi_heap_before_fn before, dsi_heap_node *a, dsi_heap_node *b) {
    dsi_heap_node *parent = before(b, a) ? b : a;
    dsi_heap_node *child = parent == a ? b : a;
    child->prev = parent;
    child->sibling = parent->child;
    if (child->sibling)
        child->sibling->prev = child;
    parent->child = child;
    return parent;
}

/* Merges siblings two by two and returns the winners, the last one first. */
static dsi_heap_node *siblings_pair(dsi_heap_before_fn before, dsi_heap_node *node) {
    dsi_heap_node *winners = NULL;
    while (node) {
        dsi_heap_node *winner = node;
        dsi_heap_node *other = node->sibling;
        node = other ? other->sibling : NULL;
        if (other)
            winner = node_merge(before, winner, other);
        winner->sibling = winners;
        winners = winner;
    }
    return winners;
}

/* Makes one heap of a node's children; pairing first is what keeps pop at O(log n). */
static dsi_heap_node *children_merge(dsi_heap_before_fn before, dsi_heap_node *child) {
    dsi_heap_node *root = siblings_pair(before, child);
    if (root == NULL)
        return NULL;
    dsi_heap_node *rest = root->sibling;
    while (rest) {
        dsi_heap_node *next = rest->sibling;
        root = node_merge(before, root, rest);
        rest = next;
    }
    root->sibling = root->prev = NULL;
    return root;
}

static void node_cut(dsi_heap_node *node) {
    if (node->prev->child == node)
        node->prev->child = node->sibling;
    else
        node->prev->sibling = node->sibling;
    if (node->sibling)
        node->sibling->prev = node->prev;
}

void dsi_heap_init(dsi_heap *heap, dsi_heap_before_fn before) {
    *heap = (dsi_heap){.before = before};
}

void dsi_heap_insert(dsi_heap *heap, dsi_heap_node *node) {
    *node = (dsi_heap_node){0};
    heap->root = heap->root ? node_merge(heap->before, heap->root, node) : node;
}

void dsi_heap_remove(dsi_heap *heap, dsi_heap_node *node) {
    assert(heap->root != NULL && (node == heap->root || node->prev != NULL));
    dsi_heap_node *children = children_merge(heap->before, node->child);
    if (node == heap->root) {
        heap->root = children;
    } else {
        node_cut(node);
        if (children)
            heap->root = node_merge(heap->before, heap->root, children);
    }
    *node = (dsi_heap_node){0};
}
