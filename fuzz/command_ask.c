/* How eval, tree and top read their arguments. */
#include "fuzz/command.h"

#include "cli/ask.c"

void fuzz_ask(int argc, char **argv) {
    ask a = {.job = {.argc = argc, .argv = argv}, .command = argv[1]};
    if (cli_options_read(options, &a, argv, &a.first) != CLI_GO_ON)
        return;
    if (strcmp(a.command, "eval") == 0)
        code_check(&a, argc, argv);
    else
        socket_take(&a, argc, argv);
    if (a.first < 2 || a.first > argc)
        abort();
}
