/*
 * The command `check`: validates the specs that a script declares, without running its workers. The
 * run is a dry one (bindings/process/dry.h); the Lua half, dynsup.check, reports the mistakes.
 */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdio.h>

/* [-0, +1] dynsup.check */
static void module_push(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "dynsup.check");
    lua_call(L, 1, 1);
}

/* [-0, +1] the script as a function; or false, after reporting why not and setting the code. A
 * syntax error is reported like everything that the check finds. */
static bool script_push(lua_State *L, cli_job *j) {
    int code = cli_job_compile(L, j);
    if (code == CLI_GO_ON)
        return true;
    if (code == CLI_FAILED)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    else
        cli_say("%s", lua_tostring(L, -1));
    j->code = code;
    return false;
}

/* Lets the Lua half report how the run ended; the run's first result is at the index. */
static int tell_end(lua_State *L, int module, enum dynsup_lua_end end, int result) {
    static const char *const ends[] = {
        [DYNSUP_LUA_DONE] = "done",
        [DYNSUP_LUA_FAILED] = "failed",
        [DYNSUP_LUA_DEADLOCK] = "waits",
        [DYNSUP_LUA_HALTED] = "halted",
    };
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_getfield(L, module, "finish");
    lua_pushstring(L, ends[end]);
    lua_pushvalue(L, result);
    lua_call(L, 2, 1);
    return (int)lua_tointeger(L, -1);
}

/* [-1, +0] Does the job, a light userdata. */
static int check_job(lua_State *L) {
    cli_job *j = lua_touserdata(L, 1);
    int count = 0;
    cli_job_open(L, j);
    cli_job_set_arg(L, j);
    module_push(L);
    int module = lua_gettop(L);
    lua_getfield(L, module, "main");
    if (!script_push(L, j))
        return 0;
    int nargs = cli_job_push_arguments(L, j);
    enum dynsup_lua_end end = dynsup_lua_run(L, &j->config, nargs + 1, &count);
    lua_pushnil(L); /* where there is no result */
    j->code = tell_end(L, module, end, module + 1);
    return 0;
}

int cli_check(int argc, char **argv) {
    cli_job j = {.argc = argc, .argv = argv, .config = {.virtual_clock = true, .dry = true}};
    dynsup_lua_config_program(&j.config);
    j.format_chosen = cli_log_defaults(&j.config);
    int code = cli_job_parse(&j);
    if (code == CLI_GO_ON && (j.script >= argc || !argv[j.script][0])) {
        cli_say("check needs a FILE: see 'dynsup help check'");
        code = CLI_MISUSED;
    }
    cli_log_init(&j.config);
    return code == CLI_GO_ON ? cli_job_run(&j, check_job) : code;
}
