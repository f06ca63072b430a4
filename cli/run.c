/* The command `run`: a Lua script as the main process of a host. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* [-0, +2] the host's side of attach, which goes on as the script, and its settings */
static void host_push(lua_State *L, const cli_job *j) {
    cli_job_push_main(L, "dynsup.attach.host");
    lua_newtable(L);
    lua_pushstring(L, j->socket);
    lua_setfield(L, -2, "listen");
    lua_pushstring(L, j->argv[j->script]);
    lua_setfield(L, -2, "script");
    cli_pages_push(L);
    lua_setfield(L, -2, "pages");
}

/* ---- the event log ---- */

/* A line of the event log. The stream forgets why it has failed, and goes on when there is room. */
static void event_line(void *ud, enum dynsup_level level, const char *text, size_t size) {
    cli_job *j = ud;
    (void)level;
    if (fprintf(j->events, "%.*s\n", (int)size, text) < 0 && !j->events_error)
        j->events_error = errno;
}

/* Is the file for the event log the one that the script was read from? */
static bool is_script(const cli_job *j) {
    struct stat script, log;
    const char *name = j->argv[j->script];
    int missing = strcmp(name, "-") == 0 ? fstat(STDIN_FILENO, &script) : stat(name, &script);
    if (missing || stat(j->event_log, &log) || !S_ISREG(log.st_mode))
        return false;
    return script.st_dev == log.st_dev && script.st_ino == log.st_ino;
}

/* Opens it, which empties an existing file: so only for a script that can be run. False, after
 * saying why not. */
static bool events_open(cli_job *j) {
    if (!j->event_log)
        return true;
    if (is_script(j)) {
        cli_say("the event log '%s' is the script itself, which it would replace", j->event_log);
        return false;
    }
    j->events = fopen(j->event_log, "we");
    if (!j->events) {
        cli_say("cannot write the event log '%s': %s", j->event_log, strerror(errno));
        return false;
    }
    j->config.event_log = event_line;
    j->config.event_log_ud = j;
    return true;
}

static int events_close(cli_job *j, int code) {
    if (!j->events)
        return code;
    if (fclose(j->events) && !j->events_error)
        j->events_error = errno;
    if (!j->events_error)
        return code;
    cli_say("the event log '%s' could not be written: %s", j->event_log, strerror(j->events_error));
    return code == CLI_DONE ? CLI_FAILED : code;
}

/* ---- the run ---- */

/* [-1, +0] Does the job, a light userdata. */
static int run_job(lua_State *L) {
    cli_job *j = lua_touserdata(L, 1);
    int count = 0;
    cli_job_open(L, j);
    cli_job_set_arg(L, j);
    if (j->listens)
        host_push(L, j);
    if (!cli_job_load(L, j))
        return 0;
    if (!events_open(j)) {
        j->code = CLI_MISUSED;
        return 0;
    }
    int nargs = cli_job_push_arguments(L, j) + (j->listens ? 2 : 0);
    enum dynsup_lua_end end = dynsup_lua_run(L, &j->config, nargs, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    j->code = cli_job_tell_end(L, j, end);
    return 0;
}

int cli_run(int argc, char **argv) {
    cli_job j = {.argc = argc, .argv = argv, .config = {.signals = true}};
    dynsup_lua_config_program(&j.config);
    j.format_chosen = cli_log_defaults(&j.config);
    cli_limits_raise();
    int code = cli_job_parse(&j);
    if (code == CLI_GO_ON && (j.script >= argc || !argv[j.script][0])) {
        cli_say("run needs a FILE: see 'dynsup help run'");
        code = CLI_MISUSED;
    }
    if (code == CLI_GO_ON && j.listens && j.config.virtual_clock) {
        cli_say("--listen needs the real clock: sockets know nothing of --clock virtual");
        code = CLI_MISUSED;
    }
    if (code == CLI_GO_ON && j.config.virtual_clock)
        cli_replay_enter(argv);
    cli_log_init(&j.config);
    cli_notify_init(&j.notify, &j.config);
    return code == CLI_GO_ON ? events_close(&j, cli_job_run(&j, run_job)) : code;
}
