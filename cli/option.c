/* The options of a command, read by the table that names them. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

bool cli_option_is(const char *word, const char *name) {
    size_t length = strcspn(word, "=");
    return length == strlen(name) && strncmp(word, name, length) == 0;
}

static bool has_option(const char *command, const cli_option *o) {
    return o->command == NULL || strcmp(o->command, command) == 0;
}

static bool is_named(const cli_option *o, const char *word) {
    return o->read ? cli_option_is(word, o->name) : strcmp(word, o->name) == 0;
}

static const cli_option *option_find(const cli_option *options, const char *command,
                                     const char *word) {
    for (const cli_option *o = options; o->name; o++)
        if (has_option(command, o) && is_named(o, word))
            return o;
    return NULL;
}

static int option_unknown(const cli_option *options, const char *command, const char *word) {
    char hint[64];
    cli_nearest nearest = cli_nearest_to(word);
    for (const cli_option *o = options; o->name; o++)
        if (has_option(command, o))
            cli_nearest_try(&nearest, o->name);
    cli_nearest_try(&nearest, "--help");
    snprintf(hint, sizeof hint, "see 'dynsup help %s'", command);
    return cli_unknown("option", &nearest, hint);
}

/* The option's value, in the same word or in the next one, at which *at is then; NULL: none. */
static const char *value_take(const cli_option *o, char **argv, int *at) {
    const char *equals = strchr(argv[*at], '='), *next = argv[*at + 1];
    if (equals)
        return equals + 1;
    bool is_there = next && (o->is_value == NULL || o->is_value(next));
    return is_there ? argv[++*at] : NULL;
}

int cli_option_read(const cli_option *options, void *target, char **argv, int *at) {
    const char *command = argv[1], *word = argv[*at];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        cli_help_print(cli_command_find(command));
        return CLI_DONE;
    }
    const cli_option *o = option_find(options, command, word);
    if (o == NULL)
        return option_unknown(options, command, word);
    if (o->read)
        return o->read(target, value_take(o, argv, at));
    *(bool *)((char *)target + o->flag) = true;
    return CLI_GO_ON;
}

int cli_options_read(const cli_option *options, void *target, char **argv, int *first_out) {
    int at = 2, code = CLI_GO_ON;
    for (; code == CLI_GO_ON && argv[at] && argv[at][0] == '-' && argv[at][1]; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        code = cli_option_read(options, target, argv, &at);
    }
    *first_out = at;
    return code;
}
