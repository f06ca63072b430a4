/* Text of reports: bounded writing, and characters that are safe in a log. */
#include "report_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DOTS  "..."
#define BLOCK "\n        " /* between the lines of a block */
#define TAB   "    "

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

/* ---- cutting ---- */

static bool continues_character(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where dots fit that may not stand before begin: instead of the last whole characters. */
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

static const char *spell(char c, char *scratch, size_t size) {
    if (c == '\n')
        return BLOCK;
    if (c == '\t')
        return TAB;
    bool is_control = (unsigned char)c < ' ' || c == 127;
    snprintf(scratch, size, is_control ? "\\%03d" : "%c", c);
    return scratch;
}

static size_t spelled_length(const dsi_text *text, size_t begin) {
    char scratch[8];
    size_t length = 0;
    for (size_t i = begin; i < text->length; i++)
        length += strlen(spell(text->chars[i], scratch, sizeof scratch));
    return length;
}

/* Spells the characters from begin on, the last one first, since the text grows. */
static void respell(dsi_text *text, size_t begin) {
    char scratch[8];
    size_t to = begin + spelled_length(text, begin);
    size_t end = lesser(to, text->size - 1);
    text->cut = text->cut || to > end;
    for (size_t from = text->length; from-- > begin;) {
        const char *spelled = spell(text->chars[from], scratch, sizeof scratch);
        size_t length = strlen(spelled);
        to -= length;
        if (to < end)
            memcpy(text->chars + to, spelled, lesser(length, end - to));
    }
    text->length = end;
    text->chars[end] = '\0';
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
