/* Tests of slots: what an id finds, when it goes stale, and how slots and memory run out. */
#include "test_support.h"

#include "slots.h"

#define ITEMS 3000

typedef struct item {
    dsi_slot slot;
    uint64_t value;
    char rest[24];
} item;

typedef struct fixture {
    dsi_test_alloc alloc;
    dsi_memory memory;
    dsi_slots slots;
} fixture;

static int fixture_init(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    dsi_memory_init(&f->memory, dsi_test_alloc_call, &f->alloc);
    dsi_slots_init(&f->slots, &f->memory, DSI_ID_PROCESS, sizeof(item));
    *state = f;
    return 0;
}

static int fixture_fini(void **state) {
    fixture *f = *state;
    dsi_slots_fini(&f->slots);
    assert_int_equal(f->memory.in_use, 0);
    dsi_test_alloc_check_empty(&f->alloc);
    free(f);
    return 0;
}

static item *taken(dsi_slots *slots) {
    item *it = dsi_slots_new(slots);
    assert_non_null(it);
    return it;
}

static void generation_set(item *it, uint32_t generation) {
    dynsup_id mask = (dynsup_id)DSI_ID_MAX_GENERATION << DSI_ID_SLOT_BITS;
    it->slot.id = (it->slot.id & ~mask) | (dynsup_id)generation << DSI_ID_SLOT_BITS;
}

static void nothing_is_allocated_before_the_first_item(void **state) {
    fixture *f = *state;
    assert_int_equal(f->memory.in_use, 0);
    assert_null(dsi_slots_find(&f->slots, 0));
    assert_null(dsi_slots_find(&f->slots, UINT64_MAX));
    uint32_t cursor = 0;
    assert_null(dsi_slots_next(&f->slots, &cursor));
}

static void the_first_slot_is_number_one(void **state) {
    fixture *f = *state;
    item *first = taken(&f->slots);
    item *second = taken(&f->slots);
    assert_int_equal(dsi_id_slot(first->slot.id), 1);
    assert_int_equal(dsi_id_slot(second->slot.id), 2);
    assert_int_equal(dsi_id_generation(first->slot.id), 0);
    assert_int_equal(dsi_id_node(first->slot.id), 0);
    assert_int_equal(dsi_id_kind_of(first->slot.id), DSI_ID_PROCESS);
}

static void ids_of_different_kinds_differ(void **state) {
    fixture *f = *state;
    static const enum dsi_id_kind kinds[] = {DSI_ID_PROCESS, DSI_ID_REF, DSI_ID_TIMER,
                                             DSI_ID_CHILD_REF, DSI_ID_CLOCK_REF};
    dynsup_id ids[5];
    for (int i = 0; i < 5; i++) {
        dsi_slots slots;
        dsi_slots_init(&slots, &f->memory, kinds[i], sizeof(item));
        ids[i] = ((item *)dsi_slots_new(&slots))->slot.id;
        for (int k = 0; k < i; k++)
            assert_null(dsi_slots_find(&slots, ids[k]));
        assert_int_equal(dsi_id_kind_of(ids[i]), kinds[i] & 3);
        assert_int_equal(dsi_id_node(ids[i]), 0);
        assert_int_equal(dsi_id_slot(ids[i]), 1);
        assert_int_equal(dsi_id_generation(ids[i]), 0);
        dsi_slots_fini(&slots);
    }
}

static void a_live_id_finds_its_item(void **state) {
    fixture *f = *state;
    item *it = taken(&f->slots);
    assert_ptr_equal(dsi_slots_find(&f->slots, it->slot.id), it);
    assert_int_equal(f->slots.live_count, 1);
}

static void a_stale_id_is_not_found(void **state) {
    fixture *f = *state;
    item *it = taken(&f->slots);
    dynsup_id stale = it->slot.id;
    dsi_slots_free(&f->slots, it);
    assert_null(dsi_slots_find(&f->slots, stale));
    item *again = taken(&f->slots);
    assert_ptr_equal(again, it);
    assert_true(again->slot.id != stale);
    assert_null(dsi_slots_find(&f->slots, stale));
    assert_ptr_equal(dsi_slots_find(&f->slots, again->slot.id), again);
}

static void the_next_id_of_a_free_slot_is_not_found(void **state) {
    fixture *f = *state;
    item *it = taken(&f->slots);
    dsi_slots_free(&f->slots, it);
    assert_null(dsi_slots_find(&f->slots, it->slot.id));
    dynsup_id never_used = it->slot.id + 100;
    assert_null(dsi_slots_find(&f->slots, never_used));
}

static void foreign_and_unknown_ids_are_not_found(void **state) {
    fixture *f = *state;
    item *it = taken(&f->slots);
    dynsup_id id = it->slot.id;
    assert_null(dsi_slots_find(&f->slots, id ^ (dynsup_id)3 << 62));
    assert_null(dsi_slots_find(&f->slots, id | (dynsup_id)1 << 54));
    assert_null(dsi_slots_find(&f->slots, id | (dynsup_id)1 << 48));
    assert_null(dsi_slots_find(&f->slots, id + DSI_SLOT_PAGE_SIZE));
    assert_null(dsi_slots_find(&f->slots, id - dsi_id_slot(id)));
    assert_null(dsi_slots_find(&f->slots, 0));
}

static void a_reused_item_is_zeroed(void **state) {
    fixture *f = *state;
    item zero = {0};
    item *it = taken(&f->slots);
    assert_memory_equal(&it->value, &zero.value, sizeof zero - offsetof(item, value));
    memset(&it->value, 0xff, sizeof zero - offsetof(item, value));
    dsi_slots_free(&f->slots, it);
    assert_ptr_equal(dsi_slots_new(&f->slots), it);
    assert_memory_equal(&it->value, &zero.value, sizeof zero - offsetof(item, value));
}

static void the_slot_freed_last_is_reused_first(void **state) {
    fixture *f = *state;
    item *items[3];
    for (int i = 0; i < 3; i++)
        items[i] = taken(&f->slots);
    dsi_slots_free(&f->slots, items[0]);
    dsi_slots_free(&f->slots, items[2]);
    assert_ptr_equal(dsi_slots_new(&f->slots), items[2]);
    assert_ptr_equal(dsi_slots_new(&f->slots), items[0]);
}

static void items_do_not_move_when_pages_are_added(void **state) {
    fixture *f = *state;
    static item *items[ITEMS];
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i] = taken(&f->slots);
        items[i]->value = i;
    }
    for (uint64_t i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i]->value, i);
        assert_ptr_equal(dsi_slots_find(&f->slots, items[i]->slot.id), items[i]);
    }
    assert_int_equal(f->slots.page_count, ITEMS / DSI_SLOT_PAGE_SIZE + 1);
}

static void a_slot_without_generations_is_retired(void **state) {
    fixture *f = *state;
    item *it = taken(&f->slots);
    generation_set(it, DSI_ID_MAX_GENERATION - 1);
    dsi_slots_free(&f->slots, it);
    assert_ptr_equal(dsi_slots_new(&f->slots), it);
    assert_int_equal(dsi_id_generation(it->slot.id), DSI_ID_MAX_GENERATION);
    assert_ptr_equal(dsi_slots_find(&f->slots, it->slot.id), it);
    dynsup_id last = it->slot.id;
    dsi_slots_free(&f->slots, it);
    assert_null(dsi_slots_find(&f->slots, last));
    for (int i = 0; i < 600; i++)
        assert_ptr_not_equal(dsi_slots_new(&f->slots), it);
    assert_null(dsi_slots_find(&f->slots, last));
    assert_int_equal(f->slots.live_count, 600);
}

static void retiring_keeps_the_other_free_slots(void **state) {
    fixture *f = *state;
    item *a = taken(&f->slots);
    item *b = taken(&f->slots);
    dsi_slots_free(&f->slots, a);
    generation_set(b, DSI_ID_MAX_GENERATION);
    dsi_slots_free(&f->slots, b);
    assert_ptr_equal(dsi_slots_new(&f->slots), a);
}

static void without_a_slot_left_nothing_is_made(void **state) {
    fixture *f = *state;
    f->slots.page_count = 1u << (DSI_ID_SLOT_BITS - DSI_SLOT_PAGE_BITS);
    f->slots.begun = 1u << DSI_ID_SLOT_BITS;
    assert_null(dsi_slots_new(&f->slots));
    assert_int_equal(f->slots.live_count, 0);
    f->slots.page_count = f->slots.begun = 0;
}

static void a_walk_meets_live_items_in_slot_order(void **state) {
    fixture *f = *state;
    item *items[5];
    for (int i = 0; i < 5; i++)
        items[i] = taken(&f->slots);
    dsi_slots_free(&f->slots, items[0]);
    dsi_slots_free(&f->slots, items[3]);
    uint32_t cursor = 0;
    assert_ptr_equal(dsi_slots_next(&f->slots, &cursor), items[1]);
    assert_int_equal(cursor, 3);
    assert_ptr_equal(dsi_slots_next(&f->slots, &cursor), items[2]);
    assert_ptr_equal(dsi_slots_next(&f->slots, &cursor), items[4]);
    assert_null(dsi_slots_next(&f->slots, &cursor));
    assert_null(dsi_slots_next(&f->slots, &cursor));
}

static void a_walk_survives_changes_on_its_way(void **state) {
    fixture *f = *state;
    for (int i = 0; i < 1000; i++)
        dsi_slots_new(&f->slots);
    uint32_t cursor = 0;
    int visited = 0;
    for (item *it; (it = dsi_slots_next(&f->slots, &cursor)); visited++)
        dsi_slots_free(&f->slots, it);
    assert_int_equal(visited, 1000);
    assert_int_equal(f->slots.live_count, 0);
}

/* The model: the live items, and ids that have gone stale. */
typedef struct model {
    item *live[ITEMS];
    dynsup_id stale[ITEMS];
    uint32_t count;
} model;

static void new_both(dsi_slots *slots, model *m) {
    item *it = dsi_slots_new(slots);
    assert_non_null(it);
    m->live[m->count++] = it;
}

static void free_both(dsi_slots *slots, model *m, uint32_t i, dynsup_id *stale_out) {
    *stale_out = m->live[i]->slot.id;
    dsi_slots_free(slots, m->live[i]);
    m->live[i] = m->live[--m->count];
}

static void both_check(const dsi_slots *slots, const model *m) {
    assert_int_equal(slots->live_count, m->count);
    for (uint32_t i = 0; i < m->count; i++)
        assert_ptr_equal(dsi_slots_find(slots, m->live[i]->slot.id), m->live[i]);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_null(dsi_slots_find(slots, m->stale[i]));
    uint32_t walked = 0;
    for (uint32_t cursor = 0; dsi_slots_next(slots, &cursor);)
        walked++;
    assert_int_equal(walked, m->count);
}

static void slots_match_a_model(void **state) {
    fixture *f = *state;
    static model m;
    uint64_t random = 3;
    for (uint32_t step = 0; step < 50000; step++) {
        bool grow = dsi_test_random_below(&random, 100) < (step / 10000 % 2 ? 40u : 60u);
        if (grow && m.count < ITEMS)
            new_both(&f->slots, &m);
        else if (m.count > 0)
            free_both(&f->slots, &m, dsi_test_random_below(&random, m.count),
                      &m.stale[step % ITEMS]);
        if (step % 100 == 0)
            both_check(&f->slots, &m);
    }
    both_check(&f->slots, &m);
}

static bool thousands_of_items(dsi_memory *memory) {
    dsi_slots slots;
    dsi_slots_init(&slots, memory, DSI_ID_TIMER, sizeof(item));
    uint32_t made = 0;
    for (int i = 0; i < ITEMS; i++)
        made += dsi_slots_new(&slots) != NULL;
    assert_int_equal(slots.live_count, made);
    dsi_slots_fini(&slots);
    return made == ITEMS;
}

static void lack_of_memory_loses_nothing(void **state) {
    (void)state;
    dsi_test_sweep(thousands_of_items);
}

#define slots_test(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_fini)

int main(void) {
    const struct CMUnitTest tests[] = {
        slots_test(nothing_is_allocated_before_the_first_item),
        slots_test(the_first_slot_is_number_one),
        slots_test(ids_of_different_kinds_differ),
        slots_test(a_live_id_finds_its_item),
        slots_test(a_stale_id_is_not_found),
        slots_test(the_next_id_of_a_free_slot_is_not_found),
        slots_test(foreign_and_unknown_ids_are_not_found),
        slots_test(a_reused_item_is_zeroed),
        slots_test(the_slot_freed_last_is_reused_first),
        slots_test(items_do_not_move_when_pages_are_added),
        slots_test(a_slot_without_generations_is_retired),
        slots_test(retiring_keeps_the_other_free_slots),
        slots_test(without_a_slot_left_nothing_is_made),
        slots_test(a_walk_meets_live_items_in_slot_order),
        slots_test(a_walk_survives_changes_on_its_way),
        slots_test(slots_match_a_model),
        cmocka_unit_test(lack_of_memory_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
