/*
 * The log: lines and reports of a host on stderr, as text with their levels in colour on a
 * terminal, as lines of fields elsewhere, and Lua's warnings among them.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_COLOUR ""

static const struct level {
    const char *name;
    const char *colour;
} levels[] = {
    [DYNSUP_LEVEL_OFF] = {"off", NO_COLOUR},          [DYNSUP_LEVEL_ERROR] = {"error", "\033[31m"},
    [DYNSUP_LEVEL_WARNING] = {"warning", "\033[33m"}, [DYNSUP_LEVEL_INFO] = {"info", "\033[36m"},
    [DYNSUP_LEVEL_DEBUG] = {"debug", "\033[2m"},
};

#define LEVEL_COUNT (sizeof levels / sizeof *levels)

bool cli_level_parse(const char *word, enum dynsup_level *level_out) {
    cli_nearest nearest = cli_nearest_to(word);
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        cli_nearest_try(&nearest, levels[i].name);
        if (strcmp(word, levels[i].name) == 0) {
            *level_out = (enum dynsup_level)i;
            return true;
        }
    }
    cli_unknown("log level", &nearest, "it is one of off, error, warning, info, debug");
    return false;
}

static const char *const formats[] = {
    [DYNSUP_LOG_TEXT] = "text", [DYNSUP_LOG_LOGFMT] = "logfmt", [DYNSUP_LOG_JSON] = "json"};

#define FORMAT_COUNT (sizeof formats / sizeof *formats)

static bool format_find(const char *word, enum dynsup_log_format *format_out) {
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(word, formats[i]) == 0) {
            *format_out = (enum dynsup_log_format)i;
            return true;
        }
    }
    return false;
}

bool cli_format_parse(const char *word, enum dynsup_log_format *format_out) {
    if (format_find(word, format_out))
        return true;
    cli_nearest nearest = cli_nearest_to(word);
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        cli_nearest_try(&nearest, formats[i]);
    cli_unknown("log format", &nearest, "it is one of text, logfmt, json");
    return false;
}

/* How many lines could not be written since the last one that could, as on a full disk; of all
 * hosts, for they share stderr. */
static unsigned long lost;

/* Ends a line that was cut, so that the next one is not appended to it. */
static bool line_begin(void) {
    if (!lost || fputc('\n', stderr) != EOF)
        return true;
    lost++;
    return false;
}

/* The first line that can be written again is followed by the number of lines missing before it. */
static void line_end(const dynsup_lua_config *config, int status) {
    char text[80];
    unsigned long count = lost;
    if (status < 0)
        lost++;
    if (status < 0 || !count)
        return;
    lost = 0;
    snprintf(text, sizeof text, "%lu line%s of the log before could not be written", count,
             count == 1 ? "" : "s");
    if (config)
        dynsup_lua_log(config, DYNSUP_LEVEL_ERROR, "log_lost", text, strlen(text));
    if (lost) /* by one: this one, which is to come again */
        lost = count;
}

static void log_line(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)level;
    if (line_begin())
        line_end(ud, fprintf(stderr, "%.*s\n", (int)size, text));
}

static void log_plain(void *ud, enum dynsup_level level, const char *text, size_t size) {
    if (line_begin())
        line_end(ud, fprintf(stderr, "[%s] %.*s\n", levels[level].name, (int)size, text));
}

static void log_coloured(void *ud, enum dynsup_level level, const char *text, size_t size) {
    const struct level *of = &levels[level];
    if (line_begin())
        line_end(ud,
                 fprintf(stderr, "%s[%s]\033[0m %.*s\n", of->colour, of->name, (int)size, text));
}

static bool wants_colour(void) {
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    bool is_refused = no_color && *no_color;
    return !is_refused && terminal && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

/* Text on a terminal, logfmt elsewhere, unless the environment says otherwise. */
bool cli_log_defaults(dynsup_lua_config *config) {
    const char *word = getenv("DYNSUP_LOG_FORMAT");
    config->level = DYNSUP_LEVEL_WARNING;
    config->format = isatty(STDERR_FILENO) ? DYNSUP_LOG_TEXT : DYNSUP_LOG_LOGFMT;
    return word && format_find(word, &config->format);
}

static void environment_check(void) {
    const char *word = getenv("DYNSUP_LOG_FORMAT");
    enum dynsup_log_format format;
    if (word && *word && !format_find(word, &format))
        cli_say("DYNSUP_LOG_FORMAT is '%s', which is none of text, logfmt, json: it is left out",
                word);
}

void cli_log_init(dynsup_lua_config *config) {
    environment_check();
    config->log_ud = config;
    if (config->format != DYNSUP_LOG_TEXT)
        config->log = log_line;
    else
        config->log = wants_colour() ? log_coloured : log_plain;
}

bool cli_log_text(const char *level, const char *text, size_t size) {
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(level, levels[i].name) == 0) {
            (wants_colour() ? log_coloured : log_plain)(NULL, (enum dynsup_level)i, text, size);
            return true;
        }
    }
    return false;
}

void cli_log_failure(const dynsup_lua_config *config, const char *text, size_t size) {
    if (config->format == DYNSUP_LOG_TEXT || config->level == DYNSUP_LEVEL_OFF)
        cli_say_text(text, size);
    else
        dynsup_lua_log(config, DYNSUP_LEVEL_ERROR, "failed", text, size);
}

/* ---- warnings ---- */

static void warnings_add(cli_warnings *warnings, const char *piece) {
    size_t room = sizeof warnings->text - warnings->length;
    size_t length = strlen(piece) < room ? strlen(piece) : room;
    memcpy(warnings->text + warnings->length, piece, length);
    warnings->length += length;
}

static void on_warning(void *ud, const char *piece, int goes_on) {
    cli_warnings *warnings = ud;
    const dynsup_lua_config *config = warnings->config;
    if (warnings->length == 0 && !goes_on && *piece == '@') {
        if (strcmp(piece, "@on") == 0 || strcmp(piece, "@off") == 0)
            warnings->off = strcmp(piece, "@off") == 0;
        return;
    }
    warnings_add(warnings, piece);
    if (goes_on)
        return;
    if (!warnings->off)
        dynsup_lua_log(config, DYNSUP_LEVEL_WARNING, "warning", warnings->text, warnings->length);
    warnings->length = 0;
}

void cli_warnings_init(cli_warnings *warnings, lua_State *L, const dynsup_lua_config *config) {
    *warnings = (cli_warnings){.config = config};
    lua_setwarnf(L, on_warning, warnings);
}
