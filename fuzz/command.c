/*
 * Fuzzes the command line: how the program reads its arguments, one per line of the input, before
 * it does anything.
 */
#include "fuzz/command.h"

#include "cli/cli.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* run, repl, check. */
static void job_try(int argc, char **argv) {
    cli_job j = {.argc = argc, .argv = argv};
    if (cli_job_parse(&j) == CLI_GO_ON && (j.script < 2 || j.script > argc))
        abort();
}

static void try(int argc, char **argv) {
    const cli_command *command = cli_command_find(argv[1]);
    if (!command)
        cli_command_unknown(argv[1]);
    else if (command->run == cli_ask)
        fuzz_ask(argc, argv);
    else if (command->run == cli_attach)
        fuzz_attach(argc, argv);
    else if (command->run == cli_help)
        cli_help(argc, argv);
    else if (command->run != cli_version)
        job_try(argc, argv);
}

/* Each argument is in a block of its size, so that reads beyond its end are found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *argv[ARGUMENTS_MAX + 1] = {strdup("dynsup")};
    const char *at = (const char *)data, *end = at + size;
    int argc = 1;
    while (size > 0 && at <= end && argc < ARGUMENTS_MAX) {
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (!stop)
            stop = end;
        argv[argc++] = strndup(at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (argc > 1)
        try(argc, argv);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return 0;
}
