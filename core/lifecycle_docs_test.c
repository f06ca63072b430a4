/*
 * Checks that docs/semantics.md shows the lifecycle table as lifecycle.c has it. With the argument
 * "table" the program prints the table, to be put there between the markers.
 */
#include "test_support.h"

#include "lifecycle.h"

#include <stdio.h>

#define PAGE       DYNSUP_SOURCE_DIR "/docs/semantics.md"
#define BEGINNING  "<!-- lifecycle -->\n"
#define END        "<!-- /lifecycle -->\n"
#define TABLE_SIZE 8192
#define PAGE_SIZE  (1 << 20)

typedef struct text {
    char chars[TABLE_SIZE];
    size_t length;
} text;

static void put(text *out, const char *chars) {
    size_t length = strlen(chars);
    assert_true(out->length + length < sizeof out->chars);
    memcpy(out->chars + out->length, chars, length + 1);
    out->length += length;
}

/* "running: tell who waits for it"; an empty cell if the event cannot happen. */
static void put_cell(text *out, enum dsi_child_state state, enum dsi_child_event event) {
    dsi_transition to = dsi_lifecycle(state, event);
    put(out, " |");
    if (to.state == state && to.action == DSI_DO_NOTHING)
        return;
    put(out, " ");
    put(out, dsi_child_state_text(to.state));
    put(out, ": ");
    put(out, dsi_child_action_text(to.action));
}

/* A row an event, a column a state that a child leaves. */
static void put_table(text *out) {
    put(out, "| event");
    for (int state = 0; state < DSI_CHILD_GONE; state++) {
        put(out, " | ");
        put(out, dsi_child_state_text((enum dsi_child_state)state));
    }
    put(out, " |\n|---");
    for (int state = 0; state < DSI_CHILD_GONE; state++)
        put(out, "|---");
    put(out, "|\n");
    for (int event = 0; event < DSI_CHILD_EVENT_COUNT; event++) {
        put(out, "| ");
        put(out, dsi_child_event_text((enum dsi_child_event)event));
        for (int state = 0; state < DSI_CHILD_GONE; state++)
            put_cell(out, (enum dsi_child_state)state, (enum dsi_child_event)event);
        put(out, " |\n");
    }
}

/* The page's part between the markers, 0-terminated. */
static const char *page_table(char *page) {
    FILE *file = fopen(PAGE, "rb");
    assert_non_null(file);
    page[fread(page, 1, PAGE_SIZE - 1, file)] = '\0';
    fclose(file);
    char *beginning = strstr(page, BEGINNING);
    char *end = strstr(page, END);
    assert_non_null(beginning);
    assert_non_null(end);
    *end = '\0';
    return beginning + strlen(BEGINNING);
}

static void the_docs_show_the_table_of_the_code(void **state) {
    (void)state;
    static char page[PAGE_SIZE];
    text expected = {.length = 0};
    put_table(&expected);
    assert_string_equal(page_table(page), expected.chars);
}

static void nothing_happens_to_a_child_that_is_gone(void **state) {
    (void)state;
    for (int event = 0; event < DSI_CHILD_EVENT_COUNT; event++) {
        dsi_transition to = dsi_lifecycle(DSI_CHILD_GONE, (enum dsi_child_event)event);
        assert_int_equal(to.state, DSI_CHILD_GONE);
        assert_int_equal(to.action, DSI_DO_NOTHING);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "table") == 0) {
        text table = {.length = 0};
        put_table(&table);
        fputs(table.chars, stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_docs_show_the_table_of_the_code),
        cmocka_unit_test(nothing_happens_to_a_child_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
