/* The command line of logwatch. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: logwatch [OPTION...] FILE\n"
    "Gives each line of a log to plug-ins in Lua, and survives whatever they do.\n"
    "\n"
    "  FILE               a log; - is standard input\n"
    "  --follow           waits for further lines, until SIGINT or SIGTERM\n"
    "  --plugins FOLDER   each NAME.lua in it is a plug-in; they may come, go and change\n"
    "  --patience MS      how long a plug-in may take for a line (1000)\n"
    "  --memory MB        what all plug-ins together may use (64)\n"
    "  --status           prints a table of the plug-ins at the end\n"
    "  --help\n"
    "\n"
    "Exit code: 0; 1: the log or the folder cannot be read; 2: misuse.\n";

enum { MAX_NUMBER = 1000000 };

static bool number_read(const char *word, uint64_t *number_out) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(word, &end, 10);
    *number_out = number;
    return word[0] >= '0' && word[0] <= '9' && !*end && !errno && number > 0 &&
           number <= MAX_NUMBER;
}

static bool flag_read(options *o, const char *word) {
    if (strcmp(word, "--follow") == 0)
        return o->follow = true;
    if (strcmp(word, "--status") == 0)
        return o->status = true;
    return false;
}

/* 1: the option and its value were read; 0: it takes none; -1: the value is none. */
static int value_read(options *o, const char *option, const char *value) {
    uint64_t number = 0;
    if (strcmp(option, "--plugins") == 0) {
        o->plugins = value;
        return value ? 1 : -1;
    }
    bool is_patience = strcmp(option, "--patience") == 0;
    if (!is_patience && strcmp(option, "--memory") != 0)
        return 0;
    if (!value || !number_read(value, &number))
        return -1;
    if (is_patience)
        o->patience_ms = number;
    else
        o->memory_mb = (size_t)number;
    return 1;
}

static int misuse(const char *what, const char *word) {
    fprintf(stderr, "logwatch: %s%s (--help says how it is called)\n", what, word);
    return 2;
}

/* Reads the word at *i, and what belongs to it. 0, or the exit code. */
static int word_read(options *o, int count, char **words, int *i) {
    const char *word = words[*i];
    if (word[0] != '-' || strcmp(word, "-") == 0) {
        if (o->file)
            return misuse("more than one file: ", word);
        o->file = word;
        return 0;
    }
    if (flag_read(o, word))
        return 0;
    int status = value_read(o, word, *i + 1 < count ? words[*i + 1] : NULL);
    if (status == 0)
        return misuse("no such option: ", word);
    if (status < 0)
        return misuse("this option needs a value of its kind: ", word);
    ++*i;
    return 0;
}

bool options_read(options *o, int count, char **words, int *code_out) {
    *o = (options){.plugins = TOOL_FOLDER "/plugins", .patience_ms = 1000, .memory_mb = 64};
    *code_out = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0) {
            fputs(help, stdout);
            return false;
        }
        *code_out = word_read(o, count, words, &i);
        if (*code_out)
            return false;
    }
    if (!o->file)
        *code_out = misuse("no file", "");
    return o->file != NULL;
}
