/* What the files of the program share: its commands, how it speaks, and its streams. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "bindings/dynsup_lua.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes. A script may end with others by halt. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

/* In place of an exit code: nothing ends the program yet. */
enum { CLI_GO_ON = -1 };

/* ---- main.c: commands ---- */

typedef struct cli_command {
    const char *name;
    const char *option;    /* an option that means the same, or NULL */
    const char *arguments; /* as a user types them */
    const char *summary;   /* half a line */
    const char *details;   /* more lines of its help, or NULL */
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
int cli_repl(int argc, char **argv);
int cli_attach(int argc, char **argv);
int cli_ask(int argc, char **argv); /* eval, tree, top */
int cli_check(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_help(int argc, char **argv);

/* Prints what `help COMMAND` prints. */
void cli_help_print(const cli_command *command);

/* ---- say.c: one line on stderr ---- */

/* Writes "dynsup: ..." and a newline. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what the option needs, and that this value is wrong; value NULL: there is none. */
void cli_say_needs(const char *option, const char *needs, const char *value);

/* The same for a text from a script, which may have any bytes and lines: control characters are
 * escaped, as in the log. */
void cli_say_text(const char *text, size_t size);

/* The candidate that a mistyped word is most like. */
typedef struct cli_nearest {
    const char *word;
    const char *best;   /* NULL: none is like it */
    size_t distance;    /* of the best; starts with one more than is accepted */
    const char *option; /* the option that the word is, with a value after a "="; else NULL */
} cli_nearest;

cli_nearest cli_nearest_to(const char *word);
void cli_nearest_try(cli_nearest *nearest, const char *candidate);

/* Says that the word is unknown, or an option without a value, and what was meant, or else what to
 * do. Returns CLI_MISUSED. */
int cli_unknown(const char *what, const cli_nearest *nearest, const char *otherwise);

/* ---- option.c: options ---- */

/* Is the word this option, alone or with its value after a "="? */
bool cli_option_is(const char *word, const char *name);

/* An option in a table of them, whose last has no name. */
typedef struct cli_option {
    const char *name;
    const char *command; /* NULL: of all commands that share the table */
    size_t flag;         /* where read is NULL: it has no value, and sets this bool of the target */
    /* Takes the value; NULL: none is given. CLI_GO_ON, or the exit code after saying what is wrong.
     */
    int (*read)(void *target, const char *value);
    bool (*is_value)(const char *word); /* is the next word its value? NULL: it always is */
} cli_option;

/* Reads the option at argv[*at], of the command argv[1], and its value: then *at is at the last
 * word of it. CLI_GO_ON, or the exit code after printing the command's help or saying what is
 * wrong. */
int cli_option_read(const cli_option *options, void *target, char **argv, int *at);

/* Reads all options up to "--" or the first other word, which is argv[*first_out]. */
int cli_options_read(const cli_option *options, void *target, char **argv, int *first_out);

/* ---- log.c: what the host logs ---- */

/* Reads a level's name. False for a wrong one, after saying so. */
bool cli_level_parse(const char *word, enum dynsup_level *level_out);

/* Reads a format's name. False for a wrong one, after saying so. */
bool cli_format_parse(const char *word, enum dynsup_log_format *format_out);

/* Sets the defaults: the level warning; the format in the environment's DYNSUP_LOG_FORMAT, or else
 * text on a terminal and logfmt elsewhere. True when the environment has chosen the format. */
bool cli_log_defaults(dynsup_lua_config *config);

/* Makes config write its log to stderr, in its format. Says so if the environment's is unknown. */
void cli_log_init(dynsup_lua_config *config);

/* Writes a line of another host's log to stderr, for people. False: there is no such level. */
bool cli_log_text(const char *level, const char *text, size_t size);

/* Says why the program ends: as cli_say_text, or as a line of the log whose format is not text. */
void cli_log_failure(const dynsup_lua_config *config, const char *text, size_t size);

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

/* If the environment names the socket of a service manager (systemd's Type=notify), makes config
 * send it READY, STOPPING and, if requested, WATCHDOG. *notify must outlive the run. */
void cli_notify_init(cli_notify *notify, dynsup_lua_config *config);

/* ---- limits.c: what the system grants ---- */

/* Raises the soft limit of open files to the hard one. Programs that are started inherit it. */
void cli_limits_raise(void);

/* ---- replay.c: runs that are the same each time ---- */

/* Executes the program again, with argv, so that its addresses are the same in each run; returns
 * when they are, or cannot be, after saying so. To be called before anything is read or opened. */
void cli_replay_enter(char **argv);

/* As dynsup_lua_newstate, but a state whose tables have the same order each time. */
lua_State *cli_replay_newstate(void);

/* ---- job.c: a script, its arguments, and the state it runs in ---- */

typedef struct cli_job {
    int argc;
    char **argv;
    int script; /* FILE in argv; argc: none */
    dynsup_lua_config config;
    bool format_chosen;    /* by an option or the environment */
    bool bytecode;         /* precompiled code may be loaded */
    bool listens;          /* clients may attach */
    const char *socket;    /* where, if that is said */
    const char *event_log; /* a file's name, or NULL */
    FILE *events;
    int events_error; /* the first one while it was written, an errno; 0: none */
    cli_warnings warnings;
    cli_notify notify;
    uint64_t virtual_ns; /* the time of a virtual clock, for the log */
    int code;
} cli_job;

/* Reads the options of the command argv[1]: up to "--" or the first other word, which is FILE.
 * CLI_GO_ON, or the exit code after saying what is wrong. */
int cli_job_parse(cli_job *j);

/* Opens Lua's libraries and the module dynsup, as the options say about loading code. [-0, +1] the
 * module */
void cli_job_open(lua_State *L, const cli_job *j);

/* Sets the global arg as the program lua does: the script at 0, the words before it below. [0, 0]
 */
void cli_job_set_arg(lua_State *L, const cli_job *j);

/* [-0, +1] the script as a function, and CLI_GO_ON; or a line with the reason, and the exit code:
 * CLI_MISUSED for a file that cannot be read or is precompiled, CLI_FAILED for a mistake in it. */
int cli_job_compile(lua_State *L, const cli_job *j);

/* [-0, +1] the script as a function; or false, after reporting why not and setting the code. */
bool cli_job_load(lua_State *L, cli_job *j);

/* [-0, +n] the script's arguments; returns n. */
int cli_job_push_arguments(lua_State *L, const cli_job *j);

/* Reports the end of a run, whose result is on top of the stack; returns the exit code. */
int cli_job_tell_end(lua_State *L, const cli_job *j, enum dynsup_lua_end end);

/* [-0, +1] the function that a module of the Lua half is run by: its field `main` */
void cli_job_push_main(lua_State *L, const char *module);

/* Calls f in a new state with the job, a light userdata; returns the job's code. */
int cli_job_run(cli_job *j, lua_CFunction f);

/* ---- the pages of the reference, made from docs/ by the build ---- */

typedef struct cli_page {
    const char *name; /* as seen from docs/: "api/http.md" */
    const char *text;
    size_t size;
} cli_page;

/* The last has no name. */
extern const cli_page cli_pages[];

/* Pushes a function that returns them: a table from names to texts. [-0, +1] */
void cli_pages_push(lua_State *L);

/* ---- input.c: the standard input, in pieces ---- */

/* What was read and not yet taken: lines of the prompt, and what scripts read by io.read, come from
 * here. There is one in a program. */

/* Makes scripts that read stdin take this input first. ask, if not NULL, is called before and after
 * a script waits for more. */
void cli_input_open(void (*ask)(bool begins));
void cli_input_close(void);

/* libuv's handles make the descriptors that they watch non-blocking, also for other programs that
 * share them: restores the mode. Reading only what is readable does not block. */
void cli_input_settle(void);

/* Reads once what is available; blocks if nothing is. False at the end, or on an error. */
bool cli_input_fill(void);

/* The errno of the error that has ended the input, 0: none. */
int cli_input_error(void);

/* The input that was read and not taken; *size_out is its size. */
const char *cli_input_peek(size_t *size_out);

/* Takes that many bytes of it. */
void cli_input_drop(size_t size);

/* ---- reader.c: the same for the Lua half of a prompt ---- */

/* Pushes a table of functions that read: from the terminal, which must be open, or else from
 * input.c. Its field kind says which: "console" or "pipe". [-0, +1] */
void cli_reader_push(lua_State *L, bool is_terminal);

/* ---- terminal.c: the terminal of the prompt ---- */

/* Takes the terminal, with stdin, stdout and stderr; false if there is none on which lines can be
 * edited. */
bool cli_terminal_open(void);

/* Gives it back. */
void cli_terminal_close(void);

/* Sets its functions in the table on top. [-0, +0] */
void cli_terminal_set(lua_State *L);

/* ---- streams.c: the standard streams ---- */

/* Makes sure that no file opened later becomes a standard stream, and that writing to a closed pipe
 * is an error and not a signal. Programs that are started do not inherit this. */
void cli_streams_init(void);

/* Has a write to stdout failed because nobody reads it any more? */
bool cli_streams_unheard(void);

/* Flushes stdout. False, after saying so, when any of the output was lost. */
bool cli_streams_flush(void);

#endif
