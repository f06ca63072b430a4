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

static bool is_eight_bits(const char *text, size_t size, size_t at) {
    return at + 1 < size && (unsigned char)text[at] == 0xc2 &&
           ((unsigned char)text[at + 1] & 0xe0) == 0x80;
}

/* Is the byte one of a control character that a terminal may take orders of? */
static bool is_control(const char *text, size_t size, size_t at) {
    unsigned char c = (unsigned char)text[at];
    return (c < ' ' && c != '\n' && c != '\t') || c == 127 || is_eight_bits(text, size, at) ||
           (at > 0 && is_eight_bits(text, size, at - 1));
}

void cli_say_text(const char *text, size_t size) {
    fputs("dynsup: ", stderr);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_control(text, size, i))
            fprintf(stderr, "\\%03d", c);
        else
            fputc(c, stderr);
    }
    fputc('\n', stderr);
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be changed, put in or left out to make one word of the other. */
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
