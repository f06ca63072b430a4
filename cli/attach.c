/* The command `attach`: a prompt whose lines another program's host runs. Its Lua half is
 * dynsup.attach.prompt. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <string.h>

typedef struct attach {
    cli_job job;
    const char *socket; /* NULL: the only host there is */
    const char *level;  /* of the log; NULL: not said */
} attach;

/* ---- arguments ---- */

static int read_level(void *target, const char *value) {
    attach *a = target;
    enum dynsup_level level;
    a->level = value;
    if (value == NULL)
        cli_say("--log-level needs a level: off, error, warning, info or debug");
    return value && cli_level_parse(value, &level) ? CLI_GO_ON : CLI_MISUSED;
}

/* SOCKET, by its option or as a word. */
static int read_socket(void *target, const char *value) {
    attach *a = target;
    const char *word = value ? value : "";
    if (a->socket)
        cli_say("attach takes one SOCKET, not also '%s': see 'dynsup help attach'", word);
    else if (!*word)
        cli_say("the SOCKET has no name: see 'dynsup help attach'");
    if (a->socket || !*word)
        return CLI_MISUSED;
    a->socket = word;
    return CLI_GO_ON;
}

static const cli_option options[] = {
    {"--log-level", .read = read_level}, {"--socket", .read = read_socket}, {0}};

static int parse(attach *a) {
    int code = CLI_GO_ON;
    bool takes_options = true;
    for (int at = 2; code == CLI_GO_ON && at < a->job.argc; at++) {
        const char *word = a->job.argv[at];
        if (takes_options && strcmp(word, "--") == 0)
            takes_options = false;
        else if (takes_options && word[0] == '-' && word[1])
            code = cli_option_read(options, a, a->job.argv, &at);
        else
            code = read_socket(a, word);
    }
    return code;
}

/* ---- the run ---- */

/* log(level, text): a line of the host's log; false: there is no such level. */
static int log_text(lua_State *L) {
    size_t size;
    const char *level = luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &size);
    lua_pushboolean(L, cli_log_text(level, text, size));
    return 1;
}

/* [-1, +0] Does the job, a light userdata. */
static int attach_job(lua_State *L) {
    attach *a = lua_touserdata(L, 1);
    int count = 0;
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    cli_job_push_main(L, "dynsup.attach.prompt");
    cli_reader_push(L, a->job.config.stays);
    lua_pushcfunction(L, log_text);
    lua_setfield(L, -2, "log");
    lua_pushstring(L, a->socket);
    lua_pushstring(L, a->level);
    enum dynsup_lua_end end = dynsup_lua_run(L, &a->job.config, 3, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    a->job.code = cli_job_tell_end(L, &a->job, end);
    return 0;
}

int cli_attach(int argc, char **argv) {
    attach a = {.job = {.argc = argc, .argv = argv}};
    int code = parse(&a);
    if (code != CLI_GO_ON)
        return code;
    a.job.format_chosen = cli_log_defaults(&a.job.config);
    a.job.config.level = DYNSUP_LEVEL_ERROR; /* its own; the host's log comes by the socket */
    cli_log_init(&a.job.config);
    a.job.config.stays = cli_terminal_open();
    if (!a.job.config.stays)
        cli_input_open(NULL);
    a.job.config.signals = !a.job.config.stays; /* on a terminal they are the Lua half's */
    code = cli_job_run(&a.job, attach_job);
    cli_input_close();
    cli_terminal_close();
    return code;
}
