/* The command `run`: a Lua script as the main process of a host. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <string.h>

typedef struct job {
    int argc;
    char **argv;
    int script; /* FILE in argv */
    dynsup_lua_config config;
    bool format_chosen; /* by an option or the environment */
    cli_warnings warnings;
    cli_notify notify;
    int code;
} job;

/* ---- arguments ---- */

enum { GO_ON = -1 };

/* The value of an option, in the same word or in the next one, at which *at is then. */
static const char *option_value(int argc, char **argv, int *at) {
    const char *equals = strchr(argv[*at], '=');
    if (equals)
        return equals + 1;
    return *at + 1 < argc ? argv[++*at] : NULL;
}

static bool is_option(const char *word, const char *name) {
    size_t length = strcspn(word, "=");
    return length == strlen(name) && strncmp(word, name, length) == 0;
}

static int option_unknown(const char *word) {
    cli_nearest nearest = cli_nearest_to(word);
    cli_nearest_try(&nearest, "--log-level");
    cli_nearest_try(&nearest, "--log-format");
    cli_nearest_try(&nearest, "--copy-messages");
    cli_nearest_try(&nearest, "--help");
    return cli_unknown("option", &nearest, "see 'dynsup help run'");
}

static int parse_level(job *j, const char *value) {
    if (value == NULL) {
        cli_say("--log-level needs a level: off, error, warning, info or debug");
        return CLI_MISUSED;
    }
    return cli_level_parse(value, &j->config.level) ? GO_ON : CLI_MISUSED;
}

static int parse_format(job *j, const char *value) {
    if (value == NULL) {
        cli_say("--log-format needs a format: text, logfmt or json");
        return CLI_MISUSED;
    }
    j->format_chosen = true;
    return cli_format_parse(value, &j->config.format) ? GO_ON : CLI_MISUSED;
}

static int parse_option(job *j, int *at) {
    const char *word = j->argv[*at];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        cli_help_print(cli_command_find("run"));
        return CLI_DONE;
    }
    if (strcmp(word, "--copy-messages") == 0) {
        j->config.copy_messages = true;
        return GO_ON;
    }
    if (is_option(word, "--log-level"))
        return parse_level(j, option_value(j->argc, j->argv, at));
    if (is_option(word, "--log-format"))
        return parse_format(j, option_value(j->argc, j->argv, at));
    return option_unknown(word);
}

/* Options end at "--" or at the first other word; "-" is the standard input. */
static int parse(job *j) {
    int at = 2, code = GO_ON;
    for (; at < j->argc && j->argv[at][0] == '-' && j->argv[at][1]; at++) {
        if (strcmp(j->argv[at], "--") == 0) {
            at++;
            break;
        }
        code = parse_option(j, &at);
        if (code != GO_ON)
            return code;
    }
    if (at >= j->argc || !j->argv[at][0]) {
        cli_say("run needs a FILE: see 'dynsup help run'");
        return CLI_MISUSED;
    }
    j->script = at;
    return GO_ON;
}

/* ---- the script ---- */

/* The global arg as the program lua sets it: the script at 0, what stands before it below. [0, 0]
 */
static void set_arg(lua_State *L, const job *j) {
    lua_createtable(L, j->argc - j->script, j->script + 1);
    for (int i = 0; i < j->argc; i++) {
        lua_pushstring(L, j->argv[i]);
        lua_rawseti(L, -2, i - j->script);
    }
    lua_setglobal(L, "arg");
}

/* [-0, +n] the script's arguments; returns n. */
static int push_arguments(lua_State *L, const job *j) {
    int count = j->argc - j->script - 1;
    luaL_checkstack(L, count, "too many arguments for the script");
    for (int i = 1; i <= count; i++)
        lua_pushstring(L, j->argv[j->script + i]);
    return count;
}

/* [-0, +1] the script as a function; or false, after telling why not. */
static bool load(lua_State *L, job *j) {
    const char *file = j->argv[j->script];
    int status = luaL_loadfile(L, strcmp(file, "-") == 0 ? NULL : file);
    if (status == LUA_OK)
        return true;
    const char *message = lua_tostring(L, -1);
    cli_say("%.*s", (int)strcspn(message, "\n"), message);
    j->code = status == LUA_ERRFILE ? CLI_MISUSED : CLI_FAILED;
    return false;
}

/* ---- the end ---- */

/* Why the program ends is for people, unless somebody has asked for lines that programs read. */
static void say_failure(const job *j, const char *text) {
    if (j->format_chosen)
        cli_log_failure(&j->config, text);
    else
        cli_say("%s", text);
}

/* A crash tells where it comes from; of other reasons it has to be said. */
static void tell_failure(lua_State *L, const job *j) {
    int reason = lua_gettop(L);
    bool has_text = luaL_getmetafield(L, reason, "__tostring") != LUA_TNIL;
    dynsup_lua_text_push(L, reason);
    const char *text = lua_tostring(L, -1);
    if (!has_text)
        text = lua_pushfstring(L, "the main process ended with the reason %s", text);
    say_failure(j, text);
}

/* The exit code for the end of a run, whose result is on top of the stack. */
static int tell_end(lua_State *L, const job *j, enum dynsup_lua_end end) {
    switch (end) {
    case DYNSUP_LUA_DONE:
        return CLI_DONE;
    case DYNSUP_LUA_FAILED:
        tell_failure(L, j);
        return CLI_FAILED;
    case DYNSUP_LUA_DEADLOCK:
        lua_pushfstring(L, "nothing can happen any more, but the main process waits\n%s",
                        luaL_tolstring(L, -1, NULL));
        say_failure(j, lua_tostring(L, -1));
        return CLI_FAILED;
    case DYNSUP_LUA_HALTED:
        return (int)lua_tointeger(L, -1);
    }
    return CLI_FAILED;
}

/* [-1, +0] Does the job, a light userdata. */
static int run_job(lua_State *L) {
    job *j = lua_touserdata(L, 1);
    int count = 0;
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    set_arg(L, j);
    if (!load(L, j))
        return 0;
    int nargs = push_arguments(L, j);
    enum dynsup_lua_end end = dynsup_lua_run(L, &j->config, nargs, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    j->code = tell_end(L, j, end);
    return 0;
}

static int run_in_state(job *j) {
    lua_State *L = dynsup_lua_newstate();
    if (L == NULL) {
        cli_say("there is not enough memory");
        return CLI_FAILED;
    }
    cli_warnings_init(&j->warnings, L, &j->config);
    lua_pushcfunction(L, run_job);
    lua_pushlightuserdata(L, j);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *message = lua_tostring(L, -1);
        cli_say("%s", message ? message : "the error cannot be told: it has no text");
        j->code = CLI_FAILED;
    }
    dynsup_lua_close(L);
    return j->code;
}

int cli_run(int argc, char **argv) {
    job j = {.argc = argc, .argv = argv, .config = {.signals = true}};
    j.format_chosen = cli_log_defaults(&j.config);
    cli_limits_raise();
    int code = parse(&j);
    cli_log_init(&j.config);
    cli_notify_init(&j.notify, &j.config);
    return code == GO_ON ? run_in_state(&j) : code;
}
