/*
 * Asks the limit: limit [--arena] QUESTION [--smoke] [KIND...] [SIZE...]. Prints lines as the
 * programs in bench/ do.
 */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 8 };

typedef struct question {
    const char *name;
    limit_fn *answer;
    int usual[MAX_SIZES]; /* sizes, ended by 0 */
} question;

static const question questions[] = {
    {"start_child", limit_start_child, {100000}},
    {"short_lived", limit_short_lived, {100000}},
    {"restart", limit_restart, {1}},
    {"already_started", limit_already_started, {1000}},
    {"terminate", limit_terminate, {10000, 100000, 1000000}},
    {"memory", limit_memory, {1000000}},
    {"ping_pong", limit_ping_pong, {1, 1000}},
    {"server", limit_server, {1}},
    {"timers", limit_timers, {100000, 1000000}},
    {"timers_uv", limit_timers_uv, {100000, 1000000}},
    {"step", limit_step, {1000, 1000000}},
    {"children", limit_children, {100000}},
    {"compute", limit_compute, {1}},
    {"codec", limit_codec, {1}},
    {"growth", limit_growth, {1000, 10000, 100000, 1000000}},
    {NULL, NULL, {0}},
};

static const question *question_find(const char *name) {
    for (const question *q = questions; q->name; q++)
        if (strcmp(q->name, name) == 0)
            return q;
    return NULL;
}

/* Sorts the words from argv on into kinds, which stay in place, and sizes. */
static void ask_read(limit_ask *ask, char **argv, int *sizes) {
    int count = 0;
    ask->kinds = argv;
    for (char **word = argv; *word; word++) {
        if (strcmp(*word, "--smoke") == 0)
            ask->smoke = true;
        else if (atoi(*word) == 0)
            ask->kinds[ask->kind_count++] = *word;
        else if (count < MAX_SIZES)
            sizes[count++] = atoi(*word);
    }
}

static void answer(const question *q, const limit_ask *ask, const int *sizes) {
    const int small[MAX_SIZES] = {10};
    if (ask->smoke)
        sizes = small;
    else if (sizes[0] == 0)
        sizes = q->usual;
    for (int i = 0; i < MAX_SIZES && sizes[i]; i++)
        q->answer(ask, sizes[i]);
}

int main(int argc, char **argv) {
    limit_ask ask = {.arena = argc > 1 && strcmp(argv[1], "--arena") == 0};
    int at = 1 + ask.arena, sizes[MAX_SIZES] = {0};
    const question *q = argc > at ? question_find(argv[at]) : NULL;
    if (!q) {
        fputs("usage: limit [--arena] QUESTION [--smoke] [KIND...] [SIZE...]\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    ask.question = q->name;
    ask_read(&ask, argv + at + 1, sizes);
    answer(q, &ask, sizes);
    return 0;
}
