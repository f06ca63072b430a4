/* The game's command line. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: game [OPTION...]\n"
    "A night on a meadow whose creatures are supervised workers in Lua.\n"
    "\n"
    "  --headless         no window, no real time: reads from standard input how many frames\n"
    "                     are to be played, a number a line, and prints counts after each\n"
    "  --frames N         ends after N frames and prints the counts (headless: reads nothing)\n"
    "  --seed N           plays the same game each time (headless: 1)\n"
    "  --scripts FOLDER   where tree.lua, keeper.lua and creatures/ are\n"
    "  --picture FILE     writes the last frame as a BMP\n"
    "\n"
    "The mouse moves the lamp, a click kills a creature. Keys: space pauses, r adds a rabbit,\n"
    "o lets the owl come or go, tab hides the overlay, escape ends. A creature whose file is\n"
    "changed gets the new code at once.\n";

static bool number_read(const char *word, uint64_t *number_out) {
    char *end;
    errno = 0;
    *number_out = strtoull(word, &end, 10);
    return word[0] >= '0' && word[0] <= '9' && !*end && !errno && *number_out > 0;
}

static bool value_read(options *o, const char *option, char *value) {
    if (strcmp(option, "--frames") == 0)
        return number_read(value, &o->frames);
    if (strcmp(option, "--seed") == 0)
        return number_read(value, &o->seed);
    if (strcmp(option, "--scripts") == 0)
        o->scripts = value;
    else
        o->picture = value;
    return true;
}

static bool takes_value(const char *option) {
    static const char *const names[] = {"--frames", "--seed", "--scripts", "--picture"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(option, names[i]) == 0)
            return true;
    return false;
}

static bool misuse(int *code_out, const char *what, const char *word) {
    fprintf(stderr, "game: %s: %s (--help says how it is called)\n", what, word);
    *code_out = 2;
    return false;
}

bool options_read(options *o, int count, char **words, int *code_out) {
    *o = (options){.scripts = GAME_FOLDER};
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0) {
            fputs(help, stdout);
            *code_out = 0;
            return false;
        }
        if (strcmp(words[i], "--headless") == 0)
            o->is_headless = true;
        else if (!takes_value(words[i]))
            return misuse(code_out, "no such option", words[i]);
        else if (i + 1 == count || !value_read(o, words[i], words[i + 1]))
            return misuse(code_out, "this option needs a value of its kind", words[i]);
        else
            i++;
    }
    if (o->is_headless && !o->seed)
        o->seed = 1;
    return true;
}
