/* The program `dynsup`: finds the command and runs it. */
#include "cli/cli.h"

#include <string.h>
#include <unistd.h>

const cli_command cli_commands[] = {
    {"run", NULL, "[OPTION...] FILE [ARG...]", "runs a Lua script as the main process",
     "FILE is a Lua script, - the standard input. It finds FILE and its arguments in the\n"
     "global table arg, the arguments also in `...`.\n"
     "\n"
     "  --log-level LEVEL   what is written to stderr: off, error, warning, info or debug,\n"
     "                      each with those before it (default: warning)\n"
     "  --log-format FORMAT how: text, logfmt or json, one event a line (default: the\n"
     "                      environment's DYNSUP_LOG_FORMAT, or else text on a terminal and\n"
     "                      logfmt elsewhere); colours on a terminal, unless NO_COLOR is set\n"
     "  --copy-messages     tables in messages are copied: to find senders that change them later\n"
     "  --memory-accounts   each process has an account of its memory from the beginning: top and\n"
     "                      info tell how much it has\n"
     "  --allow-bytecode    FILE and modules may be precompiled; Lua does not check such code, "
     "and\n"
     "                      a wrong or a hostile one crashes the program or worse\n"
     "  --listen [SOCKET]   lets you attach while it runs ('dynsup help attach'), at a Unix\n"
     "                      socket that only you, and root, can open: SOCKET, or one in a\n"
     "                      directory of your own. The next word is SOCKET unless it begins\n"
     "                      with -, ends in .lua or is a file. Such a run goes on until it is\n"
     "                      halted\n"
     "  --clock virtual     time moves on when nothing is ready, straight to the next deadline\n"
     "  --seed NUMBER       of all that is random; with a virtual clock each run is the same\n"
     "  --event-log FILE    writes down what happens to processes and children, all of it, in\n"
     "                      place of what the file has had; it does not end in .lua\n"
     "\n"
     "The run ends when nothing can happen any more, by dynsup.halt, or by SIGINT or\n"
     "SIGTERM, which stop everything in order; a second SIGINT ends it at once. SIGHUP\n"
     "does what SIGTERM does, unless the script asks for it as an event (dynsup.observe).\n"
     "\n"
     "exit code: that of dynsup.halt; 0 for an end by itself or by a signal; 1 if the\n"
     "script failed, or waits for what cannot come; 2 if FILE cannot be read or the\n"
     "command is wrong; 130 after a second SIGINT\n",
     cli_run},
    {"repl", NULL, "[OPTION...] [FILE [ARG...]]", "runs the lines that you type, in one process",
     "Lines of Lua run while everything that they have started goes on. Expressions print their\n"
     "values, _ is the last one; what is incomplete goes on in the next line. FILE runs first, as\n"
     "if it were typed. help() tells what there is.\n"
     "\n"
     "  --log-level LEVEL, --log-format FORMAT, --copy-messages,\n"
     "  --memory-accounts, --allow-bytecode   as of run\n"
     "\n"
     "Ctrl-C unwinds the line that runs, Ctrl-D or the end of the input stops everything in "
     "order.\n"
     "Lines also come from a file or a pipe: then there is no prompt.\n"
     "\n"
     "exit code: that of dynsup.halt; 0 for an end by Ctrl-D or by a signal; 1 if a line from a\n"
     "file or a pipe failed; 2 if FILE or the input cannot be read, or the command is wrong\n",
     cli_repl},
    {"attach", NULL, "[OPTION...] [SOCKET]", "runs the lines that you type in a host that runs",
     "Lines run in a process of their own in a host that was begun by 'dynsup run --listen',\n"
     "while everything there goes on. Several of you may be attached at a time, but only as the\n"
     "host's own user, or root.\n"
     "SOCKET is the host's, or its pid (default: your only host that listens).\n"
     "\n"
     "  --log-level LEVEL   lines of the host's log that are shown, as far as it logs them: off,\n"
     "                      error, warning, info or debug, each with those before it\n"
     "                      (default: warning on a terminal, off elsewhere)\n"
     "  --socket SOCKET     the same as SOCKET\n"
     "\n"
     "Ctrl-C unwinds the line that runs; three times, while the host does not answer, detaches.\n"
     "Ctrl-D or the end of the input detaches: what was started goes on. os.exit() ends the host.\n"
     "Lines also come from a file or a pipe: then there is no prompt.\n"
     "\n"
     "exit code: 0 after Ctrl-D, a signal, or the host's end; 1 if a line from a file or a pipe\n"
     "failed, the connection is lost or the host does not answer; 2 if there is no such host, the\n"
     "input cannot be read or the command is wrong\n",
     cli_attach},
    {"eval", NULL, "[OPTION...] CODE [ARG...]", "evaluates code in a host that runs",
     "CODE, an expression or statements, runs in a session of its own in a host that was begun by\n"
     "'dynsup run --listen', and finds its arguments in `...`. Its values are printed, each on a\n"
     "line: texts as they are, others as the prompt shows them. CODE - is the standard input.\n"
     "What it has started goes on. os.exit() ends the host.\n"
     "\n"
     "  --json            prints each value as JSON\n"
     "  --socket SOCKET   the host's socket (default: your only host that listens)\n"
     "\n"
     "exit code: 0; 1 if the code failed; 2 if there is no such host, CODE cannot be read or the\n"
     "command is wrong; 129, 130 or 143 after a signal\n",
     cli_ask},
    {"tree", NULL, "[OPTION...] [SOCKET]", "shows the supervisors and workers of a host that runs",
     "SOCKET is that of a host that was begun by 'dynsup run --listen' (default: your only one).\n"
     "It is what tree() shows at the prompt: at most 1,000 of the supervisors that are nobody's\n"
     "children, and 1,000 children in all, 100 of each supervisor.\n"
     "\n"
     "  --json            prints a JSON array of the supervisors that are nobody's children, with\n"
     "                    the fields that dynsup.observer.tree gives them; how many of them are\n"
     "                    missing goes to stderr\n"
     "  --socket SOCKET   the same as SOCKET\n"
     "\n"
     "exit code: 0; 1 if the host failed to answer; 2 if there is none or the command is wrong;\n"
     "129, 130 or 143 after a signal\n",
     cli_ask},
    {"top", NULL, "[OPTION...] [SOCKET]", "shows the busiest processes of a host that runs",
     "SOCKET is that of a host that was begun by 'dynsup run --listen' (default: your only one).\n"
     "\n"
     "  --by WHAT         with most slices, cpu_time, mailbox or memory (default: cpu_time)\n"
     "  --limit N         how many (default: 10)\n"
     "  --json            prints a JSON array, with the fields that dynsup.observer.top gives\n"
     "  --socket SOCKET   the same as SOCKET\n"
     "\n"
     "exit code: 0; 1 if the host failed to answer; 2 if there is none or the command is wrong;\n"
     "129, 130 or 143 after a signal\n",
     cli_ask},
    {"check", NULL, "[OPTION...] FILE [ARG...]", "validates a script's specs, runs no worker",
     "FILE runs as the main process, with its ARGs, as run would run it; but no worker and no\n"
     "server runs, whatever is started: its process is there and idle. Each child spec and each\n"
     "supervisor's options are validated; what is refused is told as FILE:LINE: function: reason:\n"
     "value: what to do, also where the script ignores it. Start functions, init and child_spec\n"
     "of modules are called; of \"module:function\" the function is looked for.\n"
     "\n"
     "The script's own lines do run, with all that they do: they read and write files, and\n"
     "os.execute executes. The clock is virtual, so sleeping takes no time. Nothing is listened\n"
     "at or connected to. Where the main process waits for what only a worker or a peer could\n"
     "send, the check ends, and says so.\n"
     "\n"
     "  --log-level LEVEL, --log-format FORMAT, --copy-messages,\n"
     "  --memory-accounts, --allow-bytecode   as of run; what happens to processes is logged from\n"
     "                                        the level info on only\n"
     "\n"
     "exit code: 0 if all is right; 1 if something is wrong, the script failed, or it ended\n"
     "itself with another code than 0; 2 if FILE cannot be read or the command is wrong\n",
     cli_check},
    {"version", "--version", "", "prints the versions of dynsup and Lua", NULL, cli_version},
    {"help", "--help", "[COMMAND]", "explains a command, or all in short", NULL, cli_help},
    {0}};

const cli_command *cli_command_find(const char *word) {
    if (strcmp(word, "-h") == 0)
        word = "--help";
    for (const cli_command *command = cli_commands; command->name; command++) {
        bool is_option = command->option && strcmp(word, command->option) == 0;
        if (is_option || strcmp(word, command->name) == 0)
            return command;
    }
    return NULL;
}

static bool is_script(const char *word) {
    size_t length = strlen(word);
    return (length > 4 && strcmp(word + length - 4, ".lua") == 0) || access(word, R_OK) == 0;
}

int cli_command_unknown(const char *word) {
    cli_nearest nearest = cli_nearest_to(word);
    for (const cli_command *command = cli_commands; command->name; command++) {
        cli_nearest_try(&nearest, command->name);
        if (command->option)
            cli_nearest_try(&nearest, command->option);
    }
    if (nearest.best == NULL && *word != '-' && is_script(word)) {
        cli_say("unknown command '%s': to run a script, type 'dynsup run %s'", word, word);
        return CLI_MISUSED;
    }
    return cli_unknown(*word == '-' ? "option" : "command", &nearest, "see 'dynsup help'");
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        cli_say("a command is missing: see 'dynsup help'");
        return CLI_MISUSED;
    }
    const cli_command *command = cli_command_find(argv[1]);
    return command ? command->run(argc, argv) : cli_command_unknown(argv[1]);
}

int main(int argc, char **argv) {
    int code;
    cli_streams_init();
    if (cli_init(&code))
        return code;
    code = dispatch(argc, argv);
    if (!cli_streams_flush() && code == CLI_DONE)
        code = CLI_FAILED;
    return code;
}
