/*
 * Intrusive lists: the node lives inside the item, so that no operation allocates or fails.
 *
 * dsi_list: doubly linked and circular, keeps order; every operation is O(1).
 * dsi_bag: one pointer for its head, without order; for heads that exist a million times.
 *
 * Invariants: a node is in at most one list or bag; a node that is in none is zeroed, which is
 * how `linked` tells. All functions are inline, none allocates.
 */
#ifndef DSI_LIST_H
#define DSI_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dsi_node {
    struct dsi_node *next;
    struct dsi_node *prev;
} dsi_node;

typedef struct dsi_list {
    dsi_node head;
} dsi_list;

/* The item of the given type whose member is the node (a NULL node is not allowed). */
#define dsi_item(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void dsi_list_init(dsi_list *list) {
    list->head.next = list->head.prev = &list->head;
}

static inline bool dsi_list_empty(const dsi_list *list) {
    return list->head.next == &list->head;
}

static inline bool dsi_node_linked(const dsi_node *node) {
    return node->next != NULL;
}

/* Puts node before place; place may be a list's head (then node becomes the last). */
static inline void dsi_node_insert(dsi_node *node, dsi_node *place) {
    node->next = place;
    node->prev = place->prev;
    place->prev->next = node;
    place->prev = node;
}

static inline void dsi_list_append(dsi_list *list, dsi_node *node) {
    dsi_node_insert(node, &list->head);
}

static inline void dsi_list_prepend(dsi_list *list, dsi_node *node) {
    dsi_node_insert(node, list->head.next);
}

/* Takes node out of the list it is in; does nothing when it is in none. */
static inline void dsi_node_remove(dsi_node *node) {
    if (node->next == NULL)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* The first node, or NULL. */
static inline dsi_node *dsi_list_first(const dsi_list *list) {
    return dsi_list_empty(list) ? NULL : list->head.next;
}

/* The last node, or NULL. */
static inline dsi_node *dsi_list_last(const dsi_list *list) {
    return dsi_list_empty(list) ? NULL : list->head.prev;
}

/* The node after this one, or NULL. */
static inline dsi_node *dsi_list_next(const dsi_list *list, const dsi_node *node) {
    return node->next == &list->head ? NULL : node->next;
}

/* Takes the first node out and returns it, or NULL. */
static inline dsi_node *dsi_list_pop(dsi_list *list) {
    dsi_node *node = dsi_list_first(list);
    if (node)
        dsi_node_remove(node);
    return node;
}

/* Visits every node; the body may not remove any. */
#define dsi_list_each(node, list)                                                                  \
    for (dsi_node *node = (list)->head.next; node != &(list)->head; node = node->next)

typedef struct dsi_bag_node {
    struct dsi_bag_node *next;
    struct dsi_bag_node **link; /* the pointer that points here */
} dsi_bag_node;

typedef struct dsi_bag {
    dsi_bag_node *first;
} dsi_bag;

static inline void dsi_bag_add(dsi_bag *bag, dsi_bag_node *node) {
    node->next = bag->first;
    node->link = &bag->first;
    if (node->next)
        node->next->link = &node->next;
    bag->first = node;
}

/* Takes node out of the bag it is in; does nothing when it is in none. */
static inline void dsi_bag_remove(dsi_bag_node *node) {
    if (node->link == NULL)
        return;
    *node->link = node->next;
    if (node->next)
        node->next->link = node->link;
    node->next = NULL;
    node->link = NULL;
}

/* Visits every node; the body may not remove any. */
#define dsi_bag_each(node, bag) for (dsi_bag_node *node = (bag)->first; node; node = node->next)

#endif
