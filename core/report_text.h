/*
 * Text of reports, written piece by piece into a buffer that may be too small.
 *
 * Design notes.
 * The text is 0-terminated after every step, and its length is less than its size. What was cut
 * ends in three dots, and never inside a character of UTF-8.
 * Foreign text (reasons, ids, names) is written raw into a part at the end of the text. Joining the
 * part spells out control characters, including those of eight bits, and replaces bytes that are no
 * UTF-8 by U+FFFD, so that no log line can be forged and no terminal steered.
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

/* Can the character of that size steer terminals? */
bool dsi_text_is_control(const char *chars, size_t size);

/* The empty text in a buffer of size > 0 bytes, which the caller keeps. */
dsi_text dsi_text_empty(char *chars, size_t size);

/* How many more characters fit. */
size_t dsi_text_room(const dsi_text *text);

/* Adds formatted text. */
void dsi_text_put(dsi_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A part of at most max bytes at the end of the text, to be written raw and joined. */
dsi_text dsi_text_part(const dsi_text *text, size_t max);

/* Takes in what a callee has written behind the text, which was given its end and its room. */
void dsi_text_take(dsi_text *text);

/* Ends a part: its first line only, or as a block whose further lines are indented. */
void dsi_text_join_line(dsi_text *text, dsi_text *part);
void dsi_text_join_block(dsi_text *text, dsi_text *part);

/* The last step: adds dots if the text was cut. */
void dsi_text_finish(dsi_text *text);

/* A number of thousandths as a decimal number without trailing zeros: 500 as 0.5. */
void dsi_text_put_thousandths(dsi_text *text, uint64_t thousandths);

/* "200 ms", "1.5 s" */
void dsi_text_put_time(dsi_text *text, uint64_t ns);

/* "1st", "22nd", "113th" */
void dsi_text_put_ordinal(dsi_text *text, uint64_t n);

#endif
