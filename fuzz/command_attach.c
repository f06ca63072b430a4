/* How attach reads its arguments. */
#include "fuzz/command.h"

#include "cli/attach.c"

#include <stdlib.h>

void fuzz_attach(int argc, char **argv) {
    attach a = {.job = {.argc = argc, .argv = argv}};
    if (parse(&a) == CLI_GO_ON && a.socket && !*a.socket)
        abort();
}
