/*
 * Records: lines of the log made of fields.
 *
 * Design notes.
 * Text is added in whole units (a character, an escape, a key with its separators): a unit either
 * fits or the record is cut, and from then on nothing is added. A reserve at the end of the buffer
 * always has space for the dots, the closing quote, the field "cut" and the brace.
 */
#include "dynsup_record.h"

#include "report_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DOTS     "..."
#define RESERVE  32 /* more than: dots, quote, ,"cut":true} and the final 0 */
#define KEY_MAX  128
#define UNIT_MAX 8

/* Adds a unit, also into the reserve. */
static void append(dynsup_record *record, const char *unit, size_t size) {
    memcpy(record->text + record->length, unit, size);
    record->length += size;
    record->text[record->length] = '\0';
}

/* Adds a unit, if there is room for it before `end`. */
static bool put(dynsup_record *record, size_t end, const char *unit, size_t size) {
    if (record->cut)
        return false;
    if (record->length + size > end) {
        record->cut = true;
        return false;
    }
    append(record, unit, size);
    return true;
}

static size_t end_of(const dynsup_record *record) {
    return record->size - RESERVE;
}

/* ---- characters ---- */

/* The escape of the character at text in quotes, or NULL. */
static const char *escape(const char *text, size_t size, char scratch[UNIT_MAX]) {
    unsigned char c = (unsigned char)*text;
    if (dsi_text_is_control(text, size)) {
        c = size > 1 ? (unsigned char)text[1] : c; /* of U+0080 to U+009F: the same number */
        snprintf(scratch, UNIT_MAX, "\\u%04x", c);
    }
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return dsi_text_is_control(text, size) ? scratch : NULL;
    }
}

/* Puts the unit for the character at text; returns the bytes of the text that it stands for (one
 * for a replacement), 0: no room. */
static size_t put_character(dynsup_record *record, size_t end, const char *text, size_t size) {
    char scratch[UNIT_MAX];
    size_t taken = dsi_text_character(text, size);
    if (taken == 0)
        return put(record, end, DSI_TEXT_REPLACEMENT, strlen(DSI_TEXT_REPLACEMENT));
    const char *escaped = escape(text, taken, scratch);
    bool fits =
        escaped ? put(record, end, escaped, strlen(escaped)) : put(record, end, text, taken);
    return fits ? taken : 0;
}

static void put_escaped(dynsup_record *record, size_t end, const char *text, size_t size) {
    while (size > 0) {
        size_t taken = put_character(record, end, text, size);
        if (taken == 0) {
            append(record, DOTS, strlen(DOTS));
            return;
        }
        text += taken;
        size -= taken;
    }
}

/* ---- fields ---- */

static bool is_plain(unsigned char c) {
    return c > ' ' && c != '=' && c != '"' && c != '\\' && c < 127;
}

static bool is_plain_text(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (!is_plain((unsigned char)text[i]))
            return false;
    return size > 0;
}

/* False when there is no room: then the field is left out. */
static bool put_key(dynsup_record *record, const char *key) {
    char unit[KEY_MAX + UNIT_MAX];
    size_t length = 0;
    bool is_json = record->format == DYNSUP_FORMAT_JSON;
    if (record->length > (size_t)is_json)
        unit[length++] = is_json ? ',' : ' ';
    if (is_json)
        unit[length++] = '"';
    size_t size = strnlen(key, KEY_MAX);
    for (size_t i = 0; i < size; i++)
        unit[length++] = (char)(is_plain((unsigned char)key[i]) ? key[i] : '_');
    if (is_json)
        unit[length++] = '"';
    unit[length++] = is_json ? ':' : '=';
    return put(record, end_of(record), unit, length);
}

static void put_raw(dynsup_record *record, const char *key, const char *text) {
    size_t begin = record->length;
    if (!put_key(record, key) || put(record, end_of(record), text, strlen(text)))
        return;
    record->length = begin; /* half a number is a wrong one */
    record->text[begin] = '\0';
}

static void put_quoted(dynsup_record *record, size_t end, const char *text, size_t size) {
    append(record, "\"", 1); /* there is always room for quotes */
    put_escaped(record, end, text, size);
    append(record, "\"", 1);
}

static void put_field(dynsup_record *record, size_t end, const char *key, const char *text,
                      size_t size) {
    if (!put_key(record, key))
        return;
    if (record->format == DYNSUP_FORMAT_JSON || !is_plain_text(text, size))
        put_quoted(record, end, text, size);
    else
        put_escaped(record, end, text, size);
}

void dynsup_record_text(dynsup_record *record, const char *key, const char *text, size_t size) {
    put_field(record, end_of(record), key, text, size);
}

void dynsup_record_string(dynsup_record *record, const char *key, const char *string) {
    dynsup_record_text(record, key, string, strlen(string));
}

void dynsup_record_integer(dynsup_record *record, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_raw(record, key, text);
}

void dynsup_record_number(dynsup_record *record, const char *key, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.14g", value);
    if (isfinite(value))
        put_raw(record, key, text);
    else
        dynsup_record_string(record, key, isnan(value) ? "nan" : text);
}

void dynsup_record_boolean(dynsup_record *record, const char *key, bool value) {
    put_raw(record, key, value ? "true" : "false");
}

void dynsup_record_id(dynsup_record *record, const char *key, uint64_t id) {
    char text[64];
    dynsup_id_format(id, text, sizeof text);
    dynsup_record_string(record, key, text);
}

/* ---- the whole ---- */

void dynsup_record_begin(dynsup_record *record, enum dynsup_format format, char *text,
                         size_t size) {
    *record = (dynsup_record){.format = format, .text = text, .size = size};
    text[0] = '\0';
    if (format == DYNSUP_FORMAT_JSON)
        append(record, "{", 1);
}

/* Puts the message as a block whose further lines are indented, as in reports. */
static void put_block(dynsup_record *record, size_t end, const char *message, size_t size) {
    dsi_text text = dsi_text_empty(record->text, end + 1);
    dsi_text block = dsi_text_part(&text, end);
    size_t room = dsi_text_room(&block);
    block.cut = size > room;
    block.length = size > room ? room : size;
    memcpy(block.chars, message, block.length);
    dsi_text_join_block(&text, &block);
    record->length = text.length;
}

void dynsup_record_message(dynsup_record *record, const char *text, size_t size) {
    size_t end = record->length + (end_of(record) - record->length) / 2;
    if (record->format == DYNSUP_FORMAT_TEXT)
        put_block(record, end, text, size);
    else
        put_field(record, end, "message", text, size);
    record->cut = false; /* the fields have their own room */
}

size_t dynsup_record_end(dynsup_record *record) {
    bool is_json = record->format == DYNSUP_FORMAT_JSON;
    const char *cut = is_json ? ",\"cut\":true" : " cut=true";
    if (record->cut)
        append(record, cut, strlen(cut));
    if (is_json)
        append(record, "}", 1);
    return record->length;
}

/* ---- times ---- */

void dynsup_time_format(int64_t unix_ns, char text[DYNSUP_TIME_SIZE]) {
    int64_t rest_ns = unix_ns % 1000000000;
    bool is_before = rest_ns < 0; /* a wall clock may stand before 1970 */
    time_t seconds = (time_t)(unix_ns / 1000000000 - is_before);
    unsigned ms = (unsigned)((rest_ns + is_before * INT64_C(1000000000)) / 1000000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, DYNSUP_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, DYNSUP_TIME_SIZE - length, ".%03uZ", ms);
}
