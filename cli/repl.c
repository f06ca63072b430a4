/* The command `repl`: a prompt in the main process of a host. Its Lua half is dynsup.repl. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* ---- the run ---- */

/* [-0, +n] FILE as a function with its arguments; false for one with a mistake in it. Returns n, or
 * -1 when it cannot be read. */
static int file_push(lua_State *L, cli_job *j) {
    if (j->script >= j->argc)
        return 0;
    if (cli_job_load(L, j))
        return 1 + cli_job_push_arguments(L, j);
    if (j->code == CLI_MISUSED)
        return -1;
    lua_pushboolean(L, 0);
    lua_replace(L, -2); /* the message */
    return 1;
}

/* [-1, +0] Does the job, a light userdata. */
static int repl_job(lua_State *L) {
    cli_job *j = lua_touserdata(L, 1);
    bool is_terminal = j->config.stays;
    int count = 0;
    cli_job_open(L, j);
    cli_job_push_main(L, "dynsup.repl");
    cli_reader_push(L, is_terminal);
    int nargs = file_push(L, j);
    if (nargs < 0)
        return 0;
    enum dynsup_lua_end end = dynsup_lua_run(L, &j->config, 1 + nargs, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    j->code = cli_job_tell_end(L, j, end);
    return 0;
}

int cli_repl(int argc, char **argv) {
    cli_job j = {.argc = argc, .argv = argv, .config = {.signals = true}};
    dynsup_lua_config_program(&j.config);
    j.format_chosen = cli_log_defaults(&j.config);
    cli_limits_raise();
    int code = cli_job_parse(&j);
    cli_log_init(&j.config);
    if (code != CLI_GO_ON)
        return code;
    if (cli_terminal_open())
        j.config.stays = true; /* a line that waits for ever waits for Ctrl-C */
    else
        cli_input_open(NULL);
    j.config.signals = !j.config.stays; /* on a terminal they are the Lua half's */
    code = cli_job_run(&j, repl_job);
    cli_input_close();
    cli_terminal_close();
    return code;
}
