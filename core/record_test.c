/* Tests of records: fields in each format, escapes, and what is left of a line that is cut. */
#include "test_support.h"

#include "dynsup_record.h"

#include <math.h>
#include <stdio.h>

static char text[4096];

static void begin(dynsup_record *record, enum dynsup_format format) {
    dynsup_record_begin(record, format, text, sizeof text);
}

static void assert_line(dynsup_record *record, const char *expected) {
    size_t length = dynsup_record_end(record);
    assert_string_equal(text, expected);
    assert_int_equal(strlen(text), length);
}

static void what_is_false_is_written_too(void **state) {
    (void)state;
    char line[64];
    dynsup_record record;
    dynsup_record_begin(&record, DYNSUP_FORMAT_LOGFMT, line, sizeof line);
    dynsup_record_boolean(&record, "no", false);
    dynsup_record_end(&record);
    assert_non_null(strstr(line, "no=false"));
}

static void add_some(dynsup_record *record) {
    dynsup_record_string(record, "word", "pool");
    dynsup_record_message(record, "two words", 9);
    dynsup_record_integer(record, "n", -7);
    dynsup_record_number(record, "x", 1.5);
    dynsup_record_boolean(record, "yes", true);
    dynsup_record_id(record, "pid", UINT64_C(1) << 62 | 7);
}

static void logfmt_quotes_what_needs_it(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_LOGFMT);
    add_some(&record);
    assert_line(&record, "word=pool message=\"two words\" n=-7 x=1.5 yes=true pid=<0.7.0>");
}

static void json_is_one_object(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_JSON);
    add_some(&record);
    assert_line(&record,
                "{\"word\":\"pool\",\"message\":\"two words\",\"n\":-7,\"x\":1.5,\"yes\":true,"
                "\"pid\":\"<0.7.0>\"}");
}

static void text_begins_with_the_message(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_TEXT);
    dynsup_record_message(&record, "a\nb\x1b", 4);
    dynsup_record_string(&record, "k", "a b");
    assert_line(&record, "a\n        b\\027 k=\"a b\"");
}

static void a_record_without_fields_is_whole(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_JSON);
    assert_line(&record, "{}");
    begin(&record, DYNSUP_FORMAT_LOGFMT);
    assert_line(&record, "");
}

static void control_characters_quotes_and_backslashes_are_escaped(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_JSON);
    dynsup_record_text(&record, "k", "\"\\\n\r\t\0\x1f\x7f/", 9);
    assert_line(&record, "{\"k\":\"\\\"\\\\\\n\\r\\t\\u0000\\u001f\\u007f/\"}");
    begin(&record, DYNSUP_FORMAT_LOGFMT);
    dynsup_record_text(&record, "k", "a\nlevel=error", 13);
    assert_line(&record, "k=\"a\\nlevel=error\"");
    begin(&record, DYNSUP_FORMAT_JSON);
    dynsup_record_string(&record, "k", "\xc2\x9b\xc2\xa0");
    assert_line(&record, "{\"k\":\"\\u009b\xc2\xa0\"}");
}

static void what_looks_plain_in_logfmt_is_not_quoted(void **state) {
    (void)state;
    static const char *const quoted[] = {"", " ", "a b", "a=b", "a\"", "\\", "\x7f", "\xc3\xa9"};
    dynsup_record record;
    for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
        begin(&record, DYNSUP_FORMAT_LOGFMT);
        dynsup_record_string(&record, "k", quoted[i]);
        assert_int_equal(text[2], '"');
    }
    begin(&record, DYNSUP_FORMAT_LOGFMT);
    dynsup_record_string(&record, "k", "a.lua:12,<0.1.0>'{}");
    assert_line(&record, "k=a.lua:12,<0.1.0>'{}");
}

static void each_byte_of_invalid_utf_8_is_replaced(void **state) {
    (void)state;
#define BAD "\xEF\xBF\xBD"
    static const struct {
        const char *bytes, *expected;
    } cases[] = {
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff", "a" BAD},
        {"\xc3", BAD},
        {"\xc3(", BAD "("},
        {"\xe2\x82", BAD BAD},
        {"\xe2\x82(", BAD BAD "("},
        {"\xc0\x80", BAD BAD},                 /* overlong */
        {"\xe0\x80\x80", BAD BAD BAD},         /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD},         /* a surrogate */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond U+10FFFF */
        {"\xf0\x9f\x98", BAD BAD BAD},
        {"\x80", BAD},
    };
    dynsup_record record;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64];
        begin(&record, DYNSUP_FORMAT_JSON);
        dynsup_record_string(&record, "k", cases[i].bytes);
        snprintf(expected, sizeof expected, "{\"k\":\"%s\"}", cases[i].expected);
        assert_line(&record, expected);
    }
}

static void keys_need_no_quotes(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_LOGFMT);
    dynsup_record_integer(&record, "a b=\"\\\n\xff", 1);
    assert_line(&record, "a_b_____=1");
}

static void what_is_no_number_in_json_is_a_string(void **state) {
    (void)state;
    dynsup_record record;
    begin(&record, DYNSUP_FORMAT_JSON);
    dynsup_record_number(&record, "a", NAN);
    dynsup_record_number(&record, "b", INFINITY);
    dynsup_record_number(&record, "c", -INFINITY);
    dynsup_record_integer(&record, "d", INT64_MIN);
    assert_line(&record, "{\"a\":\"nan\",\"b\":\"inf\",\"c\":\"-inf\",\"d\":-9223372036854775808}");
}

/* ---- cuts ---- */

/* In a buffer of that size: a message, a number, a string of quotes and two more fields. */
static size_t cramped(enum dynsup_format format, size_t size, char *buffer) {
    dynsup_record record;
    dynsup_record_begin(&record, format, buffer, size);
    dynsup_record_message(&record, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 12);
    dynsup_record_integer(&record, "number", 123456789);
    dynsup_record_string(&record, "quotes", "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
    dynsup_record_boolean(&record, "yes", true);
    dynsup_record_string(&record, "last", "word");
    return dynsup_record_end(&record);
}

static bool ends_with(const char *string, const char *end) {
    size_t length = strlen(string), end_length = strlen(end);
    return length >= end_length && strcmp(string + length - end_length, end) == 0;
}

/* Unescaped quotes come in pairs, with only whole units between them. */
static void assert_whole(const char *string) {
    bool inside = false;
    for (const char *c = string; *c; c++) {
        if (inside && *c == '\\') {
            c++;
            assert_non_null(strchr("\"\\nrtu", *c));
        } else if (*c == '"') {
            inside = !inside;
        }
    }
    assert_false(inside);
}

static void a_record_that_is_cut_is_whole_at_every_size(void **state) {
    (void)state;
    char buffer[512];
    size_t cut = 0;
    for (size_t size = 64; size < 256; size++) {
        memset(buffer, 'x', sizeof buffer);
        size_t length = cramped(DYNSUP_FORMAT_JSON, size, buffer);
        assert_true(length < size && buffer[length] == '\0');
        assert_int_equal(buffer[size], 'x');
        assert_true(buffer[0] == '{' && buffer[length - 1] == '}');
        assert_whole(buffer);
        bool is_whole = strstr(buffer, "\"last\":\"word\"}") != NULL;
        assert_true(is_whole || ends_with(buffer, ",\"cut\":true}"));
        assert_true(strstr(buffer, "\"number\":123456789") || !strstr(buffer, "number"));
        cut += !is_whole;
    }
    assert_in_range(cut, 20, 180);
}

static void logfmt_that_is_cut_says_so(void **state) {
    (void)state;
    char buffer[512];
    cramped(DYNSUP_FORMAT_LOGFMT, 100, buffer);
    assert_whole(buffer);
    assert_non_null(strstr(buffer, "...\""));
    assert_true(ends_with(buffer, " cut=true"));
}

static void a_long_message_leaves_room_for_fields(void **state) {
    (void)state;
    char message[5000], *end;
    memset(message, 'm', sizeof message);
    for (int format = DYNSUP_FORMAT_TEXT; format <= DYNSUP_FORMAT_JSON; format++) {
        dynsup_record record;
        begin(&record, (enum dynsup_format)format);
        dynsup_record_message(&record, message, sizeof message);
        dynsup_record_integer(&record, "n", 1);
        dynsup_record_end(&record);
        assert_non_null(end = strstr(text, "..."));
        assert_non_null(strchr(end, 'n'));
        assert_null(strstr(text, "cut"));
    }
}

static void times_are_those_of_rfc_3339(void **state) {
    (void)state;
    char time_text[DYNSUP_TIME_SIZE];
    dynsup_time_format(0, time_text);
    assert_string_equal(time_text, "1970-01-01T00:00:00.000Z");
    dynsup_time_format(INT64_C(1709210096789999999), time_text);
    assert_string_equal(time_text, "2024-02-29T12:34:56.789Z");
    dynsup_time_format(-1, time_text);
    assert_string_equal(time_text, "1969-12-31T23:59:59.999Z");
    dynsup_time_format(INT64_C(-1000000000), time_text);
    assert_string_equal(time_text, "1969-12-31T23:59:59.000Z");
    dynsup_time_format(INT64_MIN, time_text);
    assert_string_equal(time_text, "1677-09-21T00:12:43.145Z");
    dynsup_time_format(INT64_MAX, time_text);
    assert_string_equal(time_text, "2262-04-11T23:47:16.854Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_false_is_written_too),
        cmocka_unit_test(logfmt_quotes_what_needs_it),
        cmocka_unit_test(json_is_one_object),
        cmocka_unit_test(text_begins_with_the_message),
        cmocka_unit_test(a_record_without_fields_is_whole),
        cmocka_unit_test(control_characters_quotes_and_backslashes_are_escaped),
        cmocka_unit_test(what_looks_plain_in_logfmt_is_not_quoted),
        cmocka_unit_test(each_byte_of_invalid_utf_8_is_replaced),
        cmocka_unit_test(keys_need_no_quotes),
        cmocka_unit_test(what_is_no_number_in_json_is_a_string),
        cmocka_unit_test(a_record_that_is_cut_is_whole_at_every_size),
        cmocka_unit_test(logfmt_that_is_cut_says_so),
        cmocka_unit_test(a_long_message_leaves_room_for_fields),
        cmocka_unit_test(times_are_those_of_rfc_3339),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
