/*
 * Text of reports, written piece by piece into a buffer that may be too small.
 *
 * Design notes.
 * The text is 0-terminated after every step, and its length is less than its size. What was cut
 * ends in three dots, and never inside a character of UTF-8.
 * What others write (reasons, ids, names) stands raw in a part at the end of the text until it is
 * joined: then control characters are spelled out, also those of eight bits, and bytes that are no
 * UTF-8 become U+FFFD, so that no log line can be forged and no terminal steered.
 */
#ifndef DSI_REPORT_TEXT_H
#define DSI_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dsi_text {
    char *chars;
    size_t size;
    size_t length;
    bool cut;
} dsi_text;

#define DSI_TEXT_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* The bytes of the valid UTF-8 character at chars, of which size > 0 are there; or 0. */
size_t dsi_text_character(const char *chars, size_t size);

/* Is the character of that size one that steers terminals? */
bool dsi_text_is_control(const char *chars, size_t size);

/* The empty text in a buffer of size > 0 bytes, which the caller keeps. */
dsi_text dsi_text_empty(char *chars, size_t size);

/* How many more characters fit. */
size_t dsi_text_room(const dsi_text *text);

/* Adds formatted text. */
void dsi_text_put(dsi_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A part of at most max bytes at the end of the text, to be written raw and joined. */
dsi_text dsi_text_part(const dsi_text *text, size_t max);

/* Takes in what was written behind the text by someone who got its end and its room. */
void dsi_text_take(dsi_text *text);

/* Ends a part: its first line only, or as a block whose further lines are indented. */
void dsi_text_join_line(dsi_text *text, dsi_text *part);
void dsi_text_join_block(dsi_text *text, dsi_text *part);

/* The last step: shows by dots that the text was cut. */
void dsi_text_finish(dsi_text *text);

/* A number of thousandths as a decimal number without trailing zeros: 500 as 0.5. */
void dsi_text_put_thousandths(dsi_text *text, uint64_t thousandths);

/* "200 ms", "1.5 s" */
void dsi_text_put_time(dsi_text *text, uint64_t ns);

/* "1st", "22nd", "113th" */
void dsi_text_put_ordinal(dsi_text *text, uint64_t n);

#endif
