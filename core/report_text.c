/* Text of reports: bounded writing, and characters that are safe in a log. */
#include "report_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DOTS  "..."
#define BLOCK "\n        " /* between the lines of a block */
#define TAB   "    "

enum { SPELLED_SIZE = 16 }; /* of one character, with the final 0 */

static size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

dsi_text dsi_text_empty(char *chars, size_t size) {
    chars[0] = '\0';
    return (dsi_text){.chars = chars, .size = size};
}

size_t dsi_text_room(const dsi_text *text) {
    return text->size - text->length - 1;
}

void dsi_text_put(dsi_text *text, const char *format, ...) {
    size_t room = dsi_text_room(text);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->chars + text->length, room + 1, format, arguments);
    va_end(arguments);
    if (n < 0)
        return;
    text->cut = text->cut || (size_t)n > room;
    text->length += lesser((size_t)n, room);
}

/* ---- characters ---- */

size_t dsi_text_character(const char *chars, size_t size) {
    static const struct {
        unsigned char first, last, low, high;
        size_t size;
    } forms[] = {
        {0x00, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    const unsigned char *text = (const unsigned char *)chars;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (forms[i].size > size)
            return 0;
        if (forms[i].size > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].size; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].size;
    }
    return 0;
}

bool dsi_text_is_control(const char *chars, size_t size) {
    unsigned char first = (unsigned char)chars[0];
    return first < ' ' || first == 127 ||
           (size == 2 && first == 0xc2 && (unsigned char)chars[1] < 0xa0);
}

/* ---- cutting ---- */

static bool continues_character(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where the dots go, not before begin: in place of the last whole characters. */
static size_t dots_place(const dsi_text *text, size_t begin) {
    size_t place = text->size > begin + sizeof DOTS ? text->size - sizeof DOTS : begin;
    while (place > begin && continues_character(text->chars[place]))
        place--;
    return place;
}

static void put_dots(dsi_text *text, size_t begin) {
    if (dsi_text_room(text) < strlen(DOTS))
        text->length = dots_place(text, begin);
    text->chars[text->length] = '\0';
    dsi_text_put(text, DOTS);
}

void dsi_text_finish(dsi_text *text) {
    if (text->cut)
        put_dots(text, 0);
}

/* ---- parts ---- */

dsi_text dsi_text_part(const dsi_text *text, size_t max) {
    dsi_text part = *text;
    part.size = text->length + lesser(dsi_text_room(text), max) + 1;
    part.cut = false;
    return part;
}

void dsi_text_take(dsi_text *text) {
    size_t room = dsi_text_room(text);
    size_t length = strnlen(text->chars + text->length, room);
    text->cut = text->cut || length == room; /* it may have been more */
    text->length += length;
    text->chars[text->length] = '\0';
}

/* Where the character begins whose last byte is at `last`, not before begin. Its size is 0 when the
 * byte is part of no character. */
static size_t character_at(const dsi_text *text, size_t begin, size_t last, size_t *size_out) {
    size_t from = last;
    while (from > begin && last - from < 3 && continues_character(text->chars[from]))
        from--;
    *size_out = dsi_text_character(text->chars + from, last + 1 - from);
    if (*size_out == last + 1 - from)
        return from;
    *size_out = 0;
    return last;
}

/* Spells out each byte of a control character as Lua would, and indents lines. */
static const char *spell(const char *chars, size_t size, char scratch[SPELLED_SIZE]) {
    if (*chars == '\n')
        return BLOCK;
    if (*chars == '\t')
        return TAB;
    if (size == 0)
        return DSI_TEXT_REPLACEMENT;
    if (dsi_text_is_control(chars, size)) {
        int length = 0;
        for (size_t i = 0; i < size; i++)
            length += snprintf(scratch + length, SPELLED_SIZE - (size_t)length, "\\%03d",
                               (unsigned char)chars[i]);
        return scratch;
    }
    memcpy(scratch, chars, size);
    scratch[size] = '\0';
    return scratch;
}

static size_t spelled_length(const dsi_text *text, size_t begin) {
    char scratch[SPELLED_SIZE];
    size_t length = 0, size;
    for (size_t end = text->length; end > begin;) {
        end = character_at(text, begin, end - 1, &size);
        length += strlen(spell(text->chars + end, size, scratch));
    }
    return length;
}

/* Spells the characters from begin on; the last one first, since the text only grows. */
static void respell(dsi_text *text, size_t begin) {
    char scratch[SPELLED_SIZE];
    size_t size, to = begin + spelled_length(text, begin);
    size_t end = lesser(to, text->size - 1);
    text->cut = text->cut || to > end;
    for (size_t from = text->length; from > begin;) {
        from = character_at(text, begin, from - 1, &size);
        const char *spelled = spell(text->chars + from, size, scratch);
        size_t length = strlen(spelled);
        to -= length;
        if (to < end)
            memcpy(text->chars + to, spelled, lesser(length, end - to));
    }
    text->length = end;
    text->chars[end] = '\0';
}

/* Removes the incomplete character that a cut may have left at the end. */
static void drop_part_of_character(dsi_text *text, size_t begin) {
    size_t size, last = text->length;
    while (last > begin && text->length - last < 3 && continues_character(text->chars[last - 1]))
        last--;
    if (last == begin || !((unsigned char)text->chars[last - 1] & 0x80))
        return;
    character_at(text, begin, text->length - 1, &size);
    if (size == 0)
        text->length = last - 1;
}

static void cut_line(dsi_text *part, size_t begin) {
    const char *newline = strchr(part->chars + begin, '\n');
    if (newline) {
        part->length = (size_t)(newline - part->chars);
        part->cut = true;
    }
}

void dsi_text_join_block(dsi_text *text, dsi_text *part) {
    size_t begin = text->length;
    if (part->cut)
        drop_part_of_character(part, begin);
    respell(part, begin);
    if (part->cut)
        put_dots(part, begin);
    text->length = part->length;
}

void dsi_text_join_line(dsi_text *text, dsi_text *part) {
    cut_line(part, text->length);
    dsi_text_join_block(text, part);
}

/* ---- numbers ---- */

void dsi_text_put_thousandths(dsi_text *text, uint64_t thousandths) {
    unsigned fraction = (unsigned)(thousandths % 1000);
    int digits = 3;
    dsi_text_put(text, "%" PRIu64, thousandths / 1000);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    dsi_text_put(text, ".%0*u", digits, fraction);
}

void dsi_text_put_time(dsi_text *text, uint64_t ns) {
    bool is_short = ns < UINT64_C(1000000000);
    dsi_text_put_thousandths(text, is_short ? ns / 1000 : ns / 1000000);
    dsi_text_put(text, is_short ? " ms" : " s");
}

void dsi_text_put_ordinal(dsi_text *text, uint64_t n) {
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    bool is_regular = n % 10 > 3 || n % 100 / 10 == 1;
    dsi_text_put(text, "%" PRIu64 "%s", n, endings[is_regular ? 0 : n % 10]);
}
