/* Tests of the text machinery of reports: bounds, cuts, spelled-out characters, and numbers. */
#include "test_support.h"

#include "report_text.h"

static char buffer[256];

static dsi_text empty(size_t size) {
    memset(buffer, 0x5a, sizeof buffer);
    return dsi_text_empty(buffer, size);
}

static void check(const dsi_text *text) {
    assert_true(text->length < text->size);
    assert_int_equal(strlen(text->chars), text->length);
    for (size_t i = text->size; i < sizeof buffer; i++)
        assert_int_equal(buffer[i], 0x5a);
}

static void assert_text(dsi_text *text, const char *expected) {
    dsi_text_finish(text);
    check(text);
    assert_string_equal(text->chars, expected);
}

static void line_add(dsi_text *text, size_t max, const char *raw) {
    dsi_text part = dsi_text_part(text, max);
    dsi_text_put(&part, "%s", raw);
    dsi_text_join_line(text, &part);
    check(text);
}

static void block_add(dsi_text *text, size_t max, const char *raw) {
    dsi_text part = dsi_text_part(text, max);
    dsi_text_put(&part, "%s", raw);
    dsi_text_join_block(text, &part);
    check(text);
}

static void what_is_put_follows_what_is_there(void **state) {
    (void)state;
    dsi_text text = empty(20);
    assert_int_equal(dsi_text_room(&text), 19);
    dsi_text_put(&text, "%d %s", 12, "ab");
    dsi_text_put(&text, "!");
    assert_int_equal(dsi_text_room(&text), 13);
    assert_text(&text, "12 ab!");
}

static void a_text_that_just_fits_is_not_cut(void **state) {
    (void)state;
    dsi_text text = empty(6);
    dsi_text_put(&text, "%s", "12345");
    dsi_text_put(&text, "%s", "");
    assert_text(&text, "12345");
}

static void a_cut_text_ends_in_dots(void **state) {
    (void)state;
    const char *const expected[] = {"", ".", "..", "...", "a...", "ab...", "abcdef"};
    for (size_t size = 1; size <= 7; size++) {
        dsi_text text = empty(size);
        dsi_text_put(&text, "abc");
        dsi_text_put(&text, "def");
        assert_text(&text, expected[size - 1]);
    }
}

static void a_character_is_not_cut_in_two(void **state) {
    (void)state;
    const char *const expected[] = {"a...", "a...", "a...", "aä€", NULL};
    for (size_t size = 5; size <= 7; size++) {
        dsi_text text = empty(size);
        dsi_text_put(&text, "aä€"); /* 1 + 2 + 3 bytes */
        assert_text(&text, expected[size - 4]);
    }
    dsi_text text = empty(9);
    dsi_text_put(&text, "€€€");
    assert_text(&text, "€...");
}

static void rubbish_of_continuation_bytes_is_cut_all_the_same(void **state) {
    (void)state;
    dsi_text text = empty(8);
    dsi_text_put(&text, "\x80\x80\x80\x80\x80\x80\x80\x80\x80");
    assert_text(&text, "...");
}

static void a_part_is_cut_by_its_own_limit(void **state) {
    (void)state;
    dsi_text text = empty(60);
    dsi_text_put(&text, "<");
    line_add(&text, 8, "123456789");
    dsi_text_put(&text, ">");
    line_add(&text, 8, "12345678");
    assert_text(&text, "<12345...>12345678");
}

static void a_part_is_cut_by_the_end_of_the_text(void **state) {
    (void)state;
    dsi_text text = empty(10);
    dsi_text_put(&text, "abcd");
    line_add(&text, 100, "123456");
    assert_text(&text, "abcd12...");
    text = empty(5);
    dsi_text_put(&text, "abcd");
    line_add(&text, 100, "1");
    dsi_text_put(&text, "e");
    assert_text(&text, "a...");
}

static void dots_of_a_part_stay_in_the_part(void **state) {
    (void)state;
    dsi_text text = empty(60);
    dsi_text_put(&text, "abcd");
    line_add(&text, 2, "123");
    line_add(&text, 0, "1");
    assert_text(&text, "abcd..");
}

static void a_line_shows_its_first_line_only(void **state) {
    (void)state;
    dsi_text text = empty(60);
    line_add(&text, 20, "first\nsecond");
    dsi_text_put(&text, "|");
    line_add(&text, 20, "\n");
    dsi_text_put(&text, "|");
    line_add(&text, 6, "12345\n");
    assert_text(&text, "first...|...|123...");
}

static void a_block_has_its_lines_indented(void **state) {
    (void)state;
    dsi_text text = empty(100);
    dsi_text_put(&text, "reason: ");
    block_add(&text, 90, "boom\nstack:\n\tf\n\tg");
    dsi_text_put(&text, "\nend");
    assert_text(&text, "reason: boom\n        stack:\n            f\n            g\nend");
}

static void control_characters_are_spelled_out(void **state) {
    (void)state;
    dsi_text text = empty(100);
    line_add(&text, 90, "a\r\x1b[31mb\x7f\x01ü");
    assert_text(&text, "a\\013\\027[31mb\\127\\001ü");
}

static void control_characters_of_eight_bits_are_spelled_out(void **state) {
    (void)state;
    dsi_text text = empty(100);
    line_add(&text, 90,
             "a\xc2\x9b"
             "31mb\xc2\x80\xc2\xa0\xe2\x82\xac");
    assert_text(&text, "a\\194\\155"
                       "31mb\\194\\128\xc2\xa0\xe2\x82\xac");
}

static void bytes_that_are_no_utf8_are_replaced(void **state) {
    (void)state;
    dsi_text text = empty(100);
    line_add(&text, 90,
             "a\x9b"
             "b\xc3"
             "c\xe2\x82\xf0\x9f\x98\x80\x80\xff");
    assert_text(&text, "a\uFFFDb\uFFFDc\uFFFD\uFFFD\U0001F600\uFFFD\uFFFD");
}

static void part_of_a_character_at_a_cut_is_left_out(void **state) {
    (void)state;
    for (size_t max = 4; max <= 12; max++) {
        dsi_text text = empty(100);
        line_add(&text, max, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
        assert_null(strstr(text.chars, "\uFFFD"));
    }
}

static void what_grows_beyond_its_room_is_cut(void **state) {
    (void)state;
    for (size_t max = 0; max <= 60; max++) {
        dsi_text text = empty(100);
        dsi_text_put(&text, "<");
        block_add(&text, max, "a\n\n\tb\x1b\ncde");
        dsi_text_put(&text, ">");
        dsi_text_finish(&text);
        check(&text);
        bool is_whole = max >= strlen("a        \n        \n    b\\027        \ncde");
        assert_int_equal(strstr(text.chars, "...") == NULL, is_whole || max < 3);
    }
}

static void what_others_wrote_behind_the_text_is_taken(void **state) {
    (void)state;
    dsi_text text = empty(10);
    dsi_text_put(&text, "ab");
    memcpy(text.chars + text.length, "cd", 3);
    dsi_text_take(&text);
    assert_text(&text, "abcd");
}

static void what_fills_its_room_is_taken_for_cut(void **state) {
    (void)state;
    dsi_text text = empty(10);
    memset(text.chars, 'x', 10); /* the callee forgot the 0 */
    dsi_text_take(&text);
    assert_text(&text, "xxxxxx...");
}

static void thousandths_have_no_trailing_zeros(void **state) {
    (void)state;
    static const struct {
        uint64_t thousandths;
        const char *expected;
    } cases[] = {{0, "0"},
                 {1, "0.001"},
                 {10, "0.01"},
                 {50, "0.05"},
                 {500, "0.5"},
                 {120, "0.12"},
                 {1000, "1"},
                 {5000, "5"},
                 {10250, "10.25"},
                 {1000007, "1000.007"},
                 {UINT64_MAX, "18446744073709551.615"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dsi_text text = empty(60);
        dsi_text_put_thousandths(&text, cases[i].thousandths);
        assert_text(&text, cases[i].expected);
    }
}

static void times_have_the_unit_that_suits(void **state) {
    (void)state;
    static const struct {
        uint64_t ns;
        const char *expected;
    } cases[] = {{0, "0 ms"},           {999, "0 ms"},           {1500, "0.001 ms"},
                 {200000000, "200 ms"}, {1500000, "1.5 ms"},     {999999999, "999.999 ms"},
                 {1000000000, "1 s"},   {30250999999, "30.25 s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dsi_text text = empty(60);
        dsi_text_put_time(&text, cases[i].ns);
        assert_text(&text, cases[i].expected);
    }
}

static void ordinals_end_as_they_are_spoken(void **state) {
    (void)state;
    static const struct {
        uint64_t n;
        const char *expected;
    } cases[] = {{0, "0th"},     {1, "1st"},     {2, "2nd"},     {3, "3rd"},
                 {4, "4th"},     {9, "9th"},     {10, "10th"},   {11, "11th"},
                 {12, "12th"},   {13, "13th"},   {14, "14th"},   {20, "20th"},
                 {21, "21st"},   {22, "22nd"},   {23, "23rd"},   {101, "101st"},
                 {111, "111th"}, {112, "112th"}, {113, "113th"}, {1000002, "1000002nd"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dsi_text text = empty(60);
        dsi_text_put_ordinal(&text, cases[i].n);
        assert_text(&text, cases[i].expected);
    }
}

static void what_is_taken_behind_a_cut_leaves_it_cut(void **state) {
    (void)state;
    dsi_text text = empty(8);
    dsi_text_put(&text, "%s", "123456789");
    dsi_text_take(&text);
    assert_text(&text, "1234...");
}

static void what_is_no_character_is_cut_anywhere(void **state) {
    (void)state;
    dsi_text text = empty(64);
    line_add(&text, 6, "a\x80\x80\x80\x80\x80\x80\x80");
    assert_true(text.length > 0 && text.chars[0] == 'a');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_follows_what_is_there),
        cmocka_unit_test(a_text_that_just_fits_is_not_cut),
        cmocka_unit_test(a_cut_text_ends_in_dots),
        cmocka_unit_test(a_character_is_not_cut_in_two),
        cmocka_unit_test(rubbish_of_continuation_bytes_is_cut_all_the_same),
        cmocka_unit_test(a_part_is_cut_by_its_own_limit),
        cmocka_unit_test(a_part_is_cut_by_the_end_of_the_text),
        cmocka_unit_test(dots_of_a_part_stay_in_the_part),
        cmocka_unit_test(a_line_shows_its_first_line_only),
        cmocka_unit_test(a_block_has_its_lines_indented),
        cmocka_unit_test(control_characters_are_spelled_out),
        cmocka_unit_test(control_characters_of_eight_bits_are_spelled_out),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(part_of_a_character_at_a_cut_is_left_out),
        cmocka_unit_test(what_grows_beyond_its_room_is_cut),
        cmocka_unit_test(what_others_wrote_behind_the_text_is_taken),
        cmocka_unit_test(what_fills_its_room_is_taken_for_cut),
        cmocka_unit_test(thousandths_have_no_trailing_zeros),
        cmocka_unit_test(times_have_the_unit_that_suits),
        cmocka_unit_test(ordinals_end_as_they_are_spoken),
        cmocka_unit_test(what_is_taken_behind_a_cut_leaves_it_cut),
        cmocka_unit_test(what_is_no_character_is_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
