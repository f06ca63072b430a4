/* Tests of heap: order, removal from anywhere, and heaps of awkward shapes. */
#include "test_support.h"

#include "heap.h"
#include "list.h"

#define ITEMS  500
#define MANY   200000
#define ABSENT UINT64_MAX

typedef struct item {
    uint64_t key; /* ABSENT when it is not in the heap */
    dsi_heap_node node;
} item;

static item *item_of(const dsi_heap_node *node) {
    return dsi_item(node, item, node);
}

static bool item_before(const dsi_heap_node *a, const dsi_heap_node *b) {
    return item_of(a)->key < item_of(b)->key;
}

static void node_check(const dsi_heap_node *node) {
    const dsi_heap_node *prev = node;
    for (const dsi_heap_node *child = node->child; child; child = child->sibling) {
        assert_ptr_equal(child->prev, prev);
        assert_false(item_before(child, node));
        node_check(child);
        prev = child;
    }
}

static void heap_check(const dsi_heap *heap) {
    if (heap->root == NULL)
        return;
    assert_null(heap->root->prev);
    assert_null(heap->root->sibling);
    node_check(heap->root);
}

static uint64_t heap_pop(dsi_heap *heap) {
    item *first = item_of(dsi_heap_first(heap));
    dsi_heap_remove(heap, &first->node);
    return first->key;
}

static void item_insert(dsi_heap *heap, item *it, uint64_t key) {
    it->key = key;
    dsi_heap_insert(heap, &it->node);
}

static uint64_t lowest_key(const item *items, size_t count) {
    uint64_t lowest = ABSENT;
    for (size_t i = 0; i < count; i++)
        lowest = items[i].key < lowest ? items[i].key : lowest;
    return lowest;
}

static void an_empty_heap_has_no_first(void **state) {
    (void)state;
    dsi_heap heap;
    dsi_heap_init(&heap, item_before);
    assert_null(dsi_heap_first(&heap));
}

static void nodes_come_out_in_order(void **state) {
    (void)state;
    const uint64_t keys[] = {5, 3, 9, 1, 7, 0, 8, 2, 6, 4};
    item items[10];
    dsi_heap heap;
    dsi_heap_init(&heap, item_before);
    for (int i = 0; i < 10; i++)
        item_insert(&heap, &items[i], keys[i]);
    heap_check(&heap);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(heap_pop(&heap), i);
    assert_null(dsi_heap_first(&heap));
}

static void a_removed_node_may_be_inserted_again(void **state) {
    (void)state;
    item items[3];
    dsi_heap heap;
    dsi_heap_init(&heap, item_before);
    for (uint64_t i = 0; i < 3; i++)
        item_insert(&heap, &items[i], i);
    dsi_heap_remove(&heap, &items[1].node);
    item_insert(&heap, &items[1], 10);
    assert_int_equal(heap_pop(&heap), 0);
    assert_int_equal(heap_pop(&heap), 2);
    assert_int_equal(heap_pop(&heap), 10);
}

static void a_heap_matches_a_search_for_the_lowest(void **state) {
    (void)state;
    static item items[ITEMS];
    uint64_t random = 4;
    dsi_heap heap;
    dsi_heap_init(&heap, item_before);
    for (int i = 0; i < ITEMS; i++)
        items[i].key = ABSENT;
    for (int step = 0; step < 30000; step++) {
        item *it = &items[dsi_test_random_below(&random, ITEMS)];
        if (it->key == ABSENT) {
            item_insert(&heap, it, dsi_test_random(&random) % 1000 * ITEMS + (size_t)(it - items));
        } else {
            if (dsi_test_random_below(&random, 2))
                it = item_of(dsi_heap_first(&heap));
            dsi_heap_remove(&heap, &it->node);
            it->key = ABSENT;
        }
        uint64_t lowest = lowest_key(items, ITEMS);
        assert_int_equal(heap.root ? item_of(heap.root)->key : ABSENT, lowest);
        if (step % 16 == 0)
            heap_check(&heap);
    }
}

/* Ascending keys make one long list of children, descending keys one long chain. */
static void long_lists_and_chains_need_no_stack(void **state) {
    (void)state;
    item *items = calloc(MANY, sizeof *items);
    assert_non_null(items);
    for (int descending = 0; descending <= 1; descending++) {
        dsi_heap heap;
        dsi_heap_init(&heap, item_before);
        for (uint64_t i = 0; i < MANY; i++)
            item_insert(&heap, &items[i], descending ? MANY - 1 - i : i);
        dsi_heap_remove(&heap, &items[MANY / 2].node);
        uint64_t missing = items[MANY / 2].key;
        for (uint64_t i = 0; i < MANY; i++)
            if (i != missing)
                assert_int_equal(heap_pop(&heap), i);
        assert_null(dsi_heap_first(&heap));
    }
    free(items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(nodes_come_out_in_order),
        cmocka_unit_test(a_removed_node_may_be_inserted_again),
        cmocka_unit_test(a_heap_matches_a_search_for_the_lowest),
        cmocka_unit_test(long_lists_and_chains_need_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
