/* What the files of the program share: its commands, how it speaks, and its streams. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "bindings/dynsup_lua.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes. A script may end with others by halt. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

/* ---- main.c: commands ---- */

typedef struct cli_command {
    const char *name;
    const char *option;    /* an option that means the same, or NULL */
    const char *arguments; /* as a user types them */
    const char *summary;   /* half a line */
    const char *details;   /* what help tells besides: whole lines, or NULL */
    /* Runs it; argv is the program's whole, with the command in argv[1]. Returns the exit code. */
    int (*run)(int argc, char **argv);
} cli_command;

/* All commands; the last has no name. */
extern const cli_command cli_commands[];

/* The command of this name or option; NULL: none. */
const cli_command *cli_command_find(const char *word);

/* Says that there is no such command, with a hint; returns CLI_MISUSED. */
int cli_command_unknown(const char *word);

/* ---- the commands ---- */

int cli_run(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_help(int argc, char **argv);

/* Prints what `help COMMAND` prints. */
void cli_help_print(const cli_command *command);

/* ---- say.c: one line on stderr ---- */

/* Writes "dynsup: ..." and a newline. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The candidate that a mistyped word is most like. */
typedef struct cli_nearest {
    const char *word;
    const char *best; /* NULL: none is like it */
    size_t distance;  /* of the best; starts with one more than is accepted */
} cli_nearest;

cli_nearest cli_nearest_to(const char *word);
void cli_nearest_try(cli_nearest *nearest, const char *candidate);

/* Says that the word is unknown and what was meant, or else what to do. Returns CLI_MISUSED. */
int cli_unknown(const char *what, const cli_nearest *nearest, const char *otherwise);

/* ---- log.c: what the host logs ---- */

/* Reads a level's name. False for a wrong one, after saying so. */
bool cli_level_parse(const char *word, enum dynsup_level *level_out);

/* Reads a format's name. False for a wrong one, after saying so. */
bool cli_format_parse(const char *word, enum dynsup_log_format *format_out);

/* Level and format where nothing is said: warning; the environment's DYNSUP_LOG_FORMAT, or else
 * text on a terminal and logfmt elsewhere. True when the environment has chosen the format. */
bool cli_log_defaults(dynsup_lua_config *config);

/* Makes config write its log to stderr, in its format. */
void cli_log_init(dynsup_lua_config *config);

/* Says why the program ends: as cli_say, or as a line of the log whose format is not text. */
void cli_log_failure(const dynsup_lua_config *config, const char *text);

/* Lua's warnings, of which the most important are errors in finalizers: lines of the log. They are
 * on until the script calls warn("@off"). */
typedef struct cli_warnings {
    const dynsup_lua_config *config;
    bool off;
    size_t length; /* of the warning that has begun */
    char text[1000];
} cli_warnings;

/* *warnings must live until the state is closed. */
void cli_warnings_init(cli_warnings *warnings, lua_State *L, const dynsup_lua_config *config);

/* ---- init.c: as process 1 ---- */

/* In process 1: starts a child, in which it returns false, for it to be the program; in process 1
 * itself returns true when the child has ended, with its exit code. Anywhere else returns false. */
bool cli_init(int *code_out);

/* ---- notify.c: a service manager ---- */

typedef struct cli_notify {
    const char *path; /* of its socket: the environment's */
    bool failed;      /* and that has been said */
    dynsup_lua_service service;
} cli_notify;

/* Where the environment names the socket of a service manager (systemd's Type=notify), makes config
 * tell it READY, STOPPING and, if it asks for that, WATCHDOG. *notify must outlive the run. */
void cli_notify_init(cli_notify *notify, dynsup_lua_config *config);

/* ---- limits.c: what the system grants ---- */

/* Raises the soft limit of open files to the hard one. Programs that are started inherit it. */
void cli_limits_raise(void);

/* ---- streams.c: the standard streams ---- */

/* Sees to it that no file opened later becomes a standard stream, and that writing to a closed pipe
 * is an error and no signal. Programs that are started do not inherit this. */
void cli_streams_init(void);

/* Writes out what is left for stdout. False, after saying so, when any of the output was lost. */
bool cli_streams_flush(void);

#endif
