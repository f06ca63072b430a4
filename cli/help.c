/* The commands `help` and `version`. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

void cli_help_print(const cli_command *command) {
    const char *space = *command->arguments ? " " : "";
    printf("usage: dynsup %s%s%s\n", command->name, space, command->arguments);
    printf("%s\n", command->summary);
    if (command->details)
        printf("\n%s", command->details);
}

static int usage_width(const cli_command *command) {
    return (int)(strlen(command->name) + 1 + strlen(command->arguments));
}

static void print_overview(void) {
    int width = 0;
    for (const cli_command *command = cli_commands; command->name; command++)
        width = usage_width(command) > width ? usage_width(command) : width;
    printf("usage: dynsup COMMAND [ARGUMENTS]\n\n");
    for (const cli_command *command = cli_commands; command->name; command++)
        printf("  %s %-*s   %s\n", command->name, width - (int)strlen(command->name) - 1,
               command->arguments, command->summary);
    printf("\n'dynsup help COMMAND' tells more.\n");
}

static int too_many(char **argv, int at) {
    cli_say("%s does not take '%s': see 'dynsup help'", argv[1], argv[at]);
    return CLI_MISUSED;
}

int cli_help(int argc, char **argv) {
    if (argc > 3)
        return too_many(argv, 3);
    if (argc < 3) {
        print_overview();
        return CLI_DONE;
    }
    const cli_command *command = cli_command_find(argv[2]);
    if (command == NULL)
        return cli_command_unknown(argv[2]);
    cli_help_print(command);
    return CLI_DONE;
}

int cli_version(int argc, char **argv) {
    if (argc > 2)
        return too_many(argv, 2);
    printf("dynsup %s (%s)\n", DYNSUP_VERSION, LUA_RELEASE);
    return CLI_DONE;
}
