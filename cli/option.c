/* Options as commands find them in their arguments. */
#include "cli/cli.h"

#include <string.h>

bool cli_option_is(const char *word, const char *name) {
    size_t length = strcspn(word, "=");
    return length == strlen(name) && strncmp(word, name, length) == 0;
}

const char *cli_option_value(int argc, char **argv, int *at) {
    const char *equals = strchr(argv[*at], '=');
    if (equals)
        return equals + 1;
    return *at + 1 < argc ? argv[++*at] : NULL;
}
