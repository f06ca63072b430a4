/*
 * The log: lines and reports of a host on stderr, with their levels in colour on a terminal, and
 * Lua's warnings among them.
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

static void log_plain(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)ud;
    fprintf(stderr, "[%s] %.*s\n", levels[level].name, (int)size, text);
}

static void log_coloured(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)ud;
    const struct level *of = &levels[level];
    fprintf(stderr, "%s[%s]\033[0m %.*s\n", of->colour, of->name, (int)size, text);
}

static bool wants_colour(void) {
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    bool is_refused = no_color && *no_color;
    return !is_refused && terminal && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

void cli_log_init(dynsup_lua_config *config, enum dynsup_level level) {
    config->level = level;
    config->log = wants_colour() ? log_coloured : log_plain;
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
    if (!warnings->off && config->level >= DYNSUP_LEVEL_WARNING)
        config->log(config->log_ud, DYNSUP_LEVEL_WARNING, warnings->text, warnings->length);
    warnings->length = 0;
}

void cli_warnings_init(cli_warnings *warnings, lua_State *L, const dynsup_lua_config *config) {
    *warnings = (cli_warnings){.config = config};
    lua_setwarnf(L, on_warning, warnings);
}
