/* What the program itself says on stderr: one line, with a hint about what was meant. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX     32 /* longer words are like nothing */
#define DISTANCE_MAX 2

void cli_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("dynsup: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void cli_say_needs(const char *option, const char *needs, const char *value) {
    if (value)
        cli_say("%s needs %s, not '%s'", option, needs, value);
    else
        cli_say("%s needs %s", option, needs);
}

/* The smallest and the largest valid second byte after a first one. They exclude overlong forms,
 * surrogates, and code points above U+10FFFF; also U+0080 to U+009F, control characters. */
static unsigned char second_min(unsigned char first) {
    return first == 0xc2 || first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
}

static unsigned char second_max(unsigned char first) {
    return first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
}

/* The number of bytes of the character at text, which has size > 0 bytes, if a terminal shows it; 0
 * for a control character, which could control the terminal (also an 8-bit one), and for invalid
 * UTF-8. */
static size_t shown_size(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char c = bytes[0];
    if (c < 0x80)
        return (c >= ' ' && c != 127) || c == '\n' || c == '\t';
    size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || length > size || bytes[1] < second_min(c) ||
        bytes[1] > second_max(c))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

void cli_say_text(const char *text, size_t size) {
    fputs("dynsup: ", stderr);
    for (size_t i = 0; i < size;) {
        size_t shown = shown_size(text + i, size - i);
        if (shown > 0)
            fwrite(text + i, 1, shown, stderr);
        else
            fprintf(stderr, "\\%03d", (unsigned char)text[i]);
        i += shown > 0 ? shown : 1;
    }
    fputc('\n', stderr);
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be changed, inserted or removed to turn one word into the other. */
static size_t edit_distance(const char *from, const char *to) {
    size_t row[WORD_MAX + 1], width = strlen(to);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; from[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t changed = diagonal + (from[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, row[j] + 1, diagonal + 1);
        }
    }
    return row[width];
}

cli_nearest cli_nearest_to(const char *word) {
    return (cli_nearest){.word = word, .distance = DISTANCE_MAX + 1};
}

void cli_nearest_try(cli_nearest *nearest, const char *candidate) {
    if (*candidate == '-' && cli_option_is(nearest->word, candidate))
        nearest->option = candidate;
    if (strlen(nearest->word) > WORD_MAX || strlen(candidate) > WORD_MAX)
        return;
    size_t distance = edit_distance(nearest->word, candidate);
    if (distance < nearest->distance && distance < strlen(candidate)) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}

int cli_unknown(const char *what, const cli_nearest *nearest, const char *otherwise) {
    if (nearest->option)
        cli_say("%s takes no value: %s", nearest->option, otherwise);
    else if (nearest->best)
        cli_say("unknown %s '%s': did you mean '%s'?", what, nearest->word, nearest->best);
    else
        cli_say("unknown %s '%s': %s", what, nearest->word, otherwise);
    return CLI_MISUSED;
}
