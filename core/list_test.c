/* Tests of list: order, membership, and both kinds against a naive model. */
#include "test_support.h"

#include "list.h"

#define ITEMS 20

typedef struct item {
    char name;
    dsi_node node;
    dsi_bag_node bag_node;
} item;

static const char *list_spell(const dsi_list *list) {
    static char text[ITEMS + 1];
    size_t length = 0;
    dsi_list_each (node, list)
        text[length++] = dsi_item(node, item, node)->name;
    text[length] = 0;
    return text;
}

static void list_check(const dsi_list *list) {
    dsi_list_each (node, list) {
        assert_ptr_equal(node->next->prev, node);
        assert_ptr_equal(node->prev->next, node);
    }
}

static void items_name(item items[ITEMS]) {
    memset(items, 0, ITEMS * sizeof *items);
    for (int i = 0; i < ITEMS; i++)
        items[i].name = (char)('a' + i);
}

static void an_empty_list_has_no_nodes(void **state) {
    (void)state;
    dsi_list list;
    dsi_list_init(&list);
    assert_true(dsi_list_empty(&list));
    assert_null(dsi_list_first(&list));
    assert_null(dsi_list_last(&list));
    assert_null(dsi_list_pop(&list));
}

static void nodes_keep_the_order_in_which_they_came(void **state) {
    (void)state;
    item items[ITEMS];
    items_name(items);
    dsi_list list;
    dsi_list_init(&list);
    dsi_list_append(&list, &items[1].node);
    dsi_list_append(&list, &items[2].node);
    dsi_list_prepend(&list, &items[0].node);
    dsi_node_insert(&items[3].node, &items[2].node);
    assert_string_equal(list_spell(&list), "abdc");
    assert_ptr_equal(dsi_list_first(&list), &items[0].node);
    assert_ptr_equal(dsi_list_last(&list), &items[2].node);
    assert_ptr_equal(dsi_list_next(&list, &items[0].node), &items[1].node);
    assert_null(dsi_list_next(&list, &items[2].node));
}

static void a_removed_node_is_not_linked_and_may_be_removed_again(void **state) {
    (void)state;
    item items[ITEMS];
    items_name(items);
    dsi_list list;
    dsi_list_init(&list);
    assert_false(dsi_node_linked(&items[0].node));
    dsi_node_remove(&items[0].node);
    dsi_list_append(&list, &items[0].node);
    dsi_list_append(&list, &items[1].node);
    assert_true(dsi_node_linked(&items[0].node));
    dsi_node_remove(&items[0].node);
    dsi_node_remove(&items[0].node);
    assert_false(dsi_node_linked(&items[0].node));
    assert_string_equal(list_spell(&list), "b");
}

static void popping_takes_the_first_until_none_is_left(void **state) {
    (void)state;
    item items[ITEMS];
    items_name(items);
    dsi_list list;
    dsi_list_init(&list);
    for (int i = 0; i < ITEMS; i++)
        dsi_list_append(&list, &items[i].node);
    for (int i = 0; i < ITEMS; i++) {
        assert_ptr_equal(dsi_list_pop(&list), &items[i].node);
        assert_false(dsi_node_linked(&items[i].node));
    }
    assert_true(dsi_list_empty(&list));
}

/* Removes the item if it is in the list, else adds it at one end; does the same to the string of
 * names. */
static void toggle_both(dsi_list *list, char *model, item *it, bool at_end) {
    char *there = strchr(model, it->name);
    size_t length = strlen(model);
    if (there) {
        memmove(there, there + 1, strlen(there));
        dsi_node_remove(&it->node);
    } else if (at_end) {
        memcpy(model + length, (char[]){it->name, 0}, 2);
        dsi_list_append(list, &it->node);
    } else {
        memmove(model + 1, model, length + 1);
        model[0] = it->name;
        dsi_list_prepend(list, &it->node);
    }
}

static void a_list_matches_a_string_of_names(void **state) {
    (void)state;
    uint64_t random = 1;
    item items[ITEMS];
    items_name(items);
    dsi_list list;
    dsi_list_init(&list);
    char model[ITEMS + 1] = "";
    for (int step = 0; step < 20000; step++) {
        item *it = &items[dsi_test_random_below(&random, ITEMS)];
        toggle_both(&list, model, it, dsi_test_random_below(&random, 2));
        assert_string_equal(list_spell(&list), model);
        list_check(&list);
    }
}

static void a_bag_matches_a_set_of_flags(void **state) {
    (void)state;
    uint64_t random = 2;
    item items[ITEMS];
    items_name(items);
    dsi_bag bag = {0};
    unsigned model = 0;
    for (int step = 0; step < 20000; step++) {
        unsigned i = dsi_test_random_below(&random, ITEMS);
        if (model & 1u << i)
            dsi_bag_remove(&items[i].bag_node);
        else
            dsi_bag_add(&bag, &items[i].bag_node);
        model ^= 1u << i;
        unsigned found = 0;
        dsi_bag_each (node, &bag) {
            assert_ptr_equal(*node->link, node);
            found ^= 1u << (dsi_item(node, item, bag_node) - items);
        }
        assert_int_equal(found, model);
    }
}

static void removing_from_no_bag_does_nothing(void **state) {
    (void)state;
    item items[ITEMS];
    items_name(items);
    dsi_bag bag = {0};
    dsi_bag_remove(&items[0].bag_node);
    dsi_bag_add(&bag, &items[0].bag_node);
    dsi_bag_remove(&items[0].bag_node);
    dsi_bag_remove(&items[0].bag_node);
    assert_null(bag.first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_has_no_nodes),
        cmocka_unit_test(nodes_keep_the_order_in_which_they_came),
        cmocka_unit_test(a_removed_node_is_not_linked_and_may_be_removed_again),
        cmocka_unit_test(popping_takes_the_first_until_none_is_left),
        cmocka_unit_test(a_list_matches_a_string_of_names),
        cmocka_unit_test(a_bag_matches_a_set_of_flags),
        cmocka_unit_test(removing_from_no_bag_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
